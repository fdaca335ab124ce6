"""The application: which address says what, who may ask, and what is said of a request that gets no answer.

Knows HTTP, a model and its worker; not the process it runs in. Nothing of a request is logged but sizes and times.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plait.core.files import file_in, read_json
from plait.errors import PlaitError
from plait.pretrained.features import nothing_kept
from plait.runs.model import Model
from plait.server.engine import Engine, Full, Job
from plait.server.fields import Fields, Refused
from plait.server.nearby import Nearby
from plait.server.openapi import describe_api
from plait.server.replies import answer_rows, describe_model, explain_row
from plait.server.requests import MOST_HITS, Limits, Row, make_table, read_rows, rows_of_json
from plait.space.index import ANY, Index

PAGE = Path(__file__).with_name("page.html")
LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# these say nothing of the run
OPEN = ("/", "/favicon.ico", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
PATIENCE = 60.0  # seconds that a body may take to come
GRACE = 5.0  # of these, where others find no place
MOMENT = 0.01  # in which a place is given up
NO_INDEX = "no index was given; plait serve RUN --index INDEX brings it."


class Reply(JSONResponse):
    """JSON without NaN, in UTF-8."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def refuse(error: Refused) -> Response:
    return Reply({"error": error.sentence}, error.status, error.headers)


class Service:
    """What answers: a model, its columns, its worker. Each method that takes a request is an address."""

    def __init__(
        self, model: Model, index: Index | None, batch: int, limits: Limits, say: Callable[[str], None]
    ) -> None:
        self.model, self.limits = model, limits
        self.nearby = None if index is None else Nearby(index, limits)
        self.fields = Fields.of(model)
        self.example = read_example(model, self.fields, limits)
        self.engine = Engine(self.predict_rows, batch=batch, around=nothing_kept, say=say)
        self.ready = False
        self.comes: list[asyncio.Timeout] = []  # bodies that are on their way, the first to begin first
        self.language: str | None = None  # of the page; None: that of the browser

    # -- in the worker ------------------------------------------------------------------------------------------------

    def predict_rows(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Return the answer to each row, as `plait predict` gives it."""
        return answer_rows(self.model.predict(make_table(rows, self.fields, self.limits)))

    def explain_one(self, rows: Sequence[Row], pictures: bool) -> dict[str, Any]:
        """Return the explanation of the one row. pictures: whether what the page draws goes with it."""
        found = self.model.explain(make_table(rows, self.fields, self.limits), 0)
        return explain_row(found, self.model.classes, pictures)

    # -- in the event loop --------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Start the worker and let it answer a row, which loads what is loaded late; at the end let it finish."""
        self.engine.hand_over = asyncio.get_running_loop().call_soon_threadsafe
        self.engine.start()
        with self.engine.place() as ask:
            row = {name: "1" for name, field in self.fields.items() if not field.is_opened}
            rows = [row] if self.example is None else rows_of_json({"rows": [self.example]}, self.fields, self.limits)
            await asyncio.wrap_future(ask(Job(rows)))
        self.ready = True
        yield
        self.ready = False
        await asyncio.to_thread(self.engine.close)

    async def _answer(self, request: Request, make: Callable[[list[Row]], Job], fields: Fields | None = None) -> Any:
        """Return what the worker makes of the rows of a request, which has its place before its body is read."""
        if self.engine.is_full:
            await self._make_room()
        with self.engine.place() as ask:
            job = make(await self._read(request, self.fields if fields is None else fields))
            return await asyncio.shield(asyncio.wrap_future(ask(job)))

    async def _read(self, request: Request, fields: Fields) -> list[Row]:
        """Return the rows of a request. Raises Refused where they do not come in time."""
        began = asyncio.get_running_loop().time()
        patience = asyncio.timeout(PATIENCE)
        try:
            async with patience:
                self.comes.append(patience)
                return await read_rows(request, fields, self.limits)
        except TimeoutError:
            took = asyncio.get_running_loop().time() - began
            raise Refused(408, f"the request did not come within {took:.0f} seconds.") from None
        finally:
            self.comes.remove(patience)

    async def _make_room(self) -> None:
        """Let the body that has been coming for longest give up its place, unless it has just begun."""
        now = asyncio.get_running_loop().time()
        slow = [one for one in self.comes if now < (one.when() or now) < now + PATIENCE - GRACE]
        if slow:
            slow[0].reschedule(now)
            await asyncio.sleep(MOMENT)

    async def live(self, request: Request) -> Response:
        return Reply({"live": True})

    async def is_ready(self, request: Request) -> Response:
        return Reply({"ready": self.ready}, 200 if self.ready else 503)

    async def describe(self, request: Request) -> Response:
        return Reply(describe_model(self.model, self.fields, self.limits, self.example, self.nearby))

    async def show_example(self, request: Request) -> Response:
        if self.example is None:
            raise Refused(404, "this run holds no row; fit keeps one with its report.")
        return Reply({"rows": [self.example]})

    async def openapi(self, request: Request) -> Response:
        sought = None if self.nearby is None else self.nearby.fields
        return Reply(describe_api(self.model.target, self.fields, self.limits, self.model.task, sought))

    async def predict(self, request: Request) -> Response:
        return Reply({"rows": await self._answer(request, Job)})

    async def explain(self, request: Request) -> Response:
        pictures = "pictures" in request.query_params

        def make(rows: list[Row]) -> Job:
            if len(rows) != 1:
                raise Refused(422, f"one row is explained at a time; the request has {len(rows)}.")
            return Job(rows, partial(self.explain_one, pictures=pictures))

        return Reply(await self._answer(request, make))

    async def embed(self, request: Request) -> Response:
        nearby = self._asked_nearby()
        return Reply(await self._answer(request, lambda rows: Job(rows, nearby.embed), nearby.fields))

    async def search(self, request: Request) -> Response:
        nearby, asked = self._asked_nearby(), request.query_params
        top = asked.get("top", "10")
        if not re.fullmatch(r"[0-9]{1,9}", top) or not 1 <= int(top) <= MOST_HITS:
            raise Refused(422, f"top is {top[:20]!r}; expected a whole number from 1 to {MOST_HITS}.")
        does = partial(nearby.search, into=asked.get("in", ANY), top=int(top))
        return Reply(await self._answer(request, lambda rows: Job(rows, does), nearby.fields))

    def _asked_nearby(self) -> Nearby:
        if self.nearby is None:
            raise Refused(404, NO_INDEX)
        return self.nearby

    @cached_property
    def page_text(self) -> str:
        return PAGE.read_text("utf-8")

    @cached_property
    def page_policy(self) -> str:
        """What the page may load: itself, and what is dropped on it; script and style are known by their hash."""
        hashes = {}
        for tag in ("script", "style"):
            (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", self.page_text, re.DOTALL)
            hashes[tag] = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        own = " ".join(f"{tag}-src 'sha256-{code}';" for tag, code in hashes.items())
        return f"default-src 'self'; {own} img-src 'self' blob:; media-src 'self' blob:; {FRAMES}"

    async def page(self, request: Request) -> Response:
        language = self.language or choose_language(request.headers.get("accept-language", ""))
        text = self.page_text.replace('<html lang="en">', f'<html lang="{language}">', 1)
        headers = {"content-security-policy": self.page_policy, "vary": "accept-language"}
        return Response(text, media_type="text/html", headers=headers)

    async def icon(self, request: Request) -> Response:
        """Browsers ask for one; there is none."""
        return Response(status_code=204)

    def routes(self) -> list[Route]:
        """Return the addresses."""
        health = [
            Route(f"{front}/health/{word}", answered(does))
            for front in ("", "/v2")
            for word, does in (("live", self.live), ("ready", self.is_ready))
        ]
        return [
            Route("/", answered(self.page)),
            Route("/favicon.ico", answered(self.icon)),
            Route("/model", answered(self.describe)),
            Route("/example", answered(self.show_example)),
            Route("/openapi.json", answered(self.openapi)),
            Route("/predict", answered(self.predict), methods=["POST"]),
            Route("/explain", answered(self.explain), methods=["POST"]),
            Route("/embed", answered(self.embed), methods=["POST"]),
            Route("/search", answered(self.search), methods=["POST"]),
            *health,
        ]


def read_example(model: Model, fields: Fields, limits: Limits) -> Row | None:
    """Return the row of {column: value of JSON} on which the run may be tried, None where it holds none."""
    if model.folder is None or "example.json" not in (model.facts.files or {}):
        return None
    row = read_json(file_in(model.folder, "example.json"))
    try:
        known = {name: cell for name, cell in row.items() if name in fields} if isinstance(row, dict) else None
        rows_of_json({"rows": [known]}, fields, limits)
    except Refused:  # a stranger's run may hold anything
        return None
    return known


FRAMES = "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


def choose_language(accepted: str) -> str:
    """Return zh or en, whichever an Accept-Language names first; of equals the first counts.

    >>> choose_language("de, zh-CN;q=0.8, en;q=0.5"), choose_language("fr")
    ('zh', 'en')
    """
    ranked = []
    for place, one in enumerate(accepted.split(",")[:20]):
        word, _, weight = one.strip().partition(";q=")
        with contextlib.suppress(ValueError):
            ranked.append((-float(weight or 1), place, word.lower()[:2]))
    return next((word for _, _, word in sorted(ranked) if word in ("zh", "en")), "en")


def answered(does: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Return what answers at an address: whatever goes wrong is one sentence in JSON."""

    async def answer(request: Request) -> Response:
        try:
            return await does(request)
        except Refused as error:
            return refuse(error)
        except Full:
            return refuse(Refused(503, "too many requests wait; try again in a second.", {"retry-after": "1"}))
        except PlaitError as error:
            return refuse(Refused(422, str(error)))
        except Exception as error:  # noqa: BLE001  what went wrong is no business of the one who asks, that it did is
            return refuse(Refused(500, f"the request could not be answered ({type(error).__name__})."))

    return answer


class Guard:
    """Stands before the application: who may ask, which headers go back, and one line on each request."""

    def __init__(self, app: ASGIApp, hosts: Sequence[str], token: str | None, say: Callable[[str], None]) -> None:
        self.app, self.hosts, self.token, self.say = app, [host.lower() for host in hosts], token, say

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, told = time.perf_counter(), {"status": 0, "bytes": 0}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
                names = {name for name, _ in message["headers"]}
                policy = {"content-security-policy": f"default-src 'self'; {FRAMES}"}
                more = [(k.encode(), v.encode()) for k, v in {**HEADERS, **policy}.items() if k.encode() not in names]
                message = {**message, "headers": [*message["headers"], *more]}
            told["bytes"] += len(message.get("body", b""))
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refused = self.refused(scope["path"], headers)
        await (self.app if refused is None else refuse(refused))(scope, receive, answer)
        took = 1000 * (time.perf_counter() - start)
        length = headers.get("content-length", "?")[:12]
        self.say(
            f"{told['status']}, {length if length.isdigit() else '?'} bytes in, {told['bytes']} out, {took:.0f} ms"
        )

    def refused(self, path: str, headers: Mapping[str, str]) -> Refused | None:
        """Return why a request gets no answer, or None: its host, the page it comes from, its token."""
        host = headers.get("host", "").lower()
        name = re.sub(r"(?<!:):\d*$", "", host)
        if self.hosts and name not in self.hosts:
            return Refused(400, f"the Host header names {name[:60]!r}; expected one of: {', '.join(self.hosts)}.")
        origin = headers.get("origin", "").lower()
        if origin and origin.partition("://")[2] != host:
            return Refused(403, "the page that asks is of another host.")
        word = headers.get("authorization", "")
        if self.token is not None and path not in OPEN:
            given = word[7:] if word[:7].lower() == "bearer " else ""
            if not hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode()):
                wanted = "a token is needed: send the header Authorization: Bearer TOKEN."
                return Refused(401, wanted, {"www-authenticate": "Bearer"})
        return None


async def _say_http(request: Request, error: Exception) -> Response:
    """Say in JSON that there is no such address, or that it takes other requests."""
    assert isinstance(error, HTTPException)
    sentence = {404: "there is nothing at this address.", 405: f"{request.method[:20]} is not for this address."}
    return refuse(Refused(error.status_code, sentence.get(error.status_code, error.detail), error.headers))


def make_app(
    model: Model,
    index: Index | None = None,
    *,
    batch: int = 16,
    max_bytes: int = 20_000_000,
    token: str | None = None,
    hosts: Sequence[str] | None = None,
    language: str | None = None,
    say: Callable[[str], None] = lambda line: None,
) -> ASGIApp:
    """Return the ASGI application of a model. hosts: names that the Host header may hold; by default those of this
    machine, or with a token any. language: of the page; by default that of the browser. say: is told a line of each
    request."""
    service = Service(model, index, batch, Limits(max_bytes), say)
    service.language = language
    app = Starlette(
        routes=service.routes(),
        lifespan=service.lifespan,
        exception_handlers={HTTPException: _say_http},
    )
    allowed = hosts if hosts is not None else () if token is not None else LOOPBACK
    return Guard(app, allowed, token, say)
