"""Cells of series: how they are written makes no difference, and what is wrong with one is said."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from plait.data.numbers import write_npy
from plait.errors import CellError
from plait.kinds.series.prep import SeriesPrep
from plait.kinds.series.read import apply, digest, read

NUMBERS = [[0.5, -2.0, 0.25, 1.0], [1.0, 2.0, 3.0, 4.0]]
CSV = "t,x,y\n0.1,0.5,1\n0.2,-2,2\n0.3,0.25,3\n0.4,1,4\n"
WRITTEN = [
    NUMBERS,
    np.array(NUMBERS),
    [np.array(row) for row in NUMBERS],
    str(NUMBERS),
    "[[0.5 -2. 0.25 1.]\n [1. 2. 3. 4.]]",
    write_npy(np.array(NUMBERS)),
    CSV.encode(),
    "walk.csv",
    "walk.parquet",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("series")
    (place / "walk.csv").write_text(CSV)
    parquet.write_table(pa.table({"x": NUMBERS[0], "y": NUMBERS[1]}), place / "walk.parquet")
    (place / "words.csv").write_text("x,y\n0.5,left\n-2,right\n")
    (place / "clock.csv").write_text("time\n1\n2\n")
    (place / "dates.csv").write_text("date,x\n2024-01-01,1\n2024-01-02,\n2024-01-03,3\n")
    (place / "gone.csv").write_bytes(b"\0\1\2\3")
    (place / "note.txt").write_text("a note")
    return place


@pytest.mark.parametrize(
    "cell", WRITTEN, ids=lambda cell: str(cell)[:12] if isinstance(cell, str) else type(cell).__name__
)
def test_forms_of_one_series_are_one(cell: Any, folder: Path) -> None:
    assert read(cell, folder).tolist() == NUMBERS
    assert digest(cell, folder) == digest(NUMBERS, None)


def test_a_flat_list_is_one_channel_and_holes_are_nan() -> None:
    assert read([1.0, 2.0], None).tolist() == [[1.0, 2.0]]
    for cell in ([1.0, None, 3.0], "[1, null, 3]", "1, null, 3", "[1, NaN, inf]", [[1.0, None]]):
        values = read(cell, None)
        assert np.isnan(values[0, 1])
        assert values[0, 0] == 1.0


def test_moments_are_no_channel(folder: Path) -> None:
    assert np.array_equal(read("dates.csv", folder), [[1, np.nan, 3]], equal_nan=True)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ([], "an empty list"),
        ("[[], []]", "an empty list"),
        ([0.5, "a"], "a list that holds something else than numbers"),
        ("[[1, 2], [a, 4]]", "a list that holds something else than numbers"),
        ([[1, 2], 3], "a list that holds something else than numbers"),
        ([10**400, None], "a list that holds something else than numbers"),
        ("[[1, 2], [3]", "a list that holds something else than numbers"),
        ([[1, 2, 3], [4]], "ragged: lists of 1 to 3 points; expected as many in each"),
        ("[[1, 2], [3]]", "ragged: lists of 1 to 2 points; expected as many in each"),
        ([None, float("nan")], "no number in it is finite"),
        (np.zeros((2, 3, 4)), "expected numbers over time, or channels of them, got an array of shape (2, 3, 4)"),
        ("far.csv", "file not found: far.csv"),
        ("note.txt", "no series: expected a list, or a file that ends in .csv, .parquet or .npy"),
        ("words.csv", "no table of numbers: column 'y' of words.csv holds something else"),
        ("clock.csv", "no table of numbers: clock.csv has no column beside its clock"),
        ("quiet", "file not found: quiet"),
        (b"a,b", "no table of numbers: there are column names but no rows in the file in the cell"),
    ],
)
def test_what_is_no_series_is_said(cell: Any, why: str, folder: Path) -> None:
    with pytest.raises(CellError) as error:
        read(cell, folder)
    assert str(error.value) == why


def test_a_file_that_is_no_table_or_too_large_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CellError, match=r"^no table of numbers: gone\.csv holds zero bytes"):
        read("gone.csv", folder)
    monkeypatch.setattr("plait.kinds.series.read.MOST_NUMBERS", 5)
    with pytest.raises(CellError, match=r"^too many numbers: \d+, expected at most 5$"):
        read("walk.csv", folder)
    monkeypatch.setattr("plait.kinds.series.read.MOST_BYTES", 8)
    with pytest.raises(CellError, match=r"^file too large: walk\.csv has"):
        read("walk.csv", folder)


def test_a_channel_without_a_number_is_absent_with_the_reason() -> None:
    prep = SeriesPrep().fitted([np.ones((2, 9))])
    with pytest.raises(CellError, match=r"^channel 1 of 2 has no number that is finite$"):
        apply(prep, np.array([[1.0] * 9, [np.nan] * 9]))
