"""The bar: in a terminal, in a cell of a notebook, and silence where nobody watches."""

import io
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from plait.core import progress as module
from plait.core.progress import Progress, can_show, clock, describe, is_notebook, joined

TOLD: list[dict[str, Any]] = [
    {"note": "2 cells [red] could not be read"},
    {"stage": "prepare", "done": 1, "total": 2, "share": 0.02, "left": None},
    {"stage": "prepare", "done": 2, "total": 2, "share": 0.05, "left": 190},
    {"best": {"name": "ridge\x07 (text)", "metric": "f1_macro", "value": 0.8}},
    {"stage": "alone image", "epoch": 1, "epochs": 9, "loss": 2.3, "share": 0.2, "left": 75},
    {"stage": "alone image", "epoch": 2, "epochs": 9, "loss": 0.5, "metric": 0.91, "metric_name": "f1", "share": 0.4,
     "left": 60},
]  # fmt: skip
STAGES = ["prepare  2/2", "alone image  2/9  loss 0.500  f1 0.910"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_where_nobody_watches_notes_alone_are_told() -> None:
    file = io.StringIO()
    with Progress(file) as progress:
        for event in [*TOLD, {"note": "\x1b[31mred"}]:
            progress(event)
    assert file.getvalue().splitlines() == ["2 cells [red] could not be read", r"\x1b[31mred"]


def test_in_a_terminal_one_bar_moves_and_each_stage_leaves_a_line() -> None:
    file = Terminal()
    with Progress(file) as progress:
        for event in TOLD:
            progress(event)
    said = file.getvalue()
    for line in ("2 cells [red] could not be read", *STAGES):
        assert line in said
    assert "100%" in said
    assert "\x07" not in said


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Return what a notebook is asked to draw, one after another."""
    drawn: list[dict[str, str]] = []

    def update(bundle: dict[str, str], raw: bool) -> None:
        drawn.append(bundle)

    def display(bundle: dict[str, str], raw: bool, display_id: bool) -> SimpleNamespace:
        update(bundle, raw)
        return SimpleNamespace(update=update)

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))  # type: ignore[misc]
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))  # type: ignore[misc]
    return drawn


def test_in_a_notebook_one_cell_is_drawn_anew_without_widgets(cell: list[dict[str, str]]) -> None:
    assert is_notebook()
    assert can_show()
    with Progress() as progress:
        for event in TOLD:
            progress(event)
    last = cell[-1]
    assert last["text/plain"].splitlines()[:3] == ["2 cells [red] could not be read", *STAGES]
    assert last["text/plain"].splitlines()[3].startswith("100 %  0:00  best so far macro F1 0.800  (ridge\\x07 (text))")
    assert 'style="width:100.0%"' in last["text/html"]
    assert "<script" not in last["text/html"]
    assert all("left" not in bundle["text/plain"] for bundle in cell[-1:])


def test_nothing_stands_still_while_a_stage_takes_long(
    cell: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.01)
    with Progress() as progress:
        progress(TOLD[1])
        time.sleep(0.1)
        assert len(cell) > 3
    drawn = len(cell)
    time.sleep(0.03)
    assert len(cell) == drawn  # its thread has ended
    assert module.BEAT < 2


def test_an_error_leaves_the_bar_where_it_was(cell: list[dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="bad"), Progress() as progress:
        progress(TOLD[-1])
        raise ValueError("bad")
    assert cell[-1]["text/plain"].splitlines()[-1].startswith("40 %")


def test_without_a_notebook_and_a_terminal_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not can_show()
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert can_show()


def test_an_event_is_told_in_words() -> None:
    event = {"loss": 1, "metric": 0.5, "metric_name": None, "seconds_left": 9.6}
    assert describe(event) == "loss 1.000  metric 0.500  0:10 left"
    assert describe({"done": 1, "total": 2}) == ""
    assert [clock(0), clock(75), clock(3900)] == ["0:00", "1:15", "1:05:00"]


def test_each_callback_is_called() -> None:
    heard: list[Any] = []
    tell: Callable[[dict[str, Any]], None] = joined(heard.append, heard.append)
    tell({"note": "x"})
    assert heard == [{"note": "x"}] * 2
