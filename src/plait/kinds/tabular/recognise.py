"""Whether a column holds numbers, dates, categories, or ids that nothing can be learned from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

from plait.core.finding import quoted
from plait.core.words import count, plain
from plait.data.parse import (
    CLOCK,
    FEET,
    FRACTION,
    PLAIN,
    SERIALS,
    SPAN,
    Written,
    calendar_form,
    decimal_signs,
    fold,
    how_written,
    is_missing,
    parse_date,
    parse_number,
    several_units,
    split_unit,
)
from plait.kinds.facts import FEW, UNSPACED, Facts, Guess, count_matching, share_matching
from plait.kinds.grades import are_grades

ID_NAME = re.compile(
    r"(?:^|[\s_.:-])(?i:id|ids|uuid|guid|uid|key|index|idx|no|nr|row|rowid|file|filename|path"
    r"|isbn|issn|ean|gtin|upc|sku|barcode|imei|ssn|iban|vin)$"
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
_CODE = re.compile(
    r"[+-]?0\d+(?![\d:])|[+-]?\d{17,}(?:\.0*)?$"
)  # 007, 0171 234 567, and what is longer than any measure
_OPEN = re.compile(r"\d{1,3}(?:,\d{3})")  # 1,234: thousands, or decimals
_MEASURE = re.compile(r"[<>≤≥~≈=±]*\s*[+-]?\d{1,15}[.,]\d+\W{0,2}")  # <0.5 is no id
_TIME_NAME = re.compile(
    r"(?:^|[\s_.-])(?:date|day|time|timestamp|datetime|ts|epoch|unixtime|at|on|created|updated|utc)(?:$|[\s_.-])"
    r"|(?<=[a-z])(?:Date|Time|Timestamp|At)$|timestamp|datetime|日期|时间",
    re.IGNORECASE,
)
_DATE_NAME = re.compile(r"(?:^|[\s_.-])(?i:date|datum|fecha|dob)(?:$|[\s_.-])|(?<=[a-z])Date$|日期|生日")
_DAYS = 2 * 86_400  # seconds that numbers since 1970 span at least, to be dates: a date shows no shorter time well
_TELEPHONE = re.compile(r"\d{3}(?:[ .']\d{3}){2,}")  # where all cells are as long
_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}")  # of a computer: 192.168.100.101
_SHORT_YEAR = re.compile(r"(\d{1,2})([-./])(\d{1,2})\2\d{2}(?!\d)")
_MONTH_ONLY = re.compile(r"(\d{4})[-./]\d{1,2}")


def judge_number(facts: Facts) -> Guess:
    low, high = min(facts.sample), max(facts.sample)
    # pandas makes floats of whole numbers where one is absent.
    named = ID_NAME.search(facts.name) is not None
    whole = facts.form == "whole" or (facts.holes > 0 and all(value % 1 == 0 for value in facts.sample))
    come = f"whole numbers that come again ({count(facts.distinct or 0)} different)"
    if whole:
        if guess := judge_id(facts):
            return guess
        if facts.distinct is not None and facts.distinct <= 2 and sorted(facts.uniques()) in ([0, 1], [0], [1]):
            return Guess("category", "whole numbers, only 0 and 1", 0.8)
    if form := date_form(facts.name, facts.sample):
        return Guess("date", f"numbers that are {form}", 0.9)
    if whole and max(abs(low), abs(high)) > 2**53 and (facts.form == "whole" or named):  # other floats are measured
        lost = "" if facts.form == "whole" else "; floats, which lose their last digits: store them as text or Int64"
        if facts.differs:
            return Guess("id", f"whole numbers longer than any measure, such as {int(low)}{lost}", 0.8, usable=False)
        return Guess("category", f"{come}, longer than any measure{lost}", 0.6)
    if whole and (named or _CODE_NAME.search(facts.name)):
        return Guess("category", f"{come}, named like labels rather than amounts", 0.6)
    if facts.form == "whole":
        return Guess("number", f"whole numbers, {_such_as(str(low), str(high))}", 0.95)
    return Guess("number", f"numbers, {_such_as(f'{low + 0:.6g}', f'{high + 0:.6g}')}", 1.0)


def _such_as(low: str, high: str) -> str:
    return f"all {low}" if low == high else f"such as {low} and {high}"


def date_form(name: str, numbers: list[float]) -> str:
    """Return which dates all numbers are beyond doubt; "" where they are amounts."""
    if form := calendar_form(name, numbers):
        return f"dates, written {form}"
    low, high = min(numbers), max(numbers)
    if _DATE_NAME.search(name) and SERIALS[0] <= low and high <= SERIALS[1]:
        return "days as Excel counts them, by their name and size"
    if _TIME_NAME.search(name):
        for unit, scale in (("seconds", 1), ("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)):
            if low / scale >= 5e8 and high / scale <= 4e9 and high - low >= _DAYS * scale:  # 1985 to 2096
                return f"{unit} since 1970, by their name and size"
    return ""


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
    """Match one word with a digit in it; not a measure, nor a sentence of a script that writes no spaces."""
    measure = _MEASURE.fullmatch(cell) or len(UNSPACED.findall(cell)) > 4
    return None if measure else _ID_FORM.fullmatch(cell)


def read_date(text: str) -> datetime | None:
    """Return the date that a text tells, or None. Unlike `parse_date` it takes no bare number for one."""
    text = fold(text)
    if not 6 <= len(text) <= 70 or (len(re.findall(r"\d+", text)) < 2 and not re.search(r"[^\W\d_]{3}", text)):
        return None
    month = _MONTH_ONLY.fullmatch(text)
    if month and ("." in text or not 1800 <= int(month[1]) <= 2100):  # 1999.5 is a number, 5551-12 part of one
        return None
    try:
        return None if PLAIN.fullmatch(text) else parse_date(text, day_first=True)
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
    """Count the cells that read as numbers of one unit; none in a column of codes."""
    texts = [fold(cell) for cell in cells]
    if not _may_count(name, texts):
        return 0
    written = how_written(texts)
    plain = {text: number for text in texts if (number := _plain_text(text, written)) is not None}
    shares = [text for text in texts if text.endswith("%")]
    if shares and _are_fractions(texts, plain):
        return len(shares)
    return sum(text in plain for text in texts)


def _are_fractions(texts: Iterable[str], plain: Mapping[str, str]) -> bool:
    """Whether, beside 12 %, numbers without a sign are all between 0 and 1, as 0.12 is: nobody knows of what."""
    bare = [float(plain[text]) for text in texts if text in plain and not text.endswith("%")]
    most = max((float(plain[text]) for text in texts if text in plain and text.endswith("%")), default=0)
    return bool(bare) and most > 1 and all(0 <= number <= 1 for number in bare) and any(number % 1 for number in bare)


def _may_count(name: str, texts: list[str]) -> bool:
    """Whether the numbers of folded texts may be amounts, and not codes, telephones or addresses."""
    alike = len({len(text) for text in texts}) == 1 and all(map(_TELEPHONE.fullmatch, texts))
    return not (alike or _DIGITS_NAME.search(name) or all(map(_ADDRESS.fullmatch, texts)))


def _plain_text(text: str, written: Written) -> str | None:
    try:
        return None if _CODE.match(text) or parse_number(text, *written) is None else split_unit(text, *written)[0]
    except ValueError:
        return None


def mixed_units(name: str, cells: list[str]) -> list[str]:
    """Return the units of amounts that are of several, such as kg and g; none where cells are no amounts."""
    texts = [fold(cell) for cell in cells]
    return several_units(texts) if _may_count(name, texts) else []


def are_measured(cells: list[str]) -> bool:
    """Whether most of the numbers among these cells have decimals, and many differ: measures, and not codes."""
    written = how_written(cells)
    plain = [text for cell in cells if (text := _plain_text(fold(cell), written)) is not None]
    return len(set(plain)) > FEW and sum("." in text for text in plain) > 0.5 * len(plain)


def say_written(cells: list[str]) -> str:
    """Return what is not plain about the numbers of a column: their unit, or that 1,234 is taken for 1234."""
    written, signs = how_written(cells), decimal_signs(cells)
    counted = {CLOCK: "seconds", SPAN: "seconds", FEET: "inches"}.get(written.unit, written.unit)
    unit = f", in {counted}" if counted else ""
    if len(signs) == 2:
        return f"{unit}, some with a decimal comma and some with a point"
    if written.decimal_comma and not any("," in cell for cell in cells):
        return f"{unit}, 1.234 taken as 1234"
    unclear = not signs and any(map(_OPEN.fullmatch, cells)) and not any(cell.isdigit() for cell in cells)
    return unit + (", 1,234 taken as 1234" if unclear else "")


def numeric_share(facts: Facts) -> float:
    """Return the share of the sampled text cells that read as numbers."""
    cells = [cell for cell in facts.sample if not is_missing(cell)]
    return count_numbers(facts.name, cells) / len(cells) if cells else 0.0


def judge_target(facts: Facts) -> tuple[str, str, float]:
    """Say whether a target is classes (category) or an amount (number), why, and how sure that is.

    The values decide, not how they are stored: 1, 1.0 and "1" are the same. Classes are words, truths, what a type
    calls categories, two values, few different whole numbers, whole numbers named like labels, and codes: all whole
    numbers from 0 or 1 on, used about equally often. All other numbers are amounts, and so is what has a unit.
    """
    distinct, other = facts.distinct or 0, quoted(facts.name)
    graded = 2 < distinct <= FEW and are_grades(facts.name, facts.uniques())
    grades = f"; --kind {other}=ordered for grades" if graded else ""
    if facts.category:
        return "category", "classes, as their type is category", 1.0
    if facts.form == "bool" or (facts.form == "text" and numeric_share(facts) < 0.95):
        return "category", f"classes{grades}", 0.3 if facts.form == "text" and facts.differs else 0.9
    values, measured = _target_values(facts)
    low, high, whole = min(values), max(values), all(value % 1 == 0 for value in values)
    few = f"a few whole numbers: classes; --kind {other}=number for amounts{', =ordered for grades' * graded}"
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
    what = "counts" if whole and low == 0 and not measured else "numbers"
    spoken = f"{what} from {plain(low)} to {plain(high)}: regression"
    return "number", f"{spoken}; --kind {other}=category for classes", 0.6 if whole or distinct <= FEW else 0.9


def _target_values(facts: Facts) -> tuple[list[float], bool]:
    """Return the different values of a target of numbers, and whether a unit says that they are amounts."""
    cells = facts.uniques() if (facts.distinct or 0) <= CODES else facts.sample
    if facts.form != "text":
        return [float(cell) for cell in cells], False
    written = how_written(cells)
    texts = [text for cell in cells if (text := _plain_text(fold(cell), written)) is not None]
    return [float(text) for text in texts], written.unit not in ("", FRACTION)
