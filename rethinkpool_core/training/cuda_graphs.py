"""Training steps recorded once and replayed: on a GPU a step's hundreds of small operations take longer to start than to do.

A CUDA graph repeats what a function did on the device, with the same sizes and the same tensors. So there is one for each
shape that batches have (see `GrowingShapes`); a batch is copied to the tensors that the recorded one was in, and what comes
back is good until the next step. The optimiser stays outside, since its step counter and the rates change.
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

Result = tuple[dict[str, Tensor], Tensor]
"""Losses (R,) by name, and the gradient (R, P)."""


class Recorder(Protocol):
    def __call__(self, function: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        """What repeats ``function``, and the tensors in which its results are then. May run it any number of times."""


class CudaGraphs:
    """Records on a GPU; all recordings share one pool of memory, since they are replayed one after the other."""

    def __init__(self, device: torch.device):
        self.device = device
        with torch.cuda.device(device):
            self.pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Callable[[], Result]) -> tuple[Callable[[], None], Result]:
        with torch.cuda.device(self.device):
            # Libraries set themselves up in the first runs, which cannot be recorded.
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
    """What makes a recorder for the replicas of a training; None where steps are taken as they are."""
    return (lambda: CudaGraphs(device)) if config.cuda_graphs and device.type == "cuda" else None


@dataclass(frozen=True)
class _Recording:
    inputs: dict[str, Tensor]
    replay: Callable[[], None]
    result: Result


class RecordedSteps:
    """Of the training steps of some replicas.

    changed    what a step changes beside its results (running statistics): recording leaves it as it was
    """

    def __init__(self, record: Recorder, changed: list[Tensor]):
        self.record, self.changed = record, changed
        self._made: dict[Hashable, _Recording] = {}

    def __call__(self, kind: Hashable, step: Callable[[Batch], Result], batch: Batch) -> Result:
        """``step(batch)``; of one ``kind`` are steps that differ in their batch alone.

        Raises UsageError where the step cannot be recorded.
        """
        inputs = _inputs(batch)
        groups = batch.buckets.groups if batch.find_buckets is not None else ()
        key = kind, batch.padded, groups, tuple((name, t.shape) for name, t in inputs.items())
        if key not in self._made:
            self._made[key] = self._recorded(step, batch, inputs)
        made = self._made[key]
        _copy(made.inputs, inputs)
        made.replay()
        return made.result

    def _recorded(
        self, step: Callable[[Batch], Result], batch: Batch, inputs: dict[str, Tensor]
    ) -> _Recording:
        inputs = {name: tensor.clone() for name, tensor in inputs.items()}
        before = [tensor.clone() for tensor in self.changed]
        own = _on(batch, inputs)
        try:
            replay, result = self.record(lambda: step(own))
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            raise UsageError(
                f"a training step could not be recorded as a CUDA graph ({' '.join(str(error).split())[:200]}): "
                "set cuda_graphs=false"
            ) from error
        for tensor, value in zip(self.changed, before, strict=True):
            tensor.copy_(value)
        return _Recording(inputs, replay, result)


_OF_BLOCKS = ("row", "slot", "empty", "graph", "block")
_SAME = {"indices_t": "indices", "indptr_t": "indptr"}  # of undirected graphs


def _inputs(batch: Batch) -> dict[str, Tensor]:
    """Every tensor of a batch and of its blocks, once."""
    tensors = dict(batch.tensors)
    if batch.find_buckets is not None:
        blocks = batch.buckets
        tensors |= {f"blocks/{name}": getattr(blocks, name) for name in _OF_BLOCKS}
    return {name: tensor for name, tensor in tensors.items() if tensors.get(_twin(name)) is not tensor}


def _twin(name: str) -> str:
    level, slash, last = name.rpartition("/")
    return level + slash + _SAME.get(last, "")


def _on(batch: Batch, inputs: dict[str, Tensor]) -> Batch:
    """``batch`` with other tensors in the places of its `_inputs`."""
    tensors = {name: inputs[name] if name in inputs else inputs[_twin(name)] for name in batch.tensors}
    if batch.find_buckets is None:
        return batch.with_tensors(tensors)
    blocks = Buckets(batch.buckets.groups, *(inputs[f"blocks/{name}"] for name in _OF_BLOCKS))
    return replace(batch, tensors=tensors, find_buckets=lambda: blocks)


def _copy(to: dict[str, Tensor], values: dict[str, Tensor]) -> None:
    # Those of one type in one operation.
    for dtype in {tensor.dtype for tensor in to.values()}:
        names = [name for name, tensor in to.items() if tensor.dtype == dtype]
        torch._foreach_copy_([to[name] for name in names], [values[name] for name in names])
