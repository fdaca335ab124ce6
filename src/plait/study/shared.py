"""One network that several targets share: what it learns, and the candidate that it gives to the study of each.

The encoders, the fusion and the layer before the heads are common; each target has a head of its own. Cut to one of its
heads it is a network as any other, so that a run folder, a prediction and an explanation know nothing of the rest.
Knows the searches of the targets, not which candidates they try themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, cast

import numpy as np

from plait.core.later import torch
from plait.core.options import SHARED
from plait.errors import PlaitError
from plait.models import plan as plans
from plait.models.learning import JointTarget, Share
from plait.models.train import Outcome
from plait.study.candidate import Candidate
from plait.study.cost import count_learned
from plait.study.encoder_choice import settle_encoders
from plait.study.job import Fit
from plait.study.labels import Labels
from plait.study.networks import Study
from plait.study.search import Search, answer_rows


@dataclass
class JointLabels:
    """The labels of several targets, as the study of one network asks for them. rows: those of training."""

    parts: Sequence[Labels]
    rows: np.ndarray
    classes: None = None  # what the network says is no answer yet
    sets: None = None
    scale: tuple[float, float] = (0.0, 1.0)

    @property
    def names(self) -> list[str]:
        return [labels.name for labels in self.parts]

    @property
    def counts(self) -> np.ndarray | None:
        """(rows,) what each row counts."""
        return self.parts[0].counts

    @cached_property
    def network_prior(self) -> torch.Tensor:
        """(class,): what the network says of all targets where it is given nothing."""
        from plait.models.network import prior_logits

        return torch.cat(
            [prior_logits(part.network_prior, part.classes is None, part.sets is not None) for part in self.parts]
        )

    @property
    def prior(self) -> np.ndarray:
        return self.network_prior.numpy()

    def outputs_of(self, place: int) -> slice:
        """Return which outputs of the network are those of a target."""
        ends = np.cumsum([0, *(len(part.network_prior) for part in self.parts)])
        return slice(int(ends[place]), int(ends[place + 1]))

    def labelled(self, place: int) -> np.ndarray:
        """Return which rows have a label of a target that can be learned (rows,) bool."""
        labels = self.parts[place]
        finite = np.isfinite(np.asarray(labels.learned, np.float64)).reshape(len(labels.codes), -1)
        return (labels.codes >= 0) & finite.all(axis=1)

    def target_on(self, device: torch.device) -> Any:
        """Return what the network learns."""
        shares, spoken = [], self.network_prior.to(device)
        for place, labels in enumerate(self.parts):
            target, outputs, known = labels.target_on(device), self.outputs_of(place), self.labelled(place)
            rows = torch.from_numpy(self.rows[known[self.rows]])
            lost = target.measure(spoken[outputs].expand(len(rows), -1), rows)[0]
            labelled = len(rows) / max(1, len(self.rows))
            shares.append(Share(target, outputs, torch.from_numpy(known), max(1e-6, float(lost.mean())), labelled))
        return JointTarget(shares)

    def in_unit(self, predictor: Any) -> Any:
        return predictor


@dataclass
class Sharing:
    """The networks of several targets: each modality alone, and all of them fused by one plan."""

    study: Study
    searches: Sequence[Search]
    again: dict[str, Candidate | None] = field(default_factory=dict)  # learned anew from all rows, by plan or name

    @classmethod
    def of(cls, whole: Fit, split: np.ndarray, searches: Sequence[Search]) -> Sharing:
        """Return the networks that the targets of these searches share, not trained. split: of rows with any label."""
        labels = JointLabels([search.labels for search in searches], np.flatnonzero(split == "train"))
        options = replace(whole.options, tune=("none",))
        job = replace(whole, options=options, labels=cast(Labels, labels))
        return cls(Study.of(job, searches[0].study.prepared, split), searches)

    def train(self) -> None:
        """Settle the encoders that are left open, train each modality alone, then all together by one plan."""
        settle_encoders(self.study)
        self.study.train_each()
        if (plan := self.plan) is not None:
            self.study.train_joint(plan, {}, SHARED)

    @property
    def plan(self) -> str | None:
        """The plan of the network: that which was asked for, or all modalities side by side; None of one modality.

        A vote has no head of its own: it is what each target's own study makes of networks that are shared already.
        """
        names, asked = self.study.prepared.names, next(iter(self.study.job.plan_objects.items()), None)
        if asked is not None:
            return None if asked[1].by == "vote" else asked[0]
        return str(plans.Parallel(tuple(names), by="concat")) if len(names) > 1 else None

    def candidates_of(self, search: Search) -> list[Candidate]:
        """Return what the study of one target gets: each network cut to its head, and what that says of validation."""
        given = []
        for shared in self.study.candidates:
            predictor = self._cut(shared, search)
            answers = answer_rows(predictor, search.study.prepared, search.study.val)
            losses = search.labels.losses(answers, search.study.val)
            outcome = Outcome([], float(losses.mean()), shared.seconds, shared.outcome.stopped)
            name, recipe = f"{shared.name}, shared", f"of {len(self.searches)} targets"
            about = (name, SHARED, shared.plan, recipe, predictor, answers, losses, shared.seconds)
            candidate = Candidate(*about, count_learned(predictor), outcome)
            candidate.again = partial(self._cut_again, shared, search)
            given.append(candidate)
        return given

    def _cut(self, shared: Candidate, search: Search) -> Any:
        """Return a network as a predictor of one target."""
        labels, place = search.labels, [one is search for one in self.searches].index(True)
        prior = labels.network_prior
        spec = {**shared.network.spec, "outputs": len(prior), "regression": labels.classes is None}
        spec |= {"several": True} if labels.sets is not None else {}
        plan = self.study.job.plan_objects.get(shared.plan or "")
        from plait.models.network import Network, NetworkPredictor

        network = self.study.begin("cut", lambda: Network(spec, prior, plan)).cpu()
        network.take_part(shared.network, self.study.labels.outputs_of(place))  # type: ignore[attr-defined]
        return labels.in_unit(NetworkPredictor(network, *labels.scale))

    # -- learned anew -------------------------------------------------------------------------------------------------

    def _cut_again(self, shared: Candidate, search: Search) -> Any:
        """Return a network that learned anew from all rows, as a predictor of one target; None of one that did not."""
        key = shared.plan or shared.name
        if key not in self.again:
            self.again[key] = self._learn_again(shared)
        again = self.again[key]
        return None if again is None else self._cut(again, search)

    def _learn_again(self, shared: Candidate) -> Candidate | None:
        if self.study.budget.stopped:
            return None
        try:
            return self._anew.repeat(shared)
        except (PlaitError, KeyboardInterrupt):  # what has won is there already
            return None

    @cached_property
    def _anew(self) -> Study:
        """The study over all rows, in which nothing is chosen: networks take the epochs they were found to need."""
        study = self.study
        split = np.where(study.split == "", "", "train")
        stages = study.job.stages("refit")
        again = replace(study, split=split, candidates=[], stages=stages, proven=study)
        again.val = study.val
        return again
