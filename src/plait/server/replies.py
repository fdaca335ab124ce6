"""What goes back: rows of answers, an explanation with the answer of every subset, what the model is.

Knows predictions and explanations; no request, no HTTP.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import jsonable
from plait.proof.explanation import Explanation
from plait.proof.inside import Detail
from plait.runs.model import Model
from plait.runs.predictions import Predictions, Transcripts
from plait.server.fields import Fields
from plait.server.requests import Limits

WIDE = 640  # pixels of a picture that goes back with its heat


def answer_rows(found: Predictions) -> list[dict[str, Any]]:
    """Return for each row {"prediction", "probabilities", "status", "reason"}; of a transcript its words too."""
    rows = []
    for number, label in enumerate(found.labels):
        status = found.status[number]
        row: dict[str, Any] = {"prediction": label, "probabilities": None}
        if found.probabilities is not None and status != "failed":
            row["probabilities"] = name_classes(found.probabilities[number], found.classes or [])
        if isinstance(found, Transcripts):
            words = found.words[number]
            row["confidence"] = found.confidence[number]
            row["words"] = words and [dict(zip(("word", "start", "end"), word, strict=True)) for word in words]
        rows.append(jsonable({**row, "status": status, "reason": found.reason[number]}))
    return rows


def name_classes(values: np.ndarray, classes: Sequence[Any] | None) -> Any:
    """Return {class: probability}, or of a number the number."""
    if classes is None:
        return float(values[0])
    return {str(name): float(value) for name, value in zip(classes, values, strict=True)}


def explain_row(found: Explanation, classes: Sequence[Any] | None, pictures: bool = False) -> dict[str, Any]:
    """Return what is said of the one row: as `plait explain --json`, and the answer of every subset of modalities.

    classes: of the model. pictures: with what the page draws, pictures that heat lies on among it.
    """
    told = found.to_json()["row"]
    if pictures:
        told["details"] = {}
        for detail in found.details:
            told["details"].setdefault(detail.modality, []).append({**detail.to_json(), **_draw(detail)})
    given = {key: values for key, values in found.subsets.items() if key}
    subsets = {key: name_classes(values, classes) for key, values in given.items()}
    answered = [("ok", "")] * len(given)
    said = Predictions.from_values(np.array([*given.values()]), answered, classes).labels if given else []
    rest = {"predictions": dict(zip(given, said, strict=True)), "prior": found.prior}
    return jsonable({**told, "reason": found.statuses[0][1], "subsets": subsets, **rest})


def _draw(detail: Detail) -> dict[str, Any]:
    """Return where the heat lies on what came, as parts of it, and the picture below it, as JPEG in base64."""
    if not hasattr(detail.before, "thumbnail"):  # no picture
        return {"column": detail.column}
    picture, (left, top, right, bottom) = detail.before.convert("RGB"), detail.box
    width, height = picture.size
    box = [left / width, top / height, right / width, bottom / height]
    picture.thumbnail((WIDE, WIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return {"column": detail.column, "box": box, "jpeg": base64.b64encode(buffer.getvalue()).decode()}


def describe_model(
    model: Model, fields: Fields, limits: Limits, example: Mapping[str, Any] | None, index: Any
) -> dict[str, Any]:
    """Return what `GET /model` says."""
    classes = model.classes
    return jsonable(
        {
            "target": model.target,
            "task": model.task,
            "classes": classes,
            "modalities": model.modalities,
            "columns": [field.to_json() for field in fields.values()],
            "prior": name_classes(model.prior, classes) if len(model.prior) else None,
            "unit": model.facts.unit,
            "limits": limits.to_json(),
            "seal": model.facts.seal,
            "candidate": model.candidate or None,
            "example": example is not None,
            "index": index is not None,
        }
    )
