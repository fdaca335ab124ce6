"""A candidate: a predictor and what validation says of it; and the choice of the simplest as good as the best."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from plait.models.predictors import Bounded, Calibrated
from plait.models.train import Outcome, Recipe
from plait.proof.verdict import Side

ALONE, FUSED, TUNED, JOINT = "alone", "alone then fused", "fine-tuned", "joint"
UNSEEN = 0.005  # nats, or shares of the target's variance


class Cost(NamedTuple):
    """Numbers that are kept, the bytes they take, milliseconds for one row, and seconds of training."""

    params: int
    size: int
    latency_ms: float
    seconds: float


@dataclass(eq=False)
class Candidate:
    """One predictor, and what validation says of it."""

    name: str
    family: str
    plan: str | None
    recipe: str
    predictor: Any
    answers: np.ndarray = field(repr=False)  # (val, class) or (val, 1), cross-fitted where it learned from validation
    losses: np.ndarray = field(repr=False)  # (val,) log loss, or squared error of the scaled target
    seconds: float = 0.0
    params: int = 0  # that it learned; what it costs is more, see cost.py
    outcome: Outcome = field(default_factory=Outcome, repr=False)
    network: Any = field(default=None, repr=False)
    taught: Recipe | None = field(default=None, repr=False)  # how its network was trained
    parts: list[Candidate] = field(default_factory=list, repr=False)  # those that it is made of
    after: list[Candidate] = field(default_factory=list, repr=False)  # those whose weights it started from
    temperature: float | None = None  # None until it was looked for
    prior: tuple[float, ...] | None = None  # of the classes, towards which the temperature softens
    given: tuple[float, ...] = ()  # a temperature for each set of its modalities
    thresholds: tuple[float, ...] = ()  # of several labels a row, from which probability on each is answered
    low: float | None = None  # below which no number is answered
    tested: np.ndarray | None = field(default=None, repr=False)  # its answers on the test rows, once it was asked
    fit: Callable[[np.ndarray], Any] | None = field(default=None, repr=False)  # of a classic one: rows → predictor
    again: Callable[[], Any] | None = field(default=None, repr=False)  # of a shared one: learns anew from all rows
    pooled: np.ndarray | None = field(default=None, repr=False)  # (held, class), of all rows that folds have held out
    hidden: np.ndarray | None = field(default=None, repr=False)  # (set, asked, class), of rows that folds held out
    latency: float | None = None  # ms per row, where its time was taken

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def names(self) -> list[str]:
        """The modalities it looks at."""
        return list(self.predictor.names)

    @property
    def heat(self) -> float:
        """Its temperature with all that it looks at; 1 where none helps, or none was looked for."""
        return 1.0 if self.temperature is None else self.temperature

    @property
    def members(self) -> list[str]:
        """The names of those that it is made of."""
        return [part.name for part in self.parts]

    @property
    def tempered(self) -> Any:
        """Its predictor, with its temperature, and the end of its numbers."""
        return self.tempered_as(self.predictor)

    def side(self, answers: np.ndarray, present: Mapping[str, np.ndarray], rows: np.ndarray) -> Side:
        """Return what it answers to these rows, as a verdict compares it."""
        there = np.all([present[name][rows] for name in self.names], axis=0)
        return Side(self.name, answers, there)

    def tempered_as(self, predictor: Any) -> Any:
        """Return another predictor, with the temperatures and the end of this one."""
        predictor = predictor if self.low is None else Bounded(predictor, self.low)
        plain = {self.heat, *self.given} == {1.0} and not self.thresholds
        return predictor if plain else Calibrated(predictor, self.heat, self.prior, self.given, self.thresholds)

    @property
    def is_shared(self) -> bool:
        """Whether it, or one that it is made of, has learned other targets too."""
        return self.again is not None or any(part.is_shared for part in self.parts)

    @property
    def can_repeat(self) -> bool:
        """Whether it can be trained anew on other rows: a network or a classic learner."""
        return self.network is not None or self.fit is not None

    @property
    def cost(self) -> tuple[int, int]:
        """Simplest first: fewer modalities, then fewer learned parameters."""
        return len(self.names), self.params


def best_of(candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the candidate of the lowest loss on validation; None of none."""
    return min(candidates, key=lambda c: c.loss, default=None)


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


def list_candidates(
    candidates: Sequence[Candidate],
    winner: Candidate,
    score: Callable[[Candidate], tuple[Any, Any, Cost]],
    kept: Mapping[Candidate, str],
) -> list[dict[str, Any]]:
    """Return the leaderboard, the winner first. score: candidate → on validation, on test rows or None, its cost.

    kept: the names by which those can be asked whose weights are kept.
    """
    board = []
    for candidate in sorted(candidates, key=lambda c: (c is not winner, c.loss)):
        val, test, cost = score(candidate)
        board.append(
            {
                "name": candidate.name,
                "family": candidate.family,
                "plan": candidate.plan,
                "recipe": candidate.recipe,
                "modalities": candidate.names,
                "members": candidate.members,
                "loss": candidate.loss,
                "val": val,
                "test": test,
                "seconds": round(cost.seconds, 2),
                "params": cost.params,
                "latency_ms": round(cost.latency_ms, 4),
                "memory_mb": round(cost.size / 1e6, 3),
                "winner": candidate is winner,
                "kept": kept.get(candidate, ""),
            }
        )
    return board
