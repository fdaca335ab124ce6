"""The verbs predict and evaluate: a run or its model, answers in hand or in a file, and the score of a table."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.errors import RequestError, RunError, TableError
from plait.runs.model import Model
from plait.verbs.fit import fit
from plait.verbs.predict import evaluate, predict
from searches import take_quick_learners
from tiny import numbers_table, read_csv, write_table

KEPT = Path(__file__).parents[1] / "kept"


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


ROWS = 60
PEOPLE: dict[str, list[Any]] = {
    "id": [f"P{n:03}" for n in range(ROWS)],
    "Body Weight": [50.0 + 20 * (n % 2) + n / 7 for n in range(ROWS)],
    "town": [("Rome", "Oslo")[n % 2] for n in range(ROWS)],
    "member": [n % 3 == 0 for n in range(ROWS)],
    "sick": [n % 2 == 1 for n in range(ROWS)],
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run over weights, towns and members, of people with an id."""
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        out = tmp_path_factory.mktemp("people") / "run"
        return fit(PEOPLE, target="sick", out=out, candidates=["classic"], report=False)


def some(num: int = 4, **columns: Any) -> dict[str, list[Any]]:
    """Return the first rows with these columns instead, without those that are None."""
    table = {name: cells[:num] for name, cells in PEOPLE.items()} | columns
    return {name: cells for name, cells in table.items() if cells is not None}


def test_good_rows_are_ok_and_nothing_is_said_of_them(people: Model) -> None:
    events: list[dict[str, Any]] = []
    answers = predict(people, some(), callback=events.append)
    assert (answers.status, answers.reason, answers.notes) == (["ok"] * 4, [""] * 4, [])
    assert events == [{"stage": "predict", "done": 4, "total": 4}]


@pytest.mark.parametrize("name", ["body_weight", "BODY WEIGHT ", "body-weight"])
def test_a_column_that_is_surely_meant_is_taken_and_said(people: Model, name: str) -> None:
    renamed = some(**{"Body Weight": None, name: PEOPLE["Body Weight"][:4]})
    answers = predict(people, renamed)
    assert answers.labels == predict(people, some()).labels
    assert answers.status == ["ok"] * 4
    said = f"columns are called otherwise than in training: {name!r} is taken for 'Body Weight'."
    assert answers.notes == [said]
    assert evaluate(people, renamed)["notes"][-1] == said


def test_a_column_that_is_lacking_is_said_in_each_row_and_at_the_end(people: Model) -> None:
    events: list[dict[str, Any]] = []
    renamed = some(**{"Body Weight": None, "weight": PEOPLE["Body Weight"][:4]})
    answers = predict(people, renamed, callback=events.append)
    assert answers.status == ["partial"] * 4
    assert answers.reason == ["tabular: no column 'Body Weight'"] * 4
    (note,) = answers.notes
    assert "'Body Weight' (there is 'weight': rename it if that is meant)" in note
    assert events[-1] == {"note": note}
    events.clear()
    explained = people.explain(renamed, callback=events.append)
    assert explained.statuses == [("partial", "tabular: no column 'Body Weight'")] * 4
    assert events[-1] == {"note": note}
    assert note in evaluate(people, renamed)["notes"]


def test_values_that_training_had_are_known_and_others_are_said(people: Model) -> None:
    answers = predict(people, some(member=["TRUE", "no", 0, "1.0"], town=["ROME", "Oslo", "Paris", "Oslo"]))
    assert answers.status == ["ok", "ok", "partial", "ok"]
    assert answers.reason[2] == "tabular: column 'town': 'Paris' was not in training"
    assert [answers.labels[row] for row in (0, 1, 3)] == [False, True, True]
    assert len(answers.notes) == 3
    assert "column 'town': 1 row holds a value that was not in training: 'Paris'." in answers.notes


def test_a_row_with_a_blank_cell_is_partial(people: Model) -> None:
    answers = predict(people, some(town=[None, "Oslo", "", "Oslo"], member=[True, None, None, False]))
    assert answers.status == ["partial", "partial", "partial", "ok"]
    assert answers.reason == [
        "tabular: column 'town': blank",
        "tabular: column 'member': blank",
        "tabular: columns 'town', 'member': blank",
        "",
    ]
    assert answers.notes == []


def test_no_rows_give_no_answers_wherever_they_come_from(people: Model, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Body Weight,town\n")
    (tmp_path / "b.jsonl").write_text("")
    (tmp_path / "c.json").write_text("[]")
    whole = predict(people, some(), out=tmp_path / "whole.parquet").to_arrow()
    for rows in (tmp_path / "a.csv", tmp_path / "b.jsonl", tmp_path / "c.json", some(0), {}):
        answers = predict(people, rows, out=tmp_path / "out.parquet")
        assert (len(answers), answers.notes) == (0, [])
        table = answers.to_arrow().drop_columns(list(answers.kept))
        assert table.schema.equals(whole.drop_columns(["id"]).schema)
    assert len(people.explain(tmp_path / "a.csv")) == 0
    with pytest.raises(TableError, match=r"there are column names but no rows in .*a\.csv"):
        evaluate(people, tmp_path / "a.csv")
    with pytest.raises(RequestError, match=r"none of the model's columns .* is in .*d\.csv; it has: x"):
        (tmp_path / "d.csv").write_text("x\n")
        predict(people, tmp_path / "d.csv")


def test_ids_are_carried_along_and_more_where_it_is_asked(people: Model, tmp_path: Path) -> None:
    predict(people, some(2), out=tmp_path / "a.csv", keep=["town"])
    rows = read_csv(tmp_path / "a.csv")
    assert [*rows[0]] == ["id", "town", "prediction", "probability_False", "probability_True", "status", "reason"]
    assert [(row["id"], row["town"], row["prediction"]) for row in rows] == [
        ("P000", "Rome", "false"),
        ("P001", "Oslo", "true"),
    ]
    answers = predict(people, some(2, ID=["x", "y"], id=None, status=["new", "old"]), keep="status")
    assert answers.kept == {"ID": ["x", "y"], "status": ["new", "old"]}
    assert answers.columns()["status_2"] == ["new", "old"]
    assert answers.columns()["status"] == ["ok", "ok"]
    with pytest.raises(RequestError, match=r"there is no column 'town2'\. Did you mean 'town'"):
        predict(people, some(2), keep=["town2"])


def test_labels_written_otherwise_are_scored_as_what_they_are(people: Model) -> None:
    right = evaluate(people, some(8))["metrics"]["accuracy"]["value"]
    for yes, no in (("TRUE", "FALSE"), (1, 0), ("1.0", "0.0"), ("yes", "no")):
        found = evaluate(people, some(8, sick=[(no, yes)[n % 2] for n in range(8)]))
        assert found["metrics"]["accuracy"]["value"] == right == 1.0
        assert found["notes"][0].startswith("labels are written otherwise than in training: ")


def test_labels_that_the_model_never_saw_are_counted_as_wrong_and_said(people: Model) -> None:
    found = evaluate(people, some(4, sick=["maybe", True, "maybe", "?"]))
    assert (found["scored"], found["metrics"]["accuracy"]["value"]) == (4, 0.25)
    assert found["notes"][0] == (
        "3 rows have a label that the model never saw, which counts as wrong: 'maybe' in 2, '?' in 1."
    )


def test_rows_that_were_learned_from_are_counted(people: Model) -> None:
    (said,) = evaluate(people, PEOPLE)["notes"]
    assert said == "60 of 60 rows were learned from: the scores are too good."  # also its test rows, once it was proven
    assert people.folder is not None
    assert evaluate(people.folder, PEOPLE)["notes"] == [said]
    assert "notes" not in evaluate(people.folder, PEOPLE, candidate="proof")
    new = {**PEOPLE, "Body Weight": [weight + 0.5 for weight in PEOPLE["Body Weight"]]}
    assert "notes" not in evaluate(people, new)
    people._learned, kept = None, people._learned  # as a run of before
    assert "notes" not in evaluate(people, PEOPLE)
    people._learned = kept


@pytest.mark.heavy
def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    run, table = KEPT / "network", plait.read(KEPT / "table" / "table.csv")
    rows = table[np.arange(600) % len(table)]
    here = predict(run, rows, out=tmp_path / "here.csv")
    there = predict(run, rows, out=tmp_path / "there.csv", on="local:2")
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert here.on == {"engine": "here", "nodes": 1, "tasks": 3, "elsewhere": 0}
    assert there.on == {"engine": "local", "nodes": 1, "tasks": 3, "elsewhere": 3}
