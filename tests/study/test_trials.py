"""Classic learners among the candidates: which are tried, in which order, and what is held out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plait.core.contract import Modality, second_name
from plait.data.read import read
from plait.kinds import TEXT
from plait.kinds.detect import detect
from plait.models.learners import LEARNERS
from plait.models.rows import Prepared
from plait.models.sparse import STRENGTHS
from plait.models.views import View
from plait.study.candidate import Candidate
from plait.study.desk import Desk, Trial
from plait.study.search import Search, answer_rows
from plait.study.trials import ClassicTrials
from searches import draw_blocks, make_search, make_study, prepare_all, search_words, split_of, take_quick_learners


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


def named(search: Search, name: str) -> Candidate:
    return next(c for c in search.study.candidates if c.name == name)


@pytest.mark.usefixtures("quick")
def test_the_further_settings_of_one_modality_go_round_its_modalities() -> None:
    """With late fusion there are more of several than of one; without a second learner that shows at once."""
    search = make_search(draw_blocks(90), split_of(60, 30), ("classic", "late"))
    search.run()
    assert search.trials == {"single": 6, "fused": 6}
    names = [c.name for c in search.study.candidates[-2:]]
    assert names == ["logistic regression, C 1.0 (a)", "logistic regression, C 1.0 (b)"]


def test_an_svm_is_not_tried_in_folds_of_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    search = make_search(draw_blocks(90), split_of(60, 30), ("classic",), choose="ensemble")
    assert "SVM" in search.classic.learners
    monkeypatch.setattr("plait.study.trials.SVM_ROWS", 80)
    assert "SVM" not in search.classic.learners
    assert "SVM" in make_search(draw_blocks(90), split_of(60, 30), ("classic",)).classic.learners


@pytest.mark.parametrize(("choose", "grown"), [("ensemble", [["tabular"], ["text", "tabular"]]), ("simple", None)])
def test_no_trees_are_grown_on_texts_alone_in_folds(choose: str, grown: list[list[str]] | None) -> None:
    search = search_words(("classic",), choose=choose)
    every = [["text"], ["tabular"], ["text", "tabular"]]
    for learner in ("gradient boosting", "random forest"):
        tried = [names for names in every if search.classic.trial_of(learner, 0, names) is not None]
        assert tried == (grown or every)
    assert search.classic.trial_of("logistic regression", 0, ["text"]) is not None


def test_trees_come_last_among_further_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    search, asked = make_search(draw_blocks(90), split_of(60, 30), ("classic",)), list[str]()
    monkeypatch.setattr(ClassicTrials, "counts", property(lambda self: {"single": len(asked), "fused": 60}))
    monkeypatch.setattr(ClassicTrials, "try_wave", lambda self, trials: asked.extend(t.learner for t in trials))
    search.classic.level()
    trees = [learner in ("random forest", "gradient boosting") for learner in asked]
    assert trees == sorted(trees)
    assert True in trees


def test_the_rival_of_a_row_as_text_looks_at_the_same_in_whatever_order() -> None:
    search = search_words(("classic",), choose="ensemble")
    trials, (text, table) = search.classic, search.study.prepared.names
    trials.try_learner("logistic regression", 0, [table, text])
    (rival,) = search.study.candidates
    written = second_name(table, "as text")
    told = [Trial("logistic regression", 0, names) for names in ((text, written), (table, text), (text,))]
    losses = search.labels.losses(rival.pooled, trials.deal.rows)
    found = [trials._rival_of(trial) for trial in told]
    assert [one is not None for one in found] == [True, True, False]
    assert np.array_equal(found[0], losses)


def test_a_text_beside_is_learned_alone_and_with_the_rest_and_never_glued_to_its_words() -> None:
    note, sound = Modality("note", "text", ("note",)), Modality("sound", "audio", ("sound",))
    views = [View(one, None, one.name) for one in (note, sound)]
    views += [replace(view, encoder=encoder, how="beside") for view, encoder in zip(views, "sa", strict=True)]
    study = SimpleNamespace(labels=None, prepared=Prepared(views, {}, {}, []))
    trials: Any = ClassicTrials(study)  # type: ignore[arg-type]
    read, heard = views[2].name, views[3].name
    trials.deal = None  # an ensemble is not asked for
    assert trials._groups_beside() == []
    trials.deal = object()
    assert trials._groups_beside() == [[read], [read, "sound"]]
    assert (trials._glued("note"), trials._glued("sound")) == ([], [heard])


def test_a_table_is_learned_with_a_score_of_what_lies_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sentences stand for pictures here: they are as dense, once they are brought down."""
    search = search_words(("classic",), choose="ensemble")
    trials, study = search.classic, search.study
    trials.try_scores()
    assert study.candidates == []  # there is no picture
    assert trials.seen.features["text"].shape[0] == 36
    monkeypatch.setattr("plait.study.trials.IMAGE", TEXT)
    (view,) = (view for view in study.prepared.views if view.name == "text")
    monkeypatch.setattr(view, "frozen", object())
    monkeypatch.setattr(type(trials), "turns", [trials.seen] * 5)
    monkeypatch.setattr("plait.study.trials.BOOSTING", "random forest")  # which is quicker here
    trials.try_scores()
    names = ["random forest (tabular + score of text)", "logistic regression with bins (tabular + score of text)"]
    assert [c.name for c in study.candidates] == names
    assert study.candidates[0].names == ["text", "tabular"]
    assert study.candidates[0].pooled is not None
    assert study.candidates[0].pooled.shape == (36, 2)


@pytest.mark.parametrize(("num", "grown"), [(29, {"random forest", "gradient boosting"}), (30, set())])
def test_of_many_labels_none_grows_trees(num: int, grown: set[str]) -> None:
    labels = SimpleNamespace(classes=[f"label {place}" for place in range(num)], sets=np.zeros((2, num)))
    learners = ClassicTrials.learners.fget(SimpleNamespace(labels=labels, deal=None))  # type: ignore[attr-defined]
    assert {*learners} == {"logistic regression", "logistic regression with bins"} | grown


# words and letters


@pytest.mark.usefixtures("quick")
def test_a_text_is_learned_by_its_letters_as_strictly_as_rows_held_out_agree() -> None:
    search = search_words(("classic",))
    search.run()
    learned = named(search, "words and letters (text)")
    assert (learned.family, learned.names) == ("classic", ["text"])
    assert learned.recipe in {f"C {strength:g}" for strength in STRENGTHS}
    rows = np.arange(36)
    assert learned.fit is not None
    again = learned.fit(search.study.train)
    assert (
        again(search.study.prepared.batch(rows)).tolist()
        == answer_rows(learned.predictor, search.study.prepared, rows).tolist()
    )


@pytest.mark.usefixtures("quick")
def test_by_folds_no_learner_of_letters_has_seen_the_row_that_it_answers() -> None:
    search = search_words(("classic",), choose="ensemble")
    winner = search.run()
    learned = named(search, "words and letters (text)")
    assert learned.pooled is not None
    assert learned.pooled.shape == (36, 2)
    assert "text" in winner.names


def test_a_skewed_target_is_learned_as_it_is_and_as_its_logarithm(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("ridge regression", "gradient boosting", "ridge regression with bins")
    monkeypatch.setitem(LEARNERS, "regression", {name: LEARNERS["regression"][name] for name in few})
    v = np.random.default_rng(0).normal(size=120)
    table = read({"v": v.tolist(), "y": np.exp(5 + v).tolist()})
    schema = detect(table, target="y", kinds={"v": "number"})
    split = split_of(80, 40)
    study = make_study(
        table, schema, prepare_all(table, schema, np.arange(80)), split, candidates=["classic"], choose="ensemble"
    )
    search = Search(study)
    search.run()
    names = [c.name.partition(" (")[0] for c in study.candidates]
    learner = "ridge regression with bins"
    twice = [f"{name}{end}" for name in ("gradient boosting", learner) for end in ("", ", of the number")]
    assert names[:6] == ["mean", "ridge regression", *twice]
    losses = {name: c.loss for name, c in zip(names, study.candidates, strict=True)}
    assert losses[learner] < losses[f"{learner}, of the number"]
    said = next(c for c in study.candidates if c.name.startswith("gradient boosting ("))
    assert said.fit is not None
    assert said.fit(np.arange(120)).lift == said.predictor.lift > 0.0  # as rows said that were held out


def test_many_rows_of_a_table_are_boosted_quickly_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    few = ("logistic regression", "gradient boosting", "nearest neighbours", "logistic regression with bins")
    monkeypatch.setitem(LEARNERS, "classification", {name: LEARNERS["classification"][name] for name in few})
    monkeypatch.setattr("plait.study.ensemble.MOST", 50)  # rows above which validation alone is held out
    monkeypatch.setattr("plait.study.trials.NEAR_ROWS", 60)
    monkeypatch.setattr("plait.study.trials.FEWEST_WIDER", 60)
    search = make_search(draw_blocks(90, knows={"a": 1.0}), split_of(60, 30), ("classic",), choose="ensemble")
    search.run()
    names = [c.name.partition(" (")[0] for c in search.study.candidates if c.family == "classic"]
    assert names == [
        "gradient boosting, max_leaf_nodes 31, learning_rate 0.1, early_stopping False",
        "logistic regression with bins",
        "gradient boosting",
        "logistic regression",
        "logistic regression, C 100.0",
        "gradient boosting, max_leaf_nodes 31, max_features 0.5",
    ]


@pytest.mark.parametrize(("target", "last"), [("number", ("gradient boosting", 4)), ("class", ("random forest", 0))])
def test_numbers_of_few_rows_of_a_table_are_boosted_once_more(target: str, last: tuple[str, int]) -> None:
    v = np.arange(30) / 7
    y = v.tolist() if target == "number" else [f"class {k % 2}" for k in range(30)]
    table = read({"v": v[::-1].tolist(), "y": y})
    schema = detect(table, target="y", kinds={"v": "number", "y": "number" if target == "number" else "category"})
    views = prepare_all(table, schema, np.arange(20))
    study = make_study(table, schema, views, split_of(20, 10), candidates=["classic"], choose="ensemble")
    assert [(trial.learner, trial.setting) for trial in Search(study).classic._list_waves()[-1]][-1] == last


class Elsewhere:
    """A runner that notes what is asked for, and answers with what was asked; beside: how many tasks side by side."""

    engine = "local"

    def __init__(self, beside: int = 1) -> None:
        self.beside, self.asked, self.interrupted = beside, list[Any](), False

    def room(self) -> int:
        return self.beside

    def map(self, work: str, requests: Any, *, setup: Any = None) -> Iterator[dict[str, Any]]:
        first = next(requests)  # begins at once, as others do
        self.asked.append(first)
        return self._results(first, requests)

    def _results(self, first: Any, requests: Any) -> Iterator[dict[str, Any]]:
        yield {"said": first}
        if self.interrupted:
            raise KeyboardInterrupt
        for one in requests:
            self.asked.append(one)
            yield {"said": one}


@pytest.fixture
def trials(monkeypatch: pytest.MonkeyPatch) -> ClassicTrials:
    """Of three turns; the first of a try named "worse" is behind its rival."""
    monkeypatch.setattr(Desk, "is_behind", lambda self, turn, answer, rival: answer["said"]["trial"] == "worse")
    monkeypatch.setattr(Desk, "join", lambda self, trial, answers, rival: [one["said"]["turn"] for one in answers])
    monkeypatch.setattr("plait.study.trials.ask_turn", lambda trial, turn: {"trial": trial.learner, "turn": turn})
    monkeypatch.setattr("plait.study.trials.ask_rows", lambda trial, rows, strength: {"rows": trial.learner})
    monkeypatch.setattr("plait.study.trials.read_predictor", lambda answer, several: answer["said"]["rows"])
    trials = search_words(("classic",), choose="ensemble").classic
    deal = SimpleNamespace(turns=[()] * 3)
    vars(trials).update(deal=deal, desk=Desk(*[None] * 6), setup={})  # type: ignore[arg-type]
    return trials


@pytest.mark.parametrize(
    ("room", "held", "asked", "told"),
    [
        (2, ["worse", "b"], ["a0", "a1", "a2", "worse0", "b0", "b1", "b2"], [[0, 1, 2], [0], [0, 1, 2]]),
        (2, ["worse"], ["a0", "a1", "a2", "worse0", "worse1", "b0", "b1", "b2"], [[0, 1, 2], [0, 1], [0, 1, 2]]),
        (8, ["b"], [f"{name}{turn}" for name in ("a", "worse", "b") for turn in range(3)], [[0, 1, 2]] * 3),
    ],
)
def test_turns_after_the_first_are_asked_for_as_soon_as_it_is_not_behind(
    trials: ClassicTrials, room: int, held: Sequence[str], asked: list[str], told: list[list[int]]
) -> None:
    runner = vars(trials)["runner"] = Elsewhere(room)
    tries = [Trial(name, 0, ("text",)) for name in ("a", "worse", "b")]
    rivals = {trial: np.zeros(1) if trial.learner in held else None for trial in tries}
    assert [*trials._ask_turns(tries, rivals)] == told
    assert sorted(f"{one['trial']}{one['turn']}" for one in runner.asked) == sorted(asked)


def test_what_learns_rows_is_asked_for_once_and_again_where_it_was_interrupted(trials: ClassicTrials) -> None:
    runner, rows = Elsewhere(), np.arange(3)
    vars(trials)["runner"] = runner
    tries = {str(number): (Trial(name, 0, ("text",)), None) for number, name in enumerate("abc")}
    candidates: list[Any] = [type("", (), {"seconds": seconds})() for seconds in (1, 3, 2)]
    trials._tries = dict(zip(candidates, tries.values(), strict=True))
    trials.learn_all(candidates, rows)
    trials.learn_all(candidates, rows)
    assert runner.asked == [{"rows": "b"}]  # the longest, which has begun
    assert trials.learn_rows(*tries["0"], rows) == "a"
    assert trials.learn_rows(*tries["1"], rows) == "b"
    assert runner.asked == [{"rows": "b"}, {"rows": "c"}, {"rows": "a"}]
    trials.learn_all(candidates, rows)
    runner.interrupted = True
    with pytest.raises(KeyboardInterrupt):
        trials.learn_rows(*tries["0"], rows)
    assert [trials.learn_rows(*tries[name], rows) for name in "01"] == ["a", "b"]
