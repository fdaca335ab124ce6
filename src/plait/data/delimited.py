"""CSV, TSV and their like: delimiter, header, types, and the line of each row. Knows nothing of media or kinds."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import threading
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from plait.core.words import count
from plait.data import formats
from plait.data.encodings import say_encoding
from plait.data.layout import MARKS, find_header, is_drawn, is_spaced, is_units_row, undraw
from plait.data.lists import array_of
from plait.data.parse import MISSING, PLAIN_NUMBER, PLAIN_WHOLE, is_decimal_comma, is_missing
from plait.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa

START = 2**18  # characters in which the delimiter is looked for
_LIMIT = threading.RLock()
_OTHER_FORMS = (  # text that is another form of table, and the way out
    (re.compile(r"\s*<(?:!doctype|html|table|\?xml)", re.IGNORECASE), "holds HTML or XML: save its table as CSV"),
    (re.compile(r"(?:%.*\n|\s)*@relation\b", re.IGNORECASE), "is ARFF, as Weka writes it: save it as CSV there"),
    (
        re.compile(r"[+-]?\d+(?:\.\d+)?(?: \d+:[\d.eE+-]+)+\s"),
        "is in the form of LIBSVM: give what sklearn.datasets.load_svmlight_file returns, as a dict of arrays",
    ),
)
_CHUNK = 65_536  # rows of a CSV held as Python text at a time
MORE_CELLS = "Put a cell that holds the delimiter in quotes"  # how to mend a row with more cells than the header
MOST_COLUMNS = 100_000  # the widest tables that people have, of genes, have 60,000
SHOWS, FEW_ROWS = 200, 200  # rows that show a file's decimal sign; rows that may show too little of a column
GROUPED = r"[+-]?[1-9]\d{0,2}(?:\.\d{3})*|0"  # 939, 1.234 and 2.364.100: decimals, or points between thousands
FEWER_CELLS = "Write the delimiter before an empty cell too"


Read = tuple[dict[str, "pa.ChunkedArray"], list[int], dict[str, str]]


def read_delimited(path: Path, file: TextIO) -> Read:
    """Return the columns by name, the line on which each row begins, and the units that a row below the header names.

    file: opened with newline="". The delimiter is found by looking: comma, semicolon, tab or bar, else blanks. Lines of
    comments or about a device above the header are left out, with a warning. Quoted cells may hold line breaks. Empty
    cells are null. A column of numbers comes as int64 or float64; in a file with semicolons they may have decimal
    commas. Raises TableError, with the line: no header, two names alike, ragged lines, open quotes.
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


def _read_records(path: Path, file: TextIO) -> Read:
    import pyarrow as pa

    start = file.read(START)
    file.seek(0)
    if way := next((way for form, way in _OTHER_FORMS if form.match(start)), ""):
        raise TableError(f"{path} {way}")
    if is_drawn(start):
        file = io.StringIO(undraw(file.readlines()))
        start = file.getvalue()[:START]
    first = re.match(r"sep=(.)\r?\n", start, re.IGNORECASE)  # a first line that Excel writes for itself
    above, mark = (1, "") if first else find_header(start)
    comma = first[1] if first else _find_delimiter("".join(start.splitlines(keepends=True)[above:]), path)
    offset, skipped = above, "".join(file.readline() for _ in range(above))
    file.read(len(mark))
    reader = csv.reader(file, delimiter=comma, strict=True, skipinitialspace=comma == " ")
    lines: list[int] = []
    chunks: list[list[pa.Array]] = []
    rows: list[list[str]] = []
    top: list[list[str]] = []
    begin = offset + 1
    try:
        header = next((record for record in reader if record), [])
        names = _names_of_header(header, path)
        begin = offset + reader.line_num + 1
        for record in reader:
            if len(record) != len(names):
                _fit(record, names, header if not lines else names)
            if len(record) != len(names):
                if not record or record[0].startswith(MARKS):  # a blank line is no row, nor is a comment
                    skipped += f"{comma.join(record)}\n"
                    begin = offset + reader.line_num + 1
                    continue
                mend = MORE_CELLS if len(record) > len(names) else FEWER_CELLS
                cells = count(len(record), "cell")
                raise TableError(f"{path}, line {begin} has {cells}, the header has {len(names)}. {mend}")
            rows.append(record)
            lines.append(begin)
            if len(rows) == _CHUNK:
                top = top or rows[:20]
                chunks.append(_strings(rows))
                rows = []
            begin = offset + reader.line_num + 1
    except csv.Error as error:
        mend = "Put a cell that holds quotes in quotes, and write each quote inside it twice"
        raise TableError(f"{path}, line {begin}: {error}. {mend}") from None
    if rows:
        top = top or rows[:20]
        chunks.append(_strings(rows))
    units = dict[str, str]()
    if top and is_units_row(top[0], top[1:]):
        units = {name: unit.strip(" []()") for name, unit in zip(names, top[0], strict=True) if unit.strip()}
        chunks[0], lines = [column[1:] for column in chunks[0]], lines[1:]
        skipped += f"{comma.join(top[0])}\n"
    if (left := list(filter(str.strip, skipped.splitlines()))) and not first:
        are = count(len(left), "line that is no row is", "lines that are no rows are")
        warnings.warn(f"{path}: {are} left out: {left[0].strip()[:60]!r}", stacklevel=6)
    while chunks and not header[len(names) - 1].strip() and all(c[-1].null_count == len(c[-1]) for c in chunks):
        chunks, names = [chunk[:-1] for chunk in chunks], names[:-1]  # its lines end in a delimiter, and that is all
    columns = {name: pa.chunked_array([chunk[i] for chunk in chunks], pa.string()) for i, name in enumerate(names)}
    commas = comma == ";" and any(_shows_commas(column[:SHOWS].to_pylist()) for column in columns.values())
    typed = {name: _typed(column, comma == ";", commas) for name, column in columns.items()}
    if _is_row(typed):
        raise _no_header(path, names)
    return typed, lines, units


def _fit(record: list[str], names: list[str], header: list[str]) -> None:
    """Take away what is only a delimiter at the end of a row, or of the header where no row is read yet; all of a blank
    line."""
    if len(record) < 2 and not any(map(str.strip, record)):
        record.clear()
    elif len(record) > len(names) and not any(map(str.strip, record[len(names) :])):
        del record[len(names) :]
    elif not any(map(str.strip, header[len(record) :])):
        del names[len(record) :]


def _find_delimiter(start: str, path: Path) -> str:
    """Return the sign that cuts the first records into equally many cells, the most; the ending decides a tie.
    Where none does, blanks may."""
    signs = "\t,;|" if path.suffix.lower() in (".tsv", ".tab") else ",;\t|"
    widths = {}
    for sign in signs:
        records = csv.reader(io.StringIO(start, newline=""), delimiter=sign)
        widths[sign] = [len(record) for record in islice((record for record in records if record), 20)] or [0]
        if len(start) == START and 1 < len(widths[sign]) < 20:  # the last is cut off
            widths[sign].pop()
    agreed = [sign for sign in signs if len(set(widths[sign])) == 1 and widths[sign][0] > 1]
    if not agreed and is_spaced(start.splitlines()[:20]):
        return " "
    return max(agreed or signs, key=lambda sign: widths[sign][0])


def _names_of_header(header: list[str], path: Path) -> list[str]:
    cells = [cell.strip() for cell in header]
    endings = formats.IMAGE_ENDINGS | formats.AUDIO_ENDINGS
    numbers = [cell for cell in cells if re.fullmatch(PLAIN_NUMBER, cell)]
    counted = sorted(cells) == sorted(map(str, range(len(cells))))  # what pandas writes for columns without names
    has_path = any(os.path.splitext(cell)[1].lower() in endings for cell in cells)
    if has_path or (len(numbers) == len(cells) and not counted):
        raise _no_header(path, cells)
    names = [cell or f"Unnamed: {i}" for i, cell in enumerate(cells)]
    check_names(names, str(path))
    return names


def _is_row(columns: dict[str, pa.ChunkedArray]) -> bool:
    """Whether the names of columns are a row of the table: numbers above numbers, and words that come again below."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = [name for name in columns if not re.fullmatch(PLAIN_NUMBER, name)]
    numbers = columns.keys() - {*words}
    return bool(numbers and words) and all(
        not pa.types.is_string(columns[name].type)
        if name in numbers
        else pa.types.is_string(columns[name].type)
        and pc.index(pc.utf8_trim_whitespace(columns[name]), name).as_py() >= 0
        for name in columns
    )


def _no_header(path: Path, cells: list[str]) -> TableError:
    row = ", ".join(cells)[:80]
    return TableError(f"{path} has no header: its first line looks like a row ({row}). Write column names above it")


def check_names(names: Iterable[str], source: str) -> None:
    """Raise TableError when a name comes twice, or there are too many."""
    names = list(names)
    if len(names) > MOST_COLUMNS:
        raise TableError(f"{source} has {len(names):,} columns; expected at most {MOST_COLUMNS:,}")
    for name, times in Counter(names).items():
        if times > 1:
            raise TableError(f"{source} has two columns named {name!r}. Rename or remove one of them")


def _strings(rows: list[list[str]]) -> list[pa.Array]:
    columns = zip(*rows, strict=True)
    return [array_of([cell if cell.strip() else None for cell in cells], "string") for cells in columns]


def _shows_commas(cells: list[str | None]) -> bool:
    """Whether cells are numbers, and some have a decimal comma for sure."""
    numbers = [cell for cell in cells if cell is not None and not is_missing(cell)]
    return all(re.fullmatch(r"\s*[+-]?\d[\d.']*(?:,\d+)?\s*", cell) for cell in numbers) and is_decimal_comma(numbers)


def _typed(column: pa.ChunkedArray, semicolons: bool, commas: bool) -> pa.ChunkedArray:
    """Return int64 or float64 when every cell that is there reads as such, else the text itself.
    commas: the file has decimal commas for sure, so that points stand between thousands."""
    import pyarrow as pa
    import pyarrow.compute as pc

    trimmed = pc.utf8_trim_whitespace(column)
    present = trimmed.drop_null()

    def match(cells: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
        return pc.match_substring_regex(cells, f"^(?:{pattern})$")

    def fit(pattern: str, cells: pa.ChunkedArray = present) -> bool:
        """Whether some cells match, and all others are words for "missing"."""
        odd = cells.filter(pc.invert(match(cells, pattern)))
        return len(odd) < len(cells) and pc.all(match(odd, MISSING), min_count=0).as_py()

    if not fit(
        f"{PLAIN_NUMBER}|[+-]?\\d*,\\d+|{MISSING}", present[:SHOWS]
    ):  # words, as most columns of text show at once
        return column

    form, whole = PLAIN_WHOLE, fit(PLAIN_WHOLE)
    if not whole:
        form = r"[+-]?(?:0|[1-9]\d*)(?:,\d+)?" if semicolons else PLAIN_NUMBER
        if not fit(form) and (form == PLAIN_NUMBER or not fit(form := PLAIN_NUMBER)):
            return column
        long = pc.max(pc.utf8_length(present)).as_py() > 15  # a float would lose digits
        if long and form == PLAIN_NUMBER and pc.any(match(present, r"[+-]?\d{16,}(?:\.0*)?")).as_py():
            return column
    if not whole and form == PLAIN_NUMBER and fit(GROUPED, present[:SHOWS]) and fit(GROUPED):
        if commas:
            trimmed, form, whole = pc.replace_substring(trimmed, ".", ""), PLAIN_WHOLE, True
        elif len(present) <= FEW_ROWS or not pc.all(match(present, rf".*\..*|{MISSING}")).as_py():
            return column  # 1.234 may be 1234: whoever knows the whole column, or what was learned from, decides
    numbers = pc.if_else(match(trimmed, form), trimmed, pa.nulls(1, pa.string())[0])
    numbers = pc.replace_substring(pc.replace_substring_regex(numbers, r"^\+", ""), ",", ".")
    try:
        return numbers.cast(pa.int64() if whole else pa.float64())
    except pa.ArrowInvalid:  # beyond 64 bits
        return column


def not_utf8(path: Path) -> str:
    """Return the sentence for a text file that is not UTF-8: the line, the encoding if it is sure, how to mend it."""
    content, start = path.read_bytes(), 0
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        start = error.start
    said, code = say_encoding(content, start)
    how = f", or: iconv -f {code} -t UTF-8 {path.name} > new.csv" if code else ""
    line = content.count(b"\n", 0, start) + 1
    return f"{path} is not UTF-8 (line {line}); {said}. Save it as UTF-8 (in Excel: Save As, 'CSV UTF-8'){how}"
