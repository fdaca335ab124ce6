"""A fitted model and its folder: predict, evaluate, save, load.

Knows networks and prepared rows, not how they were found.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.converters.in_fit import Made, apply_conversions
from plait.core.contract import Table, clean_label
from plait.core.files import (
    consistent,
    digest,
    file_in,
    read_json,
    seal,
    write_bytes,
    write_json,
    write_tensors,
)
from plait.core.options import REPORT_ROWS
from plait.core.words import count, say_curve, say_encoders
from plait.data.parse import read_amounts
from plait.data.read import read
from plait.errors import RequestError, RunError, did_you_mean
from plait.models.predictors import store_predictors
from plait.models.rows import CHUNK, Callback, prepare, quiet
from plait.models.views import Strand
from plait.proof.leaderboard import HEADLINE, SIMPLEST, Proof, board, choose_shown, span
from plait.proof.scores import MOST_MODALITIES, by_modalities, intervals
from plait.runs.answers import Answers, answer_prepared
from plait.runs.facts import RunFacts
from plait.runs.predictions import Predictions, status_line

if TYPE_CHECKING:
    from plait.proof.explanation import Explanation

FORMAT = 3
WEIGHTS = "weights.safetensors"
STOPPED = {
    "time": "The time limit ended the fit; the best so far is kept.",
    "interrupt": "The fit was interrupted; the best so far is kept.",
}


@dataclass
class Model:
    """A fitted predictor with its proof.

    facts: what run.json holds, by attribute or as a mapping. predictors: "winner", and for each modality the best that
    looks at it alone.
    """

    facts: RunFacts
    strands: list[Strand]
    predictors: dict[str, Any]
    folder: Path | None = None
    keeper: Any = field(default=None, repr=False)  # removes a temporary folder with the model
    made: list[Made] = field(default_factory=list, repr=False)  # modalities made of others, and cells filled from them

    @property
    def task(self) -> str:
        return self.facts.task

    @property
    def target(self) -> str:
        return self.facts.target

    @property
    def classes(self) -> list[Any] | None:
        return self.facts.classes

    @property
    def prior(self) -> np.ndarray:
        """What the model says when nothing is present: (class,) shares of the training rows, or (1,) their mean."""
        return np.array(self.facts.prior, float)

    @property
    def modalities(self) -> list[str]:
        """The modalities that the winner uses."""
        return [s.name for s in self.strands if s.name in self.predictors["winner"].names]

    @property
    def leaderboard(self) -> list[dict[str, Any]]:
        """Every candidate: name, plan, recipe, val and test (the headline metric), seconds, params, winner."""
        return list(self.facts.study["candidates"])

    @property
    def study(self) -> Proof:
        """All candidates, the winner, and the verdict on fusion; print it."""
        return Proof(self.facts.study)

    @property
    def report_rows(self) -> int | None:
        """How many test rows (or validation rows) the report's robustness and explanations are of; None of all."""
        facts = self.facts
        rows = facts.splits["test"] or facts.splits["val"]
        most = facts.options.get("report_rows") or REPORT_ROWS
        measured = "report.html" in (facts.files or {}) and "report_rows" in facts.options and not facts.stopped
        return most if measured and most < rows else None

    def predictor(self, name: str = "winner") -> Any:
        """Return the winner, or a modality alone, as a predictor: Batch → probabilities (batch, class) or values."""
        return self.predictors[name]

    def predict(self, rows: Any, *, folder: str | Path | None = None, callback: Callback = quiet) -> Predictions:
        """Answer for every row: as many out as in, in the same order, each with a status.

        rows: anything `plait.read` takes. A column that is not there is absent in every row; RequestError when none of
        the model's columns is there.
        """
        table = self._fitting(read(rows, folder), self.modalities, callback)
        answered = self._answer(table, [tuple(self.modalities)], (), callback)
        values = answered.answers[tuple(sorted(self.modalities))]
        failed = np.array([status == "failed" for status, _ in answered.statuses], bool)
        values[failed] = np.nan
        status, reason = [s for s, _ in answered.statuses], [r for _, r in answered.statuses]
        if self.classes is None:
            labels = [None if bad else float(value) for bad, value in zip(failed, values[:, 0], strict=True)]
            return Predictions(labels, None, status, reason)
        best = np.where(failed[:, None], 0.0, values).argmax(1)
        labels = [None if bad else self.classes[i] for bad, i in zip(failed, best, strict=True)]
        return Predictions(labels, values, status, reason, list(self.classes))

    def evaluate(self, rows: Any, *, folder: str | Path | None = None, callback: Callback = quiet) -> dict[str, Any]:
        """Score every row that has a label: overall, given each subset of modalities, and each modality trained alone.

        Returns rows, scored, failed, metrics, by_modalities and alone, all numbers with 95 % intervals. Failed rows are
        left out, and counted. Raises RequestError when the table lacks the target or has no label.
        """
        table = read(rows, folder)
        if self.target not in table.names:
            raise RequestError(
                f"to score, the table needs the column {self.target!r}. {did_you_mean(self.target, table.names)}"
            )
        target = self._cleaned(table)
        scores, answered = self.score(self._fitting(table, [s.name for s in self.strands], callback), target, callback)
        callback({"note": status_line([status for status, _ in answered.statuses])})
        return scores

    def explain(
        self, rows: Any, row: int | None = None, *, folder: str | Path | None = None, callback: Callback = quiet
    ) -> Explanation:
        """Return how much each modality made of each answer; with row, of that one, and what inside it mattered.

        rows: anything `plait.read` takes. Raises RequestError for a row that there is not, or when none of the model's
        columns is there. See `plait.explain`.
        """
        from plait.proof.attribution import explain_table

        return explain_table(
            self._fitting(read(rows, folder), self.modalities, callback),
            self.strands,
            self.predictor(),
            classes=self.classes,
            row=row,
            seed=self.facts.seed,
            callback=callback,
        )

    def score(self, table: Table, target: np.ndarray, callback: Callback = quiet) -> tuple[dict[str, Any], Answers]:
        """Score a table whose targets are given: (rows,) labels or numbers, None where there is none."""
        answered = self._answer(table, self.subsets(), list(self.alone), callback)
        return self.grade(answered, target), answered

    @property
    def alone(self) -> dict[str, Any]:
        """The best predictor of each modality by itself."""
        return {name: predictor for name, predictor in self.predictors.items() if name != "winner"}

    def subsets(self) -> list[tuple[str, ...]]:
        """Return the sets of modalities given which the model is scored, names sorted; all of them last."""
        names = sorted(self.modalities)
        sizes = range(1, len(names) + 1) if len(names) <= MOST_MODALITIES else (1, len(names) - 1, len(names))
        return [keep for size in sizes for keep in itertools.combinations(names, size)]

    def grade(self, answered: Answers, target: np.ndarray) -> dict[str, Any]:
        """Return the scores of answers, given each subset of modalities and by each alone. target: as in `score`."""
        names = sorted(self.modalities)
        failed = np.array([status == "failed" for status, _ in answered.statuses], bool)
        labelled = np.array([self._is_label(value) for value in target], bool)
        if not labelled.any():
            raise RequestError(f"no row has a label in column {self.target!r}; expected at least one to score.")
        scored = np.flatnonzero(labelled & ~failed)
        generator = np.random.default_rng(self.facts.seed)
        truth = np.array(
            [value if there else None for value, there in zip(target, labelled, strict=True)], dtype=object
        )
        given: dict[str, Any] = {"classes": self.classes, "generator": generator}
        shape = (lambda x: x) if self.classes is not None else (lambda x: x[:, 0])
        whole = answered.answers[tuple(names)]
        result: dict[str, Any] = {
            "rows": len(target),
            "scored": len(scored),
            "failed": int(failed.sum()),
            "metrics": intervals(truth[scored], shape(whole[scored]), **given) if len(scored) else {},
        }
        present = {name: answered.present[name] for name in names}
        result["by_modalities"] = by_modalities(
            lambda keep: shape(answered.answers[tuple(sorted(keep))]), present, truth, self.classes, generator
        )
        result["alone"] = {}
        for name in self.alone:
            own = np.flatnonzero(labelled & answered.present[name])
            metrics = intervals(truth[own], shape(answered.alone[name][own]), **given) if len(own) else {}
            result["alone"][name] = {"rows": len(own), "metrics": metrics}
        return result

    def _cleaned(self, table: Table) -> np.ndarray:
        """Return the labels of a table (rows,) as training read them: text without blanks, numbers as written."""
        if self.classes is None:
            return np.array(read_amounts(table, self.target, bool(self.facts.decimal_comma)), dtype=object)
        found = np.empty(len(table), dtype=object)
        found[:] = [clean_label(cell) for cell in table.cells(self.target)]
        return found

    def _is_label(self, value: Any) -> bool:
        return value is not None and not (isinstance(value, float) and value != value)

    def _fitting(self, table: Table, names: Sequence[str], callback: Callback = quiet) -> Table:
        """Return the table with the columns these modalities need; one that is not there is absent in every row.

        What fit made of other columns is made here as well, and what it filled is filled, but for training only.
        """
        columns = [c for s in self.strands if s.name in names for c in s.modality.columns]
        made = [one for one in self.made if one.modality in names]
        sources = {column for one in made for column in one.columns}
        if not (set(columns) | sources) & set(table.names):
            raise RequestError(
                f"none of the model's columns ({', '.join(columns)}) is in {table.source}; "
                f"it has: {', '.join(table.names)}."
            )
        rates = {**self.facts.sample_rates, **table.sample_rates}
        table = apply_conversions(replace(table, sample_rates=rates), made, callback)
        # no Arrow array, since Arrow imports pandas, where there is one, to make it
        data = {c: table.data[c] if c in table.data else np.full(len(table), None, object) for c in columns}
        return Table(data, table.folder, table.source, rates, table.lines, table.notes)

    def _answer(
        self, table: Table, subsets: Sequence[tuple[str, ...]], alone: Sequence[str], callback: Callback
    ) -> Answers:
        """Prepare and answer in chunks, so that memory does not grow with the files behind the rows."""
        used = set(self.modalities) | set(alone)
        strands = [s for s in self.strands if (s.shadow or s.name) in used]
        predictor = self.predictor()
        parts: list[Answers] = []
        step = self._step()
        for start in range(0, max(1, len(table)), step):
            chunk = table.take(np.arange(start, min(start + step, len(table))))
            prepared = prepare(chunk, strands)
            parts.append(
                answer_prepared(prepared, predictor, subsets, {n: self.predictor(n) for n in alone}, self.modalities)
            )
            callback({"stage": "predict", "done": min(start + step, len(table)), "total": len(table)})
        return Answers.join(parts)

    def _step(self) -> int:
        """Return how many rows are prepared at a time."""
        return 4 * CHUNK

    # -- saying what it is --------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Return what `fit` prints at its end: the leaderboard, the score, the holes, and the next command."""
        metric = HEADLINE[self.task]
        facts, lines = self.facts, []
        shown = choose_shown(self.leaderboard)
        lines.append(board(shown, metric))
        if len(self.leaderboard) > 1:
            lowest = "the lowest loss on validation" if facts.options.get("fusion") else SIMPLEST
            lines.append(f"* {lowest}, among {'the fused' if facts.options.get('fusion') else 'all'}")
        if len(self.leaderboard) > len(shown):
            more = count(len(self.leaderboard) - len(shown), "more candidate")
            lines.append(f"{more}: print(model.study), plait study RUN")
        lines += self.say_rows("a label")
        lines += say_encoders(facts.encoders or {})
        test = facts.test
        if test is not None and test["metrics"]:
            lines.append(f"\nOn the test rows {metric} is {span(test['metrics'][metric])} for * {facts.winner}.")
            for name, alone in test["alone"].items():
                if alone["metrics"]:
                    lines.append(
                        f"{name} alone reaches {span(alone['metrics'][metric])} "
                        f"on the {count(alone['rows'], 'test row that has', 'test rows that have')} it."
                    )
        elif facts.folds:
            checked = facts.folds
            lines.append(
                f"\nOn {count(checked['rows'], 'row')}, each left out {count(checked['repeats'], 'time')} in "
                f"{count(checked['folds'], 'fold')}, "
                f"{metric} is {span(checked['metrics'][metric])}, by what won without them."
            )
        elif test is None:
            lines.append(
                "\nThere are no test rows, so the score on rows never seen is not known; "
                "score another table with evaluate."
            )
        lines.append(f"\n{facts.study['verdict']['sentence']}")
        lines += [one["sentence"] for one in facts.study.get("conversions", [])]
        if facts.learning_curve:
            lines.append(say_curve(facts.learning_curve, metric))
        if facts.stopped:
            lines.append(STOPPED[facts.stopped])
        if self.folder is not None and self.keeper is None:
            picture = "confusion.png" if self.classes is not None else "scatter.png"
            page = "report.html" if "report.html" in (facts.files or {}) else picture
            lines.append(f"\nopen {self.folder / page}")
            if (drawn := self.report_rows) is not None:
                lines.append(
                    f"its robustness and explanations are of {count(drawn, 'row')}, drawn; of more with --report-rows"
                )
            lines.append(
                f"next: plait evaluate {self.folder} TABLE   or   plait predict {self.folder} TABLE --out answers.csv"
                f"   or   plait explain {self.folder} TABLE --row 0"
            )
        return "\n".join(lines)

    def say_rows(self, what: str) -> list[str]:
        """Return sentences on the rows, their splits and their holes. what: that without which a row is left out."""
        facts, lines = self.facts, []
        counts = facts.splits
        lines.append(
            f"\n{count(facts.rows, 'row')}: {count(counts['train'])} train, {count(counts['val'])} validation, "
            f"{count(counts['test'])} test"
            + (f", {count(facts.unlabelled)} without {what} or split" if facts.unlabelled else "")
            + "."
        )
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

    def __str__(self) -> str:
        return self.summary()

    # -- folders ------------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> Path:
        """Copy the run to another folder, which must not exist or be empty. Raises RunError otherwise."""
        folder = Path(folder)
        if folder.exists() and any(folder.iterdir()):
            raise RunError(f"{folder} is not empty; name another folder.")
        if self.folder is None:
            raise RunError("this model has no folder to copy.")
        paths = list_files(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for path in paths:
            shutil.copy2(path, folder / path.name, follow_symlinks=False)
        return folder

    def write(self, folder: Path, extra: Mapping[str, Callable[[Path], Any]]) -> None:
        """Write the run folder: every file first, run.json with their hashes last. extra: {file name: its writer}."""
        tensors: dict[str, np.ndarray] = {}
        strands = []
        for index, strand in enumerate(self.strands):
            data, arrays = strand.state()
            strands.append(data)
            tensors |= {f"prep.{index}.{key}": value for key, value in arrays.items()}
        stored = store_predictors(self.predictors)
        tensors |= stored.tensors
        files = {name: _writer(data) for name, data in stored.files.items()}
        extra = {**extra, **files}
        with tempfile.TemporaryDirectory(dir=folder, prefix=".final-") as place:
            final = Path(place)
            write_tensors(final / WEIGHTS, tensors)
            for name, writer in extra.items():
                writer(final / name)
            facts = self.facts
            facts.format, facts.strands = FORMAT, strands
            facts.predictors = {"parts": stored.parts, "roles": stored.roles}
            facts.files = {name: digest(final / name) for name in sorted([WEIGHTS, *extra])}
            facts.seal = seal(facts.to_json())
            # an older run is no longer whole from here on, and none of its files may stay; run.json goes last
            for path in list_files(folder):
                path.unlink()
            for name in facts.files:
                (final / name).replace(folder / name)
            write_json(folder / "run.json", facts.to_json())
        self.folder = folder


def list_files(folder: Path) -> list[Path]:
    """Return the files of the run in a folder that are there, run.json last. Raises RunError where it names others."""
    if not os.path.lexists(folder / "run.json"):
        return []
    path = file_in(folder, "run.json")
    with consistent(path):
        paths = [file_in(folder, name, missing=True) for name in read_json(path).get("files", {})]
    return [*(file for file in paths if file.exists()), path]


def _writer(data: bytes) -> Callable[[Path], Any]:
    return lambda path: write_bytes(path, data)
