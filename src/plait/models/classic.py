"""scikit-learn learners as predictors, over hand-made features. Knows features and numbers, not tables or networks.

A learner that knows no NaN is given 0, which after standardising is the average, and a column for each modality that
says whether it is there. With two or more modalities each learns from its rows as they are and once more with
modalities dropped, so that it answers sensibly for any subset.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.core.contract import Batch, shown_by
from plait.core.threads import one_thread
from plait.core.words import count
from plait.errors import RequestError, RunError, did_you_mean
from plait.kinds.features import batch_features, code_blocks, coded_sizes, count_numbers, even_spread
from plait.models.calibration import softmax
from plait.models.learners import (
    BINNED,
    BINS,
    LEARNERS,
    MOST_NUMBERS,
    MOST_ROWS,
    PLAIN,
    SMALL,
    WIDE,
    build_learner,
    learn_bins,
    margin_logits,
    plain_learner,
    presence,
    scale_margins,
    sort_bins,
    telling_features,
)
from plait.models.means import learn_means, take_means
from plait.models.plain import HUGE, flatten_learner, restore_learner
from plait.models.written import check_prior

HELD = 0.1  # of the rows that boosting learns from, which say when to stop
LIMIT = 10.0  # standard deviations from the mean, at most
AT_ONCE = 8_000_000  # numbers of which mean and spread, or what is telling, are taken at a time


@dataclass(frozen=True)
class Goal:
    """What is to be learned from rows."""

    targets: np.ndarray  # (rows,) class codes, or numbers in their own unit; (rows, label) 0 or 1
    prior: np.ndarray  # (class,) shares, or (1,) mean, of the training rows
    regression: bool = False
    weights: np.ndarray | None = None  # (class,) what a row of each class counts
    counts: np.ndarray | None = None  # (rows,) what each row counts

    @property
    def task(self) -> str:
        return "regression" if self.regression else "classification"

    @property
    def several(self) -> bool:
        """Whether a row may have any of the labels."""
        return self.targets.ndim == 2


def fit_classic(
    learner: str,
    features: Mapping[str, np.ndarray],
    goal: Goal,
    names: Sequence[str],
    layouts: Mapping[str, Mapping[str, Any]],
    generator: np.random.Generator,
    setting: Mapping[str, Any] | None = None,
) -> ClassicPredictor:
    """Fit one learner on these modalities and return it as a predictor.

    features: {name: (rows, feature)} as `batch_features` gives them, in the order of goal.targets. A row in which none
    of `names` is present teaches nothing and is left out. setting: None for the first of LEARNERS[task][learner].
    Raises RequestError for an unknown learner, and when no row, or fewer than two classes, are left.
    """
    settings = LEARNERS[goal.task].get(learner)
    if settings is None:
        raise RequestError(f"there is no learner {learner!r}. {did_you_mean(learner, LEARNERS[goal.task])}")
    names = tuple(names)
    present = np.stack([~np.isnan(features[name]).all(axis=1) for name in names], axis=1)
    rows = np.flatnonzero(present.any(axis=1))
    if not len(rows):
        raise RequestError(f"none of the {count(len(present), 'training row')} has any of {', '.join(names)}.")
    targets = np.asarray(goal.targets)[rows]
    prior = np.asarray(goal.prior, np.float64)
    classes = np.arange(1) if goal.regression else np.unique(targets).astype(np.int64)
    if not goal.regression and len(classes) < 2:
        raise RequestError(f"the training rows that have {' or '.join(names)} are of one class; expected two or more.")
    num_classes = 0 if goal.regression else len(classes)
    unit = _unit_of(targets) if goal.regression else (0.0, 1.0)
    goals = (targets - unit[0]) / unit[1] if goal.regression else np.searchsorted(classes, targets)
    few = {name: features[name] if len(rows) == len(present) else features[name][rows] for name in names}
    learned = {name: _learn_means(few[name], layouts[name], goals, num_classes, generator) for name in names}
    scales = [
        standardise(x, layouts[name]["kind"], sum(table.shape[1] for table in tables))
        for name, (x, tables) in learned.items()
    ]
    predictor = ClassicPredictor(
        input_names=names,
        learner=learner,
        setting=dict(settings[0] if setting is None else setting),
        layouts={name: dict(layouts[name]) for name in names},
        prior=prior,
        regression=goal.regression,
        classes=classes,
        widths=[len(centre) for centre, _ in scales],
        centre=np.concatenate([centre for centre, _ in scales]),
        spread=np.concatenate([spread for _, spread in scales]),
        unit=unit,
        tables={name: tables for name, (_, tables) in learned.items() if tables},
    )
    weights = np.ones(len(rows)) if goal.counts is None else goal.counts[rows].astype(np.float64)
    if goal.weights is not None and not goal.regression:
        weights *= np.asarray(goal.weights, np.float64)[targets]
    targets, parts = goals, [x for x, _ in learned.values()]
    most = min(MOST_ROWS.get(learner, MOST_NUMBERS), MOST_NUMBERS // max(1, sum(predictor.widths)))
    if len(rows) > most:
        drawn = draw_rows(targets, most, goal.regression, generator)
        rows, targets, weights, parts = rows[drawn], targets[drawn], weights[drawn], [x[drawn] for x in parts]
    origin, kept = np.arange(len(rows)), present[rows]
    if learner != "nearest neighbours":  # which compares what two rows both have, and needs no copies
        fewer = _drop_views(kept, names, generator)
        again = np.flatnonzero((fewer != kept).any(axis=1))
        plain = goal.weights is None and goal.counts is None
        if learner != "gradient boosting" or not plain:  # its bins take twice as long with weights
            weights[again] /= 2  # a row and its copy count as much as the row did
        origin, kept = np.concatenate([origin, again]), np.concatenate([kept, fewer[again]])
        if len(origin) > most:
            drawn = draw_rows(targets[origin], most, goal.regression, generator)
            origin, kept = origin[drawn], kept[drawn]
    x = predictor.scaled([part[origin] for part in parts])
    if not kept.all():
        x[np.repeat(~kept, predictor.widths, axis=1)] = np.nan
    targets, weights = targets[origin], weights[origin]
    _learn(predictor, x, targets, weights, origin, generator)
    return predictor


def _unit_of(numbers: np.ndarray) -> tuple[float, float]:
    """Return the mean and the deviation of numbers; 1 where they do not differ."""
    mean, deviation = float(numbers.mean()), float(numbers.std())
    return mean, deviation if deviation > 1e-12 * max(1.0, abs(mean)) else 1.0


def _learn_means(
    x: np.ndarray, layout: Mapping[str, Any], targets: np.ndarray, num_classes: int, generator: np.random.Generator
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return features with the mean targets of their codes, out of fold, in rows that have the modality; and tables."""
    sizes, there = coded_sizes(layout), ~np.isnan(x).all(axis=1)
    if not sizes:
        return x, []
    told, tables = learn_means(x[there].astype(np.float64), sizes, targets[there], num_classes, generator)
    whole = np.full((len(x), told.shape[1]), np.nan)
    whole[there] = told
    return whole, tables


def _learn(
    predictor: ClassicPredictor,
    x: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    origin: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Fit the estimator, keep it as plain arrays, and for an SVM the scale that makes probabilities of its margins."""
    from sklearn.exceptions import ConvergenceWarning

    boosting, large = predictor.learner == "gradient boosting", x.size >= SMALL
    num_classes, seed = 0 if predictor.regression else len(predictor.classes), int(generator.integers(2**31 - 1))
    if boosting:
        _look_at(predictor, x, targets, num_classes, generator)
    if predictor.learner in BINNED:
        each = zip(predictor.input_names, np.cumsum([0, *predictor.widths]), strict=False)
        numbers = [start + np.arange(count_numbers(predictor.layouts[name])) for name, start in each]
        columns = np.concatenate(numbers)
        predictor.columns = columns[~np.isnan(x[:, columns]).all(axis=0)]
        predictor.edges = learn_bins(x[:, predictor.columns])
    x = predictor.inputs(x)
    about = (num_classes, seed, len(x), len(predictor.blocks))
    estimator = build_learner(predictor.learner, predictor.setting, predictor.widths, *about)
    held = np.zeros(len(x), bool)
    if getattr(estimator, "early_stopping", False) is True:
        held = _hold_out(targets, origin, num_classes, generator)
    threads: Any = nullcontext() if large and boosting else one_thread()
    with warnings.catch_warnings(), threads:
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early, it is a little more regular: no harm
        warnings.filterwarnings("ignore", "The number of unique classes")  # classes of a row or two are classes
        alike = predictor.learner != "nearest neighbours" and bool((weights == weights[0]).all())
        if held.any():
            more = {"X_val": x[held], "y_val": targets[held], "sample_weight_val": None if alike else weights[held]}
            x, targets, weights = x[~held], targets[~held], weights[~held]
        else:
            more = {}
        estimator.fit(x, targets, sample_weight=None if alike else weights, **more)
        if predictor.learner == "SVM" and not predictor.regression:
            predictor.margin = scale_margins(estimator, targets, weights, origin, predictor.shares, generator)
    predictor.estimator = plain_learner(estimator)  # what is scored is what is stored


def _look_at(
    predictor: ClassicPredictor, x: np.ndarray, targets: np.ndarray, num_classes: int, generator: np.random.Generator
) -> None:
    """Choose what boosting looks at: every category column, as codes, and the most telling of all other features."""
    starts = np.cumsum([0, *predictor.widths])
    own = [
        (start + first, start + end)
        for name, start in zip(predictor.input_names, starts, strict=False)
        for first, end in code_blocks(predictor.layouts[name])
    ]
    predictor.blocks = np.array(own, np.int64).reshape(-1, 2)
    rest = np.ones(starts[-1], bool)
    for first, end in own:
        rest[first:end] = False
    if not predictor.setting.get("means", True):
        for name, end in zip(predictor.input_names, starts[1:], strict=True):
            rest[end - sum(table.shape[1] for table in predictor.tables.get(name, ())) : end] = False
    widths = [int(part.sum()) for part in np.split(rest, starts[1:-1])]
    few: Any = slice(None)
    if x.size > AT_ONCE:  # some rows tell as much; drawn, since every second is of one class where classes take turns
        few = draw_rows(targets, AT_ONCE // x.shape[1], not num_classes, generator)
    telling = np.zeros(0, np.int64)
    if rest.any():
        telling = telling_features(x[few][:, rest], targets[few], widths, num_classes, WIDE)
    predictor.columns = np.flatnonzero(rest)[telling]


def _hold_out(targets: np.ndarray, origin: np.ndarray, num_classes: int, generator: np.random.Generator) -> np.ndarray:
    """Return which rows (rows,) say when to stop: a tenth, a row and its copies together; every class keeps a row."""
    held = generator.random(origin.max() + 1) < HELD
    for code in range(num_classes):
        own = np.unique(origin[targets == code])
        held[own[0]] &= not held[own].all()
    return held[origin]


def standardise(x: np.ndarray, kind: str, means: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the spread (feature,) that features x (rows, feature), NaN where absent, are scaled by.

    The features of a text have one spread, since the small ones of a TF-IDF vector matter less; those of a table come
    scaled, and a flag that is rarely set must not be blown up. A feature that never differs has the spread 1. means:
    how many features at the end are mean targets, which have their own spread.
    """
    mean, own, step = np.zeros(x.shape[1]), np.zeros(x.shape[1]), max(1, AT_ONCE // max(1, len(x)))
    for columns in (slice(start, start + step) for start in range(0, x.shape[1], step)):
        some = x[:, columns]
        there, num = ~np.isnan(some), np.full(some.shape[1], max(1, len(x)))
        if whole := bool(there.all()):
            mean[columns] = some.sum(axis=0, dtype=np.float64) / num
        else:
            num = np.maximum(there.sum(axis=0), 1)
            mean[columns] = np.where(there, some, 0).sum(axis=0, dtype=np.float64) / num
        apart = some - mean[columns] if whole else np.where(there, some - mean[columns], 0)
        own[columns] = np.sqrt((apart**2).sum(axis=0) / num)
    split = len(own) - means
    spread = np.concatenate([even_spread(kind, own)[:split], own[split:]])
    return mean, np.where(spread > 1e-6 * np.maximum(1.0, np.abs(mean)), spread, 1.0)


def drop_modalities(present: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a presence (rows, modality) in which fewer modalities stay, at least one (after arXiv:1501.00102)."""
    draws, places = generator.random(len(present)), generator.random(present.shape)
    stay = 1 + np.floor(draws * np.maximum(present.sum(axis=1) - 1, 1))
    order = np.where(present, places, 2.0).argsort(axis=1).argsort(axis=1)
    return present & (order < stay[:, None])


def _drop_views(present: np.ndarray, names: Sequence[str], generator: np.random.Generator) -> np.ndarray:
    """Return `drop_modalities` of inputs (rows, input), where all views of a modality come and go together."""
    shown = [shown_by(name) for name in names]
    each = list(dict.fromkeys(shown))
    place = [each.index(of) for of in shown]
    whole = np.stack([present[:, [p == k for p in place]].any(axis=1) for k in range(len(each))], axis=1)
    return present & drop_modalities(whole, generator)[:, place]


def _keep(x: np.ndarray, kept: np.ndarray, widths: Sequence[int]) -> np.ndarray:
    """Return a matrix (batch, feature) with NaN in the modalities that are not kept (batch, modality)."""
    return np.where(np.repeat(kept, widths, axis=1), x, np.nan)


def draw_rows(targets: np.ndarray, most: int, regression: bool, generator: np.random.Generator) -> np.ndarray:
    """Draw this many rows, in order; every class keeps one."""
    order = generator.permutation(len(targets))
    if not regression:
        first = np.unique(targets[order], return_index=True)[1]
        order = np.concatenate([order[first], np.delete(order, first)])
    return np.sort(order[:most])


class OfFeatures(ABC):
    """What answers features by hand, and a batch by making them."""

    input_names: tuple[str, ...]
    layouts: dict[str, dict[str, Any]]

    def __call__(self, batch: Batch) -> np.ndarray:
        """Answer a batch. Raises RequestError for a missing or misshaped input."""
        return self.from_features(batch_features(batch, self.layouts, self.input_names))

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the answer with only the modalities of each keep present; features are computed once."""
        features = batch_features(batch, self.layouts, self.input_names)
        return [self.from_features(features, keep) for keep in keeps]

    @abstractmethod
    def from_features(self, features: Mapping[str, np.ndarray], keep: Sequence[str] | None = None) -> np.ndarray:
        """Answer rows of features {name: (batch, feature)}; with keep, only those modalities are present."""


@dataclass
class ClassicPredictor(OfFeatures):
    """A fitted learner as a predictor: Batch → probabilities (batch, class), or values (batch, 1) in their unit."""

    input_names: tuple[str, ...]  # of modalities, and of their second views
    learner: str
    setting: dict[str, Any]
    layouts: dict[str, dict[str, Any]] = field(repr=False)
    prior: np.ndarray
    regression: bool
    classes: np.ndarray  # the codes that the training rows show; all others have the probability 0
    widths: list[int]  # how many features each modality has
    centre: np.ndarray = field(repr=False)  # (feature of all,) of the training rows
    spread: np.ndarray = field(repr=False)
    unit: tuple[float, float] = (0.0, 1.0)  # mean and deviation of the numbers to predict
    margin: tuple[float, float] = (1.0, 1.0)  # of an SVM: what its margins, and the log of the prior, are multiplied by
    columns: np.ndarray = field(
        default_factory=lambda: np.zeros(0, np.int64), repr=False
    )  # that boosting looks at, or that stand in bins
    # (code column, 2): from where to where in `matrix` the features stand that boosting is given as one code
    blocks: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.int64), repr=False)
    edges: np.ndarray = field(default_factory=lambda: np.zeros((0, BINS - 1)), repr=False)  # of bins, of each column
    tables: dict[str, list[np.ndarray]] = field(default_factory=dict, repr=False)  # mean targets of codes, see means.py
    estimator: Any = field(default=None, repr=False)  # a PlainLearner

    @property
    def names(self) -> tuple[str, ...]:
        """The modalities that it looks at."""
        return tuple(dict.fromkeys(shown_by(name) for name in self.input_names))

    def from_features(self, features: Mapping[str, np.ndarray], keep: Sequence[str] | None = None) -> np.ndarray:
        """Answer rows of features {name: (batch, feature)}; with keep, only those modalities are present."""
        x = self.matrix(features)
        kept = [keep is None or shown_by(name) in keep for name in self.input_names]
        if not all(kept):
            x = _keep(x, np.tile(kept, (len(x), 1)), self.widths)
        answer = np.tile(self.prior, (len(x), 1))
        some = ~np.isnan(x).all(axis=1)
        if some.any():
            with one_thread():
                answer[some] = self._answer(self.inputs(x if some.all() else x[some]))
        return answer

    def matrix(self, features: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the features of all modalities side by side, standardised: (batch, feature), NaN where absent."""
        return self.scaled([take_means(features[name], self.tables.get(name, ())) for name in self.input_names])

    def scaled(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Return `matrix` of features in which means stand for codes already, of each modality (batch, feature)."""
        if (widths := [part.shape[1] for part in parts]) != self.widths:
            raise RunError(f"the classic learner is damaged: it takes {self.widths} features, of {widths}. Fit again.")
        x = np.concatenate(parts, axis=1, dtype=np.float64)  # and no copy of it: it is the largest there is
        x -= self.centre
        x /= self.spread
        return np.clip(x, -LIMIT, LIMIT, out=x)

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Return what the learner is given for a matrix: (batch, feature)."""
        if self.learner == "gradient boosting":  # it knows what NaN means, as neighbours do
            codes = [self._codes_of(x, first, end) for first, end in self.blocks]
            return np.concatenate([*codes, x[:, self.columns]], axis=1)
        if self.learner == "nearest neighbours":
            return x
        filled = np.where(np.isnan(x), 0.0, x)
        if self.learner != "random forest":  # every modality as long as every other, however many features it has
            shown = [shown_by(name) for name in self.input_names]  # seen twice, it counts no more
            scale = [width * shown.count(of) for width, of in zip(self.widths, shown, strict=True)]
            filled /= np.sqrt(np.repeat(scale, self.widths))
        if self.learner in BINNED:
            bins = sort_bins(x[:, self.columns], self.edges) / np.sqrt(max(1, len(self.columns)))
            filled = np.concatenate([filled, bins], axis=1)
        if len(self.input_names) == 1:
            return filled
        return np.concatenate([filled, presence(x, self.widths)], axis=1)

    def _codes_of(self, x: np.ndarray, first: int, end: int) -> np.ndarray:
        """Return the code (batch, 1) that these features stand for; the one after all for a rarer category."""
        known = x[:, first:end] * self.spread[first:end] + self.centre[first:end] > 0.5
        codes = np.where(known.any(axis=1), known.argmax(axis=1), end - first).astype(np.float64)
        codes[np.isnan(x[:, first])] = np.nan
        return codes[:, None]

    def _answer(self, x: np.ndarray) -> np.ndarray:
        if self.regression:
            return self.estimator.predict(x)[:, None] * self.unit[1] + self.unit[0]
        if self.learner == "SVM":
            chances = softmax(margin_logits(self.estimator.decision_function(x), self.shares, self.margin))
        else:
            chances = self.estimator.predict_proba(x)
        votes = self.setting.get("neighbours", 1) if self.learner == "nearest neighbours" else None
        if self.learner == "random forest":
            votes = self.estimator.num_trees
        if votes is not None:  # the prior has one vote as well: no class is impossible because ten rows say so
            chances = (chances * votes + self.shares) / (votes + 1)
        answer = np.zeros((len(x), len(self.prior)))
        answer[:, self.classes] = chances
        return answer

    @property
    def shares(self) -> np.ndarray:
        """The prior of the classes that the training rows show: (class seen,)."""
        seen = np.maximum(self.prior[self.classes], 1e-6)
        return seen / seen.sum()

    @property
    def params(self) -> int:
        """How many numbers are stored: those of the learner, and the mean and deviation of each feature."""
        return (
            2 * sum(self.widths)
            + self.edges.size
            + sum(t.size for each in self.tables.values() for t in each)
            + self.estimator.params
        )

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this predictor: a dict for JSON, and named arrays."""
        fitted, arrays = flatten_learner(self.estimator)
        facts: dict[str, Any] = {"names": list(self.input_names), "learner": self.learner, "setting": self.setting}
        facts |= {"layouts": self.layouts, "regression": self.regression}
        facts |= {"unit": list(self.unit), "margin": list(self.margin), "fitted": fitted}
        arrays = {f"fitted.{name}": value for name, value in arrays.items()}
        arrays |= {"prior": self.prior, "classes": self.classes, "columns": self.columns, "blocks": self.blocks}
        if self.learner in BINNED:
            arrays["edges"] = self.edges
        for what, whole in (("centre", self.centre), ("spread", self.spread)):
            parts = np.split(whole, np.cumsum(self.widths)[:-1])
            arrays |= {f"{what}.{index}": part for index, part in enumerate(parts)}
        for index, name in enumerate(self.input_names):
            arrays |= {f"means.{index}.{place}": table for place, table in enumerate(self.tables.get(name, ()))}
        return facts, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ClassicPredictor:
        """Rebuild what `state` gave. Raises RunError when it is damaged: nothing in it is taken on trust."""
        try:
            names = tuple(facts["names"])
            centres, spreads = ([arrays[f"{x}.{i}"] for i in range(len(names))] for x in ("centre", "spread"))
            _check_scales(arrays["prior"], centres, spreads)
            predictor = cls(
                input_names=names,
                learner=str(facts["learner"]),
                setting=dict(facts["setting"]),
                layouts={name: dict(facts["layouts"][name]) for name in names},
                prior=arrays["prior"],
                regression=bool(facts["regression"]),
                classes=arrays["classes"],
                widths=[len(centre) for centre in centres],
                centre=np.concatenate(centres),
                spread=np.concatenate(spreads),
                unit=(float(facts["unit"][0]), float(facts["unit"][1])),
                margin=(float(facts["margin"][0]), float(facts["margin"][1])),
                columns=arrays["columns"],
                blocks=arrays.get("blocks", np.zeros((0, 2), np.int64)),  # runs of before have none
                edges=arrays.get("edges", np.zeros((0, BINS - 1))),
            )
            predictor.tables = _read_tables(predictor, arrays)
            _check_codes(predictor)
            own = {k.removeprefix("fitted."): x for k, x in arrays.items() if k.startswith("fitted.")}
            width = predictor.inputs(np.zeros((1, sum(predictor.widths)))).shape[1]
            num_classes = 0 if predictor.regression else len(predictor.classes)
            learner = predictor.estimator = restore_learner(facts["fitted"], own, width, num_classes)
            boosting = getattr(learner, "boosting", False)
            wanted = PLAIN.get(predictor.learner)
            if getattr(learner, "widths", predictor.widths) != predictor.widths:
                raise RunError("its widths are not those of its features")
            if type(learner) is not wanted or boosting != (predictor.learner == "gradient boosting"):
                raise RunError(f"got {type(learner).__name__} for {predictor.learner!r}")
        except RunError as error:
            raise RunError(f"the classic learner is damaged: {error}. Fit again, or restore the file.") from None
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise RunError(f"the classic learner is damaged: {error!r}. Fit again, or restore the file.") from None
        return predictor


def _check_scales(prior: np.ndarray, centres: list[np.ndarray], spreads: list[np.ndarray]) -> None:
    if any(x.dtype != np.float64 or x.ndim != 1 or not np.isfinite(x).all() for x in (prior, *centres, *spreads)):
        raise RunError("its prior and scales are not lists of numbers")
    if any(len(centre) != len(spread) for centre, spread in zip(centres, spreads, strict=True)):
        raise RunError("its features do not have a centre and a spread each")
    if not all((apart > 0).all() and (np.abs(mean) < HUGE).all() for mean, apart in zip(centres, spreads, strict=True)):
        raise RunError("its features have a spread that is not above 0, or a centre that is huge")
    check_prior(prior, "the learner")


def _read_tables(predictor: ClassicPredictor, arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Return the mean targets of codes. Raises RunError where they are not those of the layouts."""
    tables, width = {}, len(predictor.classes) if len(predictor.classes) > 2 else 1
    for index, name in enumerate(predictor.input_names):
        sizes = coded_sizes(predictor.layouts[name])
        tables[name] = [arrays[f"means.{index}.{place}"] for place in range(len(sizes))]
        for table, size in zip(tables[name], sizes, strict=True):
            if table.dtype != np.float64 or table.shape != (size, width) or not np.isfinite(table).all():
                raise RunError(f"its means are {table.dtype} {table.shape}; expected ({size}, {width}), all finite")
    return {name: each for name, each in tables.items() if each}


def _check_codes(predictor: ClassicPredictor) -> None:
    for codes, most in ((predictor.classes, len(predictor.prior)), (predictor.columns, len(predictor.centre))):
        if codes.dtype != np.int64 or codes.ndim != 1 or (codes < 0).any() or (codes >= most).any():
            raise RunError("it names a class or a feature that there is not")
    blocks = predictor.blocks
    right = blocks.dtype == np.int64 and blocks.ndim == 2 and blocks.shape[1] == 2
    if (
        not right
        or not ((blocks[:, 0] >= 0) & (np.diff(blocks)[:, 0] > 0) & (blocks[:, 1] <= len(predictor.centre))).all()
    ):
        raise RunError("it names categories that there are not")
    edges = predictor.edges
    right = edges.dtype == np.float64 and edges.ndim == 2 and np.isfinite(edges).all()
    if not right or (predictor.learner in BINNED and len(edges) != len(predictor.columns)):
        raise RunError("its bins are not those of its features")
    if len(predictor.classes) < (1 if predictor.regression else 2):
        raise RunError("it knows too few classes")
    if (np.diff(predictor.classes) <= 0).any() or predictor.regression != (len(predictor.prior) == 1):
        raise RunError("its classes are not in order, or are not those of its prior")
    neighbours = predictor.setting.get("neighbours", 1)
    if not all(abs(x) < HUGE for x in (*predictor.unit, *predictor.margin)) or predictor.unit[1] <= 0:
        raise RunError("its unit or margin is no finite number, or not above 0")
    if type(neighbours) is not int or not 0 < neighbours < 1 << 20:
        raise RunError(f"it looks at {str(neighbours)[:60]} neighbours")


@dataclass
class MajorityPredictor:
    """Always the prior: (class,) shares of the training rows, or (1,) their mean. What any other must beat."""

    prior: np.ndarray
    names: tuple[str, ...] = ()
    params: int = 0

    def __call__(self, batch: Batch) -> np.ndarray:
        rows = len(next(iter(batch.present.values()), ()))
        return np.tile(np.asarray(self.prior, np.float64), (rows, 1))
