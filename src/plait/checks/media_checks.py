"""From the facts of pictures and sounds to findings: broken files and duplicates, and what their kind finds odd.

Opens no file itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from plait.checks.splits import split_of
from plait.checks.survey import Survey
from plait.core.contract import Schema, Table
from plait.core.finding import Finding, say_cells
from plait.core.words import count
from plait.kinds import KINDS
from plait.kinds.cell_facts import CellFacts, first_of, rows_where
from plait.kinds.kind import Kind

# What makes a cell of any kind unreadable: fault → name of the check, what its cells do, how to mend it.
BROKEN = {
    "missing": (
        "file-missing",
        "names a file that is not there",
        "Restore the files, mend the paths (they are relative to the table's folder), or blank the cells.",
    ),
    "empty": ("file-empty", "names a file of 0 bytes", "Copy the files again, or blank the cells."),
    "truncated": ("file-truncated", "holds a file whose end is missing", "Copy the files again, or blank the cells."),
    "wrong-kind": (
        "file-wrong-kind",
        "holds something else than {a_kind}",
        "Put the right files in their place, or blank the cells.",
    ),
    "unreadable": ("file-unreadable", "cannot be read", "Replace the files by whole ones, or blank the cells."),
    "address": ("file-address", "is an address, which is never fetched", "Download the files and write their paths."),
}


def check_media(table: Table, schema: Schema, survey: Survey) -> list[Finding]:
    """Return what is wrong with, or worth knowing of, the pictures and sounds of a table, column by column."""
    words = [part or "" for part in split_of(table, schema) or [None] * len(table)]
    found: list[Finding] = []
    opened = [(KINDS[m.kind], column) for m in schema.modalities for column in m.columns if column in survey.facts]
    for kind, column in opened:
        facts = survey.facts[column]
        found += check_files(column, kind, facts)
        found += kind.checks.check_facts(column, facts)
        found += check_duplicates(column, kind, facts, words)
    return found


def check_files(column: str, kind: Kind, facts: Sequence[CellFacts | None]) -> list[Finding]:
    """Return what is wrong with files as files, whatever is in them."""
    found = []
    for fault in sorted({cell.fault for cell in facts if cell is not None} - {""}):
        rows = tuple(row for row, cell in enumerate(facts) if cell is not None and cell.fault == fault)
        first = first_of(facts, rows)
        check, does, mend = (BROKEN | kind.checks.FAULTS)[fault]
        does = does.format(a_kind=f"a {kind.noun}")
        found.append(
            Finding("error", check, column, rows, f"{say_cells(len(rows), does)}; the first: {first.reason}", mend)
        )
    if rows := rows_where(facts, lambda cell: cell.renamed):
        first = first_of(facts, rows)
        message = f"{say_cells(len(rows), 'holds a file of another format than its ending says')}; the first: "
        message += f"{first.path} is {first.format}"
        found.append(Finding("warning", "file-wrong-ending", column, rows, message, "Rename the files."))
    if rows := rows_where(facts, lambda cell: cell.outside, readable=False):
        first = first_of(facts, rows)
        message = f"{say_cells(len(rows), 'names a file outside the folder of the table')}; the first: {first.path}"
        mend = "Move the files into the folder of the table, so that both can be moved together."
        found.append(Finding("warning", "file-outside", column, rows, message, mend))
    return found


def check_duplicates(column: str, of: Kind, facts: Sequence[CellFacts | None], splits: Sequence[str]) -> list[Finding]:
    """Return cells that hold the same, or nearly, within a split and across splits.

    Pictures of one colour and silence are left out: they are a finding of their own.
    """
    kind, what = of.name, of.noun
    groups: dict[str, list[int]] = {}
    for row, cell in enumerate(facts):
        if cell is not None and not cell.fault and not cell.bare:
            # an array has no file whose content could be compared
            groups.setdefault(cell.decoded or cell.digest or f"row {row}", []).append(row)
    same = [rows for rows in groups.values() if len(rows) > 1]
    copies = sorted(row for rows in same for row in _copies(rows, facts))
    found = []
    if copies:
        message = f"{say_cells(len(copies), f'holds the same {what} as an earlier row, in another file')}"
        mend = "Keep one of each, or check that they were meant: a copy counts twice. --fix OUT drops equal rows."
        found.append(Finding("warning", f"{kind}-duplicate", column, tuple(copies), message, mend))
    again = sum(len(rows) - len({_place(facts, row) for row in rows}) for rows in same)
    if again:
        message = f"{count(again, 'cell names', 'cells name')} the file of an earlier row again"
        found.append(Finding("note", f"{kind}-repeated", column, (), message, "No fault where it was meant."))
    near, said = of.checks.check_near(column, facts, [rows[0] for rows in groups.values()])
    found += said
    of_first = {rows[0]: rows for rows in groups.values()}
    joined = [[row for first in group for row in of_first[first]] for group in near]
    leaks = _across(same + joined, splits)
    if leaks:
        does = f"holds a {what} that is in another split too" + (", or nearly" if near else "")
        message = f"{say_cells(len(leaks), does)} (rows of {_home(splits)!r} are not counted)"
        mend = "Keep each in one split: a score on rows that were learned from is too good."
        found.append(Finding("warning", f"{kind}-duplicate-split", column, leaks, message, mend))
    return found


def _copies(rows: Sequence[int], facts: Sequence[CellFacts | None]) -> list[int]:
    """Return the rows whose place (file, or own bytes) did not come before."""
    first = _place(facts, rows[0])
    return [row for row in rows[1:] if _place(facts, row) != first]


def _place(facts: Sequence[CellFacts | None], row: int) -> str:
    return first_of(facts, [row]).path or f"row {row}"


def _home(splits: Sequence[str]) -> str:
    return Counter(split for split in splits if split).most_common(1)[0][0]


def _across(groups: Iterable[Sequence[int]], splits: Sequence[str]) -> tuple[int, ...]:
    """Return the rows, outside the largest split, of groups that lie in several splits."""
    rows = set()
    for group in groups:
        if len({splits[row] for row in group} - {""}) > 1:
            rows |= {row for row in group if splits[row] not in ("", _home(splits))}
    return tuple(sorted(rows))
