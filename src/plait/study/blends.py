"""Candidates made of candidates: votes and ensembles; and temperatures, with which all say what they say.

What is learned on rows is cross-fitted on them. Knows a study, and which rows are held out; not what is chosen.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from plait.models.blend import cross_fit, fit_average, fit_confident, fit_mixture, fit_stacked, fit_weighted
from plait.models.calibration import LUCK, assign_folds, cross_fit_temperature, find_thresholds
from plait.models.predictors import Blend
from plait.study.candidate import Candidate, best_of
from plait.study.ensemble import MOST_ASKED
from plait.study.networks import Study
from plait.study.subsets import fit_given
from plait.study.trials import ClassicTrials


@dataclass
class Blends:
    """What is made of the candidates of a study. classic: which rows its learners were held out from."""

    study: Study
    classic: ClassicTrials

    def __post_init__(self) -> None:
        self.labels = self.study.labels

    def vote_all(self, folded: bool = False) -> None:
        """Fuse what the best candidate of each modality says: average, weights, stacking. folded: of those by folds."""
        ways = {"average": fit_average, "weighted": fit_weighted, "stacked": fit_stacked}
        members = self.best_of_each(self.study.prepared.names, folded)
        if not folded and self.classic.deal is not None and all(c.pooled is not None for c in members):
            return  # they have voted already
        several = len(np.unique(self.held_fold)) > 1 if folded else self.can_learn
        several = several and self.labels.sets is None  # weights and stacking are of one class a row
        for way in ways if len(members) > 1 else ():
            if way == "average" or several:
                self.vote(way, members, ways[way])

    def most_confident(self) -> None:
        """Let the modality answer, row by row, whose best candidate, calibrated, is surest of a class."""
        if self.labels.classes is None or self.labels.sets is not None:
            return
        members = self.best_of_each(self.study.prepared.names)
        if len(members) > 1:
            names = " + ".join(c.names[0] for c in members)
            self.blend(f"most confident ({names})", "late", members, fit_confident, "of the best of each")

    def vote(self, way: str, members: Sequence[Candidate], fit: Any) -> None:
        """Let candidates vote, fitted in one way, and add that."""
        names = " + ".join(c.names[0] for c in members)
        if any(c.network is not None for c in members) and self.classic.deal is not None:
            names += ", with networks"
        self.blend(f"{way} vote ({names})", "late", members, fit, "of the best of each")

    def best_of_each(self, names: Sequence[str], folded: bool = False) -> list[Candidate]:
        """Return the best candidate of each of these modalities by itself. folded: of those that learned in folds."""
        self.calibrate()  # as they will be when they answer
        if folded:
            having = [[c for c in self.study.candidates if c.names == [n] and c.pooled is not None] for n in names]
            return [min(few, key=self._pooled_loss) for few in having if few]
        return [candidate for name in names if (candidate := self.best_alone(name)) is not None]

    def best_alone(self, name: str) -> Candidate | None:
        """Return the best candidate on validation that looks at this modality and no other."""
        return best_of(c for c in self.study.candidates if c.names == [name])

    def _pooled_loss(self, candidate: Candidate) -> float:
        assert self.classic.deal is not None
        assert candidate.pooled is not None
        return float(self.labels.losses(candidate.pooled, self.classic.deal.rows).mean())

    def ensembles(self) -> None:
        """Select an ensemble greedily from all candidates, and one from those of each modality."""
        candidates = [c for c in self.study.candidates if c.names] if self.can_learn else []
        for name in self.study.prepared.names:
            alone = [c for c in candidates if c.names == [name]]
            if len(alone) > 1:
                self.blend(f"ensemble ({name})", "ensemble", alone, fit_mixture)
        if any(len(c.names) > 1 for c in candidates):
            self.blend("ensemble (all)", "ensemble", candidates, fit_mixture)

    def blend(self, name: str, family: str, members: Sequence[Candidate], fit: Any, recipe: str = "") -> None:
        """Combine candidates. What is chosen on is cross-fitted on validation; what is kept is fitted on all of it."""
        began, rows, fold, prior = time.monotonic(), self.study.val, self.fold, self.labels.prior
        pooled = [c.pooled for c in members if c.pooled is not None]
        said, folded = [c.answers for c in members], self.classic.deal is not None and len(pooled) == len(members)
        if self.classic.deal is not None and folded:
            rows, fold, said = self.classic.deal.rows, self.held_fold, pooled
        there, target = np.stack([self.having_any(c)[rows] for c in members], 1), self.labels.numbers[rows]
        answers = cross_fit(fit, said, there, prior, target, fold)
        combiner, kept = fit(said, there, prior, target, fold), list(range(len(members)))
        if fit is fit_mixture:
            kept = np.flatnonzero(combiner.weights).tolist()
            combiner = replace(combiner, weights=tuple(combiner.weights[i] for i in kept))
        if len(kept) < 2:
            return  # one member is no ensemble
        blend = Blend([members[i].tempered for i in kept], combiner, prior)
        val = answers[self.classic.deal.places(self.study.val)] if self.classic.deal is not None and folded else answers
        candidate = self.study.add_made(name, family, blend, val, began, recipe or f"of {len(kept)}")
        candidate.parts, candidate.pooled = [members[i] for i in kept], answers if folded else None

    def having_any(self, candidate: Candidate) -> np.ndarray:
        """Return which rows (rows,) have any of the modalities that a candidate looks at; all, if it needs none."""
        if not candidate.names:
            return np.ones(len(self.study.prepared), bool)
        return np.any([self.study.prepared.present[name] for name in candidate.names], axis=0)

    # -- temperatures --------------------------------------------------------------------------------------------------

    def calibrate(self) -> None:
        """Give every candidate a temperature where that makes it better out of fold, before one of them is chosen.

        Of numbers, the end that they have; it chooses none: measured on 500 counts, r2 .69, and .66 where it does.
        """
        if self.labels.classes is None:
            for candidate in self.study.candidates:
                candidate.low = self.labels.low
            return
        for candidate in self.study.candidates:
            if not candidate.names or candidate.temperature is not None:
                continue
            rows, fold, answers, deal = self.study.val, self.fold_of_rows, candidate.answers, self.classic.deal
            if deal is not None and candidate.pooled is not None:
                rows, fold, answers = deal.rows, self.held_fold, candidate.pooled
            candidate.prior = self.prior
            given = answers, self.labels.numbers[rows], fold, self.having_any(candidate)[rows], candidate.prior
            counts = None if self.labels.counts is None else self.labels.counts[rows]
            luck = 0.0 if candidate.family == "ensemble" else LUCK  # its members have made up for luck
            candidate.temperature, candidate.answers = cross_fit_temperature(*given, counts=counts, luck=luck)
            if self.labels.sets is not None:
                there = self.having_any(candidate)[rows]
                candidate.thresholds = find_thresholds(candidate.answers[there], self.labels.sets[rows[there]])
            if deal is not None and candidate.pooled is not None:
                candidate.pooled = candidate.answers
                candidate.answers = candidate.pooled[deal.places(self.study.val)]
            candidate.losses = self.labels.losses(candidate.answers, self.study.val)

    def calibrate_sets(self, looked: Sequence[Candidate]) -> None:
        """Give those that may see the test rows a temperature for each set of modalities that a row may have."""
        if self.labels.classes is None or not len(self.study.val):
            return
        members = {part for candidate in looked for part in candidate.parts}  # which stay as they were selected
        for candidate in looked:
            if (
                len(candidate.names) > 1
                and not candidate.given
                and (self.classic.deal is None or candidate not in members)
            ):
                candidate.prior = self.prior
                self.study.leave_device()
                candidate.given = fit_given(candidate, self.study, self.classic.deal, *self.asked_of(candidate))

    def asked_of(self, candidate: Candidate) -> tuple[np.ndarray, np.ndarray]:
        """Return rows (asked,) that a candidate did not learn from, by which its temperatures are fitted, and the fold
        of each: of what learned in folds many of all rows; of others, and what is made of them, of validation."""
        deal, val = self.classic.deal, self.study.val
        if deal is not None and len(deal.asked):
            if candidate.pooled is not None:
                return deal.asked, self.held_fold[deal.places(deal.asked)]
            places = np.flatnonzero(np.isin(val, deal.asked))
        else:
            places = np.sort(np.random.default_rng([self.study.seed, 12]).permutation(len(val))[:MOST_ASKED])
        return val[places], self.fold_of_rows[places]

    def measure(self) -> None:
        """Let the metric say what a candidate loses, where it is to choose: validation is asked once more, by it."""
        if self.labels.chooses:
            yardstick = self.labels.yardstick(self.study.val)
            for candidate in self.study.candidates:
                candidate.losses = yardstick.spread(self.labels.level(candidate.answers, candidate.thresholds))

    @property
    def prior(self) -> tuple[float, ...] | None:
        """Towards what temperatures soften: the classes as often as they are, unless they are to count alike."""
        return None if self.labels.weights is not None else tuple(self.labels.prior.tolist())

    @property
    def fold_of_rows(self) -> np.ndarray:
        """(val,): the fold of every validation row; of one group, as if there were none: one number fits no speaker."""
        return self.fold if self.can_learn else self._assign_folds(None)

    @cached_property
    def fold(self) -> np.ndarray:
        """(val,): the fold of every validation row, five folds, whole groups in one; of one group one fold."""
        return self._assign_folds(self.study.job.groups_of(self.study.val))

    @property
    def held_fold(self) -> np.ndarray:
        """(held,): the fold of all rows that are held out; five of validation, where that alone is."""
        assert self.classic.deal is not None
        return self.fold if len(self.classic.deal.turns) == 1 else self.classic.deal.fold

    def _assign_folds(self, groups: np.ndarray | None) -> np.ndarray:
        generator = np.random.default_rng([self.study.seed, 5])
        return assign_folds(self.labels.numbers[self.study.val], generator=generator, groups=groups)

    @property
    def can_learn(self) -> bool:
        """Whether weights can be learned on validation. Of one speaker they would fit that speaker, and no other."""
        return len(np.unique(self.fold)) > 1
