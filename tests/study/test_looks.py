"""The ledger of looks: which fits are counted, and that nothing which befalls it stops a fit."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.core.contract import Schema
from plait.core.options import FitOptions
from plait.data.fact_cache import cache_folder
from plait.data.read import read
from plait.study.job import Fit
from plait.study.looks import fingerprint_options, note_look
from plait.verbs import demo
from searches import draw_blocks, take_quick_learners

ROWS = np.array([2, 3])


def job(cells: dict[str, Any] | None = None, folder: Path | None = None, **options: Any) -> Fit:
    table = read(cells or {"a": [1, 2, 3, 4], "y": ["n", "y", "n", "y"]}, folder)
    schema = plait.show(table, target="y").schema
    assert isinstance(schema, Schema)
    return Fit(table, schema, FitOptions.of(options), Path("run"))


def look(made: Fit, rows: np.ndarray = ROWS) -> int:
    return note_look(made, rows, ["one", "other"], "accuracy")


def ledger() -> list[Path]:
    return sorted((cache_folder() / "looks").rglob("*.json"))


def test_fits_with_different_options_are_counted() -> None:
    assert [look(job()), look(job(balance=True)), look(job(epochs=3))] == [1, 2, 3]
    assert look(job(balance=True)) == 3  # again
    assert look(job(overwrite=True, report_rows=5, refit="none")) == 3  # which look at nothing else


def test_a_look_is_written_with_names_metric_margin_and_rows() -> None:
    look(job(margin=3))
    (path,) = ledger()
    facts = json.loads(path.read_text("utf-8"))
    assert list(facts) == ["candidates", "metric", "margin", "rows", "seal"]
    assert (facts["candidates"], facts["metric"], facts["margin"]) == (["one", "other"], "accuracy", 3)
    assert facts["rows"].startswith(path.parent.name)


def test_other_rows_are_another_matter() -> None:
    look(job())
    assert look(job(balance=True), np.array([1, 2])) == 1
    assert look(job({"a": [1, 2, 3, 5], "y": ["n", "y", "n", "y"]}, epochs=3)) == 1
    # what else the table holds does not matter
    assert look(job({"a": [9, 9, 3, 4], "y": ["n", "y", "n", "y"]}, epochs=3)) == 2
    assert look(job(), np.array([], int)) == 0


def test_what_is_damaged_counts_as_not_there() -> None:
    look(job())
    look(job(balance=True))
    first, second = ledger()
    first.write_text("{")
    assert look(job(epochs=3)) == 2
    second.write_text(second.read_text("utf-8").replace("one", "two"))
    assert look(job(epochs=4)) == 2
    second.write_text("[1]")
    assert look(job(epochs=4)) == 2


def test_a_ledger_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "file"))
    assert look(job()) == 0
    monkeypatch.delenv("PLAIT_CACHE")
    monkeypatch.setattr(Path, "home", lambda: exec("raise RuntimeError"))
    monkeypatch.setattr(os, "environ", {})
    assert look(job()) == 0


def test_the_demo_may_be_looked_at_as_often_as_one_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "need", lambda name: None)
    monkeypatch.setattr(demo, "_write_rows", lambda folder, *rest: (folder / "table.csv").write_text("a,y\n1,n"))
    table = demo.make_demo(tmp_path / "digits", rows=40)
    assert look(job(folder=table.parent)) == 0
    assert not ledger()


def test_an_object_among_the_options_is_known_again() -> None:
    class Encoder:
        pass

    one, other = (fingerprint_options(FitOptions.of({"encoders": {"a": Encoder()}})) for _ in range(2))
    assert one == other
    assert one != fingerprint_options(FitOptions())


def test_from_the_third_fit_on_the_verdict_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    take_quick_learners(monkeypatch)
    asked: dict[str, Any] = {"target": "y", "candidates": ["classic"], "refit": "none"}
    table = draw_blocks(60)
    told = "test rows have been looked at by 3 fits with different options: the best of them looks better than"
    parts = [plait.fit(table, **asked, margin=margin) for margin in (1, 2)]
    assert not any("looked at by" in model.summary() for model in parts)
    last = plait.fit(table, **asked, margin=3, out=tmp_path / "run", report=False)
    assert told in last.summary()
    study = json.loads((tmp_path / "run" / "study.json").read_text("utf-8"))
    assert [told in warning for warning in study["verdict"]["warnings"]] == [True]
    assert study["verdict"]["sentence"].endswith(study["verdict"]["warnings"][0])
