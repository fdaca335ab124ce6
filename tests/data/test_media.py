"""Cells are decoded, or refused with a reason that a person understands."""

import base64
import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image, PngImagePlugin

from plait.data.formats import sniff
from plait.data.media import open_cell, read_head, read_image, read_sound, resample
from plait.errors import CellError
from plait.kinds.image.prep import is_animated

GREY = np.arange(48, dtype=np.uint8).reshape(6, 8)
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(800) / 8000)).astype(np.float32)


def picture(format: str = "PNG", values: np.ndarray = GREY, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, format, **options)
    return out.getvalue()


def sound(format: str = "WAV", values: np.ndarray = TONE) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, values, 8000, format=format)
    return out.getvalue()


def png_of_size(width: int, height: int) -> bytes:
    """A small file that says that it is a large picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000", "ICO"])
def test_pictures_are_known_by_their_first_bytes(format: str) -> None:
    assert sniff(picture(format)[:64]) == "image"


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "W64", "RF64", "VOC"])
def test_sounds_are_known_by_their_first_bytes_and_decoded(format: str) -> None:
    content = sound(format)
    assert sniff(content[:64]) == "audio"
    samples, rate = read_sound(content, None)
    assert samples.dtype == np.float32
    assert samples.shape[1] == 1
    assert rate == 8000


def test_open_cell_takes_paths_bytes_and_structs(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "1.wav").write_bytes(b"abc")
    assert open_cell("clips/1.wav", tmp_path) == tmp_path / "clips/1.wav"
    assert open_cell("clips\\1.wav", tmp_path) == tmp_path / "clips/1.wav"
    assert open_cell(str(tmp_path / "clips/1.wav"), None) == tmp_path / "clips/1.wav"
    assert open_cell(b"xyz", None) == b"xyz"
    assert open_cell({"bytes": b"xyz", "path": "gone.wav"}, tmp_path) == b"xyz"
    assert open_cell({"bytes": None, "path": "clips/1.wav"}, tmp_path) == tmp_path / "clips/1.wav"
    assert open_cell({"bytes": base64.b64encode(b"xyz").decode()}, None) == b"xyz"
    assert read_head("clips/1.wav", tmp_path, 2) == b"ab"


def test_open_cell_finds_accents_written_in_the_other_way(tmp_path: Path) -> None:
    (tmp_path / "cafe\u0301.png").write_bytes(b"abc")
    assert open_cell("caf\u00e9.png", tmp_path).name == "cafe\u0301.png"


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (None, "^blank$"),
        ("  ", "^blank$"),
        (b"", "^blank$"),
        ({"bytes": None, "path": None}, "^blank$"),
        ({"bytes": "not base64!"}, "neither bytes nor base64"),
        ("clips/7.wav", "^file not found: clips/7.wav$"),
        ("a\0b", "^file not found: a�b$"),
        ("x" * 5000, "^file not found: xxx"),
        ("https://example.org/a.png", "download it first"),
        ("folder", "^a folder, not a file: folder$"),
        ("empty.wav", "^file is empty: empty.wav$"),
        (3.5, "expected a path or bytes, got float 3.5"),
    ],
)
def test_open_cell_says_what_is_wrong(tmp_path: Path, cell: object, reason: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.wav").touch()
    with pytest.raises(CellError, match=reason):
        open_cell(cell, tmp_path)


def test_a_picture_is_decoded_and_not_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    (tmp_path / "a.wrong").write_bytes(picture(exif=exif.tobytes()))
    image = read_image("a.wrong", tmp_path)
    assert image.size == (8, 6)
    assert image.getexif()[0x0112] == 6
    np.testing.assert_array_equal(np.asarray(image), GREY)


def test_draft_decodes_a_jpeg_smaller_but_not_below_the_size_asked() -> None:
    large = np.zeros((400, 800), np.uint8)
    assert read_image(picture("JPEG", large), None, draft=(100, 100)).size == (200, 100)
    assert read_image(picture("PNG", large), None, draft=(100, 100)).size == (800, 400)


@pytest.mark.parametrize(
    ("values", "mode", "size", "first"),
    [
        (np.full((4, 5), 7, np.uint8), "L", (5, 4), 7),
        (np.full((4, 5, 1), 7, np.uint8), "L", (5, 4), 7),
        (np.full((4, 5, 3), 1.0), "RGB", (5, 4), 255),
        (np.full((4, 5, 3), 200.0), "RGB", (5, 4), 200),
        (np.full((3, 8, 9), 7, np.int64), "RGB", (9, 8), 7),
        (np.full((4, 5, 4), 0.5, np.float32), "RGBA", (5, 4), 128),
        (np.full((4, 5), True), "L", (5, 4), 255),
    ],
)
def test_arrays_are_pictures(values: np.ndarray, mode: str, size: tuple[int, int], first: int) -> None:
    image = read_image(values, None)
    assert (image.mode, image.size) == (mode, size)
    assert np.asarray(image).ravel()[0] == first


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (b"hello, I am text", "^not an image: the file in the cell holds text$"),
        (sound(), r"^not an image: the file in the cell holds a sound \(WAV\)$"),
        (bytes(range(128, 228)), "holds unknown bytes"),
        (picture("JPEG", np.zeros((90, 90), np.uint8))[:-200], "^truncated image: the file in the cell$"),
        (picture()[:16] + bytes(40), "^damaged image: the file in the cell"),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic", "^truncated image"),
        (png_of_size(50_000, 50_000), "^image too large: .* more than 89 million pixels$"),
        (png_of_size(10_000, 10_000), "^image too large"),
        (np.zeros((9, 5, 7)), r"expected an image of shape \(height, width\[, channel\]\).*got \(9, 5, 7\)"),
        (np.full((4, 5), np.nan), "an image without a value"),
        (np.array([["a"]]), "expected an image of numbers"),
    ],
)
def test_what_is_no_picture_has_a_reason(cell: object, reason: str) -> None:
    with pytest.raises(CellError, match=reason):
        read_image(cell, None)


def test_a_sound_has_time_first_and_channels_apart() -> None:
    samples, rate = read_sound(sound("FLAC", np.stack([TONE, -TONE], axis=1)), None)
    assert (samples.shape, rate) == ((800, 2), 8000)
    np.testing.assert_allclose(samples[:, 0], TONE, atol=1e-4)
    np.testing.assert_allclose(samples[:, 1], -TONE, atol=1e-4)


def test_arrays_are_sounds() -> None:
    assert read_sound(TONE, None) == (pytest.approx(TONE[:, None]), 22050)
    assert read_sound(TONE, None, sample_rate=16000)[1] == 16000
    assert read_sound(np.zeros((2, 900)), None)[0].shape == (900, 2)
    assert read_sound(np.array([-32768, 16384], np.int16), None)[0].ravel().tolist() == [-1.0, 0.5]
    assert read_sound(np.array([0, 128, 192], np.uint8), None)[0].ravel().tolist() == [-1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (sound(values=np.zeros(0, np.float32)), "^sound has 0 samples: the file in the cell$"),
        (np.zeros(0), "^sound has 0 samples"),
        (np.array([0.0, np.nan]), "^sound holds values that are not finite: array of shape"),
        (b"hello", "^not a sound: the file in the cell holds text$"),
        (picture(), r"^not a sound: the file in the cell holds a picture \(PNG\)$"),
        (sound()[:30], r"^cut off: the file in the cell \(it ends before the sound begins\)$"),
        (sound("FLAC")[:100], "^damaged sound: the file in the cell"),
        (b"MThd\x00\x00\x00\x06\x00\x01", "^MIDI is not supported: .*it holds notes, not sound: render it to WAV"),
        (np.zeros((2, 3, 4)), r"expected a sound of shape \(time,\) or \(time, channel\), got \(2, 3, 4\)"),
    ],
)
def test_what_is_no_sound_has_a_reason(cell: object, reason: str) -> None:
    with pytest.raises(CellError, match=reason):
        read_sound(cell, None)


def test_a_sound_of_zero_samples_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(sound(values=np.zeros(0, np.float32)))
    with pytest.raises(CellError, match=r"^sound has 0 samples: a\.wav$"):
        read_sound("a.wav", tmp_path)


def test_many_threads_may_decode_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())
    (tmp_path / "a.wav").write_bytes(sound())
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(lambda _: read_image("a.png", tmp_path).size, range(20)))
        lengths = list(pool.map(lambda _: len(read_sound("a.wav", tmp_path)[0]), range(20)))
    assert sizes == [(8, 6)] * 20
    assert lengths == [800] * 20


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [("#t=0.25,0.5", 250, 500), ("#t=0.5", 500, 1000), ("#t=,0.1", 0, 100), ("#t=0.9,7", 900, 1000), ("", 0, 1000)],
)
def test_a_part_of_a_sound(tmp_path: Path, part: str, first: int, last: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.arange(1000) / 1000, 1000, subtype="FLOAT")
    samples, rate = read_sound("a.wav" + part, tmp_path)
    assert rate == 1000
    assert np.array_equal(samples[:, 0], np.arange(first, last, dtype=np.float32) / np.float32(1000))
    assert np.array_equal(read_sound({"path": "a.wav" + part, "bytes": None}, tmp_path)[0], samples)
    assert np.array_equal(read_sound(tmp_path / ("a.wav" + part), None)[0], samples)


def test_a_part_beyond_the_end_of_a_sound(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1000), 1000)
    with pytest.raises(CellError, match=r"^the part begins at 2 s, behind the end: a\.wav#t=2,3$"):
        read_sound("a.wav#t=2,3", tmp_path)


def test_a_file_of_the_whole_name_goes_first(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1000), 1000)
    soundfile.write(tmp_path / "a.wav#t=0,1", np.zeros(3000), 1000, format="WAV")
    assert len(read_sound("a.wav#t=0,1", tmp_path)[0]) == 3000


@pytest.mark.parametrize("as_bytes", [True, False])
def test_a_sound_without_its_end_is_broken_unless_the_rest_is_asked_for(tmp_path: Path, as_bytes: bool) -> None:
    """libsndfile reads what is there without a word; a reader of tables must not."""
    content = sound("WAV")
    cut = content[: len(content) // 2]
    (tmp_path / "cut.wav").write_bytes(cut)
    cell = {"bytes": cut, "path": "cut.wav"} if as_bytes else "cut.wav"
    with pytest.raises(CellError, match=r"cut off: cut\.wav \(it holds [\d,]+ of the [\d,]+ bytes") as caught:
        read_sound(cell, tmp_path)
    assert caught.value.fault == "truncated"
    samples, _ = read_sound(cell, tmp_path, whole=False)
    assert 0 < len(samples) < len(read_sound({"bytes": content}, None)[0])


def test_a_stream_that_left_its_length_open_is_whole(tmp_path: Path) -> None:
    content = bytearray(sound("WAV"))
    place = content.index(b"data") + 4
    content[place : place + 4] = b"\xff\xff\xff\xff"
    whole = read_sound({"bytes": sound("WAV")}, None)[0]
    assert np.array_equal(read_sound({"bytes": bytes(content)}, None)[0], whole)


@pytest.mark.parametrize("rate", [1, 99, 800_000])
def test_a_sound_of_an_absurd_rate_is_refused(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(1000), rate)
    with pytest.raises(CellError, match=f"sample rate of {rate} Hz, expected 100 to 768000"):
        read_sound("a.wav", tmp_path)


def test_a_sound_is_not_made_too_long_by_another_rate() -> None:
    with pytest.raises(CellError, match="more than 268 million samples at 16000 Hz"):
        resample(np.zeros(2_000_000, np.float32), 100, 16_000)


def test_a_png_with_a_long_comment_is_read(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", "x" * 1_500_000, zip=True)
    Image.new("L", (4, 4), 7).save(tmp_path / "a.png", pnginfo=info)
    assert read_image("a.png", tmp_path).getpixel((0, 0)) == 7


def test_a_cell_is_not_led_out_of_its_folder_by_a_link(tmp_path: Path) -> None:
    folder, store = tmp_path / "table", tmp_path / "store"
    for place in (folder / "in", store / "far"):
        place.mkdir(parents=True)
        (place / "1.png").write_bytes(b"x")
    (folder / "inside.png").symlink_to("in/1.png")
    (folder / "out.png").symlink_to(store / "far" / "1.png")
    (folder / "far").symlink_to(store / "far")
    (tmp_path / "typed").symlink_to(folder)
    for name in ("in/1.png", "inside.png", "../store/far/1.png", str(folder / "out.png"), "far/../1.png"):
        if name != "far/../1.png":
            assert open_cell(name, tmp_path / "typed").read_bytes() == b"x"  # type: ignore[union-attr]
    (store / "1.png").write_bytes(b"x")
    for name in ("out.png", "far/1.png", "far\\1.png", "far/../1.png", "far/1.png#t=1,2"):
        with pytest.raises(CellError, match=r"^a link that leads out of the folder: ") as caught:
            open_cell(name, folder)
        assert caught.value.fault == "link"
    with pytest.raises(CellError, match=rf"far/1.png is {store}/far/1.png \(give --folder {store}, or copy the files"):
        open_cell("far/1.png", folder)
    assert open_cell("far/1.png", store).read_bytes() == b"x"  # type: ignore[union-attr]


def test_only_the_first_of_ten_thousand_frames_is_decoded() -> None:
    """A frame of 60,000 pixels, 10,000 times: to decode all would take seconds, to hold them 0.6 GB."""
    out = io.BytesIO()
    Image.new("P", (300, 200)).save(out, "GIF")
    content = out.getvalue()
    start = content.index(b"\x2c", 13 + 3 * 2 ** ((content[10] & 7) + 1))  # of its one frame
    began = time.process_time()
    image = read_image(content[:start] + content[start:-1] * 10_000 + b";", None)
    assert image.size == (300, 200)
    assert is_animated(image)
    assert time.process_time() - began < 2
