"""A text as its letters, and which words and runs of letters stand in it, for a learner of many sparse columns.

Each run is known by a hash, so that nothing is learned here: not which runs there are, nor how common. Runs are words
and pairs of them, and one to five letters within what stands between blanks; of scripts that are told by character
(Chinese, Japanese, Korean, Thai) at most three. Knows bytes and hashes; no table, no target.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.kinds.part import Part
from plait.kinds.text.clean import is_one_character, show_markers
from plait.kinds.text.prep import TextPrep
from plait.kinds.text.read import join_texts

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

DTYPE = np.uint8
ENCODER = None  # no network reads it
MOST_BYTES = 8_192  # of a text; what comes after is not read
BUCKETS = 1 << 22  # of hashes, an even one for words and an odd one for letters
LONGEST, LONGEST_SOLID = 5, 3  # letters of a run, and of one with a letter that is a token by itself
_BLANK, _WORD, _SOLID = 1, 2, 4  # what a character is
_BASE = np.uint64(0x9E3779B97F4A7C15)  # odd, so that it has an inverse modulo 2^64
_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))
_MIXER = np.uint64(0xD6E8FEB86659FD93)


def fit(prep: TextPrep, texts: Sequence[str]) -> TextPrep:
    """Return a blank preparation that cleans as this one does, and keeps as many bytes as 99 of 100 texts have."""
    sizes = [len(_encode(prep, text)) for text in texts]
    kept = {name: getattr(prep, name) for name in ("normalise", "mojibake", "html", "whitespace", "lower")}
    return TextPrep(**kept, tokens=int(np.clip(np.quantile(sizes, 0.99), 1, MOST_BYTES)))


def prepare(
    prep: TextPrep, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: Executor
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, byte) with cleaned texts in UTF-8; return which rows have a text, and why not."""
    joined = join_texts(part)
    for row, text in zip(values, joined, strict=True):
        if text is not None:
            written = np.frombuffer(_encode(prep, text)[: len(row)], np.uint8)
            row[: len(written)] = written
    present = np.array([[text is not None] for text in joined], bool).reshape(-1, 1)
    return present, part.gaps()


def _encode(prep: TextPrep, text: str) -> bytes:
    shown = re.sub(r"[\s\0]+", " ", show_markers(prep.clean(text), "")).strip()
    return shown.encode("utf-8", "surrogatepass")


def layout(prep: TextPrep, encoder: str = "") -> dict[str, Any]:
    """Return the sizes of one input, as JSON."""
    return {"bytes": prep.tokens}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of one input."""
    return (layout["bytes"],)


def count_grams(x: np.ndarray) -> csr_matrix:
    """Return 1 + ln(how often) each run stands in each text: x (batch, byte) → float32 (batch, BUCKETS), sparse."""
    from scipy.sparse import csr_matrix

    texts = [bytes(row).rstrip(b"\0").decode("utf-8", "ignore") for row in np.asarray(x, np.uint8)]
    # a blank before and after each text, which is where its words begin and end
    codes = np.frombuffer("".join(f" {text} " for text in texts).encode("utf-32-le"), np.uint32)
    row = np.repeat(np.arange(len(texts)), [len(text) + 2 for text in texts])
    kinds = _kinds(codes)
    powers = _powers(len(codes) + 1)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(codes.astype(np.uint64) * powers[0][:-1])])

    def hashed(start: np.ndarray, end: np.ndarray) -> np.ndarray:
        return (sums[end] - sums[start]) * powers[1][start]

    rows, buckets = [], []
    start, end = _words(kinds)
    own = hashed(start, end)
    both = row[start[:-1]] == row[start[1:]]
    pair = (own[:-1] * _MIXER + own[1:])[both]
    for values, places in ((own, start), (pair, start[:-1][both])):
        rows.append(row[places])
        buckets.append(_bucket(values, 0))
    blanks, solid = (np.concatenate([[0], np.cumsum(kinds & flag > 0)]) for flag in (_BLANK, _SOLID))
    for size in range(1, LONGEST + 1):
        start = np.arange(len(codes) - size + 1)
        end = start + size
        inner = blanks[np.maximum(end - 1, start + 1)] - blanks[start + 1] if size > 1 else blanks[end] - blanks[start]
        right = inner == 0
        if size == 2:  # a blank after a blank is where two texts meet
            right = (blanks[end] - blanks[start]) < 2
        if size > LONGEST_SOLID:
            right &= solid[end] == solid[start]
        start, end = start[right], end[right]
        rows.append(row[start])
        buckets.append(_bucket(hashed(start, end), 1))
    keys, counts = np.unique(np.concatenate(rows) * BUCKETS + np.concatenate(buckets), return_counts=True)
    ends = np.searchsorted(keys, np.arange(len(texts) + 1) * BUCKETS)
    values = (1 + np.log(counts)).astype(np.float32)
    return csr_matrix((values, (keys % BUCKETS).astype(np.int32), ends), shape=(len(texts), BUCKETS))


def _words(kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each word begins, and where it ends."""
    inside = np.concatenate([[0], (kinds & _WORD > 0).astype(np.int8), [0]])
    step = np.diff(inside)
    return np.flatnonzero(step == 1), np.flatnonzero(step == -1)


def _bucket(hashes: np.ndarray, odd: int) -> np.ndarray:
    mixed = (hashes ^ (hashes >> np.uint64(32))) * _MIXER
    return ((mixed >> np.uint64(43)) * np.uint64(2) + np.uint64(odd)).astype(np.int64)


def _kinds(codes: np.ndarray) -> np.ndarray:
    """Return what each character is."""
    known, places = np.unique(codes, return_inverse=True)
    return np.array([_kind(chr(code)) for code in known], np.uint8)[places]


@lru_cache(maxsize=1 << 16)
def _kind(sign: str) -> int:
    if sign == " ":
        return _BLANK
    if is_one_character(sign):
        return _SOLID
    return _WORD if sign.isalnum() or sign == "_" or re.match(r"[\u0300-\u036f\u0591-\u0dff]", sign) else 0


@lru_cache(maxsize=1)
def _table(size: int) -> tuple[np.ndarray, np.ndarray]:
    both = []
    for base in (_BASE, _INVERSE):
        factors = np.full(size, base, np.uint64)
        factors[0] = 1
        both.append(np.multiply.accumulate(factors))
    return both[0], both[1]


def _powers(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the powers of the base, and of its inverse, modulo 2^64: at least so many of them."""
    whole = _table(1 << max(16, int(size).bit_length()))
    return whole[0][:size], whole[1][:size]
