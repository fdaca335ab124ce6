"""One answer a row, with its status, and the table it is written to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from fits import names_in
from plait.core.classes import Several
from plait.errors import RequestError
from plait.models.speech.decode import Heard
from plait.runs.model import Model
from plait.runs.predictions import Predictions, TargetPredictions, Transcripts, status_line
from plait.verbs.predict import predict
from tiny import numbers_table, read_csv


@pytest.mark.parametrize("name", ["answers.csv", "answers.parquet", "answers.CSV"])
def test_answers_are_written_with_these_columns(quick: Model, tmp_path: Path, name: str) -> None:
    answers = predict(quick.folder, {"a": [1.0, None, -1.0], "b": [1.0, None, 2.0]}, out=tmp_path / name)  # type: ignore[arg-type]
    columns = ["prediction", "probability_high", "probability_low", "status", "reason"]
    assert answers.to_arrow().column_names == columns
    if name.endswith("parquet"):
        rows = parquet.read_table(tmp_path / name).to_pylist()
        assert list(rows[0]) == columns
        assert (rows[1]["prediction"], rows[1]["probability_high"]) == (None, None)
        assert (rows[1]["status"], rows[1]["reason"]) == ("failed", "tabular: blank")
    else:
        text = read_csv(tmp_path / name)
        assert list(text[0]) == columns
        assert text[1] == dict(zip(columns, ["", "", "", "failed", "tabular: blank"], strict=True))
        assert float(text[0]["probability_high"]) == pytest.approx(answers.probabilities[0, 0])  # type: ignore[index]
    assert names_in(tmp_path) == {name}


def test_answers_of_failed_rows_alone_are_written(quick: Model, tmp_path: Path) -> None:
    for name in ("a.csv", "a.parquet"):
        answers = predict(quick, {"a": [None, "x"], "b": [None, None]}, out=tmp_path / name)
        assert answers.status == ["failed", "failed"]
        assert answers.labels == [None, None]
        assert answers.probabilities is not None
        assert np.isnan(answers.probabilities).all()
        assert (tmp_path / name).exists()


def test_answers_are_not_written_under_another_ending(quick: Model, tmp_path: Path) -> None:
    with pytest.raises(
        RequestError, match=r"cannot be written to 'a\.xlsx'; expected a name that ends in \.csv or \.parquet"
    ):
        predict(quick, numbers_table(5), out=tmp_path / "a.xlsx")
    assert not names_in(tmp_path)


def test_a_failed_row_has_no_prediction_and_no_probability() -> None:
    shares = np.array([[0.25, 0.75], [np.nan, np.nan]])
    answers = Predictions(["yes", None], shares, ["ok", "failed"], ["", "age: blank"], ["no", "yes"])
    expected = {
        "prediction": ["yes", None],
        "probability_no": [0.25, None],
        "probability_yes": [0.75, None],
        "status": ["ok", "failed"],
        "reason": ["", "age: blank"],
    }
    assert len(answers) == 2
    assert answers.columns() == expected
    assert answers.to_arrow().to_pydict() == expected


def test_numbers_have_no_probabilities(tmp_path: Path) -> None:
    answers = Predictions([1.5, None], None, ["partial", "failed"], ["note: blank", "note: blank; age: blank"])
    answers.write(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        '"prediction","status","reason"',
        '1.5,"partial","note: blank"',
        ',"failed","note: blank; age: blank"',
    ]


def test_rows_are_counted_by_status() -> None:
    assert status_line(["ok"] * 1200 + ["failed", "partial", "failed"]) == "1,203 rows, 1,200 ok, 1 partial, 2 failed"
    assert status_line([]) == "0 rows, 0 ok, 0 partial, 0 failed"


# transcripts

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


def test_several_labels_are_joined_as_they_were() -> None:
    values = np.array([[0.9, 0.2, 0.7], [0.1, 0.1, 0.1], [np.nan] * 3])
    statuses = [("ok", ""), ("ok", ""), ("failed", "blank")]
    for delimiter, prediction in ((";", ["a;c", ";", None]), ("", ['["a", "c"]', "[]", None])):
        answers = Predictions.from_values(values, statuses, Several(["a", "b", "c"], delimiter))
        assert answers.labels == [["a", "c"], [], None]
        table = answers.to_arrow().to_pydict()
        assert table["prediction"] == prediction
        assert table["probability_c"] == [0.7, 0.1, None]


def test_answers_of_several_targets_have_one_status_a_row() -> None:
    probabilities = np.array([[0.7, 0.3], [np.nan] * 2, [np.nan] * 2])
    status, reason = ["ok", "failed", "failed"], ["", "photo: blank", "photo: blank"]
    first = Predictions(["a", None, None], probabilities, status, reason, ["a", "b"])
    second = Predictions([1.5, 2.5, None], None, ["ok", "ok", "failed"], ["", "", "photo: blank"])
    answers = TargetPredictions({"x": first, "y z": second}, {"prediction_x": [1, 2, 3]})
    assert answers.status == ["ok", "partial", "failed"]
    assert answers.reason == ["", "x: photo: blank", "photo: blank"]
    table = answers.to_arrow()
    assert table.column_names == [
        "prediction_x_2", "prediction_x", "probability_x_a", "probability_x_b", "prediction_y z", "status", "reason",
    ]  # fmt: skip
    assert table.to_pylist()[1] == {
        "prediction_x_2": 2,
        "prediction_x": None,
        "probability_x_a": None,
        "probability_x_b": None,
        "prediction_y z": 2.5,
        "status": "partial",
        "reason": "x: photo: blank",
    }


def test_columns_of_two_targets_never_have_one_name(tmp_path: Path) -> None:
    both = {
        "a": Predictions(["b_c"], np.ones((1, 1)), ["ok"], [""], ["b_c"]),
        "a_b": Predictions(["c"], np.ones((1, 1)), ["ok"], [""], ["c"]),
    }
    answers = TargetPredictions(both)
    assert [*answers.columns()] == [
        "prediction_a", "probability_a_b_c", "prediction_a_b", "probability_a_b_c_2", "status", "reason",
    ]  # fmt: skip
    answers.write(tmp_path / "a.csv")
    assert len(read_csv(tmp_path / "a.csv")) == 1
    with pytest.raises(RequestError, match=r"ends in .csv or .parquet"):
        answers.write(tmp_path / "a.txt")


def test_what_a_killed_process_left_beside_a_file_goes_with_the_next(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for process in (dead.pid, os.getppid(), "notes"):
        (tmp_path / f".a[1].csv.{process}.part").write_bytes(b"prediction\n1")
    Predictions([1.0], None, ["ok"], [""]).write(tmp_path / "a[1].csv")
    assert names_in(tmp_path) == {"a[1].csv", f".a[1].csv.{os.getppid()}.part", ".a[1].csv.notes.part"}
