"""The run in OpenAPI's words."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import plait
from plait.server.fields import Field, Fields
from plait.server.openapi import describe_api
from plait.server.requests import Limits
from plait.space.index import Index

FIELDS = Fields({"photo": Field("photo", "image", "photo"), "age": Field("age", "number", "tabular")})


def test_the_document_names_the_columns_and_every_refusal() -> None:
    told = json.loads(json.dumps(describe_api("sick", FIELDS, Limits(9), "classification")))
    assert told["openapi"] == "3.1.0"
    assert sorted(told["paths"]) == [
        "/example",
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
    assert told["paths"]["/example"]["get"]["responses"].keys() == {"200", "401", "403", "404"}


def test_an_index_brings_its_addresses_and_its_columns() -> None:
    sought = Fields({"photo": FIELDS["photo"], "note": Field("note", "text", "text")})
    told = json.loads(json.dumps(describe_api("sick", FIELDS, Limits(9), "classification", sought)))
    assert {"/embed", "/search"} < told["paths"].keys()
    assert told["components"]["schemas"]["Query"]["properties"].keys() == {"photo", "note"}
    into, top = told["paths"]["/search"]["post"]["parameters"]
    assert into["schema"]["enum"] == ["photo", "text", "any"]
    assert (top["schema"]["minimum"], top["schema"]["maximum"]) == (1, 1000)


@pytest.mark.heavy
@pytest.mark.parametrize("mode", ["POSITIVE", "NEGATIVE"])
def test_what_the_document_promises_is_what_comes(index: Index, mode: str) -> None:
    schemathesis: Any = pytest.importorskip("schemathesis")
    app, host = plait.serve(index.model, index), {"host": "localhost"}
    kind, asked = schemathesis.GenerationMode[mode], []
    found = schemathesis.openapi.from_asgi("/openapi.json", app, headers=host).get_all_operations()
    for operation in [one.ok() for one in found]:
        if mode == "NEGATIVE" and operation.method == "get":
            continue  # nothing in it can be wrong

        @settings(max_examples=40, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(operation.as_strategy(generation_mode=kind))
        def ask(case: Any) -> None:
            asked.append(case.call_and_validate(headers=host).status_code)

        ask()
    assert 200 in asked
    assert (422 in asked) == (mode == "NEGATIVE")
