"""Look at one picture, and mend it. Knows no table, no column and no sound.

What is encoded anew is written without loss: in its own format where that is a lossless one, else as PNG.
"""

from __future__ import annotations

import hashlib
import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.checks.mend.media import COLOURS, FRAME, GREY, LOSSLESS, UPRIGHT, Change, Goal, Look, take_content
from plait.data import media
from plait.kinds.image.prep import ORIENTATION, ImagePrep

if TYPE_CHECKING:
    from PIL import Image

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


def look_picture(content: dict[str, Any]) -> Look:
    """Decode a picture, {"bytes", "path"}, and say what it is. Raises CellError."""
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

    if image.mode in GREY:
        return False
    try:
        red, green, blue = image.convert("RGB").split()
    except ValueError:  # a colour mode that cannot be turned into colours; its row will say so
        return False
    pairs = (red, green), (green, blue), (red, blue)
    return any(ImageChops.difference(a, b).getextrema()[1] > COLOUR for a, b in pairs)  # type: ignore[operator]


def change_picture(cell: Any, folder: Path | None, seen: Look, goal: Goal) -> Change | None:
    """Return the mended picture, or None where it needs nothing. Raises CellError where it cannot be done."""
    convert = goal.mode is not None and seen.mode != goal.mode
    if not (convert or seen.animated or seen.orientation in _TURNS):
        return None
    return _change(take_content(cell, folder), seen, goal if convert else Goal())


def _change(content: dict[str, Any], seen: Look, goal: Goal) -> Change:
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
    form = LOSSLESS.get(seen.format, "PNG")
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
