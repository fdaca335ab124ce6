"""A linear learner over the words and letters of texts: many sparse columns, few of them in a text.

TF-IDF of all runs that stand in two training texts or more, those in the most texts first, words and letters each of
length 1 in a row. Dense vectors are learned from elsewhere. Knows counts of hashed runs (`kinds/text/letters`), not how
a text is cleaned.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.classes import log_odds
from plait.core.contract import Batch, as_array, shown_by
from plait.core.threads import one_thread
from plait.errors import RequestError, RunError
from plait.kinds.text.letters import BUCKETS, count_grams
from plait.models.calibration import softmax
from plait.models.classic import Goal, draw_rows
from plait.models.plain import HUGE
from plait.models.written import check_prior

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

LEARNER = "words and letters"
MOST_COLUMNS = 200_000
MOST_RUNS = 40_000_000  # in all texts that are learned from; of more texts some are drawn
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # C of logistic regression, and 1 / alpha of a ridge
FIRST = 2  # of these, where the way up or down begins
ROWS = 256  # texts counted at a time


class Lesson:
    """Texts and what is to be learned from them: the columns are chosen and weighed once, for any strength."""

    def __init__(
        self, name: str, layout: Mapping[str, Any], counts: csr_matrix, goal: Goal, generator: np.random.Generator
    ) -> None:
        """name: of the inputs. counts: (rows, BUCKETS), of a row without text empty; in the order of goal.targets.

        Raises RequestError where fewer than two rows have a text, or all of them are of one class.
        """
        sizes = np.diff(counts.indptr)
        rows = np.flatnonzero(sizes)
        targets, of = np.asarray(goal.targets)[rows], shown_by(name)
        self.classes = np.arange(1) if goal.regression else np.unique(targets).astype(np.int64)
        if goal.several:
            self.classes = np.arange(targets.shape[1])
        if len(rows) < 2 or (not goal.regression and len(self.classes) < 2):
            raise RequestError(f"the training rows that have {of} are fewer than two, or of one class.")
        most = max(2, int(MOST_RUNS / sizes[rows].mean()))
        if len(rows) > most:
            drawn = draw_rows(targets, most, goal.regression or goal.several, generator)
            rows, targets = rows[drawn], targets[drawn]
        counts = counts if len(rows) == len(sizes) else counts[rows]
        self.weights = np.ones(len(rows)) if goal.counts is None else goal.counts[rows].astype(np.float64)
        if goal.weights is not None and not goal.regression and not goal.several:
            self.weights *= np.asarray(goal.weights, np.float64)[targets]
        deviation = float(targets.std()) if goal.regression else 0.0
        self.unit = (float(targets.mean()), deviation if deviation > 1e-12 else 1.0) if goal.regression else (0.0, 1.0)
        self.targets = (targets - self.unit[0]) / self.unit[1] if goal.regression else targets
        self.name, self.layout, self.goal = name, dict(layout), goal
        texts = np.bincount(counts.indices, minlength=BUCKETS)
        columns = np.flatnonzero(texts > 1)
        columns = columns if len(columns) else np.flatnonzero(texts)
        columns = np.sort(columns[np.argsort(-texts[columns], kind="stable")[:MOST_COLUMNS]])
        self.columns = columns.astype(np.int32)
        self.idf = (np.log((1 + len(rows)) / (1 + texts[columns])) + 1).astype(np.float32)
        self.x = weigh(counts, self.columns, self.idf)

    def fit(self, strength: float) -> SparsePredictor:
        """Learn, the less bound the greater the strength, and return what was learned as a predictor."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression, Ridge

        estimator: Any = LogisticRegression(C=strength, max_iter=200, tol=1e-3)
        if self.goal.regression:
            estimator = Ridge(alpha=1 / strength, solver="sparse_cg", tol=1e-4)
        weights = None if bool((self.weights == self.weights[0]).all()) else self.weights
        coefficients, intercepts = list[Any](), list[Any]()
        with warnings.catch_warnings(), one_thread():
            warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, it is a little more regular: no harm
            for place, targets in enumerate(self.targets.T if self.goal.several else [self.targets]):
                if self.goal.several and np.ptp(targets) == 0:  # all of these rows have the label, or none
                    coefficients.append(np.zeros(len(self.columns)))
                    intercepts.append(log_odds(self.goal.prior[place]))
                    continue
                estimator.fit(self.x, targets, sample_weight=weights)
                coefficients.append(estimator.coef_)
                intercepts.append(estimator.intercept_)
        return SparsePredictor(
            input_name=self.name,
            layout=self.layout,
            prior=np.asarray(self.goal.prior, np.float64),
            regression=self.goal.regression,
            classes=self.classes,
            columns=self.columns,
            idf=self.idf,
            coefficients=np.vstack(coefficients).astype(np.float32),
            intercepts=np.hstack(intercepts).astype(np.float64),
            unit=self.unit,
            several=self.goal.several,
        )


def count_texts(x: Any, rows: np.ndarray | None = None) -> csr_matrix:
    """Return `count_grams` of texts (batch, byte), of those of these rows alone, some at a time."""
    from scipy.sparse import csr_matrix, vstack

    rows = np.arange(len(x)) if rows is None else rows
    parts = [count_grams(x[rows[start : start + ROWS]]) for start in range(0, len(rows), ROWS)]
    return vstack(parts, "csr") if parts else csr_matrix((0, BUCKETS), dtype=np.float32)


def weigh(counts: csr_matrix, columns: np.ndarray, idf: np.ndarray) -> csr_matrix:
    """Return (rows, column) float32: counts of these columns times idf, in each row words and letters of length 1."""
    from scipy.sparse import csr_matrix

    if len(counts.indices) > len(columns):
        places = np.full(BUCKETS, -1, np.int32)
        places[columns] = np.arange(len(columns), dtype=np.int32)
        place = places[counts.indices]
    else:
        near = np.minimum(np.searchsorted(columns, counts.indices), len(columns) - 1)
        place = np.where(columns[near] == counts.indices, near, -1).astype(np.int32)
    kept = place >= 0
    ends = np.concatenate([[0], np.cumsum(kept)])[counts.indptr]
    place = place[kept]
    values = counts.data[kept] * idf[place]
    part = 2 * np.repeat(np.arange(counts.shape[0]), np.diff(ends)) + (columns[place] & 1)
    lengths = np.sqrt(np.bincount(part, values.astype(np.float64) ** 2, 2 * counts.shape[0]))
    values /= lengths[part].astype(np.float32)
    return csr_matrix((values, place, ends), shape=(counts.shape[0], len(columns)))


@dataclass
class SparsePredictor:
    """A linear learner over words and letters: Batch → probabilities (batch, class), or values (batch, 1)."""

    input_name: str
    layout: dict[str, Any] = field(repr=False)
    prior: np.ndarray
    regression: bool
    classes: np.ndarray  # the codes that the training rows show; all others have the probability 0
    columns: np.ndarray = field(repr=False)  # (column,) int32, the bucket of each, in order
    idf: np.ndarray = field(repr=False)  # (column,) float32
    coefficients: np.ndarray = field(repr=False)  # (output, column) float32; one output for two classes
    intercepts: np.ndarray = field(repr=False)  # (output,)
    unit: tuple[float, float] = (0.0, 1.0)  # mean and deviation of the numbers to predict
    learner: str = LEARNER
    several: bool = False  # whether a row may have any of the classes: an output for each

    @property
    def names(self) -> tuple[str, ...]:
        """The modality that it looks at."""
        return (shown_by(self.input_name),)

    @property
    def input_names(self) -> tuple[str, ...]:
        """The view of it that it reads."""
        return (self.input_name,)

    @property
    def params(self) -> int:
        """How many numbers are stored."""
        return self.coefficients.size + self.intercepts.size + 2 * len(self.columns)

    def __call__(self, batch: Batch) -> np.ndarray:
        return self.subsets(batch, [self.names])[0]

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the answer with only the modalities of each keep present. RequestError for a missing input."""
        x = batch.inputs.get(self.input_name)
        if x is None or x.shape[1:] != (self.layout["bytes"],) or as_array(x).dtype != np.uint8:
            raise RequestError(f"the batch has no {self.input_name!r} of {self.layout['bytes']} bytes a row.")
        there = as_array(batch.present[self.input_name])
        whole = self.from_features({self.input_name: count_texts(as_array(x) * there[:, None])})
        nothing = np.tile(self.prior, (len(whole), 1))
        return [whole if self.names[0] in keep else nothing for keep in keeps]

    def from_features(self, features: Mapping[str, csr_matrix]) -> np.ndarray:
        """Answer rows of counts {name: (batch, BUCKETS)}; one without any has no text, and gets the prior."""
        counts = features[self.input_name]
        x = weigh(counts, self.columns, self.idf)
        said = np.asarray(x @ self.coefficients.T, np.float64) + self.intercepts
        if self.regression:
            answer = said * self.unit[1] + self.unit[0]
        elif self.several:
            answer = 1 / (1 + np.exp(-said))
        else:
            said = np.concatenate([np.zeros_like(said), said], 1) if said.shape[1] == 1 else said
            answer = np.zeros((len(said), len(self.prior)))
            answer[:, self.classes] = softmax(said)
        return np.where(np.diff(counts.indptr)[:, None] > 0, answer, self.prior)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this predictor: a dict for JSON, and named arrays."""
        facts: dict[str, Any] = {"names": [self.input_name], "layouts": {self.input_name: self.layout}}
        arrays = {name: getattr(self, name) for name in ARRAYS}
        facts |= {"several": True} if self.several else {}
        return {**facts, "regression": self.regression, "unit": list(self.unit)}, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SparsePredictor:
        """Rebuild what `state` gave. Raises RunError when it is damaged: nothing in it is taken on trust."""
        wrong = ""
        for name, (dtype, dims) in ARRAYS.items():
            x = arrays.get(name)
            if x is None or x.dtype != dtype or x.ndim != dims or not (np.abs(x.astype(np.float64)) < HUGE).all():
                wrong = f"its {name} are not there, or no finite numbers of {np.dtype(dtype)}"
        if not wrong:
            wrong = _find_wrong(facts, arrays)
        if wrong:
            raise RunError(f"the learner of {LEARNER} is damaged: {wrong}. Fit again, or restore the file.")
        (name,), unit = facts["names"], facts["unit"]
        own: dict[str, Any] = {key: arrays[key] for key in ARRAYS} | {"several": bool(facts.get("several"))}
        return cls(name, dict(facts["layouts"][name]), **own, regression=facts["regression"], unit=(unit[0], unit[1]))


# what is kept in arrays, with type and dimensions
ARRAYS: dict[str, tuple[type, int]] = {
    "prior": (np.float64, 1),
    "classes": (np.int64, 1),
    "columns": (np.int32, 1),
    "idf": (np.float32, 1),
    "coefficients": (np.float32, 2),
    "intercepts": (np.float64, 1),
}


def _find_wrong(facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Return what of a stored learner does not fit together, or ""."""
    prior, classes, columns = arrays["prior"], arrays["classes"], arrays["columns"]
    several = bool(facts.get("several"))
    check_prior(prior, f"the learner of {LEARNER}", several=several)
    numbers, outputs = bool(facts["regression"]), len(classes) if len(classes) > 2 or several else 1
    if len(facts["names"]) != 1 or facts["names"][0] not in facts["layouts"]:
        return "it looks at another number of inputs than one"
    if (classes < 0).any() or (classes >= len(prior)).any() or (np.diff(classes) <= 0).any():
        return "its classes are not those of its prior, in order"
    if numbers != (len(prior) == 1) or len(classes) < (1 if numbers else 2):
        return "it knows too few classes, or too many"
    if not len(columns) or columns[0] < 0 or columns[-1] >= BUCKETS or (np.diff(columns) <= 0).any():
        return "its columns are not in order"
    if arrays["idf"].shape != columns.shape or not (arrays["idf"] > 0).all():
        return "not each of its columns has a weight above 0"
    if arrays["coefficients"].shape != (outputs, len(columns)) or arrays["intercepts"].shape != (outputs,):
        return f"it has coefficients {arrays['coefficients'].shape}; expected ({outputs}, {len(columns)})"
    if not all(abs(value) < HUGE for value in facts["unit"]) or facts["unit"][1] <= 0:
        return "its unit is no finite number, or not above 0"
    return ""
