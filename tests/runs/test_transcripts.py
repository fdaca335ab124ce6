"""One transcript a row, its words with their times, and the table it is written to."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet

from plait.models.speech.decode import Heard
from plait.runs.transcripts import Transcripts

HEARD = [Heard("good day", 0.123456, [("good", 0.1, 0.3), ("day", 0.4, 0.75)]), None, Heard("你好", 1.0, [])]
STATUSES = [("ok", ""), ("failed", "audio: blank"), ("partial", "age: blank")]


def test_a_row_in_which_nothing_is_heard_says_so() -> None:
    told = Transcripts.of([Heard("", 0.0, []), Heard("yes", 0.9, []), None], [("ok", ""), ("ok", ""), ("failed", "x")])
    assert told.reason == ["no words were heard", "", "x"]
    assert told.labels == ["", "yes", None]


def test_words_are_told_with_their_times() -> None:
    columns = Transcripts.of(HEARD, STATUSES).columns()
    assert list(columns) == ["prediction", "confidence", "words", "status", "reason"]
    assert columns["prediction"] == ["good day", None, "你好"]
    assert columns["confidence"] == [0.1235, None, 1.0]
    assert json.loads(columns["words"][0]) == [
        {"word": "good", "start": 0.1, "end": 0.3},
        {"word": "day", "start": 0.4, "end": 0.75},
    ]
    assert columns["words"][1:] == [None, "[]"]


def test_nothing_heard_is_said_after_what_was_absent() -> None:
    told = Transcripts.of([Heard("", 0.0, [])], [("partial", "age: blank")])
    assert told.reason == ["age: blank; no words were heard"]


def test_a_table_of_failed_rows_has_the_same_columns(tmp_path: Path) -> None:
    Transcripts.of([None], [("failed", "audio: blank")]).write(tmp_path / "a.parquet")
    found = parquet.read_table(tmp_path / "a.parquet")
    assert found.schema.equals(Transcripts.of(HEARD, STATUSES).to_arrow().schema)
    assert found.schema.field("confidence").type == pa.float64()
    assert found.to_pylist() == [
        {"prediction": None, "confidence": None, "words": None, "status": "failed", "reason": "audio: blank"}
    ]
