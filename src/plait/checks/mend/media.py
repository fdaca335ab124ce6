"""What is seen of a picture or sound, and what all those of a column become. Decodes and changes none of them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.core.words import count
from plait.data import media
from plait.errors import CellError
from plait.kinds.image.prep import WHITES

UPRIGHT, COLOURS, FRAME = "turned upright", "colour mode changed", "first frame kept"
RATE, CHANNELS, OFFSET, HEADER = "resampled", "channels changed", "DC offset removed", "length in the header corrected"

GREY = ("1", "L", "LA")
_ENDINGS = {  # of the formats that Pillow and soundfile name: the first is what a renamed file gets
    "PNG": ".png", "JPEG": ".jpg .jpeg .jpe .jfif", "GIF": ".gif", "BMP": ".bmp .dib", "DIB": ".bmp .dib",
    "TIFF": ".tif .tiff", "WEBP": ".webp", "PPM": ".ppm .pgm .pbm .pnm", "JPEG2000": ".jp2 .j2k .jpx",
    "AVIF": ".avif", "ICO": ".ico", "WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav .rf64", "W64": ".w64",
    "FLAC": ".flac", "OGG": ".ogg .oga .opus", "MP3": ".mp3", "MPEG": ".mp3", "AIFF": ".aif .aiff .aifc",
    "AU": ".au .snd", "CAF": ".caf",
}  # fmt: skip
LOSSLESS = {"PNG": "PNG", "BMP": "BMP", "DIB": "BMP", "TIFF": "TIFF", "PPM": "PPM"}
LOSSLESS |= {name: name for name in ("WAV", "FLAC", "AIFF", "AU", "CAF", "W64")} | {"WAVEX": "WAV", "RF64": "WAV"}


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of one picture or sound. error: why it cannot be read, or "". digest: SHA-256 of the file."""

    error: str = ""
    digest: bytes = b""
    format: str = ""
    mode: str = ""  # pictures: as Pillow names it
    orientation: int = 1  # EXIF
    animated: bool = False
    coloured: bool = False
    brightest: float = 0.0  # of pictures of more than 8 bits
    rate: int = 0  # sounds: Hz
    channels: int = 0
    subtype: str = ""  # as soundfile names it
    offset: bool = False  # the mean is far from 0
    header: str = ""  # what the header tells wrongly of the length, or ""


@dataclass(frozen=True)
class Goal:
    """What every picture (mode) or sound (rate in Hz, channels) of a column becomes. None: each stays as it is.

    whites: the value that is white in pictures of each mode of more than 8 bits. note: what was left as it is, and why.
    """

    mode: str | None = None
    whites: Mapping[str, float] = field(default_factory=dict)
    rate: int | None = None
    channels: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Change:
    """A mended file: its content, its format, what counts call what was done, and what the row's note says."""

    content: bytes
    format: str
    done: tuple[str, ...]
    said: str


def take_content(cell: Any, folder: Path | None) -> dict[str, Any]:
    """Return {"bytes", "path"} of what a cell holds or names. Raises CellError."""
    source = media.open_cell(cell, folder)
    if isinstance(source, bytes):
        return {"bytes": source, "path": cell.get("path") if isinstance(cell, dict) else None}
    try:
        return {"bytes": source.read_bytes(), "path": str(cell.get("path") if isinstance(cell, dict) else cell)}
    except OSError as error:
        raise CellError(f"cannot be opened: {source.name} ({error.strerror})") from None


def choose_goal(kind: str, looks: Iterable[Look]) -> Goal:
    """Return what the readable pictures or sounds of a column become, so that they are alike.

    Pictures of one colour mode stay. Else all become RGB when one has colours, grey when none has and most are grey.
    Sounds get the commonest rate (of equals the higher) and the commonest number of channels (of equals the fewer).
    """
    seen = [one for one in looks if not one.error]
    if kind == "audio":
        rates, channels = Counter(one.rate for one in seen), Counter(one.channels for one in seen)
        return Goal(
            rate=max(rates, key=lambda r: (rates[r], r)) if len(rates) > 1 else None,
            channels=max(channels, key=lambda c: (channels[c], -c)) if len(channels) > 1 else None,
        )
    modes = Counter(one.mode for one in seen)
    if len(modes) < 2:
        return Goal()
    deep = sum(num for mode, num in modes.items() if mode.startswith(("I", "F")))
    if 2 * deep > len(seen):  # to bring them down to 8 bits would throw most of what they hold away
        many = f"{count(deep)} of {count(len(seen), 'picture has', 'pictures have')}"
        return Goal(note=f"{many} more than 8 bits: colour modes left as they are")
    brightest: dict[str, float] = {}
    for one in seen:
        brightest[one.mode] = max(brightest.get(one.mode, 0.0), one.brightest)
    whites = {mode: next((w for w in WHITES if w >= most), most) for mode, most in brightest.items() if most > 0}
    grey = deep + sum(modes[mode] for mode in GREY)
    return Goal(mode="RGB" if any(one.coloured for one in seen) or 2 * grey < len(seen) else "L", whites=whites)


def right_name(name: str, form: str) -> str:
    """Return a file's name with an ending of its format. A name without an ending of a picture or sound stays.

    >>> right_name("a.png", "JPEG"), right_name("a.jpeg", "JPEG"), right_name("Dr. Li", "JPEG")
    ('a.jpg', 'a.jpeg', 'Dr. Li')
    """
    stem, ending = os.path.splitext(name)
    endings = _ENDINGS.get(form, "").split()
    known = ending.lower() in media.IMAGE_ENDINGS | media.AUDIO_ENDINGS
    return stem + endings[0] if known and endings and ending.lower() not in endings else name


def default_ending(form: str) -> str:
    """Return the ending of a format with its point, or "" where it is unknown."""
    return _ENDINGS.get(form, "").partition(" ")[0]
