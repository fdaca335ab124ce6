"""The network of a sound that is trained here: a log-mel is looked at as a picture is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from plait.kinds.audio.prep import shape
from plait.kinds.image.network import ConvEncoder
from plait.kinds.sizes import check_shape


class SoundEncoder(nn.Module):
    """A ConvEncoder over a log-mel (batch, mel, time): the same network, with one channel."""

    def __init__(self, mels: int, frames: int, dim: int, base: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.mels, self.frames = mels, frames
        self.picture = ConvEncoder(1, mels, frames, dim, base, dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, mel, time), standardised per recording → tokens (batch, token, dim), all present."""
        check_shape("log-mel", x, ("batch", self.mels, self.frames))
        return self.picture(x[:, None])


ENCODER = SoundEncoder
CONVOLUTIONAL = NORMED = True


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return log-mels (batch, mel, time), standardised."""
    return generator.standard_normal((num, *shape(layout)))


OWN_INPUT = "log-mels (batch, mel, time), float"


def for_own(x: Tensor) -> Tensor:
    """Return prepared log-mels as a module of the user's own is given them."""
    return x.float()
