"""What classic learners see of rows: features by hand, with vocabularies and scales learned from the rows allowed.

Knows prepared rows and views; no target.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from plait.core.contract import Batch
from plait.errors import PlaitError
from plait.kinds import KINDS
from plait.kinds.features import batch_features, give_features
from plait.kinds.part import Part
from plait.models.predictors import Bounded, leaves_of
from plait.models.rows import Prepared, prepare
from plait.models.sparse import count_texts
from plait.models.views import View, prep_options
from plait.study.cost import TIMED
from plait.study.job import Fit

RAW = ("tuned", "letters")  # views of which no dense features are made
WRITTEN = "as text"  # views of rows written out as text, which one learner looks at, after most others
MOST_LETTERS = 30_000_000  # up to which the runs of all texts are kept: eight bytes each, two or three to a letter


Thing = TypeVar("Thing")


class Made(Mapping[str, Thing]):
    """Things by name, such as features, each made when it is first asked for, by what is given for it."""

    def __init__(self, makers: Mapping[str, Callable[[str], Thing]]) -> None:
        self._makers, self._made = makers, dict[str, Thing]()

    def __getitem__(self, name: str) -> Thing:
        if name not in self._made:
            self._made[name] = self._makers[name](name)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


@dataclass
class Seen:
    """What classic learners see of every row of a table. layouts: how features are made; features: (rows, feature).

    rows: those alone that were prepared anew, and `base` what is seen of the other views; None of all. late: further
    inputs of these rows, each prepared when it is first asked for.
    """

    prepared: Prepared
    rows: np.ndarray | None = None
    base: Seen | None = None
    counts: dict[str, Any] = field(default_factory=dict, repr=False)  # of runs in texts, once asked for
    seconds: dict[str, float] = field(default_factory=dict, repr=False)  # that the features of a row took, once made
    late: Mapping[str, Prepared] = field(default_factory=dict, repr=False)

    @property
    def _own(self) -> list[str]:
        return [*(s.name for s in self.prepared.views if s.how not in RAW), *self.late]

    def _prepared_as(self, name: str) -> Prepared:
        if name in self.late:
            return self.late[name]
        views = [view for view in self.prepared.views if view.name == name]
        inputs, cells = {name: self.prepared.inputs[name]}, {name: self.prepared.cells[name]}
        return Prepared(views, inputs, cells, self.prepared.reasons)

    @cached_property
    def layouts(self) -> Mapping[str, Any]:
        rest = {} if self.base is None else dict.fromkeys(self.base.layouts, self.base.layouts.__getitem__)
        return Made({**rest, **dict.fromkeys(self._own, self._lay_out)})

    def _lay_out(self, name: str) -> dict[str, Any]:
        (view,) = self._prepared_as(name).views
        layout, columns = view.layout(), len(view.modality.columns) if view.several else 1
        return {**layout, **getattr(KINDS[layout["kind"]].features, "CLASSIC", {}), "columns": columns}

    @cached_property
    def features(self) -> Mapping[str, np.ndarray]:
        """(rows, feature) of every modality, each made when first asked for; NaN in rows that were not prepared."""
        rest = {} if self.base is None else dict.fromkeys(self.base.features, self.base.features.__getitem__)
        return Made({**rest, **dict.fromkeys(self._own, self._make)})

    def _make(self, name: str) -> np.ndarray:
        alone, made = self._prepared_as(name), np.zeros((0, 0), np.float32)
        began = time.perf_counter()
        for start in range(0, len(alone), 512):
            rows = np.arange(start, min(start + 512, len(alone)))
            part = batch_features(alone.batch(rows), self.layouts, [name])[name]
            made = made if start else np.empty((len(alone), part.shape[1]), np.float32)
            made[rows] = part
        self.seconds[name] = (time.perf_counter() - began) / max(1, len(alone))
        return made if self.base is None or self.rows is None else _spread(made, self.rows, len(self.base.prepared))

    @classmethod
    def given(
        cls, features: Mapping[str, np.ndarray], layouts: Mapping[str, Any], letters: Mapping[str, np.ndarray]
    ) -> Seen:
        """Return what is seen of rows whose features are made already. letters: {input: (rows, byte)} of texts."""
        seen = cls(Prepared([], dict(letters), {}, []))
        vars(seen).update(features=dict(features), layouts=dict(layouts))
        return seen

    def changed(self, features: Mapping[str, np.ndarray], layouts: Mapping[str, Any], rows: np.ndarray) -> Seen:
        """Return the same with these features (of rows, feature) of some inputs instead of its own."""
        seen = Seen(Prepared([], {}, {}, []), rows, self)
        num = len(next(iter(self.features.values())))
        whole = {name: _spread(x, rows, num) for name, x in features.items()}
        vars(seen).update(features={**self.features, **whole}, layouts=dict(layouts))
        return seen

    def take(self, name: str, rows: np.ndarray) -> Any:
        """Return the features of rows (rows, feature) of one input; of letters the counts of their runs, sparse."""
        if name in self.features:
            return self.features[name][rows]
        if self.base is not None:
            return self.base.take(name, rows)
        x = self.prepared.inputs[name]
        if x.size > MOST_LETTERS:
            return count_texts(x, rows)
        if name not in self.counts:
            self.counts[name] = count_texts(x)
        return self.counts[name][rows]

    def answer(self, predictor: Any, rows: np.ndarray, keep: Sequence[str] | None = None) -> np.ndarray:
        """Return what a classic learner says of rows of the table, from features that are there already.

        keep: the modalities that are not hidden from it, which looks at several.
        """
        (inner,) = leaves_of(predictor)
        features = {name: self.take(name, rows) for name in inner.input_names}
        answers = inner.from_features(features) if keep is None else inner.from_features(features, keep)
        return predictor.finish(answers) if isinstance(predictor, Bounded) else answers

    @cached_property
    def few(self) -> Batch:
        """A few of the rows, with every view, to take times of."""
        if self.base is None or self.rows is None:
            rows = np.arange(min(TIMED, len(self.prepared)))
            batch = self.prepared.batch(rows)
            for name, each in self.seconds.items():
                give_features(batch, name, self.layouts[name], self.features[name][rows], each * len(rows))
            return batch
        few, first = self.base.prepared.take(self.rows[:TIMED]), np.arange(min(TIMED, len(self.rows)))
        for own in (self.prepared.take(first), *(one.take(first) for one in self.late.values())):
            views = [*own.views, *(view for view in few.views if view.name not in own.inputs)]
            few = Prepared(views, {**few.inputs, **own.inputs}, {**few.cells, **own.cells}, few.reasons)
        return few.batch(np.arange(len(few)))


def _spread(x: np.ndarray, rows: np.ndarray, num: int) -> np.ndarray:
    """Return features of these rows among so many, NaN in all others."""
    whole = np.full((num, x.shape[1]), np.nan, x.dtype)
    whole[rows] = x
    return whole


def see_anew(job: Fit, base: Seen, learned: np.ndarray, rows: np.ndarray, generator: np.random.Generator) -> Seen:
    """Return what is seen of these rows when vocabularies, codes and scales are learned from some of them.

    Pictures, sounds, and what others have trained, stay: of them nothing is learned that a row left out may tell.
    """
    written = {view.name: view for view in base.prepared.views if view.how == WRITTEN}
    others = [view for view in base.prepared.views if view.how not in (*RAW, WRITTEN)]
    changed = [own for view in others if (own := _learn_view(view, job, learned, generator)) is not None]
    if not changed and not written:
        return base
    table = job.table.take(rows)

    def write(name: str) -> Prepared:
        view = written[name]
        return prepare(table, [_learn_view(view, job, learned, generator) or view])

    return Seen(prepare(table, changed), rows, base, late=Made(dict.fromkeys(written, write)))


def _learn_view(view: View, job: Fit, rows: np.ndarray, generator: np.random.Generator) -> View | None:
    """Return a view with its preparation learned from these rows, or None where nothing is learned of its cells."""
    if view.able.opened or view.frozen is not None:
        return None
    own = {} if view.how == WRITTEN else prep_options(job.schema, job.options.prep)[view.of]
    blank = own["prep"] if "prep" in own else view.able.prep.PREP.of(own)
    part = Part(job.table, view.modality.columns, view.kinds)
    with contextlib.suppress(PlaitError):  # none of these rows has any of it
        return replace(view, prep=view.able.read.fit(blank, part, rows, generator))
    return None
