"""What cells are not as in training: written otherwise, rare, new, in another zone."""

import datetime as dt
import json

import numpy as np
import pytest

from plait.errors import RunError
from plait.kinds.tabular.gaps import compare_cells, find_gaps
from plait.kinds.tabular.prep import TabularPrep

KINDS = {"flag": "category", "city": "category", "day": "date"}


def test_a_value_written_otherwise_has_the_code_of_that_value():
    prep = TabularPrep().fitted({"flag": [True, False] * 2, "city": ["Rome", "Oslo"] * 2}, KINDS)
    cells = {"flag": ["TRUE", "true", 1, 1.0, "yes", False], "city": ["ROME", " rome", "Rome", "oslo", "Lima", None]}
    assert prep(cells).tolist() == [[2, 2], [2, 2], [2, 2], [2, 1], [2, 0], [1, 0]]
    assert find_gaps(prep, cells) == ({4: "column 'city': 'Lima' was not in training"}, {5: ["city"]})


def test_a_rare_value_is_known_again_and_is_no_other_in_other_letters():
    prep = TabularPrep().fitted({"city": ["Rome", "Rome", "ROME", "Oslo"]}, KINDS)
    cells = {"city": ["Rome", "ROME", "Oslo", "rome", "Lima"]}
    assert prep(cells)[:, 0].tolist() == [1, 2, 2, 1, 2]
    assert compare_cells(prep, cells) == [
        "column 'city': 1 row holds a value that was not in training: 'Lima'.",
        "column 'city': 1 row holds a known value, written otherwise: 'rome' for 'Rome'.",
    ]
    assert find_gaps(prep, cells) == ({}, {})  # what is rare has a code, so what is new has it too
    data, arrays = prep.state()
    assert compare_cells(TabularPrep.from_state(json.loads(json.dumps(data)), arrays), cells) == compare_cells(
        prep, cells
    )
    before = TabularPrep.from_state(data, {})  # a run of before does not know its rare values
    assert before(cells)[:, 0].tolist() == [1, 2, 2, 2, 2] and compare_cells(before, cells) == []
    with pytest.raises(RunError, match=r"the rare values of 'city' are none\. Fit again"):
        TabularPrep.from_state(data, {"others.0": np.zeros((2, 2))})


def test_the_same_instant_in_another_zone_is_the_same():
    prep = TabularPrep("standard").fitted({"day": ["2024-01-01T06:00:00Z", "2024-01-02T18:00:00Z"]}, KINDS)
    there = dt.timezone(dt.timedelta(hours=9))
    same = {"day": ["2024-01-02 03:00:00+09:00", dt.datetime(2024, 1, 2, 3, tzinfo=there), "2024-01-01 01:00 -05:00"]}
    assert prep(same).tolist() == [prep({"day": ["2024-01-01T18:00:00Z"]})[0].tolist()] * 2 + [
        prep({"day": ["2024-01-01T06:00:00+00:00"]})[0].tolist()
    ]
    assert compare_cells(prep, same) == [
        "column 'day': 3 rows are in another time zone (-05:00, +09:00) than in training (+00:00), turned to that."
    ]
    assert compare_cells(prep, {"day": ["2024-01-01T06:00:00Z", "2024-01-01 06:00"]}) == []
    naive = TabularPrep().fitted({"day": ["2024-01-01 06:00", "2024-01-02 18:00"]}, KINDS)
    assert compare_cells(naive, {"day": ["2024-01-01 06:00+02:00"]}) == [
        "column 'day': 1 row is in another time zone (+02:00) than in training (none), read as its clock shows."
    ]
    assert "zones" not in naive.to_json()["columns"][0]  # as before


def test_counts_from_1970_are_moments_of_utc():
    same = {"day": [1704067200, "1704067200", 1704067200000.0]}
    there = TabularPrep().fitted({"day": ["2024-01-01T02:00:00+02:00", "2024-01-02T18:00:00+02:00"]}, KINDS)
    assert there(same).tolist() == [there({"day": ["2024-01-01T00:00Z"]})[0].tolist()] * 3
    assert compare_cells(there, same) == [
        "column 'day': 3 rows are in another time zone (+00:00) than in training (+02:00), turned to that."
    ]
    counted = TabularPrep().fitted({"day": [1704067200, 1704153600]}, KINDS)
    assert counted({"day": ["2024-01-01T02:00+02:00"]}).tolist() == counted({"day": [1704067200]}).tolist()
    naive = TabularPrep().fitted({"day": ["2024-01-01 06:00", "2024-01-02 18:00"]}, KINDS)
    assert compare_cells(naive, same) == []


def test_dates_written_otherwise_than_in_training_are_told_by_their_sign():
    prep = TabularPrep().fitted({"day": ["2024-01-01", "2024-06-02"]}, KINDS)
    assert prep({"day": ["05.02.2024", "02/05/2024"]}).tolist() == [prep({"day": ["2024-02-05"]})[0].tolist()] * 2
