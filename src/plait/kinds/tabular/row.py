"""What numbers and categories look like in a drawn row: as they came, as the model is given them, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count, signed
from plait.draw.bars import BAR, bar_look
from plait.draw.page import CONTENT, GAP, HALF, INK, LABEL, MARGIN, ORANGE, PALE, SOFT, Page, cut_text, wrap_text

MOST_CELLS = 30


def _seen(part: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return (column, lines of what the model is given)."""
    rows = list(part["after"].items())[:MOST_CELLS]
    return [
        (str(name), wrap_text(value if isinstance(value, str) else f"{value:+.2f}", 54)[:4]) for name, value in rows
    ]


def row_height(part: Mapping[str, Any]) -> float:
    rows = _seen(part)
    return sum(0.1 + 0.17 * len(lines) for _name, lines in rows) + 0.27 * (len(part["after"]) > len(rows))


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    left, middle, right = MARGIN + LABEL, MARGIN + LABEL + 2.4, MARGIN + LABEL + HALF + GAP
    before, rows = part.get("before") or {}, _seen(part)
    level = y + 0.15
    for name, lines in rows:
        cell = before.get(name)
        look = {"color": ORANGE, "style": "italic"} if cell is None else {"color": INK}
        page.write(left, level, cut_text(name, 28), size=9.5, color=SOFT)
        page.write(middle, level, "absent" if cell is None else cut_text(str(cell), 30), size=9.5, **look)
        for k, line in enumerate(lines):
            page.write(right, level + 0.17 * k, line, size=9.5)
        level += 0.1 + 0.17 * len(lines)
        page.rule(level - 0.18, left, PALE)
    if len(part["after"]) > len(rows):
        page.write(left, level, f"and {count(len(part['after']) - len(rows), 'more column')}", size=9, color=SOFT)


MOST_COLUMNS = 12


def _share_rows(part: Mapping[str, Any]) -> list[tuple[str, float, str, str]]:
    ordered = sorted(part["parts"], key=lambda column: -abs(column["weight"]))[:MOST_COLUMNS]
    cells = part["before"]
    return [(c["column"], c["weight"], signed(c["weight"]), _cell(cells[c["column"]])) for c in ordered]


def _cell(value: Any) -> str:
    return "absent" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def share_height(part: Mapping[str, Any]) -> float:
    rest = len(part["parts"]) > MOST_COLUMNS
    return max(0.85, BAR * len(_share_rows(part)) + 0.1 + 0.2 * rest)


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    rows = _share_rows(part)
    inner = 1.3  # the modality's own name stands to the left of the names of its columns
    _draw_columns(page, y, rows, inner)
    if len(part["parts"]) > len(rows):
        left = MARGIN + LABEL + inner
        page.write(
            left,
            y + BAR * len(rows) + 0.2,
            f"and {count(len(part['parts']) - len(rows), 'more column')}",
            size=9,
            color=SOFT,
        )


def _draw_columns(page: Page, y: float, rows: Sequence[tuple[str, float, str, str]], inner: float) -> None:
    left, wide = MARGIN + LABEL + 2 * inner, CONTENT - 2 * inner - 0.9
    axes = page.axes(left, y, wide, BAR * len(rows))
    values = np.array([row[1] for row in rows])
    low, high = min(0.0, float(values.min())), max(0.0, float(values.max()))
    span = (high - low) or 1.0
    axes.set_xlim(low - 0.14 * span * (low < 0), high + 0.14 * span)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    for place, (name, value, said, cell) in enumerate(rows):
        level = y + BAR * (place + 0.62)
        axes.barh(place, value, 0.55, **bar_look(value))
        axes.annotate(
            said, (value, place), (-4 if value < 0 else 4, 0), textcoords="offset points", va="center", fontsize=8.5,
            ha="right" if value < 0 else "left", color=INK,
        )  # fmt: skip
        page.write(MARGIN + LABEL, level, cut_text(name, 18), size=9.5, color=SOFT)
        page.write(MARGIN + LABEL + inner + 0.1, level, cut_text(cell, 15), size=9.5)
        page.rule(y + BAR * (place + 1), MARGIN + LABEL, PALE)
    axes.axvline(0, color=INK, linewidth=0.9)
    axes.set_axis_off()


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row: these columns, before and after, or why they are absent."""
    cells = {column: table.cells(column) for column in columns}
    if all(values[0] is None for values in cells.values()):
        return {"reason": "blank"}
    broken = prep.broken(cells).get(0)
    before = {name: values[0] for name, values in cells.items()}
    return {"before": before, "after": prep.describe(prep(cells)[0]), **({"reason": broken} if broken else {})}
