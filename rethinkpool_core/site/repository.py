"""The address of the repository, and what follows from it: launch buttons, set-up cells, links.

It stands once, in ``pyproject.toml``::

    [project.urls]
    Repository = "https://github.com/OWNER/NAME"

The build derives the site from it. `python -m rethinkpool_core.site.written_address` writes it to the files that are read
elsewhere: the notebooks, ``README.md`` and ``CITATION.cff``; a test says when that has been forgotten. Without an address there
is no button.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from rethinkpool_core.errors import UsageError
from rethinkpool_core.site.notebooks import notebook_names, project_folder

BRANCH = "main"
COLAB = "https://colab.research.google.com"
BINDER = "https://mybinder.org"


@dataclass(frozen=True)
class Repository:
    """A public repository.

    url       its address
    slug      OWNER/NAME on GitHub, None elsewhere: Colab and Binder open notebooks from GitHub
    """

    url: str
    slug: str | None

    def colab(self, notebook: str) -> str:
        """Address that opens a notebook on Colab."""
        return f"{COLAB}/github/{self.slug}/blob/{BRANCH}/notebooks/{notebook}.ipynb"

    def binder(self, notebook: str = "") -> str:
        """Address that opens a notebook, or the folder of notebooks, on Binder."""
        path = f"notebooks/{notebook}.ipynb" if notebook else "notebooks"
        return f"{BINDER}/v2/gh/{self.slug}/{BRANCH}?urlpath=lab/tree/{path}"


def repository() -> Repository | None:
    """Return the repository that ``pyproject.toml`` names, or None (raises UsageError for an address that is none)."""
    project = tomllib.loads((project_folder() / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    url = project.get("urls", {}).get("Repository", "")
    if not url:
        return None
    if not re.fullmatch(r"https://[\w.-]+/[\w./~-]+", url):
        raise UsageError(f"the repository of pyproject.toml cannot be {url!r}: give its https address")
    url = url.removesuffix("/").removesuffix(".git")
    on_github = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", url)
    return Repository(url, on_github[1] if on_github else None)


def with_repository(config: str, found: Repository | None) -> str:
    """Return ``_config.yml`` with the address and, for GitHub, launch buttons."""
    import yaml

    if found is None:
        return config
    changed = yaml.safe_load(config)
    changed["repository"] = {"url": found.url, "path_to_book": "", "branch": BRANCH}
    changed["html"]["use_repository_button"] = True
    if found.slug:
        owner, name = found.slug.split("/")
        changed["html"]["baseurl"] = f"https://{owner}.github.io/{name}/"
        changed["launch_buttons"] = {
            "notebook_interface": "jupyterlab",
            "colab_url": COLAB,
            "binderhub_url": BINDER,
        }
    return yaml.safe_dump(changed, sort_keys=False)


def launch_page(found: Repository | None) -> str:
    """Return what the book says about Colab and Binder, in Markdown."""
    if found is None or found.slug is None:
        where = "does not name its repository" if found is None else f"comes from {found.url}"
        return (
            f"This copy of the book {where}. Colab and Binder open notebooks from a public repository on GitHub. "
            "If you have one with this code, write its address into `pyproject.toml`, then build the book again:\n\n"
            '```toml\n[project.urls]\nRepository = "https://github.com/OWNER/NAME"\n```\n\n'
            "```bash\npython -m rethinkpool_core.site.written_address\nmake book\n```\n\n"
            "Each notebook then has buttons for both at its top.\n"
        )
    links = "\n".join(
        f"| `{name}` | [Colab]({found.colab(name)}) | [Binder]({found.binder(name)}) |"
        for name in notebook_names()
    )
    return (
        "Nothing needs to be installed. Colab clones the repository in the first cell; Binder builds an environment from "
        "`.binder/`, which takes some minutes the first time. The rocket at the top of a notebook's page opens the same.\n\n"
        f"| notebook | | |\n| --- | --- | --- |\n{links}\n"
    )


def setup_cell(found: Repository) -> dict[str, Any]:
    """Return the first cell of every notebook, which makes it run on Colab and does nothing where the package is installed."""
    code = f'''#@title Set-up: run this cell on Colab. Where the package is installed it does nothing.
import importlib.util

if importlib.util.find_spec("rethinkpool_core") is None:
    import os
    import subprocess
    import sys

    clone = os.path.abspath("rethinkpool")
    if not os.path.isdir(clone):
        subprocess.run(["git", "clone", "--quiet", "--depth", "1", "{found.url}", clone], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "-e", clone + "[notebooks]"], check=True)
    sys.path.insert(0, clone)
    os.chdir(os.path.join(clone, "notebooks"))'''
    return {
        "cell_type": "code",
        "execution_count": None,
        "id": "set-up",
        "metadata": {
            "cellView": "form",
            "jupyter": {"source_hidden": True},
            "tags": ["set-up", "remove-cell"],
        },
        "outputs": [],
        "source": code.splitlines(keepends=True),
    }
