"""The rows of one table below those of another: by the names of columns, of one type where they have one."""

import numpy as np
import pyarrow as pa

from plait.core.contract import Table
from plait.data.append import append_rows
from plait.data.read import read


def test_columns_go_by_their_names_and_what_is_lacking_is_absent() -> None:
    first = read({"age": [1, 2], "note": ["a", "b"], "day": ["x", None]})
    other = read({"note": ["c"], "Age": [2.5], "more": [9]})
    joined, lacking = append_rows(first, other, "split", ["train", "train", "test"])
    assert {name: joined.cells(name) for name in joined.names} == {
        "age": [1.0, 2.0, 2.5],
        "note": ["a", "b", "c"],
        "day": ["x", None, None],
        "split": ["train", "train", "test"],
    }
    assert (lacking, len(joined), len(first)) == (["day"], 3, 2)
    assert joined.data["age"].type == pa.float64()


def test_a_column_that_both_name_is_set_anew() -> None:
    joined, lacking = append_rows(read({"a": [1], "split": ["val"]}), read({"a": [2]}), "split", ["val", "test"])
    assert (joined.cells("split"), lacking) == (["val", "test"], [])


def test_words_below_numbers_are_cells_of_one_column() -> None:
    joined, _ = append_rows(read({"a": [1, 2]}), read({"a": ["3 kg"]}), "split", ["train", "train", "test"])
    assert joined.cells("a") == ["1", "2", "3 kg"]


def test_arrays_stay_arrays_and_keep_their_rate() -> None:
    waves = np.zeros((2, 8), np.float32)
    other = Table({"sound": waves[:1] + 1}, sample_rates={"sound": 8000})
    joined, _ = append_rows(read({"sound": waves}), other, "split", ["train", "train", "test"])
    assert joined.data["sound"].shape == (3, 8)
    assert joined.data["sound"].sum() == 8
    assert joined.sample_rates == {"sound": 8000}
