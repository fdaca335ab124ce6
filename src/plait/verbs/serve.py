"""The verb `serve`: a fitted model over HTTP, with a page. Thin: the work is in server/."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from plait.core.options import LANGUAGES, checked
from plait.core.terminal import harmless
from plait.errors import RequestError, did_you_mean, need
from plait.models.rows import Callback, quiet
from plait.runs.load import open_one
from plait.runs.model import Model
from plait.runs.targets import Targets


@checked
def serve(
    model: str | Path | Model | Targets,
    index: Any = None,
    *,
    batch: int = 16,
    max_bytes: int = 20_000_000,
    token: str | None = None,
    hosts: Sequence[str] | None = None,
    candidate: str | None = None,
    lang: str | None = None,
    callback: Callback | None = None,
) -> Any:
    """Return a fitted model as an ASGI application: answers and explanations over HTTP, and a page.

    Args:
        model: a model, the folder that `plait fit` wrote, or an .onnx file that `plait export` wrote.
        index: what `/embed` and `/search` ask, an index of the same run, or its folder; without it they answer 404.
        batch: rows that are answered together, at the most.
        max_bytes: of a request; a larger one gets 413.
        token: what a request must bear, as `Authorization: Bearer TOKEN`.
        hosts: names that the Host header may hold. By default those of this machine; with a token any.
        candidate: another predictor of the run, as in `plait.predict`.
        lang: language of the page, "en" or "zh"; by default that of the browser.
        callback: Called with a dict for notes: a line of each request, with its sizes and its time.

    Raises:
        RunError: the run or the index is missing or damaged, or the index is of another run.
        RequestError: an option has a value that it cannot have.
        MissingExtra: starlette or python-multipart is not installed.

    Example:
        >>> app = plait.serve(model)  # uvicorn.run(app)
    """
    for module in ("starlette", "python_multipart"):
        need(module)
    if batch < 1 or max_bytes < 1:
        raise RequestError(f"batch is {batch} and max_bytes is {max_bytes}; expected at least 1 of each.")
    if token is not None and not token.strip():
        raise RequestError("the token is empty; give one, or none.")
    if lang is not None and lang not in LANGUAGES:
        raise RequestError(f"there is no language {lang!r}. {did_you_mean(lang, LANGUAGES)}")
    from plait.server.app import make_app

    callback, opened = callback or quiet, open_alone(model, candidate)
    opened.predictor()  # a run of pairs has none, and says so
    searched = None if index is None else open_index(index, opened)
    options: dict[str, Any] = {"batch": batch, "max_bytes": max_bytes, "token": token, "hosts": hosts, "language": lang}
    return make_app(opened, searched, **options, say=lambda line: callback({"note": line}))


def open_alone(model: str | Path | Model | Targets, candidate: str | None = None) -> Model:
    """Return the model; of an ONNX file one that computes in one thread, which is cheapest for a row at a time."""
    if isinstance(model, (str, Path)) and Path(model).suffix == ".onnx" and not Path(model).is_dir():
        from plait.runs.onnx import OnnxModel

        opened = OnnxModel.load(model, threads=1)
        return opened if candidate is None else opened.use(candidate)
    return open_one(model, "a server answers for", candidate)


def open_index(index: Any, model: Model) -> Any:
    """Return the index. Raises RunError where it is damaged, or of another run."""
    from plait.space.index import Index, check_same, load_index

    opened = index if isinstance(index, Index) else load_index(index)
    check_same(opened, model, None)
    return opened


@checked
def run_server(
    run: str | Path | Model | Targets,
    *,
    index: str | Path | None = None,
    host: str = "127.0.0.1",
    port: int = 8321,
    workers: int = 1,
    batch: int = 16,
    max_bytes: int = 20_000_000,
    token: str | None = None,
    candidate: str | None = None,
    lang: str | None = None,
    callback: Callback | None = None,
) -> str:
    """Serve a fitted model over HTTP until the process is told to end, and return the address.

    Args:
        run (RUN): Folder that `plait fit` wrote, or .onnx file that `plait export` wrote.
        index (--index INDEX): Folder of an index of the same run, for /embed and /search.
        host (--host HOST): Address to listen at. One that other machines reach needs --token.
        port (--port PORT): Port to listen at; 0 takes any that is free.
        workers (--workers N): Processes that answer, each with a model of its own.
        batch (--batch ROWS): Rows that are answered together, at the most.
        max_bytes (--max-bytes BYTES): Size of a request; a larger one gets 413.
        token (--token TOKEN): What a request must bear, as Authorization: Bearer TOKEN.
        candidate (--candidate NAME): Another predictor of the run, as in `plait.predict`.
        lang (--lang LANGUAGE): Language of the page: en, or zh for Chinese. Without it that of the browser.
        callback: Called with a dict for notes.

    Raises:
        RunError: the run is missing, unfinished or damaged.
        RequestError: the port is in use, the host is open without a token, or an option has no such value.
        MissingExtra: starlette, uvicorn or python-multipart is not installed.
    """
    for module in ("starlette", "uvicorn", "python_multipart"):
        need(module)
    from plait.server.process import Address, run_process

    address = Address(host, port)
    if token is None and not address.is_own:
        raise RequestError(f"{host} can be reached from other machines: give --token TOKEN, or leave --host out.")
    options: dict[str, Any] = {"index": index, "batch": batch, "max_bytes": max_bytes, "token": token}
    options |= {"candidate": candidate, "lang": lang, "hosts": None if token is not None else address.names}
    return run_process(partial(_make, run=run, **options), address, workers, _say)


def _make(say: Callable[[str], None], *, run: str | Path | Model | Targets, **options: Any) -> Any:
    """Return the application as the only thing of its process: all computes in one thread, as one row needs."""
    app = serve(run, callback=lambda event: say(event["note"]), **options)
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(1)
    threadpool_limits(1, user_api="blas")  # for good: threads of small products spin while they wait for each other
    return app


def _say(line: str) -> None:
    print(harmless(line), file=sys.stderr, flush=True)
