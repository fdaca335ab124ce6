"""A lesson of classes or numbers: the target and its loss, tokens of rows, modality dropout.

Knows networks and prepared rows, not files or plans, and not the loop that learns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.later import functional as F
from plait.core.later import torch
from plait.models.rows import Prepared

if TYPE_CHECKING:
    from torch import Tensor

    from plait.models.network import Network, Parts

Source = Callable[[Any], Any]  # rows → their tokens
SMOOTHING = 0.1  # label smoothing with three classes or more (Szegedy and others 2016, arXiv:1512.00567)


@dataclass
class Target:
    """What is to be learned."""

    values: Tensor  # (rows,) class codes (int64) or scaled numbers (float32); (rows, label) 0 or 1 (float32)
    regression: bool = False
    weights: Tensor | None = None  # (class,)
    counts: Tensor | None = None  # (rows,) what each row counts, 1 on average

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """The training loss: cross-entropy with smoothed labels, a smooth L1 distance, or of each label its own."""
        reduction = "mean" if self.counts is None else "none"
        if self.regression:
            loss = F.smooth_l1_loss(outputs[:, 0], self.values[rows], reduction=reduction)
        elif self.several:
            loss = F.binary_cross_entropy_with_logits(outputs, self.values[rows], reduction="none").mean(1)
            loss = loss if self.counts is not None else loss.mean()
        else:
            smoothing = SMOOTHING if outputs.shape[1] > 2 else 0.0
            truth = self.values[rows]
            loss = F.cross_entropy(outputs, truth, self.weights, label_smoothing=smoothing, reduction=reduction)
        return loss if self.counts is None else (loss * self.counts[rows]).mean()

    def measure(self, outputs: Tensor, rows: Tensor) -> tuple[Tensor, float]:
        """Return the validation loss of every row, and the metric that people read (accuracy, r2 or micro F1)."""
        truth = self.values[rows].to(outputs.device)
        if self.regression:
            errors = (outputs[:, 0] - truth) ** 2
            spread = ((truth - truth.mean()) ** 2).mean()
            return errors, float(1 - errors.mean() / spread) if spread > 0 else math.nan
        if self.several:
            said, there = outputs > 0, truth > 0.5
            f1 = 2 * (said & there).sum() / (said.sum() + there.sum()).clamp(min=1)
            return F.binary_cross_entropy_with_logits(outputs, truth, reduction="none").mean(1), float(f1)
        return F.cross_entropy(outputs, truth, reduction="none"), float((outputs.argmax(1) == truth).float().mean())

    @property
    def metric_name(self) -> str:
        return "r2" if self.regression else "f1_micro" if self.several else "accuracy"

    @property
    def several(self) -> bool:
        """Whether a row may have any of the labels."""
        return self.values.dim() == 2


@dataclass(frozen=True)
class Share:
    """One of several targets that a network learns: its outputs, (rows,) which rows have a label, what its prior loses
    on training rows, and the share of these that have a label."""

    target: Target
    outputs: slice
    known: Tensor
    prior_loss: float
    labelled: float

    def places(self, rows: Tensor) -> Tensor:
        """Return where among these rows those are that have a label."""
        return self.known[rows].nonzero()[:, 0]


@dataclass
class JointTarget:
    """Several targets that are learned at once, each by what its prior loses; a row counts for those that it has."""

    shares: list[Share]
    metric_name: str = "gain over the prior"

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """The training loss: the mean over the targets, in units of what the prior of each loses."""
        total = 0.0 * outputs.sum()
        for share in self.shares:
            places = share.places(rows)
            if len(places):
                loss = share.target.loss(outputs[places][:, share.outputs], rows[places])
                total = total + loss * (len(places) / len(rows)) / (share.prior_loss * share.labelled)
        return total / len(self.shares)

    def measure(self, outputs: Tensor, rows: Tensor) -> tuple[Tensor, float]:
        """Return the validation loss of every row, and how much less it is than that of the priors, 0 to 1."""
        losses, num = torch.zeros(len(rows)), 0
        for share in self.shares:
            places = share.places(rows)
            if len(places):
                own = share.target.measure(outputs[places][:, share.outputs], rows[places])[0].float().cpu()
                losses[places] += own * (len(rows) / len(places)) / share.prior_loss
                num += 1
        losses = losses / max(1, num)
        return losses, float(1 - losses.mean())


def encode_live(network: Network, prepared: Prepared, augment: Any, device: torch.device) -> Source:
    """Return what encodes the rows anew, augmented, with gradients: the encoders are trained."""
    return lambda rows: network.encode(prepared.batch(rows.numpy(), network.names, device), augment)


def draw_pass(passes: list[Parts], places: Tensor, generator: torch.Generator) -> Source:
    """Return what takes tokens from one of several augmented passes. places: (rows of the table,): where each is."""

    def source(rows: Tensor) -> Parts:
        chosen = passes[int(torch.randint(len(passes), (1,), generator=generator))]
        return {name: (tokens[places[rows]], present[places[rows]]) for name, (tokens, present) in chosen.items()}

    return source


def encode_rows(
    network: Network,
    prepared: Prepared,
    rows: np.ndarray,
    device: torch.device,
    augment: Any = None,
    batch_size: int = 256,
    low: bool = False,
) -> Parts:
    """Encode rows in order with fixed encoders, if low in bfloat16 → {name: (tokens (rows, token, dim), present)}."""
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=low):
        batches = (
            prepared.batch(rows[s : s + batch_size], network.names, device) for s in range(0, len(rows), batch_size)
        )
        parts = [network.encode(batch, augment) for batch in batches]
    # clones, because what inference_mode made cannot take part in training
    return {
        name: (_join([p[name][0] for p in parts]).float().clone(), _join([p[name][1] for p in parts]).clone())
        for name in network.names
    }


def _join(batches: list[Tensor]) -> Tensor:
    """Join batches (batch, token, …) and pad them: one in which a modality is absent has only one token."""
    longest = max(x.shape[1] for x in batches)
    return torch.cat([F.pad(x, [0, 0] * (x.dim() - 2) + [0, longest - x.shape[1]]) for x in batches])


def draw_stay(there: Tensor, generator: torch.Generator, least: int) -> Tensor:
    """Modality dropout: draw which of those there (batch, modality) stay, evenly how many (after arXiv:1501.00102)."""
    draws = torch.rand(len(there), there.shape[1] + 1, generator=generator).to(there.device)
    stay = least + (draws[:, -1] * (there.sum(1) + 1 - least)).long()
    order = draws[:, :-1].masked_fill(~there, 2.0).argsort(1).argsort(1)
    return there & (order < stay[:, None])


def draw_presence(parts: Parts, generator: torch.Generator) -> Parts:
    """Return the samples with modalities dropped from each; at least one stays."""
    names = sorted(parts)  # the draw must not depend on the order of the dict
    kept = draw_stay(torch.stack([parts[name][1].any(1) for name in names], 1), generator, 1)
    return {name: (parts[name][0], parts[name][1] & kept[:, i : i + 1]) for i, name in enumerate(names)}


def twice(parts: Parts, others: Parts) -> Parts:
    """Return the samples of both as one batch: one pass through small modules takes half the time of two."""
    return {name: (torch.cat([x, others[name][0]]), torch.cat([p, others[name][1]])) for name, (x, p) in parts.items()}


def decided(network: Network, parts: Parts, rows: int, batch_size: int = 512) -> Tensor:
    """Return logits (rows, class) from tokens of many rows."""
    with torch.inference_mode():
        spans = [slice(start, start + batch_size) for start in range(0, rows, batch_size)]
        return torch.cat([network.decide({n: (t[s], p[s]) for n, (t, p) in parts.items()}) for s in spans])


def draw_batches(rows: np.ndarray, steps: int, generator: torch.Generator) -> list[Tensor]:
    """Return the rows in so many batches, in random order."""
    shuffled = torch.from_numpy(rows)[torch.randperm(len(rows), generator=generator)]
    return [shuffled[step::steps] for step in range(steps)]


def loss_of(
    rows: Tensor,
    network: Network,
    source: Source,
    target: Target,
    dropout: torch.Generator | None = None,
    low: bool = False,
) -> Tensor:
    """Return the mean loss of training rows whose tokens this source gives.

    dropout: draws which modalities are left out, if any. low: encoders, and on a GPU all else, compute in bfloat16.
    """
    kind = network.prior.device.type
    with torch.autocast(kind, torch.bfloat16, enabled=low):
        parts = {name: (x.float(), present) for name, (x, present) in source(rows).items()}
    if dropout is not None:  # each row as it is, and with modalities left out: the loss is the mean over both
        parts, rows = twice(parts, draw_presence(parts, dropout)), rows.repeat(2)
    with torch.autocast(kind, torch.bfloat16, enabled=low and kind == "cuda"):
        return target.loss(network.decide(parts), rows)
