"""What is counted of a column: cells that are there, different values, a sample, its form."""

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.contract import Column, Table
from plait.data.read import read
from plait.kinds.facts import Facts, absent_cells, count_matching, facts_of, share_matching, spread


def counted(cells: object) -> Facts:
    return facts_of(read({"x": cells}), "x")


def test_blank_texts_are_no_cells() -> None:
    facts = counted(["a", "", "  ", None, "b", "a"])
    assert (facts.rows, facts.filled, facts.holes, facts.distinct) == (6, 3, 3, 2)
    assert (facts.form, facts.sample, sorted(facts.uniques())) == ("text", ["a", "b", "a"], ["a", "b"])


def test_nan_is_no_cell() -> None:
    facts = counted(np.array([1.5, np.nan, 1.5, 2.0]))
    assert (facts.filled, facts.distinct, facts.sample, facts.form) == (3, 2, [1.5, 1.5, 2.0], "real")


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ([3, None, 4], "whole"),
        ([0.5, None, 4.0], "real"),
        ([True, None, False], "bool"),
        ([date(2024, 1, 2), None, date(2024, 1, 3)], "date"),
        ([b"ab", None, b"c"], "bytes"),
        (["ab", None, "c"], "text"),
    ],
)
def test_the_form_is_that_of_the_cells(cells: list[object], form: str) -> None:
    facts = counted(cells)
    assert (facts.form, facts.filled, facts.holes) == (form, 2, 1)


def test_arrays_are_looked_at_but_not_counted() -> None:
    facts = counted(np.arange(12.0).reshape(4, 3))
    assert (facts.form, facts.rows, facts.filled, facts.distinct, facts.uniques()) == ("array", 4, 4, None, [])
    assert facts.sample[3].tolist() == [9.0, 10.0, 11.0]


def test_arrays_of_several_shapes_may_have_holes() -> None:
    cells = np.empty(3, object)
    cells[0], cells[2] = np.zeros(2), np.ones(5)
    facts = facts_of(Table({"x": cells}), "x")
    assert (facts.form, facts.rows, facts.filled) == ("array", 3, 2)
    assert [cell.tolist() for cell in facts.sample] == [[0, 0], [1, 1, 1, 1, 1]]


def test_a_record_is_a_cell_where_it_holds_bytes_or_a_path() -> None:
    cells = [{"bytes": None, "path": "a.png"}, {"bytes": b"x", "path": None}, {"bytes": None, "path": None}, None]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    facts = facts_of(Table({"x": pa.chunked_array([pa.array(cells, kind)])}), "x")
    assert (facts.form, facts.rows, facts.filled, facts.sample) == ("bytes", 4, 2, cells[:2])


def test_empty_bytes_are_no_cell_and_lists_are_something_else() -> None:
    assert counted([b"", b"x"]).filled == 1
    lists = facts_of(Table({"x": pa.chunked_array([[["a"], ["b", "c"]]])}), "x")
    assert (lists.form, lists.filled, lists.distinct) == ("other", 2, None)


@pytest.mark.parametrize(("different", "differs"), [(100, True), (99, True), (98, False)])
def test_nearly_all_values_differ_from_99_of_a_hundred_on(different: int, differs: bool) -> None:
    assert counted([f"v{min(n, different - 1)}" for n in range(100)]).differs is differs


def test_one_cell_differs_from_nothing() -> None:
    assert not counted(["a", None]).differs
    assert not counted(np.zeros((4, 3))).differs


def test_a_sample_of_a_long_column_runs_from_its_first_cell_to_its_last() -> None:
    facts = counted(list(range(1000)))
    assert (len(facts.sample), facts.sample[0], facts.sample[-1]) == (200, 0, 999)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(st.integers(0, 5000))
def test_places_are_spread_evenly(length: int) -> None:
    places = spread(length)
    assert len(places) == min(length, 200)
    if length:
        assert (places[0], places[-1]) == (0, length - 1)
        steps = np.diff(places)
        assert steps.max(initial=1) - steps.min(initial=int(steps.max(initial=1))) <= 1


def test_a_share_of_nothing_is_nothing() -> None:
    def test(cell: str) -> str | None:
        return cell if cell == "a" else None

    assert (count_matching(["a", "b", "a"], test), share_matching(["a", "b", "a", "c"], test)) == (2, 0.5)
    assert share_matching([], test) == 0.0


def test_words_for_nothing_are_absent_among_numbers_alone() -> None:
    table = read({"v": ["1", "none", None], "size": ["low", "none", None]})
    assert absent_cells(table, Column("v", "number")) == [False, True, True]
    assert absent_cells(table, Column("size", "category")) == [False, False, True]
