"""What a reader is told about their own data."""

from __future__ import annotations

import pytest
from analysis.samples import by_seed, with_moments

from rethinkpool_core.analysis.equivalence import compare, holm_adjust
from rethinkpool_core.analysis.pooling_verdict import compare_runs, pooling_verdict
from rethinkpool_core.training import RunRecord


def verdict(twin, control, std=0.002, metric="accuracy"):
    """With these means of twin and control beside a method at 0.8."""
    scores = [by_seed(with_moments(mean, std, 10, seed)) for seed, mean in enumerate((0.8, twin, control))]
    found = [
        compare(scores[0], one, paired=True, metric=metric, names=("MINE", "M", name))
        for one, name in ((scores[1], "N-M"), (scores[2], "NO-POOL"))
    ]
    return pooling_verdict(*holm_adjust(found))


def test_nothing_matters():
    assert verdict(0.8, 0.8) == (
        "On MINE, it does not matter which nodes are pooled together. Having no pooling makes no difference."
    )


@pytest.mark.parametrize(
    ("control", "metric", "said"),
    [
        (0.7, "accuracy", "Pooling helps: M is better."),
        (0.9, "accuracy", "Pooling does harm: NO-POOL is better."),
        (0.7, "mae", "Pooling does harm: NO-POOL is better."),
    ],
)
def test_the_better_side_is_named(control, metric, said):
    text = verdict(0.7, control, metric=metric)
    better = "M" if metric == "accuracy" else "N-M"
    assert f"it matters which nodes are pooled together: {better} is better." in text and text.endswith(said)


def test_a_small_difference_is_called_small():
    assert "makes a difference that is too small to matter. Having" in verdict(0.805, 0.8, std=0.001)


def test_what_is_undecided_says_what_would_have_been_found():
    text = verdict(0.8, 0.7, std=0.03)
    assert "these runs do not show whether" in text
    assert (
        "Between M and N-M these seeds would find a true difference of " in text
        and "NO-POOL these seeds" not in text
    )


def test_records_are_compared_by_seed_with_the_first_model():
    runs = {
        name: [
            RunRecord(name, "MINE", seed, "accuracy", 0.5, mean + 0.01 * seed % 0.03, 1, 1) for seed in seeds
        ]
        for name, mean, seeds in (("M", 0.7, (1, 2, 3)), ("N-M", 0.6, (1, 2, 3, 4)), ("NO-POOL", 0.8, (2, 3)))
    }
    twin, control = compare_runs(runs)
    assert (twin.method, twin.twin, control.twin) == ("M", "N-M", "NO-POOL")
    assert twin.seeds == (3, 3) and twin.unmatched == (0, 1) and control.seeds == (2, 2)
    by_hand = [100 * (b.test_score - a.test_score) for a, b in zip(runs["M"], runs["N-M"], strict=False)]
    assert twin.difference == pytest.approx(sum(by_hand) / 3)
