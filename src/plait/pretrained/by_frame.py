"""A pretrained encoder of pictures, made one of videos: it sees each frame. Knows no weights of its own."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from plait.kinds.video.prep import VideoPrep
from plait.pretrained.frozen import Frozen

VIEWS = 3  # of the features of all frames: mean, change from start to end, and how much changes at each step


class ByFrame(nn.Module):
    """A network of pictures over the frames of a video: (batch, frame, …) → (batch, token · VIEWS, width)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.blocks = getattr(network, "blocks", [network])

    def forward(self, x: Tensor) -> Tensor:
        """Return the mean over frames, the last third less the first, and the mean size of a step."""
        y = self.network(x.flatten(0, 1)).float().unflatten(0, x.shape[:2])  # (batch, frame, token, width)
        third = max(1, x.shape[1] // 3)
        steps = (y[:, 1:] - y[:, :-1]).abs().sum(1) / max(1, x.shape[1] - 1)
        return torch.cat([y.mean(1), y[:, -third:].mean(1) - y[:, :third].mean(1), steps], 1)


def over_frames(frozen: Frozen, frames: int) -> Frozen:
    """Return the encoder of videos of so many frames that an encoder of pictures makes."""
    trainable = frozen.trainable or frozen.load
    return replace(
        frozen,
        shape=(frames, *frozen.shape),
        tokens=VIEWS * frozen.tokens,
        prep=VideoPrep(frames=frames, picture=frozen.prep),
        load=lambda: ByFrame(frozen.load()),
        trainable=lambda: ByFrame(trainable()),
    )
