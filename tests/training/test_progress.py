"""What training shows: a plain line an epoch, a live line on a terminal, nothing when asked for nothing."""

from __future__ import annotations

import os

from rethinkpool_core.training.progress import show

OPTIONS = {"max_epochs": 3, "batch_size": 24}


def test_a_plain_line_an_epoch(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4], progress=True, **OPTIONS)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert len(lines) == 3
    for epoch, line in enumerate(lines, start=1):
        assert line.startswith(f"N-MINCUTPOOL on DIGITS, seed 4: epoch {epoch}, ")
        assert "\x1b" not in line and "accuracy" in line and "rate 1.0e-03" in line


def test_lines_of_several_seeds(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4, 5], progress=True, replicas=2, **OPTIONS)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[1] for line in lines] == [
        " 2 seeds: epoch 1",
        " 2 seeds: epoch 2",
        " 2 seeds: epoch 3",
    ]


def test_silent(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4], progress=False, **OPTIONS)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_failed_replica_does_not_break_the_line(digits, run, capsys):
    run("N-MINCUTPOOL", digits(60), [4, 5], progress=True, replicas=2, learning_rate=1e300, **OPTIONS)
    assert "nan" in capsys.readouterr().err


def test_brackets_are_no_markup(capsys):
    with show("[red]TU:[/b]", True) as line:
        line.epoch(1, "loss [bold]")
    assert capsys.readouterr().err == "[red]TU:[/b]: epoch 1, loss [bold]\n"


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
        except OSError:  # how Linux tells the end of a terminal
            break
        if not more:
            break
        shown += more
    os.close(main)
    assert b"N-MINCUTPOOL on DIGITS, seed 4" in shown
    assert b"\x1b[?25h" in shown and shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
