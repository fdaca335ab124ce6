"""What one column holds, asked in order: nothing, media, one value, numbers, dates, ids, texts, categories."""

from pathlib import Path

import pytest
from PIL import Image

from plait.data.read import read
from plait.kinds.facts import Guess, facts_of
from plait.kinds.recognise import judge


def judged(cells: list[object], name: str = "x", folder: Path | None = None) -> Guess:
    return judge(facts_of(read({name: cells}), name), folder)


def test_an_empty_column_is_of_no_use() -> None:
    assert judged(["", None, " "]) == Guess("category", "every cell is empty", 1.0, usable=False)


def test_one_value_is_of_no_use_unless_a_cell_is_absent() -> None:
    assert judged(["red", "red"]) == Guess("category", "only one value: 'red'", 1.0, usable=False)
    assert judged(["red", "red", None]).usable
    assert judged(["red"]).usable  # one row is no evidence


def test_one_file_in_every_row_is_one_value(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    assert judged(["a.png", "a.png"], folder=tmp_path) == Guess(
        "category", "only one value: 'a.png'", 1.0, usable=False
    )
    assert judged(["a.png"], folder=tmp_path).kind == "image"


def test_numbers_written_as_text_may_have_words_for_what_is_missing() -> None:
    assert judged(["3", "NA", "4.5", "1,200"]) == Guess("number", "3 of 3 cells read as numbers", 0.9)
    cells: list[object] = [*(str(7 * n) for n in range(19)), "broken"]
    assert judged(cells) == Guess("number", "19 of 20 cells read as numbers", 0.89)
    assert judged([*cells, "and more"]).kind != "number"  # 19 of 21


def test_dates_are_told_from_nine_in_ten_on() -> None:
    days: list[object] = [f"2024-01-{day:02}" for day in range(1, 10)]
    assert judged([*days, "soon"]) == Guess("date", "9 of 10 cells read as dates", 0.92)
    assert judged([*days, "soon", "later"]).kind != "date"


def test_a_date_is_a_date_even_where_each_comes_once() -> None:
    assert judged([f"{day}. 3. 2024".replace(" ", "") for day in range(1, 21)], name="key 1").kind == "date"
    assert judged([f"2024-01-{day:02}" for day in range(1, 21)], name="id").kind == "date"


def test_a_named_id_of_digits_is_an_id() -> None:
    cells: list[object] = [str(100 + 3 * n) for n in range(12)]
    assert judged(cells, name="patient_id").why == "named like an id; 12 different values in 12 cells"
    assert judged(cells, name="height").kind == "number"


@pytest.mark.parametrize(
    ("cells", "kind"), [([True, False, True], "category"), ([1.5, 2.5], "number"), ([3, 9, 4], "number")]
)
def test_what_is_no_text_goes_by_its_type(cells: list[object], kind: str) -> None:
    assert judged(cells).kind == kind


def test_bytes_that_are_no_media_teach_nothing() -> None:
    found = judged([b"abc", b"def"])
    assert (found.kind, found.usable) == ("id", False)
    assert found.why == "the cells hold bytes that are no picture and no sound: nothing here to learn from"
