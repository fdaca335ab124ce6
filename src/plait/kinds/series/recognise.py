"""Whether a column holds series that are no flat lists: tables in files, and channels of points as text or arrays.

Flat lists, and lists in lists, are told from vectors in `vectors/recognise`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.words import count
from plait.data.media import open_cell
from plait.errors import CellError
from plait.kinds.facts import Facts, Guess
from plait.kinds.media import kind_said
from plait.kinds.series.kernels import TAPS
from plait.kinds.series.read import TABLES, read

LOOKED = 12  # cells that are opened
MOST_CHANNELS = 7  # of what may be a picture where it has more


def claim(facts: Facts, folder: Path | None) -> Guess | None:
    """Return the guess where most cells are small tables of numbers, or a few channels of points; None elsewhere."""
    if facts.form not in ("text", "array") or (facts.distinct == 1 and facts.rows > 1):
        return None
    cells = facts.sample[:: -(-len(facts.sample) // LOOKED)]
    if facts.form == "array":
        return None if kind_said(facts) else _of_arrays(cells)
    if kind_said(facts) == "image":
        return None
    named = [cell for cell in cells if isinstance(cell, str) and cell.strip().lower().endswith(TABLES)]
    written = [cell for cell in cells if isinstance(cell, str) and cell.strip()[:2] == "[["]
    for what, some in (("tables in files", named), ("lists in lists", written)):
        if 2 * len(some) > len(cells) and (shapes := _shapes_of(some, folder, files=some is named)):
            most = max(min(shape) for shape in shapes)
            if some is written and most > MOST_CHANNELS:
                return None  # it may be a picture
            return Guess("series", f"{what}, {_say(shapes)}", 0.8)
    return None


def _shapes_of(cells: list[Any], folder: Path | None, files: bool) -> list[tuple[int, int]]:
    """Return the shapes of those that can be read, of which there are as many as of those that cannot."""
    shapes = []
    for cell in cells:
        try:
            if files:
                open_cell(cell, folder)
            shapes.append(read(cell, folder).shape)
        except CellError:
            continue
    return shapes if 2 * len(shapes) >= len(cells) else []


def _of_arrays(cells: list[Any]) -> Guess | None:
    """Return the guess where arrays have two axes, of which one is too short for a picture and the other is time."""
    shapes = [cell.shape for cell in cells if isinstance(cell, np.ndarray) and cell.dtype.kind in "biuf"]
    right = [shape for shape in shapes if len(shape) == 2 and min(shape) <= MOST_CHANNELS and max(shape) >= TAPS]
    if 2 * len(right) <= len(cells) or any(min(shape) <= 2 and max(shape) >= 500 for shape in right):
        return None
    return Guess("series", f"arrays of {_say(right)}", 0.7)


def _say(shapes: Sequence[tuple[int, ...]]) -> str:
    """Return in words how many channels and points there are; what is more is points."""
    channels, points = ([ends(shape) for shape in shapes] for ends in (min, max))
    most = count(max(channels), "channel")
    return (
        f"{most} of {count(min(points))} to {count(max(points), 'point')}"
        if len({*points}) > 1
        else f"{most} of {count(points[0], 'point')}"
    )
