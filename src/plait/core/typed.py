"""Holds JSON that a stranger may have written against the types that our own code gives it. Knows no file."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

MOST_WHOLE = 2**63


def check_type(value: Any, hint: Any, where: str = "it") -> None:
    """Raise ValueError, naming the place, where a JSON value is not what a type hint says.

    Known are the plain types, None, Literal, unions, list, tuple, dict and Mapping, TypedDict and dataclasses, whose
    fields may lack as far as they have a default. Whole numbers count as floats, but not as bool; keys that no hint
    names may be there, since nothing reads them.
    """
    origin, inner = _taken_apart(hint)
    if hint is Any:
        return
    if origin in (Union, types.UnionType):
        _check_union(value, inner, where)
    elif origin is Literal:
        _require(value in inner and not isinstance(value, (list, dict)), value, str(inner), where)
    elif origin in (list, tuple):
        _require(isinstance(value, (list, tuple)), value, "a list", where)
        if origin is tuple and inner[-1] is not Ellipsis:
            _require(len(value) == len(inner), value, f"{len(inner)} values", where)
            for place, (item, kind) in enumerate(zip(value, inner, strict=True)):
                check_type(item, kind, f"{where}[{place}]")
        elif inner[0] not in PLAIN or not all(map(PLAIN[inner[0]], value)):  # a long list of one plain type is quick
            for place, item in enumerate(value):
                check_type(item, inner[0], f"{where}[{place}]")
    elif hint is dict or origin in (dict, Mapping) or hint is Mapping:
        _require(isinstance(value, Mapping), value, "an object", where)
        for key, item in value.items() if inner else ():
            check_type(item, inner[1], f"{where}.{key}")
    elif is_typeddict(hint) or is_dataclass(hint):
        _require(isinstance(value, Mapping), value, "an object", where)
        hints, needed = _fields(hint)
        for name in needed:
            _require(name in value, value, f"an object with {name!r}", where)
        for name, kind in hints.items():
            if name in value:
                check_type(value[name], kind, f"{where}.{name}")
    elif hint is None or hint is types.NoneType:
        _require(value is None, value, "null", where)
    else:
        _require(PLAIN[hint](value), value, hint.__name__, where)


@cache
def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


def _check_union(value: Any, hints: tuple[Any, ...], where: str) -> None:
    faults = []
    for hint in hints:
        try:
            return check_type(value, hint, where)
        except ValueError as error:
            faults.append(str(error))
    raise ValueError(max(faults, key=lambda fault: fault.count(".") + fault.count("[")))  # that which came furthest


def _require(right: bool, value: Any, wanted: str, where: str) -> None:
    if not right:
        raise ValueError(f"{where[:200]} is {str(value)[:60]!r}; expected {wanted}")


@cache
def _fields(kind: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the hints of a TypedDict or dataclass by name, and which of them must be there."""
    hints = get_type_hints(kind)
    if is_typeddict(kind):
        marked = get_type_hints(kind, include_extras=True)  # as text, NotRequired is not seen when the class is made
        return hints, frozenset(n for n in kind.__required_keys__ if get_origin(marked[n]) is not NotRequired)
    needed = {f.name for f in fields(kind) if f.init and f.default is MISSING and f.default_factory is MISSING}
    return {f.name: hints[f.name] for f in fields(kind) if f.init}, frozenset(needed)


PLAIN: dict[Any, Any] = {
    bool: lambda x: isinstance(x, bool),
    int: lambda x: isinstance(x, int) and not isinstance(x, bool) and -MOST_WHOLE <= x < MOST_WHOLE,
    float: lambda x: isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) < 1e300,
    str: lambda x: isinstance(x, str),
}
