"""Mend videos: what is left of one that was cut off gets a header that tells it. Nothing is coded anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.data import media
from plait.data.formats import has_av
from plait.data.video import Clip, copy_packets
from plait.errors import CellError
from plait.kinds.mending import Change, Goal, Look

LARGE = True  # a look is given the path of a file, not what is in it
FRAMES = 4  # that must be there, from its start to its end
COPIED = "saved from what is left"
LEFT = ("truncated", "unreadable")  # faults of a video of which something may be left
ENDINGS = {"MP4": ".mp4 .m4v .mov", "WebM": ".webm", "MKV": ".mkv"}
FORMS = {"MP4": "mp4", "WebM": "webm", "MKV": "matroska"}  # containers, in the order in which they are tried


@dataclass(frozen=True, slots=True)
class VideoLook(Look):
    """What is seen of one video. fault: why it cannot be read to its end, or ""."""

    fault: str = ""


def look(source: bytes | Path) -> VideoLook:
    """Decode a few frames of a video, and say what it is. Raises CellError where nothing may be left of it."""
    if isinstance(source, bytes):
        digest = hashlib.sha256(source).digest()
    else:
        with source.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    try:
        _open_small(source)
    except CellError as error:
        if error.fault not in (*LEFT, "unsupported"):
            raise
        return VideoLook(digest=digest, fault=str(error) if error.fault in LEFT and has_av() else "")
    return VideoLook(digest=digest)


def _open_small(source: bytes | Path) -> Clip:
    try:
        return media.open_video(source, None, FRAMES, lambda width, height: (min(width, 96), min(height, 96)))
    except CellError as error:
        name = source.name if isinstance(source, Path) else ""
        raise CellError(str(error).replace(str(source), name), error.fault) from None


def choose_goal(looks: Iterable[VideoLook]) -> Goal:
    """Return what the videos of a column become: each what it is."""
    return Goal()


def change(cell: Any, folder: Path | None, seen: VideoLook, goal: Goal) -> Change | None:
    """Return what is left of a video, or None where it needs nothing. Raises CellError where nothing can be copied."""
    if not seen.fault:
        return None
    source = media.open_cell(cell, folder)
    for form, container in FORMS.items():
        try:
            content = copy_packets(source, container)
            left = _open_small(content)
        except (CellError, OSError, ValueError, LookupError, RuntimeError):  # as FFmpeg's errors are
            continue
        return Change(content, form, (COPIED,), f"cut off: {left.end:.3g} s are left, saved as {form}")
    raise CellError(f"{seen.fault}; nothing of it can be copied: what says where its frames lie is not in it")
