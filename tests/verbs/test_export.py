"""A model as one ONNX file: the same answers as the run, whatever is absent; and what is refused."""

import json
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import plait
from graphs import PRIOR, Bright, network
from plait.models.blend import Average
from plait.models.classic import Goal, MajorityPredictor, fit_classic
from plait.models.predictors import Blend
from plait.runs.facts import RunFacts
from plait.runs.kept import Kept
from plait.runs.model import Model
from plait.runs.onnx import OnnxModel, OnnxPredictor
from plait.verbs.export import draw_batch
from tiny import read_csv, write_csv


@pytest.mark.heavy
def test_a_run_with_an_encoder_of_pictures_answers_without_the_encoder(explained_table: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    model = plait.fit(
        explained_table,
        target="label",
        ignore=["sound", "note", "age", "colour"],
        candidates="alone",
        encoders={"photo": Bright()},
        epochs=1,
        refit="none",
        report=False,
    )
    done = plait.export(model, out=tmp_path / "model.onnx")
    assert done.inputs[0] == {"name": "photo", "dtype": "uint8", "shape": ["batch", 1, 8, 8]}
    written = plait.load(done.path)
    expected, found = model.predict(explained_table), written.predict(explained_table)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-4, nan_ok=True)
    assert (found.status, found.reason) == (expected.status, expected.reason)
    heats = [
        next(d for d in m.explain(explained_table, row=1).details if d.modality == "photo").heat
        for m in (model, written)
    ]
    assert heats[1] == pytest.approx(heats[0], abs=1e-3)


# a run as a file


@pytest.fixture(scope="module")
def model(explained_table: Path) -> Any:
    """A quick model of pictures and texts; row 0 has no photo, row 2 nothing at all."""
    return plait.fit(explained_table, target="label", fusion="parallel(photo, text, by=gate)", epochs=2, refit="none")


@pytest.fixture(scope="module")
def exported(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """(the run folder, what export said, the file)."""
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    run = model.save(tmp_path_factory.mktemp("exported") / "run")
    return run, plait.export(run)


def test_a_file_answers_as_the_run_does(exported: Any, explained_table: Path, model: Any) -> None:
    run, done = exported
    assert done.path == run.parent / "run.onnx"
    expected = model.predict(explained_table)
    shutil.copy(done.path, run.parent / "alone.onnx")
    found = OnnxModel.load(run.parent / "alone.onnx").predict(explained_table)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=1e-4, nan_ok=True)
    assert found.labels == expected.labels
    assert found.status == expected.status
    assert found.reason == expected.reason
    assert found.status[:4] == ["partial", "ok", "failed", "ok"]
    assert found.classes == ["no", "yes"]


def test_what_export_says(exported: Any) -> None:
    _, done = exported
    told = json.loads(json.dumps(done.to_json(), default=str))
    assert [port["name"] for port in told["inputs"]] == ["photo", "photo_present", "text", "text_present"]
    assert told["inputs"][0]["dtype"] == "uint8"
    assert told["inputs"][1] == {"name": "photo_present", "dtype": "bool", "shape": ["batch"]}
    assert told["outputs"] == [{"name": "probabilities", "dtype": "float32", "shape": ["batch", 2]}]
    assert told["bytes"] == done.path.stat().st_size
    assert (told["rows"], told["drawn"]) == (64, True)
    assert 0 <= told["difference"] < 1e-4
    assert "probabilities: float32 (batch, 2)" in str(done)
    assert f"next: plait predict {done.path} TABLE" in str(done)


def test_a_file_holds_all_but_no_path_of_this_machine(exported: Any) -> None:
    _, done = exported
    data = done.path.read_bytes()
    assert str(Path(plait.__file__).parent).encode() not in data
    assert str(Path(torch.__file__).parent).encode() not in data
    facts = plait.load(done.path).facts
    assert facts["seal"] == plait.load(exported[0]).facts["seal"]
    assert facts["version"] == plait.__version__
    assert facts["modalities"][1] == {"name": "text", "kind": "text", "columns": ["note"]}


def test_a_file_is_scored_and_explained_like_a_run(exported: Any, explained_table: Path, model: Any) -> None:
    loaded = plait.load(exported[1].path)
    table = plait.read(explained_table)[:6]
    scores = plait.evaluate(loaded, table)
    assert (scores["rows"], scores["failed"], scores["alone"]) == (6, 1, {})
    assert len(scores["by_modalities"]) == 3
    told, expected = (which.explain(table).shares["text"] for which in (loaded, model))
    assert told == pytest.approx(expected, abs=1e-4)
    assert "which predicts 'label', in ONNX" in str(loaded)
    with pytest.raises(plait.RequestError, match="holds the winner alone"):
        loaded.study


def test_the_command_predicts_from_a_file(exported: Any, explained_table: Path, tmp_path: Path, capsys: Any) -> None:
    from plait.cli import main

    with pytest.raises(SystemExit) as end:
        main(["predict", str(exported[1].path), str(explained_table), "--out", str(tmp_path / "answers.csv")])
    assert end.value.code == 0
    assert "48 rows, 46 ok, 1 partial, 1 failed" in capsys.readouterr().out
    assert read_csv(tmp_path / "answers.csv")[3]["status"] == "ok"


def test_the_command_exports(exported: Any, tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    from plait.cli import main
    from plait.verbs import export as exporting

    data = exported[1].path.read_bytes()
    monkeypatch.setattr(exporting, "pack_model", lambda *_: data)
    path = tmp_path / "model.onnx"
    with pytest.raises(SystemExit) as end:
        main(["export", str(exported[0]), "--out", str(path), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (end.value.code, told["path"], told["bytes"], told["rows"]) == (0, str(path), len(data), 64)
    with pytest.raises(SystemExit) as end:
        main(["export", str(exported[0]), "--to", "onnx", "--out", str(path)])
    assert end.value.code == 2
    assert "model.onnx exists. Name another file with --out" in capsys.readouterr().err


def test_a_column_that_is_not_there_is_absent(exported: Any, explained_table: Path, tmp_path: Path) -> None:
    rows = [{"note": row["note"]} for row in read_csv(explained_table)[:3]]
    found = plait.predict(exported[1].path, write_csv(tmp_path / "notes.csv", rows))
    assert found.status == ["partial", "partial", "failed"]


def test_a_file_that_is_there_stays(exported: Any) -> None:
    with pytest.raises(plait.RunError, match=r"run\.onnx exists\. Name another file with --out, or give --overwrite"):
        plait.export(exported[0])


@pytest.mark.parametrize("spoil", ["cut", "flip", "text"])
def test_a_damaged_file(exported: Any, tmp_path: Path, spoil: str) -> None:
    data = bytearray(exported[1].path.read_bytes())
    data[len(data) // 2] ^= 1
    spoiled = {"cut": bytes(data[: len(data) // 2]), "flip": bytes(data), "text": b"not a network"}[spoil]
    (tmp_path / "bad.onnx").write_bytes(spoiled)
    with pytest.raises(plait.RunError, match=r"bad\.onnx is damaged, or is no file that plait export wrote"):
        OnnxModel.load(tmp_path / "bad.onnx")
    with pytest.raises(plait.RunError, match=r"none\.onnx cannot be read \(No such file"):
        plait.load(tmp_path / "none.onnx")


def test_drawn_rows_are_as_preparation_gives_them(model: Any) -> None:
    strands = model.views
    batch = draw_batch(strands, 6, np.random.default_rng(0))
    assert {name: x.dtype for name, x in batch.inputs.items()} == {
        "photo": torch.uint8,
        "text": torch.float32,
    }
    assert [tuple(x.shape[1:]) for x in batch.inputs.values()] == [s.shape() for s in strands]
    assert [bool(there[0]) for there in batch.present.values()] == [True] * 2
    assert [bool(there[1]) for there in batch.present.values()] == [False] * 2
    assert batch.inputs["text"][1].isnan().all()


# what is refused


@pytest.fixture(scope="module")
def classic() -> Any:
    """A model of which a logistic regression has won, without a folder."""
    codes = np.arange(20) % 3
    goal = Goal(codes, PRIOR)
    layouts = {"tabular": {"kind": "tabular", "numbers": 1, "categories": []}}
    features = {"tabular": np.eye(3)[codes] + 0.1 * np.random.default_rng(0).standard_normal((20, 3))}
    learner = fit_classic("logistic regression", features, goal, ["tabular"], layouts, np.random.default_rng(0))
    return Model(RunFacts("classification", "y", classes=["a", "b", "c"]), [], {"winner": learner})


def test_a_classic_winner_is_refused(classic: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    expected = (
        r"contains a classic learner \(logistic regression\).*--candidates alone --candidates parallel, or --fusion"
    )
    with pytest.raises(plait.RequestError, match=expected):
        plait.export(classic, out=tmp_path / "model.onnx")
    blend = Blend([network(None, ["tabular"]), classic.predictor()], Average(), PRIOR)
    with pytest.raises(plait.RequestError, match=expected):
        plait.export(replace(classic, predictors={"winner": blend}), out=tmp_path / "model.onnx")
    with pytest.raises(plait.RequestError, match="says the share of each class and looks at nothing; only networks"):
        plait.export(replace(classic, predictors={"winner": MajorityPredictor(PRIOR)}), out=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_classic_winner_names_who_can_be_written_and_that_one_is(
    classic: Any, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    facts = replace(model.facts, network="photo and text by a gate")
    kept = replace(model, facts=facts, predictors={"winner": classic.predictor(), "network": model.predictor()})
    why = "the winner of this run is or contains a classic learner (logistic regression)"
    before = f"{why}; only networks can be written as ONNX. Write the best of them,"
    with pytest.raises(plait.RequestError) as error:
        plait.export(replace(kept, folder=Path("a run")), out="model.onnx")
    gate = "photo and text by a gate: plait export 'a run' --candidate network --out model.onnx"
    assert str(error.value) == f"{before} {gate}"
    alone = {"winner": classic.predictor(), "text": model.predictor()}
    bare = replace(model, folder=Path("run"), predictors=alone, facts=replace(facts, study={}), _kept=Kept)
    with pytest.raises(plait.RequestError) as error:
        plait.export(bare)
    assert str(error.value) == f"{before} text alone: plait export run --candidate text"
    study = {"candidates": [{"kept": "logistic regression"}, {"kept": "photo by a gate"}]}
    others = Kept({"logistic regression": classic.predictor(), "photo by a gate": model.predictor()})
    with pytest.raises(plait.RequestError, match=r"of them, photo by a gate: .* --candidate 'photo by a gate'$"):
        plait.export(replace(bare, facts=replace(facts, study=study), _kept=lambda: others))
    given: list[Any] = []
    monkeypatch.setattr(
        import_module("plait.verbs.export"),
        "pack_model",
        lambda one, name: given.extend((one.predictor(), name)) or 1 / 0,
    )
    with pytest.raises(ZeroDivisionError):
        plait.export(kept, candidate="network", out=tmp_path / "model.onnx")
    assert given == [model.predictor(), "photo and text by a gate"]


def test_wrong_requests(classic: Any, model: Any, exported: Any, tmp_path: Path) -> None:
    with pytest.raises(plait.RequestError, match=r"cannot export to 'onx'\. Did you mean 'onnx'"):
        plait.export(classic, to="onx")
    with pytest.raises(plait.RequestError, match="this model has no run folder; name the file to write"):
        plait.export(replace(model, folder=None))
    with pytest.raises(plait.RequestError, match=r"'model\.pt' cannot be written; .* ends in \.onnx"):
        plait.export(model, out=tmp_path / "model.pt")
    with pytest.raises(plait.RequestError, match="is in an ONNX file already"):
        plait.export(exported[1].path)


def test_a_recogniser_is_refused(classic: Any) -> None:
    from plait.runs.transcriber import Transcriber

    heard = Transcriber(RunFacts("recognition", "said"), [], {})
    with pytest.raises(plait.RequestError, match="a recogniser cannot be exported"):
        plait.export(heard, out="heard.onnx")


def test_another_answer_is_not_written(exported: Any, model: Any, tmp_path: Path, monkeypatch: Any) -> None:
    from plait.verbs import export as exporting

    data = exported[1].path.read_bytes()
    monkeypatch.setattr(exporting, "pack_model", lambda *_: data)
    monkeypatch.setattr(OnnxPredictor, "__call__", lambda self, batch: np.full((64, 2), 0.5))
    with pytest.raises(plait.RequestError, match="the file was not written: its answers differ from those of the run"):
        plait.export(model, out=tmp_path / "model.onnx")
    assert list(tmp_path.iterdir()) == []


def test_rows_of_a_table_are_tried(exported: Any, explained_table: Path, tmp_path: Path, monkeypatch: Any) -> None:
    from plait.verbs import export as exporting

    data = exported[1].path.read_bytes()
    monkeypatch.setattr(exporting, "pack_model", lambda *_: data)
    path = tmp_path / "model.onnx"
    path.write_text("an older one")
    done = plait.export(exported[0], out=path, rows=explained_table, overwrite=True)
    assert (done.rows, done.drawn, done.difference < 1e-4) == (48, False, True)
    assert path.read_bytes() == data
