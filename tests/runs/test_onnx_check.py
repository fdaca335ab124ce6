"""What a graph and its bytes hold is looked at before anything runs: all but an export is one error that names it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from spoilt import Cases, File, Told, check_refused, seal  # noqa: E402

CASES = Cases()


def branch(name: str = "inner") -> Any:
    out = helper.make_tensor_value_info("inner_out", TensorProto.FLOAT, [1])
    return helper.make_graph([helper.make_node("Identity", ["zero"], ["inner_out"])], name, [], [out])


def loop(file: File) -> None:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["x"], ["y"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, []),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, []),
        ],
    )
    file.use(file.add("Loop", "", file.array(True, bool), "zero", body=body))


CASES.several(
    r"holds a graph, which no export has|asks for the operator '(Loop|If|Scan|SequenceMap)'",
    loop_without_end=loop,
    if_graph=lambda f: f.use(f.add("If", f.array(True, bool), then_branch=branch("a"), else_branch=branch("b"))),
    scan=lambda f: f.use(f.add("Scan", "scores", body=branch(), num_scan_inputs=1)),
    map_over_a_sequence=lambda f: f.use(f.add("SequenceMap", "scores", body=branch())),
)
CASES.several(
    r"asks for the operator '\w+'( of the domain '[\w.]+')?, which is in no export",
    while_of_another_domain=lambda f: f.use(f.add("while", "scores", domain="com.microsoft")),
    custom_domain=lambda f: f.use(f.add("Relu", "scores", domain="my.own")),
    quick_gelu_of_the_runtime=lambda f: f.use(f.add("QuickGelu", "scores", domain="com.microsoft")),
    read_file=lambda f: f.use(f.add("ReadFile", "scores")),
    text_operator=lambda f: f.use(f.add("StringSplit", "scores", outputs=2)),
    non_zero=lambda f: f.use(f.add("NonZero", "scores")),
    random=lambda f: f.use(f.add("RandomNormal", shape=[1 << 20, 1 << 20])),
    decode_image=lambda f: f.use(f.add("ImageDecoder", "photo")),
    printing=lambda f: f.use(f.add("Print", "scores", domain="ai.onnx.contrib")),
)


@CASES.case("holds functions of its own")
def functions(file: File) -> None:
    body = [helper.make_node("Relu", ["x"], ["y"])]
    file.model.functions.append(helper.make_function("own", "F", ["x"], ["y"], body, [helper.make_opsetid("", 20)], []))


@CASES.case("holds a place in another file")
def external_data(file: File) -> None:
    weight = next(one for one in file.graph.initializer if one.name == "weight")
    onnx.external_data_helper.set_external_data(weight, "../../../../etc/passwd")
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL


@CASES.case("holds a place in another file")
def external_data_of_a_constant(file: File) -> None:
    value = numpy_helper.from_array(np.zeros(4, np.float32), "v")
    onnx.external_data_helper.set_external_data(value, "/dev/zero")
    value.data_location = TensorProto.EXTERNAL
    file.use(file.add("Constant", value=value))


@CASES.case("holds sparse arrays")
def sparse(file: File) -> None:
    file.graph.sparse_initializer.append(
        helper.make_sparse_tensor(
            helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0]),
            helper.make_tensor("i", TensorProto.INT64, [1], [0]),
            [1 << 40],
        )
    )


@CASES.case("holds a training")
def training(file: File) -> None:
    file.model.training_info.add().initialization.name = "x"


CASES.several(
    "holds what is no finite number",
    nan_weight=lambda f: f.array([1.0, np.nan], np.float32),
    infinite_weight=lambda f: f.array([1.0, np.inf], np.float32),
    nan_of_half_precision=lambda f: f.array(np.nan, np.float16),
    nan_constant=lambda f: f.add("Constant", value=numpy_helper.from_array(np.float32([np.nan, 1]), "v")),
)
CASES.several("is damaged: '1?2.(idf|components)' holds what", nan_array=lambda f: f.arrays["2.idf"].fill(np.nan))


@CASES.case("says that it has")
def array_cut_short(file: File) -> None:
    file.graph.initializer[-1].raw_data = file.graph.initializer[-1].raw_data[:-4]


CASES.several(
    "has more than 1024 numbers or letters|axes",
    array_of_many_axes=lambda f: f.array(np.zeros([1] * 50)),
    axes_in_the_thousands=lambda f: f.use(f.add("Transpose", "scores", perm=list(range(100_000)))),
    long_equation=lambda f: f.use(f.add("Einsum", "scores", equation="a" * 10**6)),
    input_of_many_axes=lambda f: f.graph.input.append(helper.make_tensor_value_info("i", 1, ["batch"] + [1] * 9999)),
)


@CASES.case("says that it has")
def array_of_a_huge_shape(file: File) -> None:
    file.graph.initializer[-1].dims[:] = [1 << 40, 1 << 40]


@CASES.case("holds field 6")
def array_of_words(file: File) -> None:
    file.graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [1], [b"x"]))


@CASES.case("field")
def array_in_another_field(file: File) -> None:
    file.graph.initializer.append(helper.make_tensor("floats", TensorProto.FLOAT, [1], [1.0]))


CASES.several(
    "version 20 of the standard",
    other_opset=lambda f: setattr(f.model.opset_import[0], "version", 99),
    old_opset=lambda f: setattr(f.model.opset_import[0], "version", 7),
    no_opset=lambda f: f.model.ClearField("opset_import"),
    two_opsets=lambda f: f.model.opset_import.append(helper.make_opsetid("", 21)),
)
CASES.several(
    "ONNX Runtime says|is refused",
    future_format=lambda f: setattr(f.model, "ir_version", 1 << 30),
    unknown_attribute=lambda f: f.use(f.add("Relu", "scores", wide=1)),
    attribute_of_another_type=lambda f: f.use(f.add("Transpose", "scores", perm="ab")),
    no_nodes=lambda f: f.graph.ClearField("node"),
    input_of_nothing=lambda f: f.use(f.add("Relu", "nowhere")),
    circle=lambda f: f.use(f.add("Add", f"new_{len(f.graph.node)}_0", "scores")),
    name_twice=lambda f: f.graph.node.append(helper.make_node("Relu", ["scores"], ["scores"])),
    index_beyond=lambda f: f.use(f.add("Gather", "weight", f.array([10**6]))),
    index_beyond_that_rows_give=lambda f: f.use(
        f.add("Gather", "weight", f.add("Cast", f.add("Sub", "text_part", f.array(1e6, np.float32)), to=7))
    ),
    tensor_of_integers=lambda f: f.use(f.add("Cast", "scores", to=7)),
    scale_of_another_size=lambda f: f.use(f.add("LayerNormalization", "all", f.array(np.ones(7), np.float32))),
    wrong_types=lambda f: f.use(f.add("And", "scores", "scores")),
    empty_operator=lambda f: f.graph.node.add(),
    device_of_a_node=lambda f: setattr(f.graph.node[0], "overload", "x"),
    shapes_told_that_are_none=lambda f: f.graph.value_info.append(
        helper.make_tensor_sequence_value_info("scores", TensorProto.FLOAT, [2])
    ),
)


def spoil_bytes(turn: Callable[[bytes], bytes]) -> Callable[[File], bytes]:
    """Spoil the bytes before the metadata, so that the digest still has its place, and seal them."""
    return lambda file: seal(turn(file.bytes()))


CASES.several(
    "is refused|is damaged",
    message_cut_short=spoil_bytes(lambda data: data + b"\x3a\xff\xff\xff\xff\x0f"),
    group=spoil_bytes(lambda data: b"\x1b" * 100_000 + data),
    number_without_end=spoil_bytes(lambda data: b"\x08" + b"\xff" * 1000 + data),
    field_unknown=spoil_bytes(lambda data: b"\xfa\x3f\x00" + data),
    second_graph=spoil_bytes(lambda data: data + b"\x3a\x00"),
    million_empty_arrays=spoil_bytes(lambda data: data + b"\x3a\xc0\x84\x3d" + b"\x2a\x00" * 500_000),
    metadata_twice=spoil_bytes(lambda data: data + b"\x72\x09\x0a\x05plait\x12\x00"),
    metadata_that_are_no_text=spoil_bytes(lambda data: data + b"\x72\x06\x0a\x02\xff\xfe\x12\x00"),
)


# what changes nothing that counts: it loads, and answers as before

SAME: dict[str, Callable[[File], Any]] = {
    "unspoilt": lambda file: None,
    "fact_more": lambda file: file.facts.update(study={"x": 1}, files={"../x": "y"}, predictors={}),
    "metadata_more": lambda file: file.metadata.update(other="x"),
    "domain_that_is_not_used": lambda file: file.model.opset_import.append(helper.make_opsetid("com.microsoft", 1)),
    "shape_told_wrongly": lambda file: file.graph.value_info.append(
        helper.make_tensor_value_info("all", TensorProto.FLOAT, ["batch", "other"])
    ),
    "unused_constant": lambda file: file.array([1, 2, 3]),
    "infinite_mask": lambda file: file.array(-np.inf, np.float32),
}


SPOILT = {name: spoil for name, (spoil, _) in CASES.items()} | SAME  # what `told` tries


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_spoilt(told: Told, name: str) -> None:
    check_refused(told, name, CASES[name][1])


@pytest.mark.parametrize("name", SAME)
def test_what_changes_nothing_answers_as_before(told: Told, name: str) -> None:
    kind, said, seconds = told[name]
    assert kind == "answer", said
    assert said == told["unspoilt"][1]
    assert np.shape(said) == (3, 2)
    assert seconds < 5
