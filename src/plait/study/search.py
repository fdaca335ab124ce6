"""The candidates of every family at equal budget, the rule that chooses among them, and the one look at the test rows.

`_try_all` says which come in which order. Knows prepared rows, not users.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NoReturn

import numpy as np

from plait.core.files import Stages
from plait.core.options import AS_TEXT, FAMILIES, REPORT_ROWS
from plait.data.fact_cache import cache_folder
from plait.errors import RequestError, TableError
from plait.kinds import KINDS, TABULAR, TEXT
from plait.kinds.features import batch_features
from plait.models.blend import cross_fit, fit_average, fit_confident, fit_mixture, fit_stacked, fit_weighted
from plait.models.calibration import assign_folds, cross_fit_temperature
from plait.models.classic import Goal, MajorityPredictor, fit_classic
from plait.models.learners import DENSE, DISCRIMINANT, LEARNERS
from plait.models.predictors import Blend, Bounded, RowText, leaves_of
from plait.models.rows import Prepared
from plait.proof.paired import Yardstick
from plait.proof.verdict import Contest, Side, Verdict, judge
from plait.study.budget import Budget
from plait.study.candidate import Candidate, best_of, choose
from plait.study.cost import count_learned
from plait.study.encoder_choice import settle_encoders
from plait.study.job import Fit
from plait.study.labels import is_skewed
from plait.study.networks import STRATEGIES, Study, list_plans
from plait.study.subsets import fit_given

MANY_ROWS = 1_000  # training rows of pictures or sounds from which on only the two best plans are trained from scratch
CLASSIC_SHARE = 0.2  # of a time limit
SCALED = ("ridge regression", "gradient boosting")  # which say whether the logarithm of a target is the better scale


@dataclass
class Search:
    """A study of every family, over one split of the rows."""

    study: Study
    single: Candidate | None = None
    fused: Candidate | None = None
    settled: Verdict | None = None  # of several splits
    _tried: int = 0

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
            winner = study.run(self.plan)
            self.calibrate()
            self._measure()
        else:
            self._try_all()
            self._measure()
            winner = choose([c for c in study.candidates if c.names])
        self.single = best_of(c for c in study.candidates if len(c.names) == 1)
        plural = [c for c in study.candidates if len(c.names) > 1]
        self.fused = winner if self.plan is not None and winner in plural else best_of(plural)
        self.calibrate_sets(winner)
        return winner

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
        vars(self).pop("features", None)

    def _try_all(self) -> None:
        """Try the families one after another; what the time limit or an interrupt leaves out is left out."""
        study, wanted = self.study, set(self.families)
        plans_wanted = wanted & {*STRATEGIES, "auto"}
        self._majority()
        with self._interruptible():
            if "classic" in wanted:
                self._classic(CLASSIC_SHARE)
        if not study.budget.interrupted and ("alone" in wanted or plans_wanted):
            study.train_each()
        if not study.budget.interrupted:
            if "late" in wanted:
                self._late()
            self._pairs()
            if plans_wanted and len(study.prepared.names) > 1:
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
        if not any(c.names for c in study.candidates):
            self._refuse(bool(wanted & {"classic", "alone", *plans_wanted}))
        self.calibrate()
        if "ensemble" in wanted:
            self._ensembles()
            self.calibrate()

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
        prior, name = self.labels.prior, "majority class" if self.labels.classes is not None else "mean"
        answers = np.repeat(prior[None], len(self.study.val), 0)
        self._add(name, "majority", MajorityPredictor(prior), answers, time.monotonic())

    # -- classic learners ---------------------------------------------------------------------------------------------

    def _classic(self, share: float) -> None:
        """Try every learner, as it comes, on each modality and on all together; the quickest learner first."""
        study = self.study
        end = study.budget.since_begin(share)
        beside = [[view] for views in study.prepared.beside.values() for view in views]
        for learner in self.learners:
            each = beside if len(beside) > 1 and learner in DENSE else []
            for names in [*self._groups_of_names(), *each]:
                if time.monotonic() > end and len(study.candidates) > 1:
                    return
                self._fit_classic(learner, 0, names)

    def _groups_of_names(self) -> list[list[str]]:
        names = self.study.prepared.names
        return [*([name] for name in names), *([list(names)] if len(names) > 1 else [])]

    def _fit_classic(self, learner: str, setting: int, names: Sequence[str], family: str = "classic") -> None:
        """Fit one learner on the training rows, and add it, unless too few rows have any of the modalities."""
        began = time.monotonic()
        if learner == DISCRIMINANT and {self.layouts[name]["kind"] for name in names} & {TEXT.name, TABULAR.name}:
            return  # it is for dense numbers
        self._tried += 1  # classic learners are many and short
        total = max(self._tried, len(self._groups_of_names()) * len(self.learners))
        self.study.callback({"stage": "classic learners", "done": self._tried, "total": total})
        beside = self.study.prepared.beside
        inputs = [view for name in names for view in (name, *beside.get(name, ()))]
        fit = partial(self.fit_learner, learner, setting, inputs, family=family)
        try:
            predictor = fit(self.study.train)
        except RequestError:  # too few rows have any of these, or all of one class
            return
        usual, settings = self.learners[learner][0], self.learners[learner][setting]
        changed = "".join(f", {key} {value}" for key, value in settings.items() if usual.get(key) != value)
        seen_by = {view.name: f"{view.of} by {view.encoder}" for view in self.study.prepared.views if view.is_second}
        source = "row as text" if family == AS_TEXT else " + ".join(seen_by.get(name, name) for name in names)
        answers = self.answer_val(predictor)
        self._add(f"{learner}{changed} ({source})", family, predictor, answers, began).fit = fit

    def fit_learner(
        self, learner: str, setting: int, names: Sequence[str], rows: np.ndarray, family: str = "classic"
    ) -> Any:
        """Fit a classic learner on these rows."""
        labels, weights = self.labels, self.study.target.weights
        weighted = None if weights is None else weights.cpu().numpy()
        counts = None if labels.counts is None else labels.counts[rows]
        goal = Goal(labels.learned[rows], labels.learned_prior, labels.classes is None, weighted, counts)
        features = {name: self.features[name][rows] for name in names}
        generator = np.random.default_rng([self.study.seed_of(f"{learner} {setting} {' '.join(names)}")])
        settings = self.learners[learner][setting]
        predictor = fit_classic(learner, features, goal, names, self.layouts, generator, settings)
        return labels.in_unit(RowText(predictor) if family == AS_TEXT else predictor)

    def answer_val(self, predictor: Any) -> np.ndarray:
        """Return what a classic learner says of the validation rows, from features that are there already."""
        (inner,) = leaves_of(predictor)
        answers = inner.from_features({name: self.features[name][self.study.val] for name in inner.input_names})
        return predictor.finish(answers) if isinstance(predictor, Bounded) else answers

    def settle_scale(self) -> None:
        """Learn the logarithms of very skewed numbers where validation agrees: quick learners err less, in the unit."""
        study, labels = self.study, self.labels
        if labels.classes is not None or not is_skewed(labels.numbers[study.train]):
            return
        if len(study.val) == 0 or labels.numbers[study.val].min() <= 0:  # the winner learns from these rows too
            return
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
            skewed = f"column {labels.name!r} is very skewed: its logarithm is learned, as validation rows agree"
            study.callback({"note": f"{skewed}; answers and scores are in its own unit"})
        vars(self).pop("features", None)  # the encoders are not settled yet

    @property
    def learners(self) -> Mapping[str, Any]:
        """{learner: its settings, the usual one first}"""
        return LEARNERS["regression" if self.labels.classes is None else "classification"]

    @cached_property
    def features(self) -> dict[str, np.ndarray]:
        """(rows, feature) of every modality, made when first asked for."""
        prepared, parts = self.study.prepared, []
        for start in range(0, len(prepared), 512):
            rows = np.arange(start, min(start + 512, len(prepared)))
            parts.append(batch_features(prepared.batch(rows), self.layouts, list(self.layouts)))
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    @property
    def layouts(self) -> dict[str, Any]:
        strands = [s for s in self.study.prepared.views if s.how != "tuned"]
        classic = {s.name: getattr(KINDS[s.layout()["kind"]].features, "CLASSIC", {}) for s in strands}
        columns = {s.name: len(s.modality.columns) if s.several else 1 for s in strands}
        return {s.name: {**s.layout(), **classic[s.name], "columns": columns[s.name]} for s in strands}

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
            self._fit_classic(*more[side].pop(0))

    @property
    def trials(self) -> dict[str, int]:
        """How many candidates look at one modality, and how many at several."""
        counts = [len(c.names) for c in self.study.candidates]
        return {"single": counts.count(1), "fused": sum(count > 1 for count in counts)}

    # -- candidates made of candidates --------------------------------------------------------------------------------

    def _late(self) -> None:
        """Fuse what the best candidate of each modality says: average, weights, stacking."""
        ways = {"average": fit_average, "weighted": fit_weighted, "stacked": fit_stacked}
        members = self._best_of_each(self.study.prepared.names)
        for way in ways if len(members) > 1 else ():
            if way == "average" or self.can_learn:
                self._vote(way, members, ways[way])

    def _most_confident(self) -> None:
        """Let the modality answer, row by row, whose best candidate, calibrated, is surest of a class."""
        if self.labels.classes is None:
            return
        self.calibrate()
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

    def _best_of_each(self, names: Sequence[str]) -> list[Candidate]:
        return [candidate for name in names if (candidate := self.best_alone(name)) is not None]

    def _vote(self, way: str, members: Sequence[Candidate], fit: Any) -> None:
        names = " + ".join(c.names[0] for c in members)
        self._blend(f"{way} vote ({names})", "late", members, fit, "of the best of each")

    def best_alone(self, name: str) -> Candidate | None:
        """Return the best candidate on validation that looks at this modality and no other."""
        return best_of(c for c in self.study.candidates if c.names == [name])

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
        began, val, prior = time.monotonic(), self.study.val, self.labels.prior
        there = np.stack([self._having_any(c)[val] for c in members], 1)
        said, target = [c.answers for c in members], self.labels.numbers[val]
        answers = cross_fit(fit, said, there, prior, target, self.fold)
        combiner, kept = fit(said, there, prior, target, self.fold), list(range(len(members)))
        if fit is fit_mixture:
            kept = np.flatnonzero(combiner.weights).tolist()
            combiner = replace(combiner, weights=tuple(combiner.weights[i] for i in kept))
        if len(kept) < 2:
            return  # one member is no ensemble
        blend = Blend([members[i].tempered for i in kept], combiner, prior)
        candidate = self._add(name, family, blend, answers, began, recipe or f"of {len(kept)}")
        candidate.parts = [members[i] for i in kept]

    def _having_any(self, candidate: Candidate) -> np.ndarray:
        """Return which rows (rows,) have any of the modalities that a candidate looks at."""
        return np.any([self.study.prepared.present[name] for name in candidate.names], axis=0)

    @cached_property
    def fold(self) -> np.ndarray:
        """(val,): the fold of every validation row, five folds, whole groups in one; of one group one fold."""
        return self._assign_folds(self.job.groups_of(self.study.val))

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
        val, fold = self.study.val, self._fold_of_rows
        for candidate in self.study.candidates:
            if candidate.names and candidate.temperature is None:
                there = self._having_any(candidate)[val]
                candidate.prior = self._prior
                given = candidate.answers, self.labels.codes[val], fold, there, candidate.prior
                candidate.temperature, candidate.answers = cross_fit_temperature(*given)
                candidate.losses = self.labels.losses(candidate.answers, val)

    def calibrate_sets(self, winner: Candidate) -> None:
        """Give those that may see the test rows a temperature for each set of modalities that a row may have."""
        for candidate in self.looked_at(winner) if self.labels.classes is not None and len(self.study.val) else ():
            if len(candidate.names) > 1 and not candidate.given:
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
                candidate.losses = yardstick.spread(candidate.answers)

    # -- the test rows ------------------------------------------------------------------------------------------------

    @property
    def alone(self) -> dict[str, Candidate]:
        """The best candidate of each modality by itself, the best of them on validation first."""
        best = {name: candidate for name in self.study.prepared.names if (candidate := self.best_alone(name))}
        return dict(sorted(best.items(), key=lambda item: item[1].loss))

    def looked_at(self, winner: Candidate) -> list[Candidate]:
        """Return the candidates that may see the test rows: the winner, the best fusion, each modality alone."""
        return list(dict.fromkeys(c for c in (winner, self.single, self.fused, *self.alone.values()) if c is not None))

    def look(self, candidate: Candidate) -> np.ndarray:
        """Return what a candidate says of the test rows, in order: (test, class) or (test, 1). It is asked once."""
        if candidate.tested is None:
            candidate.tested = answer_rows(candidate.tempered, self.study.prepared, self.study.test)
        return candidate.tested

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

    def __post_init__(self) -> None:
        study = self.search.study
        self.job, self.labels = self.search.job, self.search.labels
        self.rows = study.test if len(study.test) else study.val  # those that the files are about

    @cached_property
    def sample(self) -> np.ndarray:
        """Places among the rows, drawn: those on which the report measures what costs time."""
        order = np.random.default_rng([self.search.study.seed, 10]).permutation(len(self.rows))
        return np.sort(order[: self.job.options.report_rows or REPORT_ROWS])
