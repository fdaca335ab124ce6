"""What two cells find together that the better of them alone does not. Knows a space and the rows it is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from plait.core.words import count, number
from plait.runs.embedding import Space
from plait.space.learn import spread_of
from plait.space.lesson import Lesson
from plait.space.measures import find


def measure_together(
    space: Space,
    lesson: Lesson,
    mix: Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], np.ndarray],
    aim: str,
) -> dict[str, Any]:
    """Return {"image+text->audio": what both find of it beside the better of them} on rows that have all three.

    mix: makes one vector for each row of those of several modalities and of their lengths. aim: "rows" or "kind".
    """
    vectors: dict[str, np.ndarray] = space.project(lesson.features)
    told: dict[str, Any] = {}
    lengths = space.lengths(lesson.features)
    for into in vectors:
        for pair in combinations([name for name in vectors if name != into], 2):
            queries = {name: vectors[name].copy() for name in pair}
            lacking = np.any([np.isnan(x[:, 0]) for x in queries.values()], axis=0)
            for x in queries.values():
                x[lacking] = np.nan
            asked = {"": mix(queries, lengths), **queries}
            found = {name: find(x, vectors[into], lesson.contents[into], lesson.classes) for name, x in asked.items()}
            if any(one is None for one in found.values()):
                continue
            told[f"{'+'.join(pair)}->{into}"] = _tell(found, pair, into, lesson, aim)
    return {name: facts for name, facts in told.items() if facts}


def _tell(found: Mapping[str, Any], pair: tuple[str, ...], into: str, lesson: Lesson, aim: str) -> dict[str, Any]:
    both, scores = found[""], {name: one.scores(aim) for name, one in found.items()}
    if not len(scores[""]):
        return {}
    by_kind = aim == "kind" and both.precision is not None
    asked = both.rows[~np.isnan(both.precision)] if by_kind else both.rows
    better = max(pair, key=lambda name: scores[name].mean())
    groups = None if lesson.groups is None else lesson.groups[asked]
    gain = spread_of(scores[""] - scores[better], groups, least=-1.0)
    value, what = float(scores[""].mean()), "the same class" if by_kind else "the very row"
    facts = {"queries": len(asked), "value": value, "better": better, "alone": float(scores[better].mean())}
    low, high = gain["low"], gain["high"]
    ends = "" if low is None or high is None else f" ({number(low)} to {number(high)})"
    verdict = "surely better" if (low or 0) > 0 else "surely worse" if (high or 0) < 0 else "not surely better"
    sentence = (
        f"{pair[0]} and {pair[1]} together find {what} of {into} {verdict} than {better} alone: "
        f"{'class mAP' if by_kind else 'MRR'} {number(value)}, {number(gain['value'] or 0.0)}{ends} more."
    )
    return {**facts, "gain": gain, "sentence": sentence}


def say_together(told: Mapping[str, Any]) -> str:
    """Return one sentence on all pairs; "" where there is none."""
    if not told:
        return ""
    sure = sum((one["gain"]["low"] or 0) > 0 for one in told.values())
    worse = sum((one["gain"]["high"] or 0) < 0 for one in told.values())
    mean = float(np.mean([one["gain"]["value"] for one in told.values()]))
    less = f", in {worse} surely worse" if worse else ""
    return (
        f"Two cells together are surely better than the better of them alone in {sure} of "
        f"{count(len(told), 'search', 'searches')}{less}; they gain {number(mean)} on average."
    )
