"""Convert the cells of a column: in parallel, each content once, and kept in the cache for the next time.
A cell that cannot be read or converted is absent, with a reason. Knows converters by their contract only."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.converters.catalogue import PLACES, restore
from plait.converters.graph import Route, describe, identity, version_of
from plait.core.contract import Table
from plait.core.files import write_bytes
from plait.core.terminal import Callback, quiet
from plait.core.words import count
from plait.data.fact_cache import Cache, cache_folder
from plait.data.feature_cache import digest_cell
from plait.data.media import open_cell, part_of, read_image, read_sound
from plait.data.sound import to_mono
from plait.data.travel import pack_table, unpack_table
from plait.errors import CellError, RequestError
from plait.kinds import KINDS
from plait.kinds.image.row import as_pixels
from plait.tasks.here import Here
from plait.tasks.local import Local
from plait.tasks.runner import Runner
from plait.tasks.work import Setup, find

CHUNK = 64  # cells converted at a time, fewer where each takes long: what is made is kept after each chunk
CHUNK_SECONDS = 5.0
FEWEST_FOR_PROCESSES = 8  # cells from which on processes of their own are worth their start
ENDINGS = {"audio": ".wav", "image": ".png"}
SOUNDS = {".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".mp3": "MP3"}  # that can be written, and pictures
PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF"}
PNG_MODES = ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
NO_WORDS = "no words were found"


@dataclass
class Converted:
    """The new cells of a column: text, or the path of a new file (bytes where there is no place), None where absent.
    confidence: 0 to 1, None where nothing was converted. status: "ok", or "missing: why". version: what made them."""

    values: list[Any]
    confidence: list[float | None]
    status: list[str]
    version: str

    @property
    def reasons(self) -> list[str | None]:
        """Why a cell is absent, or None where it is there."""
        return [None if status == "ok" else status.removeprefix("missing: ") for status in self.status]


def convert_column(
    table: Table,
    columns: Sequence[str],
    route: Route,
    *,
    place: Path | None = None,
    cache: bool = True,
    rows: np.ndarray | None = None,
    callback: Callback = quiet,
    stage: str = "",
    runner: Runner | None = None,
) -> Converted:
    """Convert a column, or of a table several columns together, into cells of the route's target.
    place: folder where new sounds (WAV, 16 bit) and pictures (PNG) go, named by the row; without it they stay in the
    cache, or come as bytes where there is none. rows: (rows,) bool, which rows are wanted; others are absent. runner:
    where chunks of cells are converted; without it here."""
    store = _Store(route, cache, callback)
    values: list[Any] = [None] * len(table)
    sure: list[float | None] = [None] * len(table)
    status = ["missing: not asked for"] * len(table)
    wanted = np.arange(len(table)) if rows is None else np.flatnonzero(rows)
    size = int(min(CHUNK, max(FEWEST_FOR_PROCESSES, CHUNK_SECONDS / max(route.cost, 1e-6))))
    chunks = [wanted[start : start + size] for start in range(0, len(wanted), size)]
    narrow, done = replace(table, data={name: table.data[name] for name in columns}, lines=None, notes={}), 0
    with ExitStack() as opened:
        runner = runner or opened.enter_context(Here())
        away, setup = runner.engine != "here", _set_up(route, store, runner, opened)
        if away and KINDS[route.source].opened:
            runner.check_folders(table.folder or Path())
        parts = (narrow.take(chunk) for chunk in chunks)
        requests = ({"table": pack_table(part) if away else part} for part in parts)
        for chunk, block in zip(chunks, runner.map(f"{__name__}:convert_block", requests, setup=setup), strict=True):
            made = block["made"]
            store.keep({key: fact for key, fact in made.items() if store.find(key) is None})
            for row, key in zip(chunk.tolist(), block["keys"], strict=True):
                fact = key if isinstance(key, dict) else store.find(key) or made[key]
                if "why" in fact:
                    status[row] = f"missing: {fact['why']}"
                    continue
                sure[row] = fact["sure"]
                if "text" in fact and not fact["text"].strip():
                    values[row], status[row] = "", f"missing: {NO_WORDS}"
                else:
                    values[row], status[row] = _placed(fact, route.target, place, row), "ok"
            done += len(chunk)
            callback({"stage": stage or f"convert by {route.name}", "done": done, "total": len(wanted)})
    return Converted(values, sure, status, version_of(route))


def _set_up(route: Route, store: _Store, runner: Runner, opened: ExitStack) -> Setup:
    """Return what gives each process its desk: this one its own, another one of which it is told how to make it."""
    if runner.engine == "here":
        return f"{__name__}:take_desk", {"desk": opened.enter_context(_Desk(route, store, os.cpu_count() or 1))}
    folder = None if store.folder is None else str(store.folder.absolute())
    return f"{__name__}:open_desk", {**_route_facts(route, runner.engine), "folder": folder}


def _route_facts(route: Route, engine: str) -> dict[str, Any]:
    """Return how another process makes a route. RequestError for a converter that is an object of this program."""
    users = {step.name: step.setup for step in route.steps if hasattr(step, "setup")}
    for step in route.steps:
        if step.name not in users and step.name not in PLACES:
            raise RequestError(
                f"converter {step.name!r} is an object of this program, which other processes (on={engine}) do not "
                "have; leave out on, or name a converter of plait or a run."
            )
    return {"route": describe(route), "users": [[*setup] for setup in users.values()]}


def take_desk(request: dict[str, Any]) -> _Desk:
    """Return the desk of this process."""
    desk: _Desk = request["desk"]
    return desk


def open_desk(request: dict[str, Any]) -> _Desk:
    """Return a desk of another process, where many are side by side: it has one thread."""
    route = open_route(request)
    folder = request["folder"]
    return _Desk(route, _Store(route, False, quiet, None if folder is None else Path(folder)), 1)


def open_route(request: dict[str, Any]) -> Route:
    """Return the route that another process was told of."""
    route: Route = restore(request["route"], [find(name)(given) for name, given in request["users"]])
    return route


def convert_block(desk: _Desk, request: dict[str, Any]) -> dict[str, Any]:
    """Return {"keys", "made"} of a chunk of cells: for each cell a hash of its content, or why it is absent, and what
    is made of each content: {"text"} or {"bytes"} with {"sure"}, or {"why", "fault"}."""
    here, source = isinstance(request["table"], Table), desk.route.source
    table = request["table"] if here else unpack_table(request["table"])
    cells = [dict(zip(table.names, row, strict=True)) for row in zip(*map(table.cells, table.names), strict=True)]
    keys = [*desk.pool.map(lambda cell: _key_of(source, cell, table), cells)]
    fresh: dict[str, dict[str, Any]] = {}
    made: dict[str, dict[str, Any]] = {}
    for cell, key in zip(cells, keys, strict=True):
        if isinstance(key, str) and key not in made:
            if (fact := desk.store.find(key)) is None:
                fresh.setdefault(key, cell)
            elif not here:  # what is kept here may not be kept there
                made[key] = {"bytes": fact["file"].read_bytes(), "sure": fact["sure"]} if "file" in fact else fact
    loaded = dict(zip(fresh, desk.pool.map(lambda cell: _load(source, cell, table), fresh.values()), strict=True))
    good = [key for key, value in loaded.items() if not isinstance(value, CellError)]
    values, sure = desk([loaded[key] for key in good])
    loaded |= dict(zip(good, values, strict=True))
    shares = dict(zip(good, sure, strict=True))
    made |= {key: _fact(value, shares.get(key, 0.0), desk.route.target) for key, value in loaded.items()}
    return {"keys": [_fact(key, 0.0, "") if isinstance(key, CellError) else key for key in keys], "made": made}


def convert_values(route: Route, request: dict[str, Any]) -> dict[str, Any]:
    """Return what a route makes of sounds: {"made", "sure"}."""
    made, sure = route([(samples, rate) for samples, rate in request["values"]])
    facts = [_fact(value, share, "text") for value, share in zip(made, sure, strict=True)]
    return {"made": facts, "sure": [float(share) for share in sure]}


def _fact(value: Any, share: float, target: str) -> dict[str, Any]:
    """Return what is kept of a value that was made."""
    if isinstance(value, CellError):
        return {"why": str(value), "fault": value.fault}
    if target in ENDINGS:
        return {"bytes": encode(value, target), "sure": float(share)}
    return {"text": value, "sure": float(share)}


def _key_of(kind: str, cells: dict[str, Any], table: Table) -> str | CellError:
    """Return a hash of the content of a cell, or why it is absent."""
    filled = {name: cell for name, cell in cells.items() if cell is not None}
    if not filled:
        return CellError("blank", "blank")
    if kind in ("text", "tabular"):
        written = json.dumps(filled, default=str, ensure_ascii=False)
        return hashlib.sha256(written.encode("utf-8", "replace")).hexdigest()
    name, cell = next(iter(filled.items()))
    try:
        if kind == "series":
            return KINDS[kind].read.digest(cell, table.folder).hex()
        return digest_cell(cell, table.folder, table.sample_rates.get(name)).hex()
    except CellError as error:
        return error


def _load(kind: str, cells: dict[str, Any], table: Table) -> Any:
    """Return the value of a cell as a converter takes it, or a CellError."""
    name, cell = next(iter(cells.items()))
    try:
        if kind == "image":
            return read_image(cell, table.folder)
        if kind == "audio":
            return as_mono(*read_sound(cell, table.folder, sample_rate=table.sample_rates.get(name)))
        if kind == "series":
            return KINDS[kind].read.read(cell, table.folder)
        if kind == "video":
            return as_file(cell, table.folder)
    except CellError as error:
        return error
    return cells if kind == "tabular" else " ".join(str(c) for c in cells.values() if c is not None)


def as_file(cell: Any, folder: Path | None) -> Any:
    """Return a cell as it can be opened from anywhere: its bytes, or the whole path of its file and the part it names.

    Raises CellError where there is none.
    """
    if isinstance(cell, np.ndarray):
        return cell
    source = open_cell(cell, folder)
    if isinstance(source, bytes):
        return cell if isinstance(cell, dict) else source
    start, end = part_of(cell, source)
    part = "" if (start, end) == (0.0, None) else f"#t={start}" if end is None else f"#t={start},{end}"
    return f"{os.path.abspath(source)}{part}"


def as_mono(samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """Return (samples (time,) float32, Hz) of a sound (time, channel)."""
    return to_mono(samples), rate


def encode(value: Any, kind: str, ending: str = "") -> bytes:
    """Return (samples (time,), Hz) or a picture in the format of an ending, else as WAV (16 bit) or PNG."""
    buffer = io.BytesIO()
    if kind == "audio":
        import soundfile

        form = SOUNDS[ending or ".wav"]
        try:
            soundfile.write(buffer, *value, format=form, subtype="PCM_16" if form == "WAV" else None)
        except soundfile.SoundFileError as error:
            what = f"a sound of {count(value[1])} Hz cannot be written as {ending} ({error})"
            raise RequestError(f"{what}; expected another rate, or a name that ends in .wav.") from None
    elif ending in ("", ".png"):
        (value if value.mode in PNG_MODES else plain_picture(value)).save(buffer, "PNG")
    else:
        plain_picture(value).convert("RGB").save(buffer, PICTURES[ending])
    return buffer.getvalue()


def plain_picture(picture: Any) -> Any:
    """Return a picture of any mode as grey or RGB of 8 bits: deep ones brought to that range, clear places white."""
    from PIL import Image

    return Image.fromarray(as_pixels(picture))


def _placed(fact: dict[str, Any], target: str, place: Path | None, row: int) -> Any:
    if target not in ENDINGS:
        return fact["text"]
    if place is None:
        return str(fact["file"]) if "file" in fact else fact["bytes"]
    path = place / f"{row:06d}{ENDINGS[target]}"
    write_bytes(path, fact["file"].read_bytes() if "file" in fact else fact["bytes"])
    return str(path)


class _Store:
    """What was made, by the hash of what it was made of: facts in one file, sounds and pictures as files.

    wanted: whether it may be kept for the next time. folder: where it is kept, if that is known; it is only looked into
    then.
    """

    def __init__(self, route: Route, wanted: bool, callback: Callback, folder: Path | None = None) -> None:
        self.kind = route.target
        self.memory: dict[str, dict[str, Any]] = {}
        self.folder = folder
        self.callback = callback
        known = all(is_dataclass(step) or getattr(step, "version", "") for step in route.steps)
        if wanted and known:  # of an object that says nothing of itself, nobody knows when it changed
            try:
                self.folder = cache_folder() / "convert" / hashlib.sha256(identity(route).encode()).hexdigest()[:24]
            except RuntimeError:
                self._note("there is no home folder (set PLAIT_CACHE)")
        self.cache = Cache(None if self.folder is None else self.folder / "cells.jsonl")
        self._note(self.cache.trouble)

    def _note(self, trouble: str) -> None:
        if trouble:
            self.callback({"note": f"nothing is kept for the next time: {trouble}"})

    def find(self, key: str) -> dict[str, Any] | None:
        """Return {"text"} or {"file"}, a path, with {"sure"}, or {"why", "fault"}; None where it was not made yet."""
        if key in self.memory:
            return self.memory[key]
        fact = self.cache.get(key)
        if fact is None or "why" in fact or "text" in fact:
            return fact
        path = self._path(key)
        return {"file": path, **fact} if path.is_file() else None

    def _path(self, key: str) -> Path:
        return (self.folder or Path()) / key[:2] / f"{key}{ENDINGS[self.kind]}"

    def keep(self, made: dict[str, dict[str, Any]]) -> None:
        """Write what was made to the cache. Texts are remembered in any case, sounds and pictures only as files."""
        facts: dict[str, dict[str, Any]] = {}
        before = self.cache.trouble
        for key, fact in made.items():
            if "bytes" not in fact:
                facts[key] = self.memory[key] = fact
            elif self.folder is not None and not self.cache.trouble:
                try:
                    write_bytes(self._path(key), fact["bytes"])
                except OSError as error:
                    self.cache.trouble = f"{self.folder} cannot be written ({os.strerror(error.errno or 0)})"
                    continue
                facts[key] = {"sure": fact["sure"]}
                self.memory[key] = {"file": self._path(key), **facts[key]}
        self.cache.add(facts)
        if not before:
            self._note(self.cache.trouble)


class _Desk:
    """What converts cells in one process: a route and what is kept of it, called in so many threads, or processes."""

    def __init__(self, route: Route, store: _Store, count: int) -> None:
        self.route, self.store, self.count = route, store, count
        self.pool = ThreadPoolExecutor(count)
        (first, *others) = route.steps
        apart = not others and first.name in PLACES and getattr(first, "processes", False)
        self.processes = Local(count) if apart and count > 1 else None

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        """Return what the route makes of values, in order, and how sure it is."""
        if not values:
            return [], []
        # every caller takes each so-manieth value, so that long and short ones are shared out
        parts = [part for i in range(self.count) if (part := values[i :: self.count])]
        if self.processes is not None and (self.processes.workers or len(values) >= FEWEST_FOR_PROCESSES):
            setup = (f"{__name__}:open_route", _route_facts(self.route, "local"))
            requests = ({"values": [[*value] for value in part]} for part in parts)
            replies = [*self.processes.map(f"{__name__}:convert_values", requests, setup=setup)]
            answers = [([_value(fact) for fact in reply["made"]], reply["sure"]) for reply in replies]
        elif self.route.threads and self.count > 1:
            answers = [*self.pool.map(self.route, parts)]
        else:
            return self.route(values)
        made: list[Any] = [None] * len(values)
        sure = [0.0] * len(values)
        for i, (some, shares) in enumerate(answers):
            made[i :: self.count], sure[i :: self.count] = some, shares
        return made, sure

    def __enter__(self) -> _Desk:
        return self

    def __exit__(self, *details: object) -> None:
        self.pool.shutdown()
        if self.processes is not None:
            self.processes.close()


def _value(fact: dict[str, Any]) -> Any:
    """Return a text that was made, or the CellError of why it was not."""
    return CellError(fact["why"], fact["fault"]) if "why" in fact else fact["text"]
