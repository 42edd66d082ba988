"""Tables fit the terminal without losing anything; a pipe gets one line per row."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from rethinkpool_core.commands.output import check_writable, fit_table, print_table, print_text, write_text
from rethinkpool_core.errors import StorageError


def table_of(header: str, *rows: tuple[str, ...]) -> Table:
    """Columns of words, and of numbers where the header ends with #."""
    table = Table()
    for name in header.split(", "):
        table.add_column(name.rstrip("#"), justify="right" if name.endswith("#") else "left")
    for row in rows:
        table.add_row(*row)
    return table


def lines_of(part: Table, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    console.print(part)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


WIDE = table_of(
    "model, one#, two#, three#, four#", ("GMN", "1.0 ± 0.1", "2.0 ± 0.2", "3.0 ± 0.3", "4.0 ± 0.4")
)


def test_a_table_with_room_stays_whole():
    (part,) = fit_table(WIDE, 100)
    assert lines_of(part, 100)[-1] == "GMN    1.0 ± 0.1  2.0 ± 0.2  3.0 ± 0.3  4.0 ± 0.4"


def test_a_table_without_room_is_divided_evenly_and_repeats_its_key():
    first, second = fit_table(WIDE, 46)
    assert lines_of(first, 46)[-1] == "GMN    1.0 ± 0.1  2.0 ± 0.2"
    assert lines_of(second, 46)[-1] == "GMN    3.0 ± 0.3  4.0 ± 0.4"


@pytest.mark.parametrize("width", range(16, 60))
def test_no_width_cuts_a_cell_or_exceeds_the_terminal(width):
    lines = [line for part in fit_table(WIDE, width) for line in lines_of(part, width)]
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert all(f"{n}.0 ± 0.{n}" in text for n in range(1, 5)) and "…" not in text


def test_long_headers_and_prose_wrap_between_words():
    (part,) = fit_table(table_of("key, note, how far it is#", ("x", "some words of prose", "1.25")), 22)
    assert lines_of(part, 22) == [
        "                   how",
        "                   far",
        "                    it",
        "key  note           is",
        "──────────────────────",
        "x    some words   1.25",
        "     of prose",
    ]


def test_brackets_are_printed_as_they_are():
    (part,) = fit_table(table_of("a", ("an error: [/red] is no tag",)), 40)
    assert lines_of(part, 40)[-1] == "an error: [/red] is no tag"


def test_a_pipe_gets_a_line_per_row_whatever_its_length(capsys):
    print_table(table_of("a, b", ("x" * 150, "y" * 150)))
    assert f"{'x' * 150}  {'y' * 150}" in capsys.readouterr().out.splitlines()


def test_text_wraps_on_a_terminal_alone(capsys, monkeypatch):
    print_text("some words " * 20)
    assert len(capsys.readouterr().out.splitlines()) == 1
    monkeypatch.setattr("rethinkpool_core.commands.output.terminal_width", lambda: 40)
    print_text("some words " * 20)
    assert all(
        line.startswith(("some", "words")) and len(line) <= 40
        for line in capsys.readouterr().out.splitlines()
    )


@pytest.mark.parametrize("kind", ["folder", "pipe", "name too long", "links in a circle", "no folder"])
def test_what_no_file_can_be_written_to_is_refused(kind, tmp_path):
    path = tmp_path / ("x" * 300 if kind == "name too long" else "out")
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "links in a circle":
        path.symlink_to(path)
    elif kind == "no folder":
        path = path / "out"
    with pytest.raises(StorageError, match=r"cannot write .*: name a regular file in a folder that exists"):
        check_writable(path)


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert check_writable(Path("~/out.json")) == tmp_path / "out.json"


def test_a_link_stays_a_link_to_what_is_written(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "r.json").write_text("old")
    link = tmp_path / "r.json"
    link.symlink_to(tmp_path / "kept" / "r.json")
    write_text(check_writable(link), "new")
    assert link.is_symlink() and (tmp_path / "kept" / "r.json").read_text() == "new"
