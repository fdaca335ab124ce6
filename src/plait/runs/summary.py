"""The sentences of a run's summary: its scores, rows, holes, and what it learned from at last. Knows facts alone."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.contract import Schema
from plait.core.words import count, say_encoders, times
from plait.proof.leaderboard import span
from plait.runs.facts import RunFacts


def say_scores(facts: RunFacts, metric: str) -> list[str]:
    """Return sentences on the encoders and the scores on rows that were not learned from."""
    lines, named = say_encoders(facts.encoders or {}), metric.replace("_", " ")
    test, folds = facts.test, facts.folds
    if test is not None and test["metrics"]:
        beside = facts.study.get("beside")
        also = f", {beside.replace('_', ' ')} {span(test['metrics'][beside])}" if beside else ""
        reached = f"{span(test['metrics'][metric])}{also}"
        there = ""
        if test.get("scored", test["rows"]) < test["rows"]:  # the others hold nothing that the winner looks at
            there = f"{count(test['scored'])} of {count(test['rows'])} "
        lines.append(f"\nOn {there or 'the '}test rows {named} is {reached} for * {facts.winner}.")
        if facts.study.get("why"):
            lines.append(f"{facts.study['why'][0].upper()}{facts.study['why'][1:]}")
        for name, alone in test["alone"].items():
            if alone["metrics"]:
                lines.append(
                    f"{name} alone reaches {span(alone['metrics'][metric])} "
                    f"on the {count(alone['rows'], 'test row that has', 'test rows that have')} it."
                )
    elif folds:
        lines.append(
            f"\nOn {count(folds['rows'], 'row')}, each left out {times(folds['repeats'])} in "
            f"{count(folds['folds'], 'fold')}, {named} is {span(folds['metrics'][metric])}, by what won without "
            "them."
        )
    elif test is None:
        lines.append(
            "\nThere are no test rows, so the score on rows never seen is not known; score another table with evaluate."
        )
    return lines


def say_refit(facts: RunFacts) -> list[str]:
    """Return what the model that answers has learned from since it was proven."""
    again = facts.refit
    if again is None:
        return []
    what = "all labelled rows" if again["how"] == "all" else "training and validation rows"
    kept = f"; {', '.join(again['kept'])} as before" if again["kept"] else ""
    return [
        f"The model that answers from here on has learned anew from {what} ({count(again['rows'])}{kept}); what is "
        "said of test rows is of the model before."
    ]


def say_splits(facts: RunFacts, target: str, needed: str, cuts: Sequence[str]) -> list[str]:
    """Return sentences on the rows, their splits and their holes. needed: what a row must have to be learned from;
    cuts: what preparation says it left out."""
    from plait.kinds.detect import say_target

    counts = facts.splits
    left_out = f", {count(facts.unlabelled)} without {needed} or split" if facts.unlabelled else ""
    lines = [
        f"\n{count(facts.rows, 'row')}: {count(counts['train'])} train, {count(counts['val'])} validation, "
        f"{count(counts['test'])} test{left_out}.",
        say_target(Schema.from_json(facts.schema).column(target)),
    ]
    lines += cuts
    for name, hole in facts.holes.items():
        if hole["blank"] or hole["broken"]:
            first = f", such as {hole['example']}" if hole["broken"] else ""
            lines.append(
                f"{name}: absent in {count(hole['blank'] + hole['broken'], 'row')} "
                f"({count(hole['blank'])} blank, {count(hole['broken'])} broken{first})."
            )
        if hole.get("filled"):
            lines.append(
                f"{name}: {count(hole['filled'], 'absent cell was', 'absent cells were')} filled by conversion."
            )
    return lines
