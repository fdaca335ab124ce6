"""The model that ships: what won, learned anew from all labelled rows, now that the choice is made and proven.

Knows a study that has ended. What is said of test rows is of the model before.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from plait.errors import PlaitError
from plait.models.predictors import Blend, Bounded
from plait.study.candidate import Candidate
from plait.study.cost import chain_of
from plait.study.networks import Study
from plait.study.search import Result, Search

SLACK = 1.5  # of more rows, an epoch takes longer


@dataclass
class Refit:
    """What is learned anew: rows, and whether networks are."""

    search: Search
    rows: np.ndarray
    how: str  # "all" or "train+val"
    networks: bool
    made: dict[Candidate, Any] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)  # what stays as it is

    @classmethod
    def of(cls, result: Result) -> Refit | None:
        """Return what is to be learned anew, or None: the user wants none of it."""
        job, study = result.job, result.search.study
        how = job.options.refit or ("all" if job.schema.role("split") is None else "train+val")
        if how == "none":
            return None
        parts = ("train", "val", "test") if how == "all" else ("train", "val")
        rows = np.flatnonzero(np.isin(study.split, parts))
        if study.labels.log:  # of which a number of the test rows may have none
            rows = rows[study.labels.numbers[rows] + study.labels.shift > 0]
        return cls(result.search, rows, how, how == "all")

    def learn_ahead(self, candidates: Sequence[Candidate]) -> None:
        """Let the classic learners of these candidates learn side by side, before each is asked for."""
        parts = [part for candidate in candidates for part in chain_of(candidate)]
        whole = self.how == "train+val"
        self.search.learn_ahead([part for part in parts if not (whole and self.search.has_whole(part))], self.rows)

    def predictor(self, candidate: Candidate) -> Any:
        """Return a candidate's predictor as it ships, with its temperature."""
        if candidate not in self.made:
            self.made[candidate] = candidate.tempered_as(self._learn(candidate))
        return self.made[candidate]

    def _learn(self, candidate: Candidate) -> Any:
        if candidate.parts:
            members = [self.predictor(part) for part in candidate.parts]
            return Blend(members, candidate.predictor.combiner, candidate.predictor.prior)
        if candidate.fit is not None:
            if self.how == "train+val" and self.search.has_whole(candidate):
                return candidate.predictor
            if self.search.has_enough:
                self.kept.append(candidate.name)
                return candidate.predictor
            return candidate.fit(self.rows)
        if candidate.network is None and candidate.again is None:
            return candidate.predictor
        again = self._again(candidate) if self.networks else None
        if again is None:
            self.kept.append(candidate.name)
        if isinstance(again, Bounded):  # its rows are all learned from: they no longer tell a lift
            again = replace(again, lift=candidate.predictor.lift)
        return candidate.predictor if again is None else again

    def _again(self, candidate: Candidate) -> Any:
        """Train a network as it was, on all rows; None where the time limit leaves no room for that."""
        if candidate.again is not None:
            return candidate.again()
        budget = self.search.study.budget
        trained = [c for c in self.search.study.candidates if c.network is not None]
        chain = [c.seconds for c in trained if c.plan in (None, candidate.plan)]
        if budget.stopped or budget.deadline - time.monotonic() < SLACK * sum(chain):
            return None
        try:
            again = self._study.repeat(candidate)
            return None if again is None else again.predictor
        except (PlaitError, KeyboardInterrupt):  # what has won is there already
            return None

    def leave_device(self) -> None:
        """Bring the networks that were trained to the processor."""
        if "_study" in vars(self):
            self._study.leave_device()

    @cached_property
    def _study(self) -> Study:
        """The study over all rows, in which nothing is chosen.

        A network of a table, a text or vectors goes on from what it is; each other takes the epochs that it was found
        to need.
        """
        study = self.search.study
        split = study.split.copy()
        split[self.rows] = "train"
        stages = study.job.stages("refit")
        again = replace(study, split=split, candidates=[], stages=stages, proven=study)
        again.val = study.val  # to measure a loss by; no epoch is chosen with it
        return again
