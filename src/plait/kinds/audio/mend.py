"""Mend sounds: look at one, choose what all those of a column become, and change one. Knows no table and no picture.

What is encoded anew is written without loss: in its own format where that is a lossless one, else as WAV.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.data import media
from plait.errors import CellError
from plait.kinds.mending import Change, Goal, Look, take_content

RATE, CHANNELS, OFFSET, HEADER = "resampled", "channels changed", "DC offset removed", "length in the header corrected"
LARGE_OFFSET = 0.02  # of full scale 1: a smaller mean of a sound stays
SHARE_OFFSET = 0.25  # of the level: low noise in a short sound has a mean of its own
STREAM = 2**31 - 512  # bytes: what a header tells at least when it was written before the length was known

_DEPTHS = dict.fromkeys(("PCM_24", "PCM_32"), "PCM_24") | dict.fromkeys(("FLOAT", "DOUBLE"), "FLOAT")
ENDINGS = {  # of the formats that soundfile names: the first is what a renamed file gets
    "WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav .rf64", "W64": ".w64", "FLAC": ".flac", "OGG": ".ogg .oga .opus",
    "MP3": ".mp3", "MPEG": ".mp3", "AIFF": ".aif .aiff .aifc", "AU": ".au .snd", "CAF": ".caf",
}  # fmt: skip
_LOSSLESS = {name: name for name in ("WAV", "FLAC", "AIFF", "AU", "CAF", "W64")} | {"WAVEX": "WAV", "RF64": "WAV"}


@dataclass(frozen=True, slots=True)
class SoundLook(Look):
    """What is seen of one sound."""

    rate: int = 0  # Hz
    channels: int = 0
    subtype: str = ""  # as soundfile names it
    offset: bool = False  # the mean is far from 0
    header: str = ""  # what the header tells wrongly of the length, or ""


@dataclass(frozen=True)
class SoundGoal(Goal):
    """The rate (Hz) and the channels of every sound of a column, None where each stays as it is."""

    rate: int | None = None
    channels: int | None = None


def look(content: dict[str, Any]) -> SoundLook:
    """Decode a sound, {"bytes", "path"}, and say what it is. Raises CellError."""
    import soundfile

    samples, rate = media.read_sound(content, None, whole=False)  # what is left of a sound is kept, and said
    with soundfile.SoundFile(io.BytesIO(content["bytes"])) as file:
        form, subtype = file.format, file.subtype
    return SoundLook(
        digest=hashlib.sha256(content["bytes"]).digest(),
        format=form,
        rate=rate,
        channels=samples.shape[1],
        subtype=subtype,
        offset=_has_offset(samples),
        header=_check_length(content["bytes"]) if form in ("WAV", "WAVEX") else "",
    )


def _has_offset(samples: np.ndarray) -> bool:
    mean = np.abs(samples.mean(axis=0, dtype=np.float64))
    level = np.sqrt(np.square(samples).mean(axis=0, dtype=np.float64))
    return bool((mean > np.maximum(LARGE_OFFSET, SHARE_OFFSET * level)).any())


def _check_length(content: bytes) -> str:
    """Return what the header of a RIFF file tells wrongly of its length, or ""."""
    order = ">" if content[:4] == b"RIFX" else "<"
    told = struct.unpack(f"{order}I", content[4:8])[0] + 8
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], struct.unpack(f"{order}I", content[at + 4 : at + 8])[0]
        if name == b"data":
            there = len(content) - at - 8
            if there < size < STREAM:
                return f"cut off: {there} of {size} bytes are there, {HEADER}"
            # An odd chunk is followed by one more byte, which not every program writes or counts.
            return HEADER if size > there or abs(told - len(content)) > 1 else ""
        at += 8 + size + size % 2
    return ""  # there is no chunk of sound to compare: leave it


def choose_goal(looks: Iterable[SoundLook]) -> SoundGoal:
    """Return what the readable sounds of a column become, so that they are alike.

    The commonest rate (of equals the higher) and the commonest number of channels (of equals the fewer).
    """
    seen = [one for one in looks if not one.error]
    rates, channels = Counter(one.rate for one in seen), Counter(one.channels for one in seen)
    return SoundGoal(
        rate=max(rates, key=lambda r: (rates[r], r)) if len(rates) > 1 else None,
        channels=max(channels, key=lambda c: (channels[c], -c)) if len(channels) > 1 else None,
    )


def change(cell: Any, folder: Path | None, seen: SoundLook, goal: SoundGoal) -> Change | None:
    """Return the mended sound, or None where it needs nothing. Raises CellError where it cannot be done."""
    resample = goal.rate is not None and seen.rate != goal.rate
    remix = goal.channels is not None and seen.channels != goal.channels
    if not (resample or remix or seen.offset or seen.header):
        return None
    goal = SoundGoal(rate=goal.rate if resample else None, channels=goal.channels if remix else None)
    return _change(take_content(cell, folder), seen, goal)


def _change(content: dict[str, Any], seen: SoundLook, goal: SoundGoal) -> Change:
    samples, rate = media.read_sound(content, None, whole=False)  # what is left of a sound is kept, and said
    done, said = [], []
    if seen.header:
        done.append(HEADER)
        said.append(seen.header)
    if seen.offset:
        samples = (samples - samples.mean(axis=0, dtype=np.float64)).astype(np.float32)
        done.append(OFFSET)
        said.append(OFFSET)
    if goal.rate is not None:
        import soxr

        done.append(RATE)
        said.append(f"{rate} → {goal.rate} Hz")
    if goal.channels is not None:
        done.append(CHANNELS)
        said.append({1: "mono", 2: "stereo"}.get(goal.channels, f"{goal.channels} channels"))
        if samples.shape[1] > 1:
            samples = samples.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        samples = np.repeat(samples, goal.channels, axis=1)
    if goal.rate is not None:
        samples, rate = soxr.resample(np.ascontiguousarray(samples), rate, goal.rate, quality="VHQ"), goal.rate
        if not len(samples):
            raise CellError(f"sound is too short: no sample is left at {rate} Hz")
    encoded, form = _encode_sound(samples, rate, seen)
    if form != _LOSSLESS.get(seen.format):
        said.append(f"saved as {form}")
    return Change(encoded, form, tuple(done), ", ".join(said))


def _encode_sound(samples: np.ndarray, rate: int, seen: SoundLook) -> tuple[bytes, str]:
    """Return (file, format): as deep as it was, and as float where a sample lies beyond full scale."""
    import soundfile

    form, depth = _LOSSLESS.get(seen.format, "WAV"), _DEPTHS.get(seen.subtype, "PCM_16")
    if depth != "FLOAT" and not (samples.min() >= -1 and samples.max() <= 1):
        depth = "FLOAT"
    if depth == "FLOAT" and form == "FLAC":
        form = "WAV"
    values = samples
    if depth == "PCM_16":  # whole numbers, for libsndfile reads by 32768 and writes by 32767
        values = np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
    elif depth == "PCM_24":
        values = np.clip(np.rint(samples.astype(np.float64) * 2.0**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
    out = io.BytesIO()
    soundfile.write(out, values, rate, format=form, subtype=depth)
    return out.getvalue(), form
