"""Whether probabilities can be believed: how sure a model is against how often it is right. Knows no model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from plait.core.classes import Several
from plait.proof.metrics import SMALLEST
from plait.proof.scores import match_answers, match_sets
from plait.proof.spans import jackknife_reach, mean_span

DRAWS = 1000
BLOCK = 2_000_000  # numbers in memory at once
NUMBERED = 500  # rows, of fewer the error of calibration is mostly chance, and only a word is said
CALIBRATED, TOO_SURE, TIMID = "consistent with calibrated", "overconfident", "underconfident"


def reliability(target: Any, probabilities: Any, classes: Sequence[Any], bins: int = 15) -> dict[str, Any]:
    """Compare what the model says of its answer (the largest probability) with how often it is right.

    Returns rows, confidence and accuracy (means over all rows), expected_calibration_error, and bins: of equal width,
    the empty ones left out, each {low, high, rows, confidence, accuracy} (Guo and others 2017, "On Calibration of
    Modern Neural Networks"). Of few rows the error is above 0 by chance alone. band: what it is in 95 of 100 draws of
    rows that are right as often as the model says (Bröcker and Smith 2007; Vaicenavicius and others 2019), None below
    500 rows. word: consistent with calibrated, where the error is in the band or below it; else overconfident, or
    underconfident."""
    truth, guess, probabilities, _ = match_answers(target, probabilities, classes)
    confidence, right = probabilities.max(1), truth == guess
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)

    def mean(rows: np.ndarray) -> dict[str, Any]:
        means = {"confidence": float(confidence[rows].mean()), "accuracy": float(right[rows].mean())}
        return {"rows": int(rows.sum()), **means}

    used = np.unique(place).tolist()
    filled = [{"low": bin_ / bins, "high": (bin_ + 1) / bins, **mean(place == bin_)} for bin_ in used]
    error = sum(b["rows"] * abs(b["accuracy"] - b["confidence"]) for b in filled) / len(truth)
    low, high = np.quantile(_draw_errors(confidence, place), [0.025, 0.975]).tolist()
    word = CALIBRATED if error <= high + 1e-9 else TOO_SURE if confidence.mean() > right.mean() else TIMID
    return {
        **mean(place >= 0),
        "expected_calibration_error": float(error),
        "band": [low, high] if len(truth) >= NUMBERED else None,
        "word": word,
        "bins": filled,
    }


def as_classes(target: Any, probabilities: Any, classes: Sequence[Any]) -> tuple[Any, Any, Sequence[Any]]:
    """Return what `reliability` takes; of several labels a row each label of each row, which is there or is not."""
    if not isinstance(classes, Several):
        return target, probabilities, classes
    sets, _, said, _ = match_sets(target, probabilities, classes)
    yes = said.ravel()
    return sets.ravel().astype(int), np.stack([1 - yes, yes], 1), [0, 1]


def _draw_errors(confidence: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return the calibration error of draws (draw,) in which each row is right with its own probability."""
    order, num, generator = np.argsort(place, kind="stable"), len(place), np.random.default_rng(0)
    sure, starts = confidence[order], np.flatnonzero(np.diff(place[order], prepend=-1))
    errors, step = [], max(1, BLOCK // num)
    for at in range(0, DRAWS, step):
        off = (generator.random((min(step, DRAWS - at), num), np.float32) < sure) - sure
        errors.append(np.abs(np.add.reduceat(off, starts, axis=1)).sum(1) / num)
    return np.concatenate(errors)


def calibration(
    target: Any,
    before: np.ndarray,
    after: np.ndarray,
    classes: Sequence[Any],
    temperature: float,
    groups: np.ndarray | None = None,
) -> dict[str, Any]:
    """Compare probabilities (rows, class) with what was true, before and after the temperature.

    Returns before and after, as `reliability` does, temperature, and brier (the squared distance to the truth, summed
    over classes, 0 to 2: Brier 1950) and log_loss: {before, after, change}. change: {value, low, high} with its paired
    95 % interval, below 0 where after is better. groups: (rows,) codes."""
    both = {"before": before, "after": after}
    losses = {key: _losses(target, answers, classes) for key, answers in both.items()}
    found: dict[str, Any] = {key: reliability(target, answers, classes) for key, answers in both.items()}
    for name in ("brier", "log_loss"):
        means = {key: float(losses[key][name].mean()) for key in both}
        found[name] = {**means, "change": _change(losses["after"][name] - losses["before"][name], groups)}
    return {**found, "temperature": temperature}


def _change(apart: np.ndarray, groups: np.ndarray | None) -> dict[str, float | None]:
    """Return the mean of differences (rows,) with its interval."""
    value = float(apart.mean())
    if groups is None:
        low, high = mean_span(apart).tolist()
    else:
        sums, rows = np.bincount(groups, apart), np.bincount(groups)
        kept = rows > 0
        reach = jackknife_reach((apart.sum() - sums[kept]) / np.maximum(1, len(apart) - rows[kept]))
        low, high = value - reach, value + reach
    known = np.isfinite(low) and low < high
    return {"value": value, "low": low if known else None, "high": high if known else None}


def _losses(target: Any, probabilities: Any, classes: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return the squared distance to the truth and the log loss of every row (rows,)."""
    truth, _, probabilities, names = match_answers(target, probabilities, classes)
    wide, rows = np.pad(probabilities, ((0, 0), (0, len(names) - len(classes)))), np.arange(len(truth))
    surprise = -np.log(np.maximum(wide[rows, truth], SMALLEST))
    wide[rows, truth] -= 1
    return {"brier": np.square(wide).sum(1), "log_loss": surprise}
