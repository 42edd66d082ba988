"""What a run is named by: every parameter that determines it, and none that would rename runs of before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

from rethinkpool_core.parameters.recorded import recorded_values
from rethinkpool_core.parameters.types import NO_EFFECT_ON_RESULTS, RECORDED_IF_CHANGED


@dataclass(frozen=True)
class Before:
    sizes: tuple[int, ...]
    rate: float = 0.5


@dataclass(frozen=True)
class After(Before):
    ties: Annotated[str, RECORDED_IF_CHANGED] = "shared"
    workers: Annotated[int, NO_EFFECT_ON_RESULTS] = 0


def test_values_are_plain():
    values = recorded_values(Before((2, 1)))
    assert values == json.loads(json.dumps(values)) == {"sizes": [2, 1], "rate": 0.5}


def test_a_later_parameter_renames_no_earlier_run():
    assert recorded_values(After((2, 1))) == recorded_values(Before((2, 1)))
    assert recorded_values(After((2, 1), ties="first")) == recorded_values(Before((2, 1))) | {"ties": "first"}


def test_a_parameter_without_effect_is_never_recorded():
    assert recorded_values(After((2, 1), workers=3)) == recorded_values(Before((2, 1)))
