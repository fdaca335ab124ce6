"""The run in OpenAPI's words: what may be asked, with which columns, and what comes back. Knows columns, no model."""

from __future__ import annotations

from typing import Any

from plait.core.version import __version__
from plait.server.fields import Field, Fields
from plait.server.requests import Limits

NUMBER: dict[str, Any] = {"type": "number"}
TEXT: dict[str, Any] = {"type": "string"}
BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
LISTED = {"type": "array", "items": {"type": ["number", "null"]}}
ERROR = {"type": "object", "properties": {"error": TEXT}, "required": ["error"]}
REFUSALS = {
    "400": "The body cannot be read, or holds a number that is none.",
    "401": "The token is missing, or another.",
    "403": "The page that asks is of another host.",
    "408": "The body did not come in time.",
    "413": "The body is too large.",
    "415": "The body is neither JSON nor a form.",
    "422": "A column is not there or does not take this value, or there are too many rows.",
    "503": "Too many requests wait; try again.",
}


def cell_of(field: Field) -> dict[str, Any]:
    """Return the schema of a cell in JSON."""
    if field.is_opened:
        content: dict[str, Any] = {
            "type": "object",
            "properties": {"base64": {**TEXT, "contentEncoding": "base64", "pattern": BASE64}},
        }
        content |= {"required": ["base64"], "additionalProperties": False}
        return {"anyOf": [content, LISTED, {"type": "array", "items": LISTED}, {"type": "null"}], "title": field.kind}
    kinds = ["string", "number", "boolean", "null"]
    return {"type": kinds, "title": field.kind}


def part_of(field: Field) -> dict[str, Any]:
    """Return the schema of a field of a form."""
    if field.is_opened:
        return {
            "type": "string",
            "format": "binary",
            "contentMediaType": "application/octet-stream",
            "title": field.kind,
        }
    return {**TEXT, "title": field.kind}


def describe_api(target: str, fields: Fields, limits: Limits, task: str, searched: bool = False) -> dict[str, Any]:
    """Return the document, OpenAPI 3.1."""
    row: dict[str, Any] = {"type": "object", "properties": {name: cell_of(field) for name, field in fields.items()}}
    row |= {"additionalProperties": False}
    form: dict[str, Any] = {"type": "object", "properties": {name: part_of(field) for name, field in fields.items()}}
    form |= {"additionalProperties": False}
    status = {"type": "string", "enum": ["ok", "partial", "failed"]}
    answer: dict[str, Any] = {
        "prediction": {"type": ["string", "number", "boolean", "array", "null"]},
        "probabilities": {"type": ["object", "null"], "additionalProperties": NUMBER},
        "status": status,
        "reason": TEXT,
    }
    answered = {"type": "object", "properties": answer, "required": list(answer)}
    explained = {
        "subsets": {"type": "object", "description": "The answer with only these modalities there: audio+image."},
        "predictions": {"type": "object", "description": "What is predicted of each subset."},
        "modalities": {"type": "object", "additionalProperties": NUMBER},
        "status": status,
    }
    replies = {
        "predict": {
            "type": "object",
            "properties": {"rows": {"type": "array", "items": answered}},
            "required": ["rows"],
        },
        "explain": {"type": "object", "properties": explained, "required": list(explained)},
    }
    paths: dict[str, Any] = {}
    replies |= {word: {"type": "object"} for word in ("embed", "search")}
    further = (
        ("embed", limits.rows, "Return a vector for each modality of each row, and one for the row."),
        ("search", limits.rows, "Find what is nearest in the index; ?in=MODALITY looks in one, ?top=N says how many."),
    )
    for word, most, does in (
        ("predict", limits.rows, f"Predict {target!r} ({task})."),
        ("explain", 1, "Say what each modality made of the answer to one row, and the answer of every subset."),
        *(further if searched else ()),
    ):
        rows = {
            "type": "array",
            "items": {"$ref": "#/components/schemas/Row"},
            "maxItems": most,
            "minItems": int(most == 1),
        }
        asked = {"type": "object", "properties": {"rows": rows}, "required": ["rows"], "additionalProperties": False}
        body = {
            "application/json": {"schema": asked},
            "multipart/form-data": {"schema": {"$ref": "#/components/schemas/Form"}},
        }
        paths[f"/{word}"] = {
            "post": {
                "operationId": word,
                "summary": does,
                "requestBody": {"required": True, "content": body},
                "responses": _replies(replies[word]),
            }
        }
    for word in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
        told = {"200": {"description": "yes"}} | ({"503": {"description": "not yet"}} if "ready" in word else {})
        paths[word] = {"get": {"operationId": word.strip("/").replace("/", "_"), "responses": told}}
    paths["/model"] = {"get": {"operationId": "model", "responses": _replies({"type": "object"}, "401", "403")}}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"plait: {target}", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": {"Row": row, "Form": form, "Error": ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _replies(schema: dict[str, Any], *refusals: str) -> dict[str, Any]:
    """Return the responses: what comes back, and these refusals, by default all."""
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refused = {status: {"description": REFUSALS[status], "content": error} for status in refusals or REFUSALS}
    return {"200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}}, **refused}
