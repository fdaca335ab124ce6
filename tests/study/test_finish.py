"""The end of a fit: one look at the test rows, and files that say what validation and the test rows said."""

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

from plait.models.plan import Parallel
from plait.models.train import Outcome
from plait.runs.model import Model
from plait.study.candidate import Candidate
from plait.study.finish import readable, write_history
from plait.verbs.fit import fit
from searches import take_quick_learners
from tiny import numbers_table


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run of quick classic learners over numbers; every fourth row is blank."""
    data = numbers_table(40)
    data |= {name: [None if row % 4 == 3 else x for row, x in enumerate(data[name])] for name in ("a", "b")}
    data["part"] = ["train"] * 24 + ["val"] * 8 + ["test"] * 8
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        out = tmp_path_factory.mktemp("finished") / "run"
        return fit(data, target="y", split="part", candidates=["classic"], report=False, out=out)


def test_the_test_rows_are_written_with_their_answers(model: Model) -> None:
    assert model.folder is not None
    written = parquet.read_table(model.folder / "predictions.parquet").to_pydict()
    assert list(written) == [
        "row", "split", "target", "prediction", "probability_high", "probability_low", "status", "reason",
    ]  # fmt: skip
    assert written["row"] == list(range(32, 40))
    assert set(written["split"]) == {"test"}
    assert written["target"] == numbers_table(40)["y"][32:]
    assert written["status"] == ["ok", "ok", "ok", "failed"] * 2
    assert written["prediction"][3::4] == [None, None]
    assert written["reason"][3] == "tabular: blank"
    right = [a == b for a, b in zip(written["prediction"], written["target"], strict=True) if a is not None]
    assert model.facts["test"]["metrics"]["accuracy"]["value"] == pytest.approx(np.mean(right))


def test_the_facts_are_of_the_rows_and_the_splits(model: Model) -> None:
    assert model.facts["splits"] == {"train": 24, "val": 8, "test": 8}
    assert model.facts["rows"] == 40
    assert model.facts["unlabelled"] == 0
    assert model.facts["holes"] == {"tabular": {"blank": 10, "broken": 0, "example": ""}}
    assert model.facts["test"]["scored"] == 6
    assert model.facts["options"]["candidates"] == ["classic"]
    assert model.facts["stopped"] == ""


def test_the_leaderboard_begins_with_the_winner_and_goes_on_by_loss(model: Model) -> None:
    board = model.leaderboard
    assert [entry["winner"] for entry in board] == [True, *[False] * (len(board) - 1)]
    losses = [entry["loss"] for entry in board[1:]]
    assert losses == sorted(losses)
    # only who was to be looked at has a score on the test rows
    assert [entry["name"] for entry in board if entry["test"] is not None] == [model.facts["winner"]]


def test_nothing_of_a_run_under_way_is_left(model: Model) -> None:
    assert model.folder is not None
    assert not (model.folder / "unfinished").exists()
    assert json.loads((model.folder / "study.json").read_text("utf-8"))["winner"] == model.facts["winner"]
    assert not (model.folder / "curves.png").exists()  # nothing was trained in epochs


def test_without_test_rows_the_summary_says_so() -> None:
    data = numbers_table(40) | {"part": ["train"] * 40}
    model = fit(data, target="y", split="part", epochs=1)
    assert model.facts["test"] is None
    assert "There are no test rows" in model.summary()
    assert all(entry["test"] is None for entry in model.leaderboard)


def test_without_test_rows_the_answers_written_are_for_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_quick_learners(monkeypatch)
    data = numbers_table(40) | {"part": ["train"] * 40}
    model = fit(data, target="y", split="part", candidates=["classic"], report=False, out=tmp_path / "run")
    written = parquet.read_table(tmp_path / "run" / "predictions.parquet")
    assert written["split"].to_pylist() == ["val"] * model.facts["splits"]["val"]
    assert written["target"].to_pylist() == [data["y"][row] for row in written["row"].to_pylist()]


def test_what_is_not_finite_is_null_in_the_history(tmp_path: Path) -> None:
    outcomes = [Outcome([{"epoch": 1, "loss": math.inf, "name": "Größe"}]), Outcome([{"epoch": 2, "loss": math.nan}])]
    said: Any = SimpleNamespace(names=[])
    candidates = [
        Candidate("a", "alone", None, "alone", said, np.zeros((1, 2)), np.zeros(1), outcome=outcome)
        for outcome in outcomes
    ]
    write_history(tmp_path / "history.jsonl", candidates)
    lines = (tmp_path / "history.jsonl").read_text("utf-8").splitlines()
    assert lines[0] == '{"epoch": 1, "loss": null, "name": "Größe"}'
    assert json.loads(lines[1]) == {"epoch": 2, "loss": None}


def test_options_are_readable_as_json() -> None:
    plan = Parallel(("a", "b"))
    given = {"fusion": plan, "tune": ("a=full", None), 3: {"deep": [1.5, True]}}
    assert readable(given) == {"fusion": str(plan), "tune": ["a=full", None], "3": {"deep": [1.5, True]}}
