"""From cells of pictures to the inputs of an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_cell
from plait.data.media import read_image
from plait.kinds.part import Opener, Part

DTYPE = np.uint8
digest, streams = digest_cell, Part.streams


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: Any = None) -> Any:
    """Return a picture, decoded no larger than this preparation needs. Raises CellError."""
    return read_image(cell, folder, draft=None if prep is None else prep.draft_size)


def apply(prep: Any, value: Any) -> np.ndarray:
    """Return a picture as the encoder takes it: (channel, height, width) uint8."""
    return prep(value)


OPENER = Opener("a picture", read, apply)
fit, prepare = OPENER.fit, OPENER.prepare
