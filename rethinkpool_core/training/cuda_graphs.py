"""Training steps recorded as CUDA graphs and replayed.

A step consists of hundreds of small operations that take a GPU longer to launch than to compute. A CUDA graph launches all of
them at once, with the sizes and the tensors that they were recorded with. So there is one recording for each shape of batches
(see `GrowingShapes`); a batch is copied into the tensors of the recorded one, and the results are valid until the next step.
The optimiser is not recorded, since its step counter and the learning rates change.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from rethinkpool_core.batching.batch import Batch
from rethinkpool_core.batching.buckets import Buckets
from rethinkpool_core.errors import UsageError
from rethinkpool_core.training.config import TrainingConfig

StepResult = tuple[dict[str, Tensor], Tensor]
"""Losses (R,) by name, and the gradient (R, P)."""


class Recorder(Protocol):
    def __call__(self, function: Callable[[], StepResult]) -> tuple[Callable[[], None], StepResult]:
        """Record ``function``, which may be called any number of times.

        Returns a function that replays it, and the tensors that hold the results after each replay.
        """


class CudaGraphs:
    """A recorder on a GPU. Its graphs share one memory pool, since they are replayed one after the other."""

    def __init__(self, device: torch.device):
        self.device = device
        with torch.cuda.device(device):
            self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], StepResult]) -> tuple[Callable[[], None], StepResult]:
        with torch.cuda.device(self.device):
            # Libraries initialise in the first calls, which cannot be recorded.
            main, side = torch.cuda.current_stream(), torch.cuda.Stream()
            side.wait_stream(main)
            with torch.cuda.stream(side):
                for _ in range(2):
                    function()
            main.wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self.pool):
                result = function()
        return graph.replay, result


def recorder_for(config: TrainingConfig, device: torch.device) -> Callable[[], Recorder] | None:
    """Return the function that makes a recorder for some replicas; None where steps are not recorded."""
    return (lambda: CudaGraphs(device)) if config.cuda_graphs and device.type == "cuda" else None


@dataclass(frozen=True)
class _Recording:
    inputs: dict[str, Tensor]
    replay: Callable[[], None]
    result: StepResult


class RecordedSteps:
    """The recorded training steps of some replicas.

    state    tensors that a step changes in place (running statistics); recording leaves them as they were
    """

    def __init__(self, record: Recorder, state: list[Tensor]):
        self.record, self.state = record, state
        self._recordings: dict[Hashable, _Recording] = {}

    def __call__(self, kind: Hashable, step: Callable[[Batch], StepResult], batch: Batch) -> StepResult:
        """Return ``step(batch)``.

        kind    the same for steps that differ in their batch alone

        Raises UsageError where the step cannot be recorded.
        """
        inputs = _tensors_of(batch)
        buckets = batch.buckets.shapes if batch.find_buckets is not None else ()
        key = kind, batch.padded, buckets, tuple((name, tensor.shape) for name, tensor in inputs.items())
        if key not in self._recordings:
            self._recordings[key] = self._recorded(step, batch, inputs)
        recording = self._recordings[key]
        _copy(recording.inputs, inputs)
        recording.replay()
        return recording.result

    def _recorded(
        self, step: Callable[[Batch], StepResult], batch: Batch, inputs: dict[str, Tensor]
    ) -> _Recording:
        inputs = {name: tensor.clone() for name, tensor in inputs.items()}
        before = [tensor.clone() for tensor in self.state]
        recorded_batch = _with_tensors(batch, inputs)
        try:
            replay, result = self.record(lambda: step(recorded_batch))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise UsageError(
                f"a training step could not be recorded as a CUDA graph ({' '.join(str(error).split())[:200]}): "
                "set cuda_graphs=false"
            ) from None
        for tensor, value in zip(self.state, before, strict=True):
            tensor.copy_(value)
        return _Recording(inputs, replay, result)


_OF_BUCKETS = ("row_of_slot", "slot_of_row", "empty_slots", "order", "rank")
_UNTRANSPOSED = {"indices_t": "indices", "indptr_t": "indptr"}  # the same tensors if graphs are undirected


def _tensors_of(batch: Batch) -> dict[str, Tensor]:
    """Return every tensor of a batch and of its buckets, each once."""
    tensors = dict(batch.tensors)
    if batch.find_buckets is not None:
        tensors |= {f"buckets/{name}": getattr(batch.buckets, name) for name in _OF_BUCKETS}
    return {
        name: tensor for name, tensor in tensors.items() if tensors.get(_untransposed(name)) is not tensor
    }


def _untransposed(name: str) -> str:
    level, slash, last = name.rpartition("/")
    return level + slash + _UNTRANSPOSED.get(last, "")


def _with_tensors(batch: Batch, inputs: dict[str, Tensor]) -> Batch:
    """Return ``batch`` with other tensors in the places of its `_tensors_of`."""
    tensors = {
        name: inputs[name] if name in inputs else inputs[_untransposed(name)] for name in batch.tensors
    }
    if batch.find_buckets is None:
        return batch.with_tensors(tensors)
    buckets = Buckets(batch.buckets.shapes, *(inputs[f"buckets/{name}"] for name in _OF_BUCKETS))
    return replace(batch, tensors=tensors, find_buckets=lambda: buckets)


def _copy(targets: dict[str, Tensor], sources: dict[str, Tensor]) -> None:
    # One operation for all tensors of a type.
    for dtype in {tensor.dtype for tensor in targets.values()}:
        names = [name for name, tensor in targets.items() if tensor.dtype == dtype]
        torch._foreach_copy_([targets[name] for name in names], [sources[name] for name in names])
