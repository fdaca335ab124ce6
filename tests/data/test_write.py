"""A table written again: whole, never over what was read, its paths begun anew at another folder."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.contract import Table
from plait.data.read import read
from plait.data.write import check_out, move_path, write_table
from plait.errors import RequestError


def test_a_good_name_is_taken(tmp_path: Path) -> None:
    assert check_out(tmp_path / "new.CSV", [tmp_path / "a.csv"], "the table") == tmp_path / "new.CSV"
    assert check_out(str(tmp_path / "b.parquet"), [{"n": [1]}], "the table") == tmp_path / "b.parquet"


def test_a_name_that_is_no_new_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(RequestError, match=r"cannot be written to 'a\.xlsx'; expected .* ends in \.csv or \.parquet"):
        check_out(tmp_path / "a.xlsx", [], "the table")
    with pytest.raises(RequestError, match=r"folder\.csv is a folder; expected the name of a file"):
        check_out(tmp_path / "folder.csv", [], "the table")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequestError, match=r"b\.csv is one of the streams; expected another name"):
        check_out("b.csv", ["a.csv", tmp_path / "b.csv"], "one of the streams")


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_what_is_written_is_read_again(tmp_path: Path, ending: str) -> None:
    table = read({"n": [1, None, 3], "note": ["one, two", 'say "so"', None], "x": np.array([0.5, 1.5, 2.5])})
    write_table(table, tmp_path / f"t.{ending}")
    again = read(tmp_path / f"t.{ending}")
    assert {name: again.cells(name) for name in again.names} == {
        "n": [1, None, 3],
        "note": ["one, two", 'say "so"', None],
        "x": [0.5, 1.5, 2.5],
    }


@pytest.mark.parametrize("cells", [[b"ab"], [{"bytes": b"ab", "path": "a.png"}]])
def test_bytes_and_records_go_into_parquet_alone(tmp_path: Path, cells: list[object]) -> None:
    table = Table({"n": pa.chunked_array([[1]]), "raw": pa.chunked_array([pa.array(cells)])})
    (tmp_path / "t.csv").write_text("old")
    with pytest.raises(RequestError, match=r"column 'raw' holds bytes or records, which a CSV cannot; write a \.parq"):
        write_table(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == "old"
    write_table(table, tmp_path / "t.parquet")
    assert [np.asarray(c).tolist() for c in read(tmp_path / "t.parquet").cells("raw")] == cells


def test_arrays_go_into_parquet_as_lists(tmp_path: Path) -> None:
    pictures = np.arange(2 * 9 * 9).reshape(2, 9, 9)
    write_table(read({"photo": pictures, "wave": [np.zeros(3), None]}), tmp_path / "t.parquet")
    again = read(tmp_path / "t.parquet")
    assert np.array_equal(again.data["photo"], pictures)
    assert [None if c is None else c.tolist() for c in again.cells("wave")] == [[0.0, 0.0, 0.0], None]
    with pytest.raises(RequestError, match=r"column 'odd' cannot be written: .*Leave it out"):
        write_table(read({"odd": [1j, {2}]}), tmp_path / "u.parquet")


@pytest.mark.parametrize(
    ("path", "moved"),
    [
        ("1.png", "../pictures/1.png"),
        ("deep/2.png", "../pictures/deep/2.png"),
        ("deep\\2.png", "../pictures/deep/2.png"),
        ("../out/3.png", "3.png"),
        ("1.wav#t=0,2", "../pictures/1.wav#t=0,2"),
        ("/whole/4.png", "/whole/4.png"),
        ("https://example.org/5.png", "https://example.org/5.png"),
        ("[[1, 2], [3]]", "[[1, 2], [3]]"),
        ("  ", "  "),
    ],
)
def test_a_path_begins_anew_at_another_folder(path: str, moved: str) -> None:
    assert move_path(path, Path("/data/pictures"), Path("/data/out")) == moved


NAMES = st.lists(st.sampled_from(["a", "b", "..", "ä b"]), min_size=1, max_size=4).map("/".join)


@given(NAMES, NAMES, NAMES)
def test_a_path_leads_to_the_same_file_and_back(path: str, old: str, new: str) -> None:
    first, second = Path("/top/x/y/z/v/w") / old, Path("/top/x/y/z/v/w") / new
    there = move_path(path, first, second)
    back = move_path(there, second, first)
    assert (second / there).resolve() == (first / path).resolve() == (first / back).resolve()


def test_lists_of_numbers_are_json_in_a_csv_and_lists_in_parquet(tmp_path: Path) -> None:
    table = read({"s": pa.array([[[1.0, None], [2.5, 3.0]], None]), "v": [[1, 2], [3, 4]], "n": [1, 2]})
    write_table(table, tmp_path / "t.csv")
    assert read(tmp_path / "t.csv").cells("s") == ["[[1.0, null], [2.5, 3.0]]", None]
    assert read(tmp_path / "t.csv").cells("v") == ["[1, 2]", "[3, 4]"]
    write_table(table, tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").cells("s")[0] == [[1.0, None], [2.5, 3.0]]
