"""Metrics as functions of row weights, so that one sparse product scores a thousand resamples. Knows only arrays.
A resample is a weight for each row: how often it was drawn. Weights of one give the metric itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Measure = Callable[[np.ndarray], dict[str, np.ndarray]]  # weights (row, resample) → (resample,) or (class, resample)
SMALLEST = 1e-12  # a probability of 0 is taken as this
PER_CLASS = ("precision", "recall", "f1")


def classification(truth: np.ndarray, guess: np.ndarray, probabilities: np.ndarray, names: list[str]) -> Measure:
    """Return the metrics of answers as a function of weights; NaN where undefined.
    truth, guess: (rows,) indices into names. probabilities: (rows, class); names without a column have probability 0.
    All but auroc are made of three sums of weights for each class: right answers, rows, answers. A ratio with nothing
    below the line is 0; macro means run over the classes that occur among rows or answers."""
    num_rows, num_classes, every = len(truth), len(names), np.arange(len(truth))
    right = np.flatnonzero(truth == guess)
    hit_sums = _sums(truth[right], right, num_classes, num_rows)
    support_sums, guess_sums = (_sums(codes, every, num_classes, num_rows) for codes in (truth, guess))
    larger = sort_key(names)
    ranked = []
    for index in [max((0, 1), key=lambda i: larger(names[i]))] if num_classes == 2 else range(num_classes):
        positive = truth == index
        if positive.any() and not positive.all():
            column = probabilities[:, index] if index < probabilities.shape[1] else np.zeros(num_rows)
            ranked.append(_rank_sums(column, positive))
    wide = np.pad(probabilities, ((0, 0), (0, max(0, num_classes - probabilities.shape[1]))))
    surprise = -np.log(np.maximum(wide[every, truth], SMALLEST))[None].astype(np.float32)

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        hits, support, guessed = ((m @ weights).astype(np.float64) for m in (hit_sums, support_sums, guess_sums))
        total, occurs = support.sum(0), ((support + guessed) > 0).sum(0)
        precision, recall, f1 = _ratio(hits, guessed), _ratio(hits, support), _ratio(2 * hits, support + guessed)
        accuracy = hits.sum(0) / total
        auroc = np.full(weights.shape[1], np.nan)
        if ranked:
            each = np.array([_auroc(negatives, positives, weights) for negatives, positives in ranked])
            defined = ~np.isnan(each)
            auroc = _ratio(np.where(defined, each, 0).sum(0), defined.sum(0), np.nan)
        return {
            "accuracy": accuracy,
            "balanced_accuracy": recall.sum(0) / (support > 0).sum(0),
            "precision_macro": precision.sum(0) / occurs,
            "recall_macro": recall.sum(0) / occurs,
            "f1_macro": f1.sum(0) / occurs,
            "f1_micro": accuracy,  # one label a row: a wrong answer is one false positive and one false negative
            "f1_weighted": (f1 * support).sum(0) / total,
            "auroc": auroc,
            "log_loss": (surprise @ weights)[0] / total,
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    return measure


def regression(truth: np.ndarray, values: np.ndarray) -> Measure:
    """Return mae, rmse and r2 of values (rows,) as a function of weights; r2 is NaN where the target does not vary."""
    error, centred = values - truth, truth - truth.mean()
    parts = np.stack([np.ones_like(error), np.abs(error), error**2, centred, centred**2])

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        total, absolute, squared, first, second = parts @ weights
        spread = second - first**2 / total
        varies = (np.ptp(truth) > 0) & (spread > 1e-12 * second)
        r2 = 1 - _ratio(squared, np.where(varies, spread, 0), np.nan)
        return {"mae": absolute / total, "rmse": np.sqrt(squared / total), "r2": r2}

    return measure


def recognition(counts: np.ndarray) -> Measure:
    """Return wer, cer and exact of transcripts as a function of weights; a rate is NaN where nothing was to be said.
    counts: (rows, 4) word errors, words, character errors, characters. Errors are summed over rows, then divided by
    what was to be said (Morris, Maier and Green 2004, Interspeech), so a rate can be over 1. exact: rows without an
    error."""
    words_wrong, words, letters_wrong, letters = np.asarray(counts, np.float64).reshape(-1, 4).T
    parts = np.stack([words_wrong, words, letters_wrong, letters, words_wrong == 0, np.ones_like(words)])

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        sums = parts @ weights
        return {name: _ratio(sums[2 * i], sums[2 * i + 1], np.nan) for i, name in enumerate(("wer", "cer", "exact"))}

    return measure


def draw(generator: np.random.Generator, num: int, resamples: int, strata: np.ndarray | None = None) -> np.ndarray:
    """Draw num of num things with replacement, and return how often each was drawn: (num, resample) float32.
    strata: (num,) codes; as many are drawn of each as there are."""
    if strata is None:
        drawn = generator.integers(0, num, size=(resamples, num))
    else:
        order, sizes = np.argsort(strata, kind="stable"), np.bincount(strata)
        first, size = (np.repeat(each, sizes) for each in (np.cumsum(sizes) - sizes, sizes.astype(np.float32)))
        drawn = order[first + (generator.random((resamples, num), np.float32) * size).astype(np.int64)]
    drawn = drawn + np.arange(resamples)[:, None] * num
    counts = np.bincount(drawn.ravel(), minlength=resamples * num).reshape(resamples, num)
    return np.ascontiguousarray(counts.T, np.float32)


def sort_key(names: list[str]) -> Callable[[str], Any]:
    """Return how to sort names: by number where all of them are numbers, else as text."""
    try:
        return float if np.isfinite([float(name) for name in names]).all() else str
    except ValueError:
        return str


def _rank_sums(score: np.ndarray, positive: np.ndarray) -> tuple[Any, Any]:
    """Prepare auroc: negatives by place (2i just below the i-th score of a positive, 2i+1 at it); positives."""
    levels = np.unique(score[positive])
    negatives, positives = np.flatnonzero(~positive), np.flatnonzero(positive)
    place = np.searchsorted(levels, score[negatives], "left") + np.searchsorted(levels, score[negatives], "right")
    below = _sums(place, negatives, 2 * len(levels) + 1, len(score))
    return below, _sums(np.searchsorted(levels, score[positives]), positives, len(levels), len(score))


def _auroc(negatives: Any, positives: Any, weights: np.ndarray) -> np.ndarray:
    """Return the share of pairs in which the positive row scores higher, ties half (Mann and Whitney 1947)."""
    lower, here = (negatives @ weights).astype(np.float64), (positives @ weights).astype(np.float64)
    beaten = np.cumsum(lower, axis=0)[:-1:2] + lower[1::2] / 2
    pairs = here.sum(0) * lower.sum(0)
    return _ratio((here * beaten).sum(0), pairs, np.nan)


def _sums(place: np.ndarray, rows: np.ndarray, num_places: int, num_rows: int) -> Any:
    """Return a sparse (place, row) matrix; times weights (row, resample) it sums the weights of the rows at a place."""
    from scipy.sparse import csr_array

    starts = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=num_places))])
    ones = np.ones(len(rows), np.float32)
    return csr_array((ones, rows[np.argsort(place, kind="stable")], starts), shape=(num_places, num_rows))


def _ratio(above: np.ndarray, below: np.ndarray, none: float = 0.0) -> np.ndarray:
    """Return above / below; none where nothing is below."""
    return np.divide(above, below, out=np.full(np.shape(above), none), where=below > 0)
