"""A text column beside a sound trains a recogniser: tones as words, through every verb."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
import soundfile

import plait
from calls import RATE, few, say, write_calls
from plait import cli
from plait.core.files import UNFINISHED
from plait.errors import RequestError, RunError, TableError
from plait.models.speech.decode import Heard
from plait.models.speech.learning import count_errors
from plait.runs.predictions import NO_WORDS, Transcripts
from plait.runs.transcriber import Transcriber, transcripts_of
from plait.study.speech import find_units, list_recognisers


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calls(tmp_path_factory.mktemp("calls"), 44, 0)


@pytest.fixture(scope="module")
def run(calls: Path) -> Path:
    """A run of the sound alone, trained long enough to hear something."""
    out = calls.parent / "run"
    plait.fit(calls, target="transcript", out=out, ignore=["age"], epochs=12, batch_size=8)
    return out


@pytest.fixture(scope="module")
def other_calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New rows, and rows with a hole each."""
    table = write_calls(tmp_path_factory.mktemp("others"), 10, 5)
    (table.parent / "broken.wav").write_text("these are words, no sound")
    soundfile.write(table.parent / "long.wav", 0.01 * np.ones(5 * RATE), RATE)
    bad = [["", "1", "low mid"], ["broken.wav", "1", "low"], ["long.wav", "1", "top"], ["0.wav", "1", ""]]
    with table.open("a", newline="") as file:
        csv.writer(file).writerows(bad)
    return table


def test_a_recogniser_is_fitted_and_says_so(run: Path) -> None:
    model = plait.load(run)
    assert isinstance(model, Transcriber)
    assert (model.task, model.target, model.modalities, model.audio) == (
        "recognition",
        "transcript",
        ["audio"],
        "audio",
    )
    assert model.units.symbols == ("high", "low", "mid", "top")
    assert sorted(path.name for path in run.iterdir()) == [
        "README.md",
        "curves.png",
        "history.jsonl",
        "plait.toml",
        "predictions.parquet",
        "run.json",
        "study.json",
        "weights.safetensors",
    ]
    assert model.facts["splits"] == {"train": 26, "val": 7, "test": 11}
    assert model.study.verdict["sentence"] == "Not tested whether combining helps: there is only one modality."
    assert [c["name"] for c in model.leaderboard] == ["audio"]
    assert "On the 11 test rows the word error rate is" in str(model)
    assert "What it can write: 4 words." in str(model)
    told = json.loads((run / "history.jsonl").read_text().splitlines()[0])
    assert (told["candidate"], told["metric_name"]) == ("audio alone", "wer")
    kept = pyarrow.parquet.read_table(run / "predictions.parquet")
    assert kept.column_names == [
        "row",
        "split",
        "target",
        "prediction",
        "confidence",
        "words",
        "status",
        "reason",
    ]
    assert kept["split"].to_pylist() == ["test"] * 11


def test_each_row_is_transcribed_with_a_status(run: Path, other_calls: Path) -> None:
    answers = plait.predict(run, other_calls)
    assert isinstance(answers, Transcripts)
    assert answers.to_arrow().column_names == ["prediction", "confidence", "words", "status", "reason"]
    assert answers.status == ["ok"] * 10 + ["failed"] * 3 + ["ok"]
    assert answers.reason[10:] == [
        "audio: blank",
        "audio: not a sound: broken.wav holds text",
        "audio: longer than 0.53 s, which is the longest this recogniser takes",
        "",
    ]
    assert answers.labels[10:13] == [None, None, None]
    assert answers.probabilities is None
    record = answers.to_arrow().to_pylist()[0]
    words = json.loads(record["words"])
    assert [word["word"] for word in words] == record["prediction"].split()
    assert all(0 <= w["start"] < w["end"] <= 0.53 for w in words)
    assert 0 < record["confidence"] <= 1


def test_scores_are_error_rates(run: Path, other_calls: Path) -> None:
    scores = plait.evaluate(run, other_calls)
    assert (scores["rows"], scores["scored"], scores["failed"]) == (14, 10, 3)
    assert list(scores["metrics"]) == ["wer", "cer", "exact"]
    assert scores["metrics"]["wer"]["value"] < 0.5
    assert list(scores["by_modalities"]) == ["audio"]
    assert scores["by_modalities"]["audio"]["rows"] == scores["alone"]["audio"]["rows"] == 10


def test_error_rates_are_those_of_jiwer() -> None:
    jiwer = pytest.importorskip("jiwer")
    truth = ["low mid top", "high", "mid mid low", "top"]
    heard = ["low top", "high high", "mid low", "low"]
    counts = count_errors(truth, [Heard(text, 1.0) for text in heard]).sum(0)
    assert counts[0] / counts[1] == jiwer.wer(truth, heard) == 4 / 8
    assert counts[2] / counts[3] == jiwer.cer(truth, heard)


def test_the_command_line_says_it_all(run: Path, other_calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def type_words(*words: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    code, out, _ = type_words("predict", run, "--cell", f"audio={other_calls.parent / '1.wav'}")
    assert code == 0
    assert [line.partition(":")[0] for line in out.splitlines()] == ["prediction", "confidence", "words", "status"]
    code, out, _ = type_words("evaluate", run, other_calls)
    assert code == 0
    assert "14 rows, 10 scored, 1 without a target, 3 with nothing present" in out
    assert "WER          0." in out
    assert "this model, given only  rows  WER" in out
    code, _, err = type_words("explain", run, other_calls)
    assert code == 2
    assert err.startswith("error: explanations of transcripts are not there yet")
    code, out, _ = type_words("study", run)
    assert "fewest word errors on validation" in out
    written = other_calls.parent / "answers.csv"
    assert type_words("predict", run, other_calls, "--out", written)[0] == 0
    assert written.read_text().splitlines()[0] == '"prediction","confidence","words","status","reason"'


def test_a_damaged_run_is_not_loaded(run: Path, tmp_path: Path) -> None:
    copy = plait.load(run).save(tmp_path / "copy")
    assert plait.load(copy).task == "recognition"
    weights = (copy / "weights.safetensors").read_bytes()
    (copy / "weights.safetensors").write_bytes(weights[:-1])
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged"):
        plait.load(copy)


def test_fused_recognisers_are_compared_and_a_killed_fit_goes_on(calls: Path, tmp_path: Path) -> None:
    def stop(event: dict[str, Any]) -> None:
        if event.get("stage", "").startswith("parallel"):
            raise MemoryError("killed")

    asked: dict[str, Any] = {"target": "transcript", "out": tmp_path / "run", "epochs": 1, "batch_size": 8}
    with pytest.raises(MemoryError, match="killed"):
        plait.fit(few(calls), **asked, callback=stop)
    stages: list[str] = []
    model = plait.fit(few(calls), **asked, callback=lambda event: stages.append(event.get("stage", "")))
    assert "audio alone" not in stages
    assert not (tmp_path / "run" / UNFINISHED).exists()
    concat, gate = "parallel(audio, tabular, by=concat)", "parallel(audio, tabular, by=gate)"
    assert sorted(c["name"] for c in model.leaderboard) == ["audio", concat, gate]
    assert model.study.verdict["metric"] == "wer"
    assert model.study.verdict["sentence"].endswith("and it takes 30.")
    scores = plait.evaluate(model, few(calls, age=[None] * 16))
    assert scores["scored"] == 16


def test_one_plan_is_tried_when_named_and_holes_are_partial(calls: Path) -> None:
    plan = "sequential(tabular, audio, by=film)"
    model = plait.fit(few(calls), target="transcript", fusion=plan, epochs=1, batch_size=8)
    assert model.facts["winner"] == plan
    assert [c["name"] for c in model.leaderboard] == [plan, "audio"]
    table = few(calls, 3, age=[None, 30, 30])
    table["audio"][1] = None
    answers = plait.predict(model, table)
    assert answers.status == ["partial", "failed", "ok"]
    reasons = [reason.removesuffix(NO_WORDS).removesuffix("; ") for reason in answers.reason]  # it may not know much
    assert reasons == ["tabular: blank", "audio: blank", ""]
    scores = plait.evaluate(model, table)
    assert {name: result["rows"] for name, result in scores["by_modalities"].items()} == {
        "audio": 2,
        "audio+tabular": 2,
    }


def test_arrays_and_labels_in_chinese(calls: Path) -> None:
    generator = np.random.default_rng(0)
    waves = np.stack([say(["low", "top"] if row % 2 else ["high", "low"], generator) for row in range(8)])
    texts = [("你好吗", "再见了")[row % 2] for row in range(8)]
    model = plait.fit(
        {"audio": waves}, texts, target="transcript", epochs=1, batch_size=4, sample_rate=RATE, time_limit=60
    )
    assert model.units.symbols == ("了", "你", "再", "吗", "好", "见")
    assert len(plait.predict(model, {"audio": waves})) == 8


@pytest.mark.parametrize(
    ("changed", "options", "said"),
    [
        ({}, {"folds": 3}, "folds cannot be asked for a transcript: cross-validation"),
        ({}, {"candidates": ("classic",)}, "candidates cannot be asked for a transcript"),
        ({}, {"balance": True}, "balance cannot be asked for a transcript: there are no classes to weight"),
        ({}, {"learning_curve": True}, "learning_curve cannot be asked for a transcript"),
        ({}, {"report": True}, "the report of a recogniser is not there yet"),
        ({}, {"fusion": "auto"}, 'fusion "auto" grows trees of classes'),
        ({}, {"encoders": {"audio": "hf:somewhere"}}, "so 'audio' cannot have the encoder hf:somewhere. Leave it out."),
        ({}, {"tune": "audio=full"}, "tune cannot be asked for a transcript. Leave it out."),
        ({}, {"fusion": "parallel(audio, photo)"}, "there is no modality 'photo'"),
        ({"hot": list(range(16)), "note": [f"it is day {n}" for n in range(16)]},
         {"fusion": "parallel(tabular, text)"}, "leaves the sound 'audio' out"),
        ({}, {"ignore": ["audio"], "kinds": {"transcript": "text"}}, "no column holds sounds. If column 'transcript'"),
        ({"transcript": [None] * 16}, {"kinds": {"transcript": "text"}}, "no transcript in any of its 16 rows"),
        ({"transcript": ["low mid", *[None] * 15]}, {}, "there is 1 row to train on"),
        ({"transcript": ["low", "mid", "top", *[None] * 13]}, {}, "there is 1 row to train on; expected two or more"),
        ({"transcript": ["..."] * 16}, {}, "no training row has a word in column 'transcript'"),
        ({"transcript": ["Hello!", "hello"] * 8}, {}, "the transcript is 'hello' in all 9 training rows"),
        ({"audio": ["nothing.wav"] * 16}, {"kinds": {"audio": "audio"}}, "no training row has a sound"),
    ],
)  # fmt: skip
def test_what_cannot_be_learned_is_said(
    calls: Path, changed: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises((RequestError, TableError), match=said.replace("(", r"\(")):
        plait.fit(few(calls, **changed), target="transcript", epochs=1, **options)


def test_two_sounds_are_one_too_many(calls: Path) -> None:
    table = few(calls)
    with pytest.raises(RequestError, match="is a transcript, and 2 columns hold sounds: audio, echo; expected one"):
        plait.fit({**table, "echo": table["audio"]}, target="transcript")


def test_transcripts_are_compared_without_case_and_punctuation() -> None:
    table = plait.read({"said": ["Good morning!", "…", None, "  ", "你 好"]})
    assert transcripts_of(table, "said").tolist() == ["good morning", "", None, None, "你好"]


def test_units_need_texts_that_differ() -> None:
    assert find_units(["go", "go go"], "said").symbols == ("go",)
    with pytest.raises(TableError, match="the transcript is 'go' in all 2 training rows"):
        find_units(["go", "go"], "said")


def test_plans_of_three_modalities() -> None:
    assert list_recognisers("audio", ["audio"]) == []
    assert list_recognisers("audio", ["image", "audio", "text"]) == [
        "parallel(audio, image, text, by=concat)",
        "parallel(audio, image, text, by=gate)",
        "sequential(image, text, audio, by=film)",
    ]


def test_the_same_seed_hears_the_same(calls: Path) -> None:
    told = []
    for _ in range(2):
        model = plait.fit(few(calls), target="transcript", ignore=["age"], epochs=2, batch_size=8, seed=3)
        told.append(model.predict(few(calls)).confidence)
    assert told[0] == told[1]
