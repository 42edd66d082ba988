"""Figures as HTML."""

from __future__ import annotations

from rethinkpool_core.figures.svg import FigureRow, FoldedRows, SvgFigure


def test_folded_rows_have_all_figures_and_the_first_row_is_open():
    rows = {
        "A & B": FigureRow([SvgFigure("<svg>a</svg>", "one")]),
        "C": FigureRow([SvgFigure("<svg>c</svg>", "two")]),
    }
    first, second = FoldedRows(rows)._repr_html_().split("\n")
    assert first.startswith("<details open><summary>A &amp; B</summary>") and "<svg>a</svg>" in first
    assert second.startswith("<details><summary>C</summary>") and "<svg>c</svg>" in second
