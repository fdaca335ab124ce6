"""Mend one picture or sound: look at it, choose what all of a column become, change it. Knows no table and no folder.

What needs no change is never encoded anew. What is encoded anew is written without loss: in its own format where that
is a lossless one, else as PNG or WAV. Every function here is safe to call from many threads.
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.data import media
from plait.errors import CellError
from plait.prep.image import ORIENTATION, WHITES, ImagePrep

if TYPE_CHECKING:
    from PIL import Image

UPRIGHT, COLOURS, FRAME = "turned upright", "colour mode changed", "first frame kept"
RATE, CHANNELS, OFFSET, HEADER = "resampled", "channels changed", "DC offset removed", "length in the header corrected"
LARGE_OFFSET = 0.02  # of full scale 1: a smaller mean of a sound stays
SHARE_OFFSET = 0.25  # of the level: low noise in a short sound has a mean of its own
COLOUR = 8  # how far apart red, green and blue of a grey JPEG can be, of 255

_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation → Pillow's transpose
_GREY = ("1", "L", "LA")
_SAYS = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette", "PA": "palette with alpha"}
_SAYS |= {
    "RGBA": "RGB with alpha",
    "I": "32 bit grey",
    "I;16": "16 bit grey",
    "I;16B": "16 bit grey",
    "F": "float grey",
}
_ENDINGS = {  # of the formats that Pillow and soundfile name: the first is what a renamed file gets
    "PNG": ".png", "JPEG": ".jpg .jpeg .jpe .jfif", "GIF": ".gif", "BMP": ".bmp .dib", "DIB": ".bmp .dib",
    "TIFF": ".tif .tiff", "WEBP": ".webp", "PPM": ".ppm .pgm .pbm .pnm", "JPEG2000": ".jp2 .j2k .jpx",
    "AVIF": ".avif", "ICO": ".ico", "WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav .rf64", "W64": ".w64",
    "FLAC": ".flac", "OGG": ".ogg .oga .opus", "MP3": ".mp3", "MPEG": ".mp3", "AIFF": ".aif .aiff .aifc",
    "AU": ".au .snd", "CAF": ".caf",
}  # fmt: skip
_LOSSLESS = {"PNG": "PNG", "BMP": "BMP", "DIB": "BMP", "TIFF": "TIFF", "PPM": "PPM"}
_LOSSLESS |= {name: name for name in ("WAV", "FLAC", "AIFF", "AU", "CAF", "W64")} | {"WAVEX": "WAV", "RF64": "WAV"}
_DEPTHS = dict.fromkeys(("PCM_24", "PCM_32"), "PCM_24") | dict.fromkeys(("FLOAT", "DOUBLE"), "FLOAT")
_BAD_TAGS = (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError)


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
    header: bool = False  # the header tells another length than the file has


@dataclass(frozen=True)
class Goal:
    """What every picture (mode, and the value that is white) or sound (rate in Hz, channels) of a column becomes.

    None: each stays as it is. note: what was left as it is, and why.
    """

    mode: str | None = None
    white: float = 65535.0
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


def look(kind: str, cell: Any, folder: Path | None) -> Look:
    """Decode a picture or a sound once, and say what it is."""
    try:
        content = take_content(cell, folder)
        return _look_picture(content) if kind == "image" else _look_sound(content)
    except CellError as error:
        return Look(error=str(error))


def _look_picture(content: dict[str, Any]) -> Look:
    image = media.read_image(content, None)
    deep = image.mode.startswith(("I", "F"))
    return Look(
        digest=hashlib.sha256(content["bytes"]).digest(),
        format=image.format or "",
        mode=image.mode,
        orientation=_orientation(image),
        coloured=not deep and _is_coloured(image),
        brightest=float(np.nan_to_num(np.asarray(image, np.float32)).max(initial=0)) if deep else 0.0,
        animated=_is_animated(image),  # last, for it moves on to the next frame
    )


def _orientation(image: Image.Image) -> int:
    try:
        tag = image.getexif().get(ORIENTATION, 1)
    except _BAD_TAGS:
        return 1  # a broken tag is no broken picture
    return tag if tag in _TURNS else 1


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except (*_BAD_TAGS, EOFError):
        return False  # there is a second frame, but it cannot be read: the first is all there is


def _is_coloured(image: Image.Image) -> bool:
    from PIL import ImageChops

    if image.mode in _GREY:
        return False
    try:
        red, green, blue = image.convert("RGB").split()
    except ValueError:  # a colour mode that cannot be turned into colours; its row will say so
        return False
    pairs = (red, green), (green, blue), (red, blue)
    return any(ImageChops.difference(a, b).getextrema()[1] > COLOUR for a, b in pairs)  # type: ignore[operator]


def _look_sound(content: dict[str, Any]) -> Look:
    import soundfile

    samples, rate = media.read_sound(content, None)
    with soundfile.SoundFile(io.BytesIO(content["bytes"])) as file:
        form, subtype = file.format, file.subtype
    return Look(
        digest=hashlib.sha256(content["bytes"]).digest(),
        format=form,
        rate=rate,
        channels=samples.shape[1],
        subtype=subtype,
        offset=_has_offset(samples),
        header=form in ("WAV", "WAVEX") and not _is_length_right(content["bytes"]),
    )


def _has_offset(samples: np.ndarray) -> bool:
    mean = np.abs(samples.mean(axis=0, dtype=np.float64))
    level = np.sqrt(np.square(samples).mean(axis=0, dtype=np.float64))
    return bool((mean > np.maximum(LARGE_OFFSET, SHARE_OFFSET * level)).any())


def _is_length_right(content: bytes) -> bool:
    """Tell whether a RIFF file is as long as its header says, and its sound lies within it."""
    order = ">" if content[:4] == b"RIFX" else "<"
    told = struct.unpack(f"{order}I", content[4:8])[0] + 8
    at = 12
    while at + 8 <= len(content):
        name, size = content[at : at + 4], struct.unpack(f"{order}I", content[at + 4 : at + 8])[0]
        if name == b"data":
            # An odd chunk is followed by one more byte, which not every program writes or counts.
            return at + 8 + size <= len(content) and abs(told - len(content)) <= 1
        at += 8 + size + size % 2
    return True  # there is no chunk of sound to compare: leave it


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
    deep = sum(count for mode, count in modes.items() if mode.startswith(("I", "F")))
    if 2 * deep > len(seen):  # to bring them down to 8 bits would throw most of what they hold away
        return Goal(note=f"{deep} of {len(seen)} pictures have more than 8 bits: colour modes left as they are")
    brightest = max(one.brightest for one in seen)
    white = next((w for w in WHITES if w >= brightest), brightest) if brightest else 65535.0
    grey = deep + sum(modes[mode] for mode in _GREY)
    return Goal(mode="RGB" if any(one.coloured for one in seen) or 2 * grey < len(seen) else "L", white=white)


def change(kind: str, cell: Any, folder: Path | None, seen: Look, goal: Goal) -> Change | None:
    """Return the mended picture or sound, or None where it needs nothing. Raises CellError where it cannot be done."""
    if kind == "image":
        convert = goal.mode is not None and seen.mode != goal.mode
        if not (convert or seen.animated or seen.orientation in _TURNS):
            return None
        return _change_picture(take_content(cell, folder), seen, goal if convert else Goal())
    resample = goal.rate is not None and seen.rate != goal.rate
    remix = goal.channels is not None and seen.channels != goal.channels
    if not (resample or remix or seen.offset or seen.header):
        return None
    goal = Goal(rate=goal.rate if resample else None, channels=goal.channels if remix else None)
    return _change_sound(take_content(cell, folder), seen, goal)


def _change_picture(content: dict[str, Any], seen: Look, goal: Goal) -> Change:
    from PIL import Image

    image = media.read_image(content, None)
    done, said = [], []
    turn = _TURNS.get(seen.orientation)
    if turn is not None:
        done, said = [UPRIGHT], [UPRIGHT]
    if seen.animated:
        done.append(FRAME)
        said.append(FRAME)
    kept: dict[str, Any] = {}
    if goal.mode is not None:
        width, height = image.size[::-1] if seen.orientation >= 5 else image.size
        prep = ImagePrep(mode=goal.mode, height=height, width=width, white=goal.white, draft=False)
        pixels = prep(image)  # upright, and what is transparent becomes white
        done.append(COLOURS)
        said.append(f"{_SAYS.get(seen.mode, seen.mode)} → {_SAYS.get(goal.mode, goal.mode)}")
    exif = _tags(image)
    if exif:
        kept["exif"] = exif
    if goal.mode is not None:
        image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.ascontiguousarray(pixels.transpose(1, 2, 0)))
    else:
        if image.info.get("icc_profile"):
            kept["icc_profile"] = image.info["icc_profile"]
        image = image if turn is None else image.transpose(turn)  # type: ignore[arg-type]
    form = _LOSSLESS.get(seen.format, "PNG")
    if form == "PNG" and image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
        image, kept = image.convert("RGB"), {}
    if form != "PNG":
        kept.pop("exif", None)
    out = io.BytesIO()
    image.save(out, form, **kept)
    if form != seen.format and (form, seen.format) != ("BMP", "DIB"):
        said.append(f"saved as {form}")
    return Change(out.getvalue(), form, tuple(done), ", ".join(said))


def _tags(image: Image.Image) -> bytes | None:
    """Return the EXIF of a picture without its orientation, or None where there is none, or a broken one."""
    try:
        exif = image.getexif()
        if ORIENTATION in exif:
            del exif[ORIENTATION]
        return exif.tobytes() if len(exif) else None
    except (*_BAD_TAGS, AttributeError):
        return None


def _change_sound(content: dict[str, Any], seen: Look, goal: Goal) -> Change:
    samples, rate = media.read_sound(content, None)
    done, said = [], []
    if seen.header:
        done.append(HEADER)
        said.append(HEADER)
    if seen.offset:
        samples = (samples - samples.mean(axis=0, dtype=np.float64)).astype(np.float32)
        done.append(OFFSET)
        said.append(OFFSET)
    if goal.rate is not None:
        import soxr

        done.append(RATE)
        said.append(f"{rate} → {goal.rate} Hz")
    if goal.channels is not None:
        done.append(CHANNELS)
        said.append({1: "mono", 2: "stereo"}.get(goal.channels, f"{goal.channels} channels"))
        if samples.shape[1] > 1:
            samples = samples.mean(axis=1, keepdims=True, dtype=np.float64).astype(np.float32)
        samples = np.repeat(samples, goal.channels, axis=1)
    if goal.rate is not None:
        samples, rate = soxr.resample(np.ascontiguousarray(samples), rate, goal.rate, quality="VHQ"), goal.rate
        if not len(samples):
            raise CellError(f"sound is too short: no sample is left at {rate} Hz")
    encoded, form = _encode_sound(samples, rate, seen)
    if form != _LOSSLESS.get(seen.format):
        said.append(f"saved as {form}")
    return Change(encoded, form, tuple(done), ", ".join(said))


def _encode_sound(samples: np.ndarray, rate: int, seen: Look) -> tuple[bytes, str]:
    """Return (file, format): as deep as it was, and as float where a sample lies beyond full scale."""
    import soundfile

    form, depth = _LOSSLESS.get(seen.format, "WAV"), _DEPTHS.get(seen.subtype, "PCM_16")
    if depth != "FLOAT" and not (samples.min() >= -1 and samples.max() <= 1):
        depth = "FLOAT"
    if depth == "FLOAT" and form == "FLAC":
        form = "WAV"
    values = samples
    if depth == "PCM_16":  # whole numbers, for libsndfile reads by 32768 and writes by 32767
        values = np.clip(np.rint(samples * 2.0**15), -(2**15), 2**15 - 1).astype(np.int16)
    elif depth == "PCM_24":
        values = np.clip(np.rint(samples.astype(np.float64) * 2.0**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
    out = io.BytesIO()
    soundfile.write(out, values, rate, format=form, subtype=depth)
    return out.getvalue(), form


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
