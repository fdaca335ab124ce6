"""The candidates of every family at equal budget, the rule that chooses among them, and the one look at the test rows.

`_try_all` says which come in which order. Knows prepared rows, not users.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NoReturn

import numpy as np

from plait.core.files import Stages
from plait.core.options import AS_TEXT, REPORT_ROWS, SHARED
from plait.data.fact_cache import cache_folder
from plait.errors import RequestError, TableError
from plait.models.blend import fit_average
from plait.models.classic import MajorityPredictor
from plait.models.rows import Prepared
from plait.proof.paired import Yardstick
from plait.proof.verdict import Contest, Side, Verdict, judge
from plait.study.ahead import train_ahead
from plait.study.blends import Blends
from plait.study.budget import Budget
from plait.study.candidate import Candidate, best_of, choose
from plait.study.cost import chain_of, count_learned
from plait.study.encoder_choice import settle_encoders
from plait.study.ensemble import Answered, Chooser, Deal
from plait.study.job import Fit
from plait.study.networks import Study
from plait.study.plans import STRATEGIES, list_plans
from plait.study.trials import ClassicTrials

MANY_ROWS = 1_000  # training rows of pictures or sounds from which on only the two best plans are trained as a whole
CLASSIC_SHARE, FOLDED_SHARE = 0.2, 0.4  # of the time left; of that in which they are learned for each fold
BESIDE_SHARE = 0.3  # the same beside networks that need long: encoders that learn from nothing, and then together


@dataclass
class Search:
    """A study of every family, over one split of the rows."""

    study: Study
    single: Candidate | None = None
    fused: Candidate | None = None
    settled: Verdict | None = None  # of several splits
    sharing: Callable[[Search], list[Candidate]] | None = None  # gives what learned other targets too, of several
    apart: Candidate | None = None  # what would win without these
    _best: dict[str, Candidate] = field(default_factory=dict)  # the ensemble of each modality alone
    _whole: set[Candidate] = field(default_factory=set)  # what has learned from training and validation rows at once

    def __post_init__(self) -> None:
        self.job, self.labels, options = self.study.job, self.study.labels, self.study.options
        self.families = options.families
        self.plan = next(iter(self.job.plan_objects), None)  # the plan the user asked for: then no other is tried
        self.classic = ClassicTrials(self.study)
        self.blends = Blends(self.study, self.classic)

    @classmethod
    def of(cls, job: Fit, split: np.ndarray, fold: bool = False) -> Search:
        """Return the search over one split of the rows of a fit, prepared; of a fold nothing is kept or told."""
        assert job.labels is not None
        options, train = job.options, np.flatnonzero(split == "train")
        job.labels.check_training(train)
        prepared = job.prepare(split, keep=not fold)
        job.labels.learn_from(train, options.balance, np.flatnonzero(split == "val"))
        kept = kept_stages(job.note)
        if not fold:
            return cls(Study.of(job, prepared, split, kept=kept, ahead=train_ahead))
        # each of the folds, which are dealt twice, gets as much time as the fit of the model that is shipped
        limit = options.time_limit and options.time_limit / (
            2 * options.folds + 1 if options.folds else options.repeats
        )
        return cls(Study(job, prepared, split, Budget.of(limit), kept=kept))

    def run(self) -> Candidate:
        """Train the candidates, and return the winner on validation."""
        study = self.study
        self.classic.settle_scale()
        soon = self.plan is None and "classic" in self.families and self.classic.is_large
        if soon:
            with self._interruptible():
                self._majority()
                self.classic.try_soon()
        if not soon and (self.plan is not None or {*self.families} & {"alone", "auto", *STRATEGIES}):
            settle_encoders(study)
        else:
            self.classic.settle_encoders()
        if self.plan is not None:
            self.apart = winner = study.run(self.plan)
            shared = [c for c in self._add_shared() if c.plan == winner.plan]
            winner = min([winner, *shared], key=lambda c: c.loss)
            self.blends.calibrate()
            self.blends.measure()
        else:
            self._try_all()
            if study.budget.interrupted:
                study.callback({"note": "interrupted: the best so far is looked at on the test rows, and written"})
            self.blends.measure()
            if self.deal is not None:
                study.callback({"stage": "choose"})
                tried = list(study.candidates)
                return study.budget.through(lambda: self._choose_ensembles(tried))
            winner = choose([c for c in study.candidates if c.names])
            own = [c for c in study.candidates if c.names and not c.is_shared]
            self.apart = choose(own) if own else None
        self.single = best_of(c for c in study.candidates if len(c.names) == 1)
        plural = [c for c in study.candidates if len(c.names) > 1]
        self.fused = winner if self.plan is not None and winner in plural else best_of(plural)
        self.blends.calibrate_sets(self.looked_at(winner))
        return winner

    def use(self, study: Study) -> None:
        """See the modalities through the encoders that another study has settled."""
        self.study.prepared, self.study.encoders_tried = study.prepared, study.encoders_tried
        self.classic.forget()

    def _try_all(self) -> None:
        """Try the families one after another; what the time limit or an interrupt leaves out is left out."""
        study, wanted = self.study, set(self.families)
        plans_wanted = wanted & {*STRATEGIES, "auto"}
        if not study.candidates:
            self._majority()
        with self._interruptible():
            if "classic" in wanted:
                folded = BESIDE_SHARE if study.learns_together else FOLDED_SHARE
                self.classic.try_all(CLASSIC_SHARE if self.deal is None else folded)
                if "late" in wanted and self.deal is not None:
                    self.blends.vote_all(folded=True)
        with self._interruptible():
            if not study.budget.interrupted and ("alone" in wanted or plans_wanted):
                study.train_each()
            if "late" in wanted and not study.budget.interrupted:
                self.blends.vote_all()
            if not study.budget.interrupted:
                self._pairs()
                if plans_wanted and len(study.prepared.names) > 1 and self._may_gain():
                    listed = list_plans(study.prepared.names, self.families)
                    grow = "auto" in wanted and (len(study.prepared.names) > 2 or "tree" not in wanted)
                    study.train_plans(listed, self._count_joint(), grow, wary=self._is_wary)
        with self._interruptible():
            if AS_TEXT in wanted and not study.budget.interrupted:
                self.classic.try_text()
            if "late" in wanted and not study.budget.interrupted:
                self.blends.most_confident()
            if "classic" in wanted and not study.budget.interrupted:
                self.classic.level()
        if not any(c.names for c in study.candidates) and not (self.sharing and SHARED in wanted):
            self._refuse(bool(wanted & {"classic", "alone", *plans_wanted}))
        self.blends.calibrate()
        if "ensemble" in wanted and self.deal is None:
            self.blends.ensembles()
            self.blends.calibrate()
        if SHARED in wanted and self._add_shared():  # last, so that all else is as it would be without
            self.blends.calibrate()

    def _add_shared(self) -> list[Candidate]:
        """Add what a network of several targets gave to this one, and return it."""
        shared = [] if self.sharing is None else self.sharing(self)
        self.study.candidates += shared
        return shared

    @property
    def _is_wary(self) -> bool:
        """Whether others are likely to know as much as networks, which are dear: not of what is opened, as pictures."""
        opened = any(view.able.opened for view in self.study.prepared.views)
        return self.deal is not None and self.study.options.quality != "best" and not opened

    def _may_gain(self) -> bool:
        """Whether networks that fuse are worth their time: not of texts and tables that others know better than they.

        One of them must be ahead on its own modality.
        """
        if not self._is_wary:
            return True
        learned = [c for c in self.study.candidates if c.fit is not None]
        rivals = {name: best_of(c for c in learned if c.names == [name]) for name in self.study.alone}
        return any(
            (rival := rivals[name]) is None or network.loss < rival.loss for name, network in self.study.alone.items()
        )

    @contextlib.contextmanager
    def _interruptible(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            self.study.budget.interrupted = True

    def _refuse(self, possible: bool) -> NoReturn:
        """Raise what says why there is no candidate. possible: whether the families asked for are made of rows."""
        if self.study.budget.interrupted:
            raise KeyboardInterrupt
        if not possible:
            raise RequestError(
                f"candidates {', '.join(self.families)}: there is nothing to make them of; "
                "name alone or classic as well."
            )
        raise TableError(
            f"nothing could be trained: modality {self.study.prepared.names[0]!r} is there in fewer than two training "
            "rows, or in those of one class alone; expected more to learn from. plait check says why it is missing."
        )

    def _count_joint(self) -> int:
        """Return how many plans are trained as a whole.

        Each is dear with many pictures or sounds; of texts and tables classic learners tell most.
        """
        study = self.study
        few = any(strand.able.opened for strand in study.prepared.views) and len(study.train) <= MANY_ROWS
        return 3 if few or study.options.quality == "best" else 2

    def _majority(self) -> None:
        prior = self.labels.prior
        name = {"regression": "mean", "labels": "how often labels are"}.get(self.labels.task, "majority class")
        answers = np.repeat(prior[None], len(self.study.val), 0)
        prior_alone = self.study.add_made(name, "majority", MajorityPredictor(prior), answers, time.monotonic())
        if self.deal is not None:
            prior_alone.pooled = np.repeat(prior[None], len(self.deal.rows), 0)

    @property
    def deal(self) -> Deal | None:
        """Which rows are held out in turn where an ensemble is to be chosen; None where it is not."""
        return self.classic.deal

    @property
    def trials(self) -> dict[str, int]:
        """How many candidates look at one modality, and how many at several."""
        return self.classic.counts

    def _pairs(self) -> None:
        """Fuse each modality with what was made of it, and nothing else, where there are more modalities than these."""
        pairs = [(made.origin, made.modality) for made in self.job.made if made.how == "convert"]
        for pair in pairs if len(self.study.prepared.names) > 2 else ():
            members = self.blends.best_of_each(pair)
            if len(members) == 2 and not self.study.is_over:
                self.blends.vote("average", members, fit_average)
                if "classic" in self.families:
                    self.classic.try_all_on(pair)

    def best_alone(self, name: str) -> Candidate | None:
        """Return the best candidate on validation that looks at this modality and no other; the ensemble, if chosen."""
        if name in self._best:
            return self._best[name]
        return self.blends.best_alone(name)

    def _choose_ensembles(self, tried: Sequence[Candidate]) -> Candidate:
        """Select an ensemble from all candidates, and by the same rule one from those of each modality."""
        study, deal = self.study, self.deal
        assert deal is not None
        study.candidates[:] = tried  # of a choice that was interrupted nothing stays
        self._best.clear()
        single = self.labels.classes is not None and self.labels.sets is None
        measured = deal.measured(self.labels.codes if single else None)
        held = Answered(deal.rows, self.blends.held_fold, measured)
        val = Answered(study.val, self.blends.fold, measured[deal.places(study.val)])
        chooser = Chooser(self.labels, self.blends.having_any, held, val)

        def select(name: str, few: Sequence[Candidate]) -> Candidate | None:
            found = chooser.ensemble(f"ensemble ({name})", few)
            if found is not None and found not in study.candidates:
                study.candidates.append(found)
                self.blends.calibrate()
            self.blends.measure()
            if found is None or not self.labels.chooses:
                return found
            return best_of(c for c in (found, *few) if c.names)  # by the metric that was asked for

        def within(names: Sequence[str]) -> list[Candidate]:
            return [c for c in tried if {*c.names} <= {*names}]

        for name in study.prepared.names:
            if any(c.names for c in within([name])) and (best := select(name, within([name]))) is not None:
                self._best[name] = best
        self.single = best_of(self._best.values())
        plural, winner = [c for c in tried if len(c.names) > 1], self.single
        if plural or len(self._best) > 1:
            winner = select("all", tried)
        if winner is not None and len(winner.names) == 1:  # the same as that of its modality
            winner = self._best[winner.names[0]]
            self.fused = select("several", plural) if plural else None
        else:
            self.fused = winner
        assert winner is not None
        self.apart = winner
        if winner.is_shared:
            own = [c for c in tried if not c.is_shared]
            self.apart = select("learned apart", own) if any(c.names for c in own) else None
        self.settle(self.looked_at(winner))
        return winner

    def settle(self, looked: Sequence[Candidate]) -> None:
        """Give candidates a temperature for each set of modalities, and let them learn from all rows that are known."""
        deal = self.deal
        assert deal is not None
        self._whole.clear()
        self.learn_ahead(looked, deal.learned_rows)
        self.blends.calibrate_sets(looked)
        for candidate in looked:
            self._learn_whole(candidate)

    def learn_ahead(self, candidates: Sequence[Candidate], rows: np.ndarray) -> None:
        """Let the classic learners among candidates, and among what they are made of, begin to learn from rows."""
        if self.deal is None or math.isfinite(self.study.budget.deadline):
            return  # each looks at the clock before it learns
        parts = [part for candidate in candidates for part in chain_of(candidate)]
        self.classic.learn_all([part for part in dict.fromkeys(parts) if part.pooled is not None], rows)

    @property
    def has_enough(self) -> bool:
        """Whether what has learned from many rows has learned enough, as the time is over."""
        return self.deal is not None and len(self.deal.turns) == 1 and self.study.budget.is_spent

    def has_whole(self, candidate: Candidate) -> bool:
        """Whether a candidate has learned from training and validation rows at once."""
        return candidate in self._whole

    def learn_kept(self, candidates: Sequence[Candidate]) -> None:
        """Let what is to be kept learn ahead, where it is to learn once more."""
        if self.deal is not None and self.classic.sees_anew:
            parts = [part for candidate in candidates for part in chain_of(candidate)]
            self.learn_ahead(
                [part for part in parts if not self.has_whole(part) and not part.parts], self.deal.learned_rows
            )

    def can_keep(self, candidate: Candidate) -> bool:
        """Whether a candidate answers what all rows are seen as, so that a run can hold it beside the winner.

        Folds of few rows have seen them in a way of their own: what learned so learns once more, while time is left.
        """
        folded = [one for one in chain_of(candidate) if one.fit is not None and one.pooled is not None]
        if folded and self.classic.sees_anew:
            if not self.study.budget.is_spent:
                self._learn_whole(candidate)
            return self.has_whole(candidate)
        return True

    def _learn_whole(self, candidate: Candidate) -> None:
        """Let what has learned in folds learn from training and validation rows at once, and all that it is made of."""
        if self.deal is None or self.has_enough:
            return
        self._learn_again(candidate, self.deal.learned_rows, self._whole)

    def _learn_again(self, candidate: Candidate, rows: np.ndarray, done: set[Candidate]) -> None:
        """Let what has learned in folds learn from these rows, and all that it is made of. done: what has."""
        if candidate in done:
            return
        done.add(candidate)
        for part in candidate.parts:
            self._learn_again(part, rows, done)
        if candidate.parts:
            members = [part.tempered for part in candidate.parts]
            candidate.predictor = replace(candidate.predictor, members=members)
        elif candidate.pooled is not None and candidate.fit is not None:
            candidate.predictor = candidate.fit(rows)
            candidate.latency = None
        candidate.params = count_learned(candidate.predictor)

    # -- the test rows ------------------------------------------------------------------------------------------------

    @property
    def alone(self) -> dict[str, Candidate]:
        """The best candidate of each modality by itself, the best of them on validation first."""
        if self._best:
            return dict(sorted(self._best.items(), key=lambda item: item[1].loss))
        best = {name: candidate for name in self.study.prepared.names if (candidate := self.best_alone(name))}
        return dict(sorted(best.items(), key=lambda item: item[1].loss))

    def looked_at(self, winner: Candidate) -> list[Candidate]:
        """Return the candidates that may see the test rows: the winner, the best fusion, each modality alone."""
        looked = [winner, self.single, self.fused, self.apart, self.together(winner), *self.alone.values()]
        if self.deal is not None:  # the best that is no ensemble stands beside
            looked.append(best_of(c for c in self.study.candidates if c.names and c.family != "ensemble"))
        return list(dict.fromkeys(c for c in looked if c is not None))

    def together(self, winner: Candidate) -> Candidate | None:
        """Return what has learned other targets too: the winner, or else the best on validation; None of none."""
        return winner if winner.is_shared else best_of(c for c in self.study.candidates if c.is_shared)

    def look(self, candidate: Candidate) -> np.ndarray:
        """Return what a candidate says of the test rows, as it is judged: (test, class) or (test, 1). Asked once."""
        if candidate.tested is None:
            self._learn_whole(candidate)
            candidate.tested = answer_rows(candidate.tempered, self.study.prepared, self.study.test)
        return self.labels.level(candidate.tested, candidate.thresholds)

    def verdict(self, winner: Candidate) -> Verdict:
        """Return the verdict on combining over the test rows."""
        if self.settled is not None:
            return self.settled
        fused = winner if len(winner.names) > 1 else self.fused
        return self.study.verdict_on(self.alone, fused, winner, self.judge)

    def judge(self, alone: Mapping[str, Candidate], fused: Candidate, winner: Candidate) -> Verdict:
        """Return what the test rows say of what combines, and of each modality alone."""
        sides = {name: self.side(candidate) for name, candidate in alone.items()}
        margin = self.study.options.margin / 100
        contest = Contest(self.side(fused), sides, self.yardstick, self.labels.prior, margin, winner.name)
        return judge(contest, np.random.default_rng([self.study.seed, 6]))

    @property
    def yardstick(self) -> Yardstick:
        """The test rows, and the metric that the verdict and the leaderboard head."""
        return self.labels.yardstick(self.study.test, self.job.groups_of(self.study.test))

    def side(self, candidate: Candidate) -> Side:
        """Return what a candidate says of the test rows, as the verdict compares it."""
        return candidate.side(self.look(candidate), self.study.prepared.present, self.study.test)


def answer_rows(predictor: Any, prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """Return what a predictor says of prepared rows, in order."""
    return np.concatenate([predictor(prepared.batch(rows[start : start + 256])) for start in range(0, len(rows), 256)])


def kept_stages(note: Callable[[str], None]) -> Stages | None:
    """Return where networks trained alone are kept between commands; None without a home folder."""
    try:
        return Stages(cache_folder() / "stages", note)
    except RuntimeError:
        return None


@dataclass
class Result:
    """What a search gave: its winner, the holes of the rows, points of a learning curve, what folds found."""

    search: Search
    winner: Candidate
    holes: dict[str, Any]
    points: list[dict[str, Any]]
    checked: dict[str, Any] | None = None
    looks: int = 0  # fits with different options that have looked at the same test rows, this one among them
    sharing: dict[str, Any] | None = None  # whether it helped to learn the target together with others
    kept: dict[Candidate, str] = field(default_factory=dict)  # those that the folder keeps, and their names

    def __post_init__(self) -> None:
        study = self.search.study
        self.job, self.labels = self.search.job, self.search.labels
        self.rows = study.test if len(study.test) else study.val  # those that the files are about

    @cached_property
    def sample(self) -> np.ndarray:
        """Places among the rows, drawn: those on which the report measures what costs time."""
        order = np.random.default_rng([self.search.study.seed, 10]).permutation(len(self.rows))
        return np.sort(order[: self.job.options.report_rows or REPORT_ROWS])
