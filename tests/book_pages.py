"""Pages of the book, and the widths of screens they are opened on."""

from __future__ import annotations

import re
from pathlib import Path

BOOK = Path(__file__).parents[1] / "book"
PAGES = ["index", *re.findall(r"file: (\S+)", (BOOK / "_toc.yml").read_text(encoding="utf-8"))]
PHONE, DESKTOP = 390, 1280
