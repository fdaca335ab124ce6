"""What is odd about the texts of a column: broken encodings, markup, mixed scripts, copies, labels in them.

Knows no file and no model. Encodings and scripts are looked at in other short strings too, such as categories.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.contract import Column, Schema, Table, clean_label
from plait.core.finding import Finding, say_cells
from plait.core.words import count
from plait.data.feature_cache import digest_text
from plait.kinds.facts import Facts
from plait.kinds.text.clean import clean, join, repair_mojibake, strip_html, tokenise

SPEAKS = True  # a text is there to tell something of its row: silence, or a copy with another label, is a finding
FEW_SHARE = 0.05  # cells of another script than the rest of the column are few up to this share
WORDS_OF_COPY = 5  # a shorter text may come again by chance
MOST_CLASSES = 100
DIMS = 64  # of the numbers that quick guesses look at

# the replacement character, control characters, and what two replacement characters read as GBK become
_LOST = re.compile("[\ufffd\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|锟斤拷")
_WORD = re.compile(r"[^\W\d_]+")
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
_LATIN_AND_CYRILLIC = re.compile(r"(?=[^\W\d_]*[A-Za-z])(?=[^\W\d_]*[Ѐ-ӿ])[^\W\d_]+")
_ALIKE_CYRILLIC = set("асеорхуіјѕԁһкАВСЕНІЈКМОРЅТХУ")
_ALIKE_LATIN = set("aceopxyijshkABCEHIJKMOPSTXY")


def contents(columns: Mapping[str, Sequence[Any]]) -> list[Any]:
    """Return the joined and cleaned text of each row, None where it is absent: something to compare."""
    bare = {name: [None if cell is None else str(cell).strip() for cell in cells] for name, cells in columns.items()}
    return [None if text is None else clean(text) for text in _joined(bare)]


def kept_keys(columns: Mapping[str, Sequence[Any]]) -> list[bytes]:
    """Return the keys that features of the rows' texts are kept under."""
    return [digest_text(str(text)) for text in _joined(columns)]


def _joined(columns: Mapping[str, Sequence[Any]]) -> list[str | None]:
    return [join(dict(zip(columns, cells, strict=True))) for cells in zip(*columns.values(), strict=True)]


def by_chance(content: Any) -> bool:
    """Whether a text is so short that it may come again without being a copy."""
    return len(tokenise(str(content))) < WORDS_OF_COPY


def quick(columns: Mapping[str, Sequence[Any]], kinds: Mapping[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Return TF-IDF of words, brought down by SVD, (rows, feature), and (rows,) bool where there is a text."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.utils.extmath import randomized_svd

    texts = _joined(columns)
    present = np.array([text is not None for text in texts])
    words = [tokenise(clean(text)) if text is not None else [] for text in texts]
    counts = Counter(word for row in words for word in set(row))
    known = sorted(word for word, count in counts.items() if count >= 2)
    if not known:
        return np.zeros((len(texts), 0)), present
    weighed = TfidfVectorizer(analyzer=lambda row: row, vocabulary=known, sublinear_tf=True).fit_transform(words)
    left, values, _ = randomized_svd(weighed, n_components=min(DIMS, *weighed.shape), n_iter=2, random_state=0)
    return left * values, present


def check_column(
    column: Column, facts: Facts, table: Table, schema: Schema, split: Sequence[str | None] | None
) -> list[Finding]:
    """Return the findings about the texts of a feature (or of a target of words)."""
    cells = [cell if isinstance(cell, str) else None for cell in table.cells(column.name)]
    found = check_signs(column.name, cells)
    if column.role == "feature":
        cleaned = [None if cell is None else clean(cell) for cell in cells]
        found += _check_markup(column.name, cells, cleaned)
        found += _check_script(column.name, cells)
        found += _check_copies(column.name, cleaned, split)
        found += _check_labels(column.name, cleaned, table, schema)
    return found


def check_signs(name: str, cells: Sequence[str | None]) -> list[Finding]:
    """Return the findings about the encoding and the scripts of strings."""
    return [*_check_encoding(name, cells), *_check_words(name, cells)]


def _each(cells: Sequence[str | None]) -> Iterator[tuple[str, list[int]]]:
    """Yield each different text with the rows it is in."""
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, cell in enumerate(cells):
        if cell is not None:
            rows[cell].append(row)
    yield from rows.items()


def _check_encoding(name: str, cells: Sequence[str | None]) -> Iterator[Finding]:
    broken: list[tuple[str, list[int]]] = []
    lost: list[tuple[str, list[int]]] = []
    for cell, rows in _each(cells):
        if not cell.isascii() and repair_mojibake(cell) != cell:
            broken.append((cell, rows))
        elif _LOST.search(cell):
            lost.append((cell, rows))
    if broken:
        shown = broken[0][0]
        message = (
            f"{_cells(broken)} UTF-8 that was read as Windows-1252, such as {_around(shown, repair_mojibake(shown))}"
        )
        mend = "plait check --fix OUT repairs them; fit repairs them for itself. Better: export again as UTF-8."
        yield Finding("warning", "text-mojibake", name, _rows(broken), message, mend)
    if lost:
        message = f"{_cells(lost)} signs that no text has (U+FFFD or control characters), such as {lost[0][0]!a:.60}"
        mend = "The text was read with the wrong encoding, and what stood there is lost: export these rows again."
        yield Finding("warning", "text-encoding", name, _rows(lost), message, mend)


def _check_words(name: str, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Find words such as "раypal" whose letters of another script only look right."""
    found = []
    for cell, rows in _each(cells):
        if cell.isascii():
            continue
        words = [word for word in _LATIN_AND_CYRILLIC.findall(cell) if _is_disguised(word)]
        if words:
            found.append((words[0], rows))
    if found:
        word = found[0][0]
        latin = "".join(c for c in word if c.isascii())
        message = (
            f"{_cells(found)} words of Latin and Cyrillic letters mixed, such as {word!r} (only {latin!r} is Latin); "
            "to a program such a word is another word"
        )
        yield Finding("warning", "text-mixed-scripts", name, _rows(found), message, "Write each word in one script.")


def _is_disguised(word: str) -> bool:
    """Tell whether all letters of one of the two scripts have a twin in the other."""
    latin = {c for c in word if c.isascii()}
    cyrillic = {c for c in word if "Ѐ" <= c <= "ӿ"}
    return latin <= _ALIKE_LATIN or cyrillic <= _ALIKE_CYRILLIC


def _check_markup(name: str, cells: Sequence[str | None], cleaned: Sequence[str | None]) -> Iterator[Finding]:
    marked = [(cell, rows) for cell, rows in _each(cells) if strip_html(cell) != cell]
    if marked:
        message = f"{_cells(marked)} HTML tags or entities, such as {marked[0][0]!r:.60}"
        mend = "fit takes them out for itself; text.html=false keeps them where they mean something."
        yield Finding("note", "text-markup", name, _rows(marked), message, mend)
    empty = [
        row for row, (cell, text) in enumerate(zip(cells, cleaned, strict=True)) if cell is not None and not _says(text)
    ]
    if empty:
        message = f"{say_cells(len(empty), 'holds')} no word, number or sign that counts once cleaned, such as "
        message += f"{cells[empty[0]]!r:.60}"
        mend = "Leave such cells blank, so that they count as absent."
        yield Finding("warning", "text-empty", name, tuple(empty), message, mend)


def _says(text: str | None) -> bool:
    return bool(text) and (any(c.isalnum() for c in text or "") or bool(tokenise(text or "")))


def _check_script(name: str, cells: Sequence[str | None]) -> Iterator[Finding]:
    scripts = {row: script for row, cell in enumerate(cells) if cell is not None and (script := script_of(cell))}
    counts = Counter(scripts.values())
    if len(counts) < 2:
        return
    main, most = counts.most_common(1)[0]
    others = tuple(row for row, script in scripts.items() if script != main)
    if len(scripts) >= 20 and len(others) <= FEW_SHARE * len(scripts):
        named = ", ".join(f"{script} {count(num)}" for script, num in counts.most_common() if script != main)
        message = f"{count(most, 'cell is', 'cells are')} written in {main} letters, and a few are not: {named}"
        mend = "See whether they belong here; too few texts of one language teach nothing of it."
        yield Finding("note", "text-other-script", name, others, message, mend)


def script_of(text: str) -> str | None:
    """Return the script most letters of a text are of, None where fewer than three letters tell (two of Chinese).

    >>> script_of("Привет, Bob")
    'Cyrillic'
    """
    if text.isascii():
        return "Latin" if len(re.findall("[A-Za-z]", text)) >= 3 else None
    counts = {script: len(pattern.findall(text)) for script, pattern in _LETTERS.items()}
    best = max(counts, key=lambda script: counts[script])
    return best if counts[best] >= (2 if best in ("Chinese or Japanese", "Korean") else 3) else None


def _check_copies(name: str, cleaned: Sequence[str | None], split: Sequence[str | None] | None) -> Iterator[Finding]:
    """Find texts of val and test rows that an earlier split holds too. What recurs all over the column is no copy."""
    if split is None:
        return
    groups = dict(_each(cleaned))
    filled = sum(len(rows) for rows in groups.values())
    if len(groups) < 0.5 * filled:
        return
    order = {"train": 0, "val": 1, "test": 2}
    copies: list[int] = []
    pairs: Counter[tuple[str, str]] = Counter()
    for text, rows in groups.items():
        ranked = sorted((row for row in rows if split[row] in order), key=lambda row: order[str(split[row])])
        if not 1 < len(ranked) <= 10 or len(tokenise(text)) < WORDS_OF_COPY:
            continue
        first = split[ranked[0]]
        later = [row for row in ranked if split[row] != first]
        copies += later
        pairs.update((str(first), str(split[row])) for row in later)
    if copies:
        told = ", ".join(f"{count} of {first} in {later}" for (first, later), count in sorted(pairs.items()))
        message = f"{say_cells(len(copies), 'holds')} a text that another split has too ({told}); scores on copies are "
        message += "too good"
        mend = "Keep each text in one split, or drop the copies: plait check --fix OUT."
        yield Finding("warning", "text-duplicate-splits", name, tuple(sorted(copies)), message, mend)


def _check_labels(name: str, cleaned: Sequence[str | None], table: Table, schema: Schema) -> Iterator[Finding]:
    """Find texts that hold their own row's label as a word, where they seldom hold another row's label."""
    target = schema.role("target")
    if target is None or schema.column(target).kind != "category":
        return
    labels = [clean_label(cell) for cell in table.cells(target)]
    words = {label: " ".join(tokenise(clean(str(label)))) for label in set(labels) if label is not None}
    words = {label: word for label, word in words.items() if word}
    if not 2 <= len(words) <= MOST_CLASSES:
        return
    own: list[int] = []
    looked = others = 0
    example: Any = None
    for row, (text, label) in enumerate(zip(cleaned, labels, strict=True)):
        if text is None or label not in words:
            continue
        looked += 1
        padded = f" {' '.join(tokenise(text))} "
        held = {other for other, word in words.items() if f" {word} " in padded}
        others += len(held - {label})
        if label in held:
            own.append(row)
            example = label if example is None else example
    chance = others / (len(words) - 1)  # rows that would hold their own label if it were like any other
    if len(own) >= max(10, 0.1 * looked) and len(own) >= 5 * chance:
        message = (
            f"{count(len(own))} of {count(looked, 'text')} hold the label of their own row as a word, such as "
            f"{example!r}; another label is held by {count(chance)}"
        )
        mend = "If the text was written knowing the label, take the label out of it, or leave the column out."
        yield Finding("warning", "text-label-inside", name, tuple(own), message, mend)


def _rows(found: Sequence[tuple[str, list[int]]]) -> tuple[int, ...]:
    return tuple(sorted(row for _text, rows in found for row in rows))


def _cells(found: Sequence[tuple[str, list[int]]]) -> str:
    return say_cells(len(_rows(found)), "holds")


def _around(broken: str, good: str) -> str:
    """Return the words where two texts differ: 'cafÃ©' for 'café'."""
    for old, new in zip(broken.split(), good.split(), strict=False):
        if old != new:
            return f"{old[:40]!r} for {new[:40]!r}"
    return repr(broken[:40])
