"""From cells of pictures to the inputs of an encoder."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_cell
from plait.data.media import read_image
from plait.kinds.part import Part, prepare_opened, sample_opened

DTYPE = np.uint8
digest = digest_cell


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: Any = None) -> Any:
    """Return a picture, decoded no larger than this preparation needs. Raises CellError."""
    return read_image(cell, folder, draft=None if prep is None else prep.draft_size)


def apply(prep: Any, value: Any) -> np.ndarray:
    """Return a picture as the encoder takes it: (channel, height, width) uint8."""
    return prep(value)


def streams(part: Part) -> list[tuple[str, list[Any], int | None]]:
    """Return (column, cells, None) of each column."""
    return part.streams()


def fit(prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
    """Return the preparation with sizes and colours chosen on a sample of these rows."""
    return prep.fitted(sample_opened(part, rows, generator, read, "a picture"))


def prepare(
    prep: Any, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: ThreadPoolExecutor
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, …, channel, height, width); return which cells are there, and why others are not."""
    return prepare_opened(part, values, pool, lambda cell, rate: prep(read(cell, part.table.folder, rate, prep)))
