"""Features of tables for learners that are no networks: numbers, flags, a column a category."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Numbers, flags and codes → numbers (NaN where absent), flags, and one column for each code."""
    numbers = layout["numbers"]
    flags, codes = x[:, numbers : 2 * numbers], x[:, 2 * numbers :]
    wide = [codes[:, [k]] == np.arange(size) for k, size in enumerate(layout["categories"])]
    return np.concatenate([np.where(flags > 0, np.nan, x[:, :numbers]), flags, *wide], axis=1)


def even(spread: np.ndarray) -> np.ndarray:
    """Return what each feature is divided by: numbers come scaled; a flag that is rarely set must not be blown up."""
    return np.maximum(spread, 0.3)
