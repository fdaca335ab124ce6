"""The end of a fit of a recogniser: what is told of the test rows, and the files of its run."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

import plait
from calls import few, write_calls
from plait.runs.transcriber import Transcriber


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calls(tmp_path_factory.mktemp("calls"), 16, 0)


def fit_few(calls: Path, out: Path, part: list[str]) -> Transcriber:
    asked = {"target": "transcript", "ignore": ["age"], "epochs": 1, "batch_size": 8, "split": "part", "out": out}
    model = plait.fit(few(calls, part=part), **asked)
    assert isinstance(model, Transcriber)
    return model


@pytest.fixture(scope="module")
def model(calls: Path) -> Transcriber:
    """One epoch, which is too short to hear a word."""
    return fit_few(calls, calls.parent / "run", ["train"] * 10 + ["val"] * 3 + ["test"] * 3)


def test_the_test_rows_are_written_with_what_was_heard(model: Transcriber, calls: Path) -> None:
    assert model.folder is not None
    written = parquet.read_table(model.folder / "predictions.parquet").to_pydict()
    assert list(written) == ["row", "split", "target", "prediction", "confidence", "words", "status", "reason"]
    assert (written["row"], written["split"]) == ([13, 14, 15], ["test"] * 3)
    spoken = [text.rstrip(".").lower() for text in few(calls)["transcript"][13:]]
    assert written["target"] == spoken
    assert written["status"] == ["ok"] * 3
    assert model.facts["mute"] is (not any(written["prediction"]))


def test_the_facts_are_of_the_rows_the_splits_and_the_sound(model: Transcriber) -> None:
    facts = model.facts
    assert (facts["task"], facts["audio"], facts["winner"], facts["rows"]) == ("recognition", "audio", "audio", 16)
    assert facts["splits"] == {"train": 10, "val": 3, "test": 3}
    assert facts["units"]["symbols"] == ["high", "low", "mid", "top"]
    assert facts["study"]["trials"] == {"single": 1, "fused": 0}
    assert (facts["test"]["rows"], facts["test"]["scored"], facts["test"]["failed"]) == (3, 3, 0)
    assert facts["test"]["metrics"]["wer"] == facts["test"]["alone"]["audio"]["metrics"]["wer"]


def test_a_recogniser_that_wrote_no_word_is_said_to_be_mute(model: Transcriber) -> None:
    told = "It wrote no word in any of these rows: train longer, with --epochs, or on more rows."
    said = {
        mute: Transcriber(replace(model.facts, mute=mute), model.views, model.predictors).summary()
        for mute in (True, False)
    }
    assert told in said[True]
    assert told not in said[False]


def test_the_run_holds_its_study_and_its_curves(model: Transcriber) -> None:
    assert model.folder is not None
    assert json.loads((model.folder / "study.json").read_text("utf-8")) == model.facts["study"]
    assert (model.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_without_test_rows_the_errors_are_not_known_and_validation_is_written(calls: Path) -> None:
    model = fit_few(calls, calls.parent / "untested", ["train"] * 16)
    assert model.facts["test"] is None
    assert not model.is_mute
    assert "There are no test rows" in model.summary()
    written = parquet.read_table(calls.parent / "untested" / "predictions.parquet")
    assert written["split"].to_pylist() == ["val"] * model.facts["splits"]["val"]
