import datetime as dt
import decimal
import math

import numpy as np
import pytest

from plait.data.parse import parse_date, parse_number


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (3, 3.0), (2.5, 2.5), (True, 1.0), (decimal.Decimal("1.10"), 1.1), (np.int64(7), 7.0),
        (" 3 ", 3.0), ("-1.5e3", -1500.0), (".5", 0.5), ("−4", -4.0), ("１２", 12.0),
        ("1,234.5", 1234.5), ("1,234", 1234.0), ("1,234,567", 1234567.0), ("1.234", 1.234), ("1.234,5", 1234.5),
        ("1.234.567", 1234567.0), ("1 234", 1234.0), ("1\u202f234,5", 1234.5), ("1'234.5", 1234.5), ("3,5", 3.5),
        ("12%", 12.0), ("$1,200", 1200.0), ("-€5", -5.0), ("5 €", 5.0),
        (None, None), ("", None), ("  ", None), ("NaN", None), (math.nan, None), ("N/A", None), ("-", None),
    ],
)  # fmt: skip
def test_numbers_are_read(cell, value):
    assert parse_number(cell) == value


@pytest.mark.parametrize("cell", ["abc", "1_0", "1-2", "12,34,5", "1.2.3", "inf", math.inf, 1e31, "3 kg", [1], "--3"])
def test_what_is_no_number_is_refused(cell):
    with pytest.raises(ValueError):
        parse_number(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2024-12-31", (2024, 12, 31)), ("2024-12-31T23:05:09Z", (2024, 12, 31, 23, 5, 9)), ("2024/3/1", (2024, 3, 1)),
        ("2024-12-31 23:05:09+08:00", (2024, 12, 31, 23, 5, 9)),  # as its clock shows it
        ("31.12.2024", (2024, 12, 31)), ("12/31/2024 11:05 PM", (2024, 12, 31, 23, 5)), ("12/31/99", (1999, 12, 31)),
        ("31 Dec 2024", (2024, 12, 31)), ("December 31st, 2024", (2024, 12, 31)), ("Tue, 31 Dec 2024", (2024, 12, 31)),
        ("31-dec-24 12:00 am", (2024, 12, 31)), ("2024年12月31日 08:30", (2024, 12, 31, 8, 30)),
        ("2024-12", (2024, 12, 1)),
        ("20241231", (2024, 12, 31)), (20241231, (2024, 12, 31)), (1735603200, (2024, 12, 31)),
        (1735603200000, (2024, 12, 31)), (dt.date(2024, 12, 31), (2024, 12, 31)),
        (np.datetime64("2024-12-31T06"), (2024, 12, 31, 6)),
    ],
)  # fmt: skip
def test_dates_are_read(cell, value):
    assert parse_date(cell) == dt.datetime(*value)


def test_absent_dates_and_what_is_no_date():
    assert [parse_date(cell) for cell in (None, "", " ", np.datetime64("NaT", "D"), math.nan)] == [None] * 5
    for cell in ("abc", "31.02.2024", "13/13/2024", "31 Foo 2024", 5, True, "2024-12-31 25:00", "12/31/2024 13:00 pm"):
        with pytest.raises(ValueError):
            parse_date(cell)
