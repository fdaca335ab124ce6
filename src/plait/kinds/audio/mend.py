"""Mend sounds. What is encoded anew is written without loss: in its own format where it is lossless, else as WAV."""

from __future__ import annotations

import contextlib
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
from plait.data.headers import check_header, close_lengths, span_of_wav
from plait.data.sound import is_cancelled, loudest
from plait.errors import CellError
from plait.kinds.mending import Change, Goal, Look, take_content

RATE, CHANNELS, OFFSET, HEADER = "resampled", "channels changed", "DC offset removed", "length in the header corrected"
LARGE_OFFSET = 0.02  # of full scale 1: a smaller mean of a sound stays
SHARE_OFFSET = 0.25  # of the level: low noise in a short sound has a mean of its own

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
    is_long: bool = False  # it is not decoded whole, so it stays as it is


@dataclass(frozen=True)
class SoundGoal(Goal):
    """The rate (Hz) and the channels of every sound of a column, None where each stays as it is."""

    rate: int | None = None
    channels: int | None = None


def look(content: dict[str, Any]) -> SoundLook:
    """Decode a sound, {"bytes", "path"}, and say what it is. Raises CellError."""
    import soundfile

    sound = media.open_sound(content, None, whole=False)  # what is left of a sound is kept, and said
    digest, form, subtype = hashlib.sha256(content["bytes"]).digest(), "", ""
    closed = io.BytesIO(close_lengths(content["bytes"]))
    with contextlib.suppress(soundfile.LibsndfileError), soundfile.SoundFile(closed) as file:
        form, subtype = file.format, file.subtype
    return SoundLook(
        digest=digest,
        # channel by channel, for other recordings may have the same mean
        holds=digest if sound.is_reduced else sound.digest(),
        format=form,
        rate=sound.file_rate,
        channels=sound.channels,
        subtype=subtype,
        offset=_has_offset(sound.samples),
        header=_check_length(content["bytes"]) if form in ("WAV", "WAVEX") else "",
        is_long=sound.is_reduced,
    )


def _has_offset(samples: np.ndarray) -> bool:
    mean = np.abs(samples.mean(axis=0, dtype=np.float64))
    level = np.sqrt(np.square(samples).mean(axis=0, dtype=np.float64))
    return bool((mean > np.maximum(LARGE_OFFSET, SHARE_OFFSET * level)).any())


def _check_length(content: bytes) -> str:
    """Return what the header of a WAV tells wrongly of its length, or ""."""
    span = span_of_wav(content)
    if span is None:  # there is no chunk of sound to compare: leave it
        return ""
    held, whole = len(content) - span.start, content[:4] not in (b"RF64", b"BW64")
    if span.told > held and check_header(content)[0] == "truncated":
        return f"cut off: {held} of {span.told} bytes are there, {HEADER}"
    size_told = struct.unpack((">" if content[:4] == b"RIFX" else "<") + "I", content[4:8])[0] + 8
    # An odd chunk is followed by one more byte, which not every program writes or counts.
    wrong = span.told > held or span.is_open or (whole and abs(size_told - len(content)) > 1)
    return HEADER if wrong else ""


def choose_goal(looks: Iterable[SoundLook]) -> SoundGoal:
    """Return what the readable sounds of a column become, so that they are alike.

    The commonest rate (of equals the higher) and the commonest number of channels (of equals the fewer).
    """
    seen = [look for look in looks if not look.error]
    rates, channels = Counter(look.rate for look in seen), Counter(look.channels for look in seen)
    return SoundGoal(
        rate=max(rates, key=lambda r: (rates[r], r)) if len(rates) > 1 else None,
        channels=max(channels, key=lambda c: (channels[c], -c)) if len(channels) > 1 else None,
    )


def change(cell: Any, folder: Path | None, seen: SoundLook, goal: SoundGoal) -> Change | None:
    """Return the mended sound, or None where it needs nothing. Raises CellError where it cannot be done."""
    steps = {}  # what counts call it → what the row's note says
    if seen.header:
        steps[HEADER] = seen.header
    if seen.offset:
        steps[OFFSET] = OFFSET
    if goal.rate is not None and seen.rate != goal.rate:
        steps[RATE] = f"{seen.rate} → {goal.rate} Hz"
    if goal.channels is not None and seen.channels != goal.channels:
        steps[CHANNELS] = {1: "mono", 2: "stereo"}.get(goal.channels, f"{goal.channels} channels")
    if not steps or seen.is_long:
        return None
    samples, rate = media.read_sound(take_content(cell, folder), None, whole=False)  # what is left is kept, and said
    if OFFSET in steps:
        samples = (samples - samples.mean(axis=0, dtype=np.float64)).astype(np.float32)
    if CHANNELS in steps:
        if samples.shape[1] > 1:
            if is_cancelled(samples):
                samples = samples[:, [loudest(samples)]]
                steps[CHANNELS] += " (the louder channel: the mean would be next to silent)"
            samples = samples.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        samples = np.repeat(samples, goal.channels or 1, axis=1)
    if RATE in steps:
        samples, rate = media.resample(np.ascontiguousarray(samples), rate, goal.rate or rate, "VHQ"), goal.rate or rate
        if not len(samples):
            raise CellError(f"sound is too short: no sample is left at {rate} Hz")
    encoded, form = _encode_sound(samples, rate, seen)
    saved = [f"saved as {form}"] if form != _LOSSLESS.get(seen.format) else []
    return Change(encoded, form, tuple(steps), ", ".join([*steps.values(), *saved]))


def _encode_sound(samples: np.ndarray, rate: int, seen: SoundLook) -> tuple[bytes, str]:
    """Return (file, format): as deep as it was, and as float where a sample lies beyond full scale."""
    import soundfile

    form, depth = _LOSSLESS.get(seen.format, "WAV"), _DEPTHS.get(seen.subtype, "PCM_16")
    if depth != "FLOAT" and not (samples.min() >= -1 and samples.max() <= 1):
        depth = "FLOAT"
    if depth == "FLOAT" and form == "FLAC":
        form = "WAV"
    values = samples
    if depth != "FLOAT":  # whole numbers, for libsndfile reads by 32768 and writes by 32767
        full = 2 ** (int(depth[-2:]) - 1)
        whole = np.clip(np.rint(samples.astype(np.float64) * full), -full, full - 1)
        values = whole.astype(np.int16) if depth == "PCM_16" else whole.astype(np.int32) << 8
    out = io.BytesIO()
    soundfile.write(out, values, rate, format=form, subtype=depth)
    return out.getvalue(), form
