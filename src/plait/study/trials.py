"""Classic learners among the candidates: which are tried, on what, and what each says of rows it did not learn from.

Rows are held out by folds where an ensemble is to be chosen, else they are those of validation. Knows a study and what
learners see of its rows; no other family, and not what is chosen.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np

from plait.core.contract import shown_by
from plait.core.options import AS_TEXT
from plait.errors import RequestError
from plait.kinds import TABULAR, TEXT
from plait.kinds.features import count_numbers
from plait.models.classic import Goal, fit_classic
from plait.models.each_label import fit_labels
from plait.models.learners import BINNED, DENSE, DISCRIMINANT, LEARNERS
from plait.models.predictors import RowText
from plait.models.sparse import FIRST, LEARNER, STRENGTHS, Lesson
from plait.models.views import View
from plait.study.cost import time_row
from plait.study.ensemble import Deal, deal_rows, is_behind
from plait.study.labels import Labels, is_skewed, shift_of
from plait.study.networks import Study
from plait.study.seen import Seen, see_anew

BOOSTING, QUICK, WIDER = "gradient boosting", 3, 2  # and its settings: of many rows first, of a table at last
FEWEST_WIDER, MOST_WIDER = 1_000, 10  # rows from which on, and classes up to which, a table is boosted once more
NEAR_ROWS = 20_000  # rows above which no neighbours are looked for: each answer compares with all of them
SVM_ROWS, SVM_CLASSES = 2_500, 30  # above which an SVM, whose time grows with their squares, is not tried in folds
FOREST_ROWS = 6_000  # of tables alone, above which no forest is grown: boosting is better then, and cheaper
BOOSTING_WIDE = 1_000  # features times trees a round, as of it; on pictures and sounds of ten digits 33 of 48 s
FOREST_WIDE = 128  # features above which a forest is not grown in folds: it is the dearest then, and seldom any good
FRESH = 3_000  # rows up to which vocabularies are learned anew in each fold
SCALED = ("ridge regression", "gradient boosting")  # which say whether the logarithm of a target is the better scale
# where a row may have several labels
EACH_LABEL = ("logistic regression", "random forest", BOOSTING, "logistic regression with bins")
MANY_LABELS = 30  # from which on none grows trees: one a label and fold, they are most of the time of a fit
TWICE = ("gradient boosting", "ridge regression with bins")  # which learn a skewed target in the other scale as well


class Held(NamedTuple):
    """What a learner says of rows it did not learn from: of validation, and where there are folds of all rows."""

    predictor: Any
    answers: np.ndarray
    pooled: np.ndarray | None


@dataclass
class ClassicTrials:
    """The classic learners of a study, each tried as it comes."""

    study: Study
    _scaled: bool = False  # whether the scale of the target is settled
    _skewed: bool = False  # whether the target is numbers, above 0, of which logarithms may be learned
    _tried: int = 0
    _given_up: set[tuple[str, ...]] = field(default_factory=set)  # learners, and the modalities that they looked at

    def __post_init__(self) -> None:
        self.labels = self.study.labels

    def settle_scale(self) -> None:
        """Learn the logarithms of very skewed numbers where validation agrees: quick learners err less, in the unit."""
        study, labels, settled = self.study, self.labels, self._scaled
        self._scaled = True
        if settled or labels.classes is not None or not is_skewed(labels.numbers[study.train]):
            return
        if len(study.val) == 0:
            return
        if labels.numbers[study.val].min() + shift_of(labels.numbers[study.train]) <= 0:
            return  # the winner learns from these rows too
        self._skewed = True
        losses: dict[bool, float] = {}
        for log in (False, True):
            labels.learn_log(study.train, log)
            for learner in SCALED:
                with contextlib.suppress(RequestError):  # too few rows have anything
                    predictor = self.fit_learner(learner, 0, study.prepared.names, study.train)
                    loss = float(labels.losses(self.answer_val(predictor), study.val).mean())
                    losses[log] = min(loss, losses.get(log, math.inf))
        labels.learn_log(study.train, losses.get(True, math.inf) < losses.get(False, math.inf))
        study.target = labels.target_on(study.device)
        if labels.log:
            what = "the logarithm of one more" if labels.shift else "its logarithm"
            skewed = f"column {labels.name!r} is very skewed: {what} is learned, as validation rows agree"
            study.callback({"note": f"{skewed}; answers and scores are in its own unit"})
        self.forget()  # the encoders are not settled yet

    def settle_encoders(self) -> None:
        """Choose the encoders that are left open by what a linear learner reaches with each; no network is wanted."""
        study = self.study
        encoders = {s.name: s.encoder for s in study.prepared.views}
        for name, views in study.prepared.choices.items():
            losses: dict[str, float] = {}
            for view in views:
                try:
                    predictor = self.fit_learner(next(iter(self.learners)), 0, [view], study.train)
                except RequestError:  # too few rows have it, or all of one class
                    continue
                losses[view] = float(self.labels.losses(self.answer_val(predictor), study.val).mean())
            study.encoders_tried[name] = [{"encoder": encoders[view], "loss": loss} for view, loss in losses.items()]
            study.prepared = study.prepared.settle(name, min(losses, key=lambda view: losses[view], default=name))
        self.forget()

    def forget(self) -> None:
        """Forget what learners see: the views of the study have changed."""
        vars(self).pop("seen", None)

    def try_all(self, share: float) -> None:
        """Try every learner, as it comes, on each modality and on all together; the quickest learner first."""
        study = self.study
        end = study.budget.since_begin(share)
        trials, first = self._list_classic(), next(iter(self.learners))
        last = max(place for place, (learner, *_) in enumerate(trials) if learner == first)
        for place, (learner, setting, names) in enumerate(trials):
            if learner in self.learners:
                if time.monotonic() > end and len(study.candidates) > 1:
                    return
                self.try_learner(learner, setting, names)
                if setting == 0 and self._skewed and self.deal is not None and learner in TWICE:
                    self.try_learner(learner, 0, names, log=not self.labels.log)
            if place == last:  # after the quickest of dense features
                for view in (view for view in study.prepared.views if view.how == "letters"):
                    self.try_letters(view)

    def _list_classic(self) -> list[tuple[str, int, list[str]]]:
        """Return learner, setting and names of each classic candidate in turn."""
        groups, deal = self._groups_of_names(), self.deal
        beside = [[view] for views in self.study.prepared.beside.values() for view in views]
        each = {learner: groups + (beside if len(beside) > 1 and learner in DENSE else []) for learner in self.learners}
        trials = [(learner, 0, names) for learner in self.learners for names in each[learner]]
        tables = [names for names in groups if self._has_numbers(names)]
        if deal is not None and len(deal.turns) == 1 and len(deal.known) > NEAR_ROWS:
            # what learns many rows of a table soon and well comes first: there is a model whenever the time ends
            trials.sort(key=lambda trial: (trial[0] not in BINNED, trial[0] != BOOSTING))
            trials = [(BOOSTING, QUICK, names) for names in tables] + trials
        if deal is not None and len(deal.known) >= FEWEST_WIDER and len(self.labels.classes or ()) <= MOST_WIDER:
            trials += [(BOOSTING, WIDER, names) for names in tables]
        return trials

    def try_text(self) -> None:
        """Write the whole row out as text, and read that: a baseline that beats fusion on some tables."""
        prepared = self.study.prepared
        shadows = [s.name for s in prepared.views if s.how == "as text"]
        if shadows and not self.study.is_over:
            texts = [s.name for s in prepared.views if s.able is TEXT and s.is_main]
            self.try_learner(next(iter(self.learners)), 0, [*texts, *shadows], AS_TEXT)  # the linear one

    def level(self) -> None:
        """Give the side with fewer trials further settings of classic learners, until both have had as many."""
        *single, every = self._groups_of_names()
        more = {
            side: [(learner, setting, group) for setting in (1, 2) for learner in self.learners for group in groups]
            for side, groups in (("single", single), ("fused", [every]))
        }
        while single and not self.study.is_over:
            trials = self.counts
            side = min(trials, key=lambda key: trials[key])
            if trials["single"] == trials["fused"] or not more[side]:
                return
            learner, setting, group = more[side].pop(0)
            if (learner, *group) not in self._given_up:
                self.try_learner(learner, setting, group)

    @property
    def counts(self) -> dict[str, int]:
        """How many candidates look at one modality, and how many at several."""
        counts = [len(c.names) for c in self.study.candidates]
        return {"single": counts.count(1), "fused": sum(count > 1 for count in counts)}

    def try_learner(
        self, learner: str, setting: int, names: Sequence[str], family: str = "classic", log: bool | None = None
    ) -> None:
        """Fit one learner on the training rows, and add it, unless too few rows have any of the modalities.

        log: whether it learns the logarithm of the target; as all others where it is None.
        """
        if learner in BINNED and not self._has_numbers(names):
            return  # there is nothing to sort into bins
        began = time.monotonic()
        if learner == DISCRIMINANT and {self.seen.layouts[name]["kind"] for name in names} & {TEXT.name, TABULAR.name}:
            return  # it is for dense numbers
        self._tried += 1  # classic learners are many and short
        total = max(self._tried, len(self._groups_of_names()) * len(self.learners))
        self.study.callback({"stage": "classic learners", "done": self._tried, "total": total})
        beside = self.study.prepared.beside
        inputs = [view for name in names for view in (name, *beside.get(name, ()))]
        if self.deal is not None and self._is_dear(learner, names, self._width_of(inputs)):
            return
        fit = partial(self.fit_learner, learner, setting, inputs, family=family, log=log)
        try:
            held = self._hold_out(fit, names)
        except RequestError:  # too few rows have any of these, or all of one class
            return
        if held is None:
            self._given_up.add((learner, *names))
            return
        usual, settings = self.learners[learner][0], self.learners[learner][setting]
        changed = "".join(f", {key} {value}" for key, value in settings.items() if usual.get(key) != value)
        seen_by = {view.name: f"{view.of} by {view.encoder}" for view in self.study.prepared.views if view.is_second}
        changed += "" if log is None else ", of the logarithm" if log else ", of the number"
        source = "row as text" if family == AS_TEXT else " + ".join(seen_by.get(name, name) for name in names)
        self._add_learned(f"{learner}{changed} ({source})", family, fit, held, began)

    def try_letters(self, view: View) -> None:
        """Learn from the words and letters of a text, bound as strictly as rows held out agree with, and add it."""
        began, lessons = time.monotonic(), dict[int, Lesson]()

        def learn(strength: float, rows: np.ndarray, seen: Seen | None = None) -> Any:
            if id(rows) not in lessons:  # which the deal holds: columns are chosen and weighed once for all strengths
                lessons[id(rows)] = self.lesson_of(view.name, rows)
            return self.labels.in_unit(lessons[id(rows)].fit(strength))

        best, lowest, step, place = None, math.inf, 1, FIRST
        while 0 <= place < len(STRENGTHS) and not self.study.is_over:
            strength = STRENGTHS[place]
            try:
                held = self._hold_out(partial(learn, strength), ())
            except RequestError:  # too few rows have a text, or all of one class
                return
            loss = math.inf if held is None else self._loss_held(held)
            if loss < lowest:
                best, lowest = (strength, held), loss
                place += step
            elif step > 0 and place <= FIRST + 1:  # looser is no better than the first
                step, place = -1, FIRST - 1
            else:
                break
        if best is not None and best[1] is not None:
            fit = partial(self.fit_letters, view.name, best[0])
            self._add_learned(f"{LEARNER} ({view.of})", "classic", fit, best[1], began, f"C {best[0]:g}")

    def _add_learned(
        self, name: str, family: str, fit: Callable[..., Any], held: Held, began: float, recipe: str = ""
    ) -> None:
        candidate = self.study.add_made(name, family, held.predictor, held.answers, began, recipe)
        candidate.fit, candidate.pooled = fit, held.pooled
        if held.pooled is not None:
            few = self.turns[0].few
            candidate.latency = time_row(held.predictor, few, np.arange(len(few)))

    def _is_dear(self, learner: str, names: Sequence[str], width: int) -> bool:
        """Whether trees over so many features cost more than they have been seen to be worth in folds."""
        if learner == BOOSTING and not self._has_numbers(names):
            num = len(self.labels.classes or ())
            return width * (num if num > 2 else 1) > BOOSTING_WIDE
        return learner == "random forest" and width > FOREST_WIDE

    def _groups_of_names(self) -> list[list[str]]:
        names = self.study.prepared.names
        return [*([name] for name in names), *([list(names)] if len(names) > 1 else [])]

    def _has_numbers(self, names: Sequence[str]) -> bool:
        return any(count_numbers(self.seen.layouts[name]) for name in names)

    def _width_of(self, names: Sequence[str]) -> int:
        return sum(self.seen.features[name].shape[1] for name in names)

    # -- one learner ---------------------------------------------------------------------------------------------------

    def fit_learner(
        self,
        learner: str,
        setting: int,
        names: Sequence[str],
        rows: np.ndarray,
        family: str = "classic",
        seen: Seen | None = None,
        log: bool | None = None,
    ) -> Any:
        """Fit a classic learner on these rows. seen: what it sees of them, if not what networks see too."""
        labels = self.labels if log is None else self.labels.as_logs(self.study.train, log)
        seen = self.seen if seen is None else seen
        features = {name: seen.features[name][rows] for name in names}
        generator = np.random.default_rng([self.study.seed_of(f"{learner} {setting} {' '.join(names)}")])
        settings = self.learners[learner][setting]
        fit = fit_classic if labels.sets is None else fit_labels
        predictor = fit(learner, features, self.goal_of(rows, labels), names, seen.layouts, generator, settings)
        return labels.in_unit(RowText(predictor) if family == AS_TEXT else predictor)

    def lesson_of(self, name: str, rows: np.ndarray) -> Lesson:
        """Return what these rows teach by the letters of a text. Raises RequestError where it is too little."""
        generator = np.random.default_rng([self.study.seed_of(f"{LEARNER} {name}")])
        layout = next(view for view in self.study.prepared.views if view.name == name).layout()
        return Lesson(name, layout, self.seen.take(name, rows), self.goal_of(rows), generator)

    def fit_letters(self, name: str, strength: float, rows: np.ndarray) -> Any:
        """Fit the learner of words and letters on these rows."""
        return self.labels.in_unit(self.lesson_of(name, rows).fit(strength))

    def goal_of(self, rows: np.ndarray, labels: Labels | None = None) -> Goal:
        """Return what classic learners are to learn of these rows. labels: the study's, if no others are given."""
        labels, weights = labels or self.labels, self.study.target.weights
        weighted = None if weights is None else weights.cpu().numpy()
        counts = None if labels.counts is None else labels.counts[rows]
        return Goal(labels.learned[rows], labels.learned_prior, labels.classes is None, weighted, counts)

    def answer_val(self, predictor: Any) -> np.ndarray:
        """Return what a classic learner says of the validation rows."""
        return self.seen.answer(predictor, self.study.val)

    @property
    def learners(self) -> Mapping[str, Any]:
        """{learner: its settings, the usual one first}"""
        learners = LEARNERS["regression" if self.labels.classes is None else "classification"]
        if self.labels.sets is not None:  # each is learned once a label
            trees = () if len(self.labels.classes or ()) < MANY_LABELS else ("random forest", BOOSTING)
            able = [learner for learner in learners if learner in EACH_LABEL and learner not in trees]
            learners = {learner: learners[learner] for learner in able}
        if self.deal is None:
            return learners
        many = len(self.deal.known) > SVM_ROWS or len(self.labels.classes or ()) > SVM_CLASSES
        order = sorted(
            learners, key=lambda learner: learner == "random forest"
        )  # the dearest last: it is given up first
        dear = {"SVM"} if many else set()
        if len(self.deal.known) > FOREST_ROWS and all(view.able is TABULAR for view in self.study.prepared.views):
            dear.add("random forest")
        if len(self.deal.known) > NEAR_ROWS:
            dear.add("nearest neighbours")
        return {learner: learners[learner] for learner in order if learner not in dear}

    @cached_property
    def seen(self) -> Seen:
        """What learners see of every row, with what was learned of the training rows."""
        return Seen(self.study.prepared)

    # -- rows that are held out ----------------------------------------------------------------------------------------

    @cached_property
    def deal(self) -> Deal | None:
        """Which rows are held out in turn where an ensemble is to be chosen; None where it is not."""
        job, study = self.study.job, self.study
        if study.options.choose == "simple" or job.plan_objects or not len(study.val):
            return None
        if any(one.training_only for one in job.made):  # what is made for training rows alone is no row to be tested by
            return Deal([(study.train, study.val)])
        generator = np.random.default_rng([study.seed, 12])
        deal = deal_rows(study.train, study.val, self.labels, job.groups, generator)
        if deal.said:
            study.callback({"note": deal.said})
        return deal

    @property
    def sees_anew(self) -> bool:
        """Whether each turn has vocabularies and codes of its own, as those of few rows have."""
        return self.deal is not None and len(self.deal.turns) > 1 and len(self.deal.rows) <= FRESH

    @cached_property
    def turns(self) -> list[Seen]:
        """What learners see in each turn: vocabularies and codes are those of the rows that are learned from in it.

        Of many rows they are those of the training rows: what these have in common hardly differs, and tells no target.
        """
        assert self.deal is not None
        if len(self.deal.turns) == 1:
            return [self.seen]
        seens = []
        for number, (learned, _) in enumerate(self.deal.turns):
            if not self.sees_anew:
                seens.append(self.seen)
                continue
            generator = np.random.default_rng([self.study.seed, 13, number])
            seens.append(see_anew(self.study.job, self.seen, learned, self.deal.rows, generator))
            self.study.callback({"stage": "prepare folds", "done": number + 1, "total": len(self.deal.turns)})
        return seens

    def _hold_out(self, fit: Callable[..., Any], names: Sequence[str]) -> Held | None:
        """Return what a learner says of rows that it did not learn from; None of one that is given up."""
        if self.deal is None:
            predictor = fit(self.study.train)
            return Held(predictor, self.answer_val(predictor), None)
        predictor, pooled = self._out_of_folds(fit, names)
        return None if pooled is None else Held(predictor, pooled[self.deal.places(self.study.val)], pooled)

    def _loss_held(self, held: Held) -> float:
        if self.deal is None or held.pooled is None:
            return float(self.labels.losses(held.answers, self.study.val).mean())
        return float(self.labels.losses(held.pooled, self.deal.rows).mean())

    def _out_of_folds(self, fit: Callable[..., Any], names: Sequence[str]) -> tuple[Any, np.ndarray | None]:
        """Return what a learner says of all rows held out, by learners that did not learn from them, and one of these.

        A turn in which there is too little to learn from answers the prior; RequestError where that is all. None of one
        that is given up: after its first turn it is far behind another that looks at the same, or the time is over.
        """
        assert self.deal is not None
        prior = self.labels.prior
        said, made, lacking = np.repeat(prior[None], len(self.deal.rows), 0), [], []
        looked = list(dict.fromkeys(shown_by(name) for name in names))
        rivals = [c.pooled for c in self.study.candidates if c.names == looked and c.pooled is not None]
        for (learned, held), seen in zip(self.deal.turns, self.turns, strict=True):
            try:
                predictor = fit(learned, seen=seen)
            except RequestError as error:
                lacking.append(error)
                continue
            places = self.deal.places(held)
            said[places] = seen.answer(predictor, held)
            made.append(predictor)
            if len(self.deal.turns) == 1:
                break
            if len(made) == 1 and rivals:
                losses = [self.labels.losses(answers[places], held) for answers in rivals]
                if is_behind(self.labels.losses(said[places], held), min(losses, key=np.mean)):
                    return predictor, None
            if rivals and self.study.budget.is_spent:
                return predictor, None
        if not made:
            raise lacking[0]
        return made[0], said
