"""Was a conversion worth it? The source, what was made of it, and both, on the same test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import p_equals, signed
from plait.proof.leaderboard import span
from plait.study.candidate import best_of
from plait.study.search import Search


def compare_conversions(search: Search, made: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each modality made of another how the best on each and on both do, and a sentence; if all are there.

    The test is both together against the better one.
    """
    compared, tests = [], search.study.test
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
        verdict = search.judge(chosen[first], both, generator).to_json()
        facts = {
            "source": names[0],
            "made": names[1],
            "by": one["by"],
            "metric": verdict["metric"],
            "candidates": [c.name for c in chosen],
            "scores": dict(zip((*names, "both"), scores, strict=True)),
            "better": names[first],
            **{key: verdict[key] for key in ("code", "difference", "p", "rows", "unit")},
        }
        compared.append({**facts, "sentence": _tell(facts)})
    return compared


def _tell(facts: Mapping[str, Any]) -> str:
    source, made, by, better = facts["source"], facts["made"], facts["by"], facts["better"]
    if any(score["value"] is None for score in facts["scores"].values()) or facts["p"] is None:
        return f"{made}, made of {source} by {by}: too few test rows to compare."
    first, second, both = (span(facts["scores"][name]) for name in (source, made, "both"))
    points = facts["metric"] == "accuracy"
    gain, low, high = (signed(facts["difference"][end], points) for end in ("value", "low", "high"))
    size = f"{gain} {'points' if points else 'of r2'}, 95 % interval {low} to {high}, {p_equals(facts['p'])}"
    end = {
        "helps": f"Both together are better than {better} by itself ({size}).",
        "hurts": f"Both together are worse than {better} by itself ({size}).",
        "no_evidence": f"No evidence that both together are better than {better} by itself ({size}).",
    }[facts["code"]]
    return (
        f"{made}, made of {source} by {by}: {facts['metric']} {first} with {source}, {second} with {made}, {both} with "
        f"both. {end}"
    )
