"""Which encoder a modality gets, where the user leaves it open: what is at hand is tried, and validation decides.

On each modality alone, before anything is fused, so that one modality and several are judged with the same encoders.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from plait.core.words import number
from plait.errors import bare_line, pip_line
from plait.models.views import View, may_gain
from plait.pretrained.catalogue import BESIDE, NAMES, is_installed
from plait.study.candidate import Candidate, choose
from plait.study.networks import Study

PIP = pip_line("pretrained")


def settle_encoders(study: Study) -> None:
    """Train each modality with a choice through each of its encoders, and leave the study with the best of each."""
    choices, tried = study.prepared.choices, dict[str, list[tuple[Candidate, str]]]()
    names = [name for name in study.prepared.names if name not in choices and name not in study.alone]
    asked = [study.ask_alone(name) for name in names]
    for place in range(max(map(len, choices.values()), default=0)):
        # the pretrained one, which learns in seconds, comes first, and is the rival of the other
        views = {name: view for name, own in choices.items() for view in [*reversed(own)][place : place + 1]}
        rivals = {name: min((c.outcome.loss for c, _ in tried.get(name, ())), default=math.inf) for name in views}
        few = {name: study.on_view(name, view) for name, view in views.items()}
        more = {name: {"view": views[name], "rival": rivals[name]} for name in views}
        study.ahead(study, [*asked, *({**few[name].ask_alone(name), **more[name]} for name in views)])
        asked = []
        for name, view in views.items():
            if not study.budget.interrupted:
                candidate = few[name].train_alone(name, rivals[name])
                tried.setdefault(name, []).extend([(candidate, view)] if candidate is not None else [])
    for name, own in choices.items():
        _settle(study, name, own, tried.get(name, []))


def _settle(study: Study, name: str, views: Sequence[str], tried: Sequence[tuple[Candidate, str]]) -> None:
    """Leave the study with the best view of a modality, of those that were tried."""
    encoders = {s.name: s.encoder for s in study.prepared.views}
    study.encoders_tried[name] = [{"encoder": encoders[v], "loss": c.outcome.loss, **_score(c)} for c, v in tried]
    view = name
    if tried:
        best = choose([c for c, _ in tried])
        view = next(v for c, v in tried if c is best)
        study.alone[name] = best
        study.candidates.append(best)
    study.prepared = study.prepared.settle(name, view, study.options.choose != "simple")


def tell_encoders(study: Study, asked: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what run.json says of the encoder of each modality. asked: by the user, `auto` where it was left open."""
    facts = {}
    for strand in study.prepared.views:
        if not strand.is_main or strand.kind not in NAMES:
            continue
        tried = study.encoders_tried.get(strand.name, [])
        fact: dict[str, Any] = {"encoder": strand.encoder, "asked": _name(asked[strand.name]), "tried": tried}
        fact["why"] = _why(strand, tried, fact["asked"])
        if strand.frozen is not None:
            fact |= {key: getattr(strand.frozen, key) for key in ("origin", "licence", "weights")}
            fact["tune"] = study.options.tuned.get(strand.name, "none" if "none" in study.options.tune else "")
        lacking = [n for n in NAMES.get(strand.kind, ()) if n != "minilm" and not is_installed(n)]
        beside = {
            view.encoder: "" if view.encoder == "acoustic" else f"{view.frozen.origin}, licence {view.frozen.licence}"
            for view in study.prepared.views
            if view.how == "beside" and view.of == strand.name and view.frozen is not None
        }
        if beside:
            fact["beside"] = beside
        if fact["asked"] == "auto" and lacking and (beside or may_gain(strand)):
            line = bare_line(*lacking) if strand.able.opened and strand.kind in BESIDE else PIP
            fact["better"] = f"weights learned from {strand.able.known_from} may do better: {line}"
        facts[strand.name] = fact
    return facts


def _why(strand: View, tried: list[dict[str, Any]], asked: str) -> str:
    if len(tried) > 1:
        others = [t for t in tried if t["encoder"] != strand.encoder]
        chosen = next(t for t in tried if t["encoder"] == strand.encoder)
        against = ", ".join(f"{t['encoder']} {number(t['loss'])}" for t in others)
        lowest = all(chosen["loss"] <= t["loss"] for t in others)
        how = "the lowest loss on validation" if lowest else "the simplest as good as the best on validation"
        return f"{how}: {number(chosen['loss'])} against {against}"
    return "the only one at hand" if asked == "auto" else "as asked for"


def _score(candidate: Candidate) -> dict[str, Any]:
    last = candidate.outcome.history[-1]
    return {"metric": last["metric_name"], "value": last["metric"], "epochs": len(candidate.outcome.history)}


def _name(encoder: Any) -> str:
    return encoder if isinstance(encoder, str) else type(encoder).__name__
