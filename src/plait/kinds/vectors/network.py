"""The network over vectors that another encoder gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.kinds.network import Dropout
from plait.kinds.sizes import check_shape
from plait.kinds.vectors.prep import shape


class VectorEncoder(nn.Module):
    """A small network over features that a pretrained encoder gave: (batch, token, width), each token by itself.

    Features differ in scale, so each is brought to about 1 over the rows (BatchNorm without weights of its own).
    """

    def __init__(self, tokens: int, width: int, dim: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.tokens, self.width = tokens, width
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.dropout = Dropout(dropout)
        self.project = nn.Linear(width, dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, token, width) → tokens (batch, token, dim), all present."""
        check_shape("features", x, ("batch", self.tokens, self.width))
        y = self.norm(x.flatten(0, 1)).view_as(x)
        tokens = self.project(self.dropout(y.clamp(-8, 8)))
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


ENCODER = VectorEncoder
NORMED = True


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return vectors (batch, token, width)."""
    return generator.standard_normal((num, *shape(layout)))
