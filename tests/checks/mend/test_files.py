"""The files of a column: each copied byte for byte where nothing is wrong, renamed, or left out with the reason."""

from pathlib import Path

import pytest
import soundfile
from PIL import Image

from clips import moving_frames, write_video
from mending import GREY, TONE, contents, mend, mend_column, png, write_rows
from plait.checks.mend.files import right_name
from plait.checks.mend.mend import mend_table
from plait.data.read import read
from plait.kinds import KINDS
from plait.kinds.detect import detect


def test_pictures_of_one_mode_are_copied_byte_for_byte(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.jpg", quality=40)
    Image.fromarray(GREY).save(tmp_path / "b.png")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.jpg", "b.png", "a.jpg"])
    assert cells == ["photo/a.jpg", "photo/b.png", "photo/a.jpg"]
    assert notes == [None, None, None]
    assert mended.counts == {}
    out = contents(tmp_path / "out")
    original = contents(tmp_path)
    assert {name: out["photo/" + name] for name in ("a.jpg", "b.png")} == {
        name: original[name] for name in ("a.jpg", "b.png")
    }


def test_videos_that_need_nothing_are_the_same_by_their_bytes_and_the_part_that_is_named(tmp_path: Path) -> None:
    for name, way in (("a.mp4", 1), ("b.mp4", -1)):
        write_video(tmp_path / name, moving_frames(40, way, 16))
    (tmp_path / "c.mp4").write_bytes((tmp_path / "a.mp4").read_bytes())
    cells = ["a.mp4", "b.mp4", "c.mp4", "a.mp4#t=1,2", "a.mp4#t=2,3", "a.mp4#t=1,2"]
    path = write_rows(tmp_path / "t.csv", [["clip", "y"], *([cell, "yes"] for cell in cells)])
    mended = mend(path, tmp_path / "out", {"clip": "video"}, target="y")
    assert mended.dropped == (2, 5)
    kept = read(mended.table).cells("clip")
    assert kept == ["clip/a.mp4", "clip/b.mp4", "clip/a_2.mp4#t=1,2", "clip/a_3.mp4#t=2,3"]
    assert contents(tmp_path / "out" / "clip")["b.mp4"] == contents(tmp_path)["b.mp4"]


def test_a_part_of_a_sound_stays_the_part_that_it_was(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 8000)
    soundfile.write(tmp_path / "b.wav", TONE + 0.3, 8000, subtype="FLOAT")
    _mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav#t=0.2,0.5", "b.wav#t=0.1,0.3"])
    assert cells == ["call/a.wav#t=0.2,0.5", "call/b.wav#t=0.1,0.3"]
    assert notes == [None, "call: DC offset removed"]


def test_a_wrong_ending_is_put_right_and_the_bytes_stay(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png", "JPEG")
    Image.fromarray(255 - GREY).save(tmp_path / "a.jpg", "JPEG")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.png", "a.jpg"])
    assert cells == ["photo/a.jpg", "photo/a_2.jpg"]
    assert notes == ["photo: renamed to .jpg", None]
    out, original = contents(tmp_path / "out"), contents(tmp_path)
    assert out["photo/a.jpg"] == original["a.png"]
    assert out["photo/a_2.jpg"] == original["a.jpg"]
    assert mended.counts == {"renamed": 1}


def test_what_cannot_be_read_becomes_blank_and_says_why(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:50])
    (tmp_path / "empty.png").write_bytes(b"")
    soundfile.write(tmp_path / "sound.png", TONE, 8000, format="WAV")
    cells = ["good.png", "gone.png", "cut.png", "empty.png", "sound.png", ""]
    mended, cells, notes = mend_column(tmp_path, "photo", "image", cells)
    assert cells == ["photo/good.png", None, None, None, None, None]
    assert notes[0] is None
    assert notes[1] == "photo: left blank (file not found: gone.png)"
    assert notes[2] == "photo: left blank (truncated image: cut.png)"
    assert notes[3] == "photo: left blank (file is empty: empty.png)"
    assert notes[4] == "photo: left blank (not an image: sound.png holds a sound (WAV))"
    assert notes[5] is None  # it was blank before
    assert mended.counts == {"left blank": 4}
    assert sorted(path.name for path in (tmp_path / "out" / "photo").iterdir()) == ["good.png"]


def test_a_column_left_out_stays_as_it_is_and_its_files_come_along(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    rows = [["photo", "note", "n"], ["a.png", "CafÃ©", "1"], ["gone.png", "x", "2"]]
    mended = mend(
        write_rows(tmp_path / "t.csv", rows),
        tmp_path / "out",
        {"photo": "image", "n": "number"},
        ignore=["photo", "note"],
    )
    table = read(mended.table)
    assert table.cells("photo") == ["photo/a.png", "gone.png"]
    assert table.cells("note") == ["CafÃ©", "x"]
    assert mended.counts == {}


def test_each_column_of_files_gets_a_folder_of_its_own(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    rows = [["view/left", "Photo", "photo", "n"], ["a.png", "a.png", "a.png", "1"]]
    kinds = {"view/left": "image", "Photo": "image", "photo": "image", "n": "number"}
    table = read(mend(write_rows(tmp_path / "t.csv", rows), tmp_path / "out", kinds).table)
    assert [table.cells(name) for name in table.names[:3]] == [["view_left/a.png"], ["Photo/a.png"], ["photo_2/a.png"]]
    assert contents(tmp_path / "out")["photo_2/a.png"] == contents(tmp_path)["a.png"]


@pytest.mark.parametrize(
    ("name", "form", "right"),
    [
        ("a.png", "JPEG", "a.jpg"),
        ("a.JPEG", "JPEG", "a.JPEG"),
        ("a.wav", "FLAC", "a.flac"),
        ("a.b.gif", "PNG", "a.b.png"),
        ("Dr. Li", "JPEG", "Dr. Li"),
        ("a.png", "unknown", "a.png"),
    ],
)
def test_a_name_gets_the_ending_of_its_format(name: str, form: str, right: str) -> None:
    endings = KINDS["audio" if form == "FLAC" else "image"].mend.ENDINGS
    assert right_name(name, endings.get(form, "").split()) == right


def test_a_file_without_a_name_gets_the_usual_ending(tmp_path: Path) -> None:
    table = read({"photo": [png(GREY)], "n": [1.5]})
    mend_table(table, detect(table, kinds={"photo": "image"}), tmp_path / "csv")
    assert [path.name for path in (tmp_path / "csv" / "photo").iterdir()] == ["0.png"]
