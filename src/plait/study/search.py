"""The candidates of every family at equal budget, the rule that chooses among them, and the one look at the test rows.

Order: the majority class; classic learners on each modality and on all together; the network of each modality; late
fusion of the best of each; the row written out as text; plans by both recipes (networks.py); further settings of
classic learners, until one modality and several have had the same number of trials; greedy ensembles. The winner is the
cheapest within one standard error of the best on validation. Knows prepared rows, not files or users.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from plait.core.options import AS_TEXT, FAMILIES
from plait.errors import RequestError, TableError
from plait.kinds import TEXT
from plait.kinds.features import batch_features
from plait.models.blend import cross_fit, fit_average, fit_mixture, fit_stacked, fit_weighted
from plait.models.calibration import assign_folds, cross_fit_temperature
from plait.models.classic import ClassicPredictor, Goal, MajorityPredictor, fit_classic
from plait.models.learners import LEARNERS
from plait.models.predictors import Blend, RowText, count_params
from plait.models.rows import Prepared
from plait.proof.verdict import NO_FUSED, NO_SINGLE, NO_TEST_ROWS, ONE_MODALITY, Side, Verdict, judge, not_tested
from plait.study.candidate import Candidate, choose
from plait.study.encoder_choice import settle_encoders
from plait.study.labels import Labels
from plait.study.networks import STRATEGIES, Study, list_plans

MANY_ROWS = 1_000  # training rows of pictures or sounds from which on only the two best plans are trained from scratch
CLASSIC_SHARE = 0.2  # of a time limit
Features = dict[str, np.ndarray]


@dataclass
class Search:
    """A study of every family, over one split of the rows."""

    study: Study
    labels: Labels
    families: Sequence[str] = FAMILIES
    groups: np.ndarray | None = None  # (rows,) whose rows belong together, such as a speaker
    plan: str | None = None  # the plan the user asked for: then no other is tried
    pairs: Sequence[tuple[str, str]] = ()  # a modality, and what was made of it: compared alone and together
    single: Candidate | None = None
    fused: Candidate | None = None
    _features: Features = field(default_factory=dict, repr=False)
    _fold: np.ndarray | None = field(default=None, repr=False)
    _tried: int = 0

    # -- candidates ---------------------------------------------------------------------------------------------------

    def run(self) -> Candidate:
        """Train the candidates, and return the winner on validation."""
        study = self.study
        if self.plan is not None or {*self.families} & {"alone", "auto", *STRATEGIES}:
            settle_encoders(study)
        else:
            self._settle_by_classic()
        if self.plan is not None:
            winner = study.run(self.plan)
            self.calibrate()
        else:
            self._try_all()
            winner = choose([c for c in study.candidates if c.names])
        self.single = min((c for c in study.candidates if len(c.names) == 1), key=_loss, default=None)
        plural = [c for c in study.candidates if len(c.names) > 1]
        self.fused = winner if self.plan is not None and winner in plural else min(plural, key=_loss, default=None)
        return winner

    def _settle_by_classic(self) -> None:
        """Choose the encoders that are left open by what a linear learner reaches with each; no network is wanted."""
        study = self.study
        for name, views in study.prepared.choices.items():
            told: dict[str, float] = {}
            for view in views:
                try:
                    predictor = self.fit_learner(next(iter(self.learners)), 0, [view], study.train)
                except RequestError:  # too few rows have it, or all of one class
                    continue
                answers = self.answer_val(predictor)
                told[view] = float(self.labels.losses(answers, study.val).mean())
            best = min(told, key=lambda view: told[view], default=name)
            names = {s.name: s.encoder for s in study.prepared.views}
            study.encoders_tried[name] = [{"encoder": names[view], "loss": loss} for view, loss in told.items()]
            study.prepared = study.prepared.settle(name, best)
        self._features = {}

    def _try_all(self) -> None:
        """Try the families one after another; what the time limit or an interrupt leaves out is left out."""
        study, wanted = self.study, set(self.families)
        plans_wanted = wanted & {*STRATEGIES, "auto"}
        self._majority()
        try:
            if "classic" in wanted:
                self._classic(CLASSIC_SHARE)
        except KeyboardInterrupt:
            study.budget.interrupted = True
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
        try:
            if AS_TEXT in wanted and not study.budget.interrupted:
                self._text()
            if "classic" in wanted and not study.budget.interrupted:
                self._level_trials()
        except KeyboardInterrupt:
            study.budget.interrupted = True
        if not any(c.names for c in study.candidates):
            if study.budget.interrupted:
                raise KeyboardInterrupt
            if not wanted & {"classic", "alone", *plans_wanted}:
                raise RequestError(
                    f"candidates {', '.join(self.families)}: there is nothing to make them of; "
                    "name alone or classic as well."
                )
            raise TableError(
                f"nothing could be trained: modality {study.prepared.names[0]!r} is there in fewer than two training "
                "rows; expected more to learn from."
            )
        self.calibrate()
        if "ensemble" in wanted:
            self._ensembles()

    def _count_joint(self) -> int:
        """Return how many plans are trained from scratch: each is dear with many pictures or sounds."""
        study = self.study
        dear = any(strand.able.opened for strand in study.prepared.views) and len(study.train) > MANY_ROWS
        return 2 if dear else 3

    def _add(
        self, name: str, family: str, predictor: Any, answers: np.ndarray, began: float, recipe: str = ""
    ) -> Candidate:
        seconds = time.monotonic() - began
        losses = self.labels.losses(answers, self.study.val)
        params = count_params(predictor)
        found = Candidate(name, family, None, recipe or family, predictor, answers, losses, seconds, params)
        self.study.candidates.append(found)
        return found

    def _majority(self) -> None:
        prior = self.labels.prior
        name = "majority class" if self.labels.classes is not None else "mean"
        answers = np.repeat(prior[None], len(self.study.val), 0)
        self._add(name, "majority", MajorityPredictor(prior), answers, time.monotonic())

    # -- classic learners ---------------------------------------------------------------------------------------------

    def _classic(self, share: float) -> None:
        """Try every learner, as it comes, on each modality and on all together; the quickest learner first."""
        study = self.study
        end = study.budget.since_begin(share)
        for learner in self.learners:
            for names in self._groups_of_names():
                if time.monotonic() > end and len(study.candidates) > 1:
                    return
                self._fit_classic(learner, 0, names)

    def _groups_of_names(self) -> list[list[str]]:
        names = self.study.prepared.names
        return [*([name] for name in names), *([list(names)] if len(names) > 1 else [])]

    def _fit_classic(self, learner: str, setting: int, names: Sequence[str], family: str = "classic") -> None:
        """Fit one learner on the training rows, and add it, unless too few rows have any of the modalities."""
        study, began = self.study, time.monotonic()
        self._tell()
        fit = partial(self.fit_learner, learner, setting, names, family=family)
        try:
            predictor = fit(study.train)
        except RequestError:  # too few rows have any of these, or all of one class
            return
        shown = learner
        if setting:
            chosen, usual = self.learners[learner][setting], self.learners[learner][0]
            shown += "".join(f", {key} {value}" for key, value in chosen.items() if usual.get(key) != value)
        told = "row as text" if family == AS_TEXT else " + ".join(names)
        self._add(f"{shown} ({told})", family, predictor, self.answer_val(predictor), began).fit = fit

    def fit_learner(
        self, learner: str, setting: int, names: Sequence[str], rows: np.ndarray, family: str = "classic"
    ) -> ClassicPredictor | RowText:
        """Fit a classic learner on these rows."""
        weights = self.study.target.weights
        goal = Goal(
            self.labels.numbers[rows],
            self.labels.prior,
            self.labels.classes is None,
            None if weights is None else weights.cpu().numpy(),
        )
        features = {name: self.features[name][rows] for name in names}
        generator = np.random.default_rng([self.study.seed_of(f"{learner} {setting} {' '.join(names)}")])
        settings = self.learners[learner][setting]
        predictor = fit_classic(learner, features, goal, names, self.layouts, generator, settings)
        return RowText(predictor) if family == AS_TEXT else predictor

    def answer_val(self, predictor: ClassicPredictor | RowText) -> np.ndarray:
        """Return what a classic learner says of the validation rows, from features that are there already."""
        inner = predictor.inner if isinstance(predictor, RowText) else predictor
        return inner.from_features({name: self.features[name][self.study.val] for name in inner.names})

    @property
    def learners(self) -> Mapping[str, Any]:
        """{learner: its settings, the usual one first}"""
        return LEARNERS["regression" if self.labels.classes is None else "classification"]

    @property
    def features(self) -> Features:
        """(rows, feature) of every modality, made when first asked for."""
        if not self._features:
            prepared, parts = self.study.prepared, []
            for start in range(0, len(prepared), 512):
                rows = np.arange(start, min(start + 512, len(prepared)))
                parts.append(batch_features(prepared.batch(rows), self.layouts, list(self.layouts)))
            self._features = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return self._features

    @property
    def layouts(self) -> dict[str, Any]:
        strands = [s for s in self.study.prepared.views if s.how != "tuned"]
        return {s.name: {**s.layout(), "columns": len(s.modality.columns) if s.several else 1} for s in strands}

    def _text(self) -> None:
        """Write the whole row out as text, and read that: a baseline that beats fusion on some tables."""
        prepared = self.study.prepared
        shadows = [s.name for s in prepared.views if s.is_second]
        if shadows and not self.study.is_over:
            texts = [s.name for s in prepared.views if s.able is TEXT and s.is_main]
            self._fit_classic(next(iter(self.learners)), 0, [*texts, *shadows], AS_TEXT)  # the linear one

    def _level_trials(self) -> None:
        """Give the side with fewer trials further settings of classic learners, until both have had as many."""
        names = self.study.prepared.names
        if len(names) < 2:
            return
        everything = self._groups_of_names()
        more = {
            side: [(learner, setting, group) for setting in (1, 2) for learner in self.learners for group in groups]
            for side, groups in (("single", everything[:-1]), ("fused", everything[-1:]))
        }
        while not self.study.is_over:
            trials = self.trials
            side = min(trials, key=lambda key: trials[key])
            if trials["single"] == trials["fused"] or not more[side]:
                return
            self._fit_classic(*more[side].pop(0))
            if self.trials[side] == trials[side]:  # a modality that too few rows have
                continue

    @property
    def trials(self) -> dict[str, int]:
        """How many candidates look at one modality, and how many at several."""
        counts = [len(c.names) for c in self.study.candidates]
        return {"single": counts.count(1), "fused": sum(count > 1 for count in counts)}

    def _tell(self) -> None:
        """Report progress: classic learners are many and short."""
        self._tried += 1
        several = len(self._groups_of_names())
        total = max(self._tried, several * len(self.learners))
        self.study.callback({"stage": "classic learners", "done": self._tried, "total": total})

    # -- candidates made of candidates --------------------------------------------------------------------------------

    def _late(self) -> None:
        """Fuse what the best candidate of each modality says: average, weights, stacking."""
        found = (self.best_alone(name) for name in self.study.prepared.names)
        members = [c for c in found if c is not None]
        if len(members) < 2:
            return
        told = " + ".join(c.names[0] for c in members)
        ways = {"average": fit_average, "weighted": fit_weighted, "stacked": fit_stacked}
        for name, fit in ways.items() if self.can_learn else [("average", fit_average)]:
            self._blend(f"{name} vote ({told})", "late", members, fit, "of the best of each")

    def _pairs(self) -> None:
        """Fuse each modality with what was made of it, and nothing else, where there are more modalities than these."""
        if len(self.study.prepared.names) < 3:
            return
        for pair in self.pairs:
            members = [c for name in pair if (c := self.best_alone(name)) is not None]
            if len(members) == 2 and not self.study.is_over:
                self._blend(f"average vote ({' + '.join(pair)})", "late", members, fit_average, "of the best of each")
                if "classic" in self.families:
                    for learner in self.learners:
                        self._fit_classic(learner, 0, pair)

    def best_alone(self, name: str) -> Candidate | None:
        """Return the best candidate on validation that looks at this modality and no other."""
        return min((c for c in self.study.candidates if c.names == [name]), key=_loss, default=None)

    def _ensembles(self) -> None:
        """Select an ensemble greedily from all candidates, and one from those of each modality."""
        candidates = [c for c in self.study.candidates if c.names] if self.can_learn else []
        for name in self.study.prepared.names:
            own = [c for c in candidates if c.names == [name]]
            if len(own) > 1:
                self._blend(f"ensemble ({name})", "ensemble", own, fit_mixture)
        if any(len(c.names) > 1 for c in candidates):
            self._blend("ensemble (all)", "ensemble", candidates, fit_mixture)

    def _blend(self, name: str, family: str, members: Sequence[Candidate], fit: Any, recipe: str = "") -> None:
        """Combine candidates. What is chosen on is cross-fitted on validation; what is kept is fitted on all of it."""
        began, val, prior = time.monotonic(), self.study.val, self.labels.prior
        present = self.study.prepared.present
        there = np.stack([np.any([present[n][val] for n in c.names], axis=0) for c in members], 1)
        said, target = [c.answers for c in members], self.labels.numbers[val]
        answers = cross_fit(fit, said, there, prior, target, self.fold)
        combiner = fit(said, there, prior, target, self.fold)
        kept = list(range(len(members)))
        if fit is fit_mixture:
            kept = np.flatnonzero(combiner.weights).tolist()
            combiner = replace(combiner, weights=tuple(combiner.weights[i] for i in kept))
        blend = Blend([members[i].tempered for i in kept], combiner, prior)
        if len(kept) < 2:
            return  # one member is no ensemble
        found = self._add(name, family, blend, answers, began, recipe or f"of {len(blend.members)}")
        found.members = [members[i].name for i in kept]

    @property
    def fold(self) -> np.ndarray:
        """(val,): the fold of every validation row, five folds, whole groups in one; of one group one fold."""
        if self._fold is None:
            val = self.study.val
            groups = None if self.groups is None else self.groups[val]
            generator = np.random.default_rng([self.study.seed, 5])
            self._fold = assign_folds(self.labels.numbers[val], generator=generator, groups=groups)
        return self._fold

    @property
    def can_learn(self) -> bool:
        """Whether weights can be learned on validation. Of one speaker they would fit that speaker, and no other."""
        return len(np.unique(self.fold)) > 1

    def calibrate(self) -> None:
        """Give every candidate a temperature, where that makes it better out of fold; it is chosen with that.

        An overconfident candidate would else be passed over for what a single number mends.
        """
        if self.labels.classes is None:
            return
        val, present = self.study.val, self.study.prepared.present
        fold = self.fold
        if not self.can_learn:  # one number does not fit one speaker: rows will do
            generator = np.random.default_rng([self.study.seed, 5])
            fold = assign_folds(self.labels.numbers[val], generator=generator)
        for candidate in self.study.candidates:
            if candidate.names and candidate.temperature is None:
                there = np.any([present[name][val] for name in candidate.names], axis=0)
                found = cross_fit_temperature(candidate.answers, self.labels.codes[val], fold, there)
                candidate.temperature = found.temperature
                candidate.answers = found.answers
                candidate.losses = self.labels.losses(found.answers, val)

    def refitted(self, candidate: Candidate) -> Any:
        """Return the predictor to ship: a classic one learns from validation too, now that this has chosen."""
        return candidate.refitted(np.concatenate([self.study.train, self.study.val]))

    # -- the test rows ------------------------------------------------------------------------------------------------

    def looked_at(self, winner: Candidate) -> list[Candidate]:
        """Return the candidates that may see the test rows: the winner, the best fusion, each modality alone."""
        alone = [self.best_alone(name) for name in self.study.prepared.names]
        return list(dict.fromkeys(c for c in (winner, self.single, self.fused, *alone) if c is not None))

    def look(self, candidate: Candidate) -> np.ndarray:
        """Return what a candidate says of the test rows, in order: (test, class) or (test, 1). It is asked once."""
        if candidate.tested is None:
            candidate.tested = answer_rows(candidate.tempered, self.study.prepared, self.study.test)
        return candidate.tested

    def verdict(self) -> Verdict:
        """Return the verdict on fusion over the test rows."""
        single, fused = self.single, self.fused
        if len(self.study.prepared.names) < 2:
            return not_tested(ONE_MODALITY, single.name if single else None)
        if fused is None or single is None:
            missing = NO_FUSED if fused is None else NO_SINGLE
            if not self.study.budget.stopped:
                side = "several modalities" if fused is None else "one modality"
                missing = f"no candidate of {side} was asked for"
            return not_tested(missing, single.name if single else None, fused.name if fused else None)
        rows = self.study.test
        if not len(rows):
            return not_tested(NO_TEST_ROWS, single.name, fused.name)
        groups = None if self.groups is None else self.groups[rows]
        generator = np.random.default_rng([self.study.seed, 6])
        sides = self.side(single), self.side(fused)
        return judge(*sides, self.labels.cells[rows], self.labels.classes, generator=generator, groups=groups)

    def leave_device(self) -> None:
        """Bring all networks to the processor: what answers from here on answers there."""
        for candidate in self.study.candidates:
            if candidate.network is not None:
                candidate.network.to("cpu")
        self.study.device = torch.device("cpu")

    def side(self, candidate: Candidate) -> Side:
        """Return what a candidate says of the test rows, as the verdict compares it."""
        present = self.study.prepared.present
        there = np.all([present[name][self.study.test] for name in candidate.names], axis=0)
        return Side(candidate.name, self.look(candidate), there, " and ".join(candidate.names))


def answer_rows(predictor: Any, prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    """Return what a predictor says of prepared rows, in order."""
    found = [predictor(prepared.batch(rows[start : start + 256])) for start in range(0, len(rows), 256)]
    return np.concatenate(found)


def _loss(candidate: Candidate) -> float:
    return candidate.loss


def time_row(predictor: Any, prepared: Prepared, rows: np.ndarray) -> float:
    """Return the milliseconds that a predictor takes for one row, of up to 64 answered at once, prepared already."""
    batch = prepared.batch(rows[:64])
    predictor(batch)  # once to get warm
    began = time.perf_counter()
    predictor(batch)
    return 1000 * (time.perf_counter() - began) / max(1, min(64, len(rows)))
