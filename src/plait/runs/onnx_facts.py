"""What the metadata of an ONNX file say, judged: types, sizes, and that ports, preparation and graph agree.

Knows strands, ports and what encoders and converters are called; not the graph.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from plait.converters.catalogue import refuse_files
from plait.core.files import AGAIN
from plait.errors import RequestError, RunError
from plait.models.onnx_graph import Port
from plait.models.views import View
from plait.pretrained.catalogue import refuse_elsewhere, restore_given
from plait.runs.onnx_check import Checked, same_ports

MOST_ROW = 64 << 20  # bytes of one prepared row: a picture of 4096 × 4096 in colour has 50 MB
MOST_STRANDS = 256
MOST_MADE = 32  # conversions, and pretrained encoders outside of the graph: to make one again takes up to 0.1 s
MOST_FILTERS = 10_000_000  # bands × samples from frame to frame: 100 bytes each; 10 s in 64 bands need 32,000
MOST_IDS = 8192  # tokens that a pretrained encoder of texts is given; those that come take 1,024 at the most
MOST_SAMPLES = 10_000_000  # numbers that one of sounds or pictures is given: 600 s at 16,000 Hz
MOST_RATE = 100_000_000  # Hz
NUMBER = (int, float)
FACTS: dict[str, tuple[type, ...]] = {
    "format": (int,),
    "version": (str,),
    "task": (str,),
    "target": (str,),
    "winner": (str,),
    "seal": (str, NoneType),
    "seed": (int,),
    "output": (str,),
    "decimal_comma": (bool, NoneType),
    "classes": (list, NoneType),
    "labels": (dict, NoneType),
    "thresholds": (list,),
    "prior": (list,),
    "sample_rates": (dict,),
    "conversions": (list,),
    "inputs": (list,),
    "modalities": (list,),
    "strands": (list,),
}
BEFORE: dict[str, Any] = {"labels": None, "thresholds": []}  # what files of before lack, as they mean it
STRAND: dict[str, tuple[type, ...]] = {
    "name": (str,),
    "kind": (str,),
    "columns": (list,),
    "group": (str,),
    "kinds": (dict,),
    "encoder": (str,),
    "shadow": (str,),
    "raw": (bool,),
    "frozen": (dict, NoneType),
    "prep": (dict,),
}


def check_facts(
    facts: Mapping[str, Any], source: str, converters: Sequence[Any], encoders: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the facts, and none besides those that an export has, once they are of their types.

    converters, encoders: what the user gave by hand. Raises ValueError, and RunError for what would open another file
    or make a request.
    """
    facts = {**BEFORE, **facts}
    _check_keys(facts, FACTS, "the facts")
    classes, width = facts["classes"], len(facts["classes"] or [0])
    able = ("regression",) if classes is None else ("classification", "ordered")
    if facts["task"] not in (able if facts["labels"] is None else ("labels",) * bool(classes)) or classes == []:
        raise ValueError(f"its task is {facts['task']!r}, which does not go with its classes")
    if not all(type(label) in (str, int, float, bool) for label in classes or ()):
        raise ValueError("its classes are no words and no numbers")
    if len(facts["prior"]) != width or not all(type(x) in NUMBER and math.isfinite(x) for x in facts["prior"]):
        raise ValueError(f"its prior is not {width} numbers")
    form, held = facts["labels"], facts["thresholds"]
    if form is not None and (set(form), *map(type, form.values())) != ({"delimiter", "fewest"}, str, int):
        raise ValueError("it does not say how labels of a row are written")
    if len(held) not in (0, width) or (held and form is None) or not all(type(x) is float and 0 < x < 1 for x in held):
        raise ValueError("its thresholds are not one between 0 and 1 for each label")
    if not all(type(rate) is int and 0 < rate <= MOST_RATE for rate in facts["sample_rates"].values()):
        raise ValueError("its sample rates are none")
    if len(facts["strands"]) > MOST_STRANDS:
        raise ValueError(f"it has more than {MOST_STRANDS} modalities")
    outside = [state for state in facts["strands"] if isinstance(state, dict) and state.get("frozen")]
    if len(facts["conversions"]) + len([state for state in outside if not state.get("raw")]) > MOST_MADE:
        raise ValueError(f"it has more than {MOST_MADE} conversions and pretrained encoders")
    for state in facts["strands"]:
        _check_keys(state, STRAND, "a modality")
        if not state["columns"] or not all(type(name) is str for name in [*state["columns"], *state["kinds"].values()]):
            raise ValueError("the columns of a modality are no names")
        if state["frozen"] is not None and not state["raw"]:
            refuse_elsewhere(state["frozen"], encoders.get(state["shadow"] or state["name"]), source)
    for one in facts["conversions"]:
        refuse_files(one["route"], converters, source)
    return {name: facts[name] for name in FACTS}


def _check_keys(data: Any, known: Mapping[str, tuple[type, ...]], what: str) -> None:
    if not isinstance(data, dict):
        raise ValueError(f"{what} are none")
    for name, kinds in known.items():
        if name not in data:
            raise ValueError(f"{what} have no {name!r}")
        if type(data[name]) not in kinds:
            raise ValueError(f"{name!r} of {what} is of the wrong type, {type(data[name]).__name__}")


def restore_view(state: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> View:
    """Make a strand again; of an encoder that is inside the graph only what it is given, and its package not at all."""
    try:
        if not state["raw"]:
            view = View.from_state(state, arrays)
            if (frozen := view.frozen) is not None:
                check_types(frozen.prep)
                if math.prod(frozen.shape) > (MOST_IDS if np.dtype(frozen.dtype).kind == "i" else MOST_SAMPLES):
                    raise ValueError(f"a pretrained encoder of it is given {frozen.shape} numbers at once")
        else:
            given = restore_given(state["frozen"])
            view, prep = replace(View.from_state({**state, "frozen": None}, arrays), frozen=given), given.prep
            if given.shape != (prep.channels, prep.height, prep.width):
                raise ValueError("a pretrained encoder of it is given another shape than it takes")
            check_types(prep)
    except RequestError as error:  # of an option that makes no sense
        raise ValueError(str(error)) from None
    check_types(view.prep)
    if getattr(view.prep, "hop", None) is not None and not 0 < view.prep.hop * view.prep.mels <= MOST_FILTERS:
        raise ValueError(f"a frame of its sounds begins each {view.prep.hop} samples")
    return view


def check_ports(
    checked: Checked, ports: Sequence[Port], strands: Sequence[View], facts: Mapping[str, Any], source: str
) -> None:
    """Raise RunError unless graph, ports, preparation and classes have the same inputs and output."""
    named = {strand.name: strand for strand in strands}
    for port in ports:
        check_types(port)
    if len(named) != len(strands) or sorted(port.modality for port in ports) != sorted(named) or not ports:
        raise RunError(f"{source} is damaged: its inputs are not those of its modalities. {AGAIN}")
    if row_bytes(strands) > MOST_ROW:
        raise RunError(f"{source} is refused: one row of its inputs takes more than {MOST_ROW >> 20} MB. {AGAIN}")
    expected: list[tuple[str, str, Sequence[int]]] = []
    for port in ports:
        strand = named[port.modality]
        several = len(strand.modality.columns) if strand.several else 1
        if (port.shape, port.several, port.columns) != (strand.shape(), strand.several, several):
            raise RunError(
                f"{source} is damaged: the preparation of {port.modality!r} gives {strand.shape()}, its input takes "
                f"{port.shape}. {AGAIN}"
            )
        expected += [(port.values, port.dtype, port.shape), (port.there, "bool", [several] if strand.several else [])]
    if len({name for name, _, _ in expected}) != len(expected) or not same_ports(checked.inputs, expected):
        raise RunError(f"{source} is damaged: the inputs of its graph are not those that it tells of. {AGAIN}")
    classes = facts["classes"]
    answer = (facts["output"], "float64" if classes is None else "float32", [len(classes or [0])])
    if not same_ports(checked.outputs, [answer]):
        raise RunError(f"{source} is damaged: what its graph gives does not go with its classes. {AGAIN}")


def row_bytes(strands: Sequence[View]) -> int:
    """Return how much memory one prepared row takes."""
    return sum(math.prod(strand.shape()) * np.dtype(strand.dtype()).itemsize for strand in strands)


@cache
def _types_of(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)} if is_dataclass(kind) else {}


def check_types(made: Any) -> None:
    """Raise ValueError where a field of a dataclass does not hold what its type says, or a number is no finite one."""
    kind: Any = type(made)
    for name, hint in _types_of(kind).items():
        if not _is(getattr(made, name), hint):
            raise ValueError(f"{name!r} of {type(made).__name__} is not of the type {hint}")


def _is(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(_is(value, one) for one in get_args(hint))
    if origin is tuple:
        inner = get_args(hint)
        if not isinstance(value, tuple) or (inner[-1] is not ... and len(inner) != len(value)):
            return False
        if inner[-1] is ... and inner[0] is str:
            return set(map(type, value)) <= {str}
        wanted = [inner[0]] * len(value) if inner[-1] is ... else inner
        return all(map(_is, value, wanted))
    if hint is float:
        return type(value) in NUMBER and math.isfinite(value)
    if is_dataclass(hint):
        if isinstance(value, hint):  # type: ignore[arg-type]
            check_types(value)
            return True
        return False
    if hint in (int, str, bool, NoneType):
        return type(value) is hint and (hint is not int or abs(value) < 1 << 53)
    return True
