"""The three scores of Table S5, and how their values are told. The functions that compute them are in `training.metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

from rethinkpool_core.errors import UnknownNameError


@dataclass(frozen=True)
class Metric:
    """One score: accuracy and ROC-AUC are told in points (percent), an error in the target's own unit.

    title       its name in running text
    higher_is_better
    largest     the largest value that a run can record
    scale       a recorded value times this is the number told, as in Table S5
    unit        what one of that number is called, empty for the target's own unit
    digits      decimals of that number, as the paper prints it
    margin      the difference, in that unit, that is taken not to matter if no other is given (this project's choice)
    """

    name: str
    title: str
    higher_is_better: bool
    largest: float
    scale: float
    unit: str
    digits: int
    margin: float

    @property
    def label(self) -> str:
        """``accuracy (%)``, for an axis or the head of a column."""
        return f"{self.title} (%)" if self.unit else self.title

    def shown(self, value: float) -> str:
        """A recorded value as the paper prints it: ``89.3`` for 0.893 of accuracy, ``0.47`` for an error."""
        return f"{self.scale * value:.{self.digits}f}"

    def amount(self, number: float, digits: int | None = None) -> str:
        """A difference in the unit told, without its sign: ``0.4 points``, ``1 point``, ``0.01``.

        It has ``digits`` decimals, or as many as it needs.
        """
        text = f"{abs(number):g}" if digits is None else f"{abs(number):.{digits}f}"
        return " ".join(filter(None, (text, self.unit and self.unit + ("" if text == "1" else "s"))))


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric("accuracy", "accuracy", True, 1.0, 100.0, "point", 1, 1.0),
            Metric("rocauc", "ROC-AUC", True, 1.0, 100.0, "point", 1, 1.0),
            Metric("mae", "mean absolute error", False, inf, 1.0, "", 2, 0.01),
        )
    }
)


def get_metric(name: str) -> Metric:
    """The metric ``name`` (raises UnknownNameError)."""
    try:
        return METRICS[name]
    except KeyError:
        raise UnknownNameError("metric", name, METRICS) from None
