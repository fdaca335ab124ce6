"""The verdict: did combining help? What combines against every way to use one modality a row, and a plain sentence.

Takes what candidates answered for the same rows. Knows no model, no table, and not how the candidates were chosen.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from plait.core.language import join_sentences, retell, say
from plait.core.words import NOISE, count, number, p_equals, percent, plain, signed, tested_rows
from plait.proof.paired import POINTS, Difference, Yardstick, reconcile
from plait.proof.spans import LEVEL

FEWEST_ROWS = 30  # of fewer, an accuracy of .9 has an interval of 20 points and more
FEWEST_GROUPS = 6  # of fewer, flips of whole groups cannot reach a p below .05: 2 / 2**5 = .0625
MOST_ORDERED = 4  # modalities up to which every order is an opponent: 24 of them
MARGIN = 0.02
POWER = 2.8  # standard errors that show 4 times in 5: 1.96 + 0.84
NAMES = {
    "balanced_accuracy": "a balanced accuracy of",
    "f1_macro": "a macro F1 of",
    "auroc": "an AUROC of",
    "log_loss": "a log loss of",
    "mae": "an MAE of",
    "rmse": "an RMSE of",
    "r2": "an R² of",
    "wer": "a WER of",
    "quadratic_kappa": "a quadratic kappa of",
    "f1_rows": "an F1 per row of",
    "f1_micro": "a micro F1 of",
    "average_precision": "an average precision of",
    "hamming_loss": "a Hamming loss of",
    "exact_match": "an exact match of",
}

SAID = {
    "helps": "combining helps",
    "hurts": "combining hurts",
    "equal": "it makes no difference that matters",
    "cannot_tell": "the rows cannot tell",
    "not_tested": "it was not tested",
}
ONE_MODALITY = "there is only one modality"
NO_TEST_ROWS = "there are no test rows"
NO_FUSED = "the time limit left no fused candidate"
NO_SINGLE = "the time limit left no candidate of one modality"
NO_WORDS = "no test row has a word to be heard"
NOT_TESTED = "Not tested whether combining helps: "
NO_SPREAD = "the target is the same number in all test rows"
UNDEFINED = "the metric is not defined on these test rows"

Compare = Callable[[np.ndarray, np.ndarray], Difference]


@dataclass(frozen=True)
class Side:
    """One candidate's answers for the test rows.

    answers: (rows, class) probabilities, or (rows,) or (rows, 1) values. present: (rows,) bool, the rows in which every
    modality that it looks at is there.
    """

    name: str
    answers: Any
    present: Any


@dataclass(frozen=True)
class Gain:
    """What is gained over some rows, with its 95 % interval; None where nothing can be said of them."""

    rows: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, rows: int, difference: Difference) -> Gain:
        return cls(rows, difference.value, difference.low, difference.high)


@dataclass(frozen=True)
class Opponent:
    """A way to use one modality a row: the first of the rule that is there. value: its score."""

    rule: tuple[str, ...]
    value: float
    difference: Difference  # how much better it is to combine


@dataclass(frozen=True)
class Verdict:
    """What is known of combining, and the one sentence that says it."""

    fused: str | None = None  # the candidate that combines
    shipped: str | None = None  # the one that answers from here on
    reason: str = ""  # why nothing was tested, such as ONE_MODALITY
    metric: str | None = None
    value: float | None = None  # of the candidate that combines
    margin: float = MARGIN  # in the metric's unit
    opponents: tuple[Opponent, ...] = ()
    fills_holes: Gain = Gain()  # what another modality brings where the first is missing, and nothing else
    adds: Gain = Gain()  # the rest
    complete: Gain = Gain()  # on complete rows, against the best modality alone there
    error: float = 1.0  # of the prior; 5 % of it stand where there are no points
    rows: int = 0
    groups: int = 0
    repeats: int = 0  # how often each row was left out, where folds tested
    splits: Mapping[str, int] = field(default_factory=dict)  # how often each code came up, where several were drawn
    digest: str = ""
    warnings: tuple[str, ...] = ()

    @cached_property
    def code(self) -> str:
        """`not_tested`, `hurts`, `helps`, `equal` or `cannot_tell`, the first that holds."""
        if not self.opponents:
            return "not_tested"
        differences = [one.difference for one in self.opponents]
        ahead = [d for d in differences if (d.value or 0.0) < 0]
        if ahead and len(differences) * min(_p(d) for d in ahead) < LEVEL:
            return "hurts"
        if all((d.value or 0.0) > 0 for d in differences) and max(map(_p, differences)) < LEVEL:
            return "helps"
        if all(-self.margin <= _end(d.low, -1) and _end(d.high, 1) <= self.margin for d in differences):
            return "equal"
        return "cannot_tell"

    @property
    def toughest(self) -> Opponent:
        """The opponent that combining is least ahead of."""
        return min(self.opponents, key=lambda one: one.difference.value or 0.0)

    @property
    def p(self) -> float | None:
        """The largest p of all opponents, for each must be beaten; where combining hurts, corrected for how many.

        So it is where some are ahead and p passes only without that correction: it never says more than the code.
        """
        if not self.opponents:
            return None
        value, p = self.toughest.difference.value or 0.0, _p(self.toughest.difference)
        if value > 0:
            return max(_p(one.difference) for one in self.opponents)
        return min(1.0, len(self.opponents) * _p(self._ahead.difference)) if self._corrected else p

    @property
    def _corrected(self) -> bool:
        """Whether p is corrected for the number of opponents."""
        behind = (self.toughest.difference.value or 0.0) < 0
        return behind and len(self.opponents) > 1 and _p(self._ahead.difference) < LEVEL

    def _agreed(self, one: Opponent) -> Difference:
        """Return how much better it is to combine, with an interval that reaches 0 where p of all opponents does."""
        found, p = one.difference, self.p
        if found.value is None or found.low is None or found.high is None or p is None:
            return found
        return Difference(found.value, *reconcile(found.value, found.low, found.high, p), p)

    @property
    def visible(self) -> float | None:
        """The difference that these rows would have shown 4 times in 5: in points, or in the metric's unit."""
        if not self.opponents:
            return None
        low, high = (_end(end, 1) for end in (self.toughest.difference.low, self.toughest.difference.high))
        return POWER * (high - low) / (2 * 1.96) * (100 if self.points else 1)

    @property
    def rows_for(self) -> dict[str, int]:
        """About how many test rows would show a difference of 5 points, or of 5 % of the prior's error."""
        return {} if self.visible is None else {"5": self._rows_for(0.05 * (1 if self.points else self.error))}

    @property
    def points(self) -> bool:
        """Whether differences are said in hundredths."""
        return self.metric in POINTS

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Verdict:
        """Return the verdict that `to_json` told of; of a run of before the prior's error is worked out."""
        keys = ("fused", "shipped", "metric", "value", "repeats")
        test = facts["test"]
        gains: dict[str, Any] = {key: Gain(**facts[key]) for key in ("fills_holes", "adds", "complete")}
        verdict = cls(
            **{key: facts.get(key) or getattr(cls, key) for key in keys},
            reason=facts["sentence"].removeprefix(NOT_TESTED).partition(".")[0],
            margin=MARGIN if facts["margin"] is None else facts["margin"],
            opponents=tuple(_opponent_of(one) for one in facts["opponents"]),
            **gains,
            rows=test["rows"],
            groups=test["groups"] or 0,
            splits=facts.get("splits", {}),
            warnings=tuple(facts["warnings"]),
        )
        needed = facts["rows_for"].get("5")
        if "error" not in facts and verdict.visible and needed and not verdict.points:
            return replace(verdict, error=verdict.visible / 0.05 / (needed / verdict.rows) ** 0.5)
        return replace(verdict, error=facts.get("error", 1.0))

    def to_json(self) -> dict[str, Any]:
        """Return what `study.json` holds; without a test all numbers are null."""
        single = {"rule": list(self.toughest.rule), "value": self.toughest.value} if self.opponents else None
        difference = asdict(self._agreed(self.toughest)) if self.opponents else asdict(Difference())
        difference.pop("p")
        return {
            "code": self.code,
            "sentence": self.sentence(),
            "metric": self.metric,
            "margin": self.margin if self.opponents else None,
            "fused": self.fused,
            "shipped": self.shipped,
            "single": single or {"rule": [], "value": None},
            "value": self.value,
            "difference": difference,
            "p": self.p,
            "opponents": [_opponent_json(one) for one in self.opponents],
            "fills_holes": asdict(self.fills_holes),
            "adds": asdict(self.adds),
            "complete": asdict(self.complete),
            "visible": self.visible,
            "rows_for": self.rows_for,
            "error": self.error,
            "test": {"rows": self.rows, "groups": self.groups or None, "hash": self.digest},
            "repeats": self.repeats,
            "splits": dict(self.splits),
            "warnings": list(self.warnings),
        }

    # -- the sentence -------------------------------------------------------------------------------------------------

    def sentence(self) -> str:
        """Return the verdict in words."""
        if self.code == "not_tested":
            return say(NOT_TESTED + "{reason}.", reason=retell(self.reason))
        begin = say(
            {
                "helps": "Combining helps",
                "hurts": "Combining hurts",
                "equal": "Combining makes no difference that matters",
                "cannot_tell": "These rows cannot tell whether combining helps",
            }[self.code]
        )
        told = self._ahead if self.code == "hurts" else self.toughest
        difference = self._agreed(told)
        said = say_rule(told.rule, "the best rule" if told == self.toughest else "a rule")
        value, low, high = (part or 0.0 for part in (difference.value, difference.low, difference.high))
        more, less = ("more", "less") if self.points and self.metric != "wer" else ("better", "worse")
        way, ends = more, (self._size(low), self._size(high))
        if value < 0:
            value, more, ends = -value, less, (self._size(-high), self._size(-low))
            if high > 0:  # each end says which way it is
                ends = say(f"{{size}} {less}", size=ends[1]), say(f"{{size}} {way}", size=self._size(high))
        margin = self._in_unit(self._size(self.margin).removesuffix(".0"))
        if self.code == "helps" and value < self.margin:
            begin += say(" by less than the margin of {margin}", margin=margin)
        size = say("no difference")
        if self._size(value).strip("0."):
            size = say(f"{{size}} {more}", size=self._in_unit(self._size(value)))
        corrected = say(", corrected for {num} comparisons", num=len(self.opponents)) if self._corrected else ""
        text = say(
            "{begin}{counted} {fused} {reaches} {tested}, {said} {reached}: {size} (95 % interval {low} to {high}, "
            "{p}{corrected}){within}.",
            begin=begin,
            counted=self._counted(),
            fused=self.fused,
            reaches=self._reaches(self.value),
            tested=self._tested(),
            said=said,
            reached=self._reached(told.value),
            size=size,
            low=ends[0],
            high=ends[1],
            p=p_equals(self.p or 0.0, LEVEL),
            corrected=corrected,
            within=say(", within the margin of {margin}", margin=margin) if self.code == "equal" else "",
        )
        warnings = map(retell, self.warnings)
        return join_sentences([text, *self._power(), *self._sources(), *self._ships(), *warnings])

    def _counted(self) -> str:
        """Return what stands between the headline and the numbers: of several splits, how often each code came up."""
        if not self.splits:
            return say(":")
        every = count(sum(self.splits.values()), "split")
        if len(self.splits) == 1:
            return say(", in all {splits}. In that of the median p,", splits=every)
        ranked = sorted(self.splits, key=lambda code: -self.splits[code])
        counted = say(", ").join(say("{code} in {num}", code=say(SAID[code]), num=self.splits[code]) for code in ranked)
        return say(". Of {splits}, {counted}; in that of the median p,", splits=every, counted=counted)

    @property
    def _ahead(self) -> Opponent:
        """The opponent that is surest ahead."""
        ahead = [one for one in self.opponents if (one.difference.value or 0.0) < 0]
        return min(ahead, key=lambda one: _p(one.difference))

    def _in_unit(self, size: str) -> str:
        return say("{size} points", size=size) if self.points else size

    def _size(self, value: float) -> str:
        """Return a difference; one that p says is there is not rounded to 0."""
        text = signed(value, self.points, plus="")
        if self.points and not text.strip("-−0.") and abs(value) > NOISE and (self.p or 0.0) < LEVEL:
            return plain(100 * value, digits=1)
        return text

    def _reaches(self, value: float | None) -> str:
        if self.metric == "accuracy":
            return say("is right in {share} of", share=percent(value))
        reached = percent(value) if self.metric == "wer" else number(value)
        return say("reaches {name} {value} on", name=say(NAMES[str(self.metric)]), value=reached)

    def _reached(self, value: float) -> str:
        if self.metric == "accuracy":
            return say("in {share}", share=percent(value))
        return percent(value) if self.metric == "wer" else number(value)

    def _tested(self) -> str:
        return tested_rows(self.rows, self.groups, self.repeats)

    def _power(self) -> list[str]:
        """Return what these rows could have shown, where they cannot tell."""
        if self.code != "cannot_tell" or self.visible is None:
            return []
        difference = self._in_unit(plain(self.visible, digits=2))
        shown = say("In 4 of 5 cases they would have shown a difference of {difference}", difference=difference)
        if self.points and self.visible >= 100:
            shown = say("They are too few to show any difference")
        small = 0.05 if self.points else 0.05 * self.error
        if self.rows_for["5"] <= self.rows:
            small = self.margin
        more = self._rows_for(small)
        if more <= self.rows:
            return [say("{shown}.", shown=shown)]
        rows = count(more, "row" if self.repeats else "test row")
        if self.groups:
            groups = count(round_up(more / self.rows * self.groups), "group")
            rows = say("{rows} of {groups}", rows=rows, groups=groups)
        size = plain(100 * small) if self.points else number(small)
        return [say("{shown}; about {rows} would show {size}.", shown=shown, rows=rows, size=size)]

    def _rows_for(self, small: float) -> int:
        """Return about how many test rows would show a difference, in the metric's own unit; 0 for a margin of 0."""
        if self.visible is None or not small:
            return 0
        return round_up(self.rows * (self.visible / (100 if self.points else 1) / small) ** 2)

    def _sources(self) -> list[str]:
        """Return a sentence on what the other modalities bring by filling holes, where they bring something."""
        value = self.fills_holes.value
        if not self.fills_holes.rows or value is None or not self._size(value).strip("-−0."):
            return []
        first, *_ = self.toughest.rule
        rows = count(self.fills_holes.rows, "row") if self.fills_holes.rows > 1 else say("row")
        size = self._in_unit(self._size(abs(value)))
        verb = "brings" if value > 0 else "costs"
        said = f"Taking another modality on the {{rows}} without {{name}} {verb} {{size}} by itself."
        return [say(said, rows=rows, name=first, size=size)]

    def _ships(self) -> list[str]:
        if self.shipped in (None, self.fused):
            return []
        return [say("The model that answers from here on is {name}.", name=self.shipped)]


def not_tested(reason: str, fused: str | None = None, shipped: str | None = None, **facts: Any) -> Verdict:
    """Return the verdict where there was nothing to test. reason: the end of a sentence, such as ONE_MODALITY."""
    return Verdict(fused, shipped, reason, **facts)


@dataclass(frozen=True)
class Contest:
    """What combines, and each modality alone, on the same test rows. alone: {modality: side}, the best first."""

    fused: Side
    alone: Mapping[str, Side]
    yardstick: Yardstick
    prior: np.ndarray | None = None  # (class,) or (1,): what is said of a row of which nothing is known
    margin: float = MARGIN  # a share: points, or of the prior's error
    shipped: str | None = None

    def decide(self, generator: np.random.Generator, compare: Compare | None = None) -> Verdict:
        """Test what combines against every rule that uses one modality a row; see `judge`."""
        compare = compare or (lambda ours, theirs: self.yardstick.compare(ours, theirs, generator))
        fused = np.asarray(self.fused.answers)
        about: dict[str, Any] = {"rows": len(self.yardstick), "groups": self.yardstick.num_groups}
        value = self.yardstick.score(fused)
        rules = self.rules()
        opponents = [
            Opponent(rule, self.yardstick.score(answers), compare(fused, answers)) for rule, answers in rules.items()
        ]
        if np.isnan(value) or any(one.difference.value is None for one in opponents):
            return not_tested(UNDEFINED, self.fused.name, self.shipped, **about)
        error = 1.0
        if self.yardstick.metric in ("mae", "rmse", "log_loss") and self.prior is not None:
            error = self.yardstick.score(np.repeat(self.prior[None], len(self.yardstick), 0))
        verdict = Verdict(
            self.fused.name,
            self.shipped,
            metric=self.yardstick.metric,
            value=value,
            margin=self.margin * error,
            opponents=tuple(opponents),
            error=error,
            **about,
        )
        return replace(verdict, **self._sources(verdict.toughest, rules, compare, generator))

    def rules(self) -> dict[tuple[str, ...], np.ndarray]:
        """Return the answers of each way to use one modality a row: {the modalities in order: answers}.

        Of up to four modalities every order; of more, each modality first and the others by what validation said of
        them. Two orders that ask the same modality in every row are one; a rule names those that it asks.
        """
        names = list(self.alone)
        orders: Any = itertools.permutations(names)
        if len(names) > MOST_ORDERED:
            orders = ([name, *(other for other in names if other != name)] for name in names)
        there = {name: np.asarray(side.present, bool) for name, side in self.alone.items()}
        rules: dict[tuple[str, ...], np.ndarray] = {}
        seen = set()
        for order in orders:
            asked = np.full(len(self.yardstick), -1)
            for place, name in enumerate(order):
                asked[(asked < 0) & there[name]] = place
            asked[asked < 0] = 0  # none is there: the first says its prior
            key = tuple(np.array([names.index(name) for name in order])[asked].tolist())
            if key in seen:
                continue
            seen.add(key)
            answers = np.array(self.alone[order[0]].answers)
            for place, name in enumerate(order[1:], 1):
                answers[asked == place] = np.asarray(self.alone[name].answers)[asked == place]
            rules[tuple(name for place, name in enumerate(order) if place in asked)] = answers
        return rules

    def _sources(
        self, toughest: Opponent, rules: Mapping[Any, np.ndarray], compare: Compare, generator: np.random.Generator
    ) -> dict[str, Any]:
        """Return what of the gain is a spare wheel, what is more, and the gain on complete rows."""
        first, num = self.alone[toughest.rule[0]], len(self.yardstick)
        missing = num - int(np.asarray(first.present, bool).sum())
        wheel = compare(rules[toughest.rule], np.asarray(first.answers)) if missing else Difference(0.0, 0.0, 0.0, 1.0)
        facts = {
            "fills_holes": Gain.of(missing, wheel),
            "adds": Gain.of(num, toughest.difference),
            "complete": Gain.of(num, toughest.difference),
        }
        whole = np.flatnonzero(np.asarray(self.fused.present, bool))
        if len(whole) < num:
            part, facts["complete"] = self.yardstick.take(whole), Gain(len(whole))
            if len(whole) > 1:
                asked = [
                    part.compare(np.asarray(self.fused.answers)[whole], np.asarray(side.answers)[whole], generator)
                    for side in self.alone.values()
                ]
                known = [one for one in asked if one.value is not None]
                if known:
                    facts["complete"] = Gain.of(len(whole), min(known, key=lambda one: one.value or 0.0))
        return facts


def judge(contest: Contest, generator: np.random.Generator, compare: Compare | None = None) -> Verdict:
    """Test whether it helps to combine modalities, over every way to use one of them a row.

    An opponent takes the first modality of an order that is there, by the best candidate of that modality alone.
    `helps`: combining is ahead of every opponent, and p is the largest of the paired tests: an intersection-union test,
    which needs no correction (Berger 1982, Technometrics 24:295; the min test of Laska and Meisner 1989, Biometrics
    45:1139). `hurts`: an opponent is ahead, and p is the smallest among those times the number of opponents
    (Bonferroni). `equal`: the 95 % interval against every opponent lies within the margin. Else `cannot_tell`. Fewer
    than 30 test rows, or than 6 groups, are not tested. compare: how two answers are compared, if not by the test rows
    themselves.
    """
    yardstick, names = contest.yardstick, (contest.fused.name, contest.shipped)
    num, groups = len(yardstick), yardstick.num_groups
    about: dict[str, Any] = {"metric": yardstick.metric, "rows": num, "groups": groups}
    few = too_few(num, groups if yardstick.groups is not None else None)
    if few:
        return not_tested(few, *names, **about)
    if yardstick.metric == "wer" and not np.sum(yardstick.truth):
        return not_tested(NO_WORDS, *names, **about)
    if yardstick.metric != "wer" and yardstick.classes is None and np.ptp(yardstick.truth.astype(float)) == 0:
        return not_tested(NO_SPREAD, *names, **about)
    return contest.decide(generator, compare)


def too_few(rows: int, groups: int | None, folds: bool = False) -> str:
    """Return why so many test rows, of so many groups, cannot be tested; or nothing. folds: all rows are test rows."""
    if rows < FEWEST_ROWS:
        few = f"there {'is' if rows == 1 else 'are'} {count(rows, 'test row')} with a label, and it takes {FEWEST_ROWS}"
        return few if rows else NO_TEST_ROWS
    if groups is None or groups >= FEWEST_GROUPS:
        return ""
    of = "one group" if groups == 1 else count(groups, "group")
    more = "" if folds else "; --folds 5 tests on all groups"
    return f"the test rows are of {of}, and it takes {FEWEST_GROUPS}{more}"


def say_rule(rule: Sequence[str], what: str = "the best rule") -> str:
    """Return a rule in words.

    >>> say_rule(["text", "audio"])
    'the best rule that uses one modality a row (text, else audio)'
    >>> say_rule(["text"])
    'text alone'
    """
    if len(rule) == 1:
        return say("{name} alone", name=rule[0])
    return say(f"{what} that uses one modality a row ({{rule}})", rule=say(", else ").join(rule))


def round_up(value: float) -> int:
    """Return a number with two digits that count, rounded up.

    >>> round_up(481)
    490
    """
    step = 10 ** max(0, len(str(int(value))) - 2)
    return int(-(-value // step) * step)


def _p(difference: Difference) -> float:
    return 1.0 if difference.p is None else difference.p


def _end(value: float | None, missing: float) -> float:
    return missing if value is None else value


def _opponent_of(facts: Mapping[str, Any]) -> Opponent:
    difference = Difference(**{key: facts["difference"][key] for key in ("value", "low", "high")}, p=facts["p"])
    return Opponent(tuple(facts["rule"]), facts["value"], difference)


def _opponent_json(one: Opponent) -> dict[str, Any]:
    facts = asdict(one.difference)
    return {"rule": list(one.rule), "value": one.value, "p": facts.pop("p"), "difference": facts}
