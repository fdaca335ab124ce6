"""The ends of 95 % intervals: of counts, of resamples, of what is left out. Knows numbers alone, no score and no row.
Each is (2,) or (2, class): low and high."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

LEVEL = 0.05  # p below this is evidence
Z = 1.959964  # the normal quantile of a 95 % interval
TAILS = (2.3, 2.5, 2.8, 3.2, 4.0, 5.0, 7.0, 10.0, 20.0, 50.0, 200.0)  # degrees of freedom of a Student t, the last none
UNLIKE = 2.706  # of twice a difference of log likelihoods: the 90 % quantile of chi square
FITTED = 2000  # errors that a Student t is fitted to
GRID = np.linspace(0, 1, 2001)


def wilson(hits: Any, num: Any) -> np.ndarray:
    """Return the score interval of shares (Wilson 1927): hits of num, numbers or arrays; of none it is all.

    >>> [round(float(end), 3) for end in wilson(3, 3)]
    [0.438, 1.0]
    """
    hits, num = np.asarray(hits, np.float64), np.asarray(num, np.float64)
    centre, below = hits + Z**2 / 2, num + Z**2
    half = Z * np.sqrt(np.maximum(hits * (num - hits), 0) / np.maximum(num, 1) + Z**2 / 4)
    return np.stack([np.where(hits > 0, (centre - half) / below, 0), np.where(hits < num, (centre + half) / below, 1)])


def f1_span(hits: Any, support: Any, guessed: Any) -> np.ndarray:
    """Return the interval of f1, which grows with the share of hits among what is either: that share's by Wilson (Lam
    2023, arXiv:2309.14621)."""
    ends = wilson(hits, np.asarray(support) + guessed - hits)
    return 2 * ends / (1 + ends)


def sum_span(weights: np.ndarray, values: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the interval of Σ weights · values (part,) from that of each value (Zou and Donner 2008)."""
    reach = np.sqrt(np.square(weights * (values - ends)).sum(1))
    return np.array(weights @ values + np.array([-1, 1]) * reach)


def rank_span(auroc: float, positives: np.ndarray, negatives: np.ndarray) -> np.ndarray:
    """Return the score interval of an auroc for each number of positives and negatives (class,) (Newcombe 2006)."""
    more = (positives + negatives) / 2 - 1
    at = GRID[:, None]
    spread = at * (1 - at) * (1 + more * ((1 - at) / (2 - at) + at / (1 + at))) / (positives * negatives)
    near = np.square(at - auroc) <= Z**2 * spread + 1e-12
    near[np.abs(GRID - auroc).argmin()] = True
    return np.stack([GRID[near.argmax(0)], GRID[len(GRID) - 1 - near[::-1].argmax(0)]])


def skewed_span(value: float, left_out: np.ndarray, reach: float = Z) -> np.ndarray:
    """Return the interval that reaches so many standard errors from a value, as far as its skew bends it: BCa in closed
    form, ABC (DiCiccio and Efron 1992), and no narrower than without a skew. left_out: what it is without each part."""
    left_out = left_out[~np.isnan(left_out)]
    apart = left_out.mean() - left_out
    square = float(np.square(apart).sum())
    skew = float((apart**3).sum()) / (6 * square**1.5) if square else 0.0
    error, away = math.sqrt(square * (1 - 1 / len(apart))), skew + np.array([-reach, reach])
    plain = value + error * np.array([-reach, reach])
    return widen(plain, value + error * away / (1 - skew * away) ** 2)


def mean_span(values: np.ndarray) -> np.ndarray:
    """Return the interval of the mean of values (row,)."""
    if len(values) < 2:
        return np.array([values.mean()] * 2)
    return skewed_span(float(values.mean()), (values.sum() - values) / (len(values) - 1))


def bca_span(value: float, drawn: np.ndarray, left_out: np.ndarray) -> np.ndarray:
    """Return the BCa interval (Efron 1987) of a value from resamples, and from what it is without each part."""
    from scipy.special import ndtr, ndtri

    drawn, left_out = (some[~np.isnan(some)] for some in (drawn, left_out))  # a ratio may be undefined
    if not len(drawn) or np.ptp(drawn) == 0:
        return np.array([value, value])
    apart = left_out.mean() - left_out if len(left_out) else left_out
    spread = float((apart**2).sum()) ** 1.5
    skew = float((apart**3).sum()) / (6 * spread) if spread else 0.0
    below = (float((drawn < value).sum()) + float((drawn == value).sum()) / 2) / len(drawn)
    bias = float(ndtri(np.clip(below, 1 / len(drawn), 1 - 1 / len(drawn))))
    ends = [ndtr(bias + (bias + z) / (1 - skew * (bias + z))) for z in (-Z, Z)]
    low, high = np.quantile(drawn, ends)
    return np.array([min(low, value), max(high, value)])


def jackknife_reach(left_out: np.ndarray, freedom: int | None = None) -> float:
    """Return how far the interval of a value reaches from what it is without each part of the rows, by t with one
    degree of freedom less than parts, or fewer."""
    from scipy.special import stdtrit

    num, left_out = len(left_out), left_out[~np.isnan(left_out)]
    error = math.sqrt((num - 1) / num * float(((left_out - left_out.mean()) ** 2).sum())) if len(left_out) else 0.0
    freedom = num - 1 if freedom is None else freedom
    return float(stdtrit(freedom, 1 - LEVEL / 2)) * error if freedom > 0 else math.inf


def scaled_span(value: float, left_out: np.ndarray, scale: str, num: int = 0) -> np.ndarray:
    """Return the interval of the jackknife on the scale where a value has no end: "share" (log odds), "error" (log), or
    "explained", 1 less an error. num: the parts that hold what a share is of; of 0 or 1 it is their score interval."""
    from scipy.special import stdtrit

    if scale == "explained":
        return 1 - scaled_span(1 - value, 1 - left_out, "error")[::-1]
    if scale == "error":
        if not value > 0:
            return np.array([value, value])
        logs = np.log(np.maximum(left_out, 1e-9 * value))
        reach = float(stdtrit(max(1, len(logs) - 1), 1 - LEVEL / 2))
        ends = widen(value * np.exp(np.array([-1, 1]) * jackknife_reach(logs)), skewed_span(value, left_out, reach))
        return np.maximum(ends, 0.0)  # no error is less
    if not 0 < value < 1:
        return wilson(value * num, num)
    with np.errstate(over="ignore"):
        odds = np.exp(np.array([1, -1]) * jackknife_reach(left_out, num - 1) / (value * (1 - value)))
    return value / (value + (1 - value) * odds)


def widen(*ends: np.ndarray) -> np.ndarray:
    """Return the interval that holds all of these."""
    return np.stack([np.fmin.reduce([end[0] for end in ends]), np.fmax.reduce([end[1] for end in ends])])


def student_end(errors: np.ndarray) -> float:
    """Return how large the mean square of errors (row,) may be if their tails are as heavy as a Student t's that fits
    them (Lange, Little and Taylor 1989); 0 where a normal fits about as well. The worst errors, which make most of such
    a mean, are seldom among few rows: a bootstrap cannot know of them."""
    from scipy.special import gammaln

    errors = errors[:: -(-len(errors) // FITTED)]
    free, num = np.array(TAILS)[:, None], len(errors)
    centre = np.full_like(free, np.median(errors))
    scale = np.full_like(free, max(float(np.median(np.abs(errors - centre[0]))), 1e-12 * np.abs(errors).max()) ** 2)
    if not scale[0, 0]:
        return 0.0
    for _ in range(25):
        weights = (free + 1) / (free + np.square(errors - centre) / scale)
        centre = (weights * errors).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        scale = np.maximum((weights * np.square(errors - centre)).mean(1, keepdims=True), 1e-300)
    far = np.log1p(np.square(errors - centre) / scale / free).sum(1, keepdims=True)
    fit = num * (gammaln((free + 1) / 2) - gammaln(free / 2) - np.log(free * scale) / 2) - (free + 1) / 2 * far
    like = 2 * (fit.max() - fit) < UNLIKE
    if like[-1]:
        return 0.0
    square = centre**2 + scale * free / (free - 2)
    return float((square * np.exp(Z * np.sqrt(2 * (free + 3) / (free * num))))[like].max())
