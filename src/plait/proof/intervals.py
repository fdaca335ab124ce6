"""Each number of a measure with its 95 % interval, by rows or by whole groups. Knows arrays, and not who answered.

Shares have score intervals (Wilson 1927; of f1 Lam 2023), log loss ABC (DiCiccio and Efron 1992). The rest has BCa
(Efron 1987): of classes drawn within each class, and no narrower than the sum of their score intervals (Zou and Donner
2008); of numbers no narrower than the jackknife on a log scale, nor than errors with the tails of a Student t have it.
Of so many rows that a resample is hardly skewed the jackknife over parts of them takes its place, at a tenth of the
cost. With groups all have the jackknife over groups with t of G − 1 degrees of freedom, no narrower than by rows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from plait.proof.metrics import PER_CLASS, SMALLEST, Measure, classification, draw, labelling, recognition, regression
from plait.proof.spans import (
    bca_span,
    f1_span,
    jackknife_reach,
    mean_span,
    rank_span,
    scaled_span,
    student_end,
    sum_span,
    widen,
    wilson,
)

RESAMPLES = 1000
MANY = 20_000  # rows, above which nothing is drawn
PARTS = 50  # of the rows, each left out once to see how skewed a resample is
GROUPS = 1000  # left out one by one; of more, so many sets of them
FEW = 10  # rows, of fewer there is no interval
ONE_GROUP = "all rows are of one group"
SCALES = dict.fromkeys(("mae", "rmse", "log_loss", "wer", "cer"), "error") | {"r2": "explained"}  # else a share


class Known(NamedTuple):
    """What is known without a resample, by the name of the number. Ends are (2,), or (2, class)."""

    exact: dict[str, np.ndarray]  # this is the interval
    least: dict[str, np.ndarray]  # it is no narrower
    why: dict[str, Any]  # why there is none; of a number of each class for each why, "" where there is one


class Rows(NamedTuple):
    """How rows hang together: how many, the class of each (rows,), the group of each from 0 (rows,); or the labels."""

    num: int
    truth: np.ndarray | None
    cluster: np.ndarray | None
    sets: np.ndarray | None = None  # (rows, label) bool

    @property
    def block(self) -> int:
        """How many resamples to take at once: their weights fit the processor's cache."""
        return max(16, min(1024, 600_000 // self.num))


def span_classes(
    truth: np.ndarray,
    guess: np.ndarray,
    probabilities: np.ndarray,
    names: list[str],
    generator: np.random.Generator,
    cluster: np.ndarray | None = None,
    ordered: bool = False,
) -> dict[str, Any]:
    """Return the scores of answers, as `metrics.classification` takes them: {"value", "low", "high"}, and "why" where
    there is no interval; of the numbers of each class a list. cluster: (rows,) codes of groups, from 0."""
    measure = classification(truth, guess, probabilities, names, ordered)
    value = {name: some[..., 0] for name, some in measure(np.ones((len(truth), 1), np.float32)).items()}
    num_rows, num = len(truth), len(names)
    hits, support, guessed = (np.bincount(c, minlength=num) for c in (truth[truth == guess], truth, guess))
    spans = {"precision": wilson(hits, guessed), "recall": wilson(hits, support), "f1": f1_span(hits, support, guessed)}
    occurs, there = (support + guessed) > 0, support > 0
    right, wide = wilson(hits.sum(), num_rows), np.pad(probabilities, ((0, 0), (0, num - probabilities.shape[1])))

    def mean(name: str, weights: np.ndarray) -> np.ndarray:
        return sum_span(weights / weights.sum(), value[name], spans[name])

    exact = {**spans, "accuracy": right, "f1_micro": right}
    exact["log_loss"] = np.maximum(mean_span(-np.log(np.maximum(wide[np.arange(num_rows), truth], SMALLEST))), 0)
    least = {"balanced_accuracy": mean("recall", there), "recall_macro": mean("recall", occurs)}
    least |= {"precision_macro": mean("precision", occurs), "f1_macro": mean("f1", occurs)}
    least["f1_weighted"] = mean("f1", support)
    if not np.isnan(value["auroc"]):
        positives = support[there & (support < num_rows)][: 1 if num == 2 else num]
        ends, even = rank_span(float(value["auroc"]), positives, num_rows - positives), np.ones(len(positives))
        least["auroc"] = sum_span(even / len(even), even * value["auroc"], ends)
    why: dict[str, Any] = _few(num_rows, "log_loss", "f1_weighted", *(("quadratic_kappa", "mae") if ordered else ()))
    why |= {name: [_few(rows, "it").get("it", "") for rows in support.tolist()] for name in PER_CLASS}
    why |= dict.fromkeys(("precision_macro", "recall_macro", "f1_macro"), _scarce(names, support, occurs))
    why["balanced_accuracy"] = _scarce(names, support, there)
    why["auroc"] = _scarce(names, support if num == 2 else np.minimum(support, num_rows - support), there)
    return _span(measure, value, Known(exact, least, why), Rows(num_rows, truth, cluster), generator)


def span_labels(
    sets: np.ndarray,
    chosen: np.ndarray,
    probabilities: np.ndarray,
    generator: np.random.Generator,
    cluster: np.ndarray | None = None,
    only: str = "",
) -> dict[str, Any]:
    """Return the scores of answers with several labels a row, as `metrics.labelling` takes them, as `span_classes`.
    only: the one that is asked for, where the others need not be known."""
    num_rows = len(sets)
    measure = labelling(sets, chosen, probabilities, only)
    value = {name: some[..., 0] for name, some in measure(np.ones((num_rows, 1), np.float32)).items()}
    hits, support, guessed = ((x.sum(0)) for x in (sets & chosen, sets, chosen))
    exact = {"exact_match": wilson((sets == chosen).all(1).sum(), num_rows)}
    why: dict[str, Any] = _few(num_rows, *(name for name in value if name not in PER_CLASS))
    if not only:
        exact |= {"precision": wilson(hits, guessed), "recall": wilson(hits, support)}
        exact["f1"] = f1_span(hits, support, guessed)
        why |= {name: [_few(rows, "it").get("it", "") for rows in support.tolist()] for name in PER_CLASS}
    else:
        value, exact = {only: value[only]}, {name: x for name, x in exact.items() if name == only}
    rows = Rows(num_rows, None, cluster, None if only else sets)
    return _span(measure, value, Known(exact, {}, why), rows, generator)


def span_numbers(
    truth: np.ndarray, values: np.ndarray, generator: np.random.Generator, cluster: np.ndarray | None = None
) -> dict[str, Any]:
    """Return the scores of values (rows,) as `span_classes` does.

    The tails of the errors may reach further than rows show; more of the largest errors raise what the target varies by
    as well, as those do that are there."""
    measure, least = regression(truth, values), {}
    square, spread = np.square(values - truth), np.square(truth - truth.mean())
    more = student_end(values - truth) - float(square.mean())
    if more > 0 and spread.any():
        worst, extra = np.argsort(-square)[: max(1, len(square) // 20)], np.array([more, 0.0])
        share = min(1.0, float(spread[worst].sum() / square[worst].sum()))
        least["rmse"] = np.sqrt(square.mean() + extra[::-1])
        least["r2"] = 1 - (square.mean() + extra) / (spread.mean() + share * extra)
    value = {name: some[0] for name, some in measure(np.ones((len(truth), 1), np.float32)).items()}
    known = Known({}, least, _few(len(truth), "mae", "rmse", "r2"))
    return _span(measure, value, known, Rows(len(truth), None, cluster), generator)


def span_rates(
    counts: np.ndarray, generator: np.random.Generator, cluster: np.ndarray | None = None
) -> dict[str, dict[str, Any]]:
    """Return the error rates of transcripts, as `metrics.recognition` takes them, as `span_classes` does."""
    measure = recognition(counts)
    value = {name: some[0] for name, some in measure(np.ones((len(counts), 1))).items()}
    exact = {"exact": wilson((counts[:, 0] == 0).sum(), len(counts))}
    known = Known(exact, {}, _few(len(counts), "wer", "cer"))
    return _span(measure, value, known, Rows(len(counts), None, cluster), generator)


def _few(rows: int, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, f"fewer than {FEW} rows") if rows < FEW else {}


def _scarce(names: list[str], rows: np.ndarray, counted: np.ndarray) -> str:
    """Return which classes of those that count have too few rows, in words; "" for none."""
    few = np.flatnonzero(counted & (rows < FEW))
    if len(few) > 1:
        return f"{len(few)} classes have fewer than {FEW} rows"
    return f"class {names[few[0]]!r} has fewer than {FEW} rows" if len(few) else ""


def _span(
    measure: Measure, values: dict[str, Any], known: Known, rows: Rows, generator: np.random.Generator
) -> dict[str, Any]:
    """Return each value, a number or (class,), with its interval."""
    ends: dict[str, np.ndarray] = {}
    why = dict(known.why)
    asked = {name: value for name, value in values.items() if not why.get(name) and name not in known.exact}
    if rows.cluster is not None and not rows.cluster.any():
        why = dict.fromkeys(values, ONE_GROUP)
    elif rows.cluster is not None:
        ends, alone = _by_group(measure, values, rows, generator)
        why |= {name: [one or two for one, two in zip(why[name], alone, strict=True)] for name in PER_CLASS if alone}
    elif asked:
        ends = _by_draw(measure, asked, rows, generator)
    spans = {}
    for name, value in values.items():
        found = [some[name] for some in (ends, known.exact, known.least) if name in some]
        each = [np.atleast_1d(part).tolist() for part in (value, *widen(np.stack([value, value]), *found))]
        reasons = why.get(name) or ""
        reasons = [reasons] * len(each[0]) if isinstance(reasons, str) else reasons
        told = [_tell(*numbers) for numbers in zip(*each, reasons, strict=True)]
        spans[name] = told if name in PER_CLASS else told[0]
    return spans


def _tell(value: float, low: float, high: float, why: str) -> dict[str, Any]:
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    if why or low == high:
        return {"value": value, "low": None, "high": None, "why": why or "no row differs"}
    return {"value": value, "low": low, "high": high}


def _by_draw(
    measure: Measure, values: dict[str, Any], rows: Rows, generator: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return BCa intervals; of many rows those of the jackknife over parts. How skewed a resample is, parts of the rows
    tell that are left out, each with all classes (Efron and Narasimhan 2020)."""
    part, order = np.empty(rows.num, np.int64), np.arange(rows.num)
    part[order if rows.truth is None else np.argsort(rows.truth, kind="stable")] = order % PARTS
    left_out, spans = _leave_out(measure, part, rows), {}
    if rows.num > MANY:
        for name, value in values.items():
            ends = float(value) + np.array([-1, 1]) * jackknife_reach(left_out[name])
            spans[name] = ends if name in SCALES else np.minimum(ends, 1.0)
    else:
        starts = range(0, RESAMPLES, rows.block)
        drawn = [measure(draw(generator, rows.num, min(rows.block, RESAMPLES - at), rows.truth)) for at in starts]
        for name, value in values.items():
            spans[name] = bca_span(float(value), np.concatenate([some[name] for some in drawn]), left_out[name])
    for name, value in values.items():
        if name in SCALES:
            spans[name] = widen(spans[name], scaled_span(float(value), left_out[name], SCALES[name], 0))
    return spans


def _by_group(
    measure: Measure, values: dict[str, Any], rows: Rows, generator: np.random.Generator
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the intervals by leaving out each group, each on its scale; and for each class why there is none."""
    assert rows.cluster is not None
    part, num = rows.cluster, int(rows.cluster.max()) + 1
    if num > GROUPS:
        part, num = generator.permutation(num)[part] % GROUPS, GROUPS
    left_out = _leave_out(measure, part, rows)
    held = np.zeros(0, int)
    if rows.truth is not None:
        held = np.bincount(np.unique(rows.truth * num + part) // num, minlength=len(values["f1"]))
    elif rows.sets is not None:
        held = np.array([len(np.unique(part[own])) for own in rows.sets.T])
    ends = {}
    for name, value in values.items():
        scale, among = SCALES.get(name, "share"), held if name in PER_CLASS else [num]
        each = zip(np.atleast_1d(value), np.atleast_2d(left_out[name]), among, strict=True)
        spans = [scaled_span(float(v), left, scale, int(of)) for v, left, of in each]
        ends[name] = np.stack(spans, axis=-1) if name in PER_CLASS else spans[0]
    return ends, ["" if of > 1 else ONE_GROUP for of in held]


def _leave_out(measure: Measure, part: np.ndarray, rows: Rows) -> dict[str, np.ndarray]:
    """Return the numbers without each part of the rows."""
    num = int(part.max()) + 1
    blocks = [np.arange(at, min(num, at + rows.block)) for at in range(0, num, rows.block)]
    parts = [measure((part[:, None] != block).astype(np.float32)) for block in blocks]
    return {name: np.concatenate([some[name] for some in parts], axis=-1) for name in parts[0]}
