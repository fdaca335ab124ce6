"""The learning curve: parts of the rows that hold each other, honest points, and a kill that costs only one of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.checks.guesses import nested_order
from plait.core.words import say_curve
from tiny import numbers_table

ASKED: dict[str, Any] = {"target": "y", "epochs": 2, "learning_curve": True}


def point(rows: int, value: float | None, half: float = 0.02) -> dict[str, Any]:
    if value is None:
        return {"rows": rows, "val": {"value": None, "low": None, "high": None}}
    return {"rows": rows, "val": {"value": value, "low": value - half, "high": value + half}}


def test_every_beginning_has_the_class_shares_of_the_whole() -> None:
    codes = np.array([0] * 80 + [1] * 20)
    order = nested_order(np.arange(100), codes, np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(100))
    for count in (10, 25, 50):
        assert codes[order[:count]].sum() == pytest.approx(count / 5, abs=1)
    again = nested_order(np.arange(100), codes, np.random.default_rng(0))
    assert order.tolist() == again.tolist()


def test_fit_draws_it_when_asked(tmp_path: Path) -> None:
    stages: list[str] = []
    note = lambda event: stages.append(str(event.get("stage")))  # noqa: E731
    model = plait.fit(numbers_table(120), out=tmp_path / "run", callback=note, candidates="alone", **ASKED)
    points = model.facts["learning_curve"]
    train = model.facts["splits"]["train"]
    assert [p["rows"] for p in points] == [round(train / 8), round(train / 4), round(train / 2), train]
    winner = next(entry for entry in model.leaderboard if entry["winner"])
    assert points[-1]["val"] == winner["val"]
    assert (tmp_path / "run" / "learning-curve.png").exists()
    assert "learning-curve.png" in model.facts["files"]
    assert f"{round(train / 8)} rows: alone tabular" in stages
    assert "Learning curve: accuracy on validation " in model.summary()


@pytest.mark.heavy
def test_a_plan_is_learned_anew_too_and_without_the_wish_there_is_none() -> None:
    data = numbers_table(120)
    data["note"] = [f"{y} tide, number {n}" for n, y in enumerate(data["y"])]
    asked = {"kinds": {"note": "text"}, "fusion": "parallel(text, tabular)", "refit": "none"}
    model = plait.fit(data, **ASKED, **asked)
    assert len(model.facts["learning_curve"]) == 4
    assert model.leaderboard[0]["winner"]
    plain = plait.fit(data, target="y", epochs=2, **asked)
    assert plain.facts["learning_curve"] == []
    timed = ("seconds", "latency_ms")
    bare, curved = ([{k: v for k, v in c.items() if k not in timed} for c in m.leaderboard] for m in (plain, model))
    assert bare == curved
    assert "Learning curve" not in plain.summary()


def test_a_killed_curve_goes_on_after_its_last_point(tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    stages: list[str] = []

    def kill(event: dict[str, Any]) -> None:
        if str(event.get("stage")).startswith("17 rows"):
            raise Killed

    data, asked = numbers_table(120), {**ASKED, "candidates": "alone", "report": False}
    with pytest.raises(Killed):
        plait.fit(data, out=tmp_path / "run", callback=kill, **asked)
    model = plait.fit(data, out=tmp_path / "run", callback=lambda e: stages.append(str(e.get("stage"))), **asked)
    assert "9 rows: alone tabular" not in stages
    assert "17 rows: alone tabular" in stages
    unbroken = plait.fit(data, **asked)
    assert model.facts["learning_curve"] == unbroken.facts["learning_curve"]


def test_a_table_of_few_rows_has_few_points() -> None:
    model = plait.fit(numbers_table(28), candidates="alone", **ASKED)
    assert [p["rows"] for p in model.facts["learning_curve"]] == [8, 17]


def test_the_sentence_says_whether_more_rows_would_help() -> None:
    rising = say_curve([point(100, 0.6), point(200, 0.7)], "accuracy")
    assert rising == (
        "Learning curve: accuracy on validation 0.600 at 100, 0.700 at 200 rows; "
        "still rising: more rows are likely to help."
    )
    assert say_curve([point(100, 0.7), point(200, 0.705)], "accuracy").endswith(
        "level: more rows alike may not help much."
    )
    assert say_curve([point(200, 0.7)], "accuracy").endswith("too few points to say more.")
    assert "unknown" in say_curve([point(200, None)], "r2")
