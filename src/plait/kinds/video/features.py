"""Features of videos for learners that are no networks: what is seen, where things change, and which way they move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.image.features import features as picture_features
from plait.kinds.weights import averages

COARSE, FINE = 4, 16  # cells a side: of where things change, and of where they are when they move
FAR = 4  # fine cells by which a thing is looked for in the next frame, each way


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """(batch, frame, channel, height, width) in 0…1 → the mean of the frames' features, changes, and motion.

    Changes: how much each cell of a coarse grid changes from frame to frame, and from its mean over the video. Motion:
    how well a frame, without what stands still, fits on the next one when it is shifted by some cells, over all pairs:
    where a thing is does not count, the way it went does.
    """
    batch, frames = x.shape[:2]
    seen = picture_features(x.reshape(-1, *x.shape[2:]), layout).reshape(batch, frames, -1)
    grey = x.mean(axis=2)
    height, width = grey.shape[2:]
    coarse = averages(height, min(COARSE, height)) @ grey @ averages(width, min(COARSE, width)).T
    apart = (coarse - coarse.mean(axis=1, keepdims=True)).reshape(batch, -1)
    steps = np.abs(np.diff(coarse, axis=1)).sum(axis=1).reshape(batch, -1) / max(1, frames - 1)
    fine = averages(height, min(FINE, height)) @ grey @ averages(width, min(FINE, width)).T
    return np.concatenate([seen.mean(axis=1), apart, steps, _motion(fine)], axis=1)


def _motion(grey: np.ndarray) -> np.ndarray:
    """Return (batch, shift · shift): the correlation of frames (batch, frame, row, column) with the next, shifted."""
    moving = grey - np.median(grey, axis=1, keepdims=True)
    rows, columns = moving.shape[2:]
    padded = np.pad(moving[:, 1:], ((0, 0), (0, 0), (FAR, FAR), (FAR, FAR)))
    now = moving[:, :-1]
    power = np.sqrt((now**2).sum(axis=(1, 2, 3)) * (moving[:, 1:] ** 2).sum(axis=(1, 2, 3))) + 1e-6
    shifts = [
        np.einsum("bfrc,bfrc->b", now, padded[:, :, down : down + rows, right : right + columns]) / power
        for down in range(2 * FAR + 1)
        for right in range(2 * FAR + 1)
    ]
    return np.stack(shifts, axis=1)
