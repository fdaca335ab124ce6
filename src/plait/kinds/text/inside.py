"""Inside a text: which words moved an answer. Knows how words are left out, not who is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from plait.kinds.part import Part
from plait.kinds.text.clean import token_spans

MOST_PARTS = 60  # words of a text, or runs of them
FEWEST_PARTS = 4
MOST_LETTERS = 200_000  # of a text, times its parts: so that a book takes little longer than a page
PARTS, SHOWN = "words", 6


def split(part: Part, prep: Any) -> tuple[Any, list[dict[str, Any]], list[int], Callable[[np.ndarray], dict[str, Any]]]:
    """Return the texts of one row, their words, which of them can be left out, and what is left without some.

    leave(kept (word,) bool) → {column: what is left}.
    """
    texts = {column: str(cells[0]) for column, cells in part.cells().items() if cells[0] is not None}
    words = word_parts(texts, html=prep.html)

    def leave(kept: np.ndarray) -> dict[str, Any]:
        if not kept.any():  # what is left between the words is no text
            return {}
        left = dict(texts)
        for word, stays in reversed(list(zip(words, kept, strict=True))):  # from the end, so that places stay
            if not stays:
                text = left[word["column"]]
                left[word["column"]] = f"{text[: word['start']]} {text[word['end'] :]}"
        return left

    return texts, words, list(range(len(words))), leave


def word_parts(texts: dict[str, str], html: bool = True) -> list[dict[str, Any]]:
    """Return {"text", "column", "start", "end"} for each word, or for runs of words where there are many."""
    spans = {column: token_spans(text, html) for column, text in texts.items()}
    letters = max(1, sum(len(text) for text in texts.values()))
    most = max(FEWEST_PARTS, min(MOST_PARTS, MOST_LETTERS // letters))
    step = max(1, -(-sum(map(len, spans.values())) // most))
    return [
        {"text": texts[column][run[0][0] : run[-1][1]], "column": column, "start": run[0][0], "end": run[-1][1]}
        for column, words in spans.items()
        for run in (words[place : place + step] for place in range(0, len(words), step))
    ]


def say(part: dict[str, Any]) -> str:
    """Return how a word is named in a line of text."""
    text = " ".join(part["text"].split())
    return f"“{text if len(text) <= 40 else text[:39] + '…'}”"


def report(detail: Any) -> dict[str, Any]:
    """Return what the report shows: the texts, one below the other, and the words in them."""
    text, spans = "", []
    for column, words in detail.before.items():
        start = len(text)
        text += words + "\n"
        spans += [
            {"start": start + p["start"], "end": start + p["end"], "weight": p["weight"]}
            for p in detail.parts
            if p["column"] == column
        ]
    return {"form": "words", "text": text.rstrip("\n"), "spans": spans}
