"""Features of tables for learners that are no networks: numbers, flags, a column for each of the commonest categories,
and the code itself of a column with more, of which the learner finds out what it says of the target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# categories of a column that have a column of their own, and from how many on the code is kept too; added to the layout
CLASSIC = {"commonest": 50, "many": 20}


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Numbers, flags and codes → numbers (NaN where absent), flags, a column for each code, and codes as they are.

    As runs of before have it, a layout without "commonest" gives every code a column, and one without "many" keeps the
    code of what has more than these.
    """
    numbers, sizes = layout["numbers"], layout["categories"]
    flags, codes = x[:, numbers : 2 * numbers], x[:, 2 * numbers :]
    most = layout.get("commonest", max(sizes, default=0)) + 1  # code 0, absent, is one more
    wide = [codes[:, [k]] == np.arange(min(size, most)) for k, size in enumerate(sizes)]
    kept = codes[:, [size > layout.get("many", most - 1) + 1 for size in sizes]]
    return np.concatenate([np.where(flags > 0, np.nan, x[:, :numbers]), flags, *wide, kept], axis=1)


def coded(layout: Mapping[str, Any]) -> list[int]:
    """Return how many codes each of the columns at the end of `features` has that holds codes as they are."""
    most = layout.get("many", layout.get("commonest", max(layout["categories"], default=0))) + 1
    return [size for size in layout["categories"] if size > most]


def blocks(layout: Mapping[str, Any]) -> list[tuple[int, int]]:
    """Return from where to where in `features` the columns of the codes of each category column stand."""
    most = layout.get("commonest", max(layout["categories"], default=0)) + 1
    ends = 2 * layout["numbers"] + np.cumsum([0, *(min(size, most) for size in layout["categories"])])
    return [*zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)]


def even(spread: np.ndarray) -> np.ndarray:
    """Return what each feature is divided by: numbers come scaled; a flag that is rarely set must not be blown up."""
    return np.maximum(spread, 0.3)
