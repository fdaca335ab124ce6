"""Was a conversion worth it? The source, what was made of it, and both, on the same test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import p_equals, signed
from plait.proof.leaderboard import span
from plait.proof.paired import POINTS, holm
from plait.proof.spans import LEVEL
from plait.proof.verdict import FEWEST_ROWS
from plait.study.candidate import best_of
from plait.study.search import Search


def compare_conversions(search: Search, made: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each modality made of another how the best on each and on both do, and a sentence; if all are there.

    The test is both together against the better one; of several conversions the p are corrected (Holm 1979).
    """
    compared: list[dict[str, Any]] = []
    tests, yardstick = search.study.test, search.yardstick
    for one in made:
        names = [one["origin"], one["modality"]]
        both = best_of(c for c in search.study.candidates if sorted(c.names) == sorted(names))
        alone = [search.best_alone(name) for name in names]
        if both is None or None in alone or len(tests) < 2:
            continue
        chosen = [c for c in (*alone, both) if c is not None]
        scores = [search.labels.headline(search.look(c), tests, search.study.seed) for c in chosen]
        first = 0 if chosen[0].loss <= chosen[1].loss else 1
        generator = np.random.default_rng([search.study.seed, 7])
        found = yardstick.compare(search.look(both), search.look(chosen[first]), generator)
        facts = {
            "source": names[0],
            "made": names[1],
            "by": one["by"],
            "metric": yardstick.metric,
            "candidates": [c.name for c in chosen],
            "scores": dict(zip((*names, "both"), scores, strict=True)),
            "better": names[first],
            "difference": {"value": found.value, "low": found.low, "high": found.high},
            "p": found.p if len(tests) >= FEWEST_ROWS else None,
            "rows": len(tests),
        }
        compared.append(facts)
    tested = [facts for facts in compared if facts["p"] is not None]
    for facts, p in zip(tested, holm([facts["p"] for facts in tested]), strict=True):
        facts.update(p=p, corrected_for=len(tested))
    return [{**facts, "code": (code := _code(facts)), "sentence": _tell(facts, code)} for facts in compared]


def _code(facts: Mapping[str, Any]) -> str:
    value, p = facts["difference"]["value"], facts["p"]
    if p is None or value is None:
        return "not_tested"
    return "cannot_tell" if p >= LEVEL or value == 0 else "helps" if value > 0 else "hurts"


def _tell(facts: Mapping[str, Any], code: str) -> str:
    source, made, by, better = facts["source"], facts["made"], facts["by"], facts["better"]
    if any(score["value"] is None for score in facts["scores"].values()) or code == "not_tested":
        return f"{made}, made of {source} by {by}: too few test rows to compare."
    first, second, both = (span(facts["scores"][name]) for name in (source, made, "both"))
    points = facts["metric"] in POINTS
    gain, low, high = (signed(facts["difference"][end], points) for end in ("value", "low", "high"))
    several = f", corrected for {facts['corrected_for']} comparisons" if facts["corrected_for"] > 1 else ""
    unit = "points" if points else f"of {facts['metric']}"
    size = f"{gain} {unit}, 95 % interval {low} to {high}, {p_equals(facts['p'])}{several}"
    end = {
        "helps": f"Both together are better than {better} by itself ({size}).",
        "hurts": f"Both together are worse than {better} by itself ({size}).",
        "cannot_tell": f"These rows cannot tell whether both together are better than {better} by itself ({size}).",
    }[code]
    return (
        f"{made}, made of {source} by {by}: {facts['metric']} {first} with {source}, {second} with {made}, {both} with "
        f"both. {end}"
    )
