"""Classic learners among the candidates: which are tried, on what, and in which waves.

What is tried in one wave is compared with what was there before it, so that a wave may be learned in any order, by any
process. Rows are held out by folds where an ensemble is to be chosen, else they are those of validation. Knows a study
and the desk where learners learn; no other family, and not what is chosen.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import chain, groupby
from typing import Any

import numpy as np

from plait.core.options import AS_TEXT
from plait.errors import RequestError
from plait.kinds import IMAGE, TABULAR, TEXT
from plait.kinds.features import count_numbers
from plait.models.learners import BINNED, DENSE, DISCRIMINANT, LEARNERS
from plait.models.rows import are_known
from plait.models.sparse import LEARNER
from plait.study.candidate import Candidate
from plait.study.cost import time_row
from plait.study.desk import (
    NUMBERS,
    OPEN,
    Desk,
    Trial,
    ask_rows,
    ask_try,
    ask_turn,
    keep_answer,
    kept_answer,
    name_rows,
    name_turn,
    read_predictor,
)
from plait.study.ensemble import Deal, deal_rows
from plait.study.labels import is_skewed, shift_of
from plait.study.networks import Study
from plait.study.seen import Seen, see_anew
from plait.tasks.runner import Runner, open_runner

# and its settings: of many rows first; of a table at last; and of numbers of few rows, since of classes it is too sure
BOOSTING, QUICK, WIDER, FINER = "gradient boosting", 3, 2, 4
LOOSER = 2  # the setting of a linear learner of a table that is less bound, as what differs by a little asks for
FEWEST_WIDER, MOST_WIDER = 1_000, 10  # rows from which on it is wider, and classes up to which there is one more
NEAR_ROWS = 20_000  # rows above which no neighbours are looked for: each answer compares with all of them
SVM_ROWS, SVM_CLASSES = 2_500, 30  # above which an SVM, whose time grows with their squares, is not tried in folds
# of tables alone, above which none is grown, and no neighbours are looked for: boosting is better and cheaper
FOREST, FOREST_ROWS = "random forest", 6_000
BOOSTING_WIDE = 1_000  # features times trees a round, as of it; on pictures and sounds of ten digits 33 of 48 s
FOREST_WIDE = 128  # features above which a forest is not grown in folds: it is the dearest then, and seldom any good
FRESH = 3_000  # rows up to which vocabularies are learned anew in each fold
MOST_SCORED = 30  # classes up to which pictures are scored beside a table
SCALED = ("ridge regression", "gradient boosting")  # which say whether the logarithm of a target is the better scale
# where a row may have several labels
EACH_LABEL = ("logistic regression", FOREST, BOOSTING, "logistic regression with bins")
MANY_LABELS = 30  # from which on none grows trees: one a label and fold, they are most of the time of a fit
TWICE = ("gradient boosting", "ridge regression with bins")  # which learn a skewed target in the other scale as well
Asked = tuple[Trial, int | None, Mapping[str, Any] | None]  # a try, its turn, and the answer that is there already
WORK, OPEN_DESK = "plait.study.desk:learn", "plait.study.desk:open_desk"  # a task, and what it needs of its worker


@dataclass
class ClassicTrials:
    """The classic learners of a study, each tried as it comes."""

    study: Study
    _scaled: bool = False  # whether the scale of the target is settled
    _skewed: bool = False  # whether the target is numbers, above 0, of which logarithms may be learned
    _tried: int = 0
    _given_up: set[tuple[str, ...]] = field(default_factory=set)  # learners, and the modalities that they looked at
    _tries: dict[Candidate, tuple[Trial, float | None]] = field(default_factory=dict)  # what each candidate came from
    _learned: dict[str, Any] = field(default_factory=dict)  # learners of rows that were asked for, by their names
    _learning: dict[str, Iterator[tuple[str, Any]]] = field(default_factory=dict)  # where those that learn will come

    def __post_init__(self) -> None:
        self.labels = self.study.labels

    def settle_scale(self) -> None:
        """Learn the logarithms of very skewed numbers where validation agrees: quick learners err less, in the unit."""
        study, labels, settled = self.study, self.labels, self._scaled
        self._scaled = True
        if settled or labels.classes is not None or not is_skewed(labels.numbers[study.train]):
            return
        if len(study.val) == 0:
            return
        if labels.numbers[study.val].min() + shift_of(labels.numbers[study.train]) <= 0:
            return  # the winner learns from these rows too
        self._skewed = True
        losses: dict[bool, float] = {}
        for log in (False, True):
            labels.learn_log(study.train, log)
            for learner in SCALED:
                with contextlib.suppress(RequestError):  # too few rows have anything
                    trial = Trial(learner, 0, tuple(study.prepared.names))
                    predictor = self.desk.fit(trial, study.train)
                    _, answers = labels.lift(predictor, self.answer_val(predictor), study.val)
                    losses[log] = min(float(labels.losses(answers, study.val).mean()), losses.get(log, math.inf))
        labels.learn_log(study.train, losses.get(True, math.inf) < losses.get(False, math.inf))
        vars(study).pop("target", None)  # which is another one now
        if labels.log:
            what = "the logarithm of one more" if labels.shift else "its logarithm"
            skewed = f"column {labels.name!r} is very skewed: {what} is learned, as validation rows agree"
            study.callback({"note": f"{skewed}; answers and scores are in its own unit"})
        self.forget()  # the encoders are not settled yet

    def settle_encoders(self) -> None:
        """Choose the encoders that are left open by what a linear learner reaches with each; no network is wanted."""
        study, choices = self.study, self.study.prepared.choices
        if not choices:
            return
        encoders = {s.name: s.encoder for s in study.prepared.views}
        for name, views in choices.items():
            losses: dict[str, float] = {}
            for view in views:
                try:
                    predictor = self.desk.fit(Trial(next(iter(self.learners)), 0, (view,)), study.train)
                except RequestError:  # too few rows have it, or all of one class
                    continue
                losses[view] = float(self.labels.losses(self.answer_val(predictor), study.val).mean())
            study.encoders_tried[name] = [{"encoder": encoders[view], "loss": loss} for view, loss in losses.items()]
            best = min(losses, key=lambda view: losses[view], default=name)
            study.prepared = study.prepared.settle(name, best, self.deal is not None)
        self.forget()

    def forget(self) -> None:
        """Forget what learners see: the views of the study have changed."""
        for name in ("seen", "turns", "desk", "setup"):
            vars(self).pop(name, None)

    def try_all(self, share: float) -> None:
        """Try every learner on each modality and on all together, wave by wave; the quickest learner first.

        Of many rows of a table what learns it soon and well comes before all else: there is a model whenever the time
        ends.
        """
        end = self.study.budget.share(share)
        for wave in self._list_waves():
            if time.monotonic() > end and len(self.study.candidates) > 1:
                return
            self.try_wave(wave, end)

    @property
    def is_large(self) -> bool:
        """Whether there are so many rows that what learns a table soon and well comes before all else."""
        return self.deal is not None and len(self.deal.turns) == 1 and len(self.deal.learned_rows) > NEAR_ROWS

    def try_soon(self) -> None:
        """Try what learns a table soonest, before texts are looked at: there is a model, and it took seconds."""
        tables = [view.name for view in self.study.prepared.views if view.able is TABULAR and view.is_main]
        if BOOSTING in self.learners and self._has_numbers(tables):
            self.try_wave(self._trials(BOOSTING, QUICK, [tables]))

    def _list_waves(self) -> list[list[Trial]]:
        """Return the tries of each wave: the quickest learner, and letters; all others; what is dearest."""
        groups, deal, first = self._groups_of_names(), self.deal, next(iter(self.learners))
        beside = self._groups_beside()
        each = {learner: groups + (beside if learner in DENSE else []) for learner in self.learners}
        letters = [Trial(LEARNER, 0, (view.name,)) for view in self.study.prepared.views if view.how == "letters"]
        tables = [names for names in groups if self._has_numbers(names)]
        made = {learner: self._trials(learner, 0, each[learner]) for learner in self.learners}
        waves = [[*made.pop(first), *letters], [], made.pop(FOREST, []) if deal is not None else []]
        if self.is_large:
            soon = [trial for learner in (*BINNED, BOOSTING) for trial in made.pop(learner, [])]
            waves[:0] = [self._trials(BOOSTING, QUICK, tables), soon]
        waves[-2] = [trial for trials in made.values() for trial in trials]
        if deal is not None and len(deal.learned_rows) <= FOREST_ROWS:
            waves[-2] += self._trials(first, LOOSER, tables)
        if deal is not None and BOOSTING in self.learners:
            many, num_classes = len(deal.learned_rows) >= FEWEST_WIDER, len(self.labels.classes or ())
            if num_classes <= (MOST_WIDER if many else 0):
                waves[-1] += self._trials(BOOSTING, WIDER if many else FINER, tables)
        return [wave for wave in (*waves, self._list_scores()) if wave]

    def _trials(self, learner: str, setting: int, groups: Sequence[Sequence[str]]) -> list[Trial]:
        """Return the tries of a learner on groups of modalities that make sense, in the other scale as well."""
        made = []
        for names in groups:
            trial = self.trial_of(learner, setting, names)
            if trial is None:
                continue
            made.append(trial)
            if setting == 0 and self._skewed and self.deal is not None and learner in TWICE:
                made.append(replace(trial, log=not self.labels.log))
        return made

    def trial_of(self, learner: str, setting: int, names: Sequence[str], family: str = "classic") -> Trial | None:
        """Return a try of a learner on modalities, or their views; None of one that makes no sense, or is too dear."""
        if learner in BINNED and not self._has_numbers(names):
            return None  # there is nothing to sort into bins
        if learner == DISCRIMINANT and {self.seen.layouts[name]["kind"] for name in names} & {TEXT.name, TABULAR.name}:
            return None  # it is for dense numbers
        inputs = [view for name in names for view in (name, *self._glued(name))]
        if self.deal is not None and self._is_dear(learner, names, self._width_of(inputs)):
            return None
        return Trial(learner, setting, tuple(inputs), family)

    def try_scores(self) -> None:
        """Learn a table with what its pictures say as columns."""
        self.try_wave(self._list_scores())

    def _list_scores(self) -> list[Trial]:
        """Return the tries of a table with a score of its pictures, where a pretrained encoder sees these."""
        views = [view for view in self.study.prepared.views if view.is_main]
        pictures = tuple(view.name for view in views if view.able is IMAGE and view.frozen is not None)
        tables = [view.name for view in views if view.able is TABULAR]
        few = len(self.labels.classes or ()) <= MOST_SCORED and self.labels.sets is None
        if not pictures or not tables or not few or self.deal is None or not self._has_numbers(tables):
            return []
        looked = tuple(view.name for view in views if view.name in {*pictures, *tables})
        able = [learner for learner in (BOOSTING, *BINNED) if learner in self.learners]
        return [Trial(learner, 0, looked, scored=pictures) for learner in able]

    def try_text(self) -> None:
        """Write the whole row out as text, and read that: a baseline that beats fusion on some tables."""
        prepared = self.study.prepared
        shadows = [s.name for s in prepared.views if s.how == "as text"]
        if shadows and not self.study.is_over:
            texts = [s.name for s in prepared.views if s.able is TEXT and s.is_main]
            trial = self.trial_of(next(iter(self.learners)), 0, [*texts, *shadows], AS_TEXT)  # the linear one
            self.try_wave([trial] if trial is not None else [])

    def level(self) -> None:
        """Give the side with fewer trials further settings of classic learners, until both have had as many.

        Trees last: other settings of them are the dearest, and least like to change what is chosen.
        """
        *single, every = self._groups_of_names()
        tries = [(learner, setting) for setting in (1, 2) for learner in self.learners]
        tries.sort(key=lambda one: one[0] in (FOREST, BOOSTING))
        more = {
            side: [(*one, group) for one in tries for group in groups]
            for side, groups in (("single", single), ("fused", [every]))
        }
        while single and not self.study.is_over:
            trials = self.counts
            side = min(trials, key=lambda key: trials[key])
            lacking = max(trials.values()) - trials[side]
            asked, more[side] = more[side][:lacking], more[side][lacking:]
            if not asked:
                return
            kept = [(learner, setting, group) for learner, setting, group in asked
                    if (learner, *group) not in self._given_up]  # fmt: skip
            made = [self.trial_of(*one) for one in kept]
            self.try_wave([trial for trial in made if trial is not None])

    @property
    def counts(self) -> dict[str, int]:
        """How many candidates look at one modality, and how many at several."""
        counts = [len(c.names) for c in self.study.candidates]
        return {"single": counts.count(1), "fused": sum(count > 1 for count in counts)}

    def try_learner(self, learner: str, setting: int, names: Sequence[str]) -> None:
        """Fit one learner on the training rows, and add it, unless too few rows have any of the modalities."""
        trial = self.trial_of(learner, setting, names)
        self.try_wave([] if trial is None else [trial])

    def try_all_on(self, names: Sequence[str]) -> None:
        """Try every learner on these modalities together, at once."""
        made = [self.trial_of(learner, 0, names) for learner in self.learners]
        self.try_wave([trial for trial in made if trial is not None])

    def try_wave(self, trials: Sequence[Trial], end: float = math.inf) -> None:
        """Try these, and add them in this order, but for those that are given up, or are asked for after `end`."""
        tried = {trial.name for trial, _ in self._tries.values()}
        trials = [trial for trial in trials if trial.name not in tried]
        kept = {trial.name: self._kept(trial, trial.name) for trial in trials}
        rivals = {trial: self._rival_of(trial) for trial in trials}

        def ask() -> Iterator[dict[str, Any]]:
            for trial in trials:
                if kept[trial.name] is None:
                    if self.study.is_over or (time.monotonic() > end and len(self.study.candidates) > 1):
                        return
                    left = self.study.budget.deadline - time.monotonic()
                    yield ask_try(trial, left, rivals[trial])

        new = [trial for trial in trials if kept[trial.name] is None]
        answers = self._ask_turns(new, rivals) if self._splits else self._answers(ask())
        for trial in trials:
            answer = kept[trial.name] or next(answers, None)
            if answer is None:
                return
            self._tried += 1  # classic learners are many and short
            total = max(self._tried, len(self._groups_of_names()) * len(self.learners))
            self.study.callback({"stage": "classic learners", "done": self._tried, "total": total})
            if answer.get("given_up"):
                self._given_up.add((trial.learner, *self._names_of(trial)))
            elif "parts" in answer:
                self._add(trial, answer)
                if kept[trial.name] is None and math.isinf(self.study.budget.deadline):
                    keep_answer(self.study.stages, trial.name, answer)

    @property
    def _splits(self) -> bool:
        """Whether turns are tasks of their own: elsewhere they are learned side by side, and no clock ends them."""
        turns = 0 if self.deal is None else len(self.deal.turns)
        return turns > 1 and self.runner.engine != "here" and math.isinf(self.study.budget.deadline)

    def _ask_turns(self, trials: Sequence[Trial], rivals: Mapping[Trial, np.ndarray | None]) -> Iterator[Any]:
        """Yield the answers to tries, in order, each turn a task; what has a rival goes on where its first is no worse.

        Where fewer have one than can learn side by side, more of their turns are learned with the first: who would do
        it has nothing else to do. A text that is learned by its letters is one task: what it tries next hangs on what
        it found.
        """
        assert self.deal is not None
        if self.study.is_over:
            return
        turns = len(self.deal.turns)
        held = [trial for trial in trials if rivals[trial] is not None and trial.learner != LEARNER]
        new = [trial for trial in held if self._kept(trial, name_turn(trial, 0)) is None]
        several = min(turns, max(1, self.runner.room() // max(1, len(new))))
        early = {trial: range(several if trial in new else 1) for trial in held}
        first = self._learn_turns(((trial, turn, None) for trial in held for turn in early[trial]), rivals)

        def ask() -> Iterator[Asked]:
            for trial in trials:
                if trial.learner == LEARNER:
                    yield trial, None, None
                    continue
                own = [next(first)[1] for _ in early.get(trial, ())]
                yield from ((trial, turn, answer) for turn, answer in enumerate(own))
                if not own or "said" not in own[0] or not self.desk.is_behind(0, own[0], rivals[trial]):
                    yield from ((trial, turn, None) for turn in range(len(own), turns))

        for trial, told in groupby(self._learn_turns(ask(), rivals), key=lambda one: one[0]):
            answers = [answer for _, answer in told]
            yield answers[0] if trial.learner == LEARNER else self.desk.join(trial, answers, rivals[trial])

    def _learn_turns(
        self, asked: Iterable[Asked], rivals: Mapping[Trial, np.ndarray | None]
    ) -> Iterator[tuple[Trial, Mapping[str, Any]]]:
        """Yield the answers to turns, None for a whole try; what was answered before a kill is not asked again."""
        order: deque[tuple[Trial, Mapping[str, Any] | None]] = deque()  # of those that were taken so far

        def waiting() -> Iterator[dict[str, Any]]:
            for trial, turn, answer in asked:
                known = answer if answer is not None or turn is None else self._kept(trial, name_turn(trial, turn))
                order.append((trial, known))
                if known is None:
                    yield ask_try(trial, math.inf, rivals[trial]) if turn is None else ask_turn(trial, turn)

        for new in self._answers(waiting()):
            while (known := order[0][1]) is not None:
                yield order.popleft()[0], known
            yield order.popleft()[0], new
        yield from ((trial, known) for trial, known in order if known is not None)

    def _kept(self, trial: Trial, name: str) -> dict[str, Any] | None:
        """Return an answer that was kept before a kill; None of none, or of one that lacks what is asked by now."""
        answer = kept_answer(self.study.stages, name)
        lacks = answer is not None and "said" in answer and answer.get("hidden") is None
        return None if lacks and self.desk.sets_of(trial) else answer

    def _answers(self, requests: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Return the answers to requests, in order; where none is asked for, nothing is prepared for it."""
        first = next(requests, None)
        return (
            iter(())
            if first is None
            else self.runner.map(WORK, chain([first], requests), setup=(OPEN_DESK, self.setup))
        )

    def _rival_of(self, trial: Trial) -> np.ndarray | None:
        """Return what loses least of what looks at the same (held,): by the first rows held out. Letters: the prior."""
        looked = set() if trial.learner == LEARNER else {*trial.looks_at}
        rivals = [c.pooled for c in self.study.candidates if {*c.names} == looked and c.pooled is not None]
        if self.deal is None or not rivals or len(self.deal.turns) == 1:
            return None
        losses = [self.labels.losses(answers, self.deal.rows) for answers in rivals]
        places = self.deal.places(self.deal.turns[0][1])
        return min(losses, key=lambda each: float(each[places].mean()))

    def _add(self, trial: Trial, answer: Mapping[str, Any]) -> None:
        """Add what a try gave to the candidates."""
        predictor, strength = read_predictor(answer, self.labels.sets is not None), answer.get("strength")
        said, pooled = answer["said"], None
        if self.deal is not None:
            said, pooled = said[self.deal.places(self.study.val)], said
        recipe = "" if strength is None else f"C {strength:g}"
        began = time.monotonic() - answer["seconds"]
        candidate = self.study.add_made(self._title(trial), trial.family, predictor, said, began, recipe)
        trial = replace(trial, lift=answer.get("lift", 0.0))
        self._tries[candidate] = trial, strength
        candidate.fit, candidate.pooled = partial(self.learn_rows, trial, strength), pooled
        candidate.hidden = answer.get("hidden")
        if pooled is not None:
            candidate.latency = time_row(predictor, self.turns[0].few)

    def _title(self, trial: Trial) -> str:
        """Return what a candidate is called: its learner, what its setting changes, and what it looks at."""
        views = {view.name: view for view in self.study.prepared.views}
        if trial.learner == LEARNER:
            return f"{LEARNER} ({views[trial.inputs[0]].of})"
        usual, settings = self.learners[trial.learner][0], self.learners[trial.learner][trial.setting]
        changed = "".join(f", {key} {value}" for key, value in settings.items() if usual.get(key) != value)
        changed += "" if trial.log is None else ", of the logarithm" if trial.log else ", of the number"
        seen_by = {name: f"{view.of} by {view.encoder}" for name, view in views.items() if view.is_second}
        source = " + ".join(seen_by.get(name, name) for name in self._names_of(trial) if name not in trial.scored)
        source += f" + score of {' + '.join(trial.scored)}" if trial.scored else ""
        return f"{trial.learner}{changed} ({'row as text' if trial.family == AS_TEXT else source})"

    def _names_of(self, trial: Trial) -> list[str]:
        """Return the inputs that a try is about, without those that only stand beside them."""
        glued = {view for name in trial.inputs for view in self._glued(name)}
        return [name for name in trial.inputs if name not in glued]

    def _is_dear(self, learner: str, names: Sequence[str], width: int) -> bool:
        """Whether trees over these, or so many, features cost more than they have been seen to be worth in folds.

        Of texts they are the dearest, and were in no ensemble: each feature tells a little, and linear learners add up.
        """
        if learner in (BOOSTING, FOREST) and all(v.able is TEXT for v in self.study.prepared.views if v.name in names):
            return True
        if learner == BOOSTING and not self._has_numbers(names):
            num = len(self.labels.classes or ())
            return width * (num if num > 2 else 1) > BOOSTING_WIDE
        return learner == FOREST and width > FOREST_WIDE

    def _groups_of_names(self) -> list[list[str]]:
        names = self.study.prepared.names
        return [*([name] for name in names), *([list(names)] if len(names) > 1 else [])]

    def _glued(self, name: str) -> list[str]:
        """Return the views of a modality that learners see together with its own: no text, whose columns are sparse."""
        return [
            view.name
            for view in self.study.prepared.views
            if view.how == "beside" and view.of == name and view.able.opened
        ]

    def _groups_beside(self) -> list[list[str]]:
        """Return views that learners see for themselves: of sounds where there are several, of texts in folds each.

        A text is seen so alone, and once more together with all other modalities.
        """
        names, beside = self.study.prepared.names, [v for v in self.study.prepared.views if v.how == "beside"]
        heard, read = [v for v in beside if v.able.opened], [v for v in beside if not v.able.opened]
        groups = [[view.name] for view in (heard if len(heard) > 1 else [])]
        for view in read if self.deal is not None else []:
            rest = [view.name if name == view.of else name for name in names]
            groups += [[view.name], *([rest] if len(rest) > 1 else [])]
        return groups

    def _has_numbers(self, names: Sequence[str]) -> bool:
        return any(count_numbers(self.seen.layouts[name]) for name in names)

    def _width_of(self, names: Sequence[str]) -> int:
        return sum(self.seen.features[name].shape[1] for name in names)

    # -- the desk ------------------------------------------------------------------------------------------------------

    @cached_property
    def desk(self) -> Desk:
        """Where these learn."""
        study = self.study
        letters = {view.name: view.layout() for view in study.prepared.views if view.how == "letters"}
        about = (self.labels, study.seed, study.train, study.val, self.deal, self.seen, letters)
        turns = lambda: self.turns if self.deal is not None else ()  # noqa: E731  made when they are asked for
        return Desk(*about, turns, study.stages, study.job.groups, study.prepared.names)

    @cached_property
    def runner(self) -> Runner:
        """What does the tasks: that of the fit, unless there is a kind of data that other processes do not know."""
        return self.study.job.runner if are_known(self.study.prepared.views) else open_runner(None)

    @cached_property
    def setup(self) -> dict[str, Any]:
        """What a worker needs before its first task: of this process the desk as it is, else all of it."""
        if self.runner.engine != "here":
            return self.desk.pack()
        OPEN[name := str(next(NUMBERS))] = self.desk
        return {"desk": name}

    def learn_rows(self, trial: Trial, strength: float | None, rows: np.ndarray) -> Any:
        """Return what a try learns from these rows, as a predictor; it may have been asked for already."""
        name = name_rows(trial, rows, strength)
        while name not in self._learned:
            if name not in self._learning:
                self._learn_rows({name: (trial, strength)}, rows)
            if (found := next(self._learning[name], None)) is None:  # an interrupt has ended it
                del self._learning[name]
            else:
                self._learned[found[0]] = found[1]
        self._learning.pop(name, None)
        return self._learned.pop(name)

    def learn_all(self, candidates: Iterable[Candidate], rows: np.ndarray) -> None:
        """Let the classic ones among candidates begin to learn from the same rows, side by side, before each is asked
        to."""
        known = [candidate for candidate in candidates if candidate in self._tries]
        longest = sorted(known, key=lambda one: -one.seconds)  # first: none is left to the end
        asked = [self._tries[one] for one in longest]
        self._learn_rows({name_rows(trial, rows, strength): (trial, strength) for trial, strength in asked}, rows)

    def _learn_rows(self, names: Mapping[str, tuple[Trial, float | None]], rows: np.ndarray) -> None:
        """Ask for what these rows teach, unless it was asked for."""
        lacking = [name for name in names if name not in self._learned and name not in self._learning]
        kept = {name: kept_answer(self.study.stages, name) for name in lacking}
        answers = self._answers(
            ask_rows(names[name][0], rows, names[name][1]) for name, found in kept.items() if found is None
        )
        self._learning |= dict.fromkeys(lacking, self._read_rows(kept, answers))

    def _read_rows(
        self, kept: Mapping[str, dict[str, Any] | None], answers: Iterator[dict[str, Any]]
    ) -> Iterator[tuple[str, Any]]:
        """Yield the names of learners of rows, and each as soon as it has learned. kept: answers before a kill."""
        for name, found in kept.items():
            answer = found or next(answers)
            if "lacking" in answer:
                raise RequestError(answer["lacking"])
            if found is None:
                keep_answer(self.study.stages, name, answer)
            yield name, read_predictor(answer, self.labels.sets is not None)

    def answer_val(self, predictor: Any) -> np.ndarray:
        """Return what a classic learner says of the validation rows."""
        return self.seen.answer(predictor, self.study.val)

    @property
    def learners(self) -> Mapping[str, Any]:
        """{learner: its settings, the usual one first}"""
        learners = LEARNERS["regression" if self.labels.classes is None else "classification"]
        if self.labels.sets is not None:  # each is learned once a label
            trees = () if len(self.labels.classes or ()) < MANY_LABELS else ("random forest", BOOSTING)
            able = [learner for learner in learners if learner in EACH_LABEL and learner not in trees]
            learners = {learner: learners[learner] for learner in able}
        if self.deal is None:
            return learners
        many = len(self.deal.learned_rows) > SVM_ROWS or len(self.labels.classes or ()) > SVM_CLASSES
        dear = {"SVM"} if many else set()
        if len(self.deal.learned_rows) > FOREST_ROWS and all(
            view.able is TABULAR for view in self.study.prepared.views
        ):
            dear |= {FOREST, "nearest neighbours"}
        if len(self.deal.learned_rows) > NEAR_ROWS:
            dear.add("nearest neighbours")
        return {learner: settings for learner, settings in learners.items() if learner not in dear}

    @cached_property
    def seen(self) -> Seen:
        """What learners see of every row, with what was learned of the training rows."""
        return Seen(self.study.prepared)

    # -- rows that are held out ----------------------------------------------------------------------------------------

    @cached_property
    def deal(self) -> Deal | None:
        """Which rows are held out in turn where an ensemble is to be chosen; None where it is not."""
        job, study = self.study.job, self.study
        if study.options.choose == "simple" or job.plan_objects or not len(study.val):
            return None
        if any(one.training_only for one in job.made):  # what is made for training rows alone is no row to be tested by
            return Deal([(study.train, study.val)])
        generator = np.random.default_rng([study.seed, 12])
        deal = deal_rows(study.train, study.val, self.labels, job.groups, generator)
        if deal.said:
            study.callback({"note": deal.said})
        return deal

    @property
    def sees_anew(self) -> bool:
        """Whether each turn has vocabularies and codes of its own, as those of few rows have."""
        return self.deal is not None and len(self.deal.turns) > 1 and len(self.deal.rows) <= FRESH

    @cached_property
    def turns(self) -> list[Seen]:
        """What learners see in each turn: vocabularies and codes are those of the rows that are learned from in it.

        Of many rows they are those of the training rows: what these have in common hardly differs, and tells no target.
        """
        assert self.deal is not None
        if len(self.deal.turns) == 1:
            return [self.seen]
        seens = []
        for number, (learned, _) in enumerate(self.deal.turns):
            if not self.sees_anew:
                seens.append(self.seen)
                continue
            generator = np.random.default_rng([self.study.seed, 13, number])
            seens.append(see_anew(self.study.job, self.seen, learned, self.deal.rows, generator))
            self.study.callback({"stage": "prepare folds", "done": number + 1, "total": len(self.deal.turns)})
        return seens
