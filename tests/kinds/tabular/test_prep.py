import csv
import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.data.parse import PLAIN, parse_date, parse_number
from plait.errors import RequestError, RunError
from plait.kinds.tabular.prep import ColumnPrep, TabularPrep, plain_numbers, read_numbers

KINDS = {"age": "number", "city": "category", "day": "date"}


def test_the_order_of_day_and_month_is_learned_from_the_column():
    def month_of_first(cells):
        prep = TabularPrep("standard").fitted({"day": cells}, KINDS)
        return parse_date(cells[0], prep.columns[0].day_first).month

    assert month_of_first(["1/2/2024", "31/1/2024"]) == 2
    assert month_of_first(["1/2/2024", "1/31/2024"]) == 1
    assert month_of_first(["1/2/2024"]) == 1  # month first with slashes
    assert month_of_first(["1.2.2024"]) == 2  # day first with points


def test_layout_numbers_then_indicators_then_codes():
    prep = TabularPrep("standard", min_count=1)
    prep = prep.fitted({"age": [1, None, "3", 8], "city": ["Rome", "Oslo", "Rome", None]}, KINDS)
    assert prep.numbers == 1 and prep.categories == (3,) and prep.names == ["age", "age: missing", "city"]
    x = prep({"city": ["Oslo", None, "Paris", "Rome"], "age": [4, None, "abc", "7"]})
    spread = math.sqrt(26 / 3)  # of 1, 3, 8: mean 4, median 3
    assert x.dtype == np.float32
    assert np.allclose(x, [[0, 0, 2], [-1 / spread, 1, 0], [-1 / spread, 1, 0], [3 / spread, 0, 1]])


def test_quantile_scaling_is_by_rank_and_bounded():
    prep = TabularPrep().fitted({"age": [1, 2, 3, 4, 1e9]}, KINDS)
    x = prep({"age": [3, 1, 1e9, 2, 1e12, None]})[:, 0]
    assert x == pytest.approx([0, -3.0902, 3.0902, -0.6745, 3.0902, 0], abs=1e-4)


def test_what_has_no_long_tail_is_not_ranked():
    """A difference of two numbers stays a difference for a linear learner."""
    cells = {"age": [10, 20, 30, 40], "size": [11, 21, 31, 45]}
    kinds = dict.fromkeys(cells, "number")
    x = TabularPrep().fitted(cells, kinds)(cells)[:, :2]
    assert x[:, 0] == pytest.approx(np.array([-1.5, -0.5, 0.5, 1.5]) / math.sqrt(1.25))
    spread = math.sqrt(158)  # of 11, 21, 31, 45: mean 27
    assert x[:, 1] == pytest.approx(np.array([-16, -6, 4, 18]) / spread)
    prep = TabularPrep().fitted({"age": [*range(99), 1e6]}, KINDS)
    assert prep.columns[0].scalers[0].points  # by rank
    even = TabularPrep().fitted({"age": [*range(99)]}, KINDS)
    assert even({"age": [1e9, -1e9]})[:, 0].tolist() == [10.0, -10.0]


def test_quantile_scaling_gives_the_middle_of_equal_values():
    cells = [0] * 60 + list(range(1, 41))
    x = TabularPrep("quantile").fitted({"age": cells}, KINDS)({"age": [0, 20]})[:, 0]
    assert x == pytest.approx([-0.53, 0.84], abs=0.03)  # shares of .30 and .80


@pytest.mark.parametrize("scale", ["auto", "quantile", "standard"])
def test_a_constant_or_empty_column_gives_zeros(scale):
    prep = TabularPrep(scale).fitted({"age": [0.1] * 7, "size": [None] * 7}, {"age": "number", "size": "number"})
    assert prep({"age": [0.1, None], "size": [None, 5]})[:, 0] == pytest.approx([0, 0], abs=1e-9)
    assert np.isfinite(prep({"age": [1e29, -5], "size": [None, 5]})).all()


def test_dates_become_parts():
    prep = TabularPrep("standard").fitted({"day": ["2024-01-01", "2026-07-02", None]}, KINDS)
    assert prep.names[:5] == ["day: year", "day: month", "day: day of week", "day: season sine", "day: season cosine"]
    x = prep({"day": ["2024-01-01", None, "soon"]})
    assert x[0] == pytest.approx([-1, -1, -1, 0, 1] + [0] * 5)  # Monday, the first day of the year
    assert x[1].tolist() == x[2].tolist() == pytest.approx([0] * 5 + [1] * 5)
    assert prep.broken({"day": ["2024-01-01", None, "soon"]}) == {2: "column 'day': 'soon' is not a date"}


def test_the_hour_is_there_when_the_training_dates_have_one():
    prep = TabularPrep("standard").fitted({"day": ["2024-01-01 06:00", "2024-01-01 18:30"]}, KINDS)
    assert prep.names[5] == "day: hour" and prep({"day": ["2024-01-01 12:15"]})[0, 5] == pytest.approx(0)


def test_rare_and_unseen_values_share_the_last_code():
    prep = TabularPrep(max_categories=2).fitted({"city": [*"abbcccdddd", None]}, KINDS)
    assert prep.columns[0].values == ("d", "c") and prep.categories == (4,)
    assert prep({"city": ["d", "c", "b", "a", "new", None, " d "]})[:, 0].tolist() == [1, 2, 3, 3, 3, 0, 1]
    assert TabularPrep().fitted({"city": ["a", "a"]}, KINDS)({"city": ["new"]}).tolist() == [[0]]  # none was rare


def test_a_category_is_the_same_as_number_and_as_text():
    prep = TabularPrep().fitted({"city": [3, 3, 5.0, 5.0, True, True]}, KINDS)
    assert prep({"city": ["3", 3.0, np.int64(5), "True", math.nan]})[:, 0].tolist() == [1, 1, 2, 3, 0]


def test_broken_cells_are_named_by_row():
    prep = TabularPrep().fitted({"age": [1, 2], "day": ["2024-01-01", "2024-01-02"]}, KINDS)
    cells = {"age": ["abc", 3, None], "day": ["never", "2024-01-05", "x" * 90]}
    assert prep.broken(cells) == {
        0: "column 'age': 'abc' is not a number; column 'day': 'never' is not a date",
        2: "column 'day': '" + "x" * 36 + "… is not a date",
    }


def test_onehot_for_learners_without_embeddings():
    prep = TabularPrep("standard", min_count=1).fitted({"age": [0, 2], "city": ["a", "b"]}, KINDS)
    x = prep({"age": [2, None], "city": ["b", None]})
    assert prep.onehot(x).tolist() == [[1, 0, 0, 0, 1], [0, 1, 1, 0, 0]]


def test_describe_says_what_the_model_sees():
    cells = {"age": [0, 2], "city": ["a", "a"], "day": ["2024-01-01", "2024-01-03"]}
    prep = TabularPrep("standard").fitted(cells, KINDS)
    assert prep.describe(prep({"age": [None], "city": ["a"], "day": ["2024-01-03"]})[0]) == {
        "age": "missing, filled with +0.00",
        "city": "code 1 of 1 (known)",
        "day": "year +0.00, month +0.00, day of week +1.00, season sine +0.03, season cosine +1.00",
    }


@pytest.mark.parametrize("scale", ["auto", "quantile", "standard"])
def test_json_rebuilds_the_same_output(scale):
    days = ["1.2.2024 10:30", None, "3.4.25", "x"]
    cells = {"age": [1.1, None, 3.3, 1 / 3], "city": ["a", "a", "b", None], "day": days}
    prep = TabularPrep(scale).fitted(cells, KINDS)
    again = TabularPrep.from_json(json.loads(json.dumps(prep.to_json())))
    assert again == prep and np.array_equal(again(cells), prep(cells)) and again(cells).shape == (4, 15)
    with pytest.raises(
        RunError,
        match=r"the tabular preparation is damaged: tabular.columns\[0\] is .* with 'kind'. Fit again",
    ):
        TabularPrep.from_json({"columns": [{"name": "age"}]})


def test_a_row_alone_equals_that_row_in_a_batch_and_no_rows_give_none():
    cells = {"age": [1, 2, 5], "city": ["a", "b", "a"], "day": ["2024-01-01", "2024-02-01", None]}
    prep = TabularPrep().fitted(cells, KINDS)
    assert np.array_equal(prep({name: values[1:2] for name, values in cells.items()})[0], prep(cells)[1])
    assert prep({name: [] for name in cells}).shape == (0, 13)


def test_wrong_requests_are_told():
    prep = TabularPrep().fitted({"age": [1]}, KINDS)
    with pytest.raises(RequestError, match=r"the column 'age' was there in training .* Did you mean 'agee'\?"):
        prep({"agee": [1]})
    with pytest.raises(RequestError, match="column 'age' is of kind 'text'; expected one of: number, category, date"):
        TabularPrep().fitted({"age": [1]}, {"age": "text"})
    with pytest.raises(RequestError, match=r"tabular.scale is 'quantiles'. Did you mean 'quantile'?"):
        TabularPrep.of({"scale": "quantiles"})
    with pytest.raises(RequestError, match=r"tabular.max_categories is 0; expected 1 to 65536"):
        TabularPrep(max_categories=0)
    with pytest.raises(RequestError, match="not of one length: age 2, city 1"):
        TabularPrep().fitted({"age": [1], "city": ["a"]}, KINDS)({"age": [1, 2], "city": ["a"]})


def test_the_table_of_reviews(shared_data):
    with open(shared_data / "clothing" / "train.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = dict.fromkeys(("Age", "Positive Feedback Count"), "number")
    kinds |= dict.fromkeys(("Division Name", "Class Name"), "category")
    cells = {name: [row[name] or None for row in rows] for name in kinds}
    prep = TabularPrep().fitted(cells, kinds)
    x = prep(cells)
    assert x.shape == (len(rows), 6) and np.isfinite(x).all() and prep.broken(cells) == {}
    assert abs(x[:, 0].mean()) < 0.05 and 0.9 < x[:, 0].std() < 1.1


def test_a_new_row_is_read_in_the_unit_and_the_zone_that_were_learned() -> None:
    prep = TabularPrep(scale="standard").fitted({"w": ["2 kg", "4 kg", "#N/A"]}, {"w": "number"})
    again = TabularPrep.from_json(prep.to_json())
    assert again.columns[0].unit == "kg"
    assert again.broken({"w": ["3 kg", "3", "500 g", "--"]}) == {2: "column 'w': '500 g' is not a number in kg"}
    zones = ["2024-03-05T12:00:00+02:00", "2024-03-06T15:00:00+02:00"]
    dated = TabularPrep.from_json(TabularPrep().fitted({"t": zones}, {"t": "date"}).to_json())
    np.testing.assert_array_equal(dated({"t": ["2024-03-05T10:00:00Z"]}), dated({"t": zones[:1]}))
    mixed = TabularPrep().fitted({"t": ["2024-03-05T12:00:00Z", "2024-03-06T15:00:00+05:00"]}, {"t": "date"})
    assert TabularPrep.from_json(mixed.to_json()).columns[0].zone == 0


ODD = st.text("0123456789+-.eE_, \t\nnaif", max_size=6) | st.none() | st.floats() | st.integers() | st.booleans()


@given(st.lists(st.from_regex(PLAIN, fullmatch=True) | ODD, max_size=5))
def test_numbers_that_are_read_at_once_are_those_that_are_read_one_by_one(cells: list[Any]) -> None:
    column = ColumnPrep.of("x", "number", ["1"])
    one_by_one: list[float | None] = []
    for cell in cells:
        try:
            one_by_one.append(parse_number(cell))
        except (ValueError, OverflowError):
            one_by_one.append(math.inf)  # no number is
    at_once = plain_numbers(cells)
    if at_once is not None:
        np.testing.assert_array_equal(at_once, np.array(one_by_one, float))
    broken: dict[int, str] = {}
    read = read_numbers(column, cells, broken)[:, 0]
    assert sorted(broken) == [row for row, value in enumerate(one_by_one) if value == math.inf]
    np.testing.assert_array_equal(read, [math.nan if x == math.inf else x for x in np.array(one_by_one, float)])


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "-2.5", ".5e3", "+7."], [1, -2.5, 500, 7]),
        (["1", None, "3"], [1, math.nan, 3]),
        ([1, 2.5, None, np.float32(4), True], [1, 2.5, math.nan, 4, 1]),
        ([None, None], [math.nan, math.nan]),
        (["1", "NA"], None),  # for one to look at
        (["1", " 2"], None),
        (["1_000"], None),
        (["1e31"], None),
        (["1e999"], None),
        (["9" * 101], None),
        (["1", 2], None),
        ([10**400], None),
        ([], []),
    ],
)
def test_plain_cells_are_read_at_once(cells: list[Any], numbers: list[float] | None) -> None:
    read = plain_numbers(cells)
    if numbers is None:
        assert read is None
    else:
        np.testing.assert_array_equal(read, numbers)


def test_a_row_that_cannot_be_read_is_told_by_its_place_in_the_whole_column() -> None:
    cells, broken = [str(row) for row in range(3000)], dict[int, str]()
    cells[2500] = "soon"
    read = read_numbers(ColumnPrep.of("x", "number", ["1"]), cells, broken)[:, 0]
    assert broken == {2500: "column 'x': 'soon' is not a number"}
    assert np.flatnonzero(np.isnan(read)).tolist() == [2500]
    assert read[[0, 1023, 1024, 2999]].tolist() == [0, 1023, 1024, 2999]
