"""Numbers, dates and ids as people write them."""

from datetime import datetime

import numpy as np
import pytest

from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.facts import Facts, Guess, facts_of
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.tabular.recognise import (
    ID_NAME,
    count_numbers,
    judge_id,
    judge_number,
    numeric_share,
    read_date,
)


def counted(cells: list[object], name: str = "x") -> Facts:
    return facts_of(read({name: cells}), name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-01", datetime(2024, 3, 1)),
        ("2024-03-01T10:20:30", datetime(2024, 3, 1, 10, 20, 30)),
        ("01.03.2024 10:20", datetime(2024, 3, 1, 10, 20)),
        ("1 March 2024", datetime(2024, 3, 1)),
        ("2024年3月1日", datetime(2024, 3, 1)),
        ("1.5", None),
        ("hello", None),
        ("32.13.2024", None),
    ],
)
def test_dates(text: str, expected: datetime | None) -> None:
    assert read_date(text) == expected


@pytest.mark.parametrize("text", ["0", "-3", "+4.", ".5", " 12 % ", "1,234,567.8", "2e3", "-1.5E-10"])
def test_numbers(text: str) -> None:
    assert count_numbers("x", [text]) == 1


@pytest.mark.parametrize("text", ["", "007", "12,34,5", "1.2.3", "1e5000", "nan", "3 of 4", "--1", "."])
def test_no_numbers(text: str) -> None:
    assert count_numbers("x", [text]) == 0


@pytest.mark.parametrize("name", ["id", "patient_id", "Clothing ID", "patientId", "row", "编号", "file name"[:4]])
def test_names_of_ids(name: str) -> None:
    assert ID_NAME.search(name)


@pytest.mark.parametrize("name", ["paid", "humid", "identity", "AID", "monkey", "profile", "keyboard"])
def test_names_that_only_end_like_those_of_ids(name: str) -> None:
    assert not ID_NAME.search(name)


def test_words_for_what_is_missing_count_neither_way() -> None:
    assert numeric_share(counted(["1", "2", "NA", "x"])) == pytest.approx(2 / 3)
    assert numeric_share(counted(["NA", "null"])) == 0.0


def test_whole_numbers_named_like_labels_are_categories() -> None:
    cells: list[object] = [n % 5 for n in range(20)]
    assert judge_number(counted(cells, "zip")).kind == "category"
    assert judge_number(counted(cells, "store_id")).why == (
        "whole numbers that come again (5 different), named like labels rather than amounts"
    )
    assert judge_number(counted(cells, "rooms")) == Guess("number", "whole numbers, such as 0 and 4", 0.95)
    assert judge_number(counted([0, 1, 1, 0])).why == "whole numbers, only 0 and 1"
    assert judge_number(counted([3.08])).why == "numbers, all 3.08"
    assert judge_number(counted([0.25, 1e9])) == Guess("number", "numbers, such as 0.25 and 1e+09", 1.0)


@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_twenty_rows_is_an_id(start: int) -> None:
    found = judge_id(counted(list(range(start, start + 20))))
    assert found == Guess("id", f"counts the rows from {start}", 0.95, usable=False)
    assert judge_id(counted(list(range(start, start + 19)))) is None
    assert judge_id(counted([*range(start, start + 19), 500])) is None
    assert judge_id(counted(list(range(start + 2, start + 22)))) is None


def test_codes_of_one_word_with_a_digit_are_ids_and_sentences_are_not() -> None:
    assert judge_id(counted([f"train{n}" for n in range(10)])).why == (
        "looks like an id, such as 'train0'; 10 different values in 10 cells"
    )
    assert judge_id(counted([f"train{n}" for n in range(9)])) is None  # too few to tell
    assert judge_id(counted([f"train number {n}" for n in range(10)])) is None
    assert judge_id(counted([f"这件衣服很好看{n}" for n in range(10)])) is None  # a sentence without spaces
    assert judge_id(counted(["a1", "a1", *(f"b{n}" for n in range(10))])) is None  # it comes again


def test_a_first_column_without_a_name_is_an_id() -> None:
    assert judge_id(counted([5, 2, 9], "Unnamed: 0")).why.startswith("a first column without a name")
    assert judge_id(counted([5, 2, 9], "Unnamed: 1")) is None


# whole columns, and their false friends

AMOUNTS = [round(0.37 * 1.31**n, 2) for n in range(40)]  # 0.37 to 14,000


def swap(text: str) -> str:
    return text.translate(str.maketrans(",.", ".,"))


def kind(cells: list[str], name: str = "x", **more: str) -> str:
    return detect(read({name: cells, "other": list(range(7, 7 + len(cells)))}), **more).column(name).kind


WRITTEN = {
    "€12.34": lambda v: f"€{v:.2f}",
    "$1,234.50": lambda v: f"${v:,.2f}",
    "12 €": lambda v: f"{v:.2f} €",
    "8.648,27": lambda v: swap(f"{v:,.2f}"),
    "8.648,27 €": lambda v: swap(f"{v:,.2f}") + " €",
    "1 234,5": lambda v: f"{v:,.2f}".replace(",", " ").replace(".", ","),
    "1 234,5 with a no-break space": lambda v: f"{v:,.2f}".replace(",", "\u00a0").replace(".", ","),
    "1’234.50": lambda v: f"{v:,.2f}".replace(",", "’"),
    "12%": lambda v: f"{v:.2f} %",
    "12 kg": lambda v: f"{v:.2f} kg",
    "EUR 12": lambda v: f"EUR {v:,.2f}",
    "12.5K": lambda v: f"{v / 1000:.5f}K",
}


@pytest.mark.parametrize("form", WRITTEN)
def test_an_amount_is_a_number_and_prepared_as_if_written_plainly(form: str) -> None:
    cells = [WRITTEN[form](v) for v in AMOUNTS]
    assert kind(cells) == "number"
    plain, written = ([f"{v:.2f}" for v in AMOUNTS], cells)
    prepared = [TabularPrep().fitted({"x": x}, {"x": "number"})({"x": x}) for x in (plain, written)]
    np.testing.assert_array_equal(prepared[1], prepared[0])


def test_losses_in_brackets_are_negative() -> None:
    cells = [f"({v:,.2f})" if n % 3 else f"{v:,.2f}" for n, v in enumerate(AMOUNTS)]
    plain = [-v if n % 3 else v for n, v in enumerate(AMOUNTS)]
    assert kind(cells) == "number"
    prep = TabularPrep(scale="standard").fitted({"x": cells}, {"x": "number"})
    np.testing.assert_array_equal(prep({"x": cells}), prep({"x": plain}))


def test_a_new_row_is_read_as_the_column_was_learned() -> None:
    prep = TabularPrep(scale="standard").fitted({"x": ["8.648,27", "3,50"]}, {"x": "number"})
    again = TabularPrep.from_json(prep.to_json())
    np.testing.assert_array_equal(again({"x": ["1.234", "12.5"]}), prep({"x": [1234.0, 12.5]}))


@pytest.mark.parametrize(
    "cells",
    [
        [f"{n % 31 + 1}.{n % 12 + 1}.{n % 7 + 10}" for n in range(35) if n % 31 < 28],
        [f"2021-03-{n % 28 + 1:02}T05:06:07Z" for n in range(40)],
        [f"{n % 28 + 1} Mar 2021" for n in range(40)],
        [f"2021年3月{n % 28 + 1}日" for n in range(40)],
        [f"20{n:02}-{n % 12 + 1:02}" for n in range(40)],
        [f"{n % 12 + 1}/{n % 28 + 1}/21" for n in range(40)],
    ],
    ids=lambda cells: cells[-1],
)
def test_columns_of_dates(cells: list[str]) -> None:
    assert kind(cells) == "date"


FALSE_FRIENDS = {
    "version": [f"{n % 4}.{n % 7}.{n}" for n in range(40)],
    "versions that might be dates": [f"{n % 3 + 1}.{n % 12 + 1}.{n + 10}" for n in range(40)],
    "telephone, international": [f"+49 170 {100 + n} {900 - n}" for n in range(40)],
    "telephone, national": [f"0{170 + n} {200 + n} {300 + n}" for n in range(40)],
    "telephone, nine digits": [f"{601 + n} {200 + n} {999 - n}" for n in range(40)],
    "telephone, American": [f"(555) {200 + n}-{1000 + 7 * n}" for n in range(40)],
    "telephone, short": [f"555-{1000 + n}" for n in range(40)],
    "zip plus four": [f"{10001 + 13 * n}-{1000 + n}" for n in range(40)],
    "zip with zeros": [f"{n * 211:05}" for n in range(40)],
    "kilograms and grams": [f"{n}.5 {'kg' if n % 2 else 'g'}" for n in range(40)],
    "credit and debit": [f"{n}.5 {'CR' if n % 2 else 'DR'}" for n in range(40)],
    "shares and fractions": [f"{n}.5 %" if n % 2 else f"0.{n + 10}" for n in range(40)],
    "longer than any measure": [str(17 * 10**17 + n) for n in range(40)],
    "addresses of computers": [f"192.168.{100 + n}.{200 - n}" for n in range(40)],
    "order numbers": [f"{5000 + 37 * n}-{n % 12 + 1}" for n in range(40)],
    "scores of a match": [f"{n % 5}-{n % 3}" for n in range(40)],
    "social security": [f"{100 + n}-{10 + n}-{1000 + n}" for n in range(40)],
    "several currencies": [f"{'€$'[n % 2]}{n}.50" for n in range(40)],
    "counted marks": [f"{n} marks {n + 10}" for n in range(40)],
}


@pytest.mark.parametrize("form", FALSE_FRIENDS)
def test_false_friends_are_neither_number_nor_date(form: str) -> None:
    assert kind(FALSE_FRIENDS[form]) in ("id", "category", "text")


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("phone", [f"{601 + n}.{200 + 7 * n}.{9990 - n}" for n in range(40)]),
        ("Zip code", [f"{10001 + 13 * n}" for n in range(40)]),
        ("app version", [f"1.{n}" for n in range(40)]),
        ("release_version", [f"{n % 28 + 1}.{n % 12 + 1}.21" for n in range(40)]),
    ],
)
def test_a_name_of_codes_settles_it(name: str, cells: list[str]) -> None:
    assert kind(cells, name) in ("id", "category", "text")
    assert kind(cells, name, kinds={name: "text"}) == "text"


def test_what_is_a_number_alone_stays_one_beside_missing_words() -> None:
    assert count_numbers("x", ["€5", "007", "12.5", "", "1.2.3", "5:30"]) == 2


def test_a_target_in_euros_is_a_number_and_whole_ones_are_classes() -> None:
    assert kind([f"€{v}" for v in AMOUNTS], target="x") == "number"
    assert kind([swap(f"{n % 3}.5") for n in range(40)], target="x") == "number"
    assert kind([f"{n % 3}" for n in range(40)], target="x") == "category"
    assert kind([f"{n % 3}%" for n in range(40)], target="x") == "number"
    assert kind([["3,0", "4,0"][n % 2] for n in range(40)], target="x") == "category"


def why(cells: list[object], name: str = "x") -> str:
    return detect(read({name: cells, "other": list(range(7, 7 + len(cells)))})).column(name).why


def test_times_of_day_are_numbers() -> None:
    assert kind([f"{n % 24:02}:{n:02}" for n in range(40)]) == "number"
    assert why([f"{n % 24}:{n:02}:{59 - n:02}" for n in range(40)]) == "40 of 40 cells read as numbers, in seconds"


def test_what_was_decided_of_a_column_is_said() -> None:
    assert why([f"{n},{n + 100}" for n in range(1, 41)]).endswith("read as numbers, 1,234 taken as 1234")
    assert why([f"{n}{',.'[n % 2]}5" for n in range(40)]).endswith("some with a decimal comma and some with a point")
    assert why([f"{n} {'kg' if n % 2 else 'g'}" for n in range(40)]).startswith("amounts in g and kg, which are not")


def test_measures_are_numbers_beside_what_cannot_be_read_and_never_ids() -> None:
    assert why([f"<{n}.5" if n % 8 == 0 else f"{n}.5" for n in range(40)]) == "35 of 40 cells read as numbers"
    assert kind([f"≥{n}.5" for n in range(40)]) == "text"
    assert kind([f"{n}" if n % 8 else f"{n}A" for n in range(40)]) != "number"  # codes


def test_whole_numbers_beyond_a_float_are_labels_however_they_are_stored() -> None:
    big = [17 * 10**17 + n for n in range(40)]
    assert detect(read({"x": big})).column("x").kind == "id"
    assert detect(read({"x": [*big[:20]] * 2})).column("x").kind == "category"
    assert "lose their last digits" in why([None, *map(float, big)], "user_id")
    assert detect(read({"user_id": [None, *map(float, range(40))]})).column("user_id").kind == "id"
    assert detect(read({"flux": [1.7e17 * (n + 1) for n in range(40)]})).column("flux").kind == "number"


def test_numbers_that_are_dates_beyond_doubt() -> None:
    assert kind([20240301 + n for n in range(28)]) == "date"  # type: ignore[list-item]
    assert kind([str(20240301 + n) for n in range(28)]) == "date"
    days = [1_700_000_000 + 86_400 * n for n in range(40)]
    assert [detect(read({name: days})).column(name).kind for name in ("created_at", "price")] == ["date", "number"]
    assert detect(read({"time": [1_700_000_000 + n for n in range(40)]})).column("time").kind == "number"  # 40 seconds
    serials = [43_000 + 7 * n for n in range(40)]  # as Excel stores days
    kinds = [
        detect(read({name: serials})).column(name).kind for name in ("date", "saleDate", "日期", "update", "price")
    ]
    assert kinds == ["date", "date", "date", "number", "number"]


def test_a_bare_number_is_no_date() -> None:
    assert [read_date(text) for text in ("1999.5", "20241231", "1735603200", "5551-12")] == [None] * 4
