"""Rounds in which both sides train for an epoch in turn, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from statistics import geometric_mean, median
from typing import Any

import torch

from benchmarks.clock import Seconds, clock_of
from benchmarks.sides import Ours, Plain
from rethinkpool_core.data.dataset import GraphDataset

TOGETHER = ("MINCUTPOOL", "N-MINCUTPOOL", "DIFFPOOL-V2", "N-DIFFPOOL-V2")
"""The models whose ratios are also given as one."""
Round = dict[str, dict[str, float]]
"""Seconds of an epoch for each seed, by side and clock; under "matching" what the plain side spent in matchings."""


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
    plain, ours = Plain(name, dataset, device), Ours(name, dataset, device, seeds)
    say(f"{name}: warming up")
    for side in (plain, ours):
        side.warm_up()
    if plain.matching is not None:
        plain.matching = Seconds()
    found: list[Round] = []
    for number in range(rounds):
        seconds: dict[str, Seconds] = {}
        for key, side in (("plain", plain), ("ours", ours))[:: -1 if number % 2 else 1]:
            seconds[key] = side.epoch_seconds()
        if plain.matching is not None:
            seconds["matching"], plain.matching = plain.matching, Seconds()
        found.append({key: asdict(value) for key, value in seconds.items()})
        say(f"{name}: round {number + 1} of {rounds}, {ratio(found[-1], clock_of(device)):.2f} times as fast")
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
