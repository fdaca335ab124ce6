"""From a Table to Batches: prepare every row, keep account of every hole. Knows the preps, not the networks.

Rows are read in chunks through one bounded thread pool and written to files as they come: memory does not grow.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plait.core.contract import Batch, Table, status_of
from plait.core.files import Stages, naming, under
from plait.core.options import OWN
from plait.core.terminal import Callback, quiet
from plait.core.threads import count_torch_threads, open_pool, single_blas, torch_threads
from plait.data.travel import pack_table, unpack_table
from plait.models.kept_blocks import KeptBlocks, digest_view
from plait.models.views import View
from plait.pretrained.features import encoding_device, why_not_kept
from plait.tasks.runner import Runner

if TYPE_CHECKING:
    import torch

WORK, OPEN_VIEWS = "plait.models.rows:prepare_rows", "plait.models.rows:open_views"  # a task, and what it needs
MOMENT = 1.0  # seconds of preparation that a kill may lose
CHUNK = 256  # rows prepared at a time
FEW = 64  # the same, where a pretrained encoder takes part: a kill loses no more than these
MANY, MANY_BYTES = 1024, 256 << 20  # the same on a GPU, which would else wait for each lot to be decoded


@dataclass
class Prepared:
    """Every row of a table, prepared. inputs[m]: (rows, …); cells[m]: (rows, column) bool; reasons: one dict a row."""

    views: list[View]
    inputs: dict[str, np.ndarray]
    cells: dict[str, np.ndarray]
    reasons: list[dict[str, str]]

    def __len__(self) -> int:
        return len(self.reasons)

    @property
    def names(self) -> list[str]:
        return [view.name for view in self.views if view.is_main]

    @property
    def present(self) -> dict[str, np.ndarray]:
        """present[m]: (rows,) bool: at least one column of the modality is there."""
        return {name: np.asarray(self.cells[name].any(axis=1)) for name in self.names}

    def take(self, rows: np.ndarray) -> Prepared:
        """Return these rows, in this order."""
        inputs = {name: x[rows] for name, x in self.inputs.items()}
        cells = {name: x[rows] for name, x in self.cells.items()}
        return Prepared(self.views, inputs, cells, [self.reasons[row] for row in rows])

    @property
    def choices(self) -> dict[str, list[str]]:
        """The inputs of a modality that compete: {modality: [name, …]}, its own first, of those with a choice."""
        choices: dict[str, list[str]] = {}
        for view in self.views:
            if view.how == "rival":
                choices.setdefault(view.of, [view.of]).append(view.name)
        return choices

    @property
    def beside(self) -> dict[str, list[str]]:
        """The inputs that classic learners see of a modality beside its own: {modality: [name, …]}."""
        seen: dict[str, list[str]] = {}
        for view in self.views:
            if view.how == "beside":
                seen.setdefault(view.of, []).append(view.name)
        return seen

    def settle(self, of: str, name: str, keep: bool = False) -> Prepared:
        """Return the rows with the view whose inputs have this name as the modality's own, and none of its rivals.

        keep: a text stays there through the pretrained encoders that were not chosen, for classic learners to see.
        """
        (chosen,) = (view for view in self.views if view.name == name)
        gone = {"own", "rival"} if chosen.frozen is not None else {"own", "rival", "tuned"}  # nothing there to tune
        gone -= {"rival"} if keep and not chosen.able.opened else set()
        kept = [view for view in self.views if view is chosen or view.of != of or view.how not in gone]
        rest = [replace(view, how="beside") if view.of == of and view.how == "rival" else view for view in kept]
        views = [replace(old, how="own") if old is chosen else view for view, old in zip(rest, kept, strict=True)]
        pairs = [(view.name, old.name) for view, old in zip(views, kept, strict=True)]
        order = [view.of for view in self.views]
        return Prepared(
            sorted(views, key=lambda view: order.index(view.of)),
            {new: self.inputs[old] for new, old in pairs},
            {new: self.cells[old] for new, old in pairs},
            self.reasons,
        )

    def batch(self, rows: np.ndarray, keep: Sequence[str] | None = None, device: torch.device | None = None) -> Batch:
        """Gather rows into a Batch; with keep, only those modalities are present.

        It holds arrays where torch is not loaded: nobody who asks for tensors is there, and to load it takes longer
        than most answers.
        """
        inputs, present, cells = dict[str, Any](), dict[str, Any](), dict[str, Any]()
        make = _Tensors(device) if "torch" in sys.modules else _Arrays()
        for view in self.views:
            name, x = view.name, self.inputs[view.name]
            there = self.cells[name][rows]
            if keep is not None and view.of not in keep:
                there = np.zeros_like(there)
                inputs[name] = make.blank((len(rows), *x.shape[1:]), x.dtype)  # nobody reads it
            else:
                inputs[name] = make.gather(x, rows)
            present[name] = make.of(there.any(axis=1))
            if view.several:
                cells[name] = make.of(there)
        return Batch(inputs, present, None, cells)

    def statuses(self, modalities: Sequence[str] | None = None) -> list[tuple[str, str]]:
        """Return (status, reason) of every row, in order, as far as these modalities (or all) go."""
        names, present, statuses = list(self.names if modalities is None else modalities), self.present, []
        for row, noted in enumerate(self.reasons):
            reasons = {name: noted[name] for name in names if name in noted}
            status, reason = status_of(reasons, names)
            if reasons and any(present[name][row] for name in names):
                status = "partial"
            statuses.append((status, reason))
        return statuses


class _Arrays:
    """What a Batch holds, as arrays."""

    def of(self, x: np.ndarray) -> Any:
        return x

    def gather(self, x: np.ndarray, rows: np.ndarray) -> Any:
        return x[rows]

    def blank(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return np.broadcast_to(np.zeros((), dtype), shape)


class _Tensors:
    """The same, as tensors on a device."""

    def __init__(self, device: torch.device | None) -> None:
        import torch

        self.made, self.device = torch.from_numpy, device or "cpu"

    def of(self, x: np.ndarray) -> Any:
        return self.made(x).to(self.device)

    def gather(self, x: np.ndarray, rows: np.ndarray) -> Any:
        # torch gathers into aligned memory; in numpy's a matrix product depends on where it lies
        return self.made(x)[self.made(np.asarray(rows, np.int64))].to(self.device)

    def blank(self, shape: tuple[int, ...], dtype: Any) -> Any:
        return self.of(np.zeros((), dtype)).expand(shape)


def prepare(
    table: Table,
    views: Sequence[View],
    *,
    folder: Path | None = None,
    callback: Callback = quiet,
    runner: Runner | None = None,
    keep: bool = False,
) -> Prepared:
    """Prepare every row, in order; what cannot be read is absent. With a folder, values are maps of files there.

    What another call with the same folder has prepared, before it was killed, is taken as it is: all but the last
    moment of it. The files named in cells are not looked at again. runner: does blocks of rows, where there is more to
    do than to send; by default they are done here. keep: whether pictures, sounds and videos are kept as they were
    prepared, for the next time.
    """
    shapes = {view.name: (len(table), *view.shape()) for view in views}
    cells = {v.name: np.zeros((len(table), len(v.modality.columns) if v.several else 1), bool) for v in views}
    paths = {view.name: folder / f"{index}.raw" for index, view in enumerate(views)} if folder is not None else {}
    paths = {name: path for name, path in paths.items() if np.prod(shapes[name])}  # nothing can be mapped of no bytes
    inputs = {v.name: np.zeros(0 if v.name in paths else shapes[v.name], v.dtype()) for v in views}
    done = Done(folder, views, {name: int(np.prod(shapes[name])) * inputs[name].itemsize for name in paths})
    reasons = done.read(cells)
    step = CHUNK
    if any(view.frozen is not None and view.able.opened for view in views):  # of a text they cost little
        widest = max(int(np.prod(view.shape())) * np.dtype(view.dtype()).itemsize for view in views)
        step = FEW if encoding_device().type == "cpu" else max(FEW, min(MANY, MANY_BYTES // max(1, widest)))
    kept = KeptBlocks(views if keep else ())
    for block in _each_block(table, views, range(len(reasons), len(table), step), runner, kept):
        start, rows = len(reasons), slice(len(reasons), len(reasons) + len(block.reasons))
        for view, values, there in zip(views, block.values, block.cells, strict=True):
            cells[view.name][rows] = there
            if path := paths.get(view.name):
                with naming(path), open(path, "r+b") as file:
                    file.seek(start * (values.nbytes // len(values)))
                    file.write(np.ascontiguousarray(values).data)
            else:
                inputs[view.name][rows] = values
        reasons += block.reasons
        done.note(cells, reasons)
        callback({"stage": "prepare", "done": len(reasons), "total": len(table)})
    for frozen in {s.frozen for s in views if s.frozen is not None and not s.feeds_encoder} if len(table) > 1 else ():
        if trouble := why_not_kept(frozen):
            callback({"note": f"features of {frozen.name} are not kept for the next time: {trouble}"})
    if kept.trouble:
        callback({"note": f"prepared rows are not kept for the next time: {kept.trouble}"})
    for name, path in paths.items():
        # copy-on-write: torch wants writable memory, and nothing of it ever reaches the file
        inputs[name] = np.memmap(path, inputs[name].dtype, "c", shape=shapes[name])
    return Prepared(list(views), inputs, cells, reasons)


class Block(NamedTuple):
    """Some rows, prepared. values: (batch, …) of each view; cells: (batch, column) bool of each; reasons: one dict a
    row."""

    values: list[np.ndarray]
    cells: list[np.ndarray]
    reasons: list[dict[str, str]]


def prepare_block(part: Table, views: Sequence[View], pool: Executor, kept: KeptBlocks) -> Block:
    """Prepare the rows of a small table. kept: where what is made of them may lie, and goes."""
    block = Block([], [], [{} for _ in range(len(part))])
    for view in views:
        made = kept.prepare(view, part, pool)
        block.values.append(made.values)
        block.cells.append(made.cells)
        for row, reason in enumerate(made.reasons):
            if reason is not None and view.is_main:
                block.reasons[row][view.name] = reason
    return block


def _each_block(
    table: Table, views: Sequence[View], starts: range, runner: Runner | None, kept: KeptBlocks
) -> Iterator[Block]:
    """Yield the rows from each of these starts to the next, prepared here or by tasks."""
    opened = sum(len(v.modality.columns) if v.several else 1 for v in views if v.able.opened or v.frozen is not None)
    parts = (table.take(np.arange(start, min(start + starts.step, len(table)))) for start in starts)
    if runner is None or runner.engine == "here" or len(starts) < 2 or not opened or not can_travel(table, views):
        with open_pool(opened * len(table)) as pool, single_blas():
            for part in parts:
                yield prepare_block(part, views, pool, kept)
        return
    columns = dict.fromkeys(name for view in views for name in view.modality.columns)
    requests = (pack_table(replace(part, data={name: part.data[name] for name in columns})) for part in parts)
    for answer in runner.map(WORK, requests, setup=(OPEN_VIEWS, {**pack_views(views), "keep": kept.keeps})):
        yield Block(answer["values"], answer["cells"], answer["reasons"])


def can_travel(table: Table, views: Sequence[View]) -> bool:
    """Whether rows and views can go to another process: nothing in them is an object, or a kind, of the user's own."""
    objects = any(isinstance(x, np.ndarray) and x.dtype.hasobject for x in table.data.values())
    return not objects and are_known(views) and not any(view.encoder == OWN for view in views)


def are_known(views: Sequence[View]) -> bool:
    """Whether all views are of kinds of plait's own, which another process knows too."""
    return all(getattr(view.able.prep, "__name__", "").startswith("plait.") for view in views)


def pack_views(views: Sequence[View]) -> dict[str, Any]:
    """Return what `open_views` makes the same views of."""
    states = [view.state() for view in views]
    arrays = {f"{place}.{name}": x for place, (_, own) in enumerate(states) for name, x in own.items()}
    return {"states": [facts for facts, _ in states], "arrays": arrays, "threads": count_torch_threads()}


def open_views(setup: Mapping[str, Any]) -> tuple[list[View], KeptBlocks, int | None]:
    """Return the views of a setup, where they keep blocks, and with how many threads their encoders compute."""
    arrays = {name: np.array(x) for name, x in setup["arrays"].items()}  # what travelled may not be written to
    states = enumerate(setup["states"])
    views = [View.from_state(facts, under(arrays, f"{place}.")) for place, facts in states]
    return views, KeptBlocks(views if setup["keep"] else ()), setup["threads"]


def prepare_rows(opened: tuple[list[View], KeptBlocks, int | None], request: dict[str, Any]) -> dict[str, Any]:
    """Prepare the rows of a request."""
    views, kept, threads = opened
    with torch_threads(threads), open_pool(0) as pool:
        return prepare_block(unpack_table(request), views, pool, kept)._asdict()


class Done:
    """Which rows lie in the files of a folder: a stage for each block of them, written once their values are.

    A block is known by what its views have learned and by its first row. sizes: {view: bytes of its file}.
    """

    def __init__(self, folder: Path | None, views: Sequence[View], sizes: Mapping[str, int]) -> None:
        self.stages, self.paths, self._noted, self._when = Stages(), list[Path](), 0, time.monotonic()
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        self.learned = " ".join(digest_view(view) for view in views)
        places = {view.name: folder / f"{index}.raw" for index, view in enumerate(views)}
        whole = all(places[name].exists() and places[name].stat().st_size == size for name, size in sizes.items())
        self.stages, self.paths = Stages(folder if whole else None), [places[name] for name in sizes]
        if not whole:
            for name, size in sizes.items():
                with naming(places[name]), open(places[name], "wb") as file:
                    file.truncate(size)

    def read(self, cells: Mapping[str, np.ndarray]) -> list[dict[str, str]]:
        """Fill cells of the rows that are done, and return their reasons."""
        reasons: list[dict[str, str]] = []
        while self.paths and (saved := self.stages.load_arrays(f"{self.learned} {len(reasons)}")) is not None:
            rows = slice(len(reasons), len(reasons) + len(saved[1]["reasons"]))
            for place, there in enumerate(cells.values()):
                there[rows] = saved[0][str(place)]
            reasons += saved[1]["reasons"]
        self._noted, self._when = len(reasons), time.monotonic()
        if self.paths:
            self.stages = Stages(self.paths[0].parent)
        return reasons

    def note(self, cells: Mapping[str, np.ndarray], reasons: Sequence[dict[str, str]]) -> None:
        """Write down which rows are done, where that took longer than to write it."""
        if self.stages.folder is None or time.monotonic() - self._when < MOMENT:
            return
        for path in self.paths:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
        arrays = {str(place): there[self._noted : len(reasons)] for place, there in enumerate(cells.values())}
        self.stages.save_arrays(f"{self.learned} {self._noted}", arrays, {"reasons": reasons[self._noted :]})
        self._noted, self._when = len(reasons), time.monotonic()
