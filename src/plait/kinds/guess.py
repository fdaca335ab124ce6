"""Judge what one column holds, from its cells. Knows no target, no roles and no modalities.

Media are told by the first bytes of a sample of cells, and by the ending of a name only where no file can be opened.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core.contract import MISSING_WORDS, Table
from plait.data import media
from plait.errors import CellError

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 200  # cells looked into, spread over the column
FEW = 20  # different values that are few

_NOUNS = {"image": "picture", "audio": "sound"}
_NUMBER = re.compile(r"\s*[+-]?(?:(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?\s*%?\s*")
_ID_NAME = re.compile(
    r"(?:^|[\s_.:-])(?i:id|ids|uuid|guid|uid|key|index|idx|no|nr|row|rowid|file|filename|path)$"
    r"|(?<=[a-z])(?:Id|ID|Key)$|编号$|序号$"
)
_CODE_NAME = re.compile(r"(?:^|[\s_.-])(?:code|zip|zipcode|postcode|class|type)$", re.IGNORECASE)
_ID_FORM = re.compile(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}|[^\s\d]{0,40}\d[^\s]{0,40}"
)
_TEXT_NAME = re.compile(r"texts?|words?|sentences?|transcripts?|transcription|utterance|文本|句子|文字", re.IGNORECASE)
_PROSE_NAME = re.compile(
    r"review|comment|caption|description|message|note|question|answer|summary|body|评论|内容|描述", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_DATE_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y年%m月%d日", "%d %b %Y",
    "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y",
)  # fmt: skip
_TIME_FORMATS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p")


@dataclass(frozen=True)
class Guess:
    """What a column seems to hold. usable: False where nothing can be learned from it, as `why` tells."""

    kind: str
    why: str
    confidence: float
    usable: bool = True


@dataclass(frozen=True)
class Facts:
    """What is counted of a column. filled: cells that are there; distinct: different values, None where not counted;
    sample: some of the filled cells, in row order; form: text, whole, real, bool, date, bytes, array or other.
    """

    name: str
    rows: int
    filled: int
    distinct: int | None
    sample: list[Any]
    form: str
    values: pa.ChunkedArray | None = field(default=None, repr=False, compare=False)

    @property
    def holes(self) -> int:
        return self.rows - self.filled

    @property
    def differs(self) -> bool:
        """Whether (nearly) all values are different."""
        return self.distinct is not None and self.filled > 1 and self.distinct >= 0.99 * self.filled

    def uniques(self) -> list[Any]:
        return [] if self.values is None else self.values.unique().to_pylist()


def facts_of(table: Table, name: str) -> Facts:
    """Count one column: filled cells, different values, a sample. Arrow does the work; no cell is decoded."""
    import pyarrow as pa

    values = table.data[name]
    if isinstance(values, np.ndarray):
        if values.ndim > 1:
            rows = spread(len(values))
            return Facts(name, len(values), len(values), None, [values[i] for i in rows], "array")
        if values.dtype == object:
            cells = [cell for cell in table.cells(name) if cell is not None]
            sample = [cells[i] for i in spread(len(cells))]
            form = "array" if any(isinstance(cell, np.ndarray) for cell in sample) else "other"
            return Facts(name, len(values), len(cells), None, sample, form)
        values = pa.chunked_array([pa.array(values, from_pandas=True)])
    present, form = _present(values)
    countable = form in ("text", "whole", "real", "bool", "date")
    distinct = len(present.unique()) if countable else None
    sample = present.take(pa.array(spread(len(present)))).to_pylist()
    return Facts(name, len(values), len(present), distinct, sample, form, present if countable else None)


def spread(length: int) -> np.ndarray:
    """Return at most SAMPLE row numbers, spread evenly from the first to the last."""
    return np.unique(np.linspace(0, max(length - 1, 0), min(length, SAMPLE)).astype(np.int64))


def _present(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, present, types = values.type, values.drop_null(), pa.types
    if types.is_string(kind) or types.is_large_string(kind):
        return present.filter(pc.greater(pc.utf8_length(pc.utf8_trim_whitespace(present)), 0)), "text"
    if types.is_integer(kind):
        return present, "whole"
    if types.is_floating(kind):
        return present.filter(pc.invert(pc.is_nan(present))), "real"
    if types.is_boolean(kind):
        return present, "bool"
    if types.is_date(kind) or types.is_timestamp(kind):
        return present, "date"
    if types.is_binary(kind) or types.is_large_binary(kind):
        return present.filter(pc.greater(pc.binary_length(present), 0)), "bytes"
    if types.is_struct(kind) and {f.name for f in kind} & {"bytes", "path"}:
        held = [pc.is_valid(pc.struct_field(present, [f.name])) for f in kind if f.name in ("bytes", "path")]
        return present.filter(held[0] if len(held) == 1 else pc.or_(*held)), "bytes"
    return present, "other"


def judge(facts: Facts, folder: Path | None) -> Guess:
    """Say what a column holds, why, and how sure that is (0 to 1)."""
    if not facts.filled:
        return Guess("category", "every cell is empty", 1.0, usable=False)
    if facts.form == "array":
        return _judge_arrays(facts)
    found = _look_into(facts, folder) if facts.form in ("text", "bytes", "other") else None
    if found is not None and not (facts.distinct == 1 and facts.rows > 1):
        return found
    if facts.form in ("bytes", "other"):
        what = "bytes that are no picture and no sound" if facts.form == "bytes" else "lists, records or mixed things"
        return Guess("id", f"the cells hold {what}: nothing here to learn from", 0.5, usable=False)
    if facts.distinct == 1 and facts.rows > 1 and facts.filled == facts.rows:
        return Guess("category", f"only one value: {str(facts.sample[0])[:40]!r}", 1.0, usable=False)
    if facts.form == "date":
        return Guess("date", "the cells are dates", 1.0)
    if facts.form == "bool":
        return Guess("category", "the cells are true or false", 1.0)
    return _judge_text(facts) if facts.form == "text" else _judge_number(facts)


def _judge_number(facts: Facts) -> Guess:
    low, high = min(facts.sample), max(facts.sample)
    if facts.form == "whole":
        found = _judge_id(facts)
        if found:
            return found
        if facts.distinct is not None and facts.distinct <= 2 and sorted(facts.uniques()) in ([0, 1], [0], [1]):
            return Guess("category", "whole numbers, only 0 and 1", 0.8)
        if _ID_NAME.search(facts.name) or _CODE_NAME.search(facts.name):
            why = f"whole numbers that come again ({facts.distinct} different), named like labels rather than amounts"
            return Guess("category", why, 0.6)
        return Guess("number", f"whole numbers, such as {low} and {high}", 0.95)
    return Guess("number", f"numbers, such as {low:.6g} and {high:.6g}", 1.0)


def _judge_id(facts: Facts) -> Guess | None:
    if not facts.differs:
        return None
    same = f"{facts.distinct} different values in {facts.filled} cells"
    if facts.name in ("", "Unnamed: 0", "column_0"):
        return Guess("id", f"a first column without a name; {same}", 0.95, usable=False)
    if _ID_NAME.search(facts.name):
        return Guess("id", f"named like an id; {same}", 0.95, usable=False)
    if facts.form == "whole" and facts.filled == facts.rows >= 20 and facts.values is not None:
        start = facts.values[0].as_py()
        if start in (0, 1) and np.array_equal(facts.values.to_numpy(), np.arange(start, start + facts.rows)):
            return Guess("id", f"counts the rows from {start}", 0.8, usable=False)
    if facts.form == "text" and facts.filled >= 10 and _share(facts.sample, _match_id) >= 0.95:
        return Guess("id", f"looks like an id, such as {facts.sample[0]!r}; {same}", 0.8, usable=False)
    return None


def _match_id(cell: str) -> re.Match[str] | None:
    """Match one word with a digit in it; not a sentence of a script that writes no spaces."""
    return _ID_FORM.fullmatch(cell) if len(_UNSPACED.findall(cell)) <= 4 else None


def _judge_text(facts: Facts) -> Guess:
    told = [cell for cell in facts.sample if cell.strip() not in MISSING_WORDS]
    numbers, dates = _share(told, _NUMBER.fullmatch), 0.0
    named_id = _judge_id(facts) if _ID_NAME.search(facts.name) or numbers < 0.95 else None
    if named_id is None and told and numbers >= 0.95:
        return Guess(
            "number",
            f"{_count(told, _NUMBER.fullmatch)} of {len(told)} cells read as numbers",
            round(0.6 + 0.3 * numbers, 2),
        )
    if any(any(c.isdigit() for c in cell) for cell in told[:20]):
        dates = _share(told, read_date)
    if dates >= 0.9:
        return Guess(
            "date", f"{_count(told, read_date)} of {len(told)} cells read as dates", round(0.6 + 0.35 * dates, 2)
        )
    return named_id or _judge_prose(facts)


def _judge_prose(facts: Facts) -> Guess:
    filled, distinct = facts.filled, facts.distinct or 0
    length = float(np.mean([count_words(cell) for cell in facts.sample]))
    values = f"{distinct} different values in {filled} cells"
    prose = f"{values}, about {max(1, round(length))} word{'s' * (round(length) > 1)} each"
    if _TEXT_NAME.fullmatch(facts.name.strip()):
        return Guess("text", f"named {facts.name!r}; {prose}", 0.9)
    named = bool(_PROSE_NAME.search(facts.name)) and length >= 2
    if distinct <= FEW and filled >= 2 * distinct and length <= 4 and not named:
        return Guess("category", f"few and short: {values}", 0.9)
    if filled >= 5 * distinct and distinct <= 1000 and length <= 3 and not named:
        return Guess("category", f"short values that come again: {values}", 0.8)
    if length >= 5 or named:
        return Guess("text", f"sentences: {prose}", 0.95)
    if length >= 2 and distinct > 0.5 * filled:
        return Guess("text", f"phrases, most of them different: {prose}", 0.75)
    if distinct > 0.9 * filled and filled >= FEW:
        return Guess("text", f"words, most of them different: {prose}", 0.5)
    return Guess("category", f"short values: {values}", 0.5)


def count_words(text: str) -> float:
    """Return about how many words a text has. A script without spaces counts 1.7 characters as a word."""
    unspaced = len(_UNSPACED.findall(text))
    return len(_WORDS.findall(_UNSPACED.sub(" ", text))) + unspaced / 1.7


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
    return _share([cell for cell in facts.sample if cell.strip() not in MISSING_WORDS], _NUMBER.fullmatch)


def _count(cells: list[Any], test: Any) -> int:
    return sum(test(cell) is not None for cell in cells)


def _share(cells: list[Any], test: Any) -> float:
    return _count(cells, test) / len(cells) if cells else 0.0


def _judge_arrays(facts: Facts) -> Guess:
    """Tell arrays by the column's name, then by their shape."""
    cell = next(c for c in facts.sample if isinstance(c, np.ndarray))
    shape = "(" + ", ".join(map(str, cell.shape)) + ")"
    name = facts.name.lower()
    if re.search(r"image|img|photo|picture|pixel|scan|x-?ray|图", name):
        return Guess("image", f"arrays of shape {shape}, and its name", 0.9)
    if re.search(r"audio|sound|wave|speech|voice|cough|music|signal|音", name):
        return Guess("audio", f"arrays of shape {shape}, and its name", 0.9)
    if cell.dtype.kind in "biuf":
        if (cell.ndim == 3 and cell.shape[2] in (1, 3, 4)) or (cell.ndim == 2 and min(cell.shape) >= 8):
            return Guess("image", f"arrays of shape {shape}", 0.7)
        if cell.size >= 1000 and (cell.ndim == 1 or (cell.ndim == 2 and min(cell.shape) <= 2)):
            return Guess("audio", f"arrays of shape {shape}", 0.6)
    return Guess("id", f"arrays of shape {shape}, which may be anything", 0.1, usable=False)


def _look_into(facts: Facts, folder: Path | None) -> Guess | None:
    """Open the first bytes of sampled cells; return None where they are no media."""
    cells = [c for c in facts.sample if isinstance(c, (bytes, dict)) or (isinstance(c, str) and _may_be_path(c))]
    if len(cells) < 0.5 * len(facts.sample):
        return None
    endings: Counter[str] = Counter()
    formats: Counter[tuple[str, str]] = Counter()
    opened = addresses = 0
    votes = {"image": 0, "audio": 0}
    for cell in cells:
        name = cell.get("path") if isinstance(cell, dict) else cell
        ending = _ending(name) if isinstance(name, str) else ""
        endings[ending] += bool(ending)
        addresses += isinstance(name, str) and media.is_address(name)
        try:
            found = media.sniff_format(media.read_head(cell, folder))
            opened += 1
        except CellError:
            found = None
            if _kind_of_ending(ending):
                votes[_kind_of_ending(ending)] += 1
        if found:
            formats[found] += 1
            votes[found[0]] += 1
    named = sum(count for ending, count in endings.items() if _kind_of_ending(ending))
    if addresses > 0.5 * len(cells) and named > 0.5 * len(cells):
        kind = _kind_of_ending(endings.most_common(1)[0][0]) or "image"
        return Guess(kind, "web addresses: plait downloads nothing; put the files in a folder", 0.5, usable=False)
    if sum(votes.values()) < 0.5 * len(facts.sample) and named < 0.5 * len(facts.sample):
        if opened > 0.5 * len(facts.sample) and facts.form == "text":
            return Guess("id", "paths of files that are neither pictures nor sounds", 0.6, usable=False)
        return None
    kind = max(votes, key=lambda k: votes[k])
    if not any(votes.values()):
        kind = max(_NOUNS, key=lambda k: sum(n for ending, n in endings.items() if _kind_of_ending(ending) == k))
    return _say_media(kind, formats, endings, opened, len(facts.sample), folder, facts.form)


def _say_media(kind: str, formats: Counter[tuple[str, str]], endings: Counter[str], opened: int, looked: int,
               folder: Path | None, form: str) -> Guess:  # fmt: skip
    right = sum(count for (what, _), count in formats.items() if what == kind)
    names = ", ".join(name for (what, name), _ in formats.most_common() if what == kind)
    common = " or ".join(ending for ending, _ in endings.most_common(2) if ending)
    if right:
        missing = f"; {looked - opened} of {looked} could not be opened" if opened < looked else ""
        things = "files" if form == "text" else "cells"
        why = f"{right} of {opened} {things} looked into are {names}{missing}"
        return Guess(kind, why, round(0.6 + 0.39 * right / looked, 2))
    if opened:
        return Guess(kind, f"names end in {common}, but none of {opened} files looked into is a {_NOUNS[kind]}", 0.3)
    where = f"in {folder}" if folder is not None else "in the working folder"
    return Guess(kind, f"names end in {common}, but no file was found {where} (folder=… says where they are)", 0.4)


def _may_be_path(cell: str) -> bool:
    return len(cell) <= 1024 and "\n" not in cell


def _ending(name: str) -> str:
    return os.path.splitext(media.split_part(name.strip())[0].partition("?")[0])[1].lower()


def _kind_of_ending(ending: str) -> str:
    return "image" if ending in media.IMAGE_ENDINGS else "audio" if ending in media.AUDIO_ENDINGS else ""
