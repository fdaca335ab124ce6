"""From cells of numbers, categories and dates to the inputs of an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import numpy as np

from plait.core.contract import BLANK, no_column
from plait.core.words import say_some
from plait.kinds.part import Part
from plait.kinds.tabular.gaps import compare_cells, find_gaps

DTYPE = np.float32


def fit(prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
    """Return the preparation with scales and codes of these rows."""
    few = Part(part.table.take(rows), part.columns)
    return prep.fitted(few.cells(), part.kinds)


def prepare(
    prep: Any, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: Executor
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, feature); return which rows have any cell that was read, and why others have none."""
    cells = part.cells()
    lacking = [name for name in part.columns if name in part.table.notes]  # all rows say the same of these
    useless, blank = find_gaps(prep, {name: cells[name] for name in part.columns if name not in lacking})
    present = np.zeros((len(part.table), 1), bool)
    if len(part.table):
        values[:] = prep(cells)
        numbers = prep.numbers  # a row is there when any number was read, or any category cell is filled
        present[:, 0] = (values[:, numbers : 2 * numbers] == 0).any(axis=1)
    for name in (column for column, kind in part.kinds.items() if kind == "category"):
        present[:, 0] |= np.array([cell is not None for cell in cells[name]], bool)
    reasons: list[str | None] = [None] * len(part.table)
    for row in range(len(part.table)) if lacking else sorted({*useless, *blank}):
        parts = [no_column(*lacking)] if lacking else []
        parts += [useless[row]] if row in useless else []
        if row in blank:
            parts.append(_say_blank(blank[row]) if parts or present[row, 0] else BLANK)
        reasons[row] = "; ".join(parts)
    return present, reasons


def _say_blank(names: list[str]) -> str:
    return f"column{'s' * (len(names) > 1)} {say_some([*map(repr, names)])}: {BLANK}"


def compare(prep: Any, part: Part) -> list[str]:
    """Return sentences on how the cells differ from those that were learned from."""
    return compare_cells(prep, part.cells())
