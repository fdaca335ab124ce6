"""Decode a picture, with all the bits it has, and with what is left of one whose last bytes are missing.

Raises whatever Pillow raises; `media` makes a CellError of it. Knows no cell, no path and no preparation.
Pillow holds colours of 8 bits only: where a picture has more, they are kept beside it (`deep_values`)."""

from __future__ import annotations

import contextlib
import functools
import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.errors import CellError, MissingExtra, need

if TYPE_CHECKING:
    from PIL import Image
    from PIL.ImageFile import ImageFile

MAX_PIXELS = 89_478_485  # Pillow's own limit: a larger picture is refused before it is decoded
MOST_BYTES = 2**27  # of a decoded picture whose end is missing, which is decoded several times to see how much is left
NEXT_TO_NOTHING = 0.01  # share of a picture that may be missing at its end
# in Image.info: values of more than 8 bits; what is missing at the end; which range 8 bits would have been; (width,
# height) of the file where a draft is smaller
VALUES, CUT, RANGE, SIZE = "plait values", "plait cut", "plait range", "plait size"
END_OF_JPEG = b"\xff\xd9"
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF", "ICO")
_LOW = {
    "16B": "16L",
    "16L": "16B",
    "16N": "16B",
}  # read with the bytes swapped, the lower byte comes where Pillow looks
_LOCK = threading.Lock()
_inside: list[Any] = []  # how many threads are in `quiet_pillow`, as the filter of each


@contextlib.contextmanager
def quiet_pillow() -> Iterator[None]:
    """Keep Pillow's own warnings off the screen while it decodes, in whichever thread; nobody else's are touched."""
    with _LOCK:
        if not _inside:
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _inside.append(warnings.filters[0] if not _inside else _inside[0])
    try:
        yield
    finally:
        with _LOCK:
            ours = _inside.pop()
            if not _inside:
                with contextlib.suppress(ValueError):  # someone has reset the filters meanwhile
                    warnings.filters.remove(ours)  # type: ignore[attr-defined]


def decode(content: bytes, draft: tuple[int, int] | None = None) -> Image.Image:
    """Decode a picture fully; next to nothing may be missing at its end, and `info[CUT]` then says so.

    draft: (width, height) in pixels, below which a JPEG is not decoded. Raises what Pillow raises."""
    with quiet_pillow():
        try:
            image = _load(content, draft)
        except (OSError, SyntaxError, ValueError, struct.error) as error:
            rest = _without_end(content, draft)
            if rest is None:
                raise error from None
            image = rest
        # libjpeg fills what is missing before an end mark with grey, and says nothing
        if image.format in ("JPEG", "MPO") and CUT not in image.info and _ends_grey(image):
            image = _checked_jpeg(image, content[: content.rfind(END_OF_JPEG)])
        return image


def _load(content: bytes, draft: tuple[int, int] | None = None) -> Image.Image:
    from PIL import Image

    image = open_picture(content)
    size = image.size
    if draft is not None and image.format in ("JPEG", "MPO"):
        image.draft(None, draft)
    if image.width * image.height > MAX_PIXELS:
        raise Image.DecompressionBombError
    form = _raw_form(image)
    image.load()
    if image.size != size:
        image.info[SIZE] = size
    if form:
        image.info[VALUES] = _deep_colours(image, form, content)
    elif image.format == "TIFF":  # Pillow takes signed numbers of 8 bits as unsigned, unsigned ones of 32 as signed
        kind = image.mode, image.tag_v2.get(258), image.tag_v2.get(339, (1,))  # type: ignore[attr-defined]
        if turn := {("L", (8,), (2,)): np.int8, ("I", (32,), (1,)): np.uint32}.get(kind):
            image.info[VALUES] = np.asarray(image).view(turn)
    return image


def open_picture(content: bytes) -> ImageFile:
    """Open a picture; a PNG whose comments are longer than Pillow reads, without them."""
    from PIL import Image

    try:
        return Image.open(io.BytesIO(content), formats=_formats())
    except ValueError as error:
        if "MAX_TEXT" not in str(error):
            raise
    return Image.open(io.BytesIO(_without_text(content)), formats=_formats())


def decode_heic(content: bytes) -> Image.Image:
    """Decode a HEIC, by a package that comes with an extra of its own. Raises CellError where it is not there."""
    try:
        need("pillow_heif")
    except MissingExtra as error:
        raise CellError(f"a HEIC picture: {error}, or convert it to JPEG or PNG") from None
    import pillow_heif

    image: Image.Image = pillow_heif.open_heif(io.BytesIO(content), convert_hdr_to_8bit=True).to_pillow()
    return image


@functools.cache
def _formats() -> tuple[str, ...]:
    """Return the formats that this Pillow has; never those that call other programs, such as EPS."""
    from PIL import Image

    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give (name, start, end) of each part of a PNG."""
    place = 8
    while place + 8 <= len(content):
        length, name = struct.unpack_from(">I4s", content, place)
        yield name, place, place + 12 + length
        place += 12 + length


def _without_text(content: bytes) -> bytes:
    """Return a PNG without its comments and colour profile, which plait reads nothing from."""
    texts = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
    return content[:8] + b"".join(content[start:end] for name, start, end in _chunks(content) if name not in texts)


# ---- more than 8 bits ------------------------------------------------------------------------------------------------


def deep_values(image: Image.Image) -> np.ndarray | None:
    """Return the values of a picture of more than 8 bits: (height, width[, colour]), no transparency; else None."""
    values = image.info.get(VALUES)
    if values is None and (image.mode.startswith("I") or image.mode == "F"):
        return np.asarray(image)
    return values


def _raw_form(image: ImageFile) -> str:
    """Return how colours of 16 bits lie in a file, as Pillow names it, such as "RGB;16B"; "" where there are none."""
    tile = image.tile[0] if image.mode in ("RGB", "RGBA") and getattr(image, "tile", None) else None
    args = tile.args if tile is not None else ""
    form = args if isinstance(args, str) else args[0] if isinstance(args, tuple) and args else ""
    if image.format == "PPM" and isinstance(args, tuple) and args[-1] > 255:
        return "PPM"
    return form if isinstance(form, str) and form.rpartition(";")[2] in _LOW else ""


def _deep_colours(image: Image.Image, form: str, content: bytes) -> np.ndarray:
    """Return the colours (height, width[, colour]) of 16 bits of a picture of which Pillow decoded the upper 8."""
    shape = image.height, image.width
    if form == "PPM":
        start = open_picture(content).tile[0].offset
        return np.frombuffer(content, ">u2", 3 * shape[0] * shape[1], start).reshape(*shape, 3).astype(np.uint16)
    again = open_picture(content)
    if form.startswith("LA;"):  # two of 16 bits are four of 8
        again.tile = [tile._replace(args="RGBA") for tile in again.tile]
        return np.asarray(again).reshape(*shape, 4)[..., :2].copy().view(">u2")[..., 0].astype(np.uint16)
    name, _, bits = form.rpartition(";")
    low = f"{name};{_LOW[bits]}"
    again.tile = [t._replace(args=low if isinstance(t.args, str) else (low, *(t.args or ())[1:])) for t in again.tile]
    both = np.asarray(image)[..., :3].astype(np.uint16) << 8 | np.asarray(again)[..., :3]
    return np.ascontiguousarray(both)


def picture_of_array(values: np.ndarray) -> Image.Image:
    """Return an array as a picture: what is not uint8 keeps its values beside the 8 bits. Raises CellError."""
    from PIL import Image

    shape = values.shape
    if values.ndim == 3 and shape[0] in (1, 3, 4) and shape[2] not in (1, 2, 3, 4):
        values = np.moveaxis(values, 0, 2)
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] not in (1, 2, 3, 4)) or not values.size:
        raise CellError(f"expected an image of shape (height, width[, channel]) with 1, 3 or 4 channels, got {shape}")
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.dtype == bool:
        values = values.astype(np.uint8) * 255
    if values.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(values))
    if values.dtype.kind not in "fiu":
        raise CellError(f"expected an image of numbers, got an array of {values.dtype}")
    if not np.isfinite(values).any():
        raise CellError("an image without a value: all are NaN or infinite")
    low, high = float(values.min()), float(values.max())
    scale = 255.0 if values.dtype.kind == "f" and high <= 1 else 1.0
    with np.errstate(invalid="ignore"):
        small = np.clip(np.rint(np.nan_to_num(values.astype(np.float64)) * scale), 0, 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(small))
    image.info[VALUES] = values[..., :-1] if image.mode in ("LA", "RGBA") else values
    if image.info[VALUES].ndim == 3 and image.mode == "LA":
        image.info[VALUES] = image.info[VALUES][..., 0]
    if not (low >= 0 and high <= 255):  # also where there is a NaN: those of a run that learned no range stay absent
        image.info[RANGE] = f"expected image values from 0 to 1 or from 0 to 255, got {low:g} to {high:g}"
    return image


# ---- an end that is missing ------------------------------------------------------------------------------------------


def _without_end(content: bytes, draft: tuple[int, int] | None) -> Image.Image | None:
    """Return a picture of which next to nothing is missing at the end; None where more is, or it is another fault."""
    with contextlib.suppress(OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error):
        if content.startswith(b"\xff\xd8\xff"):
            body = content.rstrip(b"\0")  # of a download that was not finished, the rest is zero
            body = body[: -1 if body.endswith(b"\xff") else None]
            return _checked_jpeg(_load(body + END_OF_JPEG, draft), body)
        if content.startswith(b"\x89PNG"):
            image = _load(_filled_png(content))
        elif content.startswith(b"GIF8"):
            image = _load(_filled_gif(content))
        else:  # what is stored line by line
            content += bytes(max(64, int(len(content) * NEXT_TO_NOTHING)))
            if any(tile.codec_name == "libtiff" for tile in open_picture(content).tile):
                return None  # it would say on the screen what it cannot unpack
            image = _load(content)
        image.info[CUT] = "its last bytes are missing"
        return image
    return None


def _filled_gif(content: bytes) -> bytes:
    """Return a GIF with next to nothing in its first colour behind what is there, in blocks of up to 255 bytes, and its
    end mark (GIF89a): a code of LZW that is zero is one pixel, of 9 to 12 bits as a rule."""

    def colours(flags: bytes) -> int:
        return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 128 else 0

    width, height = struct.unpack_from("<HH", content, 6)
    place = 13 + colours(content[10:11])
    while place < len(content) and content[place] != 0x3B:
        place += 11 + colours(content[place + 9 : place + 10]) if content[place] == 0x2C else 2
        while place < len(content) and content[place]:
            place += 1 + content[place]
        if place >= len(content):
            room = max(64, int(width * height * NEXT_TO_NOTHING * 9 / 8))
            sizes = [min(255, room - start) for start in range(0, room, 255)]
            blocks = b"".join(bytes([size]) + bytes(size) for size in sizes)
            return content + bytes(place - len(content)) + blocks + b"\0;"
        place += 1
    return content + b";"


def _ends_grey(image: Image.Image) -> bool:
    """Whether the lowest lines are of the grey that stands for nothing."""
    last: Any = image.getpixel((image.width - 1, image.height - 1))
    if not all(127 <= value <= 129 for value in (last if isinstance(last, tuple) else (last,))):
        return False  # as a rule; quicker
    lines = max(1, 4 * image.height // image.info.get(SIZE, image.size)[1])
    spans: Any = image.crop((0, max(0, image.height - lines), image.width, image.height)).getextrema()
    return all(span in ((127, 127), (128, 128), (129, 129)) for span in (spans if len(image.mode) > 1 else (spans,)))


def _checked_jpeg(image: Image.Image, body: bytes) -> Image.Image:
    """Return a JPEG, with a note where next to nothing is missing at its end. Raises OSError where more is.
    body: the file without its end mark.

    Without some bytes more, the lines from where they belong are other ones: that is where the data ends."""
    scan = body.rfind(b"\xff\xda")  # its header: how many colours, two bytes for each, first and last wave, bits
    first_wave, last_wave, bits = body[scan + 5 + 2 * body[scan + 4] :][:3]
    if b"\xff\xc2" in body[:scan]:  # in passes: whole, but for the finest shade, once the last bit comes
        if bits & 15 or (last_wave < 63 and (first_wave or not bits)):
            raise OSError("image file is truncated: its last passes are missing")
    elif _missing_of_jpeg(body) > NEXT_TO_NOTHING:
        raise OSError("image file is truncated: its lower part is missing")
    image.info[CUT] = "its last bytes are missing"
    return image


def _missing_of_jpeg(body: bytes) -> float:
    """Return which share of a JPEG is missing at the end, to a few blocks: with some bytes less, pixels change from
    where these bytes belong on."""
    image = _load(body + END_OF_JPEG)
    if image.width * image.height * len(image.getbands()) > MOST_BYTES:
        return 1.0
    whole = np.asarray(image)
    for num in (4, 24):  # the last bytes may be no part of the picture
        less = np.asarray(_load(body[:-num] + END_OF_JPEG))
        differs = (whole != less).reshape(*whole.shape[:2], -1).any(axis=2)
        if differs.any():
            line = (int(differs.any(axis=1).argmax()) + 2) // 16 * 16  # colours reach a little into the block above
            column = int(differs[line : line + 16].any(axis=0).argmax()) + 32
            return 1 - line / len(whole) - column / whole.shape[1] * min(16, len(whole) - line) / len(whole)
    return 0.0


def _filled_png(content: bytes) -> bytes:
    """Return a PNG whose last lines, as far as they are missing, repeat the one above. Raises ValueError: too many."""
    width, height, bits, colours, _, _, interlaced = struct.unpack_from(">IIBBBBB", content, 16)
    line = 1 + (width * bits * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colours, 0) + 7) // 8
    if interlaced or line * height > MOST_BYTES:
        raise ValueError("not a PNG that is read line by line")
    inflate, lines, before = zlib.decompressobj(), b"", []
    for name, start, end in _chunks(content):
        if name == b"IDAT" and len(lines) < line * height:
            part = content[start + 8 : end - 4 if end <= len(content) else None]
            lines += inflate.decompress(part, line * height - len(lines))
        elif not lines:
            before.append(content[start:end])
    missing = line * height - len(lines)
    if missing > NEXT_TO_NOTHING * line * height + line:
        raise ValueError("too much is missing")
    lines += bytes(missing % line) + (b"\x02" + bytes(line - 1)) * (missing // line)  # 2: as the line above
    return content[:8] + b"".join(before) + _chunk(b"IDAT", zlib.compress(lines, 1)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
