"""Encoders that are trained here, by their layouts, JSON: {"kind", and the sizes of one input}.

They see only rows in which their modality is present, so they know nothing of holes, of fusion or of the target.
Convolutional ones use BatchNorm (over those rows), the others LayerNorm. No encoder calls a random generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.kinds import KINDS


class Dropout(nn.Module):
    """Dropout (Srivastava and others 2014, JMLR 15) by sixteen bits a number, drawn four at once by torch's generator.

    torch draws a double for each on a processor: a fifth of all that the network of a table costs.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        """Return x of any shape; in training with a share of its numbers 0, and the rest greater by as much."""
        if not self.training or x.device.type != "cpu":
            return F.dropout(x, self.share, self.training)
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        stay = draws.view(torch.int16)[: x.numel()].view(x.shape) >= round(self.share * 2**16) - 2**15
        return x * stay.to(x.dtype).div_(1 - self.share)


def build_encoder(layout: Mapping[str, Any], dim: int) -> nn.Module:
    """Make the encoder for a layout (the JSON a fitted view gives): its kind and its sizes."""
    sizes = {name: value for name, value in layout.items() if name != "kind"}
    return KINDS[layout["kind"]].network.ENCODER(**sizes, dim=dim)


def as_float(kind: str, x: Tensor) -> Tensor:
    """Return inputs of a layout's kind in float32, pictures as 0…1; what a pretrained network scales as it is."""
    network = KINDS[kind].network
    return network.to_float(x) if hasattr(network, "to_float") else x.float()


def centre(kind: str, x: Tensor) -> Tensor:
    """Return inputs (as `as_float` gives them) as the encoder of a layout's kind is given them."""
    network = KINDS[kind].network
    return network.centre(x) if hasattr(network, "centre") else x


def is_normed(kind: str) -> bool:
    """Whether the encoder of a layout's kind has BatchNorm, which needs two inputs or more."""
    return bool(getattr(KINDS[kind].network, "NORMED", False))
