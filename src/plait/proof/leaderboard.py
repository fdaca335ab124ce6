"""What a study found, as people read it: the leaderboard in the terminal, and the verdict. Knows `study.json` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.core.terminal import text_table
from plait.core.words import count, duration, number, parameters, plain, say_unsure

SIMPLEST = "the simplest within one standard error of the lowest loss on validation"
AVERAGED = "selected to be averaged by rows that it did not learn from"
COSTS = ("training time", "parameters", "ms per row")
FEWEST = "the simplest within one standard error of the fewest word errors on validation; wer: 0 is best"


@dataclass(frozen=True)
class Proof:
    """The candidates of a fit, the winner, and the verdict on fusion. `print` shows it, `to_json` is study.json."""

    facts: Mapping[str, Any]

    @property
    def winner(self) -> str:
        return str(self.facts["winner"])

    @property
    def verdict(self) -> dict[str, Any]:
        """code, sentence, the score of what combines, its opponents, difference, p: as `Verdict.to_json` gives them.

        A run of before says no_evidence for what is called cannot_tell, and that either model would do.
        """
        facts = dict(self.facts["verdict"])
        if facts["code"] != "no_evidence":
            return facts
        sentence, tail, _ = facts["sentence"].partition("; as far as these rows tell")
        return {**facts, "code": "cannot_tell", "sentence": f"{sentence}." if tail else sentence}

    @property
    def candidates(self) -> list[dict[str, Any]]:
        return list(self.facts["candidates"])

    def to_json(self) -> dict[str, Any]:
        return dict(self.facts)

    def __str__(self) -> str:
        metric = self.facts["metric"]
        trials = self.facts["trials"]
        rule = FEWEST if metric == "wer" else rule_of(self.facts)
        parts = [board(self.candidates, metric, kept=True), *say_gaps(self.candidates)]
        parts.append(f"* {rule}; — not looked at on the test rows")
        if any(c.get("kept") and not c["winner"] for c in self.candidates):
            parts.append("+ kept as it was scored: plait predict RUN TABLE --candidate NAME, model.use(NAME)")
        if trials["single"] and trials["fused"]:
            look = count(trials["single"], "candidate looks", "candidates look")
            parts.append(f"{look} at one modality, {count(trials['fused'])} at several.")
        parts += ["", self.verdict["sentence"]]
        parts += [self.facts["sharing"]["sentence"]] if "sharing" in self.facts else []
        parts += [told["sentence"] for key in ("conversions", "caveats") for told in self.facts.get(key, [])]
        return "\n".join(parts)


def rule_of(facts: Mapping[str, Any]) -> str:
    """Return by what rule the winner of a study was chosen; a run of before has chosen the simplest."""
    return AVERAGED if facts.get("choose") == "ensemble" else SIMPLEST


def board(candidates: Sequence[Mapping[str, Any]], metric: str, kept: bool = False) -> str:
    """Return candidates as a table of plain text. kept: those that can be asked have a sign, and the name for that."""
    named = metric.replace("_", " ")
    header = ["  candidate", "how", f"{named}, validation", f"{named}, test", *COSTS]
    rows = []
    for c in candidates:
        asked = c.get("kept", "") if kept else ""
        name = ("* " if c["winner"] else "+ " if asked else "  ") + (asked or c["name"])
        how = c["recipe"] if c["recipe"] != c["name"] else ""
        cost = [duration(c["seconds"]), parameters(c["params"]), plain(c["latency_ms"], digits=2)]
        rows.append([name, how, span(c["val"]), "—" if c["test"] is None else span(c["test"]), *cost])
    return text_table(header, rows)


def say_gaps(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a sentence on scores without an interval, where there are any."""
    said = say_unsure(c[part] for c in candidates for part in ("val", "test"))
    return [said] if said else []


def choose_shown(candidates: Sequence[dict[str, Any]], most: int = 10) -> list[dict[str, Any]]:
    """Return the candidates worth a line: those that saw the test rows, then the best, in their order."""
    tested = [c["test"] is not None or c["winner"] for c in candidates]
    room = most - sum(tested)
    return [c for place, c in enumerate(candidates) if tested[place] or place - sum(tested[:place]) < room]


def span(score: Mapping[str, Any] | None) -> str:
    """Return "0.950 (0.930 to 0.968)", or "-".

    >>> span({"value": 0.95, "low": 0.93, "high": 0.968})
    '0.950 (0.930 to 0.968)'
    """
    if score is None or score.get("value") is None:
        return "-"
    if score.get("low") is None:
        return number(score["value"])
    return f"{number(score['value'])} ({number(score['low'])} to {number(score['high'])})"
