"""What a file says of itself: does its header agree with what follows? Decodes nothing.
Decoders read much without a word: libsndfile a WAV of which half is gone, Pillow a PNG whose checksums are wrong."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any

OPEN_LENGTH = 0x7FFF0000  # bytes: a length from here on means that a stream did not know its length


def check_header(content: Any) -> tuple[str, str]:
    """Return ("", "") of a file that agrees with itself, else a fault and the words for it. content: bytes or a mmap.
    fault: "truncated" (the end is missing) or "header" (the header is wrong, and all the data may be there)."""
    try:
        for start, check in _CHECKS:
            if re.match(start, content, re.DOTALL):
                return check(content)
    except (struct.error, IndexError):
        return "truncated", "it ends inside its own header"
    return "", ""


def _chunks(content: bytes, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Give (name, size, place of its bytes) of each chunk, padded to an even length (RIFF: Microsoft and IBM 1991)."""
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from(order + "4sI", content, place)
        yield name, size, place + 8
        place += 8 + size + size % 2


def _check_wav(content: bytes) -> tuple[str, str]:
    order = ">" if content[:4] == b"RIFX" else "<"
    long, fault = 0, ""
    for name, size, place in _chunks(content, order):
        if name == b"ds64":  # RF64: the true length of the data, in 64 bits
            long = struct.unpack_from(order + "Q", content, place + 8)[0]
        if name == b"fmt ":
            fault = _check_format(*struct.unpack_from(order + "HHIIHH", content, place))
        if name == b"data":
            size = long if size == 0xFFFFFFFF and long else size
            left, after = len(content) - place, place + size + size % 2
            if size > left:
                stream = "its header leaves the length open, as a stream does"
                return ("header", stream) if size >= OPEN_LENGTH else ("truncated", _cut(left, size))
            name = content[after : after + 4]  # of the next chunk; zeros where a file is padded to whole blocks
            more = len(content) - after >= 8 and any(name) and not all(32 <= byte < 127 for byte in name)
            if more or (not size and left > 1):
                return "header", f"its header says {size:,} bytes of sound, {left:,} follow"
            return ("header", fault) if fault else ("", "")
    return "truncated", "it ends before the sound begins"


def _check_format(tag: int, channels: int, rate: int, speed: int, block: int, bits: int) -> str:
    if tag not in (1, 3, 0xFFFE):  # PCM, float, extensible: the others pack their samples
        return ""
    if block != channels * ((bits + 7) // 8):
        return f"its header says {block} bytes for {channels} samples of {bits} bits"
    if speed != rate * block:
        return f"its header says {speed:,} bytes a second; {rate:,} Hz and {block} bytes a sample make {rate * block:,}"
    return ""


def _cut(left: int, size: int) -> str:
    return f"it holds {left:,} of the {size:,} bytes of sound that its header says"


def _check_length(left: int, size: int) -> tuple[str, str]:
    return ("truncated", _cut(left, size)) if left < size < OPEN_LENGTH else ("", "")


def _check_aiff(content: bytes) -> tuple[str, str]:
    for name, size, place in _chunks(content, ">"):
        if name == b"SSND":
            return _check_length(len(content) - place, size)
    return "truncated", "it ends before the sound begins"


def _check_au(content: bytes) -> tuple[str, str]:
    start, size = struct.unpack_from(">II", content, 4)
    return _check_length(len(content) - start, size)


def _check_ogg(content: bytes) -> tuple[str, str]:
    """Pages begin with OggS; the last of a stream carries the flag 4 (RFC 3533)."""
    place = content.rfind(b"OggS")
    flags, segments = content[place + 5], content[place + 26]
    length = 27 + segments + sum(content[place + 27 : place + 27 + segments])
    if place + length > len(content):
        return "truncated", "its last page is cut off"
    return ("", "") if flags & 4 else ("header", "it has no last page: a recording that was not closed, or cut off")


def _check_mp3(content: bytes) -> tuple[str, str]:
    """The first frame may hold a count of bytes, after the word Xing or Info."""
    start = 0
    if content[:3] == b"ID3":  # its length: four bytes of seven bits
        start = 10 + sum((byte & 127) << shift for byte, shift in zip(content[6:10], (21, 14, 7, 0), strict=True))
    note = re.search(rb"Xing|Info", content[start : start + 192])
    place = start + note.start() if note else 0
    flags = struct.unpack_from(">I", content, place + 4)[0] if note else 0
    if not flags & 2:
        return "", ""
    size = struct.unpack_from(">I", content, place + (12 if flags & 1 else 8))[0]
    left = len(content) - start
    return ("truncated", _cut(left, size)) if size > left + 4 else ("", "")


def _check_webp(content: bytes) -> tuple[str, str]:
    size = struct.unpack_from("<I", content, 4)[0]
    left = len(content) - 8
    return ("truncated", f"it holds {left:,} of the {size:,} bytes that its header says") if left < size else ("", "")


def _check_png(content: bytes) -> tuple[str, str]:
    """Chunks of (size, name, bytes, CRC-32), the last one IEND (ISO/IEC 15948)."""
    place = 8
    while place + 12 <= len(content):
        size, name = struct.unpack_from(">I4s", content, place)
        end = place + 8 + size
        if end + 4 > len(content):
            return "truncated", "its last part is cut off"
        if zlib.crc32(content[place + 4 : end]) != struct.unpack_from(">I", content, end)[0]:
            return "header", f"the checksum of its part {name.decode('latin-1')!r} is wrong: bytes have changed"
        if name == b"IEND":
            return "", ""
        place = end + 4
    return "truncated", "its end is missing"


_CHECKS = (
    (rb"(?:RIFF|RIFX|RF64).{4}WAVE", _check_wav),
    (rb"FORM.{4}AIF[FC]", _check_aiff),
    (rb"\.snd", _check_au),
    (rb"OggS", _check_ogg),
    (rb"ID3|\xff", _check_mp3),
    (rb"\x89PNG\r\n\x1a\n", _check_png),
    (rb"RIFF.{4}WEBP", _check_webp),
)
