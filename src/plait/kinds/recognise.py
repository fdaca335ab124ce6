"""Judge what one column holds, from its facts. Knows no target, no roles and no modalities."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from plait.core.words import count
from plait.data.parse import is_missing, read_numbers
from plait.kinds import KINDS
from plait.kinds.facts import Facts, Guess
from plait.kinds.left_out import WHY_EMPTY
from plait.kinds.media import judge_arrays, judge_media, judge_names
from plait.kinds.tabular.recognise import (
    ID_NAME,
    are_measured,
    count_dates,
    count_numbers,
    date_form,
    judge_id,
    judge_number,
    mixed_units,
    say_written,
)
from plait.kinds.text.recognise import judge_prose

MEASURED = 0.8  # share of numbers with decimals beside which other cells, such as <0.5, are taken as absent, and said


def judge(facts: Facts, folder: Path | None) -> Guess:
    """Say what a column holds, why, and how sure that is (0 to 1)."""
    if not facts.filled:
        return Guess("category", WHY_EMPTY, 1.0, usable=False)
    for kind in KINDS.values():
        if kind.recognise is not None and (guess := kind.recognise.claim(facts, folder)) is not None:
            return guess
    if facts.form == "array":
        return judge_arrays(facts)
    guess = judge_media(facts, folder) if facts.form in ("text", "bytes", "other") else None
    if guess is not None and not (facts.distinct == 1 and facts.rows > 1):
        return guess
    if facts.form in ("bytes", "other"):
        what = "bytes that are no picture and no sound" if facts.form == "bytes" else _say_types(facts.sample)
        return Guess("id", f"the cells hold {what}: nothing here to learn from", 0.5, usable=False)
    if facts.distinct == 1 and facts.rows > 1 and facts.filled == facts.rows:
        return Guess("category", f"only one value: {str(facts.sample[0])[:40]!r}", 1.0, usable=False)
    if facts.category:
        return Guess("category", f"numbers whose type is category ({count(facts.distinct)} different)", 1.0)
    if facts.form == "date":
        return Guess("date", "the cells are dates", 1.0)
    if facts.form == "bool":
        return Guess("category", "the cells are true or false", 1.0)
    guess = _judge_text(facts) if facts.form == "text" else judge_number(facts)
    return (guess.kind in ("id", "category", "text") and judge_names(facts, folder)) or guess


def _judge_text(facts: Facts) -> Guess:
    cells = [cell for cell in facts.sample if not is_missing(cell)]
    most, looked = max(1, len(cells)), count(len(cells), "cell")
    right = count_numbers(facts.name, cells)
    numbers = right / most
    measured = numbers >= MEASURED and are_measured(cells)
    units = mixed_units(facts.name, cells) if numbers < 0.95 else []
    named_id = judge_id(facts) if ID_NAME.search(facts.name) or not (numbers >= 0.95 or measured or units) else None
    if named_id is None and (numbers >= 0.95 or measured):
        if form := date_form(facts.name, [number for number in read_numbers(cells) if number == number]):
            return Guess("date", f"numbers that are {form}", 0.9)
        why = f"{count(right)} of {looked} read as numbers{say_written(cells)}"
        return Guess("number", why, round(0.6 + 0.3 * numbers, 2))
    has_digits = any(any(c.isdigit() for c in cell) for cell in cells[:20])
    dates = count_dates(facts.name, cells) if has_digits else 0
    if dates / most >= 0.9:
        return Guess("date", f"{count(dates)} of {looked} read as dates", round(0.6 + 0.35 * dates / most, 2))
    guess = named_id or judge_prose(facts)
    if not units:
        return guess
    return replace(guess, why=f"amounts in {' and '.join(units)}, which are not numbers of one kind; {guess.why}")


def _say_types(cells: list[Any]) -> str:
    """Name what the cells are, the commonest first."""
    nouns = {"list": "lists", "dict": "records", "str": "texts", "complex": "complex numbers", "set": "sets"}
    kinds = [kind for kind, _ in Counter(type(cell).__name__ for cell in cells).most_common(3)]
    return " and ".join(nouns.get(kind, f"objects of type {kind}") for kind in kinds)
