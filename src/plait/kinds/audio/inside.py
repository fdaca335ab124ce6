"""Inside a sound: which seconds moved an answer. Knows a heat map over the log-mel, not where it is from."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from plait.data.media import read_sound
from plait.kinds.audio.prep import LOWEST, mel_of
from plait.kinds.pixels import grey_of, png_of

SEGMENTS = 10  # pieces of a sound that are named
PARTS, SHOWN = "seconds", 3
COVER = (1, SEGMENTS)  # pieces of a wave that a pretrained encoder hears
Box = tuple[float, float, float, float]


def blank(x: Tensor) -> Tensor:
    """Return what stands for nothing to hear: in a log-mel its mean, 0; in a wave silence."""
    return torch.zeros_like(x)


@dataclass(frozen=True)
class Heard:
    """What a heat map over the samples of a sound needs to be laid over its seconds."""

    sample_rate: int


def leave_out(
    sound: tuple[np.ndarray, int],
) -> tuple[list[tuple[np.ndarray, int]], Callable[[np.ndarray], np.ndarray]]:
    """Return the sound as it is, and with each piece silenced; and what makes a heat (1, sample) of their answers."""
    samples, rate = sound
    edges = np.linspace(0, len(samples), min(SEGMENTS, len(samples)) + 1).astype(int)
    variants = [(samples, rate)]
    for begin, end in itertools.pairwise(edges):
        wide = (end - begin) // 2
        variants.append((samples.copy(), rate))
        variants[-1][0][max(0, begin - wide) : end + wide] = 0

    def weigh(answers: np.ndarray) -> np.ndarray:
        sizes = np.diff(edges)
        return np.repeat((answers[0] - answers[1:]) / sizes, sizes)[None]

    return variants, weigh


def locate(
    heat: np.ndarray, sound: tuple[np.ndarray, int], prep: Any, given: np.ndarray, frozen: Any = None
) -> tuple[np.ndarray, np.ndarray, Any, Box, list[dict[str, Any]]]:
    """Return heat, log-mel, the sound, the box of the heat in seconds and mel, and the weight of each piece.

    Pieces are in seconds of the sound as it came. frozen: the preparation of the pretrained encoder, where one hears
    the wave; its weights are then brought over the frames of the log-mel that is drawn.
    """
    start, frames = prep.span(*sound)
    frames = min(frames, prep.frames)
    second, last = prep.hop / prep.sample_rate, len(sound[0]) / sound[1]
    if frozen is not None:
        given = prep(*sound)
        heat = _over_frames(heat[0], start + np.arange(given.shape[1] + 1) * second, last, frozen.sample_rate)
        heat = np.tile(heat / len(given), (len(given), 1))
    box = (start, mel_of(LOWEST), start + prep.frames * second, mel_of(prep.sample_rate / 2))
    parts = []
    for edges in itertools.pairwise(np.linspace(0, frames, min(SEGMENTS, frames) + 1).astype(int)):
        begin, end = (round(min(last, start + frame * second), 4) for frame in edges)
        parts.append({"start": begin, "end": end, "weight": float(heat[:, slice(*edges)].sum())})
    return heat, given, sound, box, parts


def _over_frames(heat: np.ndarray, edges: np.ndarray, last: float, rate: int) -> np.ndarray:
    """Return the weights of samples at this rate (sample,), of a sound of `last` seconds, between edges in seconds."""
    first = max(0, last * rate - len(heat)) / 2  # what does not fit is cut at both ends
    total = np.concatenate([[0], np.cumsum(heat)])
    return np.diff(np.interp(edges * rate - first, np.arange(len(total)), total))


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


def media(cell: Any, folder: Path | None, rate: int | None = None) -> dict[str, bytes]:
    """Return a cell as a WAV, the first half minute of it. Raises CellError where it is no sound."""
    return {"wav": wav_of(*read_sound(cell, folder, sample_rate=rate))}
