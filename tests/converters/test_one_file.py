"""One file to convert: known by what it holds, written by its ending; and which columns are taken together."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from clips import moving_frames, write_video
from plait.converters.one_file import choose_columns, kind_of_ending, read_file, write_file
from plait.core.contract import Table
from plait.data.read import read
from plait.errors import RequestError


@pytest.fixture
def table(tmp_path: Path) -> Table:
    for row in range(4):
        Image.new("L", (6, 6), 50 * row).save(tmp_path / f"{row}.png")
    columns = {
        "photo": [f"{row}.png" for row in range(4)],
        "age": [31, 42, 53, 64],
        "colour": ["red", "blue", "red", "blue"],
        "note": ["a cold morning", "dry hills all day", "rain by the sea", "one more evening"],
    }
    return read(columns, folder=tmp_path)


def test_the_kind_of_a_column_is_that_of_its_cells_and_words_and_numbers_are_text(table: Table) -> None:
    assert choose_columns(table, ["photo"], {}) == (["photo"], "image")
    assert choose_columns(table, ["note"], {"note": "text"}) == (["note"], "text")
    assert choose_columns(table, ["age"], {}) == (["age"], "text")
    assert choose_columns(table, ["colour", "age"], {}) == (["colour", "age"], "tabular")


def test_tabular_stands_for_all_numbers_words_and_dates_unless_a_column_has_that_name(table: Table) -> None:
    kinds = {"note": "text", "age": "number", "colour": "category"}
    assert choose_columns(table, ["tabular"], kinds) == (["age", "colour"], "tabular")
    named = Table({**table.data, "tabular": table.data["note"]}, table.folder)
    assert choose_columns(named, ["tabular"], {}) == (["tabular"], "text")
    with pytest.raises(RequestError, match="no column of numbers, categories or dates to convert"):
        choose_columns(Table({"photo": table.data["photo"]}, table.folder), ["tabular"], {})


def test_pictures_go_one_column_at_a_time_and_a_wrong_name_has_a_near_one(table: Table) -> None:
    with pytest.raises(RequestError, match="columns photo, age: one column of pictures, sounds, series or videos is"):
        choose_columns(table, ["photo", "age"], {})
    with pytest.raises(RequestError, match=r"no column 'foto'\. Did you mean 'photo'"):
        choose_columns(table, ["foto"], {})


def test_what_a_file_holds_counts_and_not_its_name(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (200, 10, 10)).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.txt")
    kind, image = read_file(tmp_path / "a.txt")
    assert (kind, image.size, image.getpixel((0, 0))) == ("image", (4, 3), (200, 10, 10))
    soundfile.write(tmp_path / "s.wav", np.array([[0.5, -0.25], [-0.5, 0.25]] * 5), 8000, subtype="FLOAT")
    (tmp_path / "s.wav").rename(tmp_path / "s.dat")
    kind, (samples, rate) = read_file(tmp_path / "s.dat")
    assert (kind, rate, samples.tolist()) == ("audio", 8000, [0.125, -0.125] * 5)  # one channel, their mean


def test_a_part_of_a_sound_or_a_video_is_named_by_its_seconds(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "s.wav", np.arange(300) / 400, 100, subtype="FLOAT")
    kind, (samples, rate) = read_file(tmp_path / "s.wav#t=1,2")
    assert (kind, rate, len(samples)) == ("audio", 100, 100)
    assert np.allclose(samples[20:80], np.arange(120, 180) / 400 - 0.375, atol=0.01)  # without its mean
    write_video(tmp_path / "c.mp4", moving_frames(4, 1, 16))
    assert read_file(tmp_path / "c.mp4#t=0.1") == ("video", f"{tmp_path}/c.mp4#t=0.1")
    with pytest.raises(RequestError, match=r"^no such file: .*/d\.mp4#t=1,2\.$"):
        read_file(tmp_path / "d.mp4#t=1,2")
    (tmp_path / "note.txt").write_text("so")
    with pytest.raises(RequestError, match=r"note\.txt#t=1: a part has a sound or a video; note\.txt is neither\.$"):
        read_file(tmp_path / "note.txt#t=1")


def test_other_files_are_text_without_a_mark_of_order_or_one_record(tmp_path: Path) -> None:
    (tmp_path / "a.dat").write_bytes(b"\xef\xbb\xbfgr\xc3\xbcn\n")
    assert read_file(tmp_path / "a.dat") == ("text", "grün\n")
    (tmp_path / "b.json").write_text(json.dumps({"age": 30, "note": None}))
    assert read_file(tmp_path / "b.json") == ("tabular", {"age": 30, "note": None})
    (tmp_path / "c.json").write_text("{")
    with pytest.raises(RequestError, match=r"c\.json is not JSON"):
        read_file(tmp_path / "c.json")


def test_a_name_of_a_sound_that_holds_none_is_told_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("these are words")
    with pytest.raises(RequestError, match=r"not a sound: .*bad\.wav holds text\.$"):
        read_file(tmp_path / "bad.wav")


@pytest.mark.parametrize(("text", "content"), [("hello", b"hello\n"), ("a\nb\n\n", b"a\nb\n"), ("", b"")])
def test_a_text_ends_with_one_line_break(tmp_path: Path, text: str, content: bytes) -> None:
    write_file(tmp_path / "a.txt", text, "text")
    assert (tmp_path / "a.txt").read_bytes() == content


@pytest.mark.parametrize(
    ("name", "form", "value"),
    [
        ("a.wav", "WAV", 0.5),
        ("a.flac", "FLAC", 0.5),
        ("a.OGG", "OGG", 0.5),
        ("a.png", "PNG", 80),
        ("a.JPG", "JPEG", 80),
    ],
)
def test_the_ending_says_the_format(tmp_path: Path, name: str, form: str, value: Any) -> None:
    path = tmp_path / name
    if kind_of_ending(path) == "audio":
        write_file(path, (np.full(4000, value, np.float32), 8000), "audio")
        assert soundfile.info(path).format == form
        samples, rate = soundfile.read(path)
        assert (len(samples), rate) == (4000, 8000)
        assert samples[2000] == pytest.approx(value, abs=0.05)
    else:
        write_file(path, Image.new("RGBA", (8, 8), (value, value, value, 255)), "image")
        with Image.open(path) as image:
            assert image.format == form
            assert image.convert("L").getpixel((4, 4)) == pytest.approx(value, abs=2)


def test_an_ending_that_cannot_be_written_is_refused() -> None:
    assert [kind_of_ending(Path(name)) for name in ("a.md", "a.tif", "a.mp3")] == ["text", "image", "audio"]
    with pytest.raises(RequestError, match=r"'a\.gif' cannot be written; expected a name that ends in one of: \.txt"):
        kind_of_ending(Path("folder.png/a.gif"))


def test_pictures_of_any_mode_are_written(tmp_path: Path) -> None:
    write_file(tmp_path / "ink.png", Image.new("CMYK", (4, 4)), "image")
    with Image.open(tmp_path / "ink.png") as picture:
        assert (picture.mode, picture.getpixel((0, 0))) == ("RGB", (255, 255, 255))
    deep = Image.fromarray(np.array([[0, 65535], [0, 32768]], np.uint16))
    write_file(tmp_path / "deep.bmp", deep, "image")
    with Image.open(tmp_path / "deep.bmp") as picture:
        assert [picture.getpixel(place)[0] for place in ((0, 0), (1, 0), (1, 1))] == [0, 255, 128]  # type: ignore[index]
    write_file(tmp_path / "clear.bmp", Image.new("RGBA", (2, 2), (255, 0, 0, 0)), "image")
    with Image.open(tmp_path / "clear.bmp") as picture:
        assert picture.getpixel((0, 0)) == (255, 255, 255)


def test_a_rate_that_a_format_cannot_hold_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"a sound of 96,000 Hz cannot be written as \.mp3"):
        write_file(tmp_path / "high.mp3", (np.zeros(9600, np.float32), 96000), "audio")
