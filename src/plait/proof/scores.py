"""Scores with intervals, and the table of every subset of modalities.
Takes targets and what a predictor answered, or a function that answers. Knows no model, no table and no picture."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np

from plait.core.classes import Ordered, Several, place_of
from plait.data.label_lists import code_labels
from plait.errors import RequestError
from plait.proof.intervals import span_classes, span_labels, span_numbers, span_rates
from plait.proof.metrics import PER_CLASS, Measure, classification, labelling, regression, row_f1, sort_key

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
    only: str = "",
) -> dict[str, Any]:
    """Score as `scores` does, each number as {"value", "low", "high"} with its 95 % interval, by the methods that
    `proof.intervals` names. groups: (rows,), such as speakers, whose rows are alike. only: the one that is asked for;
    of several labels no other is then measured. Where the rows cannot tell, as of
    a class with fewer than 10, low and high are None, and "why" says it in words."""
    cluster = None if groups is None else group_codes(groups)
    if classes is None:
        return span_numbers(*_values(target, predicted), generator, cluster)
    if isinstance(classes, Several):
        sets, chosen, probabilities, names = match_sets(target, predicted, classes)
        spans = span_labels(sets, chosen, probabilities, generator, cluster, only)
        return spans if only else _arrange(spans, names, sets.sum(0).tolist())
    truth, guess, probabilities, names = match_answers(target, predicted, classes)
    spans = span_classes(truth, guess, probabilities, names, generator, cluster, isinstance(classes, Ordered))
    return _arrange(spans, names, np.bincount(truth, minlength=len(names)).tolist())


def error_rates(counts: Any, *, generator: np.random.Generator, groups: Any = None) -> dict[str, dict[str, Any]]:
    """Return wer, cer and exact of transcripts, each with the interval that `intervals` gives.
    counts: (rows, 4) as `metrics.recognition` takes them; a row without a word counts what was heard in it. None where
    no row has a word. Raises RequestError for no rows, and as `intervals` does."""
    counts = np.asarray(counts, np.float64)
    _check(counts, {"the counts": counts})
    return span_rates(counts, generator, None if groups is None else group_codes(groups))


def by_modalities(
    predict: Callable[[tuple[str, ...]], np.ndarray],
    present: Mapping[str, np.ndarray],
    target: Any,
    classes: Sequence[Any] | None,
    generator: np.random.Generator,
    groups: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """Score one predictor with only some modalities present: {"audio+image": {"rows", "metrics"}}, names sorted.
    predict(keep) answers for all rows, (rows, class) or (rows,), with only the modalities in keep. present[m]: (rows,)
    bool. A subset is scored, as by `intervals`, over the rows that have one of its modalities and a label (metrics are
    empty where there is none), each by the same draws. Up to 6 modalities every subset, above that each alone, all but
    one, and all."""
    target, known = _column(target), labelled(target)
    names = sorted(present)
    sizes = range(1, len(names) + 1) if len(names) <= MOST_MODALITIES else (1, len(names) - 1, len(names))
    table: dict[str, dict[str, Any]] = {}
    for keep in itertools.chain.from_iterable(itertools.combinations(names, size) for size in sizes):
        rows = np.flatnonzero(known & np.any([np.asarray(present[m], bool) for m in keep], axis=0))
        metrics: dict[str, Any] = {}
        if len(rows):
            alike = None if groups is None else groups[rows]
            said = np.asarray(predict(keep))[rows]
            metrics = intervals(target[rows], said, classes, generator=deepcopy(generator), groups=alike)
        table["+".join(keep)] = {"rows": len(rows), "metrics": metrics}
    return table


def row_scores(target: Any, predicted: Any, classes: Sequence[Any] | None = None) -> np.ndarray:
    """Score every row by itself: 1 where the class is right and 0 where it is not; of numbers, the squared error; of
    several labels, their F1.
    target, predicted and classes as in `scores`, which says what is raised. Returns (rows,) float64."""
    if classes is None:
        truth, values = _values(target, predicted)
        return np.square(values - truth)
    if isinstance(classes, Several):
        sets, chosen, _, _ = match_sets(target, predicted, classes)
        return row_f1(sets, chosen)
    truth, guess, _, _ = match_answers(target, predicted, classes)
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
    truth, guess, _, names = match_answers(target, probabilities, classes)
    counts = np.bincount(truth * len(classes) + guess, minlength=len(names) * len(classes))
    return counts.reshape(len(names), len(classes)), names


def _prepare(target: Any, predicted: Any, classes: Sequence[Any] | None) -> tuple[Measure, list[str], list[int]]:
    if classes is None:
        return regression(*_values(target, predicted)), [], []
    if isinstance(classes, Several):
        sets, chosen, probabilities, names = match_sets(target, predicted, classes)
        return labelling(sets, chosen, probabilities), names, sets.sum(0).tolist()
    truth, guess, probabilities, names = match_answers(target, predicted, classes)
    measure = classification(truth, guess, probabilities, names, isinstance(classes, Ordered))
    return measure, names, np.bincount(truth, minlength=len(names)).tolist()


def match_sets(target: Any, answers: Any, classes: Several) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return which labels rows have and which are answered, (rows, label) bool, probabilities, and names: the labels as
    text, then those that the model never saw, which it never answers."""
    answers, cells = np.asarray(answers, np.float64), _column(target).tolist()
    if answers.ndim != 2 or answers.shape[1] != len(classes):
        raise RequestError(f"answers have the shape {answers.shape}; expected (rows, label) of {len(classes)} labels.")
    if not all(isinstance(cell, (tuple, list)) for cell in cells):
        raise RequestError("a row has no list of labels; expected one in every row, empty where it has none.")
    _check(cells, {"the probabilities": answers})
    names = _texts(classes, "name")
    names += sorted({str(label) for cell in cells for label in cell} - {*names})
    wide = ((0, 0), (0, len(names) - len(classes)))
    return code_labels(cells, names) == 1, np.pad(classes.decide(answers), wide), np.pad(answers, wide), names


def match_answers(
    target: Any, probabilities: Any, classes: Sequence[Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Return truth (rows,), guess (rows,), probabilities (rows, class) and names: the classes, then unknown labels."""
    probabilities = np.array(probabilities, np.float64)
    if probabilities.ndim != 2 or probabilities.shape[1] != len(classes):
        shape = f"(rows, class) with {len(classes)} classes"
        raise RequestError(f"probabilities have shape {probabilities.shape}; expected {shape}.")
    _check(target, {"the probabilities": probabilities})
    truth, names = match_classes(target, classes)
    return truth, place_of(probabilities, classes), probabilities, names


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
