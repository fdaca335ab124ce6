"""Mend pictures: look at one, choose what all those of a column become, and change one. Knows no table and no sound.

What is encoded anew is written without loss: in its own format where that is a lossless one, else as PNG.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.words import count
from plait.data import media
from plait.kinds.image.prep import ORIENTATION, WHITES, ImagePrep
from plait.kinds.mending import Change, Goal, Look, take_content

if TYPE_CHECKING:
    from PIL import Image

UPRIGHT, COLOURS, FRAME = "turned upright", "colour mode changed", "first frame kept"
GREY = ("1", "L", "LA")
COLOUR = 8  # how far apart red, green and blue of a grey JPEG can be, of 255

_TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF orientation → Pillow's transpose
_SAYS = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette", "PA": "palette with alpha"}
_SAYS |= {
    "RGBA": "RGB with alpha",
    "I": "32 bit grey",
    "I;16": "16 bit grey",
    "I;16B": "16 bit grey",
    "F": "float grey",
}
_BAD_TAGS = (SyntaxError, struct.error, ValueError, TypeError, KeyError, OSError, Warning)

ENDINGS = {  # of the formats that Pillow names: the first is what a renamed file gets
    "PNG": ".png", "JPEG": ".jpg .jpeg .jpe .jfif", "GIF": ".gif", "BMP": ".bmp .dib", "DIB": ".bmp .dib",
    "TIFF": ".tif .tiff", "WEBP": ".webp", "PPM": ".ppm .pgm .pbm .pnm", "JPEG2000": ".jp2 .j2k .jpx",
    "AVIF": ".avif", "ICO": ".ico",
}  # fmt: skip
_LOSSLESS = {"PNG": "PNG", "BMP": "BMP", "DIB": "BMP", "TIFF": "TIFF", "PPM": "PPM"}


@dataclass(frozen=True, slots=True)
class PictureLook(Look):
    """What is seen of one picture."""

    mode: str = ""  # as Pillow names it
    orientation: int = 1  # EXIF
    animated: bool = False
    coloured: bool = False
    brightest: float = 0.0  # of pictures of more than 8 bits


@dataclass(frozen=True)
class PictureGoal(Goal):
    """The colour mode of every picture of a column, None where each stays as it is.

    whites: the value that is white in pictures of each mode of more than 8 bits.
    """

    mode: str | None = None
    whites: Mapping[str, float] = field(default_factory=dict)


def look(content: dict[str, Any]) -> PictureLook:
    """Decode a picture, {"bytes", "path"}, and say what it is. Raises CellError."""
    image = media.read_image(content, None)
    deep = image.mode.startswith(("I", "F"))
    return PictureLook(
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

    if image.mode in GREY:
        return False
    try:
        red, green, blue = image.convert("RGB").split()
    except ValueError:  # a colour mode that cannot be turned into colours; its row will say so
        return False
    pairs = (red, green), (green, blue), (red, blue)
    return any(ImageChops.difference(a, b).getextrema()[1] > COLOUR for a, b in pairs)  # type: ignore[operator]


def choose_goal(looks: Iterable[PictureLook]) -> PictureGoal:
    """Return what the readable pictures of a column become, so that they are alike.

    Those of one colour mode stay. Else all become RGB when one has colours, grey when none has and most are grey.
    """
    seen = [one for one in looks if not one.error]
    modes = Counter(one.mode for one in seen)
    if len(modes) < 2:
        return PictureGoal()
    deep = sum(num for mode, num in modes.items() if mode.startswith(("I", "F")))
    if 2 * deep > len(seen):  # to bring them down to 8 bits would throw most of what they hold away
        many = f"{count(deep)} of {count(len(seen), 'picture has', 'pictures have')}"
        return PictureGoal(note=f"{many} more than 8 bits: colour modes left as they are")
    brightest: dict[str, float] = {}
    for one in seen:
        brightest[one.mode] = max(brightest.get(one.mode, 0.0), one.brightest)
    whites = {mode: next((w for w in WHITES if w >= most), most) for mode, most in brightest.items() if most > 0}
    grey = deep + sum(modes[mode] for mode in GREY)
    return PictureGoal(mode="RGB" if any(one.coloured for one in seen) or 2 * grey < len(seen) else "L", whites=whites)


def change(cell: Any, folder: Path | None, seen: PictureLook, goal: PictureGoal) -> Change | None:
    """Return the mended picture, or None where it needs nothing. Raises CellError where it cannot be done."""
    convert = goal.mode is not None and seen.mode != goal.mode
    if not (convert or seen.animated or seen.orientation in _TURNS):
        return None
    return _change(take_content(cell, folder), seen, goal if convert else PictureGoal())


def _change(content: dict[str, Any], seen: PictureLook, goal: PictureGoal) -> Change:
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
        white = goal.whites.get(seen.mode, 65535.0)
        prep = ImagePrep(mode=goal.mode, height=height, width=width, white=white, draft=False)
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
        form = "TIFF"  # it knows every colour mode, such as CMYK
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
