"""A fit goes on where it was killed, in a folder that is its own; the split and the holes are told on the way."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
import torch

from fits import Killed, names_in, numbers, raise_at, text_and_numbers
from plait.core.files import digest, read_json
from plait.core.options import FitOptions
from plait.data.read import read
from plait.errors import RequestError, RunError
from plait.kinds.detect import detect
from plait.runs.load import load
from plait.study.job import choose_device, open_folder
from plait.verbs.fit import fit
from searches import make_job
from tiny import numbers_table

ASKED: dict[str, Any] = {"target": "y", "kinds": {"note": "text"}, "fusion": "parallel(text, tabular)", "epochs": 1}
ASKED |= {"report": False}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    fit(text_and_numbers(), out=folder, **ASKED)
    return folder


KILLS = ["prepare", "joint", *(pytest.param(at, marks=pytest.mark.heavy) for at in ("alone text", "alone then fused"))]


@pytest.mark.parametrize("at", KILLS)
def test_a_killed_run_leaves_nothing_half_written_and_ends_as_if_unbroken(
    tmp_path: Path, unbroken: Path, at: str
) -> None:
    with pytest.raises(Killed):
        fit(text_and_numbers(), out=tmp_path / "run", callback=raise_at(at, Killed()), **ASKED)
    assert names_in(tmp_path / "run") == {"unfinished"}
    with pytest.raises(RunError, match=r"holds no finished run: .*run\.json is missing"):
        load(tmp_path / "run")
    notes: list[dict[str, Any]] = []
    fit(text_and_numbers(), out=tmp_path / "run", callback=notes.append, **ASKED)
    assert any("going on where it stopped" in str(e.get("note")) for e in notes)
    if at != "prepare":
        assert "prepare" not in [e.get("stage") for e in notes]
    assert names_in(tmp_path / "run") == names_in(unbroken)
    for name in ("weights.safetensors", "history.jsonl"):
        assert digest(tmp_path / "run" / name) == digest(unbroken / name), name
    one, other = (parquet.read_table(place / "predictions.parquet") for place in (tmp_path / "run", unbroken))
    assert one.equals(other)


def test_a_finished_run_is_not_replaced_without_a_word(tmp_path: Path) -> None:
    place = tmp_path / "run"
    numbers(out=place, report=False)
    with pytest.raises(
        RunError, match=r"holds a finished run\. Name another folder, or give --overwrite to replace it"
    ):
        numbers(out=place, report=False)
    before = digest(place / "predictions.parquet")
    model = numbers(out=place, seed=3, overwrite=True, report=False)
    assert digest(place / "predictions.parquet") != before
    assert load(place).facts["seed"] == model.facts["seed"] == 3
    assert "unfinished" not in names_in(place)


def test_an_unfinished_run_of_another_command_is_not_taken_over(tmp_path: Path) -> None:
    place = tmp_path / "run"
    with pytest.raises(Killed):
        numbers(out=place, callback=raise_at("alone", Killed()))
    with pytest.raises(RunError, match="holds an unfinished run of another command or table"):
        numbers(out=place, seed=1)
    assert numbers(out=place, seed=1, overwrite=True).facts["seed"] == 1


def test_a_folder_that_is_no_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all my work")
    for overwrite in (False, True):
        with pytest.raises(RunError, match="holds files that are not a run"):
            numbers(out=tmp_path, overwrite=overwrite)
    with pytest.raises(RunError, match=r"thesis\.txt is a file; expected the name of a folder"):
        numbers(out=tmp_path / "thesis.txt")
    assert names_in(tmp_path) == {"thesis.txt"}


def test_the_users_splits_are_kept_and_mixed_groups_are_warned_of() -> None:
    data = numbers_table(40)
    data |= {"split": ["train"] * 24 + ["dev"] * 8 + ["test"] * 8, "who": ["ann", "bob"] * 20}
    notes: list[dict[str, Any]] = []
    model = fit(data, target="y", split="split", group="who", epochs=1, callback=notes.append)
    assert model.facts["splits"] == {"train": 24, "val": 8, "test": 8}
    assert model.modalities == ["tabular"]
    assert [c for s in model.views for c in s.modality.columns] == ["a", "b"]
    warned = [e["note"] for e in notes if "warning" in str(e.get("note"))]
    assert warned == [
        "warning: 2 values of 'who' are in more than one split (ann, bob); scores may be too good.",
    ]


def test_a_new_folder_notes_its_command_and_the_same_command_goes_on(tmp_path: Path) -> None:
    place, notes = tmp_path / "deep" / "run", []
    with open_folder(place, "fit one", False, notes.append) as folder:
        assert folder == place
    assert read_json(place / "unfinished" / "command.json") == {"command": "fit one"}
    (place / "unfinished" / "stage").write_text("half of it")
    with open_folder(place, "fit one", False, notes.append):
        pass
    assert (place / "unfinished" / "stage").exists()
    assert [event["note"].partition(" holds ")[2] for event in notes] == [
        "an unfinished run of this command: going on where it stopped."
    ]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with (
        pytest.raises(OSError, match=r"file/run cannot be written: Not a directory$"),
        open_folder(tmp_path / "file" / "run", "fit one", False, print),
    ):
        pass


def test_what_another_command_left_is_dropped_only_when_asked(tmp_path: Path) -> None:
    with open_folder(tmp_path, "fit one", False, print):
        pass
    (tmp_path / "unfinished" / "stage").write_text("half of it")
    (tmp_path / ".final-x1").mkdir()  # files that a kill left half moved
    with (
        pytest.raises(RunError, match="holds an unfinished run of another command or table"),
        open_folder(tmp_path, "fit two", False, print),
    ):
        pass
    assert (tmp_path / "unfinished" / "stage").exists()
    with open_folder(tmp_path, "fit two", True, print):
        assert names_in(tmp_path) == {"unfinished"}
        assert names_in(tmp_path / "unfinished") - {"lock"} == {"command.json"}
    assert read_json(tmp_path / "unfinished" / "command.json") == {"command": "fit two"}


def test_of_two_fits_into_one_folder_the_second_is_told_and_changes_nothing(tmp_path: Path) -> None:
    with open_folder(tmp_path / "run", "fit one", False, print):
        (tmp_path / "run" / "unfinished" / "stage").write_text("half of it")
        for command, overwrite in (("fit one", False), ("fit two", True)):
            with (
                pytest.raises(RunError, match=r"another fit is writing into .*run\. Wait until it has ended"),
                open_folder(tmp_path / "run", command, overwrite, print),
            ):
                pass
        assert (tmp_path / "run" / "unfinished" / "stage").read_text() == "half of it"
    with open_folder(tmp_path / "run", "fit one", False, print):
        assert (tmp_path / "run" / "unfinished" / "stage").exists()


@pytest.mark.parametrize("name", ["../victim.txt", "/ABSOLUTE", "sub/deep.txt", "link", "pipe", ".", "", 3])
def test_an_old_run_that_names_what_is_not_its_own_is_not_replaced(tmp_path: Path, name: Any) -> None:
    run, victim = tmp_path / "run", tmp_path / "victim.txt"
    (run / "sub").mkdir(parents=True)
    for path in (victim, run / "sub" / "deep.txt"):
        path.write_text("mine")
    (run / "link").symlink_to(victim)
    os.mkfifo(run / "pipe")
    names = [str(victim) if name == "/ABSOLUTE" else name]
    (run / "run.json").write_text(json.dumps({"files": names if name == 3 else dict.fromkeys(names, "0")}))
    with (
        pytest.raises(RunError, match=r"no plain name of a file in it|expected a regular file"),
        open_folder(run, "fit one", True, print),
    ):
        pass
    assert names_in(tmp_path) == {"run", "victim.txt"}
    assert names_in(run) == {"run.json", "sub", "link", "pipe"}
    assert (run / "sub" / "deep.txt").exists()


def test_a_link_in_the_place_of_the_unfinished_run_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "unfinished").symlink_to(tmp_path / "home")
    with pytest.raises(RunError, match="unfinished is a link"), open_folder(tmp_path / "run", "fit one", True, print):
        pass
    assert names_in(tmp_path / "home") == set()


@pytest.mark.parametrize(
    ("name", "there", "device"), [("auto", False, "cpu"), ("auto", True, "cuda"), ("cpu", True, "cpu")]
)
def test_the_device_is_what_was_asked_for(name: str, there: bool, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device(name).type == device


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(RequestError, match=r"PyTorch finds no device mps here; expected one of: cpu, cuda, or auto\."):
        choose_device("mps")


@pytest.mark.parametrize(("most", "asked", "there"), [(40, (), True), (39, (), False), (39, ("classic", "text"), True)])
def test_a_row_is_written_out_as_text_where_there_are_few_or_it_is_asked_for(
    most: int, asked: tuple[str, ...], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.study.job.MOST_WRITTEN", most)
    table = read({"note": ["fine day", "bad night"] * 20, "x": [0.1 * n for n in range(40)], "y": ["yes", "no"] * 20})
    schema = detect(table, target="y", kinds={"note": "text", "x": "number"})
    views = make_job(table, schema, candidates=asked)._fit_views(
        table, np.repeat(["train"], 40), FitOptions(candidates=asked)
    )
    assert ("as text" in [view.how for view in views]) is there
