"""Whether a column holds numbers, dates, categories, or ids that nothing can be learned from."""

from __future__ import annotations

import re
from datetime import datetime

import numpy as np

from plait.core.contract import MISSING_WORDS
from plait.core.finding import quoted
from plait.core.words import count, plain
from plait.data.parse import currencies, fold, is_decimal_comma, parse_date, parse_number, plain_text
from plait.kinds.facts import FEW, UNSPACED, Facts, Guess, count_matching, share_matching

ID_NAME = re.compile(
    r"(?:^|[\s_.:-])(?i:id|ids|uuid|guid|uid|key|index|idx|no|nr|row|rowid|file|filename|path)$"
    r"|(?<=[a-z])(?:Id|ID|Key)$|编号$|序号$"
)
_CODE_NAME = re.compile(r"(?:^|[\s_.-])(?:code|zip|zipcode|postcode|class|type)$", re.IGNORECASE)
# What a target is called that is a class; target and y may be either.
_CLASS_NAME = re.compile(
    r"(?:^|[\s_.-])(?:class(?:es)?|category|cat|cluster|species|genre|breed|kind|digit|letter|character|topic"
    r"|intent|speaker|writer|brand|klasse|kategorie|classe|clase|categoria)(?:[\s_.-]?(?:id|code|idx|index|no|nr))?$"
    r"|类别|分类",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:^|[\s_.-])labels?$|标签", re.IGNORECASE)  # so are numbers called that came without a name
CODES = 1000  # different values that may be codes: what people tell apart by number has hundreds at the most
# Measured on draws of up to 300 codes with 20 rows each: the commonest comes at most 6 times as often as the rarest.
# Goals, rooms and ages begin at 0 or 1 as well, and have a tail of values that come once.
EVEN, CODE_ROWS = 8, 8
_ID_FORM = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[^\s\d]{0,40}\d[^\s]{0,40}"
)
# P0001 in all cells, or a UUID or hash: surely an id. Group 1: what stands before the number.
_SERIAL = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|([^\W\d_]{1,20}[-_#]?)\d{1,20}"
)
# What such columns hold are strings of digits, however they are written.
_DIGITS_NAME = re.compile(
    r"(?:^|[\s_.-])(?:(?:tele)?phone|tel|mobile|fax|zip|(?:zip|post|postal)[\s_-]?code|plz|ip|version)"
    r"(?:[\s_.-]?(?:no|nr|number))?$|电话|手机号|邮编|版本",
    re.IGNORECASE,
)
_CODE = re.compile(r"[+-]?0\d")  # 007 and 0171 234 567
_TELEPHONE = re.compile(r"\d{3}(?:[ .']\d{3}){2,}")  # where all cells are as long
_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}")  # of a computer: 192.168.100.101
_SHORT_YEAR = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2\d{2}(?!\d)")
_MONTH_ONLY = re.compile(r"(\d{4})[-./]\d{1,2}")


def judge_number(facts: Facts) -> Guess:
    low, high = min(facts.sample), max(facts.sample)
    if facts.form == "whole":
        if guess := judge_id(facts):
            return guess
        if facts.distinct is not None and facts.distinct <= 2 and sorted(facts.uniques()) in ([0, 1], [0], [1]):
            return Guess("category", "whole numbers, only 0 and 1", 0.8)
        if ID_NAME.search(facts.name) or _CODE_NAME.search(facts.name):
            come = f"whole numbers that come again ({count(facts.distinct)} different)"
            return Guess("category", f"{come}, named like labels rather than amounts", 0.6)
        return Guess("number", f"whole numbers, such as {low} and {high}", 0.95)
    return Guess("number", f"numbers, such as {low:.6g} and {high:.6g}", 1.0)


def judge_id(facts: Facts) -> Guess | None:
    if not facts.differs:
        return None
    same = f"{count(facts.distinct, 'different value')} in {count(facts.filled, 'cell')}"
    if facts.name in ("", "Unnamed: 0", "column_0"):
        return Guess("id", f"a first column without a name; {same}", 0.95, usable=False)
    if ID_NAME.search(facts.name):
        return Guess("id", f"named like an id; {same}", 0.95, usable=False)
    if facts.form == "whole" and facts.filled == facts.rows >= 20 and facts.values is not None:
        start = facts.values[0].as_py()
        if start in (0, 1) and np.array_equal(facts.values.to_numpy(), np.arange(start, start + facts.rows)):
            return Guess("id", f"counts the rows from {start}", 0.95, usable=False)
    if facts.form == "text" and facts.filled >= 10 and share_matching(facts.sample, _match_id) >= 0.95:
        serial = [match[1] or "" for cell in facts.sample if (match := _SERIAL.fullmatch(cell.strip()))]
        sure = len(serial) == len(facts.sample) and len(set(serial)) == 1
        confidence = 0.95 if sure else 0.8
        return Guess("id", f"looks like an id, such as {facts.sample[0]!r}; {same}", confidence, usable=False)
    return None


def _match_id(cell: str) -> re.Match[str] | None:
    """Match one word with a digit in it; not a sentence of a script that writes no spaces."""
    return _ID_FORM.fullmatch(cell) if len(UNSPACED.findall(cell)) <= 4 else None


def read_date(text: str) -> datetime | None:
    """Return the date that a text tells, or None. Unlike `parse_date` it takes no bare number for one."""
    text = fold(text)
    if not 6 <= len(text) <= 40 or len(re.findall(r"\d+", text)) < 2:
        return None
    month = _MONTH_ONLY.fullmatch(text)
    if month and ("." in text or not 1800 <= int(month[1]) <= 2100):  # 1999.5 is a number, 5551-12 part of one
        return None
    try:
        return parse_date(text, day_first=True)
    except ValueError:
        return None


def count_dates(name: str, cells: list[str]) -> int:
    """Count the cells that read as dates. Where no day is beyond 12, 1.2.10 is a version and 1/2/10 may be a list."""
    if _DIGITS_NAME.search(name):
        return 0
    short = [match for cell in cells if (match := _SHORT_YEAR.match(fold(cell)))]
    if short and not any(int(part) > 12 for match in short for part in match.group(1, 3)):
        cells = [cell for cell in cells if not _SHORT_YEAR.match(fold(cell))]
    return count_matching(cells, read_date)


def count_numbers(name: str, cells: list[str]) -> int:
    """Count the cells that read as numbers; none in a column of codes, or of amounts in several currencies."""
    texts = [fold(cell) for cell in cells]
    several = len({sign for text in texts for sign in currencies(text)}) > 1
    alike = len({len(text) for text in texts}) == 1 and all(map(_TELEPHONE.fullmatch, texts))
    if several or alike or _DIGITS_NAME.search(name) or all(map(_ADDRESS.fullmatch, texts)):
        return 0
    decimal_comma = is_decimal_comma(texts)
    return sum(not _CODE.match(text) and _plain_text(text, decimal_comma) is not None for text in texts)


def _plain_text(text: str, decimal_comma: bool) -> str | None:
    try:
        return None if parse_number(text, decimal_comma) is None else plain_text(text, decimal_comma)
    except ValueError:
        return None


def numeric_share(facts: Facts) -> float:
    """Return the share of the sampled text cells that read as numbers."""
    cells = [cell for cell in facts.sample if cell.strip() not in MISSING_WORDS]
    return count_numbers(facts.name, cells) / len(cells) if cells else 0.0


def judge_target(facts: Facts) -> tuple[str, str, float]:
    """Say whether a target is classes (category) or an amount (number), why, and how sure that is.

    The values decide, not how they are stored: 1, 1.0 and "1" are the same. Classes are words, truths, what a type
    calls categories, two values, few different whole numbers, whole numbers named like labels, and codes: all whole
    numbers from 0 or 1 on, used about equally often. All other numbers are amounts, and so is what has a unit.
    """
    distinct, other = facts.distinct or 0, quoted(facts.name)
    if facts.category:
        return "category", "classes, as their type is category", 1.0
    if facts.form == "bool" or (facts.form == "text" and numeric_share(facts) < 0.95):
        return "category", "classes", 0.3 if facts.form == "text" and facts.differs else 0.9
    values, measured = _target_values(facts)
    low, high, whole = min(values), max(values), all(value % 1 == 0 for value in values)
    few = f"a few whole numbers: classes; --kind {other}=number for amounts"
    if distinct <= 2 and not measured:
        return "category", "classes", 0.9
    if whole and not measured and facts.filled >= 2 * distinct:
        if distinct <= FEW:
            return "category", few, 0.9
        codes = low in (0, 1) and distinct == high - low + 1 <= CODES
        if _CLASS_NAME.search(facts.name) or _CODE_NAME.search(facts.name) or (codes and _LABEL.search(facts.name)):
            return "category", few.replace("a few whole numbers", "whole numbers named like labels"), 0.6
        each = facts.rows_each()
        if codes and facts.filled >= CODE_ROWS * distinct and max(each) <= EVEN * min(each):
            return "category", few.replace("a few whole numbers", "codes used about equally often"), 0.6
    spoken = f"numbers from {plain(low)} to {plain(high)}: regression"
    return "number", f"{spoken}; --kind {other}=category for classes", 0.6 if whole or distinct <= FEW else 0.9


def _target_values(facts: Facts) -> tuple[list[float], bool]:
    """Return the different values of a target of numbers, and whether a unit says that they are amounts."""
    cells = facts.uniques() if (facts.distinct or 0) <= CODES else facts.sample
    if facts.form != "text":
        return [float(cell) for cell in cells], False
    decimal_comma = is_decimal_comma(cells)
    texts = [text for cell in cells if (text := _plain_text(fold(cell), decimal_comma)) is not None]
    return [float(text) for text in texts], any("%" in cell or currencies(fold(cell)) for cell in cells)
