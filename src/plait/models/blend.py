"""Combining predictions: late fusion and ensembles, learned on validation rows. Knows no model and no table.

What is learned on rows is judged on the same rows only by cross-fitting: `assign_folds`, then `cross_fit`. A target of
whole numbers holds class codes; one of floats, numbers. Where a member (one of the candidates that are combined) is
absent its answer may be anything, NaN included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

import numpy as np

from plait.core.threads import single_blas
from plait.errors import RequestError
from plait.models.calibration import SMALLEST, is_numbers, is_several, log_sum, logs, losses, softmax, turns

FARTHEST = 10.0  # log-probabilities over the prior beyond this are cut in stacking
RIDGES = (3.0, 30.0, 300.0)  # of stacking; chosen by cross-validation


@dataclass(frozen=True)
class Combiner(ABC):
    """Makes one answer of many. A row in which no member is present gets the prior."""

    @abstractmethod
    def mix(self, xp: Any, x: Any, present: Any, prior: Any) -> Any:
        """x (rows, member, class) with the prior where absent, present (rows, member), prior (class,) → (rows, class).

        Numbers are of one class, in their unit. All in float64. xp: numpy, or torch, as in the graph for ONNX.
        """

    def combine(self, answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray) -> np.ndarray:
        """answers: (rows, class) of each member; present: (rows, member) bool; prior: (class,) → (rows, class)."""
        return self.mix(np, *_gather(answers, present, prior, len(getattr(self, "weights", answers))))

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON and arrays, from which `load_combiner` makes the same again."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        facts = {name: list(x) if isinstance(x, tuple) else x for name, x in values.items() if name != "coefficients"}
        arrays = {name: x for name, x in values.items() if name == "coefficients"}
        return {"kind": type(self).__name__.lower(), **facts}, arrays


# answers of each member, present, prior, target, fold → what combines
Fit: TypeAlias = Callable[[Sequence[np.ndarray], np.ndarray, np.ndarray, np.ndarray, np.ndarray], Combiner]


def cross_fit(
    fit: Fit,
    answers: Sequence[np.ndarray],
    present: np.ndarray,
    prior: np.ndarray,
    target: np.ndarray,
    fold: np.ndarray,
) -> np.ndarray:
    """Return answers (rows, class) by a combiner fitted on all folds but the row's; with one fold only, the average."""
    unseen = np.zeros((len(target), len(prior)))
    for rest, here in turns(fold):
        combiner: Combiner = Average()
        if len(rest) or fit is fit_confident:  # which has nothing to learn
            combiner = fit([x[rest] for x in answers], present[rest], prior, target[rest], fold[rest])
        unseen[here] = combiner.combine([x[here] for x in answers], present[here], prior)
    return unseen


# -- late fusion ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Average(Combiner):
    """The mean over the members that are present (the sum rule of Kittler and others 1998, IEEE TPAMI 20, 3)."""

    def mix(self, xp: Any, x: Any, present: Any, prior: Any) -> Any:
        return _mean(xp, x, _floats(xp, present), prior)


@dataclass(frozen=True)
class Weighted(Combiner):
    """A weight of 0 or more for each member. Classes: log prior + Σ w · (log p − log prior) over those present.

    With weights of 1 that is the product rule of Kittler and others 1998 (IEEE TPAMI 20, 3). Numbers: the weighted
    mean.
    """

    weights: tuple[float, ...]
    numbers: bool = False

    def mix(self, xp: Any, x: Any, present: Any, prior: Any) -> Any:
        weights = present * xp.asarray(self.weights, dtype=xp.float64)
        if self.numbers:
            return _mean(xp, x, weights, prior)
        logits = logs(prior, xp) + (weights[:, :, None] * _beyond(xp, x, prior)).sum(1)
        return xp.where(present.any(1)[:, None], softmax(logits, xp), prior)


@dataclass(frozen=True)
class Stacked(Combiner):
    """A linear model on what the members say beyond the prior, and on which are present: stacking (Wolpert 1992).

    Classes: multinomial logistic regression on log p − log prior, 0 where absent, with log prior as its start. Numbers:
    linear regression on (value − mean) / members present in the row. coefficients: (member · class + member + 1,
    class).
    """

    coefficients: np.ndarray
    numbers: bool = False

    def mix(self, xp: Any, x: Any, present: Any, prior: Any) -> Any:
        out = _features(xp, x, present, prior, self.numbers) @ xp.asarray(self.coefficients, dtype=xp.float64)
        answers = prior + out if self.numbers else softmax(logs(prior, xp) + out, xp)
        return xp.where(present.any(1)[:, None], answers, prior)


@dataclass(frozen=True)
class Mixture(Combiner):
    """The mean of what the present members say, weighted: an ensemble whose members need not all be there."""

    weights: tuple[float, ...]

    def mix(self, xp: Any, x: Any, present: Any, prior: Any) -> Any:
        return _mean(xp, x, present * xp.asarray(self.weights, dtype=xp.float64), prior)


@dataclass(frozen=True)
class Confident(Combiner):
    """What the member says that gives its likeliest class the highest probability, so that the class is that of the max
    rule (Kittler and others 1998, IEEE TPAMI 20, 3). Members should be calibrated, or the loudest answers.
    """

    def mix(self, xp: Any, x: Any, present: Any, prior: Any) -> Any:
        sure = xp.where(present, xp.amax(x, 2), -1.0)
        surest = sure.argmax(1)[:, None] == xp.arange(x.shape[1])[None]
        return _mean(xp, x, present * surest * xp.ones(x.shape[1], dtype=xp.float64), prior)


def fit_average(
    answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Average:
    """Return the average: there is nothing to fit. It stands where `cross_fit` wants a fit."""
    return Average()


def fit_confident(
    answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Confident:
    """Return the most confident: there is nothing to fit."""
    return Confident()


def fit_weighted(
    answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Weighted:
    """Fit a weight of 0 or more for each member, by log loss or squared error; few rows move them little from equal."""
    from scipy.optimize import minimize

    x, there, _ = _gather(answers, present, prior)
    rows, members = np.arange(len(target)), x.shape[1]
    if not is_numbers(target):
        base = logs(prior)
        beyond = np.where(there[:, :, None], _beyond(np, x, prior), 0.0)

        def log_loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
            logits = base + np.einsum("m,rmc->rc", weights, beyond)
            wrong = softmax(logits)
            fit = (log_sum(logits) - logits[rows, target]).sum()
            wrong[rows, target] -= 1
            slope = np.einsum("rc,rmc->m", wrong, beyond) + (weights - 1)
            return float(fit + np.square(weights - 1).sum() / 2), slope

        best = minimize(log_loss, np.ones(members), jac=True, method="L-BFGS-B", bounds=[(0, None)] * members)
        return Weighted(tuple(float(w) for w in best.x))
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
    answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Stacked:
    """Fit `Stacked` with a ridge, chosen by cross-validation, towards the product rule, or the mean for numbers."""
    x, there, base = _gather(answers, present, prior)
    numbers, kept = is_numbers(target), there.any(1)
    features, target, fold = _features(np, x, there, base, numbers)[kept], target[kept], fold[kept]
    start = np.zeros((features.shape[1], len(prior)))
    start[: len(answers) * len(prior)] = np.tile(np.eye(len(prior)), (len(answers), 1))
    with single_blas():
        solve, base = (_solve_ridge, base) if numbers else (_solve_logistic, logs(base))
        ridge = RIDGES[-1]
        if len(np.unique(fold)) > 1:
            sums = dict.fromkeys(RIDGES, 0.0)
            for rest, here in turns(fold):
                coefficients = start
                for candidate in reversed(RIDGES):  # from the firmest: each starts where the last one ended
                    coefficients = solve(features[rest], target[rest], base, candidate, start, coefficients)
                    out = base + features[here] @ coefficients
                    sums[candidate] += float(losses(out if numbers else softmax(out), target[here]).sum())
            ridge = min(reversed(RIDGES), key=lambda candidate: sums[candidate])
        return Stacked(solve(features, target, base, ridge, start, start), numbers)


def fit_mixture(
    answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, target: np.ndarray, fold: np.ndarray
) -> Mixture:
    """Choose members and weights greedily, see `select_ensemble`."""
    whole = [np.where(there[:, None], x, prior) for x, there in zip(answers, present.T, strict=True)]
    return Mixture(tuple(float(w) for w in select_ensemble(whole, target, present)))


def load_combiner(data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Combiner:
    """Return the combiner whose `state` these are. Raises RequestError for a kind that there is not."""
    kinds: dict[str, Any] = {kind.__name__.lower(): kind for kind in (Average, Weighted, Stacked, Mixture, Confident)}
    if data.get("kind") not in kinds:
        raise RequestError(f"there is no combiner {data.get('kind')!r}; expected one of {', '.join(kinds)}.")
    values = {key: tuple(x) if isinstance(x, list) else x for key, x in data.items() if key != "kind"}
    return kinds[data["kind"]](**values, **arrays)


def select_ensemble(
    predictions: Sequence[np.ndarray],
    target: np.ndarray,
    present: np.ndarray | None = None,
    size: int = 20,
    counts: np.ndarray | None = None,
    absolute: bool = False,
) -> np.ndarray:
    """Return weights (candidates,), adding up to 1, of the ensemble that is chosen greedily, one candidate at a time.

    Caruana and others 2004, "Ensemble selection from libraries of models" (ICML): each time the candidate, again if
    need be, with which the mean of all chosen has the least loss; the first of those as good. predictions: (rows,
    class) of each candidate, with the prior where it is absent. present: (rows, candidate) bool; the mean is over those
    present, as a `Mixture` takes it. counts: (rows,) what each counts. absolute: whether numbers lose their distance.
    """
    if not predictions or size < 1:
        raise RequestError(f"got {len(predictions)} candidates and size {size}; expected at least 1 of each.")
    numbers, rows = is_numbers(target), np.arange(len(target))
    # all that the loss looks at: the value, or the probability of what is true: of a class, or of each label
    if is_several(target):
        each, present = [np.where(target == 1, p, 1 - p).ravel() for p in predictions], _repeat(present, target)
        counts, target = _repeat(counts, target), target.ravel()
    else:
        each = [np.asarray(p, np.float64)[:, 0] if numbers else np.asarray(p)[rows, target] for p in predictions]
    seen = np.stack(each)
    there = np.ones(seen.shape, bool) if present is None else np.asarray(present, bool).T
    anywhere = there.any(1) | ~there.any()  # what is absent everywhere is no choice
    there = there | ~there.any(0)  # of rows in which none is, all say the prior
    total, chosen, picks, reached = np.zeros(len(target)), np.zeros(len(target)), [], []
    for _ in range(size):
        num = chosen + there
        means = np.where(num > 0, (total + seen * there) / np.maximum(num, 1), seen)  # no member there: the prior
        lost = means - target if numbers else -np.log(np.clip(means, SMALLEST, None))
        lost = np.abs(lost) if absolute else np.square(lost) if numbers else lost
        loss = np.where(anywhere, np.average(lost, axis=1, weights=counts), np.inf)
        pick = int(loss.argmin())
        total, chosen = total + seen[pick] * there[pick], chosen + there[pick]
        picks.append(pick)
        reached.append(float(loss[pick]))
    best = int(np.argmin(reached)) + 1
    return np.bincount(picks[:best], minlength=len(predictions)) / best


def _repeat(values: np.ndarray | None, sets: np.ndarray) -> np.ndarray | None:
    """Return what is said of rows (rows, …) for each label of each row."""
    return None if values is None else np.repeat(values, sets.shape[1], axis=0)


# -- inside -----------------------------------------------------------------------------------------------------------


def _gather(
    answers: Sequence[np.ndarray], present: np.ndarray, prior: np.ndarray, members: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return answers (rows, member, class) with the prior where absent, present (rows, member), and the prior."""
    there, base = np.asarray(present, bool), np.asarray(prior, np.float64)
    expected = (len(there), len(answers) if members is None else members)
    if not answers or there.shape != expected or len(answers) != expected[1]:
        raise RequestError(
            f"got answers of {len(answers)} members and presence of shape {there.shape}; expected {expected}."
        )
    shape = (len(there), len(base))
    for place, x in enumerate(answers):
        if np.shape(x) != shape:
            raise RequestError(f"the answers of member {place} have shape {np.shape(x)}; expected {shape}.")
    return np.where(there[:, :, None], np.stack(answers, 1).astype(np.float64), base), there, base


def _floats(xp: Any, present: Any) -> Any:
    return present * xp.ones(present.shape[1], dtype=xp.float64)


def _mean(xp: Any, x: Any, weights: Any, prior: Any) -> Any:
    """Return the mean over the members (rows, class), weighted (rows, member); without any weight the prior."""
    total = weights.sum(1)[:, None]
    mean = (weights[:, :, None] * x).sum(1) / xp.where(total > 0, total, 1.0)
    return xp.where(total > 0, mean, prior)


def _beyond(xp: Any, x: Any, prior: Any) -> Any:
    """Return log p − log prior, (rows, member, class); 0 for a class that training never had, as nothing knows it."""
    return xp.where(prior > SMALLEST, logs(x, xp) - logs(prior, xp), 0.0)


def _features(xp: Any, x: Any, present: Any, prior: Any, numbers: bool) -> Any:
    """Return (rows, member · class + member + 1): what is said beyond the prior, presence, and a constant."""
    if numbers:
        beyond = (x - prior) / xp.clip(present.sum(1), 1, None)[:, None, None]
    else:
        beyond = xp.clip(_beyond(xp, x, prior), -FARTHEST, FARTHEST)
    beyond, flags = xp.where(present[:, :, None], beyond, 0.0), _floats(xp, present)
    return xp.concatenate([beyond.reshape(x.shape[0], -1), flags, xp.ones_like(flags[:, :1])], 1)


def _solve_logistic(
    features: np.ndarray, codes: np.ndarray, base: np.ndarray, ridge: float, center: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return coefficients (feature, class): least log loss + ridge / 2 · squared distance to the center."""
    from scipy.optimize import minimize

    rows = np.arange(len(codes))

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        coefficients = flat.reshape(center.shape)
        logits = base + features @ coefficients
        wrong = softmax(logits)
        fit = (log_sum(logits) - logits[rows, codes]).sum()
        wrong[rows, codes] -= 1
        away = coefficients - center
        return float(fit + ridge / 2 * np.square(away).sum()), (features.T @ wrong + ridge * away).ravel()

    options = {"maxiter": 100, "ftol": 1e-6}  # a loss that is right to a millionth; more says nothing of new rows
    return minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(center.shape)


def _solve_ridge(
    features: np.ndarray, values: np.ndarray, base: np.ndarray, ridge: float, center: np.ndarray, start: np.ndarray
) -> np.ndarray:
    """Return coefficients (feature, 1): least squares + ridge · squared distance to the center."""
    spread = (float(np.std(values)) if len(values) else 0.0) or 1.0
    scale, members = np.ones(features.shape[1]), (features.shape[1] - 1) // 2
    if len(values):
        deviations = features[:, :members].std(0)
        scale[:members] = np.where(deviations > SMALLEST, deviations, 1.0)
    x = features / scale
    left = (values - base[0] - features @ center[:, 0]) / spread
    moved = np.linalg.solve(x.T @ x + ridge * np.eye(len(scale)), x.T @ left)
    return center + (moved * spread / scale)[:, None]
