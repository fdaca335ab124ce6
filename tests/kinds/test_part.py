"""Columns of one modality, opened cell by cell: a sample to learn from, and every cell in its place."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.errors import CellError, TableError
from plait.kinds.part import Opener, Part, add_reasons


def column(cells: list[str | None]) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


def open_number(cell: str, folder: Path | None, rate: int | None, prep: Any) -> int:
    if cell == "bad":
        raise CellError("no number")
    return int(cell) + (rate or 0)


OPENER = Opener("a number", open_number, lambda prep, number: np.array(number))


def take(part: Part, rows: list[int], seed: int = 0) -> list[int]:
    return list(OPENER.sample(part, np.array(rows), np.random.default_rng(seed)))


def test_a_part_gives_its_columns_in_their_order_with_their_rates() -> None:
    part = Part(Table({"a": column(["1", None]), "b": column(["2", "3"])}, sample_rates={"a": 8000}), ("b", "a"))
    assert list(part.cells().items()) == [("b", ["2", "3"]), ("a", ["1", None])]
    assert part.streams() == [("b", ["2", "3"], None), ("a", ["1", None], 8000)]


def test_a_sample_is_of_the_rows_that_are_named_and_passes_over_what_cannot_be_read() -> None:
    part = Part(Table({"x": column(["1", "bad", None, "4", "5"])}), ("x",))
    assert sorted(take(part, [0, 1, 2, 3])) == [1, 4]


def test_a_sample_is_of_400_cells_shared_between_the_columns() -> None:
    table = Table(
        {
            "a": column([str(n) for n in range(350)]),
            "b": column(["bad"] * 60 + [str(1000 + n) for n in range(290)]),
        }
    )
    found = take(Part(table, ("a", "b")), list(range(350)))
    assert len(found) == len(set(found)) == 400
    assert sum(n < 1000 for n in found) == 200  # of the other column too, the broken ones made up for
    many = Part(Table({"a": column([str(n) for n in range(900)])}), ("a",))
    assert len(take(many, list(range(900)))) == 400
    assert take(many, list(range(900))) == take(many, list(range(900)))
    assert set(take(many, list(range(900)))) != set(take(many, list(range(900)), seed=1))


@pytest.mark.parametrize(("cells", "why"), [(["bad", None], "no number"), ([None, None], "every cell is blank")])
def test_a_column_of_which_nothing_can_be_read_is_told(cells: list[str | None], why: str) -> None:
    said = rf"column 'x': no training row has a number that can be read \({why}\)\. Mend .* --ignore 'x'\."
    with pytest.raises(TableError, match=said):
        take(Part(Table({"x": column(cells)}), ("x",)), [0, 1])


@pytest.mark.parametrize("rows", [1, 3, 70])
def test_threads_put_every_cell_in_its_own_row(rows: int) -> None:
    cells = [None if n % 5 == 3 else "bad" if n % 5 == 4 else str(n + 1) for n in range(rows)]
    values = np.full(rows, 9, np.int64)
    with ThreadPoolExecutor(4) as pool:
        present, reasons = OPENER.prepare(None, Part(Table({"x": column(cells)}), ("x",)), {}, values, pool)
    assert present[:, 0].tolist() == [n % 5 < 3 for n in range(rows)]
    assert reasons == [("blank" if n % 5 == 3 else "no number" if n % 5 == 4 else None) for n in range(rows)]
    assert values[present[:, 0]].tolist() == [n + 1 for n in range(rows) if n % 5 < 3]
    assert all(values[n] == 0 for n in range(rows) if n % 5 == 4)


def test_of_several_columns_each_has_its_place_its_rate_and_its_name_in_the_reasons() -> None:
    table = Table({"a": column(["1", None]), "b": column(["bad", "4"])}, sample_rates={"a": 100})
    values = np.zeros((2, 2), np.int64)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = OPENER.prepare(None, Part(table, ("a", "b")), {}, values, pool)
    assert values.tolist() == [[101, 0], [0, 4]]
    assert present.tolist() == [[True, False], [False, True]]
    assert reasons == ["b: no number", "a: blank"]


def test_a_note_of_a_cell_says_why_it_is_blank_or_what_it_was_filled_from() -> None:
    noted: list[list[str]] = [["before"], [], [], []]
    add_reasons(
        noted, [None, "blank", "broken", None], ["heard from call", "no words were found", "a note", None], "x: "
    )
    assert noted == [["before", "x: heard from call"], ["x: no words were found"], ["x: broken"], []]
    table = Table({"x": column(["7", None])}, notes={"x": ["read from scan", None]})
    with ThreadPoolExecutor(1) as pool:
        present, reasons = OPENER.prepare(None, Part(table, ("x",)), {}, np.zeros(2), pool)
    assert (present.tolist(), reasons) == ([[True], [False]], ["read from scan", "blank"])


def test_numbers_are_halved_in_size_as_numpy_does() -> None:
    pytest.importorskip("torch")  # with it loaded
    value = np.random.default_rng(0).normal(0, 1000, (8, 9)).astype(np.float32)
    value[0, :4] = np.inf, 1e30, 1e-8, -0.0
    opener = Opener("numbers", lambda cell, folder, rate, prep: value, lambda prep, numbers: numbers)
    out = np.zeros((2, 8, 9), np.float16)
    with ThreadPoolExecutor(1) as pool, np.errstate(over="ignore"):
        opener.prepare(None, Part(Table({"c": column(["a", None])}, None, "cells"), ["c"]), {}, out, pool)
        assert out[0].tobytes() == value.astype(np.float16).tobytes()
    assert not out[1].any()
