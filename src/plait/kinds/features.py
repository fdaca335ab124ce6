"""A few hundred numbers a row for learners that are no networks: made by hand from what preparation gives.

Knows batches and layouts, not learners. What is absent is NaN and enters no arithmetic. All is computed in float64 and
rounded at the end, so that a row has the same features alone and in any batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from plait.core.contract import Batch
from plait.errors import RequestError, did_you_mean
from plait.kinds.network import input_shape
from plait.models.network import as_float

BINS = 9  # orientations of a gradient
CELLS = 7  # cells of a picture along its longer side, at most
PIXELS = 64  # a picture is shrunk by averaging until no side is longer than about this
THUMB = 8  # pixels a side of the thumbnail
MELS = 32  # bands of a sound, at most
SEGMENTS = 8  # pieces of a sound in time
CEPSTRA = 20  # cosine coefficients of a spectrum
WORDS = 1000  # token ids that are counted: the most common
ROWS = 128  # rows in floats at a time


def batch_features(
    batch: Batch, layouts: Mapping[str, Mapping[str, Any]], names: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return the features of each modality: {name: (batch, feature) float32}, NaN where it is absent.

    layouts: {name: the strand's layout, and "columns": how many media columns it has where there are several}.
    A present row can hold NaN too: a number of the table, or a column of a modality, that is absent. Pictures become
    histograms of oriented gradients (Dalal and Triggs 2005) and a thumbnail; sounds become means and deviations of
    log-mel bands and of cepstra (Davis and Mermelstein 1980) over time; texts their TF-IDF vector, or counts of
    words; tables their numbers, flags and one column for each category; what a pretrained encoder gave stays as it is.

    Raises RequestError for a missing or misshaped input.
    """
    return {name: _features_of(batch, name, layouts) for name in names}


def join_features(parts: Iterable[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Put the features of consecutive batches together: {name: (rows, feature)}."""
    found = list(parts)
    return {name: np.concatenate([part[name] for part in found]) for name in (found[0] if found else ())}


def feature_count(layout: Mapping[str, Any]) -> int:
    """Return how many features a modality of this layout has."""
    columns = int(layout.get("columns", 1))
    blank = np.zeros((1, *input_shape(layout)))
    one = MAKERS[layout["kind"]](blank, layout).shape[1]
    return one if columns == 1 else columns * (one + 1)


def _features_of(batch: Batch, name: str, layouts: Mapping[str, Mapping[str, Any]]) -> np.ndarray:
    if name not in batch.inputs:
        raise RequestError(f"the batch has no modality {name!r}. {did_you_mean(name, batch.inputs)}")
    layout, x = layouts[name], batch.inputs[name]
    kind, columns = layout["kind"], int(layout.get("columns", 1))
    shape = (columns, *input_shape(layout)) if columns > 1 else input_shape(layout)
    if tuple(x.shape[1:]) != shape:
        wanted = ", ".join(str(n) for n in ("batch", *shape))
        raise RequestError(f"modality {name!r}: got an array of shape {tuple(x.shape)}; expected ({wanted}).")
    here = batch.present[name].cpu().numpy()[:, None]
    if columns > 1:
        here = here & (batch.cells[name].cpu().numpy() if name in batch.cells else np.ones((len(here), columns), bool))
        x = x.flatten(0, 1)
    flat = np.flatnonzero(here)
    out = np.full((here.size, feature_count({**layout, "columns": 1})), np.nan, np.float32)
    for start in range(0, len(flat), ROWS):
        rows = flat[start : start + ROWS]
        values = as_float(kind, x[rows.tolist()]).cpu().numpy().astype(np.float64)
        out[rows] = MAKERS[kind](values, layout)
    if columns == 1:
        return out
    # a flag for each column, since a learner without NaN must tell an absent column from an average one
    flags = np.where(here.any(1, keepdims=True), here, np.nan).astype(np.float32)
    return np.concatenate([out.reshape(len(here), -1), flags], axis=1)


@lru_cache(maxsize=64)
def _averages(size: int, num: int) -> np.ndarray:
    """Return (num, size): each row averages one of num equal, possibly fractional, stretches of size places."""
    edges = np.linspace(0, size, num + 1)
    places = np.arange(size)
    covered = np.minimum(places + 1, edges[1:, None]) - np.maximum(places, edges[:-1, None])
    return np.clip(covered, 0, None) / (size / num)


@lru_cache(maxsize=64)
def _tents(size: int, num: int) -> np.ndarray:
    """Return (num, size): overlapping weights, so that a small shift moves a little from one cell to the next."""
    middles = (np.arange(num) + 0.5) * size / num
    apart = np.abs(np.arange(size) + 0.5 - middles[:, None]) / (size / num)
    return np.clip(1 - apart, 0, None)


@lru_cache(maxsize=64)
def _cosines(size: int, num: int) -> np.ndarray:
    """Return (num, size): the first rows of the orthonormal discrete cosine transform."""
    angle = np.pi / size * (np.arange(size) + 0.5) * np.arange(num)[:, None]
    basis = np.cos(angle) * math.sqrt(2 / size)
    basis[0] /= math.sqrt(2)
    return basis


def _picture(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """(batch, channel, height, width) in 0…1 → oriented gradients in cells, and a thumbnail of each channel."""
    height, width = x.shape[2:]
    small = [min(THUMB, side) for side in (height, width)]
    thumb = _averages(height, small[0]) @ x @ _averages(width, small[1]).T
    shrink = max(1.0, max(height, width) / PIXELS)
    height, width = max(1, round(height / shrink)), max(1, round(width / shrink))
    if shrink > 1:
        x = _averages(x.shape[2], height) @ x @ _averages(x.shape[3], width).T
    grey = np.pad(x.mean(axis=1), ((0, 0), (1, 1), (1, 1)), mode="edge")
    down = (grey[:, 2:, 1:-1] - grey[:, :-2, 1:-1]) / 2
    right = (grey[:, 1:-1, 2:] - grey[:, 1:-1, :-2]) / 2
    strength = np.hypot(down, right)
    bin_of = (np.arctan2(down, right) % np.pi) * (BINS / np.pi)  # an edge and its negative are one
    side = max(height, width) / CELLS
    rows, columns = (max(1, min(CELLS, round(n / max(side, 3)))) for n in (height, width))
    down_cells, right_cells = _tents(height, rows), _tents(width, columns).T
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


def _sound(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Log-mel (batch, mel, frame) → mean and deviation of bands in pieces of time, and of cepstra and their change."""
    mels, frames = x.shape[1:]
    bands = _averages(mels, min(MELS, mels)) @ x
    pieces = _averages(frames, min(SEGMENTS, frames)).T
    mean = bands @ pieces
    half = _averages(frames, max(1, min(SEGMENTS, frames) // 2)).T
    spread = np.sqrt(np.clip(bands**2 @ half - (bands @ half) ** 2, 0, None))
    cepstra = _cosines(mels, min(CEPSTRA, mels)) @ x
    change = np.diff(cepstra, axis=2) if frames > 1 else np.zeros_like(cepstra)
    parts = [mean, spread, cepstra.mean(2), cepstra.std(2), change.std(2)]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], axis=1)


def _text(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """TF-IDF and token ids (batch, feature + token) → the TF-IDF vector, or where there is none counts of words."""
    if layout["features"]:
        return x[:, : layout["features"]]
    size = min(WORDS, layout["vocabulary"])
    counts = np.zeros((len(x), size + 1))  # ids stand in order of how common a word is; the last place is for the rest
    np.add.at(counts, (np.arange(len(x))[:, None], np.minimum(x.astype(np.int64), size)), 1.0)
    logs = np.log1p(counts[:, 1:size])  # 0 is an empty place
    return logs / np.maximum(np.linalg.norm(logs, axis=1, keepdims=True), 1e-12)


def _table(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Numbers, flags and codes → numbers (NaN where absent), flags, and one column for each code."""
    numbers = layout["numbers"]
    flags, codes = x[:, numbers : 2 * numbers], x[:, 2 * numbers :]
    wide = [codes[:, [k]] == np.arange(size) for k, size in enumerate(layout["categories"])]
    return np.concatenate([np.where(flags > 0, np.nan, x[:, :numbers]), flags, *wide], axis=1)


def _vectors(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Features of a pretrained encoder (batch, token, width), as they are."""
    return x.reshape(len(x), -1)


MAKERS = {"image": _picture, "audio": _sound, "text": _text, "tabular": _table, "vectors": _vectors}
