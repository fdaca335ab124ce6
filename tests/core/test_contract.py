"""The nouns: cells of a table and where they stand, schemas, labels, what a batch shows, the status of a row."""

import datetime as dt
import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from plait.core.contract import (
    Batch,
    Column,
    Modality,
    Schema,
    Table,
    answer_subsets,
    as_array,
    as_held,
    clean_label,
    keep_only,
    name_splits,
    second_name,
    status_of,
)
from plait.errors import MissingExtra, RequestError

SCHEMA = Schema(
    (
        Column("age", "number", why="numbers", confidence=0.9),
        Column("photo", "image"),
        Column("y", "category", "target"),
    ),
    (Modality("photo", "image", ("photo",)), Modality("tabular", "tabular", ("age",))),
)


def make_table() -> Table:
    return Table(
        {
            "note": pa.chunked_array([["a", "  "], [None, ""]]),
            "x": np.array([1.5, np.nan, 0.0, 2.0]),
            "image": np.arange(8).reshape(4, 2),
        },
        lines=[2, 3, 5, 8],
        notes={"note": [None, "blank", "lost", None]},
    )


def make_batch() -> Batch:
    flags = torch.tensor([True, False, True])
    return Batch(
        {"photo": torch.ones(3, 2), "sound": torch.ones(3, 1)},
        {"photo": flags, "sound": flags, second_name("photo", "seen"): flags},
        torch.tensor([1, 0, 1]),
        {"sound": flags[:, None]},
    )


# tables


def test_what_is_absent_is_none_whatever_way_it_was_written() -> None:
    assert make_table().cells("note") == ["a", None, None, None]
    assert make_table().cells("x") == [1.5, None, 0.0, 2.0]
    assert Table({"raw": pa.chunked_array([[b"", b"a", None]])}).cells("raw") == [None, b"a", None]


def test_cells_of_chosen_rows_come_in_the_order_asked_for() -> None:
    assert make_table().cells("x", [3, 0, 3]) == [2.0, 1.5, 2.0]
    assert make_table().cells("note", [2, 0]) == [None, "a"]
    assert [cell.tolist() for cell in make_table().cells("image", [1])] == [[2, 3]]


@pytest.mark.parametrize(
    "rows", [[1, 3], np.array([1, 3]), slice(1, 4, 2), np.array([False, True, False, True]), (np.array([1, 3]), ...)]
)
def test_rows_are_taken_with_their_lines_and_notes(rows: Any) -> None:
    taken = make_table()[rows]
    assert taken.shape == (2, 3)
    assert taken.cells("x") == [None, 2.0]
    assert taken.lines == [3, 8]
    assert taken.notes == {"note": ["blank", None]}


def test_a_cell_is_named_with_its_line_where_there_is_one() -> None:
    assert make_table().place("x", 2) == "column 'x', row 2 (line 5)"
    assert Table({"x": np.zeros(3)}).place("x", 2) == "column 'x', row 2"


def test_a_column_that_is_not_there_gets_a_near_name() -> None:
    with pytest.raises(RequestError, match=r"there is no column 'notes'\. Did you mean 'note'\? There are: note, x"):
        make_table().cells("notes")


# schemas


def test_a_schema_goes_through_json_and_comes_back() -> None:
    assert Schema.from_json(json.loads(json.dumps(SCHEMA.to_json()))) == SCHEMA


def test_columns_modalities_and_roles_are_found_by_name() -> None:
    assert SCHEMA.column("age").kind == "number"
    assert SCHEMA.modality("tabular").columns == ("age",)
    assert (SCHEMA.role("target"), SCHEMA.role("split")) == ("y", None)
    with pytest.raises(RequestError, match=r"there is no column 'foto'\. Did you mean 'photo'"):
        SCHEMA.column("foto")
    with pytest.raises(RequestError, match=r"there is no modality 'tabula'\. Did you mean 'tabular'"):
        SCHEMA.modality("tabula")


@pytest.mark.parametrize(
    ("cell", "label"),
    [
        (" cat ", "cat"), ("  ", None), ("3", "3"), (3.0, 3), (2.5, 2.5), (float("nan"), None), (None, None),
        (True, True), (7, 7), (dt.date(2024, 3, 1), "2024-03-01"),
    ],
)  # fmt: skip
def test_a_label_is_as_json_can_hold_it(cell: Any, label: Any) -> None:
    found = clean_label(cell)
    assert (found, type(found)) == (label, type(label))


# batches


def test_only_what_is_kept_is_present_and_the_batch_stays_as_it_was() -> None:
    batch = make_batch()
    kept = keep_only(batch, ["sound"])
    assert kept.present["photo"].tolist() == [False, False, False]
    assert kept.present["sound"].tolist() == [True, False, True]
    assert kept.cells["sound"].tolist() == [[True], [False], [True]]
    assert kept.target is batch.target
    assert kept.inputs is batch.inputs
    assert batch.present["photo"].tolist() == [True, False, True]


def test_cells_and_second_views_come_and_go_with_their_modality() -> None:
    kept, second = keep_only(make_batch(), ["photo"]), second_name("photo", "seen")
    assert kept.cells["sound"].tolist() == [[False], [False], [False]]
    assert kept.present[second].tolist() == [True, False, True]
    assert keep_only(make_batch(), ["sound"]).present[second].tolist() == [False, False, False]


NAMES = st.sets(st.sampled_from(["photo", "sound"]))


@given(NAMES, NAMES)
def test_keeping_twice_keeps_what_both_keep(first: set[str], second: set[str]) -> None:
    twice = keep_only(keep_only(make_batch(), first), second)
    once = keep_only(make_batch(), first & second)
    assert {name: x.tolist() for name, x in twice.present.items()} == {
        name: x.tolist() for name, x in once.present.items()
    }


class Counts:
    """Answers how many modalities of each row it sees."""

    names = ("photo", "sound")

    def __call__(self, batch: Batch) -> np.ndarray:
        return np.stack([batch.present[name].numpy() for name in self.names], 1).sum(1, keepdims=True)


class Quick(Counts):
    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        return [np.array([[len(keep)]]) for keep in keeps]


def test_a_predictor_is_asked_with_parts_hidden_unless_it_has_a_quicker_way() -> None:
    keeps = [["photo", "sound"], ["sound"], []]
    asked = answer_subsets(Counts(), make_batch(), keeps)
    assert [answer.ravel().tolist() for answer in asked] == [[2, 0, 2], [1, 0, 1], [0, 0, 0]]
    assert [answer.item() for answer in answer_subsets(Quick(), make_batch(), keeps)] == [2, 1, 0]


class Noting:
    """Answers how many modalities are kept, and notes how it was asked."""

    names = ("sound", second_name("sound", "words"))

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, ...]]] = []

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        self.asked.append([tuple(keep) for keep in keeps])
        return [np.array([[len(keep)]]) for keep in keeps]


def test_a_predictor_is_asked_once_for_all_that_is_the_same_to_it() -> None:
    """It hears the sound alone, in two ways: whether a picture is beside it is nothing to it."""
    one, batch = Noting(), make_batch()
    keeps = [["photo", "sound"], ["sound"], ["photo"], []]
    assert [answer.item() for answer in answer_subsets(one, batch, keeps)] == [1, 1, 0, 0]
    answer_subsets(one, batch, keeps)
    assert one.asked == 2 * [[("sound",), ()]]


def test_what_a_batch_keeps_is_not_asked_again() -> None:
    one, other, batch = Noting(), Noting(), make_batch()
    batch.answers = {}
    for keeps in ([["sound"]], [["photo", "sound"], []], [["sound"], []]):
        answer_subsets(one, batch, keeps)
    assert one.asked == [[("sound",)], [()]]
    answer_subsets(other, batch, [["sound"]])
    assert other.asked == [[("sound",)]]


@pytest.mark.parametrize(
    ("absent", "status", "reason"),
    [
        ({}, "ok", ""),
        ({"sound": "blank"}, "partial", "sound: blank"),
        ({"sound": "blank", "photo": "file not found: 1.png"}, "failed", "photo: file not found: 1.png; sound: blank"),
    ],
)
def test_the_status_of_a_row_says_what_is_absent_and_why(absent: dict[str, str], status: str, reason: str) -> None:
    assert status_of(absent, ["photo", "sound"]) == (status, reason)


@pytest.mark.parametrize(
    ("cells", "parts"),
    [
        (["train", "Val", " dev ", "TEST", None], ["train", "val", "val", "test", None]),
        (["训练", "验证集", "测试集"], ["train", "val", "test"]),
        (["training set", "Validation", "test_split"], ["train", "val", "test"]),
        (["train", "eval", "test"], ["train", "val", "test"]),
        (["train", "dev", "eval"], ["train", "val", "test"]),  # as in speech
        (["train", "eval"], ["train", "val"]),
        (["train", "bus", "set", 3], ["train", "bus", "set", "3"]),
    ],
)
def test_the_words_of_a_split_are_read_in_other_names_and_languages(cells: list[Any], parts: list[str | None]) -> None:
    assert name_splits(cells) == parts


FRAME = Table({"age": pa.chunked_array([[20, None, 51]]), "pixels": np.zeros((3, 2)), "note": np.array(["a", "", "b"])})


def test_rows_are_kept_by_a_mask_or_by_their_cells() -> None:
    assert FRAME.columns == FRAME.names == ["age", "pixels", "note"]
    assert FRAME.head(2).shape == (2, 3)
    assert FRAME.filter([True, False, True]).cells("age") == [20, 51]
    assert FRAME.filter(age=51).cells("note") == ["b"]
    assert FRAME.filter(age=[20, 51], note="a").cells("age") == [20]
    assert FRAME.filter({"note": None}).cells("age") == [None]
    assert len(FRAME.filter(age="51")) == 0
    with pytest.raises(RequestError, match=r"got int64 of shape \(2,\); expected a boolean for each of 3 rows\."):
        FRAME.filter([1, 0])
    with pytest.raises(RequestError, match=r"there is no column 'agee'\. Did you mean 'age'"):
        FRAME.filter(agee=1)


def test_a_table_becomes_one_of_arrow_and_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    assert FRAME.to_arrow().column("pixels").to_pylist() == [[0.0, 0.0]] * 3
    assert FRAME.to_pandas()["age"].tolist()[::2] == [20, 51]
    with pytest.raises(RequestError, match="column 'x' cannot be written"):
        Table({"x": np.array([object()], object)}).to_arrow()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pandas, which is not installed; run: pip install pandas"):
        FRAME.to_pandas()


def test_a_table_in_a_line_and_in_a_cell() -> None:
    assert repr(FRAME) == "Table(3 rows × 3 columns: age, pixels, note)"
    assert "array of 2" in FRAME._repr_html_()
    assert "0 rows × 0 columns" in Table({})._repr_html_()


def test_a_batch_holds_tensors_only_where_torch_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.arange(3)
    held = as_held(x)
    assert isinstance(held, torch.Tensor)
    assert as_array(held).tolist() == [0, 1, 2]
    assert as_array(x) is x
    monkeypatch.delitem(sys.modules, "torch")
    assert as_held(x) is x
