"""The verb `export`: the winner of a run as one ONNX file, which is tried before it is written."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from plait.core.contract import Batch
from plait.core.files import write_bytes
from plait.core.options import checked
from plait.core.words import count
from plait.data.read import read
from plait.errors import RequestError, RunError, did_you_mean, need
from plait.kinds import KINDS
from plait.models.onnx_graph import FIT_AGAIN, why_no_graph
from plait.models.rows import Callback, prepare, quiet
from plait.models.views import View
from plait.runs.load import open_one
from plait.runs.model import NETWORK, PROOF, Model
from plait.runs.onnx import OnnxModel, pack_model
from plait.runs.targets import Targets

ROWS = 64  # tried before the file is written
LARGEST = 1e-4  # difference of a probability, or of a number in spreads of the target
FORMATS = ("onnx",)


@dataclass(frozen=True)
class Export:
    """What `export` wrote. difference: the largest between the run and the file, over as many rows as `rows` says.

    Of probabilities as they are; of numbers in spreads (standard deviations) of the target. candidate: the name of the
    predictor that was asked for, "" of the winner.
    """

    path: Path
    bytes: int
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    rows: int
    drawn: bool
    difference: float
    candidate: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    def __str__(self) -> str:
        lines = [f"{self.path}, {self.bytes / 1e6:.1f} MB{self.candidate and f', candidate {self.candidate}'}"]
        for way, ports in (("input ", self.inputs), ("output", self.outputs)):
            lines += [f"{way}  {p['name']}: {p['dtype']} ({', '.join(map(str, p['shape']))})" for p in ports]
        if some := self.outputs[0].get("thresholds"):
            lines.append(f"a label is answered from its threshold on: {', '.join(f'{x:g}' for x in some)}")
        rows = count(self.rows, "drawn row" if self.drawn else "row")
        lines.append(f"on {rows}, ONNX Runtime and the run differ by {self.difference:.1e} at the most")
        lines.append(f"next: plait predict {self.path} TABLE --out answers.csv")
        return "\n".join(lines)


@checked
def export(
    run: str | Path | Model | Targets,
    *,
    to: str = "onnx",
    out: str | Path | None = None,
    candidate: str | None = None,
    rows: Any = None,
    folder: str | Path | None = None,
    overwrite: bool = False,
    callback: Callback | None = None,
) -> Export:
    """Write the winner of a run as one ONNX file, which answers without the run; return its facts.

    Inputs are as prepared: for each modality NAME (batch, …), pictures uint8, all else float32, and NAME_present
    (batch,) bool, or NAME_cells (batch, column) bool where a row has several pictures or sounds. What is missing may
    hold anything, NaN too. A pretrained encoder of pictures is inside the graph; of texts and sounds with one the
    input is its features. Output: probabilities (batch, class) float32, or values (batch, 1) float64 in their unit. Of
    several labels a row each is answered from its threshold on, which the facts name.

    Args:
        run (RUN): Folder that `plait fit` wrote.
        to (--to FORMAT): onnx, the only one.
        out (--out FILE): File to write, which ends in .onnx; RUN.onnx beside RUN.
        candidate (--candidate NAME): Another predictor of the run, as in `plait.predict`; network is the best of
            networks alone, where the winner asks something else.
        rows (--rows TABLE): Rows to try the file on before it is written; else drawn.
        folder (--folder FOLDER): Where relative media paths of the rows begin.
        overwrite (--overwrite): Replace a file that is there.
        callback: Called with a dict for notes.

    Raises:
        RequestError: the winner is, or asks, no network, it is a recogniser, or the answers differ by more than 0.0001.
        RunError: the run is damaged, or the file exists.
        MissingExtra: onnx, onnxscript or onnxruntime is not installed.

    Example:
        >>> written = plait.export("run", out="model.onnx")
        >>> plait.predict("model.onnx", {"note": ["fever and cough"], "age": [60]}).labels
        ['yes']
    """
    tell = callback or quiet
    if to not in FORMATS:
        raise RequestError(f"cannot export to {to!r}. {did_you_mean(to, FORMATS)}")
    for module in ("onnx", "onnxscript", "onnxruntime"):
        need(module)
    model = open_one(run, "a file holds", candidate)
    if isinstance(model, OnnxModel):
        raise RequestError("this model is in an ONNX file already; give the run folder it was written from.")
    if model.task == "recognition":
        raise RequestError("a recogniser cannot be exported: it searches for words, which is no graph of fixed steps.")
    if model.task == "pairs":
        raise RequestError("a run of pairs cannot be exported: it predicts nothing. plait embed gives its vectors.")
    named = _name(model, None if out is None else Path(out))
    path = _place(model, out)
    if path.exists() and not overwrite:
        raise RunError(f"{path} exists. Name another file with --out, or give --overwrite to replace it.")
    tell({"note": "tracing the network; this takes about half a minute"})
    data = pack_model(model, named)
    written = read_back(data, path, model)
    names = written.predictor().names
    if rows is None:
        batch = draw_batch(written.views, ROWS, np.random.default_rng(model.facts.seed))
    else:
        table = read(rows, folder)
        table, _ = model._fitting(table.take(np.arange(min(ROWS, len(table)))), names)
        batch = prepare(table, written.views).batch(np.arange(len(table)))
    difference = compare(model, written, batch)
    write_bytes(path, data)
    inputs, outputs = describe_ports(written)
    rows_tried = len(batch.present[names[0]])
    return Export(path, len(data), inputs, outputs, rows_tried, rows is None, difference, model.candidate)


def _name(model: Model, path: Path | None) -> str:
    """Return what the file says it holds, "" of the winner. Raises RequestError where that asks no network.

    path: the file that was named, of which the message says how to write it after all.
    """
    if why := why_no_graph(model.predictor()):
        who = f"candidate {model.candidate!r}" if model.candidate else "the winner of this run"
        able = _find_able(model)
        if able is None:
            raise RequestError(f"{who} {why}. {FIT_AGAIN}")
        what = model.facts.network if able == NETWORK else f"{able} alone" if able in model.alone else able
        words = ["plait", "export", str(model.folder or "RUN"), "--candidate", able]
        words += [] if path is None else ["--out", str(path)]
        raise RequestError(f"{who} {why}. Write the best of them, {what}: {shlex.join(words)}")
    if model.candidate in ("", PROOF):
        return ""
    if model.candidate == NETWORK:
        return model.facts.network or ""
    return f"{model.candidate} alone" if model.candidate in model.alone else model.candidate


def _find_able(model: Model) -> str | None:
    """Return the name of the best predictor of a run that one graph can hold; None where there is none."""
    there = {**model._kept().predictors, **model.predictors}
    ranked = [NETWORK, *(line.get("kept") for line in model.facts.study.get("candidates", ())), *model.alone]
    return next((name for name in ranked if name in there and not why_no_graph(there[name])), None)


def read_back(data: bytes, path: Path, model: Model) -> OnnxModel:
    """Return the model in the file to be. What the run opens it may open too: its converters, its encoders' folders."""
    converters = [step for one in model._made for step in getattr(one.route, "steps", (one.route,))]
    encoders = {s.of: s.frozen.name for s in model.views if s.frozen is not None}
    return OnnxModel.from_bytes(data, str(path), converters, encoders)


def _place(model: Model, out: str | Path | None) -> Path:
    """Return the file to write. Raises RequestError for another ending, and where there is no folder to name it by."""
    if out is None:
        if model.folder is None or model._keeper is not None:
            raise RequestError("this model has no run folder; name the file to write: out='model.onnx'.")
        folder = model.folder.resolve()
        return model.folder.parent / f"{folder.name}.onnx" if model.folder.name else Path(f"{folder}.onnx")
    path = Path(out).expanduser()
    if path.suffix != ".onnx":
        raise RequestError(f"{path.name!r} cannot be written; expected a name that ends in .onnx.")
    return path


def draw_batch(strands: list[View], num: int, generator: np.random.Generator) -> Batch:
    """Draw rows (batch of num) as prepared: row 0 has everything, row 1 nothing; absent is NaN where that can be."""
    batch = Batch({}, {})
    for strand in strands:
        columns = len(strand.modality.columns) if strand.several else 1
        there = generator.random((num, columns)) < 0.7
        there[0], there[1:2] = True, False
        draw = KINDS[strand.layout()["kind"]].network.draw
        x = draw(strand.layout(), num * columns, generator).reshape(num, *strand.shape()).astype(strand.dtype())
        if x.dtype.kind == "f":
            x[~(there if strand.several else there[:, 0])] = np.nan
        batch.inputs[strand.name] = torch.from_numpy(x)
        batch.present[strand.name] = torch.from_numpy(there.any(1))
        if strand.several:
            batch.cells[strand.name] = torch.from_numpy(there)
    return batch


def for_run(model: Model, written: OnnxModel, batch: Batch) -> Batch:
    """Return the rows as the run takes them: features of what an encoder in the graph reads; both where tuned."""
    given = Batch(dict(batch.inputs), dict(batch.present), None, dict(batch.cells))
    for name in [strand.name for strand in written.views if strand.feeds_encoder]:
        raw = batch.inputs[name].numpy()
        for strand in model.views:
            if strand.how == "tuned" and strand.of == name:
                given.inputs[strand.name] = batch.inputs[name]
            elif strand.name == name and strand.frozen is not None:
                features = strand.frozen.encode(raw.reshape(-1, *strand.frozen.shape))  # on the processor, as the graph
                given.inputs[name] = torch.from_numpy(features.reshape(len(raw), *strand.shape()))
    return given


def compare(model: Model, written: OnnxModel, batch: Batch) -> float:
    """Return the largest difference between the answers of the run and of the file; RequestError where too large."""
    spread = 1.0 if model.classes is not None else float(model.facts.spread or 1.0)
    expected = np.asarray(model.predictor()(for_run(model, written, batch)))
    apart = np.abs(expected - written.predictor()(batch)) / spread
    largest = float(apart.max()) if apart.size else 0.0
    if not largest <= LARGEST:  # NaN is not
        raise RequestError(
            f"the file was not written: its answers differ from those of the run by {largest:.1e}, expected at most "
            f"{LARGEST:.0e}. If the run holds a module of your own, look for what its graph leaves out."
        )
    return largest


def describe_ports(model: OnnxModel) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the inputs and the output of the graph: name, dtype, shape with "batch" in front."""
    inputs, predictor = [], model.predictor()
    for port in predictor.ports:
        inputs.append({"name": port.values, "dtype": port.dtype, "shape": ["batch", *port.shape]})
        inputs.append({"name": port.there, "dtype": "bool", "shape": ["batch", *([port.columns] * port.several)]})
    dtype = "float32" if model.classes is not None else "float64"
    output = {"name": predictor.output, "dtype": dtype, "shape": ["batch", predictor.width]}
    return inputs, [{**output, "thresholds": list(predictor.thresholds)} if predictor.thresholds else output]
