"""A fitted run of several targets: a model each, asked together. Knows models, not how they were found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np

from plait.core import notebook
from plait.core.contract import Table
from plait.core.files import digest, seal, write_json
from plait.core.tables import PLAIN
from plait.core.terminal import text_table
from plait.core.words import count, metric_name
from plait.data.read import read, read_rows
from plait.data.spelling import match_names
from plait.errors import RequestError, did_you_mean
from plait.models.predictors import input_names
from plait.models.rows import Callback, prepare, quiet
from plait.models.views import View
from plait.proof.evaluation import Evaluation
from plait.proof.leaderboard import Proof, span
from plait.runs.answers import Answers
from plait.runs.arrival import take_columns
from plait.runs.facts import Sentence
from plait.runs.folder import copy_run, remove_run
from plait.runs.model import Model, say_next, tell
from plait.runs.predictions import TargetPredictions

if TYPE_CHECKING:
    from plait.proof.explanation import Explanation

SEVERAL = 5  # the format of the run.json that lists runs of one target each
RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d|unfinished|run|study|history", re.IGNORECASE)
LONGEST = 60  # letters of a folder's name


class Part(TypedDict):
    """The run of one target: its folder, and the seal of the run.json in it."""

    folder: str
    seal: str


class Listing(TypedDict):
    """What run.json says of a run of several targets."""

    task: str
    targets: dict[str, Part]
    files: dict[str, str]
    sharing: NotRequired[Sentence | None]


def name_folders(targets: Sequence[str]) -> dict[str, str]:
    """Return {target: the name of its folder}: letters, numbers, - and _ alone, each once on any system.

    >>> name_folders(["stars", "is it / good?", "Stars"])
    {'stars': 'stars', 'is it / good?': 'is_it_good', 'Stars': 'Stars_2'}
    """
    names: dict[str, str] = {}
    for target in targets:
        plain = re.sub(r"[^\w-]+", "_", target).strip("_-")[:LONGEST] or "target"
        plain = f"{plain}_1" if RESERVED.fullmatch(plain) else plain
        name, number = plain, 2
        while name.casefold() in {taken.casefold() for taken in names.values()}:
            name, number = f"{plain}_{number}", number + 1
        names[target] = name
    return names


@dataclass(repr=False)
class Targets:
    """Fitted predictors of several columns, with their proof. `plait.fit` of several targets makes one.

    Args:
        models: {target: its Model}. `run[target]` is one of them, which does all that a model does.
        facts: what run.json holds.
        folder: the run folder.

    Example:
        >>> run = plait.fit({"age": [20, 60] * 20, "sick": ["no", "yes"] * 20, "note": ["well", "fever"] * 20},
        ...                 target=["age", "sick"], candidates="classic")
        >>> run.targets, run["sick"].classes
        (['age', 'sick'], ['no', 'yes'])
    """

    models: dict[str, Model]
    facts: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    _keeper: Any = field(default=None, repr=False)
    # where it was fitted just now: {"engine", "nodes", "tasks", "elsewhere"}
    on: dict[str, Any] = field(default_factory=dict, repr=False, init=False)

    @property
    def task(self) -> str:
        """What is learned: targets, each by a model of its own task."""
        return "targets"

    @property
    def targets(self) -> list[str]:
        """The columns that are predicted."""
        return list(self.models)

    @property
    def modalities(self) -> list[str]:
        """The modalities that the winner of any target uses."""
        return list(dict.fromkeys(name for model in self.models.values() for name in model.modalities))

    @property
    def sharing(self) -> dict[str, Any] | None:
        """Whether learning the targets together beat learning them apart: a sentence, and a test of each."""
        return self.facts.get("sharing")

    @property
    def study(self) -> TargetProofs:
        """The study of each target; print it."""
        return TargetProofs({name: model.study for name, model in self.models.items()}, self.sharing)

    def __getitem__(self, target: str) -> Model:
        if target not in self.models:
            raise RequestError(f"the run has no target {target!r}. {did_you_mean(target, self.targets)}")
        return self.models[target]

    def __iter__(self) -> Iterator[str]:
        return iter(self.models)

    def __len__(self) -> int:
        return len(self.models)

    def use(self, name: str) -> Targets:
        """Return this run with another predictor of each target as the one that answers.

        Args:
            name: as in `Model.use`.

        Raises:
            RequestError: a target has no such predictor.
        """
        return replace(self, models={target: model.use(name) for target, model in self.models.items()})

    def predict(
        self,
        rows: Any,
        *,
        keep: Sequence[str] = (),
        folder: str | Path | None = None,
        callback: Callback = quiet,
    ) -> TargetPredictions:
        """Return an answer of each target for every row: as many rows out as in, in the same order.

        Args:
            rows, keep, folder, callback: as in `Model.predict`.

        Raises:
            TableError, RequestError: the table cannot be read, or has none of the columns.
        """
        given = read_rows(rows, folder)
        first = next(iter(self.models.values()))
        kept = take_columns(given, [keep] if isinstance(keep, str) else keep, first._ids(given))
        answers: dict[str, Any] = {}
        notes: list[str] = []
        for models in self._alike:
            names = list(dict.fromkeys(name for model in models for name in model.modalities))
            table, said = models[0]._fitting(given, names, callback)
            notes += [note for note in said if note not in notes]
            answers |= {
                model.target: model._predictions(model._said(table, answered))
                for model, answered in zip(models, answer_alike(models, table, callback), strict=True)
            }
        tell(notes, callback)
        return TargetPredictions({name: answers[name] for name in self.models}, kept, notes, first.candidate)

    @cached_property
    def _alike(self) -> list[list[Model]]:
        """The models in groups whose views are the same, so that a row is prepared once for all of a group."""
        groups: list[list[Model]] = []
        for model in self.models.values():
            for group in groups:
                if all(_same_views(model.views, other.views) for other in group):
                    group.append(model)
                    break
            else:
                groups.append([model])
        return groups

    def evaluate(self, rows: Any, *, folder: str | Path | None = None, callback: Callback = quiet) -> Evaluation:
        """Return the scores of each target that the table has: {"targets": {name: as `Model.evaluate`}}.

        Args:
            rows, folder, callback: as in `Model.evaluate`.

        Raises:
            TableError, RequestError: the table cannot be read, has none of the targets, or no label of one.
        """
        table = read(rows, folder)
        scores, lacking, blank = {}, [], []
        for name, model in self.models.items():
            found = match_names(table.names, [name], model._known_names())
            if found and any(cell is not None for cell in table.cells(found[name])):
                scores[name] = model.evaluate(table, callback=name_target(callback, name))
            else:
                lacking.append(name)
                blank += [repr(name)] * bool(found)
        if blank and not scores:
            raise RequestError(f"no row has a label in {', '.join(blank)}; expected at least one to score.")
        if not scores:
            raise RequestError(
                f"to score, the table needs labels in one of the columns {', '.join(map(repr, self.targets))}. "
                f"{did_you_mean(self.targets[0], table.names)}"
            )
        notes = [f"no label of {name!r} is in {table.source}: that target is not scored." for name in lacking]
        tell(notes, callback)
        return Evaluation({"targets": scores, **({"notes": notes} if notes else {})})

    def explain(
        self, rows: Any, row: int | None = None, *, folder: str | Path | None = None, callback: Callback = quiet
    ) -> TargetExplanations:
        """Return how much each modality made of each answer, for each target as `Model.explain`.

        Args:
            rows, row, folder, callback: as in `Model.explain`.

        Raises:
            TableError, RequestError: the table cannot be read, or has no such row or none of the columns.
        """
        table = read_rows(rows, folder)
        explained = {
            name: model.explain(table, row, callback=name_target(callback, name)) for name, model in self.models.items()
        }
        return TargetExplanations(explained)

    # -- saying what it is --------------------------------------------------------------------------------------------

    def lines(self) -> list[dict[str, Any]]:
        """Return for each target its name, task, winner, metric, score and rows of the test, and verdict."""
        lines = []
        for name, model in self.models.items():
            study, test = model.facts.study, model.facts.test
            line: dict[str, Any] = {"name": name, "task": model.task, "winner": model.facts.winner}
            line["metric"] = metric_name(study["metric"])
            line["test"] = None if test is None or not test["metrics"] else test["metrics"][study["metric"]]
            line["rows"] = 0 if test is None else test.get("scored", test["rows"])
            lines.append({**line, "verdict": study["verdict"]["sentence"]})
        return lines

    def board(self) -> str:
        """Return one line for each target as plain text: what won, and what it reached."""
        told = [
            [*(line[key] for key in ("name", "task", "winner", "metric")), span(line["test"]), count(line["rows"])]
            for line in self.lines()
        ]
        return text_table(["target", "task", "winner", "metric", "test", "rows"], told)

    def summary(self) -> str:
        """Return what `fit` prints at its end: one table, what sharing did, and the verdict of each target."""
        parts = [self.board()]
        if self.sharing is not None:
            parts.append(self.sharing["sentence"])
        parts += [f"{name}: {model.study.sentence}" for name, model in self.models.items()]
        if self.folder is not None and self._keeper is None:
            opened = [f"open {self.folder / 'report.html'}"] if "report.html" in self.facts["files"] else []
            parts.append("\n".join([*opened, say_next(self.folder)]))
        return "\n\n".join(parts)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"Targets({', '.join(f'{name}: {model.task}' for name, model in self.models.items())})"

    def _repr_html_(self) -> str:
        """Return what won of each target and what it reached, as a cell of a notebook."""
        told = [
            [*(line[key] for key in ("name", "task", "winner", "metric")), span(line["test"]), line["verdict"]]
            for line in self.lines()[: notebook.MOST_ROWS]
        ]
        header = ["target", "task", "winner", "metric", "test", "verdict"]
        said = [notebook.say(self.sharing["sentence"], "told")] if self.sharing is not None else []
        return notebook.cell(
            notebook.head(count(len(self.models), "target")),
            notebook.grid(header, told, len(self.models), "target"),
            *said,
        )

    # -- folders ------------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> Path:
        """Copy the run to `folder`, which must not exist or be empty, and return it.

        Raises:
            RunError: the folder is not empty, or the run has none to copy.
        """
        return copy_run(self.folder, folder)

    def write(self, folder: Path, made: Mapping[str, Path], extra: Sequence[Path]) -> None:
        """Write finished runs and files into a folder, in place of the run in it; run.json comes last.

        made: {target: the finished run}, each in a folder whose name it keeps.
        """
        remove_run(folder)
        for target, place in made.items():
            remove_run(folder / place.name)  # of a fit that was killed right here
            if (folder / place.name).is_dir():
                (folder / place.name).rmdir()
            self.models[target].folder = place.replace(folder / place.name)
        parts = {
            target: {"folder": place.name, "seal": self.models[target].facts.seal} for target, place in made.items()
        }
        for file in extra:
            file.replace(folder / file.name)
        files = {file.name: digest(folder / file.name) for file in extra}
        self.facts = {"format": SEVERAL, "task": self.task, "targets": parts, "files": files, **self.facts}
        self.facts["seal"] = seal(self.facts)
        write_json(folder / "run.json", self.facts)
        self.folder = folder


@dataclass(frozen=True, repr=False)
class TargetProofs:
    """The study of each target, and whether learning them together was worth it. `print` shows them."""

    of: Mapping[str, Proof]
    sharing: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        return {"targets": {name: proof.to_json() for name, proof in self.of.items()}, "sharing": self.sharing}

    def table(self, form: str = PLAIN) -> str:
        """Return the candidates of each target as tables. form: text, markdown or latex."""
        mark = "% " if form == "latex" else ""
        return "\n\n".join(f"{mark}target {name}\n\n{proof.table(form)}" for name, proof in self.of.items())

    def __str__(self) -> str:
        parts = [f"target {name}\n\n{proof}" for name, proof in self.of.items()]
        return "\n\n\n".join([*parts, *([self.sharing["sentence"]] if self.sharing is not None else [])])

    def __repr__(self) -> str:
        return f"TargetProofs({', '.join(f'{name}: {proof.winner}' for name, proof in self.of.items())})"

    def _repr_html_(self) -> str:
        """Return the study of each target, one under the other."""
        return "".join(notebook.cell(notebook.head(f"target {name}")) + p._repr_html_() for name, p in self.of.items())


@dataclass(frozen=True, repr=False)
class TargetExplanations:
    """An explanation of each target. `print` shows them."""

    of: Mapping[str, Explanation]

    def __getitem__(self, target: str) -> Explanation:
        return self.of[target]

    def to_json(self) -> dict[str, Any]:
        return {"targets": {name: explanation.to_json() for name, explanation in self.of.items()}}

    def __str__(self) -> str:
        return "\n\n\n".join(f"target {name}\n\n{explanation}" for name, explanation in self.of.items())

    def __repr__(self) -> str:
        return f"TargetExplanations({', '.join(self.of)})"

    def _repr_html_(self) -> str:
        """Return the explanation of each target, one under the other."""
        return "".join(notebook.cell(notebook.head(f"target {name}")) + e._repr_html_() for name, e in self.of.items())


def answer_alike(models: Sequence[Model], table: Table, callback: Callback = quiet) -> list[Answers]:
    """Prepare the rows in chunks, once for all models, and answer by each."""
    views: dict[str, View] = {}
    for model in models:
        read_by = input_names(model.predictor())
        views |= {v.name: v for v in model.views if v.of in model.modalities and (v.is_main or v.name in read_by)}
    step = min(model._rows_at_a_time([*views.values()]) for model in models)
    parts: list[list[Answers]] = [[] for _ in models]
    for start in range(0, max(1, len(table)), step):
        prepared = prepare(table.take(np.arange(start, min(start + step, len(table)))), [*views.values()])
        for own, model in zip(parts, models, strict=True):
            own.append(model._answer_prepared(prepared, [tuple(model.modalities)]))
        callback({"stage": "predict", "done": min(start + step, len(table)), "total": len(table)})
    return [Answers.join(own) for own in parts]


def _same_views(views: Sequence[View], others: Sequence[View]) -> bool:
    """Whether views of one name are the same in two models."""
    known = {view.name: view for view in others}
    return all(view.name not in known or _same(view, known[view.name]) for view in views)


def _same(view: View, other: View) -> bool:
    if view is other:
        return True
    (facts, arrays), (others, theirs) = view.state(), other.state()
    alike = facts == others and arrays.keys() == theirs.keys()
    return alike and all(np.array_equal(x, theirs[name], equal_nan=x.dtype.kind == "f") for name, x in arrays.items())


def name_target(callback: Callback, target: str) -> Callback:
    """Return a callback whose notes and stages say of which target they are."""

    def named(event: dict[str, Any]) -> None:
        callback({**event, **{key: f"{target}: {event[key]}" for key in ("note", "stage") if key in event}})

    return named
