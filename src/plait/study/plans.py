"""Which fusion plans are tried where the user names none. Knows names of modalities, no rows."""

from __future__ import annotations

from collections.abc import Sequence

from plait.models import plan as plans

STRATEGIES = ("parallel", "sequential", "tree")
GROWN_BY = ("gate", "concat")  # operators of trees


def list_plans(names: Sequence[str], families: Sequence[str] = STRATEGIES) -> list[str]:
    """Return the plans that are tried when the user names none: each strategy with each operator that makes sense.

    A tree of two is the same network as a parallel plan of two, so of two modalities gate stands in the tree alone.
    """
    if len(names) < 2:
        return []
    listed: list[plans.Node] = []
    if "parallel" in families:
        operators = ["concat", "sum", "gate", "attention", "vote"]
        if len(names) == 2 and "tree" in families:
            operators.remove("gate")
        listed += [plans.Parallel(tuple(names), by=by) for by in operators]
    if "sequential" in families:
        listed += [plans.Sequential(tuple(reversed(names)), by=by) for by in ("film", "gru")]
    if "tree" in families:
        grown = plans.Tree(tuple(names), by="gate")
        deep = (plans.Tree((plans.Tree(tuple(names[:2]), by=by), *names[2:]), by=by) for by in GROWN_BY)
        listed += [grown] if len(names) == 2 else deep
    return [str(plan) for plan in listed]
