"""What an operator gives is as large as its rule says: ONNX Runtime makes it so."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper

from plait.runs.onnx import open_session
from plait.runs.onnx_cost import Cost
from plait.runs.onnx_shapes import RULES, Node, Value


def floats(*shape: int) -> np.ndarray:
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


LONG = np.int64
RULED = [
    ("Relu", [floats(2, 3)], {}),
    ("Cast", [floats(2, 3)], {"to": 11}),
    ("Softmax", [floats(2, 3)], {"axis": 1}),
    ("Add", [floats(2, 1, 3), floats(4, 1)], {}),
    ("Where", [floats(2, 1) > 0, floats(3), floats(1, 1, 1)], {}),
    ("Less", [floats(2, 1), floats(3)], {}),
    ("MatMul", [floats(2, 3, 4), floats(4, 5)], {}),
    ("MatMul", [floats(4), floats(2, 4, 5)], {}),
    ("MatMul", [floats(3, 4), floats(4)], {}),
    ("Gemm", [floats(4, 2), floats(5, 4), floats(5)], {"transA": 1, "transB": 1}),
    ("Einsum", [floats(2, 3, 4), floats(3, 4, 5)], {"equation": "bhd,hdx->bhx"}),
    ("Conv", [floats(2, 4, 9, 8), floats(6, 2, 3, 3)], {"group": 2, "strides": [2, 1], "pads": [1, 0, 1, 2]}),
    ("Conv", [floats(1, 1, 9, 8), floats(1, 1, 3, 3)], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("Conv", [floats(1, 1, 9, 8), floats(1, 1, 3, 3)], {"dilations": [2, 3]}),
    ("AveragePool", [floats(1, 2, 9, 8)], {"kernel_shape": [2, 3], "strides": [2, 2]}),
    ("MaxPool", [floats(1, 2, 9, 8)], {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
    ("GlobalAveragePool", [floats(1, 2, 9, 8)], {}),
    ("ReduceSum", [floats(2, 3, 4), LONG([-1, 0])], {"keepdims": 0}),
    ("ReduceMax", [floats(2, 3, 4)], {}),
    ("ReduceMean", [floats(2, 3, 4), LONG([])], {"noop_with_empty_axes": 1}),
    ("ArgMax", [floats(2, 3, 4)], {"axis": -1}),
    ("Concat", [floats(2, 3), floats(2, 4)], {"axis": -1}),
    ("Slice", [floats(9, 8), LONG([-2, 1]), LONG([-(1 << 40), 1 << 40]), LONG([0, 1]), LONG([-2, 3])], {}),
    ("Gather", [floats(2, 3, 4), LONG([[0, 1], [2, 2]])], {"axis": 1}),
    ("GatherElements", [floats(2, 3), LONG([[0, 1]])], {"axis": 0}),
    ("GatherND", [floats(2, 3, 4), LONG([[[0], [1]], [[1], [2]]])], {"batch_dims": 1}),
    ("Transpose", [floats(2, 3, 4)], {"perm": [2, 0, 1]}),
    ("Transpose", [floats(2, 3, 4)], {}),
    ("Reshape", [floats(2, 3, 4), LONG([0, -1, 2])], {}),
    ("Flatten", [floats(2, 3, 4)], {"axis": 2}),
    ("Squeeze", [floats(1, 3, 1), LONG([-1])], {}),
    ("Squeeze", [floats(1, 3, 1)], {}),
    ("Unsqueeze", [floats(2, 3), LONG([0, -1])], {}),
    ("Expand", [floats(3, 1), LONG([2, 1, 4])], {}),
    ("Tile", [floats(2, 3), LONG([2, 0])], {}),
    ("ConstantOfShape", [LONG([2, 3])], {}),
    ("Range", [np.float32(1), np.float32(-2), np.float32(-0.7)], {}),
    ("Pad", [floats(2, 3), LONG([1, -1, 2, 0])], {}),
    ("Pad", [floats(2, 3), LONG([1, 2]), np.float32(0), LONG([-1])], {}),
    ("Resize", [floats(1, 1, 4, 5), None, np.float32([1, 1, 1.5, 0.5])], {"mode": "nearest"}),
    ("Resize", [floats(1, 1, 4, 5), None, None, LONG([1, 1, 7, 3])], {"mode": "linear"}),
    ("OneHot", [LONG([0, 2]), LONG(4), floats(2)], {"axis": 0}),
    ("DepthToSpace", [floats(1, 8, 2, 3)], {"blocksize": 2}),
    ("SpaceToDepth", [floats(1, 2, 4, 6)], {"blocksize": 2}),
    ("Shape", [floats(2, 3, 4)], {"start": -2, "end": 3}),
    ("Size", [floats(2, 3, 4)], {}),
    ("LayerNormalization", [floats(2, 3, 4), floats(4), floats(4)], {"axis": -1}),
    ("CumSum", [floats(2, 3), LONG(1)], {}),
    ("Trilu", [floats(3, 3)], {}),
    ("Clip", [floats(2, 3), np.float32(0), np.float32(1)], {}),
    ("GRU", [floats(5, 2, 3), floats(1, 12, 3), floats(1, 12, 4)], {"hidden_size": 4}),
]


@pytest.mark.parametrize("row", range(len(RULED)), ids=[f"{i}-{op}" for i, (op, _, _) in enumerate(RULED)])
def test_a_rule_tells_the_shape_that_comes_out(row: int) -> None:
    op, given, attributes = RULED[row]
    arrays = {f"x{i}": np.asarray(x) for i, x in enumerate(given) if x is not None}
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(given)]
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for name, x in arrays.items()
    ]
    out = helper.make_empty_tensor_value_info("y")
    graph = helper.make_graph([helper.make_node(op, names, ["y"], **attributes)], "one", inputs, [out])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    expected = open_session(model.SerializeToString()).run(None, arrays)[0]
    values = {name: Value.of(x.shape, x.itemsize, x, True) for name, x in arrays.items()}
    cost = Cost([Node(op, names, ["y"], attributes)], values, {}, ["y"])
    size = expected.size * expected.itemsize
    told = cost.measure(1)[0]
    assert told == size or (expected.itemsize < 8 and told == size * 8 // expected.itemsize)


def test_split_and_top_tell_all_their_parts() -> None:
    x = Value.of((7, 2), 4, None, True)
    assert RULES["Split"](Node("Split", ["x"], ["a", "b"], {}), [x]) == [(4, 2), (3, 2)]
    parts = Value.of((2,), 8, np.int64([5, 2]), True)
    assert RULES["Split"](Node("Split", ["x", "p"], ["a", "b"], {"axis": 0}), [x, parts]) == [(5, 2), (2, 2)]
    num = Value.of((1,), 8, np.int64([3]), True)
    assert RULES["TopK"](Node("TopK", ["x", "k"], ["a", "b"], {"axis": 0}), [x, num]) == (3, 2)
