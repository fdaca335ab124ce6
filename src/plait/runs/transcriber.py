"""A fitted recogniser: it transcribes, scores, and says what `fit` found. Knows networks and rows, not training."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from plait.core.contract import Table
from plait.core.words import count
from plait.data.media import read_sound
from plait.errors import CellError, RequestError
from plait.models.rows import CHUNK, Callback, Prepared, quiet
from plait.models.speech.decode import Heard
from plait.models.speech.learning import count_errors, frame_seconds, hear_rows
from plait.models.speech.units import Units, normalise
from plait.models.views import View
from plait.proof.explanation import Explanation
from plait.proof.leaderboard import span
from plait.proof.scores import MOST_MODALITIES, error_rates
from plait.runs.answers import Answers
from plait.runs.model import Model, say_next
from plait.runs.predictions import Transcripts

BYTES = 1 << 28  # of prepared sounds in memory at a time


@dataclass
class Transcriber(Model):
    """A fitted recogniser with its proof. predictors: "winner", and the sound's name for the one of the sound alone."""

    _label: ClassVar[str] = "a transcript"
    _needed: ClassVar[str] = "a transcript, a sound"

    @property
    def audio(self) -> str:
        """The name of the sound that is transcribed."""
        return str(self.facts.audio)

    @property
    def units(self) -> Units:
        return Units.from_json(self.facts.units or {})

    def _said(self, table: Table, answered: Answers) -> dict[str, Any]:
        heard = answered.answers[tuple(sorted(self.modalities))].tolist()
        moved = _move_words(heard, self._starts(table, answered))
        return {"heard": [None if one is None else asdict(one) for one in moved], "statuses": answered.statuses}

    def _predictions(self, said: Mapping[str, Any]) -> Transcripts:
        return Transcripts.of([None if one is None else Heard(**one) for one in said["heard"]], said["statuses"])

    def explain(
        self, rows: Any, row: int | None = None, *, folder: str | Path | None = None, callback: Callback = quiet
    ) -> Explanation:
        """Raise RequestError: a transcript cannot be explained yet."""
        raise RequestError(
            "explanations of transcripts are not there yet; predict gives each word with its times and a confidence."
        )

    def _subsets(self) -> list[tuple[str, ...]]:
        """Return the sets of modalities given which it is scored: each has the sound, the last has all."""
        others = sorted(name for name in self.modalities if name != self.audio)
        sizes = range(len(others) + 1) if len(others) < MOST_MODALITIES else sorted({0, len(others) - 1, len(others)})
        return [tuple(sorted((self.audio, *keep))) for size in sizes for keep in itertools.combinations(others, size)]

    def _rate(self, truth: np.ndarray, values: np.ndarray, **given: Any) -> dict[str, Any]:
        return error_rates(count_errors(truth, values), **given)

    def _rate_subsets(
        self, answered: Answers, truth: np.ndarray, rate: Callable[..., Any], **given: Any
    ) -> dict[str, Any]:
        return {"+".join(keep): rate(answered.answers[keep]) for keep in self._subsets()}

    def _cleaned(self, table: Table) -> tuple[np.ndarray, list[str]]:
        return transcripts_of(table, self.target), []

    def _rows_at_a_time(self, strands: Sequence[View]) -> int:
        row_bytes = sum(int(np.prod(s.shape())) * np.dtype(s.dtype()).itemsize for s in strands)
        return int(min(4 * CHUNK, max(16, BYTES // max(1, row_bytes))))

    def _answer_prepared(
        self, prepared: Prepared, subsets: Sequence[tuple[str, ...]], alone: Sequence[str] = ()
    ) -> Answers:
        """Return what is heard, (rows,) of Heard, given each subset of modalities, and by other networks alone."""
        units, rows = self.units, np.arange(len(prepared))

        def hear(name: str, keep: Sequence[str] | None = None) -> np.ndarray:
            network = self.predictor(name)
            seconds = frame_seconds(prepared, network)
            return np.fromiter(hear_rows(network, prepared, rows, units, seconds, keep) if len(rows) else (), object)

        return Answers(
            {tuple(sorted(keep)): hear("winner", keep) for keep in subsets},
            {name: hear(name) for name in alone},
            prepared.present,
            self.statuses(prepared),
        )

    def statuses(self, prepared: Prepared) -> list[tuple[str, str]]:
        """Return (status, reason) of every row: without its sound a row fails, whatever else is there."""
        heard = prepared.present[self.audio]
        found = prepared.statuses(self.modalities)
        return [(status if heard[row] else "failed", reason) for row, (status, reason) in enumerate(found)]

    @property
    def is_mute(self) -> bool:
        """Whether it wrote no word in any test row."""
        return bool(self.facts.mute)

    def _starts(self, table: Table, answered: Answers) -> list[float]:
        """Return where the first frame of each row begins in its sound, in seconds: not 0 where silence is cut off."""
        strand = next(s for s in self.views if s.name == self.audio)
        starts = [0.0] * len(table)
        if not strand.prep.trim:
            return starts
        column = strand.modality.columns[0]
        for row in np.flatnonzero(answered.present[self.audio]).tolist():
            try:
                cell = table.cells(column, [row])[0]
                sound = read_sound(cell, table.folder, sample_rate=table.sample_rates.get(column))
                starts[row] = strand.prep.span(*sound)[0]
            except CellError:  # it could be read a moment ago
                continue
        return starts

    def _say_scores(self, metric: str) -> list[str]:
        units, test = self.units, self.facts.test
        lines = [f"What it can write: {count(len(units.symbols))} {units.kind}."]
        if test is not None and test["metrics"]:
            rates, alone = test["metrics"], test["alone"][self.audio]
            lines.append(
                f"\nOn the {count(test['scored'], 'test row')} the word error rate is {span(rates[metric])} for "
                f"* {self.facts.winner}; 0 is best. The character error rate is {span(rates['cer'])}; "
                f"{span(rates['exact'])} of the rows are right in every word."
            )
            if self.is_mute:
                lines.append("It wrote no word in any of these rows: train longer, with --epochs, or on more rows.")
            if self.modalities != [self.audio] and alone["metrics"]:
                lines.append(f"{self.audio} alone has a word error rate of {span(alone['metrics'][metric])}.")
        elif test is None:
            lines.append(
                "\nThere are no test rows, so the errors on rows never heard are not known; "
                "score another table with evaluate."
            )
        return lines

    def _say_next(self, folder: Path) -> list[str]:
        return [f"\nopen {folder / 'curves.png'}", say_next(folder)]


def _move_words(heard: Sequence[Heard | None], starts: Sequence[float]) -> list[Heard | None]:
    """Return what was heard with the times of its words counted from the start of the sound as it came."""
    return [
        one
        if one is None or not start
        else Heard(one.text, one.confidence, [(w, round(s + start, 3), round(e + start, 3)) for w, s, e in one.words])
        for one, start in zip(heard, starts, strict=True)
    ]


def transcripts_of(table: Table, target: str) -> np.ndarray:
    """Return the transcript of each row, (rows,) of normalised texts: "" of punctuation alone, None of a blank cell."""
    return np.fromiter((None if cell is None else normalise(str(cell)) for cell in table.cells(target)), object)
