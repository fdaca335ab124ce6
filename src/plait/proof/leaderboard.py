"""What a study found, as people read it: the leaderboard in the terminal, and the verdict. Knows `study.json` alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.core import notebook
from plait.core.contract import frame_of
from plait.core.language import retell, say, spoken
from plait.core.tables import PLAIN, make_table
from plait.core.words import count, duration, metric_name, milliseconds, number, parameters, say_unsure, term

SIMPLEST = "the simplest within one standard error of the lowest loss on validation"
AVERAGED = "candidates taken together, selected by rows that they did not learn from"
SELECTED = "the one candidate that was selected, by rows that it did not learn from"
LOWEST = "the lowest loss on validation, among the fused"
ASKED = "the plan that was asked for"
LEADING = 8  # candidates that a cell of a notebook shows
COSTS = ("training time", "parameters", "latency per row")
FEWEST = "the simplest within one standard error of the fewest word errors on validation; WER: 0 is best"


class Leaderboard(list[dict[str, Any]]):
    """The candidates of a fit, the winner first: a list of what is known of each, and a frame of plain numbers.

    metric: what they are told by.
    """

    def __init__(self, candidates: Sequence[Mapping[str, Any]], metric: str) -> None:
        super().__init__(map(dict, candidates))
        self.metric = metric

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_pandas` as lists: of names text, and plain numbers; None where there is none."""
        names = ("name", "family", "plan", "recipe", "winner")
        columns: dict[str, list[Any]] = {name: [c.get(name) for c in self] for name in names}
        for part in ("val", "test"):
            for key, end in (("value", ""), ("low", "_low"), ("high", "_high")):
                columns[f"{self.metric}_{part}{end}"] = [(c.get(part) or {}).get(key) for c in self]
        return columns | {
            name: [c.get(name) for c in self] for name in ("seconds", "params", "latency_ms", "memory_mb")
        }

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table, a row for each candidate."""
        import pyarrow as pa

        return pa.table(self.columns())

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame, a row for each candidate.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return frame_of(self.to_arrow())

    def __str__(self) -> str:
        return board(self, self.metric)

    def __repr__(self) -> str:
        return f"Leaderboard({count(len(self), 'candidate')} by {self.metric})"

    def _repr_html_(self) -> str:
        """Return the best candidates as a cell of a notebook."""
        return notebook.cell(notebook.head(count(len(self), "candidate")), board_html(self, self.metric))


class VerdictFacts(dict[str, Any]):
    """What `Verdict.to_json` gives, which says its sentence where it is printed or shown."""

    def __str__(self) -> str:
        return str(self["sentence"])

    def __repr__(self) -> str:
        return f"Verdict({self['code']}: {self['sentence']})"

    def _repr_html_(self) -> str:
        """Return the verdict as a cell of a notebook."""
        metric, against = metric_name(str(self.get("metric") or "")), self.get("opponents") or []
        rows = [
            [", else ".join(one["rule"]), number(one["value"]), span(one["difference"])]
            for one in sorted(against, key=lambda one: one["difference"]["value"] or 0.0)[:LEADING]
        ]
        header = ["one modality a row", metric, "what combining adds, with 95 % interval"]
        table = notebook.grid(header, rows, len(against), "opponent") if rows else ""
        return notebook.cell(verdict_html(self), table)


@dataclass(frozen=True)
class Proof:
    """The candidates of a fit, the winner, and the verdict on fusion. `print` shows it, `to_json` is study.json."""

    facts: Mapping[str, Any]

    @property
    def winner(self) -> str:
        return str(self.facts["winner"])

    @property
    def verdict(self) -> VerdictFacts:
        """code, sentence, the score of what combines, its opponents, difference, p: as `Verdict.to_json` gives them.

        A run of before says no_evidence for what is called cannot_tell, and that either model would do.
        """
        facts = VerdictFacts(self.facts["verdict"])
        if facts["code"] != "no_evidence":
            return facts
        sentence, tail, _ = facts["sentence"].partition("; as far as these rows tell")
        return VerdictFacts({**facts, "code": "cannot_tell", "sentence": f"{sentence}." if tail else sentence})

    @property
    def candidates(self) -> Leaderboard:
        return Leaderboard(self.facts["candidates"], self.facts["metric"])

    def to_json(self) -> dict[str, Any]:
        return dict(self.facts)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({count(len(self.candidates), 'candidate')}, winner {self.winner})"

    def _repr_html_(self) -> str:
        """Return the best candidates and the verdict as a cell of a notebook."""
        title = notebook.head(f"{count(len(self.candidates), 'candidate')}", f"winner {self.winner}")
        return notebook.cell(title, board_html(self.candidates, self.facts["metric"]), verdict_html(self.verdict))

    def __str__(self) -> str:
        metric = self.facts["metric"]
        trials = self.facts["trials"]
        rule = rule_of(self.facts)
        parts = [board(self.candidates, metric, kept=True), *say_gaps(self.candidates)]
        parts.append(say("* {rule}; — not looked at on the test rows", rule=say(rule)))
        if any(c.get("kept") and not c["winner"] for c in self.candidates):
            parts.append(say("+ kept as it was scored: plait predict RUN TABLE --candidate NAME, model.use(NAME)"))
        if trials["single"] and trials["fused"]:
            look = count(trials["single"], "candidate looks", "candidates look")
            parts.append(say("{look} at one modality, {num} at several.", look=look, num=count(trials["fused"])))
        parts += ["", self.sentence]
        parts += [retell(self.facts["sharing"]["sentence"])] if "sharing" in self.facts else []
        parts += [retell(told["sentence"]) for key in ("conversions", "caveats") for told in self.facts.get(key, [])]
        return "\n".join(parts)

    @property
    def sentence(self) -> str:
        """The verdict in words, in the language that is spoken."""
        return say_verdict(self.verdict)

    def table(self, form: str = PLAIN) -> str:
        """Return all candidates as a table. form: text, markdown or latex."""
        return board(self.candidates, self.facts["metric"], form)


def rule_of(facts: Mapping[str, Any]) -> str:
    """Return by what rule the winner of a study was chosen; a run of before has chosen the simplest."""
    heard = facts["metric"] == "wer"
    if facts.get("choose") == "fusion":
        return ASKED if heard else LOWEST
    if facts.get("choose") != "ensemble":
        return FEWEST if heard else SIMPLEST
    several = any(len(c.get("members") or ()) > 1 for c in facts.get("candidates", ()) if c["winner"])
    return AVERAGED if several else SELECTED


def board(candidates: Sequence[Mapping[str, Any]], metric: str, form: str = PLAIN, kept: bool = False) -> str:
    """Return candidates as a table. form: text, markdown or latex.

    kept: those that can be asked have a sign, and the name for that.
    """
    named = metric_name(metric)
    validation, test = say("{metric}, validation", metric=named), say("{metric}, test", metric=named)
    blank = "  " if form == PLAIN else ""
    header = [blank + say("candidate"), say("how"), validation, test, *map(say, COSTS)]
    rows = []
    for c in candidates:
        asked = c.get("kept", "") if kept else ""
        mark = "* " if c["winner"] else "+ " if asked else blank
        name, how = mark + (asked or c["name"]), term(c["recipe"]) if c["recipe"] != c["name"] else ""
        cost = [duration(c["seconds"]), parameters(c["params"]), milliseconds(c["latency_ms"])]
        rows.append([name, how, span(c["val"]), "—" if c["test"] is None else span(c["test"]), *cost])
    return make_table(form, header, rows)


def board_html(candidates: Sequence[Mapping[str, Any]], metric: str) -> str:
    """Return the first candidates as a table of a cell of a notebook."""
    named = metric_name(metric)
    rows = [
        [
            ("★ " if c["winner"] else "") + c["name"],
            term(c["recipe"]) if c["recipe"] != c["name"] else "",
            span(c["val"]),
            "—" if c["test"] is None else span(c["test"]),
            duration(c["seconds"]),
        ]
        for c in choose_shown([*map(dict, candidates)], LEADING)
    ]
    header = ["candidate", "how", f"{named}, validation", f"{named}, test", COSTS[0]]
    return notebook.grid(header, rows, len(candidates), "candidate")


def verdict_html(facts: Mapping[str, Any]) -> str:
    """Return the sentence of a verdict as a part of a cell of a notebook."""
    return notebook.say(facts["sentence"], f"told {facts['code']}")


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
    told = {key: number(score[key]) for key in ("value", "low", "high")}
    return say("{value} ({low} to {high})", **told)


def say_verdict(facts: Mapping[str, Any]) -> str:
    """Return the sentence of a verdict, as `study.json` holds it, in the language that is spoken."""
    if spoken() == "en" or "rows_for" not in facts:  # a run of before tells less of it
        return str(facts["sentence"])
    from plait.proof.verdict import Verdict  # here, since a prediction judges nothing

    return Verdict.from_json(facts).sentence()
