"""Which row belongs to which moment, in whole nanoseconds."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plait.streams.joins import (
    find_longest,
    find_nearest,
    find_previous,
    find_window,
    interpolate,
    overlap_pairs,
    window_last,
    window_means,
    window_series,
)

TIMES = np.array([0, 10, 20, 20, 50])
NAN = np.nan


def test_previous_is_the_last_at_or_before_within_tolerance() -> None:
    when = np.array([-1, 0, 9, 10, 25, 49, 50, 61])
    assert find_previous(when, TIMES, 10).tolist() == [-1, 0, 0, 1, 3, -1, 4, -1]


def test_nearest_is_within_tolerance_and_the_earlier_of_two() -> None:
    when = np.array([-10, -11, 5, 6, 20, 35, 36, 41, 90])
    assert find_nearest(when, TIMES, 10).tolist() == [0, -1, 0, 1, 3, -1, -1, 4, -1]


def test_order_of_the_moments_does_not_matter() -> None:
    when = np.array([41, 5, 20])
    assert find_nearest(when, TIMES, 10).tolist() == [4, 0, 3]


def test_a_window_holds_its_begin_and_not_its_end() -> None:
    low, high = find_window(np.array([0, 10, 30, 60]), np.array([10, 30, 50, 70]), TIMES)
    assert (high - low).tolist() == [1, 3, 0, 0]
    values = np.array([1.0, 2.0, NAN, 4.0, 8.0])
    assert np.array_equal(window_means(low, high, values), [1, 3, NAN, NAN], equal_nan=True)
    assert window_last(low, high, np.isfinite(values)).tolist() == [0, 3, -1, -1]
    assert window_last(low, high, np.array([True, True, False, False, True])).tolist() == [0, 1, -1, -1]


def test_lines_are_drawn_between_neighbours_only() -> None:
    values = np.array([0.0, 1.0, 5.0, 2.0, 8.0])
    when = np.array([-1, 0, 5, 15, 20, 35, 50, 51])
    found = interpolate(when, TIMES, values, tolerance=10)
    assert np.array_equal(found, [NAN, 0, 0.5, 1.5, 2, NAN, 8, NAN], equal_nan=True)


def test_a_missing_value_is_no_neighbour() -> None:
    values = np.array([0.0, NAN, NAN, 2.0, 8.0])
    assert np.array_equal(interpolate(np.array([5, 20]), TIMES, values, 10), [NAN, 2], equal_nan=True)
    assert np.array_equal(interpolate(np.array([5, 20]), TIMES, values, 20), [0.5, 2], equal_nan=True)


def test_overlaps() -> None:
    starts, ends = np.array([0, 5, 30]), np.array([100, 10, 30])  # the last is a point
    begin, end = np.array([6, 28, 100, 31]), np.array([12, 31, 110, 31])
    pairs = [(r, o, s) for part in overlap_pairs(begin, end, starts, ends) for r, o, s in zip(*part, strict=True)]
    assert pairs == [(0, 0, 6), (0, 1, 4), (1, 0, 3), (1, 2, 1), (3, 0, 1)]
    assert find_longest(begin, end, starts, ends).tolist() == [0, 0, -1, 0]


def test_a_window_of_several_channels_is_a_list_of_lists() -> None:
    values = np.array([[1.0, 2, 3, 4], [5, np.nan, 7, 8]])
    found = window_series(np.array([0, 2, 2]), np.array([2, 2, 4]), values)
    assert found.to_pylist() == [[[1.0, 2.0], [5.0, None]], None, [[3.0, 4.0], [7.0, 8.0]]]
    assert window_series(np.array([0]), np.array([0]), values).to_pylist() == [None]


@given(
    st.lists(st.integers(-50, 50), min_size=1, max_size=20),
    st.lists(st.integers(-60, 60), max_size=20),
    st.integers(0, 30),
)
def test_as_a_loop_would_do_it(times: list[int], when: list[int], tolerance: int) -> None:
    times = sorted(times)
    nearest = find_nearest(np.array(when, int), np.array(times, int), tolerance)
    previous = find_previous(np.array(when, int), np.array(times, int), tolerance)
    for moment, near, before in zip(when, nearest, previous, strict=True):
        distances = [abs(t - moment) for t in times]
        expected = min(distances, default=tolerance + 1)
        assert (near >= 0) == (expected <= tolerance)
        assert near < 0 or abs(times[near] - moment) == expected
        ago = [moment - t for t in times if t <= moment]
        assert (before >= 0) == (min(ago, default=tolerance + 1) <= tolerance)
        assert before < 0 or moment - times[before] == min(ago)
