"""What is kept of a vector, and what is odd about those of a column. Knows no table and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.finding import Finding
from plait.core.words import count
from plait.data.numbers import read_bare
from plait.kinds import cell_facts
from plait.kinds.cell_facts import CellFacts, Oddity, check_cells, quick_scaled
from plait.kinds.vectors.read import digest, read
from plait.kinds.weights import averages

VERSION = 1  # of the facts below
SPEAKS = True  # an encoder saw something of the row: the same vector twice is a copy
WHOLE_FILES = False
FAULTS = {
    "not-finite": (
        "vectors-not-finite",
        "holds numbers that are not finite (NaN or infinity)",
        "Make the vectors again, or blank the cells; fit takes them as missing.",
    ),
    "no-numbers": ("vectors-empty", "holds an empty list", "Blank the cells; fit takes them as missing."),
}
THUMB = 128  # numbers of a vector that quick guesses look at: all of a short one, means of a long one

by_chance, contents, kept_keys = cell_facts.by_chance, cell_facts.contents, cell_facts.kept_keys


@dataclass(frozen=True, slots=True)
class VectorFacts(CellFacts):
    """What a vector holds. thumb: float32."""

    numbers: int = 0
    zero: bool = False

    @property
    def bare(self) -> bool:
        """Whether all its numbers are 0, as of an encoder that was given nothing."""
        return self.zero


FACTS = VectorFacts


def is_whole(cell: Any) -> bool:
    """Whether a cell is looked at as it stands: a list that is written out, and no name of a file."""
    return isinstance(cell, str) and (cell.strip()[:1] == "[" or read_bare(cell) is not None)


def look(cell: Any, folder: Path | None, rate: int | None = None, content: bytes = b"") -> VectorFacts:
    """Return the facts of a cell. Raises CellError."""
    vector = read(cell, folder)
    few = vector if len(vector) <= THUMB else averages(len(vector), THUMB) @ vector
    thumb = np.zeros(THUMB, np.float32)
    thumb[: len(few)] = few
    return VectorFacts(
        "vectors",
        decoded=digest(vector, None).hex(),
        thumb=thumb.tobytes(),
        numbers=len(vector),
        zero=not vector.any(),
    )


def quick(
    columns: Mapping[str, Sequence[VectorFacts | None]], kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, feature) and (rows,) bool: the numbers of each column's thumbs, each scaled over the rows."""
    return quick_scaled(columns, THUMB)


def check_facts(column: str, facts: Sequence[VectorFacts | None]) -> list[Finding]:
    """Return what is odd about vectors that can be read."""
    lengths = Counter(cell.numbers for cell in facts if cell is not None and not cell.fault)
    usual = lengths.most_common(1)[0][0] if lengths else 0
    oddities = {
        "vectors-length": Oddity(
            lambda cell: cell.numbers != usual,
            f"holds a vector of another length than the usual {count(usual)}",
            "Make all vectors by one encoder; fit takes those of another length as missing.",
            first=lambda cell: count(cell.numbers, "number"),
        ),
        "vectors-zero": Oddity(
            lambda cell: cell.bare,
            "holds a vector of zeros alone",
            "If it stands for nothing, blank the cells, so that they count as missing.",
        ),
    }
    return check_cells(column, facts, oddities, {})
