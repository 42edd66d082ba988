"""Annotations for the fields of a configuration: bounds, choices, when a field has an effect, and how it is recorded.

    @dataclass(frozen=True)
    class MyConfig:
        hidden_dim: PositiveInt = 64
        ratio: Annotated[float, Bounds(above=0, at_most=1)] = 0.5
        score: Literal["linear", "distance"] = "linear"
        scale: Annotated[PositiveFloat, OnlyIf("score", "distance")] = 1.0

A field may be an int, a float, a bool, a str, a Literal of strings, or a tuple of one of these (``tuple[PositiveInt, ...]``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The numbers that a parameter may be."""

    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    below: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )

    def __str__(self) -> str:
        """``"above 0 and at most 1"``; empty without bounds."""
        limits = {
            "above": self.above,
            "of at least": self.at_least,
            "at most": self.at_most,
            "below": self.below,
        }
        return " and ".join(f"{words} {limit:g}" for words, limit in limits.items() if limit is not None)


@dataclass(frozen=True)
class OnlyIf:
    """The parameter has an effect only where another field of the configuration has one of ``values``.

    A model whose configuration fixes that field to another value does not have the parameter.
    """

    field: str
    values: tuple[Any, ...]

    def __init__(self, field: str, *values: Any):
        object.__setattr__(self, "field", field)
        object.__setattr__(self, "values", values)


class _Mark:
    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return self.name


NO_EFFECT_ON_RESULTS = _Mark("NO_EFFECT_ON_RESULTS")
"""Mark of a parameter that changes how fast a run is, and not what it gives: it is not part of a run's key."""

RECORDED_IF_CHANGED = _Mark("RECORDED_IF_CHANGED")
"""Mark of a parameter that was added when there were results already: at its default it is left out of a run's key, so that
earlier runs keep theirs. The default must reproduce them."""

PositiveInt = Annotated[int, Bounds(at_least=1)]
NonNegativeInt = Annotated[int, Bounds(at_least=0)]
PositiveFloat = Annotated[float, Bounds(above=0)]
NonNegativeFloat = Annotated[float, Bounds(at_least=0)]
