"""What is kept of a video, and what is odd about those of a column. Knows no table and no network."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.finding import Finding
from plait.core.words import count, duration, plain
from plait.data import media
from plait.data.video import list_streams
from plait.kinds import cell_facts
from plait.kinds.cell_facts import CellFacts, Oddity, check_cells, quick_numbers

VERSION = 1  # of the facts below
SPEAKS = True  # a video is there to tell something of its row
WHOLE_FILES = False  # its frames are asked for up to the end: what was cut off says so itself
FAULTS = {  # of videos alone: fault → name of the check, what its cells do, how to mend it
    "too-large": (
        "video-too-large",
        "holds a video of too many pixels to decode",
        "Make the videos smaller, or blank the cells.",
    ),
    "no-samples": (
        "video-no-part",
        "names a part that lies behind the end of its video",
        "Mend the seconds after #t=, or blank the cells.",
    ),
}
LARGE = True  # a file is looked into, and never read whole
ENDS = 1 << 20  # bytes at both ends of a file by which copies are told
FRAMES, SIDE = 4, 12  # of the small frames that quick guesses look at
STILL = 1.5  # of 255: a mean difference below it between frames is the coder's noise
LONG = 600.0  # s: whatever the others are

by_chance, contents, kept_keys = cell_facts.by_chance, cell_facts.contents, cell_facts.kept_keys
part_of = media.part_of


@dataclass(frozen=True, slots=True)
class VideoFacts(CellFacts):
    """What a video holds. thumb: uint8, grey frames (FRAMES, SIDE, SIDE). mute: it has no sound track."""

    width: int = 0  # px
    height: int = 0
    seconds: float = 0.0
    moved: float = 0.0  # of 255: the mean difference between frames
    one_colour: bool = False
    mute: bool = False

    @property
    def bare(self) -> bool:
        """Whether it shows nothing: one colour all over, in all frames."""
        return self.one_colour


FACTS = VideoFacts


def look(cell: Any, folder: Path | None, rate: int | None = None, content: bytes = b"") -> VideoFacts:
    """Decode a few frames of a cell, and return its facts. Raises CellError."""
    clip = media.open_video(cell, folder, FRAMES, lambda width, height: (min(width, 96), min(height, 96)))
    source = None if isinstance(cell, np.ndarray) else media.open_cell(cell, folder)
    small = np.stack([np.asarray(frame.convert("L").resize((SIDE, SIDE), 2)) for frame in clip.pictures])
    return VideoFacts(
        "video",
        decoded=_hash_part(cell if source is None else source, clip.start, clip.end),
        thumb=small.tobytes(),
        width=clip.width,
        height=clip.height,
        seconds=round(clip.end - clip.start, 3),
        moved=float(np.abs(np.diff(small.astype(np.float64), axis=0)).mean()),
        one_colour=bool(np.ptp(small) < 4),
        mute=source is not None and not list_streams(source).sound,
    )


def _hash_part(source: bytes | Path | np.ndarray, start: float, end: float) -> str:
    """Return a hash (hex) of the size and both ends of a file, and of the part: what copies of it share."""
    if isinstance(source, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(source).data).hexdigest()
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        hashed = hashlib.sha256(f"{size} {start:.3f} {end:.3f}".encode())
        for place in (0, max(0, size - ENDS)):
            file.seek(place)
            hashed.update(file.read(ENDS))
    return hashed.hexdigest()


def quick(
    columns: Mapping[str, Sequence[VideoFacts | None]], kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, feature) and (rows,) bool: the mean of the small frames, and what changes from each to the next."""
    return quick_numbers(columns, FRAMES * SIDE**2, _numbers)


def _numbers(cell: VideoFacts) -> np.ndarray:
    frames = np.frombuffer(cell.thumb, np.uint8).reshape(FRAMES, -1).astype(np.float32) / 255
    return np.concatenate([frames.mean(0), np.diff(frames, axis=0).ravel()])


def check_facts(column: str, facts: Sequence[VideoFacts | None]) -> list[Finding]:
    """Return what is odd about videos that can be read."""
    there = [cell for cell in facts if cell is not None and not cell.fault]
    usual = float(np.median([cell.seconds for cell in there])) if there else 0.0
    all_mute = bool(there) and all(cell.mute for cell in there)
    oddities = {
        "video-blank": Oddity(
            lambda cell: cell.one_colour,
            "holds a video of one colour from its start to its end",
            "Look at them; if they stand for nothing, blank the cells, so that they count as missing.",
        ),
        "video-still": Oddity(
            lambda cell: not cell.one_colour and cell.moved < STILL,
            "holds a video in which nothing moves",
            "Look at them: they may be pictures written as videos, or a frozen recording.",
        ),
        "video-long": Oddity(
            lambda cell: cell.seconds > min(LONG, max(10.0, 10 * usual)),
            f"holds a video far longer than the usual {plain(usual)} s",
            "Name the part that the row is about, as in clip.mp4#t=2,5; a fit sees 8 frames of it (video.frames=N: N).",
            first=lambda cell: duration(cell.seconds),
        ),
    }
    if not all_mute:  # of a column without any sound there is no sound to miss
        oddities["video-mute"] = Oddity(
            lambda cell: cell.mute,
            "holds a video without a sound track",
            "Nothing is needed: the sound of these rows counts as missing.",
            "note",
        )
    mixtures = {
        "video-mixed-sizes": (
            lambda cell: f"{count(cell.width)} × {count(cell.height)} px",
            "videos of several sizes",
            "plait brings all to one; if a class comes in a size of its own, that gives it away: make them alike.",
        )
    }
    return check_cells(column, facts, oddities, mixtures)
