"""What a run leaves behind."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(repr=False)
class RunRecord:
    """One model on one dataset with one seed.

    val_score, test_score   at the best validation epoch, in the metric's own units (accuracy and ROC-AUC in [0, 1]);
                            None if no epoch ended
    best_epoch, epochs      counted from 1
    curves                  one value an epoch: train_loss (supervised), val_loss, val_score, lr, each auxiliary loss by name, and
                            train_seconds (of the training pass, shared among the replicas trained at once)
    config                  the model's and the protocol's parameters
    provenance              versions, device, command, commit where known, checksum of the data, the seeds trained
                    together (side_by_side; None where that changed under way), and the module that registered a
                    model of the user's own
    error                   why the run failed, None if it did not
    stopped                 whether ``on_epoch`` ended the run before the protocol would have: the record shows the state at that
                    moment (best_epoch and epochs are 0 if no epoch had ended), and result stores refuse it
    weights                 the model at its best validation epoch; not part of the record as written
    """

    model: str
    dataset: str
    seed: int
    metric: str
    val_score: float | None = None
    test_score: float | None = None
    best_epoch: int = 0
    epochs: int = 0
    curves: dict[str, list[float]] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    stopped: bool = False
    weights: dict[str, Any] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        """One line, as "RunRecord(GMN on NCI1, seed 3: test accuracy 0.7421, validation 0.7543, best epoch 41 of 91)"."""
        scores = ((f"test {self.metric}", self.test_score), ("validation", self.val_score))
        parts = [f"{part} {score:.4f}" for part, score in scores if score is not None]
        parts.append(f"best epoch {self.best_epoch} of {self.epochs}" if parts else f"{self.epochs} epochs")
        if self.stopped:
            parts.append("stopped early")
        if self.error is not None:
            parts.append(f"failed: {self.error}")
        return f"RunRecord({self.model} on {self.dataset}, seed {self.seed}: {', '.join(parts)})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON, which has no NaN: a loss that was not finite becomes None."""
        return {
            field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "weights"
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunRecord:
        """Inverse of `to_dict`; a None in a curve is NaN again."""
        curves = {
            name: [math.nan if value is None else value for value in curve]
            for name, curve in values["curves"].items()
        }
        return cls(**(values | {"curves": curves}))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
