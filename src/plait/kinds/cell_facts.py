"""What is kept of a cell that was opened, such as a picture or a sound, and what is asked of a column of such cells.

Opens no file. A kind adds facts of its own to `CellFacts`; `facts` are those of one column, None where it is blank.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np

from plait.core.finding import Finding, say_cells
from plait.core.words import count

WHOLE = (0.0, None)  # the part of a file that a cell names, in seconds: all of it


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What one opened cell holds. `fault` is "" where it can be read; then the facts of its kind are filled in.

    fault: missing, link, empty, address, too-large, truncated, wrong-kind, unsupported, no-samples, not-finite or
    unreadable; reason: the words for it. path: "" where the cell holds bytes or an array. digest: SHA-256 of the file
    (hex); decoded: of what it holds, where other files may hold the same. outside: it lies outside the table's folder.
    header: what the header says wrongly of data that can be read. thumb: the little that quick guesses look at.
    """

    kind: str
    fault: str = ""
    reason: str = ""
    path: str = ""
    digest: str = ""
    cell: str = ""  # the hash under which features of a whole file are kept
    decoded: str = ""
    format: str = ""
    outside: bool = False
    renamed: bool = False  # the ending names another format
    header: str = ""
    thumb: bytes = b""

    @property
    def bare(self) -> bool:
        """Whether it shows nothing that could be compared, as silence does."""
        return False

    def to_json(self) -> dict[str, Any]:
        """Return what differs from the defaults; not the path and what follows from it, which belong to the table."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("path", "outside", "thumb")}
        values["thumb"] = base64.b64encode(self.thumb).decode()
        defaults = {f.name: f.default for f in fields(self)} | {"thumb": ""}
        return {name: value for name, value in values.items() if value != defaults[name]}

    @classmethod
    def from_json(cls, kind: str, data: Mapping[str, Any] | None) -> Self | None:
        """Return the facts of a cell of this kind, or None where the form is not theirs."""
        if data is None or data.get("kind") != kind:
            return None
        try:
            facts = cls(**{**data, "thumb": base64.b64decode(data.get("thumb", ""), validate=True)})
        except (TypeError, ValueError):
            return None
        right = all(type(getattr(facts, f.name)) is type(f.default) for f in fields(cls) if f.name != "kind")
        return facts if right else None


F = TypeVar("F", bound=CellFacts)


class Oddity(NamedTuple):
    """What may be odd about cells that can be read. first: what is said of the first that is."""

    test: Callable[[Any], object]
    does: str
    mend: str
    severity: str = "warning"
    first: Callable[[Any], str] | None = None


def check_cells(
    column: str,
    facts: Sequence[CellFacts | None],
    oddities: Mapping[str, Oddity],
    mixtures: Mapping[str, tuple[Callable[[Any], str], str, str]],
) -> list[Finding]:
    """Return findings by the name of their check. mixtures: (name of a cell, what has several names, how to mend)."""
    findings = []
    for check, odd in oddities.items():
        if rows := rows_where(facts, odd.test):
            message = say_cells(len(rows), odd.does)
            message += f"; the first: {odd.first(first_of(facts, rows))}" if odd.first else ""
            findings.append(Finding(odd.severity, check, column, rows, message, odd.mend))
    for check, mixture in mixtures.items():
        findings += check_mixed(column, facts, check, *mixture)
    return findings


def rows_where(facts: Sequence[F | None], test: Callable[[F], object], readable: bool = True) -> tuple[int, ...]:
    """Return the rows whose cells pass a test; readable: of those that can be read."""
    return tuple(
        row for row, cell in enumerate(facts) if cell is not None and not (readable and cell.fault) and test(cell)
    )


def first_of(facts: Sequence[F | None], rows: Sequence[int]) -> F:
    """Return the facts of the first of these rows."""
    cell = facts[rows[0]]
    assert cell is not None
    return cell


def check_mixed(
    column: str, facts: Sequence[F | None], check: str, name: Callable[[F], str], what: str, mend: str
) -> list[Finding]:
    """Return a finding about the column where the cells that can be read have several names."""
    names = {row: name(cell) for row, cell in enumerate(facts) if cell is not None and not cell.fault}
    counts = Counter(names.values())
    if len(counts) < 2:
        return []
    rare = counts.most_common()[-1][0]
    listed = ", ".join(f"{count(num)} {value}" for value, num in counts.most_common(6))
    listed += f" and {len(counts) - 6} more" if len(counts) > 6 else ""
    first = next(row for row, value in names.items() if value == rare)
    return [Finding("warning", check, column, (), f"{what}: {listed}; row {first} is {rare}", mend)]


def contents(columns: Mapping[str, Sequence[CellFacts | None]]) -> list[Any]:
    """Return what each row holds of these columns, as something to compare; None where nothing can be read."""
    parts = [
        [None if cell is None or cell.fault else cell.decoded or cell.digest or None for cell in facts]
        for facts in columns.values()
    ]
    return [row if any(part is not None for part in row) else None for row in zip(*parts, strict=True)]


def by_chance(content: Any) -> bool:
    """Whether the same may come again without a copy; of what was opened it does not."""
    return False


def kept_keys(columns: Mapping[str, Sequence[CellFacts | None]]) -> list[bytes]:
    """Return the keys that features of whole files are kept under, of one column; none of several."""
    if len(columns) > 1:
        return []
    return [bytes.fromhex(cell.cell) for facts in columns.values() for cell in facts if cell is not None and cell.cell]


def quick_numbers(
    columns: Mapping[str, Sequence[F | None]], size: int, numbers: Callable[[F], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers (feature,) of the thumb of each cell, side by side: (rows, feature) float32, 0 where none is,
    and (rows,) bool where there are any."""
    shape = len(columns), len(next(iter(columns.values())))
    values, present = np.zeros((*shape, size), np.float32), np.zeros(shape, bool)
    for place, facts in enumerate(columns.values()):
        for row, cell in enumerate(facts):
            if cell is not None and not cell.fault and cell.thumb:
                values[place, row], present[place, row] = numbers(cell), True
    return np.concatenate(values, axis=1), np.any(present, axis=0)


def quick_scaled(columns: Mapping[str, Sequence[F | None]], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what `quick_numbers` does of thumbs that are float32, each number scaled over the rows that have any."""
    values, present = quick_numbers(columns, size, lambda cell: np.frombuffer(cell.thumb, np.float32))
    there = values[present]
    if len(there):
        spread = there.std(0)
        values[present] = (there - there.mean(0)) / np.where(spread > 1e-6, spread, 1)
    return values, present
