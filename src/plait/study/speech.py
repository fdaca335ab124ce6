"""The study of a recogniser: the sound alone, plans that fuse its frames with the other modalities, and the choice.

Knows prepared rows, not files or users.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from plait.core.contract import Schema, Table
from plait.core.options import FitOptions
from plait.core.words import count
from plait.errors import RequestError, TableError
from plait.kinds import AUDIO, KINDS
from plait.kinds.audio.prep import AudioPrep
from plait.models import plan as plans
from plait.models.speech.learning import (
    Recordings,
    count_errors,
    frame_seconds,
    hear_rows,
    speech_lesson,
    usual_recipe,
)
from plait.models.speech.network import Recogniser
from plait.models.speech.units import Units
from plait.models.train import Lesson
from plait.models.views import prep_options
from plait.proof.paired import Yardstick
from plait.proof.scores import error_rates, group_codes
from plait.proof.verdict import Contest, Verdict, judge
from plait.study.candidate import ALONE, JOINT, Candidate, Cost, best_of, choose, list_candidates
from plait.study.training import DIM, Stage, Training, describe_views

NOT_HERE = {  # options that mean nothing here: value when not given, and why
    "folds": (None, "cross-validation of transcripts is not there yet"),
    "candidates": ((), "the sound alone and plans are compared; name one plan with fusion"),
    "balance": (False, "there are no classes to weight"),
    "learning_curve": (False, "a learning curve of transcripts is not there yet"),
    "quality": ("good", "of a recogniser there is one budget; give epochs or time_limit"),
    "precision": ("auto", "a recogniser learns in float32"),
    "report_rows": (None, "the report of a recogniser is not there yet"),
}


def check_request(schema: Schema, chosen: FitOptions) -> str:
    """Return the name of the one sound whose transcripts are learned. Raises RequestError, for wrong options too."""
    target = schema.role("target")
    heard = [modality for modality in schema.modalities if KINDS[modality.kind] is AUDIO]
    columns = [column for modality in heard for column in modality.columns]
    mend = f"If column {target!r} holds classes, say so with --kind {target}=category."
    if not heard:
        raise RequestError(
            f"column {target!r} holds texts, which are learned as what is said in a sound, and no column holds sounds. "
            f"{mend}"
        )
    if len(columns) > 1:
        raise RequestError(
            f"column {target!r} is a transcript, and {len(columns)} columns hold sounds: {', '.join(columns)}; "
            "expected one. Leave the others out with --ignore."
        )
    for name, (usual, why) in NOT_HERE.items():
        if getattr(chosen, name) != usual:
            raise RequestError(f"{name} cannot be asked for a transcript: {why}. Leave it out. {mend}")
    encoder = chosen.encoders.get(heard[0].name, "auto")
    if encoder not in ("auto", "scratch"):
        raise RequestError(
            f"the sound of a transcript is heard by a network that is trained here, so {heard[0].name!r} cannot have "
            f"the encoder {encoder if isinstance(encoder, str) else type(encoder).__name__}. Leave it out. {mend}"
        )
    if chosen.tuned:
        raise RequestError(f"tune cannot be asked for a transcript. Leave it out. {mend}")
    if chosen.report:
        raise RequestError("the report of a recogniser is not there yet; leave --report out.")
    if isinstance(chosen.fusion, str) and chosen.fusion.strip() == "auto":
        raise RequestError('fusion "auto" grows trees of classes; name a plan for a transcript, or leave it out.')
    return heard[0].name


def recogniser_options(schema: Schema, chosen: FitOptions, audio: str) -> FitOptions:
    """Return the options with a preparation that cuts no sound, and without second views: nothing here reads them."""
    options = prep_options(schema, chosen.prep)
    own = options[audio]
    prep = own["prep"] if "prep" in own else AudioPrep.of(own)
    candidates = ("alone",) if chosen.fusion is None else ()
    return replace(chosen, prep={**options, audio: {"prep": replace(prep, whole=True)}}, candidates=candidates)


def learnable_rows(table: Table, schema: Schema, texts: np.ndarray, audio: str) -> np.ndarray:
    """Return (rows,) 0 for a row with a transcript and a cell for the sound, else −1. Raises TableError without any."""
    target = schema.role("target")
    spoken = np.array([text is not None for text in texts], bool)
    if not spoken.any():
        raise TableError(
            f"column {target!r} has no transcript in any of its {count(len(texts), 'row')}; "
            "expected some to learn from."
        )
    heard = np.array([cell is not None for cell in table.cells(schema.modality(audio).columns[0])], bool)
    if not (spoken & heard).any():
        raise TableError(f"no row has both a transcript in column {target!r} and a sound; expected some to learn from.")
    return np.where(spoken & heard, 0, -1)


def find_units(texts: Sequence[str], target: str) -> Units:
    """Return the units of the training transcripts. Raises TableError where there is nothing to learn in them."""
    if len(texts) < 2:
        are = "is" if len(texts) == 1 else "are"
        raise TableError(f"there {are} {count(len(texts), 'row')} to train on; expected two or more.")
    if not any(texts):
        raise TableError(f"no training row has a word in column {target!r}; expected transcripts to learn from.")
    if len(set(texts)) == 1:
        raise TableError(
            f"the transcript is {texts[0]!r} in all {count(len(texts), 'training row')}; expected texts that differ."
        )
    return Units.of(texts)


def list_recognisers(audio: str, names: Sequence[str]) -> list[str]:
    """Return the plans that are tried beside the sound alone when the user names none."""
    others = [name for name in names if name != audio]
    if not others:
        return []
    listed: list[plans.Node] = [plans.Parallel((audio, *others), by=by) for by in ("concat", "gate")]
    if len(others) > 1:
        listed.append(plans.Sequential((*others, audio), by="film"))
    return [str(plan) for plan in listed]


@dataclass
class Recognition(Training):
    """The recognisers of a fit, on rows whose sound can be heard. Answers: (val,) Heard; losses: (val,) word errors."""

    texts: np.ndarray = field(kw_only=True)  # (rows,) normalised, or None
    units: Units = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.audio = self.job.audio
        heard = self.prepared.present[self.audio]
        self.train, self.val, self.test = (rows[heard[rows]] for rows in (self.train, self.val, self.test))

    def run(self) -> Candidate:
        """Train the candidates, and return the winner: the plan the user asked for, or the choice on validation."""
        for part, rows in (("training", self.train), ("validation", self.val)):
            if not len(rows):
                reasons = [r[self.audio] for r in self.prepared.reasons if self.audio in r]
                why = f" ({reasons[0]})" if reasons else ""
                raise TableError(
                    f"no {part} row has a sound that can be read{why}; expected some. Mend column {self.audio!r}."
                )
        asked = list(self.job.plan_objects)
        waiting: list[str | None] = [None, *(asked or list_recognisers(self.audio, self.prepared.names))]
        while waiting and not self.is_over:
            self._train(waiting.pop(0), len(waiting) + 1)
        if not self.candidates:
            raise KeyboardInterrupt
        return self.fused if asked and self.fused is not None else choose(self.candidates)

    @property
    def alone(self) -> Candidate:
        return self.candidates[0]

    @property
    def fused(self) -> Candidate | None:
        """The fused candidate with the fewest word errors on validation."""
        return best_of(c for c in self.candidates if c.plan is not None)

    def _train(self, plan: str | None, waiting: int) -> None:
        """Train one candidate, or take it from the stage that an earlier, killed run has finished."""
        how = JOINT if plan else ALONE
        name, texts = f"{plan or self.audio} {how}", self.texts
        recipe = usual_recipe(len(self.train), self.options.epochs, self.options.batch_size)
        stage = Stage(name, plan, how, self._build(plan, name), recipe, self.train, self.val)

        def lesson() -> Lesson:
            recordings = Recordings(self.prepared, texts.tolist(), self.units)
            made = speech_lesson(
                stage.network, recordings, self.train, self.val, recipe, seed=self.seed_of(name), name=name
            )
            return replace(made, callback=self.callback, deadline=self.budget.share(0.95, waiting))

        outcome = self.learn(stage, lesson, self.stages.load(name))
        if outcome.history:
            heard = self.hear(stage.network, self.val)
            self.add(stage, outcome, stage.network, heard, count_errors(texts[self.val], heard)[:, 0])

    def _build(self, plan: str | None, stage: str) -> Recogniser:
        names = self.leaves_of(plan) if plan else [self.audio]
        views = describe_views([s for s in self.prepared.views if s.name in names])
        spec = {**views, "plan": plan, "dim": DIM, "units": self.units.size, "audio": self.audio}
        return self.begin(stage, lambda: Recogniser(spec, self.job.plan_objects.get(plan) if plan else None))

    def hear(self, network: Recogniser, rows: np.ndarray) -> np.ndarray:
        """Return what a network hears in prepared rows, (rows,) of Heard."""
        seconds = frame_seconds(self.prepared, network)
        return np.fromiter(hear_rows(network, self.prepared, rows, self.units, seconds), object)

    def looked_at(self, winner: Candidate) -> list[Candidate]:
        """Return the candidates that may hear the test rows: the winner, the best fused and the sound alone."""
        return list(dict.fromkeys(c for c in (winner, self.fused, self.alone) if c is not None))

    def look(self, candidate: Candidate) -> np.ndarray:
        """Return the counts of errors (test, 4) of a candidate, which is asked once."""
        if candidate.tested is None:
            candidate.tested = self.hear(candidate.network, self.test)
        return count_errors(self.texts[self.test], candidate.tested)

    def verdict(self, winner: Candidate) -> Verdict:
        """Return the verdict on combining over the test rows."""
        return self.verdict_on({self.audio: self.alone}, self.fused, winner, self._judge)

    def _judge(self, alone: Mapping[str, Candidate], fused: Candidate, winner: Candidate) -> Verdict:
        counts, groups = self.look(fused), self.job.groups_of(self.test)
        yardstick = Yardstick("wer", counts[:, 1], None, None if groups is None else group_codes(groups))
        one, more = (c.side(self.look(c)[:, 0], self.prepared.present, self.test) for c in (alone[self.audio], fused))
        contest = Contest(more, {self.audio: one}, yardstick, margin=self.options.margin / 100, shipped=winner.name)
        return judge(contest, np.random.default_rng([self.seed, 6]))

    def leaderboard(self, winner: Candidate, kept: Mapping[Candidate, str]) -> list[dict[str, Any]]:
        """Say of every candidate what validation, cost and the test rows say; the winner first. kept: names of some."""
        looked = self.looked_at(winner) if len(self.test) else []

        def score(candidate: Candidate) -> tuple[Any, Any, Cost]:
            test = self._rate(self.look(candidate), self.test) if candidate in looked else None
            val = self._rate(count_errors(self.texts[self.val], candidate.answers), self.val)
            return val, test, self.costs.of(candidate, self._time_row(candidate))

        return list_candidates(self.candidates, winner, score, kept)

    def _rate(self, counts: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
        return error_rates(counts, generator=np.random.default_rng(self.seed), groups=self.job.groups_of(rows))["wer"]

    def _time_row(self, candidate: Candidate) -> float:
        """Return the milliseconds that a row takes, of up to 16 heard at once, prepared already."""
        rows = self.val[:16]
        began = time.perf_counter()
        self.hear(candidate.network, rows)
        return 1000 * (time.perf_counter() - began) / len(rows)
