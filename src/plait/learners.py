"""The scikit-learn learners and their settings, and what they lack: neighbours with holes, margins as probabilities.

Knows matrices, not batches, tables or what a feature means.
"""

from __future__ import annotations

import zipfile
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from plait.errors import RunError

TREES = 100  # of a forest
SMALL = 500_000  # numbers in a matrix under which one thread is faster than two
WIDE = 128  # features that gradient boosting looks at, at most: the most telling ones of each modality
MOST_ROWS = {"SVM": 8_000, "nearest neighbours": 20_000}  # these two grow slow with more

# task → learner → settings to try; the first is the one to take where nothing is known. C is for features that are
# scaled so that every modality has about the same length, whatever its number of features.
LEARNERS: dict[str, dict[str, tuple[dict[str, Any], ...]]] = {
    "classification": {
        "logistic regression": ({"C": 10.0}, {"C": 1.0}, {"C": 100.0}),
        "SVM": ({"C": 3.0, "gamma": "scale"}, {"C": 3.0, "gamma": 0.2}, {"C": 0.5, "gamma": "scale"}),
        "random forest": ({"min_samples_leaf": 2}, {"min_samples_leaf": 8}, {"min_samples_leaf": 1}),
        "gradient boosting": (
            {"max_iter": 50, "learning_rate": 0.1},
            {"max_iter": 25, "learning_rate": 0.1},
            {"max_iter": 100, "learning_rate": 0.1},
        ),
        "nearest neighbours": ({"neighbours": 10}, {"neighbours": 30}, {"neighbours": 3}),
    },
    "regression": {
        "ridge regression": ({"alpha": 0.1}, {"alpha": 1.0}, {"alpha": 0.01}),
        "SVM": ({"C": 1.0}, {"C": 0.2}, {"C": 5.0}),
        "random forest": ({"min_samples_leaf": 2}, {"min_samples_leaf": 8}, {"min_samples_leaf": 1}),
        "gradient boosting": (
            {"max_iter": 80, "learning_rate": 0.1},
            {"max_iter": 40, "learning_rate": 0.1},
            {"max_iter": 150, "learning_rate": 0.1},
        ),
        "nearest neighbours": ({"neighbours": 10}, {"neighbours": 30}, {"neighbours": 3}),
    },
}


def build_learner(
    task: str, learner: str, setting: dict[str, Any], widths: list[int], num_classes: int, seed: int, rows: int = 0
) -> Any:
    """Return the estimator, not fitted yet. widths: features of each modality; rows: how many it will learn from."""
    regression = task == "regression"
    if learner == "nearest neighbours":
        return Neighbours(setting["neighbours"], widths, 0 if regression else num_classes)
    if learner == "logistic regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(**setting, max_iter=200, tol=1e-3)
    if learner == "ridge regression":
        from sklearn.linear_model import Ridge

        return Ridge(**setting, solver="cholesky")
    if learner == "SVM":
        from sklearn.svm import SVC, SVR

        return SVR(**setting, cache_size=400) if regression else SVC(**setting, cache_size=400)
    if learner == "random forest":
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        forest = RandomForestRegressor if regression else RandomForestClassifier
        share = 1 / 3 if regression else "sqrt"
        return forest(
            TREES, max_features=share, n_jobs=2 if rows * sum(widths) >= SMALL else 1, random_state=seed, **setting
        )
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    boosting = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    return boosting(
        max_leaf_nodes=8,
        min_samples_leaf=10,
        max_bins=min(63, max(16, rows // 20)),  # to look for the best split costs more than to count rows
        early_stopping=False,
        random_state=seed,
        **setting,
    )


@lru_cache(maxsize=1)
def _pools() -> Any:
    import sklearn.utils  # noqa: F401  loads the OpenMP that is to be limited
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """Return a context with one thread for products and OpenMP: in small work, waiting costs more than it saves."""
    return _pools().limit(limits=1)


def count_numbers(estimator: Any) -> int:
    """Return how many numbers are stored: coefficients, support vectors, nodes of trees, or training rows."""
    if isinstance(estimator, Neighbours):
        return int(estimator.rows.size + estimator.targets.size + estimator.weights.size)
    if hasattr(estimator, "support_vectors_"):
        return int(estimator.support_vectors_.size + estimator.dual_coef_.size + np.size(estimator.intercept_))
    if hasattr(estimator, "coef_"):
        return int(np.size(estimator.coef_) + np.size(estimator.intercept_))
    if hasattr(estimator, "estimators_"):  # of a node: feature, threshold, two children, and its values
        return int(sum(t.tree_.node_count * (4 + t.tree_.value[0].size) for t in estimator.estimators_))
    return int(sum(5 * len(tree.nodes) for step in estimator._predictors for tree in step))


def telling_features(x: np.ndarray, targets: np.ndarray, widths: list[int], num_classes: int, most: int) -> np.ndarray:
    """Return the columns (feature,), in order, of the most telling features of a matrix: at most so many, shared out.

    Of each modality those with the greatest share of variance that the classes explain, or for numbers (num_classes 0)
    the greatest squared correlation, over the rows that have the feature. One that no row has, or that never differs,
    is left out; when none is left, the first that some row has stays.
    """
    there = (~np.isnan(x)).astype(np.float64)
    filled = np.nan_to_num(x, nan=0.0)
    count = np.maximum(there.sum(axis=0), 1)
    mean = filled.sum(axis=0) / count
    apart = (filled - mean) * there
    whole = (apart**2).sum(axis=0)
    if num_classes:
        sides = np.eye(num_classes)[targets].T
        explained = ((sides @ apart) ** 2 / np.maximum(sides @ there, 1)).sum(axis=0)
    else:
        off = targets[:, None] * there
        off = (off - off.sum(axis=0) / count) * there
        explained = (apart * off).sum(axis=0) ** 2 / np.maximum((off**2).sum(axis=0), 1e-12)
    scores = np.where(whole > 1e-9, explained / np.maximum(whole, 1e-9), -1.0)
    found, end, each = [], 0, max(1, most // len(widths))
    for width in widths:
        best = end + np.argsort(-scores[end : end + width], kind="stable")[:each]
        found.append(np.sort(best[scores[best] >= 0]))
        end += width
    columns = np.concatenate(found)
    return columns if len(columns) else np.flatnonzero(there.any(axis=0))[:1]


def presence(x: np.ndarray, widths: list[int]) -> np.ndarray:
    """Return which modalities of a matrix (batch, feature) are there, not NaN alone: (batch, modality) bool."""
    ends = np.cumsum(widths)
    return np.stack(
        [~np.isnan(x[:, end - width : end]).all(axis=1) for end, width in zip(ends, widths, strict=True)], 1
    )


@dataclass
class Neighbours:
    """Nearest neighbours by brute force, over what two rows both have.

    The distance is the mean squared difference of a modality, averaged over the modalities that both have; with none in
    common a row is no neighbour. All rows as near as the last neighbour count, so that no answer hangs on the order of
    rows; values are rounded to 1/256, so that distances are exact. num_classes: 0 for numbers.
    """

    neighbours: int
    widths: list[int]
    num_classes: int
    rows: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32), repr=False)
    targets: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    def fit(self, x: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray) -> Neighbours:
        """Keep the rows: x (rows, feature), NaN where absent; targets (rows,)."""
        self.rows = np.round(x * 256).astype(np.float32)
        self.targets, self.weights = np.asarray(targets), np.asarray(sample_weight, np.float64)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the mean of the neighbours' numbers: (batch,)."""
        near = self._near(x)
        mean = float(np.average(self.targets, weights=self.weights))
        return (near @ self.targets + mean) / (near.sum(axis=1) + 1)

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the shares of the classes among the neighbours: (batch, class). Without neighbours: among all."""
        near = self._near(x)
        sides = np.eye(self.num_classes)[self.targets]
        votes = near @ sides + 1e-9 * (self.weights @ sides)
        return votes / votes.sum(axis=1, keepdims=True)

    def _near(self, x: np.ndarray) -> np.ndarray:
        """Return what each training row counts for each row: (batch, rows)."""
        chunks = [self._near_chunk(np.round(x[start : start + 256] * 256)) for start in range(0, len(x), 256)]
        return np.concatenate(chunks)

    def _near_chunk(self, x: np.ndarray) -> np.ndarray:
        apart = np.zeros((len(x), len(self.rows)))
        shared = np.zeros_like(apart)
        end = 0
        for width in self.widths:
            mine, theirs = x[:, end : end + width], self.rows[:, end : end + width].astype(np.float64)
            end += width
            both = np.outer(~np.isnan(mine).all(axis=1), ~np.isnan(theirs).all(axis=1))
            mine, theirs = np.nan_to_num(mine, nan=0.0), np.nan_to_num(theirs, nan=0.0)
            # of whole numbers, so no rounding: a product of a row alone is that of the row in a batch
            squares = (mine**2).sum(axis=1)[:, None] + (theirs**2).sum(axis=1) - 2 * (mine @ theirs.T)
            apart += np.where(both, squares / width, 0.0)
            shared += both
        apart = np.where(shared > 0, apart / np.maximum(shared, 1), np.inf)
        last = min(self.neighbours, apart.shape[1]) - 1
        farthest = np.partition(apart, last, axis=1)[:, [last]]
        return ((apart <= farthest) & np.isfinite(apart)) * self.weights


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities (batch, class)."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def margin_logits(margins: np.ndarray, shares: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Return logits (batch, class) from an SVM's margins (batch, class), or (batch,) of two classes."""
    if margins.ndim == 1:
        margins = np.stack([-margins, margins], axis=1) / 2
    return scale[0] * margins + scale[1] * np.log(np.maximum(shares, 1e-6))


def scale_margins(
    estimator: Any,
    x: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    origin: np.ndarray,
    shares: np.ndarray,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Return what margins, and the log of the class shares (class,), are multiplied by to be logits.

    Learned on margins of rows held out in two halves (Platt 1999, with one slope for all classes). origin: (rows,)
    which row a row is, or is a copy of; a row and its copy stay together. A class of one row is never held out; where
    nothing can be, the scale stays (2, 1).
    """
    from scipy.optimize import minimize
    from sklearn.base import clone

    half = np.full(origin.max() + 1, -1)  # −1: never held out
    first = np.unique(origin, return_index=True)[1]
    for code in range(len(shares)):
        own = generator.permutation(origin[first[targets[first] == code]])
        if len(own) > 1:
            half[own] = np.arange(len(own)) % 2
    half = half[origin]
    parts, places = [], []
    for part in (0, 1):
        held = np.flatnonzero(half == part)
        if len(held):
            learned = clone(estimator).fit(x[half != part], targets[half != part], weights[half != part])
            parts.append(learned.decision_function(x[held]))
            places.append(held)
    if not parts:
        return 2.0, 1.0
    margins, rows = np.concatenate(parts), np.concatenate(places)
    truth, own_weights = targets[rows], weights[rows]

    def loss(point: np.ndarray) -> float:
        """Cross-entropy, and a pull to the scale (2, 1) that counts as little as a row."""
        logits = margin_logits(margins, shares, (float(np.exp(point[0])), float(point[1])))
        chances = np.maximum(softmax(logits)[np.arange(len(rows)), truth], 1e-12)
        pull = 0.5 * (point[0] - np.log(2)) ** 2 + 0.5 * (point[1] - 1) ** 2
        return float(-(own_weights * np.log(chances)).sum() + pull)

    found = minimize(loss, np.array([np.log(2), 1.0]), method="L-BFGS-B", bounds=[(-2.0, 3.0), (-2.0, 3.0)]).x
    return float(np.exp(found[0])), float(found[1])


# The types of a learner's file beyond the plain ones that skops always takes (numbers, arrays, scikit-learn's own
# estimators). Any other is refused before anything of it is made.
ALLOWED = [
    "plait.learners.Neighbours",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
]


def dump_trusted(value: Any) -> bytes:
    """Return a value as a skops file, which holds no pickle."""
    from skops.io import dumps  # takes seconds to import

    return dumps(value)


def load_trusted(data: bytes) -> Any:
    """Return what `dump_trusted` wrote. Raises RunError for damage, and for a type that is not in ALLOWED."""
    from skops.io import get_untrusted_types, loads

    damage = (zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError, ImportError, EOFError, IndexError)
    try:
        strange = sorted(set(get_untrusted_types(data=data)) - set(ALLOWED))
        if not strange:
            return loads(data, trusted=ALLOWED)
    except damage as error:
        raise RunError(f"the file of a classic learner is damaged ({error}). Fit again, or restore the file.") from None
    raise RunError(
        f"the file of a classic learner holds the type {strange[0]}, which plait does not write, so it is not loaded. "
        "Fit again, or restore the file."
    )
