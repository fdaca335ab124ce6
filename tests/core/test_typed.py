"""JSON of a stranger held against type hints: what fits passes, and what does not is named with its place."""

from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.core.typed import check_type


class Inner(TypedDict):
    rows: int
    why: NotRequired[str]


@dataclass
class Outer:
    name: str
    size: tuple[int, int] | None = None
    parts: list[Inner] = field(default_factory=list)
    way: Literal["a", "b"] = "a"


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (3, int), (3, float), (True, bool), ("x", str), (None, int | None), ([1, 2], list[int]), ([], list[str]),
        ([1, 2.5], tuple[float, float]), ({"a": 1}, dict[str, int]), ([[1], [2]], list[list[int]]), ({"x": {}}, Any),
        ({"rows": 1}, Inner), ({"rows": 1, "why": "", "more": [0]}, Inner), ({"name": "n"}, Outer),
        ({"name": "n", "size": [1, 2], "parts": [{"rows": 2}], "way": "b"}, Outer), (2**62, int),
    ],
)  # fmt: skip
def test_what_fits_passes(value: Any, hint: Any) -> None:
    check_type(value, hint)


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        (True, int, "it is 'True'; expected int"),
        (1.5, int, "it is '1.5'; expected int"),
        (2**64, int, "expected int"),
        (1e301, float, "expected float"),
        ("3", float, "it is '3'; expected float"),
        ([1, None], list[int], r"it\[1\] is 'None'; expected int"),
        ({}, list[int], "it is '{}'; expected a list"),
        ([1], tuple[int, int], "expected 2 values"),
        ({"a": "b"}, dict[str, int], r"it\.a is 'b'; expected int"),
        ({}, Inner, "expected an object with 'rows'"),
        ({"rows": 1, "why": 2}, Inner, r"it\.why is '2'; expected str"),
        ({"name": "n", "parts": [{"rows": []}]}, Outer, r"it\.parts\[0\]\.rows is '\[\]'; expected int"),
        ({"name": "n", "size": [1, "x"]}, Outer, r"it\.size\[1\] is 'x'; expected int"),
        ({"name": "n", "way": ["a"]}, Outer, r"it\.way is .*; expected \('a', 'b'\)"),
        (3, Outer, "it is '3'; expected an object"),
        ([None], dict[str, int] | None, "expected"),
    ],
)
def test_what_does_not_is_named(value: Any, hint: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_type(value, hint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "rows", "size"]), inner),
    max_leaves=8,
)


@given(JSON)
def test_whatever_comes_it_fits_or_is_a_value_error(value: Any) -> None:
    for hint in (int, list[float], Outer, Inner | None, dict[str, Inner], tuple[str, int]):
        try:
            check_type(value, hint)
        except ValueError as error:
            assert "expected" in str(error)
