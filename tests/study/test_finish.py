"""The end of a fit: one look at the test rows, and files that say what validation and the test rows said."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest

import plait
from calls import few, write_calls
from plait.models.train import Outcome
from plait.runs.arrival import hash_rows
from plait.runs.model import Model
from plait.runs.transcriber import Transcriber
from plait.study.candidate import Candidate
from plait.study.finish import write_history
from plait.verbs.fit import fit
from searches import draw_blocks, modalities_of, take_quick_learners
from tiny import numbers_table


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run of quick classic learners over numbers; every fourth row is blank."""
    data = numbers_table(40)
    data |= {name: [None if row % 4 == 3 else x for row, x in enumerate(data[name])] for name in ("a", "b")}
    data["part"] = ["train"] * 24 + ["val"] * 8 + ["test"] * 8
    with pytest.MonkeyPatch.context() as patch:
        take_quick_learners(patch)
        out = tmp_path_factory.mktemp("finished") / "run"
        return fit(data, target="y", split="part", candidates=["classic"], report=False, out=out)


def test_the_test_rows_are_written_with_their_answers(model: Model) -> None:
    assert model.folder is not None
    written = parquet.read_table(model.folder / "predictions.parquet").to_pydict()
    assert list(written) == [
        "row", "split", "target", "prediction", "probability_high", "probability_low", "status", "reason",
    ]  # fmt: skip
    assert written["row"] == list(range(32, 40))
    assert set(written["split"]) == {"test"}
    assert written["target"] == numbers_table(40)["y"][32:]
    assert written["status"] == ["ok", "ok", "ok", "failed"] * 2
    assert written["prediction"][3::4] == [None, None]
    assert written["reason"][3] == "tabular: blank"
    right = [a == b for a, b in zip(written["prediction"], written["target"], strict=True) if a is not None]
    assert model.facts["test"]["metrics"]["accuracy"]["value"] == pytest.approx(np.mean(right))


def test_the_best_network_stays_where_something_else_has_won(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    options: dict[str, Any] = {"candidates": ["classic", "alone"], "epochs": 1, "report": False}
    fitted = fit(numbers_table(40), target="y", out=tmp_path / "run", **options)
    assert fitted.facts.network == "tabular"
    loaded = plait.load(tmp_path / "run")
    assert sorted(loaded.predictors) == ["network", "proof", "tabular", "winner"]
    assert list(loaded.alone) == ["tabular"]
    rows = {"a": [0.4, None], "b": [2, None]}
    found = loaded.use("network").predict(rows)
    assert found.status == ["ok", "failed"]
    assert found.probabilities[0] != pytest.approx(loaded.predict(rows).probabilities[0], abs=1e-6)  # type: ignore[index]


def test_a_network_that_has_won_is_kept_once(tmp_path: Path) -> None:
    fitted = fit(numbers_table(40), target="y", out=tmp_path / "run", candidates=["alone"], epochs=1, report=False)
    assert "network" not in fitted.predictors
    assert fitted.facts.network is None


def test_the_facts_are_of_the_rows_and_the_splits(model: Model) -> None:
    assert model.facts["splits"] == {"train": 24, "val": 8, "test": 8}
    assert model.facts["rows"] == 40
    assert model.facts["unlabelled"] == 0
    assert model.facts["holes"] == {"tabular": {"blank": 10, "broken": 0, "example": ""}}
    assert model.facts["test"]["scored"] == 6
    assert model.facts["options"]["candidates"] == ["classic"]
    assert model.facts["stopped"] == ""


def test_the_leaderboard_begins_with_the_winner_and_goes_on_by_loss(model: Model) -> None:
    board = model.leaderboard
    assert [entry["winner"] for entry in board] == [True, *[False] * (len(board) - 1)]
    losses = [entry["loss"] for entry in board[1:]]
    assert losses == sorted(losses)
    # only who was to be looked at has a score on the test rows
    lowest = min((entry for entry in board if entry["modalities"]), key=lambda entry: entry["loss"])["name"]
    assert {entry["name"] for entry in board if entry["test"] is not None} == {model.facts["winner"], lowest}


def test_nothing_of_a_run_under_way_is_left(model: Model) -> None:
    assert model.folder is not None
    assert not (model.folder / "unfinished").exists()
    assert json.loads((model.folder / "study.json").read_text("utf-8"))["winner"] == model.facts["winner"]
    assert not (model.folder / "curves.png").exists()  # nothing was trained in epochs


def test_without_test_rows_the_summary_says_so() -> None:
    data = numbers_table(40) | {"part": ["train"] * 40}
    model = fit(data, target="y", split="part", epochs=1)
    assert model.facts["test"] is None
    assert "There are no test rows" in model.summary()
    assert all(entry["test"] is None for entry in model.leaderboard)


def test_without_test_rows_the_answers_written_are_for_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_quick_learners(monkeypatch)
    data = numbers_table(40) | {"part": ["train"] * 40}
    model = fit(data, target="y", split="part", candidates=["classic"], report=False, out=tmp_path / "run")
    written = parquet.read_table(tmp_path / "run" / "predictions.parquet")
    assert written["split"].to_pylist() == ["val"] * model.facts["splits"]["val"]
    assert written["target"].to_pylist() == [data["y"][row] for row in written["row"].to_pylist()]


def test_what_is_not_finite_is_null_in_the_history(tmp_path: Path) -> None:
    outcomes = [Outcome([{"epoch": 1, "loss": math.inf, "name": "Größe"}]), Outcome([{"epoch": 2, "loss": math.nan}])]
    said: Any = SimpleNamespace(names=[])
    candidates = [
        Candidate("a", "alone", None, "alone", said, np.zeros((1, 2)), np.zeros(1), outcome=outcome)
        for outcome in outcomes
    ]
    write_history(tmp_path / "history.jsonl", candidates)
    lines = (tmp_path / "history.jsonl").read_text("utf-8").splitlines()
    assert lines[0] == '{"epoch": 1, "loss": null, "name": "Größe"}'
    assert json.loads(lines[1]) == {"epoch": 2, "loss": None}


# of a recogniser


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calls(tmp_path_factory.mktemp("calls"), 16, 0)


def fit_few(calls: Path, out: Path, part: list[str]) -> Transcriber:
    asked = {"target": "transcript", "ignore": ["age"], "epochs": 1, "batch_size": 8, "split": "part", "out": out}
    recogniser = plait.fit(few(calls, part=part), **asked)
    assert isinstance(recogniser, Transcriber)
    return recogniser


@pytest.fixture(scope="module")
def recogniser(calls: Path) -> Transcriber:
    """One epoch, which is too short to hear a word."""
    return fit_few(calls, calls.parent / "run", ["train"] * 10 + ["val"] * 3 + ["test"] * 3)


def test_the_test_rows_are_written_with_what_was_heard(recogniser: Transcriber, calls: Path) -> None:
    assert recogniser.folder is not None
    written = parquet.read_table(recogniser.folder / "predictions.parquet").to_pydict()
    assert list(written) == ["row", "split", "target", "prediction", "confidence", "words", "status", "reason"]
    assert (written["row"], written["split"]) == ([13, 14, 15], ["test"] * 3)
    spoken = [text.rstrip(".").lower() for text in few(calls)["transcript"][13:]]
    assert written["target"] == spoken
    assert written["status"] == ["ok"] * 3
    assert recogniser.facts["mute"] is (not any(written["prediction"]))


def test_the_facts_are_of_the_rows_the_splits_and_the_sound(recogniser: Transcriber) -> None:
    facts = recogniser.facts
    assert (facts["task"], facts["audio"], facts["winner"], facts["rows"]) == ("recognition", "audio", "audio", 16)
    assert facts["splits"] == {"train": 10, "val": 3, "test": 3}
    assert facts["units"]["symbols"] == ["high", "low", "mid", "top"]
    assert facts["study"]["trials"] == {"single": 1, "fused": 0}
    assert (facts["test"]["rows"], facts["test"]["scored"], facts["test"]["failed"]) == (3, 3, 0)
    assert facts["test"]["metrics"]["wer"] == facts["test"]["alone"]["audio"]["metrics"]["wer"]


def test_a_recogniser_that_wrote_no_word_is_said_to_be_mute(recogniser: Transcriber) -> None:
    told = "It wrote no word in any of these rows: train longer, with --epochs, or on more rows."
    said = {
        mute: Transcriber(replace(recogniser.facts, mute=mute), recogniser.views, recogniser.predictors).summary()
        for mute in (True, False)
    }
    assert told in said[True]
    assert told not in said[False]


def test_the_run_holds_its_study_and_its_curves(recogniser: Transcriber) -> None:
    assert recogniser.folder is not None
    assert json.loads((recogniser.folder / "study.json").read_text("utf-8")) == recogniser.facts["study"]
    assert (recogniser.folder / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_without_test_rows_the_errors_are_not_known_and_validation_is_written(calls: Path) -> None:
    recogniser = fit_few(calls, calls.parent / "untested", ["train"] * 16)
    assert recogniser.facts["test"] is None
    assert not recogniser.is_mute
    assert "There are no test rows" in recogniser.summary()
    written = parquet.read_table(calls.parent / "untested" / "predictions.parquet")
    assert written["split"].to_pylist() == ["val"] * recogniser.facts["splits"]["val"]


def test_a_winner_that_tells_nothing_apart_is_told_with_the_way_out(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    table = {"v": generator.normal(size=200), "y": np.where(np.arange(200) % 20 == 0, "ill", "well")}
    model = plait.fit(table, target="y", candidates="classic", out=tmp_path / "run", report_rows=2, epochs=1)
    told = (
        "The winner answers 'well' to every one of the 84 rows held out: it tells nothing apart.",
        "--balance weights the classes so that rare ones count as much as common ones.",
    )
    again = plait.load(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")
    for sentence in told:
        assert sentence in model.summary()
        assert sentence in str(again.study)
        assert sentence in page
    assert "target 'y': 2 different values in 200 rows: classes\n" in model.summary()


def test_very_skewed_numbers_are_never_answered_below_zero(tmp_path: Path) -> None:
    generator, notes = np.random.default_rng(0), []
    v = generator.normal(size=300)
    price = np.exp(5 + 2 * v)
    made = {"v": v + 0.1 * generator.normal(size=300), "w": generator.normal(size=300), "price": price}
    train, new = ({name: cells[rows] for name, cells in made.items()} for rows in (slice(240), slice(240, None)))
    model = plait.fit(
        train, target="price", candidates="classic", out=tmp_path / "run", report=False, callback=notes.append
    )
    assert any("its logarithm is learned" in event.get("note", "") for event in notes)
    answers = np.array(model.predict(new).labels)
    assert (answers > 0).all()
    assert np.corrcoef(np.log(answers), np.log(price[240:]))[0, 1] > 0.95
    assert plait.load(tmp_path / "run").predict(new).labels == model.predict(new).labels
    nothing = model.predict({"v": [None], "w": [None]})
    assert nothing.status == ["failed"]
    assert model.prior[0] == pytest.approx(price[:240].mean(), rel=0.5)


def test_headline_verdict_and_summary_speak_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    columns = draw_blocks(320)
    names = {name: columns[name] for name in columns if name[0] in "ab"}
    model = plait.fit(
        columns,
        target="y",
        metric="balanced_accuracy",
        kinds=dict.fromkeys(names, "number"),
        modalities=modalities_of(names),
        candidates=["classic"],
    )
    assert model.facts.study["metric"] == model.study.verdict["metric"] == "balanced_accuracy"
    summary = model.summary()
    assert "balanced accuracy, validation" in summary
    assert "On the test rows balanced accuracy is " in summary
    assert "a balanced accuracy of" in model.study.verdict["sentence"]
    test = model.facts.test["metrics"]["balanced_accuracy"]["value"]  # type: ignore[index]
    assert np.isclose(test, next(c for c in model.leaderboard if c["winner"])["test"]["value"])


def test_copies_and_broken_cells_among_the_test_rows_soften_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    take_quick_learners(monkeypatch)
    table = numbers_table(40)
    table["a"] = [*table["a"][:35], *table["a"][:4], "many"]
    table["y"], table["b"] = [*table["y"][:35], *table["y"][:4], "low"], [*table["b"][:35], *table["b"][:4], 0.0]
    split = {"part": ["train"] * 24 + ["val"] * 6 + ["test"] * 10}
    told = fit(table | split, target="y", split="part", candidates=["classic"], kinds={"a": "number"})
    assert told.study.verdict["warnings"] == [
        "40 % of the test rows are copies of training rows: on others the scores would be lower.",
        "In 10 % of the test rows a cell of tabular cannot be read.",
    ]
    assert told.study.verdict["sentence"] == " ".join(
        ["Not tested whether combining helps: there is only one modality.", *told.study.verdict["warnings"]]
    )
    assert told.study.verdict["sentence"] in told.summary()


def test_the_rows_of_validation_are_kept_but_for_copies_of_training_rows(model: Model) -> None:
    assert model.folder is not None
    kept = plait.load(model.folder)._unseen  # type: ignore[union-attr]
    data = numbers_table(40)
    cells = {name: [None if row % 4 == 3 else x for row, x in enumerate(data[name])] for name in ("a", "b")}
    place = kept.places(hash_rows(plait.read(cells), model.views))
    rows = [row for row in range(24, 32) if row % 4 != 3]  # a blank row is like those of training
    assert np.flatnonzero(place >= 0).tolist() == rows
    assert kept.said["tabular"].sum(1) == pytest.approx(np.ones(6))
