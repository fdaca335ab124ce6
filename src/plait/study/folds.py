"""Cross-validation of a whole study, for tables too small to spare test rows. Knows searches, not tables or files.

In each fold all is done anew without its rows, the choice too; all answers for rows left out are judged like test rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plait.models.calibration import assign_folds
from plait.proof.paired import Difference, Yardstick, corrected_t, reconcile
from plait.proof.scores import intervals
from plait.proof.shapley import Keep
from plait.proof.verdict import NO_FUSED, ONE_MODALITY, Contest, Side, judge, not_tested, too_few
from plait.study.job import Fit
from plait.study.labels import hash_judged
from plait.study.search import Search
from plait.study.worth import answer_sets, measure_folds

REPEATS = 2  # how often the folds are dealt
FUSED, WINNER = "the best fusion", "the winner"


@dataclass
class Pool:
    """What the candidates of each fold said of the rows left out. sides: {role or modality: a side for each fold}."""

    sides: dict[str, list[Side]] = field(default_factory=dict)
    tests: list[np.ndarray] = field(default_factory=list)  # the rows of each fold
    trained: list[int] = field(default_factory=list)  # how many rows each learned from
    given: list[dict[Keep, np.ndarray]] = field(default_factory=list)  # what won each fold, with each set of modalities
    several: bool = True  # whether each fold has a candidate of several modalities, and one of one

    def add(self, search: Search, winner: Any) -> None:
        """Add what the search of one fold chose."""
        fused = winner if len(winner.names) > 1 else search.fused
        self.several = self.several and fused is not None and bool(search.alone)
        chosen = {FUSED: fused or winner, WINNER: winner, **search.alone}
        for role, candidate in chosen.items():
            self.sides.setdefault(role, []).append(search.side(candidate))
        if not search.study.is_over:
            self.given.append(answer_sets(search, winner))
        self.tests.append(search.study.test)
        self.trained.append(len(search.study.train) + len(search.study.val))

    def side(self, role: str) -> Side:
        sides = self.sides[role]
        return Side(role, *(np.concatenate([getattr(s, name) for s in sides]) for name in ("answers", "present")))

    @property
    def alone(self) -> dict[str, Side]:
        """What each modality by itself said, of those that had a candidate in every fold."""
        names = [name for name in self.sides if name not in (FUSED, WINNER)]
        return {name: self.side(name) for name in names if len(self.sides[name]) == len(self.tests)}

    def compare(self, yardstick: Yardstick, generator: np.random.Generator) -> Callable[..., Difference]:
        """Return how two answers to the pooled rows are compared: the larger p of flips and of the corrected t over
        folds, whose rows share most of what they learned from; with an interval that covers both of theirs."""
        ends = np.cumsum([len(rows) for rows in self.tests])
        parts = np.split(np.arange(ends[-1]), ends[:-1])
        tested = float(np.mean([len(rows) for rows in self.tests]))

        def compare(ours: np.ndarray, theirs: np.ndarray) -> Difference:
            pooled = yardstick.compare(ours, theirs, generator)
            each = [replace(yardstick.take(rows), groups=None) for rows in parts]
            scores = [(y.score(ours[rows]), y.score(theirs[rows])) for y, rows in zip(each, parts, strict=True)]
            apart = np.array([one - other for one, other in scores])
            apart = apart[~np.isnan(apart)] * (-1 if yardstick.lower else 1)
            if pooled.value is None or pooled.p is None or pooled.low is None or pooled.high is None or len(apart) < 2:
                return pooled
            p, *ends = corrected_t(apart, float(np.mean(self.trained)), tested)
            low, high = (end + pooled.value - float(apart.mean()) for end in ends)
            p, low, high = max(p, pooled.p), min(low, pooled.low), max(high, pooled.high)
            return Difference(pooled.value, *reconcile(pooled.value, low, high, p), p)

        return compare


def cross_validate(make: Callable[[np.ndarray], Search], job: Fit) -> dict[str, Any]:
    """Run a study in each fold, by class and whole groups, and judge the pooled answers. make: split → search."""
    labels, groups, folds, seed = job.labels, job.groups, job.options.folds, job.options.seed
    assert labels is not None
    assert folds is not None
    rows, target, pool = np.flatnonzero(labels.codes >= 0), labels.numbers, Pool()
    for repeat in range(REPEATS):
        generator = np.random.default_rng([seed, 8, repeat])
        fold = assign_folds(target[rows], generator=generator, groups=job.groups_of(rows), folds=folds)
        count = int(fold.max()) + 1
        for number in range(count):
            split = np.full(len(target), "", "<U5")
            tests, rest = rows[fold == number], rows[fold != number]
            inner = assign_folds(target[rest], generator=generator, groups=job.groups_of(rest))
            split[tests], split[rest] = "test", np.where(inner == 0, "val", "train")
            search = make(split)
            winner = search.run()
            search.study.leave_device()
            pool.add(search, winner)
            job.callback({"stage": "folds", "done": repeat * count + number + 1, "total": REPEATS * count})
    place = np.concatenate(pool.tests)
    # of no groups a row is a group of its answers: they are drawn and flipped together, or each would count twice
    cluster = place if groups is None else groups[place]
    said = pool.side(WINNER).answers
    answers, truth = said if labels.classes is not None else said[:, 0], labels.cells[place]
    metrics = intervals(truth, answers, labels.classes, generator=np.random.default_rng([seed, 9]), groups=cluster)
    facts: dict[str, Any] = {"folds": folds, "repeats": REPEATS, "rows": len(rows), "metrics": metrics}
    of_groups = 0 if groups is None else len(np.unique(groups[rows]))
    few = too_few(len(rows), None if groups is None else of_groups, folds=True)
    if not pool.several or not pool.alone:
        few = ONE_MODALITY if len(search.study.prepared.names) < 2 else NO_FUSED
    yardstick, names = labels.yardstick(place, cluster), sorted(search.study.prepared.names)
    if len(pool.given) == len(pool.tests):
        worth = measure_folds(pool.given, names, yardstick, place, float(np.mean(pool.trained)), seed)
        facts["worth"] = {**worth, "groups": of_groups or None, "repeats": REPEATS}
    digest = hash_judged(job.table, rows)
    about: dict[str, Any] = {"rows": len(rows), "groups": of_groups, "repeats": REPEATS, "digest": digest}
    if few:
        return {**facts, "verdict": not_tested(few, None, WINNER, **about).to_json()}
    generator = np.random.default_rng([seed, 6])
    contest = Contest(pool.side(FUSED), pool.alone, yardstick, labels.prior, job.options.margin / 100, FUSED)
    verdict = judge(contest, generator, pool.compare(yardstick, generator))
    gains = {name: getattr(verdict, name) for name in ("fills_holes", "adds", "complete")}
    gains = {name: replace(gain, rows=round(gain.rows / REPEATS)) for name, gain in gains.items()}
    verdict = replace(verdict, **about, **gains)
    return {**facts, "verdict": verdict.to_json()}
