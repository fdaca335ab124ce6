"""How things look in a terminal: tables of plain text, and the progress bar. Knows no table and no model of plait."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from plait.core.words import number

Callback = Callable[[dict[str, Any]], None]  # gets progress and notes: see `Progress`


def quiet(event: dict[str, Any]) -> None:
    """Do nothing with a progress event."""


# what steers a terminal, or turns the order of letters: C0 and C1 but for tab and newline, marks of direction
STEERING = [*range(9), *range(11, 32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028, 0x2029]
SIGNS = {code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" for code in STEERING}


def harmless(text: str) -> str:
    """Return text in which what would steer a terminal is written out: cells, labels and names may hold anything.

    >>> harmless("red \\x1b[31m or not")
    'red \\\\x1b[31m or not'
    """
    return text.translate(SIGNS)


def text_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows under a header as lines of plain text, columns aligned; wide characters count as two."""
    from rich.cells import cell_len

    cells = [[harmless(str(cell)).replace("\n", "\\n") for cell in row] for row in (header, *rows)]
    widths = [max(cell_len(cell) for cell in column) for column in zip(*cells, strict=True)]
    lines = ("  ".join(c + " " * (w - cell_len(c)) for c, w in zip(row, widths, strict=True)) for row in cells)
    return "\n".join(line.rstrip() for line in lines)


class Progress:
    """Shows each event of a fit that it is called with on stderr: on a terminal a bar moves, elsewhere a line a stage.

    An event is a dict: {"stage", "done", "total"}, or {"stage", "epoch", "epochs", "loss", "metric", "metric_name",
    "seconds_left"}, or {"note": "a sentence"}.
    """

    def __init__(self, file: Any = None) -> None:
        self._file = file or sys.stderr
        self._bars = _make_bars(self._file) if self._file.isatty() else None
        self._stage: str | None = None
        self._task: Any = None
        self._last = ""

    def __enter__(self) -> Progress:
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._end_stage()
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, event: dict[str, Any]) -> None:
        if "note" in event:
            self._say(event["note"])
        if "stage" not in event:
            return
        if event["stage"] != self._stage:
            self._end_stage()
            self._stage, self._task = event["stage"], None
        done, total = event.get("done", event.get("epoch")), event.get("total", event.get("epochs"))
        if done is None or not total:
            return
        details, stage = harmless(describe(event)), harmless(str(self._stage))
        if self._bars is not None:
            if self._task is None:
                self._task = self._bars.add_task(stage, total=total, details=details)
            self._bars.update(self._task, completed=done, total=total, details=details)
        self._last = f"{stage}  {done}/{total}" + (f"  {details}" if details else "")

    def _end_stage(self) -> None:
        if self._last and self._bars is None:
            self._say(self._last)
        self._last = ""

    def _say(self, line: str) -> None:
        line = harmless(line)
        if self._bars is None:
            print(line, file=self._file)
        else:
            self._bars.console.print(line, soft_wrap=True)


def _make_bars(file: Any) -> Any:
    """Return bars on a terminal. rich is slow to import, and where no terminal is, nothing moves."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TextColumn("{task.fields[details]}", markup=False),
        TimeElapsedColumn(),
        console=Console(file=file, markup=False, highlight=False, emoji=False),
    )


def describe(event: dict[str, Any]) -> str:
    """Return the numbers of an event as words: loss 0.500  accuracy 0.910  1:15 left."""
    words = []
    if event.get("loss") is not None:
        words.append(f"loss {number(event['loss'])}")
    if event.get("metric") is not None:
        words.append(f"{event.get('metric_name') or 'metric'} {number(event['metric'])}")
    if event.get("seconds_left") is not None:
        words.append("{}:{:02d} left".format(*divmod(round(event["seconds_left"]), 60)))
    return "  ".join(words)
