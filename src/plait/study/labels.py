"""What `fit` asks of a table beyond its features: the labels, their codes, and the fingerprint of a command."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from plait.core.classes import Ordered, Several
from plait.core.contract import Schema, Table, clean_label
from plait.core.later import torch
from plait.core.options import CLASS_METRICS, LABEL_METRICS, NUMBER_METRICS, ORDERED_METRICS, FitOptions
from plait.core.words import count, percent
from plait.data.label_lists import code_labels, find_delimiter, read_labels
from plait.data.lists import array_of
from plait.data.parse import Written, how_written, read_amounts
from plait.errors import RequestError, TableError
from plait.kinds.grades import order_classes, settle_grades
from plait.models.calibration import losses, rarest_label
from plait.models.learning import Target
from plait.models.predictors import Bounded
from plait.proof.paired import Yardstick
from plait.proof.scores import group_codes, intervals

COMMON = 0.8  # share of the commonest class above which accuracy hardly moves
MANY_NUMBERS = 30  # labels from which on three of them are few

BEYOND = 0.3  # of the range of training, how far above it what is learned as a logarithm may be answered
MOST_LIFT = 1.0  # of a logarithm, towards the mean
FEWEST, SKEWED = 20, 1.0  # rows, and skewness: that of an exponential distribution is 2, of a bell curve 0
# what of labels are numbers and words
SCALED = ("name", "center", "spread", "log", "shift", "low", "high", "log_scale", "metric", "chooses")


@dataclass
class Labels:
    """The target column. codes: (rows,) class code, or 0 with a number; −1 without a label. cells: (rows,) objects.

    Where a row may have several labels, classes are `Several`, cells hold tuples, sets say which of the labels a row
    has, and the code is that of the rarest of them: rows are dealt by it.
    """

    name: str
    cells: np.ndarray
    codes: np.ndarray
    classes: list[Any] | None
    center: float = 0.0
    spread: float = 1.0
    prior: np.ndarray = field(default_factory=lambda: np.zeros(0))  # (class,) shares of training, or (1,) their mean
    written: Written = field(default_factory=Written)  # how numbers are: 1.234,5 and kg
    weights: np.ndarray | None = None  # (class,) of the loss, where classes are balanced
    log: bool = False  # whether the logarithm of numbers is learned
    shift: float = 0.0  # what is added before it is taken: 1 of counts with zeros
    low: float | None = None  # an end of the numbers, below which none is answered
    high: float | None = None  # the same above, where the logarithm is learned
    log_scale: tuple[float, float] = (0.0, 1.0)  # mean and deviation of the logarithms in training
    counts: np.ndarray | None = None  # (rows,) what each row counts, 1 on average of those with a label
    metric: str = ""  # that decides choice, headline and verdict
    beside: str | None = None  # another metric that the summary names
    why: str = ""  # a sentence, where the metric is not the usual one and nobody asked for it
    chooses: bool = False  # whether the metric chooses the winner, not the loss
    sets: np.ndarray | None = None  # (rows, label) 0 or 1
    note: str = ""  # what is to be told of how they are written

    def __post_init__(self) -> None:
        self.metric = self.metric or self._metrics[0]

    @property
    def _metrics(self) -> tuple[str, ...]:
        if self.classes is None:
            return NUMBER_METRICS
        if isinstance(self.classes, Several):
            return LABEL_METRICS
        return ORDERED_METRICS if isinstance(self.classes, Ordered) else CLASS_METRICS

    @property
    def task(self) -> str:
        """What is learned, as a run calls it."""
        if self.classes is None:
            return "regression"
        return {Several: "labels", Ordered: "ordered"}.get(type(self.classes), "classification")

    @classmethod
    def find(cls, table: Table, schema: Schema) -> Labels:
        """Read the target. Raises TableError when it has no label, one class, or a cell that is no number."""
        name = schema.role("target")
        if name is None:
            raise RequestError("no column is the target.")
        kind = schema.column(name).kind
        if kind == "labels":
            return cls.find_several(table, name)
        cells, written = [clean_label(cell) for cell in table.cells(name)], Written()
        if kind == "number":
            written = how_written(table.cells(name))
            cells = list(read_amounts(table, name, written))
        cells, alike, nothing = settle_grades(cells) if kind == "ordered" else (cells, "", [])
        there = np.array([cell is not None for cell in cells], bool)
        if not there.any():
            raise TableError(
                f"column {name!r} has no label in any of its {count(len(cells), 'row')}; expected some to learn from."
            )
        codes, classes = np.where(there, 0, -1), None
        if kind in ("category", "ordered"):
            for row, cell in enumerate(cells):
                if isinstance(cell, float) and math.isinf(cell):
                    raise TableError(
                        f"column {name!r}, row {row}: the target is {cell}; expected a class. Mend the cell, or leave "
                        "it blank."
                    )
            found = {cell for cell in cells if cell is not None}
            classes = sort_classes(found) if kind == "category" else Ordered(order_classes(name, found))
            if len(classes) < 2:
                raise TableError(
                    f"column {name!r} has one class, {classes[0]!r}, in all rows that have a label; "
                    "expected two or more to tell apart."
                )
            places = {value: index for index, value in enumerate(classes)}
            codes = np.array([places.get(cell, -1) for cell in cells])
        elif kind != "number":
            raise RequestError(
                f"column {name!r} holds {kind}, which cannot be a target yet; expected classes or numbers. "
                f"If it does hold classes, say so with --kind {name}=category."
            )
        notes = [f"{name}: grades written in other letters count as the same: {alike}."] if alike else []
        notes += [f"{name}: no grade is {' or '.join(map(repr, nothing))}."] if nothing else []
        note = " ".join(notes)
        return cls(name, np.fromiter(cells, object), codes.astype(np.int64), classes, written=written, note=note)

    @classmethod
    def find_several(cls, table: Table, name: str) -> Labels:
        """Read a target of several labels a row. Raises TableError where labels cannot be told apart, or are one."""
        given = table.cells(name)
        try:
            delimiter = find_delimiter(given)
        except ValueError as error:
            raise TableError(
                f"column {name!r} {error}. Expected one of ; | , between labels, and in none of them; or write lists: "
                '["a", "b"].'
            ) from None
        cells = read_labels(given, delimiter, [table.place(name, row) for row in range(len(given))])
        if all(cell is None for cell in cells):
            raise TableError(f"column {name!r} has no labels in any of its {count(len(cells), 'row')}.")
        labels = sort_classes({label for cell in cells for label in cell or ()})
        if len(labels) < 2:
            raise TableError(
                f"column {name!r} holds {'the one label ' + repr(labels[0]) if labels else 'no label'}; "
                "expected two or more."
            )
        texts = any(isinstance(cell, str) and not cell.lstrip().startswith("[") for cell in given)
        fewest = int(all(cell is None or len(cell) for cell in cells))
        classes = Several(labels, delimiter or (";" if texts else ""), fewest)
        sets = code_labels(cells, labels)
        there, codes = np.array([cell is not None for cell in cells], bool), np.full(len(cells), -1, np.int64)
        codes[there] = rarest_label(sets[there])
        column = np.empty(len(cells), object)
        column[:] = [cell and tuple(classes.pick(own == 1)) for cell, own in zip(cells, sets, strict=True)]
        return cls(name, column, codes, classes, sets=sets)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return (JSON, arrays) of all that is learned by, from which `from_state` makes the same labels, unnamed."""
        facts = {key: getattr(self, key) for key in SCALED}
        facts |= {"task": self.task, "classes": 0 if self.classes is None else len(self.classes)}
        arrays = {"codes": self.codes, "prior": self.prior, "weights": self.weights, "counts": self.counts}
        arrays |= {"sets": self.sets, "numbers": self.numbers if self.classes is None else None}
        return facts, {name: x for name, x in arrays.items() if x is not None}

    @classmethod
    def from_state(cls, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Labels:
        """Make labels of what `state` gave: a class is called by its code."""
        arrays = {name: x.copy() for name, x in arrays.items()}  # what travelled may not be written to
        codes = arrays["codes"]
        classes: list[Any] | None = list(range(facts["classes"])) or None
        numbers = arrays.get("numbers", codes)
        cells = np.array([None if np.isnan(x) else x for x in numbers.tolist()], object)
        if facts["task"] == "labels":
            classes = Several(classes or [])
            cells[:] = [tuple(np.flatnonzero(own).tolist()) for own in arrays["sets"]]
        elif facts["task"] == "ordered":
            classes = Ordered(classes or [])
        given: dict[str, Any] = {key: tuple(x) if isinstance(x := facts[key], list) else x for key in SCALED}
        given |= {name: arrays.get(name) for name in ("weights", "counts", "sets")}
        return cls(cells=cells, codes=codes, classes=classes, prior=arrays["prior"], **given)

    def weigh(self, sample_weight: Any) -> None:
        """Let each row count as much as `sample_weight` (rows,) says; one that counts 0 has no label."""
        counts = np.asarray(sample_weight, np.float64)
        if counts.shape != self.codes.shape:
            raise RequestError(f"sample_weight has the shape {counts.shape}; expected {self.codes.shape}, one a row.")
        if not (np.isfinite(counts).all() and (counts >= 0).all()):
            raise RequestError("sample_weight holds numbers below 0, or none; expected 0 or more for each row.")
        self.cells[counts == 0], self.codes[counts == 0] = None, -1
        if not (self.codes >= 0).any():
            raise RequestError("sample_weight is zero in all rows with a label; expected some that count.")
        self.counts = counts / counts[self.codes >= 0].mean()

    def settle_metric(self, asked: str | None) -> None:
        """Take the metric that was asked for, or the one that suits these labels. Raises RequestError."""
        if asked is not None:
            if asked not in self._metrics:
                held = {"regression": "numbers", "labels": "several labels a row"}.get(self.task, "classes")
                raise RequestError(
                    f"the metric {asked} does not fit column {self.name!r}, which holds {held}; "
                    f"expected one of: {', '.join(self._metrics)}."
                )
            self.metric, self.chooses = asked, True
            return
        there = self.codes >= 0
        if isinstance(self.classes, (Several, Ordered)):
            self.beside = self._metrics[1]
            return
        if self.classes is not None:
            counts = np.bincount(self.codes[there], minlength=len(self.classes))
            if counts.max() > COMMON * counts.sum():
                share, name = percent(counts.max() / counts.sum(), 0), self.classes[int(counts.argmax())]
                self.metric, self.beside = "log_loss", "auroc" if len(self.classes) == 2 else "balanced_accuracy"
                self.why = f"{share} of the rows are {name!r}, so log loss decides: accuracy would hardly move."
            return
        squares = np.sort(np.square(self.numbers[there] - self.numbers[there].mean()))
        if len(squares) >= MANY_NUMBERS and squares[-3:].sum() > squares.sum() / 2:
            self.metric, self.beside, self.chooses = "mae", "r2", True
            self.why = "three rows make most of the squared error, so the mean absolute error decides."

    def check_training(self, rows: np.ndarray) -> None:
        """Raise TableError when the training rows show fewer than two classes, or two numbers."""
        if self.classes is None:
            if len({float(v) for v in self.cells[rows]}) < 2:
                raise TableError(
                    f"column {self.name!r} is the same number in all training rows; expected numbers that differ."
                )
            return
        if self.sets is not None:
            shares = self.sets[rows].mean(0) if len(rows) else np.zeros(1)
            if ((shares == 0) | (shares == 1)).all():
                raise TableError(
                    f"all training rows have the same labels in column {self.name!r}; expected some apart."
                )
            return
        seen = np.unique(self.codes[rows])
        if not len(seen):
            raise TableError("there are no training rows with a label; expected rows of two or more classes.")
        if len(seen) < 2:
            raise TableError(
                f"the training rows have one class of column {self.name!r}, {self.classes[seen[0]]!r}; "
                "expected two or more."
            )

    def learn_from(self, train: np.ndarray, balance: bool, val: np.ndarray | None = None) -> None:
        """Take center, spread, prior and, to balance the classes, their weights from the training rows.

        val: the validation rows, which may show that the numbers do not end at 0.
        """
        counts = None if self.counts is None else self.counts[train]
        if self.classes is None:
            values = self.numbers[train]
            self.center, self.spread = float(np.average(values, weights=counts)), float(values.std())
            self.prior = np.array([self.center])
            least = self.numbers[train if val is None else np.concatenate([train, val])].min()
            self.low, self.log, self.high = 0.0 if least >= 0 and ends_at_zero(values) else None, False, None
            return
        if self.sets is not None:
            if balance:
                raise RequestError(
                    f"balance weights classes, of which a row has one; column {self.name!r} holds several labels a row."
                )
            self.prior = np.average(self.sets[train], axis=0, weights=counts)
            return
        shares = np.bincount(self.codes[train], counts, minlength=len(self.classes)).astype(float)
        self.prior = shares / shares.sum()
        shares = np.where(shares > 0, shares.sum() / np.maximum(shares, 1e-9) / (shares > 0).sum(), 0)
        self.weights = shares if balance else None

    def target_on(self, device: torch.device) -> Target:
        """Return what a network learns: class codes, numbers in spreads from their center, or the labels of rows."""
        counts = None if self.counts is None else torch.from_numpy(self.counts.astype(np.float32)).to(device)
        if self.classes is None:
            center, spread = self.scale
            scaled = ((self.learned - center) / spread).astype(np.float32)
            return Target(torch.from_numpy(scaled).to(device), regression=True, counts=counts)
        if self.sets is not None:
            return Target(torch.from_numpy(self.sets.astype(np.float32)).to(device), counts=counts)
        weights = None if self.weights is None else torch.from_numpy(self.weights.astype(np.float32)).to(device)
        return Target(torch.from_numpy(self.codes).to(device), weights=weights, counts=counts)

    @property
    def numbers(self) -> np.ndarray:
        """(rows,): class codes (int64, −1 without a label), or the numbers themselves (float64, NaN without one).

        (rows, label), 0 or 1, of several labels a row.
        """
        if self.sets is not None:
            return self.sets
        if self.classes is not None:
            return self.codes
        return np.array([np.nan if cell is None else float(cell) for cell in self.cells])

    @property
    def network_prior(self) -> torch.Tensor:
        """What a network starts from: (class,) shares of training, or (1,) the mean, as it learns numbers."""
        if self.classes is not None:
            return torch.from_numpy(self.prior.astype(np.float32))
        center, spread = self.scale
        # the mean is 0, but not of logarithms, which have theirs elsewhere
        return torch.full((1,), float(self.learned_prior[0] - center) / spread if self.log else 0.0)

    def learn_log(self, train: np.ndarray, log: bool) -> None:
        """Learn logarithms, or not. No answer is then far above the largest number of training."""
        self.log, values = log, self.numbers[train]
        self.shift = shift_of(values)
        self.high = float(values.max() + BEYOND * (values.max() - values.min())) if log else None
        if log:
            logs = np.log(values + self.shift)
            self.log_scale = float(logs.mean()), float(logs.std())

    def as_logs(self, train: np.ndarray, log: bool) -> Labels:
        """Return the same labels, of which logarithms are learned, or not."""
        twin = copy.copy(self)
        twin.learn_log(train, log)
        return twin

    @property
    def scale(self) -> tuple[float, float]:
        """The center and the spread of what is learned, in training."""
        return self.log_scale if self.log else (self.center, self.spread)

    @property
    def learned(self) -> np.ndarray:
        """(rows,): what is learned: class codes, numbers, or their logarithms."""
        with np.errstate(invalid="ignore", divide="ignore"):  # of validation and test there may be others
            return np.log(self.numbers + self.shift) if self.log else self.numbers

    @property
    def learned_prior(self) -> np.ndarray:
        """(class,) shares of training, or (1,) what stands for the mean in what is learned."""
        return np.log(self.prior + self.shift) if self.log else self.prior

    def in_unit(self, predictor: Any, lift: float = 0.0) -> Any:
        """Return a predictor of what is learned as one that answers in the unit of the target. lift: see `lift_of`."""
        low = 0.0 if self.shift else None
        return Bounded(predictor, low, self.high, True, self.shift, lift) if self.log else predictor

    def lift_of(self, answers: np.ndarray, rows: np.ndarray) -> float:
        """Return by how much the logarithms behind answers (rows, 1) fall short of the mean of these rows.

        Their exponential is the median: of numbers with a long tail well below the mean, which squared errors ask for
        (Duan 1983, "Smearing estimate"). Rows that were not learned from; 0 where no logarithm is learned.
        """
        if not self.log or (self.chooses and self.metric == "mae"):
            return 0.0
        apart = (self.numbers[rows] + self.shift) / np.maximum(answers[:, 0] + self.shift, 1e-12)
        mean = np.average(apart, weights=None if self.counts is None else self.counts[rows])
        return float(np.clip(np.log(mean), 0.0, MOST_LIFT))

    def lift(self, predictor: Any, answers: np.ndarray, rows: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return a predictor of `in_unit`, and its answers (rows, 1), lifted as rows tell that it did not learn from.

        By all of it, half of it, or not, whatever loses least: the long tail may be where it errs less.
        """
        lift, best = self.lift_of(answers, rows), (predictor, answers)
        for share in (0.5, 1.0) if lift else ():
            lifted = replace(predictor, lift=share * lift)
            said = lifted.finish(np.log(answers + self.shift))
            if self.losses(said, rows).mean() < self.losses(best[1], rows).mean():
                best = lifted, said
        return best

    def losses(self, answers: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Return the loss of each of these rows, by what it counts: log loss, or squared error in units of the target's
        spread."""
        each = losses(answers, self.numbers[rows])
        if self.counts is not None:
            each = each * self.counts[rows] / self.counts[rows].mean()
        return each if self.classes is not None else each / max(self.spread, 1e-12) ** 2

    @property
    def written_as(self) -> dict[str, Any] | None:
        """How several labels a row are written and answered, as a run keeps it; None of others."""
        classes = self.classes
        return {"delimiter": classes.delimiter, "fewest": classes.fewest} if isinstance(classes, Several) else None

    def decide(self, answers: np.ndarray) -> np.ndarray:
        """Return which labels (rows, label) bool answers name, levelled as `level` does, of several labels a row."""
        assert isinstance(self.classes, Several)
        return self.classes.decide(answers)

    def cells_of(self, rows: np.ndarray) -> np.ndarray:
        """Return the labels of rows as one cell holds them (rows,)."""
        classes = self.classes
        if not isinstance(classes, Several):
            return self.cells[rows]
        return np.array([None if own is None else classes.write(own) for own in self.cells[rows]], object)

    def level(self, answers: np.ndarray, thresholds: tuple[float, ...]) -> np.ndarray:
        """Return answers as they are judged: of several labels moved so that each threshold is .5."""
        return self.classes.at(thresholds).level(answers) if isinstance(self.classes, Several) else answers

    def headline(
        self, answers: np.ndarray, rows: np.ndarray, seed: int, groups: np.ndarray | None = None
    ) -> dict[str, Any]:
        """Return the metric with its 95 % interval of answers, (rows, class) or (rows, 1), for these rows. groups:
        (rows,) of these rows."""
        given: dict[str, Any] = {"generator": np.random.default_rng(seed), "groups": groups}
        if self.classes is None:
            return intervals(self.cells[rows].astype(float), answers[:, 0], None, **given)[self.metric]
        return intervals(self.cells[rows], answers, self.classes, only=self.metric, **given)[self.metric]

    def yardstick(self, rows: np.ndarray, groups: np.ndarray | None = None) -> Yardstick:
        """Return these rows, and the metric, to measure answers by. groups: (rows,) of these rows."""
        cells = self.cells[rows]
        truth = cells.astype(np.float64) if self.classes is None else cells
        return Yardstick(self.metric, truth, self.classes, None if groups is None else group_codes(groups))


def ends_at_zero(values: np.ndarray) -> bool:
    """Whether 0 is an end of numbers: none is below it, where a bell curve of their mean and spread would have some.

    Three are expected of so many: then none is there by chance in one case of twenty.
    """
    mean, spread = float(values.mean()), float(values.std())
    return bool(values.min() >= 0 and spread > 0 and len(values) * NormalDist(mean, spread).cdf(0) >= 3)


def shift_of(values: np.ndarray) -> float:
    """Return what is added to numbers before their logarithm is taken: 1 to counts with zeros, else 0."""
    return 1.0 if values.min() == 0 and (values % 1 == 0).all() else 0.0


def is_skewed(values: np.ndarray) -> bool:
    """Whether numbers, above 0 or counts, are very skewed, and their logarithms much less so: prices, visits."""
    if len(values) < FEWEST or values.min() + shift_of(values) <= 0:
        return False
    logs = np.log(values + shift_of(values))
    skew, skew_of_logs = (float((((x - x.mean()) / x.std()) ** 3).mean()) for x in (values, logs))
    return skew > SKEWED and abs(skew_of_logs) < skew / 2


def sort_classes(values: set[Any]) -> list[Any]:
    """Return classes in order: numbers by size, words by alphabet."""
    return sorted(values, key=None if all(isinstance(v, (int, float)) for v in values) else str)


def column_of_labels(labels: Any, rows: int) -> Any:
    """Return labels as an Arrow column. labels: (rows,) or one-hot (rows, class), or a list of strings or numbers; of
    several labels a row a list of lists."""
    import pyarrow as pa

    if isinstance(labels, (list, tuple)) and any(isinstance(own, (list, tuple, set)) for own in labels):
        if len(labels) != rows:
            raise RequestError(f"there are {len(labels)} lists of labels; expected {rows}, one for each row.")
        return pa.chunked_array([pa.array([own if own is None else sorted(own, key=str) for own in labels])])
    array = np.asarray(labels)
    if array.dtype.kind == "c":
        raise RequestError(f"Complex data not supported: labels of {array.dtype}; expected numbers or classes.")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        sums, values = array.sum(axis=1), np.unique(array)
        if not (np.isin(values, (0, 1)).all() and (sums == 1).all()):
            raise RequestError(
                f"labels of shape {array.shape} are not one-hot: every row must hold one 1 and zeros. "
                "Give class numbers instead, or, for several labels a row, a list of labels for each."
            )
        array = array.argmax(axis=1)
    if array.ndim != 1 or len(array) != rows:
        raise RequestError(
            f"labels have the shape {array.shape}; expected ({rows},), one for each row, or one-hot ({rows}, class)."
        )
    return pa.chunked_array([array_of(array.tolist())])


def fingerprint(table: Table, target: str, options: FitOptions, counts: np.ndarray | None = None) -> str:
    """Return a hash of the cells, of what rows count, and of the options: commands with the same one do the same."""
    hashed, given = hash_cells(table), asdict(options)
    for name in ("overwrite", "report", "report_rows", "lang"):
        given.pop(name)
    given["fusion"] = None if options.fusion is None else str(options.fusion)
    hashed.update(json.dumps({**given, "target": target}, sort_keys=True, default=str).encode())
    if counts is not None:
        hashed.update(counts.tobytes())
    return hashed.hexdigest()


def hash_judged(table: Table, rows: np.ndarray) -> str:
    """Return 16 letters that name the rows a verdict is about, by what their cells say."""
    return str(hash_cells(table.take(rows)).hexdigest()[:16])


def hash_cells(table: Table) -> Any:
    """Return the SHA-256 of the names and cells of a table, not of the files that paths in it lead to."""
    import pyarrow as pa

    hashed = hashlib.sha256()
    for name, values in table.data.items():
        hashed.update(name.encode())
        if isinstance(values, np.ndarray):
            hashed.update(str((values.shape, values.dtype)).encode())
            if values.dtype != object:
                hashed.update(np.ascontiguousarray(values).data)
                continue
            for cell in values:  # of a long array its text shows the ends alone
                array = isinstance(cell, np.ndarray)
                hashed.update(repr((cell.shape, str(cell.dtype)) if array else cell).encode("utf-8", "replace"))
                hashed.update(cell.tobytes() if array else b"")
        else:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, pa.schema([("x", values.type)])) as writer:
                writer.write_table(pa.table({"x": values.combine_chunks() if values.num_chunks else values}))
            hashed.update(sink.getvalue())
    return hashed
