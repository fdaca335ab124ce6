"""Open one cell and decode it: a picture or a sound. Knows nothing of tables, columns or preprocessing.
All is safe to call from many threads. What cannot be read raises CellError; the caller adds the column and the row."""

from __future__ import annotations

import binascii
import hashlib
import io
import os
import re
import stat
import struct
import unicodedata
import urllib.parse
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.data.formats import HEAD, describe, has_av, is_video, sniff, sniff_format, way_out
from plait.data.headers import check_header, seems_whole
from plait.data.in_text import held_in
from plait.data.numbers import NPY, read_npy
from plait.data.pictures import MAX_PIXELS, decode, decode_heic, picture_of_array
from plait.data.sound import LEAST_RATE, LONG_RATE, MAX_SAMPLES, MOST_RATE, Sound, as_float, decode_sound
from plait.data.video import Clip, Shrink, decode_video, video_of_array
from plait.errors import CellError, pip_line

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_RATE = 22050  # Hz, of arrays that come without a sample rate
MAX_BYTES = 2**32  # of a file that is read whole: 4 GB, the most that a WAV can hold

# RFC 8089: without a host, or with this one
_LOCAL = re.compile(r"file:(?://(?:localhost)?(?=/)|(?=/(?!/)))", re.IGNORECASE)
_PART = re.compile(r"(.+)#t=(\d+(?:\.\d*)?|(?=,))(?:,(\d+(?:\.\d*)?))?", re.DOTALL)

# What decoders are seen to raise on damaged files. A warning is in the list for those who turn warnings into errors.
DAMAGE = (
    OSError, ValueError, TypeError, SyntaxError, LookupError, ArithmeticError, AttributeError, AssertionError,
    EOFError, RuntimeError, MemoryError, Warning, struct.error, zlib.error,
)  # fmt: skip


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
    for name in _spellings(text):
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


def _spellings(text: str) -> Iterator[str]:
    """Give a name as it is written; then as Windows writes it; then with accents joined or apart, as macOS and archives
    leave them. Of a#t=1,2 the file is a, unless there is one of the whole name."""
    yield text
    slashed = text.strip().replace("\\", "/")
    for written in (slashed, split_part(slashed)[0]):
        yield from (written, *(unicodedata.normalize(form, written) for form in ("NFC", "NFD")))


def leads_out(name: str | Path, folder: Path) -> str:
    """Return where a symbolic link leads that takes `name`, which by its words lies in `folder`, out of it; else "".

    The one rule for data. The folder itself, which the user names, may be or pass through links. Below it a link may
    lead to what is in the folder, or, in a snapshot of a hub's cache, to its blobs. A name that says itself that it
    lies elsewhere (absolute, or with `..`) is taken at its word.
    """
    parts = os.path.normpath(name).split(os.sep)
    if os.path.isabs(name) or parts[0] == os.pardir:
        return ""
    if os.pardir not in os.fspath(name).split(os.sep):  # `a/..` is where `a` leads
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


def name_content(source: bytes | Path) -> str:
    """Return what tells the content of a file without reading it: path, size and time of change; of bytes their hash.
    Raises OSError."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    state = source.stat()
    return f"{os.path.abspath(source)}|{state.st_size}|{state.st_mtime_ns}"


def part_of(cell: Any, source: bytes | Path) -> tuple[float, float | None]:
    """Return start and end, in seconds, of the part of a sound that a cell names; (0, None) where it names the whole.
    source: what `open_cell` gives for the cell. A file whose own name ends in #t=… is whole."""
    name = cell.get("path") if isinstance(cell, dict) else cell
    if not isinstance(name, (str, os.PathLike)) or "#t=" not in os.fspath(name):
        return 0.0, None
    if isinstance(source, Path) and _PART.fullmatch(source.name):
        return 0.0, None
    return split_part(os.fspath(name).strip())[1:]


def read_head(cell: Any, folder: Path | None, length: int | None = HEAD) -> bytes:
    """Return the first bytes of what a cell holds or names, or all. Raises CellError as `open_cell` does."""
    return read_source(open_cell(cell, folder), length, cell)


def read_source(source: bytes | Path, length: int | None = None, cell: Any = None) -> bytes:
    """Return the content of what `open_cell` gave, or its first bytes. cell: what errors name. Raises CellError."""
    cell = source if cell is None else cell
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
    except DAMAGE as error:
        name = _check_kind(cell, content[:HEAD], "image")
        if "truncated" in str(error).lower() or check_header(content)[0] == "truncated":
            raise CellError(f"truncated image: {_name(cell)}", "truncated") from None
        reason = "it cannot be identified" if isinstance(error, UnidentifiedImageError) else _short(str(error))
    if name != "HEIC":
        raise CellError(f"damaged image: {_name(cell)} ({reason})")
    try:
        return decode_heic(content)
    except DAMAGE as error:
        # CellError is a ValueError: what is missing says so itself
        if "end of file" in str(error):
            raise CellError(f"truncated image: {_name(cell)}", "truncated") from None
        why = str(error) if isinstance(error, CellError) else f"damaged image ({_short(str(error))})"
        raise CellError(f"{why}: {_name(cell)}") from None


def read_sound(
    cell: Any, folder: Path | None, *, sample_rate: int | None = None, whole: bool = True
) -> tuple[np.ndarray, int]:
    """Decode a sound: float32 (time, channel), about -1 to 1, and its sample rate in Hz.

    cell: what `open_cell` takes (WAV, FLAC, OGG, MP3, AIFF, AU …; with PyAV M4A, MP4, WebM, AMR …), or an array
    (time,), (time, channel), or (channel, time) with at most 8 channels; whole numbers are scaled by the range of their
    type. Of a path that ends in `#t=start,end` only that part is read, in seconds. A sound of more than 67 million
    samples, such as 13 minutes of music, comes as one channel at 16,000 Hz at most. sample_rate: in Hz, of arrays only;
    22050 where it is not given. whole: False to take what is there of a sound whose end is missing. Raises CellError:
    no file, no sound, its end is missing, no samples, values that are not finite, or above MAX_SAMPLES samples.
    """
    sound = open_sound(cell, folder, sample_rate=sample_rate, whole=whole)
    return sound.samples, sound.rate


def open_sound(
    cell: Any, folder: Path | None, *, sample_rate: int | None = None, whole: bool = True, top: int = LONG_RATE
) -> Sound:
    """Decode a sound as `read_sound` does, and say what it is in its file. top: Hz that a long one keeps at most."""
    part: tuple[float, float | None] = (0.0, None)
    if isinstance(cell, np.ndarray):
        samples, rate = _samples_of_array(cell), int(sample_rate or DEFAULT_RATE)
        sound = Sound(samples, rate, rate, samples.shape[1])
    else:
        source = open_cell(cell, folder)
        part = part_of(cell, source)
        sound = _decode_sound(cell, source, *part, top)
        if whole and part == (0.0, None):
            _check_whole(cell, source, sound)
    if not LEAST_RATE <= sound.rate <= MOST_RATE:
        wrong = f"sound has a sample rate of {sound.rate} Hz, expected {LEAST_RATE} to {MOST_RATE}"
        raise CellError(f"{wrong}: {_name(cell)}")
    if not sound.samples.size:
        why = f"the part begins at {part[0]:g} s, behind the end" if part[0] else "sound has 0 samples"
        raise CellError(f"{why}: {_name(cell)}", "no-samples")
    if not np.isfinite(sound.samples).all():
        raise CellError(f"sound holds values that are not finite: {_name(cell)}", "not-finite")
    return sound


def open_video(cell: Any, folder: Path | None, num: int, shrink: Shrink | None = None) -> Clip:
    """Decode `num` frames of a video, spread evenly over it, or over the part that `#t=start,end` says.

    cell: what `open_cell` takes (MP4, WebM, MOV, AVI …), or an array (frame, height, width[, channel]), also in a .npy
    file. shrink: to what size a frame is brought. Raises CellError: no file, no video, PyAV is not there, its end is
    missing, or nothing in it can be decoded.
    """
    if isinstance(cell, np.ndarray):
        return video_of_array(cell, num)
    source = open_cell(cell, folder)
    head = read_source(source, HEAD)
    if head.startswith(NPY):
        return video_of_array(read_npy(read_source(source)), num)
    if not is_video(head):
        held = describe(head)
        fault = "unreadable" if held == "unknown bytes" else "wrong-kind"
        raise CellError(f"not a video: {_name(cell)} holds {held}", fault)
    if not has_av():
        raise CellError(f"a video is not decoded here: {_name(cell)} ({pip_line('gpl')} reads it)", "unsupported")
    try:
        return decode_video(source, num, *part_of(cell, source), shrink)
    except CellError as error:
        raise CellError(str(error).replace("{}", _name(cell)), error.fault) from None
    except DAMAGE as error:
        reason = str(getattr(error, "strerror", None) or error).rstrip(".")
        raise CellError(f"damaged video: {_name(cell)} ({_short(reason)}; it may be cut off)", "unreadable") from None


def resample(samples: np.ndarray, rate: int, new: int, quality: str = "HQ") -> np.ndarray:
    """Return samples (time[, channel]) at `new` Hz, band-limited (soxr). Raises CellError above MAX_SAMPLES."""
    import soxr

    if samples.size * new > MAX_SAMPLES * rate:
        raise CellError(f"sound too long: more than {MAX_SAMPLES / 1e6:.0f} million samples at {new} Hz", "too-large")
    return soxr.resample(samples, rate, new, quality)


def _decode_sound(cell: Any, source: bytes | Path, start: float, end: float | None, top: int) -> Sound:
    try:
        return decode_sound(source, start, end, top)
    except CellError as error:
        raise CellError(str(error).replace("{}", _name(cell)), error.fault) from None
    except DAMAGE as error:
        _check_kind(cell, read_source(source, HEAD), "audio")
        fault, words = _check_end(source)
        if fault == "truncated":
            raise CellError(f"cut off: {_name(cell)} ({words})", fault) from None
        said = getattr(error, "error_string", None) or getattr(error, "strerror", None) or error
        reason = str(said).removeprefix("Error : ").rstrip(".")
        if "does not exist" in reason:  # what libsndfile says of an MP3 without a frame
            reason = "there is no sound in it"
        if not reason or "lost sync" in reason:  # what it says of a FLAC that ends too soon
            reason = "the decoder lost its way: it is cut off, or overwritten"
        if "ormat" in reason and not has_av():  # one that libsndfile does not know
            reason = f"{_short(reason)}; perhaps {pip_line('gpl')} reads it"
        raise CellError(f"damaged sound: {_name(cell)} ({_short(reason)})") from None


def _check_whole(cell: Any, source: bytes | Path, sound: Sound) -> None:
    """Raise CellError where the end of a sound is missing: libsndfile reads what is there without a word."""
    fault, words = _check_end(source)
    if sound.cut or fault == "truncated":
        raise CellError(f"cut off: {_name(cell)} ({sound.note or words})", "truncated")


def _check_end(source: bytes | Path) -> tuple[str, str]:
    """Return what `check_header` says, of a file by what it needs of it."""
    import mmap

    if isinstance(source, bytes):
        return check_header(source)
    with open(source, "rb", buffering=0) as file:
        if seems_whole(file.read(64), os.fstat(file.fileno()).st_size):
            return "", ""
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return check_header(content)


def _samples_of_array(values: np.ndarray) -> np.ndarray:
    if values.ndim == 2 and values.shape[0] <= 8 < values.shape[1]:
        values = values.T
    if values.ndim not in (1, 2) or values.dtype.kind not in "fiu":
        raise CellError(f"expected a sound of shape (time,) or (time, channel), got {values.shape} of {values.dtype}")
    values = values[:, None] if values.ndim == 1 else values
    return as_float(values)


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
    return "the file in the cell" if isinstance(cell, (bytes, bytearray, memoryview)) else _short(str(cell))


def _check_kind(cell: Any, head: bytes, kind: str) -> str:
    """Return the name of the format. Raises CellError where it is of another kind, or nothing here decodes it."""
    look = sniff_format(head)
    if look and look[0] == kind:
        if mend := way_out(look[1]):
            raise CellError(f"{look[1]} is not supported: {_name(cell)} ({mend})", "unsupported") from None
        return look[1]
    held, what = describe(head), "an image" if kind == "image" else "a sound"
    fault = "unreadable" if held == "unknown bytes" else "wrong-kind"
    raise CellError(f"not {what}: {_name(cell)} holds {held}", fault) from None


def _short(text: str, length: int = 120) -> str:
    text = "".join(c if c.isprintable() else "�" for c in text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"
