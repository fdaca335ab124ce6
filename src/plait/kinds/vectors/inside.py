"""Inside a vector: which of its numbers moved an answer. Knows how they are left out, not who is asked."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from plait.core.words import count
from plait.data.numbers import write_npy
from plait.kinds.part import Part
from plait.kinds.vectors.read import read

PARTS, SHOWN = "numbers", 3
MOST_PARTS = 16  # runs of numbers: what one number of an embedding means, nobody knows


def split(part: Part, prep: Any) -> tuple[Any, list[dict[str, Any]], list[int], Callable[[np.ndarray], dict[str, Any]]]:
    """Return the vectors of one row, their numbers in runs, which can be left out, and what is left without some.

    leave(kept (run,) bool) → {column: cell}, in which what is left out is the mean of the training rows.
    """
    vectors = {
        column: read(cells[0], part.table.folder) for column, cells in part.cells().items() if cells[0] is not None
    }
    runs: list[dict[str, Any]] = []
    for column, vector in vectors.items():
        edges = np.linspace(0, len(vector), min(MOST_PARTS, len(vector)) + 1).astype(int)
        runs += [{"column": column, "first": int(a), "last": int(b) - 1} for a, b in itertools.pairwise(edges)]

    def leave(kept: np.ndarray) -> dict[str, Any]:
        left = {column: vector.copy() for column, vector in vectors.items()}
        for run, stays in zip(runs, kept, strict=True):
            if not stays:
                places = slice(run["first"], run["last"] + 1)
                left[run["column"]][places] = prep.mean[places]
        return {column: write_npy(vector) for column, vector in left.items()}

    return {column: vector.tolist() for column, vector in vectors.items()}, runs, list(range(len(runs))), leave


def say(part: dict[str, Any]) -> str:
    """Return how a run of numbers is named in a line of text."""
    one = part["first"] == part["last"]
    return f"number {part['first']}" if one else f"numbers {part['first']}–{part['last']}"


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: each run with how many numbers it has."""
    return {
        "form": "columns",
        "columns": [
            {"name": say(run), "value": count(run["last"] - run["first"] + 1, "number"), "weight": run["weight"]}
            for run in detail.parts
        ],
    }
