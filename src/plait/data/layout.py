"""Where the table begins in a file of delimited text, as instruments and programs write them: below lines about the
device, below comments, above a row of units; and whether it is lines of JSON. Knows records of text alone."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from itertools import islice

from plait.core.files import parse_json

MARKS = ("#", "%", "//")  # how comments begin
LOOKED = 200  # records looked at
_RULE = re.compile(
    r"\s*(?:[|+]\s*)?(?::?[-=]{3,}:?\s*[|+]\s*)+(?::?[-=]{3,}:?\s*)?", re.ASCII
)  # +-----+, ----+----, |:---|
SIGNS = ",;\t|"

_NUMBER = re.compile(r"[+-]?[.,]?\d")  # how a number, a date or a time begins
_BASE = r"[kMGmµunpcdh]?(?:s|Hz|VA?|A|Wh?|g|m|Pa|bar|L|l|N|J|T|B|lx|mol|eV|Ω|ohms?|G)"
_OTHER = (
    "min|hr?|sec(?:onds?)?|msec|usec|days?|°|°?[CFK]|deg[CF]?|degrees?|%|ppm|ppb|dBA?|dBm|rpm|bpm|psi|mph|kph|rad|"
    "counts?|samples?|in|ft|lbs?|[Ww]att|Volts?|Amps?|unix|utc|UTC|iso"
)
_UNIT = re.compile(rf"(?:(?:{_BASE}|{_OTHER})(?:[\^²³⁻¹*·/.-]|\d)*)+")


def is_json_line(line: str) -> bool:
    """Whether a first line is an object, or would be one if it nested less deep or its numbers were shorter."""
    try:
        return line.lstrip().startswith("{") and isinstance(parse_json(line, finite=False), dict)
    except json.JSONDecodeError:
        return False
    except ValueError:
        return True


def is_number(cell: str) -> bool:
    return _NUMBER.match(cell.strip()) is not None


def is_unit(cell: str) -> bool:
    """Whether a cell names a unit: ms, m/s², °C, or anything short in brackets."""
    cell = cell.strip()
    return _UNIT.fullmatch(cell) is not None or re.fullmatch(r"\[[^\]]{0,12}\]|\([^)]{0,12}\)", cell) is not None


def is_units_row(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row below a header holds the units: no number where all other rows have one, half of such cells
    are units for sure, and none of the others is longer than a unit."""
    if len(rows) < 2 or not all(len(cell) <= 12 and not is_number(cell) for cell in first):
        return False
    numeric = [place for place in range(len(first)) if _is_numeric(place, rows)]
    filled = [first[place].strip() for place in numeric if first[place].strip()]
    return 0 < sum(map(is_unit, filled)) >= 0.5 * len(filled)


def _is_numeric(place: int, rows: Sequence[Sequence[str]]) -> bool:
    """Whether a column holds numbers, dates or times wherever it holds anything."""
    cells = [row[place] for row in rows if place < len(row) and row[place].strip()]
    return bool(cells) and all(map(is_number, cells))


def is_drawn(start: str) -> bool:
    """Whether the table is drawn with bars and dashes, as database shells and Markdown do, and not written."""
    top = [line for line in start.splitlines()[:10] if line.strip()][:3]
    return any(map(_RULE.fullmatch, top)) and any("|" in line and not _RULE.fullmatch(line) for line in top)


def undraw(lines: Sequence[str]) -> str:
    """Return the lines of a drawn table with bars between cells alone; a line that holds no row is blank."""
    rows = [None if "|" not in line or _RULE.fullmatch(line) else line for line in map(str.rstrip, lines)]
    if next(filter(None, rows), "").startswith("|"):
        rows = [row and row.removeprefix("|").removesuffix("|") for row in rows]
    return "".join("\n" if row is None else "|".join(map(str.strip, row.split("|"))) + "\n" for row in rows)


def find_header(start: str) -> tuple[int, str]:
    """Return how many lines stand above the header, and, where they are comments, the mark before the header's names.

    start: the first of a file. Nothing is skipped of a file that is whole from its first line on, nor unless what then
    is the header has a name, and no number, in each column, above a column of numbers.
    """
    lines = start.splitlines(keepends=True)
    comments = next((place for place, line in enumerate(lines) if not line.startswith(MARKS)), 0)
    if comments:
        below = [csv.reader(lines[comments : comments + 20], delimiter=sign) for sign in SIGNS]
        bodies = [[record for record in reader if record] for reader in below]
        if any(len(body) > 1 and _is_header(body[0], body[1:]) for body in bodies):
            return comments, ""
        mark = next(mark for mark in MARKS if lines[comments - 1].startswith(mark))
        names = lines[comments - 1][len(mark) :]
        cut = [next(csv.reader([names], delimiter=sign), []) for sign in SIGNS]
        spaced = names[:1] == " " or comments > 1
        fits = any(
            len({len(name), *map(len, body)}) == 1 and _is_header(name, body)
            for name, body in zip(cut, bodies, strict=True)
        )
        return (comments - 1, mark) if spaced and fits else (0 if comments == 1 else comments, "")
    found = 0
    for sign in SIGNS:
        if (place := _find_below(start, sign)) == 0:
            return 0, ""
        found = max(found, place or 0)
    return found, ""


def is_spaced(lines: Sequence[str]) -> bool:
    """Whether blanks stand between cells: columns of numbers, or three and more of which one is of numbers."""
    head, *rows = [line.split() for line in lines if line.strip()] or [[]]
    alike = len(rows) > 1 and len({len(head), *map(len, rows)}) == 1 and '"' not in "".join(lines)
    below = rows[1:] if alike and is_units_row(rows[0], rows[1:]) else rows
    few = len(head) < 3 and not all(_is_numeric(place, below) for place in range(len(head)))
    return alike and not few and _is_header(head, rows)


def _find_below(start: str, sign: str) -> int | None:
    """Return how many lines stand above the header where this is the delimiter, None where it is none."""
    reader = csv.reader(io.StringIO(start, newline=""), delimiter=sign)
    records, begins, line = list[list[str]](), list[int](), 0
    for record in islice(reader, LOOKED):
        if record:
            records.append(record)
            begins.append(line)
        line = reader.line_num
    if len(records) < 3:
        return None
    width = len(records[-2])  # the last may be cut off
    first = len(records) - 1
    while first and len(records[first - 1]) == width:
        first -= 1
    if width < 2:
        return None
    bare = first == 0 and width > 2 and 2 * _filled(records[0]) <= width  # lines that Excel fills up with delimiters
    if first == 0 and not bare:
        return 0
    while bare and 2 * _filled(records[first]) <= width and first < len(records) - 3:
        first += 1
    above, head, rows = records[:first], records[first], records[first + 1 :]
    narrow = all(_filled(record) < width for record in above)
    return begins[first] if narrow and len(rows) > 1 and _is_header(head, rows) else (0 if bare else None)


def _filled(record: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in record)


def _is_header(head: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a record names columns: each another word and no number, above at least one column of numbers."""
    names = [cell.strip() for cell in head]
    while names and not names[-1]:
        names.pop()
    right = all(names) and len({*names}) == len(names) > 1 and not any(map(is_number, names))
    rows = rows[1:] if len(rows) > 2 and is_units_row(rows[0], rows[1:]) else rows
    return right and any(_is_numeric(place, rows[:20]) for place in range(len(names)))
