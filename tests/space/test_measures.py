import numpy as np
import pytest

from plait.space.measures import find, find_all, never_paired

AXES = np.eye(4, dtype=np.float32)


def test_each_row_finds_itself() -> None:
    found = find(AXES, AXES, np.arange(4), np.array([0, 0, 1, 1]))
    assert found is not None
    assert found.reciprocal.tolist() == [1, 1, 1, 1]
    assert found.gallery == 4
    assert found.first is not None
    assert found.first.all()


def test_a_copy_is_as_good_as_the_own_cell() -> None:
    gallery = AXES[[0, 0, 2, 3]]
    found = find(AXES[[0, 0, 2, 3]], gallery, np.array([7, 7, 8, 9]))
    assert found is not None
    assert found.reciprocal.tolist() == [1, 1, 1, 1]


def test_average_precision_by_hand() -> None:
    gallery = np.array([[1, 0], [0.8, 0.6], [0, 1]], np.float32)
    found = find(gallery, gallery, np.arange(3), np.array([0, 1, 0]))
    assert found is not None
    assert found.precision is not None
    assert found.precision[0] == pytest.approx((1 + 2 / 3) / 2)  # its class is first and third
    assert found.precision[1] == pytest.approx(1.0)


def test_ties_count_as_in_the_middle() -> None:
    alike = np.ones((5, 1), np.float32)
    found = find(alike, alike, np.arange(5))
    assert found is not None
    assert found.reciprocal.tolist() == pytest.approx([1 / 3] * 5)


def test_absent_rows_are_neither_asked_nor_found() -> None:
    holes = AXES.copy()
    holes[1] = np.nan
    found = find(AXES, holes, np.arange(4))
    assert found is not None
    assert (found.rows.tolist(), found.gallery) == ([0, 2, 3], 3)


def test_chance_is_what_a_random_order_reaches() -> None:
    generator = np.random.default_rng(0)
    classes = generator.integers(0, 2, 300)
    one, other = (generator.standard_normal((300, 8)).astype(np.float32) for _ in range(2))
    found = find(one, other, np.arange(300), classes)
    assert found is not None
    assert found.precision is not None
    assert found.chance[0] == pytest.approx(0.0209, abs=1e-3)
    assert found.chance[1] == pytest.approx(found.precision.mean(), abs=0.02)


def test_pairs_that_never_meet() -> None:
    one, other = AXES.copy(), AXES.copy()
    one[:2], other[2:] = np.nan, np.nan
    assert never_paired({"a": one, "b": other, "c": AXES}) == [["a", "b"]]
    assert {*find_all({"a": one, "c": AXES}, {"a": np.arange(4), "c": np.arange(4)})} == {"a->c", "c->a"}
