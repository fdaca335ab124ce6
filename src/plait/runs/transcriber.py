"""A fitted recogniser: it transcribes, scores, and says what `fit` found. Knows networks and rows, not training."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count
from plait.data.media import read_sound
from plait.data.read import read
from plait.errors import CellError, RequestError
from plait.models.rows import CHUNK, Callback, Prepared, prepare, quiet
from plait.models.speech.decode import Heard
from plait.models.speech.learning import count_errors, frame_seconds, hear_rows
from plait.models.speech.units import Units, normalise
from plait.proof.explanation import Explanation
from plait.proof.leaderboard import FEWEST, board, choose_shown, span
from plait.proof.scores import MOST_MODALITIES, error_rates
from plait.runs.answers import Answers
from plait.runs.model import STOPPED, Model
from plait.runs.transcripts import Transcripts

BYTES = 1 << 28  # of prepared sounds in memory at a time


@dataclass
class Transcriber(Model):
    """A fitted recogniser with its proof. predictors: "winner", and the sound's name for the one of the sound alone."""

    @property
    def audio(self) -> str:
        """The name of the sound that is transcribed."""
        return str(self.facts.audio)

    @property
    def units(self) -> Units:
        return Units.from_json(self.facts.units or {})

    def predict(self, rows: Any, *, folder: str | Path | None = None, callback: Callback = quiet) -> Transcripts:
        """Transcribe every row: as many out as in, in the same order, each with a status.

        rows: anything `plait.read` takes. A row without a sound fails. RequestError when none of the model's columns is
        there.
        """
        table = self._fitting(read(rows, folder), self.modalities, callback)
        answered = self._answer(table, [tuple(self.modalities)], (), callback)
        heard = answered.answers[tuple(sorted(self.modalities))].tolist()
        return Transcripts.of(_move_words(heard, self._starts(table, answered)), answered.statuses)

    def explain(
        self, rows: Any, row: int | None = None, *, folder: str | Path | None = None, callback: Callback = quiet
    ) -> Explanation:
        """Raise RequestError: a transcript cannot be explained yet."""
        raise RequestError(
            "explanations of transcripts are not there yet; predict gives each word with its times and a confidence."
        )

    def subsets(self) -> list[tuple[str, ...]]:
        """Return the sets of modalities given which it is scored: each has the sound, the last has all."""
        others = sorted(name for name in self.modalities if name != self.audio)
        sizes = range(len(others) + 1) if len(others) < MOST_MODALITIES else sorted({0, len(others) - 1, len(others)})
        return [tuple(sorted((self.audio, *keep))) for size in sizes for keep in itertools.combinations(others, size)]

    def grade(self, answered: Answers, target: np.ndarray) -> dict[str, Any]:
        """Return the error rates of what was heard. target: (rows,) normalised texts, None where there is none."""
        spoken = np.array([text is not None for text in target], bool)
        if not spoken.any():
            raise RequestError(f"no row has a transcript in column {self.target!r}; expected at least one to score.")
        failed = np.array([status == "failed" for status, _ in answered.statuses], bool)
        scored = np.flatnonzero(spoken & ~failed)
        generator = np.random.default_rng(self.facts.seed)

        def rates(heard: np.ndarray) -> dict[str, Any]:
            if not len(scored):
                return {"rows": 0, "metrics": {}}
            counts = count_errors(target[scored], heard[scored])
            return {"rows": len(scored), "metrics": error_rates(counts, generator=generator)}

        return {
            "rows": len(target),
            "scored": len(scored),
            "failed": int(failed.sum()),
            "metrics": rates(answered.answers[tuple(sorted(self.modalities))])["metrics"],
            "by_modalities": {"+".join(keep): rates(answered.answers[keep]) for keep in self.subsets()},
            "alone": {name: rates(heard) for name, heard in answered.alone.items()},
        }

    def _cleaned(self, table: Table) -> np.ndarray:
        texts = np.empty(len(table), dtype=object)
        texts[:] = [None if cell is None else normalise(str(cell)) for cell in table.cells(self.target)]
        return texts

    def _answer(
        self, table: Table, subsets: Sequence[tuple[str, ...]], alone: Sequence[str], callback: Callback
    ) -> Answers:
        """Prepare and hear in chunks, so that memory does not grow with the files behind the rows."""
        strands = [s for s in self.views if s.name in {*self.modalities, *alone}]
        row_bytes = sum(int(np.prod(s.shape())) * np.dtype(s.dtype()).itemsize for s in strands)
        step = int(min(4 * CHUNK, max(16, BYTES // max(1, row_bytes))))
        parts: list[Answers] = []
        for start in range(0, max(1, len(table)), step):
            chunk = table.take(np.arange(start, min(start + step, len(table))))
            parts.append(self.answer_prepared(prepare(chunk, strands), subsets, alone))
            callback({"stage": "predict", "done": min(start + step, len(table)), "total": len(table)})
        return Answers.join(parts)

    def answer_prepared(
        self, prepared: Prepared, subsets: Sequence[tuple[str, ...]], alone: Sequence[str] = ()
    ) -> Answers:
        """Return what is heard, (rows,) of Heard, given each subset of modalities, and by other networks alone."""
        units, rows = self.units, np.arange(len(prepared))

        def hear(name: str, keep: Sequence[str] | None = None) -> np.ndarray:
            network = self.predictor(name)
            heard = np.empty(len(rows), dtype=object)
            if len(rows):
                seconds = frame_seconds(prepared, network)
                heard[:] = hear_rows(network, prepared, rows, units, seconds, keep)
            return heard

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

    def summary(self) -> str:
        """Return what `fit` prints at its end: the leaderboard, the score, the holes, and the next command."""
        facts, lines = self.facts, []
        lines.append(board(choose_shown(self.leaderboard), "wer"))
        if len(self.leaderboard) > 1:
            lines.append("* the plan that was asked for" if facts.options.get("fusion") else f"* {FEWEST}")
        lines += self.say_rows("a transcript, a sound")
        units = self.units
        lines.append(f"What it can write: {count(len(units.symbols))} {units.kind}.")
        test = facts.test
        if test is not None and test["metrics"]:
            found = test["metrics"]
            lines.append(
                f"\nOn the {count(test['scored'], 'test row')} the word error rate is {span(found['wer'])} for "
                f"* {facts.winner}; 0 is best. The character error rate is {span(found['cer'])}; "
                f"{span(found['exact'])} of the rows are right in every word."
            )
            if self.is_mute:
                lines.append("It wrote no word in any of these rows: train longer, with --epochs, or on more rows.")
            alone = test["alone"][self.audio]
            if self.modalities != [self.audio] and alone["metrics"]:
                lines.append(f"{self.audio} alone has a word error rate of {span(alone['metrics']['wer'])}.")
        elif test is None:
            lines.append(
                "\nThere are no test rows, so the errors on rows never heard are not known; "
                "score another table with evaluate."
            )
        lines.append(f"\n{facts.study['verdict']['sentence']}")
        if facts.stopped:
            lines.append(STOPPED[facts.stopped])
        if self.folder is not None and self.keeper is None:
            lines.append(f"\nopen {self.folder / 'curves.png'}")
            lines.append(
                f"next: plait evaluate {self.folder} TABLE   or   plait predict {self.folder} TABLE --out answers.csv"
            )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.summary()


def _move_words(heard: Sequence[Heard | None], starts: Sequence[float]) -> list[Heard | None]:
    """Return what was heard with the times of its words counted from the start of the sound as it came."""
    return [
        one
        if one is None or not start
        else Heard(one.text, one.confidence, [(w, round(s + start, 3), round(e + start, 3)) for w, s, e in one.words])
        for one, start in zip(heard, starts, strict=True)
    ]
