"""Cells of videos: opened as the preparation asks, whatever they are."""

from pathlib import Path

import numpy as np

from clips import moving_frames, write_video
from plait.data.read import read as read_table
from plait.kinds.part import Part
from plait.kinds.video.prep import VideoPrep
from plait.kinds.video.read import apply, fit, read


def test_a_file_is_decoded_at_the_size_that_is_needed(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", moving_frames(10, 1, side=64))
    table = read_table({"clip": ["a.mp4", None]}, tmp_path)
    prep = fit(VideoPrep.of({"frames": 3, "size": 16}), Part(table, ("clip",)), np.arange(2), np.random.default_rng(0))
    assert prep.picture.source_side == 64
    clip = read("a.mp4", tmp_path, None, prep)
    assert [picture.size for picture in clip.pictures] == [(16, 16)] * 3
    assert apply(prep, clip).shape == (3, 3, 16, 16)
    assert read("a.mp4", tmp_path).pictures[0].size == (64, 64)
    assert len(read("a.mp4", tmp_path).pictures) == 8
