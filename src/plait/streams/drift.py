"""Offset and drift between two clocks that saw the same thing: two sounds, or two columns of numbers.
Whole recordings are laid over each other at a low rate, short windows are found one by one at lags of their own, and
a straight line goes through the lags; windows are warped by it and looked for once more, so that drift does not smear
their peaks. Cross-correlation with a partly whitened spectrum (PHAT-β: Donohue, Hannemann, Dietz 2007, after Knapp and
Carter 1976), the peak between samples by a parabola, the line by consensus (Fischler and Bolles 1981), then least
squares with Tukey's weights, its uncertainty by a bootstrap over the windows (Efron 1979). Knows no files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from plait.errors import RequestError

MOST_DRIFT = 1e-3  # 1000 ppm: ten times what cheap clocks do
LEAST_BLOCKS = 16  # of the first look that two signals must share
COARSE_RATE, LONGEST = 100.0, 2**21  # Hz, samples: of the first look
FINE_RATE = 16_000  # Hz: enough for a twentieth of a millisecond
WINDOWS, FEWEST = 160, 5
CLEAR, AGREE = {True: 5.0, False: 3.0}, 0.6  # a window's peak over its noise, for waves and numbers; share on the line
CANDIDATES = 4
WHITENINGS = (0.5, 0.25, 0.0)  # tried on columns of numbers, which may be smooth and noisy


@dataclass(frozen=True)
class Line:
    """reference time = offset + slope × own time, both in seconds from the starts given to `estimate`.
    offsets, slopes: (draw,) of the bootstrap. residual: root mean square of the windows' lags about the line, in
    seconds. windows: (used, all). precision: seconds that a parabola through three samples may be off by. span: seconds
    that both have; center: the middle of it in own time."""

    offset: float
    slope: float
    offsets: np.ndarray
    slopes: np.ndarray
    residual: float
    windows: tuple[int, int]
    precision: float
    span: float
    center: float

    def interval(self, what: str) -> tuple[float, float]:
        """Return the 95 % interval of "offset" in seconds or "drift" in ppm; a part of a sample is never excluded."""
        if what == "offset":  # the zero may lie far outside
            draws, around = self.offsets, self.precision * (1 + 2 * abs(self.center) / self.span)
        else:
            draws, around = 1e6 * (self.slopes - 1.0), 2e6 * self.precision / self.span
        low, high = np.percentile(draws, [2.5, 97.5])
        return float(low - around), float(high + around)


@dataclass(frozen=True)
class Signal:
    """Samples (time,) at a steady rate in Hz, the first at `start` seconds. wave: swings around zero like a sound."""

    values: np.ndarray
    rate: float
    start: float = 0.0
    wave: bool = False


class Pair(NamedTuple):
    """Two signals (time,) at one rate in Hz: the reference's, the own one. wave: whether both are."""

    first: np.ndarray
    second: np.ndarray
    rate: float
    wave: bool


def estimate(reference: Signal, own: Signal) -> Line:
    """Find the line that takes own time to reference time. Raises RequestError where no peak is clear."""
    wave = own.wave and reference.wave
    rate = min(reference.rate, own.rate, *([FINE_RATE] if wave else []))
    pair = Pair(_at_rate(reference, rate), _at_rate(own, rate), rate, wave)
    shorter = min(len(pair.first), len(pair.second))
    if shorter < 64 or not pair.first.any() or not pair.second.any():
        raise RequestError("the signal is too short or constant; expected at least 64 samples that change")
    if wave and shorter < LEAST_BLOCKS * rate / COARSE_RATE:
        raise RequestError(f"the signal is too short; expected at least {LEAST_BLOCKS / COARSE_RATE:g} s of sound")
    lags = _first_look(pair)
    lines: list[Line] = []
    for lag in lags:
        tried = [_follow(pair, lag, beta) for beta in ((0.5,) if wave else WHITENINGS)]
        lines += [line for line in tried if line is not None]
        if any(line.windows[0] > 0.6 * line.windows[1] for line in lines):
            break
    if not lines:
        raise RequestError(f"no clear peak: {len(lags)} offsets were tried, and at none do the windows of the two "
                           "signals agree. Do they share a signal for some time?")  # fmt: skip
    line = min(lines, key=lambda line: line.residual / np.sqrt(line.windows[0]))
    # From samples' own zero to the clocks: own time = start + u, reference time = start + offset + slope × u.
    shift = reference.start - line.slope * own.start
    shifts = reference.start - line.slopes * own.start
    return replace(line, offset=line.offset + shift, offsets=line.offsets + shifts, center=line.center + own.start)


def _at_rate(signal: Signal, rate: float) -> np.ndarray:
    values = np.nan_to_num(np.asarray(signal.values, np.float32))
    if signal.wave and signal.rate != rate:
        import soxr

        values = soxr.resample(values, signal.rate, rate)
    elif signal.rate != rate:
        times = np.arange(int(len(values) * rate / signal.rate)) / rate
        values = np.interp(times, np.arange(len(values)) / signal.rate, values).astype(np.float32)
    return values - values.mean()


def _reduce(values: np.ndarray, rate: float, wave: bool) -> tuple[np.ndarray, float]:
    """Return a signal for the first look: the loudness of a wave, or block means; and its rate."""
    size = max(1, round(rate / COARSE_RATE) if wave else 1, -(-len(values) // LONGEST))
    blocks = values[: len(values) // size * size].reshape(-1, size)
    reduced = np.log(np.sqrt((blocks**2).mean(1)) + 1e-4 * float(np.abs(values).max())) if wave else blocks.mean(1)
    return reduced - reduced.mean(), rate / size


def _first_look(pair: Pair) -> list[float]:
    """Return the likeliest lags in seconds: first[t + lag] looks like second[t]; the clearest first."""
    lags: list[tuple[float, float]] = []
    for as_wave in (True, False) if pair.wave else (False,):
        x, slow = _reduce(pair.first, pair.rate, as_wave)
        y, _ = _reduce(pair.second, pair.rate, as_wave)
        at = np.arange(len(x) + len(y) - 1) - (len(y) - 1)
        shared = np.minimum(len(x), at + len(y)) - np.maximum(0, at)
        enough = shared >= max(LEAST_BLOCKS, 0.05 * min(len(x), len(y)))
        near = max(1, round(0.25 * slow)) if as_wave else max(1, len(y) // 200)
        for beta in (0.0, 0.5):
            height = np.where(enough, _correlate(x, y, beta) / np.sqrt(np.maximum(shared, 1)), 0.0)
            noise = 1.4826 * float(np.median(np.abs(height[enough]))) or 1.0
            for _ in range(CANDIDATES):
                top = int(np.argmax(height))
                if height[top] <= 0:
                    break
                lags.append((float(height[top]) / noise, float(at[top]) / slow))
                height[max(0, top - near) : top + near + 1] = 0
    chosen: list[float] = []
    for _, lag in sorted(lags, reverse=True):
        if all(abs(lag - other) > 0.1 for other in chosen):
            chosen.append(lag)
    return chosen[: 2 * CANDIDATES]


def _correlate(x: np.ndarray, y: np.ndarray, beta: float) -> np.ndarray:
    """Return the sum of x[t + lag] y[t] for each lag from -(len(y) - 1) on, the spectrum whitened by the power beta."""
    from scipy import fft

    size = fft.next_fast_len(len(x) + len(y) - 1, real=True)
    cross = fft.rfft(x, size) * np.conj(fft.rfft(y, size))
    if beta:
        cross /= np.maximum(np.abs(cross), 1e-9 * float(np.abs(cross).max()) + 1e-30) ** beta
    return np.roll(fft.irfft(cross, size), len(y) - 1)[: len(x) + len(y) - 1]


def _follow(pair: Pair, lag: float, beta: float) -> Line | None:
    """Find windows of the second in the first near a lag, and the line through them; None where they do not agree."""
    rate, wave = pair.rate, pair.wave
    begin, end = max(0.0, -lag), min(len(pair.second) / rate, len(pair.first) / rate - lag)  # own time that both have
    shared = end - begin
    if shared * rate < 64:
        return None
    window = min(max(4.0 if wave else shared / 8, 128 / rate), shared / 4)
    hop = max(window / 2, (shared - window) / (WINDOWS - 1))
    centers = np.arange(begin + window / 2, end - window / 2 + 1e-9, hop)
    reach = max(MOST_DRIFT * shared / 2 + 0.05, 25 / rate, (0.0 if wave else window / 2))
    tolerance = max(0.0015, 2 / rate)
    offset, slope = lag, 1.0
    for turn in range(3):  # far and rough, near, near
        size = reach if turn == 0 or not wave else 25 * tolerance
        lags, clear = _find_windows(pair, centers, window, (offset, slope), size, beta)
        if clear.sum() < FEWEST:
            return None
        good = _agree(centers[clear], lags[clear], tolerance)
        if good.sum() < max(FEWEST, AGREE * clear.sum(), (0.15 if wave else 0.4) * len(centers)):
            return None
        x, y = centers[clear][good], lags[clear][good]
        tilt, middle = _fit(x, y, np.ones(len(x)))
        offset, slope = middle - tilt * x.mean(), 1.0 + tilt
        tolerance = max(0.5 * tolerance, 1.0 / rate) if turn == 0 else tolerance
    spread = float(np.sqrt(np.mean((y - (offset + (slope - 1.0) * x)) ** 2)))
    offsets, tilts = _bootstrap(x, y)
    windows = (len(x), len(centers))
    return Line(offset, slope, offsets, 1.0 + tilts, spread, windows, 0.05 / rate, shared, float(x.mean()))


def _find_windows(
    pair: Pair, centers: np.ndarray, window: float, line: tuple[float, float], reach: float, beta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return (window,) lags in seconds about which windows of the second lie in the first, and whether each is clear.
    line: (offset, slope) by which the windows are warped before they are looked for, at most `reach` seconds away."""
    a, b, rate, wave = pair
    half, far = max(8, int(window * rate / 2)), max(2, int(np.ceil(reach * rate)))
    lags, clear = np.zeros(len(centers)), np.zeros(len(centers), bool)
    offset, slope = line
    taper = np.hanning(2 * half + 1).astype(np.float32)
    for number, center in enumerate(centers):
        middle = round((offset + slope * center) * rate)  # sample of a where the window should lie
        low, high = max(0, middle - half - far), min(len(a), middle + half + far + 1)
        # Own time of the samples middle - half … middle + half of a, by the line so far
        own = ((middle + np.arange(-half, half + 1)) / rate - offset) / slope * rate
        first, last = int(np.floor(own[0])), int(np.ceil(own[-1])) + 1
        if high - low < 2 * half + 1 or first < 0 or last >= len(b):
            continue
        piece = np.interp(own - first, np.arange(last - first + 1), b[first : last + 1])
        piece = (piece - piece.mean()) * taper
        around = a[low:high] - a[low:high].mean()
        if not (piece.any() and around.any()):
            continue
        # height[k]: the window begins at sample low + k of a
        height = _correlate(around, piece, beta)[2 * half : len(around)]
        top = int(np.argmax(height))
        if not 0 < top < len(height) - 1:
            continue
        noise = 1.4826 * float(np.median(np.abs(height - np.median(height)))) or 1e-30
        clear[number] = height[top] > max(CLEAR[wave] * noise, 1.1 * _second_peak(height, top))
        left, peak, right = height[top - 1 : top + 2]
        bend = left - 2 * peak + right
        part = 0.5 * (left - right) / bend if bend else 0.0
        # The warped window lies at `middle` when the lag is what the line says; what it is off by is added to it.
        off = (low + top + part + half - middle) / rate
        lags[number] = offset + (slope - 1.0) * center + off
    return lags, clear


def _second_peak(height: np.ndarray, top: int) -> float:
    """Return the height of the highest point outside the peak, which reaches down to half its height on both sides."""
    low = np.flatnonzero(height < 0.5 * height[top])
    left, right = low[low < top].max(initial=0), low[low > top].min(initial=len(height) - 1)
    return float(np.concatenate([height[:left], height[right + 1 :]]).max(initial=0.0))


def _agree(x: np.ndarray, y: np.ndarray, tolerance: float) -> np.ndarray:
    """Return which points lie on the straight line that most points lie on, drift at most MOST_DRIFT. (point,) bool."""
    i, j = np.triu_indices(len(x), 1)
    far = x[j] - x[i] > 0.2 * (x.max() - x.min())
    i, j = i[far], j[far]
    slopes = (y[j] - y[i]) / (x[j] - x[i])
    kept = np.abs(slopes) <= 1.2 * MOST_DRIFT
    i, slopes = i[kept], slopes[kept]
    if not len(i):
        return np.zeros(len(x), bool)
    chosen = np.linspace(0, len(i) - 1, min(len(i), 4000)).astype(int)
    off = np.abs(y - y[i[chosen], None] - slopes[chosen, None] * (x - x[i[chosen], None])) <= tolerance
    return off[int(np.argmax(off.sum(1)))]


def _fit(x: np.ndarray, y: np.ndarray, base: np.ndarray) -> tuple[float, float]:
    """Return (slope, value at the mean of x) of a line, far points counting little (Tukey's weights, 10 rounds)."""
    weights, center = base, x.mean()
    for _ in range(10):
        total = weights.sum()
        mean_x, mean_y = (weights * x).sum() / total, (weights * y).sum() / total
        spread = (weights * (x - mean_x) ** 2).sum()
        slope = (weights * (x - mean_x) * (y - mean_y)).sum() / spread if spread > 0 else 0.0
        middle = mean_y + slope * (center - mean_x)
        rest = y - middle - slope * (x - center)
        scale = 4.685 * 1.4826 * float(np.median(np.abs(rest)))
        weights = base * np.clip(1 - (rest / max(scale, 1e-12)) ** 2, 0, None) ** 2
        if scale <= 1e-12 or (weights > 0).sum() < 3:
            break
    return float(slope), float(middle)


def _bootstrap(x: np.ndarray, y: np.ndarray, draws: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Return (draw,) offsets at time 0 and slopes of lines through windows drawn again with replacement."""
    random = np.random.default_rng(0)
    offsets, slopes = np.empty(draws), np.empty(draws)
    for draw in range(draws):
        counts = np.bincount(random.integers(0, len(x), len(x)), minlength=len(x)).astype(float)
        slopes[draw], middle = _fit(x, y, counts)
        offsets[draw] = middle - slopes[draw] * x.mean()
    return offsets, slopes
