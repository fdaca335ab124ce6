import datetime as dt
import decimal
import math
import time

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.data.parse import (
    CLOCK,
    FEET,
    FRACTION,
    PLACE,
    SPAN,
    Written,
    calendar_form,
    how_written,
    is_decimal_comma,
    is_missing,
    parse_date,
    parse_moment,
    parse_number,
    read_amounts,
    read_dates,
    read_numbers,
    several_units,
    split_unit,
    zone_of,
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
        ("2021Q3", (2021, 7, 1)), ("Q4 2021", (2021, 10, 1)), ("1Q2021", (2021, 1, 1)), ("2020年第2季度", (2020, 4, 1)),
        (45657, (2024, 12, 31)), ("45657.25", (2024, 12, 31, 6)),
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
    assert read_amounts(table, "price", Written(decimal_comma=True)) == [1234.0, None]
    grams = Table({"w": pa.chunked_array([pa.array(["500 g"])])})
    with pytest.raises(TableError, match="the target is '500 g'; expected a number in kg"):
        read_amounts(grams, "w", Written(unit="kg"))


@pytest.mark.parametrize(
    ("cell", "number", "unit"),
    [
        ("12 kg", 12, "kg"), ("12kg", 12, "kg"), ("3.5 km/h", 3.5, "km/h"), ("46,8 cm", 46.8, "cm"),
        ("94 m²", 94, "m^2"),
        ("1,200 sq ft", 1200, "sq ft"), ("-4.5 °C", -4.5, "°C"), ("5 stars", 5, "star"), ("12 ‰", 12, "‰"),
        ("EUR 1,200.50", 1200.5, "€"), ("1.200,50 EUR", 1200.5, "€"), ("R$ 12,50", 12.5, "BRL"), ("100 kr", 100, "kr"),
        ("CHF 1'200.50", 1200.5, "CHF"), ("US$5", 5, "$"), ("$5 CAD", 5, "CAD"), ("Rs. 12,34,567.5", 1234567.5, "₹"),
        ("935,- €", 935, "€"), ("$ -", 0, "$"), ("$12.50/hr", 12.5, "$ /hr"), ("€105.5M", 105.5e6, "€"),
        ("201k", 201e3, ""),
        ("3.2 million", 3.2e6, ""), ("12,34,567", 1234567, ""), ("–5.5", -5.5, ""), ("1,234.50-", -1234.5, ""),
        ("٩٣٥٫٨٧", 935.87, ""), ("9,36E+02", 936, ""), ("9.36×10^3", 9360, ""), ("1.5D+03", 1500, ""),
        ("'12.5", 12.5, ""),
        ("14:05", 50_700, CLOCK), ("2:05:30 PM", 50_730, CLOCK), ("1 days, 00:01:00", 86_460, CLOCK),
        ("2h 50m", 10_200, SPAN), ("PT15M33S", 933, SPAN), ("P1DT2H", 93_600, SPAN), ("PT5M", 300, SPAN),
        ("5'10\"", 70, FEET), ("6 ft 1 in", 73, FEET),
        ("1/2", 0.5, FRACTION), ("-2 3/4", -2.75, FRACTION), ("1½", 1.5, FRACTION), ("7/10", 0.7, FRACTION),
        ("57.05N", 57.05, PLACE), ("54°30'36\"S", -54.51, PLACE), ("12°30′W", -12.5, PLACE), ("12.5°W", -12.5, PLACE),
        ("~24", 24, ""), ("≈ 2.5", 2.5, ""),
    ],
)  # fmt: skip
def test_a_unit_is_read_beside_its_number(cell, number, unit):
    assert how_written([cell]).unit == unit
    assert parse_number(cell, unit=unit) == pytest.approx(number)
    assert parse_number("7.5", unit=unit) == 7.5 if unit not in (CLOCK, SPAN, FEET) else True


@pytest.mark.parametrize("cell", ["12a", "RM12", "1001-A", "3 of 4", "18-24 years", "3.jpg", "12:75", "try 5", "5 (a)",
                                  "120/80", "0/1", "12E", "ca.5", "P5M"])  # fmt: skip
def test_what_only_looks_like_a_number_with_a_unit_is_refused(cell):
    with pytest.raises(ValueError):
        split_unit(cell)


def test_a_column_has_one_unit_and_other_cells_are_none():
    assert how_written(["2 kg", "3 KG", "4", "500 g"]) == Written(unit="kg")
    np.testing.assert_array_equal(read_numbers(["2 kg", "3 KG", "4", "500 g"]), [2, 3, 4, math.nan])
    np.testing.assert_array_equal(read_numbers(["2h 50m", "19h", "45m"]), [10_200, 68_400, 2700])
    np.testing.assert_array_equal(read_numbers(["90 min", "2 h"]), [5400, 7200])
    np.testing.assert_array_equal(read_numbers(["2", "1/2", "1 1/4"]), [2, 0.5, 1.25])
    np.testing.assert_array_equal(read_numbers(["10.25E", "10.25W", "3.5W"]), [10.25, -10.25, -3.5])
    np.testing.assert_array_equal(read_numbers(["100W", "60.5W"]), [100, 60.5])
    assert several_units(["2 kg", "500 g"]) == ["g", "kg"]
    assert several_units(["1 MW", "1 mW"]) == ["MW", "mW"]
    assert several_units(["2 kg", "of flour", "3 g"]) == []


def test_points_are_between_thousands_where_they_cannot_be_decimals():
    cells = ["939", "12", "7", "450", "88", "1.120", "2.364", "12.500", "1.001", "3.777"]
    np.testing.assert_array_equal(read_numbers(cells)[4:7], [88, 1120, 2364])
    assert read_numbers([*cells, "0.5"])[5] == 1.12
    assert read_numbers(["-999", *cells[5:]])[1] == 1.12  # one whole number may stand for nothing


@pytest.mark.parametrize(
    "word",
    ["#N/A", "#DIV/0!", "#NAME?", "#WERT!", "--", "—", "<NA>", "NaT", "(null)", ".", "\\N", "N.A.", "NIL", "?",
     "Missing",
     "unknown", "NONE", "#####", "0000-00-00"],
)  # fmt: skip
def test_words_for_nothing_are_absent(word):
    assert is_missing(word)
    assert parse_number(word) is None
    assert parse_date(word) is None


@pytest.mark.parametrize("word", ["x", "0", "-5", "#fff", "no", "none of it", ".5", "n"])
def test_other_words_are_not(word):
    assert not is_missing(word)


@pytest.mark.parametrize(
    "cell",
    [
        "05MAR2024:14:05:00", "05/Mar/2024:14:05:00 +0000", "Tue Mar 05 14:05:00 +0000 2024",
        "Tue Mar  5 14:05:00 2024",
        "Tue Mar 05 2024 14:05:00 GMT+0000 (UTC)", "March 5, 2024 at 2:05 PM", "5. März 2024, 14:05 Uhr",
        "Di, 05.03.2024 14:05",
        "5 mars 2024 14h05", "5 de marzo de 2024 14:05", "2024-Mar-05 14:05", "2024년 3월 5일 14:05",
        "2024年3月5日14时05分",
        "2024. 3. 5. 14:05", "20240305140500", 20240305140500, "1709647500", "1709647500000", "2024-03-05 14:05:00 EST",
    ],
)  # fmt: skip
def test_moments_are_read_as_their_clocks_show_them(cell):
    assert parse_date(cell, day_first=True) == dt.datetime(2024, 3, 5, 14, 5)


def test_one_moment_is_one_value_in_a_column_of_several_zones():
    noon = dt.datetime(2024, 3, 5, 12)
    assert read_dates(["2024-03-05T12:00Z", "2024-03-05 14:00 +0200", "2024-03-05 07:00:00 EST"]) == [noon] * 3
    assert zone_of(["2024-03-05T12:00:00+01:00", "2024-07-05T12:00:00+02:00"]) is None  # winter and summer
    assert zone_of(["2024-03-05T12:00:00+01:00", "2024-03-05"]) == 60
    assert parse_date("2024-03-05T11:00:00Z", zone=60) == noon
    assert [parse_date("March 2024"), parse_date("03/2024")] == [dt.datetime(2024, 3, 1)] * 2
    assert calendar_form("x", [20240305, 20240306, 20240307]) == "YYYYMMDD"
    assert calendar_form("x", [20240305, 20240306, 20241307]) == ""


@pytest.mark.parametrize("text", ["x" * 200_000, "1 " * 100_000, "9" * 200_000, "12:" * 70_000, "mon " * 50_000])
def test_a_long_text_is_no_number_and_no_date_at_once(text: str) -> None:
    began = time.process_time()
    for parse in (parse_number, parse_moment):
        with pytest.raises(ValueError, match=r"^$"):
            parse(text)
    assert time.process_time() - began < 0.5
