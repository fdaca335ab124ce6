"""From the body of a request to the rows that it asks about, and from rows to a table.

Knows JSON, forms and the columns of a model; no model, no answer. Nothing is written to disk, and no cell is a path.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from plait.core.contract import Table
from plait.data.bounds import say_large
from plait.server.fields import MOST_NUMBERS, Fields, Refused

PATIENT = 4  # times the limit: so much of what is too large is taken in and thrown away, so that the answer is heard

MUCH = 1 << 20  # bytes of JSON that are read beside the event loop
MOST_HITS = 1000  # of a search

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it would tell of what is in a form

Row = dict[str, Any]  # {column: cell}, without what is absent


@dataclass(frozen=True)
class Limits:
    """What a request may hold: bytes in all, rows, and of one cell pixels, seconds and numbers."""

    bytes: int
    rows: int = 1000
    pixels: int = 16_000_000
    seconds: int = 600
    numbers: int = MOST_NUMBERS

    def to_json(self) -> dict[str, int]:
        return asdict(self)


async def read_body(request: Request, most: int) -> bytes:
    """Return the body. Raises Refused for more bytes than `most`, or where it ends too soon."""
    too_large = Refused(413, f"the request has more than {most:,} bytes.")
    try:
        told = int(request.headers.get("content-length", 0))
    except ValueError:
        raise Refused(400, "the length of the request is no number.") from None
    if told > (most if "expect" in request.headers else PATIENT * most):
        raise too_large
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size <= most:
                parts.append(part)
            elif size > PATIENT * most:
                raise too_large
            else:
                parts.clear()
    except ClientDisconnect:
        raise Refused(400, "the request ended before all of it came.") from None
    if size > most:
        raise too_large
    return b"".join(parts)


async def read_rows(request: Request, fields: Fields, limits: Limits) -> list[Row]:
    """Return the rows that a request holds, as JSON or as a form. Raises Refused."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "the body is compressed; expected it as it is.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("application/json", "multipart/form-data"):
        raise Refused(
            415, f"the body is {kind[:60] or 'of no type'!r}; expected application/json or multipart/form-data."
        )
    body = await read_body(request, limits.bytes)
    if kind == "application/json":
        if len(body) > MUCH:  # seconds, in which others are heard
            return await asyncio.to_thread(lambda: rows_of_json(parse_json(body), fields, limits))
        return rows_of_json(parse_json(body), fields, limits)
    return [row_of_form(await parse_form(request.headers, body), fields)]


def parse_json(body: bytes) -> Any:
    """Return what a body says in JSON. Raises Refused for what is none, and for numbers that are not finite."""
    try:
        return json.loads(body, parse_constant=_refuse, parse_float=_finite, parse_int=_whole, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        why = "" if isinstance(error, (RecursionError, UnicodeDecodeError)) else f" ({str(error)[:100]})"
        raise Refused(400, f"the body is no JSON{why}.") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON; write null where there is none")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is given twice")
    return found


def _finite(text: str) -> float:
    if math.isinf(number := float(text)):
        raise ValueError(f"{text[:20]} is too large for a number")
    return number


def _whole(text: str) -> int | float:
    return int(text) if len(text) < 18 else _finite(text)


def rows_of_json(data: Any, fields: Fields, limits: Limits) -> list[Row]:
    """Return the rows of {"rows": [{column: value}]}. Raises Refused."""
    if not isinstance(data, dict) or [*data] != ["rows"] or not isinstance(data["rows"], list):
        raise Refused(422, 'expected {"rows": [{column: value, …}, …]}.')
    given: list[Any] = data["rows"]
    if len(given) > limits.rows:
        raise Refused(422, f"the request has {len(given):,} rows; expected at most {limits.rows:,}.")
    rows = []
    for number, one in enumerate(given):
        if not isinstance(one, dict):
            raise Refused(422, f"row {number} is no object; expected {{column: value, …}}.")
        try:
            found = [(fields.find(name), value) for name, value in one.items()]
            cells = [(field.name, field.of_json(value)) for field, value in found if field is not None]
        except Refused as error:
            raise Refused(error.status, f"row {number}, {error.sentence}") from None
        rows.append({name: cell for name, cell in cells if cell is not None})
    return rows


class InMemory(MultiPartParser):
    """Keeps files in memory, whatever their size: the body is bounded, and nothing goes to disk."""

    spool_max_size = 1 << 40
    has_ended = False

    def on_end(self) -> None:
        """Note that the last boundary came."""
        self.has_ended = True


async def parse_form(headers: Any, body: bytes) -> list[tuple[str, str | bytes]]:
    """Return the fields of a form: text, or the bytes of a file. Raises Refused for what is none."""

    async def stream() -> Any:
        yield body
        yield b""

    try:
        parser = InMemory(headers, stream(), max_files=100, max_fields=1000, max_part_size=len(body))
        form = await parser.parse()
    except (MultiPartException, LookupError, UnicodeDecodeError, AssertionError) as error:
        raise Refused(400, f"the form cannot be read ({str(error)[:100]}).") from None
    try:
        if not parser.has_ended:
            raise Refused(400, "the form ends before its last boundary.")
        return [(name, await x.read() if isinstance(x, UploadFile) else x) for name, x in form.multi_items()]
    finally:
        await form.close()


def row_of_form(form: Sequence[tuple[str, str | bytes]], fields: Fields) -> Row:
    """Return the row of a form whose fields are called like columns. Raises Refused."""
    row: Row = {}
    for name, value in form:
        if (field := fields.find(name)) is None or (cell := field.of_form(value)) is None:
            continue
        if name in row:
            raise Refused(422, f"column {name!r} is given twice; a form is one row.")
        row[name] = cell
    return row


def make_table(rows: Sequence[Mapping[str, Any]], fields: Iterable[str], limits: Limits) -> Table:
    """Return the rows as a table; a picture or a sound that is too large is absent, with a reason."""
    data = {name: np.full(len(rows), None, object) for name in fields}
    notes: dict[str, list[str | None]] = {}
    for number, row in enumerate(rows):
        for name, cell in row.items():
            if isinstance(cell, bytes) and (why := say_large(cell, limits.pixels, limits.seconds, limits.numbers)):
                notes.setdefault(name, [None] * len(rows))[number] = why
            else:
                data[name][number] = cell
    return Table(data, source="the request", notes=notes)
