"""Values of parameters: what is accepted, in which type it comes back, and the sentence where it is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import pytest

from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.parameters.check import check_value, check_values, field_types, is_supported
from rethinkpool_core.parameters.types import Bounds, NonNegativeFloat, OnlyIf, PositiveInt

SIDES = Annotated[int, OnlyIf("shape", "square"), Bounds(at_least=3, at_most=6)]


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        (3, int, 3),
        (-3, int, -3),
        (3, float, 3.0),
        (0.25, float, 0.25),
        (True, bool, True),
        ("a word", str, "a word"),
        (2020, Literal["2020", "pyg2"], "2020"),
        (6, SIDES, 6),
        (3, SIDES, 3),
        ([2, 1], tuple[PositiveInt, ...], (2, 1)),
        ((2,), tuple[PositiveInt, ...], (2,)),
        (2, tuple[PositiveInt, ...], (2,)),
        ([1, 0.5], tuple[float, ...], (1.0, 0.5)),
        (0, NonNegativeFloat, 0.0),
        (2**31 - 1, int, 2**31 - 1),
    ],
)
def test_accepted(value, annotation, expected):
    found = check_value("key", value, annotation)
    assert found == expected and type(found) is type(expected)
    if isinstance(found, tuple):
        assert list(map(type, found)) == list(map(type, expected))


@pytest.mark.parametrize(
    ("value", "annotation", "sentence"),
    [
        ("3", int, "parameter 'key' takes a whole number, not '3': give one, as in key=2"),
        (3.0, PositiveInt, "parameter 'key' takes a whole number, not 3.0: give one, as in key=2"),
        (True, int, "parameter 'key' takes a whole number, not True: give one, as in key=2"),
        (2.5, SIDES, "parameter 'key' takes a whole number, not 2.5: give one"),
        (7, SIDES, "parameter 'key' cannot be 7: give a whole number of at least 3 and at most 6"),
        (2**31, int, "parameter 'key' cannot be 2147483648: give a whole number of at most 2147483647"),
        (None, float, "parameter 'key' takes a number, not None: give one, as in key=0.5"),
        (math.nan, float, "parameter 'key' cannot be nan: give a number that is finite"),
        (math.nan, NonNegativeFloat, "parameter 'key' cannot be nan: give a number of at least 0"),
        (-math.inf, float, "parameter 'key' cannot be -inf: give a number that is finite"),
        (
            1,
            Annotated[float, Bounds(above=0, below=1)],
            "parameter 'key' cannot be 1: give a number above 0 and below 1",
        ),
        (1, bool, "parameter 'key' takes true or false, not 1: set key=true or key=false"),
        (3, str, "parameter 'key' takes text, not 3: put it in quotes"),
        ([], tuple[int, ...], "parameter 'key' takes a list of at least one value, not []: give key=[2, 1]"),
        (
            [2, "x"],
            tuple[int, ...],
            "an entry of parameter 'key' takes a whole number, not 'x': give one, as in key=[2]",
        ),
        (
            [[2]],
            tuple[int, ...],
            "an entry of parameter 'key' takes a whole number, not [2]: give one, as in key=[2]",
        ),
    ],
)
def test_refused_in_one_sentence(value, annotation, sentence):
    with pytest.raises(UsageError) as error:
        check_value("key", value, annotation)
    assert str(error.value) == sentence


@pytest.mark.parametrize("value", ["pyg", 2021, True, None, ["pyg2"]])
def test_not_among_the_choices(value):
    with pytest.raises(UnknownNameError, match=r"no value .* for parameter 'key': .*known are 2020, pyg2"):
        check_value("key", value, Literal["2020", "pyg2"])


@dataclass(frozen=True)
class Config:
    size: PositiveInt
    scale: float = 1.0


def test_several_values_and_whose_they_are():
    types = field_types(Config)
    assert check_values({"scale": 2, "size": 3}, types, "MINE") == {"scale": 2.0, "size": 3}
    with pytest.raises(UnknownNameError, match="no parameter 'sise' of MINE: did you mean 'size'"):
        check_values({"sise": 3}, types, "MINE")
    with pytest.raises(
        UsageError, match="parameter 'size' of MINE cannot be 0: give a whole number of at least 1"
    ):
        check_values({"size": 0}, types, "MINE")


@pytest.mark.parametrize(
    "annotation", [dict, list[int], tuple[int, int], tuple[dict, ...], int | None, Literal[1]]
)
def test_types_that_are_no_parameters(annotation):
    assert not is_supported(annotation)
