"""Texts made worse, level by level: words dropped. A word once dropped stays dropped at every worse level."""

from __future__ import annotations

import numpy as np

from plait.kinds.text.clean import tokenise
from plait.kinds.worsening import Worsening

DROPPED = (0.0, 0.1, 0.25, 0.5, 0.75)  # share of the words


def drop_words(text: str, share: float, generator: np.random.Generator) -> str:
    """Take a share of the words out of a text, drawn one by one; Chinese, Japanese, Korean and Thai go by character.

    Stops and commas stay. Where all words go, so does the rest: "", which is absent.
    """
    words = tokenise(text)
    dropped = generator.random(len(words)) < share
    if dropped.all():
        return "" if len(words) else text
    parts, end = [], 0
    for word, gone in zip(words, dropped.tolist(), strict=True):
        start = text.index(word, end)
        parts.append(text[end:start])
        end = start + len(word)
        if not gone:
            parts.append(word)
    return " ".join("".join([*parts, text[end:]]).split()) if dropped.any() else text


WAYS = (Worsening("dropped words", "share of the words", DROPPED, "cell", drop_words),)
