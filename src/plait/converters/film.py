"""Converters of videos: its sound, a picture of it; its words are those of its sound, by what hears them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from plait.converters.graph import ByValue
from plait.data.media import open_video, read_sound
from plait.data.sound import to_mono
from plait.errors import CellError


@contextmanager
def _unnamed(value: Any) -> Iterator[None]:
    """Leave the whole path of a file out of what is said of it: what is kept of it is kept for copies elsewhere too."""
    try:
        yield
    except CellError as error:
        raise CellError(str(error).replace(f": {value}", "").replace(f"{value} ", "it "), error.fault) from None


@dataclass(frozen=True)
class Soundtrack(ByValue):
    """A video to its sound, one channel at the rate of the file. Without a sound track there is none."""

    name, source, target = "soundtrack", "video", "audio"
    cost, quality = 0.05, 1.0
    threads = True
    version = "soundtrack 1"

    def convert(self, value: Any) -> tuple[tuple[np.ndarray, int], float]:
        """Return (samples (time,), Hz), and 1. Raises CellError where it has none."""
        with _unnamed(value):
            samples, rate = read_sound(value, None)
        return (to_mono(samples), rate), 1.0


@dataclass(frozen=True)
class Frame(ByValue):
    """A video to its middle frame, or to several side by side, spread evenly over it."""

    frames: int = field(default=1, metadata={"help": "Frames side by side; 1 is the middle one."})

    name, source, target = "frame", "video", "image"
    cost, quality = 0.03, 0.9
    threads = True
    version = "frame 1"
    final = True  # the words of a video are those that are said in it

    def __post_init__(self) -> None:
        self.check_range("frames", 1, 64)

    def convert(self, value: Any) -> tuple[Image.Image, float]:
        """Return the picture (height, width · frames) in RGB, and 1. Raises CellError where none can be decoded."""
        with _unnamed(value):
            pictures = open_video(value, None, self.frames).pictures
        return Image.fromarray(np.concatenate([np.asarray(picture) for picture in pictures], axis=1)), 1.0
