"""Matrices along one axis, worked out by hand, and what holds for every size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.kinds.weights import averages, cosines, tents

sizes = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def test_averages_share_a_place_that_lies_on_an_edge() -> None:
    assert averages(4, 2).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    assert averages(3, 2) == pytest.approx(np.array([[2, 1, 0], [0, 1, 2]]) / 3)
    assert averages(2, 4).tolist() == [[1, 0], [1, 0], [0, 1], [0, 1]]


@sizes
@given(st.integers(1, 90), st.integers(1, 90))
def test_averages_of_a_constant_are_that_constant_and_each_place_counts_alike(size: int, num: int) -> None:
    weights = averages(size, num)
    assert weights.shape == (num, size)
    assert (weights >= 0).all()
    assert weights.sum(1) == pytest.approx(np.ones(num))
    assert weights.sum(0) == pytest.approx(np.full(size, num / size))


def test_tents_overlap_with_their_neighbours() -> None:
    assert tents(4, 2) == pytest.approx(np.array([[0.75, 0.75, 0.25, 0], [0, 0.25, 0.75, 0.75]]))
    assert tents(3, 1) == pytest.approx(np.array([[2, 3, 2]]) / 3)


@sizes
@given(st.integers(1, 90), st.integers(1, 9))
def test_tents_share_each_place_between_the_two_nearest(size: int, num: int) -> None:
    weights = tents(size, num)
    assert ((weights > 1e-9).sum(0) <= 2).all()
    middle = (np.arange(size) + 0.5) / size * num
    inside = (middle >= 0.5) & (middle <= num - 0.5)
    assert weights.sum(0)[inside] == pytest.approx(np.ones(inside.sum()))
    assert weights[::-1, ::-1] == pytest.approx(weights)


def test_cosines_of_two_places() -> None:
    half = 0.5**0.5
    assert cosines(2, 2) == pytest.approx(np.array([[half, half], [half, -half]]))


@sizes
@given(st.integers(1, 60), st.integers(1, 20))
def test_cosines_are_the_orthonormal_transform_of_scipy(size: int, num: int) -> None:
    from scipy.fft import dct

    num = min(num, size)
    x = np.random.default_rng(size).standard_normal(size)
    assert cosines(size, num) @ x == pytest.approx(dct(x, norm="ortho")[:num])
