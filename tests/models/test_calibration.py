"""Temperature on predictions whose best temperature is known; folds that keep groups whole and classes even."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.models.calibration import (
    HIGHEST,
    MEAN_LUCK,
    apply_temperature,
    assign_folds,
    count_sets,
    cross_fit_temperature,
    find_thresholds,
    fit_temperature,
    list_sets,
    log_losses,
    number_sets,
    rarest_label,
)
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


def test_towards_a_prior_by_hand():
    # 9 to 1 where the prior says 4 to 1: 2.25 times as much, of which the root is 1.5, so 6 to 1
    found = apply_temperature([[0.9, 0.1]], 2.0, prior=(0.8, 0.2))
    assert found == pytest.approx(np.array([[6 / 7, 1 / 7]]))
    assert apply_temperature([[0.1, 0.9]], 1e6, prior=(0.8, 0.2))[0] == pytest.approx([0.8, 0.2], abs=1e-5)
    each = apply_temperature([[0.8, 0.2], [0.8, 0.2]], np.array([2.0, 1.0]))
    assert each == pytest.approx(np.array([[2 / 3, 1 / 3], [0.8, 0.2]]))


def test_what_says_nothing_leaves_the_prior():
    """Answers as sure as they are wrong: log loss 1.20 of themselves, and that of the prior after."""
    generator = np.random.default_rng(0)
    codes = (generator.random(80) < 0.3).astype(int)
    sure = np.where(generator.random((80, 1)) < 0.5, [[0.05, 0.95]], [[0.95, 0.05]])
    prior = (0.7, 0.3)
    assert log_losses(sure, codes).mean() > 1.2
    assert fit_temperature(sure, codes, prior=prior) == HIGHEST
    found = cross_fit_temperature(sure, codes, np.arange(80) % 5, prior=prior)
    assert found.temperature == HIGHEST
    assert found.answers == pytest.approx(np.tile(prior, (80, 1)), abs=0.01)


def test_what_says_much_is_believed_and_what_says_little_less():
    """Rows that are .7 sure and right 7 times in 10 gain .82 nats of 10, which may be luck, and 82 of 1,000."""
    for rows, low, high in ((10, HIGHEST, HIGHEST), (100, 1.2, 1.5), (1000, 1.0, 1.05)):
        said, codes = np.tile([0.7, 0.3], (rows, 1)), (np.arange(rows) % 10 >= 7).astype(int)
        assert low <= fit_temperature(said, codes, prior=(0.5, 0.5)) <= high, rows


def test_answers_that_nothing_was_chosen_by_are_doubted_less() -> None:
    """Of a gain of 1.64 nats one may be luck, so .39 of what they say is left: log odds of .39 · .85 / T."""
    said, codes = np.tile([0.7, 0.3], (20, 1)), (np.arange(20) >= 14).astype(int)
    assert fit_temperature(said, codes, prior=(0.5, 0.5)) == HIGHEST
    assert fit_temperature(said, codes, prior=(0.5, 0.5), luck=MEAN_LUCK) == pytest.approx(2.55, abs=0.05)
    found = cross_fit_temperature(said, codes, np.arange(20) % 5, prior=(0.5, 0.5), luck=MEAN_LUCK)
    assert found.temperature < 3
    assert fit_temperature(said[:10], codes[9:19], prior=(0.5, 0.5), luck=MEAN_LUCK) == HIGHEST  # five of ten


def test_what_gains_little_more_than_luck_is_not_left_as_it_is():
    """Eight of ten right at .7 gain 1.67 nats on even classes, of 60 rows 10; out of fold nothing is better."""
    for rows, low, high in ((10, HIGHEST, HIGHEST), (60, 0.5, 1.3)):
        said, codes = np.tile([0.7, 0.3], (rows, 1)), (np.arange(rows) % 10 >= 8).astype(int)
        found = cross_fit_temperature(said, codes, np.arange(rows) % 5, prior=(0.5, 0.5))
        assert low <= found.temperature <= high, rows


def test_it_is_held_where_it_starts():
    said, codes = np.array([[0.9, 0.1]]), np.array([0])
    assert 2.3 < fit_temperature(said, codes, start=3.0) < 3.0
    assert fit_temperature(said[:0], codes[:0], start=3.0) == 3.0
    found = cross_fit_temperature(said, codes, np.zeros(1, int), start=3.0)
    assert found.temperature == 3.0
    assert found.answers == pytest.approx(apply_temperature(said, 3.0))


def test_sets_are_numbered():
    present = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 1, 1]], bool)
    assert number_sets(present).tolist() == [0, 1, 2, 3, 4, 7]
    assert number_sets(np.ones((2, 6), bool)).tolist() == [6, 6]  # of many, how many are there
    assert [count_sets(num) for num in (1, 2, 3, 4, 5, 12)] == [1, 3, 7, 15, 5, 12]


def test_few_rows_hardly_move_it():
    for said, low, high in (([[0.9, 0.1]], 0.9, 1.1), ([[0.1, 0.9]], 1.0, 1.3), ([[0.6, 0.4]] * 10, 0.6, 1.0)):
        assert low < fit_temperature(np.array(said), np.zeros(len(said), int)) < high
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, int)) == 1.0
    assert fit_temperature(np.array([[0.0, 1.0]] * 50), np.zeros(50, int)) <= 500


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


# -- several labels a row ---------------------------------------------------------------------------------------------


def honest_labels(num: int) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (rows, 2), each on its own, and labels drawn by them."""
    generator = np.random.default_rng(0)
    probabilities = generator.uniform(0.02, 0.98, (num, 2))
    return probabilities, (generator.random((num, 2)) < probabilities).astype(np.int64)


@pytest.mark.parametrize("power", [0.5, 3.0])
def test_the_temperature_of_labels_undoes_what_was_done(power):
    probabilities, sets = honest_labels(3000)
    odds = (probabilities / (1 - probabilities)) ** power
    sure = odds / (1 + odds)
    assert fit_temperature(sure, sets) == pytest.approx(power, rel=0.1)
    found = cross_fit_temperature(sure, sets, np.arange(3000) % 5)
    assert found.temperature == pytest.approx(power, rel=0.1)
    assert np.abs(found.answers - probabilities).mean() < 0.02


def test_the_temperature_of_labels_by_hand():
    found = apply_temperature([[0.8, 0.5], [0.9, 0.1]], 2.0, several=True)
    assert found == pytest.approx(np.array([[2 / 3, 0.5], [0.75, 0.25]]))  # odds of 4 become 2, of 9 become 3
    towards = apply_temperature([[0.8, 0.8]], HIGHEST, prior=[0.3, 0.8], several=True)
    assert towards == pytest.approx(np.array([[0.3, 0.8]]), abs=0.01)


def test_the_loss_of_labels_is_the_mean_of_all():
    said = np.array([[0.5, 0.25], [1.0, 0.0]])
    assert log_losses(said, np.array([[1, 0], [1, 0]])) == pytest.approx([-np.log(0.5 * 0.75) / 2, 0])


def test_rows_are_dealt_by_their_rarest_label():
    sets = np.array([[1, 1], [1, 0], [1, 0], [0, 0], [0, 1], [1, 0]])
    assert rarest_label(sets).tolist() == [1, 0, 0, 2, 1, 0]
    folds = assign_folds(sets, generator=np.random.default_rng(0), folds=2)
    assert folds[0] != folds[4]
    assert sorted(np.bincount(folds).tolist()) == [3, 3]


def test_thresholds_lie_between_what_has_a_label_and_what_has_not():
    said = np.concatenate([np.tile([[0.9, 0.3]], (30, 1)), np.tile([[0.6, 0.1]], (30, 1))])
    sets = np.repeat([[1, 1], [0, 0]], 30, axis=0)
    assert find_thresholds(said, sets) == (0.775, 0.225)


def test_a_label_that_no_row_has_is_hardly_answered():
    said, sets = honest_labels(400)
    said[:, 1], sets[:, 1] = said[:, 0], 0
    one, other = find_thresholds(said, sets)
    assert one < 0.6 < other
    assert find_thresholds(np.zeros((0, 2)), np.zeros((0, 2), int)) == (0.5, 0.5)


@pytest.mark.parametrize(("names", "num"), [("a", 1), ("abcd", 15), ("abcde", 17)])
def test_which_sets_are_asked(names: str, num: int) -> None:
    """All sets of up to four; of more four of each size, and all together: 4 · 4 + 1 of five."""
    keeps = list_sets(list(names), names, 0)
    assert len(keeps) == len({*keeps}) == num
    assert keeps[-1] == tuple(names)
    if len(names) > 4:
        sizes = [len(keep) for keep in keeps]
        assert sizes == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5]
        assert len({*itertools.chain(*keeps[:4])}) == 4


@pytest.mark.parametrize("num", [2, 4, 5, 6])
def test_who_sees_some_modalities_is_asked_with_all_that_a_set_of_more_leaves_of_them(num: int) -> None:
    whole = list_sets("fedcba", "abcdef", 3)
    for own in itertools.combinations("abcdef", num):
        asked = {frozenset(keep) for keep in list_sets(own, "abcdef", 3)}
        assert {frozenset(keep) & {*own} for keep in whole} - {frozenset()} <= asked
