"""The curve of a training so far."""

from __future__ import annotations

import pytest

from rethinkpool_core.figures.live_curve import curve_film, live_curve
from rethinkpool_core.training import EpochReport, SeedScores


def report(epoch: int, *scores: float, best: float, test: float) -> EpochReport:
    by_seed = {
        seed: SeedScores(0.7, 0.6, score, best, test, 1e-3) for seed, score in enumerate(scores, start=1)
    }
    return EpochReport(epoch, 0.1, by_seed)


REPORTS = [
    report(1, 0.5, best=0.5, test=0.4),
    report(2, 0.7, best=0.7, test=0.65),
    report(3, 0.6, best=0.7, test=0.65),
]


def lines(drawn):
    """The points of each line, and of each dot."""
    points = [
        [list(part) for part in arguments[:2]]
        for name, arguments in drawn
        if name == "plot" and len(arguments) == 2
    ]
    dots = [arguments[:2] for name, arguments in drawn if name == "plot" and len(arguments) == 3]
    return points, dots


def test_line_has_every_epoch_so_far_and_a_dot_at_the_best(drawn):
    figure = live_curve(REPORTS, "GMN on DIGITS", "accuracy", 10)
    points, dots = lines(drawn)
    assert points == [[[1, 2, 3], [50, 70, 60]]] and dots == [(2, 70)]
    assert figure.caption == "GMN on DIGITS: 3 epochs, best validation 70.0 (test 65.0)"


def test_of_errors_the_smallest_is_the_best(drawn):
    live_curve(REPORTS, "GMN on ZINC", "mae", 10)
    assert lines(drawn)[1] == [(1, 0.5)]


def test_of_seeds_that_tie_the_first_is_told_and_not_the_one_that_tests_best():
    scores = {
        seed: SeedScores(0.7, 0.6, 0.5, 0.5, test, 1e-3) for seed, test in enumerate((0.4, 0.9), start=1)
    }
    figure = live_curve([EpochReport(1, 0.1, scores)], "GMN", "accuracy", 4)
    assert figure.caption == "GMN: 1 epoch, best validation 50.0 (test 40.0)"


def test_seeds_that_train_side_by_side_have_a_line_each(drawn):
    figure = live_curve([report(1, 0.5, 0.6, best=0.6, test=0.5)], "GMN", "accuracy", 4)
    assert len(lines(drawn)[0]) == 2 and "seed 1" in figure.svg and "seed 2" in figure.svg


@pytest.mark.parametrize(("epochs", "ends"), [(8, [2, 4, 6, 8]), (3, [1, 2, 3]), (1, [1])])
def test_film_ends_with_the_whole_training(epochs, ends):
    reports = [report(epoch, 0.5, best=0.5, test=0.4) for epoch in range(1, epochs + 1)]
    captions = [figure.caption for figure in curve_film(reports, "GMN", "accuracy", epochs).figures]
    assert [int(caption.split()[1]) for caption in captions] == ends


def test_before_the_first_epoch_there_is_an_empty_picture():
    assert live_curve([], "GMN", "accuracy", 5).caption == "GMN: not begun"
