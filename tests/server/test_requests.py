"""Bodies of requests: what they say, what is refused, and the table that rows become."""

import asyncio
import threading
from functools import partial
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from plait.runs.model import Model
from plait.server import requests
from plait.server.fields import Field, Fields, Refused
from plait.server.requests import Limits, make_table, parse_form, parse_json, read_body, row_of_form, rows_of_json

LIMITS = Limits(1000, rows=3)
FIELDS = Fields({"photo": Field("photo", "image", "photo"), "note": Field("note", "text", "text")})


@pytest.mark.parametrize(
    "body", [b"NaN", b"[Infinity]", b"1e999", b"[-1e999]", b"{", b"\xff", b"[" * 100_000, b'{"a":1,"a":2}']
)
def test_what_is_no_json(body: bytes) -> None:
    with pytest.raises(Refused, match="the body is no JSON") as caught:
        parse_json(body)
    assert caught.value.status == 400


def test_numbers_of_json() -> None:
    assert parse_json(b"[1, -2, 1.5, 123456789012345678901]") == [1, -2, 1.5, 1.2345678901234568e20]


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [
        ([], 422, 'expected {"rows"'),
        ({"rows": {}}, 422, 'expected {"rows"'),
        ({"rows": [], "more": 1}, 422, 'expected {"rows"'),
        ({"rows": [1]}, 422, "row 0 is no object"),
        ({"rows": [{}, {"notte": ""}]}, 422, "row 1, there is no column 'notte'. Did you mean 'note'"),
        ({"rows": [{"photo": "a.png"}]}, 422, "row 0, column 'photo': expected"),
        ({"rows": [{}] * 4}, 422, "the request has 4 rows; expected at most 3"),
    ],
)
def test_rows_that_are_refused(data: Any, status: int, said: str) -> None:
    with pytest.raises(Refused) as caught:
        rows_of_json(data, FIELDS, LIMITS)
    assert caught.value.status == status
    assert said in caught.value.sentence


def test_much_json_is_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    monkeypatch.setattr(requests, "MUCH", 10)
    monkeypatch.setattr(requests, "parse_json", lambda body: threads.append(threading.current_thread().name) or {})
    for body in (b"{}", b'{"rows": []}'):
        request = Request(
            {"type": "http", "headers": [(b"content-type", b"application/json")]}, receive=partial(whole, body)
        )
        with pytest.raises(Refused, match="expected"):
            asyncio.run(requests.read_rows(request, FIELDS, LIMITS))
    assert [name == threading.main_thread().name for name in threads] == [True, False]


async def whole(body: bytes) -> dict[str, Any]:
    return {"type": "http.request", "body": body}


def test_what_is_absent_is_not_in_a_row() -> None:
    data = {"rows": [{"note": "a", "photo": None}, {}]}
    assert rows_of_json(data, FIELDS, LIMITS) == [{"note": "a"}, {}]


def form_of(body: bytes) -> Any:
    headers = Headers({"content-type": "multipart/form-data; boundary=x"})
    return asyncio.run(parse_form(headers, body.replace(b"\n", b"\r\n")))


def test_a_form_gives_texts_and_the_bytes_of_files() -> None:
    body = b'--x\nContent-Disposition: form-data; name="note"\n\na cold sea\n'
    body += b'--x\nContent-Disposition: form-data; name="photo"; filename="a.png"\n\nPNG\n--x--\n'
    assert form_of(body) == [("note", "a cold sea"), ("photo", b"PNG")]
    assert row_of_form(form_of(body), FIELDS) == {"note": "a cold sea", "photo": b"PNG"}


def test_forms_that_are_refused() -> None:
    with pytest.raises(Refused, match="the form cannot be read"):
        form_of(b"--y\nno form\n")
    cut = b'--x\nContent-Disposition: form-data; name="note"\n\na cold s'
    for body in (b"", cut, cut + b"\n--x\n"):
        with pytest.raises(Refused, match="the form ends before its last boundary") as caught:
            form_of(body)
        assert caught.value.status == 400
    assert form_of(b"--x--\n") == []
    with pytest.raises(Refused, match="column 'note' is given twice"):
        row_of_form([("note", "a"), ("note", "b")], FIELDS)


def read(parts: list[bytes], most: int, **headers: str) -> bytes:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.request", "body": b"", "more_body": False})
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def receive() -> Any:
        if not messages:
            await asyncio.sleep(1)
        return messages.pop(0)

    return asyncio.run(read_body(Request({"type": "http", "headers": pairs}, receive), most))


def test_a_body_in_parts() -> None:
    assert read([b"ab", b"cd"], 4) == b"abcd"


@pytest.mark.parametrize(
    ("parts", "headers", "status"),
    [
        ([b"abc"] * 2, {}, 413),
        ([b"abc"] * 9, {}, 413),
        ([], {"content_length": "17"}, 413),
        ([], {"content_length": "5", "expect": "100-continue"}, 413),
        ([], {"content_length": "many"}, 400),
    ],
)
def test_bodies_that_are_refused(parts: list[bytes], headers: dict[str, str], status: int) -> None:
    with pytest.raises(Refused) as caught:
        read(parts, 4, **headers)
    assert caught.value.status == status


def test_a_table_holds_bytes_and_no_path(kept: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "say_large", lambda content, *most: "too large" * (content == b"bomb"))
    table = make_table([{"photo": b"bomb"}, {"photo": b"PNG", "note": "a"}, {}], FIELDS, LIMITS)
    assert table.cells("photo") == [None, b"PNG", None]
    assert table.cells("note") == [None, "a", None]
    assert table.notes == {"photo": ["too large", None, None]}
