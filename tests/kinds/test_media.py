"""Pictures and sounds are told by their first bytes, then by their names; arrays by name, then by shape."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from plait.data.read import read
from plait.kinds.facts import Facts, Guess, facts_of
from plait.kinds.media import judge_arrays, judge_media


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
        ("a", (999,), "id", "arrays of shape (999), which may be anything", False),
        ("a", (9, 5, 2), "id", "arrays of shape (9, 5, 2), which may be anything", False),
        ("a", (7, 900), "id", "arrays of shape (7, 900), which may be anything", False),
    ],
)
def test_arrays_go_by_name_then_by_shape(name: str, shape: tuple[int, ...], kind: str, why: str, usable: bool) -> None:
    found = judge_arrays(Facts(name, 1, 1, None, [np.zeros(shape)], "array"))
    assert (found.kind, found.why, found.usable) == (kind, why, usable)


def test_arrays_of_words_are_no_picture() -> None:
    words = np.full((8, 8), "a")
    assert not judge_arrays(Facts("a", 1, 1, None, [words], "array")).usable
