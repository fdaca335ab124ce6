"""Was a conversion worth it? The source, what was made of it, and both, on the same test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import p_equals, signed
from plait.proof.leaderboard import span
from plait.proof.verdict import judge
from plait.study.candidate import Candidate
from plait.study.search import Search


def compare_conversions(search: Search, made: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each modality made of another how both do alone and together, and a sentence.

    made: {"origin", "modality", "by"}. The three candidates are those of the lowest loss on validation that look at the
    source, at what was made, and at both and nothing else. The test is that of `verdict.judge`: both together against
    the better one by itself. Empty where a candidate is lacking or there are no test rows.
    """
    compared, tests = [], search.study.test
    for one in made:
        names = [one["origin"], one["modality"]]
        both = min((c for c in search.study.candidates if sorted(c.names) == sorted(names)), key=_loss, default=None)
        alone = [search.best_alone(name) for name in names]
        if both is None or None in alone or len(tests) < 2:
            continue
        chosen = [c for c in (*alone, both) if c is not None]
        scores = [search.labels.headline(search.look(c), tests, search.study.seed) for c in chosen]
        first = 0 if chosen[0].loss <= chosen[1].loss else 1
        one_side, both_sides = (search.side(chosen[i]) for i in (first, 2))
        groups = None if search.groups is None else search.groups[tests]
        generator = np.random.default_rng([search.study.seed, 7])
        verdict = judge(
            one_side, both_sides, search.labels.cells[tests], search.labels.classes, generator=generator, groups=groups
        ).to_json()
        found = {
            "source": names[0],
            "made": names[1],
            "by": one["by"],
            "metric": verdict["metric"],
            "candidates": [c.name for c in chosen],
            "scores": dict(zip((*names, "both"), scores, strict=True)),
            "better": names[first],
            **{key: verdict[key] for key in ("code", "difference", "p", "rows", "unit")},
        }
        compared.append({**found, "sentence": _tell(found)})
    return compared


def _loss(candidate: Candidate) -> float:
    return candidate.loss


def _tell(found: Mapping[str, Any]) -> str:
    def told(name: str) -> str:
        return span(found["scores"][name])

    if any(score["value"] is None for score in found["scores"].values()) or found["p"] is None:
        return f"{found['made']}, made of {found['source']} by {found['by']}: too few test rows to compare."
    points = found["metric"] == "accuracy"
    gain, low, high = (signed(found["difference"][end], points) for end in ("value", "low", "high"))
    size = f"{gain} {'points' if points else 'of r2'}, 95 % interval {low} to {high}, {p_equals(found['p'])}"
    end = {
        "helps": f"Both together are better than {found['better']} by itself ({size}).",
        "hurts": f"Both together are worse than {found['better']} by itself ({size}).",
        "no_evidence": f"No evidence that both together are better than {found['better']} by itself ({size}).",
    }[found["code"]]
    return (
        f"{found['made']}, made of {found['source']} by {found['by']}: {found['metric']} {told(found['source'])} with "
        f"{found['source']}, {told(found['made'])} with {found['made']}, {told('both')} with both. {end}"
    )
