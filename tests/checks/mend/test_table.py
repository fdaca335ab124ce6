"""The table of a mended copy: Parquet of Parquet with its types, CSV of anything else, every cell as it was."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mending import GREY, exif, mend, mend_column, png
from plait.checks.mend.mend import mend_table
from plait.checks.mend.table import free_name, write_table
from plait.data.media import read_image
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect


def test_parquet_gives_parquet_and_its_bytes_stay_bytes(tmp_path: Path) -> None:
    turned = png(GREY, exif=exif(3))
    table = pa.table(
        {
            "photo": [
                {"bytes": turned, "path": "a.png"},
                {"bytes": png(GREY), "path": "b.png"},
                {"bytes": b"no", "path": "c"},
            ],
            "raw": [png(GREY), None, png(255 - GREY)],
            "price": ["1,200.5", "3", "4"],
            "day": pa.array([dt.date(2021, 3, 4)] * 3),
            "count": pa.array([1, 2, 3], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    mended = mend(tmp_path / "t.parquet", tmp_path / "out", {"price": "number", "photo": "image", "raw": "image"})
    copy = pq.read_table(mended.table)
    assert mended.table.name == "t.parquet"
    assert copy.schema.field("price").type == pa.float64()
    assert copy.schema.field("day").type == pa.date32()
    assert copy.schema.field("count").type == pa.int32()
    assert copy.column("price").to_pylist() == [1200.5, 3.0, 4.0]
    photos = copy.column("photo").to_pylist()
    assert np.array_equal(np.asarray(read_image(photos[0], None)), GREY[::-1, ::-1])
    assert photos[1] == {"bytes": png(GREY), "path": "b.png"}
    assert photos[2] is None
    assert copy.column("raw").to_pylist() == [png(GREY), None, png(255 - GREY)]
    assert copy.column("mended").to_pylist() == [
        "photo: turned upright; price: 1,200.5 → 1200.5",
        "",
        "photo: left blank (not an image: c holds text)",
    ]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != "t.parquet"]


def test_bytes_of_a_frame_become_files(tmp_path: Path) -> None:
    table = read(pa.table({"photo": [png(GREY), png(255 - GREY)], "n": [1, 2]}))
    mended = mend_table(table, detect(table, kinds={"photo": "image", "n": "number"}), tmp_path / "out")
    assert mended.table == tmp_path / "out" / "table.csv"
    assert read(mended.table).cells("photo") == ["photo/0.png", "photo/1.png"]
    assert (tmp_path / "out" / "photo" / "0.png").read_bytes() == png(GREY)


def test_jsonl_becomes_csv(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"n": 1, "ok": true, "tags": ["a"]}\n{"n": 2, "ok": false, "tags": []}\n')
    mended = mend(tmp_path / "t.jsonl", tmp_path / "out", {"n": "number"})
    assert mended.table.name == "t.csv"
    assert mended.table.read_text().splitlines() == ["n,ok,tags,mended", '1,true,"[""a""]",', "2,false,[],"]


def test_line_breaks_in_a_text_stay(tmp_path: Path) -> None:
    texts = ["one\rtwo", "one\ntwo", "one\r\ntwo", 'say "so"']
    _mended, cells, _notes = mend_column(tmp_path, "note", "text", texts)
    assert cells == texts


def test_a_csv_keeps_its_mark_and_its_tabs(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_bytes("name\tn\nä, b\t1\nc\t2\n".encode("utf-8-sig"))
    (tmp_path / "out").mkdir()
    path = write_table(read(tmp_path / "t.tsv"), tmp_path / "out", [1, 0], {"n": [7, 8], "mended": ["n: 7", ""]})
    assert path == tmp_path / "out" / "t.tsv"
    assert path.read_bytes() == "name\tn\tmended\r\nc\t8\t\r\nä, b\t7\tn: 7\r\n".encode("utf-8-sig")


def test_cells_of_other_types_are_written_as_they_are_read(tmp_path: Path) -> None:
    cells = {"day": [dt.date(2024, 3, 1)], "ok": [True], "tags": [["é", 1]], "gone": [None], "zero": ["a\0b"]}
    table = read({"n": [1], "day": [None], "ok": [None], "tags": [None], "gone": ["x"], "zero": ["x"]})
    path = write_table(table, tmp_path, [0], {**cells, "mended": [""]})
    assert path.read_text("utf-8").splitlines()[1] == '1,2024-03-01,true,"[""é"", 1]",,ab,'


def test_bytes_that_are_no_file_go_into_no_csv(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="column 'raw' holds bytes, which a CSV cannot; write the table to Parquet"):
        write_table(read({"raw": [b"ab"]}), tmp_path, [0], {"mended": [""]})


def test_a_name_that_is_taken_in_any_case_gets_a_number() -> None:
    assert free_name("a.png", {"b.png"}) == "a.png"
    assert free_name("A.png", {"a.png", "a_2.png"}) == "A_3.png"
