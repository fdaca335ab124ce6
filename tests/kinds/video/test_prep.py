"""Frames as a picture's preparation makes them, and a video's own option."""

import pytest
import torch

from clips import moving_frames
from plait.data.video import video_of_array
from plait.errors import CellError, RequestError, RunError
from plait.kinds.video.prep import VideoPrep

CLIP = video_of_array(moving_frames(8, 1), 4)


def test_size_and_colours_are_learned_from_frames() -> None:
    prep = VideoPrep.of({"frames": "4", "size": "16"}).fitted([CLIP])
    assert (prep.frames, prep.picture.height, prep.picture.width, prep.picture.mode) == (4, 16, 16, "RGB")
    assert prep(CLIP).shape == (4, 3, 16, 16)
    assert VideoPrep.from_json(prep.to_json()) == prep


def test_frames_are_shrunk_to_what_is_needed_and_never_enlarged() -> None:
    prep = VideoPrep.of({"size": 16}).fitted([CLIP])
    assert prep.shrink(320, 240) == (21, 16)
    assert prep.shrink(8, 6) == (8, 6)
    assert VideoPrep().shrink(320, 240) == (320, 240)


def test_all_frames_of_a_video_are_changed_alike() -> None:
    prep = VideoPrep.of({"frames": 4}).fitted([CLIP])
    x = torch.rand(1, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0)).expand(2, 4, 3, 32, 32)
    changed = prep.augment(x.contiguous(), torch.Generator().manual_seed(1))
    assert changed.shape == x.shape
    apart = (changed[0, 0] - changed[0, 1]).abs().mean(), (changed[0, 0] - changed[1, 0]).abs().mean()
    assert apart[0] < 0.12 < apart[1]  # noise alone; and another turn


def test_wrong_options_and_other_numbers_of_frames_are_refused() -> None:
    with pytest.raises(RequestError, match=r"video.frames is 0; expected 1 to 256"):
        VideoPrep.of({"frames": 0})
    with pytest.raises(RequestError, match="'framez'"):
        VideoPrep.of({"framez": 3})
    with pytest.raises(CellError, match="4 frames, where 8 were asked for"):
        VideoPrep().fitted([CLIP])(CLIP)
    with pytest.raises(RequestError, match="there is no picture"):
        VideoPrep().fitted([])


def test_memory_is_bounded() -> None:
    with pytest.raises(RunError, match=r"video.frames is 256; expected at most 5 of this size"):
        VideoPrep.from_json({"frames": 256, "picture": {"mode": "RGB", "height": 1000, "width": 1000}})
