"""Paths begun anew at another folder: the files stay where they are, and the table still finds them."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from PIL import Image

from plait.core.contract import Table
from plait.data.read import read
from plait.kinds.relocate import move_media


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with three pictures and three sounds, and an empty one beside it."""
    old, new = tmp_path / "old", tmp_path / "new"
    new.mkdir()
    (old / "in").mkdir(parents=True)
    for n in range(3):
        Image.new("L", (4, 4), n).save(old / f"in/{n}.png")
        soundfile.write(old / f"in/{n}.wav", np.zeros(50), 8000)
    return old, new


def test_paths_of_pictures_and_sounds_lead_to_the_same_files(folders: tuple[Path, Path]) -> None:
    old, new = folders
    table = read({"p": ["in/0.png", None, "in/2.png"], "s": [f"in/{n}.wav" for n in range(3)]}, folder=old)
    moved = move_media(table, ["p", "s"], new)
    assert moved.cells("p") == ["../old/in/0.png", None, "../old/in/2.png"]
    assert moved.cells("s") == [f"../old/in/{n}.wav" for n in range(3)]
    assert (new / moved.cells("p")[2]).read_bytes() == (old / "in/2.png").read_bytes()
    assert table.cells("p")[0] == "in/0.png"


def test_other_columns_stay_and_only_those_named_are_kept(folders: tuple[Path, Path]) -> None:
    old, new = folders
    cells = {
        "note": ["in/0 of us", "two", ""],
        "n": [1, 2, None],
        "p": [f"in/{n}.png" for n in range(3)],
    }
    moved = move_media(read(cells, folder=old), ["n", "note"], new)
    assert moved.names == ["n", "note"]
    assert moved.cells("n") == [1, 2, None]
    assert moved.cells("note") == ["in/0 of us", "two", None]


def test_whole_paths_and_addresses_stay(folders: tuple[Path, Path]) -> None:
    old, new = folders
    cells = [str(old / "in/0.png"), "https://example.org/1.png", "in/2.png"]
    moved = move_media(read({"p": cells}, folder=old), ["p"], new)
    assert moved.cells("p") == [*cells[:2], "../old/in/2.png"]


def test_one_file_in_every_row_is_moved_too(folders: tuple[Path, Path]) -> None:
    old, new = folders
    moved = move_media(read({"p": ["in/1.png"] * 3}, folder=old), ["p"], new)
    assert moved.cells("p") == ["../old/in/1.png"] * 3


def test_records_keep_their_bytes(folders: tuple[Path, Path]) -> None:
    old, new = folders
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    cells = [{"bytes": None, "path": "in/0.png"}, {"bytes": b"x", "path": None}, None]
    table = Table({"p": pa.chunked_array([pa.array(cells, kind)])}, old)
    moved = move_media(table, ["p"], new).data["p"]
    assert moved.to_pylist() == [{"bytes": None, "path": "../old/in/0.png"}, {"bytes": b"x", "path": None}, None]
    assert moved.type == kind


def test_pictures_in_arrays_stay_as_they_are(tmp_path: Path) -> None:
    pictures = np.zeros((2, 4, 4, 3), np.uint8)
    moved = move_media(Table({"photo": pictures}, tmp_path), ["photo"], tmp_path / "elsewhere")
    assert moved.data["photo"] is pictures
