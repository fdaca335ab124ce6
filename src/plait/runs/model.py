"""A fitted model and its folder: predict, evaluate, save, load.

Knows networks and prepared rows, not how they were found.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plait.core import notebook
from plait.core.classes import Ordered, Several
from plait.core.contract import Schema, Table, group_rows
from plait.core.files import (
    digest,
    seal,
    write_bytes,
    write_json,
    write_tensors,
)
from plait.core.language import retell, say
from plait.core.options import REPORT_ROWS
from plait.core.threads import single_blas
from plait.core.words import count, say_curve, say_encoders
from plait.data.parse import Written, how_written, read_amounts
from plait.data.read import read, read_rows
from plait.data.spelling import match_names, say_matches
from plait.errors import RequestError, did_you_mean
from plait.kinds import kind_of_column
from plait.models.predictors import input_names, store_predictors
from plait.models.rows import CHUNK, FEW, Callback, Prepared, prepare, quiet
from plait.models.views import View
from plait.proof.evaluation import Evaluation
from plait.proof.leaderboard import (
    Leaderboard,
    Proof,
    board,
    board_html,
    choose_shown,
    rule_of,
    say_gaps,
    verdict_html,
)  # fmt: skip
from plait.runs.answers import Answers, answer_prepared
from plait.runs.arrival import (
    add_absent,
    count_learned,
    hash_rows,
    read_classes,
    rename_columns,
    say_lacking,
    take_columns,
)
from plait.runs.facts import RunFacts
from plait.runs.folder import copy_run, remove_run
from plait.runs.kept import KeptSource
from plait.runs.predictions import Predictions, status_line
from plait.runs.summary import say_refit, say_scores, say_splits
from plait.runs.unseen import Unseen

if TYPE_CHECKING:
    from plait.converters.in_fit import Made
    from plait.proof.explanation import Explanation
    from plait.runs.embedding import Embeddings
    from plait.tasks.runner import Runner

FORMAT = 4
MOST_SAID = 4  # sentences on scores that a cell of a notebook shows
PROOF = "proof"  # the role of the winner as it was when the test rows were looked at
NETWORK = "network"  # the role of the best of networks alone, where the winner asks something else
WEIGHTS = "weights.safetensors"
LEARNED = "learned.rows"  # in it, the hashes of the rows that were learned from
STOPPED = {
    "time": "The time limit ended the fit; the best so far is kept.",
    "interrupt": "The fit was interrupted; the best so far is kept.",
}


@dataclass(repr=False)
class Model:
    """A fitted predictor with its proof: print it, ask it. `plait.fit` and `plait.load` make one.

    Args:
        facts: what run.json holds, by attribute or as a mapping.
        views: the modalities, each with its preparation.
        predictors: "winner", for each modality the best that looks at it alone, and "proof", the winner as it was when
            the test rows were looked at, if it has learned from more rows since; and "network", the best that asks
            networks alone, if the winner does not.
        folder: the run folder.
        candidate: the name by which `use` was asked for what answers; "" of the winner as it ships.

    Example:
        >>> model.task, model.target, model.classes, model.modalities
        ('classification', 'sick', ['no', 'yes'], ['text', 'tabular'])
    """

    facts: RunFacts
    views: list[View]
    predictors: dict[str, Any]
    folder: Path | None = None
    _keeper: Any = field(default=None, repr=False)  # removes a temporary folder with the model
    _made: list[Made] = field(default_factory=list, repr=False)  # modalities made of others, and cells filled from them
    _learned: np.ndarray | None = field(default=None, repr=False)  # hashes of the rows that were learned from
    _unseen: Unseen | None = field(default=None, repr=False)  # validation rows, and what was said of them
    # gives the candidates beside these, which it may read
    _kept: KeptSource = field(default_factory=KeptSource, repr=False)
    candidate: str = ""  # the name by which `use` was asked for what answers
    # where it was fitted just now: {"engine", "nodes", "tasks", "elsewhere"}
    on: dict[str, Any] = field(default_factory=dict, repr=False, init=False)

    _label: ClassVar[str] = "a label"  # what the target of a row is called
    _needed: ClassVar[str] = _label  # that without which a row is left out

    @property
    def task(self) -> str:
        """What is learned: classification, regression, recognition, labels (several a row), ordered (grades)."""
        return self.facts.task

    @property
    def target(self) -> str:
        """The column that is predicted."""
        return self.facts.target

    @property
    def classes(self) -> list[Any] | None:
        """The labels that may be predicted, in the order of the probabilities; None for numbers."""
        classes = self.facts.classes
        if classes is not None and self.facts.labels is not None:
            return Several(classes, **self.facts.labels, thresholds=getattr(self.predictor(), "thresholds", ()))
        return Ordered(classes) if classes is not None and self.task == "ordered" else classes

    @property
    def prior(self) -> np.ndarray:
        """What it says with nothing present: (class,) shares of the training rows, or (1,) their mean."""
        return np.array(self.facts.prior, float)

    @property
    def modalities(self) -> list[str]:
        """The modalities that the winner uses."""
        return [s.name for s in self.views if s.name in self.predictors["winner"].names]

    @property
    def leaderboard(self) -> Leaderboard:
        """Every candidate: name, plan, recipe, val and test (the headline metric), seconds, params, winner.

        A list of what is known of each; `leaderboard.to_pandas()` is a frame of plain numbers.
        """
        return self.study.candidates

    @property
    def study(self) -> Proof:
        """All candidates, the winner, and the verdict on fusion; print it."""
        asked = {"choose": "fusion"} if self.facts.options.get("fusion") else {}  # which a run of before does not say
        return Proof({**self.facts.study, **asked})

    @property
    def report_rows(self) -> int | None:
        """How many test (or validation) rows the report measures robustness on; None where all."""
        facts = self.facts
        rows = facts.splits["test"] or facts.splits["val"]
        most = facts.options.get("report_rows") or REPORT_ROWS
        measured = "report.html" in (facts.files or {}) and "report_rows" in facts.options and not facts.stopped
        return most if measured and most < rows else None

    def predictor(self, name: str = "winner") -> Any:
        """Return the winner, or a modality alone: Batch → probabilities (batch, class) or values."""
        return self.predictors[name]

    @property
    def candidates(self) -> list[str]:
        """The names that `use` takes.

        Each modality alone, "proof" and "network" where they differ from what ships, and all candidates of the
        leaderboard that the folder keeps.
        """
        roles = [name for name in self.predictors if name != "winner"]
        return list(dict.fromkeys([*roles, *(line["kept"] for line in self.leaderboard if line.get("kept"))]))

    def use(self, name: str) -> Model:
        """Return this model with another of its predictors as the one that answers.

        A candidate of the leaderboard answers as it was scored, before the winner learned anew from all rows.

        Args:
            name: a candidate of the leaderboard that the folder keeps; a modality, for the best that looks at it
                alone; "proof", the winner as it was when the test rows were looked at; or "network", the best of
                networks alone, where the winner asks something else.

        Raises:
            RequestError: the run has no such predictor, or did not keep its weights.

        Example:
            >>> model.use("text").modalities, model.use("text").candidate
            (['text'], 'text')
        """
        if name == PROOF and PROOF not in self.predictors:
            return self  # what was proven is what ships
        views = self.views
        if name in self.predictors and name != "winner":
            predictor = self.predictors[name]
        elif name in [self.facts.winner, *(line.get("kept") for line in self.leaderboard if line["winner"])]:
            predictor = self.predictors.get(PROOF, self.predictors["winner"])
        elif name in self.candidates:
            kept = self._kept()
            predictor, views = kept.predictors[name], [*views, *kept.views]
        else:
            known = name in [line["name"] for line in self.leaderboard]
            said = f"the weights of candidate {name!r} were not kept" if known else f"the run has no candidate {name!r}"
            raise RequestError(f"{said}. {did_you_mean(name, self.candidates)}")
        predictors = {**self.predictors, "winner": predictor}
        return replace(self, predictors=predictors, views=views, _learned=None, candidate=name)

    def predict(
        self,
        rows: Any,
        *,
        keep: Sequence[str] = (),
        folder: str | Path | None = None,
        callback: Callback = quiet,
    ) -> Predictions:
        """Return an answer for every row: as many out as in, in the same order, each with a status.

        Args:
            rows: anything that `plait.read` takes; a column that is not there is missing in every row.
            keep: further columns of `rows` to carry along; columns that training took for ids always are.
            folder, callback: as in `plait.explain`.

        Raises:
            TableError, RequestError: the table cannot be read, or has none of the model's columns.

        Example:
            >>> model.predict({"note": ["feels well", "fever and cough"]}).labels  # without an age
            ['no', 'yes']
        """
        given = read_rows(rows, folder)
        kept = take_columns(given, [keep] if isinstance(keep, str) else keep, self._ids(given))
        table, notes = self._fitting(given, self.modalities, callback)
        answers = self._predictions(self._said(table, self._answer(table, [tuple(self.modalities)], (), callback)))
        answers.kept, answers.notes, answers.candidate = kept, notes, self.candidate
        tell(notes, callback)
        return answers

    def _ids(self, table: Table) -> list[str]:
        """Return the columns of a table that training took for ids, called as they are there."""
        columns = self.facts.schema.get("columns", [])  # an ONNX file does not know them
        ids = [c["name"] for c in columns if c["role"] == "ignored" and kind_of_column(c["kind"]) is None]
        return [*match_names(table.names, ids, self._known_names()).values()]

    def _known_names(self) -> list[str]:
        return [column["name"] for column in self.facts.schema.get("columns", [])]

    def _columns_in(self, table: Table) -> set[str]:
        """Return the columns of the model's modalities that a table has, called as they were in training."""
        columns = [column for view in self.views for column in view.modality.columns]
        return {*match_names(table.names, columns, [*self._known_names(), self.target])}

    def embed(
        self, rows: Any, *, aim: str | None = None, folder: str | Path | None = None, callback: Callback = quiet
    ) -> Embeddings:
        """Return a vector for each modality that a row has, and one for the row, in the run's space.

        Args:
            rows: anything that `plait.read` takes; a column that is not there is missing in every row.
            aim: what the space was chosen for: "rows" or "kind"; by default kind where there are classes.
            folder, callback: as in `plait.explain`.

        Raises:
            TableError, RequestError: the table cannot be read, has none of the model's columns, or the run has no space
                yet: `plait.index` or `plait.embed` learns one from the table it was fitted on.

        Example:
            >>> space = plait.embed(model, table).space  # learned once, from the table that the run was fitted on
            >>> len(model.embed(table[:3])), model.embed(table[:3]).space == space
            (3, True)
        """
        from plait.runs.embedding import (  # here, since a prediction embeds nothing
            Embeddings,
            kept_space,
            read_features,
        )

        space = kept_space(self, aim)
        if space is None:
            raise RequestError(
                f"the run has no space yet: plait index {self.folder or 'RUN'} TABLE --out INDEX makes one."
            )
        return Embeddings.of(
            space, read_features(self, rows, folder=folder, before=space.reads_before, callback=callback)
        )

    def _said(self, table: Table, answered: Answers) -> dict[str, Any]:
        """Return what the rows of a table are answered, as it can go to another process."""
        return {"values": answered.answers[tuple(sorted(self.modalities))], "statuses": answered.statuses}

    def _predictions(self, said: Mapping[str, Any]) -> Predictions:
        return Predictions.from_values(said["values"], said["statuses"], self.classes)

    def evaluate(self, rows: Any, *, folder: str | Path | None = None, callback: Callback = quiet) -> Evaluation:
        """Return the scores of every row that has a label, as `plait.evaluate`. Failed rows are counted.

        Args:
            rows: anything that `plait.read` takes, with the target as a column.
            folder, callback: as in `plait.explain`.

        Raises:
            TableError, RequestError: the table cannot be read, lacks target or columns, or has no label.

        Example:
            >>> sorted(model.evaluate(table)["metrics"]["accuracy"])
            ['high', 'low', 'value']
        """
        table, facts = read(rows, folder), self.facts.schema
        schema = Schema.from_json(facts) if "columns" in facts else None  # an ONNX file knows no columns
        group = schema.role("group") if schema is not None else None
        found = match_names(table.names, [self.target, *filter(None, [group])], self._known_names())
        if self.target not in found:
            raise RequestError(
                f"to score, the table needs the column {self.target!r}. {did_you_mean(self.target, table.names)}"
            )
        table = rename_columns(table, found)
        target, said = self._cleaned(table)
        fitting, notes = self._fitting(table, [s.name for s in self.views], callback)
        groups = group_rows(table, schema) if schema is not None and group in found else None
        scores, answered = self._score(fitting, target, callback, groups)
        if group is not None and groups is None:
            said.append(f"no column {group!r}, by which rows are grouped: the intervals take each row by itself.")
        notes = [*filter(None, [say_matches(found), *said, self._say_learned(fitting)]), *notes]
        tell([*notes, status_line([status for status, _ in answered.statuses])], callback)
        named = {"candidate": self.candidate} if self.candidate else {}
        return Evaluation({**named, **scores, **({"notes": notes} if notes else {})})

    def _say_learned(self, table: Table) -> str:
        """Return a sentence on the rows that were learned from; "" where there are none, or a run of before."""
        if self._learned is None:
            return ""
        hashes = hash_rows(table, self.views, [one.column for one in self._made])
        num = count_learned(hashes, self._learned)
        were = "row was" if num == 1 else "rows were"
        return f"{count(num)} of {len(table):,} {were} learned from: the scores are too good." if num else ""

    def explain(
        self, rows: Any, row: int | None = None, *, folder: str | Path | None = None, callback: Callback = quiet
    ) -> Explanation:
        """Return how much each modality made of each answer; of one row also what inside it mattered.

        Args:
            rows: anything that `plait.read` takes.
            row: the row to explain, from 0; by default all.
            folder, callback: as in `plait.explain`.

        Raises:
            TableError, RequestError: the table cannot be read, or has no such row or none of the model's columns.

        Example:
            >>> sorted(model.explain(table, row=0).to_json()["row"]["modalities"])
            ['tabular', 'text']
        """
        from plait.proof.attribution import explain_table

        table, notes = self._fitting(read_rows(rows, folder), self.modalities, callback)
        options: dict[str, Any] = {"classes": self.classes, "row": row, "seed": self.facts.seed, "callback": callback}
        with self._answering():
            explanation = explain_table(table, self.views, self.predictor(), **options)
        worth = self.facts.study.get("worth") if row is None and self.candidate in ("", PROOF) else None
        if worth is not None and set(worth["modalities"]) == set(self.modalities):
            explanation.worth = worth
        tell(notes, callback)
        return explanation

    def _score(
        self, table: Table, target: np.ndarray, callback: Callback = quiet, groups: np.ndarray | None = None
    ) -> tuple[dict[str, Any], Answers]:
        """Score a table whose targets are given: (rows,) labels or numbers, None where there is none."""
        answered = self._answer(table, self._subsets(), list(self.alone), callback)
        return self._grade(answered, target, groups), answered

    @property
    def alone(self) -> dict[str, Any]:
        """The best predictor of each modality by itself."""
        roles = ("winner", PROOF, NETWORK)
        return {name: predictor for name, predictor in self.predictors.items() if name not in roles}

    def _subsets(self) -> list[tuple[str, ...]]:
        """Return the sets of modalities given which the model is scored, names sorted; all of them last."""
        from plait.proof.scores import MOST_MODALITIES  # here, since a prediction scores nothing

        names = sorted(self.modalities)
        sizes = range(1, len(names) + 1) if len(names) <= MOST_MODALITIES else (1, len(names) - 1, len(names))
        return [keep for size in sizes for keep in itertools.combinations(names, size)]

    def _grade(self, answered: Answers, target: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Any]:
        """Return the scores of answers, given each subset of modalities and by each alone. groups: (rows,)."""
        known = np.array([value is not None and value == value for value in target], bool)  # NaN is no label
        if not known.any():
            raise RequestError(f"no row has {self._label} in column {self.target!r}; expected at least one to score.")
        failed = np.array([status == "failed" for status, _ in answered.statuses], bool)
        scored, generator = np.flatnonzero(known & ~failed), np.random.default_rng(self.facts.seed)
        truth = np.array(target, dtype=object)
        truth[~known] = None

        def rate(rows: np.ndarray, values: np.ndarray, by: Model = self) -> dict[str, Any]:
            alike = None if groups is None else groups[rows]
            metrics = (
                by._rate(truth[rows], values[rows], generator=deepcopy(generator), groups=alike) if len(rows) else {}
            )
            return {"rows": len(rows), "metrics": metrics}

        return {
            "rows": len(target),
            "scored": len(scored),
            "failed": int(failed.sum()),
            "metrics": rate(scored, answered.answers[tuple(sorted(self.modalities))])["metrics"],
            "by_modalities": self._rate_subsets(
                answered, truth, partial(rate, scored), generator=generator, groups=groups
            ),
            "alone": {
                name: rate(np.flatnonzero(known & answered.present[name]), values, self.use(name))
                for name, values in answered.alone.items()
            },
        }

    def _rate(self, truth: np.ndarray, values: np.ndarray, **given: Any) -> dict[str, Any]:
        from plait.proof.scores import intervals

        classes = self.classes
        return intervals(truth, values if classes is not None else values[:, 0], classes, **given)

    def _rate_subsets(
        self, answered: Answers, truth: np.ndarray, rate: Callable[..., Any], **given: Any
    ) -> dict[str, Any]:
        """Return the scores given each subset of modalities, each on the rows that have any of it."""
        from plait.proof.scores import by_modalities

        def answer(keep: Sequence[str]) -> np.ndarray:
            values = answered.answers[tuple(sorted(keep))]
            return values if self.classes is not None else values[:, 0]

        present = {name: answered.present[name] for name in sorted(self.modalities)}
        return by_modalities(answer, present, truth, self.classes, **given)

    def _cleaned(self, table: Table) -> tuple[np.ndarray, list[str]]:
        """Return the labels of a table (rows,) as training read them, and what there is to say of them.

        Text is without blanks, numbers are as written; a label that is surely a class in other letters is that class.
        """
        if self.classes is None:
            unit = self.facts.unit or how_written(table.cells(self.target)).unit
            written = Written(bool(self.facts.decimal_comma), unit)
            return np.array(read_amounts(table, self.target, written), dtype=object), []
        return read_classes(table, self.target, self.classes)

    def _fitting(
        self, table: Table, names: Sequence[str], callback: Callback = quiet, runner: Runner | None = None
    ) -> tuple[Table, list[str]]:
        """Return the table with the columns these modalities need, and sentences on what is not as in training.

        A column that is not there is missing in every row. What fit made of other columns is made here as well, and
        what it filled is filled, but for training only.
        """
        views = [view for view in self.views if view.name in names]
        made = [one for one in self._made if one.modality in names]
        columns = [c for view in views for c in view.modality.columns]
        wanted = [*columns, *(column for one in made for column in one.columns)]
        found = match_names(table.names, wanted, [*self._known_names(), self.target])
        if not found and table.data:
            raise RequestError(
                f"none of the model's columns ({', '.join(columns)}) is in {table.source}; "
                f"it has: {', '.join(table.names)}."
            )
        spare = [name for name in table.names if name not in {*found.values(), *self._known_names()}]
        table, rates = rename_columns(table, found), self.facts.sample_rates
        table = replace(table, sample_rates={**rates, **table.sample_rates})
        if made:
            from plait.converters.in_fit import apply_conversions  # here, since most runs convert nothing

            table = apply_conversions(table, made, callback, runner=runner)
        lacking = [name for name in dict.fromkeys(wanted) if name not in table.data]
        fitting = add_absent(table, lacking)
        notes = [say_matches(found)] if len(table) else []
        notes += [say_lacking(table, lacking, spare)] if lacking and len(table) else []
        for view in views:
            notes += view.compare(fitting)
        fitting.data = {name: fitting.data[name] for name in columns}
        return fitting, [*filter(None, notes)]

    def _answer(
        self, table: Table, subsets: Sequence[tuple[str, ...]], alone: Sequence[str], callback: Callback
    ) -> Answers:
        """Prepare and answer in chunks, so that memory does not grow with the files behind the rows."""
        used = {*self.modalities, *alone}
        asked = [self.predictor(), *(self.predictor(name) for name in alone)]
        read = {name for predictor in asked for name in input_names(predictor)}
        strands = [s for s in self.views if s.of in used and (s.is_main or s.name in read)]
        step, parts = self._rows_at_a_time(strands), []
        for start in range(0, max(1, len(table)), step):
            chunk = table.take(np.arange(start, min(start + step, len(table))))
            with self._answering(), single_blas() if len(chunk) > FEW else contextlib.nullcontext():
                parts.append(self._answer_prepared(prepare(chunk, strands), subsets, alone))
            callback({"stage": "predict", "done": min(start + step, len(table)), "total": len(table)})
        return Answers.join(parts)

    def _answering(self) -> contextlib.AbstractContextManager[None]:
        """Hold what is done with rows; of a model from elsewhere it tells what goes wrong."""
        return contextlib.nullcontext()

    def _rows_at_a_time(self, strands: Sequence[View]) -> int:
        return 4 * CHUNK

    def _answer_prepared(
        self, prepared: Prepared, subsets: Sequence[tuple[str, ...]], alone: Sequence[str] = ()
    ) -> Answers:
        """Answer for prepared rows given each subset of modalities, and by further predictors alone."""
        others = {name: self.predictor(name) for name in alone}
        return answer_prepared(prepared, self.predictor(), subsets, others, self.modalities)

    # -- saying what it is --------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Return what `fit` prints at its end: the leaderboard, the score, the holes, and the next command."""
        facts, metric, shown = self.facts, self.facts.study["metric"], choose_shown(self.leaderboard)
        lasting = self.folder is not None and self._keeper is None
        lines = [board(shown, metric), *say_gaps(shown)]
        if len(self.leaderboard) > 1:
            lines.append(f"* {say(rule_of(self.study.facts))}")
        if len(self.leaderboard) > len(shown):
            more = count(len(self.leaderboard) - len(shown), "more candidate")
            lines.append(say("{more}: print(model.study)", more=more))
            lines[-1] += f", plait study {self.folder}" if lasting else ""
        lines += [*self._say_rows(), *self._say_scores(metric), f"\n{self.study.sentence}"]
        said = (retell(one["sentence"]) for key in ("conversions", "caveats") for one in facts.study.get(key, []))
        sharing = [retell(facts.study["sharing"]["sentence"])] if "sharing" in facts.study else []
        lines += [*sharing, *said, *say_refit(self.facts)]
        if facts.learning_curve:
            lines.append(say_curve(facts.learning_curve, metric))
        if facts.stopped:
            lines.append(say(STOPPED[facts.stopped]))
        from plait.kinds.left_out import say_left_out  # a prediction does not wait for what only a summary says

        lines += map(retell, say_left_out(Schema.from_json(facts.schema), most=3))
        if self.folder is not None and lasting:
            lines += self._say_next(self.folder)
        return "\n".join(lines)

    def _say_scores(self, metric: str) -> list[str]:
        return say_scores(self.facts, metric)

    def _say_next(self, folder: Path) -> list[str]:
        """Return what to open, and what to type next."""
        page = folder / ("report.html" if "report.html" in (self.facts.files or {}) else "README.md")
        lines = ["\n" + say("open {page}", page=page)]
        if (drawn := self.report_rows) is not None:
            said = "its robustness and explanations are of {rows}, drawn; of more with --report-rows"
            lines.append(say(said, rows=count(drawn, "row")))
        command = f"plait explain {folder} TABLE --row 0"
        return [*lines, say("{next}   or   {command}", next=say_next(folder), command=command)]

    def _say_rows(self) -> list[str]:
        """Return sentences on the rows, their splits and their holes."""
        cuts = [line for view in self.views if view.is_main for line in getattr(view.prep, "cuts", ())]
        return say_splits(self.facts, self.target, self._needed, cuts)

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        asked = f"{self.target}: {self.task}, " if self.target else ""
        return f"{type(self).__name__}({asked}{self.facts.winner}, by {', '.join(self.modalities)})"

    def _repr_html_(self) -> str:
        """Return what it predicts and how well, the best candidates and the verdict, as a cell of a notebook."""
        title = notebook.head(f"Predicts {self.target}", f"{self.task}, by {', '.join(self.modalities)}")
        metric = self.facts.study["metric"]
        scores = say_scores(self.facts, metric)[len(say_encoders(self.facts.encoders or {})) :]
        said = [notebook.say(line.strip()) for line in scores[:MOST_SAID]]
        return notebook.cell(title, *said, board_html(self.leaderboard, metric), verdict_html(self.study.verdict))

    # -- folders ------------------------------------------------------------------------------------------------------

    def save(self, folder: str | Path) -> Path:
        """Copy the run to `folder`, which must not exist or be empty, and return it.

        Raises:
            RunError: the folder is not empty, or the model has none to copy.
        """
        return copy_run(self.folder, folder)

    def _write(self, folder: Path, extra: Mapping[str, Callable[[Path], Any]]) -> None:
        """Write the run folder: files first, run.json with their hashes last. extra: {name: its writer}."""
        stored, states = store_predictors(self.predictors), [strand.state() for strand in self.views]
        tensors = {f"prep.{i}.{key}": value for i, (_, arrays) in enumerate(states) for key, value in arrays.items()}
        writers: dict[str, Callable[[Path], Any]] = dict(extra)
        files = {**stored.files, **self._kept().pack()}
        writers |= {name: partial(write_bytes, data=data) for name, data in files.items()}
        with tempfile.TemporaryDirectory(dir=folder, prefix=".final-") as place:
            final = Path(place)
            tensors |= {} if self._learned is None else {LEARNED: self._learned}
            tensors |= {} if self._unseen is None else self._unseen.tensors()
            write_tensors(final / WEIGHTS, tensors | stored.tensors)
            for name, writer in writers.items():
                writer(final / name)
            facts = self.facts
            facts.format, facts.strands = FORMAT, [state for state, _ in states]
            facts.predictors = {"parts": stored.parts, "roles": stored.roles}
            facts.files = {name: digest(final / name) for name in sorted([WEIGHTS, *writers])}
            facts.seal = seal(facts.to_json())
            # an older run is no longer whole from here on, and none of its files may stay; run.json goes last
            remove_run(folder)
            for name in facts.files:
                (final / name).replace(folder / name)
            write_json(folder / "run.json", facts.to_json())
        self.folder = folder


def tell(notes: Sequence[str], callback: Callback) -> None:
    """Tell each of these sentences as a note."""
    for note in notes:
        callback({"note": note})


def say_next(folder: Path) -> str:
    answer = f"plait predict {folder} TABLE --out answers.csv"
    return say("next: {command}   or   {other}", command=f"plait evaluate {folder} TABLE", other=answer)
