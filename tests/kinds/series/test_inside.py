"""Inside a series: stretches of time of channels, of which those left out are as in the mean of the training rows."""

from types import SimpleNamespace

import numpy as np
import pytest

from plait.data.read import read
from plait.kinds.part import Part
from plait.kinds.series.inside import lanes_of, report, say, split, thin
from plait.kinds.series.prep import SeriesPrep
from plait.kinds.series.read import read as read_cell


def test_what_is_left_out_is_the_mean_course() -> None:
    rows = np.stack([np.arange(12.0), np.arange(12.0) + 2])
    prep = SeriesPrep().fitted(list(rows))
    before, stretches, able, leave = split(Part(read({"s": rows, "x": [1, 2]}).take([0]), ("s",)), prep)
    assert before == {"s": [rows[0].tolist()]}
    assert [say(stretches[0]), say(stretches[-1])] == ["points 0–0 of 12", "points 11–11 of 12"]
    left = read_cell(leave(np.arange(len(able)) != 5)["s"], None)[0]
    assert left.tolist() == pytest.approx([0, 1, 2, 3, 4, 6, 6, 7, 8, 9, 10, 11])


def test_of_several_channels_there_are_fewer_stretches_each() -> None:
    rows = np.random.default_rng(0).standard_normal((2, 100, 6))  # time first
    prep = SeriesPrep().fitted(list(rows))
    _, stretches, able, leave = split(Part(read({"s": rows, "x": [1, 2]}).take([0]), ("s",)), prep)
    assert (prep.turned, len(stretches)) == (True, 48)
    assert say(stretches[9]) == "channel 1, points 12–24 of 100"
    assert read_cell(leave(np.ones(len(able), bool))["s"], None) == pytest.approx(rows[0], abs=1e-6)


def test_many_channels_are_left_out_together() -> None:
    rows = np.random.default_rng(0).standard_normal((2, 50, 30))
    prep = SeriesPrep().fitted(list(rows))
    stretches = split(Part(read({"s": rows, "x": [1, 2]}).take([0]), ("s",)), prep)[1]
    assert (len(stretches), say(stretches[0])) == (48, "channels 0–1, points 0–14 of 30")


def test_a_report_says_what_was_there() -> None:
    place = {"column": "s", "channel": 0, "last_channel": 0, "channels": 1, "length": 4}
    parts = [{**place, "first": 0, "last": 1, "weight": 0.5}, {**place, "first": 2, "last": 3, "weight": 0.0}]
    shown = report(SimpleNamespace(parts=parts, before={"s": [[1.0, 2.0, float("nan"), float("nan")]]}))
    assert shown["columns"] == [
        {"name": "points 0–1 of 4", "value": "mean 1.5", "weight": 0.5},
        {"name": "points 2–3 of 4", "value": "a hole", "weight": 0.0},
    ]
    assert shown["lanes"] == [
        {
            "course": [0.0, 1.0, None, None],
            "stretches": [{"start": 0.0, "end": 0.5, "weight": 0.5}, {"start": 0.5, "end": 1.0, "weight": 0.0}],
        }
    ]


def test_the_channels_that_are_drawn_are_few_and_each_has_its_stretches() -> None:
    part = {"column": "s", "channel": 2, "last_channel": 3, "channels": 20, "length": 2, "first": 0, "last": 0}
    lanes = lanes_of({"s": [[0.0, 1.0]] * 20, "t": [[5.0, 5.0]]}, [{**part, "weight": 1.0}])
    assert [len(lane["stretches"]) for lane in lanes] == [0, 0, 1, 1, 0, 0, 0, 0]
    assert thin(np.array([5.0, 5.0, np.nan])).tolist() == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)
    assert len(thin(np.arange(5001.0))) == 1667
