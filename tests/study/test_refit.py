"""What ships learns again from all labelled rows; what was tested stays beside it, and is what is spoken of."""

from pathlib import Path

import numpy as np
import pytest

import plait
from plait.models.predictors import Blend
from searches import draw_blocks, modalities_of, take_quick_learners


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)


def fit(columns: dict, **options) -> plait.Model:
    names = {name: columns[name] for name in columns if name[0] in "ab"}
    given = {"kinds": dict.fromkeys(names, "number"), "modalities": modalities_of(names), "candidates": ["classic"]}
    return plait.fit(columns, target="y", **{**given, **options})


def leaf(predictor):
    return getattr(predictor, "inner", predictor)


def test_what_was_tested_stays_and_what_ships_has_learned_from_all_rows(tmp_path: Path) -> None:
    columns = draw_blocks(160, knows={"a": 1.0, "b": 1.0})
    model = fit(columns, out=tmp_path / "all", report=False)
    assert model.facts.refit == {"how": "all", "rows": 160, "kept": []}
    assert "learned anew from all labelled rows (160)" in model.summary()
    plain = fit(columns, refit="none", out=tmp_path / "none", report=False)
    assert plain.facts.refit is None
    assert "learned anew" not in plain.summary()
    assert plain.facts.test == model.facts.test
    assert plain.study.verdict == model.study.verdict
    assert plain.use("proof") is plain
    rows = {name: cells[:20] for name, cells in columns.items() if name != "y"}
    again = plait.load(tmp_path / "all")
    proof, shipped = again.use("proof").predict(rows), again.predict(rows)
    assert np.array_equal(proof.probabilities, plain.predict(rows).probabilities)
    assert not np.allclose(shipped.probabilities, proof.probabilities, atol=1e-4)
    assert sorted(again.alone) == ["a", "b"]
    with pytest.raises(plait.RequestError, match=r"the run has no candidate 'prof'\. Did you mean 'proof'"):
        again.use("prof")


def test_with_a_split_column_the_test_rows_are_never_learned_from() -> None:
    columns = draw_blocks(120)
    columns["part"] = np.repeat(["train", "val", "test"], [60, 30, 30]).tolist()
    model = fit(columns, split="part")
    assert model.facts.refit == {"how": "train+val", "rows": 90, "kept": []}


@pytest.mark.parametrize("choose", ["ensemble", "simple"])
def test_members_of_a_vote_learn_again_and_the_vote_stays_as_it_was(
    monkeypatch: pytest.MonkeyPatch, choose: str
) -> None:
    from plait.study import finish

    results = []
    monkeypatch.setattr(finish, "learn_anew", lambda result, model, refit: results.append(result))
    fit(draw_blocks(90, knows={"a": 0.5, "b": 0.5}), candidates=["classic", "late"], choose=choose)
    search = results[0].search
    blend = next(c for c in search.study.candidates if c.name.startswith("weighted vote"))
    again = leaf(finish.Refit.of(results[0]).predictor(blend))
    before = leaf(blend.predictor)
    assert isinstance(again, Blend)
    assert again.combiner is before.combiner
    assert not {id(leaf(m)) for m in again.members} & {id(leaf(m)) for m in before.members}
    assert [list(leaf(m).names) for m in again.members] == [["a"], ["b"]]
    heats = [[getattr(member, "temperature", 1.0) for member in one.members] for one in (before, again)]
    assert heats[0] == heats[1] != [1.0, 1.0]


def test_what_has_learned_from_many_rows_stays_where_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.study.search.Search.has_enough", True)
    model = fit(draw_blocks(90, knows={"a": 0.5, "b": 0.5}), report=False)
    assert model.facts.refit is None
    assert "learned anew" not in model.summary()


def test_networks_take_as_many_epochs_as_before() -> None:
    words = {"y": ["yes", "no"] * 30, "text": ["fine day", "bad night"] * 30, "x": [0.1 * n for n in range(60)]}
    told: list = []
    model = plait.fit(words, target="y", candidates=["alone"], epochs=2, callback=told.append)
    assert model.facts.refit == {"how": "all", "rows": 60, "kept": []}
    names = [event["stage"] for event in told if event.get("epoch") == 2]
    assert sorted(names) == ["alone tabular"] * 2 + ["alone text"] * 2
