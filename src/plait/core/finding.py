"""One finding of a check, and the words that all of them share. Knows no check and no table."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from plait.core.words import count


@dataclass(frozen=True)
class Finding:
    """One fault, or one thing worth knowing.

    severity: error (a cell that cannot be read as what its column holds), warning (a fault of the table, or a likely
    mistake) or note. check: the name of the check, such as "file-missing". column: None for the whole table. rows: from
    0, of the cells that are at fault themselves; empty where the column or the table is. message: what came and what
    was expected. mend: how to mend it.
    """

    severity: str
    check: str
    column: str | None
    rows: tuple[int, ...]
    message: str
    mend: str

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "rows": list(self.rows)}


def say_cells(num: int, does: str) -> str:
    """Return how many cells do it: "2 cells hold silence" of (2, "holds silence")."""
    verb, space, rest = does.partition(" ")
    plural = {"is": "are"}.get(verb, verb.removesuffix("s"))
    return count(num, f"cell {does}", f"cells {plural}{space}{rest}")


def quoted(name: str) -> str:
    """Return the name of a column as a shell takes it."""
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
