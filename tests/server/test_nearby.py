"""Rows as vectors, and what is nearest to them, over HTTP as on the command line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

import plait
from plait.server.nearby import Nearby
from plait.server.requests import Limits
from plait.space.index import Index

KEPT = Path(__file__).parents[1] / "kept"
ROW = {"note": "bright sunshine over dry hills"}


@pytest.fixture(scope="module")
def asked(index: Index) -> Iterator[Any]:
    with TestClient(plait.serve(index.model, index.folder), base_url="http://localhost") as client:
        yield client


def test_hits_are_those_of_search(asked: Any, index: Index) -> None:
    reply = asked.post("/search?in=tabular&top=3", json={"rows": [ROW, {}]}).json()
    expected = index.search({"note": [ROW["note"], None]}, into="tabular", top=3).to_json()
    assert reply == expected
    assert [len(query["hits"]) for query in reply["queries"]] == [3, 0]
    assert asked.get("/model").json()["index"]


def test_vectors_are_those_of_embed(asked: Any, index: Index) -> None:
    found, empty = asked.post("/embed", json={"rows": [ROW, {}]}).json()["rows"]
    expected = index.model.embed({"note": [ROW["note"]]})
    assert np.allclose(found["vector"], expected.row[0], atol=1e-6)
    assert np.allclose(found["modalities"]["text"], expected.vectors["text"][0], atol=1e-6)
    assert (found["status"], found["modalities"]["tabular"]) == ("partial", None)
    assert (empty["status"], empty["vector"]) == ("failed", None)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/search?top=0", "top is '0'; expected a whole number from 1 to 1000."),
        ("/search?top=1_0", "top is '1_0'; expected"),
        ("/search?top=many", "top is 'many'; expected"),
        ("/search?in=smell", "the space knows no modality 'smell'."),
    ],
)
def test_what_is_refused(asked: Any, path: str, said: str) -> None:
    reply = asked.post(path, json={"rows": [ROW]})
    assert reply.status_code == 422
    assert said in reply.json()["error"]


def test_an_index_of_another_run_is_refused(index: Index) -> None:
    with pytest.raises(plait.RunError, match="is an index of another run"):
        plait.serve(KEPT / "classic", index)


def test_nothing_given_asks_about_all_modalities(index: Index) -> None:
    (query,) = Nearby(index, Limits(1000)).search([{}])["queries"]
    assert (query["status"], query["hits"]) == ("failed", [])
