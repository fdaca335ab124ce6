"""From cells of videos to the inputs of an encoder."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_cell
from plait.data.media import open_video
from plait.data.video import Clip
from plait.kinds.part import Opener, Part
from plait.kinds.video.prep import FRAMES, VideoPrep

DTYPE = np.uint8
LOOKED = 32  # videos of which one frame is decoded to choose sizes and colours
digest, streams = digest_cell, Part.streams


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: VideoPrep | None = None) -> Clip:
    """Return frames of a video, no larger than this preparation needs; without one 8, as large as they are.

    Raises CellError.
    """
    num, shrink = (FRAMES, None) if prep is None else (prep.frames, prep.shrink)
    return open_video(cell, folder, num, shrink)


def apply(prep: VideoPrep, value: Clip) -> np.ndarray:
    """Return a video as the encoder takes it: (frame, channel, height, width) uint8."""
    return prep(value)


def fit(
    prep: VideoPrep, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True
) -> VideoPrep:
    """Return the preparation fitted to the middle frames of some videos of these rows."""
    first = Opener("a video", lambda cell, folder, rate, prep: open_video(cell, folder, 1), apply)
    return prep.fitted(islice(first.sample(part, rows, generator), LOOKED))


OPENER = Opener("a video", read, apply)
prepare = OPENER.prepare
