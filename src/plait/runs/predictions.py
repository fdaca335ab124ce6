"""One answer a row, with its status, or one transcript with its words, and the table it is written to."""

from __future__ import annotations

import glob
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from plait.core import notebook
from plait.core.classes import Several, place_of
from plait.core.contract import frame_of, free_name
from plait.core.files import naming, replacing
from plait.core.words import count
from plait.data.lists import array_of
from plait.errors import RequestError

if TYPE_CHECKING:
    from plait.models.speech.decode import Heard

NO_WORDS = "no words were heard"
ROWS = 1 << 14  # that a file of answers is given at a time: Parquet in many small groups is slow to read


class Answered:
    """What answers to rows have in common: how they are shown, and their frame."""

    status: Any

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_arrow` as lists of Python values."""
        raise NotImplementedError

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame with the columns of `to_arrow`.

        Raises:
            MissingExtra: pandas is not installed.
        """
        return frame_of(self.to_arrow())  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({status_line(self.status)})"

    def _repr_html_(self) -> str:
        """Return the first answers as a cell of a notebook."""
        columns = {name: cells[: notebook.MOST_ROWS] for name, cells in self.columns().items()}
        if len(columns) > notebook.MOST_COLUMNS:  # of many classes the status is worth more than each probability
            columns = {name: cells for name, cells in columns.items() if not name.startswith("probability_")}
        rows = [*zip(*columns.values(), strict=True)]
        table = notebook.grid([*columns], rows, len(self.status))
        return notebook.cell(notebook.head(type(self).__name__, status_line(self.status)), table)


@dataclass(repr=False)
class Predictions(Answered):
    """One answer for each row, in order. A failed row has the label None and no probabilities.

    Args:
        labels: (rows,) list of classes, or of numbers; of several labels a row a list of them.
        probabilities, classes: (rows, class), NaN in failed rows, and their columns; None for regression.
        status, reason: (rows,) lists: ok, partial or failed, and why.
        kept: columns of the table that are carried along: {name: (rows,) list}.
        notes: sentences on what of the table is not as in training.
        candidate: the name of what answered, as `Model.use` was asked for it; "" of the winner.
        on: where the rows were answered: {"engine", "nodes", "tasks", "elsewhere"}, the last in other processes.

    Example:
        >>> answers = model.predict(table)
        >>> len(answers), answers.labels[:2], answers.to_arrow().column_names
        (40, ['no', 'yes'], ['prediction', 'probability_no', 'probability_yes', 'status', 'reason'])
    """

    labels: list[Any]
    probabilities: np.ndarray | None
    status: list[str]
    reason: list[str]
    classes: list[Any] | None = None
    kept: dict[str, list[Any]] = field(default_factory=dict, kw_only=True)
    notes: list[str] = field(default_factory=list, kw_only=True)
    candidate: str = field(default="", kw_only=True)
    on: dict[str, Any] = field(default_factory=dict, kw_only=True, repr=False)

    _kinds: ClassVar[dict[str, str | None]] = {"prediction": None, "status": "string", "reason": "string"}

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def from_values(
        cls, values: np.ndarray, statuses: Sequence[tuple[str, str]], classes: Sequence[Any] | None
    ) -> Predictions:
        """Return what values say, (rows, class) probabilities or (rows, 1) numbers; of a failed row nothing."""
        status, reason = [status for status, _ in statuses], [reason for _, reason in statuses]
        failed = np.array([word == "failed" for word in status], bool)
        if classes is None:
            numbers = [None if bad else float(value) for bad, value in zip(failed, values[:, 0], strict=True)]
            return cls(numbers, None, status, reason)
        there, known = np.where(failed[:, None], 0.0, values), np.where(failed[:, None], np.nan, values)
        if isinstance(classes, Several):
            sets = [classes.pick(chosen) for chosen in classes.decide(there)]
            return cls(
                [None if bad else own for bad, own in zip(failed, sets, strict=True)], known, status, reason, classes
            )
        labels = [None if bad else classes[i] for bad, i in zip(failed, place_of(there, classes), strict=True)]
        return cls(labels, known, status, reason, list(classes))

    @classmethod
    def join(cls, parts: Sequence[Predictions]) -> Predictions:
        """Return the answers of `parts` of a table, in order; what is carried along is not in them yet."""
        joined: dict[str, Any] = {}
        for name in (f.name for f in fields(parts[0]) if f.name not in ("classes", "notes")):
            values = [getattr(part, name) for part in parts]
            if isinstance(values[0], list):
                joined[name] = [*itertools.chain.from_iterable(values)]
            elif isinstance(values[0], np.ndarray):
                joined[name] = np.concatenate(values)
        return replace(parts[0], **joined)

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_arrow` as lists of Python values."""
        columns: dict[str, list[Any]] = {"prediction": self.labels}
        if isinstance(self.classes, Several):
            write = self.classes.write
            columns["prediction"] = [None if own is None else write(own) for own in self.labels]
        if self.probabilities is not None and self.classes is not None:
            for name, values in zip(self.classes, self.probabilities.T.tolist(), strict=True):
                columns[f"probability_{name}"] = [
                    None if status == "failed" else value for value, status in zip(values, self.status, strict=True)
                ]
        return self._beside_kept({**columns, "status": self.status, "reason": self.reason})

    def _beside_kept(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Return the columns of the answers after those that are carried along, renamed where a name is taken."""
        return {free_name(name, columns): cells for name, cells in self.kept.items()} | columns

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table: what is kept, prediction, probability_<class>, status, reason."""
        import pyarrow as pa

        columns = self.columns()
        kinds = dict.fromkeys([*columns][: len(self.kept)]) | dict.fromkeys([*columns][len(self.kept) :], "double")
        if self._kinds["prediction"] is None:  # of no rows, or of failed ones alone, as of others
            texts = isinstance(self.classes, Several)
            kinds["prediction"] = (
                "double" if self.classes is None else "string" if texts else array_of(list(self.classes)).type
            )
        kinds |= {name: kind for name, kind in self._kinds.items() if kind is not None}
        return pa.table({name: array_of(values, kinds[name]) for name, values in columns.items()})

    def write(self, path: str | Path, front: Mapping[str, Sequence[Any]] | None = None) -> None:
        """Write CSV or Parquet, by the ending. Raises RequestError for another ending. front: further columns."""
        import pyarrow as pa

        table = self.to_arrow()
        if front is not None:
            table = pa.table({**front, **dict(zip(table.column_names, table.columns, strict=True))})
        write_answers(table, path)


@dataclass(repr=False)
class Transcripts(Predictions):
    """One transcript for each row, in order. A failed row has the label None and no words.

    confidence: (rows,) 0 to 1. words: for each row the words with their start and end in seconds.
    """

    confidence: list[float | None] = field(default_factory=list)
    words: list[list[tuple[str, float, float]] | None] = field(default_factory=list)

    _kinds: ClassVar[dict[str, str | None]] = dict.fromkeys(("prediction", "words", "status", "reason"), "string")

    @classmethod
    def of(cls, heard: Sequence[Heard | None], statuses: Sequence[tuple[str, str]]) -> Transcripts:
        texts = [None if one is None else one.text for one in heard]
        noted = [[reason, NO_WORDS if text == "" else ""] for text, (_, reason) in zip(texts, statuses, strict=True)]
        return cls(
            texts,
            None,
            [status for status, _ in statuses],
            ["; ".join(filter(None, notes)) for notes in noted],
            None,
            [None if one is None else round(float(one.confidence), 4) for one in heard],
            [None if one is None else list(one.words) for one in heard],
        )

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_arrow` as lists: prediction, confidence, words (JSON, times in seconds), …."""
        keys = ("word", "start", "end")
        listed = [None if words is None else [dict(zip(keys, w, strict=True)) for w in words] for words in self.words]
        words = [None if said is None else json.dumps(said, ensure_ascii=False) for said in listed]
        columns = {"prediction": self.labels, "confidence": self.confidence, "words": words}
        return self._beside_kept({**columns, "status": self.status, "reason": self.reason})


@dataclass(repr=False)
class TargetPredictions(Answered):
    """One answer of each target for each row, in order, and one status a row.

    Args:
        of: {target: its Predictions}.
        kept, notes, candidate, on: as in `Predictions`.

    Example:
        >>> age = plait.Predictions([34.0], None, ["ok"], [""])
        >>> plait.TargetPredictions({"age": age}).columns()
        {'prediction_age': [34.0], 'status': ['ok'], 'reason': ['']}
    """

    of: dict[str, Predictions]
    kept: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    candidate: str = ""
    on: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def join(cls, parts: Sequence[TargetPredictions]) -> TargetPredictions:
        """Return the answers of `parts` of a table, in order; what is carried along is not in them yet."""
        return cls({name: Predictions.join([part.of[name] for part in parts]) for name in parts[0].of})

    def __len__(self) -> int:
        return len(next(iter(self.of.values())))

    def __getitem__(self, target: str) -> Predictions:
        return self.of[target]

    @property
    def labels(self) -> dict[str, list[Any]]:
        """The answers of each target: {target: (rows,) list}."""
        return {name: answers.labels for name, answers in self.of.items()}

    @property
    def probabilities(self) -> dict[str, np.ndarray | None]:
        """(rows, class) of each target; None of numbers."""
        return {name: answers.probabilities for name, answers in self.of.items()}

    @property
    def status(self) -> list[str]:
        """(rows,) failed where no target has an answer, ok where nothing is missing, else partial."""
        rows = zip(*(answers.status for answers in self.of.values()), strict=True)
        return [row[0] if len({*row}) == 1 else "partial" for row in rows]

    @property
    def reason(self) -> list[str]:
        """(rows,) why; with the target in front of it, where targets differ."""
        rows = zip(*(answers.reason for answers in self.of.values()), strict=True)
        return [
            row[0]
            if len({*row}) == 1
            else "; ".join(f"{name}: {why}" for name, why in zip(self.of, row, strict=True) if why)
            for row in rows
        ]

    def _named(self) -> dict[str, tuple[str, str]]:
        """Return {column: (target, its column there)} of all answers."""
        named: dict[str, tuple[str, str]] = {}
        for target, answers in self.of.items():
            for column in [*answers.columns()][len(answers.kept) : -2]:
                front, sign, end = column.partition("_")
                named[free_name(f"{front}_{target}{sign}{end}", named)] = (target, column)
        return named

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_arrow` as lists of Python values."""
        each = {target: answers.columns() for target, answers in self.of.items()}
        columns = {name: each[target][column] for name, (target, column) in self._named().items()}
        columns |= {"status": self.status, "reason": self.reason}
        return {free_name(name, columns): cells for name, cells in self.kept.items()} | columns

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table with the columns of all targets.

        What is kept, prediction_<target>, probability_<target>_<class>, status, reason.
        """
        import pyarrow as pa

        tables, named = {target: answers.to_arrow() for target, answers in self.of.items()}, self._named()
        columns: dict[str, Any] = {}
        for name, cells in self.columns().items():
            if name in named:
                columns[name] = tables[named[name][0]].column(named[name][1])
            else:
                columns[name] = array_of(cells, "string" if name in ("status", "reason") else None)
        return pa.table(columns)

    def write(self, path: str | Path) -> None:
        """Write CSV or Parquet, by the ending. Raises RequestError for another ending."""
        write_answers(self.to_arrow(), path)


@contextmanager
def answer_file(path: str | Path, kept: Mapping[str, Sequence[Any]] | None = None) -> Iterator[AnswerRows]:
    """Open a CSV or Parquet file of answers, by its ending, to be written block by block: whole, or not at all.

    kept: columns that are carried along, {name: (rows,) list}: all of their cells, on which their type hangs.
    """
    path = check_file(path)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):  # of a process that was killed meanwhile
        if not _lives(left.name.split(".")[-2]):
            left.unlink(missing_ok=True)
    with replacing(path) as file, closing(AnswerRows(path, file, kept or {})) as rows:
        yield rows
        rows.flush()


def _lives(process: str) -> bool:
    """Whether a process of this machine lives."""
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, ValueError):  # it is another user's, or was no process
        return True
    return True


class AnswerRows:
    """What a file of answers is given, block by block."""

    def __init__(self, path: Path, file: Any, kept: Mapping[str, Sequence[Any]]) -> None:
        self._path, self._file = path, file
        self._kept = {name: array_of(cells) for name, cells in kept.items()}
        self._rows = 0
        self._waiting: list[Any] = []
        self._writer: Any = None

    def add(self, table: Any) -> None:
        """Add an Arrow table of the next rows."""
        import pyarrow as pa

        place, self._rows = self._rows, self._rows + len(table)
        kept = {free_name(name, table.column_names): x.slice(place, len(table)) for name, x in self._kept.items()}
        self._waiting.append(pa.table(kept | dict(zip(table.column_names, table.columns, strict=True))))
        if sum(map(len, self._waiting)) >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        import pyarrow as pa
        import pyarrow.csv as csv
        import pyarrow.parquet as parquet

        if not self._waiting:
            return
        table, self._waiting = pa.concat_tables(self._waiting), []
        with naming(self._path):
            if self._writer is None:
                make = csv.CSVWriter if self._path.suffix.lower() == ".csv" else parquet.ParquetWriter
                self._writer = make(self._file, table.schema)
            self._writer.write_table(table)

    def close(self) -> None:
        """End the file, in which nothing more can be written."""
        if self._writer is not None:
            with naming(self._path):
                self._writer.close()


def write_answers(table: Any, path: str | Path) -> None:
    """Write an Arrow table as CSV or Parquet, by the ending. Raises RequestError for another ending."""
    with answer_file(path) as file:
        file.add(table)


def check_file(path: str | Path) -> Path:
    """Return the path of answers to write. Raises RequestError for an ending that is neither .csv nor .parquet."""
    if Path(path).suffix.lower() not in (".csv", ".parquet"):
        raise RequestError(
            f"the answers cannot be written to {Path(path).name!r}; expected a name that ends in .csv or .parquet."
        )
    return Path(path)


def status_line(status: Sequence[str]) -> str:
    """Return "1,000 rows, 950 ok, 45 partial, 5 failed"."""
    counts = Counter(status)
    return ", ".join(
        [count(len(status), "row"), *(f"{count(counts[name])} {name}" for name in ("ok", "partial", "failed"))]
    )
