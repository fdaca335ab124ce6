"""Validation rows of a fit, from which what was proven has not learned: which they are, and what was said of them.

A run keeps both: what answers in the end has learned from these rows too, and of a row that is known by heart nothing
can be measured. Knows hashes of rows and probabilities; no model and no table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from plait.core.files import under
from plait.models.written import require

MOST = 4_000  # rows that are kept, drawn evenly
MOST_NUMBERS = 2_000_000  # of probabilities of one modality
ROWS, SAID = "unseen.rows", "unseen.said."  # the names of the arrays


@dataclass(frozen=True)
class Unseen:
    """rows: (row,) int64 hashes of what they hold, each once, in order. said: {modality: (row, class)} probabilities by
    the best that looks at it alone, where there are classes."""

    rows: np.ndarray
    said: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, val: np.ndarray, train: np.ndarray, said: Mapping[str, np.ndarray]) -> Unseen:
        """Keep what was said of validation rows, without copies of training rows. val, train: hashes of both."""
        rows, first = np.unique(val, return_index=True)
        own = np.flatnonzero(~np.isin(rows, train))
        most = min([MOST, *(MOST_NUMBERS // x.shape[1] for x in said.values())])
        own = own[:: max(1, -(-len(own) // most))]
        return cls(rows[own], {name: x[first[own]].astype(np.float32) for name, x in said.items()})

    def places(self, hashes: np.ndarray) -> np.ndarray:
        """Return where each of the rows of a table stands here (rows,); -1 where it does not."""
        place = np.searchsorted(self.rows, hashes).clip(max=max(0, len(self.rows) - 1))
        return np.where(np.isin(hashes, self.rows), place, -1)

    def tensors(self) -> dict[str, np.ndarray]:
        """Return its arrays by name."""
        return {ROWS: self.rows, **{SAID + name: x for name, x in self.said.items()}}

    @classmethod
    def read(cls, tensors: Mapping[str, np.ndarray], num_classes: int) -> Unseen | None:
        """Return what `tensors` gave, or None of a run that kept none. Raises ValueError for arrays of another form."""
        rows, said = tensors.get(ROWS), under(tensors, SAID)
        if rows is None:
            return None
        sound = rows.dtype == np.int64 and rows.ndim == 1 and bool((rows[1:] > rows[:-1]).all())
        require(sound, "the hashes of the validation rows are none")
        for name, x in said.items():
            sound = x.dtype == np.float32 and x.shape == (len(rows), num_classes)
            require(sound, f"what {name!r:.60} said of validation rows does not fit")
        return cls(rows, said)
