"""One thing written in several ways: which of the names or values that are known is surely meant. Knows no table."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from plait.core.words import say_some
from plait.data.parse import PLAIN_NUMBER, fold

# the two values of a truth, as programs and people write them; a column that holds one pair may come as another
TRUTHS = (("true", "false"), ("t", "f"), ("yes", "no"), ("y", "n"), ("on", "off"), ("1", "0"))
MOST_DIGITS = 25  # a longer number is a code, and Decimal would round it
_NUMBER = re.compile(PLAIN_NUMBER)
_BETWEEN = re.compile(r"(?<=[^\W_])[\s_.-]+(?=[^\W_])")  # R writes a point for a blank, SQL an underscore


def fold_value(text: str) -> str:
    """Return a value without its case, its blanks and the form of its number: " Yes" → "yes", "1.50" → "1.5"."""
    folded = " ".join(fold(text).casefold().split())
    if len(folded) <= MOST_DIGITS and _NUMBER.fullmatch(folded):
        return str(Decimal(folded).normalize() + 0)  # no minus before 0
    return folded


@functools.lru_cache(maxsize=4096)  # the columns of a model are asked for with each row
def fold_name(name: str) -> str:
    """Return a column's name without case, blanks, and what stands for a blank: "Body-Weight " → "body weight"."""
    return _BETWEEN.sub(" ", unicodedata.normalize("NFKC", name).strip(" \t\r\n\ufeff\u200b").casefold())


def spellings(values: Iterable[str], truths: bool = True) -> dict[str, str]:
    """Return {folded: value} of those values whose folded form no other has; of a truth, if it may be, all its words.

    >>> spellings(["True", "False"])["0"], spellings(["Rome", "rome", "Oslo"])
    ('False', {'oslo': 'Oslo'})
    """
    return dict(_spell(tuple(values), truths))


@functools.lru_cache(maxsize=64)  # a column of 10,000 categories would be folded anew for every row that is asked
def _spell(values: tuple[str, ...], truths: bool) -> Mapping[str, str]:
    folded = [(fold_value(value), value) for value in values]
    times = Counter(form for form, _ in folded)
    known = {form: value for form, value in folded if times[form] == 1}
    for pair in TRUTHS:
        if truths and known.keys() == {*pair}:
            known |= {words[place]: known[pair[place]] for words in TRUTHS for place in (0, 1)}
            break
    return known


def say_alike(values: Iterable[str]) -> str:
    """Return the values that may be one, written in several ways: "'No' and 'no'; …"; "" where there are none.
    Single letters are left alone: a and A may well be two."""
    alike: dict[str, list[str]] = {}
    for value in values:
        alike.setdefault(fold_value(value), []).append(value)
    pairs = [" and ".join(map(repr, sorted(same))) for folded, same in alike.items() if len(same) > 1 < len(folded)]
    return "; ".join(pairs[:3]) + ("; …" if len(pairs) > 3 else "")


def settle_spellings(cells: Sequence[Any]) -> tuple[list[Any], str]:
    """Return cells in which texts that differ only in how they are written are alike, as most are; and which these are.

    >>> settle_spellings(["Good", "good", "bad", "good", None])
    (['good', 'good', 'bad', 'good', None], "'Good' for 'good'")
    """
    times = Counter(cell for cell in cells if isinstance(cell, str))
    usual: dict[str, str] = {}
    for text, _ in sorted(times.items(), key=lambda item: (-item[1], item[0].swapcase())):
        usual.setdefault(fold_value(text), text)
    other = {text: usual[fold_value(text)] for text in times if usual[fold_value(text)] != text}
    said = say_some([f"{text!r:.40} for {value!r:.40}" for text, value in sorted(other.items())]) if other else ""
    return [other.get(cell, cell) if isinstance(cell, str) else cell for cell in cells], said


def match_names(names: Iterable[str], wanted: Iterable[str], known: Iterable[str] = ()) -> dict[str, str]:
    """Return {wanted: the name that is surely it}: the same, or the only one that is alike and is no known name."""
    names, wanted, taken = [*names], [*dict.fromkeys(wanted)], {*known}
    taken |= {*wanted}
    alike: dict[str, list[str]] = {}
    for name in names:
        if name not in taken:
            alike.setdefault(fold_name(name), []).append(name)
    rivals = Counter(map(fold_name, taken))
    found = {}
    for name in wanted:
        near = alike.get(fold_name(name), [])
        if name in names:
            found[name] = name
        elif len(near) == 1 and rivals[fold_name(name)] == 1:
            found[name] = near[0]
    return found


def say_matches(found: Mapping[str, str]) -> str:
    """Return a sentence on the names that are written otherwise; "" where there is none."""
    pairs = [f"{name!r} is taken for {wanted!r}" for wanted, name in found.items() if name != wanted]
    return f"columns are called otherwise than in training: {say_some(pairs)}." if pairs else ""
