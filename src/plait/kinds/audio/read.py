"""From cells of sounds to the inputs of an encoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_cell
from plait.data.media import open_sound
from plait.data.sound import LONG_RATE
from plait.kinds.part import Opener, Part

DTYPE = np.float16
digest, streams = digest_cell, Part.streams


def read(cell: Any, folder: Path | None, rate: int | None = None, prep: Any = None) -> tuple[np.ndarray, int]:
    """Return (samples (time[, channel]), Hz). rate: of a sound given as an array. Raises CellError."""
    top = max(LONG_RATE, getattr(prep, "sample_rate", None) or 0)
    sound = open_sound(cell, folder, sample_rate=rate, top=top)
    return sound.samples, sound.rate


def apply(prep: Any, value: tuple[np.ndarray, int]) -> np.ndarray:
    """Return a sound as the encoder takes it, such as a log-mel (mel, time)."""
    return prep(*value)


def prepare(*given: Any) -> tuple[np.ndarray, list[str | None]]:
    """As of all that is opened, with torch loaded: its spectra are quick, and always the same ones."""
    import torch  # noqa: F401

    return OPENER.prepare(*given)


OPENER = Opener("a sound", read, apply)
fit = OPENER.fit
