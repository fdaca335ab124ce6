"""Checks of columns, whatever their kind: holes, ids, numbers among words. What is odd about a cell, its kind says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from plait.core.contract import Column, Schema, Table, name_splits
from plait.core.finding import Finding, quoted, say_cells
from plait.core.words import count, percent
from plait.data.formats import AUDIO_ENDINGS, IMAGE_ENDINGS, VIDEO_ENDINGS
from plait.data.parse import PLAIN, Written, fold, how_written, is_missing, parse_number, several_units
from plait.kinds import KINDS, is_opened, kind_of_column
from plait.kinds.detect import WHY_MENDED
from plait.kinds.facts import FEW, SAMPLE, Facts, absent_cells, facts_of
from plait.kinds.left_out import WHY_ASKED, is_lost, way_in
from plait.kinds.media import SAVED, WEB, means_files

HALF, NEARLY_ALL = 0.5, 0.9  # share of absent cells: worth knowing, and a fault

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
# 104/98, 47.41, 12.55, 13±0.4, 1920x1080; blanks and points alone are in telephones and versions
_SEVERAL = re.compile(r"[(\[]?#(?:[\s,;:/|±~–x-]*#){1,3}[)\]]?")
_ENDINGS = "|".join(sorted(end[1:] for end in IMAGE_ENDINGS | AUDIO_ENDINGS | VIDEO_ENDINGS))
_FILE = re.compile(rf"[\w/\\-]\.(?:{_ENDINGS})(?!\w)", re.IGNORECASE)
_CODE = re.compile(r"[+-]?0\d+")  # 007 is a code, not a number


def check_cells(table: Table, schema: Schema) -> list[Finding]:
    """Return the findings about columns whose cells are not opened, and about the holes of all."""
    split = split_of(table, schema)
    findings = [*_check_split(table, schema)]
    for column in schema.columns:
        if column.role in ("split", "group") or column.why in (WHY_ASKED, WHY_MENDED):
            continue
        facts, kind = facts_of(table, column.name), kind_of_column(column.kind)
        findings += _check_filled(column, facts, table)
        if column.role == "ignored":
            findings += _check_unread(column, schema) if means_files(column) else _check_left_out(column, facts)
            continue
        if is_opened(column.kind):
            continue
        if kind is not None and kind.checks is not None:
            findings += kind.checks.check_column(column, facts, table, schema, split)
        if facts.written:
            findings += [*_check_numbers(column, table), *_check_mentions(column, facts)]
    return findings


def split_of(table: Table, schema: Schema) -> list[str | None] | None:
    """Return for each row train, val or test, None where it is blank; None for a table without a split column."""
    name = schema.role("split")
    return None if name is None else name_splits(table.cells(name))


def _check_split(table: Table, schema: Schema) -> Iterator[Finding]:
    name = schema.role("split")
    words = split_of(table, schema) or []
    strange = tuple(row for row, word in enumerate(words) if word not in (None, "train", "val", "test"))
    if name is not None and strange:
        shown = table.cells(name, strange[:1])[0]
        message = f"{say_cells(len(strange), 'holds')} no split, such as {shown!r:.60}; fit refuses the table"
        yield Finding("error", "split-unknown", name, strange, message, "Write train, val or test, or leave it blank.")


def _check_filled(column: Column, facts: Facts, table: Table) -> Iterator[Finding]:
    if not facts.rows:
        return
    absent = sum(absent_cells(table, column))
    part = absent / facts.rows
    if column.role == "target" and not facts.filled:
        message = f"no row of {count(facts.rows)} has a label; fit needs some to learn from"
        yield Finding("warning", "label-few-rows", column.name, (), message, "See whether the labels were lost.")
    if part >= HALF and column.role != "target":  # rows without a label are common, and counted elsewhere
        severity = "warning" if part >= NEARLY_ALL else "note"
        message = f"{count(absent)} of {count(facts.rows, 'cell is', 'cells are')} missing ({percent(part, 0)})"
        mend = f"See whether the cells were lost on the way; if not, it may be left out: --ignore {quoted(column.name)}"
        yield Finding(severity, "table-mostly-missing", column.name, (), message, mend)
    if facts.distinct == 1 and (facts.filled == facts.rows > 1 or column.role == "target"):
        holders = f"all {count(facts.filled, 'cell')} hold" if facts.filled > 1 else "the only cell holds"
        message = f"{holders} {str(facts.sample[0])[:40]!r}; nothing can be learned from it"
        mend = "Nothing is needed: it is left out. If it should differ, the table was written wrongly."
        if column.role == "target":
            mend = "A target needs two different values or more; see whether rows or labels were lost."
        yield Finding("warning", "table-constant", column.name, (), message, mend)


def _check_left_out(column: Column, facts: Facts) -> Iterator[Finding]:
    """Find columns that fit leaves out: surely ids, or what may be of use; of one value there is a finding already."""
    if column.why.startswith(SAVED):
        mend = "Save what they hold as pictures, sounds, texts or numbers; the column teaches nothing as it is."
        yield Finding("warning", "file-unsupported", column.name, (), f"{column.why}; it is left out", mend)
    elif is_lost(column) and facts.distinct != 1:
        way = way_in(column)
        mend = f"{way}; if it is of no use: --ignore {quoted(column.name)}".lstrip("; ")
        yield Finding(
            "warning", "table-left-out", column.name, (), f"it is left out: {column.why}", mend[:1].upper() + mend[1:]
        )
    elif column.kind == "id" and (facts.written or facts.form in ("whole", "real")):
        mend = f"Nothing is needed; if it is no id: --kind {quoted(column.name)}=category"
        yield Finding("note", "table-id-like", column.name, (), f"{column.why}; it is left out", mend)


def _check_unread(column: Column, schema: Schema) -> Iterator[Finding]:
    """Find columns that mean files of which none is read; a note where other columns hold files, and of mere links."""
    others = any(KINDS[modality.kind].opened for modality in schema.modalities)
    severity = "note" if others or (column.why == WEB and column.kind == "id") else "warning"
    check, mend = "file-unread", "Write the paths of the files, from the table's folder on, into the column."
    if column.why == WEB:
        check, mend = "file-address", "Download the files, and write their paths into the column."
    yield Finding(severity, check, column.name, (), f"the cells are {column.why}; it is left out", mend)


def _check_mentions(column: Column, facts: Facts) -> Iterator[Finding]:
    """Find cells that name pictures, sounds or videos among other signs, such as quotes or a list."""
    named = [cell for cell in facts.sample if _FILE.search(cell)]
    if column.role == "feature" and len(named) >= 0.9 * len(facts.sample) > 0:
        message = f"most cells name files among other signs, such as {named[0]!r:.80}; they are read as words"
        mend = "Write the path alone into each cell, of several files each into a column of its own."
        yield Finding("warning", "file-unread", column.name, (), message, mend)


def _check_numbers(column: Column, table: Table) -> Iterator[Finding]:
    """Find numbers among words, and numbers that are stored as text."""
    cells = {row: cell.strip() for row, cell in enumerate(table.cells(column.name)) if cell and not is_missing(cell)}
    if column.kind == "date" or len(cells) < 2:
        return
    written = how_written(list(cells.values()))
    numbers = {row for row, cell in cells.items() if _is_number(cell, written)}
    words = tuple(sorted(set(cells) - numbers))
    name, share = column.name, len(numbers) / len(cells)
    if column.kind != "number" and (units := several_units([fold(cell) for cell in cells.values()])):
        message = f"amounts in {' and '.join(units)}; they are not read as numbers"
        mend = "Write all of them in one unit."
        yield Finding("warning", "table-mixed-units", name, (), message, mend)
    elif column.kind == "number":
        signed = [cells[row] for row in sorted(numbers) if not PLAIN.fullmatch(cells[row])]
        if signed or (not words and table.lines is None):  # a CSV is nothing but text
            example = (signed or [cells[min(numbers)]])[0]
            value = parse_number(example, *written)
            message = f"the numbers are stored as text, such as {example!r}, read as {value:.15g}"
            mend = "fit reads them as numbers; nothing is needed. Stored as numbers they are safe everywhere."
            yield Finding("note", "table-numbers-as-text", name, (), message, mend)
    elif column.role == "feature" and (several := _count_in_each(list(cells.values()))) > 1:
        message = f"most cells hold {several} numbers, such as {next(iter(cells.values()))!r:.60}; they are read as "
        message += "words"
        mend = "Write each of the numbers into a column of its own."
        yield Finding("warning", "table-several-numbers", name, (), message, mend)
    elif share >= 0.95 and not any(_CODE.fullmatch(cells[row]) for row in numbers):
        if column.role == "target" and all(
            float(parse_number(cells[row], *written) or 0).is_integer() for row in numbers
        ):
            return  # classes named by whole numbers
        example = cells[min(numbers)]
        many = f"{count(len(numbers))} of {count(len(cells), 'cell is a number', 'cells are numbers')}"
        message = f"{many}, such as {example!r}, but it counts as {column.kind}"
        mend = f"If the amounts matter: --kind {quoted(name)}=number"
        yield Finding("warning", "table-numbers-as-text", name, (), message, mend)
    elif words and (share >= HALF or (share >= 0.05 and column.kind == "category")):
        severity, rows = ("warning", words) if share >= HALF else ("note", ())
        message = (
            f"numbers and words in one column: {count(len(numbers), 'cell is a number', 'cells are numbers')} and "
            f"{count(len(words), 'is', 'are')} not, such as {cells[words[0]]!r:.60}"
        )
        mend = f"If it holds numbers, mend the words and say --kind {quoted(name)}=number; if not, nothing is needed."
        yield Finding(severity, "table-mixed-types", name, rows, message, mend)


def _is_number(cell: str, written: Written) -> bool:
    try:
        return parse_number(cell, *written) is not None
    except ValueError:
        return False


def _count_in_each(cells: list[str]) -> int:
    """Return how many numbers nearly all cells of many different ones hold, written alike; else 0. Looks into some."""
    cells = cells[:: max(1, len(cells) // SAMPLE)]
    if len({*cells}) <= FEW:
        return 0
    shape, most = Counter(_NUMBER.sub("#", fold(cell)) for cell in cells).most_common(1)[0]
    right = _SEVERAL.fullmatch(shape) and not shape.replace("#", "").isspace()
    return shape.count("#") if right and most >= 0.9 * len(cells) else 0
