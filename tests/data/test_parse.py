import datetime as dt
import decimal
import math

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.data.parse import (
    is_decimal_comma,
    parse_date,
    parse_number,
    read_amounts,
    read_dates,
    read_numbers,
)
from plait.data.read import read
from plait.errors import TableError


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (3, 3.0), (2.5, 2.5), (True, 1.0), (decimal.Decimal("1.10"), 1.1), (np.int64(7), 7.0),
        (" 3 ", 3.0), ("-1.5e3", -1500.0), (".5", 0.5), ("−4", -4.0), ("１２", 12.0),
        ("1,234.5", 1234.5), ("1,234", 1234.0), ("1,234,567", 1234567.0), ("1.234", 1.234), ("1.234,5", 1234.5),
        ("1.234.567", 1234567.0), ("1 234", 1234.0), ("1\u202f234,5", 1234.5), ("1'234.5", 1234.5), ("3,5", 3.5),
        ("12%", 12.0), ("$1,200", 1200.0), ("-€5", -5.0), ("5 €", 5.0),
        ("€12.34", 12.34), ("$1,234.50", 1234.5), ("12 €", 12.0), ("€ 12", 12.0), ("-€5.00", -5.0), ("€-5.00", -5.0),
        ("1 234,5", 1234.5), ("1\u00a0234,5", 1234.5), ("1’234.50", 1234.5), ("12,5 %", 12.5), ("８％", 8.0),
        ("(12.5)", -12.5), ("($1,234.50)", -1234.5), ("$(5)", -5.0), ("(1.234,50) €", -1234.5),
        (None, None), ("", None), ("  ", None), ("NaN", None), (math.nan, None), ("N/A", None), ("-", None),
    ],
)  # fmt: skip
def test_numbers_are_read(cell, value):
    assert parse_number(cell) == value


@pytest.mark.parametrize(
    "cell",
    [
        "abc", "1_0", "1-2", "12,34,5", "1.2.3", "inf", math.inf, 1e31, "3 kg", [1], "--3", "(-5)", "f(5)", "(5", "5)",
        "$5€", "$$5", "+49 170 123 456", "12:30", "1/2", "5-", "12345-6789",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(cell):
    with pytest.raises(ValueError):
        parse_number(cell)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["8.648,27", "1.234", "3,5", "(12,5)", "1,234"], [8648.27, 1234.0, 3.5, -12.5, 1.234]),
        (["1.234 €", "5,00 €"], [1234.0, 5.0]),
        (["1.2.3", "0,5"], [math.nan, 0.5]),  # a version, in a column with decimal commas too
        (["1.234", "2.345"], [1.234, 2.345]),  # nothing tells: as in one cell
        (["1,234", "2,345"], [1234.0, 2345.0]),
        (["1,234", "2.5"], [1234.0, 2.5]),
        (["1.234", "2,5", "2.5"], [1.234, 2.5, 2.5]),  # both are there: as in one cell
        ([1.5, None, "x"], [1.5, math.nan, math.nan]),
    ],
)  # fmt: skip
def test_the_decimal_sign_is_told_from_the_column(cells, values):
    np.testing.assert_array_equal(read_numbers(cells), values)


def test_a_decimal_comma_must_be_sure():
    assert is_decimal_comma(["1,5", "1.234"])
    assert is_decimal_comma(["1.234.567"])
    assert not is_decimal_comma(["1,234", "1.234", 2.5, None])
    assert not is_decimal_comma(["1,5", "1.5"])


def test_a_target_is_read_as_its_column_writes_it():
    assert read_amounts(read({"y": ["1.234", "12,5", " ", None]}), "y") == [1234.0, 12.5, None, None]
    with pytest.raises(TableError, match="the target is 'abc'; expected a number"):
        read_amounts(read({"y": ["1", "abc"]}), "y")


@pytest.mark.parametrize("cell", ["7", "-0", "3.25", ".5", "1e3", "+4", "12.", "-1.5E-3"])
def test_a_file_of_plain_numbers_is_read_alike_by_arrow(cell, tmp_path):
    (tmp_path / "a.csv").write_text(f"x,t\n{cell},a\n")
    table: Table = read(tmp_path / "a.csv")
    assert not isinstance(table.cells("x")[0], str)
    assert table.cells("x")[0] == parse_number(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2024-12-31", (2024, 12, 31)), ("2024-12-31T23:05:09Z", (2024, 12, 31, 23, 5, 9)), ("2024/3/1", (2024, 3, 1)),
        ("2024-12-31 23:05:09+08:00", (2024, 12, 31, 23, 5, 9)),  # as its clock shows it
        ("31.12.2024", (2024, 12, 31)), ("12/31/2024 11:05 PM", (2024, 12, 31, 23, 5)), ("12/31/99", (1999, 12, 31)),
        ("31 Dec 2024", (2024, 12, 31)), ("December 31st, 2024", (2024, 12, 31)), ("Tue, 31 Dec 2024", (2024, 12, 31)),
        ("31-dec-24 12:00 am", (2024, 12, 31)), ("2024年12月31日 08:30", (2024, 12, 31, 8, 30)),
        ("2024-12", (2024, 12, 1)), ("28.1.11", (2011, 1, 28)), ("2021-03-04T05:06:07Z", (2021, 3, 4, 5, 6, 7)),
        ("3 Mar 2021", (2021, 3, 3)), ("3 Sept 2021", (2021, 9, 3)), ("2021年3月4日", (2021, 3, 4)),
        ("20241231", (2024, 12, 31)), (20241231, (2024, 12, 31)), (1735603200, (2024, 12, 31)),
        (1735603200000, (2024, 12, 31)), (dt.date(2024, 12, 31), (2024, 12, 31)),
        (np.datetime64("2024-12-31T06"), (2024, 12, 31, 6)),
    ],
)  # fmt: skip
def test_dates_are_read(cell, value):
    assert parse_date(cell) == dt.datetime(*value)


def test_absent_dates_and_what_is_no_date():
    assert [parse_date(cell) for cell in (None, "", " ", np.datetime64("NaT", "D"), math.nan)] == [None] * 5
    for cell in ("abc", "31.02.2024", "13/13/2024", "31 Foo 2024", 5, True, "2024-12-31 25:00", "12/31/2024 13:00 pm",
                 "1.2.3", "555-12-14", "5 marks 20", "3 may 150", "12:30"):  # fmt: skip
        with pytest.raises(ValueError):
            parse_date(cell)


def test_the_order_of_day_and_month_is_told_from_the_column():
    assert read_dates(["3.4.21", "28.1.11", "x", None]) == [
        dt.datetime(2021, 4, 3),
        dt.datetime(2011, 1, 28),
        None,
        None,
    ]
    assert read_dates(["3/4/21", "1/28/11"]) == [dt.datetime(2021, 3, 4), dt.datetime(2011, 1, 28)]


def test_a_target_is_read_as_the_column_that_was_learned_from() -> None:
    table = Table({"price": pa.chunked_array([pa.array(["1.234", None])])})
    assert read_amounts(table, "price") == [1.234, None]
    assert read_amounts(table, "price", True) == [1234.0, None]
