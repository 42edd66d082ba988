"""The search of the site, in a browser, opened from the disk."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def first_hit(browser, site):
    """``first_hit(query)`` is the text of the place that the first hit leads to."""
    tab = browser.new_page()

    def search(query: str) -> str:
        tab.goto(f"{(site / 'search.html').as_uri()}?q={query.replace(' ', '+')}")
        tab.wait_for_selector("#search-results ul.search li a")
        tab.click("#search-results ul.search li a")
        tab.wait_for_load_state("load")
        place = "document.getElementById(location.hash.slice(1)) ?? document.querySelector('article')"
        return " ".join(tab.evaluate(f"({place}).innerText").split())

    yield search
    tab.close()


@pytest.mark.parametrize(
    "statement",
    ["Theorem 1", "Theorem 2", "Definition 1", "Definition 2", "Definition 3", "Remark 2", "Remark 3"],
)
def test_first_hit_for_a_statement_is_that_statement(first_hit, statement):
    assert first_hit(statement).startswith(f"{statement} (")


@pytest.mark.parametrize("table", ["Table S1", "Table S2", "Table S3", "Table S4", "Table S5"])
def test_first_hit_for_a_printed_table_is_its_section(first_hit, table):
    assert table in first_hit(table)[:40]


def test_first_hit_for_a_function_is_its_documentation(first_hit):
    assert first_hit("load_results").startswith("rethinkpool_core.load_results(")


def test_first_hit_for_a_word_of_the_glossary_is_its_explanation(first_hit):
    assert first_hit("twin") == "twin"
