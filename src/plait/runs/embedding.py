"""A row as vectors of one space: what each modality says in numbers, projected so that any may be held against any.

Knows a fitted model, and a space that was learned elsewhere; not how it was learned, nor any index.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from plait.core.contract import Table, as_array, free_name
from plait.core.files import (
    AGAIN,
    check_finite,
    consistent,
    file_in,
    naming,
    read_json,
    read_tensors,
    seal,
    write_bytes,
    write_json,
    write_tensors,
)
from plait.core.threads import torch_inference
from plait.core.typed import check_type
from plait.core.words import count, number
from plait.data.read import read_rows
from plait.errors import RequestError, RunError, did_you_mean
from plait.kinds import KINDS
from plait.kinds.features import batch_features
from plait.models.predictors import input_names, leaves_of
from plait.models.rows import Callback, Prepared, prepare, quiet
from plait.models.views import View
from plait.runs.shared import each_block, say_where, share_media, tables_of
from plait.tasks.runner import Runner

FORMAT = 1
AIMS = ("rows", "kind")  # what a space is chosen for: to find the very row, or one of the same class
NAMES = {  # of the methods that make a space
    "cca": "ridge CCA",
    "held": "CCA weighed on rows held out",
    "classes": "the class probabilities",
    "vicreg": "heads by VICReg",
    "infonce": "heads by InfoNCE",
    "before": "ridge CCA with what networks read",
}
BEFORE = "what its network reads, "  # in where features are from, where they are joined to those of the network
LIMIT = 10.0  # standard deviations from the mean, at most: one odd cell turns no vector by itself
STEP = 256  # rows that are encoded at a time
WIDEST = 1 << 14  # numbers of a vector, or features of a modality, that a stranger's space may ask for


class Listed(TypedDict):
    """What a space says of one modality: where its features are from, and how many."""

    of: str
    features: int


class Tried(TypedDict):
    """A space that was compared on validation."""

    name: str
    val: float


class Direction(TypedDict):
    """What is said of looking from one modality into another."""

    sentence: str


class Report(TypedDict, total=False):
    """What a space says of itself, as far as it is read; all of it may lack."""

    combine: str
    weights: dict[str, float]
    lengths: dict[str, float]
    candidates: list[Tried]
    caveat: str
    directions: dict[str, Direction]
    never_paired: list[list[str]]
    sentence: str


class Told(TypedDict):
    """What the file of a space says."""

    format: int
    name: str
    aim: str
    run: str
    dim: int
    modalities: dict[str, Listed]
    report: dict[str, Any]
    tensors: str
    seal: str


@dataclass(frozen=True)
class Head:
    """How the features of one modality become a vector: of: from where they are; weight: (feature, dim)."""

    of: str
    centre: np.ndarray
    spread: np.ndarray
    weight: np.ndarray

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Return features (rows, feature) standardised; what is absent inside a present row counts as average."""
        return np.nan_to_num(np.clip((features - self.centre) / self.spread, -LIMIT, LIMIT), nan=0.0)

    def project(self, features: np.ndarray) -> np.ndarray:
        """Return unit vectors (rows, dim) float32 of features (rows, feature), NaN where a row has none of them."""
        return unit(self._vectors(features))

    def lengths(self, features: np.ndarray) -> np.ndarray:
        """Return (rows,) how long vectors were before they were units: the longer, the more a cell says; NaN where
        absent."""
        return np.linalg.norm(self._vectors(features), axis=1)

    def _vectors(self, features: np.ndarray) -> np.ndarray:
        features = features[:, features.shape[1] - len(self.centre) :]  # before them may be what its network reads
        out = np.full((len(features), self.weight.shape[1]), np.nan)
        there = ~np.isnan(features).all(1)
        if there.any():
            out[there] = self.scaled(features[there].astype(np.float64)) @ self.weight
        return out


@dataclass
class Space:
    """One space for all modalities of a run.

    name: of the method that made it. aim: rows or kind, see AIMS. run: the seal of the run whose features it takes.
    samples: {modality: (row, dim)} vectors of the same rows, from which chance is known, NaN where absent: of rows not
    learned from, by the run as it was proven; as long as a cell says, 1 as usual.
    rival: {modality: (feature, dim)} weights of plain CCA, to hold others against; empty where it is that.
    report: what was compared, and what it reached.
    """

    name: str
    aim: str
    run: str
    heads: dict[str, Head]
    samples: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    rival: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    report: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def dim(self) -> int:
        return next(iter(self.heads.values())).weight.shape[1]

    @property
    def reads_before(self) -> bool:
        """Whether it takes the features that networks read, beside what they make of them."""
        return any(head.of.startswith(BEFORE) for head in self.heads.values())

    @property
    def plain(self) -> Space:
        """The space of plain CCA over the same features."""
        if not self.rival:
            return self
        return Space("cca", self.aim, self.run, {n: replace(h, weight=self.rival[n]) for n, h in self.heads.items()})

    def tensors(self) -> dict[str, np.ndarray]:
        """Return all arrays by name: the same in the same order, whoever asks."""
        arrays = {f"sample.{name}": x for name, x in self.samples.items()}
        arrays |= {f"rival.{name}": x for name, x in self.rival.items()}
        for name, head in self.heads.items():
            arrays |= {f"{part}.{name}": getattr(head, part) for part in ("centre", "spread", "weight")}
        return {name: np.ascontiguousarray(arrays[name], np.float32) for name in sorted(arrays)}

    def to_json(self) -> dict[str, Any]:
        """Return what the file of the space says, with a seal over it and the arrays."""
        hashed = hashlib.sha256()
        for name, value in self.tensors().items():
            hashed.update(json.dumps([name, value.shape]).encode() + value.tobytes())
        listed = {name: {"of": head.of, "features": len(head.centre)} for name, head in self.heads.items()}
        told = {"format": FORMAT, "name": self.name, "aim": self.aim, "run": self.run, "dim": self.dim}
        told |= {"modalities": listed, "report": self.report, "tensors": hashed.hexdigest()}
        return {**told, "seal": seal(told)}

    @property
    def seal(self) -> str:
        """A hash of all that it holds: vectors of two spaces with the same one may be compared."""
        return str(self.to_json()["seal"])

    def write(self, folder: Path, stem: str = "space") -> None:
        """Write two files, the one that vouches for both last."""
        write_tensors(folder / f"{stem}.safetensors", self.tensors())
        write_json(folder / f"{stem}.json", self.to_json())

    @classmethod
    def read(cls, folder: Path, stem: str = "space") -> Space | None:
        """Return the space in a folder, or None where there is none. Raises RunError for one that is damaged."""
        path = file_in(folder, f"{stem}.json", missing=True)
        if not path.exists():
            return None
        with consistent(path):
            told = read_json(path)
            check_type(told, Told, str(path))
            check_type(told["report"], Report, f"{path}: report")
            arrays = read_tensors(file_in(folder, f"{stem}.safetensors"))
            check_finite({n: x for n, x in arrays.items() if not n.startswith("sample.")}, path)
            if told["format"] != FORMAT or told["aim"] not in AIMS or not 0 < told["dim"] <= WIDEST:
                raise ValueError(f"it has the format {told['format']}, for {told['aim']!r:.40}, of {told['dim']}")
            heads = {}
            for name, listed in told["modalities"].items():
                parts = {part: arrays[f"{part}.{name}"].astype(np.float64) for part in ("centre", "spread", "weight")}
                num = listed["features"]
                shapes = [x.shape for x in parts.values()]
                if shapes != [(num,), (num,), (num, told["dim"])] or not (parts["spread"] > 0).all():
                    raise ValueError(f"the arrays of {name!r:.60} do not fit")
                heads[name] = Head(listed["of"], **parts)
            samples = {name: arrays[f"sample.{name}"] for name in heads if f"sample.{name}" in arrays}
            rival = {name: arrays[f"rival.{name}"].astype(np.float64) for name in heads if f"rival.{name}" in arrays}
            if not heads or len({x.shape for x in samples.values()}) > 1:
                raise ValueError("it has no modality, or samples of several rows")
            if rival and [(n, len(x)) for n, x in rival.items()] != [(n, len(h.centre)) for n, h in heads.items()]:
                raise ValueError("its CCA is not of its features")
            space = cls(told["name"], told["aim"], told["run"], heads, samples, rival, told["report"])
            if any(x.ndim != 2 or x.shape[1] != space.dim for x in samples.values()) or space.seal != told["seal"]:
                raise RunError(f"{path} is damaged: it was changed after it was written. {AGAIN}")
            return space

    def say(self) -> list[str]:
        """Return lines on what was compared on validation, and what each direction finds on test rows."""
        report = self.report
        board = [
            f"{'*' if one['name'] == self.name else ' '} {NAMES.get(one['name'], one['name'])}: {number(one['val'])}"
            for one in report.get("candidates", [])
        ]
        measured = "class mAP" if self.aim == "kind" else "MRR"
        lines = [f"{measured} on validation (* was chosen):", *board] if board else []
        lines += [report["caveat"]] if "caveat" in report else []
        lines += [direction["sentence"] for direction in report.get("directions", {}).values()]
        lines += [f"{' and '.join(pair)} were never seen together." for pair in report.get("never_paired", [])]
        return [*lines, *([report["sentence"]] if "sentence" in report else [])]

    def project(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return unit vectors {modality: (rows, dim)} of what `Sources.features` gave, NaN where absent."""
        return {name: head.project(features[name]) for name, head in self.heads.items() if name in features}

    def lengths(self, features: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return {modality: (rows,) how long a vector was, of the usual 1} where the space knows what is usual."""
        usual = self.report.get("lengths", {})
        heads = {name: head for name, head in self.heads.items() if name in features and usual.get(name)}
        return {name: head.lengths(features[name]) / usual[name] for name, head in heads.items()}


def unit(x: np.ndarray) -> np.ndarray:
    """Return rows of length 1, NaN where a row has no length."""
    norm = np.linalg.norm(x, axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norm > 1e-12, x / norm, np.nan).astype(np.float32)


def mean_vector(vectors: Sequence[np.ndarray], weights: Sequence[Any] | None = None) -> np.ndarray:
    """Return the mean of the unit vectors (rows, dim) that are there, of length 1 again; NaN where none is.

    weights: a number for each, or (rows,) numbers.
    """
    stack = np.nan_to_num(np.stack(vectors))
    scale = [1.0] * len(stack) if weights is None else weights
    return unit(sum(x * np.nan_to_num(np.reshape(w, (-1, 1))) for x, w in zip(stack, scale, strict=True)))


# -- what a modality says in numbers ------------------------------------------------------------------------------


@dataclass
class Sources:
    """Where the numbers of each modality are from: its network trained alone, its pretrained encoder, or by hand."""

    views: list[View]
    networks: dict[str, Any]  # {modality: the network that was trained on it alone}
    alone: dict[str, Any]  # {modality: the predictor of it alone}, where there are classes
    seconds: list[View] = field(default_factory=list)  # further views that those predictors read
    before: bool = False  # whether what a network reads is a feature too, before what it makes of it
    own: dict[str, int] = field(default_factory=dict)  # {modality: how many of its last features are not of that}

    @classmethod
    def of(cls, model: Any, before: bool = False) -> Sources:
        """Find what a run holds of each modality."""
        views, networks = [view for view in model.views if view.is_main], dict[str, Any]()
        asked = [*model.alone.values(), *(p for name, p in model.predictors.items() if name not in model.alone)]
        for leaf in (leaf for predictor in asked for leaf in leaves_of(predictor)):
            if type(leaf).__name__ == "NetworkPredictor" and len(leaf.names) == 1:
                networks.setdefault(leaf.names[0], leaf.network)
        alone = dict(model.alone) if has_classes(model) else {}
        read = {name for predictor in alone.values() for name in input_names(predictor)}
        return cls(views, networks, alone, [v for v in model.views if not v.is_main and v.name in read], before)

    @property
    def inputs(self) -> list[View]:
        """The views that have to be prepared."""
        names = {view.of for view in self.views}
        return [*self.views, *(view for view in self.seconds if view.of in names)]

    def origins(self) -> dict[str, str]:
        """Return {modality: from where its numbers are}, in words."""
        return {view.of: self._origin(view) for view in self.views}

    def _origin(self, view: View) -> str:
        frozen = view.frozen is not None and not view.feeds_encoder
        own = "network" if view.of in self.networks else f"features of {view.encoder}" if frozen else "features by hand"
        return f"{own} and probabilities" if view.of in self.alone else own

    def read(self, table: Table) -> dict[str, Any]:
        """Return the features and the statuses of rows that fit: {"features", "statuses", "own"}."""
        prepared = prepare(table, self.inputs)
        return {"features": self.features(prepared), "statuses": prepared.statuses(), "own": self.own}

    def features(self, prepared: Prepared) -> dict[str, np.ndarray]:
        """Return {modality: (rows, feature) float32} of prepared rows, NaN where it is absent."""
        parts: dict[str, list[np.ndarray]] = {view.of: [] for view in self.views}
        with torch_inference():
            for start in range(0, len(prepared), STEP):
                batch = prepared.batch(np.arange(start, min(start + STEP, len(prepared))))
                for view in self.views:
                    there = as_array(batch.present[view.of])
                    own = self._features(view, batch)
                    if view.of in self.alone:
                        own = np.concatenate([own, self.alone[view.of](batch)], 1)
                    if self.before and view.of in self.networks:
                        self.own[view.of] = own.shape[1]
                        own = np.concatenate([self._given(view, batch), own], 1)
                    own[~there] = np.nan
                    parts[view.of].append(own.astype(np.float32))
        return {name: np.concatenate(lots) for name, lots in parts.items() if lots}

    def _features(self, view: View, batch: Any) -> np.ndarray:
        """Return (batch, feature) of one modality."""
        network = self.networks.get(view.of)
        if network is not None:
            from plait.models.fusion import pool

            return pool(*network.encode(batch)[view.of])[0].cpu().numpy().astype(np.float64)
        return self._given(view, batch)

    def _given(self, view: View, batch: Any) -> np.ndarray:
        """Return (batch, feature) of one modality as it comes: of its pretrained encoder, or by hand."""
        layout = view.layout()
        if view.frozen is not None and not view.feeds_encoder:
            import torch

            x, cells = torch.as_tensor(batch.inputs[view.of]).float(), batch.cells.get(view.of)
            x = x.mean(-2)  # over tokens
            if view.several and cells is not None:
                weights = torch.as_tensor(cells).float().unsqueeze(-1)
                x = (x.nan_to_num() * weights).sum(1) / weights.sum(1).clamp(min=1)
            return x.cpu().numpy().astype(np.float64)
        layout |= getattr(KINDS[layout["kind"]].features, "CLASSIC", {})
        layout |= {"columns": len(view.modality.columns)} if view.several else {}
        return batch_features(batch, {view.of: layout}, [view.of])[view.of].astype(np.float64)


@dataclass
class Read:
    """What a run reads of a table: {modality: (rows, feature)}, (status, reason) of each row, notes, its columns."""

    features: dict[str, np.ndarray]
    statuses: list[tuple[str, str]]
    notes: list[str]
    table: Table
    own: dict[str, int] = field(default_factory=dict)  # as of `Sources`


def read_features(
    model: Any,
    rows: Any,
    *,
    folder: str | Path | None = None,
    given: bool = False,
    before: bool = False,
    callback: Callback = quiet,
    runner: Runner | None = None,
    setup: Any = None,
) -> Read:
    """Return what a run knows of the modalities of rows.

    given: whether only modalities of which the table has a column count, as in a query. before: as of `Sources`.
    runner, setup: where blocks of rows are read, and what gives tasks the model; without them here.
    Raises RequestError, TableError as `Model.predict` does.
    """
    table, sources = read_rows(rows, folder), Sources.of(model, before)
    if given:
        there = model._columns_in(table)
        sources.views = [v for v in sources.views if {*v.modality.columns} & there] or sources.views
    away = None if runner is None or runner.engine == "here" else runner
    table, notes = model._fitting(table, [view.of for view in sources.views], callback, away)
    stage = "embed"
    if runner is None:
        steps = (table.take(np.arange(s, min(s + STEP, len(table)))) for s in range(0, max(1, len(table)), STEP))
        blocks: Iterator[dict[str, Any]] = map(sources.read, steps)
    else:
        share_media(runner, table, sources.views)
        stage = say_where(stage, runner)
        asked = ({**block, "before": before} for block in each_block([table], runner))
        blocks = runner.map("plait.runs.embedding:read_block", asked, setup=setup)
    parts, statuses, own = [], list[tuple[str, str]](), dict[str, int]()
    for block in blocks:
        parts.append(block["features"])
        own |= block["own"]
        statuses += [(status, reason) for status, reason in block["statuses"]]
        callback({"stage": stage, "done": len(statuses), "total": len(table)})
    features = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Read(features, statuses, notes, table, own)


def read_block(model: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return what a run knows of a block of rows, with all of its modalities."""
    (table,), sources = tables_of(request), Sources.of(model, request["before"])
    steps = [
        sources.read(table.take(np.arange(s, min(s + STEP, len(table))))) for s in range(0, max(1, len(table)), STEP)
    ]
    names = [*steps[0]["features"]]
    features = {name: np.concatenate([step["features"][name] for step in steps]) for name in names}
    statuses = [status for step in steps for status in step["statuses"]]
    return {"features": features, "statuses": statuses, "own": sources.own}


# -- what embed returns -------------------------------------------------------------------------------------------


@dataclass(repr=False)
class Embeddings:
    """A vector for each modality of each row, and one for the row; NaN where there is nothing.

    Args:
        vectors: {modality: (rows, dim)} float32, of length 1.
        row: (rows, dim), the mean of those that are there, of length 1 again.
        status, reason: (rows,) lists: ok, partial or failed, and why.
        space: the name and the seal of the space.
        notes: sentences on what of the table is not as in training.
        lengths: {modality: (rows,)} how long each vector was before, 1 as usual: how much its cell says.

    Example:
        >>> vectors = plait.embed(model, table)
        >>> sorted(vectors.vectors), vectors.row.shape[0]
        (['tabular', 'text'], 40)
    """

    vectors: dict[str, np.ndarray]
    row: np.ndarray
    status: list[str]
    reason: list[str]
    space: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    lengths: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.status)

    def __repr__(self) -> str:
        """Return how many rows have a vector of each modality."""
        present = ", ".join(f"{name} {(~np.isnan(x[:, 0])).sum()}" for name, x in self.vectors.items())
        failed = f"; {self.status.count('failed')} failed" if "failed" in self.status else ""
        return f"{count(len(self), 'row')}, vectors of {self.row.shape[1]} numbers: {present}{failed}"

    @classmethod
    def of(cls, space: Space, read: Read) -> Embeddings:
        """Return features in a space. A row of which nothing has a length has failed."""
        none = {name: np.zeros((0, space.dim), np.float32) for name in space.heads}  # of a table without rows
        vectors = space.project(read.features) if read.statuses else none
        row = mean_vector([*vectors.values()])
        status, reason = [s for s, _ in read.statuses], [r for _, r in read.statuses]
        for place in np.flatnonzero(np.isnan(row[:, 0])):
            if status[place] != "failed":
                status[place], reason[place] = "failed", "its vector has no length"
        row[[s == "failed" for s in status]] = np.nan
        lengths = space.lengths(read.features) if read.statuses else {}
        return cls(vectors, row, status, reason, {"name": space.name, "seal": space.seal}, read.notes, lengths)

    def to_json(self) -> dict[str, Any]:
        """Return what `embed --json` prints, but for the file."""
        present = {name: {"present": int((~np.isnan(x[:, 0])).sum())} for name, x in self.vectors.items()}
        facts = {"rows": len(self), "failed": self.status.count("failed"), "dim": self.row.shape[1]}
        return {**facts, "space": self.space, "modalities": present}

    def write(self, path: str | Path) -> None:
        """Write the vectors: as lists in .parquet, null where missing, or as arrays in .npz, NaN there.

        Args:
            path: the file, by whose ending the form is chosen.

        Raises:
            RequestError: it has another ending.
        """
        import io

        path, buffer = check_out(path), io.BytesIO()
        columns = {**self.vectors, free_name("row", self.vectors): self.row}
        status, reason = (free_name(name, columns) for name in ("status", "reason"))
        if path.suffix.lower() == ".npz":
            texts = {status: np.array(self.status, str), reason: np.array(self.reason, str)}
            np.savez(buffer, **columns, **texts)  # type: ignore[arg-type]
        else:
            import pyarrow as pa
            import pyarrow.parquet as parquet

            def lists(x: np.ndarray) -> Any:
                absent = pa.array(np.isnan(x[:, 0]))
                flat = pa.array(np.nan_to_num(x).ravel(), pa.float32())
                return pa.FixedSizeListArray.from_arrays(flat, x.shape[1], mask=absent)

            texts = {status: pa.array(self.status, pa.string()), reason: pa.array(self.reason, pa.string())}
            parquet.write_table(pa.table({name: lists(x) for name, x in columns.items()} | texts), buffer)
        with naming(path):
            write_bytes(path, buffer.getvalue())


def check_out(path: str | Path) -> Path:
    """Return the path of vectors to write. Raises RequestError for an ending that is neither .parquet nor .npz."""
    if Path(path).suffix.lower() not in (".parquet", ".npz"):
        raise RequestError(
            f"the vectors cannot be written to {Path(path).name!r}; expected a name that ends in .parquet or .npz."
        )
    return Path(path)


def space_stem(aim: str) -> str:
    """Return how the files of a space that a run keeps are called."""
    if aim not in AIMS:
        raise RequestError(f"there is no space for {aim!r}. {did_you_mean(aim, AIMS)}")
    return f"space-{aim}"


def usual_aim(model: Any, aim: str | None = None) -> str:
    """Return what a space of a run is for: as asked, else to find the same class where it has classes."""
    return aim or ("kind" if has_classes(model) else "rows")


def has_classes(model: Any) -> bool:
    """Whether each row is of one class; several labels a row are none."""
    return model.classes is not None and model.facts.task != "labels"


def kept_space(model: Any, aim: str | None = None) -> Space | None:
    """Return the space that a run keeps beside it, unless it is of another run that was there before."""
    stem = space_stem(aim := usual_aim(model, aim))
    space = None if model.folder is None else Space.read(model.folder, stem)
    if space is None or space.run != model.facts.seal:
        return None
    if space.aim != aim:
        raise RunError(f"{stem}.json in {model.folder} is a space for {space.aim}; remove it.")
    return space
