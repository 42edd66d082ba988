"""The three scores of Table S5, and how their values are printed. The functions that compute them are in `training.metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from types import MappingProxyType

from rethinkpool_core.errors import UnknownNameError


@dataclass(frozen=True)
class Metric:
    """A score: accuracy and ROC-AUC are printed in points (percent), errors in the unit of the target.

    title    its name in running text
    largest  the largest value that a run can record
    scale    factor from a recorded value to the printed one
    unit     name of the printed unit, empty for that of the target
    digits   decimals of a printed value
    margin   the largest difference, in the printed unit, that counts as equivalent by default (this project's choice)
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
        """Return a recorded value as the paper prints it: ``89.3`` for an accuracy of 0.893, ``0.47`` for an error."""
        return f"{self.scale * value:.{self.digits}f}"

    def amount(self, number: float, digits: int | None = None) -> str:
        """Return a difference in the printed unit, without its sign: ``0.4 points``, ``1 point``, ``0.01``.

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
    """Return the metric ``name`` (raises UnknownNameError)."""
    try:
        return METRICS[name]
    except KeyError:
        raise UnknownNameError("metric", name, METRICS) from None
