"""Rows are dealt so that nobody answers for what it learned from, and an average is selected by such answers."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plait.models.blend import Mixture
from plait.models.predictors import Blend
from plait.study.candidate import Candidate
from plait.study.ensemble import Answered, Chooser, Deal, deal_rows, is_behind
from plait.study.labels import Labels

# which rows are held out


def labels_of(codes: Any, numbers: bool = False) -> Labels:
    cells = np.asarray(codes, float if numbers else int)
    classes = None if numbers else sorted({*cells.tolist()})
    labels = Labels("y", cells.astype(object), cells.astype(np.int64) if not numbers else np.zeros(len(cells)), classes)
    labels.learn_from(np.arange(len(cells)), False)
    return labels


def deal(num: int, groups: Any = None, codes: Any = None) -> Deal:
    """Deal rows of which the first four fifths are of training."""
    labels = labels_of(np.arange(num) % 2 if codes is None else codes)
    rows, cut = np.arange(num), 4 * num // 5
    groups = None if groups is None else np.asarray(groups)
    return deal_rows(rows[:cut], rows[cut:], labels, groups, np.random.default_rng(0))


def test_each_row_is_held_out_once_by_class_and_none_answers_for_itself() -> None:
    dealt = deal(40)
    assert [len(held) for _, held in dealt.turns] == [8, 8, 8, 8, 8]
    assert dealt.rows.tolist() == dealt.learned_rows.tolist() == list(range(40))
    for learned, held in dealt.turns:
        assert not {*learned.tolist()} & {*held.tolist()}
        assert (held % 2).sum() == 4
    assert np.bincount(dealt.fold).tolist() == [8] * 5


@pytest.mark.parametrize(("num", "turns"), [(6_000, 5), (6_001, 3), (50_000, 3), (50_001, 1)])
def test_the_more_rows_the_fewer_folds(num: int, turns: int) -> None:
    assert len(deal(num).turns) == turns


def test_of_very_many_rows_validation_alone_is_held_out() -> None:
    dealt = deal(50_010)
    assert dealt.rows.tolist() == list(range(40_008, 50_010))
    assert len(dealt.learned_rows) == 50_010


def test_rows_asked_with_modalities_hidden_are_those_of_validation_first() -> None:
    assert deal(40).asked.tolist() == list(range(40))
    asked = deal(3_000).asked
    assert len({*asked.tolist()}) == 2_000
    assert asked[-600:].tolist() == list(range(2_400, 3_000))
    assert np.diff(asked).min() > 0
    assert len(deal(50_001).asked) == 0  # there validation is large


def test_groups_stay_whole_and_few_groups_make_few_folds() -> None:
    groups = np.repeat([0, 1, 2], 10)
    dealt = deal(30, groups)
    assert dealt.said == "training and validation rows are of 3 groups: so many folds"
    assert sorted({*groups[held].tolist()} for _, held in dealt.turns) == [{0}, {1}, {2}]
    alone = deal(30, np.zeros(30, int))
    assert alone.said == "training and validation rows are of one group: validation alone is held out"
    assert alone.rows.tolist() == list(range(24, 30))


def test_a_row_whose_class_its_turn_cannot_know_is_not_measured() -> None:
    codes = np.array([0, 1] * 9 + [2, 0])
    dealt = deal(20, codes=codes)
    assert np.flatnonzero(~dealt.measured(codes)).tolist() == [18]
    assert dealt.measured(None).all()


def test_what_is_far_behind_on_one_fold_is_given_up() -> None:
    rival = np.linspace(0.1, 0.3, 40)
    assert is_behind(rival + 0.2, rival)
    assert not is_behind(rival + 0.01, rival)  # surely behind, but not far
    assert not is_behind(np.where(np.arange(40) == 0, 9.0, 0.2), rival)  # far behind by one row
    assert not is_behind(rival[:1] + 9, rival[:1])


# what is selected

NUM = 200
CODES = np.arange(NUM) % 2


def answers_of(right: float, seed: int) -> np.ndarray:
    """Return answers (rows, class) that lean to the true class by so much, with noise."""
    lean = right + np.random.default_rng(seed).standard_normal(NUM)
    first = 1 / (1 + np.exp(-np.where(CODES == 0, lean, -lean)))
    return np.stack([first, 1 - first], 1)


def candidate(name: str, answers: np.ndarray, *, folded: bool, names: tuple[str, ...] = ("a",), params: int = 1) -> Any:
    """Return a candidate whose last hundred rows are those of validation."""
    predictor: Any = SimpleNamespace(names=names, params=params)
    found = Candidate(name, "classic", None, "", predictor, answers[100:], np.zeros(100), 1.0, params)
    found.pooled = answers if folded else None
    return found


def chooser(present: np.ndarray | None = None) -> Chooser:
    there = np.ones(NUM, bool) if present is None else present
    rows, fold, measured = np.arange(NUM), np.arange(NUM) // 2 % 5, np.ones(NUM, bool)
    held = Answered(rows, fold, measured)
    val = Answered(rows[100:], fold[100:], measured[100:])
    return Chooser(labels_of(CODES), lambda c: there if c.names else np.ones(NUM, bool), held, val)


def loss(answers: np.ndarray, rows: slice = slice(None)) -> float:
    return float(-np.log(answers[np.arange(len(answers)), CODES[rows]]).mean())


def test_two_that_err_apart_are_averaged_and_one_that_knows_nothing_is_left_out() -> None:
    one, other = (candidate(name, answers_of(1.5, seed), folded=True) for seed, name in enumerate(("one", "other")))
    blind = candidate("blind", answers_of(0.0, 5), folded=True)
    found = chooser().ensemble("ensemble (a)", [one, other, blind])
    assert found is not None
    assert sorted(found.members) == ["one", "other"]
    assert (found.name, found.family, found.recipe, found.seconds) == ("ensemble (a)", "ensemble", "of 2", 0.0)
    assert isinstance(found.predictor, Blend)
    assert isinstance(found.predictor.combiner, Mixture)
    assert sum(found.predictor.combiner.weights) == pytest.approx(1.0)
    assert found.pooled is not None
    assert loss(found.pooled) < min(loss(c.pooled) for c in (one, other))
    assert np.array_equal(found.answers, found.pooled[100:])


def test_where_no_row_can_be_measured_all_choose() -> None:
    """As of sixty grades of one row each: no turn learns the class of a row that it holds out."""
    every = chooser()
    held = replace(every.held, measured=np.zeros(NUM, bool))
    one, other = (candidate(name, answers_of(lean, 0), folded=True) for name, lean in (("one", 0.5), ("other", 1.5)))
    found = replace(every, held=held).ensemble("ensemble (a)", [one, other])
    assert found is not None and found.name == "other"


def test_of_two_that_say_the_same_the_simpler_stays_alone() -> None:
    answers = answers_of(1.5, 0)
    simple = candidate("simple", answers, folded=True, params=5)
    large = candidate("large", answers, folded=True, params=50)
    assert chooser().ensemble("ensemble (a)", [large, simple]) is simple


def test_the_majority_class_may_join_and_is_never_alone() -> None:
    prior = candidate("majority class", np.full((NUM, 2), 0.5), folded=True, names=(), params=0)
    wrong = candidate("wrong", answers_of(-1.0, 3), folded=True)
    assert chooser().ensemble("ensemble (a)", [prior, wrong]) is wrong
    sure = candidate("sure", answers_of(1.0, 3) ** 3 / (answers_of(1.0, 3) ** 3).sum(1, keepdims=True), folded=True)
    found = chooser().ensemble("ensemble (a)", [prior, sure])
    assert found is not None
    assert sorted(found.members) == ["majority class", "sure"]


def test_a_network_joins_by_validation_rows_where_it_is_better_by_more_than_chance() -> None:
    classic = candidate("classic", answers_of(1.0, 0), folded=True)
    strong = candidate("strong", answers_of(3.0, 1), folded=False, params=10)
    found = chooser().ensemble("ensemble (a)", [classic, strong])
    assert found is not None
    assert "strong" in (found.name, *found.members)
    assert found.pooled is None
    weak = candidate("weak", answers_of(0.2, 2), folded=False, params=10)
    assert chooser().ensemble("ensemble (a)", [classic, weak]) is classic


def told(true: Any) -> np.ndarray:
    """Return answers (rows, 2) that give the true class these probabilities (rows,)."""
    return np.where(np.eye(2)[CODES] == 1, true[:, None], 1 - true[:, None])


BY_TURNS = told(np.where(np.arange(NUM) // 2 % 2 == 0, 0.95, 0.56))  # better than 0.7 alone, and by chance maybe


def test_a_network_has_more_than_half_only_where_validation_is_sure_of_it() -> None:
    classic = candidate("classic", told(np.full(NUM, 0.7)), folded=True)
    found = chooser().ensemble("ensemble (a)", [classic, candidate("unsure", BY_TURNS, folded=False, params=10)])
    assert found is not None
    assert dict(zip(found.members, found.predictor.combiner.weights, strict=True)) == {"classic": 0.5, "unsure": 0.5}
    assert found.answers[0].tolist() == pytest.approx([0.825, 0.175])
    surely = candidate("surely", told(np.full(NUM, 0.99)), folded=False, params=10)
    assert chooser().ensemble("ensemble (a)", [classic, surely]) is surely


def test_the_prior_is_no_partner_of_a_network() -> None:
    """Nor is what learned in folds, where it says no more."""
    prior = candidate("majority class", told(np.full(NUM, 0.5)), folded=True, names=(), params=0)
    too_sure = told(np.where(np.arange(NUM) % 10 == 3, 0.05, 0.9))  # with the prior it would lose less
    network = candidate("network", too_sure, folded=False, params=10)
    assert chooser().ensemble("ensemble (a)", [prior, network]) is network
    blind, unsure = candidate("blind", told(np.full(NUM, 0.501)), folded=True), candidate("u", BY_TURNS, folded=False)
    assert chooser().ensemble("ensemble (a)", [prior, blind, unsure]) is unsure
    wrong = candidate("wrong", told(np.full(NUM, 0.3)), folded=False, params=10)
    assert chooser().ensemble("ensemble (a)", [prior, blind, wrong]) is blind


def test_the_mean_draws_a_network_of_numbers_nearer() -> None:
    """Numbers of +1 and -1; of a network that says twice as much half is left."""
    target = (1 - 2 * CODES).astype(float)
    mean = candidate("mean", np.zeros((NUM, 1)), folded=True, names=(), params=0)
    twice = candidate("twice", 2 * target[:, None], folded=False, params=10)
    numbers = replace(chooser(), labels=labels_of(target, numbers=True))
    found = numbers.ensemble("ensemble (a)", [mean, twice])
    assert found is not None
    assert dict(zip(found.members, found.predictor.combiner.weights, strict=True)) == {"mean": 0.5, "twice": 0.5}
    assert found.answers[:2].tolist() == [[1.0], [-1.0]]


def test_networks_alone_are_selected_by_validation() -> None:
    one, other = (candidate(str(seed), answers_of(1.5, seed), folded=False) for seed in (0, 1))
    found = chooser().ensemble("ensemble (a)", [one, other])
    assert found is not None
    assert sorted(found.members) == ["0", "1"]
    assert loss(found.answers, slice(100, None)) < min(loss(c.answers, slice(100, None)) for c in (one, other))
    assert chooser().ensemble("ensemble (a)", []) is None


def test_where_a_member_is_absent_the_others_are_averaged() -> None:
    """What an absent member says, NaN too, counts for nothing."""
    there = CODES == CODES
    there[::4] = False
    answers = np.where(there[:, None], answers_of(1.5, 0), np.nan)
    found = chooser(there).ensemble("ensemble (a)", [candidate("holed", answers, folded=True)])
    assert found is not None
    assert found.name == "holed"
