"""Frames of pandas and Polars, data sets of Hugging Face, arrays → the columns of a Table. Knows no file.

The packages are never imported: who gives an object of one has loaded it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from plait.core.contract import SPLITS
from plait.core.words import first_line
from plait.data.arrow import columns_of_arrow
from plait.data.columns import column_of_array, column_of_list, column_of_series
from plait.data.delimited import check_names
from plait.errors import TableError


def columns_of_object(source: Any) -> tuple[dict[str, Any], str]:
    """Return the columns of a frame, a data set or arrays, and what messages call it. Raises TableError."""
    if _is(source, "datasets", "DatasetDict", "Dataset", "IterableDatasetDict", "IterableDataset"):
        return columns_of_arrow(_rows_of_dataset(source), "the data set"), "the data set"
    if _is(source, "scipy.sparse", "spmatrix", "sparray"):
        raise TableError("sparse input is not supported: give its .toarray()")
    if isinstance(source, Mapping):
        return _same_length(turned(source, column_of_array)), "the arrays"
    if _is(source, "pandas", "Series") or _is(source, "polars", "Series"):
        source = source.to_frame()
    if _is(source, "polars", "LazyFrame"):
        source = source.collect()
    if _is(source, "polars", "DataFrame"):
        return turned({series.name: series for series in source.get_columns()}, column_of_series), "the frame"
    if _is(source, "pandas", "DataFrame"):
        return _columns_of_pandas(source), "the frame"
    if hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__"):
        return columns_of_arrow(_table_of_arrow(source), "the frame"), "the frame"
    if isinstance(source, (list, tuple)) or hasattr(source, "__array__"):
        return _columns_of_matrix(source), "the array"
    raise TableError(
        f"cannot read a table from {type(source).__name__}. Give a path, a dict of arrays, an array of rows and "
        "columns, or a frame that speaks Arrow (pandas 2.2 or newer, Polars, pyarrow)"
    )


def turned(columns: Mapping[Any, Any], turn: Callable[[Any], Any], source: str = "") -> dict[str, Any]:
    """Return each column as `turn` makes it. Raises TableError that names the column."""
    made = {}
    for name, values in columns.items():
        try:
            made[str(name)] = turn(values)
        except (ValueError, TypeError, RuntimeError) as error:
            raise TableError(f"{source}column {str(name)!r} cannot be read: {first_line(error):.200}") from None
    return made


def _is(source: Any, package: str, *names: str) -> bool:
    """Whether an object is of one of these classes of a package; it is not where the package is not loaded."""
    loaded = sys.modules.get(package)
    return any(isinstance(source, getattr(loaded, name, ())) for name in names)


def _same_length(columns: dict[str, Any]) -> dict[str, Any]:
    if len({len(values) for values in columns.values()}) > 1:
        rows = ", ".join(f"{name} {len(values)}" for name, values in columns.items())
        raise TableError(f"the columns have different numbers of rows: {rows}. Each needs one entry for every row")
    return columns


def _columns_of_pandas(frame: Any) -> dict[str, Any]:
    """Return the columns of a frame of pandas, and the levels of its index that have a name."""
    names = [str(name) for name in frame.columns]
    check_names(names, "the frame")
    columns = {name: frame.iloc[:, place] for place, name in enumerate(names)}
    for place, level in enumerate(frame.index.names):
        if level is not None and str(level) not in columns:
            columns[str(level)] = frame.index.get_level_values(place).to_series()
    return turned(columns, column_of_series)


def _table_of_arrow(source: Any) -> Any:
    import pyarrow as pa

    try:
        return pa.table(source)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise TableError(f"the frame cannot be turned into Arrow: {first_line(error):.200}") from None


def _rows_of_dataset(source: Any) -> Any:
    """Return the rows of a data set as an Arrow table: in its order, files undecoded, several with their split."""
    import pyarrow as pa

    if _is(source, "datasets", "IterableDataset", "IterableDatasetDict"):
        raise TableError(
            "a streamed data set has no rows before they are fetched. Load it without streaming=True, or give "
            "datasets.Dataset.from_list(list(rows.take(1000)))"
        )
    if not isinstance(source, Mapping):
        return source.with_format("arrow")[:]
    parts = {str(name): part.with_format("arrow")[:] for name, part in source.items()}
    if strange := [name for name in parts if name not in SPLITS] if len(parts) > 1 else []:
        raise TableError(
            f"the parts {', '.join(strange)} are no train, validation or test. Leave them out, or give one"
        )
    if not parts or any("split" in part.column_names for part in parts.values()):
        raise TableError("the data set has no part, or a column 'split' beside its parts. Give one part, or rename it")
    tables = [part.append_column("split", pa.array([name] * len(part))) for name, part in parts.items()]
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowException, ValueError) as error:
        said = f"the parts {', '.join(parts)} do not go together: {first_line(error):.200}"
        raise TableError(f"{said}. Give one of them") from None


def _columns_of_matrix(source: Any) -> dict[str, Any]:
    """Return the columns x0, x1 … of an array of rows and columns; of records the fields."""
    if isinstance(source, (list, tuple)) and source and all(isinstance(row, Mapping) for row in source):
        names = dict.fromkeys(name for row in source for name in row)
        return turned({name: [row.get(name) for row in source] for name in names}, column_of_list)
    try:
        array = np.asarray(source)
    except (ValueError, TypeError, RuntimeError) as error:
        raise TableError(f"the rows do not form an array: {first_line(error):.200}") from None
    if array.dtype.names is not None and array.ndim == 1:
        return turned({name: array[name] for name in array.dtype.names}, column_of_array)
    if array.ndim != 2:
        mend = (
            "Reshape your data to (rows, columns)" if array.ndim < 2 else "Give pictures or sounds as {'image': array}"
        )
        raise TableError(f"expected 2D array, got {array.ndim}D array of shape {array.shape}. {mend}")
    if not array.shape[1]:
        raise TableError(f"the array has 0 feature(s) (shape={array.shape}) while a minimum of 1 is required.")
    return turned({f"x{place}": array[:, place] for place in range(array.shape[1])}, column_of_array)
