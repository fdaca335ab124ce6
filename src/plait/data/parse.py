"""The one reader of numbers and dates: what a person wrote in a cell → that number or date.
Detection, preparation, targets and checks all ask it, so that what is recognised is what is learned from."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from plait.core.contract import MISSING_WORDS, Table
from plait.errors import TableError

# Plain numbers, for Arrow too, which reads whole columns of them: 007 is a code, and stays text.
PLAIN_WHOLE = r"[+-]?(?:0|[1-9]\d{0,17})"
PLAIN_NUMBER = r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"

PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
# What to match, the sign between thousands, the decimal sign. No + before blanks: "+49 170 123 456" is a telephone.
_FORMS = (
    (re.compile(r"[+-]?\d{1,3}([,'])\d{3}(?:\1\d{3})*(?:\.\d+)?|-?\d{1,3}(?: \d{3})+(?:\.\d+)?"), ", '", "."),
    (re.compile(r"[+-]?\d{1,3}([.'])\d{3}(?:\1\d{3})*,\d+|-?\d{1,3}(?: \d{3})+,\d+"), ". '", ","),
    (re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}"), ".", ","),
    (re.compile(r"[+-]?\d*,\d+"), "", ","),
)
_CURRENCY = re.compile("[$€£¥₩₹₽₺₴₪₫฿₱]")
_CORE = re.compile(r"\d[\d.,' ]*(?<=\d)|\d")
# Cells that leave no doubt of the decimal sign. 1.234 and 1,234 do leave some; 1,234,567 has thousands, as 1.234.567.
_COMMA = re.compile(r"\d+,(?:\d{1,2}|\d{4,})|0,\d+|\d{1,3}(?:[. ']\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_POINT = re.compile(r"\d+\.(?:\d{1,2}|\d{4,})|0\.\d+|\d{1,3}(?:[, ']\d{3})+\.\d+|\d{1,3}(?:,\d{3}){2,}")
_WITH_COMMA = re.compile(r"(?:\d{1,3}(?:[. ']\d{3})+|\d+)(?:,\d+)?")
_FOLDED = str.maketrans({"−": "-", "’": "'"})

_ZONE = r"(?:\s*(?:Z|UTC|GMT|[+-]\d{2}:?\d{2}))?"
_CLOCK = (
    r"(?:[T,\s]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    rf"(?:\s*(?P<half>[ap])\.?m\.?)?{_ZONE})?"
)
_OFFSET = re.compile(r":\d{2}(?:[.,]\d+)?\s*(?:(Z|UTC|GMT)|([+-])(\d{2}):?(\d{2})?)$", re.IGNORECASE)
_DIGITS = re.compile(r"(\d{1,4})([-./])(\d{1,2})\2(\d{1,4})" + _CLOCK, re.IGNORECASE)
_WORDED = tuple(
    re.compile(form + _CLOCK, re.IGNORECASE)
    for form in (
        r"(?P<year>\d{4})年(?P<month>\d{1,2})月(?:(?P<day>\d{1,2})[日号號])?",
        r"(?P<year>\d{4})[-./](?P<month>\d{1,2})\Z",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[\s-]+(?P<month>[a-z]{3,9})\.?,?[\s-]+(?P<year>\d{2,4})",
        r"(?P<month>[a-z]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})",
    )
)
_WEEKDAY = re.compile(r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+", re.IGNORECASE)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip


def fold(text: str) -> str:
    """Return a text with one sign for each meaning: plain digits, blanks, minus and apostrophe; no blanks around it."""
    return unicodedata.normalize("NFKC", text).translate(_FOLDED).strip()


def is_missing(cell: Any) -> bool:
    """Whether a cell is a word that stands for "missing", such as NA."""
    return isinstance(cell, str) and cell.strip() in MISSING_WORDS


def currencies(text: str) -> list[str]:
    return _CURRENCY.findall(text)


def parse_number(cell: Any, decimal_comma: bool = False) -> float | None:
    """Return a cell as a number, or None where absent. Raises ValueError where it is neither.

    Text may have blanks around it, groups of thousands ("1,234.5", "1.234,5", "1 234"), a decimal comma ("3,5"), a
    currency sign, a percent sign ("12%" is 12: scaling follows), the brackets of accounting ("(12.5)" is -12.5).
    "1,234" is 1234 and "1.234" is 1.234, but the other way round with decimal_comma, as `is_decimal_comma` tells of a
    column. A number beyond 1e30 is taken for a mistake.
    """
    if cell is None:
        return None
    if isinstance(cell, str):
        text = fold(cell)
        if not text or text.lower() == "nan" or text in MISSING_WORDS:
            return None
        value = float(plain_text(text, decimal_comma))
    elif isinstance(cell, (bool, int, float, decimal.Decimal, np.number, np.bool_)):
        value = float(cell)
    else:
        raise ValueError
    if math.isnan(value):
        return None
    if abs(value) > 1e30:
        raise ValueError
    return value


def plain_text(text: str, decimal_comma: bool = False) -> str:
    """Return a folded text as Python writes its number: "(€1.234,50)" → "-1234.50". Raises ValueError for no number."""
    core = _CORE.search(text) if decimal_comma else None
    if core and _WITH_COMMA.fullmatch(core[0]):  # 12.5 is no such number, even in such a column
        text = text.replace(core[0], core[0].translate({ord("."): None, ord(","): "."}), 1)
    elif PLAIN.fullmatch(text):
        return text
    text, signs = _CURRENCY.subn(" ", text)
    text, negative = text.strip(), ""
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), "-"
    sign = text[0] if text[:1] in ("+", "-") else ""
    text = sign + text.removeprefix(sign).strip().removesuffix("%").strip()
    if signs > 1 or (negative and sign):
        raise ValueError
    if PLAIN.fullmatch(text):
        return negative + text
    for form, between, point in _FORMS:
        if form.fullmatch(text):
            return negative + text.translate({ord(c): None for c in between}).replace(point, ".")
    raise ValueError


def decimal_signs(cells: Iterable[Any]) -> set[str]:
    """Return the decimal signs of which cells leave no doubt: "3,5" has a comma, "1,234" may have one or none."""
    seen: set[str] = set()
    for cell in cells:
        core = _CORE.search(fold(cell)) if isinstance(cell, str) else None
        if core:
            seen |= {sign for sign, form in ((",", _COMMA), (".", _POINT)) if form.fullmatch(core[0])}
        if len(seen) == 2:
            break
    return seen


def is_decimal_comma(cells: Iterable[Any]) -> bool:
    """Tell whether "1.234" is 1234 in a column: some cell has a decimal comma for sure, and none a decimal point."""
    return decimal_signs(cells) == {","}


def read_numbers(cells: Sequence[Any]) -> list[float]:
    """Return a column as numbers, NaN where a cell is absent or no number."""
    return [math.nan if value is None else value for value in _each(parse_number, cells, is_decimal_comma(cells))]


def read_dates(cells: Sequence[Any]) -> list[dt.datetime | None]:
    """Return a column as dates, None where a cell is absent or no date."""
    return _each(parse_date, cells, is_day_first(cells))


def _each(parse: Any, cells: Sequence[Any], notation: bool) -> list[Any]:
    values = []
    for cell in cells:
        try:
            values.append(parse(cell, notation))
        except (ValueError, OverflowError):
            values.append(None)
    return values


def read_amounts(table: Table, name: str, decimal_comma: bool | None = None) -> list[float | None]:
    """Return a target of numbers, None where absent. Raises TableError with the place of what is none.
    decimal_comma: as the column that was learned from is written; None is told from these cells."""
    cells = table.cells(name)
    decimal_comma = is_decimal_comma(cells) if decimal_comma is None else decimal_comma
    amounts = []
    for row, cell in enumerate(cells):
        try:
            amounts.append(parse_number(cell, decimal_comma))
        except ValueError:
            mend = "expected a number. Mend the cell, or leave it blank."
            raise TableError(f"{table.place(name, row)}: the target is {cell!r}; {mend}") from None
    return amounts


def parse_date(cell: Any, day_first: bool = False) -> dt.datetime | None:
    """Return a cell as a date and time without a zone (as its clock shows it), or None where absent.

    ISO 8601, 31.12.2024, 12/31/2024, 31 Dec 2024, December 31, 2024, 2024年12月31日, with a clock or without; numbers:
    20241231, seconds since 1970 (or milli-, micro-, nanoseconds). day_first settles 1/2/2024. Raises ValueError.
    """
    if cell is None or cell != cell:
        return None
    if isinstance(cell, np.datetime64):
        cell = cell.astype("datetime64[us]").item()
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=None)
    if isinstance(cell, dt.date):
        return dt.datetime(cell.year, cell.month, cell.day)
    if isinstance(cell, (int, float, np.number)) and not isinstance(cell, bool):
        return _from_number(float(cell))
    if not isinstance(cell, str):
        raise ValueError
    text = unicodedata.normalize("NFKC", cell).strip()
    if not text or text in MISSING_WORDS:
        return None
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return _from_words(_WEEKDAY.sub("", text, count=1), day_first)


def offset_of(cell: Any) -> int | None:
    """Return how many minutes the clock of a moment is ahead of UTC; None of a cell that names no zone."""
    if isinstance(cell, dt.datetime):
        ahead = cell.utcoffset()
        return None if ahead is None else round(ahead.total_seconds() / 60)
    match = _OFFSET.search(cell.strip()) if isinstance(cell, str) else None
    if match is None:
        return None
    return 0 if match[1] else int(f"{match[2]}1") * (60 * int(match[3]) + int(match[4] or 0))


def _from_number(number: float) -> dt.datetime:
    if 1e7 <= number < 1e8 and number.is_integer():
        return dt.datetime(int(number) // 10_000, int(number) // 100 % 100, int(number) % 100)
    for power in (0, 3, 6, 9):
        if 1e8 <= abs(number) / 10**power < 1e10:
            return dt.datetime(1970, 1, 1) + dt.timedelta(seconds=number / 10**power)
    raise ValueError


def _from_words(text: str, day_first: bool) -> dt.datetime:
    if match := _DIGITS.fullmatch(text):
        first, _sign, second, third, *_ = match.groups()
        if len(first) > 2:
            return _moment(first, second, third, match)
        months = (second, first) if day_first else (first, second)
        try:
            return _moment(third, *months, match)
        except ValueError:
            return _moment(third, *months[::-1], match)
    match = next((match for form in _WORDED if (match := form.fullmatch(text))), None)
    if match is None:
        raise ValueError
    parts = match.groupdict()
    month = parts["month"].lower()
    if not month.isdigit():
        name = {"juni": "june", "juli": "july"}.get(month, month)
        month = next((str(k) for k, word in enumerate(_MONTHS, 1) if word.startswith(name)), "0")  # not "5 marks 20"
    return _moment(parts["year"], month, parts.get("day") or "1", match)


def _moment(year: str, month: str, day: str, clock: re.Match[str]) -> dt.datetime:
    hour, minute, second, half = clock.group("hour", "minute", "second", "half")
    hours, years = int(hour or 0), int(year)
    if len(year) not in (2, 4):  # 1.2.3 is a version
        raise ValueError
    if half:
        if not 1 <= hours <= 12:
            raise ValueError
        hours = hours % 12 + (12 if half.lower() == "p" else 0)
    if len(year) == 2:  # 69 is 2069, 70 is 1970
        years += 2000 if years < 70 else 1900
    return dt.datetime(years, int(month), int(day), hours, int(minute or 0), int(second or 0))


def is_day_first(cells: Iterable[Any]) -> bool:
    """Tell the order of 1/2/2024 from the cells that leave no doubt; else day first, but month first with slashes."""
    votes, signs = 0, Counter[str]()
    for cell in cells:
        match = _DIGITS.fullmatch(cell.strip()) if isinstance(cell, str) else None
        if match and len(match[1]) <= 2:
            votes += (int(match[1]) > 12) - (int(match[3]) > 12)
            signs[match[2]] += 1
    return votes > 0 or (votes == 0 and bool(signs) and signs.most_common(1)[0][0] != "/")
