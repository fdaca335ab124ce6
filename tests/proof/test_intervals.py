"""Which interval each score has, where there is none and why, and that they hold what is true."""

import numpy as np
import pytest

from plait.proof import intervals as module
from plait.proof.intervals import span_classes, span_numbers, span_rates
from plait.proof.metrics import classification, draw
from plait.proof.spans import bca_span, f1_span, scaled_span, wilson

NAMES = ["a", "b"]


def spans_of(truth, guess, generator=0, cluster=None, names=NAMES):
    truth, guess = np.asarray(truth), np.asarray(guess)
    return span_classes(truth, guess, np.eye(len(names))[guess], names, np.random.default_rng(generator), cluster)


def ends(span) -> list[float]:
    return [span["low"], span["high"]]


def test_shares_have_score_intervals() -> None:
    truth, guess = [0] * 50 + [1] * 50, [0] * 45 + [1] * 55
    found = spans_of(truth, guess)
    assert ends(found["accuracy"]) == ends(found["f1_micro"]) == wilson(95, 100).tolist()
    assert ends(found["recall"][0]) == wilson(45, 50).tolist()
    assert ends(found["precision"][1]) == wilson(50, 55).tolist()
    assert ends(found["f1"][1]) == pytest.approx(f1_span(50, 50, 55).tolist())


def test_what_is_perfect_is_not_certain() -> None:
    found = spans_of([0] * 20 + [1] * 20, [0] * 20 + [1] * 20)
    for name in ("accuracy", "balanced_accuracy", "f1_macro", "f1_weighted", "precision_macro", "auroc"):
        assert found[name]["value"] == found[name]["high"] == 1.0, name
        assert 0.8 < found[name]["low"] < 0.97, name
    assert found["log_loss"] == {"value": 0.0, "low": None, "high": None, "why": "no row differs"}


def test_no_log_loss_is_below_zero() -> None:
    sure, truth = np.tile([0.9999, 0.0001], (20, 1)), np.zeros(20, int)
    sure[0] = 0.99, 0.01
    found = span_classes(truth, truth, sure, NAMES, np.random.default_rng(0), None)
    assert found["log_loss"]["low"] == 0.0 < found["log_loss"]["value"]


def test_of_a_class_with_few_rows_the_value_stays_without_an_interval() -> None:
    found = spans_of([0] * 3 + [1] * 40, [0] * 3 + [1] * 40)
    assert found["recall"][0] == {"value": 1.0, "low": None, "high": None, "why": "fewer than 10 rows"}
    assert ends(found["recall"][1]) == wilson(40, 40).tolist()
    for name in ("balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "auroc"):
        nothing = {"value": 1.0, "low": None, "high": None, "why": "class 'a' has fewer than 10 rows"}
        assert found[name] == nothing, name
    assert ends(found["accuracy"]) == wilson(43, 43).tolist()
    assert spans_of([0, 1], [0, 1])["f1_macro"]["why"] == "2 classes have fewer than 10 rows"


def test_a_class_that_no_row_has_and_nobody_says_is_no_reason() -> None:
    found = spans_of([0] * 20 + [1] * 20, [0] * 20 + [1] * 20, names=["a", "b", "c"])
    assert found["f1_macro"]["low"] is not None
    assert found["auroc"]["low"] is not None


def test_macro_f1_has_the_bca_interval_of_rows_drawn_within_their_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 60)
    generator = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 20)
    guess = np.where(generator.random(60) < 0.6, truth, generator.integers(0, 3, 60))
    names = ["a", "b", "c"]
    found = spans_of(truth, guess, 7, names=names)["f1_macro"]
    measure = classification(truth, guess, np.eye(3)[guess], names)
    drawn = measure(draw(np.random.default_rng(7), 60, 60, truth))["f1_macro"]
    part = np.arange(60) % module.PARTS  # the rows are in the order of their classes
    left_out = measure((part[:, None] != np.arange(module.PARTS)).astype(np.float32))["f1_macro"]
    low, high = bca_span(found["value"], drawn, left_out)
    assert found["low"] <= low < high <= found["high"]
    assert found["low"] == low or found["high"] == high


def test_by_group_each_is_left_out_once() -> None:
    generator = np.random.default_rng(4)
    cluster = np.repeat(np.arange(20), 10)
    truth = np.tile([0, 1], 100)
    wrong = np.repeat(generator.random(20) < 0.3, 10)  # a speaker is understood always or never
    found = spans_of(truth, np.where(wrong, 1 - truth, truth), cluster=cluster)
    right = 1 - wrong.reshape(20, 10).mean(1)
    known = scaled_span(right.mean(), (right.sum() - right) / 19, "share", 20)
    assert ends(found["accuracy"]) == pytest.approx(known.tolist())
    rows = spans_of(truth, np.where(wrong, 1 - truth, truth))
    for name in ("accuracy", "f1_macro", "auroc", "log_loss", "balanced_accuracy"):
        wide, narrow = (one[name]["high"] - one[name]["low"] for one in (found, rows))
        assert wide > 2 * narrow, name


def test_one_group_tells_nothing_and_many_are_left_out_in_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = np.tile([0, 1], 30)
    found = spans_of(truth, truth, cluster=np.zeros(60, int))
    assert {found[name]["why"] for name in ("accuracy", "f1_macro")} == {"all rows are of one group"}
    found = spans_of(truth, truth, cluster=np.where(truth == 0, 0, np.arange(60)))
    assert found["recall"][0]["why"] == "all rows are of one group"
    assert found["recall"][1]["low"] > 0.8
    monkeypatch.setattr(module, "GROUPS", 12)
    assert ends(spans_of(truth, truth, cluster=np.arange(60))["accuracy"]) == wilson(12, 12).tolist()


def test_numbers_have_intervals_that_hold_their_value() -> None:
    generator = np.random.default_rng(2)
    truth = generator.normal(20, 5, 50)
    values = truth + generator.normal(0, 2, 50)
    for cluster in (None, np.arange(50) // 5):
        found = span_numbers(truth, values, np.random.default_rng(0), cluster)
        assert list(found) == ["mae", "rmse", "r2"]
        assert all(0 < span["low"] < span["value"] < span["high"] for span in found.values())
        assert found["r2"]["high"] < 1
    assert span_numbers(truth[:9], values[:9], generator)["r2"]["why"] == "fewer than 10 rows"
    assert span_numbers(truth, truth, generator)["rmse"]["why"] == "no row differs"


def test_heavy_tails_widen_what_large_errors_make() -> None:
    generator = np.random.default_rng(0)
    answers, errors = generator.normal(0, 3, 150), generator.standard_t(2.5, 150)
    found = span_numbers(answers + errors, answers, np.random.default_rng(0))
    assert found["rmse"]["low"] < 5**0.5 < found["rmse"]["high"]
    assert found["r2"]["low"] < 9 / 14 < found["r2"]["high"]
    assert found["mae"]["high"] < found["rmse"]["high"]


def test_error_rates_by_rows_and_by_groups() -> None:
    counts = np.array([(1, 4, 2, 20), (0, 4, 0, 20), (2, 4, 7, 20)] * 8)
    found = span_rates(counts, np.random.default_rng(0))
    assert found["wer"]["low"] < 0.25 < found["wer"]["high"]
    assert ends(found["exact"]) == wilson(8, 24).tolist()
    grouped = span_rates(counts, np.random.default_rng(0), np.arange(24) % 3)
    assert grouped["wer"]["high"] > found["wer"]["high"]


def test_same_generator_same_interval_and_numbers_lose_nothing_when_shuffled() -> None:
    generator = np.random.default_rng(9)
    truth = generator.integers(0, 2, 80)
    guess = np.where(generator.random(80) < 0.8, truth, 1 - truth)
    assert spans_of(truth, guess, 5) == spans_of(truth, guess, 5)
    order = generator.permutation(80)
    one, other = spans_of(truth, guess)["accuracy"], spans_of(truth[order], guess[order])["accuracy"]
    assert one == other


def test_interval_of_accuracy_holds_the_truth_in_about_95_of_100_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESAMPLES", 16)  # no share needs one
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        guess = (generator.random(60) < 0.1).astype(int)
        span = spans_of(np.zeros(60, int), guess, names=NAMES)["accuracy"]
        held += span["low"] <= 0.9 <= span["high"]
    assert 180 <= held <= 199


def test_of_many_rows_the_jackknife_stands_where_resamples_did(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    truth = (random.random(6000) < 0.3).astype(int)
    sure = np.clip(0.5 * truth + random.normal(0.25, 0.25, 6000), 0.01, 0.99)
    numbers = random.normal(size=6000)

    def spans() -> dict[str, dict[str, float]]:
        wide, generator = np.stack([1 - sure, sure], 1), np.random.default_rng(1)
        classes = span_classes(truth, (sure > 0.5).astype(int), wide, NAMES, generator, None)
        return {**classes, **span_numbers(numbers, numbers + random.standard_t(5, 6000) / 2, generator, None)}

    few = spans()
    monkeypatch.setattr(module, "MANY", 5999)
    monkeypatch.setattr(module, "draw", None)  # nothing is drawn
    many = spans()
    for name in ("balanced_accuracy", "f1_macro", "f1_weighted", "precision_macro", "auroc", "mae", "rmse", "r2"):
        width = few[name]["high"] - few[name]["low"]
        assert many[name]["high"] - many[name]["low"] == pytest.approx(width, rel=0.35), name
        assert many[name]["low"] < many[name]["value"] < many[name]["high"]
