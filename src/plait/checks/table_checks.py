"""Checks of single cells and single columns of a table. Knows no picture, no sound and no model.

A cell is called unreadable where the preparation of tables takes it for broken; a word that stands for "missing", such
as NA, is absent and no error.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from plait.checks.findings import Finding
from plait.checks.text_checks import check_texts, split_of
from plait.core.contract import MEDIA_KINDS, MISSING_WORDS, Column, Schema, Table
from plait.core.words import count, percent
from plait.data.parse import parse_number, read_dates
from plait.kinds.detect import WHY_MENDED
from plait.kinds.facts import Facts, facts_of
from plait.kinds.tabular.prep import ColumnPrep, TabularPrep

HALF, NEARLY_ALL = 0.5, 0.9  # share of absent cells: worth knowing, and a fault
EARLIEST, LATEST = 1800, 2100  # years

_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CODE = re.compile(r"[+-]?0\d+")  # 007 is a code, not a number
_DATE_FORM = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(?=\D|$)|\d{4}年|\d{1,2}\D{1,3}[A-Za-z]{3,9}\D{1,3}\d{2,4}")
_SLASHED = re.compile(r"\s*(\d{1,2})([-./])(\d{1,2})\2\d{2,4}(?!\d)")


def check_cells(table: Table, schema: Schema) -> list[Finding]:
    """Return the findings about texts and about columns of numbers, dates and categories."""
    found = [*check_texts(table, schema), *_check_split(table, schema)]
    for column in schema.columns:
        if column.role in ("split", "group") or column.why in ("left out as asked", WHY_MENDED):
            continue
        facts = facts_of(table, column.name)
        found += _check_filled(column, facts, table)
        if column.kind in MEDIA_KINDS:
            continue
        found += _check_ids(column, facts)
        if column.role == "ignored":
            continue
        if column.kind in ("number", "date"):
            found += _check_readable(column, facts, table)
        if column.kind == "date":
            found += _check_dates(column, table, dt.date.today())
        if facts.form == "text":
            found += _check_numbers(column, table)
        if column.kind == "category" and column.role == "feature":
            found += _check_categories(column, table)
    return found


def _check_split(table: Table, schema: Schema) -> Iterator[Finding]:
    name = schema.role("split")
    words = split_of(table, schema) or []
    strange = tuple(row for row, word in enumerate(words) if word not in (None, "train", "val", "test"))
    if name is not None and strange:
        message = (
            f"{_count(strange)} no split, such as {table.cells(name, strange[:1])[0]!r:.60}; fit refuses the table"
        )
        yield Finding("error", "split-unknown", name, strange, message, "Write train, val or test, or leave it blank.")


def _check_filled(column: Column, facts: Facts, table: Table) -> Iterator[Finding]:
    if not facts.rows:
        return
    absent = facts.holes
    if facts.form == "text" and facts.distinct and any(str(cell).strip() in MISSING_WORDS for cell in facts.uniques()):
        absent += sum(isinstance(c, str) and c.strip() in MISSING_WORDS for c in table.cells(column.name))
    part = absent / facts.rows
    if column.role == "target" and not facts.filled:
        message = f"no row of {count(facts.rows)} has a label; fit needs some to learn from"
        yield Finding("warning", "label-few-rows", column.name, (), message, "See whether the labels were lost.")
    if part >= HALF and column.role != "target":  # rows without a label are common, and counted elsewhere
        severity = "warning" if part >= NEARLY_ALL else "note"
        message = f"{count(absent)} of {count(facts.rows, 'cell is', 'cells are')} absent ({percent(part, 0)})"
        mend = (
            f"See whether the cells were lost on the way; if not, it may be left out: --ignore {_quoted(column.name)}"
        )
        yield Finding(severity, "table-mostly-missing", column.name, (), message, mend)
    one = facts.filled == facts.rows > 1 or column.role == "target"
    if facts.distinct == 1 and one:
        message = f"{_all(facts.filled)} {str(facts.sample[0])[:40]!r}; nothing can be learned from it"
        mend = "Nothing is needed: it is left out. If it should differ, the table was written wrongly."
        if column.role == "target":
            mend = "A target needs two different values or more; see whether rows or labels were lost."
        yield Finding("warning", "table-constant", column.name, (), message, mend)


def _all(num: int) -> str:
    return f"all {count(num, 'cell')} hold" if num > 1 else "the only cell holds"


def _check_ids(column: Column, facts: Facts) -> Iterator[Finding]:
    why = column.why if column.kind == "id" and column.role == "ignored" else _looks_counted(column, facts)
    if why and facts.form in ("text", "whole", "real"):
        left = "it is left out" if column.role == "ignored" else "it would be learned from"
        name = _quoted(column.name)
        mend = f"Nothing is needed; if it is no id: --kind {name}=category"
        if column.role != "ignored":
            mend = f"If it is an id, leave it out: --ignore {name}"
        yield Finding("note", "table-id-like", column.name, (), f"{why}; {left}", mend)


def _looks_counted(column: Column, facts: Facts) -> str:
    """Return why a feature looks like an id: it counts the rows, or is a category with a value for nearly every row."""
    if column.role != "feature" or facts.filled < 20 or facts.distinct is None:
        return ""
    if column.kind == "category" and facts.distinct >= 0.9 * facts.filled:
        return f"nearly every row has a value of its own ({count(facts.distinct)} in {count(facts.filled, 'cell')})"
    if (
        column.kind == "number"
        and facts.form == "whole"
        and facts.distinct == facts.filled
        and facts.values is not None
    ):
        values = facts.values.to_numpy()
        if int(values.max()) - int(values.min()) + 1 == facts.filled:
            return f"whole numbers from {values.min()} to {values.max()}, each once, like a running number"
    return ""


def _check_readable(column: Column, facts: Facts, table: Table) -> Iterator[Finding]:
    """Find cells that are no number or date, as the preparation of tables judges it."""
    if facts.form in ("date", "bool") or (facts.form == "whole" and column.kind == "number"):
        return
    if facts.form == "real" and column.kind == "number" and facts.values is not None:
        values = facts.values.to_numpy()
        if not len(values) or np.abs(values).max() <= 1e30:
            return
    cells = table.cells(column.name)
    if column.role == "feature":
        cells = [None if _is_missing(cell) else cell for cell in cells]
    prep = TabularPrep(columns=(ColumnPrep.of(column.name, column.kind, cells),))
    broken = sorted(prep.broken({column.name: cells}))
    impossible = [
        row for row in broken if column.kind == "date" and isinstance(cells[row], str) and _DATE_FORM.search(cells[row])
    ]
    strange = sorted(set(broken) - set(impossible))
    if impossible:
        message = f"{_count(impossible)} a date that does not exist, such as {cells[impossible[0]]!r:.60}"
        mend = "Write the date that was meant, or leave the cell blank; fit takes it as absent."
        yield Finding("error", "date-impossible", column.name, tuple(impossible), message, mend)
    if strange:
        message = (
            f"{_count(strange)} no {column.kind}, such as {cells[strange[0]]!r:.60}, in a column of {column.kind}s"
        )
        mend = f"Write the {column.kind}, or leave the cell blank; fit takes it as absent."
        if column.role == "target":
            mend = f"Write the {column.kind}, or leave the cell blank; fit refuses such a target."
        yield Finding("error", "table-unreadable", column.name, tuple(strange), message, mend)


def _is_missing(cell: Any) -> bool:
    return isinstance(cell, str) and cell.strip() in MISSING_WORDS


def _check_numbers(column: Column, table: Table) -> Iterator[Finding]:
    """Find numbers among words, and numbers that are stored as text."""
    cells = {row: cell.strip() for row, cell in enumerate(table.cells(column.name)) if not _is_missing(cell) and cell}
    if column.kind == "date" or len(cells) < 2:
        return
    numbers = {row for row, cell in cells.items() if _is_number(cell)}
    words = tuple(sorted(set(cells) - numbers))
    name, share = column.name, len(numbers) / len(cells)
    if column.kind == "number":
        signed = next((cells[row] for row in sorted(numbers) if not _PLAIN.fullmatch(cells[row])), None)
        if signed is not None or not words:
            shown = signed if signed is not None else cells[min(numbers)]
            message = f"the numbers are stored as text, such as {shown!r}"
            mend = "fit reads them as numbers; nothing is needed. Stored as numbers they are safe everywhere."
            yield Finding("note", "table-numbers-as-text", name, (), message, mend)
    elif share >= 0.95 and not any(_CODE.fullmatch(cells[row]) for row in numbers):
        if column.role == "target" and all(cells[row].lstrip("+-").isdigit() for row in numbers):
            return  # classes named by whole numbers
        example = cells[min(numbers)]
        many = f"{count(len(numbers))} of {count(len(cells), 'cell is a number', 'cells are numbers')}"
        message = f"{many}, such as {example!r}, but it counts as {column.kind}"
        mend = f"If the amounts matter: --kind {_quoted(name)}=number"
        yield Finding("warning", "table-numbers-as-text", name, (), message, mend)
    elif words and (share >= HALF or (share >= 0.05 and column.kind == "category")):
        severity, rows = ("warning", words) if share >= HALF else ("note", ())
        message = (
            f"numbers and words in one column: {count(len(numbers), 'cell is a number', 'cells are numbers')} and "
            f"{count(len(words), 'is', 'are')} not, such as "
            f"{cells[words[0]]!r:.60}"
        )
        mend = f"If it holds numbers, mend the words and say --kind {_quoted(name)}=number; if not, nothing is needed."
        yield Finding(severity, "table-mixed-types", name, rows, message, mend)


def _is_number(cell: str) -> bool:
    try:
        return parse_number(cell) is not None
    except ValueError:
        return False


def _check_categories(column: Column, table: Table) -> Iterator[Finding]:
    """Find values that one row alone has."""
    keys = [
        None if cell is None else unicodedata.normalize("NFC", str(cell)).strip() for cell in table.cells(column.name)
    ]
    counts = Counter(key for key in keys if key)
    alone = tuple(row for row, key in enumerate(keys) if key and counts[key] == 1)
    if alone and max(counts.values()) > 1:
        few = len(alone) <= 0.05 * sum(counts.values())
        shown = ", ".join(repr(str(keys[row])[:40]) for row in alone[:3]) + (" …" if len(alone) > 3 else "")
        message = f"{count(len(alone))} of {count(len(counts), 'value is', 'values are')} in one row only: {shown}"
        mend = "See whether they are misspelt. What is seen once cannot be learned from, and counts as rare."
        yield Finding("note", "table-category-once", column.name, alone if few else (), message, mend)


def _check_dates(column: Column, table: Table, today: dt.date) -> Iterator[Finding]:
    cells = table.cells(column.name)
    texts = {row: cell.strip() for row, cell in enumerate(cells) if isinstance(cell, str) and not _is_missing(cell)}
    forms = Counter(date_form(text) for text in texts.values())
    orders = [match for text in texts.values() if (match := _SLASHED.match(text))]
    both = any(int(m[1]) > 12 for m in orders) and any(int(m[3]) > 12 for m in orders)
    known = {form: count for form, count in forms.items() if form}
    if len(known) > 1 or both:
        told = ", ".join(f"{form} ({count(known[form])})" for form in sorted(known, key=lambda f: -known[f])[:5])
        if both:
            told += "; in some the day stands first, in others the month"
        message = f"dates are written in several ways: {told}"
        mend = "plait check --fix OUT writes them as ISO 8601; where day and month may be swapped, see for yourself."
        yield Finding("warning", "date-formats", column.name, (), message, mend)
    cells = [None if _is_missing(cell) else cell for cell in cells]
    years = {row: when for row, when in enumerate(read_dates(cells)) if when is not None}
    absurd = [row for row, when in years.items() if not EARLIEST <= when.year <= LATEST]
    late = [row for row, when in years.items() if when.date() > today and row not in set(absurd)]
    if late and len(late) > 0.05 * len(years):
        late = []  # a column of plans, not of mistakes
    rows = tuple(sorted(absurd + late))
    if rows:
        message = f"{_count(rows)} a date far from the others or in the future, such as {str(cells[rows[0]])[:40]!r}"
        mend = "See whether it is meant; if not, write the right date or leave the cell blank."
        yield Finding("note", "date-range", column.name, rows, message, mend)


def date_form(text: str) -> str:
    """Return how the day of a date is written, "" where it cannot be told. The clock after it does not count.

    >>> date_form("2024-12-31 10:00"), date_form("31.12.2024"), date_form("31 Dec 2024")
    ('YYYY-MM-DD', 'D.M.YYYY', 'D Mon YYYY')
    """
    day = re.match(r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})(?!\d)", text)
    if day:
        first, sign, _second, last = day.groups()
        if len(first) > 2:
            return f"YYYY{sign}MM{sign}DD"
        return f"D{sign}M{sign}{'YYYY' if len(last) > 2 else 'YY'}"
    if re.match(r"\d{4}年", text):
        return "YYYY年M月D日"
    if re.match(r"\d{1,2}(?:st|nd|rd|th)?[\s-]+[A-Za-z]{3}", text):
        return "D Mon YYYY"
    if re.match(r"[A-Za-z]{3,9}\.?,?\s+\d", text):
        return "Mon D, YYYY"
    return "YYYYMMDD" if re.fullmatch(r"\d{8}", text) else ""


def _count(rows: Sequence[int]) -> str:
    return count(len(rows), "cell holds", "cells hold")


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[\w.-]+", name) else f"'{name}'"
