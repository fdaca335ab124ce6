"""From the facts of pictures and sounds to findings: broken files and duplicates, and what their kind finds odd.
Opens no file itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from plait.checks.survey import Survey
from plait.checks.table_checks import split_of
from plait.core.contract import Table
from plait.core.finding import Finding, say_cells
from plait.core.words import count
from plait.data.nearby import near_files
from plait.kinds import KINDS
from plait.kinds.cell_facts import CellFacts, first_of, rows_where
from plait.kinds.facts import rows_of
from plait.kinds.kind import Kind

Facts = Sequence[CellFacts | None]  # of the cells of a column
MOST = 50  # names that are not there, whose meaning is looked for
# What makes a cell of any kind unreadable: fault → name of the check, what its cells do, how to mend it.
BROKEN = {
    "missing": (
        "file-missing",
        "names a file that is not there",
        "Restore the files, mend the paths (they are relative to the table's folder), or blank the cells.",
    ),
    "link": (
        "file-link",
        "names a link that leads out of the table's folder",
        "Copy the files into the folder, or say with --folder where they are.",
    ),
    "empty": ("file-empty", "names a file of 0 bytes", "Copy the files again, or blank the cells."),
    "truncated": ("file-truncated", "holds a file whose end is missing", "Copy the files again, or blank the cells."),
    "wrong-kind": (
        "file-wrong-kind",
        "holds something else than {a_kind}",
        "Put the right files in their place, or blank the cells.",
    ),
    "unsupported": (
        "file-unsupported",
        "holds a format that is not decoded here",
        "Do what the reason says, or blank the cells; until then they count as missing.",
    ),
    "unreadable": ("file-unreadable", "cannot be read", "Replace the files by whole ones, or blank the cells."),
    "address": ("file-address", "is an address, which is never fetched", "Download the files and write their paths."),
}


def check_media(survey: Survey) -> list[Finding]:
    """Return what is wrong with, or worth knowing of, the pictures and sounds of a table, column by column."""
    splits = [part or "" for part in split_of(survey.table, survey.schema) or [None] * len(survey.table)]
    findings: list[Finding] = []
    for modality in survey.schema.modalities:
        kind = KINDS[modality.kind]
        for column in modality.columns:
            if (facts := survey.facts.get(column)) is not None:
                findings += check_files(column, kind, facts, survey.table)
                findings += kind.checks.check_facts(column, facts)
                findings += check_duplicates(column, kind, facts, splits)
    return findings


def check_files(column: str, kind: Kind, facts: Facts, table: Table | None = None) -> Iterator[Finding]:
    """Find what is wrong with files as files, whatever is in them, and what names that lead nowhere may mean."""
    for fault, rows in sorted(rows_of(None if cell is None else cell.fault or None for cell in facts).items()):
        check, does, mend = (BROKEN | kind.checks.FAULTS)[fault]
        message = f"{say_cells(len(rows), does.format(a_kind=f'a {kind.noun}'))}; the first: "
        message += first_of(facts, rows).reason
        if fault == "missing" and table is not None:
            names = (cell.get("path") if isinstance(cell, dict) else cell for cell in table.cells(column, rows[:MOST]))
            near = near_files((name for name in names if isinstance(name, str)), table.folder)
            mend = f"{near}: write it so. {mend}" if near else mend
        yield Finding("error", check, column, tuple(rows), message, mend)
    if renamed := rows_where(facts, lambda cell: cell.renamed):
        first, does = first_of(facts, renamed), "holds a file of another format than its ending says"
        message = f"{say_cells(len(renamed), does)}; the first: {first.path} is {first.format}"
        yield Finding("warning", "file-wrong-ending", column, renamed, message, "Rename the files.")
    if outside := rows_where(facts, lambda cell: cell.outside, readable=False):
        does = "names a file outside the folder of the table"
        message = f"{say_cells(len(outside), does)}; the first: {first_of(facts, outside).path}"
        mend = "Move the files into the folder of the table, so that both can be moved together."
        yield Finding("warning", "file-outside", column, outside, message, mend)


def check_duplicates(column: str, of: Kind, facts: Facts, splits: Sequence[str]) -> Iterator[Finding]:
    """Find cells that hold the same, or nearly, within a split and across splits.
    Pictures of one colour and silence are left out: they are a finding of their own."""
    kind, noun = of.name, of.noun
    groups = rows_of(
        # an array has no file whose content could be compared
        None if cell is None or cell.fault or cell.bare else cell.decoded or cell.digest or f"row {row}"
        for row, cell in enumerate(facts)
    ).values()
    places = [cell.path or f"row {row}" if cell is not None else "" for row, cell in enumerate(facts)]
    same = [rows for rows in groups if len(rows) > 1]
    copies = tuple(sorted(row for rows in same for row in rows[1:] if places[row] != places[rows[0]]))
    if copies:
        where = ", in another file" if facts[copies[0]].path else ""  # type: ignore[union-attr]
        message = say_cells(len(copies), f"holds the same {noun} as an earlier row{where}")
        mend = "Keep one of each, or check that they were meant: a copy counts twice. --fix OUT drops equal rows."
        yield Finding("warning", f"{kind}-duplicate", column, copies, message, mend)
    again = sum(len(rows) - len({places[row] for row in rows}) for rows in same)
    if again:
        message = f"{count(again, 'cell names', 'cells name')} the file of an earlier row again"
        yield Finding("note", f"{kind}-repeated", column, (), message, "No fault where it was meant.")
    of_first = {rows[0]: rows for rows in groups}
    near: list[list[int]] = []
    if hasattr(of.checks, "check_near"):
        near, findings = of.checks.check_near(column, facts, list(of_first))
        yield from findings
    joined = [[row for first in group for row in of_first[first]] for group in near]
    leaks = _across(same + joined, splits)
    if leaks:
        does = f"holds a {noun} that is in another split too" + (", or nearly" if near else "")
        message = f"{say_cells(len(leaks), does)} (rows of {_home(splits)!r} are not counted)"
        mend = "Keep each in one split: a score on rows that were learned from is too good."
        yield Finding("warning", f"{kind}-duplicate-split", column, leaks, message, mend)


def _home(splits: Sequence[str]) -> str:
    """Return the largest split."""
    return Counter(split for split in splits if split).most_common(1)[0][0]


def _across(groups: Sequence[Sequence[int]], splits: Sequence[str]) -> tuple[int, ...]:
    """Return the rows, outside the largest split, of groups that lie in several splits."""
    shared = [group for group in groups if len({splits[row] for row in group} - {""}) > 1]
    return tuple(sorted({row for group in shared for row in group if splits[row] not in ("", _home(splits))}))
