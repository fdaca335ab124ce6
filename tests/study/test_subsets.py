"""A temperature for each set of modalities: of those that say nothing the prior is left, however sure they are."""

import numpy as np
import pytest

from plait.core.contract import answer_subsets, keep_only
from plait.models.calibration import HIGHEST, log_losses
from plait.models.predictors import Calibrated
from plait.study.candidate import Candidate
from plait.study.search import Search
from plait.study.subsets import Asked, fit_given
from searches import draw_blocks, make_search, split_of, take_quick_learners


def find(search: Search, start: str) -> Candidate:
    """Return the first candidate of several modalities of this name."""
    return next(c for c in search.study.candidates if c.name.startswith(start) and len(c.names) > 1)


def xor_search(num: int = 400) -> Search:
    """Return a search over two blocks of which only both together tell the class; it has not run."""
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 2, (2, num))
    columns = {"y": [f"class {code}" for code in a ^ b]}
    for name, bits in (("a", a), ("b", b)):
        columns[f"{name}0"] = (3.0 * bits + generator.standard_normal(num)).round(3).tolist()
    return make_search(columns, split_of(200, 100, num - 300))


def test_a_forest_given_half_of_an_xor_says_the_prior() -> None:
    search = xor_search()
    search.classic.try_learner("random forest", 0, ["a", "b"])
    search.blends.calibrate()
    (forest,) = search.study.candidates
    search.blends.calibrate_sets([forest])
    assert forest.given[:2] == (HIGHEST, HIGHEST)
    assert forest.given[2] == forest.heat < 2
    batch, truth = search.study.prepared.batch(search.study.test), search.labels.codes[search.study.test]
    (raw,), (said,) = (answer_subsets(p, batch, [["a"]]) for p in (forest.predictor, forest.tempered))
    assert log_losses(raw, truth).mean() > 0.75
    assert log_losses(said, truth).mean() == pytest.approx(np.log(2), abs=0.01)
    assert log_losses(forest.tempered(batch), truth).mean() < 0.45


@pytest.mark.parametrize(("seed", "right"), [(0, 0.68), (3, 0.82), (6, 0.69), (16, 0.81)])
def test_what_is_right_in_four_of_five_rows_is_heard_where_the_other_is_hidden(seed: int, right: float) -> None:
    """34 rows of validation have it. What 2 nats of luck left of it was right in .47, .77, .48 and .51."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 2, 325)
    said = np.where(generator.random(325) < 0.8, codes, 1 - codes)
    blocks = {"a0": 3 * said + 0.3 * generator.standard_normal(325), "b0": 0.7 * codes + generator.standard_normal(325)}
    columns: dict[str, list[object]] = {"y": [f"class {code}" for code in codes]}
    for (name, values), gone in zip(blocks.items(), generator.random((2, 325)) < 0.3, strict=True):
        columns[name] = np.where(gone, None, values.round(3)).tolist()
    search = make_search(columns, split_of(175, 50, 100))
    search.classic.try_learner("random forest", 0, ["a", "b"])
    search.blends.calibrate()
    (forest,) = search.study.candidates
    search.blends.calibrate_sets([forest])
    batch, truth = search.study.prepared.batch(search.study.test), search.labels.codes[search.study.test]
    (answers,) = answer_subsets(forest.tempered, batch, [["a"]])
    there = batch.present["a"].numpy()
    assert (answers.argmax(1) == truth)[there].mean() == pytest.approx(right, abs=0.01)


def test_who_may_see_the_test_rows_has_them_and_a_second_call_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    search = make_search(draw_blocks(150), split_of(90, 40, 20))
    winner = search.run()
    for candidate in search.study.candidates:
        looked = candidate in search.looked_at(winner) and len(candidate.names) > 1
        assert len(candidate.given) == (3 if looked else 0), candidate.name
    assert search.fused is not None
    before = search.fused.given
    search.blends.calibrate_sets(search.looked_at(winner))
    assert search.fused.given is before
    assert before[2] == search.fused.heat  # no row lacks anything: it was fitted on these rows


def test_what_learned_in_folds_is_calibrated_by_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of an exclusive or says nothing, and both say all: no fold has learned from a row that it answers."""
    take_quick_learners(monkeypatch)
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 2, (2, 150))
    columns = {"a0": (3.0 * a).tolist(), "b0": (3.0 * b).tolist(), "y": [f"class {code}" for code in a ^ b]}
    search = make_search(columns, split_of(100, 30, 20), ("classic", "late", "ensemble"), choose="ensemble")
    search.run()
    both, vote = find(search, "nearest"), find(search, "average vote")
    asked, fold = search.blends.asked_of(both)
    assert asked.tolist() == list(range(130))
    assert np.bincount(fold).tolist() == [26] * 5
    both.prior = search.blends.prior
    given = fit_given(both, search.study, search.deal, asked, fold)
    assert min(given[:2]) > 50
    assert given[2] == both.heat < 2
    votes = Asked(search.study, search.deal, asked).answers(vote, [("b",), ("a", "b")])
    each = {part.names[0]: part.pooled for part in vote.parts if part.pooled is not None}
    assert votes[0] == pytest.approx(each["b"])
    assert votes[1] == pytest.approx((each["a"] + each["b"]) / 2)


def test_what_parts_said_is_mixed_as_the_whole_mixes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    search = make_search(draw_blocks(120, holes=0.3), split_of(80, 40), ("classic", "late", "ensemble"))
    search.run()
    rows, keeps = search.study.val, [("a",), ("b",), ("a", "b")]
    made = [c for c in search.study.candidates if c.parts and len(c.names) > 1]
    assert {c.family for c in made} == {"late", "ensemble"}
    for candidate in made:
        told = Asked(search.study, None, rows).answers(candidate, keeps)
        for ours, theirs in zip(
            told, answer_subsets(candidate.predictor, search.study.prepared.batch(rows), keeps), strict=True
        ):
            assert ours == pytest.approx(theirs)


def test_rows_with_holes_are_answered_by_the_temperature_of_what_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    search = make_search(draw_blocks(150, holes=0.5), split_of(90, 40, 20), ("classic",))
    search.run()
    both = find(search, "logistic")
    both.prior, both.given = (0.5, 0.5), (4.0, 3.0, 2.0)
    hot, batch = both.tempered, search.study.prepared.batch(search.study.test)
    assert isinstance(hot, Calibrated)
    there = batch.present["b"].numpy()
    halves = Calibrated(both.predictor, 2.0, (0.5, 0.5)), Calibrated(both.predictor, 4.0, (0.5, 0.5))
    for half, rows, keep in zip(halves, (there, ~there), (("a", "b"), ("a",)), strict=True):
        assert hot(batch)[rows] == pytest.approx(half(keep_only(batch, keep))[rows])
    given = fit_given(both, search.study, None, search.study.val, search.blends.fold)
    assert len(given) == 3
    assert given[0] != both.given[0]


@pytest.mark.parametrize("choose", ["simple", "ensemble"])
def test_of_many_modalities_each_number_of_them_has_one(choose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    columns = draw_blocks(120, knows=dict.fromkeys("abcde", 1.0), holes=0.3)
    search = make_search(columns, split_of(70, 50), choose=choose)
    search.classic.try_learner("logistic regression", 0, list("abcde"))
    search.blends.calibrate()
    (both,) = search.study.candidates
    assert (None if both.hidden is None else both.hidden.shape) == {"simple": None, "ensemble": (17, 120, 2)}[choose]
    given = fit_given(both, search.study, search.deal, *search.blends.asked_of(both))
    assert len(given) == 5
    assert len({*given}) > 1
    both.given = given
    assert both.tempered(search.study.prepared.batch(search.study.val)).sum(1) == pytest.approx(1)


def test_classes_that_count_alike_are_not_drawn_to_their_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    search = make_search(draw_blocks(90), split_of(60, 30))
    assert search.blends.prior == (0.5, 0.5)
    search.labels.weights = np.ones(2)
    assert search.blends.prior is None
