"""Whether a column holds numbers, dates, categories, or ids that nothing can be learned from."""

from __future__ import annotations

import re
from datetime import date, datetime

import numpy as np

from plait.core.contract import MISSING_WORDS
from plait.core.words import count
from plait.kinds.facts import UNSPACED, Facts, Guess, share_matching

NUMBER = re.compile(r"\s*[+-]?(?:(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*%?\s*")


ID_NAME = re.compile(
    r"(?:^|[\s_.:-])(?i:id|ids|uuid|guid|uid|key|index|idx|no|nr|row|rowid|file|filename|path)$"
    r"|(?<=[a-z])(?:Id|ID|Key)$|编号$|序号$"
)


_CODE_NAME = re.compile(r"(?:^|[\s_.-])(?:code|zip|zipcode|postcode|class|type)$", re.IGNORECASE)


_ID_FORM = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[^\s\d]{0,40}\d[^\s]{0,40}"
)


_DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y年%m月%d日", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y",
)  # fmt: skip


_TIME_FORMATS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")


def judge_number(facts: Facts) -> Guess:
    low, high = min(facts.sample), max(facts.sample)
    if facts.form == "whole":
        found = judge_id(facts)
        if found:
            return found
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
            return Guess("id", f"counts the rows from {start}", 0.8, usable=False)
    if facts.form == "text" and facts.filled >= 10 and share_matching(facts.sample, _match_id) >= 0.95:
        return Guess("id", f"looks like an id, such as {facts.sample[0]!r}; {same}", 0.8, usable=False)
    return None


def _match_id(cell: str) -> re.Match[str] | None:
    """Match one word with a digit in it; not a sentence of a script that writes no spaces."""
    return _ID_FORM.fullmatch(cell) if len(UNSPACED.findall(cell)) <= 4 else None


def read_date(text: str) -> datetime | date | None:
    """Return the date that a text tells (ISO, or a common way to write one), or None."""
    text = text.strip()
    if not 6 <= len(text) <= 40 or len(re.findall(r"\d+", text)) < 2:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    for day in _DATE_FORMATS:
        for time in _TIME_FORMATS:
            try:
                return datetime.strptime(text, day + time)
            except ValueError:
                continue
    return None


def numeric_share(facts: Facts) -> float:
    """Return the share of the sampled text cells that read as numbers."""
    return share_matching([cell for cell in facts.sample if cell.strip() not in MISSING_WORDS], NUMBER.fullmatch)
