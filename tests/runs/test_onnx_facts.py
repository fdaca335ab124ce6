"""What the metadata of a file say: whatever does not fit, opens another file or makes a request is one error."""

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper

from plait.core.files import pack_tensors
from plait.runs.onnx import ARRAYS, BLANK, DIGEST
from spoilt import Cases, File, Told, check_refused, seal

CASES = Cases()


CASES.several(
    "the inputs of its graph are not those|its inputs are not those of its modalities|is refused",
    one_input_more=lambda f: f.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["batch"])),
    input_of_another_shape=lambda f: setattr(f.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 9),
    input_of_another_type=lambda f: setattr(f.graph.input[0].type.tensor_type, "elem_type", TensorProto.FLOAT),
    input_without_rows=lambda f: setattr(f.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 1 << 40),
    input_of_no_shape=lambda f: f.graph.input[0].type.tensor_type.ClearField("shape"),
    port_lacking=lambda f: f.facts["inputs"].pop(),
    port_twice=lambda f: f.facts["inputs"].append(f.facts["inputs"][0]),
    port_of_another_name=lambda f: f.port("photo").update(values="foto"),
    no_ports=lambda f: f.facts.update(inputs=[], strands=[]),
)
CASES.several(
    "what its graph gives does not go with its classes|prior is not",
    one_class_more=lambda f: f.facts.update(classes=["a", "b", "c"], prior=[0.5, 0.25, 0.25]),
    prior_of_three=lambda f: f.facts.update(prior=[0.5, 0.25, 0.25]),
    output_of_another_name=lambda f: f.facts.update(output="scores"),
    regression=lambda f: f.facts.update(classes=None, task="regression", prior=[0.5]),
    output_of_another_width=lambda f: setattr(f.graph.output[0].type.tensor_type.shape.dim[1], "dim_value", 3),
)


@CASES.case("ONNX Runtime says|its graph made|do not fit|does not go with")
def answer_of_another_width(file: File) -> None:
    file.graph.node[-1].input[0] = file.add("Concat", "scores", "scores", axis=1)


@CASES.case("of 3 rows its graph made|ONNX Runtime says")
def answer_of_one_row(file: File) -> None:
    file.graph.node[-1].input[0] = file.add("ReduceMax", "scores", file.array([0]), keepdims=1)


DEEP = "[" * 100_000
CASES.several(
    "does not fit together|preparation is damaged: ",
    facts_nested_deep=lambda f: setattr(f, "text", DEEP),
    facts_nested_deep_inside=lambda f: setattr(f, "text", '{"format": 1, "strands": ' + DEEP),
    number_of_5000_digits=lambda f: setattr(f, "text", json.dumps(f.facts)[:-1] + ', "seed": ' + "9" * 5000 + "}"),
    facts_with_nan=lambda f: setattr(f, "text", json.dumps({**f.facts, "seed": float("nan")})),
    facts_with_infinity=lambda f: setattr(f, "text", json.dumps(f.facts).replace('"seed": 0', '"seed": 1e999')),
    facts_that_are_none=lambda f: setattr(f, "text", "{"),
    no_base64=lambda f: f.metadata.update({ARRAYS: "§§§"}),
    base64_with_blanks=lambda f: f.metadata.update({ARRAYS: " " + base64.b64encode(pack_tensors(f.arrays)).decode()}),
    no_task=lambda f: f.facts.pop("task"),
    task_of_another_name=lambda f: f.facts.update(task="recognition"),
    classes_of_lists=lambda f: f.facts.update(classes=[["no"], ["yes"]]),
    classes_of_one_word=lambda f: f.facts.update(classes="ab"),
    labels_of_a_class=lambda f: f.facts.update(labels={"delimiter": ";", "fewest": 0}),
    labels_of_nothing=lambda f: f.facts.update(task="labels"),
    labels_written_otherwise=lambda f: f.facts.update(task="labels", labels={"delimiter": 5, "fewest": 0}),
    thresholds_of_classes=lambda f: f.facts.update(thresholds=[0.5, 0.5]),
    thresholds_too_high=lambda f: f.facts.update(
        task="labels", labels={"delimiter": ";", "fewest": 0}, thresholds=[0.5, 1.5]
    ),
    prior_of_words=lambda f: f.facts.update(prior=["a", "b"]),
    rates_of_words=lambda f: f.facts.update(sample_rates={"sound": "fast"}),
    rates_of_nothing=lambda f: f.facts.update(sample_rates={"sound": 0}),
    seed_of_a_word=lambda f: f.facts.update(seed="x"),
    strands_of_numbers=lambda f: f.facts.update(strands=[1, 2]),
    columns_of_numbers=lambda f: f.strand("photo").update(columns=[1]),
    columns_of_none=lambda f: f.strand("photo").update(columns=[]),
    prep_of_none=lambda f: f.strand("photo").update(prep={}, kind="vectors"),
    option_unknown=lambda f: f.strand("photo")["prep"].update(command="rm"),
    picture_of_a_word=lambda f: f.strand("photo")["prep"].update(height="8"),
    picture_of_halves=lambda f: f.strand("photo")["prep"].update(height=8.0),
    picture_smaller_than_any=lambda f: f.strand("photo")["prep"].update(size=1),
    sound_of_many_filters=lambda f: f.strand("sound")["prep"].update(hop=1 << 30),
    sound_of_no_steps=lambda f: f.strand("sound")["prep"].update(hop=0),
    text_of_many_runs=lambda f: f.strand("text")["prep"].update(ngrams=1000),
    words_that_are_numbers=lambda f: f.strand("text")["prep"].update(words=[1, 2]),
    scalers_of_words=lambda f: f.strand("tabular")["prep"]["columns"][0]["scalers"][0].update(centre="x"),
    conversion_without_a_route=lambda f: f.facts.update(conversions=[{"how": "convert"}]),
    port_of_words=lambda f: f.port("photo").update(columns="1"),
    port_unknown=lambda f: f.port("photo").update(more=1),
    frozen_of_nothing=lambda f: f.strand("photo").update(raw=True),
    frozen_of_another_shape=lambda f: f.strand("photo").update(
        raw=True,
        frozen={
            "name": "lite0",
            "kind": "image",
            "shape": [1, 8, 8],
            "dtype": "uint8",
            "tokens": 1,
            "width": 2,
            "origin": "",
            "licence": "",
            "weights": "",
            "settings": "",
            "prep": {**f.strand("photo")["prep"], "height": 20_000},
        },
    ),
)
CASES.several(
    "of the kind 'smell', which is not known|is damaged",
    kind_unknown=lambda f: f.strand("photo").update(kind="smell"),
    components_of_another_shape=lambda f: f.arrays.update({"2.components": np.zeros((3, 1), np.float32)}),
    arrays_lacking=lambda f: f.arrays.clear(),
    arrays_that_are_none=lambda f: f.metadata.update({ARRAYS: base64.b64encode(b"x" * 64).decode()}),
    arrays_of_a_huge_header=lambda f: f.metadata.update(
        {ARRAYS: base64.b64encode((1 << 62).to_bytes(8, "little") + b"{}").decode()}
    ),
    format_of_a_word=lambda f: f.facts.update(format="1"),
    facts_of_a_list=lambda f: setattr(f, "text", "[]"),
    facts_of_a_number=lambda f: setattr(f, "text", "1"),
)
CASES.several("has the format 99; this plait reads 1", format_of_tomorrow=lambda f: f.facts.update(format=99))
CASES.several(
    "one row of its inputs takes more|the preparation of '\\w+' gives|preparation is damaged: ",
    picture_of_20000_pixels=lambda f: (
        (
            f.strand("photo")["prep"].update(height=20_000, width=20_000),
            f.port("photo").update(shape=[1, 20_000, 20_000]),
        )
    ),
    text_of_many_tokens=lambda f: (
        (
            f.strand("text")["prep"].update(length=10**8),
            f.port("text").update(shape=[10**8 + 2]),
        )
    ),
    sound_of_many_frames=lambda f: f.strand("sound")["prep"].update(frames=10**9),
    port_of_another_shape=lambda f: f.port("photo").update(shape=[1, 9, 9]),
    port_of_several=lambda f: f.port("photo").update(several=True),
)


def frozen(name: str) -> Callable[[File], None]:
    about = {"kind": "text", "shape": [4], "dtype": "int32", "tokens": 1, "width": 7, "origin": "", "licence": ""}
    told = {"name": name, **about, "weights": "0" * 64, "settings": "", "prep": {}}
    return lambda file: file.strand("text").update(frozen=told)


CASES.several(
    "not in the hub cache; a model from elsewhere opens no folder and makes no request|needs the package",
    name_at_the_hub=frozen("hf:nobody-at-all/nothing-of-the-kind"),
    folder_of_a_stranger=frozen("hf:/etc"),
    folder_above=frozen("hf:../.."),
    folder_of_a_network=frozen("hf:\\\\server\\share"),
)
CASES.several(
    "is damaged|uses the pretrained encoder|is the user's own|give it again",
    encoder_unknown=frozen("rm -rf"),
    encoder_of_ones_own=frozen("own"),
)


CASES.several(
    "more than (256 modalities|32 conversions)",
    many_modalities=lambda f: f.facts.update(strands=f.facts["strands"] * 100),
    many_encoders=lambda f: (frozen("static")(f), f.facts.update(strands=f.facts["strands"] * 40)),
    many_conversions=lambda f: (
        conversion("espeak")(f),
        f.facts.update(conversions=f.facts["conversions"] * 100_000),
    ),
)


def conversion(name: str, **options: Any) -> Callable[[File], None]:
    route = {"name": name, "options": options}
    made = {"how": "convert", "origin": "sound", "column": "photo", "modality": "photo", "kind": "image"}
    return lambda file: file.facts.update(conversions=[{**made, "columns": ["sound"], "route": route}])


CASES.several(
    "a file; a model from elsewhere opens none",
    font_in_steps=lambda f: (
        conversion("render", font="/etc/passwd")(f),
        f.facts["conversions"][0].update(route={"steps": [f.facts["conversions"][0]["route"]]}),
    ),
    words_from_a_file=conversion("pocketsphinx", words="/etc/passwd"),
    grammar_from_a_file=conversion("pocketsphinx", grammar="~/secret.gram"),
    grammar_that_imports=conversion("pocketsphinx", grammar="#JSGF V1.0; import </etc/x.*>;"),
    model_from_a_folder=conversion("whisper", model="/etc"),
    font_from_a_file=conversion("render", font="/etc/passwd"),
    font_above=conversion("render", font="../font.ttf"),
)
CASES.several(
    "is damaged|give it: plait.load|cannot be made again",
    converter_unknown=conversion("os.system", command="true"),
    converter_of_a_wrong_option=conversion("render", size=10**9),
)


@CASES.case("has no 'plait' in its metadata|is refused|has no 'plait")
def metadata_lacking(file: File) -> bytes:
    helper.set_model_props(file.model, {DIGEST: BLANK.decode()})
    return seal(file.model.SerializeToString(deterministic=True))


@CASES.case("holds more than 16 MB of facts")
def facts_of_many_lists(file: File) -> None:
    file.text = "[" + "[]," * (6 << 20) + "[]]"


SPOILT = {name: spoil for name, (spoil, _) in CASES.items()}  # what `told` tries


@pytest.mark.parametrize("name", CASES)
def test_a_file_that_is_spoilt(told: Told, name: str) -> None:
    check_refused(told, name, CASES[name][1])
