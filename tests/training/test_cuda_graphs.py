"""Recorded and replayed training steps give the same results as steps that are not recorded."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only

from rethinkpool_core import build_model
from rethinkpool_core.errors import UsageError
from rethinkpool_core.training import RunRecord, setup
from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.cuda_graphs import recorder_for
from rethinkpool_core.training.device import matmul_precision
from rethinkpool_core.training.epoch import train_epoch
from rethinkpool_core.training.evaluation import evaluate
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.schedule import Schedule
from rethinkpool_core.training.setup import TrainingSetup
from rethinkpool_core.training.state import TrainState

SMALLER = {"GMN": {"num_keys": [4, 1], "num_heads": 2, "purity_period": 2}}
FAMILIES = [
    "MINCUTPOOL",
    "N-MINCUTPOOL",
    "DIFFPOOL",
    "DIFFPOOL-V2",
    "N-DIFFPOOL-V2",
    "GRACLUS",
    "COMPLEMENT",
    "GMN",
]


class Tape(TorchDispatchMode):
    """A recorder on the CPU: like a CUDA graph, a replay runs the same operations on the same tensors, and no Python code."""

    recordings = 0

    def __call__(self, function):
        function()  # a recorder may call it any number of times
        self.operations = []
        with self:
            result = function()
        type(self).recordings += 1
        return self.replayed(self.operations), result

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        # The same memory, without autograd's history.
        kept = tree_map_only(torch.Tensor, torch.Tensor.detach, (args, kwargs or {}, out))
        self.operations.append((function, *kept))
        return out

    @staticmethod
    def replayed(operations):
        @torch.no_grad()
        def replay():
            for function, args, kwargs, out in operations:
                again = function(*args, **kwargs)
                for kept, new in zip(tree_leaves(out), tree_leaves(again), strict=True):
                    if isinstance(kept, torch.Tensor) and kept.data_ptr() != new.data_ptr():
                        kept.copy_(new)

        return replay


class Trained:
    """Epochs of training as in `train`, with steps recorded or not."""

    def __init__(self, name, dataset, seeds, *, recorded, batch_size=20):
        model = build_model(name, dataset, **SMALLER.get(name, {})).double()
        config = training_config(name, dataset.name, batch_size=batch_size, learning_rate=0.01)
        self.setup = TrainingSetup(model, dataset, config, torch.device("cpu"), recorder=Tape)
        if not recorded:
            self.setup.recorder = None  # the padding of recorded steps stays
        self.replicas = self.setup.replicas(seeds)
        self.states = {seed: TrainState(Schedule(config.learning_rate)) for seed in seeds}

    def epochs(self, number):
        for _ in range(number):
            assert train_epoch(self.setup, self.replicas, self.states, lambda: False)
            evaluate(self.setup, self.replicas, self.states)
        return self

    def results(self):
        rows = range(len(self.replicas))
        curves = {
            (seed, name): torch.tensor(curve, dtype=torch.float64)
            for seed, state in self.states.items()
            for name, curve in state.curves.items()
            if name != "train_seconds"
        }
        return curves | {(row, name): t for row in rows for name, t in self.replicas.state(row).items()}


def assert_equal(a: Trained, b: Trained):
    torch.testing.assert_close(a.results(), b.results(), rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", FAMILIES)
def test_fifty_steps(name, digits):
    dataset, seeds = digits(120), [1, 5]
    before = Tape.recordings
    recorded = Trained(name, dataset, seeds, recorded=True)
    steps = -(-len(recorded.setup.split(1).train) // 20)
    assert len(recorded.setup.split(1).train) % 20, "the last batch is to be smaller"
    epochs = -(-50 // steps)
    recorded.epochs(epochs)
    # Two shapes per epoch, which may grow, and GMN has two kinds of steps.
    assert 2 <= Tape.recordings - before <= 12
    assert_equal(recorded, Trained(name, dataset, seeds, recorded=False).epochs(epochs))


@pytest.mark.parametrize("name", ["MINCUTPOOL", "N-DIFFPOOL-V2", "GRACLUS", "GMN"])
def test_one_replica_is_dropped(name, digits):
    both = [Trained(name, digits(60), [1, 2, 3], recorded=recorded) for recorded in (True, False)]
    for trained in both:
        trained.epochs(2)
        trained.replicas.keep([0, 2])
        trained.epochs(2)
    assert_equal(*both)


@pytest.mark.parametrize("name", ["MINCUTPOOL", "GRACLUS"])
def test_finished_seeds_stay_in_recorded_steps(name, digits, run, monkeypatch):
    """Six seeds that end in different epochs: they are dropped by halves, and their records are those without recording.

    In float64: what rounding differs by in float32 grows over the epochs, on some processors beyond any tolerance.
    """
    kept = []
    monkeypatch.setattr(Replicas, "keep", counted(Replicas.keep, kept))

    def records(recorder) -> list[RunRecord]:
        monkeypatch.setattr(setup, "recorder_for", lambda config, device: recorder)
        return run(name, digits(60), range(1, 7), max_epochs=30, replicas=6, stop_patience=3)

    recorded = records(Tape)
    ends = sorted(record.epochs for record in recorded)
    assert len(set(ends)) > 2, "seeds that end together show nothing"
    assert all(2 * after <= before for before, after in pairwise([6, *kept])), (
        "dropped before half of them had finished"
    )
    plain = records(None)
    for a, b in zip(recorded, plain, strict=True):
        assert (a.epochs, a.best_epoch) == (b.epochs, b.best_epoch)
        assert all(len(curve) == a.epochs for curve in a.curves.values())
        torch.testing.assert_close(a.curves["train_loss"], b.curves["train_loss"], rtol=1e-6, atol=1e-8)
        assert a.test_score == b.test_score


def counted(function, calls: list[int]):
    def call(replicas, rows):
        calls.append(len(rows))
        return function(replicas, rows)

    return call


@pytest.mark.parametrize("name", ["DIFFPOOL-V2", "GMN"])
def test_from_a_loaded_state(name, digits):
    recorded = Trained(name, digits(60), [1, 2], recorded=True).epochs(2)
    at = [recorded.replicas.state(row) for row in range(2)]
    recorded.epochs(1)
    after = [recorded.replicas.state(row) for row in range(2)]
    recorded.replicas.load(at)
    for state in recorded.states.values():
        state.epoch -= 1
    recorded.epochs(1)
    torch.testing.assert_close([recorded.replicas.state(row) for row in range(2)], after, rtol=0, atol=0)


def test_step_that_cannot_be_recorded(digits):
    trained = Trained("MINCUTPOOL", digits(60), [1], recorded=True)

    def broken(function):
        raise RuntimeError("operation not permitted\nwhen stream is capturing")

    trained.replicas.recorded.record = broken
    with pytest.raises(UsageError, match=r"operation not permitted when .*: set cuda_graphs=false"):
        trained.epochs(1)


def test_where_steps_are_recorded():
    config = training_config("GMN", "NCI1")
    assert recorder_for(config, torch.device("cpu")) is None
    assert recorder_for(config, torch.device("cuda")) is not None
    off = training_config("GMN", "NCI1", cuda_graphs=False)
    assert recorder_for(off, torch.device("cuda")) is None


def test_precision_is_restored():
    before = torch.backends.cuda.matmul.allow_tf32
    for tf32 in (True, False):
        with matmul_precision(tf32):
            assert torch.backends.cuda.matmul.allow_tf32 is tf32
        assert torch.backends.cuda.matmul.allow_tf32 is before
