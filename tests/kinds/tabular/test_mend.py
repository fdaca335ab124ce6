"""Cells mended: numbers plain, dates in ISO 8601, and nothing changed that was right."""

from pathlib import Path

import pytest

from mending import mend_column
from plait.kinds.tabular.mend import iso_date, mend, mend_dates, mend_numbers


def test_dates_become_iso_8601_in_the_order_of_their_column(tmp_path: Path) -> None:
    dates = ["3.4.2021", "25.12.2020", "2021-05-06", "May 7, 2021", "soon", "2021年5月8日", "9/5/21 14:30"]
    mended, cells, notes = mend_column(tmp_path, "date", "date", dates)
    assert cells == ["2021-04-03", "2020-12-25", "2021-05-06", "2021-05-07", None, "2021-05-08", "2021-05-09T14:30:00"]
    assert notes[0] == "date: 3.4.2021 → 2021-04-03"
    assert notes[2] is None
    assert notes[4] == "date: left blank (soon is no date)"
    assert mended.counts == {"date made ISO 8601": 5, "left blank": 1}


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("2021-03-04 05:06:07+02:00", "2021-03-04 05:06:07+02:00"),  # is ISO 8601 already
        ("20210304", "2021-03-04"),
        ("2021-03-04 05:06:07,5", "2021-03-04T05:06:07.500000"),
        ("12/31/2024 10:00:01.25 +0200", "2024-12-31T10:00:01.25+02:00"),
        ("12/31/2024 10:00 UTC", "2024-12-31T10:00:00Z"),
        ("2024/2", "2024-02"),  # no day is invented
        ("1609459200", "2021-01-01T00:00:00Z"),
        (20241231, "2024-12-31"),
    ],
)
def test_zones_and_precision_of_dates_stay(cell: str | int, iso: str) -> None:
    assert iso_date(cell) == iso
    assert iso_date(iso) == iso


def test_impossible_dates_are_no_dates() -> None:
    assert mend_dates(["2021-02-30", "31.4.2021"]).cells == [None, None]


def test_an_order_that_was_assumed_is_said() -> None:
    assert mend_dates(["3/4/2021"]).note == "no date tells the day from the month; 1 read as month first"
    assert mend_dates(["3/4/2021", "3/14/2021"]).note == ""


def test_numbers_stored_as_text_become_numbers(tmp_path: Path) -> None:
    mended, cells, notes = mend_column(tmp_path, "price", "number", ["1,234.5", "7", "$20", "n/a", "3.50", "-2"])
    assert cells == [1234.5, 7, 20, None, 3.5, -2]
    assert notes == [
        "price: 1,234.5 → 1234.5",
        None,
        "price: $20 → 20",
        "price: left blank (n/a is no number)",
        None,
        None,
    ]
    assert mended.counts == {"number made plain": 2, "left blank": 1}


def test_a_decimal_comma_is_told_from_the_column() -> None:
    assert mend_numbers(["1.234,5", "1.234", "3,5"]).cells == [1234.5, 1234, 3.5]
    assert mend_numbers(["1,234.5", "1.234"]).cells == [1234.5, 1.234]


def test_amounts_in_two_currencies_are_not_mixed_up() -> None:
    mended = mend_numbers(["$5", "€5"])
    assert mended.cells == ["$5", "€5"]
    assert mended.note == "amounts in $ and €: left as they are"


def test_a_category_is_mended_as_a_text_is() -> None:
    assert mend("category", ["ZÃ¼rich", "Bern", None]).cells == ["Zürich", "Bern", None]
