"""Candidates beside the winner: each answers as it was scored, and nothing else waits for them."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from fits import names_in
from plait.core.files import seal, write_json
from plait.runs.kept import KEPT_FILES
from plait.runs.model import Model
from plait.verbs.fit import fit
from tiny import numbers_table

SPLIT = ["train"] * 16 + ["val"] * 6 + ["test"] * 8


def text_and_numbers() -> dict[str, Any]:
    data = numbers_table(30)
    return {**data, "note": [f"{y if n % 4 else 'no'} tide today, number {n}" for n, y in enumerate(data["y"])]}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    from plait.models import learners

    few = ("logistic regression", "nearest neighbours")
    with pytest.MonkeyPatch.context() as patch:
        quick = {name: learners.LEARNERS["classification"][name] for name in few}
        patch.setitem(learners.LEARNERS, "classification", quick)
        out = tmp_path_factory.mktemp("kept") / "run"
        options: dict[str, Any] = {"candidates": ["classic", "late", "alone"], "epochs": 2, "report": False}
        options["encoders"] = {"text": "tfidf"}
        return fit({**text_and_numbers(), "part": SPLIT}, target="y", split="part", out=out, **options)


def test_each_kept_candidate_answers_as_the_study_scored_it(model: Model) -> None:
    assert model.folder is not None
    loaded, rows = plait.load(model.folder), {name: cells[22:] for name, cells in text_and_numbers().items()}
    metric, scored = model.facts.study["metric"], 0
    for line in loaded.leaderboard:
        if line["kept"] and line["test"] is not None:
            found = plait.evaluate(loaded, rows, candidate=line["kept"])
            assert found["candidate"] == line["kept"]
            assert found["metrics"][metric]["value"] == pytest.approx(line["test"]["value"])
            scored += 1
    assert scored > 2
    assert loaded.leaderboard[0]["winner"]
    assert loaded.leaderboard[0]["kept"]


def test_what_was_learned_and_what_was_read_answer_alike_and_name_the_candidate(model: Model) -> None:
    rows = {name: cells[:6] for name, cells in text_and_numbers().items() if name != "y"}
    loaded = plait.load(model.folder)  # type: ignore[arg-type]
    assert loaded.candidates == model.candidates
    for name in loaded.candidates:
        before, after = plait.predict(model, rows, candidate=name), plait.predict(loaded, rows, candidate=name)
        assert np.array_equal(before.probabilities, after.probabilities, equal_nan=True)
        assert after.candidate == name
    assert loaded.predict(rows).candidate == ""


def test_a_candidate_that_was_not_kept_is_told_with_those_that_were(model: Model) -> None:
    lacking = next(line["name"] for line in model.leaderboard if line["name"] not in model.candidates)
    with pytest.raises(plait.RequestError, match=re.escape(f"the weights of candidate {lacking!r} were not kept. ")):
        model.use(lacking)
    with pytest.raises(plait.RequestError, match=r"the run has no candidate 'txt'\. Did you mean 'text'\?"):
        model.use("txt")


def test_the_study_shows_which_are_kept(model: Model) -> None:
    lines = str(model.study).splitlines()
    marked = [line.partition("  ")[0] for line in lines if line.startswith("+ ") and "kept as" not in line]
    assert [name[2:] for name in marked] == [one["kept"] for one in model.leaderboard if one["kept"]][1:]
    assert "+ kept as it was scored: plait predict RUN TABLE --candidate NAME, model.use(NAME)" in lines


def test_no_prediction_waits_for_them_and_who_asks_is_told_of_damage(model: Model, tmp_path: Path) -> None:
    place = model.save(tmp_path / "copy")
    assert {*KEPT_FILES} < names_in(place)
    other = next(line["kept"] for line in model.leaderboard if line["kept"] and not line["winner"])
    for name in KEPT_FILES:
        shutil.copytree(place, tmp_path / name)
        (tmp_path / name / name).write_bytes(b"")
        loaded = plait.load(tmp_path / name)
        assert loaded.use("proof") is not None
        with pytest.raises(plait.RunError, match=rf"{name} is damaged"):
            loaded.use(other)


def test_what_does_not_fit_together_is_told(model: Model, tmp_path: Path) -> None:
    from plait.core.files import digest

    place = model.save(tmp_path / "copy")
    listed = json.loads((place / KEPT_FILES[0]).read_text("utf-8"))
    listed["candidates"] = dict.fromkeys(listed["candidates"], 999)
    write_json(place / KEPT_FILES[0], listed)
    facts = json.loads((place / "run.json").read_text("utf-8"))
    facts["files"][KEPT_FILES[0]] = digest(place / KEPT_FILES[0])
    write_json(place / "run.json", {**facts, "seal": seal(facts)})
    other = next(line["kept"] for line in model.leaderboard if line["kept"] and not line["winner"])
    with pytest.raises(plait.RunError, match=r"candidates\.json is damaged: .* is predictor 999"):
        plait.load(place).use(other)
