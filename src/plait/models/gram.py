"""Learners of scikit-learn that need no more of rows than their products with each other: a Gram matrix.

Rows of pictures and sounds have some thousands of numbers, and there are some hundreds of them: one product of matrices
is much quicker than what the learners do with such rows again and again. Knows a matrix and weights; answers in the
plain forms of `plain`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.models.plain import Linear, Machine, radial_kernel

MOST = 4_000  # rows of which all products are kept: 128 MB
TOLERANCE = 1e-3  # of the gradient of logistic regression
TINY = 1e-12  # of the longest direction of all rows, squared: what is shorter tells nothing


@dataclass
class Logistic:
    """Logistic regression with a penalty on squared weights.

    Of few wide rows it learns in the space that the rows span, turned so that it has a number for each row: there loss
    and penalty are the same, and weights that lead out of it would only be a penalty. C: as in scikit-learn.
    """

    C: float
    plain: Linear = field(init=False, repr=False)

    def fit(self, x: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None) -> Logistic:
        """Learn from rows (rows, feature) and class codes (rows,)."""
        from sklearn.linear_model import LogisticRegression

        rows, width = x.shape
        wide = 2 * rows <= width and rows <= MOST and x.any()
        # it stops by the largest number of the gradient: of as long a one with fewer numbers each is larger
        learner = LogisticRegression(C=self.C, max_iter=200, tol=TOLERANCE * (width / rows if wide else 1.0) ** 0.5)
        if wide:
            squares, turns = np.linalg.eigh(x @ x.T)
            told = squares > TINY * squares[-1]
            lengths, turns = np.sqrt(squares[told]), turns[:, told]
            weights = learner.fit(turns * lengths, targets, sample_weight).coef_ / lengths @ turns.T @ x
        else:
            weights = learner.fit(x, targets, sample_weight).coef_
        self.plain = Linear(weights, learner.intercept_.astype(np.float64))
        return self


@dataclass
class Support:
    """A support vector machine with the kernel exp(−gamma · squared distance), of classes or of numbers.

    The kernel of all rows is computed once, and serves when it learns from some of them too. C, gamma: as in
    scikit-learn, where the gamma "scale" is 1 / (features · variance of all numbers).
    """

    C: float
    gamma: float | str = "scale"
    regression: bool = False
    plain: Machine = field(init=False, repr=False)
    _x: np.ndarray = field(init=False, repr=False)
    _kernel: np.ndarray | None = field(init=False, repr=False)

    def fit(self, x: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None = None) -> Support:
        """Learn from rows (rows, feature) and class codes or numbers (rows,)."""
        spread = x.shape[1] * float(x.var())
        self._gamma = float(self.gamma) if self.gamma != "scale" else 1 / spread if spread else 1.0
        self._x = x
        self._kernel = radial_kernel(x, x, self._gamma) if len(x) <= MOST else None
        fitted = self._learn(np.arange(len(x)), targets, sample_weight)
        sizes = np.atleast_1d(fitted.n_support_).astype(np.int64)
        self.plain = Machine(self._gamma, x[fitted.support_], fitted.dual_coef_, fitted.intercept_, sizes)
        return self

    def hold_out(
        self, learned: np.ndarray, held: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None
    ) -> np.ndarray:
        """Return margins of held ones of the rows of `fit`, by what others teach: both places among them.
        targets, weights: of the others."""
        return self._learn(learned, targets, weights).decision_function(self._given(held, learned))

    def _learn(self, rows: np.ndarray, targets: np.ndarray, weights: np.ndarray | None) -> Any:
        from sklearn.svm import SVC, SVR

        how = {"kernel": "rbf", "gamma": self._gamma} if self._kernel is None else {"kernel": "precomputed"}
        machine = (SVR if self.regression else SVC)(C=self.C, cache_size=400, **how)
        return machine.fit(self._given(rows, rows), targets, weights)

    def _given(self, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return what a machine that learns from others is given of rows."""
        return self._x[rows] if self._kernel is None else self._kernel[np.ix_(rows, others)]
