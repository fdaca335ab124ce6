"""The progress of a piece of work: one bar for the whole, and a line a stage, in a terminal and in a notebook alike.

Where neither is, only notes are told. Knows events, no table and no model.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from plait.core import notebook
from plait.core.language import say
from plait.core.terminal import harmless
from plait.core.words import metric_name, number

BEAT = 1.0  # seconds between two pictures of a cell, so that nothing stands still for two
HELD = 0.2  # at least between two that events cause
MOST_LINES = 14  # of stages and notes that a cell of a notebook keeps
BAR = """.plait-cell .way{height:8px;border-radius:4px;background:var(--faint);overflow:hidden;max-width:420px}
.plait-cell .way div{height:100%;background:var(--for)}"""


def is_notebook() -> bool:
    """Say whether this runs in a notebook, whose cells can be drawn anew."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def can_show() -> bool:
    """Say whether somebody watches: a terminal, or a notebook."""
    return is_notebook() or (sys.stderr is not None and sys.stderr.isatty())


class Progress:
    """Shows each event that it is called with: a bar that moves, and a line for each stage that has ended.

    An event is a dict: {"stage", "done", "total"}, or {"stage", "epoch", "epochs", "loss", "metric", "metric_name",
    "seconds_left"}, or {"note": "a sentence"}; of a whole fit also {"share": done of all, 0 to 1, "left": seconds} and
    {"best": {"name", "metric", "value"}}, of validation. Elsewhere than in a terminal or a notebook notes alone are
    told, on stderr.
    """

    def __init__(self, file: Any = None) -> None:
        self._file = file or sys.stderr
        self._view: Any = None
        if file is None and is_notebook():
            self._view = _Cell()
        elif self._file.isatty():
            self._view = _Line(self._file)
        self._stage, self._last, self._began = "", "", time.monotonic()
        self._share, self._left, self._best = 0.0, None, ("", "")

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *details: object) -> None:
        self._end_stage()
        if self._view is not None:
            if details[:1] == (None,):
                self._share, self._left = 1.0, None
                self._view.show(self._share, self._beside(""))
            self._view.close()

    def __call__(self, event: dict[str, Any]) -> None:
        if "note" in event:
            self._say(event["note"])
        if event.get("best"):
            best = event["best"]
            score = "" if best["value"] is None else f"{metric_name(best['metric'])} {number(best['value'])}"
            self._best = score, best["name"]
        if "stage" in event:
            if event["stage"] != self._stage:
                self._end_stage()
                self._stage = event["stage"]
            done, total = event.get("done", event.get("epoch")), event.get("total", event.get("epochs"))
            if done is not None and total:
                details = describe({**event, "seconds_left": None})
                self._last = f"{self._stage}  {done}/{total}" + (f"  {details}" if details else "")
                self._share = event.get("share", done / total)
                self._left = event.get("left", event.get("seconds_left"))
        if self._view is not None:
            self._view.show(self._share, self._beside(self._last or self._stage))

    def _beside(self, now: str) -> str:
        """Return what stands beside the bar: time left, best so far, and what is done now."""
        left = say("about {time} left", time=clock(self._left)) if self._left is not None else ""
        score, name = self._best
        best = say("best so far {score}", score=score) if score else ""
        return "  ".join(harmless(part) for part in (left, best, now, f"({name})" if name else "") if part)

    def _end_stage(self) -> None:
        if self._last and self._view is not None:
            self._view.say(harmless(self._last))
        self._last = ""

    def _say(self, line: str) -> None:
        if self._view is None:
            print(harmless(line), file=self._file)
        else:
            self._view.say(harmless(line))


class _Line:
    """The bar as the last line of a terminal; it moves by itself. rich is slow to import, so only here."""

    def __init__(self, file: Any) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        words = TextColumn(
            "{task.fields[told]}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")
        )
        columns = SpinnerColumn(), BarColumn(bar_width=16), TaskProgressColumn(), TimeElapsedColumn(), words
        console = Console(file=file, markup=False, highlight=False, emoji=False)
        self._bars = Progress(*columns, console=console, expand=True)
        self._task = self._bars.add_task("", total=1.0, told="")
        self._bars.start()

    def show(self, share: float, told: str) -> None:
        self._bars.update(self._task, completed=share, told=told)

    def say(self, line: str) -> None:
        self._bars.console.print(line, soft_wrap=True)

    def close(self) -> None:
        self._bars.stop()


class _Cell:
    """The bar as HTML in a cell of a notebook, drawn anew each second; no widgets are needed. Plain text is beside."""

    def __init__(self) -> None:
        from IPython.display import display

        self._share, self._told, self._lines, self._began = 0.0, "", [""][:0], time.monotonic()
        self._drawn, self._lock, self._closed = 0.0, threading.Lock(), threading.Event()
        self._handle = display(self._bundle(), raw=True, display_id=True)
        self._beat = threading.Thread(target=self._go, daemon=True)
        self._beat.start()

    def _go(self) -> None:
        while not self._closed.wait(BEAT):
            with contextlib.suppress(Exception):  # a page that is gone ends no work
                self._draw()

    def show(self, share: float, told: str) -> None:
        self._share, self._told = share, told
        if time.monotonic() - self._drawn > HELD:
            self._draw()

    def say(self, line: str) -> None:
        self._lines = [*self._lines, line][-MOST_LINES:]

    def close(self) -> None:
        self._closed.set()
        self._draw()

    def _draw(self) -> None:
        with self._lock:
            self._drawn = time.monotonic()
            if self._handle is not None:
                self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        percent, spent = f"{100 * self._share:.0f} %", clock(time.monotonic() - self._began)
        line = "  ".join(filter(None, [percent, spent, self._told]))
        way = f'<div class="way"><div style="width:{100 * self._share:.1f}%"></div></div>'
        lines = notebook.lines("\n".join(self._lines)) if self._lines else ""
        html = notebook.cell(way, notebook.say(line), lines, style=BAR)
        return {"text/html": html, "text/plain": "\n".join([*self._lines, line])}


def clock(seconds: float) -> str:
    """Return a span of time as a clock shows it: 0:09, 12:30, 1:05:00.

    >>> clock(9.6), clock(3900)
    ('0:10', '1:05:00')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}" if minutes >= 60 else f"{minutes}:{rest:02d}"


def describe(event: dict[str, Any]) -> str:
    """Return the numbers of an event as words: loss 0.500  accuracy 0.910  1:15 left."""
    words = []
    if event.get("loss") is not None:
        words.append(f"loss {number(event['loss'])}")
    if event.get("metric") is not None:
        words.append(f"{event.get('metric_name') or 'metric'} {number(event['metric'])}")
    if event.get("seconds_left") is not None:
        words.append(f"{clock(event['seconds_left'])} left")
    return "  ".join(words)


def joined(*callbacks: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    """Return a callback that calls each of these."""

    def tell(event: dict[str, Any]) -> None:
        for callback in callbacks:
            callback(event)

    return tell
