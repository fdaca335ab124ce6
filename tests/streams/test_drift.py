"""Offset and drift between signals that are known."""

import numpy as np
import pytest

from plait.errors import RequestError
from plait.streams.drift import Line, Signal, estimate

RATE = 16_000


def record(source: np.ndarray, offset: float, ppm: float, seconds: float, noise: float, seed: int = 1) -> np.ndarray:
    """Return what a second recorder hears: its time u is offset + (1 + ppm / 1e6) u of the source's."""
    times = (offset + (1 + ppm * 1e-6) * np.arange(int(seconds * RATE)) / RATE) * RATE
    whole = np.floor(times).astype(int)
    heard = np.zeros(len(times))
    for k in range(-7, 9):  # windowed sinc
        at, away = whole + k, times - whole - k
        inside = (at >= 0) & (at < len(source))
        heard[inside] += source[at[inside]] * np.sinc(away[inside]) * np.cos(np.pi * away[inside] / 18) ** 2
    return heard + noise * source.std() * np.random.default_rng(seed).standard_normal(len(times))


def noisy_source(seconds: float, seed: int = 0) -> np.ndarray:
    """Return noise as dull as speech, loud and soft by turns."""
    random = np.random.default_rng(seed)
    x = random.standard_normal(int(seconds * RATE))
    loud = np.interp(np.arange(len(x)) / RATE, np.arange(0, seconds + 1, 0.2), random.random(int(seconds * 5 + 5)) ** 2)
    return (x + np.roll(x, 1) + np.roll(x, 2)) * loud


def errors_at_both_ends(line: Line, offset: float, ppm: float, seconds: float) -> list[float]:
    """Return the errors in milliseconds at the first and the last moment that both have."""
    first, last = max(0.0, -offset), min(seconds, seconds - offset)
    return [1000 * (line.offset + line.slope * u - offset - (1 + ppm * 1e-6) * u) for u in (first, last)]


HEARD = [
    (-21.3712, 200.0, 1.0),
    *(pytest.param(*one, marks=pytest.mark.heavy) for one in ((0.0, 0.0, 0.3), (23.2501, -75.0, 0.5))),
]


@pytest.mark.parametrize(("offset", "ppm", "noise"), HEARD)
def test_two_sounds_to_a_millisecond_at_both_ends(offset: float, ppm: float, noise: float) -> None:
    source = noisy_source(64)
    heard = record(source, offset, ppm, 64, noise)
    line = estimate(Signal(source, RATE, wave=True), Signal(heard, RATE, wave=True))
    assert np.abs(errors_at_both_ends(line, offset, ppm, 64)).max() < 0.1
    low, high = line.interval("offset")
    assert low <= offset <= high
    low, high = line.interval("drift")
    assert low <= ppm <= high and high - low < 5


def smooth(rows: int, seed: int) -> np.ndarray:
    wide = np.hanning(21)
    return np.convolve(np.random.default_rng(seed).standard_normal(rows + 20), wide / wide.sum(), "valid")


def test_two_columns_of_numbers_at_different_rates() -> None:
    fine = smooth(60_000, 0)  # 100 Hz, ten minutes
    own = 12.5 + (1 + 100e-6) * np.arange(14_000) / 25
    values = np.interp(own, np.arange(60_000) / 100, fine)
    line = estimate(Signal(fine, 100), Signal(values, 25))
    assert np.abs(errors_at_both_ends(line, 12.5, 100, 560)).max() < 10  # a quarter of a step


@pytest.mark.parametrize("wave", [True, False])
def test_unrelated_signals_are_refused(wave: bool) -> None:
    if wave:
        a, b = (Signal(noisy_source(40, seed), RATE, wave=True) for seed in (1, 2))
    else:
        a, b = Signal(smooth(6000, 1), 20), Signal(smooth(6000, 2), 20)
    with pytest.raises(RequestError, match="no clear peak"):
        estimate(a, b)


def test_a_signal_that_repeats_is_refused() -> None:
    times = np.arange(6000) / 50
    with pytest.raises(RequestError, match="no clear peak"):
        estimate(Signal(np.sin(times), 50), Signal(np.sin(times + 1), 50))


def test_a_constant_is_refused() -> None:
    with pytest.raises(RequestError, match="too short or constant"):
        estimate(Signal(np.ones(1000), 50), Signal(smooth(1000, 0), 50))
