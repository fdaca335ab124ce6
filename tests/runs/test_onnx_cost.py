"""A graph that would need much memory or long is one error, and what a graph needs is told rightly."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402

from plait.runs.onnx import open_session  # noqa: E402
from plait.runs.onnx_cost import RULES, Cost, Node, Value  # noqa: E402
from spoilt import Cases, File, Told, check_refused, try_files  # noqa: E402

CASES = Cases()


CASES.several(
    "is refused: .*(for one row|makes more of constants|not known before|not fit together|than|makes )",
    constant_of_shape=lambda f: f.use(f.add("ConstantOfShape", f.array([100_000, 100_000]))),
    constant_of_an_unknown_shape=lambda f: f.use(f.add("ConstantOfShape", f.add("Cast", "age_of_all", to=7))),
    expand=lambda f: f.use(f.add("Expand", "zero", f.array([1 << 16, 1 << 16]))),
    expand_of_the_input=lambda f: f.use(f.add("Expand", "scores", f.array([1 << 28, 1, 2]))),
    tile=lambda f: f.use(f.add("Tile", "scores", f.array([1, 1 << 30]))),
    tile_by_an_input=lambda f: f.use(f.add("Tile", "scores", f.add("Cast", "tabular", to=7))),
    range_of_ten_billion=lambda f: f.use(
        f.add("Range", f.array(0.0, np.float32), f.array(1e10, np.float32), f.array(1.0, np.float32))
    ),
    range_of_no_step=lambda f: f.use(
        f.add("Range", f.array(0.0, np.float32), f.array(1.0, np.float32), f.array(0.0, np.float32))
    ),
    pad=lambda f: f.use(f.add("Pad", "scores", f.array([0, 0, 0, 1 << 33]))),
    resize=lambda f: f.use(f.add("Resize", "photo_float", "", f.array([1, 1, 1e5, 1e5], np.float32), mode="linear")),
    resize_to_sizes=lambda f: f.use(f.add("Resize", "photo_float", "", "", f.array([1, 1, 1 << 17, 1 << 17]))),
    outer_sum=lambda f: f.use(
        f.add(
            "Add",
            f.add("Expand", "zero", f.array([60_000, 1])),
            f.add("Expand", "zero", f.array([1, 60_000])),
        )
    ),
    product_of_blown_up_constants=lambda f: f.use(
        f.add(
            "MatMul",
            f.add("Expand", "zero", f.array([5_000, 1_000])),
            f.add("Expand", "zero", f.array([1_000, 5_000])),
        )
    ),
    one_hot=lambda f: f.use(f.add("OneHot", f.add("ArgMax", "all", axis=1), f.array(1 << 40), f.array([0, 1.0], "f4"))),
    gather_many=lambda f: f.use(f.add("Gather", "weight", f.add("ConstantOfShape", f.array([1 << 28])))),
    einsum=lambda f: f.use(f.add("Einsum", *[f.add("Expand", "zero", f.array([9_000, 1]))] * 2, equation="ab,cd->acb")),
    einsum_of_three=lambda f: f.use(f.add("Einsum", *["all"] * 3, equation="ab,cd,ef->ab")),
    shape_without_end=lambda f: f.use(f.add("Reshape", "scores", f.array([1 << 40, -1]))),
    many_times_itself=lambda f: f.use(f.add("Concat", *["all"] * 900_000, axis=1)),
    pool_of_a_wide_border=lambda f: f.use(f.add("MaxPool", "photo_float", kernel_shape=[1, 1], pads=[1 << 20] * 4)),
    nothing_times_much=lambda f: f.use(f.add("Reshape", f.array(np.zeros(0), "f4"), f.array([0, 1 << 60]))),
    negative_shape=lambda f: f.use(f.add("ConstantOfShape", f.array([-5]))),
    many_constants=lambda f: [f.use(f.add("Expand", "zero", f.array([1 << 23]))) for _ in range(40)],
)


@CASES.case("operations for one row")
def many_products(file: File) -> None:
    x = file.add("Expand", file.add("ReduceMax", "all", keepdims=1), file.array([3_000, 3_000]))
    for _ in range(200):
        x = file.add("MatMul", x, x)
    file.use(x)


@CASES.case("of the standard|ONNX Runtime says|refused")
def deep_chain(file: File) -> None:
    x = "scores"
    for _ in range(25_000):
        file.graph.node.append(helper.make_node("Relu", [x], [x := f"x{len(file.graph.node)}"]))


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    return try_files(tmp_path_factory.mktemp("spoilt"), {name: spoil for name, (spoil, _) in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_spoilt(told: Told, name: str) -> None:
    check_refused(told, name, CASES[name][1])


# the rules: what an operator gives is as large as ONNX Runtime makes it


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
    values = {name: Value(x.shape, x.itemsize, x, True) for name, x in arrays.items()}
    cost = Cost([Node(op, names, ["y"], attributes)], values, {}, ["y"])
    size = expected.size * expected.itemsize
    told = cost.measure(1)[0]
    assert told == size or (expected.itemsize < 8 and told == size * 8 // expected.itemsize)


def test_split_and_top_tell_all_their_parts() -> None:
    x = Value((7, 2), 4, None, True)
    assert RULES["Split"](Node("Split", ["x"], ["a", "b"], {}), [x]) == [(4, 2), (3, 2)]
    parts = Value((2,), 8, np.int64([5, 2]), True)
    assert RULES["Split"](Node("Split", ["x", "p"], ["a", "b"], {"axis": 0}), [x, parts]) == [(5, 2), (2, 2)]
    num = Value((1,), 8, np.int64([3]), True)
    assert RULES["TopK"](Node("TopK", ["x", "k"], ["a", "b"], {"axis": 0}), [x, num]) == (3, 2)


def test_sizes_that_follow_from_shapes() -> None:
    """The shape of a batch, its first number, that and 3 as a shape: zeros of (batch, 3), which are 12 bytes a row."""
    nodes = [
        Node("Shape", ["x"], ["s"], {}),
        Node("Gather", ["s", "zero"], ["n"], {}),
        Node("Concat", ["n", "three"], ["to"], {"axis": 0}),
        Node("Expand", ["nothing", "to"], ["y"], {}),
    ]
    values = {
        "zero": Value((1,), 8, np.int64([0]), True),
        "three": Value((1,), 8, np.int64([3]), True),
        "nothing": Value((), 4, None, True),
    }
    cost = Cost(nodes, values, {"x": ("float32", ("batch", 5))}, ["y"])
    cost.check()
    low, high = cost.measure(100)[0], cost.measure(200)[0]
    assert high - low == pytest.approx(100 * (12 + 20), abs=2000)


def test_many_rows_are_given_in_lots() -> None:
    """A row that becomes 4 MB: 640 MB hold 128 of them with what they are made of, and no 256."""
    values = {"wide": Value((1, 1 << 20), 4, None, True)}
    cost = Cost([Node("Mul", ["x", "wide"], ["y"], {})], values, {"x": ("float32", ("batch", 1))}, ["y"])
    cost.check()
    assert [cost.rows(num) for num in (1, 7, 128, 256, 1000)] == [1, 7, 128, 128, 125]
