"""The verdict: did fusion help? One hypothesis, tested once on rows that nothing was chosen on, and a plain sentence.
Takes what two candidates answered for the same rows. Knows no model, no table, and not how the two were chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from plait.core.words import count, number, p_equals, percent, signed
from plait.proof.metrics import draw
from plait.proof.scores import group_codes, labelled, row_scores

LEVEL = 0.05  # p below this is evidence
FEWEST_GROUPS = 10  # of fewer, the rows are drawn singly
COUNTED = 13  # up to so many rows or groups that differ, every flip is counted: 2 ** 13 of them
FLIPS, RESAMPLES = 10_000, 2_000
BLOCK = 4_000_000  # numbers in memory at once
FEW_DIFFERENT = 100

ONE_MODALITY = "there is only one modality"
NO_TEST_ROWS = "there are no test rows"
FEW_TEST_ROWS = "there are fewer than two test rows with a label"
NO_FUSED = "the time limit left no fused candidate"
NO_SINGLE = "the time limit left no candidate of one modality"
NO_WORDS = "no test row has a word to be heard"
NO_SPREAD = "the target is the same number in all test rows"
NOT_WORSE = "; as far as these rows tell, the simpler model is as good a choice"


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


@dataclass(frozen=True)
class Gain:
    """What fusion gains over some rows, with its 95 % interval; None where nothing can be said of them."""

    rows: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Verdict:
    """What is known of fusion, and the one sentence that says it."""

    single: str | None  # names of the two candidates
    fused: str | None
    reason: str = ""  # why nothing was tested, such as ONE_MODALITY
    modality: str = ""  # what the single one looks at
    metric: str | None = None
    scores: tuple[float, float] = (math.nan, math.nan)  # of the single, of the fused
    difference: Gain = Gain()  # on all rows
    fills_holes: Gain = Gain()  # on rows without the modality
    adds: Gain = Gain()  # on complete rows
    p: float | None = None
    rows: int = 0
    groups: int = 0
    unit: str = "row"  # or "group": what was drawn and flipped
    repeats: int = 0  # how often each row was left out, where folds tested

    @property
    def code(self) -> str:
        if self.p is None:
            return "not_tested"
        value = self.difference.value or 0.0
        return "no_evidence" if self.p >= LEVEL or value == 0 else "helps" if value > 0 else "hurts"

    def to_json(self) -> dict[str, Any]:
        """Return code, sentence, single, fused, difference, fills_holes, adds, p, metric, rows and unit."""
        facts = asdict(self)
        del facts["difference"]["rows"]  # it is that of the verdict
        names = ("single", "fused", "difference", "fills_holes", "adds", "p", "metric", "rows", "unit")
        return {"code": self.code, "sentence": self.sentence(), **{name: facts[name] for name in names}}

    def sentence(self) -> str:
        code = self.code
        if code == "not_tested":
            return f"Not tested whether fusion helps: {self.reason}."
        begin, noun, end = {
            "helps": ("Fusion helps", "gain", ""),
            "hurts": ("Fusion hurts", "loss", ""),
            "no_evidence": ("No evidence that fusion helps", "difference", NOT_WORSE),
        }[code]
        value, low, high = (part or 0.0 for part in (self.difference.value, self.difference.low, self.difference.high))
        if code == "hurts":
            value, low, high = -value, -high, -low
        reaches, reached = self._scores()
        alone = f"{self.single} alone" if self.modality == self.single else self.single
        sentences = [
            f"{begin}: {self.fused} reaches {reaches} on {self._tested()}, {alone} {reached}: a {noun} of "
            f"{self._size(value)}{self._unit} (95 % interval {self._size(low)} to "
            f"{self._size(high)}, {p_equals(self.p or 0.0, LEVEL)}){end}.",
            *self._sources(),
        ]
        if self.groups and self.unit == "row":
            groups = "one group" if self.groups == 1 else f"only {count(self.groups, 'group')}"
            sentences.append(f"The rows are of {groups}, too few to test by group, so this may be too sure.")
        return " ".join(sentences)

    @property
    def _unit(self) -> str:
        return " points" if self.metric in ("accuracy", "wer") else ""

    def _size(self, value: float) -> str:
        return signed(value, bool(self._unit), plus="")

    def _scores(self) -> tuple[str, str]:
        """Return the score of the fused candidate with the name of the metric, and of the single one without."""
        single, fused = self.scores
        if self.metric == "wer":
            return f"a word error rate of {percent(fused)}", percent(single)
        named = f"{number(fused)} accuracy" if self.metric == "accuracy" else f"an r2 of {number(fused)}"
        return named, number(single)

    def _tested(self) -> str:
        of_groups = f" of {count(self.groups, 'group')}" if self.unit == "group" else ""
        if self.repeats:
            return f"{count(self.rows, 'row')}{of_groups}, each left out {count(self.repeats, 'time')}"
        return f"{count(self.rows, 'test row')}{of_groups}"

    def _sources(self) -> list[str]:
        """Return a sentence on where the difference comes from, if that can be told; a verb is said once."""
        noun = "answer" if self.repeats else "row"  # of folds the parts are over answers, several for each row
        parts = []
        if self.fills_holes.value is not None:
            parts.append((f"{count(self.fills_holes.rows, noun)} without {self.modality}", self.fills_holes.value))
        if self.adds.value is not None and self.adds.rows < self.difference.rows:
            parts.append((count(self.adds.rows, f"complete {noun}"), self.adds.value))
        texts, last, unit = [], "", self._unit
        for where, value in parts:
            size = self._size(abs(value))
            verb = "changes nothing" if not size.strip("0.") else "gains" if value > 0 else "loses"
            if verb == "changes nothing":
                texts.append(f"on the {where} it {verb}")
            elif verb == last:
                texts.append(f"on the {where} {size}")
            else:
                texts.append(f"on the {where} it {verb} {size}{unit}")
                unit = ""
            last = verb
        text = ", ".join(texts)
        return [text[0].upper() + text[1:] + "."] if text else []


def not_tested(reason: str, single: str | None = None, fused: str | None = None) -> Verdict:
    """Return the verdict where there was nothing to test. reason: the end of a sentence, such as ONE_MODALITY."""
    return Verdict(single, fused, reason)


@dataclass(frozen=True)
class Contest:
    """Two candidates on the same test rows; each array is (rows,)."""

    single: Side
    fused: Side
    metric: str
    scores: tuple[float, float]
    present: tuple[np.ndarray, np.ndarray]  # of the single, of the fused
    better: np.ndarray  # what fusion gains
    below: np.ndarray  # what the sum of that is divided by
    numbers: np.ndarray | None  # the true values, where the gain is one in r2
    cluster: np.ndarray | None  # the group

    def decide(self, generator: np.random.Generator) -> Verdict:
        """Test once, and measure the gain on all rows, where the single modality is absent, and on complete rows."""
        cluster, num_rows = self.cluster, len(self.better)
        num_groups = 0 if cluster is None else int(cluster.max()) + 1
        unit, flipped = "row", self.better
        if cluster is not None and num_groups >= FEWEST_GROUPS:
            unit, flipped = "group", np.bincount(cluster, self.better)
        p = _permute(flipped, generator)
        difference = self._gain(np.arange(num_rows), generator)
        holes, complete = np.flatnonzero(~self.present[0]), np.flatnonzero(self.present[1])
        return Verdict(
            single=self.single.name,
            fused=self.fused.name,
            modality=self.single.modality or self.single.name,
            metric=self.metric,
            scores=self.scores,
            difference=difference,
            fills_holes=self._gain(holes, generator),
            adds=difference if len(complete) == num_rows else self._gain(complete, generator),
            p=p,
            rows=num_rows,
            groups=num_groups,
            unit=unit,
        )

    def _gain(self, rows: np.ndarray, generator: np.random.Generator) -> Gain:
        """Return the gain over some rows, better over below or in r2, and its 95 % percentile interval.
        Whole clusters are drawn; of fewer than ten, rows. The interval is widened where it misses the gain itself."""
        parts = np.stack([self.below[rows], self.better[rows]])  # what the gain is made of, to be summed over the drawn
        if not parts[0].sum():
            return Gain(len(rows))
        if self.numbers is not None:
            centred = self.numbers[rows] - self.numbers[rows].mean()
            if np.ptp(self.numbers[rows]) == 0:
                return Gain(len(rows))
            parts = np.concatenate([parts, [centred, centred**2]])
        value = float(_ratio(parts.sum(1)))
        if self.cluster is not None:
            names, unit = np.unique(self.cluster[rows], return_inverse=True)
            if len(names) >= FEWEST_GROUPS:
                parts = np.stack([np.bincount(unit, part) for part in parts])
        drawn = _ratio(_resample(parts, generator))
        drawn = drawn[~np.isnan(drawn)]  # a resample in which r2, or a rate, is undefined
        low, high = np.quantile(drawn, [0.025, 0.975]).tolist() if len(drawn) else (value, value)
        return Gain(len(rows), value, min(low, value), max(high, value))


def judge(
    single: Side,
    fused: Side,
    target: Any,
    classes: Sequence[Any] | None = None,
    *,
    generator: np.random.Generator,
    groups: Any = None,
) -> Verdict:
    """Test whether the best candidate of several modalities differs from the best of one, in accuracy or r2.

    target: (rows,) labels, or numbers where classes is None; a row without a label is left out. p is that of a paired
    permutation test, two-sided: the difference of a row, or with at least ten groups the sum of a whole group, changes
    its sign at random (Good 2005, "Permutation, parametric and bootstrap tests of hypotheses"). It is exact where the
    flips can be counted: differences of one size, as of right and wrong (the sign test, McNemar 1947), or at most 13
    that differ. Else 10,000 flips are drawn: p = (b + 1) / (m + 1) (Phipson and Smyth 2010). The interval is a 95 %
    percentile bootstrap of the paired difference, by row or by group likewise, and holds the value.
    """
    rows = np.flatnonzero(labelled(target))
    if len(rows) < 2:
        return not_tested(FEW_TEST_ROWS if len(target) else NO_TEST_ROWS, single.name, fused.name)
    truth = [target[row] for row in rows]
    score = [row_scores(truth, np.asarray(side.answers)[rows], classes) for side in (single, fused)]
    if classes is None:
        numbers = np.asarray(truth, np.float64).ravel()
        if np.ptp(numbers) == 0:
            return not_tested(NO_SPREAD, single.name, fused.name)
        better = score[0] - score[1]
        reached = [1 - float(s.sum() / np.square(numbers - numbers.mean()).sum()) for s in score]
    else:
        numbers, better = None, score[1] - score[0]
        reached = [float(s.mean()) for s in score]
    return Contest(
        single=single,
        fused=fused,
        metric="r2" if classes is None else "accuracy",
        scores=(reached[0], reached[1]),
        present=(np.asarray(single.present, bool)[rows], np.asarray(fused.present, bool)[rows]),
        better=better,
        below=np.ones(len(rows)),
        numbers=numbers,
        cluster=None if groups is None else group_codes([groups[row] for row in rows]),
    ).decide(generator)


def judge_errors(
    single: Side, fused: Side, words: Any, *, generator: np.random.Generator, groups: Any = None
) -> Verdict:
    """Test as `judge` does whether the best fused recogniser differs from the sound alone, in word error rate.
    The answers of a side are its word errors in each row (rows,); words: (rows,), how many were to be said. A positive
    difference says that fusion makes fewer errors."""
    words = np.asarray(words, np.float64)
    errors = [np.asarray(side.answers, np.float64) for side in (single, fused)]
    if len(words) < 2:
        return not_tested(FEW_TEST_ROWS if len(words) else NO_TEST_ROWS, single.name, fused.name)
    if not words.sum():
        return not_tested(NO_WORDS, single.name, fused.name)
    return Contest(
        single=single,
        fused=fused,
        metric="wer",
        scores=(float(errors[0].sum() / words.sum()), float(errors[1].sum() / words.sum())),
        present=(np.asarray(single.present, bool), np.asarray(fused.present, bool)),
        better=errors[0] - errors[1],
        below=words,
        numbers=None,
        cluster=None if groups is None else group_codes(groups),
    ).decide(generator)


def _ratio(sums: np.ndarray) -> np.ndarray:
    """Return the gain from sums (part, …) over rows: below, better, and of numbers the centred and squares."""
    below = np.where(sums[0] > 0, sums[0], np.nan)
    if len(sums) > 2:
        spread = sums[3] - sums[2] ** 2 / sums[0]
        below = np.where(spread > 1e-12 * sums[3], spread, np.nan)
    return sums[1] / below


def _resample(parts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Draw units with replacement and add up their parts (part, unit), 2,000 times: (part, resample)."""
    num = parts.shape[1]
    different, counts = np.unique(parts, axis=1, return_counts=True)
    if len(counts) <= FEW_DIFFERENT:  # how often each is drawn is all that matters: quick for right and wrong
        return different @ generator.multinomial(num, counts / num, RESAMPLES).T
    step = max(1, BLOCK // num)
    drawn = (draw(generator, num, min(step, RESAMPLES - start)) for start in range(0, RESAMPLES, step))
    return np.concatenate([parts @ counts.astype(np.float64) for counts in drawn], axis=1)


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
