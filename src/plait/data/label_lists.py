"""Cells that hold several labels: lists, or text with one delimiter between, which is found. Knows cells, no target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import clean_label
from plait.core.files import parse_json
from plait.core.words import count
from plait.errors import TableError

DELIMITERS = (";", "|", ",")
OFTEN = 2.0  # how often a piece comes, on average, where pieces are labels: words of sentences come less often
MOST = 2000  # different pieces, and no more, are labels


def find_delimiter(cells: Iterable[Any]) -> str:
    """Return what stands between the labels of cells of text: ; | or ,; "" of lists, and where no cell holds any.

    Raises ValueError where two of them are there and either may be part of a label.

    >>> find_delimiter(["red;blue", "green"]), find_delimiter(["Doe, Ann;Ito, Ken", "Ito, Ken"])
    (';', ';')
    """
    texts = [cell for cell in cells if isinstance(cell, str) and _as_list(cell) is None]
    found = {sign: num for sign in DELIMITERS if (num := sum(sign in text for text in texts))}
    if len(found) < 2:
        return next(iter(found), "")
    able = [sign for sign in found if not any(_also_between(texts, sign, other) for other in found if other != sign)]
    if not able:
        held = " and ".join(f"{sign!r} in {count(num, 'cell')}" for sign, num in found.items())
        raise ValueError(f"holds {held}, so what is between labels is part of some")
    return max(able, key=lambda sign: _repetition(texts, sign))  # of two as good the first


def _also_between(texts: Sequence[str], sign: str, other: str) -> bool:
    """Whether pieces between one sign hold another, of which the parts are labels by themselves."""
    pieces = {piece for text in texts for piece in _pieces(text, sign)}
    return any(part in pieces for piece in pieces if other in piece for part in _pieces(piece, other))


def _repetition(texts: Sequence[str], sign: str) -> float:
    """Return how often a piece comes, on average."""
    counts = Counter(piece for text in texts for piece in _pieces(text, sign))
    return sum(counts.values()) / max(1, len(counts))


def looks_like_labels(texts: Sequence[str]) -> str:
    """Return the delimiter where most cells hold it between short pieces that come again, as labels do; else ""."""
    try:
        sign = find_delimiter(texts)
    except ValueError:
        return ""
    if not sign or 2 * sum(sign in text.strip().strip(sign) for text in texts) <= len(texts):
        return ""
    pieces = {piece for text in texts for piece in _pieces(text, sign)}
    short = all(len(piece.split()) <= 4 and len(piece) <= 40 for piece in pieces)
    numbers = all(re.fullmatch(r"[-+]?[\d.]+", piece) for piece in pieces)  # 1,234 or 1,5 is one number
    return sign if short and not numbers and _repetition(texts, sign) >= OFTEN else ""


def read_labels(cells: Sequence[Any], delimiter: str, places: Sequence[str] = ()) -> list[tuple[Any, ...] | None]:
    """Return the labels of each cell, each once; None where there is no cell, () where a cell holds none, as [] or ;.

    places: how messages name the cells. Raises TableError for a cell whose delimiter is inside a label, and for
    lists in lists.
    """
    read: list[tuple[Any, ...] | None] = []
    for row, cell in enumerate(cells):
        if cell is None or (isinstance(cell, str) and not cell.strip()):
            read.append(None)
            continue
        parts = _as_list(cell)
        place = places[row] if len(places) else f"row {row}"
        if parts is None:
            parts = _pieces(cell, delimiter) if isinstance(cell, str) and delimiter else [cell]
            if split := [part for part in parts if isinstance(part, str) and _is_cut(part)]:
                if not delimiter:
                    raise TableError(
                        f'{place}: {split[0]!r:.60} is no list of labels. Expected one such as ["a", "b"].'
                    )
                raise TableError(
                    f"{place}: the delimiter {delimiter!r} is inside a label, near {split[0]!r:.60}. Expected it "
                    'between labels alone: write another between them (; | or ,), or lists: ["a", "b"].'
                )
        if nested := [part for part in parts if isinstance(part, (dict, list, tuple))]:
            raise TableError(f'{place}: {str(nested[0])!r:.60} is no label. Expected a list such as ["a", "b"].')
        labels = (clean_label(part) for part in parts)
        read.append(tuple(dict.fromkeys(label for label in labels if label is not None)))
    return read


def code_labels(cells: Iterable[Sequence[Any] | None], labels: Sequence[Any]) -> np.ndarray:
    """Return which labels each row has (rows, label), 0 or 1; none where it is None. Labels meet by their text."""
    places: Mapping[str, int] = {str(label): place for place, label in enumerate(labels)}
    rows = list(cells)
    sets = np.zeros((len(rows), len(places)), np.int64)
    for row, own in enumerate(rows):
        for label in own or ():
            if (place := places.get(str(label))) is not None:
                sets[row, place] = 1
    return sets


def _as_list(cell: Any) -> list[Any] | None:
    """Return the parts of a cell that is a list, or holds one as JSON; None of any other."""
    if isinstance(cell, (list, tuple, set, frozenset)):
        return sorted(cell, key=str) if isinstance(cell, (set, frozenset)) else list(cell)
    if isinstance(cell, np.ndarray):
        return cell.tolist()
    if isinstance(cell, str) and cell.strip()[:1] == "[" and cell.strip()[-1:] == "]":
        try:
            return list(parse_json(cell))
        except ValueError:
            return None
    return None


def _pieces(text: str, sign: str) -> list[str]:
    return [piece.strip() for piece in text.split(sign) if piece.strip()]


def _is_cut(piece: str) -> bool:
    """Whether a piece ends within quotes or parentheses: the delimiter is part of what stands in them."""
    return piece.count("(") != piece.count(")") or piece.count("[") != piece.count("]") or piece.count('"') % 2 == 1
