"""The line under what a notebook computed."""

from __future__ import annotations

import pytest

from rethinkpool_core.errors import DeviceError
from rethinkpool_core.site.computed_here import computed_here


def test_it_names_data_seed_and_the_command(small):
    shown = computed_here(
        "c_invariance", small.dataset, 7, parameters={"dataset": "DIGITS", "live_models": "A, B"}
    ).html
    assert "seed 7" in shown and "DIGITS, 9 graphs, checksum <code>made in a te" in shown
    assert "rethinkpool notebook c_invariance -p dataset DIGITS -p live_models &#x27;A, B&#x27;" in shown


def test_a_device_that_is_not_here(small):
    with pytest.raises(DeviceError):
        computed_here("c_invariance", small.dataset, 1, "cuda:99")


def test_several_seeds_are_named(small):
    assert "seeds 1-3," in computed_here("y_your_data", small.dataset, [3, 1, 2]).html.replace(" ·", ",")
    assert "seed 7," in computed_here("y_your_data", small.dataset, [7]).html.replace(" ·", ",")
