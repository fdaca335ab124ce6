"""A model as one ONNX file: the graph, and in its metadata all that is needed to use it without the run.

Knows the file, ONNX Runtime and how a Model answers; not how the graph is made (models/onnx_graph.py). Such a file
holds no code.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.converters.in_fit import Made
from plait.core.contract import Batch
from plait.core.files import pack_tensors, under, unpack_tensors
from plait.core.version import __version__
from plait.errors import RequestError, RunError, need
from plait.models.onnx_graph import Graph, Port, write_graph
from plait.models.views import View
from plait.pretrained.catalogue import restore_given
from plait.runs.facts import RunFacts
from plait.runs.model import Model

FORMAT = 1
FACTS, ARRAYS, DIGEST = "plait", "plait.arrays", "plait.digest"
KEPT = ("task", "target", "decimal_comma", "classes", "prior", "seed", "sample_rates", "conversions", "winner", "seal")
BLANK = b"0" * 64
# how the digest lies in the file: field 1, the key; field 2, 64 letters
MARK = b"\x0a" + bytes([len(DIGEST)]) + DIGEST.encode() + b"\x12" + bytes([len(BLANK)])


class OnnxPredictor:
    """The graph as a predictor: Batch → probabilities (batch, class), or values (batch, 1), through ONNX Runtime."""

    def __init__(self, session: Any, ports: Sequence[Port], output: str, width: int) -> None:
        self.session, self.ports, self.output, self.width = session, list(ports), output, width

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
        return self.session.run([self.output], given)[0].astype(np.float64)


class OnnxModel(Model):
    """A model in one ONNX file: it predicts, is scored and explained like the model of its run.

    What proves it (leaderboard, verdict, each modality trained alone) stays in the run.

    Args:
        facts, strands, predictors, folder, keeper, made: as of `plait.Model`; `load` makes one from a file.

    Example:
        >>> written = plait.export(model, out="model.onnx")
        >>> plait.OnnxModel.load("model.onnx").predict({"note": ["fever and cough"], "age": [60]}).labels
        ['yes']
    """

    @classmethod
    def load(cls, path: str | Path, converters: Sequence[Any] = ()) -> OnnxModel:
        """Return the model in a file that `plait.export` wrote.

        Args:
            path: the file.
            converters: the user's own converters, where fit had them.

        Raises:
            RunError: the file is missing, damaged, or from elsewhere.
            MissingExtra: onnxruntime is not installed.
        """
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise RunError(f"{path} cannot be read ({error.strerror}). Name a file that plait export wrote.") from None
        return cls.from_bytes(data, str(path), converters)

    @classmethod
    def from_bytes(cls, data: bytes, source: str = "the file", converters: Sequence[Any] = ()) -> OnnxModel:
        """Return the model in the bytes of such a file, as `load` does. source: what messages call it."""
        need("onnxruntime")
        check_digest(data, source)
        session = open_session(data)
        held = session.get_modelmeta().custom_metadata_map
        facts = json.loads(held[FACTS])
        if facts["format"] != FORMAT:
            raise RunError(
                f"{source} has the format {facts['format']}; this plait reads {FORMAT}. Use the plait that wrote it."
            )
        arrays = unpack_tensors(base64.b64decode(held[ARRAYS]), source)
        strands = [_restore(state, under(arrays, f"{index}.")) for index, state in enumerate(facts["strands"])]
        ports = [Port.from_json(port) for port in facts["inputs"]]
        predictor = OnnxPredictor(session, ports, facts["output"], len(facts["classes"] or [0]))
        made = [Made.from_json(one, converters) for one in facts["conversions"]]
        return cls(RunFacts.from_json(facts), strands, {"winner": predictor}, made=made)

    def summary(self) -> str:
        """Return what the model is: what it predicts, from what, and the run that proves it."""
        lines = [f"{self.facts['winner']}, which predicts {self.target!r}, in ONNX, by plait {self.facts['version']}"]
        lines += [f"modality {s.name} ({s.kind}): {', '.join(s.modality.columns)}" for s in self.views]
        lines.append(f"its leaderboard and verdict are in the run with the seal {self.facts['seal'][:12]}…")
        return "\n".join(lines)

    @property
    def leaderboard(self) -> list[dict[str, Any]]:
        """The leaderboard is in the run folder: RequestError."""
        raise RequestError("an ONNX file holds the winner alone; load the run folder for its leaderboard and verdict.")

    @property
    def study(self) -> Any:
        """The study is in the run folder: RequestError."""
        return self.leaderboard


def pack_model(model: Model) -> bytes:
    """Return the ONNX file of a model's winner. Raises RequestError where the winner is, or asks, no network."""
    own = [s for s in model.views if s.is_main and getattr(s.able.network, "IN_GRAPH", False)]
    inside = {s.name: s.frozen for s in own if s.frozen is not None}
    graph = Graph(model.predictor(), inside)
    used = [port.modality for port in graph.ports]
    strands = [replace(s, how="given" if s.name in inside else s.how) for s in model.views if s.name in used]
    states = [strand.state() for strand in strands]
    arrays = {f"{i}.{key}": value for i, (_, tensors) in enumerate(states) for key, value in tensors.items()}
    facts = {name: model.facts.get(name) for name in KEPT} | {
        "sample_rates": model.facts.sample_rates or {},
        "conversions": [one.to_json() for one in model.made if one.modality in used],
        "format": FORMAT,
        "version": __version__,
        "output": graph.output,
        "inputs": [port.to_json() for port in graph.ports],
        "modalities": [{"name": s.name, "kind": s.kind, "columns": list(s.modality.columns)} for s in strands],
        "strands": [state for state, _ in states],
    }
    text, packed = json.dumps(facts, ensure_ascii=False, allow_nan=False), base64.b64encode(pack_tensors(arrays))
    data = write_graph(graph, {FACTS: text, ARRAYS: packed.decode(), DIGEST: BLANK.decode()})
    place = data.rindex(MARK) + len(MARK)
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(BLANK) :]


def _restore(state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> View:
    """Make a strand again; of an encoder that is inside the graph only what it is given, and its package not at all."""
    if not state["raw"]:
        return View.from_state(state, arrays)
    return replace(View.from_state({**state, "frozen": None}, arrays), frozen=restore_given(state["frozen"]))


def check_digest(data: bytes, source: str) -> None:
    """Raise RunError unless these are the bytes of a file that `pack_model` gave, every one of them."""
    found = data.rfind(MARK)
    place = found + len(MARK)
    whole = data[:place] + BLANK + data[place + len(BLANK) :]
    if found < 0 or hashlib.sha256(whole).hexdigest().encode() != data[place : place + len(BLANK)]:
        raise RunError(
            f"{source} is damaged, or is no file that plait export wrote. Export the run again, or restore the file."
        )


def open_session(data: bytes) -> Any:
    """Return an ONNX Runtime session on the processor, with two threads at the most."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(2, os.cpu_count() or 1)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
