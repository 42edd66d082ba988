"""Rounds in which both sides train for an epoch in turn, each in a process of its own, and what follows from them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict
from multiprocessing import get_context
from statistics import geometric_mean, median
from typing import Any

import torch

from rethinkpool_core.bench.clock import Seconds, clock_of
from rethinkpool_core.bench.sides import Ours, Plain, Side
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.errors import RethinkPoolError

TOGETHER = ("MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2")
"""The models whose ratios are also given as one."""
Round = dict[str, dict[str, float]]
"""Seconds of an epoch for each seed, by side and clock; under "matching" what the plain side spent in matchings."""


class Apart:
    """A `Side` in a process of its own, as its user would have it: what one does to a process, the other does not get.

    Training tells the C library to keep the memory that a step frees, for one. Raises RethinkPoolError when the process dies.
    """

    def __init__(
        self,
        kind: type[Side],
        name: str,
        dataset: GraphDataset,
        device: torch.device,
        seeds: Sequence[int] = (1,),
    ):
        self.name, self.process = name, ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))
        # Pickled here, since between processes torch would put the tensors into shared memory, of which some have little.
        job = pickle.dumps((name, dataset, device, seeds))
        self._ask(_begin, kind, torch.get_num_threads(), job)

    def epoch(self) -> dict[str, Seconds]:
        return self._ask(_epoch)

    def _ask(self, work: Callable, *arguments):
        try:
            return self.process.submit(work, *arguments).result()
        except BrokenProcessPool:
            raise RethinkPoolError(
                f"a process of the benchmark of {self.name} was killed, perhaps for its memory: measure fewer --seeds"
            ) from None

    def __enter__(self) -> Apart:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.shutdown(cancel_futures=True)


_here: Side  # of a process of `Apart`


def _begin(kind: type[Side], threads: int, job: bytes) -> None:
    global _here
    torch.set_num_threads(threads)
    _here = kind(*pickle.loads(job))
    _here.warm_up()


def _epoch() -> dict[str, Seconds]:
    """Of an epoch, "epoch", and of the matchings in it, "matching", where they are watched."""
    if isinstance(_here, Plain) and _here.matching is not None:
        _here.matching = Seconds()
        epoch = _here.epoch_seconds()
        return {"epoch": epoch, "matching": _here.matching}
    return {"epoch": _here.epoch_seconds()}


def measure_rounds(
    name: str,
    dataset: GraphDataset,
    *,
    device: torch.device,
    seeds: Sequence[int],
    rounds: int,
    say: Callable[[str], None],
) -> list[Round]:
    """``rounds`` times an epoch of the plain model and one of ours, which goes first in every other round."""
    say(f"{name}: warming up")
    found: list[Round] = []
    with Apart(Plain, name, dataset, device) as plain, Apart(Ours, name, dataset, device, seeds) as ours:
        for number in range(rounds):
            epochs = {
                key: side.epoch()
                for key, side in (("plain", plain), ("ours", ours))[:: -1 if number % 2 else 1]
            }
            seconds = {key: asdict(times["epoch"]) for key, times in epochs.items()}
            if "matching" in epochs["plain"]:
                seconds["matching"] = asdict(epochs["plain"]["matching"])
            found.append(seconds)
            say(
                f"{name}: round {number + 1} of {rounds}, {ratio(found[-1], clock_of(device)):.2f} times as fast"
            )
    return found


def ratio(measured: Round, clock: str, *, without_matching: bool = False) -> float:
    """How many times as long the plain side takes."""
    plain = measured["plain"][clock] - (measured["matching"][clock] if without_matching else 0.0)
    return plain / measured["ours"][clock]


def summary(rounds: list[Round], clock: str) -> dict[str, Any]:
    """Medians over the rounds, and the least and largest ratio."""
    ratios = [ratio(measured, clock) for measured in rounds]
    found = {
        "plain_seconds": median(measured["plain"][clock] for measured in rounds),
        "our_seconds": median(measured["ours"][clock] for measured in rounds),
        "ratio": median(ratios),
        "least": min(ratios),
        "largest": max(ratios),
    }
    if "matching" in rounds[0]:
        found["ratio_without_matching"] = median(
            ratio(measured, clock, without_matching=True) for measured in rounds
        )
    return found


def overall(models: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The geometric mean of the ratios of the models of `TOGETHER`; None if one of them was not measured."""
    ratios = {entry["model"]: entry["ratio"] for entry in models}
    if not set(TOGETHER) <= set(ratios):
        return None
    return {"models": list(TOGETHER), "ratio": geometric_mean([ratios[name] for name in TOGETHER])}
