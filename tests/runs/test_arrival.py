"""A table that comes to a fitted model: columns by the names of training, what is lacking, rows that are known."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from plait.core.contract import Modality
from plait.data.read import read
from plait.errors import RequestError
from plait.models.views import View
from plait.runs.arrival import (
    add_absent,
    code_columns,
    count_learned,
    find_copies,
    hash_rows,
    read_classes,
    rename_columns,
    say_lacking,
    take_columns,
)


def view_of(name: str, kind: str, *columns: str) -> View:
    return View(Modality(name, kind, columns), None, name)


def hashes_of(cells: dict[str, list[Any]], *columns: str) -> list[int]:
    return hash_rows(read(cells), [view_of("tabular", "tabular", *(columns or cells))]).tolist()


def test_labels_become_the_classes_that_are_meant_and_what_is_new_is_said() -> None:
    table = read({"y": ["Cat", "dog ", None, "cow", "cow"]})
    labels, said = read_classes(table, "y", ["cat", "dog"])
    assert labels.tolist() == ["cat", "dog", None, "cow", "cow"]
    assert said == [
        "2 rows have a label that the model never saw, which counts as wrong: 'cow' in 2.",
        "labels are written otherwise than in training: 'Cat' for 'cat'.",
    ]


def test_all_that_goes_by_the_name_of_a_column_is_renamed() -> None:
    table = read({"Call": np.zeros((2, 4)), "age": [1, 2]})
    table.sample_rates, table.notes = {"Call": 8000}, {"Call": [None, "blank"]}
    renamed = rename_columns(table, {"call": "Call", "age": "age"})
    assert (renamed.names, renamed.sample_rates) == (["call", "age"], {"call": 8000})
    assert renamed.notes == {"call": [None, "blank"]}
    assert rename_columns(table, {"age": "age"}) is table


def test_a_column_that_is_lacking_is_absent_and_each_row_says_so() -> None:
    table = add_absent(read({"age": [1, 2]}), ["town"])
    assert table.cells("town") == [None, None]
    assert table.notes == {"town": ["no column 'town'"] * 2}


def test_what_is_lacking_is_said_with_what_may_be_meant() -> None:
    table = read({"x": [1]})
    assert say_lacking(table, ["age"], ["x"]) == (
        "1 column of the model is not in the arrays, and so missing in every row: 'age'."
    )
    assert say_lacking(table, ["BodyWeight", "age"], ["body_weight_kg", "x"]) == (
        "2 columns of the model are not in the arrays, and so missing in every row: "
        "'BodyWeight' (there is 'body_weight_kg': rename it if that is meant), 'age'."
    )


def test_columns_are_kept_as_they_came_but_for_media() -> None:
    table = read({"id": [2**60 + 1, None], "day": [dt.date(2024, 1, 2)] * 2, "photo": np.zeros((2, 4, 4, 3), np.uint8)})
    assert take_columns(table, ["id", "day"]) == {"id": [2**60 + 1, None], "day": [dt.date(2024, 1, 2)] * 2}
    with pytest.raises(RequestError, match="column 'photo' cannot be kept beside the answers: it holds ndarray"):
        take_columns(table, ["photo"])
    assert [*take_columns(table, ["day"], ["id", "photo"])] == ["id", "day"]  # nobody asked for the photo


def test_a_row_is_the_same_however_its_cells_are_written() -> None:
    first = hashes_of({"a": [1, 2.5, None], "b": ["Rome", " x", "true"]})
    assert hashes_of({"b": ["rome ", "X", "TRUE"], "a": ["1.0", "2.50", ""]}) == first
    assert len({*first}) == 3
    assert hashes_of({"a": [1, 2.5, None], "b": ["Rome", "x", "false"]})[2] != first[2]
    assert hashes_of({"a": [1], "b": [2]}) != hashes_of({"a": [2], "b": [1]})
    assert hashes_of({"a": [0]}) != hashes_of({"a": [None]})
    assert hashes_of({"a": ["nan"], "b": [True]}) == hashes_of({"a": ["NaN"], "b": [1]})


def test_a_picture_is_known_by_what_it_holds(tmp_path: Path) -> None:
    for name, grey in (("a", 0), ("b", 0), ("c", 200)):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4), grey).save(tmp_path / name / "1.png")
    table = read({"photo": ["a/1.png", "b/1.png", "c/1.png", "gone.png", None]}, tmp_path)
    a, b, c, gone, blank = hash_rows(table, [view_of("photo", "image", "photo")]).tolist()
    assert a == b != c
    assert gone == blank


def test_rows_that_may_be_alike_by_chance_are_not_counted() -> None:
    learned = np.sort(np.arange(100))
    assert count_learned(np.array([5, 6, 1000]), learned) == 2
    assert count_learned(np.array([1000, 1001]), learned) == 0
    doubled = np.sort(np.concatenate([np.arange(80), np.arange(10), np.arange(10)]))  # 30 of 100 rows come again
    assert count_learned(np.array([15, *range(1000, 1009)]), doubled) == 0
    assert count_learned(np.arange(10, 20), doubled) == 10
    assert count_learned(np.arange(10), doubled) == 0
    assert count_learned(np.zeros(0, np.int64), learned) == 0


def copies_of(
    cells: dict[str, list[Any]], known: list[int], asked: list[int], media: tuple[str, ...] = ()
) -> list[bool]:
    codes = code_columns(read(cells), [view_of("tabular", "tabular", *cells)])
    return find_copies(codes, media, np.array(known), np.array(asked)).tolist()


def test_a_copy_holds_all_that_a_known_row_holds() -> None:
    cells = {"a": [1.25, 7.5, 3.75, "1.250", 7.5], "b": ["x", "y", "x", "X", "x"]}
    assert copies_of(cells, [0, 1, 2], [3, 4]) == [True, False]
    assert copies_of({"a": [None, None], "b": [None, None]}, [0], [1]) == [False]


def test_rows_of_few_different_values_are_no_copies_but_those_with_a_file_are() -> None:
    cells = {"a": ["x", "y"] * 10, "b": ["u", "u", "v", "v"] * 5}
    assert not any(copies_of(cells, [*range(12)], [*range(12, 20)]))
    assert all(copies_of(cells, [*range(12)], [*range(12, 20)], ("a",)))
