"""The verb show: what each column is, and a row before and after preprocessing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from plait.checks.split_checks import propose_groups
from plait.core import notebook
from plait.core.contract import Column, Schema, Table
from plait.core.files import write_bytes
from plait.core.language import retell, say
from plait.core.options import ColumnKeywords, FitOptions, checked
from plait.core.terminal import text_table
from plait.core.words import count
from plait.data.read import read
from plait.errors import RequestError
from plait.kinds import AUDIO, KINDS
from plait.kinds.facts import absent_cells
from plait.kinds.left_out import say_left_out
from plait.kinds.row import draw_row
from plait.models.rows import Callback, quiet
from plait.models.views import View, fit_views
from plait.verbs.check import detect_columns, detect_targets, list_targets

DEFAULT_RATE = 22050  # Hz, of sounds given as arrays


def with_rates(table: Table, schema: Schema, rate: int | None, callback: Callback) -> Table:
    """Give sounds that came as arrays their sample rate; say so when it is a guess."""
    heard = [column for modality in schema.modalities if KINDS[modality.kind] is AUDIO for column in modality.columns]
    waves = [name for name in heard if isinstance(table.data[name], np.ndarray) and name not in table.sample_rates]
    if rate is None and waves:
        taken = f"no sample rate was given; taken as {DEFAULT_RATE} Hz. Give sample_rate=… to change it."
        callback({"note": f"{', '.join(waves)}: {taken}"})
    return replace(table, sample_rates={**dict.fromkeys(waves, rate or DEFAULT_RATE), **table.sample_rates})


@dataclass(frozen=True)
class Show:
    """What `show` found: the schema, the number of rows, the absent cells of each column, and what may be groups."""

    schema: Schema
    rows: int
    holes: dict[str, int]
    groups: Sequence[str] = ()  # sentences on columns that may tell which rows belong together

    def to_json(self) -> dict[str, Any]:
        return {"rows": self.rows, "holes": self.holes, **self.schema.to_json(), "groups": list(self.groups)}

    def __str__(self) -> str:
        def line(column: Column) -> list[str]:
            name, missing = column.name or say("(no name)"), count(self.holes[column.name])
            return [name, say(column.kind), say(column.role), missing, retell(column.why)]

        parts = [say(", ").join([count(self.rows, "row"), count(len(self.schema.columns), "column")]), ""]
        header = [say("column"), say("kind"), say("role"), say("missing"), say("why")]
        parts.append(text_table(header, [line(c) for c in self.schema.columns]))
        parts.append("")
        for m in self.schema.modalities:
            told = {"name": m.name, "kind": say(m.kind), "columns": ", ".join(m.columns)}
            parts.append(say("modality {name} ({kind}): {columns}", **told))
        if not self.schema.modalities:
            parts.append(say("no column is left to learn from"))
        parts += map(retell, say_left_out(self.schema))
        return "\n".join([*parts, *(say("note: {what}", what=retell(sentence)) for sentence in self.groups)])

    @property
    def _shape(self) -> str:
        return f"{count(self.rows, 'row')} × {count(len(self.schema.columns), 'column')}"

    def __repr__(self) -> str:
        return f"Show({self._shape}; {', '.join(f'{m.name}: {m.kind}' for m in self.schema.modalities) or 'nothing'})"

    def _repr_html_(self) -> str:
        """Return what each column is as a cell of a notebook."""
        columns = self.schema.columns
        rows = [
            [c.name or "(no name)", c.kind, c.role, self.holes[c.name], c.why] for c in columns[: notebook.MOST_ROWS]
        ]
        table = notebook.grid(["column", "kind", "role", "missing", "why"], rows, len(columns), "column")
        found = "; ".join(f"{m.name} ({m.kind}): {', '.join(m.columns)}" for m in self.schema.modalities)
        said = found or "no column is left to learn from"
        return notebook.cell(notebook.head(self._shape), table, notebook.say(f"Modalities: {said}", "soft"))


@checked
def show(
    table: Any,
    *,
    target: str | Sequence[str] | None = None,
    row: int | None = None,
    out: str | Path | None = None,
    folder: str | Path | None = None,
    prep: Mapping[str, Any] | None = None,
    **options: Unpack[ColumnKeywords],
) -> Show:
    """Return what each column is, and why; with `row` and `out`, draw that row around preprocessing.

    Args:
        table (TABLE): CSV, TSV, JSONL, Parquet, Arrow or Excel file, or a folder of class-named folders. In Python what
            `plait.read` takes.
        target (--target COLUMN): Column to predict. Repeat it for several.
        row (--row N): Row to draw, from 0.
        out (--out PICTURE): Where the drawing goes.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        prep: Options of preprocessing: {"photo.size": 12}, {"photo": {"size": 12}} or {"photo": ImagePrep(size=12)}.
        **options: Split, group, ignore, kinds, modalities and sample_rate, as in `plait.fit`.

    Raises:
        TableError: the table cannot be read.
        RequestError: a column, an option or a row is not there, or `out` has another ending.

    Example:
        >>> shown = plait.show({"age": [34, None, 28], "sick": ["yes", "no", "yes"]}, target="sick")
        >>> shown.schema.column("age").kind, shown.holes
        ('number', {'age': 1, 'sick': 0})
    """
    table = read(table, folder)
    chosen = FitOptions.of({**options, "prep": prep or {}})
    schemas = detect_targets(table, list_targets(target), chosen)
    schema = next(iter(schemas.values()), None) or detect_columns(table, None, chosen)
    columns = (
        schemas[column.name].column(column.name) if column.name in schemas else column for column in schema.columns
    )
    schema = replace(schema, columns=tuple(columns))
    table = with_rates(table, schema, chosen.sample_rate, quiet)
    holes = {column.name: sum(absent_cells(table, column)) for column in schema.columns}
    if row is not None and out is not None:
        _draw(table, schema, chosen, row, Path(out))
    return Show(schema, len(table), holes, propose_groups(table, schema))


def _draw(table: Table, schema: Schema, chosen: FitOptions, row: int, out: Path) -> None:
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".pdf", ".svg"):
        raise RequestError(f"the picture cannot be written to {out.name!r}; expected a name that ends in .png.")
    if not 0 <= row < len(table):
        raise RequestError(f"there is no row {row}; rows are numbered from 0 to {len(table) - 1}.")
    generator = np.random.default_rng(chosen.seed)
    rows = generator.permutation(len(table))[:500]
    strands = fit_views(table, schema, np.sort(rows), chosen.prep, generator)
    figure, drawn = draw_row(row_parts(table, strands, row)), io.BytesIO()
    figure.savefig(drawn, format=out.suffix.lstrip("."), dpi=110)
    write_bytes(out, drawn.getvalue())


def row_parts(table: Table, strands: Sequence[View], row: int) -> list[dict[str, Any]]:
    """Return one part for each modality (for each column of media) of a row, absent ones with their reason."""
    one = table.take([row])
    parts: list[dict[str, Any]] = []
    for strand in (strand for strand in strands if strand.able.row is not None):
        columns = strand.modality.columns
        for group in [(column,) for column in columns] if strand.able.opened else [columns]:
            name = f"{strand.name}: {group[0]}" if strand.several else strand.name
            part = strand.able.row.row_part(one, group, strand.prep)
            parts.append({"modality": name, "kind": strand.kind, **part})
    return parts
