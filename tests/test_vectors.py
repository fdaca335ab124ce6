"""Columns of vectors go all the way: each a modality with a length of its own, fused, explained, and with holes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait

ROWS = 60


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    """The class is in number 2 of the first vector; of that row 0 has none, row 1 a short one, row 2 one with a NaN."""
    generator = np.random.default_rng(0)
    yes = np.arange(ROWS) % 2
    first, second = generator.standard_normal((ROWS, 6)), generator.standard_normal((ROWS, 20))
    first[:, 2] += 6 * yes
    listed: list[Any] = list(first)
    listed[0], listed[1], listed[2] = None, first[1, :4], first[2] * np.nan
    return {"heard": listed, "seen": second, "label": [("no", "yes")[one] for one in yes]}


@pytest.fixture(scope="module")
def model(cells: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> plait.Model:
    out = tmp_path_factory.mktemp("run") / "run"
    plan = "parallel(heard, seen, by=concat)"
    return plait.fit(cells, target="label", out=out, fusion=plan, epochs=8, refit="none", report=False)


def test_every_row_is_answered_and_holes_are_absent(model: plait.Model, cells: dict[str, Any]) -> None:
    answers = model.predict(cells)
    assert answers.status[:4] == ["partial", "partial", "partial", "ok"]
    assert answers.reason[:3] == [
        "heard: blank",
        "heard: 4 numbers, where most have 6",
        "heard: 6 of 6 numbers are not finite",
    ]
    right = [answer == cells["label"][row] for row, answer in enumerate(answers.labels) if row > 2]
    assert sum(right) >= 0.8 * len(right)


def test_a_loaded_run_answers_the_same_however_the_vectors_are_written(
    model: plait.Model, cells: dict[str, Any], tmp_path: Path
) -> None:
    assert model.folder is not None
    written = {name: [str(cell.tolist()) for cell in cells[name][3:9]] for name in ("heard", "seen")}
    there = {name: cells[name][3:9] for name in ("heard", "seen")}
    answers = plait.load(model.folder).predict(written)
    assert np.allclose(answers.probabilities, model.predict(there).probabilities, atol=1e-5)


def test_an_explanation_names_the_number(model: plait.Model, cells: dict[str, Any]) -> None:
    (detail,) = model.explain(cells, 3).to_json()["row"]["details"]["heard"]
    strongest = max(detail["numbers"], key=lambda part: abs(part["weight"]))
    assert (strongest["first"], strongest["last"]) == (2, 2)


def test_vectors_of_the_usual_length_in_one_class_alone_teach_nothing_and_it_is_said() -> None:
    vectors = [[0.1 * row, 0.2, 0.3] if row % 2 else [0.1 * row, 0.5] for row in range(40)]
    with pytest.raises(plait.PlaitError, match="in fewer than two training rows, or in those of one"):
        plait.fit({"v": vectors}, ["a", "b"] * 20, kinds={"v": "vectors"}, candidates=["classic"], report=False)
