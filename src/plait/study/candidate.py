"""A candidate: a predictor and what validation says of it; and the choice of the simplest as good as the best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from plait.models.train import Outcome

ALONE, FUSED, TUNED, JOINT = "alone", "alone then fused", "fine-tuned", "joint"
UNSEEN = 0.005  # nats, or shares of the target's variance


@dataclass
class Candidate:
    """One predictor, and what validation says of it.

    answers: (val, class) probabilities, or (val, 1) values in the unit of the target; of a candidate that learned from
    validation rows they are cross-fitted. losses: (val,) log loss or squared error (of the scaled target) of each row.
    """

    name: str
    family: str
    plan: str | None
    recipe: str
    predictor: Any
    answers: np.ndarray = field(repr=False)
    losses: np.ndarray = field(repr=False)
    seconds: float = 0.0
    params: int = 0
    outcome: Outcome = field(default_factory=Outcome, repr=False)
    network: Any = field(default=None, repr=False)
    members: list[str] = field(default_factory=list)  # of a candidate made of others

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def names(self) -> list[str]:
        """The modalities it looks at."""
        return list(self.predictor.names)

    @property
    def cost(self) -> tuple[int, int]:
        """Simplest first: fewer modalities, then fewer parameters."""
        return len(self.names), self.params


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """Return the cheapest candidate within one standard error of the best validation loss.

    The error is that of the paired difference (Breiman and others 1984, "Classification and regression trees": the
    1 SE rule). A loss that is higher by no more than 0.005, which no user would see, counts as within it too.
    """
    best = min(candidates, key=lambda c: c.loss)
    near = []
    for candidate in candidates:
        apart = candidate.losses - best.losses
        error = apart.std(ddof=1) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
        if candidate is best or apart.mean() <= max(error, UNSEEN):
            near.append(candidate)
    return min(near, key=lambda c: (c.cost, c.loss))
