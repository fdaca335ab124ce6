"""The row on which a run is tried: whole if one is, files as bytes, nothing that is too large."""

from pathlib import Path

import numpy as np
import pytest

from plait.core.contract import Table
from plait.study import example
from plait.study.example import pack_example

KINDS = {"photo": "image", "note": "text", "age": "number", "point": "vectors"}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    (tmp_path / "a.png").write_bytes(b"PNG")
    data = {
        "photo": np.array([None, "a.png", "gone.png"], object),
        "note": np.array(["a", "b", None], object),
        "age": np.array([1.0, 2.0, np.nan]),
        "point": np.arange(6.0).reshape(3, 2),
        "label": np.array(["x", "y", "z"], object),
    }
    return Table(data, tmp_path)


def test_the_first_whole_row_with_its_files(table: Table) -> None:
    whole = {"photo": {"base64": "UE5H"}, "note": "b", "age": 2.0, "point": [2.0, 3.0]}
    assert pack_example(table, KINDS, [0, 1], ["partial", "ok"]) == whole
    assert pack_example(table, KINDS, [0, 1], ["partial", "failed"]) == {"note": "a", "age": 1.0, "point": [0.0, 1.0]}
    assert pack_example(table, KINDS, [2], ["partial"]) == {"point": [4.0, 5.0]}
    assert pack_example(table, KINDS, [0, 1], ["failed", "failed"]) == {}


def test_a_series_is_its_numbers_however_it_is_written(table: Table) -> None:
    table.data["s"] = np.array(["[[1, null], [2, 3]]", [[1.0], [2.0, 3.0]], np.ones((2, 2))], object)
    found = [pack_example(table, {"s": "series"}, [row], ["ok"]) for row in range(3)]
    assert found == [{"s": [[1.0, None], [2.0, 3.0]]}, {}, {"s": [[1.0, 1.0], [1.0, 1.0]]}]


def test_what_is_too_large_or_part_of_a_file_is_left_out(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(example, "MOST_NUMBERS", 1)
    monkeypatch.setattr(example, "MOST", 3)
    assert pack_example(table, KINDS, [1], ["ok"]) == {"note": "b", "age": 2.0}
    monkeypatch.undo()
    table.data["photo"][1] = "a.png#t=1,2"
    assert "photo" not in pack_example(table, KINDS, [1], ["ok"])
