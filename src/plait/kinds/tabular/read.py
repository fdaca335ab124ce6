"""From cells of numbers, categories and dates to the inputs of an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from plait.kinds.part import Part

DTYPE = np.float32


def fit(prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
    """Return the preparation with scales and codes of these rows."""
    few = Part(part.table.take(rows), part.columns)
    return prep.fitted(few.cells(), part.kinds)


def prepare(
    prep: Any, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: ThreadPoolExecutor
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, feature); return which rows have any cell that was read, and why others have none."""
    cells = part.cells()
    broken = prep.broken(cells)
    present = np.zeros((len(part.table), 1), bool)
    if len(part.table):
        values[:] = prep(cells)
        numbers = prep.numbers  # a row is there when any number was read, or any category cell is filled
        present[:, 0] = (values[:, numbers : 2 * numbers] == 0).any(axis=1)
    for name in (column for column, kind in part.kinds.items() if kind == "category"):
        present[:, 0] |= np.array([cell is not None for cell in cells[name]], bool)
    return present, [broken.get(row) or (None if present[row, 0] else "blank") for row in range(len(part.table))]
