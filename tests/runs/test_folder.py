"""The files of a run: what run.json names is copied and removed, what else lies there stays."""

import json
from pathlib import Path

import pytest

from plait.errors import RunError
from plait.runs.folder import copy_run, list_files, remove_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Two runs of targets below one, and a file of the user's."""
    folder = tmp_path / "run"
    for part in ("a", "b"):
        (folder / part).mkdir(parents=True)
        (folder / part / "weights").write_text(part)
        (folder / part / "run.json").write_text(json.dumps({"files": {"weights": ""}}))
    (folder / "report.html").write_text("page")
    (folder / "mine.txt").write_text("mine")
    facts = {"files": {"report.html": "", "gone": ""}, "targets": {"x": {"folder": "a"}, "y": {"folder": "b"}}}
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


ALL = ["report.html", "a/weights", "a/run.json", "b/weights", "b/run.json", "run.json"]


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in list_files(folder)]


def test_run_json_comes_last(run: Path, tmp_path: Path) -> None:
    assert names(run) == ALL
    assert names(tmp_path) == []


def test_a_copy_holds_the_run_and_nothing_else(run: Path, tmp_path: Path) -> None:
    copy = copy_run(run, tmp_path / "copy")
    assert names(copy) == ALL
    assert (copy / "b" / "weights").read_text() == "b"
    assert not (copy / "mine.txt").exists()


def test_nothing_is_copied_over_something_or_from_nowhere(run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="run is not empty; name another folder"):
        copy_run(run, run)
    with pytest.raises(RunError, match="this model has no folder to copy"):
        copy_run(None, tmp_path / "copy")


def test_what_no_run_names_stays(run: Path) -> None:
    (run / "b" / "notes").write_text("mine too")
    remove_run(run)
    left = sorted(path.relative_to(run).as_posix() for path in run.rglob("*"))
    assert left == ["b", "b/notes", "mine.txt"]


def test_a_name_that_leads_out_removes_nothing(run: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("here")
    (run / "run.json").write_text(json.dumps({"files": {"../victim": ""}}))
    with pytest.raises(RunError, match="victim"):
        remove_run(run)
    assert (tmp_path / "victim").read_text() == "here"
