"""A fitted recogniser: its words and their times, what it is scored on, and what it refuses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from calls import RATE, few, say, write_calls
from plait.errors import RequestError
from plait.models.speech.decode import Heard
from plait.runs.transcriber import Transcriber, _move_words


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calls(tmp_path_factory.mktemp("calls"), 16, 0)


@pytest.fixture(scope="module")
def model(calls: Path) -> Transcriber:
    """A recogniser of the sound and a table that has learned for one epoch: what it says is of no use."""
    plan = "parallel(audio, tabular, by=gate)"
    return plait.fit(few(calls), target="transcript", fusion=plan, epochs=1, batch_size=8)


def test_times_count_from_the_start_of_the_sound() -> None:
    moved = _move_words([Heard("go", 0.5, [("go", 0.1, 0.3)]), None], [0.25, 0.0])
    assert moved == [Heard("go", 0.5, [("go", 0.35, 0.55)]), None]


def test_silence_that_is_cut_off_counts_in_the_times(calls: Path) -> None:
    asked: dict[str, Any] = {"ignore": ["age"], "epochs": 1, "prep": {"audio": {"trim": True}}, "time_limit": 60}
    model = plait.fit(few(calls), target="transcript", **asked)
    late = np.append(np.zeros(RATE // 4), say(["low"], np.random.default_rng(0)))
    table = plait.read({"audio": late[None]})
    table.sample_rates["audio"] = RATE
    answered = model._answer(table, [("audio",)], (), lambda event: None)
    assert model._starts(table, answered) == [pytest.approx(0.25, abs=0.02)]


def test_it_knows_its_sound_and_what_it_can_write(model: Transcriber) -> None:
    assert isinstance(model, Transcriber)
    assert model.audio == "audio"
    assert model.modalities == ["audio", "tabular"]
    assert (model.units.kind, model.units.symbols) == ("words", ("high", "low", "mid", "top"))
    assert "What it can write: 4 words." in str(model)


def test_without_its_sound_a_row_fails_whatever_else_is_there(model: Transcriber, calls: Path) -> None:
    table = few(calls, 4, age=[20, None, 20, 20])
    table["audio"][2], table["audio"][3] = None, "gone.wav"
    answers = model.predict(table)
    assert answers.status == ["ok", "partial", "failed", "failed"]
    assert [label is None for label in answers.labels] == [False, False, True, True]
    assert answers.reason[2] == "audio: blank"
    assert answers.reason[3].startswith("audio: file not found: gone.wav")
    assert answers.confidence[2:] == [None, None]


def test_it_is_scored_with_and_without_the_others_but_never_without_the_sound(model: Transcriber, calls: Path) -> None:
    table = few(calls, 5)
    table["audio"][0], table["transcript"][1] = None, None
    scores = model.evaluate(table)
    assert (scores["rows"], scores["scored"], scores["failed"]) == (5, 3, 1)
    assert list(scores["metrics"]) == ["wer", "cer", "exact"]
    assert {name: found["rows"] for name, found in scores["by_modalities"].items()} == {"audio": 3, "audio+tabular": 3}
    assert {name: found["rows"] for name, found in scores["alone"].items()} == {"audio": 3}


def test_a_table_without_a_transcript_is_not_scored(model: Transcriber, calls: Path) -> None:
    with pytest.raises(RequestError, match="no row has a transcript in column 'transcript'; expected at least one"):
        model.evaluate(few(calls, 2, transcript=[None, " "]))


def test_a_transcript_is_not_explained(model: Transcriber, calls: Path) -> None:
    with pytest.raises(RequestError, match="explanations of transcripts are not there yet"):
        model.explain(few(calls, 1))


def test_no_rows_give_no_transcripts(model: Transcriber, calls: Path) -> None:
    assert len(model.predict(plait.read(few(calls, 1)).take([]))) == 0
