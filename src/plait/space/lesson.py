"""What a space is learned from: features, contents and classes of rows, and which of them teach, choose and test.

Knows a fitted model and a table; not how a space is learned.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from plait.core.contract import Schema, Table, clean_label, group_rows, name_splits
from plait.core.files import file_in
from plait.data.spelling import match_names
from plait.errors import RequestError, did_you_mean
from plait.runs.arrival import code_columns, hash_rows, mix_codes
from plait.runs.embedding import Read, Sources, Space, has_classes
from plait.runs.model import Model
from plait.space.measures import Found, find_all

KNOWN = {"train+val": ("val",), "all": ("val", "test")}  # by what a run has learned anew from
SHARES = {"val": 0.15, "test": 0.2}  # of rows whose split nobody names


@dataclass
class Lesson:
    """What a space is learned from.

    features: {modality: (rows, feature)}, NaN where absent. of: {modality: from where they are}. contents: {modality:
    (rows,)} a number for each cell's content. part: (rows,) train, val, test or "". classes: (rows,) codes, -1 without
    one; None where there is no target of classes. chances: how many features at the end of each are probabilities.
    own: {modality: how many of its last features are not what its network reads}, where these come first. learned:
    which parts the run has learned from since it was proven, so that they look better than rows never seen.
    """

    features: dict[str, np.ndarray]
    of: dict[str, str]
    contents: dict[str, np.ndarray]
    part: np.ndarray
    classes: np.ndarray | None = None
    groups: np.ndarray | None = None
    chances: Mapping[str, int] | None = None
    learned: tuple[str, ...] = ()
    own: Mapping[str, int] = field(default_factory=dict)
    run: str = ""
    seed: int = 0

    @property
    def names(self) -> list[str]:
        return list(self.features)

    def rows(self, part: str) -> np.ndarray:
        return np.flatnonzero(self.part == part)

    def take(self, rows: np.ndarray) -> Lesson:
        """Return these rows alone."""
        features = {name: x[rows] for name, x in self.features.items()}
        contents = {name: x[rows] for name, x in self.contents.items()}
        classes, groups = (None if x is None else x[rows] for x in (self.classes, self.groups))
        return replace(self, features=features, contents=contents, part=self.part[rows], classes=classes, groups=groups)

    def narrow(self) -> Lesson:
        """Return it without what networks read."""
        features = {name: x[:, -self.own[name] :] if name in self.own else x for name, x in self.features.items()}
        return replace(self, features=features, own={})

    def find(self, space: Space) -> dict[str, Found]:
        """Return what each direction of a space reaches on these rows."""
        return find_all(space.project(self.features), self.contents, self.classes)


def lesson_of(model: Model, table: Table, read: Read, label: str | None = None) -> Lesson:
    """Return what a table teaches of the space of a run.

    read: of the same rows. label: the column of classes; by default the run's target, where each row is of one class.
    Raises RequestError where there is no such column.
    """
    check_label(table, label)
    classes, num = class_codes(model, table, label)
    own, sources = label is None and has_classes(model), Sources.of(model)
    hashes = hash_rows(read.table, model.views, [one.column for one in model._made])
    known = np.zeros(len(table), bool) if model._learned is None else np.isin(hashes, model._learned)
    place = np.full(len(table), -1) if model._unseen is None else model._unseen.places(hashes)
    part, learned = parts_of(model, table, known, place), learned_parts(model, read.features)
    if (known & (place < 0) & (part == "val")).any():
        learned = (*learned, "val")
    said = {} if model._unseen is None or model.facts.refit is not None else model._unseen.said
    return Lesson(
        {name: say_unseen(x, said[name], place) if name in said else x for name, x in read.features.items()},
        sources.origins(),
        contents_of(model, read.table),
        part,
        classes,
        groups_of(model, table),
        {name: num for name in read.features if name in sources.alone} if own else None,
        learned,
        read.own,
        str(model.facts.seal),
        model.facts.seed,
    )


def say_unseen(features: np.ndarray, said: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return features with what was said of rows at the end of them, by what had not learned from these rows.

    features: (rows, feature), NaN where absent. said: (row, class). place: (rows,) where each stands there, -1 nowhere.
    """
    there = np.flatnonzero((place >= 0) & ~np.isnan(features).all(1))
    features = features.copy()
    features[there, -said.shape[1] :] = said[place[there]]
    return features


def learned_parts(model: Model, names: Container[str]) -> tuple[str, ...]:
    """Return which parts of the split a run has learned from since it was proven; of networks that were kept, none."""
    again = model.facts.refit
    if again is None or {view.of for view in model.views if view.of in names} <= {*again["kept"]}:
        return ()
    return KNOWN[again["how"]]


def contents_of(model: Model, table: Table) -> dict[str, np.ndarray]:
    """Return {modality: (rows,)} a number that rows share whose cells of it hold the same."""
    views = [view for view in model.views if view.is_main]
    codes = code_columns(table, views)
    rows = np.arange(len(table))
    return {view.of: mix_codes({c: codes[c] for c in view.modality.columns if c in codes}, rows) for view in views}


def class_codes(model: Model, table: Table, label: str | None = None) -> tuple[np.ndarray | None, int]:
    """Return (rows,) codes of the classes of a table, -1 without one, and how many there are; None without classes."""
    if label is not None:
        cells = [clean_label(cell) for cell in table.cells(label)]
        known = sorted({str(cell) for cell in cells if cell is not None})
        places = {value: code for code, value in enumerate(known)}
        return np.array([-1 if cell is None else places[str(cell)] for cell in cells]), len(known)
    if model.classes is None or not has_classes(model):
        return None, 0
    found = match_names(table.names, [model.target])
    if model.target not in found:
        return None, len(model.classes)
    named = replace(table, data={**table.data, model.target: table.data[found[model.target]]})
    labels, _ = model._cleaned(named)
    places = {str(value): code for code, value in enumerate(model.classes)}
    return np.array([-1 if value is None else places.get(str(value), -1) for value in labels]), len(model.classes)


def groups_of(model: Model, table: Table) -> np.ndarray | None:
    schema = Schema.from_json(model.facts.schema)
    name = schema.role("group")
    return group_rows(table, schema) if name is not None and name in table.names else None


def parts_of(model: Model, table: Table, known: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return train, val or test for each row (rows,): as a split column says, else rows that the run has not learned
    from test. Rows that a run was tested on stay test rows, and those that its choice was made by choose.

    known: (rows,) whether the run has learned from a row, or chosen by it. place: (rows,) where it stands among the
    rows of validation that the run keeps, -1 nowhere; what else is named so does not choose, where there are any.
    """
    name = Schema.from_json(model.facts.schema).role("split")
    if name is not None and name in table.names:
        named = name_splits(table.cells(name))
        part = np.array([word if word in ("train", "val", "test") else "" for word in named], "<U5")
    else:
        part = np.full(len(table), "train", "<U5")
        if known.any():
            part[~known] = "test"
        part[tested_rows(model, len(table))] = "test"
    if (place >= 0).any():
        part[known & (part == "val")] = ""
        part[(place >= 0) & (part != "test")] = "val"
    generator = np.random.default_rng([model.facts.seed, 5])
    missing = [one for one in ("test", "val") if not (part == one).any() and (one == "val" or name is None)]
    for one in missing:
        draw_part(part, one, groups_of(model, table), generator)
    return part


def tested_rows(model: Model, num: int) -> np.ndarray:
    """Return the rows that a run was tested on, as far as it says so of a table of as many rows."""
    none = np.zeros(0, np.int64)
    if model.folder is None or num != model.facts.rows or "predictions.parquet" not in (model.facts.files or {}):
        return none
    import pyarrow.parquet as parquet

    answers = parquet.read_table(file_in(model.folder, "predictions.parquet"), columns=["row", "split"]).to_pydict()
    rows = [row for row, part in zip(answers["row"], answers["split"], strict=True) if part == "test"]
    return np.array([row for row in rows if isinstance(row, int) and 0 <= row < num], np.int64)


def draw_part(part: np.ndarray, name: str, groups: np.ndarray | None, generator: np.random.Generator) -> None:
    """Make a share of the training rows another part, by whole groups."""
    rows = np.flatnonzero(part == "train")
    codes = np.arange(len(rows)) if groups is None else np.unique(groups[rows], return_inverse=True)[1]
    order, wanted, taken = generator.permutation(int(codes.max(initial=-1)) + 1), SHARES[name] * len(rows), 0
    for code in order[:-1]:  # one stays to learn from
        if taken >= wanted:
            return
        part[rows[codes == code]] = name
        taken += int((codes == code).sum())


def check_label(table: Table, label: str | None) -> None:
    """Raise RequestError where the column of classes is not there."""
    if label is not None and label not in table.names:
        raise RequestError(f"there is no column {label!r}. {did_you_mean(label, table.names)}")
