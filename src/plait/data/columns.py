"""Arrays, lists and Arrow's many types → one column of a Table. Knows no file, no frame, and not what a column is for.

A column is an Arrow array of a type that plait knows; an array of numbers with the row as its first axis; or, where
cells are arrays of different shapes or go together in no other way, an array of objects.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np

from plait.data import formats, media
from plait.data.lists import array_of

if TYPE_CHECKING:
    import pyarrow as pa

_WRITTEN = (str, Real, Decimal, dt.date, dt.time, dt.timedelta, UUID)  # what can be written into a cell of a CSV
_TIMES = (dt.datetime, dt.date, dt.time, dt.timedelta)
# What Arrow and numpy are seen to raise on cells that they cannot take
_REFUSED = (ValueError, TypeError, OverflowError, NotImplementedError, OSError, SyntaxError, RuntimeError)


def plain(values: pa.ChunkedArray) -> Any:
    """Give the many Arrow types of one meaning one type: text, float64, microseconds, binary; of lists of numbers, and
    of sounds as {array, sampling_rate}, what `column_of_cells` makes of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_extension(values)
    if pa.types.is_run_end_encoded(kind):
        return plain(pa.chunked_array([pc.run_end_decode(chunk) for chunk in values.chunks], type=kind.value_type))
    if pa.types.is_dictionary(kind) and pa.types.is_nested(kind.value_type):
        return plain(pa.chunked_array([c.dictionary.take(c.indices) for c in values.chunks], kind.value_type))
    if pa.types.is_dictionary(kind):
        if pa.types.is_string_view(kind.value_type):  # which Arrow cannot cast at once; Polars writes categories so
            words = [chunk.dictionary.cast(pa.string()) for chunk in values.chunks]
            pairs = zip(values.chunks, words, strict=True)
            values = pa.chunked_array(
                [pa.DictionaryArray.from_arrays(c.indices, w) for c, w in pairs],
                pa.dictionary(kind.index_type, pa.string()),
            )
        return plain(values.cast(values.type.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        # Small offsets hold 2 GB a chunk; a column of more stays as it is.
        return values.cast(pa.string()) if values.nbytes < 2**30 else values.cast(pa.large_string())
    if pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind):
        return values.cast(pa.large_binary() if values.nbytes > 2**30 else pa.binary())
    if pa.types.is_decimal(kind) and kind.scale <= 0:  # whole numbers of a database, longer than a float is exact
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid:
            return values.cast(pa.string())
    if pa.types.is_decimal(kind) or pa.types.is_float16(kind):
        return values.cast(pa.float64())
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us", kind.tz), safe=False)
    if pa.types.is_duration(kind):
        return pc.divide(values.cast(pa.duration("us"), safe=False).cast(pa.int64()).cast(pa.float64()), 1e6)
    if pa.types.is_time(kind):
        return values.cast(pa.string())
    if pa.types.is_struct(kind) and {"array", "sampling_rate"} <= {field.name for field in kind}:
        return column_of_list(values.to_pylist())
    if _holds_numbers(kind):
        return column_of_list(_lists(values))
    if pa.types.is_nested(kind) and (copied := _without_views(kind)) != kind:  # of which Arrow can take no rows
        return pa.chunked_array([pa.array(values.to_pylist(), copied)])
    return values


def _without_views(kind: pa.DataType) -> pa.DataType:
    """Return a type with the text and the bytes inside as Arrow can use them."""
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_without_views(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return pa.list_(_without_views(kind.value_type))
    if pa.types.is_string_view(kind):
        return pa.string()
    return pa.binary() if pa.types.is_binary_view(kind) else kind


def _plain_extension(values: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    kind = values.type
    if kind.extension_name == "arrow.uuid":
        return pa.chunked_array([pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())])
    if isinstance(kind, pa.FixedShapeTensorType) and not values.null_count:
        return values.combine_chunks().to_numpy_ndarray()
    return plain(pa.chunked_array([chunk.storage for chunk in values.chunks], type=kind.storage_type))


def _holds_numbers(kind: pa.DataType) -> bool:
    """Whether a type is of lists of numbers, however deep."""
    from pyarrow import types

    if not (types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)):
        return False
    inner = kind.value_type
    return types.is_integer(inner) or types.is_floating(inner) or _holds_numbers(inner)


def _lists(values: pa.ChunkedArray) -> Iterable[Any]:
    """Give the lists of a column; those of bare numbers as arrays, without a Python object for each number."""
    import pyarrow as pa

    if pa.types.is_nested(values.type.value_type):
        yield from values.to_pylist()
    else:
        for cell in values:
            yield cell.values.to_numpy(zero_copy_only=False) if cell.is_valid else None


def column_of_array(values: Any) -> Any:
    """Return a column of an array, a list or a series. Raises ValueError."""
    import pyarrow as pa

    if isinstance(values, (list, tuple)):
        return column_of_list(values)
    if hasattr(values, "__arrow_c_stream__") or hasattr(values, "to_list"):
        return column_of_series(values)
    array = np.asarray(values)
    if array.ndim == 0:
        raise ValueError(f"expected an array or a list with one entry for each row, got {type(values).__name__}")
    if array.ndim == 2 and array.shape[1] == 1 and array.dtype.kind in "biufUS":
        array = array[:, 0]
    if array.ndim > 1:
        if array.dtype.kind not in "biuf":
            raise ValueError(f"expected an array of numbers, got {array.dtype} of shape {array.shape}")
        return array
    if array.dtype.kind in "OSVc":
        return column_of_list([v.decode() if array.dtype.kind == "S" else v for v in array.tolist()])
    if array.dtype.kind in "Mm":  # Arrow knows no hours, months or years
        array = array.astype(f"{array.dtype.kind}8[us]")
    return plain(pa.chunked_array([array_of(array, nan=False)]))


def column_of_series(series: Any) -> Any:
    """Return a column of a series of pandas or Polars, or of an Arrow array. Raises ValueError."""
    import pyarrow as pa

    with contextlib.suppress(*_REFUSED, pa.ArrowException):
        arrow = hasattr(series, "__arrow_c_stream__")  # not the series of pandas 2
        values, types = pa.chunked_array(series if arrow else [pa.array(series, from_pandas=True)]), pa.types
        simple = types.is_string(values.type) or types.is_floating(values.type) or types.is_integer(values.type)
        # Of objects Arrow cuts moments down to dates and takes text for bytes; Polars hands over their addresses.
        right = simple if str(getattr(series, "dtype", "")).lower() == "object" else not _is_made_up(values.type)
        if right:
            return plain(values)
    return column_of_list(series.to_list() if hasattr(series, "to_list") else series.to_pylist())


def _is_made_up(kind: pa.DataType) -> bool:
    """Whether a type is of periods or intervals of pandas: numbers that mean nothing without it."""
    kind = getattr(kind, "value_type", kind)
    return str(getattr(kind, "extension_name", "")).startswith("pandas.")


def column_of_list(values: Iterable[Any]) -> Any:
    """Return a column of what people put in lists: pictures, arrays, paths, records, numbers, anything."""
    return column_of_cells([_plain_cell(value) for value in values])


def column_of_cells(cells: list[Any]) -> Any:
    """Return an Arrow column of cells of one type, an array of arrays of one shape, or an array of objects.

    Where most cells can be written as text and a few cannot stand beside them, all are text: one odd cell is one bad
    cell, as it is in a CSV.
    """
    import pyarrow as pa

    kinds = Counter(type(cell) for cell in cells if cell is not None)
    if kinds.keys() == {bool, int}:
        cells = [cell if cell is None else int(cell) for cell in cells]
    if not _misread(kinds, cells):
        with contextlib.suppress(*_REFUSED, pa.ArrowException):
            return plain(pa.chunked_array([array_of(cells, nan=False)]))
    written = sum(num for kind, num in kinds.items() if issubclass(kind, _WRITTEN))
    if 2 * written > kinds.total() and not (str in kinds and any(map(_holds_media, cells))):
        return pa.chunked_array([array_of([*map(_written, cells)], "string")])
    shapes = {(cell.shape, cell.dtype) if isinstance(cell, np.ndarray) else None for cell in cells}
    if len(shapes) == 1 and None not in shapes:
        return np.stack(cells)
    objects = np.empty(len(cells), object)
    for i, cell in enumerate(cells):
        objects[i] = cell
    return objects


def _misread(kinds: Counter[type], cells: list[Any]) -> bool:
    """Whether Arrow would change cells without a word: arrays and sets to lists, text to bytes, moments to dates or to
    another zone, numbers to millionths of a second."""
    if {np.ndarray, set, frozenset} & kinds.keys() or (len(kinds) > 1 and {bytes, dict} & kinds.keys()):
        return True
    bases = {next((base for base in _TIMES if issubclass(kind, base)), object) for kind in kinds}
    zones = {cell.tzinfo is None for cell in cells if isinstance(cell, dt.datetime)} if dt.datetime in bases else ()
    return len(zones) > 1 or len(bases) > 1


def _holds_media(cell: Any) -> bool:
    """Whether a cell beside texts makes paths of them: an array of 64 values is a picture of 8 by 8."""
    if isinstance(cell, bytes):
        return formats.sniff(cell[: formats.HEAD]) is not None
    return bool({"bytes", "path"} & cell.keys()) if isinstance(cell, dict) else np.size(cell) >= 64


def _written(cell: Any) -> str | None:
    """Return a cell as a CSV would have it."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return None
    if isinstance(cell, dt.timedelta):
        return str(cell.total_seconds())
    text = cell.decode("utf-8", "replace") if isinstance(cell, bytes) else str(cell)
    return text.encode("utf-8", "replace").decode()


def _plain_cell(value: Any) -> Any:
    """Return a cell in a type that plait opens: text for a path, an array for a picture or numbers, None for none."""
    if value is None or isinstance(value, (str, bytes, bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value else None
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, dict):
        return record_cell(value)
    if isinstance(value, np.generic):
        kind = value.dtype.kind
        return _plain_cell((value.astype(f"{kind}8[us]") if kind in "Mm" else value).item())
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "to_timestamp"):  # a period of pandas: the moment it begins
        return value.to_timestamp()
    if hasattr(value, "closed_left"):  # an interval of pandas
        return str(value)
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    with contextlib.suppress(*_REFUSED):  # a picture that cannot be decoded, lists of different lengths
        if hasattr(value, "getexif"):
            return _picture(value)
        listed = isinstance(value, (list, tuple)) and len(value)
        if listed or hasattr(value, "__array__") or hasattr(value, "__array_interface__"):
            array = np.asarray(value)
            if array.dtype.kind in "biuf":
                return array if array.ndim else array.item()
            value = array.tolist() if isinstance(value, np.ndarray) else value
    return list(value) if isinstance(value, tuple) else value


def _picture(image: Any) -> Any:
    """Return a Pillow picture upright, as an array; of modes that arrays cannot tell, such as CMYK, as a file."""
    from PIL import ImageOps

    image = ImageOps.exif_transpose(image)
    if image.mode in ("P", "PA", "HSV"):
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    if image.mode in ("1", "L", "LA", "RGB", "RGBA"):
        return np.asarray(image)
    image.save(content := io.BytesIO(), "TIFF")
    return content.getvalue()


def record_cell(record: Any) -> Any:
    """Return {array, sampling_rate, path}, as Hugging Face gives sounds, with the bytes of a WAV; without a rate, the
    array. What is neither stays, and is told of where it is opened."""
    if not isinstance(record, dict) or record.get("array") is None or record.get("bytes"):
        return record
    samples, rate = record["array"], record.get("sampling_rate")
    try:
        if rate is None:
            return np.asarray(samples, float)
        return {"bytes": media.write_wave(np.asarray(samples), int(rate)), "path": record.get("path")}
    except _REFUSED:
        return record
