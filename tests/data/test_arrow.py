"""Parquet and Arrow files of strangers: how large one becomes is known before it is read."""

from pathlib import Path
from typing import Any

import numpy as np
import polars
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as parquet
import pytest

from plait.data.read import read
from plait.errors import TableError

WORD = pa.array(["x" * 1_000_000])


def words(rows: int) -> pa.Array:
    """One word of 1 MB, in each row."""
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), WORD)


BOMBS = {
    "zeros": pa.array(np.zeros(80_000_000, np.int64)),
    "words": words(600),
    "words in a record": pa.StructArray.from_arrays([words(600)], ["q"]),
    "words in lists": pa.ListArray.from_arrays(pa.array([0, 600]), words(600)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_parquet_file_that_becomes_large_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"a": BOMBS[name]})
    parquet.write_table(table, path, compression="zstd", dictionary_pagesize_limit=1 << 28, row_group_size=len(table))
    with pytest.raises(TableError, match=r"would take \d+\.\d MB of memory; at most 536\.9 MB"):
        read(path)


@pytest.mark.parametrize("name", ["zeros", "words"])
def test_a_small_arrow_file_that_becomes_large_is_refused(tmp_path: Path, name: str) -> None:
    path, table = tmp_path / "a.arrow", pa.table({"a": BOMBS[name]})
    with pa.ipc.new_file(path, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    with pytest.raises(TableError, match="of memory; at most"):
        read(path)


def test_rows_that_are_only_declared_are_refused(tmp_path: Path) -> None:
    path, table = tmp_path / "a.arrow", pa.table({"a": pa.nulls(100_000_000)})
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(TableError, match=r"would take 800\.0 MB of memory"):
        read(path)


def test_what_is_unusual_is_tried_apart_and_read(tmp_path: Path) -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["u", "v"]))
    with pa.ipc.new_stream(tmp_path / "a.arrow", pa.schema([("a", runs.type)])) as writer:
        writer.write_batch(pa.record_batch([runs], ["a"]))
    assert read(tmp_path / "a.arrow").cells("a") == ["u", "u", "v"]


@pytest.mark.parametrize("compression", ["uncompressed", "zstd", "lz4"])
def test_files_that_polars_writes_are_read(tmp_path: Path, compression: Any) -> None:
    polars.DataFrame({"a": ["x", "longer than twelve letters"]}).write_ipc(
        tmp_path / "a.arrow", compression=compression
    )
    assert read(tmp_path / "a.arrow").cells("a") == ["x", "longer than twelve letters"]


def test_a_column_that_is_nearly_all_zero_is_read(tmp_path: Path) -> None:
    parquet.write_table(pa.table({"a": np.zeros(1_000_000, np.int64)}), tmp_path / "a.parquet")
    assert len(read(tmp_path / "a.parquet")) == 1_000_000


def test_some_megabytes_do_not_become_gigabytes(tmp_path: Path) -> None:
    path, noise = tmp_path / "a.parquet", np.random.default_rng(0).bytes(2_000_000)
    parquet.write_table(pa.table({"a": BOMBS["zeros"]}).replace_schema_metadata({"noise": noise}), path)
    assert path.stat().st_size > 2_000_000
    with pytest.raises(TableError, match=r"has \d\.\d MB, and would take 640\.\d MB of memory; at most 536\.9 MB"):
        read(path)
