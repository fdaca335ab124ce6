"""Choice by averaging: candidates answer rows that they did not learn from, and a greedy selection of them is averaged.

Training and validation rows are dealt into folds, and each classic learner is learned anew for each without its rows.
Networks, which are dear, join by their answers to the validation rows. Knows candidates and what they answered; not
which are tried, no features, and no test rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from plait.core.words import count
from plait.models.blend import Mixture, select_ensemble
from plait.models.calibration import assign_folds, turns
from plait.models.predictors import Blend
from plait.study.candidate import UNSEEN, Candidate
from plait.study.labels import Labels

FOLDS, FEW_FOLDS = 5, 3
MANY, MOST = 6_000, 50_000  # rows above which there are three folds, and above which validation alone is held out
MOST_ASKED = 2_000  # rows with modalities hidden: a temperature is one number
BEHIND, SURE = 1.1, 2.0  # times the loss of another, and standard errors, by which a learner is given up
CHANCE = 1.0  # standard errors by which networks must lower the loss: they were stopped where validation is best

# -- rows that are held out -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deal:
    """Who answers for which rows: (rows learned from, rows answered) of each turn. said: why there are few, or "".

    asked: the rows that are answered with modalities hidden as well, those of validation first among them.
    """

    turns: list[tuple[np.ndarray, np.ndarray]]
    said: str = ""
    asked: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    @cached_property
    def rows(self) -> np.ndarray:
        """All rows that are answered, in order (held,)."""
        return np.sort(np.concatenate([held for _, held in self.turns]))

    @cached_property
    def learned_rows(self) -> np.ndarray:
        """All rows that are learned from in some turn, in order."""
        return np.unique(np.concatenate([rows for turn in self.turns for rows in turn]))

    @cached_property
    def fold(self) -> np.ndarray:
        """(held,): the turn in which each of `rows` is answered."""
        fold = np.zeros(len(self.rows), np.int64)
        for number, (_, held) in enumerate(self.turns):
            fold[self.places(held)] = number
        return fold

    def places(self, rows: np.ndarray) -> np.ndarray:
        """Return where these rows stand among those that are answered."""
        return np.searchsorted(self.rows, rows)

    def measured(self, codes: np.ndarray | None) -> np.ndarray:
        """Return which rows (held,) can be measured: those of a class that their turn learns from."""
        there = np.ones(len(self.rows), bool)
        if codes is not None:
            for learned, held in self.turns:
                there[self.places(held)] = np.isin(codes[held], codes[learned])
        return there


def deal_rows(
    train: np.ndarray, val: np.ndarray, labels: Labels, groups: np.ndarray | None, generator: np.random.Generator
) -> Deal:
    """Deal training and validation rows into folds, by class and by whole groups. groups: (rows of the table,).

    Five folds, three above 6,000 rows; above 50,000 rows validation is what is held out. Fewer groups make fewer folds.
    """
    rows = np.sort(np.concatenate([train, val]))
    if len(rows) > MOST:
        return Deal([(train, val)])
    folds, said = FOLDS if len(rows) <= MANY else FEW_FOLDS, ""
    own = None if groups is None else groups[rows]
    num = len(rows) if own is None else len(np.unique(own))
    if num == 1:
        return Deal([(train, val)], "training and validation rows are of one group: validation alone is held out")
    if own is not None and num < folds:
        said = f"training and validation rows are of {count(num, 'group')}: so many folds"
    fold = assign_folds(labels.numbers[rows], generator=generator, groups=own, folds=folds)
    asked = np.concatenate([generator.permutation(val), generator.permutation(train)])[:MOST_ASKED]
    return Deal([(rows[rest], rows[here]) for rest, here in turns(fold)], said, np.sort(asked))


def is_behind(losses: np.ndarray, rival: np.ndarray) -> bool:
    """Whether a learner loses so much more than another on the rows of one fold that it is given up."""
    apart = losses - rival
    error = float(apart.std(ddof=1)) / math.sqrt(len(apart)) if len(apart) > 1 else math.inf
    return bool(losses.mean() > BEHIND * rival.mean() and apart.mean() > SURE * error)


# -- selection --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answered:
    """Rows that candidates have answered: which (rows,), and the fold of each; measured: those that can be measured."""

    rows: np.ndarray
    fold: np.ndarray
    measured: np.ndarray


@dataclass(frozen=True)
class Chooser:
    """Selects ensembles. having: candidate → (rows of the table,) bool; held: rows of folds; val: those of validation.

    Of `held` learners have answered that learned in folds; of `val` all.
    """

    labels: Labels
    having: Callable[[Candidate], np.ndarray]
    held: Answered
    val: Answered

    def ensemble(self, name: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """Return the ensemble selected from these candidates; that candidate, where one alone is; None of none.

        What learned in folds is selected by all rows held out (Caruana and others 2004). Networks, and what is made of
        them, join by validation rows, each as often as it lowers the loss, if together they lower it by a standard
        error and more; they take more than half of the whole only where these rows are sure of that, or where what
        learned in folds tells no more than the prior. With the mean alone a network is averaged, with the majority
        class alone it is not.
        """
        listed = sorted(candidates, key=lambda c: c.cost)  # of two as good the simpler
        folded = [c for c in listed if c.pooled is not None]
        others = [c for c in listed if c.pooled is None]
        shrinks = self.labels.classes is None  # towards the mean: numbers have no temperature
        if not any(c.names for c in folded):
            few = listed if shrinks else others
            return self._made(name, *self._select(few, [c.answers for c in few], self.val), None) if others else None
        weights, pooled = self._select(folded, [_pooled(c) for c in folded], self.held)
        answers = pooled[np.searchsorted(self.held.rows, self.val.rows)]
        start = self._made(name, weights, answers, pooled)
        if others:
            said, tells = {c: c.answers for c in others}, self._tells(pooled)
            if tells or shrinks:
                said = {start: answers, **said}
            shares, joined = self._select([*said], [*said.values()], self.val)
            if self._is_better(joined, answers):
                if tells:
                    shares, joined = self._halved(start, shares, said, joined)
                own = shares.pop(start, 0.0)
                weights = {**{c: own * weight for c, weight in weights.items() if own}, **shares}
                return self._made(name, weights, joined, None)
        return start

    def _select(
        self, candidates: Sequence[Candidate], answers: Sequence[np.ndarray], on: Answered
    ) -> tuple[dict[Candidate, float], np.ndarray]:
        """Return the weights that these rows select, and answers to each by weights that the other folds select."""
        labels, prior = self.labels, self.labels.prior
        target, there = labels.numbers[on.rows], np.stack([self.having(c)[on.rows] for c in candidates], 1)
        counts = None if labels.counts is None else labels.counts[on.rows]
        whole = [np.where(has[:, None], x, prior) for x, has in zip(answers, there.T, strict=True)]
        absolute = labels.chooses and labels.metric == "mae"

        def select(rows: np.ndarray) -> np.ndarray:
            few = rows[on.measured[rows]] if on.measured[rows].any() else rows  # none is: each class has one row alone
            said, own = [x[few] for x in whole], None if counts is None else counts[few]
            weights = select_ensemble(said, target[few], there[few], counts=own, absolute=absolute)
            looking = np.array([bool(c.names) for c in candidates])
            if weights[looking].any():
                return weights
            weights = np.zeros(len(candidates))  # the prior alone is no model
            weights[looking] = select_ensemble(
                [x for x, looks in zip(said, looking, strict=True) if looks], target[few], there[few][:, looking], 1
            )
            return weights

        def mix(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
            return Mixture(tuple(weights.tolist())).combine([x[rows] for x in whole], there[rows], prior)

        every = np.arange(len(on.rows))
        chosen = select(every)
        unseen = mix(chosen, every)
        for rest, here in turns(on.fold):
            if on.measured[rest].any():
                unseen[here] = mix(select(rest), here)
        return {c: float(w) for c, w in zip(candidates, chosen, strict=True) if w > 0}, unseen

    def _halved(
        self, start: Candidate, shares: dict[Candidate, float], said: Mapping[Candidate, np.ndarray], joined: np.ndarray
    ) -> tuple[dict[Candidate, float], np.ndarray]:
        """Return weights, and answers by them, in which `start` has half, where validation is not sure it needs less.

        What learned in folds has been seen on many more rows than these, which networks are stopped by.
        """
        own = shares.get(start, 0.0)
        if own >= 0.5:
            return shares, joined
        half = {start: 0.5, **{c: 0.5 * share / (1 - own) for c, share in shares.items() if c is not start}}
        free, bound = (self._mix(weights, said) for weights in (shares, half))
        gain = self.labels.losses(bound, self.val.rows) - self.labels.losses(free, self.val.rows)
        error = float(gain.std(ddof=1)) / math.sqrt(len(gain)) if len(gain) > 1 else math.inf
        return (shares, joined) if gain.mean() > SURE * error else (half, bound)

    def _mix(self, weights: Mapping[Candidate, float], said: Mapping[Candidate, np.ndarray]) -> np.ndarray:
        """Return what candidates say of the validation rows together."""
        there = np.stack([self.having(c)[self.val.rows] for c in weights], 1)
        prior = self.labels.prior
        whole = [np.where(has[:, None], said[c], prior) for c, has in zip(weights, there.T, strict=True)]
        return Mixture(tuple(weights.values())).combine(whole, there, prior)

    def _tells(self, pooled: np.ndarray) -> bool:
        """Whether answers to the rows held out say more than the prior."""
        prior = np.repeat(self.labels.prior[None], len(pooled), 0)
        gain = self.labels.losses(prior, self.held.rows) - self.labels.losses(pooled, self.held.rows)
        return float(gain.mean()) > UNSEEN

    def _is_better(self, joined: np.ndarray, before: np.ndarray) -> bool:
        """Whether answers to validation rows are better than before, by more than chance and than what is not seen."""
        gain = self.labels.losses(before, self.val.rows) - self.labels.losses(joined, self.val.rows)
        error = float(gain.std(ddof=1)) / math.sqrt(len(gain)) if len(gain) > 1 else 0.0
        return float(gain.mean()) > max(CHANCE * error, UNSEEN)

    def _made(
        self, name: str, weights: Mapping[Candidate, float], answers: np.ndarray, pooled: np.ndarray | None
    ) -> Candidate:
        parts = sorted(weights, key=lambda c: -weights[c])
        if len(parts) == 1:
            return parts[0]
        blend = Blend([c.tempered for c in parts], Mixture(tuple(weights[c] for c in parts)), self.labels.prior)
        losses = self.labels.losses(answers, self.val.rows)
        params = sum(c.params for c in parts)
        about = (name, "ensemble", None, f"of {len(parts)}")
        return Candidate(
            *about, blend, answers, losses, 0.0, params, parts=parts, pooled=pooled
        )  # seconds beyond its parts


def _pooled(candidate: Candidate) -> np.ndarray:
    assert candidate.pooled is not None
    return candidate.pooled
