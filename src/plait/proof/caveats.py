"""What a score hides: a winner that says the same to every row, is no better than a guess, or never names a class.

Takes what was true and what was said of rows that were not learned from; knows no model and no table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import count, percent

LEAST_ROWS = 10  # below which nothing can be told
BY_CHANCE = 0.01  # how often, over all classes, one that is named like the others is named in none of its rows
UNEVEN = 4  # largest class to smallest, as `check` has it
SHOWN = 5  # classes that are listed
LEAST_SHARE = 0.01  # of the test rows that are worth a sentence
MANY_LOOKS = 3  # fits from which on the same test rows were looked at often


def class_caveats(
    truth: np.ndarray, said: np.ndarray, classes: Sequence[Any], shares: np.ndarray, balance: bool = False
) -> list[str]:
    """Return sentences on answers of classes. truth, said: (rows,) codes; shares: (class,) of the training rows.

    balance: whether every class counts the same, as the weights of a balanced fit have it.
    """
    if len(truth) < LEAST_ROWS:
        return []
    counts, named = (np.bincount(codes, minlength=len(classes)) for codes in (truth, said))
    most, rows = int(shares.argmax()), f"the {count(len(truth))} rows held out"
    if np.count_nonzero(named) == 1:
        return [f"The winner answers {classes[int(named.argmax())]!r} to every one of {rows}: it tells nothing apart."]
    weights = 1 / counts[truth] if balance else np.ones(len(truth))
    right, guess = (float(np.average(hits, weights=weights)) for hits in (truth == said, truth == most))
    sentences = list[str]()
    if right <= guess:
        always = f"always answering {classes[most]!r}, which is right in {percent(guess)}"
        sentences.append(f"Of {rows} the winner gets no more right than {always}.")
    chance = BY_CHANCE / len(classes)
    never = [
        code for code in np.flatnonzero((counts > 0) & (named == 0)).tolist() if (1 - right) ** counts[code] < chance
    ]
    if never:
        listed = ", ".join(f"{classes[code]!r} ({count(counts[code], 'row')})" for code in never[:SHOWN])
        more = f" and {count(len(never) - SHOWN)} more" if len(never) > SHOWN else ""
        sentences.append(f"Of {rows} the winner never answers {listed}{more}.")
    return sentences


def label_caveats(sets: np.ndarray, chosen: np.ndarray, labels: Sequence[Any]) -> list[str]:
    """Return sentences on answers of several labels a row. sets, chosen: (rows, label), what is true, and answered."""
    if len(sets) < LEAST_ROWS:
        return []
    rows, held = f"the {count(len(sets))} rows held out", sets.sum(0)
    if (chosen == chosen[:1]).all():
        said = ", ".join(repr(label) for label, named in zip(labels, chosen[0], strict=True) if named) or "no label"
        return [f"The winner answers {said} to every one of {rows}: it tells nothing apart."]
    never = np.flatnonzero((held > 0) & (chosen.sum(0) == 0)).tolist()
    listed = ", ".join(f"{labels[place]!r} ({count(held[place], 'row')})" for place in never[:SHOWN])
    more = f" and {count(len(never) - SHOWN)} more" if len(never) > SHOWN else ""
    return [f"Of {rows} the winner never answers {listed}{more}: rows that have them are few."] if never else []


def number_caveats(truth: np.ndarray, said: np.ndarray, mean: float) -> list[str]:
    """Return sentences on answers of numbers. truth, said: (rows,); mean: of the training rows."""
    gain = (truth - mean) ** 2 - (truth - said) ** 2
    if len(truth) < LEAST_ROWS or gain.mean() > gain.std() / math.sqrt(len(gain)):  # one standard error above nothing
        return []
    return [
        f"On the {count(len(truth))} rows held out the winner does no better than always answering the mean, as far as "
        "they can tell."
    ]


def row_caveats(rows: int, copies: int, broken: Mapping[str, int]) -> list[str]:
    """Return sentences on so many test rows: those that training rows hold too, and those with cells that are broken.

    broken: {modality: rows with a cell of it that cannot be read}. What is less than one in a hundred is passed over.
    """
    sentences = []
    if copies >= LEAST_SHARE * rows:
        are = "are copies of training rows: on others the scores would be lower"
        sentences.append(f"{percent(copies / rows, 0)} of the test rows {are}.")
    names = [name for name, num in broken.items() if num >= LEAST_SHARE * rows]
    if names:
        share = percent(max(broken[name] for name in names) / rows, 0)
        sentences.append(f"In {share} of the test rows a cell of {' or '.join(names)} cannot be read.")
    return sentences


def look_caveats(rows: int, looks: int, noun: str = "test row") -> list[str]:
    """Return a sentence on rows that several fits with different options have looked at, this one among them."""
    if looks < MANY_LOOKS:
        return []
    return [
        f"These {count(rows, noun)} have been looked at by {looks} fits with different options: the best of them looks "
        "better than it is."
    ]


def way_out(shares: np.ndarray, balance: bool) -> str:
    """Return what may help against any of these. shares: (class,) of the training rows, or (1,) of numbers."""
    seen = shares[shares > 0]
    if len(shares) > 1 and not balance and seen.max() >= UNEVEN * seen.min():
        return "--balance weights the classes so that rare ones count as much as common ones."
    return "More rows, or columns that say more of the target, may help; plait check looks for faults in these."
