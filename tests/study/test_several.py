"""The course of a fit of several targets: one split and one preparation, time shared out, a folder that goes on."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

import plait
from fits import Killed, raise_at
from joint import MODALITIES, fit_two, joint_run, two_targets
from plait.errors import RequestError, RunError, TableError
from plait.study.several import join_codes, keep_classes


def labels(codes: list[int], classes: list[str] | None = None) -> Any:
    return SimpleNamespace(codes=np.array(codes), classes=classes)


def test_combinations_of_classes_are_dealt_by_themselves_where_they_have_rows() -> None:
    first, second = labels([0] * 24 + [1] * 24, ["a", "b"]), labels([0, 1] * 24, ["c", "d"])
    assert len(np.unique(join_codes([first, second]))) == 4
    few = labels([0, 1] + [0] * 46, ["c", "d"])  # of one row there are no two parts
    assert np.unique(join_codes([first, few]), return_counts=True)[1].tolist() == [24, 24]


def test_numbers_and_rows_without_any_label_are_no_classes() -> None:
    number, classes = labels([0, 0, -1, -1]), labels([0, 1, 0, -1], ["a", "b"])
    joined = join_codes([number, classes])
    assert joined[3] == -1
    assert (joined[:3] >= 0).all()
    assert joined[0] != joined[1]


def test_every_class_keeps_a_training_row() -> None:
    split = np.array(["train", "val", "test", ""])
    keep_classes(split, [labels([0, 1, 2, 3], ["a", "b", "c", "d"])])
    assert split.tolist() == ["train", "train", "train", ""]


def test_all_targets_have_one_split_and_their_own_rows_of_it() -> None:
    run = joint_run()
    rows = {
        name: {
            row["row"]: row["target"] for row in parquet.read_table(model.folder / "predictions.parquet").to_pylist()
        }
        for name, model in run.models.items()
        if model.folder is not None
    }
    assert {*rows["y"]} < {*rows["z"]}
    assert {row for row in rows["z"] if row % 8} == {*rows["y"]}
    splits = {name: model.facts.splits for name, model in run.models.items()}
    assert sum(splits["y"].values()) == 140
    assert sum(splits["z"].values()) == 160
    assert run["y"].facts.unlabelled == 20


def test_the_views_of_all_targets_are_the_same() -> None:
    run = joint_run()
    assert [view.state() for view in run["y"].views] == [view.state() for view in run["z"].views]


def test_a_split_column_holds_for_all() -> None:
    table = two_targets()
    table["split"] = [("train", "val", "test", "train")[row % 4] for row in range(160)]
    run = plait.fit(table, target=["y", "z"], candidates=["shared"], modalities=MODALITIES, epochs=1, refit="none")
    assert run["z"].facts.splits == {"train": 80, "val": 40, "test": 40}
    assert run["y"].facts.splits == {"train": 60, "val": 40, "test": 40}


def test_a_target_without_labels_in_validation_is_told() -> None:
    table = two_targets(80)
    table["split"] = ["train"] * 40 + ["val"] * 20 + ["test"] * 20
    table["y"] = [cell if row < 40 else None for row, cell in enumerate(table["y"])]
    with pytest.raises(TableError, match="column 'y' has 35 labels, and too few of them in validation rows"):
        plait.fit(table, target=["y", "z"], candidates=["shared"], modalities=MODALITIES, epochs=1)


@pytest.mark.parametrize(("option", "value"), [("folds", 3), ("repeats", 2)])
def test_several_targets_have_one_split(option: str, value: int) -> None:
    with pytest.raises(RequestError, match=f"{option} is for one target"):
        fit_two(**{option: value})


def test_a_killed_fit_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out, trained = tmp_path / "run", list[str]()
    with pytest.raises(Killed):
        fit_two(out=out, report=False, callback=raise_at("z: alone a", Killed()))
    assert [path.name for path in out.iterdir()] == ["unfinished"]
    run = fit_two(out=out, report=False, callback=lambda event: trained.append(str(event.get("stage"))))
    assert next(stage for stage in trained if "alone" in stage) == "z: alone a"
    assert {path.name for path in out.iterdir()} == {"run.json", "study.json", "history.jsonl", "plait.toml", "y", "z"}
    assert run.predict(two_targets(9)).to_arrow().equals(joint_run().predict(two_targets(9)).to_arrow())


def test_a_finished_run_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    out = joint_run().save(tmp_path / "run")
    with pytest.raises(RunError, match="holds a finished run"):
        fit_two(out=out)
    with pytest.raises(Killed):
        fit_two(out=out, overwrite=True, seed=1, callback=raise_at("z: alone a", Killed()))
    assert plait.load(out).predict(two_targets(3)).labels == joint_run().predict(two_targets(3)).labels
    with pytest.raises(RunError, match=r"holds an unfinished run of another command|holds a finished run"):
        fit_two(out=out, target=["z", "y"])


def test_the_shared_network_has_a_history_of_its_own() -> None:
    folder = joint_run().folder
    assert folder is not None
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
    assert {line["metric_name"] for line in lines} == {"gain over the prior"}
    assert [line["candidate"] for line in lines] == ["alone a", "alone b", "parallel(a, b, by=concat) joint"]


def test_time_is_shared_out(tmp_path: Path) -> None:
    run = fit_two(epochs=200, time_limit=0.5)
    assert {model.facts.stopped for model in run.models.values()} <= {"time", ""}
    assert len(run.predict(two_targets(3))) == 3


@pytest.mark.heavy
def test_each_target_has_a_report_and_all_have_one_page(tmp_path: Path) -> None:
    out = tmp_path / "run"
    run = fit_two(out=out, candidates=["shared"], refit="none", report_rows=10)
    page = (out / "report.html").read_text("utf-8")
    assert "y/report.html" in page
    assert run.sharing["sentence"][:60] in page
    for name in ("y", "z"):
        own = (out / name / "report.html").read_text("utf-8")
        assert f"Not tested whether {name} gains from 1 other target learned with it: " in own
        assert "--target y --target z --out run" in own
    assert f"open {out / 'report.html'}" in str(run)
