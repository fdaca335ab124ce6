"""What a vector looks like in a drawn row: strips of its numbers, and the runs of them that mattered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count, plain, signed
from plait.draw.bars import BAR, lay_bars
from plait.draw.page import CONTENT, GAP, HALF, LABEL, MARGIN, ORANGE, SOFT, Page, frame_axes, plain_axes
from plait.kinds.vectors.inside import say
from plait.kinds.vectors.read import OPENER

WIDE = 48  # numbers in a line of the strip
TALLEST = 1.6  # inches


def row_part(table: Table, columns: Sequence[str], prep: Any) -> dict[str, Any]:
    """Return what `draw_row` draws of a table of one row."""
    return OPENER.row_part(table, columns, prep, lambda vector: [])


def _strip_height(part: Mapping[str, Any]) -> float:
    return min(TALLEST, 0.22 * -(-np.size(part["after"]) // WIDE))


def row_height(part: Mapping[str, Any]) -> float:
    return _strip_height(part) + 0.45


def draw_row(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    places = MARGIN + LABEL, MARGIN + LABEL + HALF + GAP
    for x, values, color in zip(places, (part["before"], part["after"]), (SOFT, ORANGE), strict=True):
        flat = np.ravel(values).astype(np.float64)
        lines = -(-len(flat) // WIDE)
        grid = np.full(lines * min(WIDE, len(flat)), np.nan)
        grid[: len(flat)] = flat
        axes = page.axes(x, y + 0.22, HALF, _strip_height(part))
        top = float(np.abs(flat).max(initial=0)) or 1.0
        axes.imshow(grid.reshape(lines, -1), cmap="RdBu_r", vmin=-top, vmax=top, interpolation="nearest", aspect="auto")
        axes.set(xticks=[], yticks=[])
        plain_axes(axes)
        frame_axes(axes, color, 0.8)
        said = f"{count(len(flat), 'number')}, from {plain(float(flat.min()))} to {plain(float(flat.max()))}"
        page.write(x, y + 0.15, said + (", scaled" if color == ORANGE else ""), size=9)


def share_height(part: Mapping[str, Any]) -> float:
    return max(0.85, BAR * len(part["parts"]) + 0.1)


def draw_share(page: Page, part: Mapping[str, Any], y: float, height: float) -> None:
    left, inner = MARGIN + LABEL, 1.4
    bars = [(run["weight"], signed(run["weight"])) for run in part["parts"]]
    lay_bars(page, (left + inner, y, CONTENT - inner - 0.9), bars, 0.55, part.get("ends"))
    for place, run in enumerate(part["parts"]):
        page.write(left, y + BAR * (place + 0.62), say(run), size=9.5, color=SOFT)
