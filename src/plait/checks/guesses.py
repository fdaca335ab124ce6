"""Quick guesses of the label from one modality at a time, for rows that the guesser has not seen. Judges nothing.
A guesser is kernel ridge regression on landmarks, asked about rows of a fold that it has not learned from. Most of its
work does not depend on the labels, so it can be asked about many labellings: the next row's label, or shuffled ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from plait.checks.survey import Survey
from plait.core.contract import Modality, Schema, Table, clean_label
from plait.core.options import OWN
from plait.core.terminal import Callback
from plait.data.feature_cache import list_features
from plait.kinds import KINDS
from plait.kinds.grades import settle_grades

MOST_ROWS = 3000  # rows looked at; more are drawn from
LEAST_ROWS = 40
MOST_CLASSES = 50
FOLDS = 5
DIMS = 64  # of the features
WIDE = 8192  # numbers a cell, above which kept features are passed over
LANDMARKS = 400
RIDGES = (0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Labels:
    """The target of all rows. codes: (rows,) class code, −1 without a label; names[code] is the label."""

    name: str
    codes: np.ndarray
    names: list[Any]
    alike: str = ""  # grades that count as the same though written otherwise

    @classmethod
    def find(cls, table: Table, schema: Schema) -> Labels | None:
        """Read a target of classes; None where there is none, or one class only."""
        name = schema.role("target")
        if (
            name is None
            or schema.column(name).kind not in ("category", "ordered")
            or isinstance(table.data[name], np.ndarray)
        ):
            return None
        cells, alike = [clean_label(cell) for cell in table.cells(name)], ""
        if schema.column(name).kind == "ordered":
            cells, alike, _ = settle_grades(cells)
        names = sorted({cell for cell in cells if cell is not None}, key=lambda c: (isinstance(c, str), c))
        place = {label: code for code, label in enumerate(names)}
        codes = np.array([-1 if cell is None else place[cell] for cell in cells], dtype=np.int64)
        return cls(name, codes, names, alike) if len(names) > 1 else None

    def counts(self, rows: np.ndarray | None = None) -> np.ndarray:
        """Return how many of these rows (all that have a label, where left out) each class has: (class,)."""
        return np.bincount(self.codes[self.codes >= 0 if rows is None else rows], minlength=len(self.names))

    def prior(self, rows: np.ndarray) -> np.ndarray:
        """Return the share of each class among these rows (class,), never 0."""
        return np.maximum(self.counts(rows) / len(rows), 1e-9)


@dataclass(frozen=True)
class Guesser:
    """One modality, ready to guess. rows: (n,) rows of the table that have it, in order; design: (n, feature); folds:
    (n,). encoder: whose features these are, "" for plain numbers.
    """

    modality: Modality
    rows: np.ndarray
    design: np.ndarray
    folds: np.ndarray
    encoder: str = ""

    @cached_property
    def squares(self) -> np.ndarray:
        """(fold, feature, feature): the products of each fold's features."""
        parts = [self.design[self.folds == fold] for fold in range(int(self.folds.max()) + 1)]
        return np.stack([part.T @ part for part in parts])

    def guess(self, target: np.ndarray, ridge: float) -> np.ndarray:
        """Return what ridge regression on the other folds says of target (n, anything), for each row: the same shape.

        The products of the features do not depend on the target: many targets side by side cost little more than one.
        """
        target = target.astype(self.design.dtype)
        held_out = [self.folds == fold for fold in range(len(self.squares))]
        right = [self.design[rows].T @ target[rows] for rows in held_out]
        square, sum_right = self.squares.sum(axis=0), sum(right)
        square.flat[:: len(square) + 1] += ridge
        out = np.empty_like(target)
        for fold, rows in enumerate(held_out):
            weights = np.linalg.solve(square - self.squares[fold], sum_right - right[fold])
            out[rows] = self.design[rows] @ weights
        return out


@dataclass(frozen=True)
class Voice:
    """What one modality says of the label. probabilities: (n, class) of the rows looked at, held out, NaN where it is
    absent; places: where the rows of the guesser are among them.
    """

    guesser: Guesser
    ridge: float
    probabilities: np.ndarray
    places: np.ndarray

    @property
    def name(self) -> str:
        return self.guesser.modality.name

    @property
    def column(self) -> str | None:
        """The column a finding is about; None for a modality of several."""
        columns = self.guesser.modality.columns
        return columns[0] if len(columns) == 1 else None


def hear_voices(
    survey: Survey, labels: Labels, rows: np.ndarray, generator: np.random.Generator, callback: Callback
) -> list[Voice]:
    """Return what quick guessers of each modality say of these rows (n,), each of a row that it has not seen.
    The rows are in order, each with a label; a modality that few of them have is left out."""
    voices = []
    for done, modality in enumerate(survey.schema.modalities):
        callback({"stage": "labels", "done": done, "total": len(survey.schema.modalities)})
        guessers = make_guessers(survey, labels, modality, rows, generator)
        if guessers:
            codes = labels.codes[guessers[0].rows]
            target = np.eye(len(labels.names))[codes]
            guesser, ridge = choose_guesser(guessers, target)
            probabilities = np.full((len(rows), len(labels.names)), np.nan)
            places = np.searchsorted(rows, guesser.rows)
            probabilities[places] = to_probabilities(guesser.guess(target, ridge).astype(float), codes)
            voices.append(Voice(guesser, ridge, probabilities, places))
    callback({"stage": "labels", "done": len(survey.schema.modalities), "total": len(survey.schema.modalities)})
    return voices


def choose_rows(labels: Labels, generator: np.random.Generator) -> np.ndarray:
    """Return the rows with a label of a class of at least two, in order; at most MOST_ROWS, drawn."""
    rows = np.flatnonzero((labels.codes >= 0) & (labels.counts()[labels.codes] >= 2))
    return np.sort(generator.permutation(rows)[:MOST_ROWS]) if len(rows) > MOST_ROWS else rows


def make_guessers(
    survey: Survey, labels: Labels, modality: Modality, rows: np.ndarray, generator: np.random.Generator
) -> list[Guesser]:
    """Return guessers over those of the rows that have the modality; none where they are few.
    The first sees plain numbers. There is one more for each pretrained encoder whose features an earlier command has
    kept of all these cells: what it sees in photographs, no plain number tells."""
    checks = KINDS[modality.kind].checks
    if checks is None:
        return []
    # Of these rows only: the features of all would not fit into memory.
    seen = survey.seen(modality.columns, rows)
    values, present = checks.quick(seen, {name: survey.schema.column(name).kind for name in modality.columns})
    if present.sum() < LEAST_ROWS:
        return []
    rows = rows[present]
    designs = []
    if values.shape[1] and np.ptp(values[present], axis=0).max() > 1e-6:  # where all are alike, nothing can be guessed
        designs.append(("", _design(values[present].astype(np.float32), generator)))
    for encoder, kept in kept_features(survey, modality, rows):
        # what is kept does not change what the first one sees
        designs.append((encoder, _design(kept, np.random.default_rng(0))))
    folds = deal_folds(labels.codes[rows], generator) if designs else rows
    return [Guesser(modality, rows, design, folds, encoder) for encoder, design in designs]


def kept_features(survey: Survey, modality: Modality, rows: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Give (name, features (n, feature) float32) of each encoder that has its features of all these rows in the cache.
    Not those of a module of the user's own, which may have learned these very labels. No file is read for it."""
    caches = list_features(survey.cache, modality.kind) if survey.cache is not None else []
    caches = [c for c in caches if c.about.get("name") != OWN and int(np.prod(c.shape)) <= WIDE]
    if not caches:
        return
    keys = KINDS[modality.kind].checks.kept_keys(survey.seen(modality.columns, rows))
    for cache in caches if len(keys) == len(rows) else []:
        kept, values = cache.get(keys)
        if kept.all() and np.isfinite(values).all():
            yield str(cache.about.get("name", "")), values.reshape(len(rows), -1)


def _design(values: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return features for the ridge (n, feature): main directions, and a Gaussian kernel to landmarks.
    Landmarks are drawn rows (Nyström; Williams and Seeger 2001). Directions are whitened half-way."""
    values = values - values.mean(axis=0)
    left, strength = _main_directions(values, min(DIMS, *values.shape))
    kept = strength > 1e-5 * max(float(strength[0]), 1e-12)
    x = left[:, kept] * np.sqrt(strength[kept])
    marks = x[np.sort(generator.permutation(len(x))[:LANDMARKS])]
    far = _squared_distances(x, marks)
    width = max(float(np.median(far)), 1e-12)
    inner, vectors = np.linalg.eigh(np.exp(-_squared_distances(marks, marks) / width))
    kept = inner > 1e-5 * inner[-1]
    kernel = np.exp(-far / width) @ (vectors[:, kept] / np.sqrt(inner[kept])).astype(np.float32)
    line = 0.1 * x / max(float(np.abs(x).std()), 1e-12)
    return np.concatenate([kernel, line, np.full((len(x), 1), 3.0)], axis=1).astype(np.float32)


def _main_directions(values: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return so many left singular vectors (n, size) and values (size,), by random projection with three power
    iterations (Halko, Martinsson and Tropp 2011, arXiv:0909.4061)."""
    wide = np.random.RandomState(0).normal(size=(values.shape[1], size + 10))
    span = np.linalg.qr(values @ wide.astype(values.dtype))[0]
    for _ in range(3):
        span = np.linalg.qr(values @ np.linalg.qr(values.T @ span)[0])[0]
    inner, strength, _ = np.linalg.svd(span.T @ values, full_matrices=False)
    return (span @ inner)[:, :size], strength[:size]


def _squared_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the squared distance of each row to each other (left, right), float64."""
    a, b = left.astype(np.float64), right.astype(np.float64)
    return np.maximum((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T, 0)


def choose_guesser(guessers: Sequence[Guesser], target: np.ndarray) -> tuple[Guesser, float]:
    """Return the guesser, and its ridge, that guess held-out rows best."""
    pairs = [(guesser, ridge) for guesser in guessers for ridge in RIDGES]
    return min(pairs, key=lambda pair: float(((pair[0].guess(target, pair[1]) - target) ** 2).sum()))


def to_probabilities(scores: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Turn held-out scores (n, class) into probabilities; one number, how sharp, is fitted to the labels."""
    from scipy.special import log_softmax

    tried = [log_softmax(sharp * scores, axis=1) for sharp in np.geomspace(0.5, 32, 19)]
    return np.exp(max(tried, key=lambda log: float(log[np.arange(len(codes)), codes].mean())))


def fuse(probabilities: Iterable[np.ndarray], prior: np.ndarray) -> np.ndarray:
    """Return the product of what modalities say (n, class): independent given the label. NaN rows are absent."""
    from scipy.special import softmax

    log = np.log(prior)
    gains = [np.log(np.maximum(values, 1e-6)) - log for values in probabilities]
    return softmax(log + np.nansum(gains, axis=0), axis=1)


def deal_folds(codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return a fold for each row, dealt class by class. Groups are not kept whole: measured on spoken digits of six
    speakers, guessers that do not know the speaker call six times as many right labels wrong.
    """
    order = generator.permutation(len(codes))
    order = order[np.argsort(codes[order], kind="stable")]
    folds = np.empty(len(codes), dtype=np.int64)
    folds[order] = np.arange(len(codes)) % FOLDS
    return folds


def nested_order(rows: np.ndarray, codes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the rows in an order of which each beginning has about the class shares of the whole."""
    rows = generator.permutation(rows)
    place = np.zeros(len(rows))
    for code in np.unique(codes[rows]):
        members = np.flatnonzero(codes[rows] == code)
        place[members] = (np.arange(len(members)) + 0.5) / len(members)
    return rows[np.lexsort((codes[rows], place))]
