"""Offset and drift between two clocks that saw the same thing: two sounds, or two columns of numbers.

First the whole recordings are laid over each other at a low rate, which tells the offset even where the clocks drift
apart. Then short windows are found one by one, each at its own lag, and a straight line goes through the lags. Windows
are warped by that line and looked for once more, so that drift does not smear their peaks. Where the windows do not
agree on a line, there is no answer.

Cross-correlation with a partly whitened spectrum (PHAT-β: Donohue, Hannemann, Dietz, "Performance of phase transform
for detecting sound sources with microphone arrays", 2007, after Knapp and Carter, 1976), the peak between samples by a
parabola, the line by consensus (Fischler and Bolles, "Random sample consensus", 1981) and then reweighted least squares
with Tukey's weights, its uncertainty by a bootstrap over the windows (Efron, 1979). Knows no files and no streams.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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

    offsets, slopes: (draw,) of the bootstrap. residual: root mean square of the
    windows' lags about the line, in seconds. windows: (used, all). precision: seconds that a parabola through
    three samples may be off by. span: seconds that both have; center: the middle of it in own time.
    """

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
        if what == "offset":
            around = self.precision * (1 + 2 * abs(self.center) / self.span)  # the zero may lie far outside
            low, high = np.percentile(self.offsets, [2.5, 97.5]) + np.array([-1, 1]) * around
        else:
            around = 2 * self.precision / self.span
            low, high = 1e6 * (np.percentile(self.slopes, [2.5, 97.5]) - 1.0 + np.array([-1, 1]) * around)
        return float(low), float(high)


@dataclass(frozen=True)
class Signal:
    """Samples at a steady rate. values: (time,); rate in Hz; start: time of the first sample in seconds, on its clock.

    wave: whether it swings around zero like a sound, so that its loudness is what the first look compares.
    """

    values: np.ndarray
    rate: float
    start: float = 0.0
    wave: bool = False


def estimate(reference: Signal, own: Signal) -> Line:
    """Find the line that takes own time to reference time. Raises RequestError where no peak is clear."""
    import scipy.fft  # noqa: F401  loaded here once, since it is heavy

    rate = min(reference.rate, own.rate)
    if own.wave and reference.wave:
        rate = min(rate, FINE_RATE)
    a, b = _at_rate(reference, rate), _at_rate(own, rate)
    if min(len(a), len(b)) < 64 or not a.any() or not b.any():
        raise RequestError("the signal is too short or constant; expected at least 64 samples that change")
    wave = own.wave and reference.wave
    if wave and min(len(a), len(b)) < LEAST_BLOCKS * rate / COARSE_RATE:
        raise RequestError(f"the signal is too short; expected at least {LEAST_BLOCKS / COARSE_RATE:g} s of sound")
    lags = _first_look(a, b, rate, wave)
    found = []
    for lag in lags:
        lines = [_follow(a, b, rate, lag, wave, beta) for beta in ((0.5,) if wave else WHITENINGS)]
        found += [line for line in lines if line is not None]
        if any(line.windows[0] > 0.6 * line.windows[1] for line in found):
            break
    if not found:
        raise RequestError(f"no clear peak: {len(lags)} offsets were tried, and at none do the windows of the two "
                           "signals agree. Do they share a signal for some time?")  # fmt: skip
    line = min(found, key=lambda line: line.residual / np.sqrt(line.windows[0]))
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


def _first_look(a: np.ndarray, b: np.ndarray, rate: float, wave: bool) -> list[float]:
    """Return the likeliest lags in seconds: a[t + lag] looks like b[t]; the clearest first."""
    lags: list[tuple[float, float]] = []
    for as_wave in (True, False) if wave else (False,):
        x, slow = _reduce(a, rate, as_wave)
        y, _ = _reduce(b, rate, as_wave)
        for beta in (0.0, 0.5):
            height = _correlate(x, y, beta)
            at = np.arange(len(height)) - (len(y) - 1)
            shared = np.minimum(len(x), at + len(y)) - np.maximum(0, at)
            enough = shared >= max(LEAST_BLOCKS, 0.05 * min(len(x), len(y)))
            height = np.where(enough, height / np.sqrt(np.maximum(shared, 1)), 0.0)
            noise = 1.4826 * float(np.median(np.abs(height[enough]))) or 1.0
            for _ in range(CANDIDATES):
                top = int(np.argmax(height))
                if height[top] <= 0:
                    break
                lags.append((float(height[top]) / noise, (top - (len(y) - 1)) / slow))
                near = max(1, round(0.25 * slow)) if as_wave else max(1, len(y) // 200)
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
    found = fft.irfft(cross, size)
    return np.concatenate([found[size - (len(y) - 1) :], found[: len(x)]])


def _follow(a: np.ndarray, b: np.ndarray, rate: float, lag: float, wave: bool, beta: float) -> Line | None:
    """Find window after window of b in a near a lag, and the line through them; None where they do not agree."""
    begin, end = max(0.0, -lag), min(len(b) / rate, len(a) / rate - lag)  # own time that both have
    shared = end - begin
    if shared * rate < 64:
        return None
    window = min(max(4.0 if wave else shared / 8, 128 / rate), shared / 4)
    hop = max(window / 2, (shared - window) / (WINDOWS - 1))
    centers = np.arange(begin + window / 2, end - window / 2 + 1e-9, hop)
    reach = max(MOST_DRIFT * shared / 2 + 0.05, 25 / rate, (0.0 if wave else window / 2))
    tolerance = max(0.0015, 2 / rate)
    line = (lag, 1.0)
    for turn in range(3):  # far and rough, near, near
        size = reach if turn == 0 or not wave else 25 * tolerance
        lags, clear = _find_windows(a, b, rate, centers, window, line, size, beta, CLEAR[wave])
        if clear.sum() < FEWEST:
            return None
        good = _agree(centers[clear], lags[clear], tolerance)
        if good.sum() < max(FEWEST, AGREE * clear.sum(), (0.15 if wave else 0.4) * len(centers)):
            return None
        x, y = centers[clear][good], lags[clear][good]
        slope, middle = _fit(x, y)
        line = (middle - slope * x.mean(), 1.0 + slope)
        tolerance = max(0.5 * tolerance, 1.0 / rate) if turn == 0 else tolerance
    offset, slope = line
    rest = y - (offset + (slope - 1.0) * x)
    offsets, slopes = _bootstrap(x, y)
    spread = float(np.sqrt(np.mean(rest**2)))
    windows = (len(x), len(centers))
    return Line(offset, slope, offsets, 1.0 + slopes, spread, windows, 0.05 / rate, shared, float(x.mean()))


def _find_windows(
    a: np.ndarray,
    b: np.ndarray,
    rate: float,
    centers: np.ndarray,
    window: float,
    line: tuple[float, float],
    reach: float,
    beta: float,
    least: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (window,) lags in seconds about which the windows of b lie in a, and whether the peak of each is clear.

    line: (offset, slope) by which the windows are warped before they are looked for, at most `reach` seconds away.
    """
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
        there = a[low:high] - a[low:high].mean()
        if not (piece.any() and there.any()):
            continue
        # found[k]: the window begins at sample low + k of a
        found = _correlate(there, piece, beta)[2 * half : len(there)]
        top = int(np.argmax(found))
        if not 0 < top < len(found) - 1:
            continue
        noise = 1.4826 * float(np.median(np.abs(found - np.median(found)))) or 1e-30
        second = _second_peak(found, top)
        clear[number] = found[top] > least * noise and found[top] > 1.1 * second
        left, peak, right = found[top - 1 : top + 2]
        bend = left - 2 * peak + right
        part = 0.5 * (left - right) / bend if bend else 0.0
        # The warped window lies at `middle` when the lag is what the line says; what it is off by is added to it.
        off = (low + top + part + half - middle) / rate
        lags[number] = offset + (slope - 1.0) * center + off
    return lags, clear


def _second_peak(found: np.ndarray, top: int) -> float:
    """Return the height of the highest point outside the peak, which reaches down to half its height on both sides."""
    low = np.flatnonzero(found < 0.5 * found[top])
    place = int(np.searchsorted(low, top))
    left = int(low[place - 1]) if place else 0
    right = int(low[place]) if place < len(low) else len(found) - 1
    rest = np.concatenate([found[:left], found[right + 1 :]])
    return float(rest.max()) if len(rest) else 0.0


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


def _fit(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> tuple[float, float]:
    """Return (slope, value at the mean of x) of a line, far points counting little (Tukey's weights, 10 rounds)."""
    base = np.ones(len(x)) if weights is None else weights
    weights = base
    center = x.mean()
    slope = middle = 0.0
    for _ in range(10):
        total = weights.sum()
        mean_x, mean_y = (weights * x).sum() / total, (weights * y).sum() / total
        spread = (weights * (x - mean_x) ** 2).sum()
        slope = (weights * (x - mean_x) * (y - mean_y)).sum() / spread if spread > 0 else 0.0
        middle = mean_y + slope * (center - mean_x)
        rest = y - middle - slope * (x - center)
        scale = 4.685 * 1.4826 * float(np.median(np.abs(rest)))
        if scale <= 1e-12:
            break
        weights = base * np.clip(1 - (rest / scale) ** 2, 0, None) ** 2
        if (weights > 0).sum() < 3:
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
