"""What goes back: answers, transcripts, explanations with every subset, what the model is."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from plait.core.classes import Several
from plait.runs.model import Model
from plait.runs.predictions import Predictions, Transcripts
from plait.server.fields import Fields
from plait.server.replies import answer_rows, describe_model, explain_row
from plait.server.requests import Limits


def test_answers_of_classes_and_of_numbers() -> None:
    statuses = [("ok", ""), ("failed", "note: blank")]
    found = Predictions.from_values(np.array([[0.25, 0.75], [0.5, 0.5]]), statuses, ["no", 3])
    assert answer_rows(found) == [
        {"prediction": 3, "probabilities": {"no": 0.25, "3": 0.75}, "status": "ok", "reason": ""},
        {"prediction": None, "probabilities": None, "status": "failed", "reason": "note: blank"},
    ]
    (row, _) = answer_rows(Predictions.from_values(np.array([[1.5], [2.0]]), statuses, None))
    assert (row["prediction"], row["probabilities"]) == (1.5, None)


def test_a_transcript_has_its_words() -> None:
    found = Transcripts(["a b"], None, ["ok"], [""], confidence=[0.5], words=[[("a", 0.0, 0.1), ("b", 0.2, 0.3)]])
    (row,) = answer_rows(found)
    assert (row["prediction"], row["confidence"]) == ("a b", 0.5)
    assert row["words"][1] == {"word": "b", "start": 0.2, "end": 0.3}


def test_every_subset_of_an_explanation_is_what_predict_says(explained_model: Any, explained_table: Path) -> None:
    told = explain_row(explained_model.explain(explained_table, 3), ["no", "yes"], pictures=True)
    assert len(told["subsets"]) == 15
    data = {name: [cell] for name, cell in read_row(explained_table, 3).items()}
    columns = {view.name: view.modality.columns for view in explained_model.views}
    for names, answer in told["subsets"].items():
        left = {c: data[c] for name in names.split("+") for c in columns[name]}
        said = explained_model.predict(left, folder=explained_table.parent)
        assert np.allclose(said.probabilities[0], [*answer.values()], atol=1e-6, rtol=0)
        assert told["predictions"][names] == said.labels[0]
    assert sorted(told["prior"]) == ["no", "yes"]
    (heat,) = told["details"]["photo"]
    assert np.shape(heat["grid"]) == (8, 8)
    assert Image.open(io.BytesIO(base64.b64decode(heat["jpeg"]))).size == (8, 8)
    assert heat["box"] == [0, 0, 1, 1]
    assert "jpeg" not in told["details"]["sound"][0]


def read_row(path: Path, number: int) -> dict[str, Any]:
    import plait

    table = plait.read(path)
    return {name: table.cells(name)[number] for name in table.names}


def test_nothing_given_is_explained_by_the_prior(kept: Model) -> None:
    told = explain_row(kept.explain({"note": [None]}, 0), ["no", "yes"])
    assert (told["status"], told["prediction"], told["prior"]) == ("failed", None, {"no": 0.5, "yes": 0.5})
    assert told["subsets"]["tabular+text"] == {"no": 0.5, "yes": 0.5}


def test_what_the_model_is(kept: Model) -> None:
    told = describe_model(kept, Fields.of(kept), Limits(5), None, None)
    assert told["columns"][0] == {"name": "note", "kind": "text", "modality": "text"}
    assert told["limits"] == {"bytes": 5, "rows": 1000, "pixels": 16_000_000, "seconds": 600, "numbers": 1_000_000}
    assert (told["target"], told["task"], told["classes"]) == ("label", "classification", ["no", "yes"])
    assert (told["prior"], told["index"], len(told["seal"])) == ({"no": 0.5, "yes": 0.5}, False, 64)


def test_several_labels_of_a_row_are_a_list() -> None:
    classes = Several(["rain", "wind"])
    (row,) = answer_rows(Predictions.from_values(np.array([[0.9, 0.6]]), [("ok", "")], classes))
    assert row["prediction"] == ["rain", "wind"]
    assert row["probabilities"] == {"rain": 0.9, "wind": 0.6}
