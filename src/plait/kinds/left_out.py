"""Which filled columns are left out without being asked to, in words that show, check and fit share. Knows no table."""

from __future__ import annotations

from plait.core.contract import Column, Schema
from plait.core.finding import quoted
from plait.core.words import count
from plait.kinds import is_opened
from plait.kinds.media import means_files

WHY_ASKED, WHY_EMPTY = "left out as asked", "every cell is empty"
QUIET = (WHY_ASKED, WHY_EMPTY, "says ", "looks like a split")  # plait's own columns say how others came to be
SURE = 0.9  # how sure an id must be to be left out without a word


def is_lost(column: Column) -> bool:
    """Whether a column that holds something is left out, though nobody asked for it and it is surely no id."""
    sure = column.kind == "id" and column.confidence >= SURE
    return column.role == "ignored" and not sure and not column.why.startswith(QUIET)


def way_in(column: Column) -> str:
    """Return how a column that is left out is used after all; "" where its reason says it."""
    is_told = is_opened(column.kind) or means_files(column) or "--kind" in column.why or "kinds=" in column.why
    return "" if is_told else f"to use it: --kind {quoted(column.name)}=category (or number, text)"


def say_left_out(schema: Schema, most: int | None = None) -> list[str]:
    """Return a line for each column that is lost, `most` of them at most, with the reason and the way out."""
    lost = [column for column in schema.columns if is_lost(column)]
    lines = []
    for column in lost[:most]:
        way = way_in(column)
        lines.append(f"warning: {column.name!r} is left out: {column.why}" + (f"; {way}" if way else ""))
    more = len(lost) - len(lines)
    return lines + (
        [f"warning: {count(more, 'more column is', 'more columns are')} left out: plait show"] if more else []
    )
