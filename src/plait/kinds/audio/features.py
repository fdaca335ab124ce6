"""Features of sounds for learners that are no networks: bands and cepstra (Davis and Mermelstein 1980) over time,
the sound's own: what fills it up to the length of the others is no part of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.weights import averages, cosines

MELS = 32  # bands of a sound, at most
SEGMENTS = 8  # pieces of a sound in time
CEPSTRA = 20  # cosine coefficients of a spectrum
CLASSIC = {"edition": 2}  # added to the layout; runs of before, without it, have what fills a sound averaged in


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Log-mel (batch, mel, frame) → mean and deviation of bands in pieces of time, and of cepstra and their change."""
    if layout.get("edition", 1) < 2:
        return _features(x)
    heard = (x != 0).any(axis=1)
    lengths = np.where(heard.any(axis=1), x.shape[2] - heard[:, ::-1].argmax(axis=1), x.shape[2])
    lengths = np.maximum(lengths, min(SEGMENTS, x.shape[2]))  # as many pieces of every sound
    out = np.empty((len(x), _features(x[:1]).shape[1]))
    for length in np.unique(lengths):
        out[lengths == length] = _features(x[lengths == length, :, :length])
    return out


def _features(x: np.ndarray) -> np.ndarray:
    mels, frames = x.shape[1:]
    bands = averages(mels, min(MELS, mels)) @ x
    pieces = averages(frames, min(SEGMENTS, frames)).T
    mean = bands @ pieces
    half = averages(frames, max(1, min(SEGMENTS, frames) // 2)).T
    spread = np.sqrt(np.clip(bands**2 @ half - (bands @ half) ** 2, 0, None))
    cepstra = cosines(mels, min(CEPSTRA, mels)) @ x
    change = np.diff(cepstra, axis=2) if frames > 1 else np.zeros_like(cepstra)
    parts = [mean, spread, cepstra.mean(2), cepstra.std(2), change.std(2)]
    return np.concatenate([part.reshape(len(x), -1) for part in parts], axis=1)
