"""Which candidates there are, and that a killed study goes on as if it had not been killed."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from plait.core.contract import Schema, Table
from plait.core.files import Stages
from plait.data.read import read
from plait.kinds import KINDS
from plait.kinds.detect import detect
from plait.models.rows import Prepared, prepare
from plait.models.train import Lesson, Outcome
from plait.models.views import fit_views
from plait.study import training
from plait.study.budget import Budget
from plait.study.candidate import Candidate, choose
from plait.study.networks import Study, grown
from plait.study.plans import list_plans
from plait.study.training import Stage
from searches import make_study, split_of
from tiny import SENTENCES

SPLIT = split_of(16, 8)


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    table, schema = read_rows()
    return prepare(table, fit_views(table, schema, np.arange(16), {}, np.random.default_rng(0)))


def read_rows(target: str = "category", labels: list[Any] | None = None) -> tuple[Table, Schema]:
    num = 24
    table = read(
        {
            "note": [f"{SENTENCES[row % 2]} {row}" if row % 5 else "" for row in range(num)],
            "age": [float(row % 7 + 10 * (row % 2)) if row % 4 else None for row in range(num)],
            "y": labels or [row % 2 for row in range(num)],
        }
    )
    return table, detect(table, target="y", kinds={"note": "text", "age": "number", "y": target})


def study_of(prepared: Prepared, **options: Any) -> Study:
    return make_study(*read_rows(), prepared, SPLIT, **{"epochs": 2, "batch_size": 8, **options})


@pytest.fixture(scope="module")
def unbroken(prepared: Prepared) -> tuple[Study, Candidate]:
    study = study_of(prepared)
    return study, run_all(study)


def run_all(study: Study) -> Candidate:
    study.train_each()
    study.train_plans(list_plans(study.prepared.names), 2)
    return choose(study.candidates)


def test_every_modality_and_every_plan_is_tried_with_both_recipes(unbroken: tuple[Study, Candidate]) -> None:
    study, winner = unbroken
    tried = [(c.name, c.recipe) for c in study.candidates]
    assert tried[:2] == [("text", "alone"), ("tabular", "alone")]
    listed = list_plans(["text", "tabular"])
    assert tried[2:9] == [(plan, "alone then fused") for plan in listed]
    assert tried[9][1] == "fine-tuned"
    fused = sorted((c for c in study.candidates[2:9] if "vote" not in c.name), key=lambda c: c.loss)
    assert tried[10:] == [(c.name, "joint") for c in fused[:2]]
    assert winner in study.candidates
    assert all(len(c.losses) == 8 and c.answers.shape == (8, 2) for c in study.candidates)


def test_a_network_of_a_table_that_is_repeated_goes_on_gently_from_what_it_is(
    unbroken: tuple[Study, Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, stages = unbroken[0].alone["tabular"], list[Stage]()
    again = replace(unbroken[0], candidates=[], stages=Stages(), proven=unbroken[0])
    monkeypatch.setattr(before, "outcome", outcome_of(20, kept=13))
    monkeypatch.setattr(Study, "_train", lambda self, stage: stages.append(stage))
    again.train_alone("tabular")
    recipe, network = stages[0].recipe, stages[0].network
    assert (recipe.epochs, recipe.rate, recipe.warm, stages[0].epochs) == (4, 1e-3, 0.1, 4)
    assert network is not before.network
    assert all(torch.equal(x, y) for x, y in zip(network.parameters(), before.network.parameters(), strict=True))
    key = again._stage_key(stages[0])
    with torch.no_grad():
        next(network.parameters()).add_(1.0)
    assert again._stage_key(stages[0]) != key


def outcome_of(epochs: int, kept: int) -> Outcome:
    """Return an outcome of so many epochs, of which validation kept one."""
    history = [{"epoch": epoch, "val_loss": 1.0 + (epoch != kept)} for epoch in range(1, epochs + 1)]
    return Outcome(history, 1.0, stopped="early")


@pytest.mark.parametrize(
    ("how", "epochs", "kept", "taken"),
    [
        ("alone then fused", 5, 3, 3),
        ("alone then fused", 5, 0, 0),
        ("joint", 2, 1, 1),
        ("joint", 8, 8, 2),  # of more rows the recipe takes fewer
        ("joint", 8, 3, 1),
    ],
)
def test_a_network_that_is_repeated_takes_the_epochs_that_validation_found(
    unbroken: tuple[Study, Candidate], monkeypatch: pytest.MonkeyPatch, how: str, epochs: int, kept: int, taken: int
) -> None:
    before = next(c for c in unbroken[0].candidates if c.recipe == how)
    monkeypatch.setattr(before, "outcome", outcome_of(epochs, kept))
    monkeypatch.setattr(before, "taught", replace(before.taught, epochs=epochs))
    lessons = list[Lesson]()
    monkeypatch.setattr(training, "train", lambda lesson: lessons.append(lesson) or Outcome())
    again = replace(unbroken[0], candidates=[], stages=Stages(), proven=unbroken[0])
    again.alone = unbroken[0].alone
    found = again.repeat(before)
    assert (found is None) == (taken > 0)  # nothing was learned, and where nothing was to be, it is as it came
    usual = 5 if how == "alone then fused" else 2  # which are the epochs of so many rows
    assert (lessons[-1].name, lessons[-1].recipe.epochs) == (f"{before.plan} {how}", usual)
    assert (lessons[-1].epochs, lessons[-1].behind) == (taken, None)


@pytest.mark.parametrize(("loss", "vote", "then"), [(0.4, 0.5, ["tune", "joint"]), (0.5, 0.7, []), (0.4, 0.4, [])])
def test_who_is_wary_goes_on_where_a_plan_beats_each_modality_and_their_vote(
    loss: float, vote: float, then: list[str], prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, done = study_of(prepared), list[str]()
    study.alone = {"text": SimpleNamespace(loss=0.5), "tabular": SimpleNamespace(loss=0.6)}  # type: ignore[dict-item]
    losses = {f"parallel(text, tabular, by={by})": at for by, at in (("concat", loss), ("vote", vote))}
    made = {name: SimpleNamespace(name=name, plan=name, family="parallel", loss=at) for name, at in losses.items()}
    monkeypatch.setattr(Study, "train_fused", lambda self, plan, family="": made[plan])
    monkeypatch.setattr(Study, "fine_tune", lambda self, start: done.append("tune"))
    monkeypatch.setattr(Study, "train_joint", lambda self, *asked: done.append("joint"))
    study.train_plans(list(made), 1, wary=True)
    assert done == then
    study.train_plans(list(made), 1)
    assert done == [*then, "tune", "joint"]


@pytest.mark.parametrize(("lowest", "vote", "num"), [(0.5, 0.7, 2), (0.4, 0.4, 2), (0.4, 0.49, 7)])
def test_who_is_wary_tries_two_plans_before_the_others(
    lowest: float, vote: float, num: int, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, asked, losses = study_of(prepared), list[str](), {"concat)": lowest, "y=vote)": vote}
    study.alone = {"text": SimpleNamespace(loss=0.5), "tabular": SimpleNamespace(loss=0.6)}  # type: ignore[dict-item]

    def train(self: Study, plan: str) -> Any:
        asked.append(plan)
        return SimpleNamespace(name=plan, plan=plan, family="parallel", loss=losses.get(plan[-7:], 0.7))

    monkeypatch.setattr(Study, "train_fused", train)
    monkeypatch.setattr(Study, "fine_tune", lambda self, start: None)
    listed = list_plans(["text", "tabular"])
    study.train_plans(listed, 0, wary=True)
    assert (asked[:2], len(asked)) == (["parallel(text, tabular, by=concat)", "parallel(text, tabular, by=vote)"], num)
    assert sorted(asked) == sorted(listed if num > 2 else asked[:2])
    asked.clear()
    study.train_plans(listed, 0)
    assert asked == listed


@pytest.mark.parametrize(("limit", "given", "then"), [(600, False, ["joint"]), (600, True, ["tune", "joint"])])
def test_under_a_limit_what_goes_on_as_a_whole_is_not_tuned_as_well(
    limit: float, given: bool, then: list[str], prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, done = study_of(prepared, time_limit=limit), list[str]()
    study.budget = Budget.of(limit)
    monkeypatch.setattr("plait.study.networks.is_given_features", lambda kind: given)
    monkeypatch.setattr(Study, "train_fused", lambda self, plan, family="": made(plan))
    monkeypatch.setattr(Study, "fine_tune", lambda self, start: done.append("tune"))
    monkeypatch.setattr(Study, "train_joint", lambda self, *asked: done.append("joint"))
    plan = "parallel(text, tabular, by=concat)"
    study.train_plans([plan], 1)
    assert done == then
    study.budget = Budget()
    study.train_plans([plan], 1)
    assert done == [*then, "tune", "joint"]


def made(plan: str) -> Any:
    return SimpleNamespace(name=plan, plan=plan, family="parallel", loss=0.5)


def test_under_a_limit_plans_leave_most_of_it_to_the_one_that_learns_as_a_whole(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 100 seconds all plans together get 30, and what it takes to encode the rows once."""
    now, tried = [1000.0], list[tuple[str, float]]()
    monkeypatch.setattr("plait.study.networks.time.monotonic", lambda: now[0])
    study = study_of(prepared, time_limit=100)
    study.budget = Budget(deadline=1100.0)
    study.train_each()
    listed = list_plans(["text", "tabular"])

    def encode(self: Study) -> None:
        if not tried:
            now[0] += 5.0

    def train(self: Study, stage: Stage) -> Any:
        if stage.how == "alone then fused":
            tried.append((stage.name, self._deadline_of(stage.how)))
            now[0] += 12.0
        return None

    monkeypatch.setattr(Study, "encode", encode)
    monkeypatch.setattr(Study, "_train", train)
    study.train_plans(listed, 1)
    assert [name for name, _ in tried] == [f"{plan} alone then fused" for plan in listed[:3]]
    assert [round(end, 1) for _, end in tried] == [1033.5, 1035.0, 1035.0]
    now[0], tried[:] = 1000.0, []
    study = study_of(prepared, time_limit=100)
    study.train_each()
    study.train_plans(listed, 1)
    assert len(tried) == len(listed)


@pytest.mark.parametrize(
    ("options", "kinds", "together"),
    [
        ({}, {"text": "picture", "tabular": "table"}, True),
        ({"fusion": "parallel(text, tabular)"}, {"text": "picture", "tabular": "table"}, True),
        ({"candidates": ("classic", "tree")}, {"text": "picture", "tabular": "table"}, True),
        ({"candidates": ("classic", "alone", "late")}, {"text": "picture", "tabular": "table"}, False),
        ({}, {"text": "words", "tabular": "table"}, False),
    ],
)
def test_under_a_limit_encoders_that_learn_long_from_nothing_leave_more_time_to_learn_together(
    options: dict[str, Any], kinds: dict[str, str], together: bool, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.study.networks.is_convolutional", lambda kind: kind == "picture")
    monkeypatch.setattr(Study, "_kind", lambda self, name: kinds[name])
    monkeypatch.setattr("plait.study.budget.time.monotonic", lambda: 1000.0)
    study = study_of(prepared, time_limit=100, **options)
    study.budget = Budget(deadline=1100.0)
    assert study.learns_together == together
    assert study._deadline_of("alone") == pytest.approx(1020.0 if together else 1027.5)  # of two that wait


def test_losses_are_those_of_the_answers(unbroken: tuple[Study, Candidate]) -> None:
    study, _ = unbroken
    truth = np.arange(16, 24) % 2
    for candidate in study.candidates:
        assert candidate.losses == pytest.approx(-np.log(candidate.answers[np.arange(8), truth]), rel=1e-5, abs=1e-6)


def test_a_plan_that_was_asked_for_is_the_only_one(prepared: Prepared) -> None:
    study = study_of(prepared)
    winner = study.run("parallel(text, tabular, by=vote)")
    assert [c.recipe for c in study.candidates] == ["alone", "alone", "alone then fused", "fine-tuned", "joint"]
    assert winner.plan == "parallel(text, tabular, by=vote)"
    plural = [c for c in study.candidates if c.plan is not None]
    assert winner.loss == min(c.loss for c in plural)


def test_fusion_learns_with_encoders_that_stay(unbroken: tuple[Study, Candidate]) -> None:
    study, _ = unbroken
    alone, fused = study.candidates[0], study.candidates[2]
    for name, value in alone.network.encoders[0].state_dict().items():
        place = list(fused.network.groups).index("text")
        assert torch.equal(fused.network.encoders[place].state_dict()[name], value)


@pytest.mark.parametrize(("given", "goes_on"), [(False, True), (True, False)])
def test_all_of_a_network_goes_on_from_where_it_was_fused(
    given: bool, goes_on: bool, prepared: Prepared, unbroken: tuple[Study, Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where encoders learn from nothing; what is given as features was learned before."""
    fused = next(c for c in unbroken[0].candidates if c.recipe == "alone then fused")
    study, networks = study_of(prepared), list[Any]()
    study.candidates += [*unbroken[0].alone.values(), fused]
    monkeypatch.setattr("plait.study.networks.is_given_features", lambda kind: given)
    monkeypatch.setattr(training, "train", lambda lesson: networks.append(lesson.network) or Outcome())
    study.train_joint(str(fused.plan), {})
    same = [
        bool(torch.equal(mine, other))
        for mine, other in zip(networks[0].parameters(), fused.network.parameters(), strict=False)
    ]
    assert all(same) == goes_on
    assert networks[0] is not fused.network


def test_a_joint_network_is_repeated_from_where_its_plan_was_fused(
    unbroken: tuple[Study, Candidate], monkeypatch: pytest.MonkeyPatch
) -> None:
    joint = next(c for c in unbroken[0].candidates if c.recipe == "joint")
    assert [c.recipe for c in joint.after] == ["alone then fused"]
    again = replace(unbroken[0], candidates=[], stages=Stages(), proven=unbroken[0])
    again.alone = dict(unbroken[0].alone)
    found = again.repeat(joint)
    assert found is not None
    assert [c.recipe for c in again.candidates] == ["alone then fused", "joint"]
    assert found.after == [again.candidates[0]]


def test_fine_tuning_starts_from_what_the_fused_network_says(unbroken: tuple[Study, Candidate]) -> None:
    """A network is asked before it is trained, too: dropout must be off, or a draw decides whether tuning helped."""
    study, _ = unbroken
    network = study._build("parallel(text, tabular, by=concat)", study.prepared.names, "some", late=True)
    answers = [study.outputs_of(network, study.val) for _ in range(3)]
    assert torch.equal(answers[0], answers[1])
    assert torch.equal(answers[0], answers[2])


class Killed(BaseException):
    """What nothing catches, as little as a kill."""


KILLS = ["by=film) alone then fused"]
KILLS += [pytest.param(at, marks=pytest.mark.heavy) for at in ("alone tabular", "fine-tuned", ") joint")]


@pytest.mark.parametrize("at", KILLS)
def test_a_killed_study_goes_on_and_ends_the_same(
    prepared: Prepared, unbroken: tuple[Study, Candidate], tmp_path: Path, at: str
) -> None:
    def kill(event: dict[str, Any]) -> None:
        if at in str(event.get("stage")):
            raise Killed

    with pytest.raises(Killed):
        run_all(study_of(prepared, stages=Stages(tmp_path), callback=kill))
    events: list[dict[str, Any]] = []
    again = study_of(prepared, stages=Stages(tmp_path), callback=events.append)
    winner = run_all(again)
    stages = [e["stage"] for e in events if "stage" in e]
    assert stages
    assert at in stages[0]  # what was finished is not trained again
    study, expected = unbroken
    assert (winner.name, winner.recipe) == (expected.name, expected.recipe)
    for new, old in zip(again.candidates, study.candidates, strict=True):
        assert (new.name, new.recipe) == (old.name, old.recipe)
        assert np.array_equal(new.losses, old.losses), new.name
        for name, value in old.network.state_dict().items():
            assert torch.equal(new.network.state_dict()[name], value), (new.name, name)


@pytest.mark.parametrize(("rows", "expected"), [(2000, 25), (500, 40), (100, 40), (8000, 12), (100_000, 10), (0, 40)])
def test_small_tables_get_more_epochs(prepared: Prepared, rows: int, expected: int) -> None:
    assert study_of(prepared, epochs=None).epochs_for(rows) == expected
    assert study_of(prepared, epochs=3).epochs_for(rows) == 3


def test_few_series_are_learned_in_many_small_steps(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_of(prepared, epochs=None, batch_size=64)
    assert study.pace_for(36, ["tabular"]) == (40, 64)
    monkeypatch.setattr(KINDS["tabular"].network, "FEWEST_STEPS", 200, raising=False)
    assert study.pace_for(36, ["tabular"]) == (67, 16)  # 67 × 3 steps
    assert study.pace_for(200, ["tabular"]) == (50, 50)
    assert study.pace_for(2000, ["tabular"]) == (25, 64)
    assert study_of(prepared, epochs=3).pace_for(36, ["tabular"]) == (3, 8)
    assert KINDS["series"].network.FEWEST_STEPS == 200


def test_the_global_generator_is_left_alone(prepared: Prepared) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    study_of(prepared).train_alone("tabular")
    assert torch.equal(torch.get_rng_state(), before)


def test_a_modality_of_too_few_rows_is_not_trained_alone(prepared: Prepared) -> None:
    notes: list[dict[str, Any]] = []
    few = Prepared(
        prepared.views, prepared.inputs, {n: c & (np.arange(24) == 1)[:, None] for n, c in prepared.cells.items()}, []
    )
    assert study_of(few, callback=notes.append).train_alone("tabular") is None
    assert notes == [{"note": "tabular: 1 training rows have it, too few to train it alone."}]


def test_a_validation_metric_that_is_undefined_can_be_kept(prepared: Prepared, tmp_path: Path) -> None:
    """r2 of validation rows that are all alike is undefined; the stage is saved all the same."""
    rows = read_rows("number", [row % 5 for row in range(16)] + [1] * 8)
    study = make_study(*rows, prepared, SPLIT, epochs=2, batch_size=8, stages=Stages(tmp_path))
    found = study.train_alone("tabular")
    assert found is not None
    assert found.loss < math.inf
    assert Stages(tmp_path).has("alone tabular")


# bfloat16


@pytest.mark.parametrize(
    ("device", "kind", "weights", "low"),
    [
        ("cpu", "image", 10, True),
        ("cpu", "text", 10, False),
        ("cuda", "image", 10, False),
        ("cuda", "tuned", 20_000_000, True),
        ("cuda", "text", 20_000_000, False),
    ],
)
def test_bfloat16_is_for_networks_that_gain_by_it(device: str, kind: str, weights: int, low: bool) -> None:
    frozen = torch.nn.Parameter(torch.empty(weights, device="meta"), requires_grad=False)
    network = SimpleNamespace(kinds={"m": kind}, parameters=lambda: [frozen])
    assert Study.is_low(SimpleNamespace(low=True, device=torch.device(device)), network) is low  # type: ignore[arg-type]
    assert not Study.is_low(SimpleNamespace(low=False, device=torch.device(device)), network)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "epoch", "loss", "stops"),
    [
        ("vectors", 5, 1.25, True),
        ("vectors", 4, 1.25, False),  # not half way
        ("vectors", 10, 1.25, False),  # at its end it may stay as it is
        ("vectors", 5, 1.15, False),
        ("text", 5, 1.25, False),  # all of it learns here
        ("text", 3, 2.1, False),  # not a third
        ("text", 4, 2.1, True),
        ("text", 4, 1.9, False),
        ("text", 5, 1.45, False),
        ("text", 6, 1.45, True),
        ("text", 6, 1.35, False),
    ],
)
def test_far_behind_on_fixed_features_half_the_epochs_are_enough(
    kind: str, epoch: int, loss: float, stops: bool, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = study_of(prepared, epochs=10)
    seen = SimpleNamespace(names=["m"])
    study.candidates.append(Candidate("best", "parallel", None, "joint", seen, np.zeros((2, 2)), np.ones(2)))
    monkeypatch.setattr(Study, "_kind", lambda self, name: kind if name == "text" else "tabular")
    asked: list[Stage] = []
    monkeypatch.setattr(Study, "_train", lambda study, stage: asked.append(stage))
    study.train_joint("parallel(text, tabular, by=concat)", {})
    assert asked[0].behind is not None
    assert asked[0].behind(epoch, loss) is stops


@pytest.mark.parametrize(("rows", "step"), [(500, 64), (2_000, 64), (6_000, 192), (100_000, 512)])
def test_steps_grow_with_the_rows(rows, step):
    assert grown(64, rows) == step
