"""Checks of columns, whatever their kind: holes, ids, numbers among words. What is odd about a cell, its kind says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plait.core.contract import SPLITS, Column, Schema, Table
from plait.core.finding import Finding, quoted, say_cells
from plait.core.words import count, percent
from plait.data.parse import PLAIN, is_missing, parse_number
from plait.kinds import is_opened, kind_of_column
from plait.kinds.detect import WHY_MENDED
from plait.kinds.facts import Facts, facts_of
from plait.kinds.media import SAVED

HALF, NEARLY_ALL = 0.5, 0.9  # share of absent cells: worth knowing, and a fault

_CODE = re.compile(r"[+-]?0\d+")  # 007 is a code, not a number


def check_cells(table: Table, schema: Schema) -> list[Finding]:
    """Return the findings about columns whose cells are not opened, and about the holes of all."""
    split = split_of(table, schema)
    findings = [*_check_split(table, schema)]
    for column in schema.columns:
        if column.role in ("split", "group") or column.why in ("left out as asked", WHY_MENDED):
            continue
        facts, kind = facts_of(table, column.name), kind_of_column(column.kind)
        findings += _check_filled(column, facts, table)
        if is_opened(column.kind):
            continue
        if column.role == "ignored":
            findings += _check_ids(column, facts)
            continue
        if kind is not None and kind.checks is not None:
            findings += kind.checks.check_column(column, facts, table, schema, split)
        if facts.written:
            findings += _check_numbers(column, table)
    return findings


def split_of(table: Table, schema: Schema) -> list[str | None] | None:
    """Return for each row train, val or test, None where it is blank; None for a table without a split column."""
    name = schema.role("split")
    if name is None:
        return None
    words = [None if cell is None else str(cell).strip().lower() for cell in table.cells(name)]
    return [None if word is None else SPLITS.get(word, word) for word in words]


def _check_split(table: Table, schema: Schema) -> Iterator[Finding]:
    name = schema.role("split")
    words = split_of(table, schema) or []
    strange = tuple(row for row, word in enumerate(words) if word not in (None, "train", "val", "test"))
    if name is not None and strange:
        shown = table.cells(name, strange[:1])[0]
        message = f"{say_cells(len(strange), 'holds')} no split, such as {shown!r:.60}; fit refuses the table"
        yield Finding("error", "split-unknown", name, strange, message, "Write train, val or test, or leave it blank.")


def _check_filled(column: Column, facts: Facts, table: Table) -> Iterator[Finding]:
    if not facts.rows:
        return
    absent = facts.holes
    if facts.written and any(map(is_missing, facts.uniques())):
        absent += sum(map(is_missing, table.cells(column.name)))
    part = absent / facts.rows
    if column.role == "target" and not facts.filled:
        message = f"no row of {count(facts.rows)} has a label; fit needs some to learn from"
        yield Finding("warning", "label-few-rows", column.name, (), message, "See whether the labels were lost.")
    if part >= HALF and column.role != "target":  # rows without a label are common, and counted elsewhere
        severity = "warning" if part >= NEARLY_ALL else "note"
        message = f"{count(absent)} of {count(facts.rows, 'cell is', 'cells are')} absent ({percent(part, 0)})"
        mend = f"See whether the cells were lost on the way; if not, it may be left out: --ignore {quoted(column.name)}"
        yield Finding(severity, "table-mostly-missing", column.name, (), message, mend)
    if facts.distinct == 1 and (facts.filled == facts.rows > 1 or column.role == "target"):
        holders = f"all {count(facts.filled, 'cell')} hold" if facts.filled > 1 else "the only cell holds"
        message = f"{holders} {str(facts.sample[0])[:40]!r}; nothing can be learned from it"
        mend = "Nothing is needed: it is left out. If it should differ, the table was written wrongly."
        if column.role == "target":
            mend = "A target needs two different values or more; see whether rows or labels were lost."
        yield Finding("warning", "table-constant", column.name, (), message, mend)


def _check_ids(column: Column, facts: Facts) -> Iterator[Finding]:
    if column.kind == "id" and (facts.written or facts.form in ("whole", "real")):
        if column.why.startswith(SAVED):
            mend = "Save what they hold as pictures, sounds, texts or numbers; the column teaches nothing as it is."
            yield Finding("warning", "file-unsupported", column.name, (), f"{column.why}; it is left out", mend)
            return
        mend = f"Nothing is needed; if it is no id: --kind {quoted(column.name)}=category"
        yield Finding("note", "table-id-like", column.name, (), f"{column.why}; it is left out", mend)


def _check_numbers(column: Column, table: Table) -> Iterator[Finding]:
    """Find numbers among words, and numbers that are stored as text."""
    cells = {row: cell.strip() for row, cell in enumerate(table.cells(column.name)) if cell and not is_missing(cell)}
    if column.kind == "date" or len(cells) < 2:
        return
    numbers = {row for row, cell in cells.items() if _is_number(cell)}
    words = tuple(sorted(set(cells) - numbers))
    name, share = column.name, len(numbers) / len(cells)
    if column.kind == "number":
        signed = [cells[row] for row in sorted(numbers) if not PLAIN.fullmatch(cells[row])]
        if signed or not words:
            message = f"the numbers are stored as text, such as {(signed or [cells[min(numbers)]])[0]!r}"
            mend = "fit reads them as numbers; nothing is needed. Stored as numbers they are safe everywhere."
            yield Finding("note", "table-numbers-as-text", name, (), message, mend)
    elif share >= 0.95 and not any(_CODE.fullmatch(cells[row]) for row in numbers):
        if column.role == "target" and all(cells[row].lstrip("+-").isdigit() for row in numbers):
            return  # classes named by whole numbers
        example = cells[min(numbers)]
        many = f"{count(len(numbers))} of {count(len(cells), 'cell is a number', 'cells are numbers')}"
        message = f"{many}, such as {example!r}, but it counts as {column.kind}"
        mend = f"If the amounts matter: --kind {quoted(name)}=number"
        yield Finding("warning", "table-numbers-as-text", name, (), message, mend)
    elif words and (share >= HALF or (share >= 0.05 and column.kind == "category")):
        severity, rows = ("warning", words) if share >= HALF else ("note", ())
        message = (
            f"numbers and words in one column: {count(len(numbers), 'cell is a number', 'cells are numbers')} and "
            f"{count(len(words), 'is', 'are')} not, such as {cells[words[0]]!r:.60}"
        )
        mend = f"If it holds numbers, mend the words and say --kind {quoted(name)}=number; if not, nothing is needed."
        yield Finding(severity, "table-mixed-types", name, rows, message, mend)


def _is_number(cell: str) -> bool:
    try:
        return parse_number(cell) is not None
    except ValueError:
        return False
