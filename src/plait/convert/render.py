"""Pictures of what is no picture: words as a printed page, a sound as its spectrogram. Knows no table and no cache."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from plait.convert.fonts import (
    Face,
    clean_text,
    find_face,
    load_font,
    split_runs,
    way_of,
    wrap_lines,
)
from plait.data.media import MAX_PIXELS
from plait.errors import CellError, RequestError
from plait.options import from_strings

if TYPE_CHECKING:
    from PIL import Image

USUAL_WIDTH = 28  # of a page, in the size of its letters: about 45 letters of English in a line
MOST_COLUMNS = 4096  # of a spectrogram: a longer sound has coarser time
FLOOR = 80.0  # dB under the loudest point of a spectrogram that are still seen
SILENT = 1e-6  # amplitude of a full-scale sine is 1; under this a sound is silence: -120 dBFS
WINDOW = 0.032  # seconds


@dataclass(frozen=True)
class Render:
    """Words to a picture: black letters on white, mode "L", wrapped, as wide as its longest line needs.

    What the font lacks is written with another installed font; what none can write is drawn as □, and the confidence
    is the share of characters that are written. Control characters are left out. Arabic, Hebrew and their like stand
    at the right and run to the left: with Pillow's raqm properly (joined letters, numbers and Latin words in between
    the right way). Without raqm letters are only put in order, by a simple rule, and Arabic ones are not joined.
    """

    size: int = field(default=32, metadata={"help": "Size of the letters in pixels (an em)."})
    width: int = field(default=0, metadata={"help": "Widest picture in pixels; 0: 28 times the size."})
    font: str = field(default="", metadata={"help": "Font file or family to begin with. Without it DejaVu Sans."})

    name: ClassVar[str] = "render"
    source: ClassVar[str] = "text"
    target: ClassVar[str] = "image"
    cost: ClassVar[float] = 0.001
    quality: ClassVar[float] = 0.99
    threads: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 8 <= self.size <= 512:
            raise RequestError(f"render.size is {self.size}; expected 8 to 512 pixels.")
        if self.width and not 6 * self.size <= self.width <= 16384:
            raise RequestError(
                f"render.width is {self.width}; expected 0 or {6 * self.size} (6 times the size) to 16384 pixels."
            )
        if self.font:
            find_face(self.font)

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Render:
        """Make it from options that may be strings. Raises RequestError for an unknown option or a wrong value."""
        return from_strings(cls, options, "render")

    @property
    def version(self) -> str:
        import PIL

        return f"render 1 (pillow {PIL.__version__})"

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        """Return a picture (height, width), grey, or a CellError, and the share of characters written, for each."""
        made: list[Any] = []
        sure: list[float] = []
        for text in values:
            try:
                picture, share = self.draw(text)
            except CellError as error:
                picture, share = error, 0.0
            made.append(picture)
            sure.append(share)
        return made, sure

    def draw(self, text: str) -> tuple[Image.Image, float]:
        """Return the picture of one text and the share of its characters that are written.

        Raises CellError for a blank text, and for one too long for a picture.
        """
        from PIL import Image, ImageDraw

        widest = self.width or USUAL_WIDTH * self.size
        margin = self.size
        shown, share = clean_text(text[:MAX_PIXELS], self.font)
        if not shown.strip():
            raise CellError("blank text: there is nothing to draw", "blank")
        faces = {find_face(self.font)}
        lines: list[tuple[str, str]] = []
        used = 0
        for line, base in wrap_lines(shown.strip("\n"), widest - 2 * margin, self.size, self.font):
            faces.update(run.face for run in split_runs(line, base, self.font))
            ascent, step = self._heights(frozenset(faces))
            lines.append((line, base))
            if widest * (2 * margin + len(lines) * step) > MAX_PIXELS:
                raise CellError(
                    f"text too long for one picture: {len(text)} characters; at size {self.size} about {used} would "
                    "do. Choose a smaller size, or cut it",
                    "too-large",
                )
            used += len(line) + 1
        rows = [split_runs(line, base, self.font) for line, base in lines]
        lengths = [[load_font(run.face, self.size).getlength(run.text, **way_of(run)) for run in row] for row in rows]
        width = min(widest, math.ceil(max(map(sum, lengths)))) + (2 * margin if len(rows) == 1 else 0)
        width = math.ceil(max(map(sum, lengths))) + 2 * margin
        picture = Image.new("L", (width, 2 * margin + len(rows) * step), 255)
        pen = ImageDraw.Draw(picture)
        for number, (row, wide, (_line, base)) in enumerate(zip(rows, lengths, lines, strict=True)):
            x = width - margin - sum(wide) if base == "rtl" else float(margin)
            for run, length in zip(row, wide, strict=True):
                place = (x, margin + number * step + ascent)
                pen.text(place, run.text, fill=0, font=load_font(run.face, self.size), anchor="ls", **way_of(run))
                x += length
        return picture, share

    def _heights(self, faces: frozenset[Face]) -> tuple[int, int]:
        """Return the pixels above the base line, and from line to line."""
        metrics = [load_font(face, self.size).getmetrics() for face in faces]
        above, below = max(m[0] for m in metrics), max(m[1] for m in metrics)
        return above, above + below + round(0.15 * self.size)
