"""Features of pictures for learners that are no networks: oriented gradients (Dalal and Triggs 2005), a thumbnail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.weights import averages, tents

BINS = 9  # orientations of a gradient
CELLS = 7  # cells of a picture along its longer side, at most
PIXELS = 64  # a picture is shrunk by averaging until no side is longer than about this
THUMB = 8  # pixels a side of the thumbnail


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """(batch, channel, height, width) in 0…1 → oriented gradients in cells, and a thumbnail of each channel."""
    height, width = x.shape[2:]
    small = [min(THUMB, side) for side in (height, width)]
    thumb = averages(height, small[0]) @ x @ averages(width, small[1]).T
    shrink = max(1.0, max(height, width) / PIXELS)
    height, width = max(1, round(height / shrink)), max(1, round(width / shrink))
    if shrink > 1:
        x = averages(x.shape[2], height) @ x @ averages(x.shape[3], width).T
    grey = np.pad(x.mean(axis=1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    right = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    strength = np.hypot(down, right)
    bin_of = (np.arctan2(down, right) % np.pi) * (BINS / np.pi)  # an edge and its negative are one
    side = max(height, width) / CELLS
    rows, columns = (max(1, min(CELLS, round(n / max(side, 3)))) for n in (height, width))
    down_cells, right_cells = tents(height, rows), tents(width, columns).T
    cells = np.empty((len(x), BINS, rows, columns))
    for index in range(BINS):
        apart = np.abs(bin_of - index)
        share = np.clip(1 - np.minimum(apart, BINS - apart), 0, None)  # shared between the two nearest bins
        cells[:, index] = down_cells @ (strength * share) @ right_cells
    energy = np.pad((cells**2).sum(axis=1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    around = sum(energy[:, i : i + rows, j : j + columns] for i in range(3) for j in range(3))
    whole = (cells**2).sum(axis=(1, 2, 3))[:, None, None]
    # contrast is taken out cell by cell, but an even patch in a picture stays quiet
    scale = np.sqrt(around / 9 + 0.05 * whole / (rows * columns) + 1e-6)
    shapes = np.sqrt(cells / scale[:, None])
    return np.concatenate([shapes.reshape(len(x), -1), thumb.reshape(len(x), -1)], axis=1)
