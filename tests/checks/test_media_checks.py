"""Each check of files, pictures and sounds, on a real file that has the fault and beside real files that have none."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image, ImageDraw

import plait
from plait.checks.media_checks import BROKEN, check_media
from plait.checks.survey import survey_table
from plait.core.finding import Finding
from plait.kinds import KINDS
from plait.kinds.detect import detect


def pixels(seed: int, side: int = 64) -> np.ndarray:
    """Return soft coloured clouds (height, width, 3), other ones for each seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((side, side), Image.Resampling.BICUBIC))


def tone(seed: int, rate: int = 8000, seconds: float = 0.5) -> np.ndarray:
    return 0.4 * np.sin(np.arange(round(rate * seconds)) * (0.1 + 0.01 * seed)).astype(np.float32)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A folder with four good pictures and four good sounds."""
    for number in range(4):
        Image.fromarray(pixels(number)).save(tmp_path / f"{number}.png")
        soundfile.write(tmp_path / f"{number}.wav", tone(number), 8000)
    return tmp_path


def found_in(folder: Path, column: str, cells: list[Any], **others: Any) -> dict[str, Finding]:
    """Return the findings about a column "image" or "audio" by the name of their check."""
    table = plait.read({column: cells, **others}, folder=folder)
    schema = detect(table, kinds={column: column})
    findings = check_media(survey_table(table, schema))
    assert len({finding.check for finding in findings}) == len(findings)
    return {finding.check: finding for finding in findings}


def only(folder: Path, column: str, cells: list[Any], **others: Any) -> Finding:
    (finding,) = found_in(folder, column, cells, **others).values()
    assert finding.column == column
    return finding


PICTURES: list[Any] = ["0.png", "1.png", None, "2.png"]  # row 4 is the one at fault
SOUNDS: list[Any] = ["0.wav", "1.wav", None, "2.wav"]


def test_good_files_and_blank_cells_are_no_finding(good: Path) -> None:
    assert found_in(good, "image", PICTURES) == {}
    assert found_in(good, "audio", SOUNDS) == {}


def bomb() -> bytes:
    """Return a PNG that says it has 100,000 × 100,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def wav(samples: np.ndarray, subtype: str = "FLOAT", form: str = "WAV") -> bytes:
    content = io.BytesIO()
    soundfile.write(content, samples, 8000, subtype, format=form)
    return content.getvalue()


def spoil(content: bytes) -> bytes:
    return content[:100] + b"\x99" * (len(content) - 112) + content[-12:]


FAULTS: dict[str, tuple[str, str, Callable[[Path], bytes]]] = {
    "no bytes": ("bad.png", "file-empty", lambda good: b""),
    "half a PNG": ("bad.png", "file-truncated", lambda good: (good / "0.png").read_bytes()[:2000]),
    "text": ("bad.png", "file-wrong-kind", lambda good: b"<html>404 Not Found</html>"),
    "a sound": ("bad.png", "file-wrong-kind", lambda good: (good / "0.wav").read_bytes()),
    "any bytes": ("bad.png", "file-unreadable", lambda good: bytes(range(200, 256)) * 9),
    "a spoilt PNG": ("bad.png", "file-unreadable", lambda good: spoil((good / "0.png").read_bytes())),
    "a bomb": ("bad.png", "image-too-large", lambda good: bomb()),
    "empty": ("bad.wav", "file-empty", lambda good: b""),
    "half a WAV": ("bad.wav", "file-truncated", lambda good: (good / "0.wav").read_bytes()[:4000]),
    "a WAV of a header": ("bad.wav", "file-truncated", lambda good: (good / "0.wav").read_bytes()[:44]),
    "half a FLAC": ("bad.flac", "file-unreadable", lambda good: wav(tone(0), "PCM_16", "FLAC")[:1500]),
    "an OGG cut off": ("bad.ogg", "file-truncated", lambda good: wav(tone(0), "VORBIS", "OGG")[:-60]),
    "a picture": ("bad.wav", "file-wrong-kind", lambda good: (good / "0.png").read_bytes()),
    "no samples": ("bad.wav", "audio-no-samples", lambda good: wav(np.zeros(0, np.float32))),
    "NaN": ("bad.wav", "audio-not-finite", lambda good: wav(np.full(4000, np.nan, np.float32))),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_file_is_an_error_at_its_row(fault: str, good: Path) -> None:
    name, check, make = FAULTS[fault]
    (good / name).write_bytes(make(good))
    column, cells = ("image", PICTURES) if name.endswith(".png") else ("audio", SOUNDS)
    finding = only(good, column, [*cells, name])
    assert (finding.severity, finding.check, finding.rows) == ("error", check, (4,))
    assert name in finding.message
    assert finding.mend


@pytest.mark.parametrize(
    ("cell", "check", "said"),
    [
        ("gone.png", "file-missing", "1 cell names a file that is not there; the first: file not found: gone.png"),
        ("https://example.org/a.png", "file-address", "1 cell is an address, which is never fetched; the first: not a"),
        ("folder", "file-unreadable", "1 cell cannot be read; the first: a folder, not a file: folder"),
        (b"\x89PNG\r\n\x1a\n", "file-truncated", "1 cell holds a file whose end is missing"),
    ],
)
def test_a_cell_that_leads_to_no_file(cell: Any, check: str, said: str, good: Path) -> None:
    (good / "folder").mkdir()
    finding = only(good, "image", [*PICTURES, cell])
    assert (finding.severity, finding.check, finding.rows) == ("error", check, (4,))
    assert finding.message.startswith(said)


def test_every_fault_of_a_cell_has_a_finding() -> None:
    assert set(BROKEN) == {
        "missing",
        "link",
        "empty",
        "address",
        "truncated",
        "wrong-kind",
        "unsupported",
        "unreadable",
    }
    assert set(KINDS["image"].checks.FAULTS) == {"too-large"}
    assert set(KINDS["audio"].checks.FAULTS) == {"too-large", "no-sound", "no-samples", "not-finite"}


def test_all_cells_broken(tmp_path: Path) -> None:
    finding = only(tmp_path, "audio", ["a.wav", None, "b.wav"])
    assert finding.rows == (0, 2)
    assert finding.message == "2 cells name a file that is not there; the first: file not found: a.wav"


def test_a_jpeg_named_png_is_a_warning(good: Path) -> None:
    Image.fromarray(pixels(9)).save(good / "photo.png", "JPEG")
    finding = only(good, "image", [*PICTURES, "photo.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "file-wrong-ending", (4,))
    assert finding.message.endswith("photo.png is JPEG")


def test_a_file_outside_the_folder_of_the_table(good: Path) -> None:
    (good / "inner").mkdir()
    Image.fromarray(pixels(9)).save(good / "inner" / "own.png")
    finding = only(good / "inner", "image", ["own.png", "../0.png", str(good / "1.png")])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "file-outside", (1, 2))


def test_a_photo_that_exif_turns_is_a_note(good: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels(9)).save(good / "turned.jpg", exif=exif)
    finding = only(good, "image", [*PICTURES, "turned.jpg"])
    assert (finding.severity, finding.check, finding.rows) == ("note", "image-rotated", (4,))


@pytest.mark.parametrize("name", ["a.gif", "a.tiff", "a.png", "a.webp"])
def test_several_frames_or_pages(name: str, good: Path) -> None:
    frames = [Image.fromarray(pixels(number)) for number in (7, 8)]
    frames[0].save(good / name, save_all=True, append_images=frames[1:])
    finding = only(good, "image", [*PICTURES, name])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-animated", (4,))


@pytest.mark.parametrize(
    ("size", "check"), [((64, 5), "image-tiny"), ((640, 40), "image-aspect"), ((40, 640), "image-aspect")]
)
def test_odd_sizes(size: tuple[int, int], check: str, good: Path) -> None:
    Image.fromarray(pixels(9)).resize(size).save(good / "odd.png")
    findings = found_in(good, "image", [*PICTURES, "odd.png"])
    assert findings[check].rows == (4,)
    assert findings[check].severity == "warning"


@pytest.mark.parametrize("colour", [(0, 0, 0), (200, 30, 30)])
def test_one_colour_all_over(colour: tuple[int, int, int], good: Path) -> None:
    Image.new("RGB", (50, 50), colour).save(good / "flat.png")
    almost = Image.new("RGB", (50, 50), colour)
    almost.putpixel((3, 3), (255, 255, 255))
    almost.save(good / "almost.png")
    finding = only(good, "image", [*PICTURES, "flat.png", "almost.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-one-colour", (4,))


def test_mixed_colour_modes_are_a_finding_about_the_column(good: Path) -> None:
    Image.fromarray(pixels(9)).convert("L").save(good / "grey.png")
    finding = only(good, "image", [*PICTURES, "grey.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-mixed-modes", ())
    assert finding.message == "pictures of several colour modes: 3 colour, 1 grey; row 4 is grey"


def test_mixed_bit_depths(good: Path) -> None:
    for number in range(3):
        Image.fromarray(pixels(number)[..., 0]).save(good / f"grey{number}.png")
    Image.fromarray(pixels(9)[..., 0].astype(np.uint16) * 257).save(good / "deep.png")
    finding = only(good, "image", ["grey0.png", "grey1.png", "grey2.png", "deep.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-mixed-depths", ())
    assert finding.message == "pictures of several bit depths: 3 8 bits, 1 16 bits; row 3 is 16 bits"


def test_a_picture_whose_checksum_is_wrong(good: Path) -> None:
    content = bytearray((good / "3.png").read_bytes())
    content[-1] ^= 1  # of IEND: every pixel can be read
    (good / "3.png").write_bytes(content)
    finding = only(good, "image", [*PICTURES, "3.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-damaged", (4,))
    assert "the checksum of its part 'IEND' is wrong" in finding.message


def test_copies(good: Path) -> None:
    (good / "copy.png").write_bytes((good / "0.png").read_bytes())
    finding = only(good, "image", [*PICTURES, "copy.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-duplicate", (4,))
    (good / "copy.wav").write_bytes((good / "0.wav").read_bytes())
    soundfile.write(good / "again.flac", soundfile.read(good / "1.wav")[0], 8000)  # other bytes, the same samples
    finding = only(good, "audio", [*SOUNDS, "copy.wav", "again.flac"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "audio-duplicate", (4, 5))


def test_the_same_pixels_in_another_file_are_near_duplicates(good: Path) -> None:
    Image.open(good / "1.png").save(good / "again.png", compress_level=1)
    finding = only(good, "image", [*PICTURES, "again.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-near-duplicate", (4,))


def test_a_file_that_two_rows_name_is_a_note(good: Path) -> None:
    finding = only(good, "image", [*PICTURES, "0.png"])
    assert (finding.severity, finding.check, finding.rows) == ("note", "image-repeated", ())


@pytest.mark.parametrize("kind", ["image", "audio"])
def test_duplicates_across_splits(kind: str, good: Path) -> None:
    ending = ".png" if kind == "image" else ".wav"
    (good / f"copy{ending}").write_bytes((good / f"0{ending}").read_bytes())
    cells = [f"{name}{ending}" for name in ("copy", 1, 2, 3, 0)]
    findings = found_in(good, kind, cells, split=["test", "train", "train", "train", "train"])
    assert findings[f"{kind}-duplicate-split"].severity == "warning"
    assert findings[f"{kind}-duplicate-split"].rows == (0,)
    assert f"{kind}-duplicate-split" not in found_in(good, kind, cells, split=["train"] * 4 + [None])


def test_near_duplicates(good: Path) -> None:
    image = Image.fromarray(pixels(0))
    image.save(good / "small.jpg", quality=40)
    image.resize((200, 200)).save(good / "large.png")
    image.point(lambda value: 20 + value * 0.8).save(good / "pale.png")
    finding = only(good, "image", [*PICTURES, "small.jpg", "large.png", "pale.png"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "image-near-duplicate", (4, 5, 6))
    splits = ["train", "train", "train", "train", "test", "train", "train"]
    findings = found_in(good, "image", [*PICTURES, "small.jpg", "large.png", "pale.png"], split=splits)
    assert findings["image-duplicate-split"].rows == (4,)


def test_small_drawings_of_one_sign_are_not_near_duplicates(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(60):  # upright strokes, as in handwritten ones
        image = Image.new("L", (28, 28))
        lean, top, bottom = random.integers(-4, 5), random.integers(3, 7), random.integers(21, 25)
        ImageDraw.Draw(image).line((14 + lean, top, 14 - lean, bottom), fill=255, width=int(random.integers(2, 5)))
        image.save(tmp_path / f"{number}.png")
    finding = only(tmp_path, "image", [f"{number}.png" for number in range(60)])
    assert finding.check in ("image-duplicate", "image-near-duplicate")
    assert len(finding.rows) < 6


ODD_SOUNDS: dict[str, tuple[str, Callable[[], tuple[np.ndarray, int]]]] = {
    "silence": ("audio-silent", lambda: (np.zeros(4000, np.float32), 8000)),
    "hiss of one bit": ("audio-silent", lambda: (1e-4 * np.sign(tone(3)), 8000)),
    "too loud": ("audio-clipped", lambda: (np.clip(5 * tone(9), -1, 1), 8000)),
    "silence off zero": ("audio-silent", lambda: (np.full(4000, 0.01, np.float32), 8000)),
    "10 ms": ("audio-short", lambda: (tone(9)[:80], 8000)),
    "12 s": ("audio-long", lambda: (tone(9, seconds=12), 8000)),
    "off zero": ("audio-offset", lambda: (tone(9) + np.float32(0.3), 8000)),
}


@pytest.mark.parametrize("fault", ODD_SOUNDS)
def test_odd_sounds_are_warnings(fault: str, good: Path) -> None:
    check, make = ODD_SOUNDS[fault]
    soundfile.write(good / "odd.wav", *make())
    finding = only(good, "audio", [*SOUNDS, "odd.wav"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", check, (4,))


def test_a_wav_whose_header_leaves_its_length_open(good: Path) -> None:
    content = bytearray((good / "3.wav").read_bytes())
    struct.pack_into("<I", content, content.index(b"data") + 4, 0xFFFFFFFF)
    (good / "3.wav").write_bytes(content)
    finding = only(good, "audio", [*SOUNDS, "3.wav"])
    assert (finding.severity, finding.check, finding.rows) == ("warning", "audio-wrong-header", (4,))
    assert "its header leaves the length open" in finding.message


def test_a_format_that_nothing_decodes_is_named_with_the_way_out(good: Path) -> None:
    for number in range(4):
        (good / f"{number}.mid").write_bytes(b"MThd\x00\x00\x00\x06\x00\x01" + bytes(20))
    finding = only(good, "audio", [f"{number}.mid" for number in range(4)])
    assert (finding.severity, finding.check, finding.rows) == ("error", "file-unsupported", (0, 1, 2, 3))
    assert "MIDI is not supported: 0.mid (it holds notes, not sound: render it to WAV)" in finding.message


def test_channels_that_cancel_are_a_finding(good: Path) -> None:
    soundfile.write(good / "wire.wav", np.stack([tone(9), -0.8 * tone(9)], axis=1), 8000)
    finding = found_in(good, "audio", [*SOUNDS, "wire.wav"])["audio-cancelled"]
    assert (finding.severity, finding.rows) == ("warning", (4,))
    assert finding.message == "1 cell holds channels that cancel out: their mean is next to silent"


def test_mixed_rates_and_channels_are_findings_about_the_column(good: Path) -> None:
    soundfile.write(good / "fast.wav", np.stack([tone(8, 16000)] * 2, axis=1), 16000)
    findings = found_in(good, "audio", [*SOUNDS, "fast.wav"])
    assert {name: finding.rows for name, finding in findings.items()} == {
        "audio-mixed-rates": (),
        "audio-mixed-channels": (),
    }
    assert findings["audio-mixed-rates"].message.endswith("3 8,000 Hz, 1 16,000 Hz; row 4 is 16,000 Hz")
    assert findings["audio-mixed-channels"].message.endswith("3 mono, 1 stereo; row 4 is stereo")


def test_silence_and_one_colour_are_no_duplicates(good: Path) -> None:
    for number in range(2):
        soundfile.write(good / f"silent{number}.wav", np.zeros(4000, np.float32), 8000)
        Image.new("L", (30, 30), 7).convert("RGB").save(good / f"flat{number}.png")
    assert set(found_in(good, "audio", [*SOUNDS, "silent0.wav", "silent1.wav"])) == {"audio-silent"}
    assert set(found_in(good, "image", [*PICTURES, "flat0.png", "flat1.png"])) == {"image-one-colour"}


def test_the_real_digits_have_no_finding(shared_data: Path) -> None:
    rows = np.arange(0, 3000, 40)
    table = plait.read(shared_data / "digits" / "digits.csv")[rows]
    schema = detect(table, target="digit", group="speaker", ignore=["id"])
    assert check_media(survey_table(table, schema)) == []


def test_pictures_in_arrays_are_no_copies_of_each_other() -> None:
    photos = np.stack([pixels(seed) for seed in range(6)])
    found = {finding.check for finding in plait.check({"photo": photos, "label": ["a", "b"] * 3}, target="label")}
    assert found.isdisjoint({"image-duplicate", "image-repeated"})


def test_a_name_that_differs_in_case_gets_a_hint(good: Path) -> None:
    name = min(path.name for path in good.glob("*.png"))
    finding = only(good, "image", [name.upper()] * 3)
    assert finding.check == "file-missing"
    assert finding.mend.startswith(f"{name.upper()} is there as {name}, in letters of other case (upper or lower)")
