"""What pictures say as columns of a table: a first learner scores their features, and a second sees the table and that.

The rows that the second learns from are scored by first learners that did not learn from them. Knows features and
learners, not tables or networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from plait.core.contract import second_name, shown_by
from plait.core.files import under
from plait.errors import RunError
from plait.kinds import VECTORS
from plait.models.calibration import assign_folds, turns
from plait.models.classic import ClassicPredictor, Goal, OfFeatures, fit_classic

FOLDS = 3  # in which rows are scored by learners that did not learn from them
LEAST = 1e-4  # probability of which the logarithm is taken


class Step(NamedTuple):
    """A learner, its settings, and the inputs that it sees."""

    learner: str
    setting: Mapping[str, Any]
    names: Sequence[str]


def fit_scored(
    first: Step,
    then: Step,
    features: Mapping[str, np.ndarray],
    goal: Goal,
    layouts: Mapping[str, Mapping[str, Any]],
    generator: np.random.Generator,
    groups: np.ndarray | None = None,
) -> ScoredPredictor:
    """Fit both learners, see `fit_classic`, and return them as one predictor.

    A row without any of the first's inputs has no score. groups: (rows,) of rows that are not scored by one another.
    Raises RequestError where a fold is too poor to learn from.
    """

    def learn(rows: np.ndarray) -> ClassicPredictor:
        counts = None if goal.counts is None else goal.counts[rows]
        own = replace(goal, targets=goal.targets[rows], counts=counts)
        few = {name: features[name][rows] for name in first.names}
        return fit_classic(first.learner, few, own, first.names, layouts, generator, first.setting)

    every = np.arange(len(goal.targets))
    score = np.full((len(every), score_width(goal.prior)), np.nan)
    for rest, here in turns(assign_folds(goal.targets, generator=generator, groups=groups, folds=FOLDS)):
        score[here] = score_rows(learn(every[rest]), {name: features[name][here] for name in first.names})
    name = score_name(first.names)
    seen = {**{one: features[one] for one in then.names}, name: score}
    own = {**layouts, name: score_layout(goal.prior)}
    second = fit_classic(then.learner, seen, goal, (*then.names, name), own, generator, then.setting)
    used = [one for one in layouts if one in {*first.names, *then.names}]
    return ScoredPredictor(tuple(used), {one: dict(layouts[one]) for one in used}, learn(every), second)


def score_rows(predictor: ClassicPredictor, features: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return what a learner says of rows as columns (rows, column), NaN in rows in which none of its inputs is."""
    said = predictor.from_features(features)
    there = np.any([~np.isnan(features[name]).all(axis=1) for name in predictor.input_names], axis=0)
    columns = said if predictor.regression else np.log(np.maximum(said, LEAST))
    columns = columns[:, 1:] - columns[:, :1] if columns.shape[1] == 2 else columns
    return np.where(there[:, None], columns, np.nan)


def score_name(names: Sequence[str]) -> str:
    """Return the name of the score of these inputs, which is there or not with the first of their modalities."""
    return second_name(shown_by(names[0]), "score")


def score_width(prior: np.ndarray) -> int:
    """Return how many columns a score has: one for numbers and for two classes, else as many as classes."""
    return len(prior) if len(prior) > 2 else 1


def score_layout(prior: np.ndarray) -> dict[str, Any]:
    return {"kind": VECTORS.name, "tokens": 1, "width": score_width(prior), "columns": 1}


@dataclass
class ScoredPredictor(OfFeatures):
    """Both learners as one predictor: Batch → probabilities (batch, class), or values (batch, 1) in their unit."""

    input_names: tuple[str, ...]
    layouts: dict[str, dict[str, Any]]
    first: ClassicPredictor
    then: ClassicPredictor

    @property
    def names(self) -> tuple[str, ...]:
        """The modalities that it looks at."""
        return tuple(dict.fromkeys(shown_by(name) for name in self.input_names))

    @property
    def learner(self) -> str:
        """The learner that answers."""
        return self.then.learner

    @property
    def prior(self) -> np.ndarray:
        """What it says with nothing present."""
        return self.then.prior

    @property
    def params(self) -> int:
        """How many numbers are stored."""
        return self.first.params + self.then.params

    def from_features(self, features: Mapping[str, np.ndarray], keep: Sequence[str] | None = None) -> np.ndarray:
        """Answer rows of features {name: (batch, feature)}; with keep, only those modalities are present."""
        kept = {
            name: features[name] if keep is None or shown_by(name) in keep else np.full_like(features[name], np.nan)
            for name in self.input_names
        }
        return self.then.from_features({**kept, score_name(self.first.input_names): score_rows(self.first, kept)})

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this predictor: a dict for JSON, and named arrays."""
        members, arrays = [], dict[str, np.ndarray]()
        for place, member in enumerate((self.first, self.then)):
            facts, own = member.state()
            members.append({key: x for key, x in facts.items() if key != "layouts"})
            arrays |= {f"{place}.{name}": x for name, x in own.items()}
        return {"names": list(self.input_names), "layouts": self.layouts, "members": members}, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> ScoredPredictor:
        """Rebuild what `state` gave. Raises RunError when it is damaged: nothing in it is taken on trust."""
        names, layouts = tuple(facts["names"]), {name: dict(facts["layouts"][name]) for name in facts["names"]}
        if len(facts["members"]) != 2:
            raise RunError(f"it has {len(facts['members'])} learners; expected two. Fit again.")
        one, two = facts["members"]
        first = ClassicPredictor.from_state({**one, "layouts": layouts}, under(arrays, "0."))
        score = score_name(first.input_names)
        own = {**layouts, score: score_layout(first.prior)}
        then = ClassicPredictor.from_state({**two, "layouts": own}, under(arrays, "1."))
        alike = (len(first.prior), first.regression) == (len(then.prior), then.regression)
        inputs = [*first.input_names, *then.input_names[:-1]]
        if not alike or then.input_names[-1] != score or sorted(inputs) != sorted(names):
            raise RunError("the classic learner is damaged: its two learners do not go together. Fit again.")
        return cls(names, layouts, first, then)
