"""Which words of a text moved an answer: their places, and what is left without some."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.kinds.part import Part
from plait.kinds.text.inside import report, say, split, word_parts


def test_words_are_told_with_column_and_place() -> None:
    assert word_parts({"title": "A <b>cold</b> day", "body": "我爱"}) == [
        {"text": "A", "column": "title", "start": 0, "end": 1},
        {"text": "cold", "column": "title", "start": 5, "end": 9},
        {"text": "day", "column": "title", "start": 14, "end": 17},
        {"text": "我", "column": "body", "start": 0, "end": 1},
        {"text": "爱", "column": "body", "start": 1, "end": 2},
    ]
    assert [p["text"] for p in word_parts({"x": "<b>cold"}, html=False)] == ["<", "b", ">", "cold"]


def test_of_61_words_two_go_together_and_no_run_leaves_its_column() -> None:
    parts = word_parts({"a": " ".join(["so"] * 31), "b": " ".join(["it"] * 30)})
    texts = [(p["column"], p["text"]) for p in parts]
    assert texts == [("a", "so so")] * 15 + [("a", "so")] + [("b", "it it")] * 15
    assert len(word_parts({"a": " ".join(["so"] * 60)})) == 60


def row() -> Part:
    cells = {"title": "A cold day", "none": None, "body": "rain, sun"}
    return Part(Table({n: pa.chunked_array([pa.array([c], pa.string())]) for n, c in cells.items()}), tuple(cells))


def test_words_are_left_out_where_they_stand_and_a_blank_cell_has_none() -> None:
    texts, words, able, leave = split(row(), SimpleNamespace(html=True))
    assert texts == {"title": "A cold day", "body": "rain, sun"}
    assert [word["text"] for word in words] == ["A", "cold", "day", "rain", "sun"]
    assert able == [0, 1, 2, 3, 4]
    assert leave(np.array([True] * 5)) == texts
    assert leave(np.array([False, True, False, False, True])) == {"title": "  cold  ", "body": " , sun"}
    assert leave(np.array([True, False, False, True, False])) == {"title": "A    ", "body": "rain,  "}
    assert leave(np.array([False] * 5)) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [("cold", "“cold”"), ("so \n  cold", "“so cold”"), ("x" * 40, f"“{'x' * 40}”"), ("x" * 41, f"“{'x' * 39}…”")],
)
def test_a_long_run_of_words_is_named_by_its_beginning(text: str, said: str) -> None:
    assert say({"text": text}) == said


def test_the_report_has_the_texts_one_below_the_other_and_the_words_in_them() -> None:
    parts = [
        {"column": "body", "start": 6, "end": 9, "weight": -0.25},
        {"column": "title", "start": 2, "end": 6, "weight": 0.5},
    ]
    shown = report(SimpleNamespace(before={"title": "A cold day", "body": "rain, sun"}, parts=parts))
    assert shown == {
        "form": "words",
        "text": "A cold day\nrain, sun",
        "spans": [{"start": 2, "end": 6, "weight": 0.5}, {"start": 17, "end": 20, "weight": -0.25}],
    }
    assert [shown["text"][s["start"] : s["end"]] for s in shown["spans"]] == ["cold", "sun"]
