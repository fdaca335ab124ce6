"""Pictures with all the bits they have, and what is left of those whose end is missing."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from plait.data.media import read_image
from plait.data.pictures import CUT, deep_values, quiet_pillow
from plait.errors import CellError

DEEP = np.linspace(0, 60000, 6 * 8 * 4).reshape(6, 8, 4).astype(np.uint16)
PHOTO = np.kron(np.random.default_rng(0).integers(0, 256, (8, 10, 3), np.uint8), np.ones((16, 16, 1), np.uint8))


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png16(values: np.ndarray, colours: int) -> bytes:
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, colours, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def tiff16(values: np.ndarray, order: str) -> bytes:
    """RGB, not compressed, with the words of 16 bits in this order."""
    data = values.astype(f"{order}u2").tobytes()
    tags = [(256, [8]), (257, [6]), (258, [16] * 3), (259, [1]), (262, [2]), (273, [8]), (277, [3]), (278, [6])]
    tags.append((279, [len(data)]))
    place, later, entries = 8 + len(data), b"", b""
    for tag, numbers in tags:
        packed = struct.pack(f"{order}{len(numbers)}H", *numbers)
        if len(packed) > 4:
            packed, later = struct.pack(f"{order}I", place + 6 + 12 * len(tags) + len(later)), later + packed
        entries += struct.pack(f"{order}HHI", tag, 3, len(numbers)) + packed.ljust(4, b"\0")
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", place)
    return start + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + later


@pytest.mark.parametrize(
    ("content", "values", "mode"),
    [
        (png16(DEEP[..., :3], 2), DEEP[..., :3], "RGB"),
        (png16(DEEP, 6), DEEP[..., :3], "RGBA"),
        (png16(DEEP[..., :2], 4), DEEP[..., 0], "RGBA"),
        (png16(DEEP[..., :1], 0), DEEP[..., 0], "I;16"),
        (tiff16(DEEP[..., :3], "<"), DEEP[..., :3], "RGB"),
        (tiff16(DEEP[..., :3], ">"), DEEP[..., :3], "RGB"),
        (b"P6 8 6 65535\n" + DEEP[..., :3].astype(">u2").tobytes(), DEEP[..., :3], "RGB"),
    ],
    ids=["PNG RGB", "PNG RGBA", "PNG grey alpha", "PNG grey", "TIFF little", "TIFF big", "PPM"],
)
def test_files_of_16_bits_keep_every_value(content: bytes, values: np.ndarray, mode: str) -> None:
    image = read_image(content, None)
    assert image.mode == mode
    np.testing.assert_array_equal(deep_values(image), values)


@pytest.mark.parametrize(
    "values", [DEEP[..., 0], DEEP[..., :3], DEEP[..., 0] / 9.0 - 500, np.full((4, 5, 3), 0.25, np.float32)]
)
def test_arrays_keep_every_value(values: np.ndarray) -> None:
    np.testing.assert_array_equal(deep_values(read_image(values, None)), values)


def test_what_has_8_bits_has_no_deep_values() -> None:
    assert deep_values(read_image(PHOTO, None)) is None


def saved(form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image = Image.fromarray(PHOTO)
    (image.convert("P") if form == "GIF" else image).save(out, form, **options)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "PPM", "WEBP"])
def test_a_picture_whose_last_bytes_are_missing_is_read(form: str) -> None:
    content = saved(form)
    whole = np.asarray(read_image(content, None).convert("RGB")).astype(int)
    image = read_image(content[:-2], None)
    assert (np.asarray(image.convert("RGB")) != whole).any(axis=-1).mean() <= 0.01
    assert form in ("PNG", "GIF") or image.info[CUT] == "its last bytes are missing"


@pytest.mark.parametrize("tail", [b"", b"\xff\xd9", bytes(4000)], ids=["cut", "with its end mark", "zeros"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "BMP"])
def test_a_picture_that_is_cut_in_its_pixels_is_absent(form: str, tail: bytes) -> None:
    content = saved(form, **({"quality": 90} if form == "JPEG" else {}))
    if form == "BMP" and len(tail) > 100:
        pytest.skip("zeros are pixels to a BMP")
    with pytest.raises(CellError, match=r"(truncated|damaged) image"):
        read_image(content[: len(content) // 2] + tail, None)


def test_a_jpeg_in_passes_is_whole_once_the_last_bit_comes() -> None:
    out = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)).save(
        out, "JPEG", progressive=True
    )
    content = out.getvalue()
    assert CUT in read_image(content[: -len(content) // 50], None).info
    with pytest.raises(CellError, match="truncated image"):
        read_image(content[: len(content) // 3], None)


def test_a_photo_that_ends_in_grey_is_whole() -> None:
    grey = PHOTO.copy()
    grey[-40:] = 128
    out = io.BytesIO()
    Image.fromarray(grey).save(out, "JPEG")
    assert read_image(out.getvalue(), None).size == (160, 128)


def test_warnings_of_pillow_are_silent_in_every_thread_and_others_are_not() -> None:
    exif = b"Exif\0\0II*\0\x08\0\0\0\x05\0\x0f\1\2\0\xff\0\0\0\x99\x99\0\0\x12\1\3\0\1"
    content = saved("JPEG")
    content = content[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + content[2:]

    def tags(_: int) -> int:
        image = read_image(content, None)
        with quiet_pillow():
            return len(image.getexif())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tags, range(40)))
    with quiet_pillow(), pytest.raises(UserWarning, match="mine"):
        warnings.warn("mine", stacklevel=1)


def test_heic_is_read_where_its_package_is(monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    out = io.BytesIO()
    heif.from_pillow(Image.fromarray(PHOTO)).save(out, quality=95)
    content = out.getvalue()
    assert np.abs(np.asarray(read_image(content, None)).astype(int) - PHOTO).mean() < 5
    with pytest.raises(CellError, match="truncated image"):
        read_image(content[:-200], None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        CellError, match=r'run: pip install "plait\[heic\]", or convert it to JPEG or PNG: the file in the cell'
    ):
        read_image(content, None)


@pytest.mark.parametrize(("cut", "most"), [(1, 0.0), (3, 0.0), (20, 0.01)])
def test_a_gif_without_its_last_bytes_is_read(cut: int, most: float) -> None:
    pixels = (np.arange(120)[:, None] + np.arange(160)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "GIF")
    read = np.asarray(read_image(out.getvalue()[:-cut], None).convert("L"))
    assert (read != pixels).mean() <= most
    with pytest.raises(CellError, match="truncated"):
        read_image(out.getvalue()[:-200], None)
