"""A model as one ONNX file: the graph, and in its metadata all that is needed to use it without the run.

Knows the file, ONNX Runtime and how a Model answers; not how the graph is made (models/onnx_graph.py). Such a file
holds no code, and may come from a stranger: the digest tells damage, not who wrote it. So all of it is looked at before
any of it is used (onnx_check.py, onnx_facts.py).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from plait.converters.in_fit import Made
from plait.core import notebook
from plait.core.contract import Batch
from plait.core.files import AGAIN, MISFITS, check_finite, consistent, pack_tensors, parse_json, under, unpack_tensors
from plait.core.version import __version__
from plait.core.words import first_line
from plait.errors import MissingExtra, PlaitError, RequestError, RunError, need
from plait.models.onnx_graph import Graph, Port, write_graph
from plait.models.rows import CHUNK
from plait.models.views import View
from plait.runs.facts import RunFacts
from plait.runs.model import Model
from plait.runs.onnx_check import Checked, check_onnx
from plait.runs.onnx_facts import check_facts, check_ports, restore_view, row_bytes

FORMAT = 1
FACTS, ARRAYS, DIGEST = "plait", "plait.arrays", "plait.digest"
KEPT = (
    "task", "target", "decimal_comma", "classes", "labels", "prior", "seed", "sample_rates", "conversions", "winner",
    "seal",
)  # fmt: skip
MOST_FILE = (2 << 30) - 1  # bytes: what the format can hold
MOST_FACTS = 16 << 20  # bytes: 20,000 words and 100,000 classes take 3 MB; as Python objects it may be 20 times that
MOST_INPUTS = 256 << 20  # bytes of prepared rows at once, unless one row has more
BLANK = b"0" * 64
# how the digest lies in the file: field 1, the key; field 2, 64 letters
MARK = b"\x0a" + bytes([len(DIGEST)]) + DIGEST.encode() + b"\x12" + bytes([len(BLANK)])


class OnnxPredictor:
    """The graph as a predictor: Batch → probabilities (batch, class), or values (batch, 1), through ONNX Runtime."""

    def __init__(
        self,
        session: Any,
        ports: Sequence[Port],
        output: str,
        width: int,
        rows: Callable[[int], int] = lambda num: num,
        source: str = "the file",
        thresholds: Sequence[float] = (),
    ) -> None:
        """rows: how many of so many rows the graph may be given at once; source: what messages call the file.

        thresholds: of several labels a row, as of `Calibrated`.
        """
        self.session, self.ports, self.output, self.width = session, list(ports), output, width
        self.rows, self.source, self.thresholds = rows, source, tuple(thresholds)

    @property
    def names(self) -> Sequence[str]:
        return [port.modality for port in self.ports]

    def __call__(self, batch: Batch) -> np.ndarray:
        """Raises RequestError, naming the modality, for an input that is missing or has another shape."""
        given: dict[str, np.ndarray] = {}
        for port in self.ports:
            if port.modality not in batch.inputs:
                raise RequestError(f"the batch has no modality {port.modality!r}.")
            x, there = batch.inputs[port.modality], batch.present[port.modality]
            if tuple(x.shape[1:]) != port.shape:
                wanted = ", ".join(str(n) for n in ("batch", *port.shape))
                raise RequestError(
                    f"modality {port.modality!r}: got an array of shape {tuple(x.shape)}; expected ({wanted})."
                )
            if port.several:
                cells = batch.cells.get(port.modality)
                wide = there[:, None].expand(-1, port.columns)
                there = wide if cells is None else wide & cells
            given[port.values] = x.to(getattr(torch, port.dtype)).cpu().numpy()
            given[port.there] = there.cpu().numpy()
        if not len(there):
            return np.zeros((0, self.width))
        step, parts = max(1, self.rows(len(there))), []
        for start in range(0, len(there), step):
            few = given if step >= len(there) else {name: x[start : start + step] for name, x in given.items()}
            with runtime(self.source):
                parts.append(self.session.run([self.output], few)[0])
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if found.shape != (len(there), self.width):
            raise RunError(f"{self.source} is damaged: of {len(there)} rows its graph made {found.shape}. {AGAIN}")
        return found.astype(np.float64)


class OnnxModel(Model):
    """A model in one ONNX file: it predicts, is scored and explained like the model of its run.

    What proves it (leaderboard, verdict, each modality trained alone) stays in the run.

    Args:
        facts, views, predictors, folder, candidate: as of `plait.Model`; `load` makes one
            from a file.

    Example:
        >>> written = plait.export(model, out="model.onnx")
        >>> plait.OnnxModel.load("model.onnx").predict({"note": ["fever and cough"], "age": [60]}).labels
        ['yes']
    """

    source: str = "the file"

    @classmethod
    def load(
        cls,
        path: str | Path,
        converters: Sequence[Any] = (),
        encoders: Mapping[str, Any] | None = None,
        threads: int = 2,
    ) -> OnnxModel:
        """Return the model in a file that `plait.export` wrote.

        The file may be a stranger's: nothing of it is executed but the arithmetic of its graph, no other file is opened
        that it names, and no request is made.

        Args:
            path: the file.
            converters: the user's own converters, where fit had them.
            encoders: {modality: "hf:FOLDER"}, where a folder is meant to be.
            threads: how many compute, at the most; for one row at a time one is the cheapest.

        Raises:
            RunError: the file is missing, damaged, or from elsewhere.
            MissingExtra: onnxruntime is not installed.
        """
        return cls.from_bytes(read_file(Path(path)), str(path), converters, encoders, threads)

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        source: str = "the file",
        converters: Sequence[Any] = (),
        encoders: Mapping[str, Any] | None = None,
        threads: int = 2,
    ) -> OnnxModel:
        """Return the model in the bytes of such a file, as `load` does. source: what messages call it."""
        need("onnxruntime")
        check_digest(data, source)
        checked = check_onnx(data, source)
        with named(source), consistent(source):
            facts, arrays = read_metadata(checked, source)
            facts = check_facts(facts, source, converters, encoders or {})
            states = enumerate(facts["strands"])
            views = [restore_view(state, under(arrays, f"{index}.")) for index, state in states]
            ports = [Port.from_json(port) for port in facts["inputs"]]
            width = len(facts["classes"] or [0])
            check_ports(checked, ports, views, facts, source)
            made = [Made.from_json(one, converters) for one in facts["conversions"]]
            told = RunFacts.from_json(facts)
        with runtime(source):
            session = open_session(data, threads)
        about = (session, ports, facts["output"], width, checked.cost.rows, source, facts["thresholds"])
        predictor = OnnxPredictor(*about)
        model = cls(told, views, {"winner": predictor}, _made=made)
        model.source = source
        return model

    def _answering(self) -> contextlib.AbstractContextManager[None]:
        return answering(self.source)

    def _rows_at_a_time(self, strands: Sequence[View]) -> int:
        """Return how many rows are prepared at a time: fewer where one row takes much, in lots of 128 if possible."""
        rows = MOST_INPUTS // max(1, row_bytes(strands))
        return min(4 * CHUNK, max(1, rows // 128 * 128 or rows))

    def summary(self) -> str:
        """Return what the model is: what it predicts, from what, and the run that proves it."""
        lines = [f"{self.facts['winner']}, which predicts {self.target!r}, in ONNX, by plait {self.facts['version']}"]
        lines += [f"modality {s.name} ({s.kind}): {', '.join(s.modality.columns)}" for s in self.views]
        lines.append(f"its leaderboard and verdict are in the run with the seal {self.facts['seal'][:12]}…")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return notebook.cell(notebook.lines(self.summary()))

    @property
    def leaderboard(self) -> NoReturn:
        """The leaderboard is in the run folder: RequestError."""
        raise RequestError("an ONNX file holds the winner alone; load the run folder for its leaderboard and verdict.")

    @property
    def study(self) -> Any:
        """The study is in the run folder: RequestError."""
        return self.leaderboard


def pack_model(model: Model, name: str = "") -> bytes:
    """Return the ONNX file of a model's winner. Raises RequestError where the winner is, or asks, no network.

    name: what the file says its predictor is called, where that is not the winner of the run.
    """
    own = [s for s in model.views if s.is_main and getattr(s.able.network, "IN_GRAPH", False)]
    inside = {s.name: s.frozen for s in own if s.frozen is not None}
    graph = Graph(model.predictor(), inside)
    used = [port.modality for port in graph.ports]
    strands = [replace(s, how="given" if s.name in inside else s.how) for s in model.views if s.name in used]
    states = [strand.state() for strand in strands]
    arrays = {f"{i}.{key}": value for i, (_, tensors) in enumerate(states) for key, value in tensors.items()}
    facts = {key: model.facts.get(key) for key in KEPT} | ({"winner": name} if name else {})
    facts |= {
        "sample_rates": model.facts.sample_rates or {},
        "conversions": [one.to_json() for one in model._made if one.modality in used],
        "format": FORMAT,
        "version": __version__,
        "output": graph.output,
        "thresholds": list(getattr(model.predictor(), "thresholds", ())),
        "inputs": [port.to_json() for port in graph.ports],
        "modalities": [{"name": s.name, "kind": s.kind, "columns": list(s.modality.columns)} for s in strands],
        "strands": [state for state, _ in states],
    }
    text, packed = json.dumps(facts, ensure_ascii=False, allow_nan=False), base64.b64encode(pack_tensors(arrays))
    data = write_graph(graph, {FACTS: text, ARRAYS: packed.decode(), DIGEST: BLANK.decode()})
    place = data.rindex(MARK) + len(MARK)
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(BLANK) :]


def read_file(path: Path) -> bytes:
    """Return the bytes of a regular file. Raises RunError."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise RunError(f"{path} is no regular file. Name a file that plait export wrote.")
            if found.st_size > MOST_FILE:
                raise RunError(f"{path} has more than 2 GB. Name a file that plait export wrote.")
            return file.read(found.st_size)
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}). Name a file that plait export wrote.") from None
    except ValueError as error:
        if isinstance(error, RunError):
            raise
        raise RunError(f"{str(path)!r} is no name of a file ({error}). Name a file that plait export wrote.") from None


def read_metadata(checked: Checked, source: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return (facts, arrays) of what the metadata hold. Raises RunError."""
    held = checked.metadata
    if lacking := [key for key in (FACTS, ARRAYS) if key not in held]:
        raise RunError(f"{source} has no {lacking[0]!r} in its metadata, so it is from elsewhere. {AGAIN}")
    if len(held[FACTS]) > MOST_FACTS:
        raise RunError(f"{source} holds more than {MOST_FACTS >> 20} MB of facts, which no export does. {AGAIN}")
    facts = parse_json(held[FACTS])
    if not isinstance(facts, dict) or type(facts["format"]) is not int:
        raise RunError(f"{source} is damaged: its facts are none. {AGAIN}")
    if facts["format"] != FORMAT:
        raise RunError(
            f"{source} has the format {facts['format']}; this plait reads {FORMAT}. Use the plait that wrote it."
        )
    arrays = unpack_tensors(base64.b64decode(held[ARRAYS], validate=True), source)
    check_finite(arrays, source)
    return facts, arrays


def check_digest(data: bytes, source: str) -> None:
    """Raise RunError unless these are the bytes of a file that `pack_model` gave, every one of them."""
    found = data.rfind(MARK)
    place = found + len(MARK)
    view = memoryview(data)  # no copy: a file can be large
    whole = hashlib.sha256(view[:place])
    whole.update(BLANK)
    whole.update(view[place + len(BLANK) :])
    if found < 0 or whole.hexdigest().encode() != data[place : place + len(BLANK)]:
        raise RunError(
            f"{source} is damaged, or is no file that plait export wrote. Export the run again, or restore the file."
        )


@contextlib.contextmanager
def named(source: str) -> Iterator[None]:
    """Name the file in an error of what it holds, where that knows no file. A missing package stays one."""
    try:
        yield
    except MissingExtra:
        raise
    except PlaitError as error:
        if isinstance(error, RunError) and source in str(error):
            raise
        raise RunError(f"{source}: {error}") from None


@contextlib.contextmanager
def answering(source: str) -> Iterator[None]:
    """Turn what goes wrong at rows that the file is given into a RunError that blames neither, and keeps the cause."""
    try:
        yield
    except PlaitError:
        raise
    except MISFITS as error:
        raise RunError(
            f"{source} cannot answer these rows ({type(error).__name__}: {first_line(error):.200}). Either what it "
            "says of its preparation was changed: export the run again; or a cell is of a form that plait does not "
            "know: plait check finds it."
        ) from error


@contextlib.contextmanager
def runtime(source: str) -> Iterator[None]:
    """Turn what ONNX Runtime says of a graph, or that memory does not suffice, into a RunError that names the file."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "InvalidGraph", "InvalidProtobuf", "NotImplemented", "NoSuchFile", "NoModel")
    kinds = [getattr(state, name) for name in (*names, "RuntimeException", "EPFail") if hasattr(state, name)]
    try:
        yield
    except (*kinds, RuntimeError, ValueError, TypeError, MemoryError) as error:
        said = (str(error).strip().splitlines() or [""])[0][:200]
        raise RunError(
            f"{source} is damaged, or is no file that plait export wrote: ONNX Runtime says {said!r}. {AGAIN}"
        ) from None


def open_session(data: bytes, threads: int = 2) -> Any:
    """Return an ONNX Runtime session on the processor, with so many threads at the most."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(threads, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is an error of ours, and nothing beside it on the terminal
    # a thread that waits would spin: half of the processor time of making a session, and no row is quicker for it
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
