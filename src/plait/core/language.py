"""The language of what users read: English, which stands in the code, or the twin of a sentence in another.

`say` takes the English sentence itself, with names in braces for what changes; `chinese` is the table of its twins.
What a run keeps is English: `retell` finds the sentence that it was made from. Knows no table, no model, no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from plait.core.options import LANGUAGES
from plait.errors import RequestError, did_you_mean

# names in the data, and lists of them, are told as they are
KEPT = {"name", "names", "column", "columns", "example", "shown", "file", "files", "folder", "target", "label", "said"}
SURE, BEGUN = (
    8,
    6,
)  # letters of a sentence's own, of fewer a name in the data may look like it; where it begins with them
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

    Parts between semicolons are told each by itself, where each is known or the whole is not.

    >>> with speaking("zh"):
    ...     retell("12 rows")
    '12 行'
    """
    if spoken() == "en" or not deep:
        return sentence
    if (whole := _twins().get(sentence)) is not None:
        return whole
    parts = sentence.split("; ")
    told = [retell(part, deep) for part in parts] if len(parts) > 1 else parts
    if all(new != old for new, old in zip(told, parts, strict=True)):
        return "；".join(told)
    for pattern, twin_of in _patterns():
        if found := pattern.fullmatch(sentence):
            said = found.groupdict().items()
            values = {name: value if name in KEPT else retell(value, deep - 1) for name, value in said}
            return twin_of.format(**values)
    return "；".join(told) if told != parts else sentence


def speak_to(callback: Callable[[dict[str, Any]], None], language: str) -> Callable[[dict[str, Any]], None]:
    """Return a callback that hears its notes in a language, and is called in it."""

    def tell(event: dict[str, Any]) -> None:
        with speaking(language):
            callback(event | {"note": retell(event["note"])} if "note" in event else event)

    return callback if language == "en" else tell


@lru_cache(maxsize=1)
def _twins() -> dict[str, str]:
    from plait.core.chinese import SENTENCES  # here: most programs never ask for it
    from plait.core.chinese_data import DATA

    return DATA | SENTENCES


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what finds the values of a sentence, those with the most letters of their own first."""
    letters = {text: len(re.sub(r"\{\w+\}|\W", "", text)) for text in _twins() if "{" in text}
    sure = [
        text
        for text, num in letters.items()
        if num >= (SURE if text[0] == "{" else BEGUN) or set(re.findall(r"\{(\w+)\}", text)) == {"num"}
    ]
    return [(_pattern_of(text), _twins()[text]) for text in sorted(sure, key=lambda text: -letters[text])]


def _pattern_of(text: str) -> re.Pattern[str]:
    parts, seen = re.split(r"\{(\w+)\}", text), set[str]()
    pattern = re.escape(parts[0])
    for name, after in zip(parts[1::2], parts[2::2], strict=True):
        value = r"[\d,.]+" if name == "num" else ".+?"
        pattern += (f"(?P={name})" if name in seen else f"(?P<{name}>{value})") + re.escape(after)
        seen.add(name)
    return re.compile(pattern, re.DOTALL)
