"""The nouns every part agrees on: Column, Modality, Schema, Table, Batch. Knows no file format and no network.

Axis words, used everywhere: batch, time, channel, height, width, mel, token, feature, dim, class.

encoder     (batch, …)                 → tokens (batch, token, dim), present (batch, token) bool
fusion      {name: (tokens, present)}  → tokens (batch, token, dim), present (batch, token) bool
head        (batch, dim)               → (batch, class) or (batch, target)
predictor   any Batch                  → (batch, class) probabilities, or (batch, target) values in their unit

A predictor has `names`, the modalities it looks at; a row in which none of them is present gets the prior. It may also
have `subsets(batch, keeps) → [answer for each keep]`, where that is cheaper than one call for each.
"""

from __future__ import annotations

import importlib.util
import itertools
import re
import sys
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from plait.core import notebook
from plait.core.words import count, first_line
from plait.errors import MissingExtra, RequestError, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa
    import torch

MOST_NAMES = 8  # columns that a short line names
# what people call the parts of a split: {word: train, val or test}; "eval" beside a validation part is the test
SPLITS = {
    word: part
    for part, words in {
        "train": "train trn training trainval trainings trainen trening 训练 学習 学习 훈련 학습 entrenamiento "
        "entraînement entrainement apprentissage treino addestramento обучение обучающая тренировочная",
        "val": "val valid validation dev devel development eval evaluation publictest 验证 驗證 検証 검증 validación "
        "validacion validação validacao validazione validierung validierungs валидация валидационная",
        "test": "test tst testing holdout privatetest 测试 測試 テスト 테스트 prueba teste testen "
        "testowe тест тестовая",
    }.items()
    for word in words.split()
}
_EVALS = ("eval", "evaluation")
_OF_A_SET = re.compile(r"[\s_-]?(?:set|split|data|daten|集|数据|数据集)$")


@dataclass(frozen=True)
class Column:
    """One column: what it holds (kind), what it is for (role: feature, target, split, group or ignored), why we think
    so, and how sure we are (0 to 1)."""

    name: str
    kind: str
    role: str = "feature"
    why: str = ""
    confidence: float = 1.0


@dataclass(frozen=True)
class Modality:
    """A kind (image, audio, text, tabular) and the columns it is made of."""

    name: str
    kind: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Schema:
    """All columns of a table, and the modalities that its feature columns form."""

    columns: tuple[Column, ...]
    modalities: tuple[Modality, ...]

    def column(self, name: str) -> Column:
        return _by_name({column.name: column for column in self.columns}, name, "column")

    def modality(self, name: str) -> Modality:
        return _by_name({modality.name: modality for modality in self.modalities}, name, "modality")

    def role(self, role: str) -> str | None:
        """Return the name of the first column with this role (target, split, group), or None."""
        return next((column.name for column in self.columns if column.role == role), None)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Schema:
        return cls(
            columns=tuple(Column(**c) for c in data["columns"]),
            modalities=tuple(Modality(m["name"], m["kind"], tuple(m["columns"])) for m in data["modalities"]),
        )


def name_splits(cells: Iterable[Any]) -> list[str | None]:
    """Return train, val or test for each cell, None where it is blank, and what is none of them as it is written.

    >>> name_splits(["Training", "dev", "eval", None, "测试集", "bus"])
    ['train', 'val', 'test', None, 'test', 'bus']
    """
    texts = [None if cell is None else str(cell) for cell in cells]
    words = {text: _OF_A_SET.sub("", text.strip().lower()) for text in {*texts} if text is not None}
    there = {SPLITS.get(word) for word in words.values() if word not in _EVALS}
    parts = SPLITS | (dict.fromkeys(_EVALS, "test") if "val" in there and "test" not in there else {})
    return [None if text is None else parts.get(words[text], text) for text in texts]


def group_rows(table: Table, schema: Schema) -> np.ndarray | None:
    """Return a number for each row (rows,) that its group shares, or None where no group column is named."""
    name = schema.role("group")
    if name is None:
        return None
    seen: dict[str, int] = {}
    cells = table.cells(name)
    return np.array(
        [len(table) + row if c is None else seen.setdefault(str(c), len(seen)) for row, c in enumerate(cells)]
    )


def _by_name(things: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in things:
        raise RequestError(f"there is no {what} {name!r}. {did_you_mean(name, things)}")
    return things[name]


@dataclass
class Table:
    """Rows by column, and the folder that relative media paths are relative to. `plait.read` makes one.

    A column is an Arrow array (from a file or a frame) or a numpy array whose first axis is the row (from arrays).
    A missing cell is None, NaN, or an empty string; `cells` gives None for all of them.

    Args:
        data: {column: array}.
        folder: where relative media paths begin; None: the working folder.
        source: what messages call the table.
        sample_rates: of sound columns given as arrays, in Hz.
        lines, notes: of a CSV the line of each row; of a column that plait made, why a cell is missing or filled.
        categories: columns of numbers whose type says that they are categories.
        units: what a row below the header of a CSV says of the columns, such as ms.

    Example:
        >>> table.shape, table.names, table[:3].cells("age")
        ((40, 3), ['note', 'age', 'sick'], [20, 51, 22])
    """

    data: dict[str, pa.ChunkedArray | np.ndarray]
    folder: Path | None = None
    source: str = "the table"
    sample_rates: dict[str, int] = field(default_factory=dict)  # of sound columns given as arrays, in Hz
    lines: list[int] | None = None  # of a CSV: the line each row begins on, for messages
    # of a column that plait made or filled: for each cell, why it is absent, or what it was filled from
    notes: dict[str, list[str | None]] = field(default_factory=dict)
    categories: frozenset[str] = frozenset()  # columns of numbers that are categories by their type in a frame
    units: dict[str, str] = field(default_factory=dict)  # of a CSV: what a row below the header says

    @property
    def names(self) -> list[str]:
        """The names of the columns, in order."""
        return list(self.data)

    @property
    def columns(self) -> list[str]:
        """The names of the columns, in order, as frames have them."""
        return self.names

    def __len__(self) -> int:
        return len(next(iter(self.data.values()))) if self.data else 0

    @property
    def shape(self) -> tuple[int, int]:
        """How many rows and columns there are."""
        return len(self), len(self.data)

    def __getitem__(self, rows: Sequence[int] | np.ndarray | slice) -> Table:
        """Return a table of these rows, by index, slice or a boolean for each row (what scikit-learn asks for)."""
        if isinstance(rows, tuple):  # scikit-learn asks for X[rows, ...]
            rows = rows[0]
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            rows = rows if rows.dtype == bool else rows.astype(np.int64)
        return self.take(np.arange(len(self))[rows])

    def take(self, rows: Sequence[int] | np.ndarray) -> Table:
        """Return a table of these `rows`: indices from 0, in any order."""
        index = np.asarray(rows, dtype=np.int64)
        data = {name: _take(values, index) for name, values in self.data.items()}
        lines = None if self.lines is None else [self.lines[i] for i in index]
        notes = {name: [column[i] for i in index] for name, column in self.notes.items()}
        return replace(self, data=data, lines=lines, notes=notes)

    def head(self, n: int = 5) -> Table:
        """Return a table of the first `n` rows."""
        return self[:n]

    def filter(self, mask: Any = None, **values: Any) -> Table:
        """Return a table of the rows that a mask picks, and whose cells have these values.

        Args:
            mask: (rows,) booleans, or {column: value} where a name is no word.
            **values: of a column the value, or a list of values of which a cell has to be one; None for a missing one.

        Raises:
            RequestError: there is no such column, or the mask is not a boolean for each row.

        Example:
            >>> table.filter(sick="yes").shape, table.filter(sick="yes").filter(age=[51, 22]).cells("age")[:2]
            ((20, 3), [51, 51])
        """
        wanted = {**(mask if isinstance(mask, Mapping) else {}), **values}
        keep = np.ones(len(self), bool)
        if mask is not None and not isinstance(mask, Mapping):
            given = np.asarray(mask)
            if given.shape != keep.shape or given.dtype != bool:
                came = f"{given.dtype} of shape {given.shape}"
                raise RequestError(f"filter got {came}; expected a boolean for each of {count(len(self), 'row')}.")
            keep = given.copy()
        for name, value in wanted.items():
            some = list(value) if isinstance(value, (list, tuple, set, frozenset)) else [value]
            keep &= np.array([any(cell is one or cell == one for one in some) for cell in self.cells(name)], bool)
        return self[keep]

    def to_arrow(self) -> pa.Table:
        """Return a pyarrow.Table; arrays of arrays become lists.

        Raises:
            RequestError: a column holds objects that Arrow cannot.
        """
        import pyarrow as pa

        return pa.table({name: _to_arrow(name, values) for name, values in self.data.items()})

    def to_pandas(self) -> Any:
        """Return a pandas.DataFrame; missing cells are as pandas has them.

        Raises:
            MissingExtra: pandas is not installed.
            RequestError: a column holds objects that Arrow cannot.
        """
        return frame_of(self.to_arrow())

    def __repr__(self) -> str:
        return f"Table({self._shape}: {', '.join(self.names[:MOST_NAMES])}{' …' if self.names[MOST_NAMES:] else ''})"

    @property
    def _shape(self) -> str:
        return f"{count(len(self), 'row')} × {count(len(self.data), 'column')}"

    def _repr_html_(self) -> str:
        """Return its first rows as a cell of a notebook."""
        names, first = self.names[: notebook.MOST_COLUMNS], np.arange(min(len(self), notebook.MOST_ROWS))
        columns = [first.tolist(), *(self.cells(name, first) for name in names)]
        rows = notebook.grid(["", *self.names], [*zip(*columns, strict=True)], len(self))
        return notebook.cell(notebook.head(self._shape, self.source), rows)

    def cells(self, name: str, rows: Sequence[int] | np.ndarray | None = None) -> list[Any]:
        """Return the cells of one column as Python values, None where missing; of arrays one array a row.

        Args:
            name: the column.
            rows: (rows,) indices from 0; by default all.

        Raises:
            RequestError: there is no such column.
        """
        values = _by_name(self.data, name, "column")
        values = values if rows is None else _take(values, rows)
        if isinstance(values, np.ndarray):
            return [_cell(v) for v in (values.tolist() if values.ndim == 1 else values)]
        return [_cell(v) for v in values.to_pylist()]

    def place(self, name: str, row: int) -> str:
        """Return how a message names a cell: column, row from 0, and the line where the table was a CSV."""
        line = f" (line {self.lines[row]})" if self.lines is not None and row < len(self.lines) else ""
        return f"column {name!r}, row {row}{line}"


def _to_arrow(name: str, values: pa.ChunkedArray | np.ndarray) -> Any:
    import pyarrow as pa

    if not isinstance(values, np.ndarray) or (values.ndim == 1 and values.dtype != object):
        return values
    try:
        return pa.array([cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in values])
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise RequestError(f"column {name!r} cannot be written: {first_line(error):.200}. Leave it out") from None


def frame_of(table: pa.Table) -> Any:
    """Return a table of Arrow as a pandas.DataFrame. Raises MissingExtra where pandas is not installed."""
    if importlib.util.find_spec("pandas") is None:
        raise MissingExtra("a DataFrame needs pandas, which is not installed; run: pip install pandas.")
    return table.to_pandas()


def _take(values: pa.ChunkedArray | np.ndarray, rows: Sequence[int] | np.ndarray) -> pa.ChunkedArray | np.ndarray:
    import pyarrow as pa

    index = np.ascontiguousarray(rows, dtype=np.int64)
    if isinstance(values, np.ndarray):
        return values[index]
    # from its buffer, since of an array Arrow makes one with pandas, which takes long to import
    return values.take(pa.Array.from_buffers(pa.int64(), len(index), [None, pa.py_buffer(index)]))


def _cell(value: Any) -> Any:
    """Return a cell, or None where it is NaN, blank or empty."""
    if isinstance(value, str):
        return value if value.strip() else None
    empty = value != value if isinstance(value, float) else isinstance(value, (bytes, bytearray)) and not value
    return None if empty else value


@dataclass
class Batch:
    """What a predictor sees. inputs[m]: (batch, …); present[m]: (batch,) bool; target: (batch,) or None.

    Of a media modality with several columns inputs[m] is (batch, column, …), and cells[m] (batch, column) bool says
    which are there. Give a batch another tensor rather than change one: features that were made of it are kept. Where
    torch is not loaded, and so nobody can ask for a tensor, all of them are arrays.
    """

    inputs: dict[str, Any]
    present: dict[str, Any]
    target: torch.Tensor | None = None
    cells: dict[str, Any] = field(default_factory=dict)
    features: dict[str, list[Any]] = field(default_factory=dict, repr=False, compare=False)  # made of inputs, kept
    # where a dict: what predictors said, {id: (predictor, {modalities kept: answers})}; each is asked but once
    answers: dict[int, tuple[Any, dict[tuple[str, ...], np.ndarray]]] | None = field(
        default=None, repr=False, compare=False
    )


def as_array(x: Any) -> np.ndarray:
    """Return what a batch holds, a tensor anywhere or an array, as an array."""
    return x if isinstance(x, np.ndarray) else x.cpu().numpy()


def as_held(x: Any) -> Any:
    """Return an array as a batch holds it: as a tensor where torch is loaded, else as it is."""
    if "torch" not in sys.modules:
        return x
    import torch  # which waits for another thread that is loading it

    return torch.from_numpy(x)


_SECOND = "\ue000"  # what follows it in the name of an input is a second view of the modality before it


def second_name(of: str, how: str) -> str:
    """Return the name of the inputs of a second view of a modality, which come and go with it."""
    return f"{of}{_SECOND}{how}"


def shown_by(name: str) -> str:
    """Return the modality that the inputs of this name show."""
    return name.partition(_SECOND)[0]


def keep_only(batch: Batch, keep: Iterable[str]) -> Batch:
    """Return the batch with only these modalities present. Inputs are shared, not copied."""
    kept = set(keep)

    def masked(flags: Mapping[str, Any]) -> dict[str, Any]:
        return {name: x if shown_by(name) in kept else x & False for name, x in flags.items()}

    return Batch(batch.inputs, masked(batch.present), batch.target, masked(batch.cells))


def answer_subsets(predictor: Any, batch: Batch, keeps: Sequence[Sequence[str]]) -> list[np.ndarray]:
    """Return what a predictor answers with only the modalities of each keep present: (batch, class) for each.

    It is asked once for all keeps that are the same to it, since it does not look at what tells them apart.
    """
    shown = {shown_by(name) for name in predictor.names}
    own = [tuple(sorted(shown & {*keep})) for keep in keeps]
    answers = {} if batch.answers is None else batch.answers
    known = answers.setdefault(id(predictor), (predictor, {}))[1]
    if new := [keep for keep in dict.fromkeys(own) if keep not in known]:
        asked = (
            predictor.subsets(batch, new)
            if hasattr(predictor, "subsets")
            else [predictor(keep_only(batch, keep)) for keep in new]
        )
        known.update(zip(new, asked, strict=True))
    return [known[keep] for keep in own]


def free_name(name: str, taken: Container[str]) -> str:
    """Return the name, or with _2, _3 … where it is taken."""
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return next(free for free in itertools.chain([name], numbered) if free not in taken)


def clean_label(cell: Any) -> Any:
    """Return a label as JSON can hold it: a whole number as int, text without blanks around it, None where absent."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float):
        return None if cell != cell else int(cell) if cell.is_integer() else cell
    return cell if cell is None or isinstance(cell, (bool, int)) else str(cell)


BLANK = "blank"  # why a cell is absent in which nothing is
NEW = "was not in training"  # what is said of a value that counts as absent since no code was learned for it
MUTE = "has no sound track"  # ends why the sound of a video is absent: nothing of it is broken
FILLED = "filled from"  # begins the note of a cell that was made of another


def no_column(*names: str) -> str:
    """Return why cells are absent whose columns the table lacks: no columns 'age', 'town'."""
    return f"no column{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"


def status_of(absent: Mapping[str, str], modalities: Iterable[str]) -> tuple[str, str]:
    """Return (status, reason) of one row from its absent modalities and why each is absent: partial, audio: blank."""
    names = list(modalities)
    if not absent:
        return "ok", ""
    reason = "; ".join(f"{name}: {absent[name]}" for name in names if name in absent)
    return ("failed" if len(absent) == len(names) else "partial"), reason
