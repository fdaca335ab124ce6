"""What numbers and categories look like in a drawn row: as they came, as the model is given them, and what mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.contract import Table
from plait.core.words import count, signed
from plait.draw.bars import BAR, lay_bars
from plait.draw.page import CONTENT, GAP, HALF, INK, LABEL, MARGIN, ORANGE, PALE, SOFT, Page, cut_text, wrap_text

MOST_CELLS, MOST_COLUMNS = 30, 12


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
        page.write(middle, level, "missing" if cell is None else cut_text(str(cell), 30), size=9.5, **look)
        for k, line in enumerate(lines):
            page.write(right, level + 0.17 * k, line, size=9.5)
        level += 0.1 + 0.17 * len(lines)
        page.rule(level - 0.18, left, PALE)
    if len(part["after"]) > len(rows):
        page.write(left, level, f"and {count(len(part['after']) - len(rows), 'more column')}", size=9, color=SOFT)


def share_height(part: Mapping[str, Any]) -> float:
    rest = len(part["parts"]) > MOST_COLUMNS
    return max(0.85, BAR * min(len(part["parts"]), MOST_COLUMNS) + 0.1 + 0.2 * rest)


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    columns = sorted(part["parts"], key=lambda column: -abs(column["weight"]))[:MOST_COLUMNS]
    left, inner = MARGIN + LABEL, 1.3  # the names of the columns, then their cells, then the bars
    bars = [(column["weight"], signed(column["weight"])) for column in columns]
    lay_bars(page, (left + 2 * inner, y, CONTENT - 2 * inner - 0.9), bars, 0.55, part.get("ends"))
    for place, column in enumerate(columns):
        level, value = y + BAR * (place + 0.62), part["before"][column["column"]]
        cell = "missing" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
        page.write(left, level, cut_text(column["column"], 18), size=9.5, color=SOFT)
        page.write(left + inner + 0.1, level, cut_text(cell, 15), size=9.5)
        page.rule(y + BAR * (place + 1), left, PALE)
    if len(part["parts"]) > len(columns):
        rest = f"and {count(len(part['parts']) - len(columns), 'more column')}"
        page.write(left + inner, y + BAR * len(columns) + 0.2, rest, size=9, color=SOFT)


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row: these columns, before and after, or why they are absent."""
    cells = {column: table.cells(column) for column in columns}
    if all(values[0] is None for values in cells.values()):
        return {"reason": "blank"}
    broken = prep.broken(cells).get(0)
    before = {name: values[0] for name, values in cells.items()}
    return {"before": before, "after": prep.describe(prep(cells)[0]), **({"reason": broken} if broken else {})}
