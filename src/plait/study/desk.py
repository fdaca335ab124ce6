"""Where classic learners learn: what they see of rows, what is to be learned, and which rows are held out in turn.

A try is a task: asked for by what it is, answered whole, and the same in whatever process it runs. What it is compared
with is given to it. Knows features and labels; no candidate, no study, and not which tries there are.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from plait.core.contract import shown_by
from plait.core.files import Stages
from plait.core.options import AS_TEXT
from plait.errors import RequestError
from plait.models.calibration import list_sets
from plait.models.classic import Goal, fit_classic
from plait.models.each_label import fit_labels
from plait.models.learners import DISCRIMINANT, LEARNERS, load_learners
from plait.models.predictors import RowText, Stored, restore_predictors, store_predictors
from plait.models.scored import Step, fit_scored
from plait.models.sparse import FIRST, LEARNER, STRENGTHS, Lesson
from plait.study.budget import Budget, tell_end, until_then
from plait.study.ensemble import Deal, is_behind
from plait.study.labels import Labels
from plait.study.seen import Seen
from plait.study.training import seed_of

ROLE = "learned"  # of a predictor that is stored by itself
FILE = "file."  # before the names of its files, where an answer holds them
NUMBERS = count()
SCORING = {"alpha": 3.0}  # of what scores pictures: a thousand numbers each tell a little of what a table tells most of
OPEN: WeakValueDictionary[str, Desk] = WeakValueDictionary()  # the desks of this process


class Held(NamedTuple):
    """What a learner says of rows it did not learn from: of validation, and where there are folds of all rows.

    strength: how strictly a text was learned by its letters; hidden: (set, asked, class), with modalities hidden.
    """

    predictor: Any
    answers: np.ndarray
    pooled: np.ndarray | None
    strength: float | None = None
    hidden: np.ndarray | None = None


@dataclass(frozen=True)
class Trial:
    """One try: a learner with one of its settings, and the inputs that it is given.

    log: whether it learns the logarithm of the target; as all others where it is None. scored: those of its inputs of
    which it sees what others say of them, instead of what they are. lift: of the logarithms that it answers, see
    `Labels.lift_of`; rows held out say it.
    """

    learner: str
    setting: int
    inputs: tuple[str, ...]
    family: str = "classic"
    log: bool | None = None
    scored: tuple[str, ...] = ()
    lift: float = 0.0

    @property
    def name(self) -> str:
        """What it is called among all tries: its stage goes by it."""
        more = "" if self.log is None else f" log {self.log}"
        more += f" score of {' '.join(self.scored)}" if self.scored else ""
        return f"{self.family} {self.learner} {self.setting} {' '.join(self.inputs)}{more}"

    @property
    def looks_at(self) -> list[str]:
        """The modalities of its inputs."""
        return list(dict.fromkeys(shown_by(name) for name in self.inputs))


@dataclass(eq=False)
class Desk:
    """What every try needs. letters: {input: its layout} of texts as letters; take_turns: what is seen in each turn;
    groups: (rows of the table,) a number that rows of one group share; names: all modalities."""

    labels: Labels
    seed: int
    train: np.ndarray
    val: np.ndarray
    deal: Deal | None
    seen: Seen
    letters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    take_turns: Callable[[], Sequence[Seen]] = tuple
    stages: Stages = field(default_factory=Stages)
    groups: np.ndarray | None = None
    names: Sequence[str] = ()

    @cached_property
    def turns(self) -> Sequence[Seen]:
        """What learners see in each turn."""
        return self.take_turns()

    # -- one learner --------------------------------------------------------------------------------------------------

    def fit(self, trial: Trial, rows: np.ndarray, seen: Seen | None = None, strength: float | None = None) -> Any:
        """Fit what a try names on these rows. seen: what it sees of them, if not what networks see too.

        strength: of a text that is learned by its letters. Raises RequestError where there is too little to learn.
        """
        labels, seen = self.labels_of(trial), self.seen if seen is None else seen
        if strength is not None:
            return labels.in_unit(self.lesson_of(trial.inputs[0], rows).fit(strength), trial.lift)
        if trial.scored:
            return labels.in_unit(self._fit_scores(trial, rows, seen), trial.lift)
        features = {name: seen.features[name][rows] for name in trial.inputs}
        named = f"{trial.learner} {trial.setting} {' '.join(trial.inputs)}"
        generator = np.random.default_rng([seed_of(self.seed, named)])
        settings = LEARNERS[self.task][trial.learner]
        fit = fit_classic if labels.sets is None else fit_labels
        goal, given = self.goal_of(rows, labels), settings[trial.setting]
        predictor = fit(trial.learner, features, goal, trial.inputs, seen.layouts, generator, given)
        return labels.in_unit(RowText(predictor) if trial.family == AS_TEXT else predictor, trial.lift)

    def fit_or_find(self, trial: Trial, rows: np.ndarray, seen: Seen | None = None) -> Any:
        """Fit what a try names, unless it did learn from these rows as a turn by itself, before a kill."""
        for turn, (learned, _) in enumerate(self.deal.turns if self.deal is not None else ()):
            if learned is rows and (kept := kept_answer(self.stages, name_turn(trial, turn))) is not None:
                return read_predictor(kept, self.labels.sets is not None)
        return self.fit(trial, rows, seen=seen)

    def labels_of(self, trial: Trial) -> Labels:
        """Return the labels, on the scale that a try learns them on."""
        return self.labels if trial.log is None else self.labels.as_logs(self.train, trial.log)

    @property
    def task(self) -> str:
        """What its learners learn, as `LEARNERS` calls it."""
        return "regression" if self.labels.classes is None else "classification"

    def _fit_scores(self, trial: Trial, rows: np.ndarray, seen: Seen) -> Any:
        """Fit a learner of tables on these rows, with a score of pictures by others that did not learn from the row."""
        first, strength = ("ridge regression", SCORING) if self.labels.classes is None else (DISCRIMINANT, {})
        own, told = [name for name in trial.inputs if name not in trial.scored], LEARNERS[self.task]
        steps = Step(first, strength, trial.scored), Step(trial.learner, told[trial.learner][trial.setting], own)
        features = {name: seen.features[name][rows] for name in trial.inputs}
        named = f"{trial.learner} score of {' '.join(trial.scored)}"
        generator = np.random.default_rng([seed_of(self.seed, named)])
        groups = None if self.groups is None else self.groups[rows]
        return fit_scored(*steps, features, self.goal_of(rows), seen.layouts, generator, groups)

    def lesson_of(self, name: str, rows: np.ndarray) -> Lesson:
        """Return what these rows teach by the letters of a text. Raises RequestError where it is too little."""
        generator = np.random.default_rng([seed_of(self.seed, f"{LEARNER} {name}")])
        return Lesson(name, dict(self.letters[name]), self.seen.take(name, rows), self.goal_of(rows), generator)

    def goal_of(self, rows: np.ndarray, labels: Labels | None = None) -> Goal:
        """Return what classic learners are to learn of these rows. labels: the desk's, if no others are given."""
        labels = labels or self.labels
        weights = None if labels.weights is None else labels.weights.astype(np.float32)
        counts = None if labels.counts is None else labels.counts[rows]
        return Goal(labels.learned[rows], labels.learned_prior, labels.classes is None, weights, counts)

    # -- rows that are held out ---------------------------------------------------------------------------------------

    def sets_of(self, trial: Trial) -> list[tuple[str, ...]]:
        """Return the sets of modalities with which those in folds answer some rows, to fit temperatures by; or none."""
        told = self.labels.classes is not None and self.deal is not None and len(self.deal.asked)
        names = trial.looks_at
        return list_sets(names, self.names, self.seed) if told and len(names) > 1 else []

    def hold_out(
        self, fit: Callable[..., Any], budget: Budget, rival: np.ndarray | None, sets: Sequence[Sequence[str]] = ()
    ) -> Held | None:
        """Return what a learner says of rows that it did not learn from; None of one that is given up. sets: of its
        modalities, with which it is asked as well."""
        if self.deal is None:
            predictor = fit(self.train)
            return Held(predictor, self.seen.answer(predictor, self.val), None)
        predictor, pooled, hidden = self._out_of_folds(fit, budget, rival, sets)
        if pooled is None:
            return None
        return Held(predictor, pooled[self.deal.places(self.val)], pooled, hidden=hidden)

    def try_letters(self, name: str, budget: Budget, rival: np.ndarray | None) -> Held | None:
        """Learn from the words and letters of a text, bound as strictly as rows held out agree with.

        None where that is no better than nothing. Raises RequestError where too few rows have a text.
        """
        lessons = dict[int, Lesson]()

        def learn(strength: float, rows: np.ndarray, seen: Seen | None = None) -> Any:
            if id(rows) not in lessons:  # which the deal holds: columns are chosen and weighed once for all strengths
                lessons[id(rows)] = self.lesson_of(name, rows)
            return self.labels.in_unit(lessons[id(rows)].fit(strength))

        best, lowest, step, place = None, math.inf, 1, FIRST
        while 0 <= place < len(STRENGTHS) and not (best is not None and budget.is_spent):
            strength = STRENGTHS[place]
            held = self.hold_out(partial(learn, strength), budget, rival)
            loss = math.inf if held is None else self.loss_of(held)
            if held is not None and loss < lowest:
                best, lowest = held._replace(strength=strength), loss
                place += step
            elif step > 0 and place <= FIRST + 1:  # looser is no better than the first
                step, place = -1, FIRST - 1
            else:
                break
        return best

    def loss_of(self, held: Held) -> float:
        """Return what is lost on the rows held out."""
        if self.deal is None or held.pooled is None:
            return float(self.labels.losses(held.answers, self.val).mean())
        return float(self.labels.losses(held.pooled, self.deal.rows).mean())

    def _out_of_folds(
        self, fit: Callable[..., Any], budget: Budget, rival: np.ndarray | None, sets: Sequence[Sequence[str]]
    ) -> tuple[Any, np.ndarray | None, np.ndarray | None]:
        """Return one of the learners that did not learn from rows held out, what these say of all, and with each set.

        A turn in which there is too little to learn from answers the prior; RequestError where that is all. None of one
        that is given up: after its first turn it is far behind another that looks at the same, or the time is over.
        """
        assert self.deal is not None
        said, made, lacking = np.repeat(self.labels.prior[None], len(self.deal.rows), 0), [], []
        hidden = self._blank(sets)
        for number, ((learned, held), seen) in enumerate(zip(self.deal.turns, self.turns, strict=True)):
            try:
                predictor = fit(learned, seen=seen)
            except RequestError as error:
                lacking.append(error)
                continue
            places = self.deal.places(held)
            said[places] = seen.answer(predictor, held)
            made.append(predictor)
            if rival is not None and len(self.deal.turns) > 1:
                if len(made) == 1 and is_behind(self.labels.losses(said[places], held), rival[places]):
                    return predictor, None, None
                if budget.is_spent and number + 1 < len(self.deal.turns):
                    return predictor, None, None
            if hidden is not None:
                hidden[:, self._asked_in(number)] = self.answer_sets(predictor, number, sets, said[places])
        if not made:
            raise lacking[0]
        return made[0], said, hidden

    def _blank(self, sets: Sequence[Sequence[str]]) -> np.ndarray | None:
        """Return the prior, (set, asked, class), where answers with each set go; None of no sets."""
        if self.deal is None or not sets:
            return None
        return np.tile(self.labels.prior.astype(np.float32), (len(sets), len(self.deal.asked), 1))

    def _asked_in(self, turn: int) -> np.ndarray:
        """Return which of the rows that are asked with modalities hidden (asked,) are held out in a turn."""
        assert self.deal is not None
        return np.isin(self.deal.asked, self.deal.turns[turn][1])

    def answer_sets(self, predictor: Any, turn: int, sets: Sequence[Sequence[str]], said: np.ndarray) -> np.ndarray:
        """Return what a learner says of the rows asked in its turn with each set of modalities: (set, rows, class).

        said: of all rows of the turn, with the last set, which is all of them.
        """
        assert self.deal is not None
        held = self.deal.turns[turn][1]
        asked = np.isin(held, self.deal.asked)
        hidden = [self.turns[turn].answer(predictor, held[asked], keep) for keep in sets[:-1]]
        return np.stack([*hidden, said[asked]]).astype(np.float32)

    def is_behind(self, turn: int, answer: Mapping[str, Any], rival: np.ndarray | None) -> bool:
        """Whether what a turn answered is far behind another that looks at the same."""
        assert self.deal is not None
        held = self.deal.turns[turn][1]
        return rival is not None and is_behind(self.labels.losses(answer["said"], held), rival[self.deal.places(held)])

    def join(self, trial: Trial, answers: Sequence[Mapping[str, Any]], rival: np.ndarray | None) -> Mapping[str, Any]:
        """Return the answer to a try of those to its turns, as `_out_of_folds` would come to it."""
        assert self.deal is not None
        said, made = np.repeat(self.labels.prior[None], len(self.deal.rows), 0), list[Mapping[str, Any]]()
        hidden = self._blank(self.sets_of(trial))
        for turn, answer in enumerate(answers):
            if "lacking" in answer:
                continue
            made.append(answer)
            if len(made) == 1 and self.is_behind(turn, answer, rival):
                return {"given_up": True}
            said[self.deal.places(self.deal.turns[turn][1])] = answer["said"]
            if hidden is not None:
                hidden[:, self._asked_in(turn)] = answer["hidden"]
        if not made:
            return answers[0]
        seconds = sum(answer["seconds"] for answer in made)
        return {**made[0], "said": said, "hidden": hidden, "strength": None, "seconds": seconds}

    # -- in another process -------------------------------------------------------------------------------------------

    def pack(self) -> dict[str, Any]:
        """Return all of it as JSON and arrays, from which `open_desk` makes it again."""
        facts, arrays = self.labels.state()
        told: dict[str, Any] = {"labels": facts, "seed": self.seed, "layouts": dict(self.seen.layouts)}
        told |= {"letters": {name: dict(layout) for name, layout in self.letters.items()}}
        told |= {
            "turns": [dict(seen.layouts) for seen in self.turns],
            "folder": self.stages.path,
            "names": list(self.names),
        }
        packed = {f"labels.{name}": x for name, x in arrays.items()}
        packed |= {f"features.{name}": x for name, x in self.seen.features.items()}
        packed |= {f"letters.{name}": self.seen.prepared.inputs[name] for name in self.letters}
        packed |= {"train": self.train, "val": self.val}
        packed |= {} if self.groups is None else {"groups": self.groups}
        packed |= {} if self.deal is None else {"asked": self.deal.asked}
        dealt = [] if self.deal is None else self.deal.turns
        for number, (seen, (learned, held)) in enumerate(zip(self.turns, dealt, strict=True)):
            packed |= {f"turn.{number}.learned": learned, f"turn.{number}.held": held}
            if seen.base is not None and seen.rows is not None:
                packed[f"turn.{number}.rows"] = seen.rows
                own = {name: x for name, x in seen.features.items() if x is not self.seen.features.get(name)}
                packed |= {f"turn.{number}.features.{name}": x[seen.rows] for name, x in own.items()}
        return {"facts": json.dumps(told), **packed}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any]) -> Desk:
        """Make a desk of what `pack` gave."""

        def under(prefix: str) -> dict[str, Any]:
            return {name.removeprefix(prefix): x for name, x in packed.items() if name.startswith(prefix)}

        told = json.loads(packed["facts"])
        seen = Seen.given(under("features."), told["layouts"], under("letters."))
        turns, dealt = list[Seen](), list[tuple[np.ndarray, np.ndarray]]()
        for number, layouts in enumerate(told["turns"]):
            own = under(f"turn.{number}.")
            dealt.append((own["learned"], own["held"]))
            features = under(f"turn.{number}.features.")
            turns.append(seen.changed(features, layouts, own["rows"]) if "rows" in own else seen)
        deal = Deal(dealt, asked=packed["asked"]) if dealt else None
        folder = Path(told["folder"]) if told["folder"] else None
        labels = Labels.from_state(told["labels"], under("labels."))
        desk = cls(labels, told["seed"], packed["train"], packed["val"], deal, seen, told["letters"], lambda: turns)
        desk.groups, desk.names = packed.get("groups"), told["names"]
        desk.stages = Stages(folder if folder is not None and folder.is_dir() else None)
        return desk


def get_ready(value: None, request: Mapping[str, Any]) -> None:
    """Load what learning waits for in a process, 5 s of it, while there is nothing to learn yet."""
    load_learners()


def open_desk(setup: Mapping[str, Any]) -> Desk:
    """Return the desk that a setup names, where it is of this process, or make it of what the setup holds."""
    if "desk" in setup:
        return OPEN[setup["desk"]]
    return Desk.unpack(setup)


def ask_try(trial: Trial, left: float, rival: np.ndarray | None) -> dict[str, Any]:
    """Return what asks `learn` for a try. left: seconds until the time is over, inf of no limit; rival: (held,) what
    loses least of all that looks at the same and was there before."""
    return {"trial": asdict(trial), "until": tell_end(left), **({} if rival is None else {"rival": rival})}


def ask_turn(trial: Trial, turn: int) -> dict[str, Any]:
    """Return what asks `learn` for one turn of a try."""
    return {"trial": asdict(trial), "turn": turn}


def name_turn(trial: Trial, turn: int) -> str:
    """Return what the stage of one turn of a try is called."""
    return f"{trial.name} turn {turn}"


def ask_rows(trial: Trial, rows: np.ndarray, strength: float | None) -> dict[str, Any]:
    """Return what asks `learn` for what these rows teach."""
    return {"trial": asdict(trial), "rows": rows, "strength": strength}


def name_rows(trial: Trial, rows: np.ndarray, strength: float | None) -> str:
    """Return what the stage of a learner of these rows is called."""
    return f"{trial.name} {strength} of {hashlib.sha256(rows.tobytes()).hexdigest()}"


def learn(desk: Desk, request: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a request: try a learner on rows held out, in all turns or in one, or let it learn from rows.

    Returns what `read_predictor` reads, of a try with what it "said" of those rows; or why there is nothing: "given_up"
    or "lacking".
    """
    told = request["trial"]
    trial = Trial(**{**told, "inputs": tuple(told["inputs"]), "scored": tuple(told["scored"])})
    began = time.monotonic()
    try:
        if "rows" in request:
            name = name_rows(trial, request["rows"], request["strength"])
            answer = write_predictor(desk.fit(trial, request["rows"], strength=request["strength"]))
        elif "turn" in request:
            name, answer = name_turn(trial, request["turn"]), _learn_turn(desk, trial, request["turn"])
        else:
            name, answer = trial.name, _try(desk, trial, request["until"], request.get("rival"))
    except RequestError as error:  # too few rows have any of these, or all of one class
        return {"lacking": str(error)}
    answer["seconds"] = time.monotonic() - began
    if request.get("until") is None:  # what the time cut short is not what another fit would find
        keep_answer(desk.stages, name, answer)
    return answer


def _try(desk: Desk, trial: Trial, until: float | None, rival: np.ndarray | None) -> dict[str, Any]:
    budget = until_then(until)
    if trial.learner == LEARNER:
        held = desk.try_letters(trial.inputs[0], budget, rival)
    else:
        held = desk.hold_out(partial(desk.fit_or_find, trial), budget, rival, desk.sets_of(trial))
    if held is None:
        return {"given_up": True}
    said, rows = (held.answers, desk.val) if held.pooled is None or desk.deal is None else (held.pooled, desk.deal.rows)
    predictor, said = desk.labels_of(trial).lift(held.predictor, said, rows)
    lift = getattr(predictor, "lift", 0.0)
    told = {"said": said, "hidden": held.hidden, "strength": held.strength, "lift": lift}
    return {**write_predictor(predictor), **told}


def _learn_turn(desk: Desk, trial: Trial, turn: int) -> dict[str, Any]:
    assert desk.deal is not None
    (learned, held), seen = desk.deal.turns[turn], desk.turns[turn]
    predictor = desk.fit(trial, learned, seen=seen)
    said, sets = seen.answer(predictor, held), desk.sets_of(trial)
    told = {"hidden": desk.answer_sets(predictor, turn, sets, said)} if sets else {}
    return {**write_predictor(predictor), "said": said, **told}


def write_predictor(predictor: Any) -> dict[str, Any]:
    """Return a predictor as JSON and bytes."""
    stored = store_predictors({ROLE: predictor})
    return {"parts": json.dumps(stored.parts), **{FILE + name: data for name, data in stored.files.items()}}


def read_predictor(answer: Mapping[str, Any], several: bool) -> Any:
    """Return the predictor in an answer. several: of a target of several labels a row."""
    files = {name.removeprefix(FILE): data for name, data in answer.items() if name.startswith(FILE)}
    parts = json.loads(answer["parts"])
    return restore_predictors(Stored(parts, {ROLE: len(parts) - 1}, {}, files), several=several)[ROLE]


def keep_answer(stages: Stages, name: str, answer: Mapping[str, Any]) -> None:
    """Keep an answer for a fit that goes on where this one was killed."""
    if stages.folder is None or stages.has(name):
        return
    arrays = {k: np.frombuffer(x, np.uint8) if isinstance(x, bytes) else x for k, x in answer.items()
              if isinstance(x, (bytes, np.ndarray))}  # fmt: skip
    stages.save_arrays(name, arrays, {key: x for key, x in answer.items() if key not in arrays})


def kept_answer(stages: Stages, name: str) -> dict[str, Any] | None:
    """Return an answer that was kept; None of none."""
    saved = stages.load_arrays(name)
    if saved is None:
        return None
    return saved[1] | {key: x.tobytes() if key.startswith(FILE) else x for key, x in saved[0].items()}
