"""Matrices that average, blend and transform along one axis; made once for each size."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=64)
def averages(size: int, num: int) -> np.ndarray:
    """Return (num, size): each row averages one of num equal, possibly fractional, stretches of size places."""
    edges = np.linspace(0, size, num + 1)
    places = np.arange(size)
    covered = np.minimum(places + 1, edges[1:, None]) - np.maximum(places, edges[:-1, None])
    return np.clip(covered, 0, None) / (size / num)


@lru_cache(maxsize=64)
def tents(size: int, num: int) -> np.ndarray:
    """Return (num, size): overlapping weights, so that a small shift moves a little from one cell to the next."""
    middles = (np.arange(num) + 0.5) * size / num
    apart = np.abs(np.arange(size) + 0.5 - middles[:, None]) / (size / num)
    return np.clip(1 - apart, 0, None)


@lru_cache(maxsize=64)
def cosines(size: int, num: int) -> np.ndarray:
    """Return (num, size): the first rows of the orthonormal discrete cosine transform."""
    angle = np.pi / size * (np.arange(size) + 0.5) * np.arange(num)[:, None]
    basis = np.cos(angle) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis


def grid_sums(heat: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the sums of a heat map over a grid of at most rows × columns."""
    starts = [
        np.linspace(0, n, min(k, n) + 1).astype(int)[:-1] for n, k in zip(heat.shape, (rows, columns), strict=True)
    ]
    return np.add.reduceat(np.add.reduceat(heat, starts[0], axis=0), starts[1], axis=1)
