"""What every preparation can do: made from a user's options, written as JSON, made again from JSON that anyone wrote.

Knows dataclasses and their types; no kind, no array.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from plait.core.options import from_strings
from plait.core.typed import check_type
from plait.errors import RequestError, RunError

MOST_CELLS = 2**24  # numbers that one cell of a table may become: what is opened is at least as large


@dataclass(frozen=True)
class Preparation:
    """Options of the user's, made by `option`, and what `fitted` learned. A field that is not compared is no JSON.

    Numbers are held to their bounds when it is made, so that what a stranger's file says makes no huge array.
    """

    KIND: ClassVar[str]
    BEFORE: ClassVar[Mapping[str, Any]] = {}  # fields that JSON of older runs lacks, as those runs meant them

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Return the preparation with `options` ({name: value or text}); RequestError for a wrong one."""
        return from_strings(cls, options, cls.KIND)

    def to_json(self) -> dict[str, Any]:
        """Return all that rebuilds this object."""
        return {f.name: _as_json(getattr(self, f.name)) for f in fields(self) if f.compare}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return what `to_json` gave as an object again; RunError where a value is not of its type and bounds."""
        try:
            check_type(data, dict, cls.KIND)
            _check_names(cls, data)
            check_type(data, cls, cls.KIND)
            return _build(cls, data)
        except ValueError as error:
            raise RunError(f"the {cls.KIND} preparation is damaged: {str(error).rstrip('.')}. Fit again.") from None


def require(prep: Preparation, name: str, is_right: bool, expected: str) -> None:
    """Raise RequestError, naming the option, unless it is right."""
    if not is_right:
        value = getattr(prep, name)
        shown = f"{value:g}" if isinstance(value, float) else repr(value)
        raise RequestError(f"{prep.KIND}.{name} is {shown}; expected {expected}.")


def check_bounds(prep: Preparation, bounds: Mapping[str, tuple[float, float, str]]) -> None:
    """Raise RequestError where an option is set and not in its bounds, {name: (lowest, highest, unit)}."""
    for name, (low, high, unit) in bounds.items():
        value = getattr(prep, name)
        expected = f"{low} or more{unit}" if high == math.inf else f"{low} to {high}{unit}"
        require(prep, name, value is None or low <= value <= high, expected)


def check_product(prep: Preparation, *names: str) -> None:
    """Raise RequestError where numbers, as far as they are set, make up more cells than there may be."""
    num = math.prod(getattr(prep, name) or 1 for name in names)
    if num > MOST_CELLS:
        raise RequestError(f"{prep.KIND}: {' × '.join(names)} is {num:,}; expected at most {MOST_CELLS:,}.")


@cache
def _hints(made: type) -> dict[str, Any]:
    """Return the types of the fields of a dataclass that are JSON."""
    hints = get_type_hints(made)
    return {f.name: hints[f.name] for f in fields(made) if f.compare}


def _check_names(made: type, data: Mapping[str, Any]) -> None:
    for name in data:
        if name not in _hints(made):
            raise ValueError(f"there is no {name[:60]!r} in it")


def _as_json(value: Any) -> Any:
    if is_dataclass(value):
        return {f.name: _as_json(getattr(value, f.name)) for f in fields(value) if f.compare}
    return [_as_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def _build(hint: Any, value: Any) -> Any:
    """Return a JSON value of the right types with tuples for lists, and dataclasses for objects."""
    origin, inner = get_origin(hint), get_args(hint)
    if is_dataclass(hint):
        made: Any = hint
        _check_names(made, value)
        items = {name: _build(_hints(made)[name], item) for name, item in value.items()}
        return made(**{**getattr(made, "BEFORE", {}), **items})
    if origin in (Union, UnionType):
        return None if value is None else _build(inner[0], value)
    if origin is tuple:
        if inner[-1] is Ellipsis and inner[0] in (str, int, bool):
            return tuple(value)
        kinds = inner[:1] * len(value) if inner[-1] is Ellipsis else inner
        return tuple(map(_build, kinds, value))
    return float(value) if hint is float else value
