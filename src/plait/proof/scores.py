"""Scores with intervals, calibration, and the table of every subset of modalities.
Takes targets and what a predictor answered, or a function that answers. Knows no model, no table and no picture."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from plait.errors import RequestError
from plait.proof.metrics import PER_CLASS, Measure, classification, draw, recognition, regression, sort_key

RESAMPLES = 1000
MOST_MODALITIES = 6  # up to here every subset is scored


def scores(target: Any, predicted: Any, classes: Sequence[Any] | None = None) -> dict[str, Any]:
    """Score probabilities (rows, class) whose columns follow classes, or where classes is None values (rows,).
    target: (rows,) labels or numbers, none absent. Labels meet classes by their text, so 3, 3.0 and "3" are one class;
    one that is not among the classes counts as wrong, and as a class that the model gives probability 0. Gives what
    `metrics` does, and per_class; None for auroc where the target has one class, for r2 where it has one value. Raises
    RequestError for no rows, an absent label, a wrong shape, NaN or infinity."""
    measure, names, support = _prepare(target, predicted, classes)
    values = measure(np.ones((len(predicted), 1), np.float32))
    known = {name: np.where(np.isnan(value), np.array(None), value)[..., 0].tolist() for name, value in values.items()}
    return _arrange(known, names, support)


def intervals(
    target: Any,
    predicted: Any,
    classes: Sequence[Any] | None = None,
    *,
    generator: np.random.Generator,
    groups: Any = None,
) -> dict[str, Any]:
    """Score as `scores` does, each number as {"value", "low", "high"}: a 95 % percentile bootstrap (Efron 1979).
    Rows are drawn with replacement; with groups (rows,), such as speakers, whole groups are (cluster bootstrap). A
    resample in which a metric is undefined is left out. An interval that misses the value, as it may with a handful of
    rows, is widened to hold it."""
    measure, names, support = _prepare(target, predicted, classes)
    return _arrange(_resample(measure, len(predicted), generator, groups), names, support)


def error_rates(counts: Any, *, generator: np.random.Generator) -> dict[str, dict[str, float | None]]:
    """Return wer, cer and exact of transcripts, each with the interval that `intervals` gives.
    counts: (rows, 4) as `metrics.recognition` takes them; a row without a word counts what was heard in it. None where
    no row has a word. Raises RequestError for no rows, and as `intervals` does."""
    counts = np.asarray(counts, np.float64)
    _check(counts, {"the counts": counts})
    return _resample(recognition(counts), len(counts), generator)


def _resample(measure: Measure, num_rows: int, generator: np.random.Generator, groups: Any = None) -> dict[str, Any]:
    """Return every number of a measure with its bootstrap interval."""
    cluster = None if groups is None else group_codes(groups)
    num_units = num_rows if cluster is None else int(cluster.max()) + 1
    block = max(16, min(1024, 600_000 // num_rows))  # resamples at once: their weights fit the processor's cache
    parts = []
    for start in range(0, RESAMPLES, block):
        weights = draw(generator, num_units, min(block, RESAMPLES - start))
        parts.append(measure(weights if cluster is None else weights[cluster]))
    spans = {}
    for name, values in measure(np.ones((num_rows, 1), np.float32)).items():
        drawn = np.concatenate([part[name] for part in parts], axis=-1)
        spans[name] = _spans(values[..., 0], drawn) if name in PER_CLASS else _spans(values, drawn[None])[0]
    return spans


def by_modalities(
    predict: Callable[[tuple[str, ...]], np.ndarray],
    present: Mapping[str, np.ndarray],
    target: Any,
    classes: Sequence[Any] | None,
    generator: np.random.Generator,
) -> dict[str, dict[str, Any]]:
    """Score one predictor with only some modalities present: {"audio+image": {"rows", "metrics"}}, names sorted.
    predict(keep) answers for all rows, (rows, class) or (rows,), with only the modalities in keep. present[m]: (rows,)
    bool. A subset is scored, as by `intervals`, over the rows that have one of its modalities and a label (metrics are
    empty where there is none). Up to 6 modalities every subset, above that each alone, all but one, and all."""
    target, known = _column(target), labelled(target)
    names = sorted(present)
    sizes = range(1, len(names) + 1) if len(names) <= MOST_MODALITIES else (1, len(names) - 1, len(names))
    table: dict[str, dict[str, Any]] = {}
    for keep in itertools.chain.from_iterable(itertools.combinations(names, size) for size in sizes):
        rows = np.flatnonzero(known & np.any([np.asarray(present[m], bool) for m in keep], axis=0))
        metrics: dict[str, Any] = {}
        if len(rows):
            metrics = intervals(target[rows], np.asarray(predict(keep))[rows], classes, generator=generator)
        table["+".join(keep)] = {"rows": len(rows), "metrics": metrics}
    return table


def row_scores(target: Any, predicted: Any, classes: Sequence[Any] | None = None) -> np.ndarray:
    """Score every row by itself: 1 where the class is right and 0 where it is not; of numbers, the squared error.
    target, predicted and classes as in `scores`, which says what is raised. Returns (rows,) float64."""
    if classes is None:
        truth, values = _values(target, predicted)
        return np.square(values - truth)
    truth, guess, _, _ = _answers(target, predicted, classes)
    return (truth == guess).astype(np.float64)


def match_classes(target: Any, classes: Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    """Return truth (rows,), indices into names, and names: the classes as text, then labels that are none of them."""
    names, labels = _texts(classes, "name"), _texts(target, "label")
    unknown = set(labels) - set(names)
    names += sorted(unknown, key=sort_key(list(unknown)))
    code = {name: index for index, name in enumerate(names)}
    return np.array([code[label] for label in labels]), names


def labelled(target: Any) -> np.ndarray:
    """Return (rows,) bool: which rows have a label, that is neither None nor NaN nor blank."""
    return np.array([_is_present(label) for label in _column(target).tolist()], bool)


def group_codes(groups: Any) -> np.ndarray:
    """Return (rows,) int, the same number for rows of one group, from 0. Raises RequestError where one is absent."""
    return np.unique(_texts(groups, "group"), return_inverse=True)[1]


def confusion(target: Any, probabilities: Any, classes: Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    """Count (label, class): rows are what was true, columns what the model said. Returns counts and the names of rows.
    Labels that the model never saw follow the classes as further rows, so there may be more rows than columns."""
    truth, guess, _, names = _answers(target, probabilities, classes)
    counts = np.bincount(truth * len(classes) + guess, minlength=len(names) * len(classes))
    return counts.reshape(len(names), len(classes)), names


def reliability(target: Any, probabilities: Any, classes: Sequence[Any], bins: int = 15) -> dict[str, Any]:
    """Compare what the model says of its answer (the largest probability) with how often it is right.
    Returns rows, confidence and accuracy (means over all rows), expected_calibration_error, and bins: of equal width,
    the empty ones left out, each {low, high, rows, confidence, accuracy} (Guo and others 2017, "On Calibration of
    Modern Neural Networks")."""
    truth, guess, probabilities, _ = _answers(target, probabilities, classes)
    confidence, right = probabilities.max(1), truth == guess
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)

    def mean(rows: np.ndarray) -> dict[str, Any]:
        means = {"confidence": float(confidence[rows].mean()), "accuracy": float(right[rows].mean())}
        return {"rows": int(rows.sum()), **means}

    used = np.unique(place).tolist()
    filled = [{"low": bin_ / bins, "high": (bin_ + 1) / bins, **mean(place == bin_)} for bin_ in used]
    error = sum(b["rows"] * abs(b["accuracy"] - b["confidence"]) for b in filled) / len(truth)
    return {**mean(place >= 0), "expected_calibration_error": float(error), "bins": filled}


def brier(target: Any, probabilities: Any, classes: Sequence[Any]) -> float:
    """Return the mean over rows of the squared distance to the truth, summed over classes: 0 to 2 (Brier 1950)."""
    truth, _, probabilities, names = _answers(target, probabilities, classes)
    wide = np.pad(probabilities, ((0, 0), (0, len(names) - len(classes))))
    wide[np.arange(len(truth)), truth] -= 1
    return float(np.square(wide).sum(1).mean())


def _prepare(target: Any, predicted: Any, classes: Sequence[Any] | None) -> tuple[Measure, list[str], list[int]]:
    if classes is None:
        return regression(*_values(target, predicted)), [], []
    truth, guess, probabilities, names = _answers(target, predicted, classes)
    return classification(truth, guess, probabilities, names), names, np.bincount(truth, minlength=len(names)).tolist()


def _answers(
    target: Any, probabilities: Any, classes: Sequence[Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return truth (rows,), guess (rows,), probabilities (rows, class) and names: the classes, then unknown labels."""
    probabilities = np.array(probabilities, np.float64)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):
        shape = f"(rows, class) with {len(classes)} classes"
        raise RequestError(f"probabilities have shape {probabilities.shape}; expected {shape}.")
    _check(target, {"the probabilities": probabilities})
    truth, names = match_classes(target, classes)
    return truth, probabilities.argmax(1), probabilities, names


def _values(target: Any, values: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return target and values, both (rows,) of finite numbers."""
    try:
        truth, guess = np.asarray(target, np.float64), np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise RequestError("the target or the prediction holds something that is no number.") from None
    truth, guess = (v[:, 0] if v.ndim == 2 and v.shape[1] == 1 else v for v in (truth, guess))
    if truth.ndim != 1 or guess.ndim != 1:
        raise RequestError(f"target and values have shapes {truth.shape} and {guess.shape}; expected (rows,) for both.")
    _check(truth, {"the values": guess, "the target": truth})
    return truth, guess


def _check(target: Sequence[Any] | np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
    if len(target) == 0:
        raise RequestError("there are 0 rows to score; expected 1 or more with a label.")
    for what, values in arrays.items():
        if len(values) != len(target):
            raise RequestError(f"rows of {what}: {len(values)}, of the target: {len(target)}; expected the same.")
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0, 0])
            raise RequestError(f"{what} hold NaN or infinity, first in row {row}; expected finite numbers.")


def _arrange(values: Mapping[str, Any], names: list[str], support: list[int]) -> dict[str, Any]:
    result = {name: value for name, value in values.items() if name not in PER_CLASS}
    if names:
        result["per_class"] = {
            name: {**{metric: values[metric][i] for metric in PER_CLASS}, "support": support[i]}
            for i, name in enumerate(names)
        }
    return result


def _spans(values: np.ndarray, drawn: np.ndarray) -> list[dict[str, float | None]]:
    """Return {"value", "low", "high"} for each of values (n,) and drawn (n, resample); None where undefined."""
    spans: list[dict[str, float | None]] = []
    for value, some in zip(values.tolist(), drawn, strict=True):
        some = some[~np.isnan(some)]
        low = high = None
        if not math.isnan(value) and len(some):
            low, high = np.quantile(some, [0.025, 0.975]).tolist()
            low, high = min(low, value), max(high, value)
        spans.append({"value": None if math.isnan(value) else value, "low": low, "high": high})
    return spans


def _column(values: Any) -> np.ndarray:
    """Return (rows,) of anything, without turning 1 and "a" into one kind."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        return values
    column = np.empty(len(values), object)
    column[:] = list(values)
    return column


def _is_present(label: Any) -> bool:
    return not (label is None or label != label or (isinstance(label, str) and not label.strip()))


def _texts(labels: Any, what: str) -> list[str]:
    """Return labels as text, 3.0 as "3". Raises RequestError for an absent one."""
    known: dict[Any, str] = {}
    column = _column(labels).tolist()
    for row, label in enumerate(column):
        if label not in known:
            if not _is_present(label):
                raise RequestError(f"row {row} of {len(column)} has no {what}; expected one in every row.")
            known[label] = str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
    return [known[label] for label in column]
