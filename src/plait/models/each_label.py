"""Classic learners where a row may have several labels: one a label, which says whether a row has it.

All see the same features, which are made once. Knows features and learners, not tables or networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plait.core.files import under
from plait.errors import RequestError, RunError
from plait.models.classic import ClassicPredictor, Goal, OfFeatures, fit_classic


def fit_labels(
    learner: str,
    features: Mapping[str, np.ndarray],
    goal: Goal,
    names: Sequence[str],
    layouts: Mapping[str, Mapping[str, Any]],
    generator: np.random.Generator,
    setting: Mapping[str, Any] | None = None,
) -> LabelPredictor:
    """Fit one learner a label, see `fit_classic`, and return them as one predictor.

    goal.targets: (rows, label), 0 or 1. A label that all rows have, or none, has no learner: it is as often as it was.
    Raises RequestError where that is so of every label.
    """
    members: list[ClassicPredictor | None] = []
    for place, share in enumerate(goal.prior):
        own = replace(goal, targets=goal.targets[:, place], prior=np.array([1 - share, share]))
        try:
            members.append(fit_classic(learner, features, own, names, layouts, generator, setting))
        except RequestError:  # of the rows that have any of the names all have it, or none
            members.append(None)
    if not any(members):
        raise RequestError(f"the training rows that have {' or '.join(names)} have the same labels.")
    given = {name: dict(layouts[name]) for name in names}
    return LabelPredictor(tuple(names), learner, given, np.asarray(goal.prior, np.float64), members)


@dataclass
class LabelPredictor(OfFeatures):
    """A learner for each label as one predictor: Batch → probabilities (batch, label), each on its own."""

    input_names: tuple[str, ...]  # of modalities, and of their second views
    learner: str
    layouts: dict[str, dict[str, Any]] = field(repr=False)
    prior: np.ndarray  # (label,)
    members: list[ClassicPredictor | None] = field(repr=False)  # of two classes: has it not, has it

    @property
    def names(self) -> tuple[str, ...]:
        """The modalities that it looks at."""
        return self._first.names

    @property
    def _first(self) -> ClassicPredictor:
        return next(member for member in self.members if member is not None)

    @property
    def params(self) -> int:
        """How many numbers are stored."""
        return sum(member.params for member in self.members if member is not None)

    def from_features(self, features: Mapping[str, np.ndarray], keep: Sequence[str] | None = None) -> np.ndarray:
        """Answer rows of features {name: (batch, feature)}; with keep, only those modalities are present."""
        rows = len(features[self.input_names[0]])
        answers = np.tile(self.prior, (rows, 1))
        for place, member in enumerate(self.members):
            if member is not None:
                answers[:, place] = member.from_features(features, keep)[:, 1]
        return answers

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this predictor: a dict for JSON, and named arrays."""
        members: list[dict[str, Any] | None] = []
        arrays: dict[str, np.ndarray] = {"prior": self.prior}
        for place, member in enumerate(self.members):
            facts, own = (None, {}) if member is None else member.state()
            members.append(facts and {key: x for key, x in facts.items() if key != "layouts"})  # which all share
            arrays |= {f"{place}.{name}": x for name, x in own.items()}
        return {"names": list(self.input_names), "layouts": self.layouts, "members": members}, arrays

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> LabelPredictor:
        """Rebuild what `state` gave. Raises RunError when it is damaged: nothing in it is taken on trust."""
        prior, names = arrays.get("prior"), tuple(facts["names"])
        members: list[ClassicPredictor | None] = []
        for place, own in enumerate(facts["members"]):
            given = None if own is None else {**own, "layouts": facts["layouts"]}
            members.append(None if given is None else ClassicPredictor.from_state(given, under(arrays, f"{place}.")))
        known = [member for member in members if member is not None]
        alike = all(m.input_names == names and len(m.prior) == 2 and not m.regression for m in known)
        if not known or prior is None or prior.dtype != np.float64 or prior.shape != (len(members),) or not alike:
            raise RunError("the classic learner is damaged: it has not one member for each label. Fit again.")
        return cls(names, known[0].learner, {name: dict(facts["layouts"][name]) for name in names}, prior, members)
