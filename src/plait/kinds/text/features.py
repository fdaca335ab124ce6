"""Features of texts for learners that are no networks: TF-IDF, or counts of words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

WORDS = 1000  # token ids that are counted: the most common


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """TF-IDF and token ids (batch, feature + token) → the TF-IDF vector, or where there is none counts of words."""
    if layout["features"]:
        return x[:, : layout["features"]]
    size = min(WORDS, layout["vocabulary"])
    counts = np.zeros((len(x), size + 1))  # ids stand in order of how common a word is; the last place is for the rest
    np.add.at(counts, (np.arange(len(x))[:, None], np.minimum(x.astype(np.int64), size)), 1.0)
    logs = np.log1p(counts[:, 1:size])  # 0 is an empty place
    return logs / np.maximum(np.linalg.norm(logs, axis=1, keepdims=True), 1e-12)


def even(spread: np.ndarray) -> np.ndarray:
    """Return what each feature is divided by: one spread for all, since small TF-IDF coordinates matter less."""
    return np.full_like(spread, np.sqrt((spread**2).mean()) if len(spread) else 1.0)
