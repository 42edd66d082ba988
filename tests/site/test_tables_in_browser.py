"""Tables of the site sort and align in the browser (book/_static/tables.js)."""

from __future__ import annotations

from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "book" / "_static"
COLUMN = "(table, column) => [...table.tBodies[0].rows].map(row => row.cells[column].textContent)"


@pytest.fixture
def table(browser):
    """``table(header, rows)`` is a page with such a table."""
    tab = browser.new_page()

    def show(header: list[str], rows: list[list[str]]):
        cells = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
        head = "".join(f"<th>{name}</th>" for name in header)
        script, style = ((STATIC / name).read_text(encoding="utf-8") for name in ("tables.js", "style.css"))
        tab.set_content(
            f"<style>{style}</style><script>{script}</script><article class='bd-article'>"
            f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></article>"
        )
        return tab.locator("table")

    yield show
    tab.close()


def column(found, number: int) -> list[str]:
    return found.evaluate(f"table => ({COLUMN})(table, {number})")


SCORES = [["b", "9.5 ± 0.1"], ["a", "10.25 ± 2"], ["c", "-"], ["d", "−3"]]


def test_numbers_sort_by_value_and_missing_ones_come_last(table):
    found = table(["model", "score"], SCORES)
    found.locator("button").nth(1).click()
    assert column(found, 1) == ["−3", "9.5 ± 0.1", "10.25 ± 2", "-"]
    found.locator("button").nth(1).click()
    assert column(found, 1) == ["10.25 ± 2", "9.5 ± 0.1", "−3", "-"]


def test_numbers_with_groups_of_digits_are_numbers(table):
    found = table(["model", "parameters"], [["a", "25\u202f602"], ["b", "1\u202f234\u202f567"], ["c", "946"]])
    assert found.locator("td.number").count() == 3
    found.locator("button").nth(1).click()
    assert column(found, 0) == ["c", "a", "b"]


def test_third_click_restores_the_order(table):
    found = table(["model", "score"], SCORES)
    for _ in range(3):
        found.locator("button").first.click()
    assert column(found, 0) == ["b", "a", "c", "d"]
    assert found.locator("[aria-sort]").count() == 0


def test_the_keyboard_sorts_and_the_header_says_how(table):
    found = table(["model", "score"], SCORES)
    found.locator("button").first.press("Enter")
    assert column(found, 0) == ["a", "b", "c", "d"]
    assert found.locator("th").first.get_attribute("aria-sort") == "ascending"


def test_words_with_numbers_sort_by_the_number(table):
    found = table(["name"], [["NCI109"], ["NCI1"], ["DD"]])
    found.locator("button").click()
    assert column(found, 0) == ["DD", "NCI1", "NCI109"]


def test_columns_of_numbers_align_right_and_others_left(table):
    found = table(["model", "score"], SCORES)
    align = "e => getComputedStyle(e).textAlign"
    assert [found.locator("td").nth(number).evaluate(align) for number in (0, 1)] == ["start", "right"]


@pytest.mark.parametrize("names", [["NCI1", "", "DD"], ["1", "2", "mean", "SD"]])
def test_rows_that_belong_together_keep_their_order(table, names):
    assert table(["name", "score"], [[name, "1.5"] for name in names]).locator("button").count() == 0


def test_sentences_and_long_headers_are_marked_for_phones(table):
    found = table(
        ["model", "assignment of nodes to clusters"], [["a", "normal noise, one row per node position"]]
    )
    assert found.locator("td.sentence").all_text_contents() == ["normal noise, one row per node position"]
    assert found.locator("th.long").count() == 1
