"""A row of a table as a sentence: text from cells. Knows no picture, no sound and no table file."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.converters.graph import ByValue
from plait.errors import CellError, RequestError, did_you_mean

ABSENT = "unknown"  # what stands where a named cell is absent
_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


@dataclass(frozen=True)
class Template(ByValue):
    """Cells to words: "age: 30, colour: red", or what a template says.
    Without one each cell that is there is named, in the order of the columns: underscores of a name become blanks,
    whole numbers have no decimals, dates are in ISO 8601, true and false are yes and no. A template has column names in
    braces, {{ and }} for braces; a named cell that is absent reads "unknown", and the confidence is the share of those
    that are there. A row without a cell is a CellError."""

    template: str = field(default="", metadata={"help": 'Words with columns in braces: "a {age}-year-old". Or all.'})

    name, source, target = "template", "tabular", "text"
    cost, quality = 1e-5, 1.0
    version = "template 1"

    def __post_init__(self) -> None:
        if self.template and not any(is_name for _text, is_name in _pieces(self.template)):
            how = "write it in braces, such as {age}."
            raise RequestError(f"template.template {self.template!r} names no column; {how}")

    def convert(self, value: Mapping[str, Any]) -> tuple[str, float]:
        """Return the words of a row {column: cell}. Raises RequestError where the template names no column of it."""
        spoken = {column: speak_cell(cell) for column, cell in value.items()}
        named = []
        words = ""
        for text, is_name in _pieces(self.template):
            if is_name:
                column = text if text in spoken else text.strip()
                if column not in spoken:
                    near = did_you_mean(text, spoken)
                    raise RequestError(f"the template names the column {text!r}, which is not there. {near}")
                named.append(spoken[column])
                text = spoken[column] or ABSENT
            words += text
        if not any(spoken.values()):
            raise CellError("no cell of this row is there", "blank")
        if named:
            return words, sum(map(bool, named)) / len(named)
        parts = [(" ".join(str(column).replace("_", " ").split()), cell) for column, cell in spoken.items() if cell]
        return ", ".join(f"{column}: {cell}" if column else cell for column, cell in parts), 1.0


def _pieces(template: str) -> list[tuple[str, bool]]:
    """Return (text, whether it is the name of a column) in order. Raises RequestError for a brace without its other."""
    pieces, end = [], 0
    for match in _PART.finditer(template):
        pieces.append((template[end : match.start()], False))
        end = match.end()
        name = match[1]
        if match[0] in ("{{", "}}"):
            pieces.append((match[0][0], False))
        elif name is None:
            raise RequestError(
                f"template.template {template!r} has a lone {match[0]!r} at character {match.start() + 1}; "
                "columns stand in braces, such as {age}, and a brace itself is written twice."
            )
        elif not name.strip():
            raise RequestError(f"template.template {template!r} has empty braces; expected the name of a column there.")
        else:
            pieces.append((name, True))
    return [*pieces, (template[end:], False)]


def speak_cell(cell: Any) -> str:
    """Return a cell in words, "" where it is absent (None, NaN, NaT, blank).
    3.0 → "3", 0.30000000000000004 → "0.3" (six places that count, or all of a whole number), True → "yes",
    a day → "2024-05-01", a time of a day → "2024-05-01 13:30"."""
    if hasattr(cell, "item") and getattr(cell, "ndim", 0) == 0:
        if cell.dtype.kind == "M":
            cell = cell.astype("datetime64[us]")  # nanoseconds would become a number
        cell = cell.item()
    if cell is None or type(cell).__name__ == "NAType" or cell != cell:  # pandas.NA has no truth value
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        if math.isinf(cell):
            return "infinite" if cell > 0 else "minus infinite"
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.6g}"
    if isinstance(cell, datetime.datetime) and (cell.tzinfo or cell.time() != datetime.time(0)):
        exact = "microseconds" if cell.microsecond else "seconds" if cell.second else "minutes"
        return cell.isoformat(sep=" ", timespec=exact)
    if isinstance(cell, datetime.date):  # or a time that is a day
        return datetime.date.isoformat(cell)
    return " ".join(str(cell).split())
