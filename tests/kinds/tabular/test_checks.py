"""Checks of numbers, dates and categories: each finds its fault, and keeps still where there is none."""

import datetime as dt

import pytest

from cell_findings import brief, check, only
from plait.kinds.tabular.checks import date_form
from plait.kinds.tabular.prep import TabularPrep


def test_a_word_in_a_column_of_numbers_is_an_error_and_a_missing_word_is_not() -> None:
    cells = [f"{i * 0.5}" for i in range(60)]
    cells[7], cells[9], cells[11] = "abc", "NA", ""
    found = check({"weight": cells})
    assert brief(found) == [("error", "table-unreadable", "weight", (7,))]
    assert "1 cell holds no number, such as 'abc'" in found[0].message


def test_a_word_in_a_target_of_numbers_is_an_error() -> None:
    found = check({"price": [*map(str, range(60)), "NA", "abc"]}, target="price")
    assert brief(found) == [("error", "table-unreadable", "price", (61,))]


def test_a_number_that_is_too_large_is_an_error() -> None:
    assert brief(check({"weight": [1.5 * i for i in range(40)] + [float("inf")]})) == [
        ("error", "table-unreadable", "weight", (40,))
    ]


@pytest.mark.parametrize(("code", "others"), [(-999, 40), (9999, 1000), (-99.9, 20), (-1, 30), ("-999", 40)])
def test_a_number_far_from_all_others_may_stand_for_nothing(code: object, others: int) -> None:
    numbers = [others * n // 40 if code == -1 else others * (1 + n / 80) for n in range(40)]
    cells = [str(n) if isinstance(code, str) else n for n in numbers]
    found = check({"t": [*cells, code, *cells, code, *cells, *[code] * 6]})
    (finding,) = [finding for finding in found if finding.check == "table-no-value"]
    assert finding.rows == (40, 81, *range(122, 128))
    assert f"hold {code}, " in finding.message
    assert f"frame.replace({{'t': {code}}}, None)" in finding.mend


@pytest.mark.parametrize(
    "cells",
    [
        [*range(60), 99, 99],  # an age
        [*range(60), 999],  # once
        [*range(60), 1000, 1000],  # no such number
        [n - 30 for n in range(60)] + [-1] * 8,
        [90.0 * n for n in range(60)] + [7777.0] * 2,  # no further than they are from each other
    ],
)
def test_other_numbers_stand_for_themselves(cells: list[float]) -> None:
    assert "table-no-value" not in [finding.check for finding in check({"t": cells})]


def test_a_category_with_one_row() -> None:
    found = check({"colour": ["red", "green"] * 15 + ["gren"]})
    assert brief(found) == [("note", "table-category-once", "colour", (30,))]


def test_values_that_differ_only_in_how_they_are_written() -> None:
    (finding,) = check({"paid": ["Ja", "ja", "nein", "a", "A"] * 10})
    assert (finding.severity, finding.check, finding.column) == ("note", "table-category-alike", "paid")
    assert finding.message == "values differ only in how they are written: 'Ja' and 'ja'"


def test_a_target_of_whole_numbers_in_text_is_no_finding() -> None:
    assert brief(check({"ill": ["0.0", "1.0", ""] * 20}, target="ill")) == []


def test_more_categories_than_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    colours = {"colour": ["red", "green", "blue"] * 10}
    assert not check(colours)
    monkeypatch.setattr("plait.kinds.tabular.checks.TabularPrep", lambda: TabularPrep(max_categories=2))
    (finding,) = check(colours)
    assert brief([finding]) == [("note", "table-many-categories", "colour", ())]
    assert "3 values come more than once; fit tells the 2 commonest apart" in finding.message
    assert "tabular.max_categories" in finding.mend
    cells = {**colours, "x": ["a", "b"] * 15}
    prep = TabularPrep(max_categories=2).fitted(cells, dict.fromkeys(cells, "category"))
    assert prep.cuts == [
        "colour: the 2 commonest values are told apart, all others count as one; --prep tabular.max_categories=N."
    ]


def test_a_date_that_does_not_exist() -> None:
    days = [f"{1 + i % 28:02}.03.2024" for i in range(40)]
    days[5], days[6], days[8] = "31.02.2024", "soon", "NA"
    found = check({"day": days})
    assert brief(found) == [("error", "date-impossible", "day", (5,)), ("error", "table-unreadable", "day", (6,))]
    assert "'31.02.2024'" in found[0].message


def test_dates_written_in_several_ways() -> None:
    days = [f"2024-03-{1 + i % 28:02}" for i in range(40)]
    assert check({"day": days}) == []
    days[4] = "05.03.2024"
    finding = only(check({"day": days}), "date-formats")
    assert finding.severity == "warning"
    assert "YYYY-MM-DD (39), D.M.YYYY (1)" in finding.message


def test_day_first_and_month_first_in_one_column() -> None:
    days = ["25/03/2024", "03/25/2024"] * 20
    assert "in some the day stands first, in others the month" in only(check({"day": days}), "date-formats").message


def test_dates_far_off_or_in_the_future() -> None:
    days = [f"2024-03-{1 + i % 28:02}" for i in range(60)]
    days[3], days[5] = "1024-03-01", f"{dt.date.today().year + 3}-03-01"
    assert brief(check({"day": days})) == [("note", "date-range", "day", (3, 5))]


def test_a_column_of_plans_may_lie_in_the_future() -> None:
    year = dt.date.today().year + 1
    assert check({"day": [f"{year}-03-{1 + i % 28:02}" for i in range(60)]}) == []


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-1-5", "YYYY-MM-DD"),
        ("5/1/24", "D/M/YY"),
        ("Jan 5, 2024", "Mon D, YYYY"),
        ("2024年1月5日", "YYYY年M月D日"),
    ],
)
def test_form_of_a_date(text: str, form: str) -> None:
    assert date_form(text) == form
