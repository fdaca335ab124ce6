"""Fusion operators, each [(tokens, present) of every part] → (tokens, present), and the module a plan is built into.

tokens: (batch, token, dim), of one token in what plait's own operators give; present: (batch, token) bool. A part whose
row of `present` is all False is absent in that row; its values may be anything, NaN included, and reach neither output
nor gradient. Where every part is absent, the output is 0 and not present. Knows no encoder, no head and no plan text.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.errors import RequestError, did_you_mean
from plait.kinds.network import Dropout

Part: TypeAlias = tuple[Tensor, Tensor]
DROPOUT = 0.1
LOOKS = 2  # layers of attention
RANK = 4  # products of features for each feature, of a bilinear operator


def pool(tokens: Tensor, present: Tensor) -> Part:
    """Return the mean over the present tokens (batch, dim), 0 where there is none, and which rows have any (batch,)."""
    if tokens.shape[1] == 1:  # its own mean, in half the steps
        return tokens[:, 0].masked_fill(~present, 0.0), present[:, 0]
    total = tokens.masked_fill(~present.unsqueeze(2), 0.0).sum(1)
    count = present.sum(1, keepdim=True)
    return total / count.clamp(min=1), count.squeeze(1) > 0


def present_softmax(scores: Tensor, present: Tensor, axis: int) -> Tensor:
    """Return the softmax over what is present (bool, broadcast), 0 elsewhere; where nothing is, all 0 and never NaN."""
    lowest = torch.finfo(scores.dtype).min
    return scores.masked_fill(~present, lowest).softmax(axis).masked_fill(~present, 0.0)


def small_network(inputs: int, outputs: int) -> nn.Sequential:
    """Return a network with one hidden layer: (batch, inputs) → (batch, outputs)."""
    hidden = 2 * min(inputs, outputs)
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), Dropout(DROPOUT), nn.Linear(hidden, outputs))


class Blend(nn.Module):
    """A linear map, which can add up evidence as it is, and a small network beside it: y = W x + network(normed)."""

    def __init__(self, inputs: int, normed: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.network = small_network(normed, outputs)

    def forward(self, x: Tensor, normed: Tensor) -> Tensor:
        return self.linear(x) + self.network(normed)


class Pooled(nn.Module):
    """Means [(batch, dim)] of the tokens of each part, the same normed, and present (batch, part); 0 where absent."""

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(num_parts))

    def forward(self, parts: Sequence[Part]) -> tuple[list[Tensor], list[Tensor], Tensor]:
        means, present = pool_parts(parts)
        normed = [norm(x) for norm, x in zip(self.norms, means, strict=True)]
        return means, [x.masked_fill(~present[:, i : i + 1], 0.0) for i, x in enumerate(normed)], present


def pool_parts(parts: Sequence[Part]) -> tuple[list[Tensor], Tensor]:
    """Return the means [(batch, dim)] of the tokens of each part, and present (batch, part)."""
    pooled = [pool(tokens, present) for tokens, present in parts]
    return [x for x, _ in pooled], torch.stack([there for _, there in pooled], 1)


def one_token(x: Tensor, present: Tensor) -> Part:
    """x (batch, dim), present (batch, part) bool → tokens (batch, 1, dim), 0 where nothing is present, and present."""
    some = present.any(1, keepdim=True)
    return x.masked_fill(~some, 0.0).unsqueeze(1), some


class Concat(nn.Module):
    """All parts side by side, with a flag for each that is there, into one layer (Ngiam and others 2011, ICML)."""

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.pooled = Pooled(num_parts, dim)
        self.blend = Blend(num_parts * dim, num_parts * (dim + 1), dim)

    def forward(self, parts: Sequence[Part]) -> Part:
        means, normed, present = self.pooled(parts)
        flags = present.to(normed[0].dtype)
        return one_token(self.blend(torch.cat(means, 1), torch.cat([*normed, flags], 1)), present)


class Sum(nn.Module):
    """Each part that is there through a linear map, added up (Feichtenhofer and others 2016, arXiv:1604.06573)."""

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(dim, dim) for _ in range(num_parts))
        self.norm = nn.LayerNorm(dim)
        self.blend = Blend(dim, dim, dim)

    def forward(self, parts: Sequence[Part]) -> Part:
        means, present = pool_parts(parts)
        mapped = torch.stack([linear(x) for linear, x in zip(self.maps, means, strict=True)], 1)
        total = mapped.masked_fill(~present.unsqueeze(2), 0.0).sum(1)
        return one_token(self.blend(total, self.norm(total)), present)


class Gate(nn.Module):
    """A gate that looks at all parts decides, feature by feature, how much of each part passes.

    Arevalo and others 2017, "Gated multimodal units" (arXiv:1702.01992). The gates of one feature add up to 1 over the
    parts that are there: with two parts, the paper's z and 1 − z.
    """

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.pooled = Pooled(num_parts, dim)
        self.maps = nn.ModuleList(nn.Linear(dim, dim) for _ in range(num_parts))
        self.gate = nn.Linear(num_parts * (dim + 1), num_parts * dim)
        self.norm = nn.LayerNorm(dim)
        self.blend = Blend(dim, dim, dim)

    def forward(self, parts: Sequence[Part]) -> Part:
        _, normed, present = self.pooled(parts)
        mapped = torch.stack([torch.tanh(linear(x)) for linear, x in zip(self.maps, normed, strict=True)], 1)
        mixed = (mapped * self.gates(normed, present)).sum(1)
        return one_token(self.blend(mixed, self.norm(mixed)), present)

    def gates(self, normed: list[Tensor], present: Tensor) -> Tensor:
        """Return how much of each part passes: (batch, part, dim), from 0 to 1, 0 where the part is absent."""
        scores = self.gate(torch.cat([*normed, present.to(normed[0].dtype)], 1)).unflatten(1, (len(normed), -1))
        return present_softmax(scores, present.unsqueeze(2), 1)


class Bilinear(nn.Module):
    """Features of the parts that are there multiplied with each other: what two say together, and none by itself.

    Low-rank bilinear pooling (Kim and others 2017, arXiv:1610.04325). Each factor is 1 + tanh(W x), so that the product
    holds each part by itself too, and an absent part changes nothing.
    """

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.pooled = Pooled(num_parts, dim)
        self.maps = nn.ModuleList(nn.Linear(dim, RANK * dim) for _ in range(num_parts))
        self.linear = nn.Linear(RANK * dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.blend = Blend(dim, dim, dim)

    def forward(self, parts: Sequence[Part]) -> Part:
        _, normed, present = self.pooled(parts)
        factors = torch.stack([torch.tanh(linear(x)) for linear, x in zip(self.maps, normed, strict=True)], 1)
        product = (1 + factors.masked_fill(~present.unsqueeze(2), 0.0)).prod(1) - 1
        mixed = self.linear(product)
        return one_token(self.blend(mixed, self.norm(mixed)), present)


class Attention(nn.Module):
    """A learned query reads all tokens of all parts, twice: what it found first decides where it looks next.

    Attention (Vaswani and others 2017, arXiv:1706.03762) with the tokens of all modalities as keys (arXiv:2107.00135)
    and one query, as class attention has (arXiv:2103.17239). The bias of the LayerNorm that each part has of its own
    tells the parts apart.
    """

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(num_parts))
        for norm in self.norms:
            nn.init.normal_(norm.bias, std=0.1)  # type: ignore[arg-type]
        self.query = nn.Parameter(torch.randn(1, dim) * 0.1)
        self.layers = nn.ModuleList(Look(dim) for _ in range(LOOKS))

    def forward(self, parts: Sequence[Part]) -> Part:
        normed = [
            norm(tokens.masked_fill(~there.unsqueeze(2), 0.0))
            for norm, (tokens, there) in zip(self.norms, parts, strict=True)
        ]
        tokens, present = torch.cat(normed, 1), torch.cat([there for _, there in parts], 1)
        state = self.query
        for layer in self.layers:
            state, _ = layer(state, tokens, present)
        return one_token(state, present)


class Look(nn.Module):
    """One layer of attention with one query, of up to four heads, and a small network after it.

    The query is multiplied with the key weights before it meets the tokens, and the values are mapped after they are
    averaged: the same numbers as in the textbook order, at a fraction of the cost.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.heads = next(n for n in (4, 2, 1) if dim % n == 0)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.to_query, self.to_value, self.to_state = (nn.Linear(dim, dim) for _ in range(3))
        self.to_key = nn.Linear(dim, dim, bias=False)  # a bias would add the same to every score
        self.network = small_network(dim, dim)

    def forward(self, state: Tensor, tokens: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """state (batch or 1, dim) → state (batch, dim), and where it looked (batch, head, token): shares."""
        query = self.to_query(self.norm1(state)).unflatten(1, (self.heads, -1))
        probe = torch.einsum("bhd,hdx->bhx", query, self.to_key.weight.unflatten(0, (self.heads, -1)))
        scores = (probe @ tokens.transpose(1, 2)) * query.shape[2] ** -0.5
        look = present_softmax(scores, present.unsqueeze(1), 2)
        value = torch.einsum("bhx,hdx->bhd", look @ tokens, self.to_value.weight.unflatten(0, (self.heads, -1)))
        state = state + self.to_state(value.flatten(1) + self.to_value.bias)
        return state + self.network(self.norm2(state)), look


class Recurrent(nn.Module):
    """A gated recurrent unit takes one step for each part that is there, in the order of the plan.

    Cho and others 2014 (arXiv:1406.1078). Each part first goes through a linear map of its own, since the cell is
    shared.
    """

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.pooled = Pooled(num_parts, dim)
        self.maps = nn.ModuleList(nn.Linear(dim, dim) for _ in range(num_parts))
        self.cell = nn.GRUCell(dim, dim)
        self.norm = nn.LayerNorm(dim)
        self.blend = Blend(dim, dim, dim)

    def forward(self, parts: Sequence[Part]) -> Part:
        _, normed, present = self.pooled(parts)
        state = torch.zeros_like(normed[0])
        for linear, x, there in zip(self.maps, normed, present.unbind(1), strict=True):
            state = torch.where(there.unsqueeze(1), self.cell(linear(x), state), state)
        return one_token(self.blend(state, self.norm(state)), present)


class Film(nn.Module):
    """The result so far scales and shifts each feature of the next part: x · (1 + scale) + shift.

    Perez and others 2018, "FiLM" (arXiv:1709.07871). Where the earlier parts are absent the next one stays as it is;
    where the next one is absent the result so far passes.
    """

    def __init__(self, num_parts: int, dim: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(dim) for _ in range(num_parts - 1))
        self.conditions = nn.ModuleList(Blend(dim, dim, 2 * dim) for _ in range(num_parts - 1))

    def forward(self, parts: Sequence[Part]) -> Part:
        (state, *means), present = pool_parts(parts)
        for i, (norm, condition, x) in enumerate(zip(self.norms, self.conditions, means, strict=True), 1):
            scale, shift = condition(state, norm(state)).chunk(2, 1)
            both = torch.where(present[:, :i].any(1, keepdim=True), x * (1 + scale) + shift, x)
            state = torch.where(present[:, i : i + 1], both, state)
        return one_token(state, present)


def prior_logits(prior: Tensor, regression: bool, several: bool = False) -> Tensor:
    """Return what stands for a prior (class,) among logits: log shares, or of several labels the log odds of each."""
    if several:
        return prior.clamp(1e-6, 1 - 1e-6).logit()
    return prior if regression else prior.clamp(min=1e-6).log().log_softmax(0)


class Vote(nn.Module):
    """Late fusion: every branch predicts, and what each says beyond the prior is added up, by weights learned from 1.

    The product rule of Kittler and others 1998 (IEEE TPAMI 20, 3):
    logits = log prior + Σ over the present branches of w · (log softmax(branch) − log prior).
    For numbers: the mean of the present branches, weighted by softmax(w). Where no branch is present: the prior.
    several: any of the classes may be true of a row, so each has log odds of its own for log probabilities.
    """

    prior: Tensor

    def __init__(self, num_parts: int, prior: Tensor, regression: bool = False, several: bool = False) -> None:
        super().__init__()
        self.regression, self.several = regression, several
        prior = torch.as_tensor(prior, dtype=torch.get_default_dtype())
        self.register_buffer("prior", prior_logits(prior, regression, several))
        self.weight = nn.Parameter(torch.ones(num_parts))

    def forward(self, parts: Sequence[Part]) -> Tensor:
        """[(logits (batch, class), present (batch,) bool)] → logits (batch, class), or values (batch, target)."""
        present = torch.stack([there for _, there in parts], 1)
        answers = torch.stack([logits for logits, _ in parts], 1).masked_fill(~present.unsqueeze(2), 0.0)
        if self.regression:
            weight = present_softmax(self.weight.expand(present.shape), present, 1)
            mean = (weight.unsqueeze(2) * answers).sum(1)
            return torch.where(present.any(1, keepdim=True), mean, self.prior)
        said = answers if self.several else F.log_softmax(answers, 2)
        beyond = (said - self.prior).masked_fill(~present.unsqueeze(2), 0.0)
        return self.prior + (self.weight[:, None] * beyond).sum(1)


class Leaf(nn.Module):
    """One modality, taken from the dict of all by its name, and checked; with `clean`, absent tokens become 0."""

    def __init__(self, name: str, dim: int, clean: bool) -> None:
        super().__init__()
        self.name, self.dim, self.clean = name, dim, clean

    def forward(self, inputs: Mapping[str, Part]) -> Part:
        if self.name not in inputs:
            raise RequestError(f"there is no modality {self.name!r} to fuse. {did_you_mean(self.name, inputs)}")
        return check_part(f"modality {self.name!r}", inputs[self.name], ("batch", "token", self.dim), self.clean)


def check_part(name: str, part: Any, expected: tuple[Any, ...], clean: bool) -> Part:
    """Return the part, or raise RequestError when its shape is not the expected one; words stand for any length."""
    if not (isinstance(part, tuple) and len(part) == 2 and all(isinstance(x, Tensor) for x in part)):
        raise RequestError(f"{name}: got {type(part).__name__}; expected a pair of tensors (tokens, present).")
    tokens, present = part
    shape = tuple(tokens.shape)
    if len(shape) != 3 or any(e not in (n, str(e)) for e, n in zip(expected, shape, strict=True)):
        raise RequestError(f"{name}: got tokens of shape {shape}; expected ({', '.join(map(str, expected))}).")
    if present.dtype != torch.bool or tuple(present.shape) != shape[:2]:
        raise RequestError(
            f"{name}: got present of shape {tuple(present.shape)}, {present.dtype}; expected {shape[:2]}, torch.bool."
        )
    return (tokens.masked_fill(~present.unsqueeze(2), 0.0) if clean else tokens), present


class Fusion(nn.Module):
    """One node of a plan: {modality: (tokens, present)} → (tokens, present). Its parts are leaves or nodes."""

    def __init__(self, parts: Sequence[nn.Module], operator: nn.Module, dim: int) -> None:
        super().__init__()
        self.parts, self.operator, self.dim = nn.ModuleList(parts), operator, dim

    def forward(self, inputs: Mapping[str, Part]) -> Part:
        parts = [part(inputs) for part in self.parts]
        rows = [tokens.shape[0] for tokens, _ in parts]  # not len(): while a graph is traced it may be no number
        if any(count != rows[0] for count in rows):
            names = ", ".join(str(getattr(part, "name", "a nested plan")) for part in self.parts)
            raise RequestError(f"{names}: got batches of {rows} rows; expected as many rows in each.")
        output = self.operator(parts)
        if isinstance(self.operator, _OWN):
            return output
        # a user's own operator is held to the contract: its shape, and 0 where every part is absent
        tokens, present = check_part(f"by={type(self.operator).__name__}", output, (rows[0], "token", self.dim), False)
        present = present & torch.cat([there for _, there in parts], 1).any(1, keepdim=True)
        return tokens.masked_fill(~present.unsqueeze(2), 0.0), present


def build_fusion(node: Any, dim: int) -> nn.Module:
    """Return the module of a plan, or of one modality's name: {modality: (tokens, present)} → (tokens, present).

    A module given as `by` is copied, so that two fits of one plan do not share weights; it is called with
    [(tokens, present)], absent tokens set to 0. Weights are drawn from torch's generator (seed it in `fork_rng`).
    Raises RequestError for a vote, and when the module is called with a missing modality or a wrong shape.
    """
    if isinstance(node, str):
        return Leaf(node, dim, clean=True)
    own = isinstance(node.by, str)
    if own and node.by not in OPERATORS:
        raise RequestError(
            f"by={node.by} gives no tokens; there are: {', '.join(OPERATORS)}. "
            "For a vote, build each part of the plan by itself, and join their predictions with Vote."
        )
    parts = [
        Leaf(part, dim, clean=not own) if isinstance(part, str) else build_fusion(part, dim) for part in node.parts
    ]
    operator = OPERATORS[node.by](len(parts), dim) if own else copy.deepcopy(node.by)
    return Fusion(parts, operator, dim)


OPERATORS: dict[str, Any] = {
    "concat": Concat,
    "sum": Sum,
    "gate": Gate,
    "attention": Attention,
    "bilinear": Bilinear,
    "gru": Recurrent,
    "film": Film,
}
_OWN = tuple(OPERATORS.values())
