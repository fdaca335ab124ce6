"""A graph through ONNX Runtime answers as the predictor does, and a file is that of an export to the last byte."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphs import PRIOR, batch_of
from plait.core.contract import Batch
from plait.errors import RequestError, RunError
from plait.models.blend import Stacked
from plait.models.network import Network, NetworkPredictor
from plait.models.onnx_graph import Graph, write_graph
from plait.models.predictors import Blend, Calibrated
from plait.runs.onnx import BLANK, MARK, OnnxModel, OnnxPredictor, answering, check_digest, open_session
from plait.runs.onnx_check import check_onnx
from tiny import make_spec


@pytest.fixture(scope="module")
def traced() -> Any:
    """(predictor, graph, file) of a stacked vote over pictures and over tables that share an encoder.

    Tracing takes 15 seconds, so one graph holds what is most apart, and `make test-all` alone asks it; `make test`
    traces the run of verbs/test_export.py. bench/bench_export.py asks each operator by itself.
    """
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    spec = make_spec(
        "parallel(sequential(parallel(a, b, by=attention), c, by=gru), scan, by=vote)", ["tabular", "scan"]
    )
    table, scan = spec["strands"]
    spec["strands"] = [*({**table, "name": name} for name in "abc"), scan]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        voted = NetworkPredictor(Network(spec, torch.tensor(PRIOR)))
    members = [Calibrated(voted, 1.7, (0.5, 0.3, 0.2), tuple(np.linspace(0.5, 3, 15))), voted]
    blend = Blend(members, Stacked(np.random.default_rng(0).standard_normal((9, 3)) / 2), PRIOR)
    graph = Graph(blend)
    return blend, graph, write_graph(graph, {})


@pytest.fixture(scope="module")
def blended(traced: Any) -> Any:
    """A predictor, and the same through ONNX Runtime."""
    blend, graph, data = traced
    return blend, OnnxPredictor(open_session(data), graph.ports, graph.output, 3)


@pytest.mark.heavy
@pytest.mark.parametrize("num", [1, 5])
def test_a_blend_through_onnx(blended: Any, num: int) -> None:
    blend, written = blended
    batch = batch_of(["scan"], num, seed=3)
    for seed, name in enumerate("abc"):
        table = batch_of(["tabular"], num, seed)
        batch.inputs[name], batch.present[name] = table.inputs["tabular"], table.present["tabular"]
    found = written(batch)
    assert found == pytest.approx(blend(batch), abs=1e-4)
    if num == 5:
        assert found[4] == pytest.approx(PRIOR, abs=1e-6)


@pytest.mark.heavy
def test_what_goes_into_the_graph(blended: Any) -> None:
    assert [(p.values, p.dtype, p.shape, p.there) for p in blended[1].ports[2:]] == [
        ("c", "float32", (6,), "c_present"),
        ("scan", "uint8", (2, 1, 8, 8), "scan_cells"),
    ]


@pytest.mark.heavy
def test_an_export_is_let_through_and_its_needs_are_told(traced: Any) -> None:
    """Its largest array is 32 channels of 8 × 8 numbers of 4 bytes, for each of two pictures: 16 kB a row."""
    checked = check_onnx(traced[2], "model.onnx")
    assert checked.outputs == {"probabilities": ("float32", ("batch", 3))}
    assert 16_384 < checked.cost.measure(1)[0] < 16 * 16_384
    assert checked.cost.rows(1024) == 1024


@pytest.mark.heavy
def test_few_rows_at_a_time_answer_alike(blended: Any) -> None:
    _, whole = blended
    lots = OnnxPredictor(whole.session, whole.ports, whole.output, 3, rows=lambda num: 2)
    batch = batch_of(["scan"], 5, seed=3)
    for name in "abc":
        table = batch_of(["tabular"], 5)
        batch.inputs[name], batch.present[name] = table.inputs["tabular"], table.present["tabular"]
    assert lots(batch) == pytest.approx(whole(batch), abs=1e-6)


def test_what_is_no_regular_file_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(RunError, match=r"pipe\.onnx is no regular file"):
        OnnxModel.load(tmp_path / "pipe.onnx")
    with pytest.raises(RunError, match="is no name of a file"):
        OnnxModel.load("model\0.onnx")


@pytest.mark.heavy
def test_an_input_of_another_shape_is_named(blended: Any) -> None:
    batch = Batch({}, {})
    for port in blended[1].ports:
        batch.inputs[port.modality] = torch.zeros(5, *port.shape)
        batch.present[port.modality] = torch.ones(5, dtype=torch.bool)
    batch.inputs["c"] = torch.zeros(5, 5)
    with pytest.raises(RequestError, match=r"modality 'c': got .* \(5, 5\); expected \(batch, 6\)"):
        blended[1](batch)
    del batch.inputs["c"]
    with pytest.raises(RequestError, match="the batch has no modality 'c'"):
        blended[1](batch)


# the file


def sealed(content: bytes) -> bytes:
    """Return content with its digest after it, as a file of `pack_model` has it."""
    digest = hashlib.sha256(content + MARK + BLANK + b"tail").hexdigest().encode()
    return content + MARK + digest + b"tail"


def test_a_whole_file_is_let_through() -> None:
    check_digest(sealed(b"a graph"), "model.onnx")


@settings(derandomize=True, deadline=None, database=None)
@given(place=st.integers(0, len(sealed(b"a graph")) - 1), bit=st.integers(0, 7), cut=st.booleans())
def test_a_bit_that_is_turned_or_a_byte_that_is_gone_is_damage(place: int, bit: int, cut: bool) -> None:
    data = bytearray(sealed(b"a graph"))
    if cut:
        del data[place]
    else:
        data[place] ^= 1 << bit
    with pytest.raises(RunError, match=r"model\.onnx is damaged, or is no file that plait export wrote"):
        check_digest(bytes(data), "model.onnx")


def test_what_is_no_file_of_an_export_is_told(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(RunError, match=r"none\.onnx cannot be read \(No such file"):
        OnnxModel.load(tmp_path / "none.onnx")
    (tmp_path / "other.onnx").write_bytes(b"not a network")
    with pytest.raises(RunError, match=r"other\.onnx is damaged"):
        OnnxModel.load(tmp_path / "other.onnx")


def test_rows_that_a_file_stumbles_over_blame_neither_and_keep_the_cause() -> None:
    said = r"m\.onnx cannot answer these rows \(ValueError: odd\)\. Either .* export the run again; or .* plait check"
    with pytest.raises(RunError, match=said) as caught, answering("m.onnx"):
        raise ValueError("odd\nand more")
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(RequestError, match="no such row"), answering("m.onnx"):
        raise RequestError("no such row")
