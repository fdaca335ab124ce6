"""Which columns of a row moved an answer: how cells are left out, and how columns are named."""

from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from plait.core.contract import Table
from plait.kinds.part import Part
from plait.kinds.tabular.inside import report, say, split, to_json


def row() -> Part:
    table = Table(
        {
            "other": pa.chunked_array([pa.array(["x"])]),
            "age": pa.chunked_array([pa.array([30])]),
            "day": pa.chunked_array([pa.array([None], pa.string())]),
            "colour": pa.chunked_array([pa.array(["red"])]),
        }
    )
    return Part(table, ("colour", "day", "age"))


def test_every_column_is_a_part_and_the_filled_ones_can_be_left_out() -> None:
    cells, parts, filled, _ = split(row(), None)
    assert cells == {"colour": "red", "day": None, "age": 30}
    assert parts == [{"column": "colour"}, {"column": "day"}, {"column": "age"}]
    assert filled == [0, 2]


def test_what_is_left_has_the_cells_that_stay() -> None:
    leave = split(row(), None)[3]
    assert leave(np.array([True, True])) == {"colour": "red", "age": 30}
    assert leave(np.array([False, True])) == {"age": 30}
    assert leave(np.array([False, False])) == {}


def test_columns_are_told_with_their_weights_and_cells() -> None:
    parts = [{"column": "age", "weight": 0.5}, {"column": "day", "weight": 0.0}, {"column": 7, "weight": -0.25}]
    assert to_json(parts) == {"age": 0.5, "day": 0.0, 7: -0.25}
    assert [say(part) for part in parts] == ["age", "day", "7"]
    assert report(SimpleNamespace(parts=parts, before={"age": 30, "day": None})) == {
        "form": "columns",
        "columns": [
            {"name": "age", "value": 30, "weight": 0.5},
            {"name": "day", "value": None, "weight": 0.0},
            {"name": 7, "value": None, "weight": -0.25},
        ],
    }
