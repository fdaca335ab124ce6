"""Conversions inside learning: a modality made of another, and absent cells filled from another.

Knows tables, schemas and converters, not training. What is filled is marked, row by row, and so is what could not be
made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from plait.converters.graph import check_kind, describe, find_route, version_of
from plait.core.contract import Column, Modality, Schema, Table
from plait.core.words import count
from plait.errors import RequestError, did_you_mean
from plait.kinds import modality_kinds

SPEC = re.compile(r"\s*(.+?)\s*(?:->|→)\s*(.+?)(?:\s+by\s+(\S.*?))?\s*")
FILLED = "filled from"
Callback = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Made:
    """One conversion: of which columns, into which column of which modality, and how.

    how: "convert" adds a modality, "fill" fills absent cells of one. origin: the modality that is converted.
    """

    how: str
    origin: str
    columns: tuple[str, ...]
    column: str
    modality: str
    kind: str
    route: Any

    @property
    def training_only(self) -> bool:
        """Speech made of text may add to what is learned from, and never to what is tested on."""
        return self.how == "fill" and self.kind == "audio"

    def to_json(self) -> dict[str, Any]:
        head = {name: getattr(self, name) for name in ("how", "origin", "column", "modality", "kind")}
        return {**head, "columns": list(self.columns), "route": describe(self.route), "by": version_of(self.route)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], own: Sequence[Any] = ()) -> Made:
        """Make it again. own: the user's own converters. Raises RunError where one is not given."""
        from plait.converters.catalogue import restore

        route = restore(data["route"], own)
        names = ("how", "origin", "column", "modality", "kind")
        return cls(**{name: data[name] for name in names}, columns=tuple(data["columns"]), route=route)


def plan_conversions(
    table: Table, schema: Schema, convert: Sequence[str], fill: Sequence[str], converters: Mapping[str, Any]
) -> tuple[Schema, list[Made]]:
    """Read "audio->text", and return the schema with the new modalities, and what is to be made.

    A side is a kind, and the left one also a modality or a column; what is filled may be any of the three. "audio->text
    by pocketsphinx" names a converter that must be used. Raises RequestError where there is no such side or no way, and
    MissingExtra.
    """
    from plait.converters.catalogue import make_converters

    made: list[Made] = []
    known = make_converters(converters) if convert or fill else []
    for spec in convert:
        left, right, by = _parse(spec, "--convert")
        check_kind(right, f"the right side of {spec!r}")
        origin, columns = _find(schema, left, spec)
        route = find_route(known, origin.kind, right, by)
        if right == "tabular":
            raise RequestError(f"{spec!r}: what is made here can be image, audio or text.")
        taken = {*table.names, *(m.name for m in schema.modalities)}
        name = _free(f"{origin.name}_{right}", taken)
        why = f"made of {origin.name} by {version_of(route)}"
        schema = Schema(
            (*schema.columns, Column(name, right, "feature", why)),
            (*schema.modalities, Modality(name, right, (name,))),
        )
        made.append(Made("convert", origin.name, columns, name, name, right, route))
    for spec in fill:
        left, right, by = _parse(spec, "--fill")
        origin, columns = _find(schema, left, spec)
        goal, goals = _find(schema, right, spec)
        if goal.name == origin.name:
            raise RequestError(f"{spec!r} fills {goal.name} from itself; name two modalities.")
        if goal.kind == "tabular":
            raise RequestError(f"{spec!r}: what is filled here can be image, audio or text.")
        route = find_route(known, origin.kind, goal.kind, by)
        made.append(Made("fill", origin.name, columns, goals[0], goal.name, goal.kind, route))
    return schema, made


def _parse(spec: str, flag: str) -> tuple[str, str, str]:
    match = SPEC.fullmatch(spec)
    if match is None:
        raise RequestError(f'{flag} {spec!r}: expected FROM->TO in quotes, such as "audio->text".')
    return match[1], match[2], match[3] or ""


def _find(schema: Schema, name: str, spec: str) -> tuple[Modality, tuple[str, ...]]:
    """Return the modality that a side names, and its columns that are meant."""
    for modality in schema.modalities:
        if modality.name == name:
            if modality.kind in ("image", "audio") and len(modality.columns) > 1:
                raise RequestError(f"{spec!r}: {name} has several columns, {', '.join(modality.columns)}; name one.")
            return modality, modality.columns
    for modality in schema.modalities:
        if name in modality.columns:
            return modality, (name,)
    if name in modality_kinds():
        fitting = [modality for modality in schema.modalities if modality.kind == name]
        if len(fitting) == 1:
            return _find(schema, fitting[0].name, spec)
        if fitting:
            raise RequestError(f"{spec!r}: {name} may be {', '.join(m.name for m in fitting)}; name one of them.")
        there = ", ".join(f"{m.name} ({m.kind})" for m in schema.modalities) or "none"
        raise RequestError(f"{spec!r}: there is no {name} among the features. There are: {there}.")
    features = [column for m in schema.modalities for column in (m.name, *m.columns)]
    known = list(dict.fromkeys([*features, *modality_kinds()]))
    raise RequestError(f"{spec!r}: there is no modality, column or kind {name!r}. {did_you_mean(name, known)}")


def _free(name: str, taken: set[str]) -> str:
    number, free = 2, name
    while free in taken:
        free, number = f"{name}_{number}", number + 1
    return free


def apply_conversions(table: Table, made: Sequence[Made], callback: Callback, train: np.ndarray | None = None) -> Table:
    """Return the table with the new columns and the filled cells.

    train: (rows,) bool, which rows train; without it nothing that is for training only is filled. A column that is
    there already, under the name of a new one, is taken as it is.
    """
    for one in made:
        there = [name for name in one.columns if name in table.data]
        if one.how == "convert":
            if one.column not in table.data:
                table = _add(table, one, there, callback)
        elif there and (train is not None or not one.training_only):
            table = _fill(table, one, there, train if one.training_only else None, callback)
    return table


def _add(table: Table, one: Made, there: Sequence[str], callback: Callback) -> Table:
    import pyarrow as pa

    if not there:
        return replace(table, data={**table.data, one.column: pa.chunked_array([pa.nulls(len(table), pa.string())])})
    from plait.converters.columns import convert_column

    told = convert_column(table, there, one.route, callback=callback, stage=f"{one.origin} → {one.kind}")
    notes = [
        None if reason in (None, "blank") else f"{reason} ({one.origin}, {one.route.name})" for reason in told.reasons
    ]
    kind = pa.binary() if any(isinstance(value, bytes) for value in told.values) else pa.string()
    column = pa.chunked_array([pa.array(told.values, kind)])
    return replace(table, data={**table.data, one.column: column}, notes={**table.notes, one.column: notes})


def _fill(table: Table, one: Made, there: Sequence[str], train: np.ndarray | None, callback: Callback) -> Table:
    import pyarrow as pa

    cells = table.cells(one.column) if one.column in table.data else [None] * len(table)
    holes = np.array([cell is None for cell in cells], bool)
    wanted = holes if train is None else holes & train
    if not wanted.any():
        return table
    from plait.converters.columns import convert_column

    told = convert_column(
        table, there, one.route, rows=wanted, callback=callback, stage=f"fill {one.modality} from {one.origin}"
    )
    notes: list[str | None] = list(table.notes.get(one.column) or [None] * len(table))
    filled = 0
    for row in np.flatnonzero(wanted):
        if told.status[row] == "ok":
            cells[row] = told.values[row]
            notes[row] = f"blank, {FILLED} {one.origin} by {version_of(one.route)}"
            filled += 1
        elif told.status[row] != "absent: blank":
            notes[row] = f"blank, and {told.reasons[row]} ({one.origin}, {one.route.name})"
    are = count(holes.sum(), "absent cell is", "absent cells are")
    callback({"note": f"{one.modality}: {count(filled)} of {are} {FILLED} {one.origin}"})
    values = table.data.get(one.column)
    if isinstance(values, np.ndarray):
        column: Any = np.empty(len(cells), object)
        column[:] = cells
    else:
        cells = [{"path": c, "bytes": None} if isinstance(c, str) and _is_record(values) else c for c in cells]
        kind = None if values is None or pa.types.is_null(values.type) else values.type
        column = pa.chunked_array([pa.array(cells, kind)])
    return replace(table, data={**table.data, one.column: column}, notes={**table.notes, one.column: notes})


def _is_record(values: Any) -> bool:
    import pyarrow as pa

    return values is not None and pa.types.is_struct(values.type)


class RunConverter:
    """A fitted run as a converter: what it answers for a picture, a sound or a text, as words.

    Its other modalities are absent. The confidence is the probability of the answer.
    """

    target = "text"
    cost, quality = 0.05, 0.9

    def __init__(self, model: Any, source: str) -> None:
        fitting = [s for s in model.views if s.kind == source and s.is_main]
        if not fitting:
            there = ", ".join(sorted({s.kind for s in model.views}))
            raise RequestError(f"the run {model.folder} does not look at {source}; it looks at {there}.")
        self.model, self.source = model, source
        self.column = fitting[0].modality.columns[0]
        self.name = f"run {model.folder.name if model.folder else ''}".strip()
        self.version = f"{self.name} ({str(model.facts.get('seal', ''))[:12]})"

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        import pyarrow as pa

        from plait.converters.columns import encode

        if not len(values):
            return [], []
        cells = list(values) if self.source == "text" else [encode(value, self.source) for value in values]
        said = self.model.predict(Table({self.column: pa.chunked_array([pa.array(cells)])}))
        made: list[Any] = ["" if label is None else str(label) for label in said.labels]
        sure = getattr(said, "confidence", None)
        if sure is None and said.probabilities is not None:
            sure = said.probabilities.max(1)
        shares = np.nan_to_num(np.asarray([1.0] * len(made) if sure is None else sure, float))
        return made, [float(share) if text else 0.0 for share, text in zip(shares, made, strict=True)]
