"""The verdict against p values worked out by hand, against simulations, and its sentences word for word."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.proof.scores import scores
from plait.proof.verdict import (
    FEW_TEST_ROWS,
    NO_FUSED,
    NO_SPREAD,
    NO_TEST_ROWS,
    ONE_MODALITY,
    Gain,
    Side,
    Verdict,
    judge,
    judge_errors,
    not_tested,
)

KEYS = ["code", "sentence", "single", "fused", "difference", "fills_holes", "adds", "p", "metric", "rows", "unit"]
CLASSES = ["a", "b"]


def answers(right) -> np.ndarray:
    """Return probabilities for a target of "a" in every row."""
    right = np.asarray(right, bool)
    return np.column_stack([right, ~right]).astype(float)


def verdict(single, fused, holes=0, incomplete=0, seed=0, **options):
    """Judge two lists of right and wrong. The first rows are without image; so are the next of what else is used."""
    num = len(single)
    image = np.arange(num) >= holes
    one = Side("image", answers(single), image)
    more = Side("parallel(image, audio)", answers(fused), np.arange(num) >= holes + incomplete)
    return judge(one, more, ["a"] * num, CLASSES, generator=np.random.default_rng(seed), **options).to_json()


@pytest.mark.parametrize(
    ("better", "worse", "p", "code"),
    [
        (5, 0, 2 / 32, "no_evidence"),
        (6, 0, 2 / 64, "helps"),
        (8, 0, 2 / 256, "helps"),
        (0, 8, 2 / 256, "hurts"),
        (7, 1, 2 * 9 / 256, "no_evidence"),
        (3, 3, 1.0, "no_evidence"),
        (0, 0, 1.0, "no_evidence"),
        (20, 0, 2 / 2**20, "helps"),
    ],
)
def test_p_of_right_and_wrong_is_exact(better, worse, p, code):
    same = [True] * 10
    found = verdict([False] * better + [True] * worse + same, [True] * better + [False] * worse + same)
    assert found["p"] == pytest.approx(p, rel=1e-12)
    assert found["code"] == code
    assert found["difference"]["value"] == pytest.approx((better - worse) / (better + worse + 10))
    assert list(found) == KEYS
    json.dumps(found, allow_nan=False)


def test_p_of_groups_is_exact_when_few_differ():
    # groups gain 2, 1, 1, 1, 1, 1, and the others nothing: all one way, so 2 of 64 flips are as far out
    single = [False, False] + [False, True] * 5 + [True, True] * 6
    found = verdict(single, [True] * 24, groups=np.repeat(np.arange(12), 2))
    assert found["p"] == 2 / 64
    assert found["unit"] == "group"
    # 3 against −1 and −1: sums of ±3 ±1 ±1 are 5, 3, 3, 1, and the same below 0: all but ±1 × … reach 1
    found = verdict([False] * 3 + [True] * 27, [True] * 3 + [False] + [True] * 2 + [False] + [True] * 23, groups=[
        str(n // 3) for n in range(30)
    ])  # fmt: skip
    assert found["p"] == 1.0
    assert found["difference"]["value"] == pytest.approx(1 / 30)


def test_drawn_flips_come_near_the_exact_p():
    generator = np.random.default_rng(1)
    target = generator.normal(size=40)
    one, more = target + generator.normal(size=40), target + 0.8 * generator.normal(size=40)
    sides = [Side(name, values, np.ones(40)) for name, values in (("image", one), ("fused", more))]
    found = judge(*sides, target, generator=generator).to_json()
    better = (one - target) ** 2 - (more - target) ** 2
    signs = generator.choice([-1, 1], (200_000, 40))
    expected = np.mean(np.abs(signs @ better) >= abs(better.sum()))
    assert found["p"] == pytest.approx(expected, abs=0.02)
    assert round(found["p"] * 10_001) == pytest.approx(found["p"] * 10_001)  # (b + 1) / (m + 1)


def test_smallest_p_of_drawn_flips_is_never_0():
    target = np.arange(50.0)
    sides = [Side("image", target + 1 + target / 50, np.ones(50)), Side("fused", target, np.ones(50))]
    assert judge(*sides, target, generator=np.random.default_rng(0)).p == 1 / 10_001


def test_r2_difference_is_that_of_the_two_r2():
    target = np.array([1.0, 2.0, 3.0, 4.0])
    one, more = Side("image", [[2.0], [2.0], [3.0], [4.0]], [0, 1, 1, 1]), Side("both", target, [0, 1, 1, 1])
    found = judge(one, more, target, generator=np.random.default_rng(0)).to_json()
    assert found["difference"]["value"] == pytest.approx(1 / 5)  # squared error 1, total sum of squares 5
    assert found["metric"] == "r2"
    assert found["fills_holes"] == {"rows": 1, "value": None, "low": None, "high": None}  # one row: r2 is undefined
    assert found["adds"]["value"] == 0.0
    json.dumps(found, allow_nan=False)


def test_interval_is_that_of_a_plain_bootstrap_in_a_loop():
    generator = np.random.default_rng(1)
    target = generator.normal(size=40)
    one, more = target + generator.normal(size=40), target + 0.8 * generator.normal(size=40)
    groups = np.arange(40) // 2
    sides = Side("a", one, np.ones(40)), Side("b", more, np.ones(40))
    found = judge(*sides, target, generator=generator, groups=groups).to_json()
    drawn = []
    for _ in range(2000):
        rows = np.arange(40).reshape(20, 2)[generator.integers(0, 20, 20)].ravel()
        drawn.append(scores(target[rows], more[rows])["r2"] - scores(target[rows], one[rows])["r2"])
    assert found["difference"]["value"] == pytest.approx(scores(target, more)["r2"] - scores(target, one)["r2"])
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (found["difference"]["low"], found["difference"]["high"]) == pytest.approx((low, high), abs=0.08)


def test_interval_of_right_and_wrong_is_that_of_a_plain_bootstrap_in_a_loop():
    found = verdict([False] * 12 + [True] * 48, [True] * 53 + [False] * 7)
    better = np.repeat([1.0, 0.0, -1.0], [12, 41, 7])
    drawn = better[np.random.default_rng(1).integers(0, 60, (5000, 60))].mean(1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert found["difference"]["low"] == pytest.approx(low, abs=0.02)
    assert found["difference"]["high"] == pytest.approx(high, abs=0.02)


def test_split_into_holes_and_complete_rows():
    single, fused = [False] * 10 + [True] * 20 + [False] * 2, [True] * 8 + [False] * 2 + [True] * 21 + [False]
    found = verdict(single, fused, holes=10, incomplete=5)
    assert found["fills_holes"]["rows"] == 10
    assert found["fills_holes"]["value"] == 0.8
    assert found["adds"]["rows"] == 17
    assert found["adds"]["value"] == pytest.approx(1 / 17)
    for span in (found["difference"], found["fills_holes"], found["adds"]):
        assert span["low"] <= span["value"] <= span["high"]
    none = verdict(single, fused)
    assert none["fills_holes"] == {"rows": 0, "value": None, "low": None, "high": None}
    assert none["adds"] == {"rows": 32, **none["difference"]}


def test_unlabelled_rows_are_left_out():
    found = judge(
        Side("image", [[1, 0], [np.nan, 0], [0, 1]], [True, True, False]),
        Side("both", [[1, 0], [np.nan, 0], [1, 0]], [True, True, False]),
        ["a", None, "a"],
        CLASSES,
        generator=np.random.default_rng(0),
        groups=["x", None, "y"],
    ).to_json()
    assert found["rows"] == 2
    assert found["fills_holes"]["rows"] == 1
    assert found["difference"]["value"] == 0.5


def test_labels_meet_classes_by_their_text():
    sides = [Side(name, np.eye(2), np.ones(2)) for name in ("image", "both")]
    found = judge(*sides, [3.0, 4], ["3", "4"], generator=np.random.default_rng(0)).to_json()
    assert "both reaches 1.000 accuracy on 2 test rows, image alone 1.000" in found["sentence"]


def test_groups_that_agree_are_less_sure_than_rows():
    single, fused = [False] * 30 + [True] * 90, [True] * 120
    rows, whole = verdict(single, fused), verdict(single, fused, groups=np.arange(120) // 10)
    assert rows["p"] < 1e-8
    assert whole["p"] == 2 / 2**3  # three speakers differ
    assert (rows["code"], whole["code"]) == ("helps", "no_evidence")
    width = [v["difference"]["high"] - v["difference"]["low"] for v in (rows, whole)]
    assert width[1] > 2 * width[0]


def test_fewer_than_ten_groups_are_drawn_as_rows_and_it_is_said():
    found = verdict([False] * 8 + [True] * 10, [True] * 18, groups=np.arange(18) // 2)
    assert found["unit"] == "row"
    assert found["p"] == 2 / 256
    assert found["sentence"].endswith(
        "The rows are of only 9 groups, too few to test by group, so this may be too sure."
    )
    alone = verdict([False] * 8 + [True] * 10, [True] * 18, groups=["x"] * 18)
    assert "The rows are of one group, too few" in alone["sentence"]


# -- sentences --------------------------------------------------------------------------------------------------------


def test_sentence_of_helps():
    found = verdict([False] * 30 + [True] * 170, [True] * 25 + [False] * 5 + [True] * 170, holes=28, incomplete=2)
    assert found["sentence"] == (
        "Fusion helps: parallel(image, audio) reaches 0.975 accuracy on 200 test rows, image alone 0.850: a gain of "
        "12.5 points (95 % interval 8.0 to 17.5, p < 0.001). On the 28 rows without image it gains 89.3 points, on the "
        "170 complete rows it changes nothing."
    )


def test_sentence_of_hurts():
    found = verdict([True] * 36 + [False] * 4, [True] + [False] * 9 + [True] * 30, holes=1, groups=None)
    assert found["code"] == "no_evidence"
    found = verdict([True] * 40, [True] + [False] * 9 + [True] * 30, holes=1)
    low, high = -found["difference"]["high"] * 100, -found["difference"]["low"] * 100
    assert found["sentence"] == (
        "Fusion hurts: parallel(image, audio) reaches 0.775 accuracy on 40 test rows, image alone 1.000: a loss of "
        f"22.5 points (95 % interval {low:.1f} to {high:.1f}, p = 0.004). On the 1 row without image it changes "
        "nothing, on the 39 complete rows it loses 23.1 points."
    )
    assert 0 < low < 22.5 < high


def test_sentence_of_no_evidence():
    single, fused = [True] * 90 + [False] * 10, [True] * 87 + [False] * 3 + [True] * 2 + [False] * 8
    found = verdict(single, fused, groups=np.arange(100) // 2)
    low, high = -found["difference"]["low"] * 100, found["difference"]["high"] * 100
    assert found["sentence"] == (
        "No evidence that fusion helps: parallel(image, audio) reaches 0.890 accuracy on 100 test rows of 50 groups, "
        f"image alone 0.900: a difference of −1.0 points (95 % interval −{low:.1f} to {high:.1f}, p = 1.00); as far "
        "as these rows tell, the simpler model is as good a choice."
    )


def test_counts_and_p_beside_the_level_are_said_as_everywhere():
    found = Verdict("image", "both", "", "image", "r2", (0.5, 0.75), Gain(1200, 0.25, 0.1, 0.4), p=0.0496, rows=1200)
    assert found.code == "helps"
    assert found.sentence() == (
        "Fusion helps: both reaches an r2 of 0.750 on 1,200 test rows, image alone 0.500: a gain of 0.250 "
        "(95 % interval 0.100 to 0.400, p = 0.0496)."
    )
    assert replace(found, p=0.0504).code == "no_evidence"
    assert replace(found, p=0.05004).sentence().startswith("No evidence that fusion helps: ")
    assert "p = 0.05004" in replace(found, p=0.05004).sentence()


def test_what_was_tested_on_can_be_folds():
    gains = {"difference": Gain(8, -0.5, -0.75, -0.25), "fills_holes": Gain(1, -1.0, -1.0, -1.0), "adds": Gain(6, 0.0)}
    found = Verdict("image", "both", "", "image", "accuracy", (1.0, 0.5), **gains, p=0.01, rows=4, groups=4, repeats=2)
    assert found.sentence() == (
        "Fusion hurts: both reaches 0.500 accuracy on 4 rows, each left out 2 times, image alone 1.000: a loss of 50.0 "
        "points (95 % interval 25.0 to 75.0, p = 0.010). On the 1 answer without image it loses 100.0 points, on the 6 "
        "complete answers it changes nothing. The rows are of only 4 groups, too few to test by group, so this may be "
        "too sure."
    )
    assert " on 4 rows of 12 groups, each left" in replace(found, groups=12, unit="group").sentence()


def test_sentence_names_a_candidate_and_its_modality():
    sides = (
        Side("forest(image)", answers([False] * 9), np.zeros(9), "image"),
        Side("vote", answers([True] * 9), [0] * 9),
    )
    found = judge(*sides, ["a"] * 9, CLASSES, generator=np.random.default_rng(0)).to_json()
    assert found["sentence"] == (
        "Fusion helps: vote reaches 1.000 accuracy on 9 test rows, forest(image) 0.000: a gain of 100.0 points (95 % "
        "interval 100.0 to 100.0, p = 0.004). On the 9 rows without image it gains 100.0 points."
    )


def test_sentence_of_r2():
    target = np.arange(10.0)
    sides = [Side("image", target + 2, [True] * 9 + [False]), Side("both", target + 1, [True] * 8 + [False] * 2)]
    found = judge(*sides, target, generator=np.random.default_rng(0)).to_json()
    span = found["difference"]
    assert found["sentence"] == (
        "Fusion helps: both reaches an r2 of 0.879 on 10 test rows, image alone 0.515: a gain of 0.364 "
        f"(95 % interval {span['low']:.3f} to {span['high']:.3f}, p = 0.002). On the 8 complete rows it gains 0.571."
    )


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (ONE_MODALITY, "Not tested whether fusion helps: there is only one modality."),
        (NO_FUSED, "Not tested whether fusion helps: the time limit left no fused candidate."),
    ],
)
def test_not_tested_gives_its_reason(reason, sentence):
    found = not_tested(reason, single="image").to_json()
    assert found["sentence"] == sentence
    assert list(found) == KEYS
    assert (found["code"], found["single"], found["fused"], found["p"]) == ("not_tested", "image", None, None)
    assert found["difference"] == {"value": None, "low": None, "high": None}


def test_too_few_rows_are_not_tested():
    generator = np.random.default_rng(0)
    sides = [Side(name, [[1.0, 0.0]], [True]) for name in ("image", "both")]
    assert judge(*sides, ["a"], CLASSES, generator=generator) == not_tested(FEW_TEST_ROWS, "image", "both")
    empty = [Side(name, np.zeros((0, 2)), []) for name in ("image", "both")]
    assert judge(*empty, [], CLASSES, generator=generator) == not_tested(NO_TEST_ROWS, "image", "both")
    flat = [Side(name, [1.0, 2.0], [True, True]) for name in ("image", "both")]
    assert judge(*flat, [3.0, 3.0], generator=generator) == not_tested(NO_SPREAD, "image", "both")


# -- properties -------------------------------------------------------------------------------------------------------

QUICK = settings(max_examples=20, deadline=None, derandomize=True, database=None)
PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=40)


@QUICK
@given(PAIRS, st.integers(1, 4))
def test_swapping_the_sides_mirrors_the_difference_and_keeps_p(pairs, size):
    single, fused = zip(*pairs, strict=True)
    groups = np.arange(len(pairs)) // size
    one, other = verdict(single, fused, groups=groups), verdict(fused, single, groups=groups)
    assert 0 < one["p"] <= 1
    assert other["p"] == one["p"]
    ends = [one["difference"][end] for end in ("value", "low", "high")]
    assert [-other["difference"][end] for end in ("value", "high", "low")] == pytest.approx(ends)
    assert {one["code"], other["code"]} in ({"helps", "hurts"}, {"no_evidence"})


@QUICK
@given(PAIRS, st.integers(0, 2**32 - 1))
def test_order_of_rows_does_not_matter(pairs, seed):
    order = np.random.default_rng(seed).permutation(len(pairs))
    single, fused = (np.array(side) for side in zip(*pairs, strict=True))
    groups = np.arange(len(pairs)) // 2
    one, other = (verdict(single, fused, groups=groups), verdict(single[order], fused[order], groups=groups[order]))
    assert other["p"] == pytest.approx(one["p"], abs=0.03)
    assert other["difference"]["value"] == pytest.approx(one["difference"]["value"])
    assert other["difference"]["low"] == pytest.approx(one["difference"]["low"], abs=0.1)


def test_where_nothing_is_to_be_found_helps_is_rare():
    generator = np.random.default_rng(5)
    codes = []
    for _ in range(100):
        right = generator.random((2, 60)) < 0.8
        codes.append(verdict(right[0], right[1], groups=np.arange(60) // 3)["code"])
    assert codes.count("helps") <= 7
    assert codes.count("hurts") <= 7


# word errors


def errors_of(single, fused, words, **options):
    present = np.ones(len(words), bool)
    one, more = Side("audio", np.array(single), present), Side("parallel(audio, image)", np.array(fused), present)
    return judge_errors(one, more, np.array(words), generator=np.random.default_rng(0), **options).to_json()


def test_fewer_word_errors_are_a_gain():
    found = errors_of([2, 1, 1, 2, 1, 1, 0], [1, 0, 0, 1, 0, 0, 0], [5] * 7)
    assert (found["code"], found["metric"], found["rows"]) == ("helps", "wer", 7)
    assert found["difference"]["value"] == pytest.approx(6 / 35)
    assert found["p"] == 2 / 64
    assert list(found) == KEYS
    low, high = (100 * found["difference"][end] for end in ("low", "high"))
    assert found["sentence"] == (
        "Fusion helps: parallel(audio, image) reaches a word error rate of 5.7 % on 7 test rows, audio alone 22.9 %: "
        f"a gain of 17.1 points (95 % interval {low:.1f} to {high:.1f}, p = 0.031)."
    )


def test_more_word_errors_are_a_loss():
    found = errors_of([0] * 8, [1] * 8, [4] * 8)
    assert (found["code"], found["difference"]["value"]) == ("hurts", -0.25)


def test_word_errors_count_rows_without_words_but_need_one_with():
    assert errors_of([1, 1, 0], [0, 0, 0], [0, 4, 4])["difference"]["value"] == 2 / 8
    assert errors_of([1, 1], [0, 0], [0, 0])["sentence"].endswith("no test row has a word to be heard.")
    assert errors_of([1], [0], [3])["code"] == "not_tested"
