"""Exact search: a query is compared with all vectors of the shards. Knows vectors; not what they are of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from plait.space.shards import Shard

BLOCK = 1 << 26  # products at a time
Found = tuple[np.ndarray, np.ndarray, np.ndarray]  # cosines, shards and places of cells, the best first


def nearest_exact(shards: Sequence[Shard], vectors: np.ndarray, name: str, top: int) -> list[Found]:
    """Return the best cells of a modality for each query (query, dim)."""
    best = [(np.zeros(0, np.float32), np.zeros(0, int), np.zeros(0, int)) for _ in vectors]
    for number, shard in enumerate(shards):
        known = shard.vectors.get(name)
        if known is None or not len(known):
            continue
        step = max(1, BLOCK // len(known))
        for start in range(0, len(vectors), step):
            cosines = vectors[start : start + step] @ known.T
            for row, scores in enumerate(cosines, start):
                places = np.argpartition(-scores, top - 1)[:top] if top < len(scores) else np.arange(len(scores))
                parts = zip(best[row], (scores[places], np.full(len(places), number), places), strict=True)
                values, owners, found = (np.concatenate(pair) for pair in parts)
                order = np.lexsort((found, owners, -values))[:top]
                best[row] = values[order], owners[order], found[order]
    return best
