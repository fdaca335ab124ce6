"""Inside a vector: its numbers in runs, of which those left out are as in the mean row."""

from types import SimpleNamespace

import numpy as np

from plait.data.read import read
from plait.kinds.part import Part
from plait.kinds.vectors.inside import report, say, split
from plait.kinds.vectors.prep import VectorPrep
from plait.kinds.vectors.read import read as read_cell


def test_what_is_left_out_is_the_mean() -> None:
    table = read({"v": np.array([[1.0, 2.0, 6.0], [3.0, 4.0, 6.0]]), "x": [1, 2]})
    prep = VectorPrep().fitted([np.array([1.0, 2.0, 6.0]), np.array([3.0, 4.0, 6.0])])
    before, runs, able, leave = split(Part(table.take([0]), ("v",)), prep)
    assert before == {"v": [1.0, 2.0, 6.0]}
    assert [say(run) for run in runs] == ["number 0", "number 1", "number 2"]
    assert able == [0, 1, 2]
    assert read_cell(leave(np.array([True, False, True]))["v"], None).tolist() == [1.0, 3.0, 6.0]


def test_many_numbers_are_left_out_in_runs() -> None:
    table = read({"v": np.arange(200.0).reshape(2, 100), "x": [1, 2]})
    prep = VectorPrep().fitted(list(np.arange(200.0).reshape(2, 100)))
    runs = split(Part(table.take([0]), ("v",)), prep)[1]
    assert (len(runs), say(runs[0]), say(runs[-1])) == (16, "numbers 0–5", "numbers 93–99")
    shown = report(SimpleNamespace(parts=[{**runs[0], "weight": 0.5}]))
    assert shown["columns"] == [{"name": "numbers 0–5", "value": "6 numbers", "weight": 0.5}]
