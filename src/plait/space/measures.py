"""How well one modality finds another: the very row, and rows of the same class; beside chance. Knows vectors only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np

QUERIES = 256  # held against the whole gallery at a time
MOST = 4000  # queries that are scored, drawn evenly: an interval of so many is narrow
TOPS = (1, 5, 10)


@dataclass
class Found:
    """What one direction reached, query by query. rows: (query,) of the table, of which the others are."""

    rows: np.ndarray
    gallery: int
    reciprocal: np.ndarray  # (query,) 1 / the rank of the first copy of the row's own cell
    precision: np.ndarray | None = None  # (query,) average precision of the same class, NaN without a class
    first: np.ndarray | None = None  # (query,) whether the first hit is of the same class
    chance: tuple[float, float | None] = (0.0, None)  # of a random order: mean reciprocal rank, class mAP

    def scores(self, aim: str) -> np.ndarray:
        """Return (query,) what counts for this aim, without queries that have no class."""
        if aim == "rows" or self.precision is None:
            return self.reciprocal
        return self.precision[~np.isnan(self.precision)]


def find(
    queries: np.ndarray, gallery: np.ndarray, content: np.ndarray, classes: np.ndarray | None = None, most: int = MOST
) -> Found | None:
    """Rank a gallery for each row that has both modalities. None where no row has, or the gallery is one cell.

    queries, gallery: (rows, dim) unit vectors of the same rows, NaN where absent. content: (rows,) a number that cells
    of the gallery which hold the same share: a copy found is as good as the row's own. classes: (rows,) codes, -1 where
    there is none. Ties count as in the middle.
    """
    there = np.flatnonzero(~np.isnan(gallery[:, 0]))
    asked = np.flatnonzero(~np.isnan(queries[:, 0]) & ~np.isnan(gallery[:, 0]))
    if len(asked) < 1 or len(there) < 2:
        return None
    asked = asked[:: max(1, len(asked) // most)]
    what, kinds = content[there], None if classes is None else classes[there]
    reciprocal, precision, first = np.empty(len(asked)), np.full(len(asked), np.nan), np.zeros(len(asked), bool)
    weights = 1 / np.arange(1, len(there) + 1)
    for start in range(0, len(asked), QUERIES):
        rows = asked[start : start + QUERIES]
        cosines = queries[rows] @ gallery[there].T
        own = what == content[rows][:, None]
        best = np.where(own, cosines, -np.inf).max(1, keepdims=True)
        above, level = ((cosines > best) & ~own).sum(1), ((cosines == best) & ~own).sum(1)
        reciprocal[start : start + QUERIES] = 1 / (1 + above + level / 2)
        if classes is None or kinds is None:
            continue
        order = np.argsort(-cosines, axis=1, kind="stable")
        same = (kinds[order] == classes[rows][:, None]) & (classes[rows] >= 0)[:, None]
        hits = same.sum(1)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision[start : start + QUERIES] = (same.cumsum(1) * weights * same).sum(1) / hits
        first[start : start + QUERIES] = same[:, 0]
    copies = np.array([(what == one).sum() for one in content[asked[:200]]])
    share = None if kinds is None else _chance_precision(kinds, classes[asked] if classes is not None else kinds)
    chance = (float(np.mean([_chance_rank(len(there), num) for num in copies])), share)
    if classes is None:
        return Found(asked, len(there), reciprocal, chance=chance)
    return Found(asked, len(there), reciprocal, precision, first, chance)


def find_all(
    vectors: Mapping[str, np.ndarray], contents: Mapping[str, np.ndarray], classes: np.ndarray | None = None
) -> dict[str, Found]:
    """Return {"image->audio": what it found} of each direction that some row can be asked in."""
    found = {
        f"{one}->{other}": find(vectors[one], vectors[other], contents[other], classes)
        for one, other in permutations(vectors, 2)
    }
    return {name: direction for name, direction in found.items() if direction is not None}


def never_paired(vectors: Mapping[str, np.ndarray], names: list[str] | None = None) -> list[list[str]]:
    """Return the pairs of modalities that no row has both of."""
    names = sorted(vectors) if names is None else names
    there = {name: ~np.isnan(vectors[name][:, 0]) for name in names}
    return [[a, b] for i, a in enumerate(names) for b in names[i + 1 :] if not (there[a] & there[b]).any()]


@lru_cache(maxsize=1 << 12)  # asked for each query of each direction, and most have as many copies
def _chance_rank(gallery: int, copies: int) -> float:
    """Return the mean reciprocal rank of the first of so many copies in a random order."""
    if copies <= 1:
        return float((1 / np.arange(1, gallery + 1)).mean())
    left, total, chance = 1.0, gallery, 0.0  # left: that none has come so far
    for rank in range(1, min(gallery, 400) + 1):
        hit = left * copies / max(copies, total - rank + 1)
        chance += hit / rank
        left -= hit
    return chance


def _chance_precision(kinds: np.ndarray, asked: np.ndarray) -> float:
    """Return the class mAP of a random order: about the share of each class, and a little for the first ranks."""
    num, shares = len(kinds), []
    for code in np.unique(asked[asked >= 0]):
        hits = int((kinds == code).sum())
        harmonic = float((1 / np.arange(1, num + 1)).sum())
        mean = (hits - 1) / max(1, num - 1)
        shares.append(((asked == code).mean(), mean + (1 - mean) * harmonic / num))
    total = sum(weight for weight, _ in shares)
    return float(sum(weight * value for weight, value in shares) / total) if total else float("nan")
