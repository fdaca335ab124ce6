"""Encoders, fusion and heads in one network, with the presence mask carried through in one place.

`Network.encode` is the only door to the encoders: it gathers the rows in which a modality is present, encodes them, and
scatters the tokens back. It knows batches and plans, not tables or training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.core.contract import Batch
from plait.errors import RequestError, did_you_mean
from plait.kinds.network import as_float, build_encoder, centre, input_shape, is_normed
from plait.kinds.vectors.network import VectorEncoder
from plait.models import plan as plans
from plait.models.fusion import Vote, build_fusion, pool
from plait.pretrained.frozen import Frozen, last_blocks

Parts = dict[str, tuple[Tensor, Tensor]]
Augment = Callable[[str, Tensor], Tensor]


class Head(nn.Module):
    """(batch, dim) → (batch, class): LayerNorm, dropout and one linear layer."""

    def __init__(self, dim: int, outputs: int, dropout: float = 0.1, zero: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(dim, outputs)
        if zero:
            nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(self.dropout(self.norm(x)))


class TunedEncoder(nn.Module):
    """A pretrained network, part of which is trained, and a VectorEncoder over what it gives.

    Its BatchNorm keeps the statistics it came with, and its dropout is off: the rows here are few.
    """

    def __init__(self, network: nn.Module, tokens: int, width: int, dim: int, how: str = "full") -> None:
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
    "layouts": {group: layout}, "plan": text or null, "dim", "outputs", "regression", "late"}. With `late`
    the answer starts from what each modality says by itself (a vote of heads of their own) and the fused tokens add to
    it: fusion then begins no worse than late fusion. prior
    (class,): the class shares of the training split, or for numbers (target,) their mean. plan: the plan as an object,
    where it holds a module of the user's own. encoders: {group: what makes its encoder, given dim}, where that is no
    encoder that the layout says all of.
    """

    prior: Tensor

    def __init__(
        self, spec: Mapping[str, Any], prior: Tensor, plan: Any = None, encoders: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.spec = dict(spec)
        self.regression = bool(spec["regression"])
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
        self.kinds = {group: spec["layouts"][group]["kind"] for group in self.groups}
        self.encoders = nn.ModuleList(
            make(dim) if (make := (encoders or {}).get(group)) else build_encoder(spec["layouts"][group], dim)
            for group in self.groups
        )
        # a learned vector for each column, where columns share an encoder
        self.columns = nn.ParameterList(
            nn.Parameter(torch.zeros(self.views[name]["columns"], dim), requires_grad=self._shares(name))
            for name in self.names
        )
        self.vote_at_root = plan is not None and isinstance(plan.by, str) and plan.by == "vote"
        self.late = plan is not None and not self.vote_at_root and bool(spec["late"])
        self.branches: list[Any] = []
        if plan is None:
            self.branches = list(self.names)
        elif self.vote_at_root:
            self.branches = list(plan.parts)
        elif self.late:
            self.branches = list(self.names)
        self.heads = nn.ModuleList(Head(dim, outputs) for _ in self.branches)
        self.inner = nn.ModuleList(
            nn.Identity() if isinstance(b, str) else build_fusion(b, dim)
            for b in (self.branches if self.vote_at_root else [])
        )
        prior = torch.as_tensor(prior, dtype=torch.float32)
        self.vote = Vote(len(self.branches), prior, self.regression) if len(self.branches) > 1 else None
        self.fusion = build_fusion(plan, dim) if plan is not None and not self.vote_at_root else None
        self.head = Head(dim, outputs, zero=self.late) if self.fusion is not None else None
        self.register_buffer("prior", prior if self.regression else prior.clamp(min=1e-6).log().log_softmax(0))

    def _check_input(self, name: str, group: str, x: Tensor) -> None:
        one, columns = input_shape(self.spec["layouts"][group]), self.views[name]["columns"]
        shape = (columns, *one) if columns > 1 else one
        if tuple(x.shape[1:]) != shape:
            wanted = ", ".join(str(n) for n in ("batch", *shape))
            raise RequestError(f"modality {name!r}: got an array of shape {tuple(x.shape)}; expected ({wanted}).")

    def _shares(self, name: str) -> bool:
        view = self.views[name]
        return view["columns"] > 1 or len(self.groups[view["group"]]) > 1

    def encode(self, batch: Batch, augment: Augment | None = None) -> Parts:
        """Encode each modality where it is present → {name: (tokens (batch, token, dim), present (batch, token))}.

        What is absent never enters an encoder: it costs nothing and reaches no statistics. In training an encoder with
        BatchNorm that would see fewer than two inputs is left out. Raises RequestError for a missing or misshaped
        input.
        """
        parts: Parts = {}
        for encoder, (group, names) in zip(self.encoders, self.groups.items(), strict=True):
            pieces, places = [], []
            for name in names:
                source = self.views[name].get("input", name)
                if source not in batch.inputs:
                    raise RequestError(f"the batch has no modality {name!r}. {did_you_mean(name, batch.inputs)}")
                here = batch.present[name][:, None]
                x = batch.inputs[source]
                several = self.views[name]["columns"] > 1
                self._check_input(name, group, x)
                if several:
                    here = here & batch.cells[name] if name in batch.cells else here.expand(-1, x.shape[1])
                rows, columns = here.nonzero(as_tuple=True)
                whole = len(rows) == here.numel() and not several
                pieces.append(x if whole else x[rows, columns] if several else x[rows])
                places.append((rows, columns, here.shape[1]))
            counts = [len(piece) for piece in pieces]
            fewest = 2 if self.training and is_normed(self.kinds[group]) else 1
            tokens: Tensor | None = None
            if sum(counts) >= fewest:
                x = as_float(self.kinds[group], torch.cat(pieces) if len(pieces) > 1 else pieces[0])
                if augment is not None:
                    x = augment(group, x)
                try:
                    tokens, there = encoder(centre(self.kinds[group], x))
                except RequestError as error:
                    raise RequestError(f"modality {names[0]!r}: {error}") from None
            done = 0
            for name, count, (rows, columns, width) in zip(names, counts, places, strict=True):
                size = len(batch.present[name])
                if tokens is None:
                    shape = (size, 1, self.spec["dim"])
                    parts[name] = (
                        self.prior.new_zeros(shape),
                        torch.zeros(shape[:2], dtype=torch.bool, device=self.prior.device),
                    )
                    continue
                own, flags = tokens[done : done + count], there[done : done + count]
                done += count
                if self._shares(name):
                    own = own + self.columns[self.names.index(name)][columns][:, None]
                if count != size or width != 1:
                    own = own.new_zeros((size, width, *own.shape[1:])).index_put((rows, columns), own)
                    flags = flags.new_zeros((size, width, flags.shape[1])).index_put((rows, columns), flags)
                    own, flags = own.flatten(1, 2), flags.flatten(1, 2)
                parts[name] = (own, flags)
        return parts

    def decide(self, parts: Parts) -> Tensor:
        """{name: (tokens, present)} → logits (batch, class), or values (batch, target). Given nothing: the prior."""
        some = torch.stack([parts[name][1].any(1) for name in self.names], 1).any(1)
        if self.fusion is None or self.late:
            said = []
            for index, (branch, head) in enumerate(zip(self.branches, self.heads, strict=True)):
                x, there = pool(*(parts[branch] if isinstance(branch, str) else self.inner[index](parts)))
                said.append((head(x), there))
            logits = said[0][0] if self.vote is None else self.vote(said)
        if self.fusion is not None and self.head is not None:
            fused, _ = pool(*self.fusion(parts))
            extra = self.head(fused)
            logits = logits + extra if self.late else extra
        return torch.where(some[:, None], logits, self.prior)

    def forward(self, batch: Batch) -> Tensor:
        """Batch → logits (batch, class), or values (batch, target)."""
        return self.decide(self.encode(batch))

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
    """Return {group: what makes its encoder, given dim} for the pretrained encoders that are, or were, tuned.

    tune: {modality: how much of it}.
    """

    def maker(frozen: Frozen, how: str) -> Any:
        return lambda dim: TunedEncoder(frozen.new_network(), frozen.tokens, frozen.width, dim, how)

    return {v.group: maker(v.frozen, tune.get(v.of, "full")) for v in views if v.how == "tuned"}


def count_parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters() if p.requires_grad)


class NetworkPredictor:
    """A Network as a predictor: Batch → probabilities (batch, class), or values (batch, target) in its unit."""

    def __init__(self, network: Network, center: float = 0.0, spread: float = 1.0) -> None:
        self.network, self.center, self.spread = network.eval(), center, spread

    @property
    def names(self) -> Sequence[str]:
        return self.network.names

    def __call__(self, batch: Batch) -> np.ndarray:
        with torch.inference_mode():
            return self.from_logits(self.network(batch))

    def subsets(self, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Return the answer with only the modalities of each keep present; every row is encoded once."""
        with torch.inference_mode():
            parts = self.network.encode(batch)
            said = []
            for keep in keeps:
                kept = {n: (t, p if n in keep else torch.zeros_like(p)) for n, (t, p) in parts.items()}
                said.append(self.from_logits(self.network.decide(kept)))
        return said

    def from_logits(self, logits: Tensor) -> np.ndarray:
        values = logits.double()
        if self.network.regression:
            return (values * self.spread + self.center).cpu().numpy()
        return values.softmax(1).cpu().numpy()
