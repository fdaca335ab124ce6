"""One finding of a check, and the words that all of them share. Knows no check and no table."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from plait.core.words import count, plural_verb


@dataclass(frozen=True)
class Finding:
    """One fault, or one thing worth knowing."""

    severity: str  # error (a cell cannot be read as what its column holds), warning (a likely mistake) or note
    check: str  # its name, such as "file-missing"
    column: str | None  # None for the whole table
    rows: tuple[int, ...]  # from 0, of the cells that are at fault themselves
    message: str  # what came and what was expected
    mend: str  # how to mend it

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": list(self.rows)}


def say_cells(num: int, does: str) -> str:
    """Return how many cells do it: "2 cells hold silence" of (2, "holds silence")."""
    verb, space, rest = does.partition(" ")
    return count(num, f"cell {does}", f"cells {plural_verb(verb)}{space}{rest}")


def quoted(name: str) -> str:
    """Return the name of a column as a shell takes it."""
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
