"""What is seen of pictures and sounds, and what all those of a column become."""

from pathlib import Path

import pytest

from plait.checks.mend.media import Goal, Look, choose_goal, default_ending, right_name, take_content
from plait.errors import CellError


def pictures(*modes: str, coloured: bool = False) -> list[Look]:
    return [Look(mode=mode, coloured=coloured and mode == "RGB") for mode in modes]


def sounds(*shapes: tuple[int, int]) -> list[Look]:
    return [Look(rate=rate, channels=channels) for rate, channels in shapes]


def test_content_is_taken_from_a_path_from_bytes_and_from_a_record(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"abc")
    assert take_content("a.png", tmp_path) == {"bytes": b"abc", "path": "a.png"}
    assert take_content({"bytes": None, "path": "a.png"}, tmp_path) == {"bytes": b"abc", "path": "a.png"}
    assert take_content({"bytes": b"xyz", "path": "gone.png"}, tmp_path) == {"bytes": b"xyz", "path": "gone.png"}
    assert take_content(b"xyz", None) == {"bytes": b"xyz", "path": None}
    with pytest.raises(CellError, match=r"^file not found: gone\.png$"):
        take_content("gone.png", tmp_path)


def test_sounds_get_the_commonest_rate_and_number_of_channels() -> None:
    assert choose_goal("audio", sounds((8000, 2), (8000, 2), (44100, 1))) == Goal(rate=8000, channels=2)
    assert choose_goal("audio", sounds((8000, 1), (44100, 1))) == Goal(rate=44100)  # of equals the higher
    assert choose_goal("audio", sounds((8000, 2), (8000, 1))) == Goal(channels=1)  # of equals the fewer
    assert choose_goal("audio", sounds((8000, 2), (8000, 2))) == Goal()


@pytest.mark.parametrize(
    ("looks", "mode"),
    [
        (pictures("L", "L"), None),
        (pictures("L", "L", "RGB"), "L"),
        (pictures("L", "L", "RGB", coloured=True), "RGB"),
        (pictures("L", "RGB", "RGB"), "RGB"),
        (pictures("1", "LA"), "L"),
    ],
)
def test_pictures_become_of_one_mode_where_they_are_of_several(looks: list[Look], mode: str | None) -> None:
    assert choose_goal("image", looks) == Goal(mode=mode)


def test_the_white_of_deep_pictures_is_that_of_their_depth() -> None:
    deep = [Look(mode="I;16", brightest=3000.0), Look(mode="F", brightest=0.9), Look(mode="I", brightest=70000.0)]
    goal = choose_goal("image", [*deep, *pictures("L", "L", "L")])
    assert goal == Goal(mode="L", whites={"I;16": 4095.0, "F": 1.0, "I": 70000.0})


def test_where_most_are_deep_they_stay_and_it_is_said() -> None:
    goal = choose_goal("image", pictures("I;16", "I;16", "L"))
    assert goal == Goal(note="2 of 3 pictures have more than 8 bits: colour modes left as they are")


def test_what_cannot_be_read_has_no_say() -> None:
    broken = Look(error="file is empty")
    assert choose_goal("audio", [broken, *sounds((8000, 1))]) == Goal()
    assert choose_goal("image", [broken, broken, *pictures("L", "L")]) == Goal()


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
    assert right_name(name, form) == right


def test_a_file_without_a_name_gets_the_usual_ending() -> None:
    assert [default_ending(form) for form in ("JPEG", "OGG", "unknown")] == [".jpg", ".ogg", ""]
