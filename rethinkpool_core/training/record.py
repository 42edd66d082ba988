"""What a run leaves behind."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class RunRecord:
    """One model on one dataset with one seed.

    val_score, test_score   at the best validation epoch, in the metric's own units (accuracy and ROC-AUC in [0, 1]); None if no epoch ended
    best_epoch, epochs      counted from 1
    curves                  one value an epoch: train_loss, val_loss, val_score, lr, train_seconds and each auxiliary loss by name
    config                  the model's and the protocol's parameters
    provenance              versions, device, command, commit where known, checksum of the data
    error                   why the run ended early, None if it did not
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
    weights: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(_without_weights(self)).items() if key != "weights"}

    def to_json(self) -> str:
        return json.dumps(self.to_dict())

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunRecord:
        return cls(**values)


def _without_weights(record: RunRecord) -> RunRecord:
    from dataclasses import replace

    return replace(record, weights=None)
