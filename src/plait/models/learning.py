"""What a lesson of classes or numbers is made of: the target and its loss, tokens of rows, modality dropout.

Knows networks and prepared rows, not files or plans, and not the loop that learns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from plait.models.network import Network, Parts
from plait.models.rows import Prepared

SMOOTHING = 0.1  # label smoothing with three classes or more (Szegedy and others 2016, arXiv:1512.00567)


@dataclass
class Target:
    """What is to be learned.

    values: (rows,) class codes (int64) or scaled numbers (float32); weights: (class,) or None.
    """

    values: Tensor
    regression: bool = False
    weights: Tensor | None = None

    def loss(self, outputs: Tensor, rows: Tensor) -> Tensor:
        """The training loss: cross-entropy with smoothed labels, or a smooth L1 distance."""
        if self.regression:
            return F.smooth_l1_loss(outputs[:, 0], self.values[rows])
        smoothing = SMOOTHING if outputs.shape[1] > 2 else 0.0
        return F.cross_entropy(outputs, self.values[rows], self.weights, label_smoothing=smoothing)

    def measure(self, outputs: Tensor, rows: Tensor) -> tuple[Tensor, float]:
        """Return the validation loss of every row, and the metric that people read (accuracy, or r2)."""
        truth = self.values[rows].to(outputs.device)
        if self.regression:
            errors = (outputs[:, 0] - truth) ** 2
            spread = ((truth - truth.mean()) ** 2).mean()
            return errors, float(1 - errors.mean() / spread) if spread > 0 else math.nan
        return F.cross_entropy(outputs, truth, reduction="none"), float((outputs.argmax(1) == truth).float().mean())

    @property
    def metric_name(self) -> str:
        return "r2" if self.regression else "accuracy"


@dataclass
class Live:
    """Encodes the rows anew, augmented, with gradients: the encoders are trained."""

    network: Network
    prepared: Prepared
    augment: Any
    device: torch.device

    def __call__(self, rows: Tensor) -> Parts:
        return self.network.encode(self.prepared.batch(rows.numpy(), self.network.names, self.device), self.augment)


@dataclass
class Passes:
    """Tokens of several augmented passes over the training rows, encoded once: only fusion and heads are trained."""

    passes: list[Parts]
    places: Tensor  # (rows of the table,): where a row stands in the passes, or −1
    generator: torch.Generator

    def __call__(self, rows: Tensor) -> Parts:
        chosen = self.passes[int(torch.randint(len(self.passes), (1,), generator=self.generator))]
        index = self.places[rows]
        return {name: (tokens[index], present[index]) for name, (tokens, present) in chosen.items()}


def encode_rows(
    network: Network,
    prepared: Prepared,
    rows: np.ndarray,
    device: torch.device,
    augment: Any = None,
    batch_size: int = 256,
    low: bool = False,
) -> Parts:
    """Encode rows in order with fixed encoders → {name: (tokens (rows, token, dim), present (rows, token))}.

    low: encoders compute in bfloat16.
    """
    network.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=low):
        batches = (
            prepared.batch(rows[s : s + batch_size], network.names, device) for s in range(0, len(rows), batch_size)
        )
        found = [network.encode(batch, augment) for batch in batches]
    longest = {name: max(part[name][0].shape[1] for part in found) for name in network.names}
    result = {}
    for name in network.names:
        short = [(_pad(p[name][0], longest[name]), _pad(p[name][1], longest[name])) for p in found]
        # clones, because what inference_mode made cannot take part in training
        result[name] = (torch.cat([t for t, _ in short]).float().clone(), torch.cat([h for _, h in short]).clone())
    return result


def _pad(x: Tensor, length: int) -> Tensor:
    """Pad (batch, token, …) to this many tokens: a batch in which a modality is absent has only one."""
    return x if x.shape[1] == length else torch.cat([x, x.new_zeros(len(x), length - x.shape[1], *x.shape[2:])], 1)


def draw_presence(parts: Parts, generator: torch.Generator) -> Parts:
    """Modality dropout: for each sample draw how many of its modalities stay (uniformly, at least one), then which.

    Neverova and others 2016, "ModDrop" (arXiv:1501.00102), drawn for each sample and evenly over the sizes of subsets.
    """
    names = sorted(parts)  # the draw must not depend on the order of the dict
    there = torch.stack([parts[name][1].any(1) for name in names], 1)  # (batch, part)
    draws = torch.rand(there.shape[0], len(names) + 1, generator=generator).to(there.device)
    stay = 1 + (draws[:, -1] * there.sum(1)).long()
    order = draws[:, :-1].masked_fill(~there, 2.0).argsort(1).argsort(1)
    kept = there & (order < stay[:, None])
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
    source: Callable[[Tensor], Parts],
    target: Target,
    dropout: torch.Generator | None = None,
    low: bool = False,
) -> Tensor:
    """Return the mean loss of training rows whose tokens this source gives.

    dropout: draws which modalities are left out; None leaves out none. low: encoders compute in bfloat16, and on a GPU
    all else; weights stay float32.
    """
    kind = network.prior.device.type
    with torch.autocast(kind, torch.bfloat16, enabled=low):
        parts = {name: (x.float(), present) for name, (x, present) in source(rows).items()}
    if dropout is not None:  # each row as it is, and with modalities left out: the loss is the mean over both
        parts, rows = twice(parts, draw_presence(parts, dropout)), rows.repeat(2)
    with torch.autocast(kind, torch.bfloat16, enabled=low and kind == "cuda"):
        return target.loss(network.decide(parts), rows)
