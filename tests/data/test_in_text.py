"""What was written as text and is a file: told, and opened as the bytes that it was."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from plait.data.formats import sniff
from plait.data.in_text import held_in
from plait.data.media import open_cell, read_image, read_sound
from plait.errors import CellError

PIXELS = np.arange(100, 164, dtype=np.uint8).reshape(8, 8)
OUT = io.BytesIO()
Image.fromarray(PIXELS).save(OUT, "PNG")
PNG = OUT.getvalue()
CODE = base64.b64encode(PNG).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"data:image/png;base64,{CODE}",
        f"DATA:image/png;name=a.png;base64,{CODE}",
        "data:image/png," + "".join(f"%{byte:02x}" for byte in PNG),
        CODE,
        "\n".join(CODE[k : k + 76] for k in range(0, len(CODE), 76)),
        CODE.replace("+", "-").replace("/", "_").rstrip("="),
        PNG.hex(),
        "\\x" + PNG.hex(),
        "0x" + PNG.hex().upper(),
        repr(PNG),
        repr({"bytes": PNG, "path": None}),
        json.dumps({"bytes": CODE, "path": "a.png"}),
        json.dumps({"bytes": f"data:image/png;base64,{CODE}"}),
        json.dumps({"path": None, "bytes": list(PNG)}),
        f'"{CODE}"',
        json.dumps([CODE]),
        json.dumps({"image": CODE, "width": 8}),
        f'<img alt="a" src="data:image/png;base64,{CODE}" width="8"/>',
        f"![a](data:image/png;base64,{CODE})",
    ],
    ids=[
        "URI", "URI with name", "URI in percent", "base64", "in lines", "for addresses", "hex", "Postgres", "SQL",
        "repr", "record", "JSON", "JSON with URI", "JSON of numbers",
        "quotes", "list of one", "field", "HTML", "Markdown",
    ],
)  # fmt: skip
def test_a_file_in_text_is_that_file(text: str) -> None:
    assert open_cell(text, None) == PNG


@pytest.mark.parametrize(
    "text",
    [json.dumps(PIXELS.tolist()), str(PIXELS), " ".join(map(str, PIXELS.ravel())), ",".join(map(str, PIXELS.ravel()))],
    ids=["JSON", "NumPy", "spaces", "commas"],
)
def test_numbers_in_text_are_a_picture(text: str) -> None:
    np.testing.assert_array_equal(np.asarray(read_image(text, None)), PIXELS)


def test_numbers_beyond_8_bits_stay() -> None:
    values = PIXELS.astype(float) - 500.25
    np.testing.assert_array_equal(np.asarray(read_image(json.dumps(values.tolist()), None)), values)


@pytest.mark.parametrize(
    "text",
    [
        "ACGT" * 30,
        "a sentence of several words that is long enough",
        "images/some/long/folder/of/a/file/without/any/ending",
        base64.b64encode(bytes(range(200))).decode(),
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        json.dumps([[1.5, 2.5], [3.5, 4.5], [5.5, 6.5]] * 3),
        '{"path": 3, "bytes": [300, 400, 500, 600]}',
        "[" * 5000,
        "{'bytes': " + "[" * 5000,
        "[[__import__('os').getcwd()], [1], [2], [3]]",
    ],
)
def test_other_text_is_text(text: str) -> None:
    assert held_in(text, sniff) is None


def test_boards_and_points_are_not_sure_to_be_pictures() -> None:
    assert held_in(json.dumps((PIXELS - 100).tolist()), sniff).sure
    assert not held_in(json.dumps((PIXELS % 9).tolist()), sniff).sure


def test_a_data_uri_that_is_none_has_a_reason() -> None:
    with pytest.raises(CellError, match="a data URI whose content is no base64: data:image/png;base64,@@@"):
        open_cell("data:image/png;base64,@@@@@@@@@@@@@@@@", None)


def test_what_is_cut_is_truncated() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    with pytest.raises(CellError, match="truncated image"):  # as a spreadsheet cuts it, after 32,767 letters
        read_image(base64.b64encode(out.getvalue()).decode()[:999], None)


def test_a_record_of_samples_in_text_is_a_sound() -> None:
    tone = (np.arange(800) % 7 / 8).tolist()
    samples, rate = read_sound(json.dumps({"path": None, "array": tone, "sampling_rate": 8000}), None)
    assert (samples.shape, rate, samples[3, 0]) == ((800, 1), 8000, 0.375)


def test_two_files_in_a_text_are_no_file() -> None:
    assert held_in(json.dumps([CODE, CODE]), sniff) is None
    assert held_in(f'<img src="data:image/png;base64,{CODE}"> {"and a long story " * 20}', sniff) is None
