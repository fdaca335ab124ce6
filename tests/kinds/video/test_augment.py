"""Random changes of videos are those of the preparation."""

import torch

from plait.kinds.video.augment import augment
from plait.kinds.video.prep import VideoPrep


def test_the_input_is_not_changed() -> None:
    x = torch.rand(2, 3, 1, 16, 16)
    before = x.clone()
    assert not torch.equal(augment(VideoPrep(), {}, x, torch.Generator().manual_seed(0)), before)
    assert torch.equal(x, before)
