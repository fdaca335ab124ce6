"""Inside a sound: which seconds moved an answer. Knows a heat map over the log-mel, not where it is from."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.kinds.audio.prep import LOWEST, mel_of
from plait.kinds.pixels import grey_of, png_of

SEGMENTS = 10  # pieces of a sound that are named
PARTS, SHOWN = "seconds", 3
COVER = (1, SEGMENTS)  # pieces of a wave that a pretrained encoder hears
Box = tuple[float, float, float, float]


def blank(x: Tensor) -> Tensor:
    """Return what stands for nothing to hear: in a log-mel its mean, 0; in a wave silence."""
    return torch.zeros_like(x)


def flatten(heat: np.ndarray) -> np.ndarray:
    """Return the weights of places, (column, mel, time), as they are."""
    return heat


def locate(
    heat: np.ndarray, sound: tuple[np.ndarray, int], prep: Any, given: np.ndarray, frozen: Any = None
) -> tuple[np.ndarray, np.ndarray, Any, Box, list[dict[str, Any]]]:
    """Return heat, log-mel, the sound, the box of the heat in seconds and mel, and the weight of each piece.

    Pieces are in seconds of the sound as it came. frozen: the preparation of the pretrained encoder, where one hears
    the wave; its weights are then brought over the frames of the log-mel that is drawn.
    """
    if frozen is not None:
        heat, given = _over_frames(heat[0], prep, sound, frozen)
    start, frames = prep.span(*sound)
    frames = min(frames, prep.frames)
    second = prep.hop / prep.sample_rate
    box = (start, mel_of(LOWEST), start + prep.frames * second, mel_of(prep.sample_rate / 2))
    last = len(sound[0]) / sound[1]
    parts = []
    for one, two in itertools.pairwise(np.linspace(0, frames, min(SEGMENTS, frames) + 1).astype(int)):
        weight = float(heat[:, one:two].sum())
        begin, end = min(last, start + one * second), min(last, start + two * second)
        parts.append({"start": round(begin, 4), "end": round(end, 4), "weight": weight})
    return heat, given, sound, box, parts


def _over_frames(
    heat: np.ndarray, prep: Any, sound: tuple[np.ndarray, int], frozen: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights of the samples (sample,) that the encoder was given over the frames of the log-mel that is
    drawn, (mel, frame), and that log-mel."""
    after = prep(*sound)
    start = prep.span(*sound)[0]
    rate = frozen.sample_rate
    first = max(0, len(sound[0]) / sound[1] * rate - len(heat)) / 2  # what does not fit is cut at both ends
    edges = (start + np.arange(after.shape[1] + 1) * prep.hop / prep.sample_rate) * rate - first
    total = np.concatenate([[0], np.cumsum(heat)])
    sums = np.diff(np.interp(edges, np.arange(len(total)), total))
    return np.tile(sums / len(after), (len(after), 1)), after


def say(part: dict[str, Any]) -> str:
    """Return how a piece is named in a line of text."""
    return f"{part['start']:.2f}–{part['end']:.2f} s"


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: the sound to play, its spectrogram, and the pieces."""
    samples, rate = detail.before
    after = np.asarray(detail.after, np.float32)
    return {
        "form": "sound",
        "wav": wav_of(samples, rate),
        "spectrogram": png_of(grey_of(after[::-1])[None]),
        "duration": len(samples) / rate,
        "seconds": [p for p in detail.parts if "mel" not in p],
    }


def wav_of(samples: np.ndarray, rate: int) -> bytes:
    """Return a sound (time,) or (time, channel) as a WAV of 16 bits, the first half minute of it."""
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, np.clip(samples[: 30 * rate], -1, 1), rate, format="WAV", subtype="PCM_16")
    return out.getvalue()
