"""Two sets of answers to the same rows: how far apart they score, with an interval and a p that never disagree.

Takes arrays and the name of a metric. Knows no model, no table, and not who answered.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from plait.core.classes import Ordered, Several, place_of
from plait.core.words import LOWER_IS_BETTER
from plait.proof.metrics import SMALLEST, Measure, classification, draw, labelling, row_f1
from plait.proof.scores import match_classes, match_sets
from plait.proof.spans import LEVEL, Z, bca_span, jackknife_reach

COUNTED = 13  # up to so many units that differ, every flip is counted: 2 ** 13 of them
FLIPS, RESAMPLES = 10_000, 2_000
BLOCK = 4_000_000  # numbers in memory at once
FEW_DIFFERENT = 100
MANY_GROUPS = 100  # of which a bootstrap is as wide as it should be
# said in hundredths
POINTS = (
    *("accuracy", "balanced_accuracy", "f1_macro", "auroc", "wer"),
    *("f1_rows", "f1_micro", "average_precision", "hamming_loss", "exact_match"),
)
# no mean over rows, each with its weight
WHOLE = ("f1_macro", "auroc", "quadratic_kappa", "f1_micro", "average_precision")
SHARES = ("accuracy", "balanced_accuracy", "r2", "f1_rows", "exact_match")  # one less what is lost
EVEN = ("balanced_accuracy", "f1_macro", "auroc")  # in which each class counts the same
# of which a bootstrap of answers that hardly differ collapses; accuracy has its score interval
DECIDED = (*EVEN, "quadratic_kappa", "f1_rows", "f1_micro", "average_precision", "hamming_loss", "exact_match", "wer")


@dataclass(frozen=True)
class Difference:
    """How much better one side is, in the metric's unit, with its 95 % interval; positive is better. None: unknown."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None


@dataclass(frozen=True)
class Yardstick:
    """The rows that both sides answered, and the metric that they are measured by.

    truth: (rows,) labels, or numbers where classes is None; of `wer` the words to be said. groups: (rows,) codes from 0
    of groups whose rows are alike, or None. Answers are (rows, class), (rows, 1) or (rows,); of `wer` (rows,) errors.
    """

    metric: str
    truth: np.ndarray
    classes: Sequence[Any] | None = None
    groups: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> Yardstick:
        """Return it for some of the rows."""
        groups = None if self.groups is None else np.unique(self.groups[rows], return_inverse=True)[1]
        return Yardstick(self.metric, self.truth[rows], self.classes, groups)

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def lower(self) -> bool:
        """Whether the best score is the lowest."""
        return self.metric in LOWER_IS_BETTER

    @property
    def num_groups(self) -> int:
        return 0 if self.groups is None else int(self.groups.max()) + 1

    def score(self, answers: np.ndarray) -> float:
        """Return the metric of some answers; NaN where it is undefined."""
        return float(self.scores(answers, np.ones((len(self), 1), np.float32))[0])

    def scores(self, answers: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """Return the metric of some answers in each resample; drawn: (row, resample), how often a row is in it."""
        if self.metric in WHOLE:
            return self._measure(answers)(drawn)[self.metric]
        loss, total = self.row_losses(answers) @ drawn, self.weights @ drawn
        loss = np.divide(loss, total, out=np.full(len(loss), np.nan), where=total > 0)
        if self.metric == "rmse":
            return np.sqrt(loss)
        return 1 - loss if self.metric in SHARES else loss

    def row_losses(self, answers: np.ndarray) -> np.ndarray:
        """Return what each row loses (rows,): their sum over that of `weights` is the metric, or one less it."""
        answers = np.asarray(answers, np.float64)
        if self.metric == "wer":
            return answers
        if self.classes is None:
            error = (answers[:, 0] if answers.ndim == 2 else answers) - self._numbers
            return np.abs(error) if self.metric == "mae" else np.square(error)
        if isinstance(self.classes, Several):
            sets, chosen, _, _ = match_sets(self.truth, answers, self.classes)
            if self.metric == "f1_rows":
                return 1 - row_f1(sets, chosen)
            return (sets != chosen).mean(1) if self.metric == "hamming_loss" else 1.0 - (sets == chosen).all(1)
        if self.metric == "mae":
            return np.abs(place_of(answers, self.classes) - self._codes).astype(np.float64)
        if self.metric == "log_loss":
            wide = np.pad(answers, ((0, 0), (0, max(0, int(self._codes.max()) + 1 - answers.shape[1]))))
            return -np.log(np.maximum(wide[np.arange(len(self)), self._codes], SMALLEST))
        wrong = (place_of(answers, self.classes) != self._codes).astype(np.float64)
        return wrong * self.weights if self.metric == "balanced_accuracy" else wrong

    @cached_property
    def weights(self) -> np.ndarray:
        """What each row counts (rows,)."""
        if self.metric == "wer":
            return np.asarray(self.truth, np.float64)
        if self.metric == "r2":
            return np.square(self._numbers - self._numbers.mean())
        if self.metric == "balanced_accuracy":  # each class counts the same: the mean of the recalls
            counts = np.bincount(self._codes)
            return len(self) / ((counts > 0).sum() * counts[self._codes])
        return np.ones(len(self))

    def spread(self, answers: np.ndarray) -> np.ndarray:
        """Return what each row adds to the loss (rows,), whose mean is the metric, or one less it where high is good.

        Of a metric that is no sum over rows these are the pseudo-values of the jackknife (Quenouille 1956).
        """
        num = len(self)
        if self.metric not in WHOLE:
            losses, total = self.row_losses(answers), self.weights.sum()
            return losses * (num / total) if total else losses
        measure, parts = self._measure(answers), []
        for start in range(0, num, max(1, BLOCK // num)):
            rows = np.arange(start, min(num, start + max(1, BLOCK // num)))
            weights = np.ones((num, len(rows)), np.float32)
            weights[rows, np.arange(len(rows))] = 0
            parts.append(measure(weights)[self.metric])
        whole = self.score(answers)
        return 1 - np.nan_to_num(num * whole - (num - 1) * np.concatenate(parts), nan=whole)

    def compare(self, ours: np.ndarray, theirs: np.ndarray, generator: np.random.Generator) -> Difference:
        """Return how much better ours are than theirs.

        p is that of a two-sided paired test: the two answers to a row, or to a whole group, change places at random
        (Good 2005, "Permutation, parametric and bootstrap tests of hypotheses"). Of right and wrong by rows it is the
        exact sign test in its mid-p form (Fagerland, Lydersen and Laake 2013, BMC Medical Research Methodology 13:91);
        else all flips are counted up to 13 units that differ, or 10,000 drawn: p = (b + 1) / (m + 1) (Phipson and Smyth
        2010). The interval of right and wrong is a score interval (Tango 1998, Statistics in Medicine 17:891), which
        does not collapse where few rows differ; with groups it is the jackknife over groups with t of G − 1 degrees of
        freedom, and not narrower than by rows; else BCa (Efron 1987). An end on the wrong side of 0 for its p is put
        where the p implies (Altman and Bland 2011, BMJ 343:d2090).
        """
        value = self.score(ours) - self.score(theirs)
        if math.isnan(value):
            return Difference()
        value = -value if self.lower else value
        if self.metric in WHOLE:
            p, (low, high) = self._by_swaps(ours, theirs, value, generator)
        else:
            better = self.row_losses(theirs) - self.row_losses(ours)
            p = self._flip(better, generator)
            low, high = self._interval(better, ours, theirs, generator)
        if self.metric in DECIDED or (self.metric == "mae" and isinstance(self.classes, Ordered)):
            most = 1.0 if self.metric in POINTS and self.metric != "wer" else math.inf
            reach = self._least_reach
            low, high = max(-most, min(low, value - reach)), min(most, max(high, value + reach))
        return Difference(value, *reconcile(value, low, high, p), p)

    # -- tests --------------------------------------------------------------------------------------------------------

    def _flip(self, better: np.ndarray, generator: np.random.Generator) -> float:
        return flip_test(better if self.groups is None else np.bincount(self.groups, better), generator)

    def _by_swaps(
        self, ours: np.ndarray, theirs: np.ndarray, value: float, generator: np.random.Generator
    ) -> tuple[float, tuple[float, float]]:
        """Test and measure a metric that is no sum over rows: both sides as one set of rows that weights pick from."""
        both = Yardstick(self.metric, np.concatenate([self.truth, self.truth]), self.classes)
        measure = both._measure(np.concatenate([ours, theirs]))
        unit = np.arange(len(self)) if self.groups is None else self.groups
        num = int(unit.max()) + 1

        def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
            """Return the difference of the metric for weights (row, resample) of our answers and of theirs."""
            sides = (np.concatenate([first, second]), np.concatenate([second, first]))
            one, other = (measure(side.astype(np.float32))[self.metric] for side in sides)
            return np.asarray(one - other)

        def blocks(times: int, weigh: Callable[[int], tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
            step = max(1, BLOCK // (2 * len(self)))
            return np.concatenate([apart(*weigh(min(step, times - at))) for at in range(0, times, step)])

        def swap(times: int) -> tuple[np.ndarray, np.ndarray]:
            kept = generator.integers(0, 2, (num, times))[unit]
            return kept, 1 - kept

        def resample(times: int) -> tuple[np.ndarray, np.ndarray]:
            drawn = draw(generator, num, times)[unit]
            return drawn, np.zeros_like(drawn)

        swapped = blocks(RESAMPLES, swap)
        p = (float((np.abs(swapped) >= abs(value) - 1e-9).sum()) + 1) / (RESAMPLES + 1)
        if self.groups is not None and num <= MANY_GROUPS:
            kept = (unit[:, None] != np.arange(num)).astype(np.float64)
            return p, _around(value, apart(kept, np.zeros_like(kept)))
        drawn = blocks(RESAMPLES // 2, resample)
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.quantile(drawn, [LEVEL / 2, 1 - LEVEL / 2]).tolist() if len(drawn) else (value, value)
        return p, (low, high)

    # -- intervals ----------------------------------------------------------------------------------------------------

    def _interval(
        self, better: np.ndarray, ours: np.ndarray, theirs: np.ndarray, generator: np.random.Generator
    ) -> tuple[float, float]:
        parts = np.stack([better, self.weights])
        if self.metric == "rmse":
            parts = np.stack([self.row_losses(theirs), self.row_losses(ours), self.weights])
        by_row = None
        if self.metric == "accuracy":
            by_row = score_interval(int((better > 0).sum()), int((better < 0).sum()), len(better))
        if self.groups is None:
            return by_row or bca(parts, _gain, generator)
        low, high = jackknife(np.stack([np.bincount(self.groups, part) for part in parts]), _gain)
        return (min(low, by_row[0]), max(high, by_row[1])) if by_row else (low, high)

    @property
    def _least_reach(self) -> float:
        """How far an interval reaches at least: as the score interval does where no row differs, of so many rows as
        their weights are worth (Kish 1965), of transcripts their words. Of labels a row differs in one; of grades by a
        step, or as chance has it.
        """
        even = self.metric in EVEN and not isinstance(self.classes, Several)
        weights = replace(self, metric="balanced_accuracy").weights if even else self.weights
        worth = float(weights.sum() ** 2 / np.square(weights).sum())
        each = len(self.classes or ()) if self.metric == "hamming_loss" else 1
        return Z**2 / (worth + Z**2) / each

    # -- what the rows hold -------------------------------------------------------------------------------------------

    @cached_property
    def _numbers(self) -> np.ndarray:
        return np.asarray(self.truth, np.float64).ravel()

    @cached_property
    def _codes(self) -> np.ndarray:
        """The class of each row (rows,), those that no side knows behind the others."""
        assert self.classes is not None
        return match_classes(self.truth, self.classes)[0]

    def _measure(self, answers: np.ndarray) -> Measure:
        assert self.classes is not None
        answers = np.asarray(answers, np.float64)
        if isinstance(self.classes, Several):
            return labelling(*match_sets(self.truth, answers, self.classes)[:3], self.metric)
        codes, names = match_classes(self.truth, self.classes)
        return classification(codes, place_of(answers, self.classes), answers, names, isinstance(self.classes, Ordered))


def flip_test(better: np.ndarray, generator: np.random.Generator) -> float:
    """Return the two-sided p of paired differences (unit,) whose signs flip at random; see `Yardstick.compare`."""
    better = better[better != 0]
    num, total = len(better), abs(float(better.sum()))
    if not num:
        return 1.0
    size = np.abs(better)
    if np.ptp(size) == 0:
        return sign_test(int((better > 0).sum()), int((better < 0).sum()))
    least = total - 1e-9 * float(size.sum())  # sums of the same numbers in another order are equal
    if num <= COUNTED:
        bits = (np.arange(2**num)[:, None] >> np.arange(num)) & 1
        return float((np.abs((2 * bits - 1) @ better) >= least).mean())
    extreme, step = 0, max(1, BLOCK // num)
    for start in range(0, FLIPS, step):
        signs = generator.integers(0, 2, (min(step, FLIPS - start), num), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ better) >= least).sum())
    return (extreme + 1) / (FLIPS + 1)


def sign_test(more: int, fewer: int) -> float:
    """Return the two-sided mid-p of so many differences of one size on either side.

    >>> sign_test(5, 0)
    0.03125
    """
    from scipy.stats import binom

    least, num = min(more, fewer), more + fewer
    if more == fewer:
        return 1.0
    return float(np.clip(2 * binom.cdf(least, num, 0.5) - binom.pmf(least, num, 0.5), 1e-300, 1.0))


def score_interval(more: int, fewer: int, num: int) -> tuple[float, float]:
    """Return the 95 % score interval of a difference of paired shares: of num rows, more are right only here, fewer
    only there (Tango 1998).

    >>> low, high = score_interval(0, 0, 100)
    >>> round(low, 3), round(high, 3)
    (-0.037, 0.037)
    """
    from scipy.optimize import brentq

    value = (more - fewer) / num

    def excess(apart: float) -> float:
        a = 2 * num
        b = -more - fewer + (2 * num - more + fewer) * apart
        c = -fewer * apart * (1 - apart)
        share = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)  # of rows right only there, were the gap this
        variance = num * (2 * share + apart * (1 - apart))
        away = more - fewer - num * apart
        return abs(away) / math.sqrt(variance) - Z if variance > 0 else (0.0 if away == 0 else math.inf) - Z

    def end(limit: float) -> float:
        near = value + (limit - value) * 1e-9
        far = limit - math.copysign(1e-12, limit)
        return float(brentq(excess, near, far, xtol=1e-9)) if excess(near) < 0 < excess(far) else limit

    return end(-1.0), end(1.0)


def bca(
    parts: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray], generator: np.random.Generator
) -> tuple[float, float]:
    """Return the 95 % BCa bootstrap interval (Efron 1987) of a statistic of sums of parts (part, unit)."""
    total = parts.sum(1)
    left_out = np.asarray(statistic(total[:, None] - parts))
    low, high = bca_span(float(statistic(total)), np.asarray(statistic(_resample(parts, generator))), left_out)
    return float(low), float(high)


def jackknife(parts: np.ndarray, statistic: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of sums of parts (part, group), from leaving out each group once."""
    total = parts.sum(1)
    return _around(float(statistic(total)), statistic(total[:, None] - parts))


def _around(value: float, left_out: np.ndarray) -> tuple[float, float]:
    reach = jackknife_reach(left_out)
    return value - reach, value + reach


def corrected_t(means: np.ndarray, trained: float, tested: float) -> tuple[float, float, float]:
    """Return p, low and high of differences (fold,) of repeated folds: the corrected resampled t (Nadeau and Bengio
    2003, "Inference for the generalization error"). trained, tested: rows of a fold that were learned from, and not."""
    from scipy.special import stdtr, stdtrit

    num, value = len(means), float(means.mean())
    error = math.sqrt((1 / num + tested / trained) * float(means.var(ddof=1))) if num > 1 else math.inf
    if not error:
        return (1.0 if value == 0 else 1e-300), value, value
    reach = float(stdtrit(num - 1, 1 - LEVEL / 2)) * error if num > 1 else math.inf
    p = 2 * float(stdtr(num - 1, -abs(value) / error)) if num > 1 else 1.0
    return p, value - reach, value + reach


def holm(ps: Sequence[float]) -> list[float]:
    """Return p values corrected for how many they are (Holm 1979), in their order.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    adjusted, least = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        least = max(least, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = least
    return adjusted


def reconcile(value: float, low: float, high: float, p: float) -> tuple[float, float]:
    """Return the interval with the end that faces 0 on the side of it that p says."""
    from scipy.special import ndtri

    low, high = min(low, value), max(high, value)
    near = low if value > 0 else high
    if value == 0 or (p < LEVEL) == (near * value > 0):
        return low, high
    implied = value * (1 - Z / max(1e-12, -float(ndtri(p / 2))))
    implied = implied if (p < LEVEL) == (implied * value > 0) else 0.0
    return (implied, high) if value > 0 else (low, implied)


def _gain(sums: np.ndarray) -> np.ndarray:
    """Return the gain from sums (part, …): what is better over the weights; or of two squared errors and the rows."""
    if len(sums) == 3:
        return np.sqrt(np.maximum(sums[0], 0) / sums[2]) - np.sqrt(np.maximum(sums[1], 0) / sums[2])
    return np.asarray(np.divide(sums[0], sums[1], out=np.full(np.shape(sums[0]), np.nan), where=sums[1] > 0))


def _resample(parts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw units with replacement and add up their parts (part, unit), 2,000 times: (part, resample)."""
    num = parts.shape[1]
    different, counts = np.unique(parts, axis=1, return_counts=True)
    if len(counts) <= FEW_DIFFERENT:  # how often each is drawn is all that matters: quick for right and wrong
        return different @ generator.multinomial(num, counts / num, RESAMPLES).T
    step = max(1, BLOCK // num)
    drawn = (draw(generator, num, min(step, RESAMPLES - start)) for start in range(0, RESAMPLES, step))
    return np.concatenate([parts @ counts.astype(np.float64) for counts in drawn], axis=1)
