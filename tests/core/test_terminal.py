"""Tables of plain text, and text that is harmless."""

from plait.core.terminal import harmless, text_table


def test_columns_are_aligned_and_wide_characters_count_as_two() -> None:
    assert text_table(["name", "rows"], [["图像", 3], ["x", 12]]).splitlines() == ["name  rows", "图像  3", "x     12"]


def test_what_steers_a_terminal_is_written_out() -> None:
    assert (
        harmless("a\x1b]0;title\x07b\tc\nd\x9b31m\u202eabc é中")
        == r"a\x1b]0;title\x07b" + "\tc\nd" + r"\x9b31m\u202eabc é中"
    )
    assert text_table(["a\x1b[2J"], [["x\ny"]]).splitlines() == [r"a\x1b[2J", r"x\ny"]
