"""A run of several targets: its folder, its answers, one table and one sentence for all."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from joint import fit_two, joint_run, two_targets
from plait.errors import RequestError, RunError
from plait.runs.folder import list_files, remove_run
from plait.runs.targets import name_folders


def test_names_of_folders_are_plain_and_each_there_once() -> None:
    names = name_folders(["stars", "Stars", "is it / good?", "../..", "con", "study", "好吃", "x" * 99, "unfinished"])
    assert [*names.values()] == [
        "stars", "Stars_2", "is_it_good", "target", "con_1", "study_1", "好吃", "x" * 60, "unfinished_1",
    ]  # fmt: skip


def test_a_run_holds_a_plain_run_of_each_target_and_a_list_of_them() -> None:
    run = joint_run()
    assert run.folder is not None
    files = {"run.json", "study.json", "history.jsonl", "y", "z"}  # without a place of its own no plait.toml
    assert {path.name for path in run.folder.iterdir()} == files
    assert (run.targets, run.task, len(run), [*run]) == (["y", "z"], "targets", 2, ["y", "z"])
    listed = json.loads((run.folder / "run.json").read_text("utf-8"))
    assert (listed["format"], listed["task"]) == (5, "targets")
    assert {name: part["folder"] for name, part in listed["targets"].items()} == {"y": "y", "z": "z"}
    for name, task in (("y", "classification"), ("z", "regression")):
        alone = plait.load(run.folder / name)
        assert isinstance(alone, plait.Model)
        assert (alone.target, alone.task, alone.modalities) == (name, task, run[name].modalities)
        assert alone.facts["seal"] == listed["targets"][name]["seal"]
        assert [column["name"] for column in alone.facts.schema["columns"] if column["role"] == "target"] == [name]


def test_a_loaded_run_answers_as_the_one_that_was_fitted() -> None:
    run, rows = joint_run(), two_targets(9)
    loaded = plait.load(str(run.folder))
    assert isinstance(loaded, plait.Targets)
    answers = loaded.predict(rows, keep="z")
    assert answers.to_arrow().equals(run.predict(rows, keep="z").to_arrow())
    assert answers.to_arrow().column_names == [
        "z", "prediction_y", "probability_y_no", "probability_y_yes", "prediction_z", "status", "reason",
    ]  # fmt: skip
    assert len(answers) == 9
    for name in ("y", "z"):
        assert answers[name].labels == answers.labels[name] == run[name].predict(rows).labels


def test_rows_are_prepared_once_for_all_targets(monkeypatch: pytest.MonkeyPatch) -> None:
    from plait.runs import targets

    run, seen = plait.load(str(joint_run().folder)), []
    prepare = targets.prepare
    monkeypatch.setattr(targets, "prepare", lambda table, views: seen.append(len(table)) or prepare(table, views))
    run.predict(two_targets(5))
    assert seen == [5]


def test_a_row_of_nothing_fails_for_all_targets() -> None:
    rows: dict[str, Any] = {name: [1.0, None] for name in ("a0", "a1", "b0", "b1")}
    answers = joint_run().predict(rows)
    assert answers.status == ["ok", "failed"]
    assert [answers.labels[name][1] for name in ("y", "z")] == [None, None]


def test_each_target_is_scored_that_the_table_has_labels_of() -> None:
    run, notes = joint_run(), []
    both = run.evaluate(two_targets())
    assert {name: scores["scored"] for name, scores in both["targets"].items()} == {"y": 140, "z": 160}
    assert both["targets"]["y"]["metrics"] == run["y"].evaluate(two_targets())["metrics"]
    rows = {name: cells for name, cells in two_targets().items() if name != "y"}
    one = run.evaluate(rows, callback=lambda event: notes.append(event.get("note")))
    assert [*one["targets"]] == ["z"]
    assert "no label of 'y' is in the arrays: that target is not scored." in notes
    with pytest.raises(RequestError, match="the table needs labels in one of the columns 'y', 'z'"):
        run.evaluate({"a0": [1.0, 2.0]})
    with pytest.raises(RequestError, match=r"^no row has a label in 'y', 'z'; expected at least one to score"):
        run.evaluate({"a0": [1.0, 2.0], "y": [None, None], "z": [None, None]})


def test_each_target_is_explained() -> None:
    run = joint_run()
    explained = run.explain(two_targets(4))
    assert explained["y"].shares.keys() == {*run["y"].modalities}
    assert [*explained.to_json()["targets"]] == ["y", "z"]
    assert str(explained).startswith("target y\n")


def test_the_summary_is_one_table_one_sentence_and_a_verdict_each() -> None:
    run = joint_run()
    lines = str(run).splitlines()
    assert lines[0].split() == ["target", "task", "winner", "metric", "test", "rows"]
    assert [line.split()[0] for line in lines[1:3]] == ["y", "z"]
    assert run.sharing is not None
    assert run.sharing["sentence"] in lines
    assert f"y: {run['y'].facts.study['verdict']['sentence']}" in lines
    assert run.sharing["sentence"] in str(run.study)
    assert [*run.study.to_json()["targets"]] == ["y", "z"]


def test_a_target_that_is_not_there_is_named() -> None:
    with pytest.raises(RequestError, match="the run has no target 'w'"):
        joint_run()["w"]


def test_another_candidate_answers_for_all_targets() -> None:
    assert joint_run().use("a").modalities == ["a"]
    with pytest.raises(RequestError, match="no candidate 'c'"):
        joint_run().use("c")


def test_a_copy_is_whole(tmp_path: Path) -> None:
    run = joint_run()
    copied = plait.load(run.save(tmp_path / "copy"))
    assert copied.predict(two_targets(3)).to_arrow().equals(run.predict(two_targets(3)).to_arrow())
    with pytest.raises(RunError, match="is not empty"):
        run.save(tmp_path / "copy")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return joint_run().save(tmp_path / "copy")


def test_a_folder_of_another_run_is_told(copy: Path) -> None:
    (copy / "y").rename(copy / "spare")
    (copy / "z").rename(copy / "y")
    with pytest.raises(RunError, match="holds another run than the one of target 'y'"):
        plait.load(copy)


def test_a_link_is_no_folder_of_a_target(copy: Path, tmp_path: Path) -> None:
    (copy / "y").rename(tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", copy / "y")
    with pytest.raises(RunError, match="y is a link; expected a folder"):
        plait.load(copy)


@pytest.mark.parametrize("name", ["../y", "/tmp", "y/z", "", "..", None])
def test_a_folder_elsewhere_is_neither_read_nor_removed(copy: Path, name: Any) -> None:
    from plait.core.files import seal, write_json

    facts = json.loads((copy / "run.json").read_text("utf-8"))
    facts["targets"]["y"]["folder"] = name
    write_json(copy / "run.json", {**facts, "seal": seal(facts)})
    with pytest.raises(RunError, match=r"no plain name of a folder in it|damaged"):
        plait.load(copy)
    with pytest.raises(RunError, match=r"no plain name of a folder in it|damaged"):
        list_files(copy)


def test_what_was_changed_is_damaged(copy: Path) -> None:
    (copy / "study.json").write_text("{}", "utf-8")
    with pytest.raises(RunError, match=r"study.json is damaged"):
        plait.load(copy)


def test_a_newer_list_is_told(copy: Path) -> None:
    from plait.core.files import seal, write_json

    facts = json.loads((copy / "run.json").read_text("utf-8")) | {"format": 6}
    write_json(copy / "run.json", {**facts, "seal": seal(facts)})
    with pytest.raises(RunError, match="has the format 6; this plait reads 5"):
        plait.load(copy)


def test_a_run_is_removed_with_its_folders_but_not_what_else_is_there(copy: Path) -> None:
    (copy / "y" / "mine.txt").write_text("kept")
    remove_run(copy)
    assert [path.name for path in sorted(copy.rglob("*"))] == ["y", "mine.txt"]


def test_what_refits_learned_is_what_answers() -> None:
    run = joint_run()
    assert run["z"].facts.refit == {"how": "all", "rows": 160, "kept": []}
    assert run["y"].facts.refit == {"how": "all", "rows": 140, "kept": []}
    assert np.isfinite(run["z"].predict(two_targets(3)).labels).all()


def test_one_run_replaces_another(tmp_path: Path) -> None:
    out = joint_run().save(tmp_path / "run")
    (out / "y" / "curves.png").unlink(missing_ok=True)
    again = fit_two(target="z", out=out, overwrite=True, report=False)
    assert not isinstance(again, plait.Targets)
    assert not (out / "y").exists()
    assert plait.load(out).target == "z"
