"""Mend the numbers, dates and categories of a column. Knows no table and no file.

Each function takes the cells of a column (None where absent) and returns as many, in order.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from plait.data.parse import (
    PLAIN,
    count_units,
    decimal_signs,
    fold,
    is_currency,
    is_day_first,
    parse_date,
    parse_moment,
    parse_number,
    split_unit,
)
from plait.kinds.mending import BLANK, MendedCells
from plait.kinds.text.mend import mend as mend_texts

NUMBER, DATE = "number made plain", "date made ISO 8601"
SHOWN = 40  # characters of a cell that a note shows

_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_MONTH = re.compile(
    r"\d{4}(?:[-./]\d{1,2}|[年년]\s*\d{1,2}[月월])|(?:\d{1,2}[-/]|[^\W\d_]{3,10}[\s.,/-]+(?:de\s+)?)\d{4}"
)
_EITHER = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2\d{2,4}(?:\D.*)?")


def mend(kind: str, cells: Sequence[Any]) -> MendedCells:
    """Mend a column of this kind: number, date or category."""
    if kind == "category":
        return mend_texts(kind, cells)
    return mend_numbers(cells) if kind == "number" else mend_dates(cells)


def mend_numbers(cells: Sequence[Any]) -> MendedCells:
    """Turn strings into plain numbers: "1,234.5" → 1234.5. What is no number becomes blank.

    Where the cells that leave no doubt have decimal commas ("3,5", "1.234,5"), "1.234" is 1234 in the whole column.
    Amounts in several currencies stay as they are: as plain numbers they would be mixed up. So do times, and amounts
    with a unit such as kg, which would be lost.
    """
    decimals, note = decimal_signs(cells), ""
    units = sorted(count_units([fold(cell) for cell in cells if isinstance(cell, str)], decimals == {","}))
    if len(units) > 1 or any(unit != "%" and not is_currency(unit) for unit in units):
        return MendedCells(list(cells), note=f"amounts in {' and '.join(units)}: left as they are")
    if len(decimals) == 2:
        note = "decimal commas and decimal points in one column; 1.234 was read as 1.234, and 1,234 as 1234"
    read = partial(_plain_number, decimal_comma=decimals == {","})
    return _mend_each(cells, str, read, "number", NUMBER, note)


def mend_dates(cells: Sequence[Any]) -> MendedCells:
    """Turn strings and numbers into ISO 8601; what is no date becomes blank. Zones and parts of seconds stay.

    The order of 1/2/2024 is told from the whole column (`plait.data.parse.is_day_first`); a month without a day stays
    a month ("2024-02"): no day is invented. Seconds (or milli-, micro-, nanoseconds) since 1970 are UTC.
    """
    texts = [fold(cell) if isinstance(cell, str) else cell for cell in cells]
    day_first = is_day_first(texts)
    read = partial(iso_date, day_first=day_first)
    return _mend_each(cells, (str, int, float), read, "date", DATE, say_order(texts, day_first))


def _mend_each(
    cells: Sequence[Any], types: Any, read: Callable[[Any], Any], noun: str, what: str, note: str
) -> MendedCells:
    """Read each cell of these types anew; one that cannot be read becomes blank."""
    mended = MendedCells(list(cells), note=note)
    for row, cell in enumerate(cells):
        if not isinstance(cell, types) or isinstance(cell, bool):
            continue
        try:
            mended.cells[row] = value = read(cell)
        except (ValueError, OverflowError):
            mended.cells[row] = None
            mended.done[row] = BLANK, f"left blank ({_show(cell)} is no {noun})"
        else:
            if value != cell and not _is_plain(cell, value):
                mended.done[row] = what, f"{_show(cell)} → {value}"
    return mended


def _is_plain(cell: Any, value: Any) -> bool:
    """Whether a text is the plain form of the number that it was read as."""
    plain = not isinstance(value, str) and cell.isascii() and PLAIN.fullmatch(cell.strip())
    return bool(plain) and float(value) == float(cell.strip())


def _plain_number(cell: str, decimal_comma: bool) -> int | float:
    value = parse_number(cell, decimal_comma)
    if value is None:  # "nan"
        raise ValueError
    text, _unit = split_unit(fold(cell), decimal_comma)
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    # "1,200" counts; "3.0" is a measure, and stays one.
    return int(value) if value.is_integer() and abs(value) < 2**53 and not re.search(r"[.]\d*0$|[eE]", text) else value


def iso_date(cell: str | int | float, day_first: bool | None = False) -> str:
    """Return a date in ISO 8601. Raises ValueError where it is none."""
    cell = fold(cell) if isinstance(cell, str) else cell
    if isinstance(cell, str) and re.fullmatch(r"\d{9,19}(?:\.\d+)?", cell):
        cell = float(cell)
    if not isinstance(cell, str):
        moment = parse_date(cell)
        if moment is None:
            raise ValueError
        return moment.date().isoformat() if abs(cell) < 1e8 else moment.isoformat() + "Z" * (not 1e13 <= cell < 1e14)
    with contextlib.suppress(ValueError):
        moment = dt.datetime.fromisoformat(cell)
        has_clock = len(re.findall(r"\d", cell)) > 8
        return cell if _ISO.fullmatch(cell) else moment.isoformat() if has_clock else moment.date().isoformat()
    moment = parse_moment(cell, day_first)
    if moment is None:
        raise ValueError
    if _MONTH.fullmatch(cell):
        return moment.date().isoformat()[:7]
    part, clock = re.search(r":\d\d(\.\d+)", cell), moment.replace(tzinfo=None)
    if clock.time() == dt.time() and not re.search(r"\d:\d\d", cell):
        return moment.date().isoformat()
    offset = "" if moment.tzinfo is None else moment.isoformat()[-6:] if moment.utcoffset() else "Z"
    return clock.isoformat() + (part[1] if part else "") + offset


def say_order(texts: Sequence[Any], day_first: bool | None) -> str:
    """Return what was assumed of dates such as 1/2/2024, where the column does not settle their order."""
    pairs = [(int(m[1]), int(m[3])) for text in texts if isinstance(text, str) and (m := _EITHER.fullmatch(text))]
    days, months = any(a > 12 for a, _b in pairs), any(b > 12 for _a, b in pairs)
    open_ones = sum(a <= 12 and b <= 12 and a != b for a, b in pairs)
    if not open_ones or days != months:
        return ""
    order = "days first and months first are mixed" if days else "no date tells the day from the month"
    return f"{order}; {open_ones} read as {'day' if day_first else 'month'} first"


def _show(cell: Any) -> str:
    text = str(int(cell) if isinstance(cell, float) and math.isfinite(cell) and cell.is_integer() else cell)
    text = "".join(c if c.isprintable() else " " for c in text[: SHOWN + 1]).strip()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
