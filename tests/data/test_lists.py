"""Lists become the arrays that Arrow itself makes of them, without pandas."""

import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from plait.core.contract import Table
from plait.data import lists


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["a", None, "é 日", ""], None),
        (["a", "b"], "string"),
        ([], "string"),
        ([], None),
        ([None, None], "string"),
        ([1.5, None, -0.0], "double"),
        ([None], "double"),
        ([1, 2, None], None),
        ([1.5, None, -0.0], None),
        ([None, 2], "double"),
        ([1, 2.5], "double"),
        ([True, None], None),
        ([b"x", None], None),
    ],
)
def test_an_array_is_what_arrow_makes(cells: list[Any], kind: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas", raising=False)  # with it, Arrow is asked
    made = lists.array_of(cells, kind)
    made.validate(full=True)
    assert made.equals(pa.array(cells, kind))
    assert made.null_count == cells.count(None)


@pytest.mark.parametrize("nan", [True, False])
@pytest.mark.parametrize(
    "cells",
    [
        [1.0, float("nan"), None],
        np.array([1.5, np.nan], np.float32),
        np.arange(9, dtype=np.int16)[::2],
        np.arange(3, dtype=np.uint64),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.zeros(0),
        np.array(["a", None], object),
    ],
)
def test_nan_is_a_number_or_absent_as_of_arrow(cells: Any, nan: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        wanted = pa.array(cells, from_pandas=not nan)
    except pa.ArrowNotImplementedError:  # of numbers that lie the other way round
        return
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    made = lists.array_of(cells, nan=nan)
    made.validate(full=True)
    assert (made.type, made.null_count, str(made.to_pylist())) == (
        wanted.type, wanted.null_count, str(wanted.to_pylist())
    )  # fmt: skip


def test_what_arrow_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    with pytest.raises(OverflowError):  # more than 64 bits hold with a sign
        lists.array_of([1, 2**63])


def test_texts_of_too_many_bytes_are_what_arrow_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pandas", raising=False)
    monkeypatch.setattr(lists, "MOST_BYTES", 3)
    assert lists.array_of(["ab", "cd"]).equals(pa.array(["ab", "cd"]))


def test_rows_of_a_column_are_taken_in_any_order() -> None:
    table = Table({"n": pa.chunked_array([[1, 2], [3]])}, None, "numbers")
    assert table.cells("n", np.array([2, 0, 2])[::-1]) == [3, 1, 3]
    assert table.cells("n", []) == []
