"""Whether a column of strings holds texts, or short values that come again."""

from __future__ import annotations

import re

import numpy as np

from plait.core.words import count
from plait.kinds.facts import FEW, UNSPACED, Facts, Guess

_TEXT_NAME = re.compile(r"texts?|words?|sentences?|transcripts?|transcription|utterance|文本|句子|文字", re.IGNORECASE)
_PROSE_NAME = re.compile(
    r"review|comment|caption|description|message|note|question|answer|summary|body|评论|内容|描述", re.IGNORECASE
)
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def judge_prose(facts: Facts) -> Guess:
    filled, distinct = facts.filled, facts.distinct or 0
    length = float(np.mean([count_words(cell) for cell in facts.sample]))
    values = f"{count(distinct, 'different value')} in {count(filled, 'cell')}"
    prose = f"{values}, about {count(max(1, round(length)), 'word')} each"
    if _TEXT_NAME.fullmatch(facts.name.strip()):
        return Guess("text", f"named {facts.name!r}; {prose}", 0.9)
    named = bool(_PROSE_NAME.search(facts.name)) and length >= 2
    if distinct <= FEW and filled >= 2 * distinct and length <= 4 and not named:
        return Guess("category", f"few and short: {values}", 0.9)
    if filled >= 5 * distinct and distinct <= 1000 and length <= 3 and not named:
        return Guess("category", f"short values that come again: {values}", 0.8)
    if length >= 5 or named:
        return Guess("text", f"sentences: {prose}", 0.95)
    if length >= 2 and distinct > 0.5 * filled:
        return Guess("text", f"phrases, most of them different: {prose}", 0.75)
    if distinct > 0.9 * filled and filled >= FEW:
        return Guess("text", f"words, most of them different: {prose}", 0.5)
    return Guess("category", f"short values: {values}", 0.5)


def count_words(text: str) -> float:
    """Return about how many words a text has. A script without spaces counts 1.7 characters as a word."""
    unspaced = len(UNSPACED.findall(text))
    return len(_WORDS.findall(UNSPACED.sub(" ", text))) + unspaced / 1.7
