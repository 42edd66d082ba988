"""The record of a run: one model on one dataset with one seed."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from rethinkpool_core.errors import DataError, StorageError, UsageError
from rethinkpool_core.files.atomic import write_tensors
from rethinkpool_core.files.folders import expand_home

if TYPE_CHECKING:
    from rethinkpool_core.models.base import PoolingModel


@dataclass(repr=False)
class RunRecord:
    """The result of one run.

    val_score, test_score   at the best validation epoch, in the units of the metric (accuracy and ROC-AUC in [0, 1]); None if
                            there is none
    best_epoch, epochs      counted from 1
    curves                  one value per epoch: train_loss (supervised), val_loss, val_score, lr, every auxiliary loss by name
                            (NaN for epochs that did not compute it), what the model measures of its assignments on the
                            validation graphs (`PoolingModel.measure`), and train_seconds, the time of the training pass
                            divided by the number of replicas that trained side by side
    config                  parameters of the model and of its training
    provenance              versions, device, command, commit if known, checksum of the data, shape of the data that the model
                            was built for, side_by_side, the seeds that trained side by side (None if these changed during
                            training), and for a registered model of the user's own the module that registered it
    error                   why the run failed, None if it did not
    stopped                 whether ``on_epoch`` stopped the run early: the record shows the state at that moment, with epochs 0
                            if none had finished, and result stores refuse it
    weights                 state dict of the model at its best validation epoch; not part of `to_dict`
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
        """Return plain values for JSON, which has no NaN: a value that is not finite becomes None."""
        return {
            field.name: _plain(getattr(self, field.name)) for field in fields(self) if field.name != "weights"
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), allow_nan=False)

    def build_model(self) -> PoolingModel:
        """Return the trained model in evaluation mode, with the weights of the best epoch.

        Raises UsageError where the record has no weights, as those of a result store.
        """
        from rethinkpool_core.models.base import Shape, build
        from rethinkpool_core.models.registry import find_model

        if self.weights is None or "shape" not in self.provenance:
            raise UsageError(
                f"the record of {self.model} on {self.dataset} with seed {self.seed} has no weights: train it again, or load a "
                "record that was saved with them"
            )
        entry = find_model(self.model)
        values = {key: tuple(v) if isinstance(v, list) else v for key, v in self.config["model"].items()}
        model = build(entry.cls, Shape(**self.provenance["shape"]), entry.config(**values), self.seed)
        model.name = self.model
        dtype = next(value.dtype for value in self.weights.values() if value.is_floating_point())
        model.to(dtype).load_state_dict(self.weights)
        return model.eval()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the record with its weights to a safetensors file; its other fields are JSON in the file's metadata.

        Raises StorageError.
        """
        write_tensors(expand_home(path), self.weights or {}, {"record": self.to_json()})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RunRecord:
        """Return the record that `save` wrote. Raises StorageError for a file that cannot be read, DataError for another file."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(expand_home(path), "pt") as file:
                text, weights = (
                    (file.metadata() or {}).get("record"),
                    {key: file.get_tensor(key) for key in file.keys()},
                )
        except (OSError, SafetensorError) as error:
            raise StorageError(
                f"cannot read the record {path} ({error}): name a file that RunRecord.save wrote"
            ) from None
        if text is None:
            raise DataError(f"{path} holds tensors but no record: name a file that RunRecord.save wrote")
        try:
            record = cls.from_dict(json.loads(text))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{path} holds no run record ({type(error).__name__}: {error}): name a file that RunRecord.save wrote"
            ) from None
        return replace(record, weights=weights or None)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunRecord:
        """Return the record of such a dict; None in a curve becomes NaN."""
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
