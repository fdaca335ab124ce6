"""Open one cell and decode it: a picture or a sound. Knows nothing of tables, columns or preprocessing.
All is safe to call from many threads. What cannot be read raises CellError; the caller adds the column and the row."""

from __future__ import annotations

import binascii
import io
import os
import re
import stat
import struct
import unicodedata
import urllib.parse
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.data.headers import check_header
from plait.data.in_text import held_in
from plait.data.pictures import MAX_PIXELS, decode, decode_heic, picture_of_array
from plait.errors import CellError

if TYPE_CHECKING:
    from PIL import Image

HEAD = 64  # bytes that are enough to tell a format
DEFAULT_RATE = 22050  # Hz, of arrays that come without a sample rate
MAX_SAMPLES = 2**28  # 1 GB of float32: a longer sound is refused before it is decoded, or brought to another rate
LEAST_RATE, MOST_RATE = 100, 768_000  # Hz: what is recorded lies between, from seismometers to bats
MAX_BYTES = 2**32  # of a file that is read whole: 4 GB, the most that a WAV can hold

_PICTURES = "png jpg jpeg jpe jfif gif bmp tif tiff webp ppm pgm pbm jp2 avif ico heic"
_SOUNDS = "wav flac ogg oga opus mp3 aif aiff aifc au snd caf w64 rf64 m4a aac"
IMAGE_ENDINGS = frozenset("." + ending for ending in _PICTURES.split())
AUDIO_ENDINGS = frozenset("." + ending for ending in _SOUNDS.split())

_LOCAL = re.compile(
    r"file:(?://(?:localhost)?(?=/)|(?=/(?!/)))", re.IGNORECASE
)  # RFC 8089: without a host, or with this one
_PART = re.compile(r"(.+)#t=(\d+(?:\.\d*)?|(?=,))(?:,(\d+(?:\.\d*)?))?", re.DOTALL)

_LOOKS = (  # how the files of each format begin
    (rb"\x89PNG\r\n\x1a\n", "image", "PNG"),
    (rb"\xff\xd8\xff", "image", "JPEG"),
    (rb"GIF8[79]a", "image", "GIF"),
    (rb"II[*+]\x00|MM\x00\*", "image", "TIFF"),
    (rb"\x00\x00\x00\x0cjP  ", "image", "JPEG 2000"),
    (rb"\x00\x00\x01\x00", "image", "ICO"),
    (rb"RIFF.{4}WEBP", "image", "WebP"),
    (rb".{4}ftypavi[fs]", "image", "AVIF"),
    (rb".{4}ftyp(?:hei[cx]|hevc|mif1|msf1)", "image", "HEIC"),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "image", "BMP"),
    (rb"P[1-6]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s", "image", "PNM"),
    (rb"(?:RIFF|RIFX|RF64).{4}WAVE", "audio", "WAV"),
    (rb"fLaC", "audio", "FLAC"),
    (rb"OggS(?!.{,54}theora)", "audio", "OGG"),
    (rb"ID3[\x02-\x04]", "audio", "MP3"),
    (rb"FORM.{4}AIF[FC]", "audio", "AIFF"),
    (rb"\.snd\x00", "audio", "AU"),
    (rb"caff\x00", "audio", "CAF"),
    (rb"riff\x2e\x91\xcf\x11", "audio", "W64"),
    (rb"NIST_1A", "audio", "NIST"),
    (rb"Creative Voice File", "audio", "VOC"),
    (rb".{4}ftypM4[AB] ", "audio", "M4A"),
)
_STARTS = tuple((re.compile(look, re.DOTALL), kind, name) for look, kind, name in _LOOKS)

# What decoders are seen to raise on damaged files. A warning is in the list for those who turn warnings into errors.
_DAMAGE = (
    OSError, ValueError, TypeError, SyntaxError, LookupError, ArithmeticError, AttributeError, AssertionError,
    EOFError, RuntimeError, MemoryError, Warning, struct.error, zlib.error,
)  # fmt: skip


def sniff(head: bytes) -> str | None:
    """Return "image", "audio" or None from the first bytes of a file (64 are enough), whatever its name is."""
    return (sniff_format(head) or (None,))[0]


def is_sound(path: Path, head: bytes) -> bool:
    """Whether a file that begins with these bytes is a sound, by its name where the bytes do not tell."""
    kind = sniff(head)
    return kind == "audio" or (kind is None and path.suffix.lower() in AUDIO_ENDINGS)


def sniff_format(head: bytes) -> tuple[str, str] | None:
    """Return (kind, name of the format), such as ("image", "PNG"), from the first bytes of a file, or None."""
    for start, kind, name in _STARTS:
        if start.match(head):
            return kind, name
    # MP3 and AAC by a frame header: 11 bits set, then version, layer, bit rate and sample rate that exist
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = (head[1] >> 3) & 3, (head[1] >> 1) & 3
    if layer in (1, 2) and version != 1 and head[2] >> 4 != 15 and (head[2] >> 2) & 3 != 3:
        return "audio", "MP3"
    return ("audio", "AAC") if head[1] & 0xF6 == 0xF0 else None


def open_cell(cell: Any, folder: Path | None) -> bytes | Path:
    """Return the bytes of a cell, or the path of the regular file that it names. cell: a path (relative to `folder`, or
    absolute), bytes, or {"bytes", "path"}, where bytes come first, also in base64; or a text that holds a file, as
    `held_in` tells. Raises CellError."""
    if isinstance(cell, str) and (held := held_in(cell, sniff)) is not None:
        cell = held.content
    if isinstance(cell, dict):
        content = cell.get("bytes")
        if not (content or cell.get("path")) and (names := [str(name) for name in cell if cell[name] is not None]):
            raise CellError(f"expected a record of bytes or a path, got one of {_short(', '.join(names))}")
        cell = content or cell.get("path")
        if content and isinstance(content, str) and (held := held_in(content, sniff)) is not None:
            cell = held.content
        elif content and isinstance(content, str):
            try:
                cell = binascii.a2b_base64(content, strict_mode=True)
            except binascii.Error:
                raise CellError("the field 'bytes' is neither bytes nor base64") from None
    is_bytes = isinstance(cell, (bytes, bytearray, memoryview))
    if cell is None or (is_bytes and not len(cell)) or (isinstance(cell, str) and not cell.strip()):
        raise CellError("blank", "blank")
    if is_bytes:
        return bytes(cell)
    if not isinstance(cell, (str, os.PathLike)):
        raise CellError(f"expected a path or bytes, got {type(cell).__name__} {_short(str(cell))}")
    return _find_file(os.fspath(cell), folder)


def is_address(text: str) -> bool:
    """Whether a text is an address on the web or in a store, which is never fetched; file:///… is a file here."""
    head, sign, _ = text.strip()[:20].partition("://")
    return bool(sign) and head.replace("+", "").isalnum() and len(head) > 1 and not _LOCAL.match(text.strip())


def _find_file(text: str, folder: Path | None) -> Path:
    if is_address(text):
        raise CellError(f"not a file on this machine: {_short(text)} (download it first)", "address")
    if local := _LOCAL.match(text.strip()):
        text = urllib.parse.unquote(text.strip()[local.end() :])
    status = None
    # As written; then as Windows writes it; then with accents joined or apart, as macOS and archives leave them.
    slashed = text.strip().replace("\\", "/")
    whole = split_part(slashed)[0]  # of a#t=1,2 the file is a, unless there is one of the whole name
    names = [text]
    for written in (slashed, whole):
        names += [written, *(unicodedata.normalize(form, written) for form in ("NFC", "NFD"))]
    for name in names:
        try:
            path = folder / name if folder is not None else Path(name)
            status = path.stat()
        except PermissionError as error:
            raise CellError(f"cannot be opened: {_short(text)} ({error.strerror})") from None
        except (OSError, ValueError):
            continue
        break
    if status is None:
        raise CellError(f"file not found: {_short(text)}", "missing")
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a device"
        raise CellError(f"{what}, not a file: {_short(text)}")
    if not status.st_size:
        raise CellError(f"file is empty: {_short(text)}", "empty")
    if folder is not None and (target := leads_out(name, folder)):
        whole = os.path.join(os.sep, os.path.normpath(name))
        there = target.removesuffix(whole) if target.endswith(whole) else ""
        mend = f"give --folder {_short(there)}, or copy the files" if there else "copy the files instead of linking"
        raise CellError(f"a link that leads out of the folder: {_short(text)} is {_short(target)} ({mend})", "link")
    return path


def leads_out(name: str | Path, folder: Path) -> str:
    """Return where a symbolic link leads that takes `name`, which by its words lies in `folder`, out of it; else "".

    The one rule for data. The folder itself, which the user names, may be or pass through links. Below it a link may
    lead to what is in the folder, or, in a snapshot of a hub's cache, to its blobs. A name that says itself that it
    lies elsewhere (absolute, or with `..`) is taken at its word.
    """
    parts = os.path.normpath(name).split(os.sep)
    if os.path.isabs(name) or parts[0] == os.pardir:
        return ""
    if os.pardir not in Path(name).parts:  # `a/..` is where `a` leads
        place = os.fspath(folder)
        if not any(os.path.islink(place := os.path.join(place, part)) for part in parts):
            return ""
    root, target = Path(os.path.realpath(folder)), Path(os.path.realpath(folder / name))
    blobs = [place.parent.parent / "blobs" for place in (root, *root.parents) if place.parent.name == "snapshots"]
    return "" if any(target.is_relative_to(place) for place in (root, *blobs)) else str(target)


def split_part(text: str) -> tuple[str, float, float | None]:
    """Return the file, the start and the end in seconds of `FILE#t=start,end`; from 0 to None (the end) without.
    The form is that of W3C Media Fragments URI 1.0, section 4.2.1: `#t=2,3.5`, `#t=2` and `#t=,3.5`."""
    match = _PART.fullmatch(text)
    return (match[1], float(match[2] or 0), float(match[3]) if match[3] else None) if match else (text, 0.0, None)


def part_of(cell: Any, source: bytes | Path) -> tuple[float, float | None]:
    """Return start and end, in seconds, of the part of a sound that a cell names; (0, None) where it names the whole.
    source: what `open_cell` gives for the cell. A file whose own name ends in #t=… is whole."""
    name = cell.get("path") if isinstance(cell, dict) else cell
    if not isinstance(name, (str, os.PathLike)) or (isinstance(source, Path) and _PART.fullmatch(source.name)):
        return 0.0, None
    return split_part(os.fspath(name).strip())[1:]


def read_head(cell: Any, folder: Path | None, length: int | None = HEAD) -> bytes:
    """Return the first bytes of what a cell holds or names, or all. Raises CellError as `open_cell` does."""
    source = open_cell(cell, folder)
    if isinstance(source, bytes):
        return source[:length]
    try:
        with open(source, "rb") as file:
            if length is None and (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
                raise CellError(f"file too large: {_name(cell)} has {size / 1e9:.0f} GB", "too-large")
            return file.read(length)
    except OSError as error:
        raise CellError(f"cannot be opened: {_name(cell)} ({error.strerror})") from None


def read_image(cell: Any, folder: Path | None, *, draft: tuple[int, int] | None = None) -> Image.Image:
    """Decode a picture fully. Its EXIF orientation is kept, not applied; of an animation the first frame counts.

    cell: what `open_cell` takes, or an array (height, width), (height, width, channel) or (channel, height, width) with
    1, 3 or 4 channels of numbers. What has more than 8 bits keeps them: see `deep_values`. draft: (width, height) in
    pixels, below which a JPEG is not decoded; quicker, and it changes pixels a little. Raises CellError: no file, no
    picture, truncated, or above MAX_PIXELS pixels.
    """
    from PIL import Image, UnidentifiedImageError

    if isinstance(cell, np.ndarray):
        return picture_of_array(cell)
    content = read_head(cell, folder, None)
    try:
        return decode(content, draft)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        size = f"more than {MAX_PIXELS / 1e6:.0f} million pixels"
        raise CellError(f"image too large: {_name(cell)} has {size}", "too-large") from None
    except _DAMAGE as error:
        name = _check_kind(cell, content[:HEAD], "image")
        if "truncated" in str(error).lower() or check_header(content)[0] == "truncated":
            raise CellError(f"truncated image: {_name(cell)}", "truncated") from None
        reason = "it cannot be identified" if isinstance(error, UnidentifiedImageError) else _short(str(error))
    if name != "HEIC":
        raise CellError(f"damaged image: {_name(cell)} ({reason})")
    try:
        return decode_heic(content)
    except _DAMAGE as error:
        # CellError is a ValueError: what is missing says so itself
        if "end of file" in str(error):
            raise CellError(f"truncated image: {_name(cell)}", "truncated") from None
        why = str(error) if isinstance(error, CellError) else f"damaged image ({_short(str(error))})"
        raise CellError(f"{why}: {_name(cell)}") from None


def read_sound(
    cell: Any, folder: Path | None, *, sample_rate: int | None = None, whole: bool = True
) -> tuple[np.ndarray, int]:
    """Decode a sound: float32 (time, channel), about -1 to 1, and its sample rate in Hz.

    cell: what `open_cell` takes (WAV, FLAC, OGG, MP3, AIFF, AU …), or an array (time,), (time, channel), or
    (channel, time) with at most 8 channels; whole numbers are scaled by the range of their type. Of a path that ends in
    `#t=start,end` only that part is read, in seconds. sample_rate: in Hz, of arrays only; 22050 where it is not given.
    whole: False to take what is there of a sound whose end is missing. Raises CellError: no file, no sound, its end is
    missing, no samples, values that are not finite, or above MAX_SAMPLES samples.
    """
    if isinstance(cell, np.ndarray):
        samples, rate = _samples_of_array(cell), int(sample_rate or DEFAULT_RATE)
    else:
        source = open_cell(cell, folder)
        part = part_of(cell, source)
        samples, rate = _decode_sound(cell, source, *part)
        if whole and part == (0.0, None):
            _check_whole(cell, source)
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise CellError(f"sound has a sample rate of {rate} Hz, expected {LEAST_RATE} to {MOST_RATE}: {_name(cell)}")
    if not samples.size:
        raise CellError(f"sound has 0 samples: {_name(cell)}", "no-samples")
    if not np.isfinite(samples).all():
        raise CellError(f"sound holds values that are not finite: {_name(cell)}", "not-finite")
    return samples, rate


def resample(samples: np.ndarray, rate: int, new: int, quality: str = "HQ") -> np.ndarray:
    """Return samples (time[, channel]) at `new` Hz, band-limited (soxr). Raises CellError above MAX_SAMPLES."""
    import soxr

    if samples.size * new > MAX_SAMPLES * rate:
        raise CellError(f"sound too long: more than {MAX_SAMPLES / 1e6:.0f} million samples at {new} Hz", "too-large")
    return soxr.resample(samples, rate, new, quality)


def _decode_sound(cell: Any, source: bytes | Path, start: float, end: float | None) -> tuple[np.ndarray, int]:
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else str(source)) as file:
            most, rate = MAX_SAMPLES // file.channels, int(file.samplerate)
            if not LEAST_RATE <= rate <= MOST_RATE:
                return np.zeros((0, file.channels), np.float32), rate
            first, last = round(start * rate), min(file.frames, file.frames if end is None else round(end * rate))
            # A stream may not tell its length; soundfile would then reserve room for all there could be.
            samples = _read_stream(file, most) if file.frames >= 2**62 else None
            if (last - first if samples is None else len(samples)) > most:
                size = f"more than {MAX_SAMPLES / 1e6:.0f} million samples"
                raise CellError(f"sound too long: {_name(cell)} has {size}", "too-large")
            if samples is not None:
                return samples[first:last], rate
            if 0 < first < last:
                file.seek(first)
            return file.read(max(last - first, 0), dtype="float32", always_2d=True), rate
    except CellError:
        raise
    except _DAMAGE as error:
        name = _check_kind(cell, read_head(source, None), "audio")
        if name in ("M4A", "AAC"):
            raise CellError(f"{name} is not supported: {_name(cell)} (convert it to WAV, FLAC, OGG or MP3)") from None
        reason = str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")
        if "does not exist" in reason:  # what libsndfile says of an MP3 without a frame
            reason = "there is no sound in it"
        if not reason:  # what libsndfile says of a FLAC that ends too soon
            reason = "the decoder lost its way: it is cut off, or overwritten"
        raise CellError(f"damaged sound: {_name(cell)} ({_short(reason)})") from None


def _check_whole(cell: Any, source: bytes | Path) -> None:
    """Raise CellError where the end of a sound is missing: libsndfile reads what is there without a word."""
    import mmap

    if isinstance(source, bytes):
        fault, words = check_header(source)
    else:
        with open(source, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            fault, words = check_header(content)
    if fault == "truncated":
        raise CellError(f"cut off: {_name(cell)} ({words})", "truncated")


def _read_stream(file: Any, most: int) -> np.ndarray:
    blocks, length = [np.zeros((0, file.channels), np.float32)], 0
    while length <= most and len(block := file.read(2**16, "float32", always_2d=True)):
        blocks.append(block)
        length += len(block)
    return np.concatenate(blocks)


def _samples_of_array(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2 and values.shape[0] <= 8 < values.shape[1]:
        values = values.T
    if values.ndim not in (1, 2) or values.dtype.kind not in "fiu":
        raise CellError(f"expected a sound of shape (time,) or (time, channel), got {values.shape} of {values.dtype}")
    values = values[:, None] if values.ndim == 1 else values
    if values.dtype.kind == "f":
        return np.ascontiguousarray(values, dtype=np.float32)
    half = 2.0 ** (values.dtype.itemsize * 8 - 1)
    return ((values.astype(np.float64) - (half if values.dtype.kind == "u" else 0.0)) / half).astype(np.float32)


def write_wave(values: np.ndarray, rate: int) -> bytes:
    """Return samples, shaped as `read_sound` takes them, as a WAV that gives them back to the last bit of float32."""
    from scipy.io import wavfile  # libsndfile would write the time into it

    wavfile.write(content := io.BytesIO(), rate, _samples_of_array(values))
    return content.getvalue()


def _name(cell: Any) -> str:
    """Return how a reason names a cell."""
    if isinstance(cell, dict):
        cell = cell.get("path") or cell.get("bytes")
    if isinstance(cell, np.ndarray):
        return f"array of shape {cell.shape}"
    return "the bytes in the cell" if isinstance(cell, (bytes, bytearray, memoryview)) else _short(str(cell))


def _check_kind(cell: Any, head: bytes, kind: str) -> str:
    """Return the name of the format. Raises CellError where the first bytes are of no such kind."""
    look = sniff_format(head)
    if look and look[0] == kind:
        return look[1]
    held, what = _describe(head), "an image" if kind == "image" else "a sound"
    fault = "unreadable" if held == "unknown bytes" else "wrong-kind"
    raise CellError(f"not {what}: {_name(cell)} holds {held}", fault) from None


def _describe(head: bytes) -> str:
    if look := sniff_format(head):
        return f"{'a sound' if look[0] == 'audio' else 'a picture'} ({look[1]})"
    if head[:2] == b"PK":
        return "a zip archive"
    if head[:4] == b"%PDF":
        return "a PDF"
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:
            return "unknown bytes"
        text = head[: error.start].decode("utf-8")
    return "text" if all(c.isprintable() or c in "\r\n\t\f" for c in text) else "unknown bytes"


def _short(text: str, length: int = 120) -> str:
    text = "".join(c if c.isprintable() else "�" for c in text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"
