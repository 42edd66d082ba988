"""Write the address of the repository to the files that are read without this package: notebooks, README.md, CITATION.cff.

`python -m rethinkpool_core.site.written_address` does it; run it again after each change of the address or of the set-up cell.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from rethinkpool_core.site.notebooks import notebook_names, project_folder
from rethinkpool_core.site.repository import Repository, repository, setup_cell

_README = re.compile(r"(<!-- repository -->\n).*?(<!-- /repository -->\n)", re.DOTALL)
_CITATION = re.compile(r"^repository-code: .*\n", re.MULTILINE)


def expected(found: Repository | None) -> dict[Path, str]:
    """Return the text that each file should have for this address."""
    root = project_folder()
    texts = {
        root / name: change((root / name).read_text(encoding="utf-8"), found)
        for name, change in _CHANGES.items()
    }
    for name in notebook_names():
        path = root / "notebooks" / f"{name}.ipynb"
        texts[path] = _notebook(path.read_text(encoding="utf-8"), found)
    return texts


def write_address() -> list[Path]:
    """Write the address to every file that does not have it, and return those files."""
    texts = expected(repository())
    changed = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.write_text(texts[path], encoding="utf-8")
    return changed


def _readme(text: str, found: Repository | None) -> str:
    links = []
    if found:
        links = [f"[Repository]({found.url})"]
    if found and found.slug:
        links.append(f"[open the notebooks on Binder]({found.binder()})")
    return _README.sub(rf"\g<1>{' · '.join(links)}{chr(10) if links else ''}\g<2>", text)


def _citation(text: str, found: Repository | None) -> str:
    text = _CITATION.sub("", text)
    return text if found is None else text.replace("license:", f'repository-code: "{found.url}"\nlicense:', 1)


_CHANGES = {"README.md": _readme, "CITATION.cff": _citation}


def _notebook(text: str, found: Repository | None) -> str:
    notebook = json.loads(text)
    cells = [cell for cell in notebook["cells"] if "set-up" not in cell["metadata"].get("tags", [])]
    if found:
        after_title = cells[0]["cell_type"] == "markdown"
        cells.insert(int(after_title), setup_cell(found))
    return json.dumps(notebook | {"cells": cells}, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in write_address():
        print(f"wrote the address to {path.name}")
