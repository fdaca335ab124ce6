"""Temperature on predictions whose best temperature is known; folds that keep groups whole and classes even."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.models.calibration import apply_temperature, assign_folds, cross_fit_temperature, fit_temperature, log_losses
from plait.proof.reliability import reliability


def honest(num: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (rows, 3), and codes drawn by them."""
    generator = np.random.default_rng(seed)
    probabilities = generator.dirichlet(np.ones(3), num)
    codes = (generator.random((num, 1)) > np.cumsum(probabilities, 1)).sum(1)
    return probabilities, np.minimum(codes, 2)


def sharpen(probabilities: np.ndarray, power: float) -> np.ndarray:
    return probabilities**power / (probabilities**power).sum(1, keepdims=True)


@pytest.mark.parametrize("power", [0.5, 1.0, 3.0])
def test_temperature_undoes_what_was_done(power):
    probabilities, codes = honest(3000)
    assert fit_temperature(sharpen(probabilities, power), codes) == pytest.approx(power, rel=0.1)


def test_temperature_by_hand():
    found = apply_temperature([[0.8, 0.2], [0.5, 0.5]], 2.0)
    assert found == pytest.approx(np.array([[2 / 3, 1 / 3], [0.5, 0.5]]))  # roots: 2 to 1
    assert apply_temperature([[0.8, 0.2], [1.0, 0.0]], 1.0).tolist() == [[0.8, 0.2], [1.0, 0.0]]


def test_few_rows_hardly_move_it():
    for said, low, high in (([[0.9, 0.1]], 0.9, 1.1), ([[0.1, 0.9]], 1.0, 1.3), ([[0.6, 0.4]] * 10, 0.6, 1.0)):
        assert low < fit_temperature(np.array(said), np.zeros(len(said), int)) < high
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, int)) == 1.0
    assert fit_temperature(np.array([[0.0, 1.0]] * 50), np.zeros(50, int)) <= 20


def test_rows_with_nothing_present_keep_the_prior_and_do_not_count():
    probabilities, codes = honest(200)
    sharp = sharpen(probabilities, 3.0)
    present = np.arange(200) < 150
    sharp[150:] = [0.5, 0.3, 0.2]
    assert fit_temperature(sharp, codes, present) == fit_temperature(sharp[:150], codes[:150])
    found = apply_temperature(sharp, 2.0, present)
    assert (found[150:] == [0.5, 0.3, 0.2]).all()
    assert fit_temperature(sharp, codes, np.zeros(200, bool)) == 1.0


def test_cross_fitted_temperature_is_kept_where_it_is_worth_it():
    probabilities, codes = honest(400)
    fold = assign_folds(codes, generator=np.random.default_rng(0))
    sharp = sharpen(probabilities, 3.0)
    found = cross_fit_temperature(sharp, codes, fold)
    assert found.temperature == fit_temperature(sharp, codes)
    assert log_losses(found.answers, codes).mean() < log_losses(sharp, codes).mean() - 0.1
    before, after = (reliability(codes, x, range(3))["expected_calibration_error"] for x in (sharp, found.answers))
    assert after < before / 2
    assert (found.answers.argmax(1) == sharp.argmax(1)).all()


def test_cross_fitted_temperature_is_dropped_where_it_is_not():
    probabilities = np.array([[0.6, 0.4]] * 4)
    codes = np.array([0, 0, 1, 1])
    found = cross_fit_temperature(probabilities, codes, np.array([0, 0, 1, 1]))  # each fold learns the other's opposite
    assert found.temperature == 1.0
    assert found.answers.tolist() == probabilities.tolist()
    assert cross_fit_temperature(probabilities, codes, np.zeros(4, int)).temperature == 1.0


def test_log_loss_is_clipped():
    assert log_losses(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 1])) == pytest.approx([0.6931472, 27.6310211])


def test_folds_are_even_over_classes():
    codes = np.repeat([0, 1, 2], [50, 30, 20])
    fold = assign_folds(codes, generator=np.random.default_rng(0))
    for number in range(5):
        assert np.bincount(codes[fold == number]).tolist() == [10, 6, 4]


def test_folds_of_few_rows_and_of_numbers():
    assert sorted(assign_folds(np.array([0, 1, 1]), generator=np.random.default_rng(0)).tolist()) == [0, 1, 2]
    assert len(assign_folds(np.zeros(0, int), generator=np.random.default_rng(0))) == 0
    fold = assign_folds(np.arange(10) / 2, generator=np.random.default_rng(0))
    assert np.bincount(fold).tolist() == [2, 2, 2, 2, 2]
    assert fold.tolist() != (np.arange(10) % 5).tolist()


def test_groups_of_one_class_each_are_spread():
    fold = assign_folds(np.arange(10), generator=np.random.default_rng(0), groups=np.arange(10))
    assert np.bincount(fold).tolist() == [2, 2, 2, 2, 2]


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("abcdefgh")), min_size=1, max_size=60))
def test_a_group_is_in_one_fold(rows):
    codes, groups = (np.array(part) for part in zip(*rows, strict=True))
    fold = assign_folds(codes, generator=np.random.default_rng(0), groups=groups)
    names = np.unique(groups)
    assert all(len(np.unique(fold[groups == name])) == 1 for name in names)
    assert len(np.unique(fold)) == min(5, len(names))
