"""Inside a row of a table: which columns moved an answer. Knows how cells are left out, not who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plait.kinds.part import Part

PARTS, SHOWN = "columns", 6


def split(part: Part, prep: Any) -> tuple[Any, list[dict[str, Any]], list[int], Callable[[np.ndarray], dict[str, Any]]]:
    """Return the cells of one row, its columns, which of them are filled, and what is left without some.

    leave(kept (filled column,) bool) → {column: cell}.
    """
    cells = {column: values[0] for column, values in part.cells().items()}
    filled = [place for place, cell in enumerate(cells.values()) if cell is not None]
    names = [list(cells)[place] for place in filled]

    def leave(kept: np.ndarray) -> dict[str, Any]:
        return {column: cells[column] for column, stays in zip(names, kept, strict=True) if stays}

    return cells, [{"column": column} for column in cells], filled, leave


def to_json(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the parts as the JSON of an explanation has them."""
    return {part["column"]: part["weight"] for part in parts}


def say(part: dict[str, Any]) -> str:
    """Return how a column is named in a line of text."""
    return str(part["column"])


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: each column with its cell."""
    return {
        "form": "columns",
        "columns": [
            {"name": p["column"], "value": detail.before.get(p["column"]), "weight": p["weight"]} for p in detail.parts
        ],
    }
