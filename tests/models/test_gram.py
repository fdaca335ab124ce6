"""Learners of few wide rows: the same answers as scikit-learn's own, whatever way they are found."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC, SVR

from plait.models import gram
from plait.models.gram import Logistic, Support


def draw(rows: int, width: int, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows, codes that their first numbers tell, and weights. Rows are as long as those of real fits."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((rows, width))
    return x / width**0.5, x[:, :classes].argmax(axis=1), 0.5 + generator.random(rows)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("rows", "width"), [(40, 200), (40, 20)])
def test_weights_are_those_of_the_lowest_loss(rows: int, width: int, classes: int) -> None:
    x, codes, weights = draw(rows, width, classes)
    best = LogisticRegression(C=10.0, max_iter=5000, tol=1e-8).fit(x, codes, weights)
    plain = Logistic(10.0).fit(x, codes, weights).plain
    assert plain.coefficients.shape == best.coef_.shape == (classes if classes > 2 else 1, width)
    new = draw(50, width)[0]
    assert np.abs(plain.predict_proba(new) - best.predict_proba(new)).max() < 0.06  # it stops a little before


def test_rows_that_are_the_same_or_empty_span_less() -> None:
    x, codes, _ = draw(20, 100)
    twice, told = np.concatenate([x, x, np.zeros((2, 100))]), np.concatenate([codes, codes, [0, 1]])
    plain = Logistic(1.0).fit(twice, told).plain
    assert (plain.predict_proba(x).argmax(axis=1) == codes).mean() > 0.9
    nothing = Logistic(1.0).fit(np.zeros((4, 100)), np.array([0, 1, 1, 1])).plain
    assert nothing.predict_proba(np.zeros((1, 100)))[0, 1] == pytest.approx(0.75, abs=1e-3)


@pytest.mark.parametrize("most", [4_000, 10])
@pytest.mark.parametrize("gamma", ["scale", 0.2])
def test_margins_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch, gamma: Any, most: int) -> None:
    monkeypatch.setattr(gram, "MOST", most)  # above it the kernel is not kept
    x, codes, weights = draw(60, 30)
    machine, best = Support(3.0, gamma).fit(x, codes, weights), SVC(C=3.0, gamma=gamma).fit(x, codes, weights)
    new = draw(50, 30)[0] * 1.5
    assert np.abs(machine.plain.decision_function(new) - best.decision_function(new)).max() < 1e-3
    assert machine.plain.sizes.tolist() == best.n_support_.tolist()
    some, rest = np.arange(0, 60, 2), np.arange(1, 60, 2)
    scale = 1 / (30 * x.var()) if gamma == "scale" else gamma  # that of all rows
    other = SVC(C=3.0, gamma=scale).fit(x[some], codes[some], weights[some])
    held = machine.hold_out(some, rest, codes[some], weights[some])
    assert np.abs(held - other.decision_function(x[rest])).max() < 1e-3


def test_numbers_are_those_of_scikit_learn() -> None:
    x, _, weights = draw(60, 5)
    numbers = x[:, 0] + np.sin(3 * x[:, 1])
    machine, best = Support(5.0, regression=True).fit(x, numbers, weights), SVR(C=5.0).fit(x, numbers, weights)
    assert np.abs(machine.plain.predict(x) - best.predict(x)).max() < 1e-3


def test_rows_without_any_difference_have_a_kernel() -> None:
    machine = Support(1.0).fit(np.zeros((4, 3)), np.array([0, 1, 0, 1]))
    assert machine.plain.gamma == 1.0 and np.isfinite(machine.plain.decision_function(np.ones((2, 3)))).all()
