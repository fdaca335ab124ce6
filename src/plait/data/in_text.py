"""Pictures and sounds that were written as text: data URIs, base64, hexadecimal, records, bytes and lists of numbers.

Says what a text holds. Knows no path, no column and no table; nothing in a text is run."""

from __future__ import annotations

import ast
import base64
import io
import re
import urllib.parse
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from plait.core.files import parse_json
from plait.data.numbers import read_list, write_npy
from plait.data.pictures import RANGE, picture_of_array
from plait.errors import CellError

GRIDS, ROWS = "lists of numbers in text", "numbers in text"  # what may be pictures
FLAT = "a list of numbers in text"
LEAST = 32  # letters: the shortest picture in base64 has more
BOARD = 32  # the highest number in a grid, up to which it may be a board or counts rather than a picture
HEAD = 96  # letters in which base64 and hexadecimal are told by what they begin with
_URI = re.compile(r"data:([\w.+/-]{0,100})((?:;[^,;]{0,100}){0,9}),", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_HEX = re.compile(r"(\\x|0x)?((?:[0-9a-fA-F]{2})+)")
_RECORD = re.compile(r"\{\s*(['\"])(?:bytes|path|array|sampling_rate)\1\s*:")
# what stands before a thing in quotes or brackets that is all there is: an image of HTML or Markdown, a list, a record
_BEFORE = re.compile(
    r"(?:<img\b[^<>]{0,150}?\bsrc=|(!\[)[^\[\]]{0,99}\]\(|\[\s*|\{\s*[\"']\w{1,40}[\"']\s*:\s*)?([\"']?)"
)
MOST_AFTER = 80  # letters that may follow: fewer than any picture has
_BYTES = re.compile(r"b['\"]")
_LIST = re.compile(r"\[\s*\[|\d{1,3}[\s,]\s*\d{1,3}[\s,]")
_GAPS = re.compile(r"(?<=[\d.\]])\s+(?=[-\d\[.])")  # NumPy writes spaces where JSON has commas
_WRONG = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)


class Held(NamedTuple):
    """What a text holds. content: bytes, or a record; form: words for how; sure: False: it may be another thing."""

    content: bytes | dict[str, Any]
    form: str
    sure: bool = True


def held_in(text: str, sniff: Callable[[bytes], Any]) -> Held | None:
    """Return the file that a text holds, or None where it is no more than text.

    sniff: whether bytes begin as a picture or sound does. Raises CellError of a data URI that is none."""
    text = text.strip()
    if text[:1] == "[" and (numbers := read_list(text)) is not None:
        return Held(write_npy(numbers), FLAT, sure=False)
    if len(text) < LEAST:
        return None
    if uri := _URI.match(text):
        content = text[uri.end() :]
        try:
            is_64 = uri[2].lower().endswith(";base64")
            return Held(_unpacked(content) if is_64 else urllib.parse.unquote_to_bytes(content), "data URIs")
        except ValueError:
            raise CellError(f"a data URI whose content is no base64: {text[:40]}…") from None
    try:
        if _RECORD.match(text) and isinstance(record := _read(text), dict) and (record := _record(record)):
            return Held(record, "records in text")
        if _BYTES.match(text) and isinstance(content := ast.literal_eval(text), bytes) and sniff(content):
            return Held(content, "bytes as Python prints them")
        if _LIST.match(text):
            return _of_numbers(text)
        if (match := _HEX.fullmatch(text)) and sniff(bytes.fromhex(match[2][:HEAD])):
            return Held(bytes.fromhex(match[2]), "hexadecimal")
        head = "".join(text[: 2 * HEAD].split())[:HEAD]
        if _BASE64.fullmatch(head) and sniff(_unpacked(head)) and _BASE64.fullmatch(whole := "".join(text.split())):
            return Held(_unpacked(whole), "base64")
    except _WRONG:
        pass
    inner = _inside(text)
    return None if inner is None else held_in(inner, sniff)


def _inside(text: str) -> str | None:
    """Return what a text holds in quotes with little around, such as `["iVBOR…"]`, `<img src="data:…">`; else None."""
    match = _BEFORE.match(text[: 2 * HEAD])
    close = match and (match[2] or (match[1] and ")"))
    if not match or not close:
        return None
    end = text.find(close, match.end())
    return text[match.end() : end] if 0 < len(text) - end < MOST_AFTER and end >= 0 else None


def _unpacked(text: str) -> bytes:
    """Return the bytes of base64, in either alphabet, with or without its filling; cut, those that are whole."""
    text = "".join(urllib.parse.unquote(text[:HEAD]).split() + text[HEAD:].split()).rstrip("=")
    text = text.translate({45: 43, 95: 47})
    return base64.b64decode(text[: len(text) - (len(text) % 4 == 1)] + "=" * (-len(text) % 4), validate=True)


def _read(text: str) -> Any:
    """Return what JSON or a literal of Python says."""
    try:
        return parse_json(text)
    except ValueError:
        return ast.literal_eval(text)


def _record(record: dict[str, Any]) -> dict[str, Any] | None:
    """Return {"bytes", "path"} as a cell may be, also of {"array", "sampling_rate"}; or None where it is none."""
    content, path, rate = record.get("bytes"), record.get("path"), record.get("sampling_rate")
    if not content and isinstance(rate, (int, float)) and isinstance(record.get("array"), list):
        content = _wave(np.asarray(record["array"], np.float32), int(rate))
    if isinstance(content, list) and all(isinstance(byte, int) for byte in content):
        content = bytes(content)
    right = isinstance(content, (bytes, str, type(None))) and isinstance(path, (str, type(None)))
    return {"bytes": content, "path": path} if right and (content or path) else None


def _wave(samples: np.ndarray, rate: int) -> bytes:
    """Return samples (time,), (time, channel) or (channel, time) as a WAV. Raises ValueError."""
    from scipy.io import wavfile

    wavfile.write(out := io.BytesIO(), rate, samples.T if samples.ndim == 2 and samples.shape[0] <= 8 else samples)
    return out.getvalue()


def _of_numbers(text: str) -> Held | None:
    """Return the picture that lists of numbers draw: rows of lists, or whole numbers that fill a square."""
    if text[0] != "[":  # one after another, as FER-2013 has them
        flat = np.array(text.replace(",", " ").split(), np.int64)
        side = round(len(flat) ** 0.5)
        if side * side != len(flat) or side < 8 or flat.min() < 0 or flat.max() > 255:
            return None
        return Held(_file_of(flat.reshape(side, side)), ROWS, sure=False)
    values = np.array(parse_json(text if "," in text else _GAPS.sub(",", text)))
    if values.ndim not in (2, 3) or values.dtype.kind not in "iuf" or min(values.shape[:2]) < 3:
        return None
    sides = sorted(values.shape)[-2:]
    sure = values.dtype.kind == "i" and values.min() >= 0 and BOARD < values.max() <= 255 and sides[0] >= 8
    return Held(_file_of(values), GRIDS, sure)


def _file_of(values: np.ndarray) -> bytes:
    """Return an array as a file that keeps its numbers: PNG, or of grey beyond 8 bits TIFF. Raises ValueError."""
    from PIL import Image

    image, out = picture_of_array(values), io.BytesIO()
    if values.ndim == 2 and (RANGE in image.info or values.dtype.kind == "f"):
        Image.fromarray(values.astype(np.float32)).save(out, "TIFF")
    elif RANGE in image.info:
        raise ValueError("colours beyond 8 bits")
    else:
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()
