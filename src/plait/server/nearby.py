"""Rows as vectors of an index's space, and the cells of the index that are nearest to them.

Knows an index and tables; no request, no HTTP.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.core.words import jsonable
from plait.runs.embedding import Embeddings, read_features
from plait.server.fields import Fields
from plait.server.requests import Limits, Row, make_table
from plait.space.index import ANY, Index


class Nearby:
    """What `/embed` and `/search` say. fields: the columns of all modalities that the space knows."""

    def __init__(self, index: Index, limits: Limits) -> None:
        self.index, self.limits = index, limits
        self.fields = Fields.of(index.model, [*index.space.heads])

    def search(self, rows: Sequence[Row], into: str = ANY, top: int = 10) -> dict[str, Any]:
        """Return the hits of each row, as `plait search --json` prints them."""
        given = {name for row in rows for name in row}  # a modality of which no query has a cell is not asked about
        fields = {name: field for name, field in self.fields.items() if name in given} or self.fields
        told: dict[str, Any] = jsonable(
            self.index.search(make_table(rows, fields, self.limits), into=into, top=top).to_json()
        )
        return told

    def embed(self, rows: Sequence[Row]) -> dict[str, Any]:
        """Return the vector of each row, and of each modality that it has."""
        table, before = make_table(rows, self.fields, self.limits), self.index.space.reads_before
        read = read_features(self.index.model, table, before=before)
        found = Embeddings.of(self.index.space, read)
        told = [
            {
                "status": found.status[number],
                "reason": found.reason[number],
                "vector": _numbers(found.row[number]),
                "modalities": {name: _numbers(vectors[number]) for name, vectors in found.vectors.items()},
            }
            for number in range(len(found))
        ]
        return {"space": found.space, "rows": told}


def _numbers(vector: np.ndarray) -> list[float] | None:
    """Return a vector as a list, None where there is none."""
    return None if np.isnan(vector).any() else vector.tolist()
