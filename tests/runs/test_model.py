"""A fitted model: what it answers, how it is scored, and the folder that it is written to."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import plait
from fits import FILES, Killed, fixed_names_in, names_in, numbers
from plait.core.contract import Table
from plait.data.read import read
from plait.errors import RequestError, RunError, TableError
from plait.runs.load import load
from plait.runs.model import Model
from plait.verbs.fit import fit
from plait.verbs.predict import evaluate
from pulse import known_pulses
from tiny import numbers_table


def test_no_rows_give_no_answers(quick: Model) -> None:
    answers = quick.predict(Table({"a": pa.chunked_array([pa.array([], pa.float64())])}))
    assert len(answers) == 0
    assert answers.to_arrow().num_rows == 0


def test_failed_and_unlabelled_rows_are_left_out_and_counted(quick: Model) -> None:
    found = evaluate(
        quick, {"a": [1.0, None, 2.0, -1.0], "b": [1.0, None, 2.0, 3.0], "y": ["high", "low", None, "low"]}
    )
    assert (found["rows"], found["scored"], found["failed"]) == (4, 2, 1)
    found = evaluate(quick, {"a": [None, None], "b": [None, "x"], "y": ["high", "low"]})
    assert (found["rows"], found["scored"], found["failed"], found["metrics"]) == (2, 0, 2, {})
    assert found["by_modalities"]["tabular"] == {"rows": 0, "metrics": {}}


def test_scores_are_by_the_groups_of_the_fit(quick: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = quick.facts.schema["columns"]
    monkeypatch.setitem(quick.facts.schema, "columns", [*columns, {**columns[0], "name": "who", "role": "group"}])
    found = evaluate(quick, numbers_table(12) | {"who": ["Ann"] * 12})
    assert found["metrics"]["accuracy"]["why"] == "all rows are of one group"
    assert found["by_modalities"]["tabular"]["metrics"]["accuracy"]["low"] is None
    found = evaluate(quick, numbers_table(12))
    assert "no column 'who', by which rows are grouped: the intervals take each row by itself." in found["notes"]
    assert found["metrics"]["accuracy"]["low"] > 0


def test_labels_meet_classes_whatever_their_type() -> None:
    data = {**numbers_table(40)}
    data["y"] = [int(a > 0) for a in data["a"]]
    model = fit(data, target="y", epochs=1, report=False)
    assert model.classes == [0, 1]
    expected = evaluate(model, data)["metrics"]["accuracy"]["value"]
    for turn in (float, str, lambda y: f" {y} "):
        found = evaluate(model, {**data, "y": [turn(y) for y in data["y"]]})  # type: ignore[operator]
        assert found["metrics"]["accuracy"]["value"] == expected


def test_evaluate_needs_the_target(quick: Model) -> None:
    with pytest.raises(RequestError, match="to score, the table needs the column 'y'"):
        evaluate(quick, {"a": [1.0], "b": [2.0]})
    with pytest.raises(RequestError, match="no row has a label in column 'y'"):
        evaluate(quick, {"a": [1.0, 2.0], "b": [2.0, 3.0], "y": ["", ""]})


def test_a_target_that_is_no_number_is_told() -> None:
    data = numbers_table(40)
    data["y"] = [2.5 * a for a in data["a"]]
    model = fit(data, target="y", epochs=1, report=False)
    with pytest.raises((RequestError, TableError), match=r"column 'y', row 0: the target is 'much'; expected a number"):
        evaluate(model, {"a": [1.0, 2.0], "b": [1.0, 2.0], "y": ["much", "3"]})


def test_a_run_that_replaces_another_leaves_none_of_its_files(tmp_path: Path) -> None:
    place = tmp_path / "run"
    numbers(out=place)
    assert "confusion.png" in names_in(place)
    data = {**numbers_table(), "y": [2.5 * a for a in numbers_table()["a"]]}
    fit(data, target="y", epochs=1, out=place, overwrite=True)
    assert fixed_names_in(place) == FILES | {"scatter.png"}
    assert names_in(place) - FILES == set(load(place).facts["files"]) - FILES


def test_a_kill_while_the_files_are_replaced_can_be_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "run"
    numbers(out=place)

    def kill(path: Path, value: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("plait.runs.model.write_json", kill)
        with pytest.raises(Killed):
            numbers(out=place, seed=1, overwrite=True)
    with pytest.raises(RunError, match=r"holds no finished run: .*run\.json is missing"):
        load(place)
    numbers(out=place, seed=1)
    assert load(place).facts["seed"] == 1
    assert fixed_names_in(place) == FILES | {"confusion.png", "reliability.png"}


def test_a_run_without_a_folder_can_be_saved(tmp_path: Path) -> None:
    model = numbers()
    assert model.folder is not None
    place = model.save(tmp_path / "kept")
    data = numbers_table(5)
    expected = model.predict(data).probabilities
    assert np.array_equal(load(place).predict(data).probabilities, expected)  # type: ignore[arg-type]


def test_the_prior_is_what_training_rows_say() -> None:
    data = {"a": [float(n) for n in range(20)], "y": ["p", "q", "q", "q"] * 5, "split": ["train"] * 16 + ["val"] * 4}
    model = fit(data, target="y", kinds={"a": "number"}, epochs=1, report=False)
    share = model.prior[0]
    assert model.prior.sum() == pytest.approx(1.0)
    assert share == pytest.approx(0.25, abs=0.05)
    assert math.isfinite(share)
    assert len(read(data)) == 20


def test_a_target_is_scored_as_the_column_that_was_learned_from_is_written(tmp_path: Path) -> None:
    rows = [{"a": n + 0.5, "y": f"{n + 1}.000,50"} for n in range(40)]
    model = plait.fit(
        {name: [row[name] for row in rows] for name in ("a", "y")},
        target="y",
        kinds={"y": "number"},
        out=tmp_path / "run",
        candidates=("classic",),
        report=False,
    )
    loaded = plait.load(tmp_path / "run")
    few = {"a": [3.0, 4.0], "y": ["4.000", "5.000"]}  # alone they would be read as 4 and 5
    assert loaded.evaluate(few)["metrics"]["mae"]["value"] < 2000
    assert model.facts.to_json()["decimal_comma"] is True


def test_a_run_of_a_kind_that_is_not_known_says_so(tmp_path: Path) -> None:
    with known_pulses():
        beats = {"beat": [f"{n % 4} {9 * (n % 2)} 1 1" for n in range(30)], "y": ["no", "yes"] * 15}
        plait.fit(beats, target="y", out=tmp_path / "run", candidates=("classic",), report=False)
    with pytest.raises(plait.RunError, match="modality 'pulse' is of the kind 'pulse', which is not known here"):
        plait.load(tmp_path / "run")


def test_in_a_notebook_it_shows_its_candidates_and_its_verdict(quick: Model) -> None:
    assert repr(quick).startswith(f"Model({quick.target}: {quick.task}, ")
    html = quick._repr_html_()
    assert f"Predicts {quick.target}" in html
    assert quick.study.verdict["sentence"][:30] in html
    assert html.count("★") == 1


def test_the_leaderboard_is_a_frame_of_plain_numbers(quick: Model) -> None:
    frame, metric = quick.leaderboard.to_pandas(), quick.facts.study["metric"]
    assert [*frame.columns[:6]] == ["name", "family", "plan", "recipe", "winner", f"{metric}_val"]
    assert frame[f"{metric}_test"].dtype == frame["seconds"].dtype == np.float64
    assert frame["winner"].tolist() == [True] + [False] * (len(frame) - 1)
