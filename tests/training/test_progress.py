"""The progress of training: a plain line per epoch, a live line on a terminal, nothing with ``progress=False``."""

from __future__ import annotations

import os

import pytest

from rethinkpool_core.training.progress import RemainingTime, describe, duration, show_progress
from rethinkpool_core.training.report import EpochReport, SeedScores

OPTIONS = {"max_epochs": 3, "batch_size": 24}


def test_a_plain_line_per_epoch(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4], progress=True, **OPTIONS)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert len(lines) == 3
    for epoch, line in enumerate(lines, start=1):
        assert line.startswith(f"N-MINCUTPOOL on DIGITS, seed 4: epoch {epoch} of at most 3, ")
        assert "\x1b" not in line and "accuracy" in line and "rate 1.0e-03" in line and "s per epoch" in line
        assert ("at most" in line.split("per epoch")[1]) == (epoch < 3)


def test_lines_of_several_seeds(digits, run, capsys):
    options = OPTIONS | {"max_epochs": 1, "progress": True}
    for seeds in ([4, 5], [4, 5, 6]):
        run("N-MINCUTPOOL", digits(60), seeds, replicas=2, **options)
    titles = [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()]
    both, first, rest = (
        f"N-MINCUTPOOL on DIGITS, {seeds}" for seeds in ("2 seeds", "seed 4", "2 of 3 seeds")
    )
    assert titles == [both, first, rest]


def test_silent(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4], progress=False, **OPTIONS)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_failed_replica_does_not_break_the_line(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4, 5], progress=True, replicas=2, learning_rate=1e300, **OPTIONS)
    assert "nan" in capsys.readouterr().err


def report(epoch: int, seconds: float, seeds=(1,)) -> EpochReport:
    scores = SeedScores(0.5, 0.6, 0.75, best_val_score=0.8, test_score=0.7, learning_rate=1e-3)
    return EpochReport(epoch, seconds, dict.fromkeys(seeds, scores))


def test_brackets_are_no_markup(capsys):
    with show_progress("[red]TU:[/b]", "[bold]", RemainingTime(9, []), True) as show:
        show(report(1, 2.0))
    line = capsys.readouterr().err
    assert line.startswith("[red]TU:[/b]: epoch 1 of at most 9, ") and "[bold] 0.7500 (best 0.8000)" in line


def test_seconds_are_those_of_all_seeds_together():
    remaining = RemainingTime(1000, [])
    remaining.add(report(1, 10.0, seeds=(1, 2, 3, 4)))
    line = describe(report(1, 10.0, seeds=(1, 2, 3, 4)), "accuracy", remaining)
    assert line == (
        "epoch 1 of at most 1000, train loss 0.5000, accuracy 0.7500 (best 0.8000), rate 1.0e-03, 10.00 s per epoch, "
        "at most 2 h 46 min left"
    )


def test_time_left_counts_the_groups_that_wait():
    """Another group of two seeds takes as long for each epoch, a group of four seeds twice as long."""
    remaining = RemainingTime(100, [(2, 100), (4, 90)])
    remaining.add(report(10, 3.0, seeds=(1, 2)))
    assert remaining.at_most(10) == pytest.approx(3.0 * (90 + 100 + 2 * 90))
    alone = RemainingTime(100, [(1, 100)])
    alone.add(report(10, 3.0, seeds=(1, 2)))
    assert alone.at_most(10) == pytest.approx(3.0 * (90 + 100)), (
        "one seed may take as long as two, as on a GPU"
    )


def test_time_left_follows_recent_epochs_of_as_many_seeds():
    remaining = RemainingTime(100, [])
    for seconds in [90.0, *[2.0] * 10]:
        remaining.add(report(1, seconds, seeds=(1, 2)))
    assert remaining.seconds_per_epoch == 2.0
    remaining.add(report(2, 1.0, seeds=(1,)))
    assert remaining.seconds_per_epoch == 1.0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "0 s"),
        (59.6, "1 min 0 s"),
        (42, "42 s"),
        (75, "1 min 15 s"),
        (12_000, "3 h 20 min"),
        (180_000, "2 d 2 h"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_on_a_terminal(digits, run, monkeypatch):
    """A pseudo-terminal as standard error: one live line, and the cursor is shown again at the end."""
    main, terminal = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(terminal, "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        (record,) = run("N-MINCUTPOOL", digits(60), [4], progress=True, **OPTIONS)
        monkeypatch.undo()
    assert record.epochs == 3
    shown = b""
    while True:
        try:
            more = os.read(main, 4096)
        except OSError:  # Linux's way to say that the terminal was closed
            break
        if not more:
            break
        shown += more
    os.close(main)
    assert b"N-MINCUTPOOL on DIGITS, seed 4" in shown
    assert b"\x1b[?25h" in shown and shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
