"""What an ONNX file holds, read from its bytes and judged before ONNX Runtime sees any of it.

A small reader of the protobuf format that lets through what `plait export` writes and nothing else: operators of the
standard that have no graph inside, arrays that lie in the file and hold no NaN. Knows no preparation and no model; what
the operators cost is told by onnx_cost.py.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.errors import RunError
from plait.runs.onnx_cost import MOST_AXES, Cost
from plait.runs.onnx_shapes import FEW, FEW_FLOATS, RULES, Node, Value

MOST_NODES = 20_000  # a network with a large pretrained encoder inside has some 3,000
MOST_FIELDS = 2_000_000  # of the whole file; each may become an object of 100 bytes in the runtime
MOST_TOLD = 16 << 20  # bytes of the shapes that the file tells of what is in between, which are not read here
MOST_LIST = 1024  # numbers or letters of an attribute, which each operator that has it goes through
OPSET = 20  # what models/onnx_graph.py writes
# number of a type → dtype (onnx.proto, TensorProto.DataType); texts, complex and small floats are in no export
TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    5: "int16",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}

ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats*", 7: "ints*"}  # number of a type → field

# The messages, by number of a field << 3 | how it lies: 0 a number, 2 with its length, 5 four bytes. A name with * may
# come more than once. What is not here is refused.
MODEL = {8: "ir", 18: "producer", 26: "release", 34: "domain", 40: "number", 50: "doc"}
MODEL |= {58: "graph", 66: "opset*", 114: "metadata*"}
GRAPH = {10: "node*", 18: "name", 42: "initializer*", 82: "doc", 90: "input*", 98: "output*", 106: "told*"}
NODE = {10: "input*", 18: "output*", 26: "name", 34: "op", 42: "attribute*", 50: "doc", 58: "domain"}
ATTRIBUTE = {10: "name", 21: "f", 24: "i", 34: "s", 42: "t", 61: "floats*", 64: "ints*", 106: "doc", 160: "type"}
TENSOR = {8: "dims*", 16: "type", 66: "name", 74: "raw", 98: "doc"}
PORT = {10: "name", 18: "type", 26: "doc"}
TYPE = {10: "tensor", 50: "denotation"}
KIND = {8: "type", 18: "shape"}
SHAPE = {10: "dim*"}
DIM = {8: "size", 18: "name"}
OPERATORS = {10: "domain", 16: "version"}
PAIR = {10: "key", 18: "value"}
# what a field that is refused would hold, as far as one can say it
NAMES = {
    "model": {20: "a training", 25: "functions of its own"},
    "graph": {15: "sparse arrays", 14: "quantisation"},
    "node": {8: "an overload"},
    "attribute": {6: "a graph", 11: "graphs", 21: "a reference", 22: "a sparse array", 23: "sparse arrays"},
    "array": {13: "a place in another file", 14: "a place in another file"},
}


@dataclass(frozen=True)
class Checked:
    """What a file says of itself. inputs, outputs: {name: (dtype, shape)}, "batch" a word; metadata: {key: text}.

    cost: what the graph needs.
    """

    inputs: dict[str, tuple[str, tuple[Any, ...]]]
    outputs: dict[str, tuple[str, tuple[Any, ...]]]
    metadata: dict[str, str]
    cost: Cost


def check_onnx(data: bytes, source: str) -> Checked:
    """Return what the bytes of an ONNX file say, once all of it is known to be harmless.

    Nothing is executed, opened or made larger than it is in the file. Raises RunError that names the source.
    """
    try:
        with np.errstate(all="ignore"):
            return _Reader(data).checked()
    except (ValueError, IndexError, KeyError, TypeError, OverflowError, ZeroDivisionError) as error:
        said = str(error) if isinstance(error, ValueError) else f"it does not fit together ({error!r})"
        raise RunError(
            f"{source} is refused: {said[:300]}. Expected what plait export writes: export the run again, or ask "
            "whoever gave you the file for one."
        ) from None


class _Reader:
    """The bytes of a model, and how many fields of them have been read."""

    def __init__(self, data: bytes) -> None:
        self.data, self.fields = data, 0
        self.read: dict[bytes, tuple[str, Any]] = {}  # attributes, by their bytes

    def message(self, span: Any, spec: Mapping[int, str], what: str) -> dict[str, Any]:
        """Return {name: value} of a message, a list of a name with *; (start, end) of what has a length."""
        data, (place, end) = self.data, span
        out: dict[str, Any] = {}
        while place < end:
            key = data[place]
            value = data[place + 1]  # an IndexError where the file ends here
            place += 2
            if key > 127:
                key, place = self._long(key, place - 1)
                value = data[place]
                place += 1
            if key & 7 == 5:
                value, place = (place - 1, place + 3), place + 3
            else:
                if value > 127:
                    value, place = self._long(value, place)
                if key & 7 == 2:
                    value, place = (place, place + value), place + value
            name = spec.get(key)
            if name is None:
                held = NAMES.get(what, {}).get(key >> 3, f"field {key >> 3}")
                raise ValueError(f"its {what} holds {held}, which no export has")
            self.fields += 1
            if name[-1] == "*":
                if name in out:
                    out[name].append(value)
                else:
                    out[name] = [value]
            elif name in out:
                raise ValueError(f"its {what} says its {name} twice")
            else:
                out[name] = value
        if place > end:
            raise ValueError(f"its {what} is cut short")
        if self.fields > MOST_FIELDS:
            raise ValueError(f"it has more than {MOST_FIELDS:,} fields")
        return out

    def _long(self, value: int, place: int) -> tuple[int, int]:
        """Return a number of more than one byte, of which the first is given, and where it ends."""
        value, shift = value & 127, 7
        while True:
            more = self.data[place]
            place += 1
            value |= (more & 127) << shift
            if more < 128:
                return value & (1 << 64) - 1, place
            if (shift := shift + 7) > 63:
                raise ValueError("a number of it has more than 64 bits")

    def text(self, span: tuple[int, int] | None) -> str:
        if span is None:
            return ""
        return self.data[span[0] : span[1]].decode()  # a UnicodeDecodeError is a ValueError

    def checked(self) -> Checked:
        model = self.message((0, len(self.data)), MODEL, "model")
        versions = [self.message(span, OPERATORS, "version") for span in model.get("opset*", ())]
        if [v.get("version") for v in versions if not self.text(v.get("domain"))] != [OPSET]:
            raise ValueError(f"its operators are not those of version {OPSET} of the standard")
        metadata: dict[str, str] = {}
        for span in model.get("metadata*", ()):
            pair = self.message(span, PAIR, "metadata")
            if (key := self.text(pair.get("key"))) in metadata:
                raise ValueError(f"its metadata hold {key!r} twice")
            metadata[key] = self.text(pair.get("value"))
        graph = self.message(model["graph"], GRAPH, "graph") if "graph" in model else {}
        if "node*" not in graph:
            raise ValueError("it holds no graph")
        arrays, ways = graph.get("initializer*", ()), [graph.get(f"{way}*", ()) for way in ("input", "output")]
        if max(len(graph["node*"]), len(arrays)) > MOST_NODES:
            raise ValueError(f"it has more than {MOST_NODES:,} operators or arrays")
        told = graph.get("told*", ())
        if len(told) > 10 * MOST_NODES or sum(end - start for start, end in told) > MOST_TOLD:
            raise ValueError(f"it tells more than {MOST_TOLD >> 20} MB of shapes")
        inputs, outputs = (dict(map(self.port, ports)) for ports in ways)
        if [len(inputs), len(outputs)] != [len(ports) for ports in ways]:
            raise ValueError("two of its inputs or outputs have one name")
        values = dict(map(self.tensor, arrays))
        if len(values) != len(arrays) or set(values) & set(inputs):
            raise ValueError("two of its arrays or inputs have one name")
        nodes = [self.node(span) for span in graph["node*"]]
        cost = Cost(nodes, values, inputs, list(outputs))
        cost.check()
        return Checked(inputs, outputs, metadata, cost)

    def port(self, span: tuple[int, int]) -> tuple[str, tuple[str, tuple[Any, ...]]]:
        """Return (name, (dtype, shape)) of an input or output."""
        port = self.message(span, PORT, "port")
        kind = self.message(self.message(port["type"], TYPE, "type")["tensor"], KIND, "type")
        dims = [self.message(dim, DIM, "size") for dim in self.message(kind["shape"], SHAPE, "shape").get("dim*", ())]
        if len(dims) > MOST_AXES:
            raise ValueError(f"a port of it has {len(dims)} axes")
        shape = tuple(dim["size"] if "size" in dim else self.text(dim.get("name")) for dim in dims)
        return self.text(port["name"]), (dtype_of(kind["type"]), shape)

    def tensor(self, span: tuple[int, int]) -> tuple[str, Value]:
        """Return (name, value) of an array, with its numbers where they are few."""
        tensor = self.message(span, TENSOR, "array")
        dtype, name = np.dtype(dtype_of(tensor["type"])), self.text(tensor.get("name"))
        shape = tuple(tensor.get("dims*", ()))
        if len(shape) > MOST_AXES:
            raise ValueError(f"the array {name!r} of it has {len(shape)} axes")
        start, end = tensor.get("raw", (0, 0))
        size = math.prod(shape)
        if size * dtype.itemsize != end - start:
            raise ValueError(f"the array {name!r} of it says that it has {size} numbers, and has another count")
        numbers = np.frombuffer(self.data, dtype, size, start) if size else np.zeros(0, dtype)
        # the sum is quick, and finite only where all is; one number alone may be infinite: it marks what is absent
        suspect = dtype.kind == "f" and not math.isfinite(np.add.reduce(numbers))
        if suspect and (np.isnan(numbers).any() or (size > 1 and np.isinf(numbers).any())):
            raise ValueError(f"the array {name!r} of it holds what is no finite number")
        few = size <= (FEW if dtype.kind != "f" else FEW_FLOATS)
        # a copy, or all of the file would stay in memory
        return name, Value(shape, dtype.itemsize, numbers.reshape(shape).copy() if few else None, True, size)

    def node(self, span: tuple[int, int]) -> Node:
        node = self.message(span, NODE, "node")
        op, domain = self.text(node.get("op")), self.text(node.get("domain"))
        if domain or op not in RULES:
            where = f" of the domain {domain!r}" if domain else ""
            raise ValueError(f"it asks for the operator {op!r}{where}, which is in no export")
        attributes = {}
        for place in node.get("attribute*", ()):
            held = self.data[place[0] : place[1]]
            if held not in self.read:  # most are in many operators
                self.read[held] = self.attribute(place)
            name, value = self.read[held]
            if name in attributes:
                raise ValueError(f"an operator {op!r} of it has the attribute {name!r} twice")
            attributes[name] = value
        given, made = (list(map(self.text, node.get(way, ()))) for way in ("input*", "output*"))
        return Node(op, given, made, attributes)

    def attribute(self, span: tuple[int, int]) -> tuple[str, Any]:
        """Return (name, value): an int, a list of ints, a text, a Value; of other numbers how many there are."""
        found = self.message(span, ATTRIBUTE, "attribute")
        name, kind = self.text(found["name"]), ATTRIBUTES.get(found.get("type", 0))
        given = [key for key in found if key not in ("name", "type", "doc")]
        if kind is None or (given != [kind] and (given or kind[-1] != "*")):  # an empty list is not there at all
            raise ValueError(f"the attribute {name!r} of it is not of the type that it says")
        value = found.get(kind, ())
        if (kind == "s" and value[1] - value[0] > MOST_LIST) or (kind[-1] == "*" and len(value) > MOST_LIST):
            raise ValueError(f"the attribute {name!r} of it has more than {MOST_LIST} numbers or letters")
        if kind == "t":
            return name, self.tensor(value)[1]
        if kind == "s":
            return name, self.text(value)
        if kind in ("i", "ints*"):
            return name, _signed(value) if kind == "i" else [_signed(number) for number in value]
        numbers = [struct.unpack_from("<f", self.data, start)[0] for start, _ in ([value] if kind == "f" else value)]
        return name, numbers[0] if kind == "f" else numbers


def dtype_of(number: int) -> str:
    if number not in TYPES:
        raise ValueError(f"it holds numbers of the type {number}, which no export has")
    return TYPES[number]


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def same_ports(found: Mapping[str, Any], expected: Sequence[tuple[str, str, Sequence[int]]]) -> bool:
    """Whether these are the inputs or outputs (name, dtype, shape without the batch), and no others."""
    known = {name: (dtype, tuple(shape)) for name, dtype, shape in expected}
    held = {name: (dtype, shape[1:]) for name, (dtype, shape) in found.items() if shape and isinstance(shape[0], str)}
    return len(held) == len(found) and held == known
