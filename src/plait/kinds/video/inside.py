"""Inside a video: which seconds of its pictures moved an answer. Knows how they are left out, not who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plait.core.words import plain
from plait.data.numbers import write_npy
from plait.kinds.part import Part
from plait.kinds.pixels import png_of
from plait.kinds.video.prep import VideoPrep
from plait.kinds.video.read import read

PARTS, SHOWN = "seconds", 3


def split(
    part: Part, prep: VideoPrep
) -> tuple[Any, list[dict[str, Any]], list[int], Callable[[np.ndarray], dict[str, Any]]]:
    """Return the videos of one row, their stretches of time, one for each frame, and what is left without some.

    leave(kept (stretch,) bool) → {column: a .npy of (frame, height, width, channel)}, in which the nearest frame that
    is kept stands for one that is left out, so that nothing moves or changes there; where none is kept, their mean.
    """
    clips = {
        column: read(cells[0], part.table.folder, None, prep)
        for column, cells in part.cells().items()
        if cells[0] is not None
    }
    parts = [
        {"column": column, "start": round(float(start), 3), "end": round(float(start) + step, 3)}
        for column, clip in clips.items()
        if (step := (clip.end - clip.start) / prep.frames)
        for start in clip.start + step * np.arange(prep.frames)
    ]
    frames = {column: np.stack([np.asarray(picture) for picture in clip.pictures]) for column, clip in clips.items()}

    def leave(kept: np.ndarray) -> dict[str, Any]:
        left = {}
        for number, (column, pixels) in enumerate(frames.items()):
            there = np.flatnonzero(kept[number * prep.frames : (number + 1) * prep.frames])
            if len(there):
                pixels = pixels[there[np.abs(np.arange(prep.frames)[:, None] - there).argmin(1)]]
            else:
                pixels = np.broadcast_to(pixels.mean(0).astype(np.uint8), pixels.shape)
            left[column] = write_npy(pixels)
        return left

    return clips, parts, list(range(len(parts))), leave


def say(part: dict[str, Any]) -> str:
    """Return how a stretch of time is named in a line of text."""
    return f"{plain(part['start'], digits=2)}–{plain(part['end'], digits=2)} s"


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: the frames side by side, and the weight of each."""
    column, clip = next(iter(detail.before.items()))
    weights = [part["weight"] for part in detail.parts if part["column"] == column]
    pixels = np.concatenate([np.asarray(picture) for picture in clip.pictures], axis=1)
    return {"form": "picture", "png": png_of(np.moveaxis(pixels, -1, 0)), "heat": [weights]}
