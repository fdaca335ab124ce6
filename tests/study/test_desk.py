"""Tries of classic learners as tasks: answered whole, by name, and the same in whatever process they run."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.files import Stages
from plait.models.classic import MajorityPredictor
from plait.models.learners import LEARNERS
from plait.study.budget import Budget
from plait.study.desk import Desk, Held, Trial, ask_try, ask_turn, learn
from plait.study.search import Search
from searches import search_words, take_quick_learners
from travelling import Travelling


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


@pytest.mark.parametrize(
    ("best", "tried"), [(0.03, [0.3, 1.0, 0.1, 0.03]), (0.3, [0.3, 1.0, 0.1]), (10.0, [0.3, 1.0, 3.0, 10.0, 30.0])]
)
def test_the_way_to_the_best_is_short(best: float, tried: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    search, asked = search_words(("classic",)), list[float]()

    def hold_out(self: Desk, fit: Any, budget: Budget, rival: Any) -> Held:
        asked.append(fit.args[0])
        return Held(MajorityPredictor(search.labels.prior, names=("text",)), np.full((12, 2), 0.5), None)

    monkeypatch.setattr(Desk, "hold_out", hold_out)
    monkeypatch.setattr(Desk, "loss_of", lambda self, held: abs(np.log(asked[-1] / best)))
    held = search.classic.desk.try_letters("text as letters", Budget(), None)
    assert asked == tried
    assert held is not None
    assert held.strength == best


def run_words(runner: Any = None, **options: Any) -> Search:
    search = search_words(("classic", "late"), choose="ensemble", **options)
    if runner is not None:
        search.study.job.runner = runner
    search.run()
    return search


def said_by(search: Search) -> list[tuple[Any, ...]]:
    told = ((c.name, c.pooled, c.hidden) for c in search.study.candidates)
    return [(name, *(None if x is None else x.tolist() for x in arrays)) for name, *arrays in told]


@pytest.fixture(scope="module")
def whole() -> Search:
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        return run_words()


@pytest.mark.usefixtures("quick")
def test_what_travels_to_another_process_learns_the_same_to_the_last_bit(whole: Search) -> None:
    assert said_by(run_words(Travelling())) == said_by(whole)


@pytest.mark.usefixtures("quick")
def test_a_fit_that_was_killed_repeats_no_try_that_had_ended(whole: Search, tmp_path: Path) -> None:
    first, second = Travelling(), Travelling()
    run_words(first, stages=Stages(tmp_path))
    again = run_words(second, stages=Stages(tmp_path))
    assert said_by(again) == said_by(whole)
    assert first.tasks > len(LEARNERS["classification"])
    assert second.tasks == 0


@pytest.mark.usefixtures("quick")
def test_turns_of_a_try_are_tasks_and_none_that_had_ended_is_repeated(whole: Search, tmp_path: Path) -> None:
    first, second = Travelling(), Travelling()
    stages = Stages(tmp_path)
    search = run_words(first, stages=stages)
    assert search.deal is not None
    turns = len(search.deal.turns)
    assert turns > 1
    trial = next(iter(search.classic._tries.values()))[0]
    for name in (trial.name, f"{trial.name} turn 1"):
        stages._path(name).with_suffix(".json").unlink()
    again = run_words(second, stages=Stages(tmp_path))
    assert said_by(again) == said_by(whole)
    assert first.tasks > turns * len(LEARNERS["classification"])
    assert second.tasks == 1


@pytest.mark.usefixtures("quick")
def test_a_fit_that_goes_on_in_this_process_learns_no_turn_again(
    whole: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages, learned, fit = Stages(tmp_path), list[str](), Desk.fit
    search = run_words(Travelling(), stages=stages)
    trial, other = (trial for trial, _ in [*search.classic._tries.values()][:2])
    for name in (trial.name, f"{trial.name} turn 1", other.name):
        stages._path(name).with_suffix(".json").unlink()

    def note(self: Desk, trial: Trial, *given: Any, **more: Any) -> Any:
        learned.append(trial.name)
        return fit(self, trial, *given, **more)

    monkeypatch.setattr(Desk, "fit", note)
    again = run_words(stages=Stages(tmp_path))
    assert learned == [trial.name]
    assert said_by(again) == said_by(whole)


def test_turns_join_to_what_a_whole_try_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = search_words(("classic",), choose="ensemble").classic.desk
    assert desk.deal is not None
    trial = Trial("logistic regression", 0, ("text", "tabular"))
    turns = [learn(desk, ask_turn(trial, number)) for number in range(len(desk.deal.turns))]
    for rival in (None, np.full(len(desk.deal.rows), 9.0)):
        whole, joined = learn(desk, ask_try(trial, np.inf, rival)), desk.join(trial, turns, rival)
        assert joined["said"].tolist() == whole["said"].tolist()
        assert joined["hidden"].tolist() == whole["hidden"].tolist()
        assert joined["parts"] == whole["parts"]
        assert joined["strength"] is whole["strength"] is None
    monkeypatch.setattr("plait.study.desk.is_behind", lambda ours, theirs: bool(ours.mean() > theirs.mean()))
    best = np.zeros(len(desk.deal.rows))
    assert learn(desk, ask_try(trial, np.inf, best))["given_up"]
    assert desk.join(trial, turns[:1], best) == {"given_up": True}
    late = desk.join(trial, [{"lacking": "too few"}, *turns[1:]], None)
    held = desk.deal.places(desk.deal.turns[0][1])
    assert late["said"][held].tolist() == [desk.labels.prior.tolist()] * len(held)
    assert desk.join(trial, [{"lacking": "too few"}] * len(turns), None) == {"lacking": "too few"}


def test_who_learned_without_a_row_answers_it_with_each_set_of_modalities() -> None:
    desk = search_words(("classic",), choose="ensemble").classic.desk
    assert desk.deal is not None
    trial = Trial("logistic regression", 0, ("text", "tabular"))
    hidden = learn(desk, ask_try(trial, np.inf, None))["hidden"]
    assert desk.sets_of(trial) == [("text",), ("tabular",), ("text", "tabular")]
    assert hidden.shape == (3, 36, 2)
    assert desk.deal.asked.tolist() == list(range(36))
    for (learned, held), seen in zip(desk.deal.turns, desk.turns, strict=True):
        features = {name: seen.features[name][held] for name in trial.inputs}
        predictor = desk.fit(trial, learned, seen=seen)
        for said, name in zip(hidden, ("text", "tabular"), strict=False):
            blank = {other: x if other == name else np.full_like(x, np.nan) for other, x in features.items()}
            assert said[held] == pytest.approx(predictor.from_features(blank), abs=1e-6)
        assert hidden[2][held] == pytest.approx(seen.answer(predictor, held), abs=1e-6)
    assert desk.sets_of(Trial("logistic regression", 0, ("text",))) == []
    assert search_words(("classic",)).classic.desk.sets_of(trial) == []  # of validation alone it is asked later


def test_a_try_says_why_there_is_nothing() -> None:
    desk = search_words(("classic",)).classic.desk
    desk.labels.codes[:] = 0
    answer = learn(desk, ask_try(Trial("logistic regression", 0, ("text",)), np.inf, None))
    assert answer == {"lacking": "the training rows that have text are of one class; expected two or more."}
