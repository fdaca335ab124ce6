"""From cells of vectors to the inputs of an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_bytes
from plait.data.media import read_head
from plait.data.numbers import read_bare, read_npy, write_npy
from plait.errors import CellError
from plait.kinds.part import Opener, Part

DTYPE = np.float32
streams = Part.streams


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: Any = None) -> np.ndarray:
    """Return the numbers of a cell (feature,) float32: of an array, a list, a list in text, or a .npy file.

    Raises CellError where it holds none, or one that is not finite.
    """
    values = read_array(cell, folder)
    if values.ndim > 1 and max(values.shape) == values.size:  # one row, or one column
        values = values.reshape(-1)
    if values.ndim != 1:
        raise CellError(f"expected a flat list of numbers, got an array of shape {values.shape}")
    if not values.size:
        raise CellError("an empty list", "no-numbers")
    with np.errstate(over="ignore"):
        values = values.astype(np.float32)
    if wrong := int((~np.isfinite(values)).sum()):
        raise CellError(f"{wrong:,} of {values.size:,} numbers are not finite", "not-finite")
    return values


def read_array(cell: Any, folder: Path | None) -> np.ndarray:
    """Return what a cell is, holds or names as an array of numbers, of any shape. Raises CellError."""
    if isinstance(cell, (list, tuple)):
        try:
            cell = np.array(cell, np.float64 if any(part is None for part in cell) else None)
        except (ValueError, TypeError, OverflowError):  # a whole number may be larger than any float
            cell = np.array("")
    if isinstance(cell, str) and (flat := read_bare(cell)) is not None:
        cell = flat
    written = isinstance(cell, str) and cell.strip()[:1] == "["
    if not isinstance(cell, np.ndarray) and not written:
        cell = read_npy(read_head(cell, folder, None))
    if written or cell.dtype.kind not in "biuf":
        raise CellError("a list that holds something else than numbers")
    return np.asarray(cell)


def apply(prep: Any, value: np.ndarray) -> np.ndarray:
    """Return a vector scaled: (token, width), one token. Raises CellError for one of another length."""
    return prep(value)[None]


def digest(cell: Any, folder: Path | None, rate: int | None = None) -> bytes:
    """Return the hash of the numbers, however they are written. Raises CellError."""
    return digest_bytes(write_npy(read(cell, folder)))


OPENER = Opener("a vector", read, apply)
fit, prepare = OPENER.fit, OPENER.prepare
