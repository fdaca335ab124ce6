"""One way in which inputs of a kind get worse, level by level."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Worsening:
    """what: its name in a report; unit: of its levels, the last of which is the worst; on: what change takes.

    "input": change(prepared inputs (batch, …), level, generator, layout); "value": change(one opened cell, level,
    generator); "cell": change(one cell as it stands in its column, level, generator). Each change draws everything
    first, so that from the same seed a worse level holds the better one. applies: whether a layout can get worse so.
    """

    what: str
    unit: str
    levels: Sequence[float]
    on: str
    change: Callable[..., Any]
    applies: Callable[[Mapping[str, Any]], bool] = lambda layout: True
