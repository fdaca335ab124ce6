"""A page in inches, and text that fits on it."""

import logging
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from plait.draw import page
from plait.draw.page import WIDTH, Page, cut_text, draw_absent, safe_text, text_width, wrap_text

TEXT = st.text("ab 猫é\u0301\t-", max_size=60)
QUICK = settings(derandomize=True, deadline=None, database=None, max_examples=60)


@pytest.fixture
def sheet() -> Page:
    figure = Figure((WIDTH, 4), dpi=100)
    FigureCanvasAgg(figure)
    return Page(figure)


def test_a_chinese_character_is_two_letters_wide_and_a_mark_none() -> None:
    assert text_width("ab") == 2
    assert text_width("猫a") == 3
    assert text_width("e\u0301") == 1


def test_text_is_cut_with_a_sign_where_it_is_too_long() -> None:
    assert cut_text("a  b\nc", 5) == "a b c"
    assert cut_text("abcdef", 5) == "abcd…"
    assert cut_text("猫猫猫", 5) == "猫猫…"


def test_lines_break_at_blanks_and_anywhere_in_long_words_and_in_chinese() -> None:
    assert wrap_text("one two three", 7) == ["one two", "three"]
    assert wrap_text("abcdefgh", 3) == ["abc", "def", "gh"]
    assert wrap_text("春眠不觉晓", 4) == ["春眠", "不觉", "晓"]
    assert wrap_text("a\n\nb", 9) == ["a", "", "b"]
    assert wrap_text("", 9) == [""]


def test_a_word_without_end_takes_no_longer_than_its_signs() -> None:
    """Each sign was looked at again for each one that was cut off: 100,000 of them took minutes."""
    lines = wrap_text("我" * 50_000 + "é" * 50_000, 58)
    assert (len(lines), text_width(lines[-1])) == (2587, 12)
    assert cut_text("é" * 100_000, 5) == "éééé…"


@given(TEXT, st.integers(2, 20))
@QUICK
def test_no_line_is_too_wide_and_no_letter_is_lost(text: str, most: int) -> None:
    lines = wrap_text(text, most)
    assert max(map(text_width, lines)) <= most
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert text_width(cut_text(text, most)) <= most


def test_places_are_inches_from_the_top_left(sheet: Page) -> None:
    assert sheet.write(3, 1, "a").get_position() == (0.25, 0.75)
    axes = sheet.axes(6, 1, 3, 2)
    assert axes.get_position().bounds == pytest.approx((0.5, 0.25, 0.25, 0.5))


def test_a_wider_text_measures_more_inches(sheet: Page) -> None:
    narrow, wide = (sheet.measure(sheet.write(1, 1, text)) for text in ("m", "mmmm"))
    assert wide == pytest.approx(4 * narrow, rel=0.1)
    assert 0.05 < narrow < 0.2  # 10 points are 0.14 inches


def test_a_sign_without_a_font_is_a_box_and_is_remembered(sheet: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "_fonts", lambda marks: (("DejaVu Sans",), frozenset(marks) - set("ab□")))
    assert safe_text("a\u0301b猫") == "ab□"
    sheet.write(1, 1, "a□")
    assert not sheet.unwritten  # the box was in the text
    assert sheet.write(1, 1, "a猫").get_text() == "a□"
    assert sheet.unwritten


def test_a_font_that_came_after_the_list_of_matplotlib_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import font_manager, get_data_path

    path = shutil.copy(Path(get_data_path()) / "fonts" / "ttf" / "STIXGeneral.ttf", tmp_path / "new.ttf")
    old = [font for font in font_manager.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", old)
    page._fonts.cache_clear()
    page._new_families.cache_clear()
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [str(path), str(tmp_path / "gone.ttf")])
    try:
        assert page.fonts_for("a\u1d81") == (("DejaVu Sans", "STIXGeneral"), frozenset())
    finally:
        page._fonts.cache_clear()
        page._new_families.cache_clear()


def test_a_font_without_bold_signs_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    page.fonts_for("a")
    log, said = logging.getLogger("matplotlib.font_manager"), logging.Handler()
    messages: list[str] = []
    monkeypatch.setattr(said, "emit", lambda record: messages.append(record.getMessage()))
    monkeypatch.setattr(log, "handlers", [said])
    log.warning("findfont: Failed to find font weight %s for %s, now using 400.", "bold", "WenQuanYi Micro Hei")
    log.warning("findfont: Font family %r not found.", "Nowhere Sans")
    assert messages == ["findfont: Font family 'Nowhere Sans' not found."]


def test_dollars_are_no_formula(sheet: Page) -> None:
    assert sheet.measure(sheet.write(1, 1, "$a$")) > sheet.measure(sheet.write(1, 2, "a"))


def test_what_is_absent_says_why(sheet: Page) -> None:
    draw_absent(sheet, {"reason": "file not found: 7.png"}, 1, 0.75)
    draw_absent(sheet, {}, 2, 0.75)
    assert [text.get_text() for text in sheet.figure.texts] == ["missing: file not found: 7.png", "missing"]
