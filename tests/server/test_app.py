"""The application: the same answers as predict, what is refused, and who may ask."""

import asyncio
import base64
import io
import json
import random
import resource
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.requests import Request
from starlette.testclient import TestClient

import plait
from plait.runs.model import Model
from plait.server import app as app_file
from plait.server.app import choose_language, read_example
from plait.server.fields import Fields
from plait.server.requests import Limits

MEDIA = ("photo", "sound")
ROW = {"note": "a cold grey morning by the sea", "age": 20, "colour": "red"}
LOCAL = {"base_url": "http://localhost"}


@pytest.fixture(scope="module")
def pictured(explained_model: Any) -> Iterator[Any]:
    with TestClient(plait.serve(explained_model), **LOCAL) as client:
        yield client


def cells_of(table: plait.Table) -> list[dict[str, Any]]:
    """Return the rows, each media cell as its bytes."""
    rows = [dict(zip(table.names, cells, strict=True)) for cells in zip(*map(table.cells, table.names), strict=True)]
    folder = table.folder or Path()
    for row in rows:
        row |= {name: (folder / row[name]).read_bytes() for name in MEDIA if row[name] is not None}
    return rows


def in_base64(row: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"base64": base64.b64encode(cell).decode()} if isinstance(cell, bytes) else cell
        for name, cell in row.items()
    }


def assert_same(answer: dict[str, Any], expected: plait.Predictions, row: int) -> None:
    """Words to the letter; of a broken file the bytes have no name."""
    assert answer["prediction"] == expected.labels[row]
    assert answer["status"] == expected.status[row]
    assert answer["reason"] == expected.reason[row].replace("words.wav holds", "the file in the cell holds")
    if expected.status[row] != "failed":
        assert np.allclose([*answer["probabilities"].values()], expected.probabilities[row], rtol=0, atol=1e-6)


def test_answers_are_those_of_predict(pictured: Any, explained_model: Any, explained_table: Path) -> None:
    table = plait.read(explained_table)
    expected, rows = explained_model.predict(table), cells_of(table)
    found = pictured.post("/predict", json={"rows": [*map(in_base64, rows)]}).json()["rows"]
    for number, answer in enumerate(found):
        assert_same(answer, expected, number)
    assert [answer["status"] for answer in found[:4]] == ["partial", "partial", "failed", "ok"]


def test_a_form_is_one_row(pictured: Any, explained_model: Any, explained_table: Path) -> None:
    table = plait.read(explained_table)
    expected = explained_model.predict(table)
    for number in (0, 1, 2, 3):
        row = {name: cell for name, cell in cells_of(table)[number].items() if cell is not None}
        files = [(name, ("file", cell) if isinstance(cell, bytes) else (None, str(cell))) for name, cell in row.items()]
        (answer,) = pictured.post("/predict", files=files).json()["rows"]
        assert_same(answer, expected, number)


def test_the_example_is_a_row_that_the_run_holds(kept: Model, client: Any, tmp_path: Path) -> None:
    (tmp_path / "example.json").write_text('{"age": 31, "note": "a sea", "gone": 1}')
    run: Any = SimpleNamespace(folder=tmp_path, facts=SimpleNamespace(files={"example.json": ""}))
    assert read_example(run, Fields.of(kept), Limits(1000)) == {"age": 31, "note": "a sea"}
    for text in ("[]", '{"note": [1]}'):
        (tmp_path / "example.json").write_text(text)
        assert read_example(run, Fields.of(kept), Limits(1000)) is None
    assert client.get("/example").json() == {"error": "this run holds no row; fit keeps one with its report."}


def test_a_picture_of_too_many_pixels_is_a_status(pictured: Any) -> None:
    Image.new("1", (5000, 4000)).save(large := io.BytesIO(), "PNG")
    row = {"photo": large.getvalue(), "note": "bright sunshine"}
    (answer,) = pictured.post("/predict", json={"rows": [in_base64(row)]}).json()["rows"]
    assert answer["status"] == "partial"
    assert "photo: image too large: 20.0 million pixels, expected at most 16" in answer["reason"]


def test_an_explanation_has_every_subset(client: Any, kept: Model) -> None:
    told = client.post("/explain", json={"rows": [ROW]}).json()
    assert sorted(told["subsets"]) == ["tabular", "tabular+text", "text"]
    alone = kept.predict({"note": [ROW["note"]]})
    assert [*told["subsets"]["text"].values()] == pytest.approx(alone.probabilities[0], abs=1e-6)
    assert told["status"] == "ok"
    assert told["class"] == "no"
    refused = client.post("/explain", json={"rows": [ROW, ROW]})
    assert (refused.status_code, refused.json()) == (
        422,
        {"error": "one row is explained at a time; the request has 2."},
    )


@pytest.mark.parametrize(
    ("way", "path", "given", "status", "said"),
    [
        ("GET", "/nothing", {}, 404, "there is nothing at this address."),
        ("GET", "/predict", {}, 405, "GET is not for this address."),
        ("POST", "/predict", {"content": b"a=1"}, 415, "expected application/json or multipart/form-data"),
        ("POST", "/predict", {"content": b"x", "headers": {"content-encoding": "gzip"}}, 415, "is compressed"),
        ("POST", "/predict", {"json": {"rows": [{"agee": 1}]}}, 422, "Did you mean 'age'"),
        ("POST", "/predict", {"json": {"rows": [{"note": "a" * 100_000}]}}, 413, "more than 100,000 bytes"),
        ("POST", "/search", {"json": {}}, 404, "no index was given"),
        ("POST", "/embed", {"json": {}}, 404, "no index was given"),
        ("GET", "/model", {"headers": {"host": "evil.example:80"}}, 400, "the Host header names 'evil.example'"),
        ("GET", "/model", {"headers": {"host": "::1"}}, 400, "the Host header names '::1'"),
        ("GET", "/model", {"headers": {"origin": "https://evil.example"}}, 403, "the page that asks"),
    ],
)
def test_what_is_refused(client: Any, way: str, path: str, given: Any, status: int, said: str) -> None:
    reply = client.request(way, path, **given)
    assert reply.status_code == status
    assert said in reply.json()["error"]
    assert reply.headers["content-security-policy"].startswith("default-src 'self';")
    assert "access-control-allow-origin" not in reply.headers


def test_a_token_is_asked_for_where_there_is_one(kept: Model) -> None:
    lines: list[str] = []
    app = plait.serve(kept, token="secret words", callback=lambda event: lines.append(event["note"]))
    with TestClient(app, base_url="http://some.example") as client:
        assert client.get("/health/ready").json() == {"ready": True}
        assert client.get("/").status_code == 200
        refused = client.get("/model", headers={"authorization": "Bearer secret"})
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
        given = {"authorization": "Bearer secret words"}
        assert client.get("/model", headers=given).json()["target"] == "label"
        assert client.post("/predict", json={"rows": [ROW]}, headers=given).json()["rows"][0]["prediction"] == "no"
    assert len(lines) == 5
    assert "sea" not in "".join(lines)
    assert lines[-1].startswith("200, ")


def test_what_goes_wrong_inside_is_a_sentence(kept: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(plait.serve(kept), **LOCAL) as client:
        monkeypatch.setattr(Model, "predict", lambda self, table: 1 / 0)
        reply = client.post("/predict", json={"rows": [ROW]})
        assert (reply.status_code, reply.json()) == (
            500,
            {"error": "the request could not be answered (ZeroDivisionError)."},
        )


def test_who_finds_no_place_is_told_when_to_come_again(kept: Model) -> None:
    app = plait.serve(kept)
    with TestClient(app, **LOCAL) as client:
        app.app.routes[3].endpoint.__closure__[0].cell_contents.__self__.engine.places = 0  # type: ignore[attr-defined]
        reply = client.post("/predict", json={"rows": [ROW]})
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "1")


def test_a_body_that_does_not_come_gives_up_its_place(kept: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_file, "GRACE", -0.1)
    service = app_file.Service(kept, None, 16, Limits(1000), print)
    service.engine.places = 1

    async def never() -> Any:
        await asyncio.sleep(9)

    async def at_once() -> Any:
        return {"type": "http.request", "body": b'{"rows": []}'}

    def ask(receive: Any) -> Any:
        scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
        return app_file.answered(service.predict)(Request(scope, receive))

    async def both() -> list[Any]:
        slow = asyncio.ensure_future(ask(never))
        await asyncio.sleep(0.01)
        return [await ask(at_once), await slow]

    quick, slow = asyncio.run(both())
    assert (quick.status_code, quick.body) == (200, b'{"rows":[]}')
    assert (slow.status_code, slow.body) == (408, b'{"error":"the request did not come within 0 seconds."}')
    monkeypatch.setattr(app_file, "PATIENCE", 0.01)
    assert asyncio.run(ask(never)).status_code == 408
    assert service.comes == []
    service.engine.close()


def test_the_page_allows_itself_and_nothing_else(client: Any) -> None:
    reply = client.get("/", headers={"accept-language": "zh-CN,zh;q=0.9"})
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().partition(" ")[::2] for part in reply.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'self'"
    assert policy["script-src"].startswith("'sha256-")
    assert '<html lang="zh">' in reply.text
    assert '<html lang="en">' in client.get("/").text


def test_a_language_that_is_named_is_that_of_the_page(kept: Model) -> None:
    with TestClient(plait.serve(kept, lang="zh"), **LOCAL) as asked:
        assert '<html lang="zh">' in asked.get("/", headers={"accept-language": "en"}).text


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("", "en"), ("de", "en"), ("zh-TW", "zh"), ("en;q=0.1, zh;q=0.2", "zh"), ("en;q=x", "en")],
)
def test_the_language_that_is_wanted_most(accepted: str, language: str) -> None:
    assert choose_language(accepted) == language


def test_the_document_is_that_of_the_run(client: Any) -> None:
    told = client.get("/openapi.json").json()
    assert json.dumps(told).count('"colour"') == 2
    assert told["info"]["title"] == "plait: label"


def draw_value(draw: random.Random, deep: int = 0) -> Any:
    """Return a value of JSON, sound or not."""
    file = draw.choice(
        [b"\x89PNG\r\n\x1a\n", b"RIFF\x24\0\0\0WAVEfmt ", b"fLaC", b"OggS", b"\xff\xd8\xff", b"GIF89a", b""]
    )
    content = file + draw.randbytes(draw.randrange(200))
    plain = [
        None, True, 0, -1, 10**30, 1e308, "", " ", "a\0b", "\ud800", "34", "1e999", "NaN", "2024-01-32",
        "../../etc/passwd", "data:image/png;base64,AAAA", "x" * draw.randrange(2000), "日本語 🙂",
        {"base64": base64.b64encode(content).decode()}, {"base64": "%"}, {"path": "/etc/passwd"}, {"bytes": "AAAA"},
        [1, 2, 3], [[1]], {},
    ]  # fmt: skip
    if deep < 3 and draw.random() < 0.2:
        return [draw_value(draw, deep + 1) for _ in range(3)]
    return draw.choice(plain)


def draw_request(draw: random.Random, names: list[str]) -> dict[str, Any]:
    """Return what a client is called with: rows, forms, or anything else."""
    row = {name: draw_value(draw) for name in draw.sample(names, draw.randrange(len(names) + 1))}
    way = draw.randrange(6)
    if way == 0:
        kind = draw.choice(["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "text/plain"])
        return {"content": draw.randbytes(draw.randrange(300)), "headers": {"content-type": kind}}
    if way < 4:
        body: Any = {"rows": [row] * draw.randrange(4)} if way > 1 else draw_value(draw)
        headers = {"content-type": draw.choice(["application/json", "application/json; charset=utf-16"])}
        return {"content": json.dumps(body).encode(), "headers": headers}
    cells = [(name, str(cell).encode("utf-8", "replace")) for name, cell in row.items()]
    return {"files": [(name, (draw.choice([None, "a.png"]), cell)) for name, cell in cells] or [("note", (None, "a"))]}


@pytest.mark.heavy
def test_a_thousand_strange_requests_are_answered_or_refused(pictured: Any, explained_model: Any) -> None:
    draw, names, statuses = random.Random(0), [*Fields.of(explained_model), "label", "other"], Counter[int]()
    before = 0
    for number in range(1000):
        path = draw.choice(["/predict", "/predict", "/explain", "/explain?pictures", "/model", "/search"])
        reply = pictured.request("POST", path, **draw_request(draw, names))
        statuses[reply.status_code] += 1
        assert reply.status_code < 500, reply.json()
        assert ("error" in reply.json()) == (reply.status_code != 200)
        if number == 300:  # what is loaded late is there
            before = memory()
    assert memory() - before < 50e6
    assert {200, 400, 404, 405, 415, 422} == statuses.keys()
    assert pictured.get("/health/ready").json() == {"ready": True}


def memory() -> float:
    """Return how many bytes the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


@pytest.mark.heavy
@pytest.mark.parametrize("chunked", [False, True])
def test_a_request_of_25_mb_is_refused(kept: Model, chunked: bool) -> None:
    body = b" " * 25_000_000
    with TestClient(plait.serve(kept), **LOCAL) as client:
        content: Any = iter([body]) if chunked else body
        reply = client.post("/predict", content=content, headers={"content-type": "application/json"})
        assert (reply.status_code, reply.json()) == (413, {"error": "the request has more than 20,000,000 bytes."})
