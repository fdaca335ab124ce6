"""The language of what users read: English, which stands in the code, or the twin of a sentence in another.

`say` takes the English sentence itself, with names in braces for what changes; `chinese` is the table of its twins.
What a run keeps is English: `retell` finds the sentence that it was made from. Knows no table, no model, no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache

from plait.core.options import LANGUAGES
from plait.errors import RequestError, did_you_mean

SURE = 12  # letters of a sentence's own, of fewer a name in the data may look like it
_spoken: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Say all that is said inside in a language. Raises RequestError for one that there is not.

    >>> with speaking("zh"):
    ...     say("{num} rows", num=3)
    '3 行'
    """
    if language not in LANGUAGES:
        raise RequestError(f"there is no language {language!r}. {did_you_mean(str(language), LANGUAGES)}")
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def spoken() -> str:
    """Return the language that is spoken: "en" or "zh"."""
    return _spoken.get()


def twin(text: str) -> str:
    """Return a sentence, with its braces, in the language that is spoken; in English where it has no twin."""
    return _twins().get(text, text) if spoken() == "zh" else text


def say(text: str, /, **values: object) -> str:
    """Return a sentence in the language that is spoken, with values in place of the names in braces."""
    return twin(text).format(**values) if values else twin(text)


def join_sentences(sentences: Iterable[str]) -> str:
    """Return sentences as one text: in English with blanks between, in Chinese without."""
    return ("" if spoken() == "zh" else " ").join(filter(None, sentences))


def retell(sentence: str, deep: int = 3) -> str:
    """Return a sentence that was kept in English in the language that is spoken; as it is where none fits.

    >>> with speaking("zh"):
    ...     retell("12 rows")
    '12 行'
    """
    if spoken() == "en" or not deep:
        return sentence
    if (whole := _twins().get(sentence)) is not None:
        return whole
    for pattern, twin_of in _patterns():
        if found := pattern.fullmatch(sentence):
            values = {name: retell(value, deep - 1) for name, value in found.groupdict().items()}
            return twin_of.format(**values)
    return sentence


def _twins() -> dict[str, str]:
    from plait.core.chinese import SENTENCES  # here: most programs never ask for it

    return SENTENCES


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what finds the values of a sentence, those with the most letters of their own first."""
    letters = {text: len(re.sub(r"\{\w+\}|\W", "", text)) for text in _twins() if "{" in text}
    sure = [text for text, num in letters.items() if num >= SURE or set(re.findall(r"\{(\w+)\}", text)) == {"num"}]
    return [(_pattern_of(text), _twins()[text]) for text in sorted(sure, key=lambda text: -letters[text])]


def _pattern_of(text: str) -> re.Pattern[str]:
    parts, seen = re.split(r"\{(\w+)\}", text), set[str]()
    pattern = re.escape(parts[0])
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        value = r"[\d,.]+" if name == "num" else ".+?"
        pattern += (f"(?P={name})" if name in seen else f"(?P<{name}>{value})") + re.escape(after)
        seen.add(name)
    return re.compile(pattern, re.DOTALL)
