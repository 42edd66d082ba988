"""How words on the command line are read."""

from __future__ import annotations

import pytest

from rethinkpool_core.commands.data import dataset_spelling
from rethinkpool_core.commands.values import (
    join_assignments,
    known_spelling,
    parse_assignments,
    parse_seeds,
    parse_value,
)
from rethinkpool_core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("32", 32),
        ("0.5", 0.5),
        ("1e-6", 1e-6),
        ("true", True),
        ("[32, 1]", [32, 1]),
        ('"8"', "8"),
        ("uniform", "uniform"),
        ("", ""),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_value_is_read_as_toml_or_is_a_string(text, value):
    parsed = parse_value(text)
    assert parsed == value
    assert type(parsed) is type(value)


def test_assignments():
    assert parse_assignments(["a=1", "b = x=y"], "--set") == {"a": 1, "b": "x=y"}


@pytest.mark.parametrize("wrong", [["a"], ["=1"], ["a=1", "a=2"]])
def test_wrong_assignments(wrong):
    with pytest.raises(UsageError, match="--set"):
        parse_assignments(wrong, "--set")


def test_an_assignment_may_be_two_words():
    args = ["notebook", "n", "-p", "a", "-1", "-p", "b=2", "--parameter", "c", "x y"]
    assert join_assignments(args) == ["notebook", "n", "-p", "a=-1", "-p", "b=2", "--parameter", "c=x y"]
    args = [
        "train",
        "--set",
        "hidden_dim",
        "8",
        "GMN",
        "DIGITS",
        "--set",
        "tau=2",
        "--set",
        "num_keys",
        "[10, 1]",
    ]
    joined = [
        "train",
        "--set",
        "hidden_dim=8",
        "GMN",
        "DIGITS",
        "--set",
        "tau=2",
        "--set",
        "num_keys=[10, 1]",
    ]
    assert join_assignments(args) == joined


@pytest.mark.parametrize(
    "args",
    [["train", "-p", "a", "b"], ["grid", "--set", "a", "b"], ["train", "--set", "a", "--seeds", "3"], []],
)
def test_other_words_stay_as_they_are(args):
    assert join_assignments(args) == args


@pytest.mark.parametrize(
    ("text", "seeds"), [("3", [1, 2, 3]), ("1,2", [1, 2]), ("7-7", [7]), ("1,5,9-12", [1, 5, 9, 10, 11, 12])]
)
def test_seeds_are_a_number_or_a_list_with_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "few", "1,,2", "3-1", "1,1", "0,1", "1-1000000000", f"1-{10**30}"]
)
def test_wrong_seeds(text):
    with pytest.raises(UsageError, match="seed"):
        parse_seeds(text)


def test_names_are_known_in_any_case():
    known = ["IMDB-B", "table-s5"]
    assert known_spelling("imdb-b", known) == "IMDB-B" and known_spelling("Table-S5", known) == "table-s5"
    assert known_spelling("imdb", known) == "imdb", "what is not known is reported by who looks it up"


def test_names_of_other_tu_sets_keep_their_case():
    assert dataset_spelling("tu:Letter-low") == "TU:Letter-low" and dataset_spelling("proteins") == "PROTEINS"
