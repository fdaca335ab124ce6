"""A table arrives as it was: cells, places of media, notes."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.data.travel import pack_table, unpack_table


def test_a_table_arrives_as_it_was(tmp_path: Path) -> None:
    sounds = np.empty(3, object)
    sounds[:] = [np.zeros(4, np.float32), None, np.ones(2, np.float32)]
    table = Table(
        {
            "name": pa.chunked_array([["a", None], ["é"]]),
            "call": sounds,
            "age": pa.chunked_array([pa.array([1, 2, None], pa.int16())]),
            "pixels": np.arange(12, dtype=np.uint8).reshape(3, 2, 2),
        },
        tmp_path,
        "people.csv",
        {"call": 8000},
        [2, 3, 5],
        {"name": [None, "blank", None]},
        frozenset({"age"}),
        {"age": "a"},
    )
    back = unpack_table(pack_table(table[1:]))
    assert back.names == ["name", "call", "age", "pixels"]
    assert (back.cells("name"), back.cells("age")) == ([None, "é"], [2, None])
    assert back.data["age"].type == pa.int16()
    assert back.cells("call")[0] is None and back.cells("call")[1].tolist() == [1, 1]
    assert back.data["pixels"].tolist() == [[[4, 5], [6, 7]], [[8, 9], [10, 11]]]
    assert (back.folder, back.source, back.sample_rates, back.lines) == (tmp_path, "people.csv", {"call": 8000}, [3, 5])
    assert (back.notes, back.categories, back.units) == ({"name": ["blank", None]}, {"age"}, {"age": "a"})


def test_only_the_rows_that_were_taken_travel() -> None:
    table = Table({"text": pa.chunked_array([["long " * 20] * 1000])})
    assert len(pack_table(table[:2])["columns"]) < 2000


def test_a_relative_folder_travels_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert unpack_table(pack_table(Table({"x": np.zeros(1)}, Path("photos")))).folder == tmp_path / "photos"
    assert unpack_table(pack_table(Table({"x": np.zeros(1)}))).folder == tmp_path
