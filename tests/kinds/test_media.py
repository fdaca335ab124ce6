"""Pictures and sounds are told by their first bytes, then by their names; arrays by name, then by shape."""

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from clips import moving_frames, tone, write_sound, write_video
from plait.data.read import read
from plait.kinds.facts import Facts, Guess, facts_of
from plait.kinds.media import NAMES_ONLY, PRINTED, WEB, is_heard, judge_arrays, judge_media, judge_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, a sound and a note."""
    Image.new("L", (4, 4)).save(tmp_path / "0.png")
    Image.new("L", (4, 4)).save(tmp_path / "1.jpg")
    soundfile.write(tmp_path / "0.wav", np.zeros(50), 8000)
    (tmp_path / "note.txt").write_text("hello")
    return tmp_path


def judged(cells: list[object], folder: Path | None) -> Guess | None:
    return judge_media(facts_of(read({"x": cells}), "x"), folder)


def test_files_are_counted_by_what_is_inside(folder: Path) -> None:
    assert judged(["0.png", "1.jpg", None, "0.png"], folder) == Guess(
        "image", "3 of 3 files looked into are PNG, JPEG", 0.99
    )
    assert judged(["0.wav"], folder) == Guess("audio", "1 of 1 files looked into are WAV", 0.99)


def test_bytes_are_cells_not_files(folder: Path) -> None:
    content = (folder / "0.png").read_bytes()
    assert judged([content, content], None) == Guess("image", "2 of 2 cells looked into are PNG", 0.99)


def test_what_cannot_be_opened_makes_it_less_sure(folder: Path) -> None:
    assert judged(["0.png", "gone.png"], folder) == Guess(
        "image", "1 of 1 files looked into are PNG; 1 of 2 could not be opened", 0.79
    )


def test_the_more_common_kind_wins(folder: Path) -> None:
    assert judged(["0.wav", "0.png", "1.jpg"], folder) == Guess("image", "2 of 3 files looked into are PNG, JPEG", 0.86)


def test_names_alone_say_a_kind_where_nothing_is_there(folder: Path) -> None:
    assert judged(["a.WAV", "b.mp3", "c.mp3"], folder) == Guess(
        "audio", f"names end in .mp3 or .wav, but no file was found in {folder} (folder=… says where they are)", 0.4
    )
    found = judged(["a.wav", "b.wav"], None)
    assert found is not None
    assert "in the working folder" in found.why


def test_paths_of_other_files_teach_nothing(folder: Path) -> None:
    found = judged(["note.txt", "./note.txt"], folder)
    assert found == Guess("id", "paths of files that are neither pictures nor sounds (text)", 0.6, usable=False)


def test_web_addresses_are_not_fetched() -> None:
    found = judged(["https://example.org/a.jpg?size=2", "https://example.org/b.jpg"], None)
    assert found is not None
    assert (found.kind, found.usable) == ("image", False)
    assert "plait downloads nothing" in found.why


@pytest.mark.parametrize(
    "cells", [["a red dress", "a blue one"], ["x.png\ny.png"], ["a" * 2000 + ".png"], [b"no picture"]]
)
def test_texts_and_other_bytes_are_no_media(cells: list[object], folder: Path) -> None:
    assert judged(cells, folder) is None


def test_fewer_than_half_of_the_cells_are_no_media(folder: Path) -> None:
    assert judged(["0.png", "so it goes", "and so on"], folder) is None


@pytest.mark.parametrize(
    ("name", "shape", "kind", "why", "usable"),
    [
        ("chest x-ray", (7,), "image", "arrays of shape (7), and its name", True),
        ("图片", (7,), "image", "arrays of shape (7), and its name", True),
        ("Cough", (30, 30, 3), "audio", "arrays of shape (30, 30, 3), and its name", True),
        ("a", (9, 5, 3), "image", "arrays of shape (9, 5, 3)", True),
        ("a", (8, 8), "image", "arrays of shape (8, 8)", True),
        ("a", (1000,), "audio", "arrays of shape (1000)", True),
        ("a", (2, 500), "audio", "arrays of shape (2, 500)", True),
        ("image_embedding", (7,), "id", "arrays of shape (7), which may be anything; say", False),
        ("a", (999,), "id", "arrays of shape (999), which may be anything; say", False),
        ("a", (9, 5, 2), "id", "arrays of shape (9, 5, 2), which may be anything; say", False),
        ("a", (7, 900), "id", "arrays of shape (7, 900), which may be anything; say", False),
    ],
)
def test_arrays_go_by_name_then_by_shape(name: str, shape: tuple[int, ...], kind: str, why: str, usable: bool) -> None:
    found = judge_arrays(Facts(name, 1, 1, None, [np.zeros(shape)], "array"))
    assert (found.kind, found.usable) == (kind, usable)
    assert found.why.startswith(why)


def test_arrays_of_words_are_no_picture() -> None:
    words = np.full((8, 8), "a")
    assert not judge_arrays(Facts("a", 1, 1, None, [words], "array")).usable


def test_pictures_in_text_are_told_and_how() -> None:
    code = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode()
    assert judged([code, code + "AAAA"], None) == Guess("image", "2 of 2 cells looked into are PNG, as base64", 0.99)
    uris = ["data:text/plain,hello%20and%20good%20bye", "data:image/png;base64,@@@@@@@@@@@@@@@@@@@@"]
    assert judged(uris, None) == Guess("id", "data URIs that are neither pictures nor sounds", 0.6, usable=False)


def test_numbers_are_a_picture_where_the_column_is_called_so() -> None:
    cells = [" ".join(map(str, range(64))), " ".join(map(str, range(1, 65)))]
    facts = facts_of(read({"pixels": cells, "marks": cells}), "pixels")
    assert judge_media(facts, None) == Guess("image", "2 of 2 cells looked into are PNG, as numbers in text", 0.99)
    guess = judge_media(replace(facts, name="marks"), None)
    assert guess is not None and guess.why.startswith("numbers in text, which may be anything")


@pytest.mark.parametrize(
    "cell",
    [
        repr(Image.new("L", (4, 4))), str(np.zeros((99, 99))), "tensor([[0.1, 0.2], [0.3, 0.4]])",
        "{'image': <PIL.PngImagePlugin.PngImageFile image mode=L size=4x4 at 0x7F>}", "<memory at 0x7f3960>",
    ],
    ids=["picture", "array", "tensor", "record", "memory"],
)  # fmt: skip
def test_what_is_only_printed_of_a_picture_is_said(cell: str) -> None:
    found = judged([cell, cell + " "], None)
    assert found is not None
    assert (found.usable, found.why.startswith(PRINTED)) == (False, True)


def test_addresses_are_told_whatever_they_end_in(folder: Path) -> None:
    assert judged(["https://a.org/1.png", "https://a.org/2.png"], folder) == Guess("image", WEB, 0.5, usable=False)
    assert judged(["https://a.org/1", "s3://b/2?size=3"], folder) == Guess("id", WEB, 0.5, usable=False)
    sites = ["https://a.org"] * 3 + ["https://b.org"] * 3  # few of them: a category
    assert judged(sites, folder) is None
    assert judged([(folder / "0.png").as_uri(), "file://localhost" + str(folder / "1.jpg")], None) == Guess(
        "image", "2 of 2 files looked into are PNG, JPEG", 0.99
    )
    assert judged(["file://elsewhere/1.png", "file://elsewhere/2.png"], None) == Guess("image", WEB, 0.5, usable=False)


def test_names_near_files_that_are_there_are_said(folder: Path) -> None:
    found = judged(["0.PNG", "1.JPG"], folder)
    assert found is not None
    assert "0.PNG is there as 0.png, in letters of other case" in found.why
    (folder / "x").mkdir()
    for k in range(4):
        (folder / "x" / f"n{k}.png").touch()
    names = facts_of(read({"x": [f"n{k}" for k in range(4)]}), "x")
    found = judge_names(names, folder)
    assert found is not None
    assert found.why == f"{NAMES_ONLY}: n0 is there as x/n0.png, in the folder x, with an ending"
    assert judge_names(names, None) is None


def test_videos_are_told_from_sounds_in_the_same_containers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "film.webm", moving_frames(6, 1), tone(440, 0.6))
    write_video(tmp_path / "mute.mp4", moving_frames(6, 1))
    write_sound(tmp_path / "said.webm", tone(440, 0.5))
    assert judged(["film.webm", "mute.mp4"], tmp_path) == Guess(
        "video", "2 of 2 files looked into are WebM, MP4; 1 of 2 videos looked into has sound", 0.99
    )
    assert judged(["said.webm"], tmp_path) == Guess("audio", "1 of 1 files looked into are WebM", 0.99)
    assert (is_heard(["mute.mp4"], tmp_path), is_heard(["mute.mp4", "film.webm"], tmp_path)) == (False, True)
    assert judged(["gone.mov", "lost.avi"], tmp_path) == Guess(
        "video", f"names end in .mov or .avi, but no file was found in {tmp_path} (folder=… says where they are)", 0.4
    )
    monkeypatch.setattr("plait.data.formats.has_av", lambda: False)
    monkeypatch.setattr("plait.data.video.has_av", lambda: False)
    guess = judged(["mute.mp4"], tmp_path)
    assert guess is not None
    assert guess.kind == "video"
    assert 'MP4 is not decoded here: pip install "plait[gpl]"' in guess.why


def test_arrays_of_frames_are_videos() -> None:
    assert judge_arrays(facts_of(read({"x": np.zeros((2, 5, 8, 8, 3))}), "x")) == Guess(
        "video", "arrays of shape (5, 8, 8, 3), frames of pictures", 0.7
    )
