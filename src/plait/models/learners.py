"""The scikit-learn learners, their settings, and margins as probabilities. Knows matrices, not what they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.errors import PlaitError
from plait.models.calibration import softmax
from plait.models.discriminant import Discriminant
from plait.models.gram import Logistic, Support
from plait.models.plain import Linear, Machine, Neighbours, PlainLearner, Trees

TREES = 100  # of a forest
SMALL = 500_000  # numbers in a matrix under which one thread is faster than two
EARLY = 1_000  # rows from which boosting stops where a tenth of them, held out, says so; of fewer they say little
LONGEST = 5  # times the rounds of a setting, where it is rows that say when to stop
MOST_CODES = 63  # categories of a column that boosting tells apart, at most; CLASSIC of a table has fewer
WIDE = 128  # features that gradient boosting looks at, at most: the most telling ones of each modality
DISCRIMINANT = "discriminant analysis"
DENSE = ("logistic regression", "ridge regression", DISCRIMINANT, "SVM")  # which are good with vectors of an encoder
BINS = 12  # of a number, for a linear learner that is given each as a column of its own beside the number
BINNED = ("logistic regression with bins", "ridge regression with bins")
# these grow slow with more
MOST_ROWS = {"SVM": 8_000, "nearest neighbours": 20_000, "random forest": 50_000, **dict.fromkeys(BINNED, 50_000)}
MOST_NUMBERS = 60_000_000  # in a matrix that is learned from: half a gigabyte, of which two or three copies are made

# task → learner → settings to try; the first is the one to take where nothing is known. C is for features that are
# scaled so that every modality has about the same length, whatever its number of features.
_FOREST = ({"min_samples_leaf": 2}, {"min_samples_leaf": 8}, {"min_samples_leaf": 1})
_BOOSTING = tuple(
    {"max_leaf_nodes": leaves, "max_iter": rounds, "learning_rate": 0.05, "max_features": share}
    for leaves, rounds, share in ((15, 100, 1.0), (6, 100, 1.0), (31, 100, 0.5))
)
# quick of many rows: few and large steps, and none held out; and for few rows more steps, which tell small groups
# apart, without the mean targets of categories, which few rows hardly know
_BOOSTING = (
    *_BOOSTING,
    {"max_leaf_nodes": 31, "max_iter": 100, "learning_rate": 0.1, "early_stopping": False},
    {
        "max_leaf_nodes": 6,
        "max_iter": 300,
        "learning_rate": 0.1,
        "max_features": 0.5,
        "min_samples_leaf": 3,
        "means": False,
    },
)
_NEIGHBOURS = ({"neighbours": 10}, {"neighbours": 30}, {"neighbours": 3})
LEARNERS: dict[str, dict[str, tuple[dict[str, Any], ...]]] = {
    "classification": {
        "logistic regression": ({"C": 10.0}, {"C": 1.0}, {"C": 100.0}),
        DISCRIMINANT: ({"shrinkage": None}, {"shrinkage": 0.1}, {"shrinkage": 0.5}),
        "SVM": ({"C": 3.0, "gamma": "scale"}, {"C": 3.0, "gamma": 0.2}, {"C": 0.5, "gamma": "scale"}),
        "random forest": _FOREST,
        "gradient boosting": _BOOSTING,
        "nearest neighbours": _NEIGHBOURS,
        "logistic regression with bins": ({"C": 10.0}, {"C": 1.0}, {"C": 100.0}),
    },
    "regression": {
        "ridge regression": ({"alpha": 0.1}, {"alpha": 1.0}, {"alpha": 0.01}),
        "SVM": ({"C": 1.0}, {"C": 0.2}, {"C": 5.0}),
        "random forest": _FOREST,
        "gradient boosting": _BOOSTING,
        "nearest neighbours": _NEIGHBOURS,
        "ridge regression with bins": ({"alpha": 1.0}, {"alpha": 0.1}, {"alpha": 10.0}),
    },
}

# learner → the plain form it is kept in
PLAIN = {
    "logistic regression": Linear,
    "ridge regression": Linear,
    DISCRIMINANT: Linear,
    "SVM": Machine,
    "random forest": Trees,
    "gradient boosting": Trees,
    "nearest neighbours": Neighbours,
    "logistic regression with bins": Linear,
    "ridge regression with bins": Linear,
}


def load_learners() -> None:
    """Load what most of them are made of, before one is built: it takes 2 s."""
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401


def build_learner(
    learner: str, setting: dict[str, Any], widths: list[int], num_classes: int, seed: int, rows: int, codes: int = 0
) -> Any:
    """Return the estimator, not fitted yet. widths: features of each modality; num_classes: 0 for numbers.

    codes: how many of the first features are codes of categories, which boosting alone is given.
    """
    if learner == "nearest neighbours":
        return Neighbours(setting["neighbours"], widths, num_classes)
    if learner == DISCRIMINANT:
        return Discriminant(**setting)
    if PLAIN[learner] is Linear:
        from sklearn.linear_model import Ridge

        return Logistic(**setting) if num_classes else Ridge(**setting, solver="cholesky")
    if learner == "SVM":
        return Support(**setting, regression=not num_classes)
    from sklearn import ensemble

    if learner == "random forest":
        forest = ensemble.RandomForestClassifier if num_classes else ensemble.RandomForestRegressor
        share, threads = "sqrt" if num_classes else 1 / 3, 2 if rows * sum(widths) >= SMALL else 1
        return forest(TREES, max_features=share, n_jobs=threads, random_state=seed, **setting)
    boosting = ensemble.HistGradientBoostingClassifier if num_classes else ensemble.HistGradientBoostingRegressor
    setting = {name: value for name, value in setting.items() if name != "means"}
    early = setting.get("early_stopping", rows >= EARLY)
    longest = LONGEST * setting["max_iter"] if early else setting["max_iter"]
    return boosting(
        **{"min_samples_leaf": 10, **setting, "max_iter": longest, "early_stopping": early},
        # to look for the best split costs more than to count rows; every category is a bin
        max_bins=min(63, max(MOST_CODES if codes else 16, rows // 20)),
        categorical_features=list(range(codes)) or None,
        random_state=seed,
    )


def plain_learner(estimator: Any) -> PlainLearner:
    """Return what answers like a fitted estimator of `build_learner`. Raises TypeError for any other."""
    if isinstance(estimator, (Discriminant, Logistic, Support)):
        return estimator.plain
    if isinstance(estimator, PlainLearner):
        return estimator
    kind = type(estimator).__name__
    if kind == "Ridge":
        return Linear(np.atleast_2d(estimator.coef_), np.atleast_1d(estimator.intercept_).astype(np.float64))
    if kind in ("RandomForestClassifier", "RandomForestRegressor"):
        grown = []
        for tree in (each.tree_ for each in estimator.estimators_):
            split = (tree.feature, tree.threshold, tree.children_left, tree.children_right)
            grown.append((*split, tree.value[:, 0], np.ones(tree.node_count, bool)))
        return Trees(False, len(grown), *_by_level(grown, 0), np.zeros(0))
    if kind in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"):
        return _plain_boosting(estimator)
    raise TypeError(f"{kind} has no plain form")


def _plain_boosting(estimator: Any) -> Trees:
    """Return the trees of boosting; of its splits by category, what goes right."""
    width, codings = estimator.n_features_in_, list[np.ndarray]()
    if estimator.is_categorical_ is not None:  # the first features, see `build_learner`
        codings = _private(estimator, "_preprocessor").named_transformers_["encoder"].categories_
    last = 1 + int(max((np.nanmax(known, initial=0) for known in codings), default=0))
    grown, sets, columns = [], [np.zeros((0, last + 1), np.uint8)], [np.zeros(0, np.int32)]
    for tree in (tree for step in _private(estimator, "_predictors") for tree in step):
        nodes = tree.nodes
        left, right = (np.where(nodes["is_leaf"], -1, nodes[side].astype(np.int64)) for side in ("left", "right"))
        feature, threshold = nodes["feature_idx"].astype(np.int64), nodes["num_threshold"].copy()
        missing_left = nodes["missing_go_to_left"].astype(bool)
        by_set = np.flatnonzero(nodes["is_categorical"])
        own = np.repeat(~missing_left[by_set, None], last + 1, axis=1)
        for place, node in enumerate(by_set):
            known = codings[feature[node]]
            known = known[~np.isnan(known)].astype(np.int64)
            bits = tree.raw_left_cat_bitsets[nodes["bitset_idx"][node]]
            own[place, known] = [not bits[code >> 5] >> (code & 31) & 1 for code in range(len(known))]
        columns.append(feature[by_set].astype(np.int32))
        feature[by_set] = 2 * width + sum(map(len, sets)) + np.arange(len(by_set))
        threshold[by_set], missing_left[by_set] = 0.5, True
        sets.append(own.astype(np.uint8))
        grown.append((feature, threshold, left, right, nodes["value"][:, None], missing_left))
    start = np.ravel(_private(estimator, "_baseline_prediction")).astype(np.float64)
    return Trees(True, len(grown), *_by_level(grown, width), start, np.concatenate(sets), np.concatenate(columns))


def _private(estimator: Any, name: str) -> Any:
    """Return a private part of an estimator; what these are is tested with the versions that pyproject.toml allows."""
    if not hasattr(estimator, name):
        from sklearn import __version__

        raise PlaitError(
            f"scikit-learn {__version__} keeps no {name} in {type(estimator).__name__}, which plait reads; install a "
            "version that plait was tested with: pip install 'scikit-learn>=1.7,<1.10'"
        )
    return getattr(estimator, name)


def _by_level(trees: Sequence[tuple[Any, ...]], width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return columns, thresholds, left and values as `Trees` has them.

    trees: of each (node,) feature, threshold, left child, right child (both negative for a leaf), (node, output) value,
    and whether NaN goes left. width: how far behind a feature its column lies whose NaN goes right; 0 where none comes.
    """
    sizes = [len(tree[0]) for tree in trees]
    roots = np.cumsum([0, *sizes[:-1]])
    shift = np.repeat(roots, sizes)
    feature, threshold, left, right, value, missing_left = (np.concatenate(part) for part in zip(*trees, strict=True))
    leaf = left < 0
    levels, level = [], roots
    while len(level):
        levels.append(level)
        inner = level[~leaf[level]]
        level = (np.stack([left[inner], right[inner]], axis=1) + shift[inner, None]).ravel()
    order = np.concatenate(levels)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    inner = ~leaf[order]
    columns = np.where(inner, feature[order] + np.where(missing_left[order], 0, width), 0)
    children = np.where(inner, place[np.where(leaf, 0, left + shift)[order]], np.arange(len(order)))
    values = value[order][~inner].astype(np.float64)
    return columns, np.where(inner, threshold[order], np.inf), children, values


def telling_features(x: np.ndarray, targets: np.ndarray, widths: list[int], num_classes: int, most: int) -> np.ndarray:
    """Return the columns (feature,), in order, of the most telling features of a matrix: at most so many, shared out.

    Of each modality those with the greatest share of variance that the classes explain, or for numbers (num_classes 0)
    the greatest squared correlation. One that never differs is left out; when none is left, the first that some row has
    stays.
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
    telling, end, each = [], 0, max(1, most // len(widths))
    for width in widths:
        best = end + np.argsort(-scores[end : end + width], kind="stable")[:each]
        telling.append(np.sort(best[scores[best] >= 0]))
        end += width
    columns = np.concatenate(telling)
    return columns if len(columns) else np.flatnonzero(there.any(axis=0))[:1]


def learn_bins(x: np.ndarray) -> np.ndarray:
    """Return where the bins of features x (rows, feature), NaN where absent, end: (feature, BINS − 1); all as full."""
    edges = [np.quantile(own, np.arange(1, BINS) / BINS) for own in (part[~np.isnan(part)] for part in x.T) if len(own)]
    return np.array(edges, np.float64).reshape(-1, BINS - 1)


def sort_bins(x: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return a column for each bin of each feature x (batch, feature), 1 for that which holds it; none holds NaN."""
    place = np.where(np.isnan(x), -1, (x[:, :, None] > edges).sum(axis=2))
    return (place[:, :, None] == np.arange(edges.shape[1] + 1)).reshape(len(x), -1).astype(np.float64)


def presence(x: np.ndarray, widths: list[int]) -> np.ndarray:
    """Return which modalities of a matrix (batch, feature) are there, not NaN alone: (batch, modality) bool."""
    ends = np.cumsum(widths)
    return np.stack([~np.isnan(part).all(axis=1) for part in np.split(x, ends[:-1], axis=1)], 1)


def margin_logits(margins: np.ndarray, shares: np.ndarray, scale: tuple[float, float]) -> np.ndarray:
    """Return logits (batch, class) from an SVM's margins (batch, class), or (batch,) of two classes."""
    if margins.ndim == 1:
        margins = np.stack([-margins, margins], axis=1) / 2
    return scale[0] * margins + scale[1] * np.log(np.maximum(shares, 1e-6))


def scale_margins(
    machine: Support,
    targets: np.ndarray,
    weights: np.ndarray,
    origin: np.ndarray,
    shares: np.ndarray,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Return what margins, and the log of the class shares (class,), are multiplied by to be logits.

    Learned on margins of rows held out in two halves (Platt 1999, with one slope for all classes). targets, weights:
    of the rows that the machine was fitted to. origin: (rows,) which row a row is, or is a copy of; they stay
    together. A class of one row is never held out; without any it is (2, 1).
    """
    from scipy.optimize import minimize

    half = np.full(origin.max() + 1, -1)  # −1: never held out
    first = np.unique(origin, return_index=True)[1]
    for code in range(len(shares)):
        own = generator.permutation(origin[first[targets[first] == code]])
        if len(own) > 1:
            half[own] = np.arange(len(own)) % 2
    half = half[origin]
    parts, places = [], []
    for part in (0, 1):
        held, learned = np.flatnonzero(half == part), np.flatnonzero(half != part)
        if len(held):
            parts.append(machine.hold_out(learned, held, targets[learned], weights[learned]))
            places.append(held)
    if not parts:
        return 2.0, 1.0
    rows = np.concatenate(places)
    truth, own_weights = np.eye(len(shares), dtype=bool)[targets[rows]], weights[rows]
    margins, prior = (margin_logits(np.concatenate(parts), shares, own) for own in ((1.0, 0.0), (0.0, 1.0)))
    start = np.array([np.log(2), 1.0])

    def loss(point: np.ndarray) -> tuple[float, np.ndarray]:
        """Cross-entropy, and a pull to the scale (2, 1) that counts as little as a row; and what each changes it by."""
        scaled = np.exp(point[0]) * margins
        chances = softmax(scaled + point[1] * prior)
        lost = -(own_weights * np.log(np.maximum(chances[truth], 1e-12))).sum()
        off, pull = (chances - truth) * own_weights[:, None], point - start
        return float(lost + 0.5 * pull @ pull), np.array([(off * scaled).sum(), (off * prior).sum()]) + pull

    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-2.0, 3.0), (-2.0, 3.0)]).x
    return float(np.exp(best[0])), float(best[1])
