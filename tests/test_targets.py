"""Several labels a row, and classes in an order, from the table to the answers: what each verb makes of them."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

import plait
from plait.cli import main
from plait.errors import RequestError, TableError
from plait.runs.model import Model
from searches import take_quick_learners
from test_docs import SMALL, runnable

TAGS = ("big", "blue", "red")


def make_labels(num: int = 60) -> dict[str, list[Any]]:
    """Return numbers and words, of which each tells some labels, and the labels as text."""
    generator = np.random.default_rng(0)
    x = generator.standard_normal((num, 3))
    sets = x > 0.3
    cells = [";".join(tag for tag, there in zip(TAGS, own, strict=True) if there) or ";" for own in sets]
    words = ["a note of " + ("ink" if own[2] else "air") for own in sets]
    return {"x": x[:, 0].tolist(), "z": x[:, 1].tolist(), "word": words, "tags": cells}


@pytest.fixture(scope="module")
def tagged(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("tagged") / "run"
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        return plait.fit(
            make_labels(),
            target="tags",
            kinds={"tags": "labels", "word": "text"},
            candidates=["classic", "alone", "parallel", "late"],
            choose="simple",
            epochs=1,
            encoders={"text": "tfidf"},
            out=folder,
            report_rows=10,
        )


def test_labels_are_learned_proven_and_said(tagged: Model) -> None:
    assert (tagged.task, tagged.classes) == ("labels", ["big", "blue", "red"])
    assert tagged.facts.labels == {"delimiter": ";", "fewest": 0}
    assert tagged.facts.study["metric"] == "f1_rows"
    metrics = tagged.facts.test["metrics"]  # type: ignore[index]
    assert metrics["f1_micro"]["value"] > 0.6
    assert metrics.keys() >= {"f1_rows", "f1_macro", "average_precision", "hamming_loss", "exact_match", "per_class"}
    assert "F1 per row is" in str(tagged)
    assert tagged.facts.study["verdict"]["metric"] == "f1_rows" or tagged.facts.splits["test"] < 30
    folder = Path(str(tagged.folder))
    assert (folder / "report.html").exists() and (folder / "reliability.png").exists()
    assert not (folder / "confusion.png").exists()
    kept = parquet.read_table(folder / "predictions.parquet")
    assert {";"} | {*kept["target"].to_pylist()} >= {"big"}


def test_a_loaded_run_answers_the_same_by_its_own_thresholds(tagged: Model) -> None:
    again, table = plait.load(Path(str(tagged.folder))), make_labels()
    found, expected = again.predict(table), tagged.predict(table)
    assert found.columns() == expected.columns()
    thresholds = again.predictor().thresholds
    assert len(thresholds) == 3 and again.classes.thresholds == thresholds  # type: ignore[union-attr]
    chosen = [[tag for tag, p, t in zip(TAGS, row, thresholds, strict=True) if p >= t] for row in found.probabilities]
    assert found.labels == chosen
    assert (np.asarray(found.probabilities).sum(1) > 1).any()


def test_labels_are_evaluated_as_they_are_written(tagged: Model) -> None:
    table = make_labels()
    table["tags"] = [cell.replace("red", "Red") for cell in table["tags"][:-1]] + ["green"]
    found = tagged.evaluate(table)
    assert found["metrics"]["per_class"]["green"]["support"] == 1
    assert "1 row has a label that the model never saw, which counts as wrong: 'green' in 1." in found["notes"]
    assert any(
        note.startswith("labels are written otherwise than in training: 'Red' for 'red'") for note in found["notes"]
    )
    assert found["alone"].keys() == {"tabular", "text"}


def test_a_label_with_the_delimiter_inside_is_told(tagged: Model) -> None:
    table = make_labels()
    table["tags"][1] = 'big;"blue;ish"'
    with pytest.raises(TableError, match="column 'tags', row 1: the delimiter ';' is inside a label"):
        tagged.evaluate(table)


def test_the_surest_label_of_a_row_is_explained(tagged: Model) -> None:
    explanation = tagged.explain(make_labels(), row=0)
    assert explanation.labels[0] in TAGS
    assert sum(explanation.shares.values()) == pytest.approx(explanation.prediction - explanation.base)


@pytest.mark.heavy
def test_labels_are_exported_with_their_thresholds(tagged: Model, tmp_path: Path) -> None:
    fused = next(name for name in tagged.candidates if name.startswith("parallel("))
    done = plait.export(tagged, out=tmp_path / "m.onnx", candidate=fused)
    run, written = tagged.use(fused), plait.load(tmp_path / "m.onnx")
    assert done.outputs[0]["thresholds"] == list(run.predictor().thresholds)
    assert "a label is answered from its threshold on: 0." in str(done)
    asked = {name: cells for name, cells in make_labels().items() if name != "tags"}
    assert written.predict(asked).labels == run.predict(asked).labels
    scores = [one.evaluate(make_labels())["metrics"]["f1_micro"]["value"] for one in (written, run)]
    assert scores[0] == scores[1]


def test_labels_given_as_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    data = make_labels()
    lists = [[part for part in cell.split(";") if part] for cell in data.pop("tags")]
    model = plait.fit(data, lists, candidates=["classic", "ensemble"], refit="none")
    assert model.facts.labels == {"delimiter": "", "fewest": 0}
    assert model.facts.study["choose"] == "ensemble"
    assert isinstance(json.loads(model.predict(data).columns()["prediction"][0]), list)


def test_grades_are_answered_in_their_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    take_quick_learners(monkeypatch)
    generator = np.random.default_rng(0)
    x = generator.standard_normal(90)
    stars = np.clip(np.round(3 + x + 0.3 * generator.standard_normal(90)), 1, 5).astype(int).tolist()
    table = {"x": x.tolist(), "stars": stars}
    model = plait.fit(
        table, target="stars", kinds={"stars": "ordered"}, candidates="classic", out=tmp_path / "r", report=False
    )
    assert (model.task, model.classes, model.facts.study["metric"]) == ("ordered", [1, 2, 3, 4, 5], "quadratic_kappa")
    metrics = plait.load(tmp_path / "r").evaluate(table)["metrics"]
    assert metrics["quadratic_kappa"]["value"] > 0.7 and metrics["mae"]["value"] < 0.6
    answers = model.predict(table)
    middle = (np.cumsum(answers.probabilities, axis=1) < 0.5 - 1e-9).sum(1) + 1
    assert answers.labels == middle.tolist()
    learner = plait.Classifier(candidates="classic", kinds={"label": "ordered"}).fit({"x": table["x"]}, stars)
    assert {*learner.predict({"x": table["x"]}).tolist()} <= {1, 2, 3, 4, 5}


@pytest.mark.heavy
def test_a_file_of_grades_answers_as_the_run_does(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal(90)
    stars = np.clip(np.round(3 + x), 1, 5).astype(int).tolist()
    model = plait.fit({"x": x.tolist(), "stars": stars}, target="stars", kinds={"stars": "ordered"}, report=False,
                      candidates="alone", epochs=2, refit="none", out=tmp_path / "run")  # fmt: skip
    plait.export(tmp_path / "run", out=tmp_path / "grades.onnx")
    file, rows = plait.load(tmp_path / "grades.onnx"), {"x": [-2.0, -1.0, 0.0, 1.0, 2.0]}
    assert file.task == "ordered"
    assert file.predict(rows).labels == model.predict(rows).labels
    assert file.predict(rows).probabilities == pytest.approx(model.predict(rows).probabilities, abs=1e-6)


def test_an_estimator_answers_one_thing_a_row() -> None:
    with pytest.raises(RequestError, match="Classifier answers one thing a row"):
        plait.Classifier(kinds={"label": "labels"}).fit({"x": [1, 2, 3]}, ["a", "b", "a"])


def test_the_command_line_takes_both_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "x,stars,tags\n" + "".join(f"{i},{'cat' if i % 2 else 'dog'},a;b\n" for i in range(9)), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    for flag, told in (("stars=ordered", "cannot be ordered"), ("stars=grades", "there is no kind 'grades'")):
        monkeypatch.setattr("sys.stderr", err := io.StringIO())
        with pytest.raises(SystemExit, match="2"):
            main(["fit", str(path), "--target", "stars", "--kind", flag, "--out", "r"])
        assert told in err.getvalue()


def test_the_blocks_of_the_page_on_targets_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    take_quick_learners(monkeypatch)
    (block,) = runnable((Path(__file__).parents[1] / "docs" / "targets.md").read_text(encoding="utf-8"))
    monkeypatch.setitem(SMALL, "fit(films", 'fit(films, choose="simple", encoders={"text": "tfidf"}, refit="none"')
    for usual, small in SMALL.items():
        block = block.replace(usual, small)
    exec(block, {})
    assert "['love', 'war']" in capsys.readouterr().out
