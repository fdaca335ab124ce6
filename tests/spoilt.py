"""Files of a model that a stranger might have sealed anew, and a process with little room that tries them. No test."""

import base64
import copy
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from plait.core.contract import Modality
from plait.core.files import pack_tensors
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.kinds.tabular.prep import TabularPrep
from plait.kinds.text.prep import TextPrep
from plait.models.views import View
from plait.runs.onnx import ARRAYS, BLANK, DIGEST, FACTS, MARK
from tiny import SENTENCES, write_table

TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "bool": TensorProto.BOOL}
Spoil = Callable[["File"], Any]  # changes a file, or returns other bytes


class File:
    """A file in its parts, each of which a test may spoil: the graph, the facts, the arrays, the metadata."""

    def __init__(self) -> None:
        table = {"age": [20.0, 51.0, 23.0, 50.0], "colour": ["red", "blue", "red", "blue"]}
        kinds = {"age": "number", "colour": "category"}
        strands = [
            View(Modality("photo", "image", ("photo",)), ImagePrep(mode="L", height=8, width=8), "image"),
            View(
                Modality("sound", "audio", ("sound",)),
                AudioPrep(sample_rate=8000, seconds=0.1, mels=8, frames=16, hop=80),
                "audio",
            ),
            View(Modality("text", "text", ("note",)), TextPrep(min_count=1).fitted(SENTENCES), "text"),
            View(Modality("tabular", "tabular", tuple(table)), TabularPrep().fitted(table, kinds), "tabular", kinds),
        ]
        self.arrays = {}
        ports, states = [], []
        for i, strand in enumerate(strands):
            state, arrays = strand.state()
            states.append(state)
            self.arrays |= {f"{i}.{key}": value for key, value in arrays.items()}
            dtype = "uint8" if strand.kind == "image" else "float32"
            port = {"modality": strand.name, "values": strand.name, "dtype": dtype, "shape": list(strand.shape())}
            ports.append({**port, "there": f"{strand.name}_present", "columns": 1, "several": False})
        self.facts: dict[str, Any] = {
            "task": "classification",
            "target": "label",
            "decimal_comma": None,
            "classes": ["no", "yes"],
            "prior": [0.5, 0.5],
            "seed": 0,
            "sample_rates": {},
            "conversions": [],
            "winner": "made by hand",
            "seal": "0" * 64,
            "format": 1,
            "version": "0.1.0",
            "output": "probabilities",
            "inputs": ports,
            "modalities": [],
            "strands": json.loads(json.dumps(states)),
        }
        self.metadata: dict[str, str] = {}  # instead of what facts and arrays say
        self.text = ""
        self.model = draw_graph(ports)

    @property
    def graph(self) -> Any:
        return self.model.graph

    def strand(self, name: str) -> dict[str, Any]:
        return next(state for state in self.facts["strands"] if state["name"] == name)

    def port(self, name: str) -> dict[str, Any]:
        return next(port for port in self.facts["inputs"] if port["modality"] == name)

    def add(self, op: str, *inputs: str, outputs: int = 1, domain: str = "", **attributes: Any) -> str:
        """Add an operator before the answer; return the name of what it gives."""
        names = [f"new_{len(self.graph.node)}_{i}" for i in range(outputs)]
        self.graph.node.insert(
            len(self.graph.node) - 2, helper.make_node(op, inputs, names, domain=domain, **attributes)
        )
        return names[0]

    def array(self, values: Any, dtype: Any = np.int64) -> str:
        name = f"array_{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def use(self, name: str) -> None:
        """Let the answer depend on an array of any shape and of floats."""
        self.graph.node[-2].input[1] = self.add("ReduceMax", name, keepdims=0)

    def bytes(self) -> bytes:
        told = {
            FACTS: self.text or json.dumps(self.facts),
            ARRAYS: base64.b64encode(pack_tensors(self.arrays)).decode(),
            **self.metadata,
        }
        helper.set_model_props(self.model, {**told, DIGEST: BLANK.decode()})
        return seal(self.model.SerializeToString(deterministic=True))


def seal(data: bytes) -> bytes:
    """Return the bytes of a model with their digest in its place, as anyone can make it."""
    place = data.rindex(MARK) + len(MARK)
    return data[:place] + hashlib.sha256(data).hexdigest().encode() + data[place + len(BLANK) :]


def draw_graph(ports: list[dict[str, Any]]) -> Any:
    """Return a model that maps all inputs, zeros where nothing is there, to two classes. The last two operators add a
    number that may be replaced, and make probabilities."""
    nodes, inputs, parts = [], [], []
    arrays = {"zero": np.float32(0), "one": np.int64([1]), "rows": np.int64([-1, 0])}
    total = 0
    for port in ports:
        name, size = port["values"], int(np.prod(port["shape"]))
        total += size
        inputs.append(helper.make_tensor_value_info(name, TYPES[port["dtype"]], ["batch", *port["shape"]]))
        inputs.append(helper.make_tensor_value_info(port["there"], TensorProto.BOOL, ["batch"]))
        arrays[f"{name}_size"] = np.int64([-1, size])
        nodes += [
            helper.make_node("Cast", [name], [f"{name}_float"], to=1),
            helper.make_node("Reshape", [f"{name}_float", f"{name}_size"], [f"{name}_flat"]),
            helper.make_node("Unsqueeze", [port["there"], "one"], [f"{name}_there"]),
            helper.make_node("Where", [f"{name}_there", f"{name}_flat", "zero"], [f"{name}_part"]),
        ]
        parts.append(f"{name}_part")
    arrays["weight"] = np.random.default_rng(0).standard_normal((total, 2)).astype(np.float32) / 100
    nodes += [
        helper.make_node("Concat", parts, ["all"], axis=1),
        helper.make_node("MatMul", ["all", "weight"], ["scores"]),
        helper.make_node("Add", ["scores", "zero"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "made",
        inputs,
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


class Cases(dict[str, tuple[Spoil, str]]):
    """What is spoilt, by its name: what does it, and what the error says."""

    def case(self, says: str) -> Callable[[Spoil], Spoil]:
        def keep(spoil: Spoil) -> Spoil:
            self.several(says, **{spoil.__name__: spoil})
            return spoil

        return keep

    def several(self, says: str, **spoils: Spoil) -> None:
        for name, spoil in spoils.items():
            assert name not in self
            self[name] = spoil, says


CHILD = """
import json, resource, sys, time, warnings
sys.path[:0] = sys.argv[3:]
import torch, plait
from plait.runs.onnx import OnnxModel
torch.set_num_threads(1)
sound, table = sys.argv[1:3]
OnnxModel.load(sound).predict(table)
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + (1 << 30),) * 2)
done, never = [], {"socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}
def watch(event, args):
    if event in never or (event == "open" and str(args[0]) in ("/etc/passwd", "/dev/zero", "/etc/config.json")):
        done.append(f"{event} {args[0]}")
sys.addaudithook(watch)
for path in sys.stdin.read().split():
    began = time.process_time()  # of this process: the machine may be busy
    try:
        said = OnnxModel.load(path).predict(table)
        told = ["answer", said.probabilities.tolist()]
    except BaseException as error:
        told = [type(error).__name__, str(error)]
    if done:
        told = ["done", "; ".join(done)]
        done.clear()
    print(json.dumps([path, *told, time.process_time() - began]), flush=True)
"""

Told = dict[str, tuple[str, Any, float]]


def try_files(folder: Path, spoils: Mapping[str, Spoil]) -> Told:
    """Return of each file what came of it: (kind of error or "answer", its words or the answer, seconds).

    All are loaded, and asked of three rows, in one process that may take a gigabyte more than it has at its start, and
    in which a process that is started, a request, or a file of the machine that is opened is told as "done".
    """
    table = write_table(folder / "rows", 3)
    whole = File()
    (folder / "whole.onnx").write_bytes(whole.bytes())
    names = []
    for name, spoil in spoils.items():
        file = copy.deepcopy(whole)
        made = spoil(file)
        (folder / f"{name}.onnx").write_bytes(made if isinstance(made, bytes) else file.bytes())
        names.append(str(folder / f"{name}.onnx"))
    given = [str(folder / "whole.onnx"), str(table), *sys.path]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *given], input="\n".join(names), capture_output=True, text=True, timeout=600
    )
    found = {}
    for line in done.stdout.splitlines():
        path, kind, said, seconds = json.loads(line)
        found[Path(path).stem] = kind, said, seconds
    assert done.returncode == 0, (list(found)[-1:], done.stderr[-2000:])
    return found


def check_refused(told: Told, name: str, says: str) -> None:
    """One RunError came of a file, soon, that names it and says what came."""
    kind, said, seconds = told[name]
    assert kind == "RunError", said
    assert f"{name}.onnx" in said
    assert re.search(says, said), said
    assert seconds < 5
