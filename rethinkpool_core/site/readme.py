"""The part of README.md that comes from ``results/``: three lines and a picture.

    python -m rethinkpool_core.site.readme

writes both anew. A test compares them with the committed runs, so run it after committing others.
"""

from __future__ import annotations

from rethinkpool_core.errors import DataError
from rethinkpool_core.figures.svg import as_file
from rethinkpool_core.figures.table_s5 import table_s5_picture
from rethinkpool_core.files.atomic import write_file
from rethinkpool_core.site.found import agreement, differences, equivalence
from rethinkpool_core.site.notebooks import project_folder
from rethinkpool_core.site.table_s5 import TableS5, load_table_s5

START, END = "<!-- found: written by python -m rethinkpool_core.site.readme -->", "<!-- /found -->"
PICTURE = "book/_static/table-s5.svg"


def picture(table: TableS5) -> str:
    """Return the picture as the text of an SVG file."""
    return as_file(table_s5_picture(table.ours, table.printed))


def with_findings(text: str, table: TableS5) -> str:
    """Return the text of README.md with the lines between its two markers written anew.

    Raises DataError where a marker is missing.
    """
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise DataError(f"README.md has no lines {START!r} and {END!r}: put them around what was found")
    lines = "".join(f"- {line(table)}\n" for line in (agreement, differences, equivalence))
    return f"{before}{START}\n{lines}{END}{after}"


def main() -> None:
    table = load_table_s5()
    readme = project_folder() / "README.md"
    written = with_findings(readme.read_text(encoding="utf-8"), table)
    write_file(project_folder() / PICTURE, picture(table).encode())
    write_file(readme, written.encode())


if __name__ == "__main__":
    main()
