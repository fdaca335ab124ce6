"""The verdict: did fusion help? One hypothesis, tested once on rows that nothing was chosen on, and a plain sentence.

Takes what two candidates answered for the same rows. Knows no model, no table, and not how the two were chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.errors import RequestError
from plait.proof.metrics import draw
from plait.proof.scores import group_codes, labelled, row_scores

LEVEL = 0.05  # p below this is evidence
FEWEST_GROUPS = 10  # of fewer, the rows are drawn singly
COUNTED = 13  # up to so many rows or groups that differ, every flip is counted: 2 ** 13 of them
FLIPS, RESAMPLES = 10_000, 2_000
BLOCK = 4_000_000  # numbers in memory at once
FEW_KINDS = 100

ONE_MODALITY = "there is only one modality"
NO_TEST_ROWS = "there are no test rows"
FEW_TEST_ROWS = "there are fewer than two test rows with a label"
NO_FUSED = "the time limit left no fused candidate"
NO_SINGLE = "the time limit left no candidate of one modality"
NO_WORDS = "no test row has a word to be heard"
NO_SPREAD = "the target is the same number in all test rows"


@dataclass(frozen=True)
class Side:
    """One candidate's answers for the test rows.

    answers: (rows, class) probabilities, or (rows,) or (rows, 1) values. present: (rows,) bool, the rows in which every
    modality that it looks at is there. modality: what the one modality is called, where the candidate has another name.
    """

    name: str
    answers: Any
    present: Any
    modality: str = ""


def judge(
    single: Side,
    fused: Side,
    target: Any,
    classes: Sequence[Any] | None = None,
    *,
    generator: np.random.Generator,
    groups: Any = None,
) -> dict[str, Any]:
    """Test whether the best candidate of several modalities differs from the best of one, on the same test rows.

    target: (rows,) labels, or numbers where classes is None; a row without a label is left out. groups: (rows,), such
    as speakers, or None. The measure is accuracy, or r2.

    p is that of a paired permutation test, two-sided: the difference of a row, or with at least ten groups the sum of a
    whole group, changes its sign at random (Good 2005, "Permutation, parametric and bootstrap tests of hypotheses").
    It is exact where the flips can be counted: differences of one size, as of right and wrong (the sign test, McNemar
    1947), or at most 13 that differ. Else 10,000 flips are drawn: p = (b + 1) / (m + 1) (Phipson and Smyth 2010). The
    interval is a 95 % percentile bootstrap of the paired difference, by row or by group likewise, and holds the value.

    Returns code ("helps", "hurts", "no_evidence", or "not_tested"), sentence, single and fused (names), difference
    {value, low, high}, fills_holes and adds {rows, value, low, high}, p, metric, rows, and unit ("row" or "group": what
    was drawn and flipped). fills_holes: on rows in which the single modality is absent; adds: on rows in which all that
    the fused candidate looks at is there. A value is None where it has no rows, or where r2 is undefined.

    Raises RequestError as `scores` does, and for groups or presence of another length.
    """
    given = {} if groups is None else {"groups": groups}
    for side in (single, fused):
        given |= {f"the answers of {side.name}": side.answers, f"the presence of {side.name}": side.present}
    for what, values in given.items():
        if len(values) != len(target):
            raise RequestError(f"rows of {what}: {len(values)}, of the target: {len(target)}; expected the same.")
    if not len(target):
        return not_tested(NO_TEST_ROWS, single.name, fused.name)
    there = np.flatnonzero(labelled(target))
    if len(there) < 2:
        return not_tested(FEW_TEST_ROWS, single.name, fused.name)
    truth = [target[row] for row in there]
    answers = [np.asarray(side.answers)[there] for side in (single, fused)]
    score = [row_scores(truth, answer, classes) for answer in answers]
    whole = [np.asarray(side.present, bool)[there] for side in (single, fused)]
    cluster = None if groups is None else group_codes([groups[row] for row in there])

    if classes is None:
        numbers = np.asarray(truth, np.float64).ravel()
        if np.ptp(numbers) == 0:
            return not_tested(NO_SPREAD, single.name, fused.name)
        better = score[0] - score[1]
        levels = [1 - float(s.sum() / np.square(numbers - numbers.mean()).sum()) for s in score]
    else:
        numbers, better = None, score[1] - score[0]
        levels = [float(s.mean()) for s in score]

    below = np.ones(len(there))
    facts = "r2" if classes is None else "accuracy", levels, whole
    return _weigh(single, fused, better, below, numbers, *facts, cluster, generator)


def judge_errors(
    single: Side, fused: Side, words: Any, *, generator: np.random.Generator, groups: Any = None
) -> dict[str, Any]:
    """Test whether the best fused recogniser differs from the sound alone, on the same test rows.

    The answers of a side are its word errors in each row (rows,); words: (rows,), how many were to be said. The measure
    is the word error rate, of which less is better: a positive difference says that fusion makes fewer errors. Test,
    interval and what is returned are those of `judge`.
    """
    words = np.asarray(words, np.float64)
    errors = [np.asarray(side.answers, np.float64) for side in (single, fused)]
    if len(words) < 2:
        return not_tested(FEW_TEST_ROWS if len(words) else NO_TEST_ROWS, single.name, fused.name)
    if not words.sum():
        return not_tested(NO_WORDS, single.name, fused.name)
    levels = [float(wrong.sum() / words.sum()) for wrong in errors]
    whole = [np.asarray(side.present, bool) for side in (single, fused)]
    cluster = None if groups is None else group_codes(groups)
    better = errors[0] - errors[1]
    return _weigh(single, fused, better, words, None, "wer", levels, whole, cluster, generator)


def _weigh(
    single: Side,
    fused: Side,
    better: np.ndarray,
    below: np.ndarray,
    numbers: np.ndarray | None,
    metric: str,
    levels: list[float],
    whole: list[np.ndarray],
    cluster: np.ndarray | None,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return the verdict. better: (rows,) what fusion gains; below: (rows,) what the sum of it is divided by."""
    num_rows, num_groups = len(better), 0 if cluster is None else int(cluster.max()) + 1
    unit = "group" if num_groups >= FEWEST_GROUPS else "row"

    def span(rows: np.ndarray) -> dict[str, float | None]:
        truth_here = None if numbers is None else numbers[rows]
        own = None if cluster is None else cluster[rows]
        return _bootstrap(better[rows], below[rows], truth_here, own, generator)

    p = _permute(better if cluster is None or unit == "row" else np.bincount(cluster, better), generator)
    everything, holes, complete = (np.flatnonzero(f) for f in (np.ones(num_rows, bool), ~whole[0], whole[1]))
    difference = span(everything)
    value = float(difference["value"] or 0.0)
    found = {
        "code": "no_evidence" if p >= LEVEL or value == 0 else "helps" if value > 0 else "hurts",
        "sentence": "",
        "single": single.name,
        "fused": fused.name,
        "difference": difference,
        "fills_holes": {"rows": len(holes), **span(holes)},
        "adds": {"rows": len(complete), **(difference if len(complete) == num_rows else span(complete))},
        "p": p,
        "metric": metric,
        "rows": num_rows,
        "unit": unit,
    }
    return {**found, "sentence": _tell(found, single, levels, num_groups)}


def not_tested(reason: str, single: str | None = None, fused: str | None = None) -> dict[str, Any]:
    """Return the verdict where there was nothing to test. reason: the end of a sentence, such as ONE_MODALITY."""
    nothing = {"value": None, "low": None, "high": None}
    return {
        "code": "not_tested",
        "sentence": f"Not tested whether fusion helps: {reason}.",
        "single": single,
        "fused": fused,
        "difference": dict(nothing),
        "fills_holes": {"rows": 0, **nothing},
        "adds": {"rows": 0, **nothing},
        "p": None,
        "metric": None,
        "rows": 0,
        "unit": "row",
    }


# -- numbers ----------------------------------------------------------------------------------------------------------


def _bootstrap(
    better: np.ndarray,
    below: np.ndarray,
    numbers: np.ndarray | None,
    cluster: np.ndarray | None,
    generator: np.random.Generator,
) -> dict[str, float | None]:
    """Return the gain, better over below (rows,), or with numbers the gain in r2, and its 95 % percentile interval.

    Whole clusters are drawn; of fewer than ten, rows. The interval is widened where it misses the gain itself.
    """
    nothing: dict[str, float | None] = {"value": None, "low": None, "high": None}
    if not below.sum():
        return nothing
    parts = np.stack([below, better])  # what the gain is made of, to be summed over what is drawn
    if numbers is not None:
        centred = numbers - numbers.mean()
        if np.ptp(numbers) == 0:
            return nothing
        parts = np.concatenate([parts, [centred, centred**2]])
    value = float(_gain(parts.sum(1)))
    if cluster is not None:
        names, unit = np.unique(cluster, return_inverse=True)
        if len(names) >= FEWEST_GROUPS:
            parts = np.stack([np.bincount(unit, part) for part in parts])
    drawn = _gain(_resample(parts, generator))
    drawn = drawn[~np.isnan(drawn)]  # a resample in which r2, or a rate, is undefined
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist() if len(drawn) else (value, value)
    return {"value": value, "low": min(low, value), "high": max(high, value)}


def _gain(sums: np.ndarray) -> np.ndarray:
    """Return the gain from sums (part, …) over rows: below, better, and of numbers the centred and squares."""
    below = np.where(sums[0] > 0, sums[0], np.nan)
    if len(sums) > 2:
        spread = sums[3] - sums[2] ** 2 / sums[0]
        below = np.where(spread > 1e-12 * sums[3], spread, np.nan)
    return sums[1] / below


def _resample(parts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw units with replacement and add up their parts (part, unit), 2,000 times: (part, resample)."""
    num = parts.shape[1]
    kinds, counts = np.unique(parts, axis=1, return_counts=True)
    if len(counts) <= FEW_KINDS:  # how often each kind is drawn is all that matters: quick for right and wrong
        return kinds @ generator.multinomial(num, counts / num, RESAMPLES).T
    step = max(1, BLOCK // num)
    sums = [
        parts @ draw(generator, num, min(step, RESAMPLES - start)).astype(np.float64)
        for start in range(0, RESAMPLES, step)
    ]
    return np.concatenate(sums, axis=1)


def _permute(better: np.ndarray, generator: np.random.Generator) -> float:
    """Return the two-sided p of differences (unit,) whose signs flip at random."""
    better = better[better != 0]
    num, total = len(better), abs(float(better.sum()))
    if not num:
        return 1.0
    size = np.abs(better)
    if np.ptp(size) == 0:
        from scipy.special import bdtr

        fewer = min(int((better > 0).sum()), int((better < 0).sum()))
        return float(np.clip(2 * bdtr(fewer, num, 0.5), 1e-300, 1.0))
    least = total - 1e-9 * float(size.sum())  # sums of the same numbers in another order are equal
    if num <= COUNTED:
        bits = (np.arange(2**num)[:, None] >> np.arange(num)) & 1
        return float((np.abs((2 * bits - 1) @ better) >= least).mean())
    extreme, step = 0, max(1, BLOCK // num)
    for start in range(0, FLIPS, step):
        signs = generator.integers(0, 2, (min(step, FLIPS - start), num), dtype=np.int8) * 2.0 - 1.0
        extreme += int((np.abs(signs @ better) >= least).sum())
    return (extreme + 1) / (FLIPS + 1)


# -- words ------------------------------------------------------------------------------------------------------------


def _tell(found: dict[str, Any], single: Side, levels: list[float], num_groups: int) -> str:
    points, code = found["metric"] in ("accuracy", "wer"), found["code"]
    name = f"{single.name} alone" if single.modality in ("", single.name) else single.name
    of_groups = f" of {num_groups} groups" if found["unit"] == "group" else ""
    reaches = f"{levels[1]:.3f} accuracy" if points else f"an r2 of {_number(levels[1], points)}"
    reached = f"{levels[0]:.3f}" if points else _number(levels[0], points)
    if found["metric"] == "wer":
        reaches, reached = f"a word error rate of {100 * levels[1]:.1f} %", f"{100 * levels[0]:.1f} %"
    difference = found["difference"]
    value, low, high = (float(difference[end]) for end in ("value", "low", "high"))
    if code == "hurts":
        value, low, high = -value, -high, -low
    begin = {"helps": "Fusion helps", "hurts": "Fusion hurts", "no_evidence": "No evidence that fusion helps"}[code]
    word = {"helps": "gain", "hurts": "loss", "no_evidence": "difference"}[code]
    sentences = [
        f"{begin}: {found['fused']} reaches {reaches} on {found['rows']} test rows{of_groups}, {name} {reached}: "
        f"a {word} of {_number(value, points)}{' points' if points else ''} "
        f"(95 % interval {_number(low, points)} to {_number(high, points)}, {_chance(found['p'])})"
        f"{'; as far as these rows tell, the simpler model is as good a choice' if code == 'no_evidence' else ''}."
    ]
    parts = []
    holes, adds = found["fills_holes"], found["adds"]
    if holes["value"] is not None:
        parts.append((f"on the {_rows(holes['rows'])} without {single.modality or single.name}", holes["value"]))
    if adds["value"] is not None and adds["rows"] < found["rows"]:
        parts.append((f"on the {_rows(adds['rows'], 'complete ')}", adds["value"]))
    if parts:
        sentences.append(_tell_parts(parts, points))
    if num_groups and found["unit"] == "row":
        groups = "one group" if num_groups == 1 else f"only {num_groups} groups"
        sentences.append(f"The rows are of {groups}, too few to test by group, so this may be too sure.")
    return " ".join(sentences)


def _tell_parts(parts: list[tuple[str, float]], points: bool) -> str:
    """Return one sentence on where the difference comes from; a verb is said once."""
    told, last = [], ""
    for where, value in parts:
        size = _number(abs(value), points)
        verb = "changes nothing" if not size.strip("0.") else "gains" if value > 0 else "loses"
        if verb == "changes nothing":
            told.append(f"{where} it {verb}")
        elif verb == last:
            told.append(f"{where} {size}")
        else:
            unit = " points" if points and not any("points" in t for t in told) else ""
            told.append(f"{where} it {verb} {size}{unit}")
        last = verb
    text = ", ".join(told) + "."
    return text[0].upper() + text[1:]


def _number(value: float, points: bool) -> str:
    """Return accuracy in points with one decimal, r2 with three, with a real minus and no minus before zero."""
    text = f"{100 * value:.1f}" if points else f"{value:.3f}"
    return text.lstrip("-") if not text.strip("-0.") else text.replace("-", "−")


def _rows(num: int, kind: str = "") -> str:
    return f"{num} {kind}row" + ("" if num == 1 else "s")


def _chance(p: float) -> str:
    """Return p as it is read, never rounded across the level."""
    if p < 0.001:
        return "p < 0.001"
    text = f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
    return f"p = {text}" if text != "0.050" else "p = 0.050" if p >= LEVEL else "p just below 0.05"
