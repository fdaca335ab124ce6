"""What a voice or a sound is like, in numbers made by hand of its wave: cepstra, spectral shape, energy, pitch, rhythm.

They are those that speech and emotion are told by: ComParE (Schuller and others 2013, "The INTERSPEECH 2013
computational paralinguistics challenge") and eGeMAPS (Eyben and others 2016), with contrast (Jiang and others 2002) and
modulation (Greenberg and Kingsbury 1997). Knows one wave of one rate; no table, no learner, and no padding: what is
given is the sound.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from plait.kinds.audio.prep import log_mel_bank
from plait.kinds.weights import averages, cosines

RATE = 16000  # Hz of the waves that are described
HOP, WINDOW, SPECTRUM = 160, 400, 512  # samples: 10 ms, 25 ms, and those that a spectrum is made of
PITCH_WINDOW, PITCH_SPECTRUM, PITCHES = 640, 1024, (60.0, 500.0)  # 40 ms: two periods of the lowest pitch; Hz
MELS, BANDS, CEPSTRA, PIECES, VOICED = 64, 32, 20, 8, 0.45  # VOICED: autocorrelation from which on a frame has a pitch
FLOOR = 1e-8  # of the loudest: 80 dB less
QUIET, RANGE = 1e-10, 40.0  # power under which a sound is silence; dB below the loudest that a frame counts
CONTRASTS = (0, 6, 13, 26, 51, 102, 257)  # spectrum lines that bound the bands of contrast: octaves from 200 Hz on
MODULATIONS = (0.5, 2.0, 4.0, 8.0, 16.0, 32.0)  # Hz: bounds of the bands of modulation
GROUPS = 8  # of mel bands, whose modulation is measured
PERCENTILES = (10, 50, 90)
SUMMARY = 10  # numbers that `summarise` gives of a track
PITCH_NUMBERS, ENERGY_NUMBERS = SUMMARY + 9, 12
TRACKS = CEPSTRA + 9 + len(CONTRASTS) - 1
WIDTH = (
    SUMMARY * TRACKS + CEPSTRA + (2 + PIECES + PIECES // 2) * BANDS + PITCH_NUMBERS + ENERGY_NUMBERS
    + (GROUPS + 1) * (len(MODULATIONS) - 1)
)  # fmt: skip


def describe(wave: np.ndarray) -> np.ndarray:
    """Return (WIDTH,) float32 numbers of a wave (time,) at RATE Hz, all finite; of silence, or nothing, zeros.

    Levels are in units of 20 dB, frequencies in octaves of 1 kHz, times in seconds, so that none is far from 1.

    Args:
        wave: the sound alone, of any length; full scale is 1.

    Example:
        >>> describe(np.sin(np.arange(8000) / 10)).shape == (WIDTH,)
        True
    """
    x = np.nan_to_num(np.asarray(wave, np.float32).ravel(), posinf=0.0, neginf=0.0)
    x = np.clip(x - x.mean(), -1e3, 1e3) if len(x) else x
    if not len(x) or float(np.mean(np.square(x))) < QUIET:
        return np.zeros(WIDTH, np.float32)
    power = _power(x, WINDOW, SPECTRUM)
    energy = power.sum(axis=1)
    level = 10 * np.log10(energy / energy.max() + FLOOR)
    heard = level > -RANGE
    mels = power @ _bank().T
    mels = np.log(mels / mels.max() + FLOOR)
    cepstra = mels @ cosines(MELS, CEPSTRA).T / math.sqrt(MELS)
    pitch, periodic = _pitches(x, len(level))
    tracks = np.concatenate([cepstra, _shape_tracks(x, power, level, periodic)], axis=1)
    double = np.diff(cepstra, n=2, axis=0).std(axis=0) if len(cepstra) > 2 else np.zeros(CEPSTRA)
    bands = mels @ averages(MELS, BANDS).T
    parts = [
        summarise(tracks[heard]), double, bands[heard].mean(axis=0), bands[heard].std(axis=0), _in_pieces(bands),
        _pitch_numbers(pitch, periodic, level, heard), _energy_numbers(x, level, heard), _modulation(mels, level),
    ]  # fmt: skip
    numbers = np.concatenate([np.ravel(part) for part in parts])
    return np.nan_to_num(numbers, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def summarise(tracks: np.ndarray) -> np.ndarray:
    """Return (SUMMARY, track) of tracks (frame, track): mean, deviation, percentiles, range, slope, and how it changes.

    Args:
        tracks: one frame at least; of one alone nothing changes.
    """
    low, middle, high = np.percentile(tracks, PERCENTILES, axis=0)
    time = np.linspace(-1, 1, len(tracks)) if len(tracks) > 1 else np.zeros(1)
    mean = tracks.mean(axis=0)
    slope = time @ (tracks - mean) / max(float(time @ time), 1e-9)
    change = np.diff(tracks, axis=0) if len(tracks) > 1 else np.zeros_like(tracks)
    moved = np.abs(change)
    rows = (mean, tracks.std(axis=0), low, middle, high, high - low, slope, moved.mean(axis=0), change.std(axis=0))
    return np.stack([*rows, moved.max(axis=0)])


def _in_pieces(bands: np.ndarray) -> np.ndarray:
    """Return how bands (frame, band) go through the time of the sound: means of eighths, deviations within quarters."""
    bands = (bands - bands.mean()) / (bands.std() + 1e-6)
    eighths, quarters = averages(len(bands), PIECES), averages(len(bands), PIECES // 2)
    apart = np.sqrt(np.clip(quarters @ bands**2 - (quarters @ bands) ** 2, 0, None))
    return np.concatenate([(eighths @ bands).ravel(), apart.ravel()])


def _power(x: np.ndarray, length: int, size: int) -> np.ndarray:
    """Return the power spectrum (frame, line) of frames HOP apart, each of `length` samples, the first at the start."""
    whole = np.pad(x, length // 2)
    spectrum = np.fft.rfft(sliding_window_view(whole, length)[::HOP][: 1 + len(x) // HOP] * _window(length), size)
    return (spectrum.real**2 + spectrum.imag**2).astype(np.float64)


@lru_cache(maxsize=4)
def _window(length: int) -> np.ndarray:
    return np.hanning(length + 1)[:-1].astype(np.float32)


@lru_cache(maxsize=1)
def _bank() -> np.ndarray:
    return log_mel_bank(RATE, MELS, SPECTRUM).astype(np.float64)


def _shape_tracks(x: np.ndarray, power: np.ndarray, level: np.ndarray, periodic: np.ndarray) -> np.ndarray:
    """Return (frame, track): how the energy of each frame lies over frequencies, and how it changes."""
    lines = np.arange(power.shape[1]) * (RATE / SPECTRUM)
    whole = power.sum(axis=1, keepdims=True) + 1e-20
    share = power / whole
    centroid = share @ lines
    width = np.sqrt(np.clip(share @ lines**2 - centroid**2, 0, None))
    reached = np.cumsum(share, axis=1)
    rolloffs = [lines[np.minimum((reached < part).sum(axis=1), len(lines) - 1)] for part in (0.5, 0.85)]
    logs = np.log(power / whole.max() + FLOOR)
    flatness = logs.mean(axis=1) - np.log(power.mean(axis=1) / whole.max() + FLOOR)
    flux = np.zeros(len(power))
    if len(power) > 1:
        root = np.sqrt(share)
        flux[1:] = np.sqrt(np.square(np.diff(root, axis=0)).sum(axis=1))
    high = np.log10((power[:, 32:].sum(axis=1) + FLOOR * whole[:, 0]) / whole[:, 0])  # from 1 kHz on
    crossed = np.pad(x[1:] * x[:-1] < 0, (WINDOW // 2, WINDOW // 2 + HOP))
    sums = np.concatenate([[0], np.cumsum(crossed)])
    starts = np.arange(len(power)) * HOP
    crossings = (sums[np.minimum(starts + WINDOW, len(sums) - 1)] - sums[starts]) / WINDOW
    contrasts = []
    for begin, end in itertools.pairwise(CONTRASTS):
        band = np.sort(logs[:, begin:end], axis=1)
        few = max(1, (end - begin) // 5)
        contrasts.append(band[:, -few:].mean(axis=1) - band[:, :few].mean(axis=1))
    octaves = [np.log2(np.maximum(track, 50.0) / 1000) for track in (centroid, width, *rolloffs)]
    return np.column_stack([*octaves, flatness, flux, high, crossings, level / 20, *(c / 5 for c in contrasts)])


def _pitches(x: np.ndarray, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (frame,) pitch in octaves of 100 Hz, 0 where there is none, and the height of the autocorrelation's peak.

    The autocorrelation is divided by the window's own (Boersma 1993); lags of half a peak's strength are not preferred.
    """
    power = _power(x, PITCH_WINDOW, PITCH_SPECTRUM)
    least, most = int(RATE / PITCHES[1]), int(RATE / PITCHES[0])
    lags = np.fft.irfft(power, axis=1)[:frames, : most + 2]
    at_zero = lags[:, :1]
    lags = lags / np.maximum(at_zero, 1e-12 * max(float(at_zero.max()), 1e-30)) / _window_lags(most + 2)
    lags[:, :least] = 0
    tops = lags[:, least : most + 1] - 0.01 * np.log2(np.arange(least, most + 1) / least)
    best = tops.argmax(axis=1) + least
    rows = np.arange(frames)
    left, middle, right = (lags[rows, best + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (left - right) / np.where(np.abs(bend) > 1e-9, bend, 1), 0)
    periodic = np.clip(middle, 0, 1)
    pitch = np.log2(RATE / (best + np.clip(shift, -0.5, 0.5)) / 100)
    return np.where(periodic > VOICED, pitch, 0.0), periodic


@lru_cache(maxsize=1)
def _window_lags(num: int) -> np.ndarray:
    window = np.fft.rfft(_window(PITCH_WINDOW), PITCH_SPECTRUM)
    lags = np.fft.irfft(window.real**2 + window.imag**2)[:num]
    return lags / lags[0]


def _pitch_numbers(pitch: np.ndarray, periodic: np.ndarray, level: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Return (PITCH_NUMBERS,): pitch over voiced frames, its jitter, the shimmer, and how much is voiced."""
    voiced = heard & (periodic > VOICED)
    out = np.zeros(PITCH_NUMBERS)
    if not voiced.any():
        return out
    out[:SUMMARY] = summarise(pitch[voiced][:, None])[:, 0]
    pairs = voiced[1:] & voiced[:-1]
    apart = np.abs(np.diff(pitch))[pairs]
    steady = apart < 0.25  # a jump of more is another octave, or another sound
    jitter = apart[steady].mean() if steady.any() else 0.0
    shimmer = np.abs(np.diff(level))[pairs].mean() / 20 if pairs.any() else 0.0
    noise = np.log10(np.clip(periodic[voiced], 0.01, 0.99) / (1 - np.clip(periodic[voiced], 0.01, 0.99)))
    runs = _runs(voiced)
    seconds = max(len(level) * HOP / RATE, 0.1)
    out[SUMMARY:] = [
        voiced.sum() / heard.sum(), jitter, shimmer, 1 - steady.mean() if len(apart) else 0.0, noise.mean(),
        noise.std(), len(runs) / seconds, runs.mean() * HOP / RATE, runs.std() * HOP / RATE,
    ]  # fmt: skip
    return out


def _energy_numbers(x: np.ndarray, level: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """Return (ENERGY_NUMBERS,): levels, length, pauses, and how often it gets loud."""
    seconds, step = max(len(x) / RATE, 0.1), HOP / RATE
    rms = math.sqrt(float(np.mean(np.square(x, dtype=np.float64))))
    peak = float(np.abs(x).max())
    first, last = (int(place) for place in np.flatnonzero(heard)[[0, -1]])
    quiet = _runs(level[first : last + 1] < -25)
    smooth = np.convolve(level, np.ones(7) / 7, "same")
    tops = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > -25)
    loudest = int(level.argmax())
    return np.array([
        math.log10(rms + 1e-6), math.log10(peak + 1e-6), math.log10(peak / rms), math.log2(seconds + 0.01) / 4,
        (last + 1 - first) * step / seconds, heard.mean(), (level > -10).mean(), len(quiet) / seconds,
        quiet.mean() * step if len(quiet) else 0.0, quiet.max() * step if len(quiet) else 0.0,
        tops.sum() / seconds / 4, (loudest - first) / max(1, last - first),
    ])  # fmt: skip


def _runs(flags: np.ndarray) -> np.ndarray:
    """Return (run,) the lengths of stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges[1::2] - edges[::2]


def _modulation(mels: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return ((GROUPS + 1) × band,): how fast groups of mel bands, and the whole, get louder and softer."""
    tracks = np.column_stack([mels @ averages(MELS, GROUPS).T, level * (math.log(10) / 10)])
    tracks = (tracks - tracks.mean(axis=0)) * np.hanning(len(tracks) + 2)[1:-1, None]
    size = max(256, 1 << (len(tracks) - 1).bit_length())
    power = np.square(np.abs(np.fft.rfft(tracks, size, axis=0))) / len(tracks)
    rates = np.arange(len(power)) * (RATE / HOP / size)
    bands = [power[(rates >= begin) & (rates < end)].mean(axis=0) for begin, end in itertools.pairwise(MODULATIONS)]
    return np.log10(np.stack(bands) + 1e-3).ravel()
