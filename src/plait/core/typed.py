"""Holds JSON that a stranger may have written against the types that our own code gives it. Knows no file."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from itertools import repeat
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

Check = Callable[[Any], None]
MOST_WHOLE = 2**63


class _Misfit(Exception):
    """What does not fit, what was expected, and the way to it, from the inside."""

    def __init__(self, value: Any, wanted: str) -> None:
        self.value, self.wanted, self.way = value, wanted, list[str]()


def check_type(value: Any, hint: Any, where: str = "it") -> None:
    """Raise ValueError, naming the place, where a JSON value is not what a type hint says.

    Known are the plain types, None, Literal, unions, list, tuple, dict and Mapping, TypedDict and dataclasses, whose
    fields may lack as far as they have a default. Whole numbers count as floats, but not as bool; keys that no hint
    names may be there, since nothing reads them.
    """
    try:
        _check_of(hint)(value)
    except _Misfit as misfit:
        place = where + "".join(reversed(misfit.way))
        raise ValueError(f"{place[:200]} is {str(misfit.value)[:60]!r}; expected {misfit.wanted}") from None


@cache
def _check_of(hint: Any) -> Check:
    """Return what checks a value against a hint; made once, since a run.json holds thousands of values."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: None
    if hint is None or hint is types.NoneType:
        return lambda value: _require(value is None, value, "null")
    if origin in (Union, types.UnionType):
        return _any_of([_check_of(kind) for kind in inner if kind is not types.NoneType], types.NoneType in inner)
    if origin is Literal:
        return lambda value: _require(value in inner if isinstance(value, str) else False, value, str(inner))
    if origin is tuple and inner[-1] is not Ellipsis:
        return _row_of([_check_of(kind) for kind in inner])
    if origin in (list, tuple):
        return _list_of(_check_of(inner[0]), inner[0])
    if hint in (dict, Mapping) or origin in (dict, Mapping):
        return _object_of(_check_of(inner[1]) if inner else None)
    if is_typeddict(hint) or is_dataclass(hint):
        return _fields_of(hint)
    return _plain_of(hint, PLAIN.get(hint, lambda value: False))  # what JSON cannot hold


def _plain_of(hint: Any, fits: Callable[[Any], bool]) -> Check:
    sure = hint if hint in (str, bool) else None  # whatever value is of this very type

    def check(value: Any) -> None:
        if type(value) is not sure and not fits(value):
            raise _Misfit(value, hint.__name__)

    return check


def _require(right: bool, value: Any, wanted: str) -> None:
    if not right:
        raise _Misfit(value, wanted)


def _any_of(checks: list[Check], nullable: bool) -> Check:
    def check(value: Any) -> None:
        misfits = []
        if value is None and nullable:
            return None
        for one in checks:
            try:
                return one(value)
            except _Misfit as misfit:
                misfits.append(misfit)
        raise max(misfits, key=lambda misfit: len(misfit.way))  # that which came furthest

    return check


def _each(items: Iterable[tuple[Any, Check]], value: Any, form: str) -> None:
    """Check what is at each place of a value; form: how a place is written."""
    place: Any = None
    try:
        for place, check in items:
            check(value[place])
    except _Misfit as misfit:
        misfit.way.append(form.format(place))
        raise


def _row_of(checks: list[Check]) -> Check:
    def check(value: Any) -> None:
        _require(isinstance(value, (list, tuple)), value, "a list")
        _require(len(value) == len(checks), value, f"{len(checks)} values")
        _each(enumerate(checks), value, "[{}]")

    return check


def _list_of(one: Check, kind: Any) -> Check:
    fits = PLAIN.get(kind)

    def check(value: Any) -> None:
        _require(isinstance(value, (list, tuple)), value, "a list")
        ends = (min(value), max(value)) if fits is not None and {*map(type, value)} == {kind} else ()
        if fits is not None and ends and all(map(fits, ends)):  # thousands are seen at once
            return
        _each(zip(range(len(value)), repeat(one)), value, "[{}]")

    return check


def _object_of(one: Check | None) -> Check:
    def check(value: Any) -> None:
        _require(isinstance(value, Mapping), value, "an object")
        if one is not None:
            _each(zip(value, repeat(one)), value, ".{}")

    return check


def _fields_of(kind: Any) -> Check:
    """Check the fields of a TypedDict or dataclass."""
    hints = get_type_hints(kind)
    if is_typeddict(kind):
        marked = get_type_hints(kind, include_extras=True)  # as text, NotRequired is not seen when the class is made
        needed = [name for name in kind.__required_keys__ if get_origin(marked[name]) is not NotRequired]
    else:
        hints = {f.name: hints[f.name] for f in fields(kind) if f.init}
        needed = [f.name for f in fields(kind) if f.init and f.default is MISSING and f.default_factory is MISSING]
    checks = [(name, _check_of(hint)) for name, hint in hints.items()]

    def check(value: Any) -> None:
        _require(isinstance(value, Mapping), value, "an object")
        for name in needed:
            if name not in value:
                raise _Misfit(value, f"an object with {name!r}")
        _each([item for item in checks if item[0] in value], value, ".{}")

    return check


PLAIN: dict[Any, Callable[[Any], bool]] = {
    bool: lambda x: isinstance(x, bool),
    int: lambda x: isinstance(x, int) and not isinstance(x, bool) and -MOST_WHOLE <= x < MOST_WHOLE,
    float: lambda x: isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) < 1e300,
    str: lambda x: isinstance(x, str),
}
