"""Sounds: from decoded samples to a log-mel of fixed shape. Knows nothing of tables, files or networks.

A level in dBFS here is 20·log10 of the root mean square, where 1.0 is full scale: a full sine has -3.01 dBFS.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from plait.core.options import option
from plait.data.sound import to_mono
from plait.errors import CellError, RequestError
from plait.kinds.preparation import Preparation, check_bounds, check_product, require

if TYPE_CHECKING:
    import torch

TOP_RATE = 16000  # Hz: enough for speech; what is chosen where no rate is asked for
TOP_SECONDS = 10.0
TOP_WHOLE = 60.0  # seconds, where sounds are not cut
LEAST_FRAMES = 16
BOUNDS = {
    "sample_rate": (1000, 192000, " Hz"), "loudness": (-80, 0, " dBFS"), "seconds": (0.05, 600, " seconds"),
    "mels": (8, 256, ""), "edition": (1, 2, ""), "frames": (1, 2**21, ""), "hop": (1, 2**21, " samples"),
}  # fmt: skip
LOWEST = 20.0  # Hz: where the mel filters begin
SILENT = 1e-10  # power of a spectrum line under which a recording is silence: about -130 dBFS


@dataclass(frozen=True)
class AudioPrep(Preparation):
    """How a sound becomes a log-mel (mel, time) of float32. `fitted` sets what is still open.

    In this order: mono, resample, band-pass, denoise, trim, loudness, cut, log-mel, standardise, pad with 0. Mono is
    the mean of the channels without its offset, or the loudest channel where the mean loses the sound. What is cut is
    the middle, or where that is silent the loudest part.

    Args:
        sample_rate: in Hz; by default the commonest, at most 16000.
        bandpass: (low, high) in Hz to keep, such as (300, 3400).
        denoise, trim: take steady noise out (spectral gating); cut silence off both ends.
        loudness: bring each sound to this level in dBFS.
        seconds, mels: length, where longer is cut; bands of the log-mel.
        frames, hop, whole: length in frames and samples of each, set by `fitted`; whether cutting is an error.
        edition: 1 as older runs joined channels and cut, by plain mean and middle; 2 as it is said above.

    Example:
        >>> prep = plait.AudioPrep(mels=32).fitted([(wave, 8000)])
        >>> prep(wave, 8000).shape  # (mel, time): 0.5 s, a frame each 10 ms
        (32, 51)
    """

    KIND: ClassVar[str] = "audio"
    BEFORE: ClassVar[Mapping[str, Any]] = {"edition": 1}

    sample_rate: int | None = option(None, "Sample rate in Hz. If open, at most 16000.")
    bandpass: tuple[float, float] | None = option(None, "Keep LOW,HIGH Hz, such as 300,3400.")
    denoise: bool = option(False, "Take steady noise out (spectral gating).")
    trim: bool = option(False, "Cut silence off both ends.")
    loudness: float | None = option(None, "Bring each sound to this level in dBFS.")
    seconds: float | None = option(None, "Length: longer is cut, keeping the middle, or the loud part.")
    mels: int = option(64, "Bands of the log-mel.")
    frames: int | None = None
    hop: int | None = None  # samples from frame to frame; a window is 2.5 of them
    whole: bool = False  # never cut: a frame each 10 ms, the length that of the longest, too long a sound is an error
    edition: int = 2
    note: str = field(default="", init=False, compare=False)  # what is heard of long sounds, for a fit to say

    def __post_init__(self) -> None:
        check_bounds(self, BOUNDS)
        check_product(self, "mels", "frames")
        check_product(self, "mels", "hop")  # the filters are as long as a window, and a window is 2.5 hops
        if self.frames is not None:
            for name in ("hop", "sample_rate", "seconds")[: 2 + self.whole]:
                require(self, name, getattr(self, name) is not None, "a number, where the frames are set")
        if self.bandpass is not None and not 0 <= self.bandpass[0] < self.bandpass[1] < math.inf:
            begin, end = self.bandpass
            raise RequestError(f"audio.bandpass is {begin:g},{end:g}; expected LOW,HIGH in Hz with LOW less than HIGH.")
        if self.sample_rate is not None and self.bandpass is not None and self.bandpass[0] >= self.sample_rate / 2:
            raise RequestError(
                f"audio.bandpass begins at {self.bandpass[0]:g} Hz, but sounds of {self.sample_rate} Hz end at "
                f"{self.sample_rate / 2:g} Hz; begin lower, or set audio.sample_rate higher."
            )

    def fitted(self, sounds: Iterable[tuple[np.ndarray, int]]) -> AudioPrep:
        """Return a copy with rate and length chosen from `sounds`, pairs of samples (time, channel) and Hz.

        The rate is the commonest, at most 16000 Hz; the length the 98th percentile (after trimming), at most 10 s. A
        frame begins each 10 ms, above 3.2 s each 320th of the length. With `whole` a frame always begins each 10 ms,
        and the length is 1.25 times that of the longest sound, at most 60 s.

        Raises:
            RequestError: there is no sound.
        """
        rates: Counter[int] = Counter()
        lengths = []
        for samples, hertz in sounds:  # one at a time: a recording can be long
            rates[int(hertz)] += 1
            if self.trim:
                samples = replace(self, sample_rate=int(hertz)).wave(samples, hertz)
            lengths.append(len(samples) / hertz)
        if not lengths:
            raise RequestError("there is no sound to learn sample rate and length from.")
        rate = self.sample_rate or min(TOP_RATE, max(rates, key=lambda r: (rates[r], r)))
        seconds, note = self.seconds, ""
        if seconds is None:
            usual, most = (1.25 * max(lengths), TOP_WHOLE) if self.whole else (np.percentile(lengths, 98), TOP_SECONDS)
            seconds = min(most, max(0.05, math.ceil(float(usual) * 100 - 1e-6) / 100))
            if usual > most and not self.whole:
                cut = f"{sum(length > most for length in lengths)} of {len(lengths)} sounds looked at are longer"
                note = f"{cut} than {most:g} s; of each the middle is heard, or the loudest part where that is silent; "
                note += "--prep audio.seconds=N hears more"
        hop = max(1, round(rate * (0.01 if self.whole or seconds <= 3.2 else seconds / 320)))
        frames = max(LEAST_FRAMES, 1 + round(seconds * rate) // hop)
        prep = replace(self, sample_rate=rate, seconds=seconds, frames=frames, hop=hop)
        object.__setattr__(prep, "note", note)  # no option, and no part of what is kept
        return prep

    def wave(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Return samples (time, channel) at `rate` Hz as float32 (time,) at the rate of this preparation.

        Raises CellError when no sample is left.
        """
        *_, (_, _, wave) = self._worked(samples, rate)
        return wave

    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Return the log-mel (mel, time), float32, mean 0 and deviation 1 over its own frames; 0 after them.

        A recording longer than `seconds` is cut from the middle. Silence gives zeros.

        Args:
            samples: (time,) or (time, channel).
            rate: of the samples, in Hz.

        Raises:
            RequestError: the preparation is not fitted.
            CellError: no sample is left, or with `whole` the recording is too long.
        """
        if self.frames is None or self.hop is None:
            raise RequestError("the sound preparation is not fitted yet; call fitted(sounds) first.")
        assert self.sample_rate is not None
        wave = self.wave(samples, rate)
        longest = self.frames * self.hop - 1
        if len(wave) > longest:
            if self.whole:
                reason = f"longer than {self.seconds:g} s, which is the longest this recogniser takes"
                raise CellError(reason, "too-large")
            start = self.cut(wave, longest)
            wave = wave[start : start + longest]
        picture = log_mel(wave, self.sample_rate, mels=self.mels, hop=self.hop)
        picture -= picture.mean()
        picture /= math.sqrt(float(np.mean(np.square(picture)))) + 1e-6
        padded = np.zeros((self.mels, self.frames), np.float32)
        padded[:, : picture.shape[1]] = picture
        return padded

    def span(self, samples: np.ndarray, rate: int) -> tuple[float, int]:
        """Return where in the sound, in seconds, its first frame begins, and how many frames are its own.

        Raises CellError when no sample is left.
        """
        assert self.sample_rate is not None and self.frames is not None and self.hop is not None
        start, longest, wave = 0, self.frames * self.hop - 1, np.zeros(0)
        for name, before, after in self._worked(samples, rate):
            start += trim_span(before, self.sample_rate)[0] if name == "trim" else 0
            wave = after
        start += self.cut(wave, longest)
        return start / self.sample_rate, 1 + min(len(wave), longest) // self.hop

    def cut(self, wave: np.ndarray, longest: int) -> int:
        """Return where the part begins that is kept of a wave, in samples.

        It is the middle, or the loudest part where nothing in the middle comes within 20 dB of the loudest 10 ms.

        Args:
            wave: (time,) at the rate of this preparation.
            longest: samples that are kept; the wave may be shorter.
        """
        middle = max(0, len(wave) - longest) // 2
        if not middle or self.edition < 2:
            return middle
        step = max(1, (self.sample_rate or TOP_RATE) // 100)
        loud = np.sqrt(np.add.reduceat(np.square(wave, dtype=np.float32), np.arange(0, len(wave), step)))
        width = max(1, longest // step)
        if loud[middle // step : middle // step + width].max() >= 0.1 * loud.max():
            return middle
        sums = np.concatenate([[0.0], np.cumsum(loud, dtype=np.float64)])
        return min(int(np.argmax(sums[width:] - sums[:-width])) * step, len(wave) - longest)

    def steps(self, samples: np.ndarray, rate: int) -> list[tuple[str, np.ndarray, int]]:
        """Return (name, samples, Hz) as it came and after each operation that changed it, for drawing."""
        samples = samples[:, 0] if samples.ndim == 2 and samples.shape[1] == 1 else samples
        done = [("as it came", samples, rate)]
        for name, before, after in self._worked(samples, rate):
            if not np.array_equal(after, before):
                called = "offset taken off" if name == "mono" and before.ndim == 1 else name
                done.append((called, after, rate if name == "mono" else self.sample_rate or rate))
        return done

    def augment(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return augment_mels(x)."""
        from plait.kinds.audio.augment import augment_mels  # torch comes with it

        return augment_mels(x, generator)

    def _worked(self, samples: np.ndarray, rate: int) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Give (name, samples before, samples after) of each operation. Raises CellError when no sample is left."""
        for name, operation in self._operations(rate):
            before, samples = samples, operation(samples)
            if not len(samples):
                raise CellError(f"sound is too short: no sample is left at {self.sample_rate or rate} Hz")
            yield name, before, samples

    def _operations(self, rate: int) -> list[tuple[str, Any]]:
        from plait.data.media import resample  # here, since it opens pictures too, and a run of texts has none

        new = self.sample_rate or rate
        low, high = self.bandpass or (0.0, 0.0)
        level = self.loudness or 0.0
        steps: list[tuple[bool, str, Any]] = [
            (True, "mono", to_mono if self.edition > 1 else mono),
            (new != rate, f"resample to {new} Hz", lambda x: resample(x, rate, new)),
            (self.bandpass is not None, f"band-pass {low:g} to {high:g} Hz", lambda x: bandpass(x, new, low, high)),
            (self.denoise, "denoise", lambda x: denoise(x, new)),
            (self.trim, "trim", lambda x: trim(x, new)),
            (self.loudness is not None, f"loudness {level:g} dBFS", lambda x: set_level(x, level)),
        ]
        return [(name, operation) for is_on, name, operation in steps if is_on]


def mono(x: np.ndarray) -> np.ndarray:
    """Return the mean of the channels, as edition 1 has it: (time, channel) or (time,) → float32 (time,)."""
    x = np.asarray(x, np.float32)
    if x.ndim == 1:
        return x
    return x[:, 0] if x.shape[1] == 1 else x.mean(axis=1)


def bandpass(x: np.ndarray, rate: int, low: float, high: float) -> np.ndarray:
    """Return (time,) with what lies below `low` and above `high` Hz taken out.

    A Butterworth filter of order 4 run forwards and backwards, so nothing is delayed (Gustafsson 1996).
    """
    from scipy.signal import sosfiltfilt

    sos = _butterworth(rate, low, high)
    if sos is None or len(x) < 2:
        return x
    edge = min(len(x) - 1, 3 * (2 * len(sos) + 1))
    return sosfiltfilt(sos, x, padlen=edge).astype(np.float32)


@lru_cache(maxsize=64)
def _butterworth(rate: int, low: float, high: float) -> np.ndarray | None:
    from scipy.signal import butter

    edges = [hertz for hertz in (low, high) if 0 < hertz < rate / 2]
    kind = "bandpass" if len(edges) == 2 else "highpass" if low > 0 else "lowpass"
    return butter(4, edges if len(edges) == 2 else edges[0], kind, fs=rate, output="sos") if edges else None


def denoise(x: np.ndarray, rate: int) -> np.ndarray:
    """Return (time,) with steady noise turned down by up to 20 dB.

    Spectral gating (after Sainburg and others 2020, noisereduce; gain of Boll 1979): the noise of each frequency is
    read from the quietest fifth of the frames, smoothed over frequency so that a steady tone does not count as noise,
    and each cell of the spectrogram is let through as far as it and its neighbours stand out from it.
    """
    from scipy.fft import irfft, rfft
    from scipy.ndimage import median_filter, uniform_filter

    size = max(32, 2 ** round(math.log2(0.032 * rate)))
    hop = size // 4
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    whole = np.zeros((len(x) // hop + 9) * hop, np.float32)
    whole[size : size + len(x)] = x
    spectrum = rfft(sliding_window_view(whole, size)[::hop] * window)
    power = spectrum.real**2 + spectrum.imag**2
    inside = power[4:-4] if len(power) > 16 else power  # frames that reach over an end are quieter than the noise
    noise = np.quantile(inside, 0.2, axis=0) / -math.log(1 - 0.2)  # the mean of an exponential spread, as noise has
    noise = median_filter(noise, 11, mode="nearest").astype(np.float32)
    around = uniform_filter(power, (3, 3))
    gain = np.maximum(0.1, 1 - 1.5 * noise / np.maximum(around, 1e-20))
    pieces = irfft(spectrum * gain, size) * window
    clean = np.zeros_like(whole)
    for quarter in range(4):
        part = pieces[:, quarter * hop : (quarter + 1) * hop].reshape(-1)
        clean[quarter * hop : quarter * hop + len(part)] += part
    return (clean[size : size + len(x)] / 1.5).astype(np.float32)  # 1.5: four squared Hann windows on each other


def trim(x: np.ndarray, rate: int) -> np.ndarray:
    """Return (time,) without its quiet ends, as `trim_span` finds them."""
    start, end = trim_span(x, rate)
    return x[start:end]


def trim_span(x: np.ndarray, rate: int) -> tuple[int, int]:
    """Return the first sample of x (time,), and the first after it, that is no quiet end.

    Ends lie 40 dB or more under the loudest 10 ms; 10 ms of them stay on each side. Silence has none.
    """
    step = max(1, rate // 100)
    starts = np.arange(0, len(x), step)
    power = np.add.reduceat(np.square(x, dtype=np.float64), starts)
    loud = np.flatnonzero(power > 1e-4 * power.max())
    if not len(loud):
        return 0, len(x)
    return max(0, int(loud[0]) - 1) * step, min(len(x), (int(loud[-1]) + 2) * step)


def level_of(x: np.ndarray) -> float:
    """Return the level of (time,) in dBFS; silence gives minus infinity."""
    power = float(np.mean(np.square(x, dtype=np.float64)))
    return 10 * math.log10(power) if power > 0 else -math.inf


def set_level(x: np.ndarray, level: float) -> np.ndarray:
    """Return (time,) at `level` dBFS, or less where it would go over full scale. Silence stays silence."""
    now = level_of(x)
    if now < -120:
        return x
    return x * np.float32(min(10 ** ((level - now) / 20), 1 / float(np.abs(x).max())))


def log_mel(x: np.ndarray, rate: int, *, mels: int = 64, hop: int | None = None) -> np.ndarray:
    """Return the natural log of the mel spectrogram (mel, time) of x (time,), float32; frame n is at n·hop.

    The loudest cell is 0 and the floor -18.4 (80 dB less), so the level does not matter; silence gives zeros. Hann
    windows of 2.5 hops (10 ms if None), mel scale and triangles of HTK (Young and others) from 20 Hz to half the rate.
    """
    hop = hop or max(1, round(rate * 0.01))
    window, bank = _mel_bank(rate, mels, round(2.5 * hop))
    size = len(window)
    whole = np.zeros(len(x) + size, np.float32)
    np.subtract(x, x.mean(), out=whole[size // 2 : size // 2 + len(x)], casting="same_kind")
    frames = np.ndarray((1 + len(x) // hop, size), np.float32, whole, strides=(4 * hop, 4))  # numpy's own takes longer
    squares = _spectrum(frames * window).view(np.float32)
    np.square(squares, out=squares)
    power = bank @ (squares[:, ::2] + squares[:, 1::2]).T
    peak = float(power.max())
    if not peak > SILENT * size:
        return np.zeros_like(power)
    power *= 1 / peak
    power += 1e-8
    return np.log(power, out=power)


def _spectrum(frames: np.ndarray) -> np.ndarray:
    """Return the spectrum (frame, frequency) complex64 of frames (frame, time) float32."""
    torch = sys.modules.get("torch")
    if torch is not None:  # as in fit and predict: it is quicker, and scipy's takes long to import
        return np.asarray(torch.fft.rfft(torch.from_numpy(frames)).numpy())
    from scipy.fft import rfft

    return np.asarray(rfft(frames))


def mel_of(hertz: float) -> float:
    """Return a frequency on the mel scale of HTK."""
    return 2595 * math.log10(1 + hertz / 700)


@lru_cache(maxsize=64)
def _mel_bank(rate: int, mels: int, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a Hann window padded with 0 to a power of two, and the filters (mel, frequency)."""
    size = 2 ** math.ceil(math.log2(max(2, length)))
    window = np.zeros(size, np.float32)
    window[(size - length) // 2 : (size - length) // 2 + length] = np.hanning(length + 1)[:-1]
    return window, log_mel_bank(rate, mels, size)


def log_mel_bank(rate: int, mels: int, size: int) -> np.ndarray:
    """Return the filters (mel, frequency) of `log_mel`, for spectra of `size` samples at `rate` Hz."""
    low, high = mel_of(LOWEST), mel_of(rate / 2)
    edges = 700 * (10 ** (np.linspace(low, high, mels + 2) / 2595) - 1)
    lines = np.arange(size // 2 + 1) * (rate / size)
    widths = np.maximum(np.diff(edges), rate / size)  # no filter falls between two lines and stays empty
    bank = np.empty((mels, len(lines)), np.float32)
    for row, middle in enumerate(edges[1:-1]):  # one by one: of a long window all at a time would fill the memory
        offset = lines - middle
        bank[row] = np.clip(np.minimum(1 + offset / widths[row], 1 - offset / widths[row + 1]), 0, None)
    return bank


PREP = AudioPrep


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what the encoder must know of a log-mel: its sizes."""
    return {"mels": prep.mels, "frames": prep.frames}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (mel, time)."""
    return layout["mels"], layout["frames"]
