"""Headers: what files of sounds and pictures say of themselves, and where that is wrong."""

import io
import struct

import numpy as np
import pytest

from plait.data.headers import check_header, seems_whole

TONE = np.sin(np.arange(8000) / 5).astype(np.float32) / 2


def sound(form: str, subtype: str | None = None) -> bytes:
    import soundfile

    content = io.BytesIO()
    soundfile.write(content, TONE, 16000, subtype, format=form)
    return content.getvalue()


def picture(form: str = "PNG") -> bytes:
    from PIL import Image

    content = io.BytesIO()
    how = {"compression": "tiff_lzw"} if form == "TIFF" else {}
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(content, form, **how)
    return content.getvalue()


WHOLE = {form: sound(form) for form in ("WAV", "AIFF", "AU", "CAF", "W64", "OGG", "MP3", "FLAC", "RF64")} | {
    "PNG": picture()
}


@pytest.mark.parametrize("form", WHOLE)
def test_a_whole_file_agrees_with_itself(form: str) -> None:
    assert check_header(WHOLE[form]) == ("", "")


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU", "CAF", "W64", "MP3", "RF64", "PNG"])
def test_half_a_file_is_truncated(form: str) -> None:
    assert check_header(WHOLE[form][: len(WHOLE[form]) // 2])[0] == "truncated"


@pytest.mark.parametrize(
    ("form", "said"),
    [("JPEG2000", "its last part is cut off"), ("AVIF", "its last part is cut off"), ("TIFF", "its end is missing")],
)
def test_a_picture_that_ends_too_soon(form: str, said: str) -> None:
    content = picture(form)
    assert check_header(content) == ("", "")
    assert check_header(content[: len(content) // 2]) == ("truncated", said)


def test_an_ogg_that_ends_inside_a_page_is_truncated() -> None:
    assert check_header(WHOLE["OGG"][:-100]) == ("truncated", "its last page is cut off")


def test_the_words_say_how_much_is_left() -> None:
    said = "it holds 7,956 of the 16,000 bytes of sound that its header says"
    assert check_header(WHOLE["WAV"][:8000]) == ("truncated", said)


def test_a_wav_that_ends_before_its_sound() -> None:
    assert check_header(WHOLE["WAV"][:40]) == ("truncated", "it ends before the sound begins")
    assert check_header(WHOLE["WAV"][:22]) == ("truncated", "it ends before the sound begins")
    assert check_header(WHOLE["AU"][:10]) == ("truncated", "it ends inside its own header")


def test_the_length_that_a_stream_leaves_open_is_no_truncation() -> None:
    content = bytearray(WHOLE["WAV"])
    struct.pack_into("<I", content, content.index(b"data") + 4, 0xFFFFFFFF)
    assert check_header(bytes(content)) == ("header", "its header leaves the length open, as a stream does")


def test_a_length_of_zero_before_sound() -> None:
    content = bytearray(WHOLE["WAV"])
    struct.pack_into("<I", content, content.index(b"data") + 4, 0)
    assert check_header(bytes(content)) == ("header", "its header says 0 bytes of sound, 16,000 follow")


def test_a_speed_that_does_not_fit_the_rate() -> None:
    content = bytearray(WHOLE["WAV"])
    struct.pack_into("<I", content, 28, 44100)
    said = "its header says 44,100 bytes a second; 16,000 Hz and 2 bytes a sample make 32,000"
    assert check_header(bytes(content)) == ("header", said)


def test_a_png_whose_bytes_changed() -> None:
    content = bytearray(WHOLE["PNG"])
    content[content.index(b"IDAT") + 10] ^= 1
    assert check_header(bytes(content)) == ("header", "the checksum of its part 'IDAT' is wrong: bytes have changed")


def test_other_bytes_say_nothing() -> None:
    assert check_header(b"") == ("", "")
    assert check_header(b"any text") == ("", "")


def wav(sound: int, told: int | None = None, more: bytes = b"", block: int = 2) -> bytes:
    """Return a WAV of `sound` bytes at 8,000 Hz, whose header tells `told`."""
    told = sound if told is None else told
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, 8000, 8000 * block, block, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", told) + bytes(sound) + more
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (wav(1000), True),
        (b"fLaC" + bytes(100), True),
        (wav(0), False),
        (wav(1000, 4000), False),
        (wav(1000, 900), False),
        (wav(1000, 0xFFFFFFFF), False),
        (wav(1001), True),
        (wav(1000, block=3), False),
        (wav(1000, more=b"LIST\x04\0\0\0abcd"), False),
        (wav(1000)[:30], False),
        (b"OggS" + bytes(100), False),
        (b"", True),
    ],
)
def test_what_seems_whole_is_whole(content: bytes, whole: bool) -> None:
    assert seems_whole(content[:64], len(content)) is whole
    assert not whole or check_header(content) == ("", "")
