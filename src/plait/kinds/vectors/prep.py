"""The preparation of vectors: one length, and each number scaled by the training rows. Knows no file and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from plait.errors import CellError, RequestError, RunError
from plait.kinds.preparation import MOST_CELLS, Preparation, check_bounds

FARTHEST = 1000.0  # deviations from the mean: what lies farther is a fault, and would drown all else
LARGEST = 1e38  # of a mean or a deviation, both of float32


@dataclass(frozen=True)
class VectorPrep(Preparation):
    """How a vector becomes numbers of mean 0 and deviation 1. `fitted` learns its length and scale.

    Args:
        width: how many numbers a vector has: the commonest length of the training rows.
        mean, spread: of each number, over the training rows.

    Example:
        >>> prep = plait.VectorPrep().fitted([np.array([1.0, 5.0]), np.array([3.0, 5.0])])
        >>> prep(np.array([3.0, 6.0])).tolist()  # (feature,)
        [1.0, 1.0]
    """

    KIND: ClassVar[str] = "vectors"

    width: int = 0
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    spread: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)

    def __post_init__(self) -> None:
        check_bounds(self, {"width": (0, MOST_CELLS, "")})

    def fitted(self, vectors: Iterable[np.ndarray]) -> VectorPrep:
        """Return a copy that has learned the commonest length, and the scale of each number.

        Args:
            vectors: arrays (feature,) of training rows, all finite; those of rarer lengths are passed by.

        Raises:
            RequestError: there is none.
        """
        rows = list(vectors)
        if not rows:
            raise RequestError("there is no vector to learn a length from; expected one or more.")
        lengths = Counter(map(len, rows))
        width = max(lengths, key=lambda length: lengths[length])  # of several as common, the first seen
        x = np.stack([row for row in rows if len(row) == width]).astype(np.float64)
        mean, spread = x.mean(0), x.std(0)
        still = spread <= 1e-6 * np.abs(mean)  # one value, up to rounding
        return replace(self, width=width, mean=mean, spread=np.where(still | (spread <= 0), 1.0, spread))

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        """Return one `vector` scaled, (feature,) float32.

        Raises:
            CellError: it has another length.
        """
        if len(vector) != self.width:
            raise CellError(f"{len(vector):,} numbers, where most have {self.width:,}")
        scaled = (np.asarray(vector, np.float64) - self.mean) / self.spread
        return np.clip(scaled, -FARTHEST, FARTHEST).astype(np.float32)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this object: a dict for JSON and named arrays."""
        return self.to_json(), {"mean": self.mean, "spread": self.spread}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> VectorPrep:
        """Return what `state` gave as an object again. Raises RunError when the parts do not belong together."""
        out = cls.from_json(data)
        for name in ("mean", "spread"):
            values = arrays.get(name, np.zeros(0))
            right = values.shape == (out.width,) and values.dtype.kind == "f" and (np.abs(values) <= LARGEST).all()
            if not right or (name == "spread" and not (values > 0).all()):
                raise RunError(
                    f"the vectors preparation is damaged: {name!r} is not as long, or not finite. Fit again."
                )
        return replace(out, mean=arrays["mean"].astype(np.float64), spread=arrays["spread"].astype(np.float64))


PREP = VectorPrep


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what the encoder must know of vectors in a column: one token, and how many numbers."""
    return {"tokens": 1, "width": prep.width}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (token, width)."""
    return layout["tokens"], layout["width"]
