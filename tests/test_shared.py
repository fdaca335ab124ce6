"""End to end on real recordings, handwriting and reviews; skipped where the shared data is not on the machine."""

from pathlib import Path

import numpy as np
import pytest

import plait


@pytest.mark.heavy
def test_spoken_and_written_digits(shared_data: Path, tmp_path: Path) -> None:
    table = plait.read(shared_data / "digits/digits_hard.csv")
    some = table.take(np.arange(0, len(table), 10))
    model = plait.fit(
        some,
        target="digit",
        group="speaker",
        split="split",
        ignore=["id"],
        fusion="parallel(image, audio)",
        epochs=6,
        batch_size=16,
        out=tmp_path / "run",
    )
    assert [s.name for s in model.views] == ["image", "audio"]
    assert model.classes == list(range(10))
    assert model.facts["splits"] == {"train": 200, "val": 50, "test": 50}
    answers = plait.load(tmp_path / "run").predict(table.take([2, 0, 1]))
    assert len(answers) == 3
    assert answers.status[0] == "partial"  # row 2 has no picture
    assert answers.reason[0] == "image: blank"
    assert answers.probabilities is not None
    assert answers.probabilities.sum(axis=1) == pytest.approx([1, 1, 1])
    scores = model.evaluate(some)
    assert scores["rows"] == scores["scored"] == 300
    assert scores["by_modalities"]["audio+image"]["rows"] == 300
    assert scores["by_modalities"]["audio"]["rows"] == scores["alone"]["audio"]["rows"] < 300
    assert scores["metrics"]["accuracy"]["value"] > 0.35  # six epochs on 200 rows; chance is 0.1


@pytest.mark.heavy
def test_reviews_with_a_table(shared_data: Path) -> None:
    folder = shared_data / "clothing"
    options = {"target": "Recommended IND", "ignore": ["Rating"], "fusion": "parallel(text, tabular)", "epochs": 5}
    model = plait.fit(folder / "train.csv", **options)
    scores = model.evaluate(folder / "test.csv")
    assert scores["failed"] == 0
    assert scores["metrics"]["auroc"]["value"] > 0.9
    assert scores["by_modalities"]["text"]["rows"] < scores["rows"]
    assert set(scores["alone"]) == {"text", "tabular"}
