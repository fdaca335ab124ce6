"""Encoders, fusion and heads in one network, with the presence mask carried through in one place.

`Network.encode` is the only door to the encoders: it gathers the rows in which a modality is present, encodes them, and
scatters the tokens back. It knows batches and plans, not tables or training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.contract import Batch
from plait.core.threads import torch_threads
from plait.errors import RequestError, did_you_mean
from plait.kinds.network import Dropout, as_float, build_encoder, centre, is_normed
from plait.kinds.sizes import input_shape, is_convolutional
from plait.kinds.vectors.network import VectorEncoder
from plait.models import plan as plans
from plait.models.fusion import DROPOUT, Vote, build_fusion, pool, prior_logits

if TYPE_CHECKING:
    from plait.pretrained.frozen import Frozen

MANY_NUMBERS = 10_000  # a row; from these on two threads are quicker than one
Parts = dict[str, tuple[Tensor, Tensor]]
Augment = Callable[[str, Tensor], Tensor]


class Head(nn.Module):
    """(batch, dim) → (batch, class): LayerNorm, dropout and one linear layer."""

    def __init__(self, dim: int, outputs: int, zero: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.dropout = Dropout(DROPOUT)
        self.linear = nn.Linear(dim, outputs)
        if zero:
            nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.dropout(self.norm(x)))


class TunedEncoder(nn.Module):
    """A pretrained network, part of which is trained, without dropout; a VectorEncoder over it."""

    def __init__(self, network: nn.Module, tokens: int, width: int, dim: int, how: str = "full") -> None:
        from plait.pretrained.frozen import last_blocks  # here, since most networks tune none

        super().__init__()
        self.network = network.requires_grad_(False)
        for block in last_blocks(network, how):
            block.requires_grad_(True)
        self.adapt = VectorEncoder(tokens, width, dim)

    def train(self, mode: bool = True) -> TunedEncoder:
        super().train(mode)
        self.network.eval()
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, …) as the pretrained network takes it → tokens (batch, token, dim), all present."""
        return self.adapt(self.network(x).float())


class Network(nn.Module):
    """One candidate: the encoders of its modalities, a fusion plan (or one modality alone), and a head.

    spec is JSON: {"strands": [{"name", "kind", "group", "columns", and "input" where that has another name}],
    "layouts": {group: layout}, "plan": text or null, "dim", "outputs", "regression", "late"}, and "several" where a
    row may have any of the classes, each with a probability of its own. With `late` the answer
    starts from what each modality says by itself (a vote of heads of their own) and the fused tokens add to it: fusion
    then begins no worse than late fusion. prior (class,): the class shares of the training split, or for numbers
    (target,) their mean. plan: where it holds a module of the user's own. encoders: {group: what makes its encoder,
    given dim}, where the layout does not say all of it.
    """

    prior: Tensor

    def __init__(
        self, spec: Mapping[str, Any], prior: Tensor, plan: Any = None, encoders: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.spec = dict(spec)
        self.regression, self.several = bool(spec["regression"]), bool(spec.get("several"))
        dim, outputs = int(spec["dim"]), int(spec["outputs"])
        if plan is None and spec["plan"] is not None:
            plan = plans.parse(spec["plan"])
        self.names = [view["name"] for view in spec["strands"]]
        if plan is not None:
            plans.check(plan, self.names)
            self.names = list(plans.leaves(plan))
        elif len(self.names) != 1:
            raise RequestError(f"without a plan a network takes one modality; got {', '.join(self.names)}.")
        self.views = {s["name"]: s for s in spec["strands"] if s["name"] in self.names}
        self.groups: dict[str, list[str]] = {}
        for name in sorted(self.names):
            self.groups.setdefault(self.views[name]["group"], []).append(name)
        # which have a learned vector for each column, as several columns share an encoder
        sharing = {name for names in self.groups.values() if len(names) > 1 for name in names}
        self.shared = {name for name in self.names if name in sharing or self.views[name]["columns"] > 1}
        self.kinds = {group: spec["layouts"][group]["kind"] for group in self.groups}
        self.encoders = nn.ModuleList(
            make(dim) if (make := (encoders or {}).get(group)) else build_encoder(spec["layouts"][group], dim)
            for group in self.groups
        )
        self.columns = nn.ParameterList(
            nn.Parameter(torch.zeros(self.views[name]["columns"], dim), requires_grad=name in self.shared)
            for name in self.names
        )
        self.vote_at_root = plan is not None and isinstance(plan.by, str) and plan.by == "vote"
        self.late = plan is not None and not self.vote_at_root and bool(spec["late"])
        by_names = self.names if plan is None or self.late else []
        self.branches: list[Any] = list(plan.parts if self.vote_at_root else by_names)
        self.heads = nn.ModuleList(Head(dim, outputs) for _ in self.branches)
        self.inner = nn.ModuleList(build_fusion(branch, dim) for branch in self.branches)
        prior = torch.as_tensor(prior, dtype=torch.float32)
        self.vote = Vote(len(self.branches), prior, self.regression, self.several) if len(self.branches) > 1 else None
        self.fusion = build_fusion(plan, dim) if plan is not None and not self.vote_at_root else None
        self.head = Head(dim, outputs, zero=self.late) if self.fusion is not None else None
        self.register_buffer("prior", prior_logits(prior, self.regression, self.several))

    @property
    def threads(self) -> int | None:
        """On how many threads it computes soonest; None: on all that torch has.

        Small encoders are many products that are over before a second thread has begun: an epoch of 8,000 rows of a
        table takes .12 s on one thread and .25 s on two.
        """
        sizes = {group: math.prod(input_shape(self.spec["layouts"][group])) for group in self.groups}
        numbers = sum(self.views[name]["columns"] * sizes[group] for group, of in self.groups.items() for name in of)
        tuned = any(isinstance(encoder, TunedEncoder) for encoder in self.encoders)
        return None if tuned or numbers >= MANY_NUMBERS or any(map(is_convolutional, self.kinds.values())) else 1

    def _check_input(self, name: str, group: str, x: Tensor) -> None:
        shape, columns = input_shape(self.spec["layouts"][group]), self.views[name]["columns"]
        shape = (columns, *shape) if columns > 1 else shape
        if tuple(x.shape[1:]) != shape:
            wanted = ", ".join(str(n) for n in ("batch", *shape))
            raise RequestError(f"modality {name!r}: got an array of shape {tuple(x.shape)}; expected ({wanted}).")

    def encode(self, batch: Batch, augment: Augment | None = None) -> Parts:
        """Encode each modality where it is present → {name: (tokens (batch, token, dim), present (batch, token))}.

        What is absent never enters an encoder. In training an encoder with BatchNorm that would see fewer than two
        inputs is left out. Raises RequestError for a missing or misshaped input.
        """
        parts: Parts = {}
        for encoder, (group, names) in zip(self.encoders, self.groups.items(), strict=True):
            pieces, places = [], []
            for name in names:
                source, columns = self.views[name].get("input", name), self.views[name]["columns"]
                if source not in batch.inputs:
                    raise RequestError(f"the batch has no modality {name!r}. {did_you_mean(name, batch.inputs)}")
                x, here = batch.inputs[source], batch.present[name][:, None]
                self._check_input(name, group, x)
                if columns == 1:
                    x = x.unsqueeze(1)
                else:
                    here = here & batch.cells[name] if name in batch.cells else here.expand(-1, columns)
                place = here.nonzero(as_tuple=True)
                pieces.append(x.flatten(0, 1) if len(place[0]) == here.numel() else x[place])
                places.append((place, here.shape))
            counts = [len(piece) for piece in pieces]
            tokens: Tensor | None = None
            if sum(counts) >= (2 if self.training and is_normed(self.kinds[group]) else 1):
                x = as_float(self.kinds[group], torch.cat(pieces) if len(pieces) > 1 else pieces[0])
                if augment is not None:
                    x = augment(group, x)
                try:
                    tokens, flags = encoder(centre(self.kinds[group], x))
                except RequestError as error:
                    raise RequestError(f"modality {names[0]!r}: {error}") from None
            done = 0
            for name, count, (place, shape) in zip(names, counts, places, strict=True):
                if tokens is None:
                    nothing = self.prior.new_zeros((shape[0], 1, self.spec["dim"]))
                    parts[name] = (nothing, torch.zeros_like(nothing[:, :, 0], dtype=torch.bool))
                    continue
                own, there = tokens[done : done + count], flags[done : done + count]
                done += count
                if name in self.shared:
                    own = own + self.columns[self.names.index(name)][place[1]][:, None]
                if count == shape.numel():
                    own, there = own.unflatten(0, shape), there.unflatten(0, shape)
                else:
                    own = own.new_zeros((*shape, *own.shape[1:])).index_put(place, own)
                    there = there.new_zeros((*shape, there.shape[1])).index_put(place, there)
                parts[name] = (own.flatten(1, 2), there.flatten(1, 2))
        return parts

    def decide(self, parts: Parts) -> Tensor:
        """{name: (tokens, present)} → logits (batch, class), or values (batch, target). Given nothing: the prior."""
        some = torch.cat([parts[name][1] for name in self.names], 1).any(1)
        if self.fusion is None or self.late:
            answers = []
            for branch, head in zip(self.inner, self.heads, strict=True):
                x, there = pool(*branch(parts))
                answers.append((head(x), there))
            logits = answers[0][0] if self.vote is None else self.vote(answers)
        if self.fusion is not None and self.head is not None:
            fused, _ = pool(*self.fusion(parts))
            extra = self.head(fused)
            logits = logits + extra if self.late else extra
        return torch.where(some[:, None], logits, self.prior)

    def forward(self, batch: Batch) -> Tensor:
        """Batch → logits (batch, class), or values (batch, target)."""
        return self.decide(self.encode(batch))

    def take_part(self, network: Network, outputs: slice) -> None:
        """Take all weights of a network of the same modalities and plan, of its heads those for some of its outputs."""
        state = {name: x for name, x in network.state_dict().items() if name != "prior"}
        for name in [name for name in state if name.startswith(("head.linear.", "heads."))]:
            state[name] = state[name][outputs] if ".linear." in name else state[name]
        self.load_state_dict({**state, "prior": self.prior})

    def continue_from(self, network: Network) -> None:
        """Take all weights of a network of the same modalities and plan; a tuned encoder those of its end."""
        own = {k: v for k, v in network.state_dict().items() if not k.startswith("encoders.")}
        self.load_state_dict(own, strict=False)
        for encoder, other in zip(self.encoders, network.encoders, strict=True):
            target = encoder.adapt if isinstance(encoder, TunedEncoder) else encoder
            target.load_state_dict(other.state_dict())

    def take_from(self, alone: Mapping[str, Network]) -> None:
        """Start from networks trained alone: their encoders, and their heads where this network votes with them."""
        for encoder, names in zip(self.encoders, self.groups.values(), strict=True):
            first = next((name for name in names if name in alone), None)
            if first is not None:
                encoder.load_state_dict(alone[first].encoders[0].state_dict())
        for name in self.names:
            if name in alone and self.views[name]["columns"] > 1:
                with torch.no_grad():
                    self.columns[self.names.index(name)].copy_(alone[name].columns[0])
        for branch, head in zip(self.branches, self.heads, strict=True):
            if isinstance(branch, str) and branch in alone:
                head.load_state_dict(alone[branch].heads[0].state_dict())


def tuned_makers(views: Sequence[Any], tune: Mapping[str, str]) -> dict[str, Any]:
    """Return {group: what makes its encoder, given dim} for those that are tuned. tune: {modality: how much of it}."""

    def maker(frozen: Frozen, how: str) -> Any:
        return lambda dim: TunedEncoder(frozen.new_network(), frozen.tokens, frozen.width, dim, how)

    return {v.group: maker(v.frozen, tune.get(v.of, "full")) for v in views if v.how == "tuned"}


def as_probabilities(network: Network, logits: Tensor) -> Tensor:
    """Return probabilities of logits (batch, class): one class a row, or of several labels each by itself."""
    return logits.sigmoid() if network.several else logits.softmax(1)


class NetworkPredictor:
    """A Network as a predictor: Batch → probabilities (batch, class), or values (batch, target) in its unit."""

    def __init__(self, network: Network, center: float = 0.0, spread: float = 1.0) -> None:
        self.network, self.center, self.spread = network.eval(), center, spread

    @property
    def names(self) -> Sequence[str]:
        return self.network.names

    @property
    def input_names(self) -> set[str]:
        """The names of the inputs that it reads, where a name may show a modality once more."""
        return {view.get("input", name) for name, view in self.network.views.items()}

    def __call__(self, batch: Batch) -> np.ndarray:
        with torch.inference_mode(), torch_threads(self.network.threads):
            return self.from_logits(self.network(batch))

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the answer with only the modalities of each keep present; every row is encoded once."""
        with torch.inference_mode(), torch_threads(self.network.threads):
            parts = self.network.encode(batch).items()
            kept = ({n: (t, p if n in keep else torch.zeros_like(p)) for n, (t, p) in parts} for keep in keeps)
            return [self.from_logits(self.network.decide(some)) for some in kept]

    def from_logits(self, logits: Tensor, present: np.ndarray | None = None) -> np.ndarray:
        values = logits.double()
        if self.network.regression:
            return (values * self.spread + self.center).cpu().numpy()
        return as_probabilities(self.network, values).cpu().numpy()
