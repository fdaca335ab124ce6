"""The candidates of every family at equal budget, the rule that chooses among them, and the one look at the test rows.

`_try_all` says which come in which order. Knows prepared rows, not users.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, NamedTuple, NoReturn

import numpy as np

from plait.core.contract import shown_by
from plait.core.files import Stages
from plait.core.options import AS_TEXT, FAMILIES, REPORT_ROWS, SHARED
from plait.data.fact_cache import cache_folder
from plait.errors import RequestError, TableError
from plait.kinds import TABULAR, TEXT
from plait.kinds.features import count_numbers
from plait.models.blend import cross_fit, fit_average, fit_confident, fit_mixture, fit_stacked, fit_weighted
from plait.models.calibration import assign_folds, cross_fit_temperature, find_thresholds
from plait.models.classic import Goal, MajorityPredictor, fit_classic
from plait.models.each_label import fit_labels
from plait.models.learners import BINNED, DENSE, DISCRIMINANT, LEARNERS
from plait.models.predictors import Blend, RowText
from plait.models.rows import Prepared
from plait.models.sparse import FIRST, LEARNER, STRENGTHS, Lesson
from plait.models.views import View
from plait.proof.paired import Yardstick
from plait.proof.verdict import Contest, Side, Verdict, judge
from plait.study.budget import Budget
from plait.study.candidate import Candidate, best_of, choose
from plait.study.cost import count_learned
from plait.study.encoder_choice import settle_encoders
from plait.study.ensemble import Answered, Chooser, Deal, deal_rows, is_behind
from plait.study.job import Fit
from plait.study.labels import Labels, is_skewed, shift_of
from plait.study.networks import STRATEGIES, Study, list_plans
from plait.study.seen import Seen, see_anew
from plait.study.subsets import fit_given

MANY_ROWS = 1_000  # training rows of pictures or sounds from which on only the two best plans are trained from scratch
CLASSIC_SHARE, FOLDED_SHARE = 0.2, 0.4  # of a time limit; of one in which they are learned for each fold
BOOSTING, QUICK, WIDER = "gradient boosting", 3, 2  # and its settings: of many rows first, of a table at last
FEWEST_WIDER, MOST_WIDER = 1_000, 10  # rows from which on, and classes up to which, a table is boosted once more
NEAR_ROWS = 20_000  # rows above which no neighbours are looked for: each answer compares with all of them
SVM_ROWS, SVM_CLASSES = 2_500, 30  # above which an SVM, whose time grows with their squares, is not tried in folds
FOREST_ROWS = 6_000  # of tables alone, above which no forest is grown: boosting is better then, and cheaper
BOOSTING_WIDE = (
    1_000  # features times trees a round, as of it; measured on pictures and sounds of ten digits: 33 of 48 s
)
FOREST_WIDE = 128  # features above which a forest is not grown in folds: it is the dearest then, and seldom any good
FRESH = 3_000  # rows up to which vocabularies are learned anew in each fold
SCALED = ("ridge regression", "gradient boosting")  # which say whether the logarithm of a target is the better scale
# where a row may have several labels
EACH_LABEL = ("logistic regression", "random forest", BOOSTING, "logistic regression with bins")
TWICE = ("gradient boosting", "ridge regression with bins")  # which learn a skewed target in the other scale as well


class Held(NamedTuple):
    """What a learner says of rows it did not learn from: of validation, and where there are folds of all rows."""

    predictor: Any
    answers: np.ndarray
    pooled: np.ndarray | None


@dataclass
class Search:
    """A study of every family, over one split of the rows."""

    study: Study
    single: Candidate | None = None
    fused: Candidate | None = None
    settled: Verdict | None = None  # of several splits
    sharing: Callable[[Search], list[Candidate]] | None = None  # gives what learned other targets too, of several
    apart: Candidate | None = None  # what would win without these
    _scaled: bool = False  # whether that is settled
    _skewed: bool = False  # whether the target is numbers, above 0, of which logarithms may be learned
    _tried: int = 0
    _best: dict[str, Candidate] = field(default_factory=dict)  # the ensemble of each modality alone
    _given_up: set[tuple[str, ...]] = field(default_factory=set)  # learners, and the modalities that they looked at
    _whole: set[Candidate] = field(default_factory=set)  # what has learned from training and validation rows at once

    def __post_init__(self) -> None:
        self.job, self.labels, options = self.study.job, self.study.labels, self.study.options
        self.families = options.candidates or FAMILIES
        self.plan = next(iter(self.job.plan_objects), None)  # the plan the user asked for: then no other is tried

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
            return cls(Study.of(job, prepared, split, kept=kept))
        # each of the folds, which are dealt twice, gets as much time as the fit of the model that is shipped
        limit = options.time_limit and options.time_limit / (
            2 * options.folds + 1 if options.folds else options.repeats
        )
        return cls(Study(job, prepared, split, Budget.of(limit), kept=kept))

    def run(self) -> Candidate:
        """Train the candidates, and return the winner on validation."""
        study = self.study
        self.settle_scale()
        if self.plan is not None or {*self.families} & {"alone", "auto", *STRATEGIES}:
            settle_encoders(study)
        else:
            self._settle_by_classic()
        if self.plan is not None:
            self.apart = winner = study.run(self.plan)
            shared = [c for c in self._add_shared() if c.plan == winner.plan]
            winner = min([winner, *shared], key=lambda c: c.loss)
            self.calibrate()
            self._measure()
        else:
            self._try_all()
            self._measure()
            if self.deal is not None:
                return self._choose_ensembles()
            winner = choose([c for c in study.candidates if c.names])
            own = [c for c in study.candidates if c.names and not c.is_shared]
            self.apart = choose(own) if own else None
        self.single = best_of(c for c in study.candidates if len(c.names) == 1)
        plural = [c for c in study.candidates if len(c.names) > 1]
        self.fused = winner if self.plan is not None and winner in plural else best_of(plural)
        self.calibrate_sets(winner)
        return winner

    def use(self, study: Study) -> None:
        """See the modalities through the encoders that another study has settled."""
        self.study.prepared, self.study.encoders_tried = study.prepared, study.encoders_tried
        vars(self).pop("seen", None)

    def _settle_by_classic(self) -> None:
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
        vars(self).pop("seen", None)

    def _try_all(self) -> None:
        """Try the families one after another; what the time limit or an interrupt leaves out is left out."""
        study, wanted = self.study, set(self.families)
        plans_wanted = wanted & {*STRATEGIES, "auto"}
        self._majority()
        with self._interruptible():
            if "classic" in wanted:
                self._classic(CLASSIC_SHARE if self.deal is None else FOLDED_SHARE)
                if "late" in wanted and self.deal is not None:
                    self._late(folded=True)
        if not study.budget.interrupted and ("alone" in wanted or plans_wanted):
            study.train_each()
        if not study.budget.interrupted:
            if "late" in wanted:
                self._late()
            self._pairs()
            if plans_wanted and len(study.prepared.names) > 1 and self._may_gain():
                listed = list_plans(study.prepared.names, self.families)
                grow = "auto" in wanted and (len(study.prepared.names) > 2 or "tree" not in wanted)
                study.train_plans(listed, self._count_joint(), grow)
        with self._interruptible():
            if AS_TEXT in wanted and not study.budget.interrupted:
                self._text()
            if "late" in wanted and not study.budget.interrupted:
                self._most_confident()
            if "classic" in wanted and not study.budget.interrupted:
                self._level_trials()
        if not any(c.names for c in study.candidates) and not (self.sharing and SHARED in wanted):
            self._refuse(bool(wanted & {"classic", "alone", *plans_wanted}))
        self.calibrate()
        if "ensemble" in wanted and self.deal is None:
            self._ensembles()
            self.calibrate()
        if SHARED in wanted and self._add_shared():  # last, so that all else is as it would be without
            self.calibrate()

    def _add_shared(self) -> list[Candidate]:
        """Add what a network of several targets gave to this one, and return it."""
        shared = [] if self.sharing is None else self.sharing(self)
        self.study.candidates += shared
        return shared

    def _may_gain(self) -> bool:
        """Whether networks that fuse are worth their time: not of texts and tables that others know better than they.

        Pictures and sounds they know better than features by hand tell; else one must be ahead on its own modality.
        """
        if self.deal is None or any(view.able.opened for view in self.study.prepared.views):
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
            "rows; expected more to learn from."
        )

    def _count_joint(self) -> int:
        """Return how many plans are trained from scratch: each is dear with many pictures or sounds."""
        study = self.study
        dear = any(strand.able.opened for strand in study.prepared.views) and len(study.train) > MANY_ROWS
        return 2 if dear else 3

    def _add(
        self, name: str, family: str, predictor: Any, answers: np.ndarray, began: float, recipe: str = ""
    ) -> Candidate:
        losses, seconds = self.labels.losses(answers, self.study.val), time.monotonic() - began
        params = count_learned(predictor)
        candidate = Candidate(name, family, None, recipe or family, predictor, answers, losses, seconds, params)
        self.study.candidates.append(candidate)
        return candidate

    def _majority(self) -> None:
        prior = self.labels.prior
        name = {"regression": "mean", "labels": "how often labels are"}.get(self.labels.task, "majority class")
        answers = np.repeat(prior[None], len(self.study.val), 0)
        prior_alone = self._add(name, "majority", MajorityPredictor(prior), answers, time.monotonic())
        if self.deal is not None:
            prior_alone.pooled = np.repeat(prior[None], len(self.deal.rows), 0)

    # -- classic learners ---------------------------------------------------------------------------------------------

    def _classic(self, share: float) -> None:
        """Try every learner, as it comes, on each modality and on all together; the quickest learner first."""
        study = self.study
        end = study.budget.since_begin(share)
        trials, first = self._list_classic(), next(iter(self.learners))
        last = max(place for place, (learner, *_) in enumerate(trials) if learner == first)
        for place, (learner, setting, names) in enumerate(trials):
            if learner in self.learners:
                if time.monotonic() > end and len(study.candidates) > 1:
                    return
                self._fit_classic(learner, setting, names)
                if setting == 0 and self._skewed and self.deal is not None and learner in TWICE:
                    self._fit_classic(learner, 0, names, log=not self.labels.log)
            if place == last:  # after the quickest of dense features
                for view in (view for view in study.prepared.views if view.how == "letters"):
                    self._fit_letters(view)

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

    def _is_dear(self, learner: str, names: Sequence[str], width: int) -> bool:
        """Whether trees over so many features cost more than they have been seen to be worth in folds."""
        if learner == BOOSTING and not self._has_numbers(names):
            num = len(self.labels.classes or ())
            return width * (num if num > 2 else 1) > BOOSTING_WIDE
        return learner == "random forest" and width > FOREST_WIDE

    def _groups_of_names(self) -> list[list[str]]:
        names = self.study.prepared.names
        return [*([name] for name in names), *([list(names)] if len(names) > 1 else [])]

    def _fit_classic(
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

    def _fit_letters(self, view: View) -> None:
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

    def lesson_of(self, name: str, rows: np.ndarray) -> Lesson:
        """Return what these rows teach by the letters of a text. Raises RequestError where it is too little."""
        generator = np.random.default_rng([self.study.seed_of(f"{LEARNER} {name}")])
        layout = next(view for view in self.study.prepared.views if view.name == name).layout()
        return Lesson(name, layout, self.seen.take(name, rows), self.goal_of(rows), generator)

    def fit_letters(self, name: str, strength: float, rows: np.ndarray) -> Any:
        """Fit the learner of words and letters on these rows."""
        return self.labels.in_unit(self.lesson_of(name, rows).fit(strength))

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

    def _add_learned(
        self, name: str, family: str, fit: Callable[..., Any], held: Held, began: float, recipe: str = ""
    ) -> None:
        candidate = self._add(name, family, held.predictor, held.answers, began, recipe)
        candidate.fit, candidate.pooled = fit, held.pooled
        if held.pooled is not None:
            few = self.turns[0].few
            candidate.latency = time_row(held.predictor, few, np.arange(len(few)))

    def _has_numbers(self, names: Sequence[str]) -> bool:
        return any(count_numbers(self.seen.layouts[name]) for name in names)

    def _width_of(self, names: Sequence[str]) -> int:
        return sum(self.seen.features[name].shape[1] for name in names)

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

    @cached_property
    def deal(self) -> Deal | None:
        """Which rows are held out in turn where an ensemble is to be chosen; None where it is not."""
        job, study = self.job, self.study
        if study.options.choose == "simple" or self.plan is not None or not len(study.val):
            return None
        if any(one.training_only for one in job.made):  # what is made for training rows alone is no row to be tested by
            return Deal([(study.train, study.val)])
        generator = np.random.default_rng([study.seed, 12])
        deal = deal_rows(study.train, study.val, self.labels, job.groups, generator)
        if deal.said:
            study.callback({"note": deal.said})
        return deal

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
            if len(self.deal.rows) > FRESH:
                seens.append(self.seen)
                continue
            generator = np.random.default_rng([self.study.seed, 13, number])
            seens.append(see_anew(self.job, self.seen, learned, self.deal.rows, generator))
            self.study.callback({"stage": "prepare folds", "done": number + 1, "total": len(self.deal.turns)})
        return seens

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

    def goal_of(self, rows: np.ndarray, labels: Labels | None = None) -> Goal:
        """Return what classic learners are to learn of these rows. labels: the study's, if no others are given."""
        labels, weights = labels or self.labels, self.study.target.weights
        weighted = None if weights is None else weights.cpu().numpy()
        counts = None if labels.counts is None else labels.counts[rows]
        return Goal(labels.learned[rows], labels.learned_prior, labels.classes is None, weighted, counts)

    def answer_val(self, predictor: Any) -> np.ndarray:
        """Return what a classic learner says of the validation rows."""
        return self.seen.answer(predictor, self.study.val)

    @cached_property
    def seen(self) -> Seen:
        """What learners see of every row, with what was learned of the training rows."""
        return Seen(self.study.prepared)

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
        vars(self).pop("seen", None)  # the encoders are not settled yet

    @property
    def learners(self) -> Mapping[str, Any]:
        """{learner: its settings, the usual one first}"""
        learners = LEARNERS["regression" if self.labels.classes is None else "classification"]
        if self.labels.sets is not None:  # each is learned once a label
            learners = {learner: settings for learner, settings in learners.items() if learner in EACH_LABEL}
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

    def _text(self) -> None:
        """Write the whole row out as text, and read that: a baseline that beats fusion on some tables."""
        prepared = self.study.prepared
        shadows = [s.name for s in prepared.views if s.how == "as text"]
        if shadows and not self.study.is_over:
            texts = [s.name for s in prepared.views if s.able is TEXT and s.is_main]
            self._fit_classic(next(iter(self.learners)), 0, [*texts, *shadows], AS_TEXT)  # the linear one

    def _level_trials(self) -> None:
        """Give the side with fewer trials further settings of classic learners, until both have had as many."""
        *single, every = self._groups_of_names()
        more = {
            side: [(learner, setting, group) for setting in (1, 2) for learner in self.learners for group in groups]
            for side, groups in (("single", single), ("fused", [every]))
        }
        while single and not self.study.is_over:
            trials = self.trials
            side = min(trials, key=lambda key: trials[key])
            if trials["single"] == trials["fused"] or not more[side]:
                return
            learner, setting, group = more[side].pop(0)
            if (learner, *group) not in self._given_up:
                self._fit_classic(learner, setting, group)

    @property
    def trials(self) -> dict[str, int]:
        """How many candidates look at one modality, and how many at several."""
        counts = [len(c.names) for c in self.study.candidates]
        return {"single": counts.count(1), "fused": sum(count > 1 for count in counts)}

    # -- candidates made of candidates --------------------------------------------------------------------------------

    def _late(self, folded: bool = False) -> None:
        """Fuse what the best candidate of each modality says: average, weights, stacking. folded: of those by folds."""
        ways = {"average": fit_average, "weighted": fit_weighted, "stacked": fit_stacked}
        members = self._best_of_each(self.study.prepared.names, folded)
        if not folded and self.deal is not None and all(c.pooled is not None for c in members):
            return  # they have voted already
        several = len(np.unique(self.held_fold)) > 1 if folded else self.can_learn
        several = several and self.labels.sets is None  # weights and stacking are of one class a row
        for way in ways if len(members) > 1 else ():
            if way == "average" or several:
                self._vote(way, members, ways[way])

    def _most_confident(self) -> None:
        """Let the modality answer, row by row, whose best candidate, calibrated, is surest of a class."""
        if self.labels.classes is None or self.labels.sets is not None:
            return
        members = self._best_of_each(self.study.prepared.names)
        if len(members) > 1:
            names = " + ".join(c.names[0] for c in members)
            self._blend(f"most confident ({names})", "late", members, fit_confident, "of the best of each")

    def _pairs(self) -> None:
        """Fuse each modality with what was made of it, and nothing else, where there are more modalities than these."""
        pairs = [(made.origin, made.modality) for made in self.job.made if made.how == "convert"]
        for pair in pairs if len(self.study.prepared.names) > 2 else ():
            members = self._best_of_each(pair)
            if len(members) == 2 and not self.study.is_over:
                self._vote("average", members, fit_average)
                for learner in self.learners if "classic" in self.families else ():
                    self._fit_classic(learner, 0, pair)

    def _best_of_each(self, names: Sequence[str], folded: bool = False) -> list[Candidate]:
        self.calibrate()  # as they will be when they answer
        if folded:
            having = [[c for c in self.study.candidates if c.names == [n] and c.pooled is not None] for n in names]
            return [min(few, key=self._pooled_loss) for few in having if few]
        return [candidate for name in names if (candidate := self.best_alone(name)) is not None]

    def _pooled_loss(self, candidate: Candidate) -> float:
        assert self.deal is not None
        assert candidate.pooled is not None
        return float(self.labels.losses(candidate.pooled, self.deal.rows).mean())

    def _vote(self, way: str, members: Sequence[Candidate], fit: Any) -> None:
        names = " + ".join(c.names[0] for c in members)
        if any(c.network is not None for c in members) and self.deal is not None:
            names += ", with networks"
        self._blend(f"{way} vote ({names})", "late", members, fit, "of the best of each")

    def best_alone(self, name: str) -> Candidate | None:
        """Return the best candidate on validation that looks at this modality and no other; the ensemble, if chosen."""
        if name in self._best:
            return self._best[name]
        return best_of(c for c in self.study.candidates if c.names == [name])

    def _choose_ensembles(self) -> Candidate:
        """Select an ensemble from all candidates, and by the same rule one from those of each modality."""
        study, deal = self.study, self.deal
        assert deal is not None
        single = self.labels.classes is not None and self.labels.sets is None
        measured = deal.measured(self.labels.codes if single else None)
        held = Answered(deal.rows, self.held_fold, measured)
        val = Answered(study.val, self.fold, measured[deal.places(study.val)])
        chooser, tried = Chooser(self.labels, self._having_any, held, val), list(study.candidates)

        def select(name: str, few: Sequence[Candidate]) -> Candidate | None:
            found = chooser.ensemble(f"ensemble ({name})", few)
            if found is not None and found not in study.candidates:
                study.candidates.append(found)
                self.calibrate()
            self._measure()
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
        looked = self.looked_at(winner)
        if self.labels.classes is not None and len(deal.turns) > 1:
            done: set[Candidate] = set()
            for candidate in [c for c in looked if len(c.names) > 1]:
                self._learn_again(
                    candidate, study.train, done
                )  # what temperatures are fitted by has not seen validation
        self.calibrate_sets(winner)
        for candidate in looked:
            self._learn_whole(candidate)
        return winner

    def has_whole(self, candidate: Candidate) -> bool:
        """Whether a candidate has learned from training and validation rows at once."""
        return candidate in self._whole

    def _learn_whole(self, candidate: Candidate) -> None:
        """Let what has learned in folds learn from training and validation rows at once, and all that it is made of."""
        if self.deal is None or (len(self.deal.turns) == 1 and self.study.budget.is_spent):
            return  # what has learned from many rows has learned enough
        self._learn_again(candidate, self.deal.known, self._whole)

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

    def _ensembles(self) -> None:
        """Select an ensemble greedily from all candidates, and one from those of each modality."""
        candidates = [c for c in self.study.candidates if c.names] if self.can_learn else []
        for name in self.study.prepared.names:
            alone = [c for c in candidates if c.names == [name]]
            if len(alone) > 1:
                self._blend(f"ensemble ({name})", "ensemble", alone, fit_mixture)
        if any(len(c.names) > 1 for c in candidates):
            self._blend("ensemble (all)", "ensemble", candidates, fit_mixture)

    def _blend(self, name: str, family: str, members: Sequence[Candidate], fit: Any, recipe: str = "") -> None:
        """Combine candidates. What is chosen on is cross-fitted on validation; what is kept is fitted on all of it."""
        began, rows, fold, prior = time.monotonic(), self.study.val, self.fold, self.labels.prior
        pooled = [c.pooled for c in members if c.pooled is not None]
        said, folded = [c.answers for c in members], self.deal is not None and len(pooled) == len(members)
        if self.deal is not None and folded:
            rows, fold, said = self.deal.rows, self.held_fold, pooled
        there, target = np.stack([self._having_any(c)[rows] for c in members], 1), self.labels.numbers[rows]
        answers = cross_fit(fit, said, there, prior, target, fold)
        combiner, kept = fit(said, there, prior, target, fold), list(range(len(members)))
        if fit is fit_mixture:
            kept = np.flatnonzero(combiner.weights).tolist()
            combiner = replace(combiner, weights=tuple(combiner.weights[i] for i in kept))
        if len(kept) < 2:
            return  # one member is no ensemble
        blend = Blend([members[i].tempered for i in kept], combiner, prior)
        val = answers[self.deal.places(self.study.val)] if self.deal is not None and folded else answers
        candidate = self._add(name, family, blend, val, began, recipe or f"of {len(kept)}")
        candidate.parts, candidate.pooled = [members[i] for i in kept], answers if folded else None

    def _having_any(self, candidate: Candidate) -> np.ndarray:
        """Return which rows (rows,) have any of the modalities that a candidate looks at; all, if it needs none."""
        if not candidate.names:
            return np.ones(len(self.study.prepared), bool)
        return np.any([self.study.prepared.present[name] for name in candidate.names], axis=0)

    @cached_property
    def fold(self) -> np.ndarray:
        """(val,): the fold of every validation row, five folds, whole groups in one; of one group one fold."""
        return self._assign_folds(self.job.groups_of(self.study.val))

    @property
    def held_fold(self) -> np.ndarray:
        """(held,): the fold of all rows that are held out; five of validation, where that alone is."""
        assert self.deal is not None
        return self.fold if len(self.deal.turns) == 1 else self.deal.fold

    def _assign_folds(self, groups: np.ndarray | None) -> np.ndarray:
        generator = np.random.default_rng([self.study.seed, 5])
        return assign_folds(self.labels.numbers[self.study.val], generator=generator, groups=groups)

    @property
    def can_learn(self) -> bool:
        """Whether weights can be learned on validation. Of one speaker they would fit that speaker, and no other."""
        return len(np.unique(self.fold)) > 1

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
            rows, fold, answers, deal = self.study.val, self._fold_of_rows, candidate.answers, self.deal
            if deal is not None and candidate.pooled is not None:
                rows, fold, answers = deal.rows, self.held_fold, candidate.pooled
            candidate.prior = self._prior
            given = answers, self.labels.numbers[rows], fold, self._having_any(candidate)[rows], candidate.prior
            counts = None if self.labels.counts is None else self.labels.counts[rows]
            candidate.temperature, candidate.answers = cross_fit_temperature(*given, counts=counts)
            if self.labels.sets is not None:
                there = self._having_any(candidate)[rows]
                candidate.thresholds = find_thresholds(candidate.answers[there], self.labels.sets[rows[there]])
            if deal is not None and candidate.pooled is not None:
                candidate.pooled = candidate.answers
                candidate.answers = candidate.pooled[deal.places(self.study.val)]
            candidate.losses = self.labels.losses(candidate.answers, self.study.val)

    def calibrate_sets(self, winner: Candidate) -> None:
        """Give those that may see the test rows a temperature for each set of modalities that a row may have."""
        looked = self.looked_at(winner) if self.labels.classes is not None and len(self.study.val) else []
        members = {part for candidate in looked for part in candidate.parts}  # which stay as they were selected
        for candidate in looked:
            if len(candidate.names) > 1 and not candidate.given and (self.deal is None or candidate not in members):
                candidate.prior = self._prior
                self.study.leave_device()
                candidate.given = fit_given(candidate, self.study, self._fold_of_rows)

    @property
    def _fold_of_rows(self) -> np.ndarray:
        """(val,): the fold of every validation row; of one group, as if there were none: one number fits no speaker."""
        return self.fold if self.can_learn else self._assign_folds(None)

    @property
    def _prior(self) -> tuple[float, ...] | None:
        """Towards what temperatures soften: the classes as often as they are, unless they are to count alike."""
        return None if self.labels.weights is not None else tuple(self.labels.prior.tolist())

    def _measure(self) -> None:
        """Let the metric say what a candidate loses, where it is to choose: validation is asked once more, by it."""
        if self.labels.chooses:
            yardstick = self.labels.yardstick(self.study.val)
            for candidate in self.study.candidates:
                candidate.losses = yardstick.spread(self.labels.level(candidate.answers, candidate.thresholds))

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


def time_row(predictor: Any, prepared: Prepared, rows: np.ndarray) -> float:
    """Return the milliseconds that a predictor takes for one row, of up to 64 answered at once, prepared already."""
    batch = prepared.batch(rows[:64])
    predictor(batch)  # once to get warm
    began = time.perf_counter()
    predictor(batch)
    return 1000 * (time.perf_counter() - began) / max(1, min(64, len(rows)))


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

    def __post_init__(self) -> None:
        study = self.search.study
        self.job, self.labels = self.search.job, self.search.labels
        self.rows = study.test if len(study.test) else study.val  # those that the files are about

    @cached_property
    def sample(self) -> np.ndarray:
        """Places among the rows, drawn: those on which the report measures what costs time."""
        order = np.random.default_rng([self.search.study.seed, 10]).permutation(len(self.rows))
        return np.sort(order[: self.job.options.report_rows or REPORT_ROWS])
