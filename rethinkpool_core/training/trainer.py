"""The protocol of Appendix A.2, for one seed or for many side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rethinkpool_core.data.batch import BatchBuilder
from rethinkpool_core.errors import UsageError
from rethinkpool_core.models.base import PoolingModel, Shape
from rethinkpool_core.models.build import config_fields, describe
from rethinkpool_core.ops.hashing import seed_of
from rethinkpool_core.training.checkpoint import check_folder, checkpoint_path, config_hash, load_checkpoint, save_checkpoint
from rethinkpool_core.training.config import PROTOCOL, WITHOUT_EFFECT, TrainingConfig, training_config, training_fields
from rethinkpool_core.training.device import resolve_device
from rethinkpool_core.training.interrupt import stop_requests
from rethinkpool_core.training.metrics import HIGHER_IS_BETTER, score, supervised_loss
from rethinkpool_core.training.progress import Progress, show
from rethinkpool_core.training.provenance import provenance
from rethinkpool_core.training.record import RunRecord
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.schedule import Schedule


def train(
    model: PoolingModel,
    dataset,
    seeds: int | list[int],
    *,
    max_epochs: int = 1000,
    device: str = "auto",
    root: str | None = None,
    checkpoint_dir: str | Path | None = None,
    progress: bool = True,
    **overrides: Any,
) -> list[RunRecord]:
    """Train a fresh replica of ``model`` for each seed and return one record each, in the order of the seeds.

    A seed decides the weights, the random assignments, the order of the batches and, on TU sets and DIGITS, the split;
    ``model`` itself is not changed, and ``RunRecord.weights`` holds the best epoch's weights. On the CPU a seed's record is the same (to
    float tolerance) whether trained alone or beside others.

    seeds           their list, or a number n for 1 to n
    device          auto, cpu, cuda, cuda:i or mps
    root            not used: the data are in ``dataset``; accepted so that calls of the whole API take it
    checkpoint_dir  folder for one file a seed, from which a repeated call goes on; finished seeds are not trained again
    overrides       fields of `TrainingConfig`

    Raises UnknownNameError or UsageError for wrong parameters, DeviceError, CheckpointError for a checkpoint of another
    configuration, StorageError; KeyboardInterrupt on Ctrl-C, after a checkpoint. A replica whose loss is not finite ends with
    ``error`` in its record, and the others go on.
    """
    del root
    seeds = check_seeds(seeds)
    if isinstance(max_epochs, bool) or not isinstance(max_epochs, int) or max_epochs < 1:
        raise UsageError(f"max_epochs cannot be {max_epochs!r}: give a whole number of at least 1")
    for key in overrides:
        if key in config_fields(model.name) and key not in training_fields():
            raise UsageError(f"{key!r} is a parameter of the model {model.name}: give it to build_model")
    config = training_config(model.name, dataset.name, **overrides)
    _check_fit(model, dataset)
    where = resolve_device(device)
    run = _Run(model, dataset, config, max_epochs, where, None if checkpoint_dir is None else Path(checkpoint_dir))
    with stop_requests() as stopped:
        records = run.finished(seeds)
        if run.folder is not None:
            check_folder(run.folder, [run.path(seed) for seed in seeds])
        for chunk in run.chunks([seed for seed in seeds if seed not in records]):
            title = f"{model.name} on {dataset.name}, " + (f"seed {chunk[0]}" if len(chunk) == 1 else f"{len(chunk)} seeds")
            with show(title, progress) as line:
                records |= run.train(chunk, line, stopped)
    return [records[seed] for seed in seeds]


# A number of seeds above this is a slip (a seed given as their number), and its list would fill the memory.
MOST_SEEDS = 100_000


def check_seeds(seeds: int | list[int]) -> list[int]:
    """A list of distinct seeds of at least 1; a number n stands for 1 to n.

    Raises UsageError.
    """
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        if not 1 <= seeds <= MOST_SEEDS:
            raise UsageError(f"seeds is {seeds}: give the number of seeds, from 1 to {MOST_SEEDS}, or a list of seeds")
        return list(range(1, seeds + 1))
    if not isinstance(seeds, Iterable):
        raise UsageError(f"seeds is {seeds!r}: give the number of seeds, from 1 to {MOST_SEEDS}, or a list of seeds")
    seeds = list(seeds)
    if not seeds or any(isinstance(seed, bool) or not isinstance(seed, int) or not 1 <= seed < 2**31 for seed in seeds):
        raise UsageError(f"seeds are {seeds}: give whole numbers from 1 to {2**31 - 1}")
    repeated = sorted({seed for seed in seeds if seeds.count(seed) > 1}) if len(set(seeds)) < len(seeds) else []
    if repeated:
        raise UsageError(f"seed {repeated[0]} is given more than once: a repeated seed is the same run, so name each once")
    return seeds


def _check_fit(model: PoolingModel, dataset) -> None:
    """The model was built for graphs like these."""
    from rethinkpool_core.errors import GraphTooLargeError

    shape = Shape.of(dataset)
    if (shape.in_dim, shape.out_dim, shape.molecules) != (model.shape.in_dim, model.shape.out_dim, model.shape.molecules):
        raise UsageError(f"{model.name} was built for other features or classes than those of {dataset.name}: build it from this dataset")
    if model.bounded and shape.max_nodes > model.shape.max_nodes:
        raise GraphTooLargeError(
            f"{dataset.name} has a graph of {shape.max_nodes} nodes and {model.name} was built for at most {model.shape.max_nodes}: "
            "build it from this dataset"
        )


@dataclass
class _Progression:
    """How far one replica is: what a checkpoint holds besides tensors."""

    schedule: Schedule
    epoch: int = 0  # epochs done
    step: int = 0  # steps done of the epoch under way
    sums: dict[str, float] = field(default_factory=dict)  # of the epoch under way: each loss times its graphs
    seconds: float = 0.0
    curves: dict[str, list[float]] = field(default_factory=dict)
    val_score: float | None = None
    test_score: float | None = None
    error: str | None = None
    best: dict[str, Tensor] | None = field(default=None, repr=False)

    def facts(self) -> dict[str, Any]:
        values = {key: value for key, value in vars(self).items() if key != "best"}
        return values | {"schedule": asdict(self.schedule)}

    @classmethod
    def of(cls, facts: dict[str, Any]) -> _Progression:
        return cls(**(facts | {"schedule": Schedule(**facts["schedule"])}))


class _Run:
    """One call of `train`: what is common to its seeds."""

    def __init__(self, model: PoolingModel, dataset, config: TrainingConfig, max_epochs: int, device: torch.device, folder: Path | None):
        self.model, self.dataset, self.config, self.max_epochs = model, dataset, config, max_epochs
        self.device, self.folder = device, folder
        self.builder = BatchBuilder(dataset, device, next(model.parameters()).dtype)
        self.spec = dataset.spec
        training = {key: value for key, value in asdict(config).items() if key not in WITHOUT_EFFECT}
        self.record_config = {
            "protocol": PROTOCOL, "model": describe(model), "training": training, "max_epochs": max_epochs,
            "max_nodes": model.shape.max_nodes,
        }  # fmt: skip
        identity = {"name": model.name, "dataset": dataset.name, "checksum": dataset.checksum, "dtype": str(self.builder.dtype)}
        self.digest = config_hash(identity | self.record_config)
        self.provenance = provenance(dataset, device)
        self.eval_batch_size = config.eval_batch_size or min(512, max(16, 2**24 // dataset.max_nodes**2))

    # -- checkpoints

    def path(self, seed: int) -> Path:
        return checkpoint_path(self.folder, self.model.name, self.dataset.name, seed)

    def load(self, seed: int) -> tuple[dict[str, Tensor], _Progression] | None:
        if self.folder is None:
            return None
        found = load_checkpoint(self.path(seed), self.digest)
        if found is None:
            return None
        tensors, facts = found
        progression = _Progression.of(facts)
        best = {name.removeprefix("best/"): tensor for name, tensor in tensors.items() if name.startswith("best/")}
        progression.best = best or None
        return {name: tensor for name, tensor in tensors.items() if not name.startswith("best/")}, progression

    def save(self, seed: int, state: dict[str, Tensor], progression: _Progression) -> None:
        if self.folder is not None:
            tensors = state | {f"best/{name}": tensor for name, tensor in (progression.best or {}).items()}
            save_checkpoint(self.path(seed), self.digest, tensors, progression.facts())

    def over(self, progression: _Progression) -> bool:
        return progression.error is not None or progression.epoch >= self.max_epochs or progression.schedule.finished(self.config)

    def finished(self, seeds: list[int]) -> dict[int, RunRecord]:
        """Records of the seeds that a checkpoint says are done. Every checkpoint is read, so that a foreign one is told before any training."""
        records = {}
        for seed in seeds:
            found = self.load(seed)
            if found is not None and self.over(found[1]):
                records[seed] = self.record(seed, found[1])
        return records

    def chunks(self, seeds: list[int]) -> list[list[int]]:
        """Seeds that train side by side: equally far, and as many as asked for."""
        places: dict[tuple[int, int] | None, list[int]] = {}
        for seed in seeds:
            found = self.load(seed)
            places.setdefault((found[1].epoch, found[1].step) if found else None, []).append(seed)
        # Measured on two cores (NCI1, MINCUTPOOL): on a CPU side by side gains nothing, and stops later.
        size = self.config.replicas or (1 if self.device.type == "cpu" else len(seeds))
        return [group[i : i + size] for group in places.values() for i in range(0, len(group), size)]

    # -- training

    def train(self, seeds: list[int], line: Progress, stopped) -> dict[int, RunRecord]:
        """Records of ``seeds``, trained side by side from wherever their checkpoints are."""
        replicas = Replicas(self.model, seeds, self.device)
        found = [self.load(seed) for seed in seeds]
        states = {seed: _Progression(Schedule(self.config.learning_rate)) for seed in seeds}
        if found[0] is not None:
            replicas.load([state for state, _ in found])
            states = dict(zip(seeds, (progression for _, progression in found), strict=True))
        splits = {seed: self.dataset.with_split(seed) for seed in seeds}
        records: dict[int, RunRecord] = {}
        while len(replicas):
            if not self.epoch(replicas, states, splits, stopped):
                for row, seed in enumerate(replicas.seeds):
                    self.save(seed, replicas.state(row), states[seed])
                raise KeyboardInterrupt
            self.evaluate(replicas, states, splits)
            line.epoch(states[replicas.seeds[0]].epoch, self.summary([states[seed] for seed in replicas.seeds]))
            going, stop = [], stopped()
            for row, seed in enumerate(replicas.seeds):
                done = self.over(states[seed])
                if done or stop or states[seed].epoch % self.config.checkpoint_every == 0:
                    self.save(seed, replicas.state(row), states[seed])
                if done:
                    records[seed] = self.record(seed, states[seed])
                else:
                    going.append(row)
            if len(going) < len(replicas):
                replicas.keep(going)
            if stop and going:
                raise KeyboardInterrupt
        return records

    def epoch(self, replicas: Replicas, states: dict[int, _Progression], splits: dict, stopped) -> bool:
        """The rest of one epoch; False if a stop was asked for, after the step under way."""
        here = [states[seed] for seed in replicas.seeds]
        number = here[0].epoch + 1
        start = time.perf_counter()
        order = torch.stack([shuffled(splits[seed].train, seed, number) for seed in replicas.seeds])
        batches = order.split(self.config.batch_size, dim=1)
        unsupervised = self.unsupervised(number)
        group = "keys" if unsupervised and "keys" in replicas.groups else "rest"
        rates = torch.tensor([state.schedule.learning_rate for state in here], device=self.device, dtype=self.builder.dtype)
        # An unsupervised epoch is one step from the whole set's gradient; interrupted, it starts over as if it had not begun.
        first = 0 if unsupervised else here[0].step
        running = {name: replicas.buffers[name].clone() for name in replicas.running} if unsupervised else {}
        # Added up in one order, wherever an interruption falls; MPS knows no float64.
        wide = torch.float32 if self.device.type == "mps" else torch.float64
        total = {name: torch.tensor([state.sums[name] for state in here], dtype=wide, device=self.device) for name in here[0].sums}
        gradient = 0.0
        finished = True
        for step in range(first, len(batches)):
            index = batches[step]
            batch = self.builder(index if len(replicas) > 1 else index[0], draw=number)
            losses = replicas.losses(batch, self.spec.loss)
            if unsupervised:
                gradient = gradient + replicas.gradient(group, losses["purity"])
            else:
                used = [loss for name, loss in losses.items() if name != "purity"]
                replicas.groups[group].adam.step(replicas.gradient(group, sum(used)), rates, self.config.clip_norm)
            for name, loss in losses.items():
                total[name] = total.get(name, 0.0) + loss.detach().to(wide) * index.shape[1]
            if stopped() and step + 1 < len(batches):
                finished = False
                break
        if unsupervised and finished:
            replicas.groups[group].adam.step(gradient, rates, self.config.clip_norm)
        if unsupervised and not finished:
            for name, before in running.items():
                replicas.buffers[name].copy_(before)
            return False
        for name, values in total.items():
            for state, value in zip(here, values.tolist(), strict=True):
                state.sums[name] = value
        for state in here:
            state.seconds += (time.perf_counter() - start) / len(here)
            state.step = 0 if finished else step + 1
        if finished:
            for state in here:
                state.epoch = number
                for name, value in state.sums.items():
                    state.curves.setdefault(name, []).append(value / order.shape[1])
                state.curves.setdefault("lr", []).append(state.schedule.learning_rate)
                state.curves.setdefault("train_seconds", []).append(state.seconds)
                state.sums, state.seconds = {}, 0.0
        return finished

    def unsupervised(self, epoch: int) -> bool:
        """Whether GMN's purity loss has this epoch (every p-th)."""
        return getattr(self.model, "learns_keys", False) and epoch % self.model.config.purity_period == 0

    @torch.no_grad()
    def evaluate(self, replicas: Replicas, states: dict[int, _Progression], splits: dict) -> None:
        """Scores after an epoch; the test set only where validation has become better."""
        sign = 1 if HIGHER_IS_BETTER[self.spec.metric] else -1
        validation = self.scores(replicas, [splits[seed].val for seed in replicas.seeds])
        better = []
        for row, (seed, (loss, value)) in enumerate(zip(replicas.seeds, validation, strict=True)):
            state = states[seed]
            state.curves.setdefault("val_loss", []).append(loss)
            state.curves.setdefault("val_score", []).append(value)
            wrong = [name for name in (*self.loss_names(state), "val_loss", "val_score") if not math.isfinite(state.curves[name][-1])]
            if wrong:
                state.error = f"{wrong[0]} became {state.curves[wrong[0]][-1]} in epoch {state.epoch}: lower learning_rate, or set clip_norm"
            elif state.schedule.update(state.epoch, sign * value, self.config):
                state.val_score = value
                state.best = replicas.weights(row)
                better.append(row)
        if better:
            test = self.scores(replicas, [splits[seed].test for seed in replicas.seeds])
            for row in better:
                states[replicas.seeds[row]].test_score = test[row][1]

    @staticmethod
    def loss_names(state: _Progression) -> list[str]:
        return [name for name in state.curves if name not in ("lr", "train_seconds", "val_loss", "val_score")]

    def scores(self, replicas: Replicas, parts: list[Tensor]) -> list[tuple[float, float]]:
        """(loss, score) of each replica on its own part of the data."""
        # Graphs of like size share a batch: less padding, same result.
        index = torch.stack([part[self.builder.num_nodes[part].argsort(stable=True)] for part in parts])
        logits, targets = [], []
        for chunk in index.split(self.eval_batch_size, dim=1):
            batch = self.builder(chunk if len(replicas) > 1 else chunk[0])
            logits.append(replicas.call(batch, training=False)[0])
            targets.append(batch.y if len(replicas) > 1 else batch.y[None])
        logits, targets = torch.cat(logits, 1), torch.cat(targets, 1)
        return [
            (float(supervised_loss(self.spec.loss, a, b)), score(self.spec.metric, a, b))
            for a, b in zip(logits.unbind(), targets.unbind(), strict=True)
        ]

    # -- results

    def record(self, seed: int, state: _Progression) -> RunRecord:
        return RunRecord(
            model=self.model.name, dataset=self.dataset.name, seed=seed, metric=self.spec.metric,
            val_score=state.val_score, test_score=state.test_score,
            best_epoch=state.schedule.best_epoch, epochs=state.epoch,
            curves=state.curves, config=deepcopy(self.record_config), provenance=deepcopy(self.provenance),
            error=state.error, weights=state.best,
        )  # fmt: skip

    def summary(self, states: list[_Progression]) -> str:
        mean = {name: sum(state.curves[name][-1] for state in states) / len(states) for name in ("train_loss", "val_score", "lr", "train_seconds")}
        best = [state.val_score for state in states if state.val_score is not None]
        return (
            f"train loss {mean['train_loss']:.4f}, {self.spec.metric} {mean['val_score']:.4f} (best {sum(best) / max(len(best), 1):.4f}), "
            f"rate {mean['lr']:.1e}, {mean['train_seconds']:.2f} s"
        )


def shuffled(index: Tensor, seed: int, epoch: int) -> Tensor:
    """The order of the training graphs in one epoch: a function of (seed, epoch), so a restart needs no generator's state."""
    generator = torch.Generator().manual_seed(seed_of(seed, epoch))
    return index[torch.randperm(len(index), generator=generator)]
