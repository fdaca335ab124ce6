"""Linear discriminant analysis with a shrunk covariance, for dense vectors of which there are more numbers than rows.

Knows a matrix and weights; answers in the plain form of a linear learner.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from plait.models.plain import Linear

TINY = 1e-12


@dataclass
class Discriminant:
    """One covariance for all classes, shrunk towards a multiple of one (Fisher 1936; Ledoit and Wolf 2004).

    shrinkage: how far, 0 to 1; None for what Ledoit and Wolf estimate.
    """

    shrinkage: float | None = None
    plain: Linear = field(init=False, repr=False)

    def fit(self, x: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None) -> Discriminant:
        """Learn from rows (rows, feature) and class codes (rows,), 0 to the number of classes less one."""
        rows, width = x.shape
        weights = np.ones(rows) if sample_weight is None else np.asarray(sample_weight, np.float64)
        sides = np.eye(int(targets.max()) + 1)[targets] * weights[:, None]
        counts = np.maximum(sides.sum(axis=0), TINY)
        means = sides.T @ x / counts[:, None]
        apart = (x - means[targets]) * np.sqrt(weights / weights.sum())[:, None]
        small = apart @ apart.T if rows < width else apart.T @ apart  # their traces and norms are the same
        mean = max(float(np.trace(small)) / width, TINY)
        share = self._share(apart, small, mean, weights) if self.shrinkage is None else self.shrinkage
        if rows < width:  # (share·mean·1 + (1 − share)·apartᵀ·apart)⁻¹ by a matrix of rows × rows (Woodbury)
            inner = small * (1 - share) + share * mean * np.eye(rows)
            centre = means @ apart.T
            turned = (means - (1 - share) * np.linalg.solve(inner, centre.T).T @ apart) / (share * mean)
        else:
            turned = np.linalg.solve(small * (1 - share) + share * mean * np.eye(width), means.T).T
        intercepts = np.log(counts / counts.sum()) - 0.5 * (turned * means).sum(axis=1)
        if len(counts) == 2:
            turned, intercepts = turned[1:] - turned[:1], intercepts[1:] - intercepts[:1]
        self.plain = Linear(turned, intercepts)
        return self

    def _share(self, apart: np.ndarray, small: np.ndarray, mean: float, weights: np.ndarray) -> float:
        """Return the share of Ledoit and Wolf: of its distance from a multiple of one, how much is chance."""
        whole = float(np.square(small).sum())
        spread = max(whole - apart.shape[1] * mean**2, TINY)
        part = np.maximum(weights / weights.sum(), TINY)
        lengths = np.square(apart).sum(axis=1) / part  # of the rows, squared, before they were weighed
        chance = float((part * lengths) @ (part * lengths)) - whole * float(part @ part)
        return float(np.clip(chance / spread, 1e-4, 1.0))
