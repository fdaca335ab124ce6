"""What a file says of itself: does its header agree with what follows? Decodes nothing.
Decoders read much without a word: libsndfile a WAV of which half is gone, Pillow a PNG whose checksums are wrong."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

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


def seems_whole(head: bytes, size: int) -> bool:
    """Whether the first 64 bytes of a file of `size` bytes show that `check_header` finds nothing in it: that it has no
    header that is checked, or is a WAV as most are, whose sound follows at once and ends with the file."""
    if not any(re.match(start, head, re.DOTALL) for start, _ in _CHECKS):
        return True
    if len(head) < 44 or head[:4] != b"RIFF" or head[8:20] != b"WAVEfmt \x10\0\0\0" or head[36:40] != b"data":
        return False
    told = struct.unpack_from("<I", head, 40)[0]
    return 2 <= told == size - 44 < OPEN_LENGTH and not _check_format(*struct.unpack_from("<HHIIHH", head, 20))


def is_nearly_all(left: float, size: float, second: float) -> bool:
    """Whether next to nothing is missing where `left` of `size` are there, of which a second has so many.

    Recorders count their own header, or a block that they did not write; a copy that broke off lost more. 0.3 s is one
    block of FLAC at a low rate.
    """
    return size - left <= max(min(64, size / 2), min(size / 20, 0.3 * second))


def _is_chunk(content: bytes, place: int) -> bool:
    """Whether a chunk of RIFF may begin here: four signs of ASCII, and a length that ends in the file."""
    if place == len(content):
        return True
    name, size = content[place : place + 4], content[place + 4 : place + 8]
    return len(size) == 4 and name.isascii() and bytes(name).decode().isprintable() and name[:1] not in b" "


def _chunks(content: bytes, order: str) -> Iterator[tuple[bytes, int, int]]:
    """Give (name, size, place of its bytes) of each chunk, padded to an even length (RIFF: Microsoft and IBM 1991).
    Where a length leads nowhere, the chunk of sound is looked for."""
    place = 12
    while place + 8 <= len(content):
        name, size = struct.unpack_from(order + "4sI", content, place)
        yield name, size, place + 8
        end = place + 8 + size
        # not every program pads a chunk of odd length; of what may be a name, "data" surely is one
        places = [p for p in (end + size % 2, end) if p + 8 <= len(content) and _is_chunk(content, p)]
        named = [p for p in places if content[p : p + 4] == b"data"]
        place = (named or places or [content.find(b"data", place + 8)])[0]
        if place < 0:
            return


class SoundSpan(NamedTuple):
    """Where the sound of a WAV lies. told: bytes, as its header says; format: place and size of what it is; is_open:
    whether it tells no length, and sound follows."""

    format: tuple[int, int]
    start: int
    told: int
    is_open: bool


def span_of_wav(content: bytes) -> SoundSpan | None:
    """Return where the sound of a WAV lies, or None where there is none."""
    order, long, form = ">" if content[:4] == b"RIFX" else "<", 0, (0, 0)
    for name, size, place in _chunks(content, order):
        if name == b"ds64":  # RF64: the true length of the data, in 64 bits
            long = struct.unpack_from(order + "Q", content, place + 8)[0]
        if name == b"fmt ":
            form = place, size
        if name == b"data" and form[0]:
            told = long if size == 0xFFFFFFFF and long else size
            is_open = told < 2 and not (told == 0 and _is_chunk(content, place)) and len(content) - place > 1
            return SoundSpan(form, place, told, is_open)
    return None


def close_lengths(content: bytes) -> bytes:
    """Return a WAV, AU or CAF whose header says the length of what is there, and not 0, -1 or what leads nowhere."""
    if content[:4] in (b".snd", b"dns."):
        return content[:8] + b"\xff" * 4 + content[12:]
    if content[:4] == b"caff" and (place := content.find(b"data")) > 0:
        return content[: place + 4] + struct.pack(">q", len(content) - place - 12) + content[place + 12 :]
    if content[8:12] != b"WAVE" or (span := span_of_wav(content)) is None:
        return content
    order = ">" if content[:4] == b"RIFX" else "<"
    size = len(content) - span.start if span.is_open else min(span.told, len(content) - span.start)
    form = content[span.format[0] : span.format[0] + span.format[1]]
    form = struct.pack(order + "4sI", b"fmt ", len(form)) + form + bytes(len(form) % 2)
    data = struct.pack(order + "4sI", b"data", size) + content[span.start : span.start + size]
    riff = b"RIFX" if order == ">" else b"RIFF"
    return riff + struct.pack(order + "I", 4 + len(form) + len(data)) + b"WAVE" + form + data


def _check_wav(content: bytes) -> tuple[str, str]:
    span = span_of_wav(content)
    if span is None:
        return "truncated", "it ends before the sound begins"
    order = ">" if content[:4] == b"RIFX" else "<"
    tag, channels, rate, speed, block, bits = struct.unpack_from(order + "HHIIHH", content, span.format[0])
    size, left = span.told, len(content) - span.start
    if size >= OPEN_LENGTH and size > left:
        return "header", "its header leaves the length open, as a stream does"
    if size > left and not is_nearly_all(left, size, speed):
        return "truncated", _cut(left, size)
    after = span.start + size + size % 2
    name = content[after : after + 4]  # of the next chunk; zeros where a file is padded to whole blocks
    more = len(content) - after >= 8 and any(name) and not all(32 <= byte < 127 for byte in name)
    if size > left or more or span.is_open:
        return "header", f"its header says {size:,} bytes of sound, {left:,} follow"
    if fault := _check_format(tag, channels, rate, speed, block, bits):
        return "header", fault
    return "", ""


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


def _check_length(left: int, size: int, second: float = 0) -> tuple[str, str]:
    if not left < size < OPEN_LENGTH:
        return "", ""
    if is_nearly_all(left, size, second):
        return "header", f"its header says {size:,} bytes of sound, {left:,} follow"
    return "truncated", _cut(left, size)


def _check_aiff(content: bytes) -> tuple[str, str]:
    second = 0.0
    for name, size, place in _chunks(content, ">"):
        if name == b"COMM":  # channels, frames, bits, and the rate as an 80-bit float: 64 bits of whole numbers
            channels, _, bits, exponent, mantissa = struct.unpack_from(">hIhHQ", content, place)
            second = channels * bits / 8 * mantissa * 2.0 ** min(exponent - 16383 - 63, 64)
        if name == b"SSND":
            return _check_length(len(content) - place, size, second)
    return "truncated", "it ends before the sound begins"


def _check_au(content: bytes) -> tuple[str, str]:
    start, size, _, rate, channels = struct.unpack_from(">5I", content, 4)
    left = len(content) - start
    if size == 0 and left:
        return "header", f"its header says 0 bytes of sound, {left:,} follow"
    return _check_length(left, size, rate * channels)


def _check_caf(content: bytes) -> tuple[str, str]:
    """Chunks of (name, size); the sound is in the one named data, and -1 leaves its length open."""
    place, second = 8, 0.0
    while place + 12 <= len(content):
        name, size = struct.unpack_from(">4sq", content, place)
        place += 12
        if name == b"desc":
            rate, _, _, packet, frames = struct.unpack_from(">d4I", content, place)
            second = rate * packet / max(frames, 1)
        if name == b"data":
            return _check_length(len(content) - place, size, second)
        place += max(size, 0)
    return "truncated", "it ends before the sound begins"


def _check_w64(content: bytes) -> tuple[str, str]:
    """Chunks of (16 bytes of name, size with both), padded to 8 bytes."""
    place, second = 40, 0.0
    while place + 24 <= len(content):
        size = struct.unpack_from("<Q", content, place + 16)[0]
        if content[place : place + 4] == b"fmt ":
            second = struct.unpack_from("<I", content, place + 32)[0]
        if content[place : place + 4] == b"data":
            return _check_length(len(content) - place - 24, size - 24, second)
        place += max(24, size + -size % 8)
    return "truncated", "it ends before the sound begins"


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
    # of MP3 a second is 4,000 to 40,000 bytes; programs differ in whether they count the frame of the note itself
    return _check_length(left, size, 4000) if size > left + 4 else ("", "")


def _check_webp(content: bytes) -> tuple[str, str]:
    size = struct.unpack_from("<I", content, 4)[0]
    left = len(content) - 8
    return ("truncated", f"it holds {left:,} of the {size:,} bytes that its header says") if left < size else ("", "")


def _check_boxes(content: bytes) -> tuple[str, str]:
    """Boxes of (size, name), of ISO media and JPEG 2000: 1 for a size of 64 bits behind the name, 0 for the rest."""
    place, size = 0, 8
    while place + 8 <= len(content) and size:
        size = struct.unpack_from(">I", content, place)[0]
        size = struct.unpack_from(">Q", content, place + 8)[0] if size == 1 else size
        if 0 < size < 8:
            return "", ""  # another fault
        place += size
    return ("truncated", "its last part is cut off") if place > len(content) else ("", "")


def _check_tiff(content: bytes) -> tuple[str, str]:
    """Where the list of what is in it should begin."""
    place = struct.unpack_from("<I" if content[:1] == b"I" else ">I", content, 4)[0]
    return ("truncated", "its end is missing") if place >= len(content) else ("", "")


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
    (rb"(?:RIFF|RIFX|RF64|BW64).{4}WAVE", _check_wav),
    (rb"FORM.{4}AIF[FC]", _check_aiff),
    (rb"\.snd", _check_au),
    (rb"caff", _check_caf),
    (rb"riff\x2e\x91\xcf\x11", _check_w64),
    (rb"OggS", _check_ogg),
    (rb"ID3|\xff", _check_mp3),
    (rb"\x89PNG\r\n\x1a\n", _check_png),
    (rb"RIFF.{4}WEBP", _check_webp),
    (rb".{4}ftyp(?:avi[fs]|hei[cxms]|hev[cxms]|mif1|msf1)|\x00\x00\x00\x0cjP  ", _check_boxes),
    (rb"II\*\x00|MM\x00\*", _check_tiff),
)
