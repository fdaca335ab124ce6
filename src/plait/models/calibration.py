"""Losses, folds and temperature: how sure a prediction may be, learned on validation rows and judged on others.

Knows no model and no table. A target of whole numbers holds class codes; one of floats, numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

SMALLEST = 1e-12  # a probability of 0 is taken as this
LOWEST, HIGHEST = 0.05, 20.0  # temperatures
DOUBT = 5.0  # how firmly the temperature is held at 1 before rows speak: loss = 5 · (log T)²


def log_losses(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return −log of the probability of the true class: (rows, class), (rows,) → (rows,)."""
    return -logs(np.asarray(probabilities)[np.arange(len(codes)), codes])


def losses(answers: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the loss of every row, (rows,): log loss for class codes, squared error for numbers."""
    return np.square(answers[:, 0] - target) if is_numbers(target) else log_losses(answers, target)


def assign_folds(
    target: np.ndarray, *, generator: np.random.Generator, groups: np.ndarray | None = None, folds: int = 5
) -> np.ndarray:
    """Return (rows,) int: the fold of every row, each class spread evenly, a group in one fold; of few rows, fewer."""
    num = len(target)
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


class Tempered(NamedTuple):
    """A temperature, 1 where none is better, and answers (rows, class), each by a temperature that did not see it."""

    temperature: float
    answers: np.ndarray


def fit_temperature(probabilities: np.ndarray, codes: np.ndarray, present: np.ndarray | None = None) -> float:
    """Return the temperature T that makes softmax(log p / T) fit best: above 1 where p is too sure (arXiv:1706.04599).

    present: (rows,) bool, the rows in which anything is; the others hold the prior and do not count. 1 where none is
    left.
    """
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(codes)) if present is None else np.flatnonzero(present)
    if not len(rows):
        return 1.0
    logits, truth = logs(np.asarray(probabilities)[rows]), np.asarray(codes)[rows]

    def loss(log_temperature: float) -> float:
        scaled = logits * np.exp(-log_temperature)
        fit = log_sum(scaled) - scaled[np.arange(len(truth)), truth]
        return float(fit.sum() + DOUBT * log_temperature**2)

    return float(np.exp(minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded").x))


def apply_temperature(probabilities: np.ndarray, temperature: float, present: np.ndarray | None = None) -> np.ndarray:
    """Return softmax(log p / T), (rows, class). Rows in which nothing is present keep the prior as it is."""
    before = np.asarray(probabilities, np.float64)
    if temperature == 1.0:
        return before.copy()
    after = softmax(logs(before) / temperature)
    return after if present is None else np.where(np.asarray(present, bool)[:, None], after, before)


def cross_fit_temperature(
    probabilities: np.ndarray, codes: np.ndarray, fold: np.ndarray, present: np.ndarray | None = None
) -> Tempered:
    """Fit a temperature on all rows, and keep it only where the log loss out of fold is not worse with it."""
    before = np.asarray(probabilities, np.float64)
    there = np.ones(len(codes), bool) if present is None else np.asarray(present, bool)
    answers = before.copy()
    for rest, here in turns(fold):
        if len(rest):
            temperature = fit_temperature(before[rest], codes[rest], there[rest])
            answers[here] = apply_temperature(before[here], temperature, there[here])
    several = len(np.unique(fold)) > 1
    if several and log_losses(answers, codes).mean() <= log_losses(before, codes).mean():
        return Tempered(fit_temperature(before, codes, there), answers)
    return Tempered(1.0, before.copy())
