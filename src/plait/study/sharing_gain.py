"""Does learning several targets together beat learning them apart? A paired test of each on its test rows, corrected.

Both sides are chosen by the same rule on validation: from all candidates, and from those that have seen one target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.core.words import count, p_equals, signed
from plait.proof.paired import POINTS, holm, reconcile
from plait.proof.spans import LEVEL
from plait.proof.verdict import NO_TEST_ROWS, Contest, judge
from plait.study.candidate import Candidate
from plait.study.search import Search

NOTHING_SHARED = "no network was shared"
NO_APART = "there is no candidate that learned it by itself"


def compare_sharing(chosen: Sequence[tuple[Search, Candidate]]) -> dict[str, Any]:
    """Return what sharing did: one sentence, and of each target the test of its winner against what won without.

    chosen: the search of each target and its winner. The p are corrected for how many there are (Holm 1979).
    """
    targets = {search.labels.name: _compare(search, winner) for search, winner in chosen}
    tested = [facts for facts in targets.values() if facts["p"] is not None]
    for facts, p in zip(tested, holm([facts["p"] for facts in tested]), strict=True):
        facts.update(p=p, corrected_for=len(tested), **_judge(facts, p))
    for name, facts in targets.items():
        others = count(len(targets) - 1, "other target")
        facts["sentence"] = f"Learned together with {others}, {name} is {_say(facts)}."
        if facts["code"] == "not_tested":
            facts["sentence"] = f"Not tested whether {name} gains from {others} learned with it: {facts['reason']}."
    return {"sentence": _say_all(targets), "targets": targets}


def _compare(search: Search, winner: Candidate) -> dict[str, Any]:
    """Return what the test rows say of the best that is shared, and of what wins without it; p not corrected."""
    apart, together, margin = search.apart, search.together(winner), search.study.options.margin / 100
    facts: dict[str, Any] = {
        "together": None if together is None else together.name,
        "apart": None if apart is None else apart.name,
        "chosen": winner.is_shared,
        "metric": search.labels.metric,
        "code": "not_tested",
        "reason": "",
        "difference": {"value": None, "low": None, "high": None},
        "p": None,
        "margin": None,
        "rows": len(search.study.test),
    }
    if together is None or apart is None:
        return {**facts, "reason": NOTHING_SHARED if together is None else NO_APART}
    if not len(search.study.test):
        return {**facts, "reason": NO_TEST_ROWS}
    search.study.leave_device()
    sides = {"apart": search.side(apart)}
    contest = Contest(search.side(together), sides, search.yardstick, search.labels.prior, margin, winner.name)
    verdict = judge(contest, np.random.default_rng([search.study.seed, 15]))
    if not verdict.opponents:
        return {**facts, "reason": verdict.reason}
    found = verdict.opponents[0].difference
    difference = {"value": found.value, "low": found.low, "high": found.high}
    return {**facts, "difference": difference, "p": found.p, "margin": verdict.margin}


def _judge(facts: Mapping[str, Any], p: float) -> dict[str, Any]:
    """Return what a corrected p says, and the interval that goes with it."""
    value, low, high = (facts["difference"][end] for end in ("value", "low", "high"))
    if low is not None and high is not None:
        low, high = reconcile(value, low, high, p)
    code = "cannot_tell"
    if p < LEVEL and value:
        code = "helps" if value > 0 else "hurts"
    elif low is not None and -facts["margin"] <= low and high <= facts["margin"]:
        code = "equal"
    return {"code": code, "difference": {"value": value, "low": low, "high": high}}


def _say(facts: Mapping[str, Any]) -> str:
    """Return what follows the name of a target and "is"."""
    if facts["code"] == "not_tested":
        return f"not tested: {facts['reason']}"
    points = facts["metric"] in POINTS
    value, low, high = (signed(facts["difference"][end], points) for end in ("value", "low", "high"))
    unit = "points" if points else f"of {facts['metric'].replace('_', ' ')}"
    corrected = f", corrected for {facts['corrected_for']} tests" if facts["corrected_for"] > 1 else ""
    size = f"({value} {unit}, 95 % interval {low} to {high}, {p_equals(facts['p'], LEVEL)}{corrected})"
    if not facts["chosen"]:
        told = {"helps": "better", "hurts": "worse", "equal": "as good", "cannot_tell": "not told from it"}
        return (
            f"as learned apart, since validation chose nothing shared; what is shared is {told[facts['code']]} {size}"
        )
    told = {
        "helps": "better than learned apart",
        "hurts": "worse than learned apart",
        "equal": "as good as learned apart",
        "cannot_tell": "not told from learned apart by these rows",
    }
    return f"{told[facts['code']]} {size}"


def _say_all(targets: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one sentence on all targets."""
    tested, num = [facts for facts in targets.values() if facts["code"] != "not_tested"], len(targets)
    codes = [facts["code"] for facts in tested if facts["chosen"]]
    begin = f"These rows do not show that learning the {num} targets together helps"
    if "helps" in codes or "hurts" in codes:
        counted = (("better", codes.count("helps")), ("worse", codes.count("hurts")))
        parts = [f"{what} for {many} of them" for what, many in counted if many]
        begin = f"Learning the {num} targets together is {' and '.join(parts)}"
    elif not tested:
        reasons = {facts["reason"]: None for facts in targets.values()}
        return f"Not tested whether learning the {num} targets together helps: {'; '.join(reasons)}."
    elif not codes:
        begin = f"Learning the {num} targets together changes none of them"
    elif {*codes} == {"equal"}:
        begin = f"Learning the {num} targets together makes no difference that matters"
    return f"{begin}: " + "; ".join(f"{name} is {_say(facts)}" for name, facts in targets.items()) + "."
