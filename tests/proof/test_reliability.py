"""Calibration worked out by hand, and told apart from chance."""

import numpy as np
import pytest
import sklearn.metrics as sk

from plait.proof.reliability import calibration, reliability

CLASSES = ["no", "yes"]


def say(sure: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return codes (row,) and probabilities (row, class) that are so sure of class 0."""
    return (~right).astype(int), np.column_stack([sure, 1 - sure])


def test_reliability_by_hand() -> None:
    target, probabilities = ["a", "a", "b", "b"], [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6]]
    found = reliability(target, probabilities, ["a", "b"], bins=10)
    assert [(b["low"], b["rows"]) for b in found["bins"]] == [(0.5, 1), (0.8, 3)]
    assert found["bins"][1]["accuracy"] == pytest.approx(2 / 3)
    expected = (0.4 * 1 + (0.9 - 2 / 3) * 3) / 4
    assert found["expected_calibration_error"] == pytest.approx(expected)
    assert (found["rows"], found["accuracy"]) == (4, 0.75)
    assert reliability(["a", "b"], [[1, 0], [0, 1]], ["a", "b"])["expected_calibration_error"] == 0.0


def test_of_few_rows_there_is_a_word_and_no_band() -> None:
    found = reliability(["a", "b", "a"], [[0.9, 0.1], [0.4, 0.6], [0.8, 0.2]], ["a", "b"])
    assert (found["word"], found["band"]) == ("consistent with calibrated", None)


@pytest.mark.parametrize(
    ("off", "word"), [(0.0, "consistent with calibrated"), (-0.12, "overconfident"), (0.12, "underconfident")]
)
def test_the_word_says_to_which_side(off: float, word: str) -> None:
    generator = np.random.default_rng(0)
    sure = generator.uniform(0.6, 0.85, 600)
    found = reliability(*say(sure, generator.random(600) < sure + off), [0, 1])
    assert found["word"] == word
    low, high = found["band"]
    assert 0 < low < high < 0.1
    assert (found["expected_calibration_error"] <= high) == (off == 0)


def test_what_is_calibrated_is_seldom_called_otherwise() -> None:
    generator, words = np.random.default_rng(1), []
    for _ in range(60):
        sure = generator.uniform(0.5, 1, 100)
        words.append(reliability(*say(sure, generator.random(100) < sure), [0, 1])["word"])
    assert words.count("consistent with calibrated") >= 55


def test_calibration_by_hand() -> None:
    target = ["no", "yes", "no", "yes"]
    before = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])  # sure of .9, right in three of four
    after = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [0.25, 0.75]])
    found = calibration(target, before, after, CLASSES, 2.0)
    assert list(found) == ["before", "after", "brier", "log_loss", "temperature"]
    assert found["temperature"] == 2.0
    assert found["before"]["expected_calibration_error"] == pytest.approx(0.15)
    assert found["after"]["expected_calibration_error"] == pytest.approx(0.0)
    # three rows of 2 · .1², one of 2 · .9²; and 2 · .25² and 2 · .75²
    assert found["brier"]["before"] == pytest.approx((3 * 0.02 + 1.62) / 4)
    assert found["brier"]["after"] == pytest.approx((3 * 0.125 + 1.125) / 4)
    assert found["log_loss"]["after"] == pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4)
    assert found["before"]["rows"] == 4
    assert found["before"]["accuracy"] == found["after"]["accuracy"] == 0.75
    (only,) = found["after"]["bins"]
    assert (only["rows"], only["confidence"], only["accuracy"]) == (4, 0.75, 0.75)


def test_the_change_is_paired_and_knows_groups() -> None:
    generator = np.random.default_rng(0)
    target, before = say(np.full(200, 0.95), generator.random(200) < 0.7)
    after = np.tile([0.7, 0.3], (200, 1))
    rows = calibration(target, before, after, [0, 1], 3.0)["log_loss"]["change"]
    assert rows["low"] < rows["value"] < rows["high"] < 0
    whole = calibration(target, before, after, [0, 1], 3.0, groups=np.arange(200) // 50)["log_loss"]["change"]
    assert whole["value"] == rows["value"]
    assert whole["high"] - whole["low"] != rows["high"] - rows["low"]
    same = calibration(target, before, before, [0, 1], 1.0)["brier"]["change"]
    assert same == {"value": 0.0, "low": None, "high": None}


def test_brier_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(0)
    target, said = generator.integers(0, 4, 100), generator.dirichlet(np.ones(4), 100)
    expected = sk.brier_score_loss(target, said, scale_by_half=False, labels=[0, 1, 2, 3])
    assert calibration(target, said, said, range(4), 1.0)["brier"]["before"] == pytest.approx(expected)
    never = calibration(["a", "z"], *[np.array([[1.0, 0], [1, 0]])] * 2, ["a", "b"], 1.0)
    assert never["brier"]["before"] == 1.0  # right: 0; never seen: 1² + 1²
