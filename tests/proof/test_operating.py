"""ROC and precision-recall curves, against scikit-learn."""

import doctest

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from plait.core.classes import Several
from plait.proof import operating
from plait.proof.operating import operating_curves


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(operating).failed == 0


def test_areas_are_those_of_scikit_learn_ties_included() -> None:
    generator = np.random.default_rng(0)
    said, truth = generator.dirichlet([1, 1, 1], 200).round(1), generator.integers(0, 3, 200)
    curves = operating_curves(truth, said, [0, 1, 2])
    assert [curve["name"] for curve in curves] == ["0", "1", "2"]
    for place, curve in enumerate(curves):
        assert np.isclose(curve["auroc"], roc_auc_score(truth == place, said[:, place]))
        assert np.isclose(curve["average_precision"], average_precision_score(truth == place, said[:, place]))
        assert curve["roc"][0] == [0.0, 0.0] and curve["roc"][-1] == curve["recall"][-1][:1] * 2 == [1.0, 1.0]


def test_the_six_classes_with_the_most_rows_have_curves_and_one_without_rows_has_none() -> None:
    names = list("abcdefgh")
    truth = [name for place, name in enumerate(names[:7]) for _ in range(place + 2)]
    curves = operating_curves(truth, np.full((len(truth), 8), 0.125), names)
    assert [curve["name"] for curve in curves] == ["b", "c", "d", "e", "f", "g"]
    assert operating_curves(["a", "a"], np.array([[0.9, 0.1]] * 2), ["a", "b"]) == []


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    generator = np.random.default_rng(1)
    truth, said = generator.integers(0, 2, 5000), generator.random(5000)
    (curve,) = operating_curves(truth, np.stack([1 - said, said], 1), [0, 1])
    assert len(curve["roc"]) <= 120 and curve["roc"][0] == [0.0, 0.0] and curve["roc"][-1] == [1.0, 1.0]


def test_labels_of_a_row_each_have_a_curve() -> None:
    labels = Several(["x", "y"], delimiter="", fewest=0)
    curves = operating_curves([("x",), ("x", "y"), ()], np.array([[0.9, 0.1], [0.8, 0.7], [0.1, 0.2]]), labels)
    assert [(curve["name"], curve["auroc"]) for curve in curves] == [("x", 1.0), ("y", 1.0)]
