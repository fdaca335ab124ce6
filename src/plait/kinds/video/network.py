"""The network of a video that is trained here: that of pictures over every frame, then over their order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.kinds.image.network import ConvEncoder, centre, to_float
from plait.kinds.sizes import check_shape
from plait.kinds.video.prep import shape


class VideoEncoder(nn.Module):
    """The network of a picture, shared by all frames (frame, channel, height, width) of a video, and what follows.

    Each frame is seen beside what changed since the frame before. Its cells get a learned vector for the frame's
    place, and are mixed with those at the same spot of the frames around it: a mean over frames would not know their
    order, whatever was added to each. Tokens: one for each frame.
    """

    def __init__(self, frames: int, channels: int, height: int, width: int, dim: int) -> None:
        super().__init__()
        self.sizes = (frames, channels, height, width)
        self.look = ConvEncoder(2 * channels, height, width, dim)
        self.places = nn.Parameter(torch.zeros(frames, 1, dim))
        self.mix = nn.ModuleList(nn.Conv1d(dim, dim, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, frame, channel, height, width) float, about -1 to 1 → tokens (batch, frame, dim), all present."""
        check_shape("video", x, ("batch", *self.sizes))
        frames = self.sizes[0]
        before = torch.cat([x[:, :1], x[:, :-1]], 1)
        seen, _ = self.look(torch.cat([x, x - before], 2).flatten(0, 1))  # (batch · frame, cell, dim)
        placed = seen.unflatten(0, (-1, frames)) + self.places
        y = placed.permute(0, 2, 3, 1).flatten(0, 1)  # (batch · cell, dim, frame)
        for mix in self.mix:
            y = y + F.gelu(mix(y))
        tokens = y.unflatten(0, (-1, seen.shape[1])).mean(1).transpose(1, 2)
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


ENCODER = VideoEncoder
PORT = "uint8"  # what an exported graph is given: prepared frames, since no graph decodes a file
CONVOLUTIONAL = NORMED = True
__all__ = ["CONVOLUTIONAL", "ENCODER", "NORMED", "PORT", "centre", "draw", "to_float"]


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return videos (batch, frame, channel, height, width), 0 to 255."""
    return generator.integers(0, 256, (num, *shape(layout)))
