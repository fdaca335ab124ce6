"""Combiners against arithmetic by hand; what they learn against data whose answer is known; the rules of presence."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.errors import RequestError
from plait.models.blend import (
    Average,
    Confident,
    Mixture,
    Stacked,
    Weighted,
    cross_fit,
    fit_average,
    fit_confident,
    fit_mixture,
    fit_stacked,
    fit_weighted,
    load_combiner,
    select_ensemble,
)
from plait.models.calibration import assign_folds, log_losses

PRIOR = np.array([0.5, 0.3, 0.2])
SAID = [np.array([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6]]), np.array([[0.4, 0.4, 0.2], [0.1, 0.8, 0.1]])]
FITS = [fit_average, fit_confident, fit_weighted, fit_stacked, fit_mixture]


def members(num: int, sureness=(2.0, 1.0), seed: int = 0, classes: int = 3):
    """Return codes (rows,) and independent members that know the class, each as well as its sureness says."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, classes, num)
    said = []
    for sure in sureness:
        logits = sure * np.eye(classes)[codes] * sure + sure * generator.normal(size=(num, classes))
        said.append(np.exp(logits) / np.exp(logits).sum(1, keepdims=True))
    return codes, said


def numbers(num: int, noise=(0.5, 2.0), seed: int = 0):
    generator = np.random.default_rng(seed)
    values = generator.normal(10, 3, num)
    return values, [(values + n * generator.normal(size=num))[:, None] for n in noise]


def test_average_by_hand():
    found = Average().combine(SAID, np.array([[True, True], [False, True]]), PRIOR)
    assert found == pytest.approx(np.array([[0.6, 0.25, 0.15], [0.1, 0.8, 0.1]]))


def test_the_most_confident_member_that_is_there_answers_the_row():
    present = np.array([[True, True], [True, True], [False, True], [True, False], [False, False]])
    said = [np.array([[0.8, 0.1, 0.1], [0.2, 0.2, 0.6], [1.0, 0, 0], [0.4, 0.3, 0.3], [1.0, 0, 0]])]
    said += [np.array([[0.1, 0.7, 0.2], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.0, 0.0, 1.0], [1.0, 0, 0]])]
    found = Confident().combine(said, present, PRIOR)
    assert found.tolist() == [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.4, 0.3, 0.3], PRIOR.tolist()]
    # it learns nothing, so rows of one group are answered by it as well, and not by the average
    one = cross_fit(fit_confident, said, present, PRIOR, np.zeros(5, int), np.zeros(5, int))
    assert np.array_equal(one, found)


def test_product_rule_by_hand():
    found = Weighted((1.0, 1.0)).combine(SAID, np.array([[True, True], [False, True]]), PRIOR)
    product = np.array([0.8 * 0.4 / 0.5, 0.1 * 0.4 / 0.3, 0.1 * 0.2 / 0.2])
    assert found == pytest.approx(np.array([product / product.sum(), [0.1, 0.8, 0.1]]))


def test_stacking_around_the_product_rule_is_the_product_rule():
    coefficients = np.concatenate([np.eye(3), np.eye(3), np.zeros((3, 3))])
    present = np.array([[True, True], [True, False]])
    found = Stacked(coefficients).combine(SAID, present, PRIOR)
    assert found == pytest.approx(Weighted((1.0, 1.0)).combine(SAID, present, PRIOR))


def test_numbers_by_hand():
    said, present = [np.array([[1.0], [1.0]]), np.array([[4.0], [4.0]])], np.array([[True, True], [False, True]])
    prior = np.array([2.0])
    assert Average().combine(said, present, prior) == pytest.approx(np.array([[2.5], [4.0]]))
    assert Weighted((2.0, 1.0), True).combine(said, present, prior) == pytest.approx(np.array([[2.0], [4.0]]))
    plain = Stacked(np.array([[1.0], [1.0], [0.0], [0.0], [0.0]]), True)
    assert plain.combine(said, present, prior) == pytest.approx(np.array([[2.5], [4.0]]))


def fitted(numeric: bool = False):
    """Return one fitted combiner of each kind, with what it was fitted on."""
    target, said = numbers(60) if numeric else members(60)
    prior = np.array([10.0]) if numeric else PRIOR
    present = np.random.default_rng(1).random((60, 2)) < 0.8
    fold = assign_folds(target, generator=np.random.default_rng(2))
    return said, present, prior, [fit(said, present, prior, target, fold) for fit in FITS]


@pytest.mark.parametrize("numeric", [False, True])
def test_row_without_any_member_gets_the_prior_exactly(numeric):
    said, _, prior, combiners = fitted(numeric)
    for combiner in combiners:
        found = combiner.combine([x[:1] for x in said], np.zeros((1, 2), bool), prior)
        assert found[0].tolist() == prior.tolist()


@pytest.mark.parametrize("numeric", [False, True])
def test_nan_at_absent_places_changes_nothing(numeric):
    said, present, prior, combiners = fitted(numeric)
    holed = [np.where(present[:, m, None], x, np.nan) for m, x in enumerate(said)]
    for combiner in combiners:
        assert np.array_equal(combiner.combine(holed, present, prior), combiner.combine(said, present, prior))
    target = numbers(60)[0] if numeric else members(60)[0]
    fold = assign_folds(target, generator=np.random.default_rng(2))
    for fit, combiner in zip(FITS, combiners, strict=True):
        again = fit(holed, present, prior, target, fold)
        assert np.array_equal(again.combine(said, present, prior), combiner.combine(said, present, prior))


@pytest.mark.parametrize("numeric", [False, True])
@pytest.mark.parametrize("fit", FITS)
def test_member_that_is_absent_everywhere_changes_nothing(fit, numeric):
    target, said = numbers(80) if numeric else members(80)
    prior = np.array([10.0]) if numeric else PRIOR
    present = np.random.default_rng(1).random((80, 2)) < 0.9
    fold = assign_folds(target, generator=np.random.default_rng(2))
    wide, there = [*said, np.full_like(said[0], np.nan)], np.column_stack([present, np.zeros(80, bool)])
    without = fit(said, present, prior, target, fold).combine(said, present, prior)
    assert fit(wide, there, prior, target, fold).combine(wide, there, prior) == pytest.approx(without, abs=2e-3)


@pytest.mark.parametrize("numeric", [False, True])
def test_saved_and_loaded_it_answers_the_same(numeric):
    said, present, prior, combiners = fitted(numeric)
    for combiner in combiners:
        data, arrays = combiner.state()
        loaded = load_combiner(json.loads(json.dumps(data)), arrays)
        assert type(loaded) is type(combiner)
        assert np.array_equal(loaded.combine(said, present, prior), combiner.combine(said, present, prior))
    with pytest.raises(
        RequestError, match="there is no combiner 'median'; expected one of average, weighted, stacked, mixture, conf"
    ):
        load_combiner({"kind": "median"}, {})


def test_noise_gets_a_weight_near_0_and_a_member_that_says_too_little_one_above_1():
    codes, (good, _) = members(500)
    uniform = np.full(3, 1 / 3)
    noise = np.random.default_rng(3).dirichlet(np.ones(3), 500)
    shy = np.sqrt(good) / np.sqrt(good).sum(1, keepdims=True)
    both = np.ones((500, 2), bool)
    fold = np.zeros(500, int)
    found = fit_weighted([good, noise], both, uniform, codes, fold)
    assert found.weights[0] == pytest.approx(1.0, abs=0.25)
    assert found.weights[1] < 0.25
    assert fit_weighted([shy], both[:, :1], uniform, codes, fold).weights[0] == pytest.approx(2.0, abs=0.4)


def test_weights_of_numbers_follow_how_good_each_is():
    values, said = numbers(400)
    found = fit_weighted(said, np.ones((400, 2), bool), np.array([10.0]), values, np.zeros(400, int))
    share = found.weights[0] / sum(found.weights)
    assert share == pytest.approx(4 / 4.25, abs=0.05)  # inverse variances: 1/0.25 against 1/4


def test_stacking_mends_a_member_that_mixes_up_classes():
    codes, (good, weak) = members(400)
    mixed = good[:, [1, 0, 2]]
    present = np.ones((400, 2), bool)
    fold = assign_folds(codes, generator=np.random.default_rng(0))
    plain = cross_fit(fit_average, [mixed, weak], present, PRIOR, codes, fold)
    mended = cross_fit(fit_stacked, [mixed, weak], present, PRIOR, codes, fold)
    accuracy = [(x.argmax(1) == codes).mean() for x in (plain, mended)]
    assert accuracy[0] < 0.6
    assert accuracy[1] > 0.9


def test_stacking_mends_a_number_in_another_unit():
    values, (good, bad) = numbers(200)
    present, prior = np.ones((200, 2), bool), np.array([10.0])
    fold = assign_folds(values, generator=np.random.default_rng(0))
    found = cross_fit(fit_stacked, [10 + (good - 10) / 5, bad], present, prior, values, fold)
    assert np.mean((found[:, 0] - values) ** 2) < 0.4  # the good member's own error is 0.25


def test_few_rows_leave_the_plain_combination():
    codes, said = members(3)
    present, fold = np.ones((3, 2), bool), np.arange(3)
    weights = fit_weighted(said, present, PRIOR, codes, fold).weights
    assert weights == pytest.approx((1.0, 1.0), abs=0.7)
    stacked = fit_stacked(said, present, PRIOR, codes, fold).combine(said, present, PRIOR)
    assert stacked == pytest.approx(Weighted((1.0, 1.0)).combine(said, present, PRIOR), abs=0.2)


def test_class_without_validation_rows_keeps_some_probability():
    codes, said = members(60)
    present = np.ones((60, 2), bool)
    seen = np.where(codes == 2, 0, codes)
    found = fit_stacked(said, present, PRIOR, seen, np.arange(60) % 5).combine(said, present, PRIOR)
    assert found.shape == (60, 3)
    assert (found > 0).all()


def test_probability_of_0_is_no_end_of_everything():
    said = [np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 1.0, 0.0]])]
    found = Weighted((1.0, 1.0)).combine(said, np.ones((1, 2), bool), PRIOR)
    assert np.isfinite(found).all()
    assert log_losses(found, np.array([2]))[0] < 28


def test_class_that_training_never_had_is_not_blown_up():
    said = [np.array([[0.6, 0.399, 0.001]])] * 3
    for weights in ((1.0, 1.0, 1.0), (2.0, 2.0, 2.0)):
        found = Weighted(weights).combine(said, np.ones((1, 3), bool), np.array([0.5, 0.5, 0.0]))
        assert found[0, 2] < 1e-9
        assert found[0, 0] > found[0, 1]


def test_cross_fit_answers_with_what_did_not_see_the_row():
    seen = []

    def fit(said, present, prior, target, fold):
        seen.append(sorted(target.tolist()))
        return Average()

    codes, said = members(10)
    rows = np.arange(10)
    found = cross_fit(fit, said, np.ones((10, 2), bool), PRIOR, rows, rows % 2)
    assert seen == [[1, 3, 5, 7, 9], [0, 2, 4, 6, 8]]
    assert found == pytest.approx((said[0] + said[1]) / 2)
    alone = cross_fit(fit, said, np.ones((10, 2), bool), PRIOR, codes, np.zeros(10, int))
    assert alone == pytest.approx((said[0] + said[1]) / 2)
    assert len(seen) == 2


@settings(max_examples=20, deadline=None, derandomize=True, database=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12), st.integers(0, 99))
def test_answers_are_probabilities_for_any_presence(flags, seed):
    _, said = members(len(flags), seed=seed)
    for combiner in COMBINERS:
        found = combiner.combine(said, np.array(flags), PRIOR)
        assert found.sum(1) == pytest.approx(np.ones(len(flags)))
        assert (found >= 0).all()
        single = combiner.combine([x[:1] for x in said], np.array(flags[:1]), PRIOR)
        assert single[0] == pytest.approx(found[0])


COMBINERS = fitted()[3]


def test_wrong_shapes_are_named():
    with pytest.raises(RequestError, match=r"answers of 2 members and presence of shape \(2, 3\); expected \(2, 2\)"):
        Average().combine(SAID, np.ones((2, 3), bool), PRIOR)
    with pytest.raises(RequestError, match=r"answers of 2 members and presence of shape \(2, 2\); expected \(2, 1\)"):
        Weighted((1.0,)).combine(SAID, np.ones((2, 2), bool), PRIOR)
    with pytest.raises(RequestError, match=r"answers of member 0 have shape \(2, 3\); expected \(2, 2\)"):
        Average().combine(SAID, np.ones((2, 2), bool), PRIOR[:2])


# -- ensembles --------------------------------------------------------------------------------------------------------


def test_ensemble_takes_the_best_alone_where_mixing_is_worse():
    codes = np.array([0, 1])
    best, worst = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.4, 0.6], [0.6, 0.4]])
    assert select_ensemble([worst, best, best], codes).tolist() == [0.0, 1.0, 0.0]


def test_ensemble_mixes_what_errs_in_different_rows():
    codes = np.array([0, 0])
    one, other = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.1, 0.9], [0.9, 0.1]])
    weights = select_ensemble([one, other], codes)
    assert weights.tolist() == [0.5, 0.5]
    mixed = Mixture(tuple(weights)).combine([one, other], np.ones((2, 2), bool), np.array([0.5, 0.5]))
    assert mixed == pytest.approx(np.full((2, 2), 0.5))


def test_ensemble_of_numbers():
    values = np.array([1.0, 2.0])
    weights = select_ensemble([values[:, None] - 1, values[:, None] + 1, values[:, None] + 9], values)
    assert weights.tolist() == [0.5, 0.5, 0.0]


def test_ensemble_out_of_fold():
    codes, said = members(200)
    fold = assign_folds(codes, generator=np.random.default_rng(0))
    present, prior = np.ones((200, 2), bool), np.bincount(codes) / 200
    found = cross_fit(fit_mixture, said, present, prior, codes, fold)
    assert log_losses(found, codes).mean() <= log_losses(said[0], codes).mean() + 0.02
    plain = cross_fit(fit_mixture, said, present, prior, codes, np.zeros(200, int))
    assert plain == pytest.approx((said[0] + said[1]) / 2)


def test_ensemble_of_nothing_is_refused():
    with pytest.raises(RequestError, match="got 0 candidates and size 20; expected at least 1 of each"):
        select_ensemble([], np.array([0]))


def test_mixture_by_hand():
    present = np.array([[True, True], [False, True]])
    found = Mixture((0.25, 0.75)).combine(SAID, present, PRIOR)
    assert found == pytest.approx(np.array([[0.5, 0.325, 0.175], [0.1, 0.8, 0.1]]))
    numbers = Mixture((0.25, 0.75)).combine([np.array([[1.0]]), np.array([[5.0]])], present[:1], np.array([2.0]))
    assert numbers.tolist() == [[4.0]]


def test_mixture_without_a_member_of_weight_gets_the_prior():
    found = Mixture((1.0, 0.0)).combine(SAID, np.array([[False, True], [True, False]]), PRIOR)
    assert found[0].tolist() == PRIOR.tolist()
    assert found[1].tolist() == [0.2, 0.2, 0.6]


def test_mixture_counts_an_absent_member_as_the_prior_when_it_is_chosen():
    """Alone, the first is right where it is there; where it is not, only the second knows."""
    codes, prior = np.array([0, 1, 0, 1]), np.array([0.5, 0.5])
    first = np.array([[0.99, 0.01], [0.01, 0.99], [np.nan, np.nan], [np.nan, np.nan]])
    second = np.array([[0.6, 0.4], [0.4, 0.6], [0.95, 0.05], [0.05, 0.95]])
    present = np.array([[True, True], [True, True], [False, True], [False, True]])
    found = fit_mixture([first, second], present, prior, codes, np.zeros(4, int))
    assert sum(found.weights) == pytest.approx(1.0)
    assert min(found.weights) > 0
    assert found.combine([first, second], present, prior)[2:] == pytest.approx(second[2:])


def test_mixture_of_wrong_shape_is_named():
    with pytest.raises(RequestError, match=r"answers of 2 members and presence of shape \(2, 2\); expected \(2, 1\)"):
        Mixture((1.0,)).combine(SAID, np.ones((2, 2), bool), PRIOR)


def test_an_ensemble_of_labels_is_selected_by_each_label_of_each_row() -> None:
    sets = np.array([[1, 0], [0, 1], [1, 1]])
    good = np.where(sets == 1, 0.9, 0.1)
    assert select_ensemble([1 - good, good, np.full((3, 2), 0.5)], sets).tolist() == [0.0, 1.0, 0.0]
    present = np.array([[True, False], [True, True], [False, True]])
    said = [np.where(here[:, None], good, 0.5) for here in present.T]
    weights = select_ensemble(said, sets, present, counts=np.ones(3))
    assert weights.sum() == pytest.approx(1)
    assert (weights > 0).all()  # each knows a row that the other does not
