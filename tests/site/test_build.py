"""Building the book: what goes wrong is said, and the old site stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.site import build as book
from rethinkpool_core.site.build import BookError, build_book, build_site
from rethinkpool_core.site.tables import markdown, write_tables

ROOT = Path(__file__).parents[2]


def test_unknown_profile():
    with pytest.raises(UnknownNameError, match="quick"):
        build_book("fast")


def test_a_warning_is_an_error_and_the_old_site_stays(tmp_path, monkeypatch):
    """A book of two pages, with the configuration of the real one."""

    def two_pages(executed: Path, pages: Path) -> None:
        pages.mkdir()
        for name in ("_config.yml", "_static", "references.bib", "reference.md"):
            copy = shutil.copytree if (ROOT / "book" / name).is_dir() else shutil.copy2
            copy(ROOT / "book" / name, pages / name)
        (pages / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n- file: reference\n")
        (pages / "index.md").write_text("# Start\n\n[nowhere](no-such-page)\n")

    monkeypatch.setattr(book, "collect_pages", two_pages)
    old = tmp_path / "build" / "site" / "index.html"
    old.parent.mkdir(parents=True)
    old.write_text("old")
    with pytest.raises(BookError, match="no-such-page"):
        build_site(tmp_path / "no notebooks", tmp_path / "build")
    assert old.read_text() == "old"


def test_markdown_table():
    assert markdown(["a", "b"], [[None, (32, 1)]]) == "| a | b |\n| --- | --- |\n|  | 32, 1 |\n"


def test_tables_of_the_book_hold_what_the_package_says(tmp_path):
    write_tables(tmp_path)
    grids = (tmp_path / "grids.md").read_text().splitlines()
    assert [
        line.endswith("(32 cells) |") for line in grids if line.startswith("| `table-s5` | Table S5: ")
    ] == [True]
    row = "| `SMNIST` | 10 classes | accuracy | intensity, row, column |"
    assert row in (tmp_path / "datasets.md").read_text()
