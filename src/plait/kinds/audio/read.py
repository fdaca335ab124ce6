"""From cells of sounds to the inputs of an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_cell
from plait.data.media import read_sound
from plait.kinds.part import Part, prepare_opened, sample_opened

DTYPE = np.float16
digest = digest_cell


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: Any = None) -> tuple[np.ndarray, int]:
    """Return (samples (time[, channel]), Hz). rate: of a sound given as an array. Raises CellError."""
    return read_sound(cell, folder, sample_rate=rate)


def apply(prep: Any, value: tuple[np.ndarray, int]) -> np.ndarray:
    """Return a sound as the encoder takes it, such as a log-mel (mel, time)."""
    return prep(*value)


def streams(part: Part) -> list[tuple[str, list[Any], int | None]]:
    """Return (column, cells, Hz) of each column."""
    return part.streams()


def fit(prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
    """Return the preparation with rate and length chosen on a sample of these rows."""
    return prep.fitted(sample_opened(part, rows, generator, read, "a sound"))


def prepare(
    prep: Any, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: ThreadPoolExecutor
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, …, mel, time); return which cells are there, and why others are not."""
    return prepare_opened(part, values, pool, lambda cell, rate: prep(*read(cell, part.table.folder, rate)))
