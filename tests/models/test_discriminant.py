"""Discriminant analysis: by hand, as scikit-learn has it, and by whichever matrix is the smaller."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from plait.models.discriminant import Discriminant


def drawn(rows: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    targets = np.arange(rows) % classes
    return generator.normal(size=(rows, width)) + 0.5 * generator.normal(size=(classes, width))[targets], targets


def test_two_points_a_class_by_hand() -> None:
    x, targets = np.array([[-3.0], [-1.0], [1.0], [3.0]]), np.array([0, 0, 1, 1])
    plain = Discriminant(0.0).fit(x, targets).plain  # means ∓2, variance 1
    assert plain.coefficients == pytest.approx(np.array([[4.0]]))
    assert plain.intercepts == pytest.approx([0.0])


@pytest.mark.parametrize(("rows", "width", "classes"), [(80, 8, 3), (60, 8, 2), (12, 30, 3), (12, 30, 2)])
def test_with_a_given_shrinkage_it_is_that_of_scikit_learn(rows: int, width: int, classes: int) -> None:
    x, targets = drawn(rows, width, classes)
    theirs = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.3).fit(x, targets)
    assert Discriminant(0.3).fit(x, targets).plain.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-9)


@pytest.mark.parametrize("shrinkage", [None, 0.3])
def test_a_row_that_counts_twice_is_two_rows_but_for_what_is_chance(shrinkage: float | None) -> None:
    x, targets = drawn(30, 4, 3)
    weights = 1.0 + np.arange(30) % 2
    rows = np.repeat(np.arange(30), weights.astype(int))
    once = Discriminant(shrinkage).fit(x, targets, weights).plain.coefficients
    again = Discriminant(shrinkage).fit(x[rows], targets[rows]).plain.coefficients
    assert np.allclose(once, again) == (shrinkage is not None)


def test_the_fewer_the_rows_the_more_it_shrinks() -> None:
    found = []
    for rows in (20, 200, 2000):
        x, targets = drawn(rows, 6, 2)
        x[:, 0] *= 3
        learner = Discriminant()
        learner.fit(x, targets)
        means = np.stack([x[targets == k].mean(axis=0) for k in (0, 1)])
        apart = (x - means[targets]) / rows**0.5
        small = apart.T @ apart
        found.append(learner._share(apart, small, float(np.trace(small)) / 6, np.ones(rows)))
    assert 1 > found[0] > 2 * found[1] > 4 * found[2] > 0
