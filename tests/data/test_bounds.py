"""How large a picture or a sound is, told without decoding it."""

import io
import struct
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import soundfile
from PIL import Image

from plait.data.bounds import count_numbers, say_large


def picture(width: int, height: int, form: str = "PNG") -> bytes:
    Image.new("L", (width, height)).save(content := io.BytesIO(), form)
    return content.getvalue()


def sound(seconds: float, form: str) -> bytes:
    soundfile.write(content := io.BytesIO(), np.zeros(round(seconds * 8000), np.float32), 8000, format=form)
    return content.getvalue()


def test_tables_of_numbers() -> None:
    parquet.write_table(pa.table({"a": np.zeros(50_000, np.int8), "b": np.zeros(50_000, np.int8)}), out := io.BytesIO())
    assert len(out.getvalue()) < 2000
    assert say_large(out.getvalue(), 1, 1, 99_999) == "too many numbers: 100,000, expected at most 99,999"
    assert say_large(out.getvalue(), 1, 1, 100_000) == ""
    assert say_large(b"a,b\n1,2\n3,4", 1, 1, 5) == "too many numbers: 6, expected at most 5"
    assert count_numbers(b"PAR1 and nothing else") == 0
    np.save(array := io.BytesIO(), np.zeros(100))
    assert count_numbers(array.getvalue()) == 0


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_pictures(form: str) -> None:
    assert say_large(picture(20, 10, form), 200, 1) == ""
    assert say_large(picture(21, 10, form), 200, 1).startswith("image too large: 0.0 million pixels")


def test_a_picture_that_says_to_be_larger_than_any_is_refused_by_its_header() -> None:
    bomb = bytearray(picture(1, 1))
    bomb[16:24] = struct.pack(">II", 50_000, 50_000)
    crc = zlib.crc32(bytes(bomb[12:29]))
    bomb[29:33] = struct.pack(">I", crc)
    assert say_large(bytes(bomb), 16e6, 1) == "image too large: 179.0 million pixels, expected at most 16"


def test_what_only_looks_like_the_size_of_a_png_is_not_taken_for_it() -> None:
    small = b"\0\0\0\x0a\0\0\0\x0a"
    gif = picture(1500, 1000, "GIF")
    gif = gif[:12] + b"IHDR" + small + gif[24:]  # where its colours stand
    assert say_large(gif, 1e6, 1).startswith("image too large: 1.5 million pixels")
    png = picture(3000, 2000)
    first = struct.pack(">I", 13) + b"IHDR" + small + png[24:29]
    twice = png[:8] + first + struct.pack(">I", zlib.crc32(first[4:])) + png[8:]
    assert say_large(twice, 1e6, 1).startswith("image too large: 6.0 million pixels")


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_sounds(form: str) -> None:
    assert say_large(sound(1, form), 1, 6) == ""
    assert say_large(sound(7, form), 1, 6).startswith("sound too long: 0.1 minutes or more")


def test_a_sound_that_does_not_tell_its_length_is_read_so_far() -> None:
    content = bytearray(sound(21, "FLAC"))
    content[18 + 3] &= 0xF0  # the number of samples in STREAMINFO: 36 bits from here on
    content[22:26] = bytes(4)
    assert say_large(bytes(content), 1, 12).startswith("sound too long: 0.3 minutes")
    assert say_large(bytes(content), 1, 600) == ""


def test_a_container_is_told_by_its_packets() -> None:
    av = pytest.importorskip("av")
    content = io.BytesIO()
    with av.open(content, "w", format="webm") as file:
        stream = file.add_stream("libopus", rate=48000)
        for number in range(150):
            frame = av.AudioFrame(format="flt", layout="stereo", samples=960)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate, frame.pts = 48000, 960 * number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    assert say_large(content.getvalue(), 1, 2).startswith("sound too long: 0.1 minutes")
    assert say_large(content.getvalue(), 1, 4) == ""


@pytest.mark.parametrize("content", [b"", b"words", b"\x89PNG\r\n\x1a\n", b"fLaC", b"RIFF\0\0\0\0WAVE"])
def test_what_is_broken_is_not_said_here(content: bytes) -> None:
    assert say_large(content, 1, 1) == ""
