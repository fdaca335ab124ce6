"""Combining predictions: late fusion and ensembles, learned on validation rows.

Takes what candidates answered. Knows no model and no table. What is learned on rows is judged on the same rows only by
cross-fitting: `assign_folds`, then `cross_fit`. A target of whole numbers holds class codes; one of floats, numbers.
A member is one of the candidates that are combined; where it is absent its answer may be anything, NaN included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from plait.errors import RequestError
from plait.models.calibration import SMALLEST, is_numbers, log_sum, logs, losses, softmax, turns

FARTHEST = 10.0  # log-probabilities over the prior beyond this are cut in stacking
RIDGES = (3.0, 30.0, 300.0)  # of stacking; chosen by cross-validation

State: TypeAlias = tuple[dict[str, Any], dict[str, np.ndarray]]


class Combiner(Protocol):
    """Anything that makes one answer of many: `Average`, `Weighted`, `Stacked`."""

    def combine(self, said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """said: (rows, class) of each member; present: (rows, member) bool; prior: (class,) → (rows, class).

        Numbers: (rows, 1) and a prior of (1,). A row in which no member is present gets the prior.
        """

    def state(self) -> State:
        """Return JSON and arrays, from which `load_combiner` makes the same again."""


# said, present, prior, target, fold → what combines
Fit: TypeAlias = Callable[[Sequence[np.ndarray], np.ndarray, np.ndarray, np.ndarray, np.ndarray], Combiner]


def cross_fit(
    fit: Fit,
    said: Sequence[np.ndarray],
    present: np.ndarray,
    prior: np.ndarray,
    target: np.ndarray,
    fold: np.ndarray,
) -> np.ndarray:
    """Return answers (rows, class) for rows that the combiner was not fitted on: fitted on all folds but theirs.

    Arguments as in `Combiner.combine`; fold from `assign_folds`. With one fold only, nothing is learned: the average.
    """
    answers = np.zeros((len(target), len(prior)))
    for rest, here in turns(fold):
        if len(rest):
            combiner = fit([x[rest] for x in said], present[rest], prior, target[rest], fold[rest])
        else:
            combiner = Average()
        answers[here] = combiner.combine([x[here] for x in said], present[here], prior)
    return answers


# -- late fusion ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Average:
    """The mean over the members that are present (the sum rule of Kittler and others 1998, IEEE TPAMI 20, 3)."""

    def combine(self, said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray) -> np.ndarray:
        x, there, some = _gather(said, present, prior)
        total = np.where(there[:, :, None], x, 0.0).sum(1)
        return np.where(some, total / np.maximum(there.sum(1), 1)[:, None], prior)

    def state(self) -> State:
        return {"kind": "average"}, {}


@dataclass(frozen=True)
class Weighted:
    """A weight for each member. Classes: log prior + Σ w · (log p − log prior) over the members that are present.

    With weights of 1 that is the product rule of Kittler and others 1998 (IEEE TPAMI 20, 3); weights are 0 or more.
    Numbers: the mean of the present members, weighted.
    """

    weights: tuple[float, ...]
    numbers: bool = False

    def combine(self, said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray) -> np.ndarray:
        x, there, some = _gather(said, present, prior, len(self.weights))
        weights = there * np.asarray(self.weights)
        if self.numbers:
            total = weights.sum(1)[:, None]
            mean = np.divide((weights[:, :, None] * x).sum(1), total, out=np.zeros_like(x[:, 0]), where=total > 0)
            return np.where(some & (total > 0), mean, prior)
        logits = logs(prior) + np.einsum("rm,rmc->rc", weights, _beyond(x, prior))
        return np.where(some, softmax(logits), prior)

    def state(self) -> State:
        return {"kind": "weighted", "weights": list(self.weights), "numbers": self.numbers}, {}


@dataclass(frozen=True)
class Stacked:
    """A linear model on what the members say beyond the prior, and on which of them are present.

    Wolpert 1992, "Stacked generalization". Classes: multinomial logistic regression on log p − log prior, 0 where
    absent, with log prior as its start. Numbers: linear regression on (value − mean) / members present in the row.
    coefficients: (member · class + member + 1, class): every member's answer, its presence, and a constant.
    """

    coefficients: np.ndarray
    numbers: bool = False

    def combine(self, said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray) -> np.ndarray:
        members = (len(self.coefficients) - 1) // (len(prior) + 1)
        x, there, some = _gather(said, present, prior, members)
        features = _features(x, there, prior, self.numbers)
        if self.numbers:
            return np.where(some, prior + features @ self.coefficients, prior)
        return np.where(some, softmax(logs(prior) + features @ self.coefficients), prior)

    def state(self) -> State:
        return {"kind": "stacked", "numbers": self.numbers}, {"coefficients": self.coefficients}


def fit_average(
    said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Average:
    """Return the average: there is nothing to fit. It stands where `cross_fit` wants a fit."""
    return Average()


def fit_weighted(
    said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Weighted:
    """Fit a weight of 0 or more for each member, by log loss or squared error; few rows move them little from equal.

    Arguments as in `cross_fit`.
    """
    from scipy.optimize import minimize

    x, there, _ = _gather(said, present, prior)
    rows, members = np.arange(len(target)), x.shape[1]
    if not is_numbers(target):
        base = logs(prior)
        beyond = np.where(there[:, :, None], _beyond(x, prior), 0.0)

        def log_loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            logits = base + np.einsum("m,rmc->rc", weights, beyond)
            wrong = softmax(logits)
            fit = (log_sum(logits) - logits[rows, target]).sum()
            wrong[rows, target] -= 1
            slope = np.einsum("rc,rmc->m", wrong, beyond) + (weights - 1)
            return float(fit + np.square(weights - 1).sum() / 2), slope

        found = minimize(log_loss, np.ones(members), jac=True, method="L-BFGS-B", bounds=[(0, None)] * members)
        return Weighted(tuple(float(w) for w in found.x))
    spread = max(float(np.var(target)), SMALLEST)

    def squared(scores: np.ndarray) -> tuple[float, np.ndarray]:
        shares = there * np.exp(scores - scores.max())
        shares = shares / np.maximum(shares.sum(1, keepdims=True), SMALLEST)
        guess = (shares * x[:, :, 0]).sum(1)
        error = np.where(there.any(1), guess - target, 0.0)
        slope = (2 * error[:, None] * shares * (x[:, :, 0] - guess[:, None])).sum(0) / spread + scores
        return float(np.square(error).sum() / spread + np.square(scores).sum() / 2), slope

    scores = minimize(squared, np.zeros(members), jac=True, method="L-BFGS-B").x
    return Weighted(tuple(float(w) for w in np.exp(scores - scores.max())), numbers=True)


def fit_stacked(
    said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Stacked:
    """Fit `Stacked` with a ridge towards the plain combination: the product rule for classes, the mean for numbers.

    So few rows give what those give, not zeros. The ridge is chosen among three by cross-validation over `fold`.
    Arguments as in `cross_fit`.
    """
    from threadpoolctl import threadpool_limits

    x, there, some = _gather(said, present, prior)
    numbers = is_numbers(target)
    kept = some[:, 0]
    features, target, fold = _features(x, there, prior, numbers)[kept], target[kept], fold[kept]
    start = np.zeros((features.shape[1], len(prior)))
    eye = np.eye(len(prior))
    for member in range(x.shape[1]):
        start[member * len(prior) : (member + 1) * len(prior)] = eye
    with threadpool_limits(1, user_api="blas"):  # on a busy machine, threads in such small products wait, not work
        solve, base = (_solve_ridge, np.asarray(prior, np.float64)) if numbers else (_solve_logistic, logs(prior))
        ridge = RIDGES[-1]
        if len(np.unique(fold)) > 1:
            sums = dict.fromkeys(RIDGES, 0.0)
            for rest, here in turns(fold):
                found = start
                for candidate in reversed(RIDGES):  # from the firmest: each starts where the last one ended
                    found = solve(features[rest], target[rest], base, candidate, start, found)
                    out = base + features[here] @ found
                    sums[candidate] += float(losses(out if numbers else softmax(out), target[here]).sum())
            ridge = min(reversed(RIDGES), key=lambda candidate: sums[candidate])
        return Stacked(solve(features, target, base, ridge, start, start), numbers)


@dataclass(frozen=True)
class Mixture:
    """The mean of what the present members say, weighted: an ensemble whose members need not all be there."""

    weights: tuple[float, ...]

    def combine(self, said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray) -> np.ndarray:
        x, there, _ = _gather(said, present, prior, len(self.weights))
        weights = there * np.asarray(self.weights)
        total = weights.sum(1)[:, None]
        mean = np.divide((weights[:, :, None] * x).sum(1), total, out=np.zeros_like(x[:, 0]), where=total > 0)
        return np.where(total > 0, mean, prior)

    def state(self) -> State:
        return {"kind": "mixture", "weights": list(self.weights)}, {}


def fit_mixture(
    said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Mixture:
    """Choose members and weights greedily, see `select_ensemble`. Arguments as in `cross_fit`."""
    whole = [np.where(there[:, None], x, prior) for x, there in zip(said, present.T, strict=True)]
    return Mixture(tuple(float(w) for w in select_ensemble(whole, target)))


def load_combiner(data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Combiner:
    """Return the combiner whose `state` these are. Raises RequestError for a kind that there is not."""
    kind = data.get("kind")
    if kind == "average":
        return Average()
    if kind == "weighted":
        return Weighted(tuple(float(w) for w in data["weights"]), bool(data["numbers"]))
    if kind == "stacked":
        return Stacked(np.asarray(arrays["coefficients"]), bool(data["numbers"]))
    if kind == "mixture":
        return Mixture(tuple(float(w) for w in data["weights"]))
    raise RequestError(f"there is no combiner {kind!r}; expected average, weighted, stacked or mixture.")


# -- ensembles --------------------------------------------------------------------------------------------------------


def select_ensemble(predictions: Sequence[np.ndarray], target: np.ndarray, size: int = 20) -> np.ndarray:
    """Return weights (candidates,), adding up to 1, of the ensemble that is chosen greedily, one candidate at a time.

    Caruana and others 2004, "Ensemble selection from libraries of models" (ICML): each time the candidate, again if
    need be, with which the mean of all chosen has the least loss; of the sizes up to `size`, the best. predictions:
    (rows, class) of each candidate for the same rows. Equal candidates: the first one.
    """
    if not predictions or size < 1:
        raise RequestError(f"got {len(predictions)} candidates and size {size}; expected at least 1 of each.")
    numbers = is_numbers(target)
    rows = np.arange(len(target))
    # all that the loss looks at: the value, or the probability of the true class
    told = np.stack([np.asarray(p, np.float64)[:, 0] if numbers else np.asarray(p)[rows, target] for p in predictions])
    total, picks, found = np.zeros(len(target)), [], []
    for step in range(1, size + 1):
        means = (total + told) / step
        loss = np.square(means - target).mean(1) if numbers else -np.log(np.clip(means, SMALLEST, None)).mean(1)
        pick = int(loss.argmin())
        total = total + told[pick]
        picks.append(pick)
        found.append(float(loss[pick]))
    best = int(np.argmin(found)) + 1
    return np.bincount(picks[:best], minlength=len(predictions)) / best


def combine_ensemble(predictions: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """Return the mean of the candidates' answers, weighted: (rows, class). A candidate of weight 0 is not looked at."""
    chosen = np.flatnonzero(weights).tolist()
    return np.sum([weights[i] * np.asarray(predictions[i], np.float64) for i in chosen], axis=0)


def cross_fit_ensemble(
    predictions: Sequence[np.ndarray], target: np.ndarray, fold: np.ndarray, size: int = 20
) -> np.ndarray:
    """Return answers (rows, class) of ensembles that were selected without the row. With one fold: the plain mean."""
    answers = np.zeros_like(np.asarray(predictions[0], np.float64))
    for rest, here in turns(fold):
        weights = np.full(len(predictions), 1 / len(predictions))
        if len(rest):
            weights = select_ensemble([p[rest] for p in predictions], target[rest], size)
        answers[here] = combine_ensemble([p[here] for p in predictions], weights)
    return answers


# -- inside -----------------------------------------------------------------------------------------------------------


def _gather(
    said: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, members: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return answers (rows, member, class) with the prior where absent, present (rows, member), some (rows, 1)."""
    there = np.asarray(present, bool)
    expected = (len(there), len(said) if members is None else members)
    if not said or there.shape != expected or len(said) != expected[1]:
        raise RequestError(
            f"got answers of {len(said)} members and presence of shape {there.shape}; expected {expected}."
        )
    for place, x in enumerate(said):
        if np.shape(x) != (len(there), len(prior)):
            shape = f"({len(there)}, {len(prior)})"
            raise RequestError(f"the answers of member {place} have shape {np.shape(x)}; expected {shape}.")
    x = np.where(there[:, :, None], np.stack(said, 1).astype(np.float64), np.asarray(prior, np.float64))
    return x, there, np.any(there, axis=1, keepdims=True)


def _beyond(x: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return log p − log prior, (rows, member, class); 0 for a class that training never had, as nothing knows it."""
    return np.where(np.asarray(prior) > SMALLEST, logs(x) - logs(prior), 0.0)


def _features(x: np.ndarray, there: np.ndarray, prior: np.ndarray, numbers: bool) -> np.ndarray:
    """Return (rows, member · class + member + 1): what is said beyond the prior, presence, and a constant."""
    if numbers:
        beyond = (x - prior) / np.maximum(there.sum(1), 1)[:, None, None]
    else:
        beyond = np.clip(_beyond(x, prior), -FARTHEST, FARTHEST)
    beyond = np.where(there[:, :, None], beyond, 0.0)
    return np.concatenate([beyond.reshape(len(x), -1), there, np.ones((len(x), 1))], 1)


def _solve_logistic(
    features: np.ndarray, codes: np.ndarray, base: np.ndarray, ridge: float, center: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return coefficients (feature, class): least log loss + ridge / 2 · squared distance to the center."""
    from scipy.optimize import minimize

    rows = np.arange(len(codes))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        found = flat.reshape(center.shape)
        logits = base + features @ found
        wrong = softmax(logits)
        fit = (log_sum(logits) - logits[rows, codes]).sum()
        wrong[rows, codes] -= 1
        away = found - center
        return float(fit + ridge / 2 * np.square(away).sum()), (features.T @ wrong + ridge * away).ravel()

    options = {"maxiter": 100, "ftol": 1e-6}  # a loss that is right to a millionth; more says nothing of new rows
    return minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(center.shape)


def _solve_ridge(
    features: np.ndarray, values: np.ndarray, base: np.ndarray, ridge: float, center: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return coefficients (feature, 1): least squares + ridge · squared distance to the center.

    All counts in the spread of the values, and a coefficient by how much it moves the answer: so a member in another
    unit, which needs a large one, is not held back.
    """
    spread = (float(np.std(values)) if len(values) else 0.0) or 1.0
    scale, members = np.ones(features.shape[1]), (features.shape[1] - 1) // 2
    if len(values):
        deviations = features[:, :members].std(0)
        scale[:members] = np.where(deviations > SMALLEST, deviations, 1.0)
    x = features / scale
    left = (values - base[0] - features @ center[:, 0]) / spread
    moved = np.linalg.solve(x.T @ x + ridge * np.eye(len(scale)), x.T @ left)
    return center + (moved * spread / scale)[:, None]
