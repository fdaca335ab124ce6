"""A recogniser: log-mels → the probability of each unit in each frame, for CTC, alone or fused with other modalities.

Convolutions only, so that a recording of any length goes through; what lies after its own last frame is 0 before every
convolution along time, so padding changes nothing. Knows no text and no training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.core.contract import Batch
from plait.errors import RequestError, did_you_mean
from plait.kinds import AUDIO
from plait.kinds.network import Dropout
from plait.models import plan as plans
from plait.models.fusion import build_fusion, pool
from plait.models.network import Augment, Head, Network, Parts

STRIDE = 4  # log-mel frames per output frame
WIDTH = 192  # channels of the convolutions along time
DILATIONS = (1, 2, 4, 1, 2, 4)


def own_lengths(x: Tensor) -> Tensor:
    """Return how many frames of log-mels (batch, mel, time) are the recording's own: up to the last that is not 0."""
    places = torch.arange(1, x.shape[2] + 1, device=x.device)
    return ((x != 0).any(1) * places).amax(1)


def within(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x (batch, …, time) with 0 after each row's own length."""
    own = torch.arange(x.shape[-1], device=x.device) < lengths[:, None]
    return x.masked_fill(~own.view(len(x), *[1] * (x.dim() - 2), -1), 0.0)


def centre_bands(x: Tensor, lengths: Tensor) -> Tensor:
    """Return log-mels (batch, mel, time) less each band's mean over the own frames (cepstral mean subtraction)."""
    own = within(x, lengths)
    return within(own - own.sum(2, keepdim=True) / lengths.clamp(min=1)[:, None, None], lengths)


class Front(nn.Module):
    """(batch, mel, time) → (batch, channel, time / 4): convolutions over bands and time that halve both twice."""

    def __init__(self, mels: int) -> None:
        super().__init__()
        base = 24
        self.conv1 = nn.Conv2d(1, base, (5, 3), (2, 2), (2, 1), bias=False)
        self.norm1 = nn.BatchNorm2d(base)
        self.conv2 = nn.Conv2d(base, 2 * base, 3, 2, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * base)
        self.conv3 = nn.Conv2d(2 * base, 2 * base, 3, (2, 1), 1, bias=False)
        self.norm3 = nn.BatchNorm2d(2 * base)
        self.dropout = nn.Dropout2d(0.1)
        bands = -(-mels // 8)
        self.project = nn.Conv1d(2 * base * bands, WIDTH, 1, bias=False)
        self.norm = nn.BatchNorm1d(WIDTH)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, mel, time), lengths: (batch,) → (batch, channel, time) and its lengths."""
        lengths = (lengths + 1) // 2
        y = within(F.relu(self.norm1(self.conv1(x[:, None]))), lengths)
        lengths = (lengths + 1) // 2
        y = within(F.relu(self.norm2(self.conv2(y))), lengths)
        y = self.dropout(F.relu(self.norm3(self.conv3(y))))
        return within(F.relu(self.norm(self.project(y.flatten(1, 2)))), lengths), lengths


class Block(nn.Module):
    """A residual block of two convolutions along time, the first dilated (Bai and others 2018, arXiv:1803.01271)."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(WIDTH, WIDTH // 2, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm1 = nn.BatchNorm1d(WIDTH // 2)
        self.conv2 = nn.Conv1d(WIDTH // 2, WIDTH, 1, bias=False)
        self.norm2 = nn.BatchNorm1d(WIDTH)
        self.dropout = Dropout(0.15)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return within(F.relu(x + self.dropout(self.norm2(self.conv2(y)))), lengths)


class Listener(nn.Module):
    """Log-mels (batch, mel, time) and own lengths → (batch, frame, dim), and the lengths in output frames."""

    def __init__(self, mels: int, dim: int) -> None:
        super().__init__()
        self.front = Front(mels)
        self.blocks = nn.ModuleList(Block(dilation) for dilation in DILATIONS)
        self.project = nn.Conv1d(WIDTH, dim, 1)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        y, lengths = self.front(centre_bands(x, lengths), lengths)
        for block in self.blocks:
            y = block(y, lengths)
        return self.project(y).transpose(1, 2), lengths


class Recogniser(nn.Module):
    """Batch → log-probabilities of the units in each frame of the sound.

    spec: as of a Network, with "units": how many with CTC's blank, and "audio": the name of the sound. With a plan,
    every frame of the sound is fused with the other modalities, and what the fusion says is added to what the sound
    says by itself: it begins no worse than the sound alone. plan: where it holds a module of the user's own.

    Raises RequestError for a plan without the sound, for a vote, and for a sound of several columns.
    """

    def __init__(self, spec: Mapping[str, Any], plan: Any = None) -> None:
        super().__init__()
        self.spec = dict(spec)
        self.audio, self.stride = str(spec["audio"]), STRIDE
        dim, units = int(spec["dim"]), int(spec["units"])
        views = {view["name"]: view for view in spec["strands"]}
        if self.audio not in views or views[self.audio]["kind"] != AUDIO.name:
            raise RequestError(f"there is no sound {self.audio!r} to recognise. {did_you_mean(self.audio, views)}")
        if views[self.audio]["columns"] != 1:
            raise RequestError(
                f"modality {self.audio!r} has {views[self.audio]['columns']} columns; a recogniser hears one of them."
            )
        if plan is None and spec["plan"] is not None:
            plan = plans.parse(spec["plan"])
        self.names = [self.audio]
        if plan is not None:
            plans.check(plan, list(views))
            self.names = list(plans.leaves(plan))
            if self.audio not in self.names:
                raise RequestError(f"plan {plan}: the sound {self.audio!r} is not in it; what is heard must be fused.")
            if isinstance(plan.by, str) and plan.by == "vote":
                raise RequestError(f"plan {plan}: a recogniser cannot vote; expected an operator such as by=concat.")
        self.others = [name for name in self.names if name != self.audio]
        self.mels = int(spec["layouts"][views[self.audio]["group"]]["mels"])
        self.listener = Listener(self.mels, dim)
        self.encoders = nn.ModuleList(_encoder(views[name], spec["layouts"], dim) for name in self.others)
        self.head = Head(dim, units)
        self.fusion = build_fusion(plan, dim) if plan is not None else None
        self.fused_head = Head(dim, units, zero=True) if plan is not None else None

    def forward(self, batch: Batch, augment: Augment | None = None) -> tuple[Tensor, Tensor]:
        """Batch → log-probabilities (batch, frame, unit), and how many frames are each row's own (batch,) int64.

        A row whose sound is absent, or silent, has none; frames that are not a row's own are CTC's blank. augment: of
        the other modalities. Raises RequestError for a missing or misshaped input.
        """
        if self.audio not in batch.inputs:
            raise RequestError(f"the batch has no modality {self.audio!r}. {did_you_mean(self.audio, batch.inputs)}")
        x, present = batch.inputs[self.audio], batch.present[self.audio]
        if x.dim() != 3 or x.shape[1] != self.mels:
            raise RequestError(
                f"modality {self.audio!r}: got an array of shape {tuple(x.shape)}; expected (batch, {self.mels}, time)."
            )
        rows = present.nonzero()[:, 0]
        x = x[rows].float()
        own = own_lengths(x)
        rows, x, own = rows[own > 0], x[own > 0], own[own > 0]
        frames = -(-max(1, x.shape[2]) // STRIDE)
        log_probs = self.head.linear.weight.new_full((len(present), frames, int(self.spec["units"])), -torch.inf)
        log_probs[..., 0] = 0.0
        lengths = torch.zeros(len(present), dtype=torch.int64, device=log_probs.device)
        if not len(rows):
            return log_probs, lengths
        heard, own = self.listener(x, own)
        here = torch.arange(heard.shape[1], device=heard.device) < own[:, None]  # (row, frame)
        tokens = heard[here]
        logits = self.head(tokens)
        if self.fusion is not None and self.fused_head is not None:
            parts: Parts = {}
            for encoder in self.encoders:
                parts |= encoder.encode(batch, augment)  # type: ignore[operator]
            of = rows[here.nonzero()[:, 0]]  # the row each frame is of
            spread = {name: (t[of], p[of]) for name, (t, p) in parts.items()}
            spread[self.audio] = (tokens[:, None], torch.ones_like(of, dtype=torch.bool)[:, None])
            logits = logits + self.fused_head(pool(*self.fusion(spread))[0])
        places = here.nonzero()
        log_probs = log_probs.index_put((rows[places[:, 0]], places[:, 1]), logits.float().log_softmax(1))
        return log_probs, lengths.index_put((rows,), own)


def _encoder(view: Mapping[str, Any], layouts: Mapping[str, Any], dim: int) -> Network:
    """Return the encoder of one other modality, behind the one door that keeps absent inputs out; it has no head."""
    spec = {"strands": [view], "layouts": layouts, "plan": None, "dim": dim, "outputs": 1, "regression": True}
    network = Network({**spec, "late": False}, torch.zeros(1))
    network.heads = nn.ModuleList()
    return network
