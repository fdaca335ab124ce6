"""Metrics as functions of row weights, so that one sparse product scores a thousand resamples. Knows only arrays.
A resample is a weight for each row: how often it was drawn. Weights of one give the metric itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Measure = Callable[[np.ndarray], dict[str, np.ndarray]]  # weights (row, resample) → (resample,) or (class, resample)
SMALLEST = 1e-12  # a probability of 0 is taken as this
PER_CLASS = ("precision", "recall", "f1")


def classification(
    truth: np.ndarray, guess: np.ndarray, probabilities: np.ndarray, names: list[str], ordered: bool = False
) -> Measure:
    """Return the metrics of answers as a function of weights; NaN where undefined.
    truth, guess: (rows,) indices into names. probabilities: (rows, class); names without a column have probability 0.
    All but auroc are made of three sums of weights for each class: right answers, rows, answers. A ratio with nothing
    below the line is 0; macro means run over the classes that occur among rows or answers. ordered: of classes in an
    order also quadratic_kappa (Cohen 1968) and mae, in steps of the order."""
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
            **(_steps(truth, guess, weights) if ordered else {}),
            "precision": precision,
            "recall": recall,
            "f1": f1,
        }

    return measure


def _steps(truth: np.ndarray, guess: np.ndarray, weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return what answers in an order (rows,) reach: agreement beyond chance by squared steps, and the mean step."""
    t, g = truth.astype(np.float64), guess.astype(np.float64)
    total, *sums = np.stack([np.ones_like(t), (t - g) ** 2, np.abs(t - g), t, g, t**2, g**2]) @ weights
    squared, steps, first, second, square, other = (each / total for each in sums)
    return {
        "quadratic_kappa": 1 - _ratio(squared, square + other - 2 * first * second, np.nan),
        "mae": steps,
    }


def labelling(sets: np.ndarray, chosen: np.ndarray, probabilities: np.ndarray, only: str = "") -> Measure:
    """Return the metrics of answers with several labels a row as a function of weights; NaN where undefined.
    sets, chosen: (rows, label) bool, which a row has, and which are answered. f1_rows: the mean F1 of a row, 1 where it
    has no label and none is answered. average_precision: the mean over labels that some row has, of the precision at
    each of these rows, by probability. hamming_loss: the share of labels of rows that are wrong. only: of all of these
    no other is needed than this one."""
    hits = (sets & chosen).astype(np.float32).T
    held, said = sets.astype(np.float32).T, chosen.astype(np.float32).T
    rows = np.stack([row_f1(sets, chosen), (sets != chosen).mean(1), (sets == chosen).all(1)]).astype(np.float64)
    ranked = [_rank(column, own) for column, own in zip(probabilities.T, sets.T, strict=True)]
    ranked = [one for one, own in zip(ranked, sets.T, strict=True) if own.any()]

    def measure(weights: np.ndarray) -> dict[str, np.ndarray]:
        f1_rows, hamming, exact = rows @ weights / weights.sum(0)
        found = {"f1_rows": f1_rows, "hamming_loss": hamming, "exact_match": exact}
        if only in found:
            return found
        right, support, guessed = ((m @ weights).astype(np.float64) for m in (hits, held, said))
        occurs = ((support + guessed) > 0).sum(0)
        precision, recall, f1 = _ratio(right, guessed), _ratio(right, support), _ratio(2 * right, support + guessed)
        found["f1_micro"] = _ratio(2 * right.sum(0), (support + guessed).sum(0), np.nan)
        found["f1_macro"] = _ratio(f1.sum(0), occurs, np.nan)
        if only in found:
            return found
        each = np.array([_precision(*one, weights) for one in ranked]).reshape(len(ranked), weights.shape[1])
        there = ~np.isnan(each)
        found["average_precision"] = _ratio(np.where(there, each, 0).sum(0), there.sum(0), np.nan)
        return {**found, "precision": precision, "recall": recall, "f1": f1}

    return measure


def row_f1(sets: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the F1 of each row (rows,): twice the labels that are right, by those it has and those answered."""
    return _ratio(2.0 * (sets & chosen).sum(1), (sets.sum(1) + chosen.sum(1)).astype(np.float64), 1.0)


def _rank(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows by score, the best first, where those of one score end (level,), and which are positive (rows,)."""
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.diff(scores[order], append=np.nan) != 0)
    return order, ends, positive[order]


def _precision(order: np.ndarray, ends: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the average precision (resample,) of rows in this order; those of one score come at once."""
    drawn = weights[order].astype(np.float64)
    hits = np.cumsum(drawn * positive[:, None], axis=0)[ends]
    precision = _ratio(hits, np.cumsum(drawn, axis=0)[ends])
    return _ratio((np.diff(hits, axis=0, prepend=0) * precision).sum(0), hits[-1], np.nan)


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
