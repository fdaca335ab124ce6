"""Whether a column holds vectors: lists of numbers of one length, whose neighbours do not resemble each other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.finding import quoted
from plait.core.words import count, plain
from plait.data.numbers import NPY
from plait.errors import CellError
from plait.kinds.facts import FEW, Facts, Guess
from plait.kinds.media import kind_said
from plait.kinds.vectors.read import read_array

ALIKE = 0.5  # median autocorrelation at lag 1 from which neighbours belong together
ONE_LENGTH = 0.8  # share of the lists that have one length where others are faults
FARTHEST = 1e100  # from which on a number is a fault, whose square is none
LOOKED, LONG = 50, 4096  # cells that are opened; numbers of each that are compared


def claim(facts: Facts, folder: Path | None) -> Guess | None:
    """Return the guess where most cells are lists of numbers; None where they are not, or something says sound."""
    if facts.form not in ("text", "bytes", "array", "other") or (facts.distinct == 1 and facts.rows > 1):
        return None
    if facts.form == "array" and kind_said(facts):
        return None
    cells = facts.sample[:: -(-len(facts.sample) // LOOKED)]
    arrays = [array for cell in cells if (array := _array_of(cell, folder)) is not None]
    flat = [array for array in arrays if array.ndim == 1 and array.size > 1]
    nested = sum(isinstance(cell, list) and any(isinstance(part, list) for part in cell) for cell in cells)
    if 2 * nested > len(cells):
        return _series(facts, "lists in lists", "")
    if 2 * len(flat) <= len(cells) or _are_labels(facts, flat):
        return None
    lengths = Counter(len(array) for array in flat)
    mend = f"; --kind {quoted(facts.name)}=vectors reads lists of one length"
    if max(lengths.values()) < ONE_LENGTH * len(flat):
        return _series(facts, f"lists of {count(min(lengths))} to {count(max(lengths))} numbers", mend)
    what = f"lists of {count(lengths.most_common(1)[0][0])} numbers"
    alike = autocorrelation(flat)
    if alike >= ALIKE:
        return _series(
            facts, f"{what}, neighbours of which resemble each other (correlation {plain(alike, digits=2)})", mend
        )
    apart = (
        ""
        if np.isnan(alike)
        else f", neighbours of which do not resemble each other (correlation {plain(alike, digits=2)})"
    )
    return Guess("vectors", what + apart, 0.9)


def autocorrelation(arrays: list[np.ndarray]) -> float:
    """Return the median over arrays (feature,) of the correlation of each number with the next; NaN where none has any.

    >>> round(autocorrelation([np.sin(np.arange(50) / 5)]), 2)
    0.96
    """
    found = []
    for array in arrays:
        x = array[:LONG].astype(np.float64)
        x = x[np.abs(x) < FARTHEST]
        x = x - x.mean() if len(x) else x
        if (power := float(x @ x)) > 0:
            found.append(float(x[1:] @ x[:-1]) / power)
    return float(np.median(found)) if found else float("nan")


def _array_of(cell: Any, folder: Path | None) -> np.ndarray | None:
    """Return the array that a cell is, holds or names by a path that ends in .npy; None where it is something else."""
    if isinstance(cell, str) and not (cell.lstrip()[:1] == "[" or cell.rstrip().lower().endswith(".npy")):
        return None
    content = cell.get("bytes") if isinstance(cell, dict) else cell
    if isinstance(content, bytes) and not content.startswith(NPY):
        return None
    try:
        return read_array(cell, folder)
    except CellError:
        return None


def _are_labels(facts: Facts, flat: list[np.ndarray]) -> bool:
    """Whether lists in text are of whole numbers that come again, as lists of classes do."""
    few = facts.distinct is not None and facts.distinct <= FEW and facts.filled >= 2 * facts.distinct
    return few and all((array % 1 == 0).all() for array in flat)


def _series(facts: Facts, what: str, mend: str) -> Guess:
    return Guess("series", f"{what}{mend}", 0.8)
