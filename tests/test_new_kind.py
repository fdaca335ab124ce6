"""A kind of data that plait does not know goes all the way, from cells to the report, with no line of plait changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.cli import app
from pulse import PULSE, known_pulses
from tiny import write_csv

ROWS = 60


@pytest.fixture(scope="module")
def pulses() -> Iterator[None]:
    with known_pulses():
        yield


@pytest.fixture(scope="module")
def table(pulses: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class is in the second tick; row 0 has no pulse, row 1 a broken one, row 2 nothing at all."""
    generator = np.random.default_rng(0)
    rows: list[dict[str, Any]] = []
    for row in range(ROWS):
        yes = row % 2
        ticks = [int(generator.integers(0, 4)), 2 + 7 * yes, *map(int, generator.integers(0, 4, 2))]
        rows.append({"beat": " ".join(map(str, ticks)), "age": 20 + row % 9, "label": ("no", "yes")[yes]})
    rows[0]["beat"], rows[1]["beat"] = "", "broken"
    rows[2] |= {"beat": "", "age": ""}
    return write_csv(tmp_path_factory.mktemp("pulses") / "table.csv", rows)


@pytest.fixture(scope="module")
def model(table: Path, tmp_path_factory: pytest.TempPathFactory) -> plait.Model:
    out = tmp_path_factory.mktemp("run") / "run"
    return plait.fit(table, target="label", out=out, fusion="parallel(pulse, tabular)", epochs=12, seed=1)


def test_the_column_is_recognised_and_forms_a_modality(table: Path) -> None:
    shown = plait.show(table, target="label").to_json()
    kinds = {column["name"]: (column["kind"], column["why"]) for column in shown["columns"]}
    assert kinds["beat"] == ("pulse", "four whole numbers between blanks")
    assert [(m["name"], m["kind"], list(m["columns"])) for m in shown["modalities"]] == [
        ("pulse", "pulse", ["beat"]),
        ("tabular", "tabular", ["age"]),
    ]


def test_a_check_passes_it_over(table: Path) -> None:
    assert "beat" not in {finding.column for finding in plait.check(table, target="label")}


def test_every_row_is_answered_and_holes_are_absent(model: plait.Model, table: Path) -> None:
    answers = model.predict(table)
    assert len(answers) == ROWS
    assert answers.status[:4] == ["partial", "partial", "failed", "ok"]
    assert answers.reason[1] == "pulse: 'broken' is no pulse"
    right = [answer == ("no", "yes")[row % 2] for row, answer in enumerate(answers.labels) if row > 2]
    assert sum(right) >= 0.95 * len(right)


def test_networks_learn_from_it_alone_and_fused(model: plait.Model) -> None:
    recipes = {(candidate["name"], candidate["recipe"]) for candidate in model.leaderboard}
    plan = "parallel(pulse, tabular, by=concat)"
    assert {("pulse", "alone"), (plan, "alone then fused"), (plan, "joint")} <= recipes


def test_classic_learners_take_it(table: Path) -> None:
    model = plait.fit(table, target="label", candidates=("classic",), ignore=("age",), report=False)
    answers = model.predict({"beat": ["0 9 1 1", "1 2 0 3"]})
    assert answers.labels == ["yes", "no"]


def test_a_loaded_run_answers_the_same(model: plait.Model, table: Path) -> None:
    assert model.folder is not None
    loaded = plait.load(model.folder)
    assert loaded.predict(table).labels == model.predict(table).labels


def test_an_explanation_names_what_is_inside(model: plait.Model, table: Path) -> None:
    found = model.explain(table, 3)
    ticks = found.to_json()["row"]["details"]["pulse"][0]["ticks"]
    assert [part["tick"] for part in ticks] == [0, 1, 2, 3]
    assert max(ticks, key=lambda part: abs(part["weight"]))["tick"] == 1
    assert "pulse (by occlusion): tick 1 " in str(found)
    assert found.draw().get_size_inches()[0] == 12


def test_the_report_shows_it(model: plait.Model) -> None:
    assert model.folder is not None
    page = (model.folder / "report.html").read_text(encoding="utf-8")
    assert "flatter" in page
    assert "tick 1" in page


def test_a_row_is_drawn(table: Path, tmp_path: Path) -> None:
    plait.show(table, target="label", row=3, out=tmp_path / "row.svg")
    assert (tmp_path / "row.svg").stat().st_size > 1000


def test_the_command_line_takes_it(table: Path, model: plait.Model, capsys: pytest.CaptureFixture[str]) -> None:
    app(["predict", str(model.folder), "--cell", "beat=0 9 0 0", "--cell", "age=21", "--json"], standalone_mode=False)
    assert json.loads(capsys.readouterr().out)["predictions"][0]["prediction"] == "yes"


def test_a_kind_without_an_ability_says_none() -> None:
    assert PULSE.checks is None
    assert PULSE.mend is None
