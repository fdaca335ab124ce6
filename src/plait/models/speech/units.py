"""What a recogniser writes: words, or characters, of texts that are normalised. Knows no sound and no network."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from plait.core.typed import check_type
from plait.errors import RequestError

MANY_WORDS = 100  # distinct words up to which a whole word is a unit: each is heard often enough to be learned
BLANK = " "  # between words, where characters are the units; CTC's own blank has index 0 and no symbol
Kind = Literal["words", "characters"]

_QUOTES = str.maketrans("’‘ʼ＇", "''''")
# Han, kana, Thai, Lao, Burmese and Khmer are written without blanks between words; signs stay with their letter
_UNSPACED = (
    "\u2e80-\u2fdf\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
    "\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u0ebd-\u0ec6\u1000-\u102a\u1780-\u17b3"
)
_SIGNS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u17b4-\u17d3\u3099\u309a"
_WORD = re.compile(rf"[{_UNSPACED}][{_SIGNS}]*|[^\s{_UNSPACED}]+")
_LOOSE = re.compile(r"(?<![^\s'])'|'(?![^\s'])")  # an apostrophe that is not inside a word
_STARTS_UNSPACED = re.compile(rf"[{_UNSPACED}]")


def normalise(text: str) -> str:
    """Return the text as it is compared: compatible forms made one (NFKC), case folded, punctuation and signs a blank.

    An apostrophe inside a word stays. There is no blank beside a character of a script that is written without them.

    >>> normalise("Don't  STOP, Café-Bar!")
    "don't stop café bar"
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_QUOTES)
    kept = "".join(c if c == "'" or unicodedata.category(c)[0] in "LMN" else BLANK for c in folded)
    return join_words(_WORD.findall(_LOOSE.sub(BLANK, kept)))


def words_of(text: str) -> list[str]:
    """Return the words of the normalised text; a character of a script without blanks counts as one word.

    >>> words_of("Now: 你好!")
    ['now', '你', '好']
    """
    return _WORD.findall(normalise(text))


def join_words(words: Iterable[str]) -> str:
    """Return the words as one text, with a blank between two words unless both are of a script without blanks."""
    text, before = "", True
    for word in words:
        unspaced = _STARTS_UNSPACED.match(word) is not None
        text += word if not text or (before and unspaced) else BLANK + word
        before = unspaced
    return text


@dataclass(frozen=True)
class Units:
    """The units a recogniser tells apart: index 0 is CTC's blank. counts: how often each word was in training texts."""

    kind: Kind
    symbols: tuple[str, ...]
    counts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, texts: Sequence[str]) -> Units:
        """Return words as units where they are at most MANY_WORDS, else characters. RequestError without any."""
        counts = Counter(word for text in texts for word in words_of(text))
        if not counts:
            raise RequestError("no training row has a transcript with a word in it; expected texts to learn from.")
        ordered = dict(sorted(counts.items()))
        if len(counts) <= MANY_WORDS:
            return cls("words", tuple(ordered), ordered)
        return cls("characters", tuple(sorted({c for text in texts for c in normalise(text)})), ordered)

    @property
    def size(self) -> int:
        """How many outputs a network needs: the symbols and CTC's blank."""
        return len(self.symbols) + 1

    def encode(self, text: str) -> list[int]:
        """Return the indices of the text's units; what is not among the symbols is left out."""
        places = {symbol: index for index, symbol in enumerate(self.symbols, 1)}
        parts: Iterable[str] = words_of(text) if self.kind == "words" else normalise(text)
        return [places[part] for part in parts if part in places]

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "symbols": list(self.symbols), "counts": self.counts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Units:
        """Return the units that `to_json` gave. Raises ValueError for what it never gives."""
        check_type(data, cls, "the units")
        if not 0 < len(data["symbols"]) == len({*data["symbols"]}) or "" in data["symbols"]:
            raise ValueError(f"the units are {str(data['symbols'])[:60]}; expected some, each once")
        if any(count < 1 for count in data["counts"].values()):
            raise ValueError("a word of the units was seen no time; expected once or more")
        return cls(data["kind"], tuple(data["symbols"]), dict(data["counts"]))
