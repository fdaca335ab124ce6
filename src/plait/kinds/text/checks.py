"""What is odd about the texts of a column: broken encodings, markup, mixed scripts, copies, labels in them.

Knows no file and no model. Encodings and scripts are looked at in other short strings too, such as categories.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Column, Schema, Table, clean_label
from plait.core.finding import Finding, say_cells
from plait.core.words import count
from plait.kinds.facts import Facts, rows_of
from plait.kinds.text.clean import clean, join_columns, repair_mojibake, strip_html, tokenise
from plait.kinds.text.read import digest

SPEAKS = True  # a text is there to tell something of its row: silence, or a copy with another label, is a finding
FEW_SHARE = 0.05  # cells of another script than the rest of the column are few up to this share
WORDS_OF_COPY = 5  # a shorter text may come again by chance
MOST_CLASSES = 100
DIMS = 64  # of the numbers that quick guesses look at
_NUMBER = re.compile(r"(?<![\w.,])[-+]?\d{1,15}(?:,\d{3}){0,4}(?:\.\d{1,15})?")
Groups = Mapping[str, Sequence[int]]  # of each different cell the rows that it is in

# the replacement character, control characters, and what two replacement characters read as GBK become
_LOST = re.compile("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|锟斤拷")
_SCRIPTS = {
    "Latin": "A-Za-zª-ºÀ-ÖØ-öø-ɏḀ-ỿ",
    "Greek": "Ͱ-Ͽἀ-῿",
    "Cyrillic": "Ѐ-ԯ",
    "Hebrew": "֐-׿",
    "Arabic": "؀-ۿݐ-ݿ",
    "Devanagari": "ऀ-ॿ",
    "Thai": "฀-๿",
    "Korean": "ᄀ-ᇿ가-힯",
    "Chinese or Japanese": "぀-ヿ㐀-䶿一-鿿",
}
_LETTERS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_LATIN_AND_CYRILLIC = re.compile(r"(?<![^\W\d_])(?=[^\W\d_]*[A-Za-z])(?=[^\W\d_]*[Ѐ-ӿ])[^\W\d_]+")
_ALIKE_CYRILLIC = set("асеорхуіјѕԁһкАВСЕНІЈКМОРЅТХУ")
_ALIKE_LATIN = set("aceopxyijshkABCEHIJKMOPSTXY")


def contents(columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Return the joined and cleaned text of each row, None where it is absent: something to compare."""
    return [None if text is None else clean(text) for text in join_columns(columns)]


def kept_keys(columns: Mapping[str, Sequence[Any]]) -> list[bytes]:
    """Return the keys that features of the rows' texts are kept under."""
    return [digest(text) for text in join_columns(columns)]


def by_chance(content: Any) -> bool:
    """Whether a text is so short that it may come again without being a copy."""
    return len(tokenise(str(content))) < WORDS_OF_COPY


def quick(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return TF-IDF of words, brought down by SVD, (rows, feature), and (rows,) bool where there is a text."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    texts = join_columns(columns)
    present = np.array([text is not None for text in texts])
    words = [tokenise(clean(text)) if text is not None else [] for text in texts]
    counts = Counter(word for row in words for word in set(row))
    known = sorted(word for word, count in counts.items() if count >= 2)
    if not known:
        return np.zeros((len(texts), 0)), present
    weighed = TfidfVectorizer(analyzer=lambda row: row, vocabulary=known, sublinear_tf=True).fit_transform(words)
    left, values, _ = randomized_svd(weighed, n_components=min(DIMS, *weighed.shape), n_iter=2, random_state=0)
    return left * values, present


def count_words(cells: Sequence[Any]) -> tuple[Any, list[str], np.ndarray]:
    """Return which words, and pairs of neighbours, each cell holds, sparse (rows, word), these, and (rows, 3) the first
    numbers, or NaN."""
    from sklearn.feature_extraction.text import CountVectorizer

    texts = ["" if cell is None else str(cell).lower() for cell in cells]
    numbers = np.full((len(texts), 3), np.nan)
    for row, text in enumerate(texts):
        for place, match in enumerate(itertools.islice(_NUMBER.finditer(text), 3)):
            numbers[row, place] = float(match[0].replace(",", ""))
    rows = [{*words, *map(" ".join, itertools.pairwise(words))} for words in map(tokenise, texts)]
    if not any(rows):
        return np.zeros((len(texts), 0)), [], numbers
    counter = CountVectorizer(analyzer=lambda row: row)
    counts = counter.fit_transform(rows).tocsr()
    return counts, list(counter.get_feature_names_out()), numbers


def check_column(
    column: Column, facts: Facts, table: Table, schema: Schema, split: Sequence[str | None] | None
) -> list[Finding]:
    """Return the findings about the texts of a feature (or of a target of words)."""
    cells = [cell if isinstance(cell, str) else None for cell in table.cells(column.name)]
    findings = check_signs(column.name, cells)
    if column.role == "feature":
        groups = rows_of(cells)
        cleaned = {cell: clean(cell) for cell in groups}
        texts = [None if cell is None else cleaned[cell] for cell in cells]
        findings += _check_markup(column.name, groups, cleaned)
        findings += _check_script(column.name, cells)
        findings += _check_copies(column.name, texts, split)
        findings += _check_labels(column.name, texts, table, schema)
    return findings


def check_signs(name: str, cells: Sequence[str | None]) -> list[Finding]:
    """Return the findings about the encoding and the scripts of strings, such as "раypal" with Cyrillic letters."""
    groups, findings = rows_of(cells), []
    repaired = {cell: good for cell in groups if (good := repair_mojibake(cell)) != cell}
    if repaired:
        holds = f"UTF-8 that was read as Windows-1252, such as {_around(*next(iter(repaired.items())))}"
        mend = "plait check --fix OUT repairs them; fit repairs them for itself. Better: export again as UTF-8."
        findings.append(_holding("text-mojibake", name, groups, repaired, holds, mend))
    lost = [cell for cell in groups if cell not in repaired and _LOST.search(cell)]
    if lost:
        holds = f"signs that no text has (U+FFFD or control characters), such as {lost[0]!a:.60}"
        mend = "The text was read with the wrong encoding, and what stood there is lost: export these rows again."
        findings.append(_holding("text-encoding", name, groups, lost, holds, mend))
    disguised = {cell: word for cell in groups if (word := _find_disguised(cell))}
    if disguised:
        word = next(iter(disguised.values()))
        latin = "".join(c for c in word if c.isascii())
        holds = (
            f"words of Latin and Cyrillic letters mixed, such as {word!r} (only {latin!r} is Latin); to a program such "
            "a word is another word"
        )
        mend = "Write each word in one script."
        findings.append(_holding("text-mixed-scripts", name, groups, disguised, holds, mend))
    return findings


def _holding(
    check: str, name: str, groups: Groups, cells: Iterable[str], holds: str, mend: str, severity: str = "warning"
) -> Finding:
    """Return a finding about all rows with these cells."""
    rows = tuple(sorted(row for cell in cells for row in groups[cell]))
    return Finding(severity, check, name, rows, f"{say_cells(len(rows), 'holds')} {holds}", mend)


def _around(broken: str, good: str) -> str:
    """Return the words where two texts differ: 'cafÃ©' for 'café'."""
    pairs = zip(broken.split(), good.split(), strict=False)
    return next((f"{old[:40]!r} for {new[:40]!r}" for old, new in pairs if old != new), repr(broken[:40]))


def _find_disguised(cell: str) -> str:
    """Return the first word of two scripts in which all letters of one have a twin in the other, or ""."""
    for word in () if cell.isascii() else _LATIN_AND_CYRILLIC.findall(cell):
        latin, cyrillic = {c for c in word if c.isascii()}, {c for c in word if "Ѐ" <= c <= "ӿ"}
        if latin <= _ALIKE_LATIN or cyrillic <= _ALIKE_CYRILLIC:
            return str(word)
    return ""


def _check_markup(name: str, groups: Groups, cleaned: Mapping[str, str]) -> Iterator[Finding]:
    marked = [cell for cell in groups if strip_html(cell) != cell]
    if marked:
        holds = f"HTML tags or entities, such as {marked[0]!r:.60}"
        mend = "fit takes them out for itself; text.html=false keeps them where they mean something."
        yield _holding("text-markup", name, groups, marked, holds, mend, "note")
    empty = [cell for cell, text in cleaned.items() if not (any(map(str.isalnum, text)) or tokenise(text))]
    if empty:
        holds = f"no word, number or sign that counts once cleaned, such as {empty[0]!r:.60}"
        mend = "Leave such cells blank, so that they count as missing."
        yield _holding("text-empty", name, groups, empty, holds, mend)


def _check_script(name: str, cells: Sequence[str | None]) -> Iterator[Finding]:
    scripts = {row: script for row, cell in enumerate(cells) if cell is not None and (script := script_of(cell))}
    (main, most), *rest = Counter(scripts.values()).most_common() or [("", 0)]
    others = tuple(row for row, script in scripts.items() if script != main)
    if others and len(scripts) >= 20 and len(others) <= FEW_SHARE * len(scripts):
        named = ", ".join(f"{script} {count(num)}" for script, num in rest)
        message = f"{count(most, 'cell is', 'cells are')} written in {main} letters, and a few are not: {named}"
        mend = "See whether they belong here; too few texts of one language teach nothing of it."
        yield Finding("note", "text-other-script", name, others, message, mend)


def script_of(text: str) -> str | None:
    """Return the script most letters of a text are of, None where fewer than three letters tell (two of Chinese)."""
    counts = {script: len(_LETTERS[script].findall(text)) for script in (["Latin"] if text.isascii() else _LETTERS)}
    best = max(counts, key=lambda script: counts[script])
    return best if counts[best] >= (2 if best in ("Chinese or Japanese", "Korean") else 3) else None


def _check_copies(name: str, texts: Sequence[str | None], split: Sequence[str | None] | None) -> Iterator[Finding]:
    """Find texts of val and test rows that an earlier split holds too. What recurs all over the column is no copy."""
    groups = rows_of(texts)
    if split is None or len(groups) < 0.5 * sum(map(len, groups.values())):
        return
    order = ("train", "val", "test")
    copies: list[int] = []
    pairs: Counter[tuple[str, str]] = Counter()
    for text, rows in groups.items():
        ranked = sorted((order.index(part), row) for row in rows if (part := split[row]) in order)
        if not 1 < len(ranked) <= 10 or by_chance(text):
            continue
        later = [(rank, row) for rank, row in ranked if rank != ranked[0][0]]
        copies += [row for _rank, row in later]
        pairs.update((order[ranked[0][0]], order[rank]) for rank, _row in later)
    if copies:
        shared = ", ".join(f"{count} of {first} in {later}" for (first, later), count in sorted(pairs.items()))
        message = f"{say_cells(len(copies), 'holds')} a text that another split has too ({shared}); scores on copies "
        message += "are too good"
        mend = "Keep each text in one split, or drop the copies: plait check --fix OUT."
        yield Finding("warning", "text-duplicate-splits", name, tuple(sorted(copies)), message, mend)


def _check_labels(name: str, texts: Sequence[str | None], table: Table, schema: Schema) -> Iterator[Finding]:
    """Find texts that hold their own row's label as a word, where they seldom hold another row's label."""
    target = schema.role("target")
    if target is None or schema.column(target).kind != "category":
        return
    labels = [clean_label(cell) for cell in table.cells(target)]
    words = {label: " ".join(tokenise(clean(str(label)))) for label in set(labels) if label is not None}
    words = {label: word for label, word in words.items() if word}
    if not 2 <= len(words) <= MOST_CLASSES:
        return
    rows: list[int] = []
    looked = others = 0
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if text is not None and label in words:
            looked += 1
            padded = f" {' '.join(tokenise(text))} "
            held = {other for other, word in words.items() if f" {word} " in padded}
            others += len(held - {label})
            rows += [row] if label in held else []
    chance = others / (len(words) - 1)  # rows that would hold their own label if it were like any other
    if len(rows) >= max(10, 0.1 * looked) and len(rows) >= 5 * chance:
        message = (
            f"{count(len(rows))} of {count(looked, 'text')} hold the label of their own row as a word, such as "
            f"{labels[rows[0]]!r}; another label is held by {count(chance)}"
        )
        mend = "If the text was written knowing the label, take the label out of it, or leave the column out."
        yield Finding("warning", "text-label-inside", name, tuple(rows), message, mend)
