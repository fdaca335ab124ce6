"""How things look in a terminal: text that is harmless, and tables of it. Knows no table and no model of plait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Callback = Callable[[dict[str, Any]], None]  # gets progress and notes: see `progress.Progress`


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
