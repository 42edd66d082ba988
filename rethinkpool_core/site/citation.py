"""The entry of this software for a bibliography, from ``CITATION.cff``."""

from __future__ import annotations

from rethinkpool_core.site.notebooks import project_folder


def software_bibtex() -> str:
    """Return the BibTeX entry of this software."""
    import yaml

    cited = yaml.safe_load((project_folder() / "CITATION.cff").read_text(encoding="utf-8"))
    fields = {
        "title": cited["title"],
        "author": " and ".join(f"{{{author['name']}}}" for author in cited["authors"]),
        "note": f"Version {cited['version']}",
        "url": cited.get("repository-code"),
    }
    lines = [f"  {key} = {{{value}}}," for key, value in fields.items() if value]
    return "\n".join(["@software{rethinkpool,", *lines, "}"]) + "\n"
