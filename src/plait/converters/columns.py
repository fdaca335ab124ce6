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
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.converters.graph import Route, identity, version_of
from plait.converters.workers import Worker
from plait.core.contract import Table
from plait.core.files import write_bytes
from plait.core.terminal import Callback, quiet
from plait.core.words import count
from plait.data.fact_cache import Cache, cache_folder
from plait.data.feature_cache import digest_cell
from plait.data.media import open_cell, part_of, read_image, read_sound
from plait.data.sound import to_mono
from plait.errors import CellError, RequestError
from plait.kinds import KINDS
from plait.kinds.image.row import as_pixels

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
    confidence: 0 to 1, None where nothing was converted. status: "ok", or "absent: why". version: what made them."""

    values: list[Any]
    confidence: list[float | None]
    status: list[str]
    version: str

    @property
    def reasons(self) -> list[str | None]:
        """Why a cell is absent, or None where it is there."""
        return [None if status == "ok" else status.removeprefix("absent: ") for status in self.status]


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
) -> Converted:
    """Convert a column, or of a table several columns together, into cells of the route's target.
    place: folder where new sounds (WAV, 16 bit) and pictures (PNG) go, named by the row; without it they stay in the
    cache, or come as bytes where there is none. rows: (rows,) bool, which rows are wanted; others are absent."""
    store = _Store(route, cache, callback)
    values: list[Any] = [None] * len(table)
    sure: list[float | None] = [None] * len(table)
    status = ["absent: not asked for"] * len(table)
    cells = {name: table.cells(name) for name in columns}
    wanted = np.arange(len(table)) if rows is None else np.flatnonzero(rows)
    size = int(min(CHUNK, max(FEWEST_FOR_PROCESSES, CHUNK_SECONDS / max(route.cost, 1e-6))))
    with ExitStack() as opened:
        pool = opened.enter_context(ThreadPoolExecutor(os.cpu_count() or 1))
        run = _Runner(route, pool, opened)
        for start in range(0, len(wanted), size):
            chunk = {int(row): {name: cells[name][row] for name in columns} for row in wanted[start : start + size]}
            keys = list(pool.map(lambda cell: _key_of(route.source, cell, table), chunk.values()))
            fresh: dict[str, dict[str, Any]] = {}
            for cell, key in zip(chunk.values(), keys, strict=True):
                if isinstance(key, str) and store.find(key) is None:
                    fresh.setdefault(key, cell)
            values_of = pool.map(lambda cell: _load(route.source, cell, table), fresh.values())
            loaded = dict(zip(fresh, values_of, strict=True))
            good = [key for key, value in loaded.items() if not isinstance(value, CellError)]
            new = dict(zip(good, zip(*run([loaded[key] for key in good]), strict=True), strict=True))
            store.keep(new)
            for row, key in zip(chunk, keys, strict=True):
                if isinstance(key, CellError):
                    value, share = key, 0.0
                else:
                    value, share = store.find(key) or new.get(key) or (loaded[key], 0.0)
                if isinstance(value, CellError):
                    status[row] = f"absent: {value}"
                    continue
                sure[row] = float(share)
                if isinstance(value, str) and not value.strip():
                    values[row], status[row] = "", f"absent: {NO_WORDS}"
                else:
                    values[row], status[row] = _placed(value, route.target, place, row), "ok"
            callback({"stage": stage or f"convert by {route.name}", "done": start + len(chunk), "total": len(wanted)})
    return Converted(values, sure, status, version_of(route))


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


def _placed(value: Any, target: str, place: Path | None, row: int) -> Any:
    if target not in ENDINGS:
        return value
    if place is None:
        return str(value) if isinstance(value, Path) else encode(value, target)
    path = place / f"{row:06d}{ENDINGS[target]}"
    write_bytes(path, value.read_bytes() if isinstance(value, Path) else encode(value, target))
    return str(path)


class _Store:
    """Converted values by the hash of what they were made of: facts in one file, sounds and pictures as files."""

    def __init__(self, route: Route, wanted: bool, callback: Callback) -> None:
        self.kind = route.target
        self.memory: dict[str, tuple[Any, float]] = {}
        self.folder: Path | None = None
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

    def find(self, key: str) -> tuple[Any, float] | None:
        """Return (text, the path of a file, or a CellError; confidence), or None."""
        if key in self.memory:
            return self.memory[key]
        facts = self.cache.get(key)
        if facts is None:
            return None
        if "why" in facts:
            return CellError(facts["why"], facts["fault"]), 0.0
        if "text" in facts:
            return facts["text"], facts["sure"]
        path = self._path(key)
        return (path, facts["sure"]) if path.is_file() else None

    def _path(self, key: str) -> Path:
        return (self.folder or Path()) / key[:2] / f"{key}{ENDINGS[self.kind]}"

    def keep(self, made: dict[str, tuple[Any, float]]) -> None:
        """Write what was made to the cache. Texts are remembered in any case, sounds and pictures only as files."""
        facts: dict[str, dict[str, Any]] = {}
        before = self.cache.trouble
        for key, (value, share) in made.items():
            if isinstance(value, CellError):
                facts[key] = {"why": str(value), "fault": value.fault}
                self.memory[key] = value, 0.0
            elif self.kind not in ENDINGS:
                facts[key] = {"text": value, "sure": float(share)}
                self.memory[key] = value, share
            elif self.folder is not None and not self.cache.trouble:
                try:
                    write_bytes(self._path(key), encode(value, self.kind))
                except OSError as error:
                    self.cache.trouble = f"{self.folder} cannot be written ({os.strerror(error.errno or 0)})"
                    continue
                facts[key] = {"sure": float(share)}
                self.memory[key] = self._path(key), share
        self.cache.add(facts)
        if not before:
            self._note(self.cache.trouble)


class _Runner:
    """Calls a route over many values: in processes (closed by `opened`), in threads, or as they come; in order."""

    def __init__(self, route: Route, pool: ThreadPoolExecutor, opened: ExitStack) -> None:
        self.route, self.pool, self.opened = route, pool, opened
        self.workers: list[Worker] = []
        self.count = os.cpu_count() or 1
        self.apart = len(route.steps) == 1 and getattr(route.steps[0], "processes", False)

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        if not values:
            return [], []
        callers: Sequence[Any] = [self.route]
        if self.apart and self.count > 1 and (self.workers or len(values) >= FEWEST_FOR_PROCESSES):
            if not self.workers:
                self.workers = [self.opened.enter_context(Worker(self.route)) for _ in range(self.count)]
            callers = self.workers
        elif self.route.threads and len(values) > 1:
            callers = [self.route] * self.count
        # every caller takes each so-manieth value, so that long and short ones are shared out
        parts = [values[i :: len(callers)] for i in range(len(callers))]
        answers = self.pool.map(lambda call, part: call(part) if part else ([], []), callers, parts)
        made: list[Any] = [None] * len(values)
        sure = [0.0] * len(values)
        for i, (some, shares) in enumerate(answers):
            made[i :: len(callers)], sure[i :: len(callers)] = some, shares
        return made, sure
