"""Whatever holds a table is read, in its order; what does not is refused with the line and how to mend it."""

import io
import json
import os
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from PIL import Image

from plait.core.contract import Table
from plait.data.read import read
from plait.errors import TableError
from text_files import write


def png(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4)).save(path)
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04....", "a zip archive, and no workbook"),
        (b"\x1f\x8b....", "compressed with gzip"),
        (b"PAR1 but no more", "damaged, or no Parquet or Arrow file"),
        (b"\x89PNG\r\n\x1a\n", "a picture, not a table"),
    ],
)
def test_other_files_are_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(TableError, match=said):
        read(tmp_path / "a.csv")


def test_a_file_that_is_not_there_gets_a_near_name(tmp_path: Path) -> None:
    write(tmp_path, "patients.csv", "a\n1\n")
    with pytest.raises(TableError, match=r"no such file: .*Did you mean 'patients\.csv'"):
        read(tmp_path / "patient.csv")
    (tmp_path / "new").mkdir()
    with pytest.raises(TableError, match=r"no such file: .*patients\.csv\. No table lies in .*new\.$"):
        read(tmp_path / "new" / "patients.csv")


def test_jsonl_keeps_structs_and_lets_keys_be_missing(tmp_path: Path) -> None:
    rows = [{"pic": {"path": "1.png", "bytes": None}, "n": 1}, {"n": 2, "when": "2024-01-01"}]
    table = read(write(tmp_path, "a.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n"))
    assert table.cells("pic") == [{"path": "1.png", "bytes": None}, None]
    assert table.cells("n") == [1, 2]
    assert table.cells("when") == [None, "2024-01-01"]


def test_json_is_known_by_its_look_and_mixed_values_are_text(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.csv", '{"a": 1}\n{"a": "x"}\n')).cells("a") == ["1", "x"]
    assert read(write(tmp_path, "a.json", '[{"a": 1},\n {"a": 2}]')).cells("a") == [1, 2]


@pytest.mark.parametrize(
    ("text", "said"),
    [('{"a": 1}\n{"a": \n', "line 2 is not JSON"), ('{"a": 1}\n[1]\n', "row 1: expected"), ("[1, 2", "not JSON")],
)
def test_bad_json_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(write(tmp_path, "a.jsonl", text))


def arrow() -> pa.Table:
    return pa.table(
        {
            "large": pa.array(["x", None], pa.large_string()),
            "view": pa.array(["x", "y"], pa.string_view()),
            "dictionary": pa.array(["u", None]).dictionary_encode(),
            "decimal": [Decimal("1.5"), None],
            "time": pa.array([1_000_000_000, None], pa.timestamp("ns")),
            "duration": pa.array([1500, 2], pa.duration("ms")),
            "bool": [True, None],
            "bytes": [b"ab", None],
            "struct": [{"bytes": b"ab", "path": "a.png"}, None],
            "null": pa.nulls(2),
        }
    )


EXPECTED = {
    "large": ["x", None],
    "view": ["x", "y"],
    "dictionary": ["u", None],
    "decimal": [1.5, None],
    "time": [datetime(1970, 1, 1, 0, 0, 1), None],
    "duration": [1.5, 0.002],
    "bool": [True, None],
    "bytes": [b"ab", None],
    "struct": [{"bytes": b"ab", "path": "a.png"}, None],
    "null": [None, None],
}


@pytest.mark.parametrize("form", ["parquet", "file", "stream", "frame"])
def test_arrow_in_all_its_forms(tmp_path: Path, form: str) -> None:
    path, data = tmp_path / "wrong.csv", arrow()
    if form == "parquet":
        pyarrow.parquet.write_table(data.drop_columns(["duration"]), path)
    elif form == "file":
        pyarrow.feather.write_feather(data, path)
    elif form == "stream":
        with pa.ipc.new_stream(path, data.schema) as sink:
            sink.write_table(data)
    table = read(data if form == "frame" else path)
    assert table.folder == (None if form == "frame" else tmp_path)
    for name in table.names:
        assert table.cells(name) == EXPECTED[name]


def test_frames(tmp_path: Path) -> None:
    frame = pandas.DataFrame({"a": [1, None], "b": pandas.Categorical(["x", "y"])}, index=["p", "q"])
    table = read(frame, folder=tmp_path)
    assert table.names == ["a", "b"]
    assert table.cells("a") == [1.0, None]
    assert table.cells("b") == ["x", "y"]
    assert table.folder == tmp_path
    assert read(polars.DataFrame({"s": ["x", None]})).cells("s") == ["x", None]


def test_arrays_and_lists() -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    table = read(
        {
            "image": images,
            "audio": [np.zeros(5), np.zeros(7), None],
            "path": [Path("a.png"), "b.png", None],
            "mixed": [b"ab", "c.png", None],
            "n": np.array([[1.0], [np.nan], [3.0]]),
            "y": [0, 1, None],
            "s": pandas.Series(["a", "b", None]),
        }
    )
    assert table.data["image"] is images
    assert [None if c is None else c.shape for c in table.cells("audio")] == [(5,), (7,), None]
    assert table.cells("path") == ["a.png", "b.png", None]
    assert table.cells("mixed") == [b"ab", "c.png", None]
    assert table.cells("n") == [1.0, None, 3.0]
    assert table.cells("y") == [0, 1, None]
    assert table.cells("s") == ["a", "b", None]
    assert table.take([2, 0]).cells("path") == [None, "a.png"]


def test_pictures_in_a_list_are_arrays() -> None:
    assert read({"image": [Image.new("RGB", (5, 4)), Image.new("RGB", (5, 4))]}).data["image"].shape == (2, 4, 5, 3)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"a": [1, 2], "b": [1]}, "different numbers of rows: a 2, b 1"),
        ({"a": 3}, "column 'a' cannot be read: expected an array or a list"),
        ({}, "there are no columns"),
        ({"a": []}, "no rows"),
    ],
)
def test_what_is_no_table_is_refused(source: object, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(source)


def test_a_table_is_returned_as_it_is(tmp_path: Path) -> None:
    table = Table({"a": pa.chunked_array([[1]])})
    assert read(table) is table
    assert read(table, folder=tmp_path).folder == tmp_path
    with pytest.raises(TableError, match="no such folder for the media"):
        read(table, folder=tmp_path / "nowhere")


def test_a_folder_of_class_named_folders(tmp_path: Path) -> None:
    png(tmp_path / "cat" / "1.png")
    png(tmp_path / "cat" / "deep" / "2.PNG")
    write(tmp_path, "dog/broken.jpg", "no picture")
    write(tmp_path, "dog/notes.xyz", "nothing")
    write(tmp_path, "dog/.hidden.png", "nothing")
    table = read(tmp_path)
    assert table.names == ["image", "label"]
    assert table.cells("image") == ["cat/1.png", "cat/deep/2.PNG", "dog/broken.jpg"]
    assert table.cells("label") == ["cat", "cat", "dog"]
    assert table.folder == tmp_path


def test_a_folder_of_splits_and_of_texts(tmp_path: Path) -> None:
    write(tmp_path, "train/pos/1.txt", "good")
    write(tmp_path, "test/neg/1.txt", "bad")
    table = read(tmp_path)
    assert table.cells("text") == ["bad", "good"]
    assert table.cells("label") == ["neg", "pos"]
    assert table.cells("split") == ["test", "train"]
    assert table.cells("path") == ["test/neg/1.txt", "train/pos/1.txt"]


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no class-named folders with pictures, sounds or texts"):
        read(tmp_path)
    write(tmp_path, "a.csv", "a\n1\n")
    with pytest.raises(TableError, match=r"a folder that holds tables; give one of them, such as .*a\.csv"):
        read(tmp_path)


def test_real_tables_are_read(shared_data: Path) -> None:
    assert read(shared_data / "digits/digits.csv").shape == (3000, 6)
    clothing = read(shared_data / "clothing/train.csv")
    expected = pandas.read_csv(io.BytesIO((shared_data / "clothing/train.csv").read_bytes()))
    assert clothing.names == list(expected.columns)
    texts = expected["Review Text"].astype(object)
    assert clothing.cells("Review Text") == texts.where(texts.notna(), None).to_list()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.jsonl", '{"a":' * 100_000, "line 1 is not JSON: it nests too deep"),
        ("a.csv", '{"a":' * 100_000 + "\n1\n", "line 1 is not JSON: it nests too deep"),
        ("a.jsonl", '{"a":' + "9" * 5000 + "}\n", "a number in it has too many digits"),
        ("a.jsonl", '{"a":' * 40 + "1" + "}" * 40, "column 'a' cannot be read: it nests deeper than 32 levels"),
        ("a.jsonl", "".join(f'{{"k{i}": 1}}\n' for i in range(8000)), "8,000 different keys in 8,000 rows"),
        ("a.jsonl", "".join(f'{{"c": {{"k{i}": 1}}}}\n' for i in range(8000)), "8,000 different keys in 8,000 rows"),
        ("a.csv", "," * 100_000 + "\n" + "," * 100_000, "has 100,001 columns; expected at most 100,000"),
    ],
    ids=["deep", "deep csv", "digits", "levels", "keys", "inner keys", "columns"],
)
def test_text_that_would_grow_without_end_is_refused(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(write(tmp_path, name, text))


def test_nan_in_json_is_absent(tmp_path: Path) -> None:
    assert read(write(tmp_path, "a.jsonl", '{"a": NaN}\n{"a": 2}\n')).cells("a") == [None, 2]


def test_links_in_a_class_folder_are_left_out_and_said(tmp_path: Path) -> None:
    png(tmp_path / "outside" / "9.png")
    png(tmp_path / "root" / "cat" / "1.png")
    (tmp_path / "root" / "cat" / "2.png").symlink_to(tmp_path / "outside" / "9.png")
    (tmp_path / "root" / "dog").symlink_to(tmp_path / "outside")
    with pytest.warns(UserWarning, match=r"links.* are left out: dog, cat/2\.png"):
        table = read(tmp_path / "root")
    assert table.cells("image") == ["cat/1.png"]


def test_links_inside_a_class_folder_are_read_and_circles_are_not(tmp_path: Path) -> None:
    png(tmp_path / "cache" / "ab12.png")
    (tmp_path / "cache").rename(tmp_path / ".cache")
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "1.png").symlink_to(tmp_path / ".cache" / "ab12.png")
    (tmp_path / "cat" / "again").symlink_to(tmp_path)
    with pytest.warns(UserWarning, match=r"are left out: cat/again$"):
        assert read(tmp_path).cells("image") == ["cat/1.png"]


def test_a_snapshot_of_the_hub_is_links_to_its_blobs(tmp_path: Path) -> None:
    png(tmp_path / "blobs" / "9f.png")
    place = tmp_path / "snapshots" / "main" / "train" / "cat"
    place.mkdir(parents=True)
    (place / "1.png").symlink_to("../../../../blobs/9f.png")
    assert read(tmp_path / "snapshots" / "main" / "train").cells("image") == ["cat/1.png"]


def test_a_link_that_the_user_names_is_followed(tmp_path: Path) -> None:
    png(tmp_path / "root" / "cat" / "1.png")
    (tmp_path / "link").symlink_to(tmp_path / "root")
    assert read(tmp_path / "link").cells("image") == ["cat/1.png"]


def test_a_pipe_in_a_class_folder_is_a_row_and_is_not_opened(tmp_path: Path) -> None:
    png(tmp_path / "cat" / "1.png")
    os.mkfifo(tmp_path / "cat" / "2.png")
    assert read(tmp_path).cells("image") == ["cat/1.png", "cat/2.png"]


def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    with pytest.raises(TableError, match=r"t\.csv is a pipe or a device"):
        read(tmp_path / "t.csv")
