"""The verbs predict and evaluate: a run or its model, answers in hand or in a file, and the score of a table."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.errors import RequestError, RunError
from plait.runs.model import Model
from plait.verbs.fit import fit
from plait.verbs.predict import evaluate, predict
from searches import take_quick_learners
from tiny import numbers_table, read_csv, write_table


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run over two columns of numbers, of which the first tells the class."""
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        out = tmp_path_factory.mktemp("predict") / "run"
        return fit(numbers_table(), target="y", out=out, candidates=["classic"], report=False)


def test_a_folder_and_the_model_it_holds_answer_alike(model: Model) -> None:
    rows = {"a": [3.0, -3.0, None], "b": [1.0, 1.0, None]}
    answers = predict(model, rows)
    assert answers.labels == ["high", "low", None]
    assert answers.status == ["ok", "ok", "failed"]
    assert model.folder is not None
    again = predict(str(model.folder), rows)
    assert again.labels == answers.labels
    np.testing.assert_allclose(again.probabilities, answers.probabilities)


def test_answers_are_written_where_they_are_wanted(model: Model, tmp_path: Path) -> None:
    answers = predict(model, {"a": [3.0, -3.0], "b": [1.0, 1.0]}, out=tmp_path / "deep" / "answers.csv")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["answers.csv"]
    with (tmp_path / "deep" / "answers.csv").open() as file:
        assert [row["prediction"] for row in csv.DictReader(file)] == answers.labels == ["high", "low"]


def test_another_ending_is_refused_before_anything_is_answered(model: Model, tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    with pytest.raises(
        RequestError, match=r"cannot be written to 'answers\.txt'; expected a name that ends in \.csv or"
    ):
        predict(model, numbers_table(), out=tmp_path / "answers.txt", callback=events.append)
    assert events == []
    assert not list(tmp_path.iterdir())


def test_a_table_is_scored(model: Model) -> None:
    table = {"a": [3.0, -3.0, 4.0, -4.0], "b": [1.0] * 4, "y": ["high", "low", "low", "low"]}
    assert model.folder is not None
    for run in (model, model.folder):
        found = evaluate(run, table)
        assert (found["rows"], found["scored"], found["failed"]) == (4, 4, 0)
        assert found["metrics"]["accuracy"]["value"] == 0.75


def test_what_is_no_run_is_told(tmp_path: Path) -> None:
    for verb in (predict, evaluate):
        with pytest.raises(RunError, match=r"there is no folder .*gone"):
            verb(tmp_path / "gone", {"a": [1.0]})


def test_progress_is_told(model: Model) -> None:
    for verb in (predict, evaluate):
        events: list[dict[str, Any]] = []
        verb(model, numbers_table(12), callback=events.append)
        assert events[0] == {"stage": "predict", "done": 12, "total": 12}, verb
    assert events[-1] == {"note": "12 rows, 12 ok, 0 partial, 0 failed"}


def test_relative_paths_of_columns_begin_in_the_folder_given(tmp_path: Path) -> None:
    table = write_table(tmp_path / "media", 40)
    model = fit(table, target="label", candidates=["classic"], ignore=["sound", "note", "age", "colour"], report=False)
    rows = read_csv(table)[:4]
    columns = {name: [row[name] for row in rows] for name in ("photo", "label")}
    assert predict(model, columns, folder=table.parent).status == ["ok"] * 4
    assert predict(model, columns, folder=tmp_path).status == ["failed"] * 4
    assert evaluate(model, columns, folder=table.parent)["scored"] == 4
    assert evaluate(model, columns, folder=tmp_path)["scored"] == 0
