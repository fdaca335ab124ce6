"""The network of a picture that is trained here. Its BatchNorm sees only rows that have a picture."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from plait.kinds.image.prep import shape
from plait.kinds.network import Dropout
from plait.kinds.sizes import check_shape


class Residual(nn.Module):
    """A residual block with two 3×3 convolutions (He and others 2016, "Deep residual learning")."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.short: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(y)) + self.short(x), inplace=True)


class ConvEncoder(nn.Module):
    """A small residual network over a picture (channel, height, width) or a log-mel (1, mel, time).

    A stem brings it to about 1,000 cells; each of three residual stages halves the sides unless it works on few cells
    already, so that a larger picture does not cost in proportion. Tokens: the last cells, pooled to at most 4 × 4.
    """

    def __init__(self, channels: int, height: int, width: int, dim: int, base: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.channels, self.height, self.width = channels, height, width
        steps = max(0, math.ceil(math.log2(math.sqrt(height * width / 1100.0))))
        stem: list[nn.Module] = []
        inputs = channels
        for outputs, stride in [*((base if step else base // 2, 2) for step in range(steps)), (base, 1)]:
            conv = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            stem += [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            inputs = outputs
        self.stem = nn.Sequential(*stem)
        sides = [math.ceil(n / 2**steps) for n in (height, width)]
        self.stages = nn.Sequential()
        for outputs, few in ((base, 400), (2 * base, 0), (4 * base, 64)):
            stride = 2 if math.prod(sides) > few else 1
            self.stages.append(Residual(inputs, outputs, stride))
            inputs, sides = outputs, [math.ceil(n / stride) for n in sides]
        self.grid = (min(4, sides[0]), min(4, sides[1]))
        self.dropout = Dropout(dropout)
        self.project = nn.Linear(inputs, dim)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._quick: list[nn.Module] = []  # in a list, since it is no part of what is learned

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, channel, height, width) float, about -1 to 1 → tokens (batch, token, dim), all present."""
        check_shape("picture", x, ("batch", self.channels, self.height, self.width))
        y = x.contiguous(memory_format=torch.channels_last)
        for layer in self._layers(y):
            y = layer(y)
        y = F.adaptive_avg_pool2d(y, self.grid).flatten(2).transpose(1, 2)
        tokens = self.project(self.dropout(y))
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)

    def _layers(self, x: Tensor) -> list[nn.Module]:
        """Return stem and stages; to answer, with BatchNorm inside the convolutions, which is a fifth quicker."""
        layers: list[nn.Module] = [self.stem, self.stages]
        if self.training or not torch.is_inference_mode_enabled():
            return layers
        if not self._quick or next(self._quick[0].parameters()).device != x.device:
            self._quick = [fold_norms(layer) for layer in layers]
        return self._quick

    def train(self, mode: bool = True) -> ConvEncoder:
        """As ever; weights may be others from now on."""
        self._quick = []
        return super().train(mode)

    def _load_from_state_dict(self, *args: Any) -> None:
        self._quick = []
        super()._load_from_state_dict(*args)


def fold_norms(layers: nn.Module) -> nn.Module:
    """Return a copy of layers in which each convolution does what the BatchNorm after it does where nothing is learned.

    The answers differ in the last bits only.
    """
    layers = copy.deepcopy(layers)
    for part in layers.modules():
        names = [*dict(part.named_children())]
        for name, after in itertools.pairwise(names):
            conv, norm = getattr(part, name), getattr(part, after)
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(part, name, fuse_conv_bn_eval(conv, norm))
                setattr(part, after, nn.Identity())
    return layers.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


ENCODER = ConvEncoder
PORT = "uint8"  # what an exported graph is given
CONVOLUTIONAL = NORMED = True
IN_GRAPH = True  # a pretrained encoder goes into an exported graph, so that pictures themselves are given


def to_float(x: Tensor) -> Tensor:
    """Return pictures of 0…255 as 0…1 in float32, as features are made of them."""
    return x.float().div_(255.0) if x.dtype == torch.uint8 else x.float()


def centre(x: Tensor) -> Tensor:
    """Return pictures of 0…1 as the encoder is given them: -1 to 1."""
    return x * 2.0 - 1.0


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return pictures (batch, channel, height, width), 0 to 255."""
    return generator.integers(0, 256, (num, *shape(layout)))


OWN_INPUT = "pictures (batch, channel, height, width), float -1 to 1"


def for_own(x: Tensor) -> Tensor:
    """Return prepared pictures, 0 to 255, as a module of the user's own is given them."""
    return x.float() / 127.5 - 1.0
