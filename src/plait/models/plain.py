"""Fitted learners that answer with numpy alone: linear ones, SVMs, trees, and nearest neighbours; and their arrays.

Each answers rows (batch, feature) as scikit-learn's does: `predict` with numbers (batch,), `predict_proba` with
probabilities (batch, class). Knows matrices, not batches; never imports scikit-learn, so that a prediction is quick.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from itertools import combinations
from typing import Any

import numpy as np

from plait.core.typed import check_type
from plait.errors import RunError
from plait.models.calibration import softmax

NARROW = ("columns", "left")  # of trees, kept in 32 bits
HUGE = 1e100  # what was learned is smaller; of what is larger, sums and squares may not be finite
DEEPEST = 10_000  # levels of a tree: each is a step of every answer
BLOCK = 256  # rows whose neighbours are looked for at once
PAIRS = 1 << 16  # pairs of a row and a tree that are looked at together: what fits a cache


@dataclass
class Linear:
    """A linear learner. coefficients: (output, feature), intercepts: (output,); one output for two classes."""

    coefficients: np.ndarray
    intercepts: np.ndarray

    @property
    def params(self) -> int:
        return self.coefficients.size + self.intercepts.size

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._outputs(x)[:, 0]

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        return _probabilities(self._outputs(x))

    def _outputs(self, x: np.ndarray) -> np.ndarray:
        return x @ self.coefficients.T + self.intercepts


@dataclass
class Machine:
    """A support vector machine with the kernel exp(−gamma · squared distance), of one class against one, or of numbers.

    vectors: (vector, feature), those of the first class first. weights: (class − 1, vector), what each counts against
    each other class, in their order; (1, vector) for numbers and for two classes. intercepts: (pair of classes,).
    sizes: (class,) how many vectors each class has; (1,) for numbers.
    """

    gamma: float
    vectors: np.ndarray
    weights: np.ndarray
    intercepts: np.ndarray
    sizes: np.ndarray
    lengths: np.ndarray = field(init=False, repr=False)  # (vector,) squared

    def __post_init__(self) -> None:
        self.lengths = np.einsum("ij,ij->i", self.vectors, self.vectors)

    @property
    def params(self) -> int:
        return self.vectors.size + self.weights.size + self.intercepts.size

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._near(x) @ self.weights[0] + self.intercepts[0]

    def decision_function(self, x: np.ndarray) -> np.ndarray:
        """Return margins (batch, class), or (batch,) of two: votes over all pairs, and up to a third for how clear."""
        near = self._near(x)
        num = len(self.sizes)
        if num == 2:
            return near @ self.weights[0] + self.intercepts[0]
        ends = np.cumsum(self.sizes)
        blocks = [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]
        sides = [near[:, block] @ self.weights[:, block].T for block in blocks]  # of each class: (batch, other class)
        votes, sums = np.zeros((len(x), num)), np.zeros((len(x), num))
        for pair, (first, second) in enumerate(combinations(range(num), 2)):
            margin = sides[first][:, second - 1] + sides[second][:, first] + self.intercepts[pair]
            sums[:, first] += margin
            sums[:, second] -= margin
            votes[:, first] += margin >= 0
            votes[:, second] += margin < 0
        return votes + sums / (3 * (np.abs(sums) + 1))

    def _near(self, x: np.ndarray) -> np.ndarray:
        """Return the kernel between rows and vectors: (batch, vector)."""
        return radial_kernel(x, self.vectors, self.gamma, self.lengths)


def radial_kernel(x: np.ndarray, y: np.ndarray, gamma: float, lengths: np.ndarray | None = None) -> np.ndarray:
    """Return exp(−gamma · squared distance) of rows and others: (row, other). lengths: squared, of the others."""
    lengths = np.einsum("ij,ij->i", y, y) if lengths is None else lengths
    apart = np.einsum("ij,ij->i", x, x)[:, None] + lengths - 2 * (x @ y.T)
    return np.exp(-gamma * np.maximum(apart, 0))


@dataclass
class Trees:
    """Decision trees: a forest, whose trees are averaged, or boosting, whose trees are added up.

    All trees stand in the same arrays, level by level: first the roots, then their children, two and two. A node is
    left for its left child where the feature is at most the threshold, and for the one after that where it is more; a
    leaf is its own left child. columns, thresholds, left: (node,). A column ≥ the number of features is the feature
    less that number, whose NaN goes right, not left; from twice that number on it is one of `sets`. values: (leaf,
    output), in the order of the nodes. start: (1,) for a forest, what the sums begin with: (output,) for boosting,
    where tree number t adds to the output t modulo outputs. sets: (set, code) 1 for the categories that go right, the
    last for NaN and codes beyond; set_columns: (set,) the feature that holds the codes. A node of a set has the
    threshold 0.5.
    """

    boosting: bool
    num_trees: int
    columns: np.ndarray
    thresholds: np.ndarray
    left: np.ndarray
    values: np.ndarray
    start: np.ndarray
    sets: np.ndarray = field(default_factory=lambda: np.zeros((0, 1), np.uint8))
    set_columns: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))
    leaves: np.ndarray = field(init=False, repr=False)  # (node,) the number of the leaf

    def __post_init__(self) -> None:
        here = np.arange(len(self.left))
        inner = self.left != here
        self.leaves = np.cumsum(~inner) - 1
        # of an order that indexing does not convert again
        self.columns, self.left = self.columns.astype(np.intp), self.left.astype(np.intp)
        # nothing is more than this, so at a leaf nothing moves
        self.thresholds = np.where(inner, np.minimum(self.thresholds, np.finfo(np.float64).max), np.inf)

    @property
    def params(self) -> int:
        """Of a node: feature, threshold, two children, and its values."""
        return len(self.left) * (4 + self.values.shape[1]) + self.sets.size

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the numbers of rows x (batch, feature), NaN where absent: (batch,)."""
        return self._outputs(x)[:, 0]

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        outputs = self._outputs(x)
        return _probabilities(outputs) if self.boosting else outputs

    def _outputs(self, x: np.ndarray) -> np.ndarray:
        most = max(1, PAIRS // self.num_trees)
        return np.concatenate([self._chunk(x[start : start + most]) for start in range(0, max(1, len(x)), most)])

    def _chunk(self, x: np.ndarray) -> np.ndarray:
        if not self.boosting:
            x = x.astype(np.float32).astype(np.float64)  # as its trees were grown
        holes = np.isnan(x)
        parts = [np.where(holes, -np.inf, x), np.where(holes, np.inf, x)]
        if len(self.sets):
            last = self.sets.shape[1] - 1
            codes = np.clip(np.where(holes, last, x), 0, last).astype(np.intp)[:, self.set_columns]
            parts.append(self.sets[np.arange(len(self.sets)), codes])
        x = np.concatenate(parts, axis=1)
        values = self.values.take(self.leaves.take(self._leaves(x)), axis=0)  # (tree, batch, output)
        outputs = len(self.start) if self.boosting else 1
        total = np.zeros((outputs, *values.shape[1:])) + (self.start[:, None, None] if self.boosting else 0.0)
        for step in values.reshape(
            self.num_trees // outputs, *total.shape
        ):  # in this order, however many rows there are
            total += step
        return total[:, :, 0].T if self.boosting else total[0] / self.num_trees

    def _leaves(self, x: np.ndarray) -> np.ndarray:
        """Return the node in which each row ends in each tree: (tree, batch). Every step leads to a later node."""
        rows, width = x.shape
        flat = x.ravel()
        node = np.repeat(np.arange(self.num_trees), rows)
        base = np.tile(np.arange(rows) * width, self.num_trees)
        ends = np.empty_like(node)
        places = np.arange(len(node))
        while len(node):
            for _ in range(4):  # a few steps for all, then those that have ended are put aside
                more = flat.take(self.columns.take(node) + base) > self.thresholds.take(node)
                node = self.left.take(node) + more
            under_way = self.left.take(node) != node
            ends[places[~under_way]] = node[~under_way]
            node, base, places = node[under_way], base[under_way], places[under_way]
        return ends.reshape(self.num_trees, rows)


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

    @property
    def params(self) -> int:
        return self.rows.size + self.targets.size + self.weights.size

    def fit(self, x: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray) -> Neighbours:
        """Keep the rows: x (rows, feature), NaN where absent; targets (rows,)."""
        self.rows = np.round(x * 256).astype(np.float32)
        self.targets, self.weights = np.asarray(targets), np.asarray(sample_weight, np.float64)
        return self

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Return the mean of the neighbours' numbers: (batch,)."""
        mean = float(np.average(self.targets, weights=self.weights))
        blocks = [(near @ self.targets + mean) / (near.sum(axis=1) + 1) for near in self._near(x)]
        return np.concatenate([np.zeros(0), *blocks])

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """Return the shares of the classes among the neighbours: (batch, class). Without neighbours: among all."""
        sides = np.eye(self.num_classes)[self.targets]
        votes = np.concatenate([np.zeros((0, self.num_classes)), *(near @ sides for near in self._near(x))])
        votes += 1e-9 * (self.weights @ sides)
        return votes / votes.sum(axis=1, keepdims=True)

    def _near(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """Yield what each training row counts for each row, block by block: (few, rows)."""
        for start in range(0, len(x), BLOCK):
            yield self._near_chunk(np.round(x[start : start + BLOCK] * 256))

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


PlainLearner = Linear | Machine | Trees | Neighbours
KINDS: dict[str, type[PlainLearner]] = {"linear": Linear, "machine": Machine, "trees": Trees, "neighbours": Neighbours}


def flatten_learner(learner: PlainLearner) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return all that `restore_learner` needs of a learner: facts for JSON, and named arrays."""
    facts: dict[str, Any] = {"is": next(name for name, kind in KINDS.items() if isinstance(learner, kind))}
    arrays = {}
    for field_ in fields(learner):
        value = getattr(learner, field_.name)
        if not isinstance(value, np.ndarray):
            facts[field_.name] = value
        elif field_.init:
            arrays[field_.name] = value.astype(np.int32) if value.dtype == np.intp and field_.name in NARROW else value
    return facts, arrays


def restore_learner(
    facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray], features: int, num_classes: int
) -> PlainLearner:
    """Return the learner that `flatten_learner` took apart, for rows of so many features; num_classes 0: of numbers.

    Nothing is taken on trust: what is restored answers, and comes to an end. Raises RunError, KeyError, TypeError or
    ValueError for what is damaged.
    """
    check = _Check(arrays)
    outputs = num_classes if num_classes > 2 else 1
    if facts["is"] == "linear":
        return Linear(check("coefficients", (outputs, features)), check("intercepts", (outputs,)))
    if facts["is"] == "machine":
        sizes, vectors = check("sizes", (max(1, num_classes),), np.int64), check("vectors", (None, features))
        if sizes.min() < 0 or sizes.sum() != len(vectors):
            raise RunError("'sizes' does not count the vectors")
        pairs = max(1, num_classes * (num_classes - 1) // 2)
        weights = check("weights", (max(1, num_classes - 1), len(vectors)))
        return Machine(_number(facts, "gamma"), vectors, weights, check("intercepts", (pairs,)), sizes)
    if facts["is"] == "trees":
        return _restore_trees(facts, check, features, num_classes)
    if facts["is"] == "neighbours":
        rows = check("rows", (None, features), np.float32, wrong=np.isinf)
        weights = check("weights", (len(rows),))
        targets = check("targets", (len(rows),), np.int64 if num_classes else np.float64)
        widths, neighbours = facts["widths"], _number(facts, "neighbours")
        if not len(rows) or weights.min() < 0 or weights.sum() <= 0:
            raise RunError("'weights' counts no row")
        if num_classes and not (targets.min() >= 0 and targets.max() < num_classes):
            raise RunError("'targets' names a class that there is not")
        check_type(widths, list[int], "'widths'")
        if min(widths) < 1 or sum(widths) != features or facts["num_classes"] != num_classes:
            raise RunError("its widths and classes are not those of the predictor")
        return Neighbours(max(1, int(neighbours)), widths, num_classes, rows, targets, weights)
    raise RunError(f"there is no kind of learner {facts['is']!r}")


def _restore_trees(facts: Mapping[str, Any], check: _Check, features: int, num_classes: int) -> Trees:
    boosting, num_trees = bool(facts["boosting"]), int(_number(facts, "num_trees"))
    start = check("start", ((num_classes if num_classes > 2 else 1) if boosting else 0,))
    left = check("left", (None,), np.int32)
    size, here = len(left), np.arange(len(left))
    if not 1 <= num_trees <= size or num_trees % max(1, len(start)):
        raise RunError(f"there cannot be {num_trees} trees of {size} nodes")
    columns = check("columns", (size,), np.int32)
    more = {}
    if "sets" in check.arrays:  # runs of before have none
        sets = check("sets", (None, None), np.uint8)
        more = {"sets": sets, "set_columns": check("set_columns", (len(sets),), np.int32)}
        codes = more["set_columns"]
        if not sets.shape[1] or (len(codes) and (codes.min() < 0 or codes.max() >= features)):
            raise RunError("'set_columns' names a feature that there is not")
    if columns.min() < 0 or columns.max() >= 2 * features + len(more.get("sets", ())):
        raise RunError("'columns' names a feature that there is not")
    inner = left != here
    children = num_trees + 2 * np.arange(int(inner.sum()))  # level by level: a node is a root, or the child of one
    whole = size == num_trees + 2 * len(children) and np.array_equal(left[inner], children)
    if not whole or (children <= here[inner]).any():  # forwards alone, so that every row ends in a leaf
        raise RunError("'left' leads backwards, or out of the trees")
    end, depth, before = num_trees, 1, np.concatenate([[0], np.cumsum(inner)])
    while end < size and depth <= DEEPEST:
        end, depth = num_trees + 2 * int(before[end]), depth + 1
    if depth > DEEPEST:
        raise RunError(f"its trees are more than {DEEPEST} levels deep")
    thresholds = check("thresholds", (size,), wrong=np.isnan)
    values = check("values", (int((~inner).sum()), 1 if boosting else max(1, num_classes)))
    return Trees(boosting, num_trees, columns, thresholds, left, values, start, **more)


@dataclass
class _Check:
    """Takes arrays of the kind and shape that are expected; None: of any length."""

    arrays: Mapping[str, np.ndarray]

    def __call__(
        self, name: str, shape: tuple[int | None, ...], dtype: type = np.float64, wrong: Any = None
    ) -> np.ndarray:
        """wrong: what no value may be; without it, all must be finite."""
        x = np.asarray(self.arrays[name])
        fits = x.ndim == len(shape) and all(want in (None, size) for want, size in zip(shape, x.shape, strict=True))
        if x.dtype != dtype or not fits:
            wanted = ", ".join("any" if want is None else str(want) for want in shape)
            raise RunError(f"{name!r} is {x.dtype} of shape {x.shape}, expected {np.dtype(dtype)} of ({wanted})")
        if (wrong(x) if wrong is not None else ~(np.abs(x) < HUGE)).any():
            raise RunError(f"{name!r} holds {'NaN' if wrong is np.isnan else 'what is no number'}")
        return x


def _number(facts: Mapping[str, Any], name: str) -> float:
    value = float(facts[name])
    if not 0 < value < HUGE:
        raise RunError(f"{name!r} is {facts[name]!r}, expected a number above 0")
    return value


def _probabilities(outputs: np.ndarray) -> np.ndarray:
    """Return probabilities (batch, class) from outputs (batch, class), or (batch, 1) of the second of two classes."""
    return softmax(np.concatenate([np.zeros_like(outputs), outputs], 1) if outputs.shape[1] == 1 else outputs)
