"""Figures as HTML."""

from __future__ import annotations

import re

from rethinkpool_core.figures.svg import FigureRow, FoldedRows, SvgFigure, draw_svg


def test_folded_rows_have_all_figures_and_the_first_row_is_open():
    rows = {
        "A & B": FigureRow([SvgFigure("<svg>a</svg>", "one")]),
        "C": FigureRow([SvgFigure("<svg>c</svg>", "two")]),
    }
    first, second = FoldedRows(rows)._repr_html_().split("\n")
    assert first.startswith("<details open><summary>A &amp; B</summary>") and "<svg>a</svg>" in first
    assert second.startswith("<details><summary>C</summary>") and "<svg>c</svg>" in second


def line(axes):
    axes.plot([0, 1], marker="o", label="a line")
    axes.legend()


def test_ids_of_a_page_with_two_figures_are_all_different():
    page = draw_svg(line, "one").svg + draw_svg(line, "two").svg
    ids = re.findall(r' id="([^"]*)"', page)
    assert ids and len(set(ids)) == len(ids)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) == set(ids)


def test_labels_have_the_font_of_the_page():
    families = re.findall(r"font-family: ([^;\"]*)", draw_svg(line, "one").svg)
    assert set(families) == {"system-ui, sans-serif"}


def test_any_text_is_a_caption():
    caption = r'A\B \1 & "C"'
    assert r'aria-label="A\B \1 &amp; &quot;C&quot;"' in draw_svg(line, caption).svg
