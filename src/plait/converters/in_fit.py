"""Conversions inside learning: a modality made of another, and absent cells filled from another.
Knows no training. What is filled is marked, row by row, and so is what could not be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from plait.converters.columns import convert_column, encode
from plait.converters.graph import check_kind, describe, find_route, version_of
from plait.core.contract import FILLED, Column, Modality, Schema, Table, free_name, no_column
from plait.core.terminal import Callback
from plait.core.words import count
from plait.errors import RequestError, did_you_mean
from plait.kinds import forms_of, is_opened, modality_kinds
from plait.tasks.runner import Runner


@dataclass(frozen=True)
class Made:
    """One conversion: of which columns, into which column of which modality, and how.
    how: "convert" adds a modality, "fill" fills absent cells of one. origin: the modality that is converted."""

    how: str
    origin: str
    column: str
    modality: str
    kind: str
    columns: tuple[str, ...]
    route: Any

    @property
    def training_only(self) -> bool:
        """Speech made of text may add to what is learned from, and never to what is tested on."""
        return self.how == "fill" and self.kind == "audio"

    def to_json(self) -> dict[str, Any]:
        data = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**data, "columns": list(self.columns), "route": describe(self.route), "by": version_of(self.route)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], users: Sequence[Any] = ()) -> Made:
        """Make it again. users: the user's own converters. Raises RunError where one is not given."""
        from plait.converters.catalogue import restore

        made = {field.name: data[field.name] for field in fields(cls)}
        return cls(**{**made, "columns": tuple(data["columns"]), "route": restore(data["route"], users)})


def plan_conversions(
    table: Table, schema: Schema, convert: Sequence[str], fill: Sequence[str], converters: Mapping[str, Any]
) -> tuple[Schema, list[Made]]:
    """Read "audio->text by pocketsphinx", and return the schema with the new modalities, and what is to be made.
    A side is a kind, and the left one also a modality or a column; what is filled may be any of the three. Raises
    RequestError where there is no such side or no way, and MissingExtra."""
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
        name = free_name(f"{origin.name}_{right}", {*table.names, *(m.name for m in schema.modalities)})
        why = f"made of {origin.name} by {version_of(route)}"
        columns_now = (*schema.columns, Column(name, right, "feature", why))
        schema = Schema(columns_now, (*schema.modalities, Modality(name, right, (name,))))
        made.append(Made("convert", origin.name, name, name, right, columns, route))
    for spec in fill:
        left, right, by = _parse(spec, "--fill")
        origin, columns = _find(schema, left, spec)
        goal, goals = _find(schema, right, spec)
        if goal.name == origin.name:
            raise RequestError(f"{spec!r} fills {goal.name} from itself; name two modalities.")
        if goal.kind == "tabular":
            raise RequestError(f"{spec!r}: what is filled here can be image, audio or text.")
        if forms_of(schema.column(goals[0]).kind):
            raise RequestError(
                f"{spec!r}: {goals[0]!r} holds videos, and no part of a video is filled; --convert FROM->TO "
                "makes a column of its own."
            )
        route = find_route(known, origin.kind, goal.kind, by)
        made.append(Made("fill", origin.name, goals[0], goal.name, goal.kind, columns, route))
    return schema, made


def _parse(spec: str, flag: str) -> tuple[str, str, str]:
    left, _, rest = spec.replace("→", "->").partition("->")
    right, _, by = rest.partition(" by ")
    if not left.strip() or not right.strip():
        raise RequestError(f'{flag} {spec!r}: expected FROM->TO in quotes, such as "audio->text".')
    return left.strip(), right.strip(), by.strip()


def _find(schema: Schema, name: str, spec: str) -> tuple[Modality, tuple[str, ...]]:
    """Return the modality that a side names, and its columns that are meant."""
    all_of_them = schema.modalities
    fitting = [m for m in all_of_them if m.name == name] or [m for m in all_of_them if name in m.columns]
    if fitting and fitting[0].name != name:
        return fitting[0], (name,)
    fitting = fitting or [m for m in all_of_them if m.kind == name]
    if len(fitting) > 1:
        raise RequestError(f"{spec!r}: {name} may be {', '.join(m.name for m in fitting)}; name one of them.")
    if fitting:
        (modality,) = fitting
        if is_opened(modality.kind) and len(modality.columns) > 1:
            columns = ", ".join(modality.columns)
            raise RequestError(f"{spec!r}: {modality.name} has several columns, {columns}; name one.")
        return modality, modality.columns
    if name in modality_kinds():
        features = ", ".join(f"{m.name} ({m.kind})" for m in all_of_them) or "none"
        raise RequestError(f"{spec!r}: there is no {name} among the features. There are: {features}.")
    known = dict.fromkeys([*(word for m in all_of_them for word in (m.name, *m.columns)), *modality_kinds()])
    raise RequestError(f"{spec!r}: there is no modality, column or kind {name!r}. {did_you_mean(name, known)}")


def apply_conversions(
    table: Table,
    made: Sequence[Made],
    callback: Callback,
    train: np.ndarray | None = None,
    runner: Runner | None = None,
) -> Table:
    """Return the table with the new columns, unless they are there already, and the filled cells.
    train: (rows,) bool, which rows train; without it nothing that is for training only is filled. runner: where cells
    are converted; without it here."""
    for conversion in made:
        columns = [name for name in conversion.columns if name in table.data]
        if conversion.how == "convert":
            if conversion.column not in table.data:
                table = _add(table, conversion, columns, callback, runner)
        elif columns and (train is not None or not conversion.training_only):
            wanted = train if conversion.training_only else None
            table = _fill(table, conversion, columns, wanted, callback, runner)
    return table


def _with_column(table: Table, name: str, cells: Any, notes: list[str | None] | None = None) -> Table:
    all_notes = table.notes if notes is None else {**table.notes, name: notes}
    return replace(table, data={**table.data, name: cells}, notes=all_notes)


def _add(table: Table, made: Made, columns: Sequence[str], callback: Callback, runner: Runner | None) -> Table:
    import pyarrow as pa

    if not columns:
        nothing = pa.chunked_array([pa.nulls(len(table), pa.string())])
        return _with_column(table, made.column, nothing, [no_column(*made.columns)] * len(table))
    stage = f"{made.origin} → {made.kind}"
    new = convert_column(table, columns, made.route, callback=callback, stage=stage, runner=runner)
    by = f"({made.origin}, {made.route.name})"
    notes = [None if reason in (None, "blank") else f"{reason} {by}" for reason in new.reasons]
    kind = pa.binary() if any(isinstance(value, bytes) for value in new.values) else pa.string()
    return _with_column(table, made.column, pa.chunked_array([pa.array(new.values, kind)]), notes)


def _fill(
    table: Table,
    made: Made,
    columns: Sequence[str],
    train: np.ndarray | None,
    callback: Callback,
    runner: Runner | None,
) -> Table:
    import pyarrow as pa

    cells = table.cells(made.column) if made.column in table.data else [None] * len(table)
    holes = np.array([cell is None for cell in cells], bool)
    wanted = holes if train is None else holes & train
    if not wanted.any():
        return table
    stage = f"fill {made.modality} from {made.origin}"
    new = convert_column(table, columns, made.route, rows=wanted, callback=callback, stage=stage, runner=runner)
    notes: list[str | None] = list(table.notes.get(made.column) or [None] * len(table))
    filled = 0
    for row in np.flatnonzero(wanted):
        if new.status[row] == "ok":
            cells[row] = new.values[row]
            notes[row] = f"blank, {FILLED} {made.origin} by {version_of(made.route)}"
            filled += 1
        elif new.reasons[row] != "blank":
            notes[row] = f"blank, and {new.reasons[row]} ({made.origin}, {made.route.name})"
    are = count(holes.sum(), "missing cell is", "missing cells are")
    callback({"note": f"{made.modality}: {count(filled)} of {are} {FILLED} {made.origin}"})
    values = table.data.get(made.column)
    if isinstance(values, np.ndarray):
        column: Any = np.empty(len(cells), object)
        column[:] = cells
        return _with_column(table, made.column, column, notes)
    kind = None if values is None or pa.types.is_null(values.type) else values.type
    if kind is not None and pa.types.is_struct(kind):
        cells = [{"path": cell, "bytes": None} if isinstance(cell, str) else cell for cell in cells]
    return _with_column(table, made.column, pa.chunked_array([pa.array(cells, kind)]), notes)


class RunConverter:
    """A fitted run as a converter into words: its answer, with its probability, where all else is absent."""

    setup: tuple[str, dict[str, Any]]  # what makes it again in another process, where it can be
    target = "text"
    cost, quality = 0.05, 0.9

    def __init__(self, model: Any, source: str) -> None:
        fitting = [s for s in model.views if s.kind == source and s.is_main]
        if not fitting:
            kinds = ", ".join(sorted({s.kind for s in model.views}))
            raise RequestError(f"the run {model.folder} does not look at {source}; it looks at {kinds}.")
        self.model, self.source = model, source
        self.column = fitting[0].modality.columns[0]
        self.name = f"run {model.folder.name if model.folder else ''}".strip()
        self.version = f"{self.name} ({str(model.facts.get('seal', ''))[:12]})"

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        import pyarrow as pa

        if not len(values):
            return [], []
        cells = list(values) if self.source in ("text", "video") else [encode(value, self.source) for value in values]
        answers = self.model.predict(Table({self.column: pa.chunked_array([pa.array(cells)])}))
        made = ["" if label is None else str(label) for label in answers.labels]
        sure = getattr(answers, "confidence", None)
        if sure is None and answers.probabilities is not None:
            sure = answers.probabilities.max(1)
        shares = np.nan_to_num(np.asarray(np.ones(len(made)) if sure is None else sure, float))
        return made, [float(share) if text else 0.0 for share, text in zip(shares, made, strict=True)]
