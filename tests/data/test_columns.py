"""Whatever a cell is, it becomes one of a few types, or stays what it is; one odd cell is one bad cell."""

import datetime as dt
import io
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas
import pyarrow as pa
import pytest
from PIL import Image

from plait.data.columns import column_of_array, column_of_cells, column_of_list, plain
from plait.data.media import open_cell, read_image, read_sound
from plait.errors import CellError

DAY, NOON = dt.date(2020, 1, 1), dt.datetime(2020, 1, 1, 12)
ABROAD = dt.datetime(2020, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))


def cells(column: Any) -> list[Any]:
    return column.to_pylist() if isinstance(column, pa.ChunkedArray) else list(column)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None], [1.0, 2.5, None]),
        ([1, True, None], [1, 1, None]),
        ([Decimal("1.5"), 2.5], ["1.5", "2.5"]),
        ([Decimal("1.5"), Decimal("NaN")], [1.5, None]),
        ([DAY, NOON], ["2020-01-01", "2020-01-01 12:00:00"]),  # Arrow would cut noon away
        ([NOON, ABROAD], ["2020-01-01 12:00:00", "2020-01-01 12:00:00+02:00"]),  # and take noon for noon UTC
        ([DAY, "unknown", float("nan")], ["2020-01-01", "unknown", None]),
        ([2**70, 1], [str(2**70), "1"]),
        ([UUID(int=1)], ["00000000-0000-0000-0000-000000000001"]),
        ([Fraction(1, 4)], ["1/4"]),
        ([dt.timedelta(minutes=1), 3.0, 4.0], ["60.0", "3.0", "4.0"]),
        (["good", "a\ud800"], ["good", "a?"]),
        ([1.5, 2.5, [1, 2]], ["1.5", "2.5", "[1 2]"]),
        ([1.5, 2.5, {"a": 1}], ["1.5", "2.5", "{'a': 1}"]),
        (["good", "bad", b"x\xff"], ["good", "bad", "x\ufffd"]),
        ([np.datetime64("2020-01-01T00:00:00.000000000"), np.datetime64("NaT")], [dt.datetime(2020, 1, 1), None]),
        ([pandas.NA, pandas.NaT, "x"], [None, None, "x"]),
        ([pandas.Period("2020-02", "M")], [dt.datetime(2020, 2, 1)]),
        ([pandas.Interval(0, 1)], ["(0, 1]"]),
        ([Path("a.png"), None], ["a.png", None]),
        ([["a", "b"], [], ("c",)], [["a", "b"], [], ["c"]]),
        ([bytearray(b"ab")], [b"ab"]),
    ],
)
def test_cells_become_one_type(values: list[Any], expected: list[Any]) -> None:
    assert cells(column_of_list(values)) == expected


@pytest.mark.parametrize(
    "values", [[1j, 2j], [{1}, {2, 3}], [{"bytes": b"a"}, 7, None], [b"\x89PNG\r\n\x1a\n", "a.png", "b.png"]]
)
def test_what_goes_together_in_no_type_stays_as_it_is(values: list[Any]) -> None:
    assert column_of_list(values).tolist() == values


def test_numpy_types_that_arrow_lacks() -> None:
    assert cells(column_of_array(np.array(["2020-01", "NaT"], "M8[M]"))) == [dt.datetime(2020, 1, 1), None]
    assert cells(column_of_array(np.array([1j]))) == [1j]


def test_pictures_are_upright_and_in_their_colours() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    turned = Image.fromarray(pixels)
    turned.getexif()[0x0112] = 6  # to be turned by 90 degrees, as a telephone writes it
    turned.save(content := io.BytesIO(), "JPEG", exif=turned.getexif())
    palette = Image.fromarray(np.dstack([pixels] * 3)).convert("P")
    column = column_of_list(
        [Image.open(io.BytesIO(content.getvalue())), palette, Image.new("RGB", (3, 2), "red").convert("CMYK")]
    )
    assert column[0].shape == (3, 2)
    assert np.abs(column[1][..., 0].astype(int) - pixels).max() <= 30  # of the web palette, not its numbers
    assert read_image(column[2], None).convert("RGB").getpixel((0, 0)) == (255, 0, 0)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)).save(content := io.BytesIO(), "PNG")
    broken = Image.open(io.BytesIO(content.getvalue()[:2000]))
    with pytest.raises(CellError, match="expected a path or bytes, got PngImageFile"):
        open_cell(column_of_list([broken, 1j])[0], None)


def test_records_of_waves_are_sounds() -> None:
    wave = np.sin(np.arange(2000) / 9)
    record = {"path": None, "array": wave.tolist(), "sampling_rate": 8000}
    for column in (column_of_list([record]), plain(pa.chunked_array([pa.array([record])]))):
        samples, rate = read_sound(cells(column)[0], None)
        assert rate == 8000
        assert np.array_equal(samples[:, 0], wave.astype(np.float32))
    assert cells(column_of_list([record])) == cells(column_of_list([record]))  # the same bytes each time
    assert column_of_list([{"array": wave}]).shape == (1, 2000)
    with pytest.raises(CellError, match="expected a record of bytes or a path, got one of array, sampling_rate"):
        open_cell(column_of_list([{"array": ["x"], "sampling_rate": 8000}, 1j])[0], None)


def test_lists_of_numbers_in_arrow_are_arrays() -> None:
    nested = pa.array([[[1, 2], [3, 4]], [[5, 6], [7, 8]]])
    assert plain(pa.chunked_array([nested])).shape == (2, 2, 2)
    ragged = plain(pa.chunked_array([pa.array([[1.0, None], [3.0], None])]))
    assert [None if c is None else np.nan_to_num(c, nan=-1).tolist() for c in ragged] == [[1.0, -1.0], [3.0], None]
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.arange(12).reshape(2, 2, 3))
    assert plain(pa.chunked_array([tensors])).shape == (2, 2, 3)


def test_types_that_arrow_cannot_cast_or_take_from() -> None:
    words = pa.DictionaryArray.from_arrays(pa.array([1, 0]), pa.array([["a"], ["b", "c"]]))
    assert plain(pa.chunked_array([words])).to_pylist() == [["b", "c"], ["a"]]
    kind = pa.list_(pa.string_view())
    assert plain(pa.chunked_array([pa.array([["a"], ["b"]], kind)])).take([1]).to_pylist() == [["b"]]


def test_cells_of_json_keep_their_nan_as_nothing() -> None:
    assert cells(column_of_cells([float("nan"), "x", 2.5])) == [None, "x", "2.5"]
