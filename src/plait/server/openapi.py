"""The run in OpenAPI's words: what may be asked, with which columns, and what comes back. Knows columns, no model."""

from __future__ import annotations

from typing import Any

from plait.core.version import __version__
from plait.server.fields import Field, Fields
from plait.server.requests import MOST_HITS, Limits

NUMBER: dict[str, Any] = {"type": "number"}
TEXT: dict[str, Any] = {"type": "string"}
BASE64 = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
LISTED = {"type": "array", "items": {"type": ["number", "null"]}}
ERROR = {"type": "object", "properties": {"error": TEXT}, "required": ["error"]}
VECTOR = {"type": ["array", "null"], "items": NUMBER}
EXPLAINS = "Say what each modality made of the answer to one row, and the answer of every subset."
REFUSALS = {
    "400": "The body cannot be read, or holds a number that is none.",
    "401": "The token is missing, or another.",
    "403": "The page that asks is of another host.",
    "404": "There is none.",
    "408": "The body did not come in time.",
    "413": "The body is too large.",
    "415": "The body is neither JSON nor a form.",
    "422": "A column is not there or does not take this value, or there are too many rows.",
    "503": "Too many requests wait; try again.",
}
USUAL = [status for status in REFUSALS if status != "404"]


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


def describe_api(
    target: str, fields: Fields, limits: Limits, task: str, sought: Fields | None = None
) -> dict[str, Any]:
    """Return the document, OpenAPI 3.1. sought: the columns that `/embed` and `/search` take; None without an index."""
    status = {"type": "string", "enum": ["ok", "partial", "failed"]}
    answer: dict[str, Any] = {
        "prediction": {"type": ["string", "number", "boolean", "array", "null"]},
        "probabilities": {"type": ["object", "null"], "additionalProperties": NUMBER},
        "status": status,
        "reason": TEXT,
    }
    explained = {
        "subsets": {"type": "object", "description": "The answer with only these modalities there: audio+image."},
        "predictions": {"type": "object", "description": "What is predicted of each subset."},
        "modalities": {"type": "object", "additionalProperties": NUMBER},
        "status": status,
    }
    schemas = {"Row": _row_of(fields), "Form": _form_of(fields), "Error": ERROR}
    told = {"rows": {"type": "array", "items": _object(answer)}}
    paths = {
        "/predict": _asked("predict", f"Predict {target!r} ({task}).", _object(told), limits.rows),
        "/explain": _asked("explain", EXPLAINS, _object(explained), 1),
    }
    if sought is not None:
        schemas |= {"Query": _row_of(sought), "QueryForm": _form_of(sought)}
        vector = {"status": status, "reason": TEXT, "vector": VECTOR, "modalities": {"type": "object"}}
        hits = {"status": status, "reason": TEXT, "used": {"type": "array"}, "hits": {"type": "array"}}
        told = {"space": {"type": "object"}, "rows": {"type": "array", "items": _object(vector)}}
        found = {"space": {"type": "object"}, "in": TEXT, "queries": {"type": "array", "items": _object(hits)}}
        modalities = [*dict.fromkeys(field.modality for field in sought.values()), "any"]
        asked = [
            {"name": "in", "in": "query", "schema": {**TEXT, "enum": modalities, "default": "any"}},
            {
                "name": "top",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1, "maximum": MOST_HITS, "default": 10},
            },
        ]
        does = "Find the cells of the index that are nearest to each row."
        paths["/embed"] = _asked("embed", "Return each row as a vector.", _object(told), limits.rows, "Query")
        paths["/search"] = _asked("search", does, _object(found), limits.rows, "Query")
        paths["/search"]["post"]["parameters"] = asked
    for word in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"):
        replies = {"200": {"description": "yes"}} | ({"503": {"description": "not yet"}} if "ready" in word else {})
        paths[word] = {"get": {"operationId": word.strip("/").replace("/", "_"), "responses": replies}}
    for word, more in (("model", ()), ("example", ("404",))):
        replies = _replies({"type": "object"}, "401", "403", *more)
        paths[f"/{word}"] = {"get": {"operationId": word, "responses": replies}}
    return {
        "openapi": "3.1.0",
        "info": {"title": f"plait: {target}", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _row_of(fields: Fields) -> dict[str, Any]:
    cells = {name: cell_of(field) for name, field in fields.items()}
    return {"type": "object", "properties": cells, "additionalProperties": False}


def _form_of(fields: Fields) -> dict[str, Any]:
    parts = {name: part_of(field) for name, field in fields.items()}
    return {"type": "object", "properties": parts, "additionalProperties": False}


def _asked(word: str, does: str, reply: dict[str, Any], most: int, row: str = "Row") -> dict[str, Any]:
    """Return a path that takes rows, at most so many, in JSON or one as a form."""
    rows = {"type": "array", "items": {"$ref": f"#/components/schemas/{row}"}, "maxItems": most}
    rows["minItems"] = int(most == 1)
    asked = {**_object({"rows": rows}), "additionalProperties": False}
    form = {"$ref": f"#/components/schemas/{'Form' if row == 'Row' else 'QueryForm'}"}
    body = {"application/json": {"schema": asked}, "multipart/form-data": {"schema": form}}
    told = {"operationId": word, "summary": does, "requestBody": {"required": True, "content": body}}
    return {"post": {**told, "responses": _replies(reply)}}


def _replies(schema: dict[str, Any], *refusals: str) -> dict[str, Any]:
    """Return the responses: what comes back, and these refusals, by default the usual ones."""
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refused = {status: {"description": REFUSALS[status], "content": error} for status in refusals or USUAL}
    return {"200": {"description": "The answer.", "content": {"application/json": {"schema": schema}}}, **refused}
