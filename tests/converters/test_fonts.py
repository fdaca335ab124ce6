"""Which font writes a character, and where lines break and which way they run."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.converters import fonts
from plait.converters.fonts import (
    clean_text,
    direction_of,
    face_for,
    find_face,
    load_font,
    plain_face,
    split_runs,
    width_of,
    wrap_lines,
)
from plait.converters.render import Render
from plait.errors import RequestError


def lines_of(text: str, width: float) -> list[str]:
    return [line for line, _base in wrap_lines(text, width, 10)]


def test_lines_break_at_blanks_and_anywhere_in_a_long_word() -> None:
    assert lines_of("one two three", 45) == ["one two", "three"]
    assert lines_of("one\n\ntwo", 45) == ["one", "", "two"]
    assert "".join(lines_of("abcdefghijklmnop", 30)) == "abcdefghijklmnop"
    assert lines_of("a" + " " * 100 + "b", 45) == ["a", "b"]


def test_chinese_breaks_between_characters_but_not_before_a_comma() -> None:
    if face_for("春") is None:
        pytest.skip("no installed font has Chinese characters")
    assert lines_of("春眠不觉，晓", 40) == ["春眠不", "觉，晓"]


def test_what_is_not_seen_is_left_out() -> None:
    assert clean_text("a\x00\x07b\u200e\ufeffc\r\nd\te\u00a0f\ud800") == ("abc\nd    e f□", pytest.approx(6 / 7))


def test_another_font_helps_out() -> None:
    if face_for("春") is None:
        pytest.skip("no installed font has Chinese characters")
    runs = split_runs("spring 春眠 ok", "ltr")
    assert [run.text for run in runs] == ["spring ", "春眠 ", "ok"]
    assert runs[0].face == runs[2].face != runs[1].face
    assert Render()(["spring 春眠 ok"])[1] == [1.0]


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("אבג", "גבא"),
        ("ab אב cd", "ab בא cd"),
        ("אב cd", "cd בא"),
        ("אב (12) cd", "cd (12) בא"),
        ("ab אב 12", "ab 12 בא"),
        ("אב, 3.5!", "!3.5 ,בא"),
        ("ab 12!", "ab 12!"),
        ("שׁלום", "םולשׁ"),
    ],
)
def test_without_raqm_letters_are_put_in_order(line: str, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "can_shape", lambda: False)
    assert "".join(run.text for run in split_runs(line, fonts.direction_of(line))) == seen


def test_without_an_installed_font_a_rare_character_has_no_face(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "installed_faces", lambda: ())
    uncached = face_for.__wrapped__
    assert uncached("a") == plain_face()
    assert uncached("\ue123") is None


def test_a_face_is_found_by_its_file_and_by_its_family_in_any_case(tmp_path: Path) -> None:
    path = plain_face().path
    assert find_face("") == find_face(path) == find_face("dejavu SANS") == plain_face()
    (tmp_path / "words.ttf").write_text("no font")
    with pytest.raises(RequestError, match=r"words\.ttf' cannot be read as a font file"):
        find_face(str(tmp_path / "words.ttf"))
    with pytest.raises(RequestError, match=r"there is no font 'DejaVu Sand' here\. Did you mean 'DejaVu Sans'\?"):
        find_face("DejaVu Sand")


@pytest.mark.parametrize(
    ("text", "direction"), [("abc", "ltr"), ("שלום abc", "rtl"), ("123 كلب", "rtl"), ("123 !", "ltr"), ("", "ltr")]
)
def test_the_first_letter_tells_the_direction(text: str, direction: str) -> None:
    assert direction_of(text) == direction


def test_widths_are_pixels_of_the_size() -> None:
    assert width_of("", 20) == 0
    assert width_of("mm", 20) == pytest.approx(2 * width_of("m", 20))
    assert width_of("m", 40) == pytest.approx(2 * width_of("m", 20), rel=0.05)
    assert load_font(plain_face(), 20).size == 20


@given(st.text("ab wxyz, é\n", max_size=60), st.integers(12, 90))
@settings(derandomize=True, deadline=None, database=None, max_examples=60)
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, width: int) -> None:
    lines = lines_of(text, width)
    assert all(width_of(line, 10) <= width for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_no_line_begins_with_the_marks_of_a_letter() -> None:
    lines = lines_of("e" + "\u0301" * 200 + "abcdefghij", 30)
    assert len(lines) > 2
    assert lines[0].startswith("e" + "\u0301" * 200)
