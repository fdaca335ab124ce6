"""From cells of numbers and categories to features: which rows are there, and what was learned from which."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from plait.core.contract import Table
from plait.kinds.part import Part
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.tabular.read import DTYPE, compare, fit, prepare

KINDS = {"age": "number", "colour": "category"}


def make_part(ages: list[str | None], colours: list[str | None]) -> Part:
    columns = {"age": ages, "colour": colours}
    data = {name: pa.chunked_array([pa.array(cells, pa.string())]) for name, cells in columns.items()}
    return Part(Table(data), tuple(columns), KINDS)


def learned() -> TabularPrep:
    """Ages of mean 5 and deviation 5, one colour; the third row is no training row."""
    part = make_part(["0", "10", "1000"], ["red", "red", "blue"])
    return fit(TabularPrep(scale="standard"), part, np.array([0, 1]), np.random.default_rng(0))


def prepared(part: Part, prep: Any) -> tuple[np.ndarray, list[bool], list[str | None]]:
    values = np.full((len(part.table), 3), 9, DTYPE)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = prepare(prep, part, {}, values, pool)
    assert present.shape == (len(part.table), 1)
    return values, present[:, 0].tolist(), reasons


def test_scales_and_codes_are_those_of_the_training_rows_alone() -> None:
    prep = learned()
    assert (prep.columns[0].scalers[0].centre, prep.columns[0].scalers[0].spread) == (5.0, 5.0)
    assert prep.columns[1].values == ("red",)


def test_a_row_is_numbers_then_what_is_absent_then_codes() -> None:
    values, present, reasons = prepared(make_part(["0", "10", None], ["red", None, "red"]), learned())
    assert values.tolist() == [[-1, 0, 1], [1, 0, 0], [0, 1, 1]]
    assert present == [True, True, True]
    assert reasons == [None, "column 'colour': blank", "column 'age': blank"]


def test_a_row_is_there_when_any_cell_of_it_could_be_read() -> None:
    part = make_part([None, "many", "many", "7", None], [None, None, "red", None, "never seen"])
    _, present, reasons = prepared(part, learned())
    assert present == [False, False, True, True, True]
    wrong = "column 'age': 'many' is not a number"
    assert reasons == [
        "blank",
        f"{wrong}; column 'colour': blank",
        wrong,
        "column 'colour': blank",
        "column 'colour': 'never seen' was not in training; column 'age': blank",
    ]


def test_each_row_says_which_columns_the_table_lacks() -> None:
    part = make_part([None, None, None], ["red", None, "blue"])
    part.table.notes["age"] = ["no column 'age'"] * 3
    _, present, reasons = prepared(part, learned())
    assert present == [True, False, True]
    assert reasons == [
        "no column 'age'",
        "no column 'age'; column 'colour': blank",
        "no column 'age'; column 'colour': 'blue' was not in training",
    ]


def test_what_is_not_as_in_training_is_said_once_for_each_column() -> None:
    assert compare(learned(), make_part(["1", None], ["red", None])) == []
    assert compare(learned(), make_part(["1"] * 4, ["RED ", "blue", "green", "blue"])) == [
        "column 'colour': 3 rows hold a value that was not in training: 'blue', 'green'.",
        "column 'colour': 1 row holds a known value, written otherwise: 'RED' for 'red'.",
    ]


def test_no_rows_stay_no_rows() -> None:
    values, present, reasons = prepared(make_part([], []), learned())
    assert (values.shape, present, reasons) == ((0, 3), [], [])
