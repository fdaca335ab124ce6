"""Pictures of what is no picture: words as a printed page, a sound as its spectrogram, a series as a Gramian field.

Knows no table and no cache."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from plait.converters.fonts import clean_text, find_face, load_font, split_runs, wrap_lines
from plait.converters.graph import ByValue
from plait.data.media import MAX_PIXELS
from plait.data.sound import to_mono
from plait.errors import CellError, RequestError
from plait.kinds.series.prep import longer_is_time, resample

if TYPE_CHECKING:
    from PIL import Image

USUAL_WIDTH = 28  # of a page, in the size of its letters: about 45 letters of English in a line
COLUMNS = 100  # of a spectrogram for a second
MOST_COLUMNS = 4096  # of a spectrogram: a longer sound has coarser time
FLOOR = 80.0  # dB under the loudest point of a spectrogram that are still seen
SILENT = 1e-6  # amplitude of a full-scale sine is 1; under this a sound is silence: -120 dBFS
WINDOW = 0.032  # seconds


@dataclass(frozen=True)
class Render(ByValue):
    """Words to a picture: black letters on white, mode "L", wrapped, as wide as its longest line needs.

    What the font lacks is written with another installed font; what none can write is drawn as □, and the confidence
    is the share of characters that are written. Arabic, Hebrew and their like stand at the right and run to the left:
    with Pillow's raqm properly, without it letters are only put in order, by a simple rule, and Arabic is not joined.
    """

    size: int = field(default=32, metadata={"help": "Size of the letters in pixels (an em)."})
    width: int = field(default=0, metadata={"help": "Widest picture in pixels; 0: 28 times the size."})
    font: str = field(default="", metadata={"help": "Font file or family to begin with. Without it DejaVu Sans."})

    name, source, target = "render", "text", "image"
    cost, quality = 0.002, 0.99
    threads = True

    def __post_init__(self) -> None:
        self.check_range("size", 8, 512, " pixels")
        if self.width and not 6 * self.size <= self.width <= 16384:
            least = f"{6 * self.size} (6 times the size)"
            raise RequestError(f"render.width is {self.width}; expected 0 or {least} to 16384 pixels.")
        if self.font:
            find_face(self.font)

    @property
    def version(self) -> str:
        import PIL

        return f"render 1 (pillow {PIL.__version__})"

    def convert(self, value: str) -> tuple[Image.Image, float]:
        """Return the picture of a text and the share of its characters that are written. Raises CellError."""
        from PIL import Image, ImageDraw

        margin, widest = self.size, self.width or USUAL_WIDTH * self.size
        if len(value) > 8 * MAX_PIXELS // self.size**2:
            raise self._too_long(value, MAX_PIXELS // self.size**2)
        text, share = clean_text(value, self.font)
        if not text.strip():
            raise CellError("blank text: there is nothing to draw", "blank")
        rows, used = [], 0
        heights = {load_font(find_face(self.font), self.size).getmetrics()}
        for line, base in wrap_lines(text.strip("\n"), widest - 2 * margin, self.size, self.font):
            runs = split_runs(line, base, self.font)
            rows.append((runs, sum(run.length(self.size) for run in runs), base))
            heights |= {load_font(run.face, self.size).getmetrics() for run in runs}
            above, below = (max(height) for height in zip(*heights, strict=True))
            step = above + below + round(0.15 * self.size)
            if widest * (2 * margin + len(rows) * step) > MAX_PIXELS:
                raise self._too_long(value, used)
            used += len(line) + 1
        width = math.ceil(max(wide for _runs, wide, _base in rows)) + 2 * margin
        picture = Image.new("L", (width, 2 * margin + len(rows) * step), 255)
        pen = ImageDraw.Draw(picture)
        for number, (runs, wide, base) in enumerate(rows):
            x = width - margin - wide if base == "rtl" else float(margin)
            for run in runs:
                place = (x, margin + number * step + above)
                font = load_font(run.face, self.size)
                pen.text(place, run.text, fill=0, font=font, anchor="ls", direction=run.direction)
                x += run.length(self.size)
        return picture, share

    def _too_long(self, text: str, most: int) -> CellError:
        return CellError(
            f"text too long for one picture: {len(text)} characters; at size {self.size} it may have about {most}. "
            "Cut it, or choose a smaller size",
            "too-large",
        )


@dataclass(frozen=True)
class Spectrogram(ByValue):
    """A sound to a picture of its frequencies over time: mode "L", low frequencies at the bottom, silence black.
    It is `height` pixels high whatever the sample rate; what lies over half of that is black. A second is 100 columns;
    a sound over 40.96 s has 4096, each of which shows the loudest of its time. Brightness is in dB: 255 is the loudest
    point, 0 is 80 dB under it, so that the volume of a recording does not matter. Windows are Hann's of 32 ms; each row
    is a triangle between its neighbours on the scale."""

    height: int = field(default=128, metadata={"help": "Rows of the picture."})
    low: float = field(default=50.0, metadata={"help": "Frequency at the bottom, in Hz."})
    high: float = field(default=8000.0, metadata={"help": "Frequency at the top, in Hz."})
    scale: str = field(default="log", metadata={"help": "How frequencies are spread over the rows: log or linear."})

    name, source, target = "spectrogram", "audio", "image"
    cost, quality = 0.005, 0.9
    threads = True
    version = "spectrogram 1"
    final = True  # there are no words in it to read

    def __post_init__(self) -> None:
        self.check_range("height", 8, 2048, " pixels")
        if not 1 <= self.low < self.high <= 1e6:
            ends = f"{self.low:g} and {self.high:g}"
            raise RequestError(f"spectrogram.low and high are {ends}; expected 1 to 1e6 Hz, low first.")
        if self.scale not in ("log", "linear"):
            raise RequestError(f"spectrogram.scale is {self.scale!r}; expected log or linear.")

    def convert(self, value: tuple[np.ndarray, int]) -> tuple[Image.Image, float]:
        """Return the picture (height, columns) of (samples (time,), Hz), and 1. Raises CellError for no sound."""
        from PIL import Image

        rate = value[1]
        x = np.asarray(value[0], np.float32)
        x = to_mono(x) if x.ndim == 2 else x
        if not x.size:
            raise CellError("sound has no samples", "no-samples")
        if not np.isfinite(x).all():
            raise CellError("sound has samples that are no numbers", "not-finite")
        if not rate > 0:
            raise CellError(f"sound has a sample rate of {rate} Hz")
        columns = min(MOST_COLUMNS, max(1, math.ceil(len(x) / rate * COLUMNS - 1e-6)))
        power = self._power(x, rate, columns)
        top = float(power.max())
        if top <= SILENT**2:
            return Image.fromarray(np.zeros((self.height, columns), np.uint8)), 1.0
        level = 10 * np.log10(np.maximum(power / top, 10 ** (-FLOOR / 10)))
        grey = np.round(255 * (1 + level / FLOOR)).astype(np.uint8)
        return Image.fromarray(np.ascontiguousarray(grey.T[::-1])), 1.0

    def _power(self, x: np.ndarray, rate: int, columns: int) -> np.ndarray:
        """Return (column, frequency) power, the square of the amplitude of a sine; the lowest frequency first."""
        from scipy.fft import rfft

        window, bank = _bank(rate, self.height, self.low, self.high, self.scale)
        half = len(window) // 2
        whole = np.pad(x, (half, len(window)), mode="edge")
        views = np.lib.stride_tricks.sliding_window_view(whole, len(window))
        step = max(rate / COLUMNS, len(x) / MOST_COLUMNS)  # samples for a column
        each = math.ceil(step / max(rate / COLUMNS, 1) - 1e-6)  # frames in a column
        out = np.zeros((columns, self.height), np.float32)
        block = max(1, (1 << 22) // (len(bank[0]) * each))
        for start in range(0, columns, block):
            number = np.arange(start * each, min(columns, start + block) * each)
            centres = np.minimum(((number + 0.5) * step / each).astype(np.int64), len(x) - 1)
            frames = views[centres] * window
            frames -= frames.sum(axis=1, keepdims=True) * (window / window.sum())  # no constant part
            spectrum = rfft(frames, 2 * (len(bank[0]) - 1))
            power = (spectrum.real**2 + spectrum.imag**2) @ bank.T
            out[start : start + block] = power.reshape(-1, each, self.height).max(axis=1)
        return out


@dataclass(frozen=True)
class Gramian(ByValue):
    """A series to a picture of how each two of its points go together: mode "L", time to the right and downwards.

    A Gramian angular field (Wang and Oates 2015, "Imaging time-series to improve classification and imputation"): a
    channel is brought to −1 … 1, and a cell is the cosine of the sum of the angles of two points; −1 is black, 1 is
    white. Channels lie in a grid of such fields, row by row; holes are bridged by straight lines, and the confidence is
    the share of points that are there. Of two axes the longer one is time."""

    size: int = field(
        default=64, metadata={"help": "Points of a field in each direction; a longer series is averaged."}
    )

    name, source, target = "gramian", "series", "image"
    cost, quality = 0.002, 0.9
    threads = True
    version = "gramian 1"
    final = True  # there are no words in it to read

    def __post_init__(self) -> None:
        self.check_range("size", 8, 512, " pixels")

    def convert(self, value: np.ndarray) -> tuple[Image.Image, float]:
        """Return the picture of a series (channel, time), and the share of points that are there. Raises CellError."""
        from PIL import Image

        value = longer_is_time(value)
        if len(value) * self.size**2 > MAX_PIXELS:
            raise CellError(f"series has {len(value):,} channels, too many for one picture", "too-large")
        points, _ = resample(value, self.size)
        low, high = points.min(1, keepdims=True), points.max(1, keepdims=True)
        x = np.where(high > low, 2 * (points - low) / np.where(high > low, high - low, 1) - 1, 0.0)
        other = np.sqrt(np.clip(1 - x**2, 0, None))
        fields = x[:, :, None] * x[:, None] - other[:, :, None] * other[:, None]
        wide = math.ceil(math.sqrt(len(fields)))
        grid = np.full((math.ceil(len(fields) / wide) * wide, self.size, self.size), -1.0)
        grid[: len(fields)] = fields
        whole = grid.reshape(-1, wide, self.size, self.size).swapaxes(1, 2).reshape(-1, wide * self.size)
        return Image.fromarray(np.round(127.5 * (whole + 1)).astype(np.uint8)), float(np.isfinite(value).mean())


@lru_cache(maxsize=16)
def _bank(rate: int, height: int, low: float, high: float, scale: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a Hann window whose full-scale sine has power 1, and the weights (frequency, line of the spectrum).
    Each weight is a triangle from the row below to the row above, never narrower than a line; its sum is 1."""
    length = max(4, round(WINDOW * rate))
    size = 2 ** math.ceil(math.log2(4 * length))  # padded, so that lines lie close together
    window = np.hanning(length + 1)[:-1]
    window = (2 * window / window.sum()).astype(np.float32)
    places = (np.arange(-1, height + 1) + 0.5) / height
    centres = low + (high - low) * places if scale == "linear" else low * (high / low) ** places
    lines = np.arange(size // 2 + 1) * (rate / size)
    widths = np.maximum(np.diff(centres), rate / size)
    offset = lines - centres[1:-1, None]
    bank = np.clip(np.minimum(1 + offset / widths[:-1, None], 1 - offset / widths[1:, None]), 0, None)
    total = bank.sum(axis=1, keepdims=True)
    bank = np.where(centres[1:-1, None] <= rate / 2, bank / np.maximum(total, 1e-9), 0)
    return window, bank.astype(np.float32)
