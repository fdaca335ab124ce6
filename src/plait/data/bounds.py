"""How large a picture, a sound or a table is, told before it is decoded: a few bytes can hold a day of silence.

Knows bytes and what their headers say; no cell and no column.
"""

from __future__ import annotations

import io
import math
import struct
from typing import Any

from plait.data.formats import has_av, sniff
from plait.data.media import DAMAGE, MAX_PIXELS
from plait.data.numbers import NPY
from plait.data.pictures import open_picture, quiet_pillow
from plait.data.sound import open_frames, read_plain

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"  # as each begins; the sizes follow
UNKNOWN = 2**62  # frames: what libsndfile says of a stream that does not tell its length
BLOCK = 2**16


def say_large(content: bytes, pixels: float, seconds: float, numbers: float = math.inf) -> str:
    """Return why a picture of more pixels, a sound of more seconds, or a file of more numbers is too large, else ""."""
    try:
        kind = sniff(content)
        if kind == "image" and (size := _count_pixels(content)) > pixels:
            return f"image too large: {size / 1e6:.1f} million pixels, expected at most {pixels / 1e6:.0f}"
        if kind == "audio" and (length := _tell_seconds(content, seconds)) > seconds:
            return f"sound too long: {length / 60:.1f} minutes or more, expected at most {seconds / 60:.0f}"
        if kind is None and (num := count_numbers(content)) > numbers:
            return f"too many numbers: {num:,}, expected at most {numbers:,}"
    except (*DAMAGE, ImportError):  # what is wrong with it is said where it is decoded
        return ""
    return ""


def count_numbers(content: bytes) -> int:
    """Return how many numbers, at most, a Parquet file says that it holds, or a table in text has; 0 of arrays."""
    if content.startswith(b"PAR1"):
        import pyarrow as pa
        import pyarrow.parquet as parquet

        try:
            facts = parquet.read_metadata(io.BytesIO(content))
        except (pa.ArrowException, OSError):
            return 0  # no such file, which is said where it is read
        return int(facts.num_rows * facts.num_columns)
    if content.startswith(NPY):
        return 0  # as many as bytes are there: nothing is made larger
    return content.count(b"\n") + content.count(b",") + content.count(b"\t") + content.count(b";") + 1


def _count_pixels(content: bytes) -> int:
    from PIL import Image, UnidentifiedImageError

    if content[:16] == PNG and content.find(b"IHDR", 16) < 0:  # of two the last counts
        size = math.prod(struct.unpack_from(">II", content, 16))
        if 0 < size < MAX_PIXELS:
            return size  # as Pillow would read it
    with quiet_pillow():
        try:
            width, height = open_picture(content).size
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return 2 * MAX_PIXELS  # from where on Pillow opens none
        except UnidentifiedImageError:
            width, height = _size_of_heic(content)
    return width * height


def _size_of_heic(content: bytes) -> Any:
    import pillow_heif

    return pillow_heif.open_heif(io.BytesIO(content)).size


def _tell_seconds(content: bytes, most: float) -> float:
    """Return how long a sound is, in seconds; of one that does not tell, no more is read than `most`."""
    if (plain := read_plain(content)) is not None:
        return len(plain[0]) / plain[1]
    import soundfile

    try:
        with open_frames(content) as file:
            if file.frames < UNKNOWN:
                return file.frames / file.samplerate
            frames = 0
            while frames <= most * file.samplerate and (num := len(file.read(BLOCK, "float32"))):
                frames += num
            return frames / file.samplerate
    except soundfile.LibsndfileError:
        return _seconds_of_packets(content) if has_av() else 0.0


def _seconds_of_packets(content: bytes) -> float:
    """Return where the last packet of a sound ends: what a container says of its length may be anything."""
    import av

    end = 0.0
    with av.open(io.BytesIO(content), "r", metadata_errors="ignore", options={"protocol_whitelist": ""}) as file:
        if (stream := file.streams.best("audio") or file.streams.best("video")) is None:
            return end
        try:
            for packet in file.demux(stream):
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        except av.FFmpegError:  # its end is missing, which is said where it is decoded
            return end
    return end
