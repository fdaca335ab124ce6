"""From cells of pictures to arrays of pixels: decoded no larger than needed, row by row in place."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from plait.core.contract import Table
from plait.errors import TableError
from plait.kinds.image.prep import ImagePrep
from plait.kinds.image.read import DTYPE, apply, digest, fit, prepare, read, streams
from plait.kinds.part import Part


def column(*cells: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


def test_a_photo_is_decoded_no_larger_than_its_preparation_needs(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (90, 90, 90)).save(tmp_path / "a.jpg")
    small = ImagePrep(mode="RGB", height=8, width=8)
    assert read("a.jpg", tmp_path).size == (64, 64)
    assert read("a.jpg", tmp_path, None, small).size == (8, 8)
    assert read("a.jpg", tmp_path, None, ImagePrep(mode="RGB", height=8, width=8, draft=False)).size == (64, 64)
    assert apply(small, read("a.jpg", tmp_path)).shape == (3, 8, 8)


def test_size_and_colours_are_those_of_the_training_rows_alone(tmp_path: Path) -> None:
    Image.new("RGB", (40, 40), (200, 0, 0)).save(tmp_path / "red.png")
    for name in ("a", "b"):
        Image.new("L", (12, 8), 9).save(tmp_path / f"{name}.png")
    part = Part(Table({"x": column("red.png", "a.png", "b.png", None)}, tmp_path), ("x",))
    grey = fit(ImagePrep(), part, np.array([1, 2, 3]), np.random.default_rng(0))
    assert (grey.mode, grey.width, grey.height, grey.source_side) == ("L", 12, 8, 12)
    assert fit(ImagePrep(), part, np.arange(4), np.random.default_rng(0)).mode == "RGB"
    with pytest.raises(TableError, match=r"column 'x': no training row has a picture that can be read \(every cell is"):
        fit(ImagePrep(), part, np.array([3]), np.random.default_rng(0))


def test_pictures_come_as_pixels_in_the_order_of_the_rows(tmp_path: Path) -> None:
    for name, colour in (("red", (200, 10, 20)), ("blue", (0, 0, 250))):
        Image.new("RGB", (4, 4), colour).save(tmp_path / f"{name}.png")
    part = Part(Table({"x": column("blue.png", None, "red.png", "gone.png")}, tmp_path), ("x",))
    values = np.zeros((4, 3, 4, 4), DTYPE)
    with ThreadPoolExecutor(2) as pool:
        present, reasons = prepare(ImagePrep(mode="RGB", height=4, width=4), part, {}, values, pool)
    assert values[:, :, 0, 0].tolist() == [[0, 0, 250], [0, 0, 0], [200, 10, 20], [0, 0, 0]]
    assert present[:, 0].tolist() == [True, False, True, False]
    assert reasons == [None, "blank", None, "file not found: gone.png"]


def test_what_an_encoder_reads_is_each_column_and_a_picture_is_known_by_its_bytes(tmp_path: Path) -> None:
    Image.new("L", (4, 4), 7).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    part = Part(Table({"x": column("a.png"), "y": column(None)}, tmp_path), ("y", "x"))
    assert streams(part) == [("y", [None], None), ("x", ["a.png"], None)]
    assert digest("a.png", tmp_path) == digest("b.png", tmp_path)
    Image.new("L", (4, 4), 8).save(tmp_path / "b.png")
    assert digest("a.png", tmp_path) != digest("b.png", tmp_path)
