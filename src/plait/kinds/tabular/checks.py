"""What is odd about a column of numbers, categories or dates. Knows no model.

A cell is called unreadable where the preparation of tables takes it for broken; a word that stands for "missing", such
as NA, is absent and no error.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Column, Schema, Table
from plait.core.finding import Finding, quoted, say_cells
from plait.core.words import count
from plait.data import parse
from plait.data.parse import decimal_signs, is_day_first, is_missing, read_dates, zones_in
from plait.data.spelling import say_alike
from plait.kinds.facts import Facts, rows_of
from plait.kinds.tabular.mend import say_order
from plait.kinds.tabular.prep import BEFORE, ColumnPrep, TabularPrep, read_numbers
from plait.kinds.text.checks import check_signs

SPEAKS = False  # a column may be beside the point, and equal numbers come again by chance
EARLIEST, LATEST = 1800, 2100  # years

ENDS = 4  # lowest and highest numbers among which such are looked for
COMMON, MANY = 0.05, 20  # share of the rows that a lone -1 has, and different values beside it
_DATE_FORM = re.compile(r"\d{1,4}([-./])\d{1,2}\1\d{1,4}(?=\D|$)|\d{4}年|\d{1,2}\D{1,3}[A-Za-z]{3,9}\D{1,3}\d{2,4}")
_SLASHED = re.compile(r"\s*(\d{1,2})([-./])(\d{1,2})\2\d{2,4}(?!\d)")


def contents(columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Return what each row holds, as something to compare; None where nothing is there."""
    parts = [[None if cell is None else str(cell).strip() for cell in cells] for cells in columns.values()]
    return [row if any(part is not None for part in row) else None for row in zip(*parts, strict=True)]


def kept_keys(columns: Mapping[str, Sequence[Any]]) -> list[bytes]:
    """Return the keys that features are kept under: none, for no encoder is asked about numbers."""
    return []


def quick(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers and codes, scaled, (rows, feature), and (rows,) bool where any cell is there."""
    prep = TabularPrep(max_categories=BEFORE).fitted(dict(columns), kinds)
    present = np.any([[cell is not None for cell in cells] for cells in columns.values()], axis=0)
    values = prep.onehot(prep(dict(columns)))
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 1e-6, spread, 1), present


def check_column(
    column: Column, facts: Facts, table: Table, schema: Schema, split: Sequence[str | None] | None
) -> list[Finding]:
    """Return the findings about one column of numbers, categories or dates."""
    cells = table.cells(column.name)
    if column.kind == "category":
        findings = check_signs(column.name, [cell if isinstance(cell, str) else None for cell in cells])
        findings += _check_counted(column, facts)
        return [*findings, *(_check_categories(column, cells) if column.role == "feature" else ())]
    findings = [*_check_counted(column, facts), *_check_readable(column, facts, cells)]
    if column.kind == "number" and facts.written and len(decimal_signs(cells)) == 2:
        message = "some numbers have a decimal comma and others a decimal point; each is read as it is written"
        mend = "Write all of them with a point. 1,234 is read as 1234, and 1.234 as 1.234."
        findings.append(Finding("warning", "table-number-formats", column.name, (), message, mend))
    if column.kind == "number":
        findings += _check_no_value(column.name, facts, cells)
    return [*findings, *(_check_dates(column, cells, dt.date.today()) if column.kind == "date" else ())]


def _check_counted(column: Column, facts: Facts) -> Iterator[Finding]:
    """Find a feature that looks like an id: it counts the rows, or is a category with a value for nearly every row."""
    if column.role != "feature" or facts.filled < 20 or facts.distinct is None:
        return
    why = ""
    if column.kind == "category" and facts.distinct >= 0.9 * facts.filled and facts.form in ("text", "whole", "real"):
        why = f"nearly every row has a value of its own ({count(facts.distinct)} in {count(facts.filled, 'cell')})"
    elif column.kind == "number" and facts.form == "whole" and facts.distinct == facts.filled:
        values = facts.uniques()
        low, high = min(values), max(values)
        if high - low + 1 == facts.filled:
            why = f"whole numbers from {low} to {high}, each once, like a running number"
    if why:
        mend = f"If it is an id, leave it out: --ignore {quoted(column.name)}"
        yield Finding("note", "table-id-like", column.name, (), f"{why}; it would be learned from", mend)


def _check_readable(column: Column, facts: Facts, cells: Sequence[Any]) -> Iterator[Finding]:
    """Find cells that are no number or date, as the preparation of tables judges it."""
    if facts.form in ("date", "bool") or (facts.form == "whole" and column.kind == "number"):
        return
    real = facts.values if facts.form == "real" and column.kind == "number" else None
    if real is not None and np.abs(real.to_numpy()).max(initial=0) <= 1e30:
        return
    if column.role == "feature":
        cells = [None if is_missing(cell) else cell for cell in cells]
    broken: dict[int, str] = {}
    read_numbers(ColumnPrep.of(column.name, column.kind, cells), cells, broken)
    impossible, strange = list[int](), list[int]()
    for row in broken:
        is_date = column.kind == "date" and isinstance(cells[row], str) and _DATE_FORM.search(cells[row])
        (impossible if is_date else strange).append(row)
    if impossible:
        message = f"{say_cells(len(impossible), 'holds')} a date that does not exist, such as "
        message += f"{cells[impossible[0]]!r:.60}"
        mend = "Write the date that was meant, or leave the cell blank; fit takes it as missing."
        yield Finding("error", "date-impossible", column.name, tuple(impossible), message, mend)
    if strange:
        shown = f"{cells[strange[0]]!r:.60}, in a column of {column.kind}s"
        message = f"{say_cells(len(strange), 'holds')} no {column.kind}, such as {shown}"
        then = "fit refuses such a target" if column.role == "target" else "fit takes it as missing"
        mend = f"Write the {column.kind}, or leave the cell blank; {then}."
        yield Finding("error", "table-unreadable", column.name, tuple(strange), message, mend)


def _check_no_value(name: str, facts: Facts, cells: Sequence[Any]) -> Iterator[Finding]:
    """Find numbers such as -999 that may stand for a value which is not there: each comes again, and lies further from
    all others than those from each other; or it is -1, often, and no other is below 0."""
    read: Mapping[Any, float] = {}
    if facts.written:
        texts = [*dict.fromkeys(cell for cell in cells if cell is not None)]
        read = dict(zip(texts, parse.read_numbers(texts), strict=True))
    values = np.array([read.get(cell, cell) for cell in cells if cell is not None], float)
    numbers, times = np.unique(values[np.isfinite(values)], return_counts=True)
    counts = dict(zip(numbers.tolist(), times.tolist(), strict=True))
    ends = [*counts][:ENDS] + [*counts][-ENDS:]
    odd = {number for number in ends if parse.NO_VALUE.fullmatch(f"{number:.15g}")}
    others = [number for number in counts if number not in odd and number != -1]
    if len(others) < 3:
        return
    low, high = others[0], others[-1]
    found = [n for n in odd if counts[n] > 1 and max(low - n, n - high) > high - low]
    where = f"far from all others ({low:g} to {high:g})"
    if not found and counts.get(-1.0, 0) >= COMMON * sum(counts.values()) and low >= 0 and len(others) > MANY:
        found, where = ([-1.0] if all(n % 1 == 0 for n in others) else []), "and no other number below 0"
    if found:
        shown = [f"{number:.15g}" for number in sorted(found)]
        rows = tuple(row for row, cell in enumerate(cells) if read.get(cell, cell) in found)
        message = f"{say_cells(len(rows), 'holds')} {' or '.join(shown)}, {where}: it may stand for a missing value"
        mend = f"If so, leave these cells blank (in pandas: frame.replace({{{name!r}: {shown[0]}}}, None)); "
        mend += "else fit takes it for an amount."
        yield Finding("warning", "table-no-value", name, rows, message, mend)


def _check_categories(column: Column, cells: Sequence[Any]) -> Iterator[Finding]:
    """Find values that are written in several ways, and values that one row alone has."""
    keys = [None if cell is None else unicodedata.normalize("NFC", str(cell)).strip() for cell in cells]
    groups = rows_of(key or None for key in keys)
    if alike := say_alike(map(str, groups)):
        mend = "If they are one, write them alike; fit tells them apart."
        message = f"values differ only in how they are written: {alike}"
        yield Finding("note", "table-category-alike", column.name, (), message, mend)
    several, most = sum(len(rows) > 1 for rows in groups.values()), TabularPrep().max_categories
    if several > most:
        message = f"{count(several)} values come more than once; fit tells the {count(most)} commonest apart"
        mend = "Join values that are alike, such as streets to regions; or --prep tabular.max_categories=N."
        yield Finding("note", "table-many-categories", column.name, (), message, mend)
    alone = tuple(rows[0] for rows in groups.values() if len(rows) == 1)
    if 0 < len(alone) < len(groups):
        few = len(alone) <= 0.05 * sum(map(len, groups.values()))
        shown = ", ".join(repr(str(keys[row])[:40]) for row in alone[:3]) + (" …" if len(alone) > 3 else "")
        message = f"{count(len(alone))} of {count(len(groups), 'value is', 'values are')} in one row only: {shown}"
        mend = "See whether they are misspelt. What is seen once cannot be learned from, and counts as rare."
        yield Finding("note", "table-category-once", column.name, alone if few else (), message, mend)


def _check_dates(column: Column, cells: Sequence[Any], today: dt.date) -> Iterator[Finding]:
    cells = [None if is_missing(cell) else cell for cell in cells]
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    forms = Counter(form for text in texts if (form := date_form(text)))
    orders = [match for text in texts if (match := _SLASHED.match(text))]
    both = any(int(m[1]) > 12 for m in orders) and any(int(m[3]) > 12 for m in orders)
    if len(forms) > 1 or both:
        ways = ", ".join(f"{form} ({count(num)})" for form, num in forms.most_common(5))
        ways += "; in some the day stands first, in others the month" if both else ""
        mend = "plait check --fix OUT writes them as ISO 8601; where day and month may be swapped, see for yourself."
        yield Finding("warning", "date-formats", column.name, (), f"dates are written in several ways: {ways}", mend)
    if order := say_order(texts, is_day_first(texts)):
        mend = "If it is the other way round, write the dates as YYYY-MM-DD."
        yield Finding("note", "date-order", column.name, (), order, mend)
    zones = zones_in(cells)
    if zones and max(zones) - min(zones) > 60:
        message = f"dates in {len(zones)} time zones, read as UTC"
        yield Finding("note", "date-zones", column.name, (), message, "Nothing is needed, if each says its own zone.")
    years = {row: when for row, when in enumerate(read_dates(cells)) if when is not None}
    absurd = {row for row, when in years.items() if not EARLIEST <= when.year <= LATEST}
    late = {row for row, when in years.items() if when.date() > today} - absurd
    if len(late) > 0.05 * len(years):
        late = set()  # a column of plans, not of mistakes
    rows = tuple(sorted(absurd | late))
    if rows:
        message = f"{say_cells(len(rows), 'holds')} a date far from the others or in the future, such as "
        message += f"{str(cells[rows[0]])[:40]!r}"
        mend = "See whether it is meant; if not, write the right date or leave the cell blank."
        yield Finding("note", "date-range", column.name, rows, message, mend)


def date_form(text: str) -> str:
    """Return how the day of a date is written, such as D.M.YYYY; "" where it cannot be told."""
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
