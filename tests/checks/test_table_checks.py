"""Checks of columns: each finds its fault, and keeps still where there is none."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_findings import brief, check
from plait.checks.table_checks import check_cells, split_of
from plait.data.read import read
from plait.kinds.detect import detect


def test_a_constant_column() -> None:
    found = check({"unit": ["kg"] * 30, "weight": [i * 0.7 % 5 for i in range(30)]})
    assert brief(found) == [("warning", "table-constant", "unit", ())]


@pytest.mark.parametrize(("filled", "severity"), [(12, "note"), (2, "warning"), (20, None)])
def test_a_column_that_is_mostly_missing(filled: int, severity: str | None) -> None:
    found = check({"weight": [i * 0.7 % 5 if i < filled else None for i in range(30)]})
    assert [(f.severity, f.check) for f in found] == ([(severity, "table-mostly-missing")] if severity else [])


def test_numbers_and_words_in_one_column() -> None:
    cells = [str(i) for i in range(25)] + ["low", "high"]
    found = check({"level": cells}, kinds={"level": "category"})
    assert ("warning", "table-mixed-types", "level", (25, 26)) in brief(found)


@pytest.mark.parametrize(
    ("form", "count"),
    [("1{0:02}/{1}", 2), ("4{0}.5, 12.{1}", 2), ("{0}.5 ± 0.{1}", 2), ("{0}-{1}", 2), ("({0},{1},3)", 3)],
)
def test_cells_of_several_numbers(form: str, count: int) -> None:
    found = check({"x": [form.format(i, 60 + i * 7 % 31) for i in range(40)]}, kinds={"x": "text"})
    assert [(f.severity, f.check) for f in found if f.check.startswith("table-")] == [
        ("warning", "table-several-numbers")
    ]
    assert f"most cells hold {count} numbers, such as " in next(
        f.message for f in found if f.check.startswith("table-")
    )


@pytest.mark.parametrize("form", ["{0}-{0}-a", "1.{0}.{1}", "+49 {0} {1}", "page {0} of {1}"])
def test_codes_and_sentences_hold_no_several_numbers(form: str) -> None:
    found = check({"x": [form.format(i, 60 + i * 7 % 31) for i in range(40)]}, kinds={"x": "text"})
    assert "table-several-numbers" not in [f.check for f in found]


@pytest.mark.parametrize(
    "form", ["'a/{}.png'", '["a/{}.JPG", "b.jpg"]', "<img src=a/{}.webp>", "see a\\{}.wav!", "{}.mp3;b"]
)
def test_files_among_other_signs(form: str) -> None:
    found = check({"x": [form.format(i) for i in range(40)]}, kinds={"x": "text"})
    (finding,) = [finding for finding in found if finding.check == "file-unread"]
    assert finding.message.startswith("most cells name files among other signs, such as ")


def test_sentences_that_name_a_file_now_and_then_are_sentences() -> None:
    found = check({"x": [f"look at {i}.{'png' if i % 3 else 'pngs'} here" for i in range(40)]}, kinds={"x": "text"})
    assert "file-unread" not in [finding.check for finding in found]


def test_words_alone_are_not_mixed() -> None:
    assert check({"level": ["low", "high", "mid"] * 10}) == []


@pytest.mark.parametrize("form", ["{},5", "$ {}.5", "1,{:03}"])
def test_numbers_stored_as_text(form: str) -> None:
    found = check({"price": [form.format(i % 23 + 10) for i in range(40)]})
    assert [f.check for f in found] == ["table-numbers-as-text"]


def test_codes_with_leading_zeros_are_not_numbers() -> None:
    assert check({"plate": [f"00{i % 5}" for i in range(40)]}) == []


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("id", [f"a{i}" for i in range(40)]),  # left out by itself
        ("count", [1000 + (i * 7) % 40 for i in range(40)]),  # a running number that would be learned from
    ],
)
def test_columns_like_ids(name: str, cells: list[Any]) -> None:
    assert brief(check({name: cells})) == [("note", "table-id-like", name, ())]


def test_an_amount_is_not_like_an_id() -> None:
    assert check({"amount": [i * i for i in range(40)]}) == []


def test_a_split_that_is_none() -> None:
    found = check({"weight": [0.5 * i for i in range(30)], "part": ["train"] * 28 + ["bus", None]}, split="part")
    assert brief(found) == [("error", "split-unknown", "part", (28,))]


def test_columns_left_out_as_asked_are_not_judged() -> None:
    assert check({"unit": ["kg"] * 30, "weight": [i * 0.7 % 5 for i in range(30)]}, ignore=["unit"]) == []


ODD = st.one_of(
    st.none(), st.text(max_size=12), st.sampled_from(["31.02.2024", "1e400", "NA", "Ã©", "-", "１２", "2024-13-01"])
)


@settings(max_examples=12, deadline=None)
@given(st.lists(ODD, min_size=1, max_size=30), st.sampled_from(["number", "date", "category", "text"]))
def test_any_cells_are_judged_and_only_rows_of_the_table_named(cells: list[str | None], kind: str) -> None:
    found = check({"x": cells}, kinds={"x": kind})
    assert all(0 <= row < len(cells) and cells[row] is not None for finding in found for row in finding.rows)


def test_real_tables_raise_no_false_alarm(shared_data: Any) -> None:
    table = read(shared_data / "digits/digits.csv")
    found = check_cells(table, detect(table, target="digit", group="speaker"))
    assert brief(found) == [("note", "table-id-like", "id", ())]
    table = read(shared_data / "clothing/train.csv")
    found = check_cells(table, detect(table, target="Recommended IND"))
    assert {f.severity for f in found} == {"note"}


@pytest.mark.parametrize(
    ("labels", "check", "words"),
    [
        ([""] * 6, "label-few-rows", "no row of 6 has a label"),
        (["p"] * 4 + [None] * 2, "table-constant", "all 4 cells"),
        (["p"], "table-constant", "the only cell holds 'p'"),
    ],
)
def test_a_target_that_fit_refuses_is_told(labels: list[Any], check: str, words: str) -> None:
    table = read({"age": [float(row) / 3 for row in range(len(labels))], "y": labels})
    (finding,) = (f for f in check_cells(table, detect(table, target="y")) if f.column == "y")
    assert (finding.severity, finding.check) == ("warning", check)
    assert words in finding.message


def test_the_column_of_a_mended_copy_is_not_checked() -> None:
    table = read({"age": [float(row) / 3 for row in range(40)], "mended": ["age: 1,5 → 1.5"] + [None] * 39})
    assert check_cells(table, detect(table)) == []


def test_words_for_the_same_split_become_one() -> None:
    table = read({"x": [1.5, 2.5, 3.5, 4.5], "part": ["Training", "dev", None, "test"]})
    assert split_of(table, detect(table, split="part")) == ["train", "val", None, "test"]


def test_a_table_without_a_split() -> None:
    table = read({"x": [1.5, 2.5, 3.5]})
    assert split_of(table, detect(table)) is None


def test_units_that_are_mixed_and_signs_that_are_mixed_are_said() -> None:
    found = check({"w": [f"{n} {'kg' if n % 2 else 'g'}" for n in range(40)]})
    assert [f.message for f in found] == ["amounts in g and kg; they are not read as numbers"]
    assert "table-number-formats" in {f.check for f in check({"w": [f"{n}{',.'[n % 2]}5" for n in range(40)]})}
    when = [f"2024-03-{n % 28 + 1:02}T{n % 24:02}:00:00{'Z' if n % 2 else '-0500'}" for n in range(40)]
    assert [(f.check, f.message) for f in check({"t": when})] == [("date-zones", "dates in 2 time zones, read as UTC")]
    slashed = check({"t": [f"{n % 12 + 1}/{n % 11 + 1}/2024" for n in range(40)]})
    assert {f.check for f in slashed} == {"date-order"}


def test_columns_that_mean_files_of_which_none_is_read() -> None:
    found = check({"photo": [f"https://a.org/{i}" for i in range(9)], "age": list(range(9))})
    assert brief(found)[0] == ("warning", "file-address", "photo", ())
    found = check({"link": [f"https://a.org/{i}" for i in range(9)], "age": list(range(9))})
    assert brief(found)[0] == ("note", "file-address", "link", ())
    found = check({"photo": ["<PIL.Image.Image image mode=L size=4x4 at 0x7F>"] * 8 + ["<PIL.Image.Image at 0x8>"]})
    assert brief(found) == [("warning", "file-unread", "photo", ())]
    here = [Path(__file__).as_uri().replace("test_table_checks.py", f"{i}.png") for i in range(9)]
    found = check({"photo": here, "source": [f"https://a.org/{i}" for i in range(9)]})
    assert ("note", "file-address", "source", ()) in brief(found)  # the files are in another column
