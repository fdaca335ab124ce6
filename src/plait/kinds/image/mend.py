"""Mend pictures. What is encoded anew is written without loss: in its own format where it is lossless, else as PNG."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.words import count
from plait.data import media
from plait.data.pictures import deep_values, quiet_pillow
from plait.kinds.image import prep
from plait.kinds.mending import Change, Goal, Look, take_content

if TYPE_CHECKING:
    from PIL import Image

UPRIGHT, COLOURS, FRAME = "turned upright", "colour mode changed", "first frame kept"

_SAYS = {
    "1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette", "PA": "palette with alpha",
    "RGBA": "RGB with alpha", "I": "32 bit grey", "I;16": "16 bit grey", "I;16B": "16 bit grey", "F": "float grey",
}  # fmt: skip
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
    ends: tuple[float, float] | None = None  # low and high, of pictures of more than 8 bits
    shows: tuple[bool, bool] = (True, True)  # on white, on black: of those with transparency


@dataclass(frozen=True)
class PictureGoal(Goal):
    """The colour mode of every picture of a column, None where each stays as it is.

    ranges: which values are black and white in pictures of each mode of more than 8 bits. backdrop: of transparency.
    """

    mode: str | None = None
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    backdrop: int = 255


def look(content: dict[str, Any]) -> PictureLook:
    """Decode a picture, {"bytes", "path"}, and say what it is. Raises CellError."""
    image = media.read_image(content, None)
    values, shallow = deep_values(image), prep.levelled(image)
    return PictureLook(
        digest=hashlib.sha256(content["bytes"]).digest(),
        format=image.format or "",
        mode=image.mode,
        orientation=prep.orientation_of(image),
        coloured=not prep.is_grey(shallow, every=True),
        ends=None if values is None else prep.ends_of(values),
        shows=prep.shows_on(shallow) if shallow.has_transparency_data else (True, True),
        animated=prep.is_animated(image),  # last, for it moves on to the next frame
    )


def choose_goal(looks: Iterable[PictureLook]) -> PictureGoal:
    """Return what the readable pictures of a column become, so that they are alike.

    Those of one colour mode stay. Else all become RGB when one has colours, grey when none has and most are grey.
    """
    seen = [look for look in looks if not look.error]
    modes = Counter(look.mode for look in seen)
    if len(modes) < 2:
        return PictureGoal()
    deep = sum(num for mode, num in modes.items() if mode.startswith(("I", "F")))
    if 2 * deep > len(seen):  # to bring them down to 8 bits would throw most of what they hold away
        many = f"{count(deep)} of {count(len(seen), 'picture has', 'pictures have')}"
        return PictureGoal(note=f"{many} more than 8 bits: colour modes left as they are")
    ends: dict[str, list[tuple[float, float]]] = {}
    for look in seen:
        ends.setdefault(look.mode, []).extend([look.ends] if look.ends else [])
    grey = deep + sum(modes[mode] for mode in prep.GREY)
    return PictureGoal(
        mode="RGB" if any(look.coloured for look in seen) or 2 * grey < len(seen) else "L",
        ranges={mode: prep.range_of(pairs) for mode, pairs in ends.items() if pairs},
        backdrop=prep.backdrop_of(look.shows for look in seen),
    )


def change(cell: Any, folder: Path | None, seen: PictureLook, goal: PictureGoal) -> Change | None:
    """Return the mended picture, or None where it needs nothing. Raises CellError where it cannot be done."""
    turn = prep.TURNS.get(seen.orientation)
    steps = {} if turn is None else {UPRIGHT: UPRIGHT}  # what counts call it → what the row's note says
    if seen.animated:
        steps[FRAME] = FRAME
    if goal.mode is not None and seen.mode != goal.mode:
        steps[COLOURS] = f"{_SAYS.get(seen.mode, seen.mode)} → {_SAYS.get(goal.mode, goal.mode)}"
    if not steps:
        return None
    image = media.read_image(take_content(cell, folder), None)
    kept = {"exif": _tags(image)}
    if COLOURS in steps:
        image = _recolour(image, seen, goal)
    else:
        kept["icc_profile"] = image.info.get("icc_profile")
        image = image if turn is None else image.transpose(turn)  # type: ignore[arg-type]
    form = _LOSSLESS.get(seen.format, "PNG")
    if form == "PNG" and image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA", "I", "I;16"):
        form = "TIFF"  # it knows every colour mode, such as CMYK
    if form != "PNG":
        del kept["exif"]
    out = io.BytesIO()
    image.save(out, form, **{name: value for name, value in kept.items() if value})
    saved = [f"saved as {form}"] if form != seen.format and (form, seen.format) != ("BMP", "DIB") else []
    return Change(out.getvalue(), form, tuple(steps), ", ".join([*steps.values(), *saved]))


def _recolour(image: Image.Image, seen: PictureLook, goal: PictureGoal) -> Image.Image:
    """Return the picture upright and in the goal's colour mode; what is transparent becomes the backdrop."""
    from PIL import Image

    width, height = image.size[::-1] if seen.orientation >= 5 else image.size
    black, white = goal.ranges.get(seen.mode, (None, 65535.0))
    as_asked = prep.ImagePrep(mode=goal.mode or "L", height=height, width=width, draft=False)
    pixels = replace(as_asked, black=black, white=white, backdrop=goal.backdrop)(image)
    return Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1))


def _tags(image: Image.Image) -> bytes | None:
    """Return the EXIF of a picture without its orientation, or None where there is none, or a broken one."""
    try:
        with quiet_pillow():
            exif = image.getexif()
        if prep.ORIENTATION in exif:
            del exif[prep.ORIENTATION]
        return exif.tobytes() if len(exif) else None
    except (*prep.DAMAGE, AttributeError):
        return None
