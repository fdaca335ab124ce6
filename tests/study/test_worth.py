"""What the test score owes each modality, of quick fits."""

from typing import Any

import numpy as np
import pytest

import plait
from plait.proof.paired import Yardstick, corrected_t
from plait.runs.model import Model
from plait.study import worth
from searches import draw_blocks, take_quick_learners


def fit_blocks(monkeypatch: pytest.MonkeyPatch, shifts: dict[str, float], **options: Any) -> Model:
    """Fit a logistic regression on blocks of two numbers each, every block a modality."""
    take_quick_learners(monkeypatch)
    table = draw_blocks(240, knows=shifts)
    parts = {name: [f"{name}0", f"{name}1"] for name in shifts}
    return plait.fit(table, target="y", modalities=parts, candidates=["classic"], refit="none", **options)


@pytest.fixture(scope="module")
def model() -> Model:
    with pytest.MonkeyPatch.context() as patch:
        return fit_blocks(patch, {"a": 1.0, "b": 1.0, "noise": 0.0}, fusion=None)


def test_the_gains_are_of_all_test_rows_and_add_up(model: Model) -> None:
    found, test = model.facts.study["worth"], model.facts.test
    assert test is not None
    assert (found["metric"], found["rows"], found["of"], found["groups"]) == ("accuracy", 60, 60, None)
    assert found["value"] == pytest.approx(test["metrics"]["accuracy"]["value"])
    total = sum(gain["value"] for gain in found["modalities"].values())
    assert total == pytest.approx(found["value"] - found["prior"])
    assert sorted(found["modalities"]) == sorted(model.modalities)
    pair = found["pairs"]["a+b"]
    for name, reached in pair["alone"].items():
        assert reached == pytest.approx(test["by_modalities"][name]["metrics"]["accuracy"]["value"])
    assert pair["together"] == pytest.approx(test["by_modalities"]["a+b"]["metrics"]["accuracy"]["value"])


def test_an_explanation_of_the_winner_is_headed_by_it(model: Model) -> None:
    rows = {name: [0.5, -0.5] for name in ("a0", "a1", "b0", "b1", "noise0", "noise1")}
    assert model.explain(rows).worth == model.facts.study["worth"]
    assert str(model.explain(rows)).startswith("What mattered, in points of accuracy, on 60 test rows: ")
    assert model.explain(rows, row=0).worth is None
    assert model.use("a").explain(rows).worth is None  # it was not split


def test_of_a_metric_that_takes_time_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = fit_blocks(monkeypatch, {"a": 1.0, "b": 1.0}, metric="auroc", report_rows=20).facts.study["worth"]
    assert (slow["metric"], slow["rows"], slow["of"]) == ("auroc", 20, 60)
    monkeypatch.setattr(worth, "MOST", 30)
    quick = fit_blocks(monkeypatch, {"a": 1.0, "b": 1.0}).facts.study["worth"]
    assert (quick["rows"], quick["of"]) == (30, 60)


@pytest.mark.heavy
def test_of_many_modalities_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    many = fit_blocks(monkeypatch, dict.fromkeys("abcdefg", 0.4), report_rows=10)
    found = many.facts.study["worth"]
    assert len(many.modalities) == 7
    assert (found["rows"], found["of"], len(found["pairs"])) == (10, 60, 21)
    assert sum(gain["value"] for gain in found["modalities"].values()) == pytest.approx(found["value"] - found["prior"])


def test_without_test_rows_there_is_nothing_to_split(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    table = {**draw_blocks(60), "part": ["train"] * 60}
    untested = plait.fit(table, target="y", split="part", candidates=["classic"])
    assert "worth" not in untested.facts.study


def test_what_folds_say_is_as_uncertain_as_they_differ() -> None:
    """a tells 3, 4, 5 and 4 of the 5 rows of a fold, b none; without either 2 are right."""
    truth, place = np.array(["y"] * 20), np.arange(20)

    def right(count: int) -> np.ndarray:
        return np.eye(2)[(np.arange(5) >= count).astype(int)]

    given = [{(): right(2), ("a",): right(num), ("b",): right(2), ("a", "b"): right(num)} for num in (3, 4, 5, 4)]
    yardstick = Yardstick("accuracy", truth, ["y", "n"], place)
    found = worth.measure_folds(given, ["a", "b"], yardstick, place, 15.0, 0)
    a, b = (found["modalities"][name] for name in "ab")
    _, low, high = corrected_t(np.array([0.2, 0.4, 0.6, 0.4]), 15.0, 5.0)
    assert (a["value"], a["low"], a["high"]) == pytest.approx((0.4, low, high))
    assert high - low == pytest.approx(0.7938, abs=1e-4)
    assert b["value"] == 0
    assert found["pairs"]["a+b"]["value"] == 0
    assert (found["rows"], found["of"]) == (20, 20)
