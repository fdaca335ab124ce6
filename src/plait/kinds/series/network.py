"""The network of a series that is trained here: residual convolutions over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.kinds.network import Dropout
from plait.kinds.series.prep import shape
from plait.kinds.sizes import check_shape

TOKENS = 4  # stretches of time, at most


class Residual(nn.Module):
    """A residual block of three convolutions over time (Wang, Yan and Oates 2017, "Time series classification from
    scratch with deep neural networks")."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, size in enumerate((7, 5, 3)):
            conv = nn.Conv1d(outputs if place else inputs, outputs, size, 1 if place else stride, size // 2, bias=False)
            layers += [conv, nn.BatchNorm1d(outputs), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])
        self.short = nn.Sequential(nn.Conv1d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm1d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.layers(x) + self.short(x))


class SeriesEncoder(nn.Module):
    """Residual convolutions over series and, where there are any, the flags of their holes, which are 0 there.

    Three blocks; each halves the time where many points are left. Tokens: the last points, averaged in at most four
    stretches of time. holes: whether there are flags. seed, biases: of kernels that features are made by; no network.
    """

    def __init__(
        self, channels: int, length: int, dim: int, holes: bool = False, seed: int = 0, biases: Sequence[Any] = (),
        base: int = 32, dropout: float = 0.1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.channels, self.length, self.holes = channels, length, holes
        self.blocks = nn.Sequential()
        inputs = channels * (1 + holes)
        for outputs, many in ((base, 256), (2 * base, 128), (2 * base, 64)):
            stride = 2 if length > many else 1
            self.blocks.append(Residual(inputs, outputs, stride))
            inputs, length = outputs, -(-length // stride)
        self.steps = min(TOKENS, length)
        self.dropout = Dropout(dropout)
        self.project = nn.Linear(inputs, dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, channel, time), scaled → tokens (batch, token, dim), all present."""
        check_shape("series", x, ("batch", self.channels * (1 + self.holes), self.length))
        if self.holes:
            values, flags = x[:, : self.channels], x[:, self.channels :]
            x = torch.cat([values * (1 - flags), flags], dim=1)
        y = F.adaptive_avg_pool1d(self.blocks(x), self.steps).transpose(1, 2)
        tokens = self.project(self.dropout(y))
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


ENCODER = SeriesEncoder
CONVOLUTIONAL = NORMED = True
FEWEST_STEPS = 200  # measured: of 36 to 67 rows 40 steps teach nothing, and more than 160 hardly more


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return series (batch, channel, time), and flags of which a fifth is set."""
    x = generator.standard_normal((num, *shape(layout)))
    x[:, layout["channels"] :] = generator.random(x[:, layout["channels"] :].shape) < 0.2
    return x
