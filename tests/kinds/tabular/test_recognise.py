"""Numbers, dates and ids as people write them."""

from datetime import datetime

import pytest

from plait.data.read import read
from plait.kinds.facts import Facts, Guess, facts_of
from plait.kinds.tabular.recognise import ID_NAME, NUMBER, judge_id, judge_number, numeric_share, read_date


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
    assert NUMBER.fullmatch(text)


@pytest.mark.parametrize("text", ["", "007", "1,23", "1.2.3", "1e5000", "nan", "3 kg", "٣", "--1", "."])
def test_no_numbers(text: str) -> None:
    assert not NUMBER.fullmatch(text)


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
    assert judge_number(counted([0.25, 1e9])) == Guess("number", "numbers, such as 0.25 and 1e+09", 1.0)


@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_counts_twenty_rows_is_an_id(start: int) -> None:
    found = judge_id(counted(list(range(start, start + 20))))
    assert found == Guess("id", f"counts the rows from {start}", 0.8, usable=False)
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
