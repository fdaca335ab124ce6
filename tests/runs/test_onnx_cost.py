"""A graph that would need much memory or long is one error, and what a graph needs is told rightly."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import helper  # noqa: E402

from plait.runs.onnx_cost import Cost  # noqa: E402
from plait.runs.onnx_shapes import Node, Value  # noqa: E402
from spoilt import Cases, File, Told, check_refused  # noqa: E402

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


SPOILT = {name: spoil for name, (spoil, _) in CASES.items()}  # what `told` tries


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_spoilt(told: Told, name: str) -> None:
    check_refused(told, name, CASES[name][1])


def test_sizes_that_follow_from_shapes() -> None:
    """The shape of a batch, its first number, that and 3 as a shape: zeros of (batch, 3), which are 12 bytes a row."""
    nodes = [
        Node("Shape", ["x"], ["s"], {}),
        Node("Gather", ["s", "zero"], ["n"], {}),
        Node("Concat", ["n", "three"], ["to"], {"axis": 0}),
        Node("Expand", ["nothing", "to"], ["y"], {}),
    ]
    values = {
        "zero": Value.of((1,), 8, np.int64([0]), True),
        "three": Value.of((1,), 8, np.int64([3]), True),
        "nothing": Value.of((), 4, None, True),
    }
    cost = Cost(nodes, values, {"x": ("float32", ("batch", 5))}, ["y"])
    cost.check()
    low, high = cost.measure(100)[0], cost.measure(200)[0]
    assert high - low == pytest.approx(100 * (12 + 20), abs=2000)


def test_many_rows_are_given_in_lots() -> None:
    """A row that becomes 4 MB: 640 MB hold 128 of them with what they are made of, and no 256."""
    values = {"wide": Value.of((1, 1 << 20), 4, None, True)}
    cost = Cost([Node("Mul", ["x", "wide"], ["y"], {})], values, {"x": ("float32", ("batch", 1))}, ["y"])
    cost.check()
    assert [cost.rows(num) for num in (1, 7, 128, 256, 1000)] == [1, 7, 128, 128, 125]
