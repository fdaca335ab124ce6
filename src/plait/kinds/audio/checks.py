"""What is kept of a sound, and what is odd about those of a column. Knows no picture, no table and no network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.finding import Finding
from plait.core.words import count, duration, plain
from plait.data import media
from plait.data.sound import is_cancelled, to_mono
from plait.kinds import cell_facts
from plait.kinds.audio.prep import log_mel
from plait.kinds.cell_facts import CellFacts, Oddity, check_cells, quick_numbers

VERSION = 4  # of the facts below
SPEAKS = True  # a sound is there to tell something of its row: silence, or a copy with another label, is a finding
WHOLE_FILES = True  # the end of a sound that was cut off may be all that its row is about
FAULTS = {  # of sounds alone: fault → name of the check, what its cells do, how to mend it
    "too-large": (
        "audio-too-large",
        "holds a sound too long to decode",
        "Cut the sounds into pieces, or blank the cells.",
    ),
    "no-sound": (
        "audio-no-track",
        "holds a video without a sound track",
        "Nothing is needed if it was meant: the cells count as missing. Or blank them.",
    ),
    "no-samples": ("audio-no-samples", "holds a sound of 0 samples", "Record or copy it again, or blank the cells."),
    "not-finite": (
        "audio-not-finite",
        "holds values that are no numbers (NaN or infinity)",
        "Write the sounds again with finite values, or blank the cells.",
    ),
}
MEL_SECONDS = 10.0  # the middle of a sound that its features are taken from
BANDS = 32  # mel bands of a sound's features: three means over time and one standard deviation of each
SHORT = 0.05  # s
LONG = 600.0  # s: whatever the others are
QUIET = 0.0005  # of full scale: -66 dBFS
CLIPPED = 0.001  # share of samples in flat tops
OFFSET = 0.02  # of full scale, and a quarter of the level

by_chance, contents, kept_keys = cell_facts.by_chance, cell_facts.contents, cell_facts.kept_keys
part_of = media.part_of


@dataclass(frozen=True, slots=True)
class SoundFacts(CellFacts):
    """What a sound holds. thumb: float16, mel means of the three thirds of the time and standard deviations."""

    rate: int = 0  # Hz
    channels: int = 0
    seconds: float = 0.0
    peak: float = 0.0  # about its mean, of full scale 1
    level: float = 0.0  # root mean square, of full scale 1
    clipped: float = 0.0  # share of the samples
    offset: float = 0.0  # mean, of full scale 1
    cancels: bool = False  # nothing is left in the mean of its channels
    film: bool = False  # moving pictures lie beside it

    @property
    def bare(self) -> bool:
        """Whether it is silence."""
        return self.peak < QUIET


FACTS = SoundFacts


def look(cell: Any, folder: Path | None, rate: int | None = None, content: bytes = b"") -> SoundFacts:
    """Decode a cell and return its facts; rate: of a sound given as an array. Raises CellError."""
    sound = media.open_sound(cell, folder, sample_rate=rate)
    samples, rate = sound.samples, sound.rate
    waves = np.ascontiguousarray(samples.T)
    offsets = waves.mean(axis=1, dtype=np.float64)
    low, high = waves.min(axis=1), waves.max(axis=1)
    return SoundFacts(
        "audio",
        decoded=sound.digest().hex(),
        thumb=_mel_features(samples, rate).astype(np.float16).tobytes(),
        header=sound.note,
        rate=sound.file_rate,
        channels=sound.channels,
        seconds=len(samples) / rate,
        peak=float(np.maximum(high - offsets, offsets - low).max()),
        level=math.sqrt(float(np.vdot(waves, waves)) / waves.size),
        clipped=_clipped_share(waves) if max(high.max(), -low.min()) >= 0.98 else 0.0,
        offset=float(np.abs(offsets).max()),
        cancels=is_cancelled(samples),
        film=sound.film,
    )


def _clipped_share(waves: np.ndarray) -> float:
    """Return the share of samples (channel, time) in flat tops: three and more in a row at full scale, which is 1, or
    the loudest of a float sound that goes beyond, whose edges fall off faster than the round top of a low tone."""
    num = 0
    for wave in (side for channel in waves for side in (channel, -channel)):
        full = max(wave.max(), -wave.min())
        near = np.concatenate([[False], wave >= 0.9995 * full, [False]])
        edges = np.flatnonzero(near[1:] != near[:-1])
        starts, ends = edges[::2], edges[1::2]
        long = ends - starts >= 3
        starts, ends = starts[long], ends[long]
        if full < 0.98 or not len(starts):
            continue
        beside = np.concatenate([[full] * 2, wave, [full] * 2])
        falls = 1 - np.minimum(beside[starts], beside[ends + 3]) / full  # two samples before and after
        # A parabola that fell by `fall` in half a run falls by fall·((half + 2) / half)² in two samples more. Of few
        # bits it falls by the step below the top, 1 in 127 of 8 bits.
        half = (ends - starts - 1) / 2
        fall = max(0.0005, 1 - max(wave[wave < 0.9995 * full].max(initial=0.0), 0.99 * full) / full)
        tops = falls > 1.5 * fall * ((half + 2) / half) ** 2
        num += int((ends - starts)[tops].sum())
    return num / waves.size


def _mel_features(samples: np.ndarray, rate: int) -> np.ndarray:
    """Return (4 × BANDS,): log-mels averaged over each third of the time, and their standard deviations."""
    most = int(MEL_SECONDS * rate)
    start = max(0, (len(samples) - most) // 2)
    mel = log_mel(to_mono(samples[start : start + most]), rate, mels=BANDS)
    time = mel.shape[1]
    starts = [0, time // 3, 2 * time // 3]
    thirds = np.add.reduceat(mel, starts, axis=1) / np.maximum(np.diff([*starts, time]), 1)
    spread = np.sqrt(np.maximum(np.einsum("mt,mt->m", mel, mel) / time - (mel.sum(axis=1) / time) ** 2, 0))
    return np.concatenate([*thirds.T, spread])


def quick(
    columns: Mapping[str, Sequence[SoundFacts | None]], kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, feature) and (rows,) bool: the 128 numbers of each column's thumbs. Nothing is scaled further."""
    return quick_numbers(columns, 4 * BANDS, lambda cell: np.frombuffer(cell.thumb, np.float16))


def check_facts(column: str, facts: Sequence[SoundFacts | None]) -> list[Finding]:
    """Return what is odd about sounds that can be read."""
    lengths = [cell.seconds for cell in facts if cell is not None and not cell.fault]
    usual = float(np.median(lengths)) if lengths else 0.0
    oddities = {
        "audio-silent": Oddity(
            lambda cell: cell.bare,
            "holds silence",
            "Record them again, or blank the cells, so that they count as missing.",
        ),
        "audio-clipped": Oddity(
            lambda cell: cell.clipped > CLIPPED,
            "holds a sound cut off at full scale",
            "Record them again at a lower level; what was cut off cannot be brought back.",
        ),
        "audio-offset": Oddity(
            lambda cell: cell.offset > max(OFFSET, 0.25 * cell.level),
            "holds a sound that does not swing about zero",
            "Take the mean off each channel; plait does so before it looks at the spectrum.",
        ),
        "audio-cancelled": Oddity(
            lambda cell: cell.cancels,
            "holds channels that cancel out: their mean is next to silent",
            "plait hears the loudest channel of these. Turn one channel round if a wire was swapped.",
        ),
        "audio-film": Oddity(
            lambda cell: cell.film,
            "holds a film, of which only the sound is read",
            "Nothing is needed if the sound is what the row is about.",
            "note",
        ),
        "audio-short": Oddity(
            lambda cell: cell.seconds < SHORT,
            f"holds a sound of less than {SHORT} s",
            "Record them again, or blank the cells.",
        ),
        "audio-long": Oddity(
            lambda cell: cell.seconds > min(LONG, max(10.0, 10 * usual)),
            f"holds a sound far longer than the usual {plain(usual)} s",
            "Cut out what the row is about; a fit hears 10 s of a long sound (audio.seconds=N: N s): the middle, or "
            "where that is silent the loudest part.",
            first=lambda cell: duration(cell.seconds),
        ),
        "audio-wrong-header": Oddity(
            lambda cell: cell.header,
            "holds a sound whose header is wrong",
            "Write the files again: programs differ in what they read of them.",
            first=lambda cell: cell.header,
        ),
    }
    mixtures: dict[str, tuple[Any, str, str]] = {
        "audio-mixed-rates": (
            lambda cell: f"{count(cell.rate)} Hz",
            "sounds of several sample rates",
            "plait resamples all to one; if a class has a rate of its own, that gives it away. --fix OUT unifies them.",
        ),
        "audio-mixed-channels": (
            lambda cell: {1: "mono", 2: "stereo"}.get(cell.channels, f"{cell.channels} channels"),
            "sounds of several numbers of channels",
            "plait takes the mean of the channels, or the loudest where they cancel out. --fix OUT unifies them.",
        ),
    }
    return check_cells(column, facts, oddities, mixtures)
