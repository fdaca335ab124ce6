"""Tables of plain text, and what the progress bar says where there is no terminal."""

import io

from plait.core.terminal import Progress, describe, harmless, text_table


def test_columns_are_aligned_and_wide_characters_count_as_two() -> None:
    assert text_table(["name", "rows"], [["图像", 3], ["x", 12]]).splitlines() == ["name  rows", "图像  3", "x     12"]


def test_each_stage_leaves_one_line_where_there_is_no_terminal() -> None:
    file = io.StringIO()
    with Progress(file) as progress:
        progress({"note": "2 cells [red] could not be read"})
        progress({"stage": "prepare", "done": 1, "total": 2})
        progress({"stage": "prepare", "done": 2, "total": 2})
        progress({"stage": "alone image", "epoch": 1, "epochs": 9, "loss": 2.3})
        progress({"stage": "alone image", "epoch": 2, "epochs": 9, "loss": 0.5, "metric": 0.91, "metric_name": "f1"})
    assert file.getvalue().splitlines() == [
        "2 cells [red] could not be read",
        "prepare  2/2",
        "alone image  2/9  loss 0.500  f1 0.910",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_bar_moves() -> None:
    file = Terminal()
    with Progress(file) as progress:
        progress({"note": "2 cells [red] could not be read"})
        progress({"stage": "prepare", "done": 1, "total": 2})
        progress({"stage": "prepare", "done": 2, "total": 2})
    assert "2 cells [red] could not be read" in file.getvalue()
    assert "prepare" in file.getvalue()
    assert "2/2" in file.getvalue()


def test_an_event_is_told_in_words() -> None:
    event = {"loss": 1, "metric": 0.5, "metric_name": None, "seconds_left": 9.6}
    assert describe(event) == "loss 1.000  metric 0.500  0:10 left"
    assert describe({"done": 1, "total": 2}) == ""


def test_what_steers_a_terminal_is_written_out() -> None:
    assert (
        harmless("a\x1b]0;title\x07b\tc\nd\x9b31m\u202eabc é中")
        == r"a\x1b]0;title\x07b" + "\tc\nd" + r"\x9b31m\u202eabc é中"
    )
    assert text_table(["a\x1b[2J"], [["x\ny"]]).splitlines() == [r"a\x1b[2J", r"x\ny"]
    lines = io.StringIO()
    with Progress(lines) as progress:
        progress({"note": "\x1b[31mred"})
        progress({"stage": "al\x07one", "done": 1, "total": 1})
    assert lines.getvalue().splitlines() == [r"\x1b[31mred", r"al\x07one  1/1"]
