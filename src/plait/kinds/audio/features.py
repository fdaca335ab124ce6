"""Features of sounds for learners that are no networks: bands and cepstra (Davis and Mermelstein 1980) over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.weights import averages, cosines

MELS = 32  # bands of a sound, at most
SEGMENTS = 8  # pieces of a sound in time
CEPSTRA = 20  # cosine coefficients of a spectrum


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Log-mel (batch, mel, frame) → mean and deviation of bands in pieces of time, and of cepstra and their change."""
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
