"""Cross-validation of a whole study: who is left out when, and what the pooled answers are judged as."""

from typing import Any

import numpy as np
import pytest

import plait
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds.detect import detect
from plait.proof.paired import Yardstick
from plait.proof.verdict import Contest, Verdict
from plait.proof.worth import say_tests
from plait.study.candidate import choose
from plait.study.folds import Pool, cross_validate
from plait.study.labels import hash_judged
from plait.study.search import Search
from searches import draw_blocks, make_job, make_search, modalities_of, take_quick_learners


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


class Folded:
    """What a cross-validation of a table asked for and found."""

    def __init__(self, columns: dict[str, Any], group: str | None = None, folds: int = 3) -> None:
        self.splits: list[np.ndarray] = []
        self.searches: list[Search] = []
        self.events: list[dict[str, Any]] = []
        table = read(columns)
        job = make_job(table, detect(table, target="y", group=group), folds=folds)
        job.callback = self.events.append
        assert job.labels is not None
        self.job, self.groups, self.codes = job, job.groups, job.labels.codes

        def make(split: np.ndarray) -> Search:
            self.splits.append(split.copy())
            self.searches.append(make_search(columns, split, ("classic",), group=group))
            return self.searches[-1]

        self.found = cross_validate(make, job)
        self.verdict = self.found["verdict"]


@pytest.fixture(scope="module")
def folded() -> Folded:
    """Sixty rows, four of them without a label; b is blank in a fifth."""
    columns = draw_blocks(60, holes=0.2)
    for row in (3, 20, 21, 50):
        columns["y"][row] = None
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        return Folded(columns)


def test_every_row_with_a_label_is_left_out_twice(folded: Folded) -> None:
    assert len(folded.splits) == 6
    counts = np.sum([split == "test" for split in folded.splits], axis=0)
    expected = np.full(60, 2)
    expected[[3, 20, 21, 50]] = 0
    assert counts.tolist() == expected.tolist()
    for repeat in (folded.splits[:3], folded.splits[3:]):
        assert np.sum([split == "test" for split in repeat], axis=0).max() == 1
    assert not np.array_equal(folded.splits[0], folded.splits[3])


def test_rows_that_are_tested_are_in_no_other_part(folded: Folded) -> None:
    for split, search in zip(folded.splits, folded.searches, strict=True):
        assert set(split.tolist()) == {"", "train", "val", "test"}
        assert (split == "").sum() == 4
        tests = np.flatnonzero(split == "test")
        assert not set(tests) & set(search.study.train)
        assert not set(tests) & set(search.study.val)
        # a fifth of the rest chooses
        assert len(search.study.val) == pytest.approx(0.2 * (56 - len(tests)), abs=1)


def test_folds_have_the_same_classes(folded: Folded) -> None:
    for split in folded.splits:
        tests = np.flatnonzero(split == "test")
        assert (folded.codes[tests] == 0).sum() == pytest.approx(len(tests) / 2, abs=1.5)


def test_the_scores_are_of_the_pooled_answers(folded: Folded) -> None:
    right = 0
    for split, search in zip(folded.splits, folded.searches, strict=True):
        tests = np.flatnonzero(split == "test")
        able = [c for c in search.study.candidates if c.names]
        winner = choose(able)
        right += int((search.look(winner).argmax(1) == search.labels.codes[tests]).sum())
    accuracy = folded.found["metrics"]["accuracy"]
    assert accuracy["value"] == pytest.approx(right / 112)
    assert accuracy["low"] < accuracy["value"] < accuracy["high"]
    assert {key: folded.found[key] for key in ("folds", "repeats", "rows")} == {"folds": 3, "repeats": 2, "rows": 56}


def test_the_score_is_split_over_the_answers_to_the_rows_left_out(folded: Folded) -> None:
    worth = folded.found["worth"]
    assert [worth[key] for key in ("metric", "rows", "of", "groups", "repeats")] == ["accuracy", 56, 56, None, 2]
    assert worth["value"] == pytest.approx(folded.found["metrics"]["accuracy"]["value"])
    total = sum(gain["value"] for gain in worth["modalities"].values())
    assert total == pytest.approx(worth["value"] - worth["prior"])
    assert say_tests(worth) == "56 rows, each left out twice"


def test_the_verdict_is_of_the_best_of_each_side_of_every_fold(folded: Folded) -> None:
    gain = 0.0
    for split, search in zip(folded.splits, folded.searches, strict=True):
        tests = np.flatnonzero(split == "test")
        truth = search.labels.codes[tests]
        winner = choose([c for c in search.study.candidates if c.names])
        fused = winner if len(winner.names) > 1 else search.fused
        assert fused is not None
        one, more = (search.look(c).argmax(1) == truth for c in (search.alone["a"], fused))
        gain += float(more.sum()) - float(one.sum())
    against = {tuple(o["rule"]): o["difference"]["value"] for o in folded.verdict["opponents"]}
    assert list(against) in ([("a",), ("b", "a")], [("b", "a"), ("a",)])  # b is missing in some rows
    assert against["a",] == pytest.approx(gain / 112)
    assert (folded.verdict["fused"], folded.verdict["metric"]) == ("the best fusion", "accuracy")
    judged = hash_judged(folded.job.table, np.flatnonzero(folded.codes >= 0))
    assert folded.verdict["test"] == {"rows": 56, "groups": None, "hash": judged}
    assert folded.verdict["adds"]["rows"] == 56
    assert folded.verdict["complete"]["rows"] < 56
    assert " of 56 rows, each left out twice, " in folded.verdict["sentence"]
    assert "test rows" not in folded.verdict["sentence"]


def test_progress_is_told(folded: Folded) -> None:
    assert folded.events[0] == {"stage": "folds", "done": 1, "total": 6}
    assert folded.events[-1] == {"stage": "folds", "done": 6, "total": 6}


@pytest.mark.heavy
def test_same_seed_same_verdict() -> None:
    columns = draw_blocks(40)
    assert Folded(columns, folds=2).found == Folded(columns, folds=2).found


def test_groups_stay_whole() -> None:
    columns = draw_blocks(60)
    columns["who"] = [f"speaker {row // 4}" for row in range(60)]
    folded = Folded(columns, "who")
    assert folded.groups is not None
    for split in folded.splits:
        for part in ("train", "val", "test"):
            others = set(folded.groups[split != part])
            assert not set(folded.groups[split == part]) & others
    assert folded.verdict["test"]["groups"] == 15
    assert " of 60 rows of 15 groups, each left out twice, " in folded.verdict["sentence"]


def test_too_few_groups_are_not_tested() -> None:
    columns = draw_blocks(40, knows={"a": 0.8, "b": 0.8})
    assert "groups" not in Folded(columns, folds=2).verdict["sentence"]
    columns["who"] = [f"speaker {row // 10}" for row in range(40)]
    assert Folded(columns, "who", folds=2).verdict["sentence"] == (
        "Not tested whether combining helps: the test rows are of 4 groups, and it takes 6."
    )


@pytest.mark.heavy
def test_repeats_do_not_make_the_test_surer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed to the test has one unit for each row, or for each group."""
    from plait.study import folds

    units: list[int] = []

    def judge(contest: Contest, *given: Any) -> Verdict:
        assert contest.yardstick.groups is not None
        units.append(len(set(contest.yardstick.groups.tolist())))
        return Verdict("the best fusion")

    monkeypatch.setattr(folds, "judge", judge)
    columns = draw_blocks(40)
    Folded(columns, folds=2)
    for num in (8, 20):
        columns["who"] = [f"speaker {row * num // 40}" for row in range(40)]
        Folded(columns, "who", folds=2)
    assert units == [40, 8, 20]


def test_folds_that_all_score_the_same_are_no_proof_of_it() -> None:
    pool = Pool(tests=[np.arange(20), np.arange(20, 40)], trained=[20, 20])
    yardstick = Yardstick("accuracy", np.array(["a", "b"] * 20), ["a", "b"])
    same = np.eye(2)[[0, 1] * 20]
    found = pool.compare(yardstick, np.random.default_rng(0))(same, same)
    assert (found.value, found.p) == (0, 1)
    assert found.low is not None
    assert found.low < -0.08  # as of 40 rows without folds


def test_one_modality_is_not_tested_and_still_scored() -> None:
    folded = Folded(draw_blocks(40, knows={"a": 2.0}), folds=2)
    assert folded.verdict["code"] == "not_tested"
    assert folded.verdict["sentence"] == "Not tested whether combining helps: there is only one modality."
    assert folded.found["metrics"]["accuracy"]["value"] > 0.7


def test_numbers_are_cross_validated_too() -> None:
    columns = draw_blocks(60)
    columns["y"] = (100 + 10 * np.add(columns["a0"], columns["b0"])).round(3).tolist()
    folded = Folded(columns, folds=4)
    assert folded.verdict["metric"] == "r2"
    assert folded.verdict["code"] == "helps"
    assert folded.found["metrics"]["r2"]["value"] > 0.3


# the option


def fit(columns: dict[str, Any], **options: Any) -> plait.Model:
    kinds = {name: "number" for name in columns if name[0] in "ab"}
    modalities = modalities_of({name: columns[name] for name in kinds})
    given = {"target": "y", "kinds": kinds, "modalities": modalities, "candidates": ["classic"]}
    return plait.fit(columns, **{**given, **options})


def test_folds_and_a_split_column_do_not_go_together() -> None:
    columns = {**draw_blocks(40), "part": ["train"] * 30 + ["test"] * 10}
    with pytest.raises(RequestError, match="folds draw the test rows, so no split column can be given with them"):
        fit(columns, folds=2, split="part")


def test_the_model_learns_from_all_rows_and_tells_the_score_of_the_folds() -> None:
    model = fit(draw_blocks(40), folds=2)
    assert model.facts["splits"]["test"] == 0
    assert model.facts["splits"]["train"] + model.facts["splits"]["val"] == 40
    assert model.facts["test"] is None
    assert model.study.verdict == model.facts["folds"]["verdict"]
    assert model.study.verdict["test"]["rows"] == 40
    assert all(c["test"] is None for c in model.study.candidates)
    told = model.summary()
    assert "On 40 rows, each left out twice in 2 folds, accuracy is " in told
    assert "There are no test rows" not in told
    assert model.study.verdict["sentence"] in told
