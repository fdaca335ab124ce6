"""Losses, folds and temperature: how sure a prediction may be, learned on validation rows and judged on others.

Knows no model and no table. A target (rows,) of whole numbers holds class codes; one of floats, numbers; one of (rows,
label) says which of several labels a row has, 0 or 1, each with a probability of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from plait.core.classes import log_odds

SMALLEST = 1e-12  # a probability of 0 is taken as this
LOWEST, HIGHEST = 0.05, 500.0  # temperatures
DOUBT = 5.0  # how firmly a temperature is held where it starts, before rows speak
LUCK = 2.0  # nats that answers may gain on the prior, over all rows, though they say nothing: in one case of forty
MEAN_LUCK = 1.0  # nats that one fitted number gains more on its own rows than on others, on average (Akaike 1974)
STEPS = np.arange(0.05, 0.951, 0.05).round(2)  # thresholds that are tried for a label
FIRM = 10  # rows with a label that all labels together stand for, where it chooses its threshold
WINDOWS = 4  # sets of each size, where there are too many to ask all
MOST_SETS = 4  # modalities up to which each set of them has a temperature of its own; of more, each number of them


def log_losses(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return −log of the probability of the true class: (rows, class), (rows,) → (rows,); of labels the mean of all."""
    if is_several(codes):
        return -logs(np.where(codes == 1, probabilities, 1 - np.asarray(probabilities))).mean(1)
    return -logs(np.asarray(probabilities)[np.arange(len(codes)), codes])


def losses(answers: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the loss of every row, (rows,): log loss for class codes and labels, squared error for numbers."""
    return np.square(answers[:, 0] - target) if is_numbers(target) else log_losses(answers, target)


def assign_folds(
    target: np.ndarray, *, generator: np.random.Generator, groups: np.ndarray | None = None, folds: int = 5
) -> np.ndarray:
    """Return (rows,) int: the fold of every row, each class spread evenly, a group in one fold; of few rows, fewer."""
    num, target = len(target), rarest_label(target) if is_several(target) else target
    order = generator.permutation(num)
    codes = np.zeros(num, np.int64) if is_numbers(target) else np.unique(target, return_inverse=True)[1]
    fold = np.zeros(num, np.int64)
    if groups is None:
        order = order[np.argsort(codes[order], kind="stable")]
        fold[order] = np.arange(num) % max(1, min(folds, num))
        return fold
    _, first, cluster = np.unique(np.asarray(groups)[order], return_index=True, return_inverse=True)
    cluster = np.argsort(np.argsort(first))[cluster]  # numbered as they come in the drawn order
    counts = np.zeros((len(first), int(codes.max(initial=0)) + 1))
    np.add.at(counts, (cluster, codes[order]), 1)
    held = np.zeros((max(1, min(folds, len(first))), counts.shape[1]))
    place = np.zeros(len(first), np.int64)
    for group in np.argsort(-counts.sum(1), kind="stable"):
        crowd = np.square(held + counts[group]).sum(1) - np.square(held).sum(1)
        place[group] = np.lexsort((held.sum(1), crowd))[0]  # of folds as good, the emptiest
        held[place[group]] += counts[group]
    fold[order] = place[cluster]
    return fold


def is_numbers(target: np.ndarray) -> bool:
    """Tell whether a target holds numbers to estimate, not class codes."""
    return not np.issubdtype(np.asarray(target).dtype, np.integer)


def is_several(target: np.ndarray) -> bool:
    """Tell whether a target says which of several labels a row has: (rows, label)."""
    return np.ndim(target) == 2


def rarest_label(sets: np.ndarray) -> np.ndarray:
    """Return (rows,) the rarest label of each row, one more than there are where it has none: rows are dealt by it.

    After Sechidis, Tsoumakas and Vlahavas 2011, "On the stratification of multi-label data": rare labels first.
    """
    order = np.argsort(sets.sum(0), kind="stable")
    first = sets[:, order].argmax(1)
    return np.where(sets.any(1), order[first], sets.shape[1])


def find_thresholds(answers: np.ndarray, sets: np.ndarray) -> tuple[float, ...]:
    """Return for each label from which probability on it is answered, so that F1 is highest; arrays (rows, label).

    Each stands on FIRM more rows in which all labels together have theirs: few rows of its own say little. Of steps as
    good it is the middle one.
    """
    said = [answers >= step for step in STEPS]
    hits, named, held = (
        np.stack([(x & (sets == 1)).sum(0) for x in said]),
        np.stack([x.sum(0) for x in said]),
        sets.sum(0),
    )
    all_hits, all_named = (x.sum(1, keepdims=True) * FIRM / max(1, held.sum()) for x in (hits, named))
    scores = 2 * (hits + all_hits) / (named + held + all_named + FIRM)  # (step, label)
    best = scores >= scores.max(0) - 1e-9
    return tuple(float(np.median(STEPS[steps]).round(3)) for steps in best.T)


def turns(fold: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (rows of the other folds, rows of this fold) for each fold."""
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in np.unique(fold)]


def logs(x: Any, xp: Any = np) -> Any:
    """Return the logarithm of probabilities of any shape; of 0 that of the smallest. xp: numpy, or torch in a graph."""
    return xp.log(xp.clip(np.asarray(x, np.float64) if xp is np else x, SMALLEST, None))


def log_sum(logits: np.ndarray) -> np.ndarray:
    """Return log Σ exp over the classes: (rows, class) → (rows,)."""
    top = logits.max(1)
    return top + np.log(np.exp(logits - top[:, None]).sum(1))


def softmax(logits: Any, xp: Any = np) -> Any:
    """(rows, class) → probabilities (rows, class). xp: as in `logs`."""
    raised = xp.exp(logits - xp.amax(logits, 1)[:, None])
    return raised / raised.sum(1)[:, None]


def number_sets(present: Any) -> Any:
    """(rows, modality) bool → (rows,) int: which set of the modalities is there, 0 for none; of many, how many are.

    numpy, or torch in a graph.
    """
    num = present.shape[1]
    return sum(present[:, place] * (2**place if num <= MOST_SETS else 1) for place in range(num))


def count_sets(num: int) -> int:
    """Return how many numbers above 0 `number_sets` has for so many modalities."""
    return 2**num - 1 if num <= MOST_SETS else num


def list_sets(names: Sequence[str], every: Sequence[str], seed: int) -> list[tuple[str, ...]]:
    """Return the sets of these modalities to ask with, that of all at last: each; of many, a few of each size.

    every: all modalities of a study. Of many, the few are those in which all of them come as often.
    """
    num = len(names)
    if num <= MOST_SETS:
        return [keep for size in range(1, num + 1) for keep in itertools.combinations(names, size)]
    order = np.random.default_rng([seed, 12]).permutation(sorted(every)).tolist()
    starts = [len(order) * window // WINDOWS for window in range(WINDOWS)]
    windows = [(order * 2)[start : start + size] for size in range(1, len(order)) for start in starts]
    keeps = [tuple(name for name in names if name in window) for window in windows]
    return [*dict.fromkeys(keep for keep in keeps if 0 < len(keep) < num), tuple(names)]


class Tempered(NamedTuple):
    """A temperature, 1 where none is better, and answers (rows, class), each by a temperature that did not see it."""

    temperature: float
    answers: np.ndarray


def fit_temperature(
    probabilities: np.ndarray,
    codes: np.ndarray,
    present: np.ndarray | None = None,
    prior: Sequence[float] | None = None,
    start: float = 1.0,
    counts: np.ndarray | None = None,
    luck: float = LUCK,
) -> float:
    """Return the temperature by which `soften` fits best: above 1 where p is too sure (arXiv:1706.04599).

    present: (rows,) bool, the rows in which anything is; the others hold the prior and do not count. start: what it is
    where no row is left, and is held at while rows are few: to be less sure costs no more than DOUBT, however much.
    With a prior, answers count as far as they gain on it: of G nats over all rows some may be luck, so what they say
    beyond the prior is multiplied by 1 − luck / G (after James and Stein 1961), and by nothing where G is less. luck:
    nats; LUCK of the best of many, MEAN_LUCK of answers that nothing was chosen by. counts: (rows,), what each row
    counts, 1 if not given.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(codes)) if present is None else np.flatnonzero(present)
    if not len(rows):
        return start
    truth, given = np.asarray(codes)[rows], np.asarray(probabilities)[rows]
    several = is_several(truth)
    logits, each = log_odds(given) if several else logs(given), np.ones(len(rows)) if counts is None else counts[rows]

    def loss(log_temperature: float) -> float:
        scaled = soften(logits, np.exp(log_temperature), prior, several=several)
        if several:
            fit = (np.logaddexp(0, scaled) - truth * scaled).sum(1)
        else:
            fit = log_sum(scaled) - scaled[np.arange(len(truth)), truth]
        return float(each @ fit + DOUBT * (_weight(log_temperature) - _weight(np.log(start))) ** 2)

    found = float(np.exp(minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded").x))
    if prior is None:
        return found
    gain = _gain(apply_temperature(given, found, prior=prior, several=several), truth, prior, each)
    return min(HIGHEST, found / (1 - luck / gain)) if gain > luck else HIGHEST


def _weight(log_temperature: float) -> float:
    """Return what a temperature is held by: 1 / T, which ends at 0, above 1; −log T, which goes on, below."""
    return float(np.expm1(-log_temperature)) if log_temperature > 0 else -log_temperature


def _gain(probabilities: np.ndarray, codes: np.ndarray, prior: Sequence[float], counts: np.ndarray) -> float:
    """Return by how many nats, over all rows, answers are better than the prior."""
    gains = log_losses(np.tile(prior, (len(codes), 1)), codes) - log_losses(probabilities, codes)
    return float(counts @ gains) * (codes.shape[1] if is_several(codes) else 1)


def soften(
    logits: Any, temperature: Any, prior: Sequence[float] | None = None, xp: Any = np, several: bool = False
) -> Any:
    """Return logits of log probabilities (rows, class) by a temperature T, or one for each row (rows, 1): log p / T.

    With a prior of the classes (class,): log prior + (log p − log prior) / T, so that a high T leaves the prior, and
    not equal shares. several: logits and prior are of several labels, each by itself, log odds.
    """
    if prior is None:
        return logits / temperature
    base = log_odds(prior, xp) if several else logs(xp.asarray(prior, dtype=xp.float64), xp)
    return base + (logits - base) / temperature


def apply_temperature(
    probabilities: np.ndarray,
    temperature: float | np.ndarray,
    present: np.ndarray | None = None,
    prior: Sequence[float] | None = None,
    several: bool = False,
) -> np.ndarray:
    """Return the probabilities (rows, class) by a temperature, or one for each row (rows,); 1 leaves them as they are.

    Rows in which nothing is present keep the prior as it is. prior, several: as in `soften`.
    """
    before = np.asarray(probabilities, np.float64)
    heat = np.broadcast_to(np.asarray(temperature, np.float64), len(before))
    heat = (heat if present is None else np.where(present, heat, 1.0))[:, None]
    if (heat == 1.0).all():
        return before.copy()
    if several:
        return np.where(heat == 1.0, before, 1 / (1 + np.exp(-soften(log_odds(before), heat, prior, several=True))))
    return np.where(heat == 1.0, before, softmax(soften(logs(before), heat, prior)))


def cross_fit_temperature(
    probabilities: np.ndarray,
    codes: np.ndarray,
    fold: np.ndarray,
    present: np.ndarray | None = None,
    prior: Sequence[float] | None = None,
    start: float = 1.0,
    counts: np.ndarray | None = None,
    luck: float = LUCK,
) -> Tempered:
    """Fit a temperature on all rows, and keep it only where the log loss out of fold is not worse with it.

    Else it is where it starts; but with a prior, on which answers by that gain little more than luck (they may be those
    of the best of many), it is kept as well. counts, luck: as in `fit_temperature`.
    """
    each = np.ones(len(codes)) if counts is None else counts
    given, there = np.asarray(probabilities, np.float64), np.ones(len(codes), bool) if present is None else present
    several = is_several(codes)
    before = apply_temperature(given, start, there, prior, several)
    answers = before.copy()
    for rest, here in turns(fold):
        if len(rest):
            temperature = fit_temperature(given[rest], codes[rest], there[rest], prior, start, each[rest], luck)
            answers[here] = apply_temperature(given[here], temperature, there[here], prior, several)
    if len(np.unique(fold)) > 1:
        better = each @ log_losses(answers, codes) <= each @ log_losses(before, codes)
        if better or (prior is not None and _gain(before, codes, prior, each) <= 2 * luck):
            return Tempered(fit_temperature(given, codes, there, prior, start, each, luck), answers)
    return Tempered(start, before)
