"""Comparisons of the first seeds."""

from __future__ import annotations

import math

import pytest
from analysis.samples import runs_of

from rethinkpool_core.analysis.arriving import as_seeds_arrive, stored_pairs
from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.cell import Cell

METHOD, TWIN = "MINCUTPOOL", "N-MINCUTPOOL"


@pytest.fixture
def runs():
    changed = Cell(METHOD, "PROTEINS", {"hidden_dim": 8})
    return runs_of((Cell(METHOD, "PROTEINS"), 0.75), (Cell(TWIN, "PROTEINS"), 0.7), (changed, 0.2))


def test_differences_are_those_of_the_first_seeds(runs):
    found = as_seeds_arrive(runs, "PROTEINS", METHOD, TWIN)
    assert [one.seeds for one in found] == [(n, n) for n in range(2, 21)]
    usual = (
        runs[runs.cell != Cell(METHOD, "PROTEINS", {"hidden_dim": 8}).digest]
        .set_index(["model", "seed"])
        .test_score
    )
    for one in found:
        seeds = range(1, one.seeds[0] + 1)
        mean = sum(usual[TWIN, seed] - usual[METHOD, seed] for seed in seeds) / len(seeds)
        assert one.difference == pytest.approx(100 * mean)


def test_failed_runs_and_seeds_of_one_model_alone_are_left_out(runs):
    runs.loc[(runs.model == TWIN) & (runs.seed == 2), ["test_score", "error"]] = [math.nan, "no"]
    found = as_seeds_arrive(runs[(runs.model == METHOD) | (runs.seed < 10)], "PROTEINS", METHOD, TWIN)
    assert found[-1].seeds == (8, 8)


def test_pairs_follow_the_protocol_and_have_two_seeds(runs):
    assert stored_pairs(runs) == {"PROTEINS": [(METHOD, TWIN)]}
    assert stored_pairs(runs[(runs.model == METHOD) | (runs.seed == 1)]) == {}


def test_a_pair_without_two_seeds_in_common_is_not_offered(runs):
    apart = runs[(runs.model == METHOD) == (runs.seed <= 10)]
    assert stored_pairs(apart) == {}
    one_in_common = ((runs.model == METHOD) == (runs.seed <= 10)) | (runs.seed == 4)
    assert stored_pairs(runs[one_in_common]) == {}


def test_too_few_seeds_in_one_sentence(runs):
    with pytest.raises(UsageError, match="1 seeds in common on PROTEINS"):
        as_seeds_arrive(runs[runs.seed == 1], "PROTEINS", METHOD, TWIN)


def test_datasets_of_the_paper_come_first_in_its_order():
    cells = [(Cell(model, dataset), 0.7) for dataset in ("DIGITS", "DD", "NCI1") for model in (METHOD, TWIN)]
    assert list(stored_pairs(runs_of(*cells))) == ["NCI1", "DD", "DIGITS"]


def test_a_dataset_of_the_users_own_is_not_paired(runs):
    """Its name says nothing about its split."""
    usual = runs[runs.cell != Cell(METHOD, "PROTEINS", {"hidden_dim": 8}).digest]
    found = as_seeds_arrive(usual.assign(dataset="MINE"), "MINE", METHOD, TWIN)
    assert [one.paired for one in found] == [False] * 19 and found[-1].metric == "accuracy"
