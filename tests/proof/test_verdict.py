"""The verdict: which opponents there are, which code comes first, and its sentences word for word."""

import json
from dataclasses import replace

import numpy as np
import pytest

from plait.proof.paired import Difference, Yardstick
from plait.proof.verdict import (
    NO_FUSED,
    NO_SPREAD,
    NO_TEST_ROWS,
    ONE_MODALITY,
    Contest,
    Gain,
    Opponent,
    Side,
    Verdict,
    judge,
    not_tested,
    round_up,
)

KEYS = [
    *("code", "sentence", "metric", "margin", "fused", "shipped", "single", "value", "difference", "p", "opponents"),
    *("fills_holes", "adds", "complete", "visible", "rows_for", "error", "test", "repeats", "splits", "warnings"),
]
CLASSES = ["a", "b"]


def answers(right) -> np.ndarray:
    """Return probabilities for a target of "a" in every row."""
    right = np.asarray(right, bool)
    return np.column_stack([right, ~right]).astype(float)


def contest(fused, present=None, margin=0.02, groups=None, shipped="both", **alone) -> Contest:
    """Return a contest of lists of right and wrong. present: {modality: the rows that have it}, of those with holes."""
    num = len(fused)
    there = {name: np.ones(num, bool) if name not in (present or {}) else np.asarray(present[name]) for name in alone}
    sides = {name: Side(f"learner ({name})", answers(right), there[name]) for name, right in alone.items()}
    yardstick = Yardstick("accuracy", np.array(["a"] * num, object), CLASSES, groups)
    whole = np.all(list(there.values()), axis=0)
    return Contest(Side("both", answers(fused), whole), sides, yardstick, None, margin, shipped)


def verdict(fused, seed=0, **options) -> Verdict:
    return judge(contest(fused, **options), np.random.default_rng(seed))


# -- opponents --------------------------------------------------------------------------------------------------------


def test_every_order_of_the_modalities_is_a_rule_and_takes_the_first_that_is_there():
    image, audio = [True, True, False, True], [True, False, True, True]
    found = contest([1] * 4, {"image": image, "audio": audio}, image=[1, 0, 0, 1], audio=[0, 0, 1, 0]).rules()
    assert list(found) == [("image", "audio"), ("audio", "image")]
    assert found["image", "audio"][:, 0].tolist() == [1, 0, 1, 1]  # the third row has no image: its sound answers
    assert found["audio", "image"][:, 0].tolist() == [0, 0, 1, 0]


def test_rules_that_ask_the_same_are_one_and_name_what_they_ask():
    assert list(contest([1] * 3, image=[1] * 3, audio=[0] * 3, text=[1] * 3).rules()) == [
        ("image",),
        ("audio",),
        ("text",),
    ]
    some = {"image": [True, False, True]}
    assert list(contest([1] * 3, some, image=[1] * 3, audio=[0] * 3).rules()) == [("image", "audio"), ("audio",)]


def test_of_more_than_four_modalities_each_comes_first_once():
    names = ["a", "b", "c", "d", "e"]
    present = {name: np.arange(20) % 7 != place for place, name in enumerate(names)}
    rules = contest([1] * 20, present, **{name: [1] * 20 for name in names}).rules()
    assert [rule[0] for rule in rules] == names
    assert rules.keys() >= {("a", "b"), ("e", "a")}
    four = {name: present[name] for name in names[:4]}
    assert len(contest([1] * 20, four, **{name: [1] * 20 for name in names[:4]}).rules()) == 12  # of 24, the pairs


def test_where_no_modality_is_there_the_first_says_its_prior():
    none = {"image": [False], "audio": [False]}
    found = contest([1], none, image=[1], audio=[0]).rules()
    assert {rule: said[0, 0] for rule, said in found.items()} == {("image",): 1.0, ("audio",): 0.0}


def test_combining_must_beat_a_spare_wheel_and_not_the_prior():
    half = np.arange(100) < 50
    image, audio = half, ~half  # each is right where it is there, and says the prior elsewhere
    found = verdict([True] * 100, present={"image": half, "audio": ~half}, image=image, audio=audio)
    assert found.toughest.rule == ("image", "audio")
    assert (found.toughest.value, found.toughest.difference.value) == (1.0, 0.0)
    assert found.code == "cannot_tell"
    assert found.fills_holes.rows == 50
    assert found.fills_holes.value == 0.5


# -- codes ------------------------------------------------------------------------------------------------------------


def test_helps_only_where_every_opponent_is_beaten():
    right = np.ones(200, bool)
    better, level = np.arange(200) >= 20, np.arange(200) != 0
    assert verdict(right, image=better).code == "helps"
    found = verdict(right, image=better, audio=level)
    assert found.toughest.rule == ("audio",)
    assert found.code == "cannot_tell"
    found = verdict(right, image=better, audio=np.arange(200) >= 12)
    assert found.code == "helps"
    assert found.p == max(one.difference.p for one in found.opponents)
    assert found.to_json()["difference"]["value"] == pytest.approx(0.06)


def test_hurts_where_an_opponent_is_ahead_by_more_than_their_number_explains():
    fused = np.arange(200) >= 8
    found = verdict(fused, image=np.ones(200, bool))
    assert (found.code, found.p) == ("hurts", pytest.approx(2 / 2**8 / 2))
    three = verdict(np.arange(200) >= 6, image=[1] * 200, audio=[0] * 200, text=[0] * 200)
    assert three.code == "hurts"
    assert three.p == pytest.approx(3 / 2**6)
    many = {name: [0] * 200 for name in ("audio", "text", "table")}
    assert verdict(np.arange(200) >= 6, image=[1] * 200, **many).code == "cannot_tell"  # 4 · 1 / 64 is above .05


def test_equal_where_every_interval_lies_within_the_margin():
    same = np.arange(400) % 10 > 0
    assert verdict(same, image=same).code == "equal"  # ±3.84 / 403.84 is within 2 points
    assert verdict(same[:150], image=same[:150]).code == "cannot_tell"
    assert verdict(same[:150], image=same[:150], margin=0.05).code == "equal"
    assert verdict(same, image=same, audio=np.roll(same, 1), margin=0.02).code == "cannot_tell"


def test_a_sure_gain_within_the_margin_helps_and_says_so():
    found = verdict(np.ones(2000, bool), image=np.arange(2000) >= 12)
    assert found.code == "helps"
    assert found.sentence().startswith("Combining helps by less than the margin of 2 points: both is right in ")


def test_groups_are_flipped_as_groups_and_few_are_not_tested():
    worse = np.arange(120) >= 30
    found = verdict(np.ones(120, bool), groups=np.arange(120) // 10, image=worse)
    assert found.p == pytest.approx(1 / 2**3)  # three groups differ
    assert found.code == "cannot_tell"
    assert found.to_json()["test"] == {"rows": 120, "groups": 12, "hash": ""}
    few = verdict(np.ones(120, bool), groups=np.arange(120) // 30, image=worse)
    assert few.sentence() == (
        "Not tested whether combining helps: the test rows are of 4 groups, and it takes 6; --folds 5 tests on all "
        "groups."
    )
    one = verdict(np.ones(120, bool), groups=np.zeros(120, int), image=worse)
    assert "the test rows are of one group, and it takes 6" in one.sentence()


def test_what_could_not_be_tested_has_no_numbers():
    found = verdict([True] * 29, image=[False] * 29).to_json()
    assert found["sentence"] == (
        "Not tested whether combining helps: there are 29 test rows with a label, and it takes 30."
    )
    assert list(found) == KEYS
    assert found["opponents"] == []
    for key in ("value", "p", "visible", "margin"):
        assert found[key] is None
    assert found["difference"] == {"value": None, "low": None, "high": None}
    assert verdict([], image=[]).reason == NO_TEST_ROWS
    flat = Contest(
        Side("both", np.ones(40), [1] * 40), {"a": Side("a", np.ones(40), [1] * 40)}, Yardstick("r2", np.ones(40))
    )
    assert judge(flat, np.random.default_rng(0)).reason == NO_SPREAD


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (ONE_MODALITY, "Not tested whether combining helps: there is only one modality."),
        (NO_FUSED, "Not tested whether combining helps: the time limit left no fused candidate."),
    ],
)
def test_not_tested_gives_its_reason(reason, sentence):
    found = not_tested(reason, shipped="image").to_json()
    assert (found["sentence"], found["code"], found["shipped"], found["fused"]) == (
        sentence,
        "not_tested",
        "image",
        None,
    )
    assert list(found) == KEYS
    json.dumps(found, allow_nan=False)


# -- sentences --------------------------------------------------------------------------------------------------------


def opponent(rule, value, *difference) -> Opponent:
    return Opponent(rule, value, Difference(*difference))


HELPS = Verdict(
    "joint",
    "joint",
    metric="accuracy",
    value=0.967,
    opponents=(
        opponent(("text", "audio", "image"), 0.907, 0.06, 0.013, 0.108, 0.033),
        opponent(("image", "audio"), 0.7, 0.267, 0.2, 0.3, 0.001),
    ),
    fills_holes=Gain(40, 0.235, 0.2, 0.3),
    rows=150,
    groups=47,
)


TEXT = ("text",)
TOLD = "of 150 test rows, text alone in"
SIX = opponent(TEXT, 0.907, 0.06, 0.013, 0.108, 0.033)
OPEN = opponent(TEXT, 0.947, 0.02, -0.03, 0.07, 0.41)
BEHIND = (
    opponent(TEXT, 1.0, -0.033, -0.06, -0.01, 0.002),
    opponent(("image", "text"), 0.99, -0.023, -0.05, 0.01, 0.1),
)
# what is known, and the sentence word for word. Without groups, holes or several splits, if nothing else is said
SENTENCES = {
    "helps": (
        {"shipped": "SVM (text)", "opponents": (SIX,)},
        f"Combining helps: joint is right in 96.7 % {TOLD} 90.7 %: 6.0 points more (95 % interval 1.3 to 10.8, "
        "p = 0.033). The model that answers from here on is SVM (text).",
    ),
    "helps within the margin": (
        {"opponents": (opponent(TEXT, 0.961, 0.006, 0.003, 0.01, 0.0004),), "rows": 20_000},
        "Combining helps by less than the margin of 2 points: joint is right in 96.7 % of 20,000 test rows, text alone "
        "in 96.1 %: 0.6 points more (95 % interval 0.3 to 1.0, p < 0.001).",
    ),
    "a difference that p says is there is not rounded to none": (
        {"opponents": (opponent(TEXT, 0.9666, 0.0004, 0.0001, 0.0007, 0.01),), "rows": 200_000},
        "Combining helps by less than the margin of 2 points: joint is right in 96.7 % of 200,000 test rows, text "
        "alone in 96.7 %: 0.04 points more (95 % interval 0.01 to 0.1, p = 0.010).",
    ),
    "helps in most splits": (
        {"opponents": (SIX,), "splits": {"cannot_tell": 1, "helps": 2}},
        "Combining helps. Of 3 splits, combining helps in 2, the rows cannot tell in 1; in that of the median p, joint "
        f"is right in 96.7 % {TOLD} 90.7 %: 6.0 points more (95 % interval 1.3 to 10.8, p = 0.033).",
    ),
    "helps in all splits": (
        {"opponents": (SIX,), "splits": {"helps": 3}},
        f"Combining helps, in all 3 splits. In that of the median p, joint is right in 96.7 % {TOLD} 90.7 %: 6.0 "
        "points more (95 % interval 1.3 to 10.8, p = 0.033).",
    ),
    "holes": (
        {"opponents": (SIX,), "fills_holes": Gain(1, -0.007, -0.02, 0.01)},
        f"Combining helps: joint is right in 96.7 % {TOLD} 90.7 %: 6.0 points more (95 % interval 1.3 to 10.8, "
        "p = 0.033). Taking another modality on the row without text costs 0.7 points by itself.",
    ),
    "hurts": (
        {"opponents": BEHIND, "groups": 47},
        "Combining hurts: joint is right in 96.7 % of 150 test rows of 47 groups, text alone in 100 %: 3.3 points less "
        "(95 % interval 1.0 to 6.0, p = 0.004, corrected for 2 comparisons).",
    ),
    "the opponent that is surest ahead is named": (
        {"opponents": (BEHIND[0], opponent(("image", "text"), 0.99, -0.023, -0.04, -0.006, 0.001))},
        "Combining hurts: joint is right in 96.7 % of 150 test rows, a rule that uses one modality a row (image, else "
        "text) in 99.0 %: 2.3 points less (95 % interval 0.6 to 4.0, p = 0.002, corrected for 2 comparisons).",
    ),
    "equal": (
        {"opponents": (opponent(TEXT, 0.967, 0.0, -0.009, 0.009, 1.0),), "repeats": 2},
        "Combining makes no difference that matters: joint is right in 96.7 % of 150 rows, each left out twice, text "
        "alone in 96.7 %: no difference (95 % interval −0.9 to 0.9, p = 1.00), within the margin of 2 points.",
    ),
    "cannot tell": (
        {"opponents": (OPEN,)},
        f"These rows cannot tell whether combining helps: joint is right in 96.7 % {TOLD} 94.7 %: 2.0 points more (95 "
        "% interval −3.0 to 7.0, p = 0.41). In 4 of 5 cases they would have shown a difference of 7.1 points; about "
        "310 test rows would show 5.",
    ),
    "cannot tell in most splits": (
        {"opponents": (OPEN,), "splits": {"helps": 4, "cannot_tell": 6}, "groups": 47},
        "These rows cannot tell whether combining helps. Of 10 splits, the rows cannot tell in 6, combining helps in "
        "4; in that of the median p, joint is right in 96.7 % of 150 test rows of 47 groups, text alone in 94.7 %: 2.0 "
        "points more (95 % interval −3.0 to 7.0, p = 0.41). In 4 of 5 cases they would have shown a difference of 7.1 "
        "points; about 310 test rows of 98 groups would show 5.",
    ),
    "cannot tell, and 5 points would have shown": (
        {"opponents": (opponent(TEXT, 0.948, 0.019, -0.001, 0.039, 0.06),), "rows": 900},
        "These rows cannot tell whether combining helps: joint is right in 96.7 % of 900 test rows, text alone in "
        "94.8 %: 1.9 points more (95 % interval −0.1 to 3.9, p = 0.060). In 4 of 5 cases they would have shown a "
        "difference of 2.9 points; about 1,900 test rows would show 2.",
    ),
    "cannot tell at all": (
        {"opponents": (opponent(TEXT, 0.867, 0.1, -1.0, 1.0, 0.5),), "rows": 40, "groups": 6, "repeats": 2},
        "These rows cannot tell whether combining helps: joint is right in 96.7 % of 40 rows of 6 groups, each left "
        "out twice, text alone in 86.7 %: 10.0 points more (95 % interval −100.0 to 100.0, p = 0.50). They are too few "
        "to show any difference; about 33,000 rows of 5,000 groups would show 5.",
    ),
    "r2": (
        {"metric": "r2", "value": 0.879, "opponents": (opponent(TEXT, 0.515, 0.364, 0.2, 0.5, 0.002),)},
        "Combining helps: joint reaches an R² of 0.879 on 150 test rows, text alone 0.515: 0.364 better (95 % interval "
        "0.200 to 0.500, p = 0.002).",
    ),
    "log loss": (
        {
            "metric": "log_loss",
            "value": 0.29,
            "margin": 0.014,
            "error": 0.69,
            "opponents": (opponent(TEXT, 0.31, 0.02, -0.03, 0.07, 0.41),),
        },
        "These rows cannot tell whether combining helps: joint reaches a log loss of 0.290 on 150 test rows, text "
        "alone 0.310: 0.020 better (95 % interval −0.030 to 0.070, p = 0.41). In 4 of 5 cases they would have shown a "
        "difference of 0.071; about 650 test rows would show 0.034.",
    ),
    "less, or more": (
        {"opponents": (opponent(TEXT, 0.98, -0.067, -0.248, 0.111, 0.6),)},
        f"These rows cannot tell whether combining helps: joint is right in 96.7 % {TOLD} 98.0 %: 6.7 points less "
        "(95 % interval 24.8 less to 11.1 more, p = 0.60). In 4 of 5 cases they would have shown a difference of 26 "
        "points; about 4,000 test rows would show 5.",
    ),
    "word errors": (
        {"metric": "wer", "value": 0.2, "opponents": (opponent(TEXT, 0.12, -0.08, -0.1, -0.03, 0.001),)},
        "Combining hurts: joint reaches a WER of 20.0 % on 150 test rows, text alone 12.0 %: 8.0 points "
        "worse (95 % interval 3.0 to 10.0, p = 0.001).",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences_word_for_word(name):
    facts, sentence = SENTENCES[name]
    found = replace(HELPS, **{"fills_holes": Gain(), "groups": 0, **facts})
    assert found.sentence() == sentence


def test_the_whole_sentence_of_rules_groups_and_holes():
    assert HELPS.sentence() == (
        "Combining helps: joint is right in 96.7 % of 150 test rows of 47 groups, the best rule that uses one modality "
        "a row (text, else audio, else image) in 90.7 %: 6.0 points more (95 % interval 1.3 to 10.8, p = 0.033). "
        "Taking another modality on the 40 rows without text brings 23.5 points by itself."
    )


def test_what_would_have_shown_and_the_rows_for_it():
    found = replace(HELPS, opponents=(OPEN,))
    assert found.visible == pytest.approx(2.8 * 10 / 3.92)
    assert found.rows_for == {"5": 310}
    near = replace(HELPS, opponents=(opponent(TEXT, 0.948, 0.019, -0.001, 0.039, 0.06),), margin=0.0)
    near = replace(near, fills_holes=Gain())
    assert near.sentence().endswith("In 4 of 5 cases they would have shown a difference of 2.9 points.")


def test_p_and_interval_say_no_more_than_the_code_where_opponents_are_many():
    behind = (
        opponent(("text",), 1.0, -0.033, -0.06, -0.002, 0.04),
        opponent(("image",), 0.99, -0.023, -0.05, 0.01, 0.1),
    )
    found = replace(HELPS, opponents=behind, fills_holes=Gain())
    assert (found.code, found.p) == ("cannot_tell", pytest.approx(0.08))
    assert "p = 0.080, corrected for 2 comparisons)" in found.sentence()
    assert found.to_json()["difference"]["high"] >= 0
    ahead = (
        opponent(("text",), 0.95, 0.017, 0.001, 0.03, 0.03),
        opponent(("image",), 0.9, 0.067, -0.01, 0.14, 0.09),
    )
    found = replace(HELPS, opponents=ahead, fills_holes=Gain())
    assert (found.code, found.p) == ("cannot_tell", 0.09)
    assert found.to_json()["difference"]["low"] <= 0


def test_a_p_beside_the_level_is_said_on_its_side():
    near = replace(HELPS, opponents=(opponent(("text",), 0.907, 0.06, 0.0, 0.1, 0.0496),))
    assert near.code == "helps"
    assert "p = 0.0496" in near.sentence()
    apart = replace(HELPS, opponents=(opponent(("text",), 0.907, 0.06, 0.0003, 0.1, 0.0496),))
    assert "(95 % interval 0.03 to 10.0, p = 0.0496)" in apart.sentence()  # not 0.0, which would be no difference
    beyond = replace(HELPS, opponents=(opponent(("text",), 0.907, 0.06, -0.001, 0.1, 0.05004),))
    assert beyond.code == "cannot_tell"
    assert "p = 0.05004" in beyond.sentence()


def test_rounded_up_to_two_digits():
    assert [round_up(v) for v in (7, 63, 481, 12_345)] == [7, 63, 490, 13_000]


def test_the_form_is_json_and_says_what_it_compared():
    found = verdict(np.ones(60, bool), image=np.arange(60) >= 20, audio=np.arange(60) < 30).to_json()
    assert list(found) == KEYS
    json.dumps(found, allow_nan=False)
    assert found["single"] == {"rule": ["image"], "value": pytest.approx(40 / 60)}
    assert [one["rule"] for one in found["opponents"]] == [["image"], ["audio"]]
    assert list(found["opponents"][0]) == ["rule", "value", "p", "difference"]
    assert found["difference"] == found["opponents"][0]["difference"]
    assert found["complete"] == {"rows": 60, **found["difference"]}
