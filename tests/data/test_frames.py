"""Frames of every kind are read as their owner means them."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas
import polars
import pyarrow as pa
import pytest
import scipy.sparse

from plait.core.contract import Table
from plait.data.read import read
from plait.errors import TableError

datasets.disable_progress_bars()
PARTS = pandas.DataFrame({"a": [1.5, 2.5, 3.5], "y": [0, 1, 0]})


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        (pandas.Series([1, None], dtype="Int64"), [1, None]),
        (pandas.Series([True, None], dtype="boolean"), [True, None]),
        (pandas.Series(["a", None], dtype="string"), ["a", None]),
        (pandas.Series(["a", 1, None], dtype="category"), ["a", "1", None]),
        (pandas.Series(pandas.PeriodIndex(["2020-02", None], freq="M")), [dt.datetime(2020, 2, 1), None]),
        (pandas.cut(pandas.Series([1.0, 3.0]), [0, 2, 4]), ["(0, 2]", "(2, 4]"]),
        (pandas.Series(pandas.to_timedelta(["1h", None])), [3600.0, None]),
        (pandas.Series(pandas.arrays.SparseArray([0.0, 1.0])), [0.0, 1.0]),
        (pandas.Series([1j]), [1j]),
        (pandas.Series([1.5, "n/v", pandas.NA], dtype=object), ["1.5", "n/v", None]),
        (pandas.Series([[1, 2], None], dtype=pandas.ArrowDtype(pa.list_(pa.int64()))), [[1, 2], None]),
        (polars.Series([Decimal("1.5"), None]), [1.5, None]),
        (polars.Series([dt.timedelta(hours=1)]), [3600.0]),
        (polars.Series([dt.time(3, 4)]), ["03:04:00.000000000"]),
        (polars.Series([["a"], None]), [["a"], None]),
        (polars.Series([1, None], dtype=polars.Int128), [1, None]),
        (polars.Series(["a", None], dtype=polars.Enum(["a"])), ["a", None]),
        (polars.Series([1.5, 2.5, "x"], dtype=polars.Object), ["1.5", "2.5", "x"]),  # Arrow is given addresses
        (polars.Series([None, None]), [None, None]),
    ],
)
def test_column_types(series: Any, expected: list[Any]) -> None:
    table = read(series.rename("c").to_frame())
    read_cells = [cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in table.cells("c")]
    assert read_cells == expected
    assert read(series.rename("c")).names == ["c"]


def test_names_of_columns_and_of_the_index() -> None:
    frame = PARTS.set_index(pandas.Index(["p", "q", "r"], name="patient"))
    assert read(frame).cells("patient") == ["p", "q", "r"]
    assert read(PARTS.set_index(pandas.Index([4, 5, 6]))).names == ["a", "y"]
    assert read(PARTS.set_axis([0, 1], axis=1)).names == ["0", "1"]
    assert read(PARTS.set_axis(pandas.MultiIndex.from_tuples([("a", "b"), ("c", "d")]), axis=1)).names == [
        "('a', 'b')",
        "('c', 'd')",
    ]
    with pytest.raises(TableError, match="the frame has two columns named 'a'"):
        read(PARTS.set_axis(["a", "a"], axis=1))


@pytest.mark.parametrize(
    "source",
    [
        np.array([[1.5, 0], [2.5, 1], [3.5, 0]]),
        [[1.5, 0], [2.5, 1], [3.5, 0]],
        PARTS.to_records(index=False),
        PARTS.to_dict("records"),
        polars.LazyFrame(PARTS.to_dict("list")),
        pa.RecordBatch.from_pandas(PARTS),
        pa.Table.from_pandas(PARTS).to_reader(),
    ],
)
def test_whatever_holds_rows_and_columns(source: object) -> None:
    table = read(source)
    assert table.names in (["x0", "x1"], ["a", "y"])
    assert [table.cells(name) for name in table.names] == [[1.5, 2.5, 3.5], [0, 1, 0]]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (np.zeros(3), r"expected 2D array, got 1D array of shape \(3,\). Reshape your data"),
        (np.zeros((2, 3, 4)), r"Give pictures or sounds as \{'image': array\}"),
        (np.zeros((3, 0)), r"0 feature\(s\)"),
        ([[1], [2, 3]], "the rows do not form an array"),
        (scipy.sparse.csr_array(np.eye(2)), "sparse input is not supported"),
        (scipy.sparse.dok_array((2, 2)), "sparse input is not supported"),
        (3, "cannot read a table from int"),
    ],
)
def test_what_is_no_table(source: object, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(source)


def animals() -> datasets.Dataset:
    features = {"age": datasets.Value("float32"), "label": datasets.ClassLabel(names=["cat", "dog"])}
    rows = {"age": [1.0, 2.0, 3.0, 4.0], "label": [0, 1, 1, -1]}
    return datasets.Dataset.from_dict(rows, features=datasets.Features(features))


def test_a_dataset_in_its_order_with_its_classes(tmp_path: Path) -> None:
    data = animals()
    assert read(data).cells("label") == ["cat", "dog", "dog", None]  # -1 stands for a label that is held back
    picked = data.select([3, 1, 0]).filter(lambda age: age < 4, input_columns=["age"])
    picked.set_format("numpy", columns=["age"])
    assert {name: read(picked).cells(name) for name in read(picked).names} == {
        "age": [2.0, 1.0],
        "label": ["dog", "cat"],
    }
    data.to_parquet(tmp_path / "t.parquet")
    assert read(tmp_path / "t.parquet").cells("label") == ["cat", "dog", "dog", None]


def test_files_of_a_dataset_are_not_decoded() -> None:
    data = datasets.Dataset.from_dict({"image": ["a.png"], "audio": ["a.wav"]})
    data = data.cast_column("image", datasets.Image()).cast_column("audio", datasets.Audio())
    assert read(data).cells("image") == [{"bytes": None, "path": "a.png"}]
    assert read(data).cells("audio") == [{"bytes": None, "path": "a.wav"}]


def test_the_parts_of_a_dataset_are_its_split() -> None:
    data = animals()
    table: Table = read(datasets.DatasetDict({"train": data.select([2, 0]), "validation": data.select([1])}))
    assert table.cells("split") == ["train", "train", "validation"]
    assert table.cells("label") == ["dog", "cat", "dog"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (datasets.DatasetDict({"train": animals(), "unsupervised": animals()}), "unsupervised are no train"),
        (datasets.DatasetDict({"train": animals().rename_column("age", "split")}), "a column 'split' beside its parts"),
        (
            datasets.DatasetDict({"train": animals(), "test": datasets.Dataset.from_dict({"age": ["x"]})}),
            "the parts train, test do not go together",
        ),
        (animals().to_iterable_dataset(), "a streamed data set"),
        (animals().select([]), "column names but no rows in the data set"),
    ],
)
def test_datasets_that_are_refused(source: object, said: str) -> None:
    with pytest.raises(TableError, match=said):
        read(source)
