"""CSV, TSV and their like: delimiter, header, types, and the line of each row. Knows nothing of media or kinds."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from plait.core.contract import MISSING_WORDS
from plait.core.words import count
from plait.data import formats
from plait.data.parse import PLAIN_NUMBER, PLAIN_WHOLE
from plait.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

START = 2**18  # characters in which the delimiter is looked for
_LIMIT = threading.RLock()
_CHUNK = 65_536  # rows of a CSV held as Python text at a time
MORE_CELLS = "Put a cell that holds the delimiter in quotes"  # how to mend a row with more cells than the header
MOST_COLUMNS = 100_000  # the widest tables that people have, of genes, have 60,000
FEWER_CELLS = "Write the delimiter before an empty cell too"


def read_delimited(path: Path, file: TextIO) -> tuple[dict[str, pa.ChunkedArray], list[int]]:
    """Return the columns by name, and the line on which each row begins.

    file: opened with newline="". The delimiter is found by looking: comma, semicolon, tab or bar. Quoted cells may hold
    line breaks. Empty cells are null. A column of numbers comes as int64 or float64; in a file with semicolons they may
    have decimal commas. Raises TableError, with the line: no header, two names alike, ragged lines, open quotes.
    """
    with _long_cells():
        return _read_records(path, file)


@contextlib.contextmanager
def _long_cells() -> Iterator[None]:
    """Let cells be as long as they are. The limit is one for the whole process, so one thread at a time."""
    with _LIMIT:
        limit = csv.field_size_limit(2**31 - 1)
        try:
            yield
        finally:
            csv.field_size_limit(limit)


def _read_records(path: Path, file: TextIO) -> tuple[dict[str, pa.ChunkedArray], list[int]]:
    import pyarrow as pa

    start = file.read(START)
    file.seek(0)
    first = re.match(r"sep=(.)\r?\n", start, re.IGNORECASE)  # a first line that Excel writes for itself
    offset, comma = (1, first[1]) if first else (0, _find_delimiter(start, path))
    if first:
        file.readline()
    reader = csv.reader(file, delimiter=comma, strict=True)
    lines: list[int] = []
    chunks: list[list[pa.Array]] = []
    rows: list[list[str]] = []
    begin = offset + 1
    try:
        names = _names_of_header(next((record for record in reader if record), []), path)
        begin = offset + reader.line_num + 1
        for record in reader:
            if record:  # a blank line is no row
                if len(record) != len(names):
                    mend = MORE_CELLS if len(record) > len(names) else FEWER_CELLS
                    cells = count(len(record), "cell")
                    raise TableError(f"{path}, line {begin} has {cells}, the header has {len(names)}. {mend}")
                rows.append(record)
                lines.append(begin)
                if len(rows) == _CHUNK:
                    chunks.append(_strings(rows))
                    rows = []
            begin = offset + reader.line_num + 1
    except csv.Error as error:
        mend = "Put a cell that holds quotes in quotes, and write each quote inside it twice"
        raise TableError(f"{path}, line {begin}: {error}. {mend}") from None
    if rows:
        chunks.append(_strings(rows))
    columns = {name: pa.chunked_array([chunk[i] for chunk in chunks], pa.string()) for i, name in enumerate(names)}
    return {name: _typed(column, comma) for name, column in columns.items()}, lines


def _find_delimiter(start: str, path: Path) -> str:
    """Return the sign that cuts the first records into equally many cells, the most; the ending decides a tie."""
    signs = "\t,;|" if path.suffix.lower() in (".tsv", ".tab") else ",;\t|"
    widths = {}
    for sign in signs:
        records = csv.reader(io.StringIO(start, newline=""), delimiter=sign)
        widths[sign] = [len(record) for record in islice((record for record in records if record), 20)] or [0]
        if len(start) == START and 1 < len(widths[sign]) < 20:  # the last is cut off
            widths[sign].pop()
    agreed = [sign for sign in signs if len(set(widths[sign])) == 1 and widths[sign][0] > 1]
    return max(agreed or signs, key=lambda sign: widths[sign][0])


def _names_of_header(header: list[str], path: Path) -> list[str]:
    cells = [cell.strip() for cell in header]
    endings = formats.IMAGE_ENDINGS | formats.AUDIO_ENDINGS
    numbers = [cell for cell in cells if re.fullmatch(PLAIN_NUMBER, cell)]
    counted = sorted(cells) == sorted(map(str, range(len(cells))))  # what pandas writes for columns without names
    has_path = any(os.path.splitext(cell)[1].lower() in endings for cell in cells)
    if has_path or (len(numbers) == len(cells) and not counted):
        row = ", ".join(cells)[:80]
        raise TableError(f"{path} has no header: its first line looks like a row ({row}). Write column names above it")
    names = [cell or f"Unnamed: {i}" for i, cell in enumerate(cells)]
    check_names(names, str(path))
    return names


def check_names(names: Iterable[str], source: str) -> None:
    """Raise TableError when a name comes twice, or there are too many."""
    names = list(names)
    if len(names) > MOST_COLUMNS:
        raise TableError(f"{source} has {len(names):,} columns; expected at most {MOST_COLUMNS:,}")
    for name, times in Counter(names).items():
        if times > 1:
            raise TableError(f"{source} has two columns named {name!r}. Rename or remove one of them")


def _strings(rows: list[list[str]]) -> list[pa.Array]:
    import pyarrow as pa

    columns = zip(*rows, strict=True)
    return [pa.array([cell if cell.strip() else None for cell in cells], pa.string()) for cells in columns]


def _typed(column: pa.ChunkedArray, comma: str) -> pa.ChunkedArray:
    """Return int64 or float64 when every cell that is there reads as such, else the text itself."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    missing = pc.fill_null(pc.is_in(trimmed, pa.array(MISSING_WORDS)), True)
    present = trimmed.filter(pc.invert(missing))
    if not len(present):
        return column

    def all_match(pattern: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(present, f"^({pattern})$")).as_py())

    whole = all_match(PLAIN_WHOLE)
    decimal_comma = comma == ";" and not whole and all_match(r"[+-]?(?:0|[1-9]\d*)(?:,\d+)?")
    if not (whole or decimal_comma or all_match(PLAIN_NUMBER)):
        return column
    numbers = pc.replace_substring_regex(trimmed, r"^\+", "")
    if decimal_comma:
        numbers = pc.replace_substring(numbers, ",", ".")
    numbers = pc.if_else(missing, pa.scalar(None, pa.string()), numbers)
    return numbers.cast(pa.int64() if whole else pa.float64())


def not_utf8(path: Path) -> str:
    """Return the sentence for a text file that is not UTF-8: the line, a guess of the encoding, how to mend it."""
    content, start = path.read_bytes(), 0
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start
    code, line = _guess_code(content[start : start + 4096]), content.count(b"\n", 0, start) + 1
    return (
        f"{path} is not UTF-8 (line {line}); it may be {code}. Save it as UTF-8 (in Excel: Save As, 'CSV UTF-8'), or: "
        f"iconv -f {code} -t UTF-8 {path.name} > new.csv"
    )


def _guess_code(content: bytes) -> str:
    """Guess between Chinese and Western: read as Chinese, nearly all signs beyond ASCII are common Chinese ones."""
    high = [c for c in content.decode("gb18030", "replace") if c > "\x7f"]
    common = sum("\u4e00" <= c <= "\u9fff" or "\u3000" <= c <= "\u303f" or "\uff00" <= c <= "\uffef" for c in high)
    runs = re.findall(rb"[\x80-\xff]+", content)
    pairs = sum(len(run) >= 2 for run in runs)
    return "GB18030" if high and common > 0.8 * len(high) and pairs > 0.5 * len(runs) else "CP1252"
