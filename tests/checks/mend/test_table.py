"""The table of a mended copy: Parquet of Parquet with its types, CSV of anything else, every cell as it was."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mending import GREY, exif, mend, mend_column, png
from plait.checks.mend.mend import mend_table
from plait.data.media import read_image
from plait.data.read import read
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
