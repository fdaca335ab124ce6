"""What every study shares: a fit over one split of its rows, how a candidate is trained or found again, the verdict.

Knows prepared rows and networks; not what these say, nor in which order they are tried.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self, TypeVar

import numpy as np

from plait.core.files import Stages
from plait.core.later import torch
from plait.core.terminal import Callback, quiet
from plait.core.threads import torch_threads
from plait.models import plan as plans
from plait.models.rows import Prepared
from plait.models.train import Lesson, Outcome, Recipe, fork_generators, train
from plait.models.views import View
from plait.proof.verdict import NO_FUSED, NO_SINGLE, NO_TEST_ROWS, ONE_MODALITY, Verdict, not_tested
from plait.study.budget import Budget
from plait.study.candidate import ALONE, JOINT, Candidate
from plait.study.cost import Costs, count_learned
from plait.study.job import Fit
from plait.study.labels import hash_judged

DIM = 128
Module = TypeVar("Module", bound="torch.nn.Module")


@dataclass(frozen=True)
class Stage:
    """The training of one candidate: its name and plan, its network as it starts, and the rows it learns from."""

    name: str  # of the stage: its seed and what is kept of it go by it
    plan: str | None
    how: str
    network: Any
    recipe: Recipe
    rows: np.ndarray
    val: np.ndarray
    tokens: Mapping[str, Any] | None = None  # of rows encoded once, where the encoders stay as they are
    behind: Callable[[int, float], bool] | None = None
    family: str = ""
    rival: float = math.inf  # the loss that `behind` measures against
    after: Sequence[Candidate] = ()  # those whose weights the network starts from
    epochs: int | None = None  # how many of the recipe's are taken, where that is known before

    @property
    def threads(self) -> int | None:
        """On how many threads it is trained; None: on all that torch has."""
        return 1 if self.tokens else getattr(self.network, "threads", None)

    @property
    def continued(self) -> bool:
        """Whether it starts from weights that are good already."""
        return self.how not in (ALONE, JOINT)


@dataclass
class Training:
    """A fit over one split of its rows, and the candidates it gave."""

    job: Fit
    prepared: Prepared
    split: np.ndarray  # (rows,) "train", "val", "test" or ""
    budget: Budget = field(default_factory=Budget)
    stages: Stages = field(default_factory=Stages)
    callback: Callback = quiet
    candidates: list[Candidate] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.options, self.seed = self.job.options, self.job.options.seed
        self.train, self.val, self.test = (np.flatnonzero(self.split == part) for part in ("train", "val", "test"))

    @cached_property
    def device(self) -> torch.device:
        """Where its networks are, and learn."""
        return self.job.device

    @classmethod
    def of(cls, job: Fit, prepared: Prepared, split: np.ndarray, **more: Any) -> Self:
        """Return it with the time that the fit has left, and what is kept of it for when it is killed."""
        return cls(job, prepared, split, job.budget(), job.stages(), job.callback, **more)

    @property
    def is_over(self) -> bool:
        """Whether to stop; a time limit leaves at least one candidate that looks at a row, however short it is."""
        return self.budget.interrupted or (any(c.names for c in self.candidates) and self.budget.is_spent)

    def seed_of(self, stage: str) -> int:
        """Each stage has a seed of its own, so that a resumed run draws what an unbroken one would have drawn."""
        return seed_of(self.seed, stage)

    def view_of(self, name: str) -> View:
        return next(view for view in self.prepared.views if view.name == name)

    def leaves_of(self, plan: str) -> list[str]:
        """Return the modalities that a plan looks at."""
        return list(plans.leaves(plans.parse(self.job.plan_objects.get(plan, plan))))

    def begin(self, stage: str, make: Callable[[], Module]) -> Module:
        """Return a network in eval mode: what is asked of it before it learns must not depend on a draw of dropout."""
        with fork_generators():
            torch.manual_seed(self.seed_of(stage))
            return make().to(self.device).eval()

    def learn(self, stage: Stage, lesson: Callable[[], Lesson], saved: Any) -> Outcome:
        """Train a network, or take it as it was saved: (state, outcome), such as of a run that was killed since."""
        if saved is not None:
            stage.network.load_state_dict(saved[0])
            stage.network.eval()
            outcome = Outcome.from_json(saved[1])
            self.budget.note(outcome.stopped)
            return outcome
        with torch_threads(stage.threads):
            outcome = train(lesson())
        if outcome.stopped != "interrupt":
            self.stages.save(stage.name, stage.network.state_dict(), outcome.to_json())
        self.budget.note(outcome.stopped)
        return outcome

    def add(self, stage: Stage, outcome: Outcome, predictor: Any, answers: np.ndarray, losses: np.ndarray) -> Candidate:
        """Add what a stage gave to the candidates. answers, losses: of the validation rows."""
        name, family = stage.plan or stage.network.names[0], stage.family
        if not family:
            family = ALONE if stage.plan is None else stage.plan.partition("(")[0]
        about, size = (name, family, stage.plan, stage.how), count_learned(predictor)
        candidate = Candidate(*about, predictor, answers, losses, outcome.seconds, size, outcome, stage.network)
        candidate.after, candidate.taught = list(stage.after), stage.recipe
        self.candidates.append(candidate)
        self.tell_best(candidate)
        return candidate

    def tell_best(self, candidate: Candidate) -> None:
        """Tell the candidate that was added last where it is the best so far."""
        learned = [c for c in self.candidates if c.names]
        if not learned or min(learned, key=lambda c: c.loss) is not candidate:
            return
        metric, value = self.measure(candidate) or ("", None)
        self.callback({"best": {"name": candidate.name, "metric": metric, "value": value}})

    def measure(self, candidate: Candidate) -> tuple[str, float] | None:
        """Return the metric that is headed, and its value on validation; None where it is not to be had."""
        return None

    @cached_property
    def costs(self) -> Costs:
        """What counts the cost of the candidates, all that came before them included."""
        return Costs(self.job.table, self.prepared, np.concatenate([self.train, self.val]))

    def leave_device(self) -> None:
        """Bring all networks to the processor: what answers from here on answers there."""
        for candidate in self.candidates:
            if candidate.network is not None:
                candidate.network.to("cpu")
                self.device = torch.device("cpu")

    def verdict_on(
        self,
        alone: Mapping[str, Candidate],
        fused: Candidate | None,
        winner: Candidate,
        judge: Callable[[Mapping[str, Candidate], Candidate, Candidate], Verdict],
    ) -> Verdict:
        """Return the verdict on combining over the test rows: judge(alone, fused, winner), where there are both."""
        names = None if fused is None else fused.name, winner.name
        if len(self.prepared.names) < 2:
            return not_tested(ONE_MODALITY, *names)
        if fused is None or not alone:
            missing = NO_FUSED if fused is None else NO_SINGLE
            if not self.budget.stopped:
                missing = f"no candidate of {'several modalities' if fused is None else 'one modality'} was asked for"
            return not_tested(missing, *names)
        if not len(self.test):
            return not_tested(NO_TEST_ROWS, *names)
        return replace(judge(alone, fused, winner), digest=hash_judged(self.job.table, self.test))


def seed_of(seed: int, stage: str) -> int:
    """Return the seed of what is called so: it is the same in whatever order, and in whatever process, that is done."""
    return zlib.crc32(f"{seed}:{stage}".encode())


def describe_views(views: Sequence[View]) -> dict[str, Any]:
    """Return what the spec of a network says of its inputs: views and layouts."""
    described: list[dict[str, Any]] = [
        {
            "name": v.of,
            "kind": v.kind,
            "group": v.group,
            "columns": len(v.modality.columns) if v.several else 1,
            **({} if v.is_main else {"input": v.name}),
        }
        for v in views
    ]
    return {"strands": described, "layouts": {v.group: v.layout() for v in views}}
