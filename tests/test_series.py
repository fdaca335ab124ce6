"""Columns of series go all the way: a network and classic learners, holes, a loaded run, explained, drawn, exported."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.cli import main

ROWS, POINTS = 60, 24


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    """The class is a bump late in channel 1; row 0 has no series, row 1 a ragged one, row 2 a file that is none."""
    generator = np.random.default_rng(0)
    yes = np.arange(ROWS) % 2
    motion = 0.3 * generator.standard_normal((ROWS, 2, POINTS)).cumsum(2)
    motion[:, 1, 16:20] += 6 * yes[:, None]
    listed: list[Any] = list(motion)
    listed[0], listed[1], listed[2] = None, [[1.0, 2.0], [3.0]], "gone.csv"
    listed[3][0, 4:9] = np.nan
    age = 30 + 5 * generator.standard_normal(ROWS)
    return {"motion": listed, "age": age, "label": [("no", "yes")[one] for one in yes]}


@pytest.fixture(scope="module")
def model(cells: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> plait.Model:
    out = tmp_path_factory.mktemp("run") / "run"
    plan, kinds = "parallel(motion, tabular, by=concat)", {"motion": "series"}
    less = {"epochs": 8, "batch_size": 8, "refit": "none", "report": False}
    return plait.fit(cells, target="label", out=out, kinds=kinds, fusion=plan, **less)  # type: ignore[arg-type]


def apart(one: Any, other: Any, written: dict[str, Any], there: dict[str, Any]) -> float:
    """Return how far the probabilities of two models lie apart at the most, each asked in its own way."""
    answers = one.predict(written).probabilities - other.predict(there).probabilities
    return float(np.abs(answers).max())


def test_every_row_is_answered_and_holes_are_absent(model: plait.Model, cells: dict[str, Any]) -> None:
    answers = model.predict(cells)
    assert answers.status[:4] == ["partial", "partial", "partial", "ok"]
    assert answers.reason[:3] == [
        "motion: blank",
        "motion: ragged: lists of 1 to 2 points; expected as many in each",
        "motion: file not found: gone.csv",
    ]
    right = [answer == cells["label"][row] for row, answer in enumerate(answers.labels) if row > 2]
    assert sum(right) >= 0.9 * len(right)


def test_a_loaded_run_answers_the_same_however_a_series_is_written(model: plait.Model, cells: dict[str, Any]) -> None:
    assert model.folder is not None
    there = {name: cells[name][4:9] for name in ("motion", "age")}
    written = {**there, "motion": [str(cell.tolist()) for cell in there["motion"]]}
    assert apart(plait.load(model.folder), model, written, there) < 1e-5


def test_an_explanation_names_channel_and_time(model: plait.Model, cells: dict[str, Any], tmp_path: Path) -> None:
    found = model.explain(cells, 7)
    (detail,) = found.to_json()["row"]["details"]["motion"]
    strongest = max(detail["stretches"], key=lambda part: part["weight"])
    assert (strongest["channel"], strongest["first"] in range(14, 20)) == (1, True)
    found.draw().savefig(tmp_path / "row.png")
    assert (tmp_path / "row.png").stat().st_size > 1000


@pytest.mark.heavy
def test_its_network_is_exported_and_answers_the_same(
    model: plait.Model, cells: dict[str, Any], tmp_path: Path
) -> None:
    there = {name: cells[name][4:9] for name in ("motion", "age")}
    plait.export(model, out=tmp_path / "model.onnx")
    assert apart(plait.load(tmp_path / "model.onnx"), model, there, there) < 1e-4


def test_a_row_is_drawn(cells: dict[str, Any], tmp_path: Path) -> None:
    plait.show(cells, target="label", kinds={"motion": "series"}, row=3, out=tmp_path / "row.svg")
    assert (tmp_path / "row.svg").stat().st_size > 1000


def test_classic_learners_take_it_from_arrays_and_in_an_estimator(cells: dict[str, Any]) -> None:
    whole = np.stack(cells["motion"][4:])
    label = cells["label"][4:]
    learner = plait.Classifier(candidates=("classic",), kinds={"motion": "series"})
    answers = learner.fit({"motion": whole}, label).predict({"motion": whole})
    assert (answers == np.array(label)).mean() >= 0.95


def test_only_the_level_may_differ(cells: dict[str, Any]) -> None:
    level = np.random.default_rng(1).standard_normal((40, POINTS))
    level[20:] += 1.5
    model = plait.fit({"x": level, "y": ["low"] * 20 + ["high"] * 20}, target="y", kinds={"x": "series"},
                      candidates=("classic",), report=False)  # fmt: skip
    answers = model.predict({"x": np.stack([np.full(POINTS, -0.1), np.full(POINTS, 1.6)])})
    assert answers.labels == ["low", "high"]


def test_a_column_without_a_series_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("s,y\n" + "".join(f"word{row},{row % 2}\n" for row in range(12)))
    with pytest.raises(SystemExit) as ended:
        main(["fit", "t.csv", "--target", "y", "--kind", "s=series", "--out", "run"])
    assert ended.value.code == 2
    assert "column 's': no training row has a series that can be read (file not found: word" in capsys.readouterr().err
