"""In what the scores are told: points (percent) for accuracy and ROC-AUC, the target's own unit for an error."""

from __future__ import annotations

from dataclasses import dataclass

from rethinkpool_core.errors import UsageError


@dataclass(frozen=True)
class Unit:
    """How the scores of one metric are told.

    scale     a run's score times this is the number told, as in Table S5
    word      what one of it is called, empty for the target's own unit
    digits    decimals of a score, as the paper prints it
    better    "higher" or "lower"
    margin    the difference that is taken not to matter, if no other is given
    """

    label: str
    scale: float
    word: str
    digits: int
    better: str
    margin: float

    def amount(self, number: float, digits: int) -> str:
        """``0.4 points``, without a sign."""
        return f"{abs(number):.{digits}f}" + (f" {self.word}s" if self.word else "")

    def told_margin(self, margin: float) -> str:
        """``1 point``."""
        plural = "" if margin == 1 else "s"
        return f"{margin:g}" + (f" {self.word}{plural}" if self.word else "")


UNITS = {
    "accuracy": Unit("accuracy (%)", 100.0, "point", 1, "higher", 1.0),
    "rocauc": Unit("ROC-AUC (%)", 100.0, "point", 1, "higher", 1.0),
    "mae": Unit("mean absolute error", 1.0, "", 2, "lower", 0.01),
}


def unit_of(metric: str) -> Unit:
    """Raises UsageError for a score that is none of these."""
    try:
        return UNITS[metric]
    except KeyError:
        raise UsageError(
            f"scores of the kind {metric!r} cannot be compared: known are {', '.join(UNITS)}"
        ) from None
