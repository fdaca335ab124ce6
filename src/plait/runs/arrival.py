"""A table that comes to a fitted model: its columns by the names of training, what it lacks, which rows are known.

Knows columns, cells and views; no predictor and no score.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import hashlib
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from plait.core.classes import Several
from plait.core.contract import Table, clean_label, no_column
from plait.core.words import count, say_rows, say_some
from plait.data.label_lists import read_labels
from plait.data.spelling import fold_name, fold_value, spellings
from plait.errors import CellError, RequestError
from plait.models.views import View

MOST = 2**64 - 1
MOST_LEARNED = 1_000_000  # rows whose hashes a run keeps, 8 bytes each; of more nothing is said


def read_classes(table: Table, target: str, classes: Sequence[Any]) -> tuple[np.ndarray, list[str]]:
    """Return the labels of a column (rows,) as the classes that are meant, and what there is to say of them.

    A label that is surely a class in other letters is that class; one that is none stays as it is written.
    """
    places = [table.place(target, row) for row in range(len(table))]
    given = table.cells(target)
    if isinstance(classes, Several):
        sets = read_labels(given, classes.delimiter, places)
    else:
        sets = [None if (cell := clean_label(one)) is None else (cell,) for one in given]
    named = {str(clean_label(value)): value for value in classes}
    alike, times = spellings(named), Counter(str(label) for own in sets for label in own or ())
    meant = {text: text if text in named else alike.get(fold_value(text)) for text in times}
    known = [own and tuple(named.get(meant[str(label)] or "", label) for label in own) for own in sets]
    labels = np.empty(len(known), object)
    labels[:] = known if isinstance(classes, Several) else [own and own[0] for own in known]
    new = [f"{text!r:.40} in {num:,}" for text, num in times.most_common() if meant[text] is None]
    other = [f"{text!r:.40} for {value!r:.40}" for text, value in meant.items() if value not in (None, text)]
    said = []
    if new:
        rows = say_rows(sum(times[text] for text, value in meant.items() if value is None), "has")
        said.append(f"{rows} a label that the model never saw, which counts as wrong: {say_some(new)}.")
    if other:
        said.append(f"labels are written otherwise than in training: {say_some(other)}.")
    return labels, said


def rename_columns(table: Table, found: Mapping[str, str]) -> Table:
    """Return the table with its columns called as training called them: found is {name of training: name here}."""
    new = {name: wanted for wanted, name in found.items() if name != wanted}

    def turned(by_name: Mapping[str, Any]) -> dict[str, Any]:
        return {new.get(name, name): value for name, value in by_name.items()}

    if not new:
        return table
    rates, notes = turned(table.sample_rates), turned(table.notes)
    return replace(table, data=turned(table.data), sample_rates=rates, notes=notes)


def add_absent(table: Table, columns: Iterable[str]) -> Table:
    """Return the table with columns that it lacks, absent in every row, which each row says."""
    # no Arrow array, since Arrow imports pandas, where there is one, to make it
    lacking = {name: np.full(len(table), None, object) for name in columns}
    notes: dict[str, list[str | None]] = {name: [no_column(name)] * len(table) for name in lacking}
    return replace(table, data={**table.data, **lacking}, notes={**table.notes, **notes})


def say_lacking(table: Table, columns: Sequence[str], spare: Sequence[str]) -> str:
    """Return a sentence on the columns of a model that a table lacks. spare: columns that may be meant."""
    squeezed = {fold_name(name).replace(" ", ""): name for name in spare}

    def say(name: str) -> str:
        near = difflib.get_close_matches(fold_name(name).replace(" ", ""), squeezed, n=1)
        return f"{name!r} (there is {squeezed[near[0]]!r}: rename it if that is meant)" if near else repr(name)

    noun = count(len(columns), "column of the model is", "columns of the model are")
    return f"{noun} not in {table.source}, and so missing in every row: {say_some([*map(say, columns)])}."


def take_columns(table: Table, asked: Iterable[str], ids: Iterable[str] = ()) -> dict[str, list[Any]]:
    """Return columns of a table as they came, to be carried along. Raises RequestError for media and arrays that are
    asked for; among the ids, which nobody asked for, they are left out."""
    asked, kept = [*asked], dict[str, list[Any]]()
    for name in dict.fromkeys([*ids, *asked]):
        cells = table.cells(name)
        strange = next((cell for cell in cells if isinstance(cell, (bytes, dict, list, np.ndarray))), None)
        if strange is None:
            kept[name] = cells
        elif name in asked:
            raise RequestError(
                f"column {name!r} cannot be kept beside the answers: it holds {type(strange).__name__}; "
                "expected words, numbers or dates."
            )
    return kept


def hash_rows(table: Table, views: Sequence[View], without: Iterable[str] = ()) -> np.ndarray:
    """Return a hash of what each row holds, (rows,) int64: of cells, however they are written, and of media files.

    without: columns that plait made of others.
    """
    return mix_codes(code_columns(table, views, without), np.arange(len(table)))


def code_columns(table: Table, views: Sequence[View], without: Iterable[str] = ()) -> dict[str, np.ndarray]:
    """Return a number for each cell of the columns that the modalities hold: {column: (rows,)}, by name."""
    columns = {name: view for view in views if view.is_main for name in view.modality.columns}
    return {
        name: _codes_of_files(table, name, columns[name]) if columns[name].able.opened else _codes(table, name)
        for name in sorted(columns.keys() - {*without})
        if name in table.data
    }


def mix_codes(codes: Mapping[str, np.ndarray], rows: np.ndarray) -> np.ndarray:
    """Return the hashes of these rows (rows,) int64 from the numbers of their cells."""
    hashes = np.zeros(len(rows), np.uint64)
    for code in codes.values():
        hashes = (hashes ^ code[rows]) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    return hashes.view(np.int64)


def find_copies(
    codes: Mapping[str, np.ndarray], media: Container[str], known: np.ndarray, asked: np.ndarray
) -> np.ndarray:
    """Return which of the rows asked for hold the same as a known one (asked,) bool. known, asked: rows.

    Rows of few different values are alike without being copies: a row counts only if it holds a file (media: columns
    of them), or a cell of a column of which at least half of the values are different.
    """
    rich = np.zeros(len(asked), bool)
    for name, code in codes.items():
        there = code[np.concatenate([known, asked])]
        there = there[there != 0]
        if name in media or 2 * len(np.unique(there)) >= len(there):
            rich |= code[asked] != 0
    return rich & np.isin(mix_codes(codes, asked), mix_codes(codes, known))


def _codes(table: Table, name: str) -> np.ndarray:
    """Return a number for each cell, the same for 1, 1.0 and "1"; 0 where absent."""
    cells = table.cells(name)
    known = {cell: _code(cell) for cell in {*cells} - {None}}
    return np.array([0 if cell is None else known[cell] for cell in cells], np.uint64)


def _code(cell: Any) -> int:
    if isinstance(cell, str):
        cell = fold_value(cell)
        cell = {"true": 1, "false": 0}.get(cell, cell)
    elif isinstance(cell, dt.datetime):
        cell = str(cell).removesuffix(" 00:00:00")
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        if (number := float(cell)) == number:  # the hash of a number is the same in each process, but of NaN
            return (hash(number) + 1) & MOST
    return _hash(str(cell).encode("utf-8", "surrogatepass"))


def _codes_of_files(table: Table, name: str, view: View) -> np.ndarray:
    def code(cell: Any) -> int:
        try:
            rate = table.sample_rates.get(name)
            return 0 if cell is None else _hash(view.able.read.digest(cell, table.folder, rate))
        except CellError:
            return 0

    return np.array([code(cell) for cell in table.cells(name)], np.uint64)


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


def count_learned(hashes: np.ndarray, learned: np.ndarray) -> int:
    """Count the rows that were learned from, by their hashes; 0 where chance alone may have made so many alike.

    A training row whose cells come twice tells how often rows are alike that are not the same.
    """
    each, times = np.unique(learned, return_counts=True)
    known = int(np.isin(hashes, each[times == 1]).sum())
    by_chance = len(hashes) * float(times[times > 1].sum()) / max(1, len(learned))
    return known if known > 2 * by_chance else 0
