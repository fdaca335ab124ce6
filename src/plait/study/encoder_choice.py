"""Which encoder a modality gets, where the user leaves it open: what is at hand is tried, and validation decides.

Knows a study before its candidates, not tables or files. The choice is made on each modality alone, before anything is
fused or compared, so that one modality and several are judged with the same encoders.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from plait.core.words import number
from plait.errors import pip_line
from plait.models.views import Strand, may_gain
from plait.pretrained.catalogue import NAMES, is_installed
from plait.study.candidate import Candidate, choose
from plait.study.networks import Study

PIP = pip_line("pretrained")
KNOWN_FROM = {"image": "photographs", "text": "texts"}


def settle_encoders(study: Study) -> None:
    """Train each modality with a choice through each of its encoders, and leave the study with the best of each.

    The pretrained one, which learns in seconds, comes first; the other ends early where it stays far behind. What an
    interrupt or the time limit leaves no time for stays as it is without pretrained encoders.
    """
    for name, views in study.prepared.views.items():
        tried: list[tuple[Candidate, str]] = []
        for view in reversed(views):
            few = replace(study, prepared=study.prepared.settle(name, view), candidates=[])
            found = few.train_alone(name, min((c.outcome.loss for c, _ in tried), default=math.inf))
            if found is not None:
                tried.append((found, view))
            if study.budget.interrupted:
                break
        best = choose([c for c, _ in tried]) if tried else None
        view = next((v for c, v in tried if c is best), name)
        told = [{"encoder": _encoder(study, v), "loss": c.outcome.loss, **_score(c)} for c, v in tried]
        study.prepared = study.prepared.settle(name, view)
        if best is not None:
            study.alone[name] = best
            study.candidates.append(best)
        study.encoders_tried[name] = told


def tell_encoders(study: Study, asked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each modality its encoder, why it is that, where its weights are from, and what may be better.

    asked: the encoder of each modality as the user asked for it, `auto` where it was left open.
    """
    told = {}
    for strand in study.prepared.strands:
        if strand.shadow or strand.kind not in NAMES:
            continue
        tried = study.encoders_tried.get(strand.name, [])
        fact: dict[str, Any] = {"encoder": strand.encoder, "asked": _name(asked[strand.name]), "tried": tried}
        fact["why"] = _why(strand, tried, fact["asked"])
        if strand.frozen is not None:
            fact |= {key: getattr(strand.frozen, key) for key in ("origin", "licence", "weights")}
            fact["tune"] = study.tune.get(strand.name, "none" if not study.gentle else "")
        lacking = [n for n in NAMES.get(strand.kind, ()) if not is_installed(n)]
        if fact["asked"] == "auto" and lacking and may_gain(strand):
            fact["better"] = f"weights learned from {KNOWN_FROM[strand.kind]} may do better: {PIP}"
        told[strand.name] = fact
    return told


def _why(strand: Strand, tried: list[dict[str, Any]], asked: str) -> str:
    if len(tried) > 1:
        others = [t for t in tried if t["encoder"] != strand.encoder]
        own = next(t for t in tried if t["encoder"] == strand.encoder)
        against = ", ".join(f"{t['encoder']} {number(t['loss'])}" for t in others)
        lowest = all(own["loss"] <= t["loss"] for t in others)
        how = "the lowest loss on validation" if lowest else "the simplest as good as the best on validation"
        return f"{how}: {number(own['loss'])} against {against}"
    return "the only one at hand" if asked == "auto" else "as asked for"


def _encoder(study: Study, view: str) -> str:
    return next(s.encoder for s in study.prepared.strands if s.name == view)


def _score(candidate: Candidate) -> dict[str, Any]:
    history = candidate.outcome.history
    last = history[-1]
    return {"metric": last["metric_name"], "value": last["metric"], "epochs": len(history)}


def _name(encoder: Any) -> str:
    return encoder if isinstance(encoder, str) else type(encoder).__name__
