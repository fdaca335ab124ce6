"""The run in OpenAPI's words."""

import json

from plait.server.fields import Field, Fields
from plait.server.openapi import describe_api
from plait.server.requests import Limits

FIELDS = Fields({"photo": Field("photo", "image", "photo"), "age": Field("age", "number", "tabular")})


def test_the_document_names_the_columns_and_every_refusal() -> None:
    told = json.loads(json.dumps(describe_api("sick", FIELDS, Limits(9), "classification")))
    assert told["openapi"] == "3.1.0"
    assert sorted(told["paths"]) == [
        "/explain",
        "/health/live",
        "/health/ready",
        "/model",
        "/predict",
        "/v2/health/live",
        "/v2/health/ready",
    ]
    row = told["components"]["schemas"]["Row"]
    assert row["properties"]["age"] == {"type": ["string", "number", "boolean", "null"], "title": "number"}
    assert row["properties"]["photo"]["anyOf"][0]["required"] == ["base64"]
    asked = told["paths"]["/predict"]["post"]
    assert asked["requestBody"]["content"].keys() == {"application/json", "multipart/form-data"}
    assert asked["responses"].keys() == {"200", "400", "401", "403", "408", "413", "415", "422", "503"}
    assert told["paths"]["/model"]["get"]["responses"].keys() == {"200", "401", "403"}
