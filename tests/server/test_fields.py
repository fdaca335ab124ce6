"""The columns that a model may be asked with, and what a value of a request is as a cell."""

import base64
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from plait.converters.in_fit import Made
from plait.core.contract import Modality
from plait.runs.model import Model
from plait.server.fields import Field, Fields, Refused

PHOTO, NOTE, AGE, POINT = (
    Field(name, kind, name)
    for name, kind in (("photo", "image"), ("note", "text"), ("age", "number"), ("point", "vectors"))
)


def test_the_columns_of_a_model(kept: Model) -> None:
    fields = Fields.of(kept)
    assert [field.to_json() for field in fields.values()] == [
        {"name": "note", "kind": "text", "modality": "text"},
        {"name": "age", "kind": "number", "modality": "tabular"},
        {"name": "colour", "kind": "category", "modality": "tabular", "values": ["blue", "green", "red"]},
    ]
    assert fields.find("label") is None  # the target, which a table may hold
    with pytest.raises(Refused, match=r"there is no column 'colur'. Did you mean 'colour'\?"):
        fields.find("colur")


def test_a_video_is_asked_for_once(kept: Model) -> None:
    view = kept.views[0]
    names = ("clip.image", "video"), ("clip.audio", "audio")
    views = [replace(view, modality=Modality(name, kind, ("clip",)), kinds={}) for name, kind in names]
    listed = {"columns": [{"name": "clip", "kind": "video"}]}
    facts = replace(kept.facts, schema=listed)
    model = SimpleNamespace(
        facts=facts, _made=[], views=views, modalities=["clip.image", "clip.audio"], target=kept.target
    )
    assert [field.to_json() for field in Fields.of(model).values()] == [  # type: ignore[arg-type]
        {"name": "clip", "kind": "video", "modality": "clip.image"}
    ]


def test_what_is_converted_is_asked_for_and_what_is_made_of_it_is_not(kept: Model) -> None:
    class Heard:
        source = "audio"

    made = Made("convert", "clip", "note", "text", "text", ("clip",), Heard())
    changed = Model(kept.facts, kept.views, kept.predictors, _made=[made])
    assert [(f.name, f.kind, f.modality) for f in Fields.of(changed).values()][-1] == ("clip", "audio", "clip")
    assert "note" not in Fields.of(changed)


@pytest.mark.parametrize(
    ("field", "value", "cell"),
    [
        (PHOTO, {"base64": base64.b64encode(b"abc").decode()}, b"abc"),
        (PHOTO, {"base64": ""}, None),
        (PHOTO, None, None),
        (NOTE, "a \ud800 b", "a ��� b"),
        (NOTE, 7, "7"),
        (AGE, 34, 34),
        (AGE, "34,5", "34,5"),
        (AGE, True, True),
        (POINT, [1, 2.5], [1, 2.5]),
        (POINT, [[1, None], [2, 3]], [[1, None], [2, 3]]),
    ],
)
def test_values_of_json(field: Field, value: Any, cell: Any) -> None:
    assert field.of_json(value) == cell


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (PHOTO, "/etc/passwd", r"the bytes of a file \(no path is opened\), got str"),
        (PHOTO, {"path": "/etc/passwd"}, r'expected \{"base64": "…"\}, got an object with other fields'),
        (PHOTO, {"base64": "%%"}, "the field 'base64' is not base64"),
        (PHOTO, [[1], [[2]]], "finite numbers, got another list"),
        (PHOTO, [1, "2"], "finite numbers"),
        (POINT, [10**400, None], "finite numbers"),
        (POINT, "points.npy", "no path is opened"),
        (NOTE, ["a"], "expected one value, got a list"),
        (NOTE, "a" * 1_000_001, "at most 1,000,000 letters, got 1,000,001"),
        (AGE, {}, "expected one value, got an object"),
    ],
)
def test_values_of_json_that_are_refused(field: Field, value: Any, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        field.of_json(value)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("field", "value", "cell"),
    [
        (PHOTO, b"abc", b"abc"),
        (PHOTO, b"", None),
        (PHOTO, "  ", None),
        (NOTE, b"a note in a file", "a note in a file"),
        (NOTE, " ", None),
        (AGE, "34", "34"),
        (POINT, "[1, 2]", [1, 2]),
    ],
)
def test_fields_of_a_form(field: Field, value: str | bytes, cell: Any) -> None:
    assert field.of_form(value) == cell


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (PHOTO, "/etc/passwd", r"expected a file \(no path is opened\), got text"),
        (POINT, "[1, true]", "finite numbers"),
        (POINT, f"[{10**400}, null]", "finite numbers"),
        (POINT, "[[[", "expected a file"),
        (NOTE, b"\xff\xfe", "expected text in UTF-8, got a file"),
    ],
)
def test_fields_of_a_form_that_are_refused(field: Field, value: str | bytes, said: str) -> None:
    with pytest.raises(Refused, match=said):
        field.of_form(value)
