"""The sentences of a run's summary: its scores, rows, holes, and what it learned from at last. Knows facts alone."""

from __future__ import annotations

from collections.abc import Sequence

from plait.core.contract import Schema
from plait.core.language import retell, say
from plait.core.words import count, metric_name, say_encoders, times
from plait.proof.leaderboard import span
from plait.runs.facts import RunFacts


def say_scores(facts: RunFacts, metric: str) -> list[str]:
    """Return sentences on the encoders and the scores on rows that were not learned from."""
    lines, named = [*map(retell, say_encoders(facts.encoders or {}))], metric_name(metric)
    test, folds = facts.test, facts.folds
    if test is not None and test["metrics"]:
        beside = facts.study.get("beside")
        also = f", {metric_name(beside)} {span(test['metrics'][beside])}" if beside else ""
        told = {"metric": named, "score": f"{span(test['metrics'][metric])}{also}", "winner": facts.winner}
        if test.get("scored", test["rows"]) < test["rows"]:  # the others hold nothing that the winner looks at
            said = "On {scored} of {rows} test rows {metric} is {score} for * {winner}."
            lines.append("\n" + say(said, **told, scored=count(test["scored"]), rows=count(test["rows"])))
        else:
            lines.append("\n" + say("On the test rows {metric} is {score} for * {winner}.", **told))
        if facts.study.get("why"):
            lines.append(retell(f"{facts.study['why'][0].upper()}{facts.study['why'][1:]}"))
        for name, alone in test["alone"].items():
            if alone["metrics"]:
                rows = count(alone["rows"], "test row that has", "test rows that have")
                said = "{name} alone reaches {score} on the {rows} it."
                lines.append(say(said, name=name, score=span(alone["metrics"][metric]), rows=rows))
    elif folds:
        told = {"rows": count(folds["rows"], "row"), "times": times(folds["repeats"]), "metric": named}
        told |= {"folds": count(folds["folds"], "fold"), "score": span(folds["metrics"][metric])}
        said = "On {rows}, each left out {times} in {folds}, {metric} is {score}, by what won without them."
        lines.append("\n" + say(said, **told))
    elif test is None:
        lines.append(
            "\n"
            + say(
                "There are no test rows, so the score on rows never seen is not known; score another table with "
                "evaluate."
            )
        )
    return lines


def say_refit(facts: RunFacts) -> list[str]:
    """Return what the model that answers has learned from since it was proven."""
    again = facts.refit
    if again is None:
        return []
    what = say("all labelled rows" if again["how"] == "all" else "training and validation rows")
    kept = say("; {names} as before", names=", ".join(again["kept"])) if again["kept"] else ""
    return [
        say(
            "The model that answers from here on has learned anew from {what} ({rows}{kept}); what is said of test "
            "rows is of the model before.",
            what=what,
            rows=count(again["rows"]),
            kept=kept,
        )
    ]


def say_splits(facts: RunFacts, target: str, needed: str, cuts: Sequence[str]) -> list[str]:
    """Return sentences on the rows, their splits and their holes. needed: what a row must have to be learned from;
    cuts: what preparation says it left out."""
    from plait.kinds.detect import say_target

    counts = facts.splits
    without = {"num": count(facts.unlabelled), "needed": say(needed)}
    left_out = say(", {num} without {needed} or split", **without) if facts.unlabelled else ""
    told = {part: count(num) for part, num in counts.items()} | {"rows": count(facts.rows, "row")}
    lines = [
        "\n" + say("{rows}: {train} train, {val} validation, {test} test{left_out}.", **told, left_out=left_out),
        retell(say_target(Schema.from_json(facts.schema).column(target))),
    ]
    lines += map(retell, cuts)
    return [*lines, *say_holes(facts)]


def say_holes(facts: RunFacts) -> list[str]:
    """Return a sentence on each modality that is missing in some rows, or was filled."""
    lines = []
    for name, hole in facts.holes.items():
        if hole["blank"] or hole["broken"]:
            mute = hole.get("mute", 0)
            nums = {"{num} blank": hole["blank"] - mute, "{num} broken": hole["broken"]}
            nums |= {"{num} without a sound track": mute} if mute else {}
            parts = [say(part, num=count(num)) for part, num in nums.items()]
            first = say(", such as {example}", example=retell(hole["example"])) if hole["broken"] else ""
            rows = count(hole["blank"] + hole["broken"], "row")
            said = "{name}: missing in {rows} ({parts})."
            lines.append(say(said, name=name, rows=rows, parts=say(", ").join(parts) + first))
        if hole.get("filled"):
            filled = count(hole["filled"], "missing cell was", "missing cells were")
            lines.append(say("{name}: {cells} filled by conversion.", name=name, cells=filled))
    return lines
