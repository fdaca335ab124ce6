"""A mended copy: what can be mended is, what cannot be read is blank, and the original is never touched."""

import csv
import datetime as dt
import errno
import hashlib
import io
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from plait.checks.mend import files as mend_files
from plait.checks.mend.cells import iso_date, mend_dates, mend_numbers, repair_text
from plait.checks.mend.mend import Mended, mend_table
from plait.core.contract import Table
from plait.data.media import read_image, read_sound
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect

GREY = np.arange(0, 192, 4, dtype=np.uint8).reshape(6, 8)
RED = np.zeros((6, 8, 3), np.uint8) + np.array([200, 30, 30], np.uint8)
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.float32)


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def mend(path: Any, out: Path, kinds: dict[str, str] | None = None, **options: Any) -> Mended:
    table = read(path)
    return mend_table(table, detect(table, kinds=kinds, **options), out)


def mend_column(folder: Path, name: str, kind: str, cells: list[str]) -> tuple[Mended, list[Any], list[Any]]:
    """Mend a table of one column (and one that counts the rows); return the answer, the new cells and the notes."""
    path = write_csv(folder / "t.csv", [[name, "n"], *([cell, str(i)] for i, cell in enumerate(cells))])
    mended = mend(path, folder / "out", {name: kind, "n": "number"})
    table = read(mended.table)
    return mended, table.cells(name), table.cells("mended")


def digests(folder: Path) -> dict[str, tuple[str, int]]:
    """Return {path: (SHA-256, time of the last change)} of all files in a folder."""
    return {
        path.relative_to(folder).as_posix(): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def contents(folder: Path) -> dict[str, str]:
    return {name: digest for name, (digest, _time) in digests(folder).items()}


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    tags[0x010F] = "a camera"
    return tags


def upright_picture() -> Image.Image:
    """White above, black below."""
    return Image.fromarray(np.repeat(np.array([[255], [0]], np.uint8), 16, axis=0).repeat(16, axis=1))


# ---- pictures


def test_a_photo_on_its_side_is_turned_upright_and_loses_the_tag(tmp_path: Path) -> None:
    lying = upright_picture().transpose(Image.Transpose.ROTATE_90)  # orientation 6: turn it a quarter to the right
    lying.save(tmp_path / "a.jpg", exif=exif(6), quality=95)
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.jpg"])
    assert cells == ["photo/a.png"]
    assert notes == ["photo: turned upright, saved as PNG"]
    assert mended.counts == {"turned upright": 1}
    image = read_image(cells[0], mended.table.parent)
    assert image.size == (16, 32)
    assert image.getexif().get(0x0112) is None
    assert image.getexif()[0x010F] == "a camera"
    pixels = np.asarray(image)
    assert pixels[:12].min() > 240
    assert pixels[-12:].max() < 15


def test_pictures_of_one_mode_are_copied_byte_for_byte(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.jpg", quality=40)
    Image.fromarray(GREY).save(tmp_path / "b.png")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.jpg", "b.png", "a.jpg"])
    assert cells == ["photo/a.jpg", "photo/b.png", "photo/a.jpg"]
    assert notes == [None, None, None]
    assert mended.counts == {}
    out = contents(tmp_path / "out")
    original = contents(tmp_path)
    assert {name: out["photo/" + name] for name in ("a.jpg", "b.png")} == {
        name: original[name] for name in ("a.jpg", "b.png")
    }


def test_mixed_modes_become_rgb_where_one_has_colours(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "grey.png")
    Image.fromarray(RED).save(tmp_path / "red.bmp")
    clear = np.dstack([RED, np.zeros((6, 8), np.uint8)])
    Image.fromarray(clear).save(tmp_path / "clear.png")
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["grey.png", "red.bmp", "clear.png", "deep.png"])
    images = [read_image(cell, mended.table.parent) for cell in cells]
    assert [image.mode for image in images] == ["RGB"] * 4
    assert np.array_equal(np.asarray(images[0])[..., 1], GREY)
    assert np.asarray(images[2]).min() == 255  # what was transparent is white
    assert np.array_equal(np.asarray(images[3])[..., 2], GREY)
    assert notes == ["photo: grey → RGB", None, "photo: RGB with alpha → RGB", "photo: 16 bit grey → RGB"]
    assert mended.counts == {"colour mode changed": 3}


def test_mixed_modes_become_grey_where_none_has_colours(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(GREY + (name == "b")).save(tmp_path / f"{name}.png")
    Image.fromarray(np.dstack([GREY] * 3)).save(tmp_path / "c.png")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.png", "b.png", "c.png"])
    image = read_image(cells[2], mended.table.parent)
    assert image.mode == "L"
    assert np.array_equal(np.asarray(image), GREY)
    assert notes == [None, None, "photo: RGB → grey"]


def test_deep_pictures_are_not_brought_down_to_eight_bits(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Image.fromarray(GREY.astype(np.uint16) * 100 + (name == "b")).save(tmp_path / f"{name}.png")
    Image.fromarray(GREY).save(tmp_path / "c.png")
    mended, _cells, notes = mend_column(tmp_path, "photo", "image", ["a.png", "b.png", "c.png"])
    assert notes == [None, None, None]
    assert mended.notes == ("photo: 2 of 3 pictures have more than 8 bits: colour modes left as they are",)


def test_each_depth_has_its_own_white(tmp_path: Path) -> None:
    for i in range(3):
        Image.fromarray(GREY + i).save(tmp_path / f"{i}.png")
    Image.fromarray((GREY / 255).astype(np.float32)).save(tmp_path / "f.tif")
    Image.fromarray(GREY.astype(np.uint16) * 257).save(tmp_path / "d.tif")
    mended, cells, _notes = mend_column(tmp_path, "photo", "image", ["0.png", "1.png", "2.png", "f.tif", "d.tif"])
    for cell in cells[3:]:
        image = read_image(cell, mended.table.parent)
        assert image.mode == "L"
        assert np.array_equal(np.asarray(image), GREY)


def test_a_print_on_its_side_keeps_its_colour_mode(tmp_path: Path) -> None:
    Image.fromarray(RED).convert("CMYK").save(tmp_path / "a.jpg", exif=exif(6))
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.jpg"])
    image = read_image(cells[0], mended.table.parent)
    assert (image.mode, image.size) == ("CMYK", (6, 8))
    assert notes == ["photo: turned upright, saved as TIFF"]


def test_of_an_animation_the_first_frame_stays(tmp_path: Path) -> None:
    frames = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    before = np.asarray(read_image("a.gif", tmp_path).convert("L"))
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.gif"])
    assert cells == ["photo/a.png"]
    assert notes == ["photo: first frame kept, saved as PNG"]
    image = read_image(cells[0], mended.table.parent)
    assert not getattr(image, "is_animated", False)
    assert np.array_equal(np.asarray(image.convert("L")), before)


def test_a_wrong_ending_is_put_right_and_the_bytes_stay(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png", "JPEG")
    Image.fromarray(255 - GREY).save(tmp_path / "a.jpg", "JPEG")
    mended, cells, notes = mend_column(tmp_path, "photo", "image", ["a.png", "a.jpg"])
    assert cells == ["photo/a.jpg", "photo/a_2.jpg"]
    assert notes == ["photo: renamed to .jpg", None]
    out, original = contents(tmp_path / "out"), contents(tmp_path)
    assert out["photo/a.jpg"] == original["a.png"]
    assert out["photo/a_2.jpg"] == original["a.jpg"]
    assert mended.counts == {"renamed": 1}


def test_what_cannot_be_read_becomes_blank_and_says_why(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "good.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "good.png").read_bytes()[:50])
    (tmp_path / "empty.png").write_bytes(b"")
    soundfile.write(tmp_path / "sound.png", TONE, 8000, format="WAV")
    cells = ["good.png", "gone.png", "cut.png", "empty.png", "sound.png", ""]
    mended, cells, notes = mend_column(tmp_path, "photo", "image", cells)
    assert cells == ["photo/good.png", None, None, None, None, None]
    assert notes[0] is None
    assert notes[1] == "photo: left blank (file not found: gone.png)"
    assert notes[2] == "photo: left blank (truncated image: cut.png)"
    assert notes[3] == "photo: left blank (file is empty: empty.png)"
    assert notes[4] == "photo: left blank (not an image: sound.png holds a sound (WAV))"
    assert notes[5] is None  # it was blank before
    assert mended.counts == {"left blank": 4}
    assert sorted(path.name for path in (tmp_path / "out" / "photo").iterdir()) == ["good.png"]


# ---- sounds


def pitch(samples: np.ndarray, rate: int) -> float:
    """Return the strongest frequency of a mono sound in Hz."""
    wave = samples[:, 0] * np.hanning(len(samples))
    return float(np.argmax(np.abs(np.fft.rfft(wave, 8 * len(wave)))) * rate / (8 * len(wave)))


def test_rates_and_channels_become_the_commonest(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 8000, subtype="PCM_16")
    soundfile.write(tmp_path / "b.wav", TONE * 0.5, 8000, subtype="PCM_16")
    high = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "c.flac", np.stack([high, 0.5 * high], axis=1), 44100, subtype="PCM_24")
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav", "b.wav", "c.flac"])
    assert notes == [None, None, "call: 44100 → 8000 Hz, mono"]
    assert mended.counts == {"resampled": 1, "channels changed": 1}
    samples, rate = read_sound(cells[2], mended.table.parent)
    info = soundfile.info(mended.table.parent / cells[2])
    assert (info.format, info.subtype, rate, samples.shape) == ("FLAC", "PCM_24", 8000, (8000, 1))
    assert abs(pitch(samples, rate) - 440) < 0.5
    assert abs(np.abs(samples[1000:-1000]).max() - 0.375) < 0.005
    assert contents(tmp_path / "out")["call/a.wav"] == contents(tmp_path)["a.wav"]


def test_mono_becomes_stereo_where_most_are(tmp_path: Path) -> None:
    both = np.stack([TONE, -TONE], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 8000)
    soundfile.write(tmp_path / "b.wav", both * 0.5, 8000)
    soundfile.write(tmp_path / "c.wav", TONE, 8000)
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav", "b.wav", "c.wav"])
    samples, _rate = read_sound(cells[2], mended.table.parent)
    before, _rate = read_sound(tmp_path / "c.wav", None)
    assert notes == [None, None, "call: stereo"]
    assert np.array_equal(samples, np.repeat(before, 2, axis=1))  # to the last bit


def test_a_lossy_sound_that_changes_is_saved_as_wav(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, TONE * (0.5 if name == "b.wav" else 1), 8000)
    soundfile.write(tmp_path / "c.mp3", TONE, 16000)
    _mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav", "b.wav", "c.mp3"])
    assert cells[2] == "call/c.wav"
    assert notes[2] == "call: 16000 → 8000 Hz, saved as WAV"


def test_a_large_offset_is_removed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.5 * TONE + 0.3, 8000, subtype="FLOAT")
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav"])
    samples, _rate = read_sound(cells[0], mended.table.parent)
    assert notes == ["call: DC offset removed"]
    assert abs(samples.mean()) < 1e-6
    assert np.allclose(samples[:, 0], 0.5 * TONE, atol=1e-3)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (0xFFFFFFFF, "call: length in the header corrected"),
        (50_000, "call: cut off: 16000 of 50000 bytes are there, length in the header corrected"),
    ],
)
def test_a_header_with_a_wrong_length_is_written_anew(tmp_path: Path, told: int, said: str) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 8000, subtype="PCM_16")
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[40:44] = struct.pack("<I", told)
    (tmp_path / "b.wav").write_bytes(content)
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["b.wav"])
    assert notes == [said]
    assert contents(mended.table.parent)["call/b.wav"] == contents(tmp_path)["a.wav"]  # the very file it was
    assert cells == ["call/b.wav"]


# ---- text, numbers, dates


def test_encodings_are_repaired_and_nothing_else_of_a_text(tmp_path: Path) -> None:
    texts = ["The <b>CafÃ©</b>  is GOOD", "zero\x07bell", "plain é", "我很喜欢这家餐厅", "Ã©"]
    mended, cells, notes = mend_column(tmp_path, "review", "text", texts)
    assert cells == ["The <b>Café</b>  is GOOD", "zerobell", "plain é", "我很喜欢这家餐厅", "é"]
    assert notes == ["review: encoding repaired", "review: encoding repaired", None, None, "review: encoding repaired"]
    assert mended.counts == {"encoding repaired": 3}


def test_a_windows_quote_read_as_latin_1_becomes_the_quote() -> None:
    assert repair_text("it\x92s \ufeffok") == "it’s ok"


def test_dates_become_iso_8601_in_the_order_of_their_column(tmp_path: Path) -> None:
    dates = ["3.4.2021", "25.12.2020", "2021-05-06", "May 7, 2021", "soon", "2021年5月8日", "9/5/21 14:30"]
    mended, cells, notes = mend_column(tmp_path, "date", "date", dates)
    assert cells == ["2021-04-03", "2020-12-25", "2021-05-06", "2021-05-07", None, "2021-05-08", "2021-05-09T14:30:00"]
    assert notes[0] == "date: 3.4.2021 → 2021-04-03"
    assert notes[2] is None
    assert notes[4] == "date: left blank (soon is no date)"
    assert mended.counts == {"date made ISO 8601": 5, "left blank": 1}


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("2021-03-04 05:06:07+02:00", "2021-03-04 05:06:07+02:00"),  # is ISO 8601 already
        ("20210304", "2021-03-04"),
        ("2021-03-04 05:06:07,5", "2021-03-04T05:06:07.500000"),
        ("12/31/2024 10:00:01.25 +0200", "2024-12-31T10:00:01.25+02:00"),
        ("12/31/2024 10:00 UTC", "2024-12-31T10:00:00Z"),
        ("2024/2", "2024-02"),  # no day is invented
        ("1609459200", "2021-01-01T00:00:00Z"),
        (20241231, "2024-12-31"),
    ],
)
def test_zones_and_precision_of_dates_stay(cell: str | int, iso: str) -> None:
    assert iso_date(cell) == iso
    assert iso_date(iso) == iso


def test_impossible_dates_are_no_dates() -> None:
    assert mend_dates(["2021-02-30", "31.4.2021"]).cells == [None, None]


def test_an_order_that_was_assumed_is_said() -> None:
    assert mend_dates(["3/4/2021"]).note == "no date tells the day from the month; 1 read as month first"
    assert mend_dates(["3/4/2021", "3/14/2021"]).note == ""


def test_numbers_stored_as_text_become_numbers(tmp_path: Path) -> None:
    mended, cells, notes = mend_column(tmp_path, "price", "number", ["1,234.5", "7", "$20", "n/a", "3.50", "-2"])
    assert cells == [1234.5, 7, 20, None, 3.5, -2]
    assert notes == [
        "price: 1,234.5 → 1234.5",
        None,
        "price: $20 → 20",
        "price: left blank (n/a is no number)",
        None,
        None,
    ]
    assert mended.counts == {"number made plain": 2, "left blank": 1}


def test_a_decimal_comma_is_told_from_the_column() -> None:
    assert mend_numbers(["1.234,5", "1.234", "3,5"]).cells == [1234.5, 1234, 3.5]
    assert mend_numbers(["1,234.5", "1.234"]).cells == [1234.5, 1.234]


def test_amounts_in_two_currencies_are_not_mixed_up() -> None:
    mended = mend_numbers(["$5", "€5"])
    assert mended.cells == ["$5", "€5"]
    assert mended.note == "amounts in $ and €: left as they are"


# ---- rows


def test_the_same_row_is_dropped_and_another_target_is_named(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    rows = [
        ["photo", "age", "label"],
        ["a.png", "3", "x"],
        ["b.png", "3", "x"],
        ["b.png", "3", "y"],
        ["a.png", "4", "x"],
    ]
    mended = mend(
        write_csv(tmp_path / "t.csv", rows), tmp_path / "out", {"age": "number", "photo": "image"}, target="label"
    )
    table = read(mended.table)
    assert mended.dropped == (1,)
    assert table.cells("photo") == ["photo/a.png", "photo/b.png", "photo/a.png"]
    assert table.cells("label") == ["x", "y", "x"]
    assert mended.notes == ("the same features with different targets, all kept: rows 0 and 2 (of the original)",)


def test_rows_without_their_file_are_never_the_same(tmp_path: Path) -> None:
    rows = [["photo", "age", "label"], ["gone.png", "3", "x"], ["lost.png", "3", "x"], ["", "3", "x"]]
    mended = mend(
        write_csv(tmp_path / "t.csv", rows), tmp_path / "out", {"photo": "image", "age": "number"}, target="label"
    )
    assert mended.dropped == ()
    assert mended.rows == 3


def test_rows_that_mending_makes_the_same_are_dropped(tmp_path: Path) -> None:
    mended, cells, _notes = mend_column(tmp_path, "when", "date", ["3.4.2021", "13.4.2021"])
    assert (mended.rows, cells) == (2, ["2021-04-03", "2021-04-13"])
    rows = [["when", "label"], ["13.4.2021", "x"], ["2021-04-13", "x"]]
    again = mend(write_csv(tmp_path / "u.csv", rows), tmp_path / "out2", {"when": "date"}, target="label")
    assert again.dropped == (1,)


def test_chinese_names_of_columns_files_and_texts(tmp_path: Path) -> None:
    (tmp_path / "图片").mkdir()
    Image.fromarray(GREY).save(tmp_path / "图片" / "一号.png")
    rows = [["照片", "评论"], ["图片/一号.png", "很好，下次再来"], ["图片/二号.png", "ä½ å¥½"]]
    mended = mend(write_csv(tmp_path / "表.csv", rows), tmp_path / "out", {"照片": "image", "评论": "text"})
    table = read(mended.table)
    assert mended.table.name == "表.csv"
    assert table.cells("照片") == ["照片/一号.png", None]
    assert table.cells("评论") == ["很好，下次再来", "你好"]
    assert table.cells("mended") == [None, "照片: left blank (file not found: 图片/二号.png); 评论: encoding repaired"]


def test_a_column_left_out_stays_as_it_is_and_its_files_come_along(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.png")
    rows = [["photo", "note", "n"], ["a.png", "CafÃ©", "1"], ["gone.png", "x", "2"]]
    mended = mend(
        write_csv(tmp_path / "t.csv", rows),
        tmp_path / "out",
        {"photo": "image", "n": "number"},
        ignore=["photo", "note"],
    )
    table = read(mended.table)
    assert table.cells("photo") == ["photo/a.png", "gone.png"]
    assert table.cells("note") == ["CafÃ©", "x"]
    assert mended.counts == {}


def test_a_table_that_has_a_column_of_that_name_keeps_it(tmp_path: Path) -> None:
    rows = [["mended", "n"], ["yes", "1,5"], ["no", "2,5"]]
    mended = mend(write_csv(tmp_path / "t.csv", rows), tmp_path / "out", {"n": "number"})
    assert read(mended.table).names == ["mended", "n", "mended_2"]
    assert mended.column == "mended_2"


# ---- formats


def png(values: np.ndarray, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.fromarray(values).save(out, "PNG", **options)
    return out.getvalue()


def test_parquet_gives_parquet_and_its_bytes_stay_bytes(tmp_path: Path) -> None:
    turned = png(GREY, exif=exif(3))
    table = pa.table(
        {
            "photo": [
                {"bytes": turned, "path": "a.png"},
                {"bytes": png(GREY), "path": "b.png"},
                {"bytes": b"no", "path": "c"},
            ],
            "raw": [png(GREY), None, png(255 - GREY)],
            "price": ["1,200.5", "3", "4"],
            "day": pa.array([dt.date(2021, 3, 4)] * 3),
            "count": pa.array([1, 2, 3], pa.int32()),
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    mended = mend(tmp_path / "t.parquet", tmp_path / "out", {"price": "number", "photo": "image", "raw": "image"})
    copy = pq.read_table(mended.table)
    assert mended.table.name == "t.parquet"
    assert copy.schema.field("price").type == pa.float64()
    assert copy.schema.field("day").type == pa.date32()
    assert copy.schema.field("count").type == pa.int32()
    assert copy.column("price").to_pylist() == [1200.5, 3.0, 4.0]
    photos = copy.column("photo").to_pylist()
    assert np.array_equal(np.asarray(read_image(photos[0], None)), GREY[::-1, ::-1])
    assert photos[1] == {"bytes": png(GREY), "path": "b.png"}
    assert photos[2] is None
    assert copy.column("raw").to_pylist() == [png(GREY), None, png(255 - GREY)]
    assert copy.column("mended").to_pylist() == [
        "photo: turned upright; price: 1,200.5 → 1200.5",
        "",
        "photo: left blank (not an image: c holds text)",
    ]
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file() and path.name != "t.parquet"]


def test_bytes_of_a_frame_become_files(tmp_path: Path) -> None:
    table = read(pa.table({"photo": [png(GREY), png(255 - GREY)], "n": [1, 2]}))
    mended = mend_table(table, detect(table, kinds={"photo": "image", "n": "number"}), tmp_path / "out")
    assert mended.table == tmp_path / "out" / "table.csv"
    assert read(mended.table).cells("photo") == ["photo/0.png", "photo/1.png"]
    assert (tmp_path / "out" / "photo" / "0.png").read_bytes() == png(GREY)


def test_jsonl_becomes_csv(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"n": 1, "ok": true, "tags": ["a"]}\n{"n": 2, "ok": false, "tags": []}\n')
    mended = mend(tmp_path / "t.jsonl", tmp_path / "out", {"n": "number"})
    assert mended.table.name == "t.csv"
    assert mended.table.read_text().splitlines() == ["n,ok,tags,mended", '1,true,"[""a""]",', "2,false,[],"]


def test_a_folder_of_classes_becomes_a_csv(tmp_path: Path) -> None:
    for name, values in (("cat", GREY), ("dog", 255 - GREY)):
        (tmp_path / "set" / name).mkdir(parents=True)
        Image.fromarray(values).save(tmp_path / "set" / name / "1.png")
    mended = mend(tmp_path / "set", tmp_path / "out", target="label")
    assert mended.table.name == "set.csv"
    assert read(mended.table).cells("image") == ["image/1.png", "image/1_2.png"]
    with pytest.raises(RequestError, match=r"lies inside .*which is the table; name a new folder outside it"):
        mend(tmp_path / "set", tmp_path / "set" / "out", target="label")


def test_arrays_cannot_be_mended(tmp_path: Path) -> None:
    table = Table({"image": np.zeros((2, 8, 8), np.uint8)})
    with pytest.raises(RequestError, match="column 'image' holds arrays; tables of arrays cannot be mended into files"):
        mend_table(table, detect(table), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


# ---- whole or not at all


def small_table(folder: Path) -> Path:
    for i in range(3):
        Image.fromarray(GREY + i).save(folder / f"{i}.png")
    return write_csv(folder / "t.csv", [["photo", "n"], *([f"{i}.png", str(i)] for i in range(3))])


def test_a_folder_that_holds_something_is_refused(tmp_path: Path) -> None:
    path = small_table(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    before = digests(tmp_path)
    with pytest.raises(RequestError, match="out exists and is not empty; name a new folder for the mended copy"):
        mend(path, tmp_path / "out")
    with pytest.raises(RequestError, match="is the folder of the table itself; name a new folder"):
        mend(path, tmp_path)
    assert digests(tmp_path) == before


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    assert mend(small_table(tmp_path), tmp_path / "out").rows == 3
    assert (tmp_path / "out" / "photo" / "2.png").exists()


def test_the_original_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = small_table(tmp_path / "in")
    Image.fromarray(RED).save(tmp_path / "in" / "1.png")
    before = digests(tmp_path / "in")
    mended = mend(path, tmp_path / "out", {"photo": "image", "n": "number"})
    assert mended.counts == {"colour mode changed": 2}
    assert digests(tmp_path / "in") == before


@pytest.mark.parametrize("place", ["files", "table"])
def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    path = small_table(tmp_path)

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = digests(tmp_path)
    with monkeypatch.context() as patch:
        if place == "files":
            patch.setattr(mend_files.shutil, "copyfile", fail)
        else:
            patch.setattr("plait.checks.mend.table.os.fsync", fail)
        with pytest.raises(RequestError, match=r"cannot be written: No space left on device\. Nothing was left there"):
            mend(path, tmp_path / "out")
    assert digests(tmp_path) == before
    assert not [entry for entry in tmp_path.iterdir() if entry.is_dir()]
    assert mend(path, tmp_path / "out").rows == 3


@pytest.mark.parametrize("done", [3, 6])
def test_a_stop_leaves_nothing_and_a_second_try_works(tmp_path: Path, done: int) -> None:
    path = small_table(tmp_path)
    table = read(path)
    schema = detect(table, kinds={"photo": "image"})

    def stop(event: dict[str, Any]) -> None:
        if event.get("done") == done:
            raise KeyboardInterrupt

    before = digests(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        mend_table(table, schema, tmp_path / "out", callback=stop)
    assert digests(tmp_path) == before
    assert not [entry for entry in tmp_path.iterdir() if entry.is_dir()]
    events: list[dict[str, Any]] = []
    assert mend_table(table, schema, tmp_path / "out", callback=events.append).rows == 3
    assert events == [{"stage": "mend", "done": done, "total": 6} for done in (3, 6)]


def test_what_a_killed_process_left_is_named(tmp_path: Path) -> None:
    path = small_table(tmp_path)
    (tmp_path / ".out.12345678.part").mkdir()
    events: list[dict[str, Any]] = []
    table = read(path)
    mend_table(table, detect(table), tmp_path / "out", callback=events.append)
    left = tmp_path / ".out.12345678.part"
    assert events[0] == {"note": f"an earlier copy was not finished; you can delete {left}"}


# ---- once is enough


def test_a_second_mend_changes_nothing(tmp_path: Path) -> None:
    Image.fromarray(GREY).save(tmp_path / "a.jpg", exif=exif(8))
    Image.fromarray(RED).save(tmp_path / "b.gif")
    Image.fromarray(GREY).save(tmp_path / "c.png", "TIFF")
    for i, rate in enumerate((8000, 8000, 11025)):
        soundfile.write(tmp_path / f"{i}.ogg", TONE * (0.3 + 0.1 * i), rate)
    rows = [["photo", "call", "when", "price", "note"], ["a.jpg", "0.ogg", "13/1/2020", "1.234,5", "CafÃ©"]]
    rows += [
        ["b.gif", "1.ogg", "soon", "2", "fine"],
        ["c.png", "2.ogg", "2020-1-2", "x", "\x80 5"],
        ["", "", "", "", ""],
    ]
    kinds = {"photo": "image", "call": "audio", "when": "date", "price": "number", "note": "text"}
    first = mend(write_csv(tmp_path / "t.csv", rows), tmp_path / "one", kinds)
    second = mend(first.table, tmp_path / "two", kinds)
    assert first.counts["colour mode changed"] == 3
    assert second.counts == {}
    assert second.dropped == ()
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    one.pop("t.csv")
    two.pop("t.csv")
    assert one == two
    a, b = read(first.table), read(second.table)
    assert all(a.cells(name) == b.cells(name) for name in a.names)


def test_line_breaks_in_a_text_stay(tmp_path: Path) -> None:
    texts = ["one\rtwo", "one\ntwo", "one\r\ntwo", 'say "so"']
    _mended, cells, _notes = mend_column(tmp_path, "note", "text", texts)
    assert cells == texts


DAY = st.dates(dt.date(1900, 1, 1), dt.date(2090, 1, 1)).flatmap(
    lambda day: st.sampled_from(
        [f"{day:%d.%m.%Y}", f"{day:%m/%d/%Y}", f"{day:%Y-%m-%d}", f"{day:%B %d, %Y}", f"{day:%Y-%m}"]
    )
)
AMOUNT = st.floats(-1e9, 1e9, allow_nan=False).flatmap(
    lambda x: st.sampled_from(
        [f"{x:,.2f}", f"{x:.3f}", f"${x:,.0f}", f"{x:.1f}%", f"{x:g}", f"{x:,.1f}".replace(".", " ")]
    )
)
WORDS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
BROKEN = st.sampled_from(["über", "naïve", "你好", "“ok”", "Привет"]).map(lambda text: text.encode().decode("latin-1"))


@settings(deadline=None, max_examples=40)
@given(
    rows=st.lists(
        st.tuples(DAY | WORDS, AMOUNT | WORDS, WORDS | BROKEN, st.sampled_from(["a", "b", "Ã©"])),
        min_size=1,
        max_size=8,
    )
)
@example(rows=[("", "", "0\r", "a")])
@example(rows=[("0", "", "", "a"), ("0", "", "", "a")])
def test_mending_twice_is_mending_once(rows: list[tuple[str, str, str, str]]) -> None:
    kinds = {"when": "date", "price": "number", "note": "text", "label": "category"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = read(pa.table([list(column) for column in zip(*rows, strict=True)], names=list(kinds)))
        first = mend_table(table, detect(table, kinds=kinds, target="label"), folder / "one")
        again = read(first.table)
        second = mend_table(again, detect(again, kinds=kinds, target="label"), folder / "two")
        copy = read(second.table)
        assert first.rows + len(first.dropped) == len(rows)
        assert second.counts == {}
        assert second.dropped == ()
        assert all(again.cells(name) == copy.cells(name) for name in again.names)


# ---- what it says


def test_the_answer_as_text_and_as_json(tmp_path: Path) -> None:
    mended, _cells, _notes = mend_column(tmp_path, "price", "number", ["1,5", "x", "2,5"])
    assert str(mended) == (
        f"{tmp_path / 'out' / 't.csv'}: 3 rows\n  2 number made plain\n  1 left blank\n"
        "The column 'mended' says what was done to each row; it is no feature when you fit."
    )
    assert mended.to_json() == {
        "table": str(tmp_path / "out" / "t.csv"),
        "rows": 3,
        "dropped": [],
        "counts": {"number made plain": 2, "left blank": 1},
        "notes": [],
        "column": "mended",
    }


def test_the_real_digits_need_no_mending(shared_data: Path, tmp_path: Path) -> None:
    table = read(shared_data / "digits" / "digits.csv").take(range(100))
    mended = mend_table(table, detect(table, target="digit"), tmp_path / "out")
    copy = read(mended.table)
    assert (mended.rows, mended.counts, mended.dropped) == (100, {}, ())
    for column in ("image", "audio"):
        for old, new in zip(table.cells(column), copy.cells(column), strict=True):
            assert (table.folder / old).read_bytes() == (copy.folder / new).read_bytes()
