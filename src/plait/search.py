"""The candidates of every family at equal budget, the rule that chooses among them, and the one look at the test rows.

Order: the majority class; classic learners on each modality and on all together; the network of each modality; late
fusion of the best of each; the row written out as text; plans by both recipes (study.py); further settings of classic
learners, until one modality and several have had the same number of trials; greedy ensembles. The winner is the
cheapest within one standard error of the best on validation. Knows prepared rows, not files or users.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plait.blend import Average, cross_fit, cross_fit_temperature, fit_stacked, fit_weighted, select_ensemble
from plait.classic import LEARNERS, ClassicPredictor, MajorityPredictor, batch_features, fit_classic
from plait.labels import Labels
from plait.predictors import AS_TEXT, Blend, Calibrated, RowText, count_params
from plait.study import ALONE, STRATEGIES, Candidate, Study, choose, list_plans
from plait.verdict import judge, not_tested

FAMILIES = ("alone", "classic", "late", "text", *STRATEGIES, "auto", "ensemble")
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
    single: Candidate | None = None
    fused: Candidate | None = None
    temperatures: dict[int, float] = field(default_factory=dict)  # id of a candidate → temperature
    _made: dict[int, Callable[[np.ndarray], Any]] = field(default_factory=dict)  # how a classic candidate is fitted

    # -- candidates ---------------------------------------------------------------------------------------------------

    def run(self) -> Candidate:
        """Train the candidates, and return the winner on validation."""
        study = self.study
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

    def _try_all(self) -> None:
        study, wanted = self.study, set(self.families)
        names = study.prepared.names
        self._majority()
        if "classic" in wanted:
            self._classic()
        plans_wanted = wanted & {*STRATEGIES, "auto"}
        if study.stopped != "interrupt" and ("alone" in wanted or plans_wanted):
            study.train_each()
        if "late" in wanted:
            self._late()
        if "text" in wanted:
            self._text()
        if plans_wanted and len(names) > 1:
            listed = list_plans(names, self.families)
            study.train_plans(listed, self._count_joint(len(listed)), "auto" in wanted)
        if not any(c.names for c in study.candidates) and study.stopped != "interrupt":
            self._classic(just_one=True)  # whatever was asked for, there is something to choose
        if study.stopped == "interrupt" and not any(c.names for c in study.candidates):
            raise KeyboardInterrupt
        if "classic" in wanted:
            self._level_trials("ensemble" in wanted)
        self.calibrate()
        if "ensemble" in wanted:
            self._ensembles()

    def _count_joint(self, listed: int) -> int:
        """Training from scratch together is dear with pictures or sounds: then the two best plans, else the five."""
        study = self.study
        dear = any(study._kind(n) in ("image", "audio") for n in study.prepared.names)
        return min(listed, 2 if dear and len(study.train) > MANY_ROWS else 3)

    def _majority(self) -> None:
        predictor = MajorityPredictor(self.labels.prior)
        answers = np.repeat(self.labels.prior[None], len(self.study.val), 0)
        self._add("majority class" if self.labels.classes is not None else "mean", "majority", predictor, answers, 0.0)

    def _add(
        self, name: str, family: str, predictor: Any, answers: np.ndarray, seconds: float, recipe: str = ""
    ) -> Candidate:
        losses = self.labels.losses(answers, self.study.val)
        params = count_params(predictor)
        found = Candidate(name, family, None, recipe or family, predictor, answers, losses, seconds, params)
        self.study.candidates.append(found)
        self.study.callback({"stage": family, "candidate": name, "loss": found.loss})
        return found
