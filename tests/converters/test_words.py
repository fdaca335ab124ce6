"""Rows of a table in words."""

import datetime
import math

import numpy as np
import pandas
import pytest

from plait.converters.graph import check_converter, describe
from plait.converters.words import Template, speak_cell
from plait.errors import CellError, RequestError


def test_it_is_a_converter() -> None:
    check_converter(Template())
    assert describe(Template(template="{age}")) == {
        "name": "template", "version": "template 1", "options": {"template": "{age}"},
    }  # fmt: skip


def test_all_cells_in_the_order_of_the_columns() -> None:
    rows = [
        {"age": 30, "hair_colour": "red"},
        {"age": 31.0, "hair_colour": None},
        {"hair_colour": "fair", "age": math.nan},
    ]
    assert Template()(rows) == (["age: 30, hair colour: red", "age: 31", "hair colour: fair"], [1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (3.0, "3"),
        (0.1 + 0.2, "0.3"),
        (1234567.0, "1234567"),
        (1e300, "1e+300"),
        (-0.0, "0"),
        (12345678901234567890, "12345678901234567890"),
        (True, "yes"),
        (np.bool_(False), "no"),
        (np.float32(0.1), "0.1"),
        (np.int64(7), "7"),
        (datetime.date(2024, 5, 1), "2024-05-01"),
        (datetime.datetime(2024, 5, 1), "2024-05-01"),
        (datetime.datetime(2024, 5, 1, 13, 30), "2024-05-01 13:30"),
        (datetime.datetime(2024, 5, 1, 13, 30, 5), "2024-05-01 13:30:05"),
        (np.datetime64("2024-05-01"), "2024-05-01"),
        (np.datetime64("2024-05-01T00:00:00.000000000"), "2024-05-01"),
        ("  two\nwords ", "two words"),
        (math.inf, "infinite"),
        (None, ""),
        (pandas.NA, ""),
        (np.nan, ""),
        (np.datetime64("NaT", "D"), ""),
        ("  ", ""),
    ],
)
def test_a_cell_in_words(cell: object, said: str) -> None:
    assert speak_cell(cell) == said


def test_a_template_puts_the_columns_in() -> None:
    convert = Template(template="a {age}-year-old with {colour} hair {{sic}}")
    made, sure = convert([{"age": 30.0, "colour": "red"}, {"age": 30, "colour": ""}])
    assert made == ["a 30-year-old with red hair {sic}", "a 30-year-old with unknown hair {sic}"]
    assert sure == [1.0, 0.5]


def test_a_cell_with_braces_is_not_evaluated() -> None:
    assert Template(template="{a}")([{"a": "{b} {a.__class__}"}])[0] == ["{b} {a.__class__}"]


def test_a_row_without_a_cell_is_a_status() -> None:
    for convert in (Template(), Template(template="so {a}")):
        made, sure = convert([{"a": None, "b": math.nan}, {}] if not convert.template else [{"a": None, "b": ""}])
        assert all(isinstance(value, CellError) and str(value) == "no cell of this row is there" for value in made)
        assert set(sure) == {0.0}


def test_another_cell_keeps_the_row() -> None:
    assert Template(template="so {a}")([{"a": None, "b": 1}]) == (["so unknown"], [0.0])


@pytest.mark.parametrize("template", ["{a.__class__}", "{a[0]}", "{a!r}", "{a:>10}", "{0}"])
def test_only_plain_names_stand_in_braces(template: str) -> None:
    with pytest.raises(RequestError, match=r"which is not there. There are: a"):
        Template(template=template)([{"a": 1}])


def test_an_unknown_column_finds_a_near_one() -> None:
    with pytest.raises(RequestError, match=r"names the column 'color', which is not there. Did you mean 'colour'"):
        Template(template="{color}")([{"colour": "red"}])


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{age", "has a lone '{' at character 1"),
        ("age}", "has a lone '}' at character 4"),
        ("{a{b}}", "has a lone '{' at character 1"),
        ("{ }", "has empty braces"),
        ("no column", "names no column; write it in braces"),
    ],
)
def test_a_template_that_cannot_be_meant(template: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Template(template=template)


def test_options_come_as_strings() -> None:
    assert Template.of({"template": " {age} "}) == Template(template="{age}")
    with pytest.raises(RequestError, match=r"template has no option 'words'. There are: template"):
        Template.of({"words": "x"})


def test_no_rows() -> None:
    assert Template()([]) == ([], [])
