"""Paired tests and intervals against values worked out by hand, against published ones, and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.core.classes import Ordered, Several
from plait.proof.paired import (
    Difference,
    Yardstick,
    bca,
    corrected_t,
    flip_test,
    holm,
    jackknife,
    score_interval,
    sign_test,
)
from plait.proof.scores import scores
from plait.proof.spans import LEVEL

CLASSES = ["a", "b"]
QUICK = settings(max_examples=20, deadline=None, derandomize=True, database=None)
PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


def answers(right) -> np.ndarray:
    """Return probabilities for a target of "a" in every row."""
    right = np.asarray(right, bool)
    return np.column_stack([right, ~right]).astype(float)


def compare(ours, theirs, groups=None, seed=0) -> Difference:
    """Compare two lists of right and wrong."""
    truth = np.array(["a"] * len(ours), object)
    return Yardstick("accuracy", truth, CLASSES, groups).compare(
        answers(ours), answers(theirs), np.random.default_rng(seed)
    )


@pytest.mark.parametrize(
    ("more", "fewer", "p"),
    [
        (5, 0, 1 / 32),  # 2 · ½ · 2⁻⁵
        (6, 0, 1 / 64),
        (0, 8, 1 / 256),
        (7, 1, 2 * (1 + 8 / 2) / 256),
        (3, 3, 1.0),
        (0, 0, 1.0),
        (15, 5, 2 * ((21700 - 15504) + 15504 / 2) / 2**20),  # Σ C(20, k ≤ 5) is 21,700, C(20, 5) is 15,504
    ],
)
def test_p_of_right_and_wrong_is_the_mid_p(more, fewer, p):
    assert sign_test(more, fewer) == pytest.approx(p, rel=1e-12)
    same = [True] * 10
    found = compare([True] * more + [False] * fewer + same, [False] * more + [True] * fewer + same)
    assert found.p == pytest.approx(p, rel=1e-12)
    assert found.value == pytest.approx((more - fewer) / (more + fewer + 10))


def test_p_of_groups_is_exact_when_few_differ():
    # groups gain 3, −1 and −1: of the sums of ±3 ±1 ±1, which are 5, 3, 3, 1 and the same below 0, all reach 1
    assert flip_test(np.array([3.0, -1.0, -1.0]), np.random.default_rng(0)) == 1.0
    assert flip_test(np.array([3.0, 2.0, 1.0, 0.0]), np.random.default_rng(0)) == 2 / 2**3


def test_drawn_flips_come_near_the_exact_p_and_are_never_0():
    generator = np.random.default_rng(1)
    better = generator.normal(0.2, 1, 40)
    signs = generator.choice([-1, 1], (200_000, 40))
    expected = np.mean(np.abs(signs @ better) >= abs(better.sum()))
    assert flip_test(better, generator) == pytest.approx(expected, abs=0.02)
    assert flip_test(np.arange(1.0, 51), generator) == 1 / 10_001


def test_score_interval_does_not_collapse_where_no_row_differs():
    end = 1.959964**2 / (100 + 1.959964**2)  # of no difference the equation is n · d / (1 − d) = z²
    assert score_interval(0, 0, 100) == pytest.approx((-end, end), abs=1e-6)
    assert score_interval(10, 0, 10)[1] == 1.0


def test_score_interval_solves_its_equation():
    more, fewer, num = 9, 4, 60
    for end in score_interval(more, fewer, num):
        # the constrained maximum of the likelihood, by a search instead of the formula
        share = np.linspace(max(0, -end) + 1e-9, (1 - abs(end)) / 1 - 1e-9, 400_001)
        share = share[(share + end > 0) & (2 * share + end < 1)]
        like = more * np.log(share + end) + fewer * np.log(share) + (num - more - fewer) * np.log(1 - 2 * share - end)
        best = share[like.argmax()]
        z = (more - fewer - num * end) / np.sqrt(num * (2 * best + end * (1 - end)))
        assert abs(z) == pytest.approx(1.96, abs=2e-3)


def test_intervals_cover_what_is_true():
    inside = {"score": 0, "group": 0}
    for seed in range(200):
        generator = np.random.default_rng(seed)
        theirs = generator.random(60) < 0.9
        ours = np.where(generator.random(60) < 0.2, generator.random(60) < 0.6, theirs)
        found = compare(ours, theirs, seed=seed)
        inside["score"] += found.low <= -0.06 <= found.high
        effect = np.repeat(generator.normal(0.3, 1, 20), 3)  # whole groups gain and lose
        better = effect + generator.normal(0, 1, 60)
        low, high = jackknife(np.stack([better.reshape(20, 3).sum(1), np.full(20, 3.0)]), lambda s: s[0] / s[1])
        inside["group"] += low <= 0.3 <= high
    assert min(inside.values()) >= 180  # 95 % of 200 are 190; below 180 once in a thousand


def test_bca_is_that_of_scipy():
    from scipy import stats

    values = np.random.default_rng(3).lognormal(size=80)
    low, high = bca(np.stack([values, np.ones(80)]), lambda s: s[0] / s[1], np.random.default_rng(0))
    known = stats.bootstrap((values,), np.mean, n_resamples=20_000, rng=np.random.default_rng(1)).confidence_interval
    assert (low, high) == pytest.approx((known.low, known.high), rel=0.03)


@pytest.mark.parametrize(
    "metric", ["accuracy", "balanced_accuracy", "f1_macro", "auroc", "mae", "rmse", "r2", "log_loss"]
)
def test_score_is_that_of_evaluate_and_the_difference_is_positive_where_it_is_better(metric):
    generator = np.random.default_rng(5)
    if metric in ("mae", "rmse", "r2"):
        truth, classes = generator.normal(size=90), None
        ours, theirs = truth + 0.3 * generator.normal(size=90), truth + generator.normal(size=90)
        known = [scores(truth, side)[metric] for side in (ours, theirs)]
    else:
        codes = (generator.random(90) < 0.3).astype(int)
        truth, classes = np.array(CLASSES, object)[codes], CLASSES
        sides = [1 / (1 + np.exp(-k * (2 * codes - 1) - generator.normal(size=90))) for k in (3, 0.3)]
        ours, theirs = (np.column_stack([1 - side, side]) for side in sides)
        known = [scores(truth, side, classes).get(metric) for side in (ours, theirs)]
        if metric == "log_loss":
            known = [float(-np.log(side[np.arange(90), codes]).mean()) for side in (ours, theirs)]
    yardstick = Yardstick(metric, truth, classes)
    assert [yardstick.score(ours), yardstick.score(theirs)] == pytest.approx(known)
    found = yardstick.compare(ours, theirs, generator)
    assert found.value == pytest.approx(abs(known[0] - known[1]))
    assert 0 < found.low < found.value < found.high
    assert found.p < 0.01
    mirrored = yardstick.compare(theirs, ours, generator)
    assert mirrored.value == pytest.approx(-found.value)
    assert mirrored.high < 0


def test_groups_that_agree_are_less_sure_than_rows():
    ours, theirs = [True] * 120, [False] * 30 + [True] * 90
    rows, whole = compare(ours, theirs), compare(ours, theirs, groups=np.arange(120) // 10)
    assert rows.p < 1e-8
    assert whole.p == 2 / 2**3 / 2  # three groups differ, all by the same: mid-p
    assert whole.high - whole.low > 2 * (rows.high - rows.low)


def test_corrected_t_is_wider_than_the_plain_one():
    means = np.array([0.02, 0.05, 0.01, 0.06, 0.03])
    p, low, high = corrected_t(means, trained=80, tested=20)
    error = np.sqrt((1 / 5 + 20 / 80) * means.var(ddof=1))  # Nadeau and Bengio 2003
    assert (high - low) / 2 == pytest.approx(2.776445 * error, rel=1e-5)
    assert p == pytest.approx(0.0709, abs=1e-4)  # t of 2.444 with 4 degrees of freedom
    assert corrected_t(np.zeros(4), 80, 20)[0] == 1.0


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "f1_macro", "auroc"])
def test_the_interval_of_alike_answers_does_not_collapse(metric):
    truth, same = np.array(CLASSES * 20), answers([True, False] * 20)
    found = Yardstick(metric, truth, CLASSES).compare(same, same, np.random.default_rng(0))
    assert (found.value, found.p) == (0, 1)
    assert (found.low, found.high) == pytest.approx((-0.0876, 0.0876), abs=1e-4)  # 3.84 / 43.84


@pytest.mark.parametrize("metric", ["quadratic_kappa", "mae"])
def test_the_interval_of_alike_grades_does_not_collapse(metric):
    same = answers([True, False] * 20)
    found = Yardstick(metric, np.array(CLASSES * 20), Ordered(CLASSES)).compare(same, same, np.random.default_rng(0))
    assert (found.value, found.p) == (0, 1)
    assert (found.low, found.high) == pytest.approx((-0.0876, 0.0876), abs=1e-4)


@pytest.mark.parametrize("metric", ["f1_rows", "f1_micro", "average_precision", "hamming_loss", "exact_match"])
def test_the_interval_of_alike_labels_does_not_collapse(metric):
    same = answers([True, False] * 20)
    sets = [["a"], ["b"], ["a", "b"], ["a"]] * 10
    truth = np.empty(40, object)
    truth[:] = sets
    found = Yardstick(metric, truth, Several(CLASSES)).compare(same, same, np.random.default_rng(0))
    reach = 0.0876 / (2 if metric == "hamming_loss" else 1)  # of two labels a row differs in one
    assert (found.value, found.p) == (0, 1)
    assert (found.low, found.high) == pytest.approx((-reach, reach), abs=1e-4)


def test_few_groups_are_measured_by_t_whatever_the_metric():
    generator = np.random.default_rng(0)
    truth, groups = np.array(CLASSES * 60), np.arange(120) // 20
    ours, theirs = (answers(generator.random(120) < share * (truth == "a") + 0.1) for share in (0.8, 0.6))
    reach = {}
    for metric in ("balanced_accuracy", "f1_macro"):
        found = Yardstick(metric, truth, CLASSES, groups).compare(ours, theirs, generator)
        reach[metric] = found.high - found.low
    assert reach["f1_macro"] == pytest.approx(reach["balanced_accuracy"], rel=0.15)


def test_holm_keeps_the_order_of_what_it_corrects():
    assert holm([0.03, 0.01, 0.2]) == pytest.approx([0.06, 0.03, 0.2])
    assert holm([]) == []


@QUICK
@given(PAIRS, st.integers(1, 4), st.booleans())
def test_interval_and_p_never_disagree(pairs, size, grouped):
    ours, theirs = zip(*pairs, strict=True)
    groups = np.arange(len(pairs)) // size if grouped and len(pairs) > size else None
    one, other = compare(ours, theirs, groups), compare(theirs, ours, groups)
    assert 0 < one.p <= 1
    assert other.p == one.p
    assert [-other.value, -other.high, -other.low] == pytest.approx([one.value, one.low, one.high])
    assert one.low <= one.value <= one.high
    if one.value:
        assert (one.p < LEVEL) == (one.low > 0 or one.high < 0)


@QUICK
@given(st.integers(0, 2**32 - 1))
def test_interval_and_p_never_disagree_of_numbers(seed):
    generator = np.random.default_rng(seed)
    truth = generator.normal(size=30)
    ours, theirs = truth + generator.standard_t(3, 30), truth + 1.5 * generator.standard_t(3, 30)
    for metric in ("mae", "rmse", "r2"):
        found = Yardstick(metric, truth).compare(ours, theirs, generator)
        assert (found.p < LEVEL) == (found.low > 0 or found.high < 0)


LABELS = Several(["a", "b"], ";")


def of_labels(*rows: tuple[str, ...]) -> np.ndarray:
    column = np.empty(len(rows), object)
    column[:] = rows
    return column


def test_rows_of_labels_are_compared_by_their_f1():
    truth = of_labels(*[("a", "b")] * 12)
    ours, theirs = np.full((12, 2), 0.9), np.tile([0.9, 0.1], (12, 1))
    found = Yardstick("f1_rows", truth, LABELS).compare(ours, theirs, np.random.default_rng(0))
    assert (found.value, found.p) == (pytest.approx(1 / 3), pytest.approx(1 / 2**12))
    assert found.low is not None and found.low > 0


@pytest.mark.parametrize(
    "metric", ["f1_rows", "f1_micro", "f1_macro", "average_precision", "hamming_loss", "exact_match"]
)
def test_every_metric_of_labels_is_that_of_the_scores(metric):
    generator = np.random.default_rng(1)
    truth = of_labels(*[[("a",), ("a", "b"), ()][i % 3] for i in range(30)])
    said = generator.random((30, 2))
    yardstick = Yardstick(metric, truth, LABELS)
    assert yardstick.score(said) == pytest.approx(scores(truth, said, LABELS)[metric], abs=1e-6)
    found = yardstick.compare(said, generator.random((30, 2)), generator)
    assert found.low <= found.value <= found.high
    assert np.isfinite(yardstick.spread(said)).all()


def test_the_interval_of_alike_transcripts_does_not_collapse():
    errors = np.array([1.0, 0, 0, 2] * 25)
    alike = Yardstick("wer", np.full(100, 10.0)).compare(errors, errors, np.random.default_rng(0))
    assert (alike.value, alike.p) == (0, 1)
    assert (alike.low, alike.high) == pytest.approx((-0.037, 0.037), abs=1e-4)
    one_long = Yardstick("wer", np.array([910.0, *[10] * 9])).compare(
        np.zeros(10), np.zeros(10), np.random.default_rng(0)
    )
    assert one_long.high == pytest.approx(0.76, abs=0.01)  # worth 1.2 rows
    worse = Yardstick("wer", np.ones(40)).compare(np.zeros(40), np.full(40, 1.5), np.random.default_rng(0))
    assert worse.low <= worse.value == 1.5 <= worse.high


@pytest.mark.parametrize("metric", ["quadratic_kappa", "mae"])
def test_grades_are_compared_by_steps(metric):
    truth, grades = np.array([1, 2, 3, 4, 5] * 6, object), Ordered([1, 2, 3, 4, 5])
    right = np.eye(5)[np.arange(30) % 5]
    near = np.roll(right, 1, axis=1)
    yardstick = Yardstick(metric, truth, grades)
    assert yardstick.score(right) == (1.0 if metric == "quadratic_kappa" else 0.0)
    found = yardstick.compare(right, near, np.random.default_rng(0))
    assert found.value > 0 and found.p < 0.05
