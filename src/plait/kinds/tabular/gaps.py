"""What cells of a table are not as in training: blank, unreadable, new, written otherwise, in another time zone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import NEW
from plait.core.words import say_rows, say_some
from plait.data.parse import counts_from_1970, zones_in
from plait.kinds.tabular.prep import ColumnPrep, TabularPrep, key_of, note, read_numbers, show_cell


def find_gaps(prep: TabularPrep, columns: Mapping[str, Sequence[Any]]) -> tuple[dict[int, str], dict[int, list[str]]]:
    """Return {row: why cells are of no use: not readable, or new without a code for it}, {row: columns blank}."""
    useless: dict[int, str] = {}
    blank: dict[int, list[str]] = {}
    for column in prep.columns:
        if column.name not in columns:
            continue
        cells = columns[column.name]
        if column.kind == "category":
            keys = [key_of(cell) for cell in cells]
            absent = [row for row, key in enumerate(keys) if key is None]
            meant = {} if column.rare else prep.meant(column, keys)
            for row, key in enumerate(keys) if None in meant.values() else ():
                if key is not None and meant[key] is None:
                    note(useless, row, f"column {column.name!r}: {show_cell(cells[row])} {NEW}")
        else:
            unreadable: dict[int, str] = {}
            absent = np.flatnonzero(np.isnan(read_numbers(column, cells, unreadable)[:, 0])).tolist()
            absent = [row for row in absent if row not in unreadable]
            for row, why in unreadable.items():
                note(useless, row, why)
        for row in absent:
            blank.setdefault(row, []).append(column.name)
    return useless, blank


def compare_cells(prep: TabularPrep, columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return sentences on how cells differ from those of training: new values, other spellings, other zones."""
    lines = []
    for column in prep.columns:
        cells = columns[column.name]
        if column.kind == "category":
            counts = Counter(key for cell in cells if (key := key_of(cell)) is not None)
            meant = prep.meant(column, [*counts])
            new = [key for key, value in meant.items() if value is None]
            other = [key for key, value in meant.items() if value not in (None, key)]
            if new:
                rows = say_rows(sum(counts[key] for key in new), "holds")
                lines.append(f"column {column.name!r}: {rows} a value that {NEW}: {say_some([*map(show_cell, new)])}.")
            if other:
                rows = say_rows(sum(counts[key] for key in other), "holds")
                pairs = say_some([f"{show_cell(key)} for {show_cell(meant[key])}" for key in other])
                lines.append(f"column {column.name!r}: {rows} a known value, written otherwise: {pairs}.")
        elif column.kind == "date" and (line := _compare_zones(column, cells)):
            lines.append(f"column {column.name!r}: {line}")
    return lines


def _compare_zones(column: ColumnPrep, cells: Sequence[Any]) -> str:
    """Return a sentence on the zones that moments name otherwise than in training; "" where there are none."""

    def say(zones: Sequence[int]) -> str:
        return ", ".join(f"{'-' if zone < 0 else '+'}{abs(zone) // 60:02}:{abs(zone) % 60:02}" for zone in zones[:3])

    def zones_of(cell: Any) -> set[int]:
        return {0} if column.zones and counts_from_1970(cell) else zones_in([cell])

    known, counts = column.zones, Counter(zone for cell in cells for zone in zones_of(cell))
    new = sorted(zone for zone in counts if zone not in known)
    if not new:
        return ""
    num, trained = sum(counts[zone] for zone in new), say(known) or "none"
    clocks = "its clock shows" if num == 1 else "their clocks show"
    then = f"read as {clocks}" if column.zone is None else "turned to that" if len(known) == 1 else "read as UTC"
    return f"{say_rows(num, 'is')} in another time zone ({say(new)}) than in training ({trained}), {then}."
