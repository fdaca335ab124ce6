"""Rows answered in blocks that travel: the same answers to the last bit, the same file, nothing half-written."""

import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

import plait
from fits import names_in
from joint import joint_run, two_targets
from plait.errors import RequestError
from plait.runs import blocks, predictions, shared
from plait.runs.blocks import predict_blocks
from plait.runs.model import Model
from plait.tasks.here import Here
from tiny import numbers_table
from travelling import Travelling

KEPT = Path(__file__).parent.parent / "kept"


def answer(run: Any, rows: Any, runner: Any, **given: Any) -> Any:
    model = plait.load(run) if isinstance(run, Path) else run
    options: dict[str, Any] = {"out": None, "keep": (), "folder": None, "callback": lambda event: None, **given}
    return predict_blocks(run, model, rows, runner, **options)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_blocks_that_travel_are_answered_and_written_as_the_table_is(
    quick: Model, tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "CHUNK", 16)
    monkeypatch.setattr(predictions, "ROWS", 20)
    rows = numbers_table(50) | {"id": [None] * 20 + [7] * 30, "status": ["new"] * 50}
    rows["a"][3] = rows["b"][3] = None
    whole = quick.predict(rows, keep=["id", "status"])
    whole.write(tmp_path / f"whole.{ending}")
    runner, events = Travelling(), list[Any]()
    answers = answer(
        quick.folder, rows, runner, keep=["id", "status"], out=tmp_path / f"out.{ending}", callback=events.append
    )
    assert (runner.tasks, runner.setups) == (4, ["plait.runs.load:open_request"])
    assert answers.to_arrow().equals(whole.to_arrow())
    assert answers.on == {"engine": "local", "nodes": 1, "tasks": 4, "elsewhere": 4}
    assert [event["done"] for event in events if "done" in event] == [16, 32, 48, 50]
    if ending == "csv":
        assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    else:
        assert parquet.read_table(tmp_path / "out.parquet").equals(whole.to_arrow())


def test_transcripts_travel_and_others_must_see_where_the_sounds_are(tmp_path: Path) -> None:
    with zipfile.ZipFile(KEPT / "recogniser.zip") as archive:
        archive.extractall(tmp_path)
    model: Any = plait.load(tmp_path)
    runner = Travelling()
    heard = answer(tmp_path, KEPT / "table" / "spoken.csv", runner)
    assert runner.folders == [tmp_path, KEPT / "table"]
    assert heard.to_arrow().equals(model.predict(KEPT / "table" / "spoken.csv").to_arrow())


def test_several_targets_travel_together() -> None:
    run, rows = joint_run(), two_targets(9)
    runner = Travelling()
    assert answer(run.folder, rows, runner, keep="z").to_arrow().equals(run.predict(rows, keep="z").to_arrow())
    assert runner.tasks == 1


def test_a_table_without_rows_has_no_answers(quick: Model, tmp_path: Path) -> None:
    answers = answer(quick.folder, {"a": [], "b": []}, Travelling(), out=tmp_path / "none.csv")
    assert len(answers) == 0
    assert (tmp_path / "none.csv").read_text().count("\n") == 1


@pytest.mark.parametrize("runner", [Here, Travelling])
def test_a_command_that_was_killed_goes_on_where_it_was(
    quick: Model, tmp_path: Path, runner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "CHUNK", 16)
    rows = numbers_table(50)
    quick.predict(rows).write(tmp_path / "whole.csv")

    def stop(event: dict[str, Any]) -> None:
        if event.get("done") == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(quick.folder, rows, runner(), out=tmp_path / "out.csv", callback=stop)
    assert names_in(tmp_path) == {".out.csv.answered", "whole.csv"}
    again = runner()
    answers = answer(quick.folder, rows, again, out=tmp_path / "out.csv")
    assert answers.to_arrow().equals(quick.predict(rows).to_arrow())
    assert again.facts()["tasks"] == 2
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert names_in(tmp_path) == {"out.csv", "whole.csv"}


def test_where_a_block_fails_no_file_is_left(quick: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: Any) -> Any:
        raise RequestError("a task ended its process 3 times")

    monkeypatch.setattr(blocks, "answer_block", fail)
    with pytest.raises(RequestError, match="ended its process"):
        answer(quick.folder, numbers_table(30), Travelling(), out=tmp_path / "out.csv")
    assert not names_in(tmp_path)
