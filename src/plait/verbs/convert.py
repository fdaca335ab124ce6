"""The verb `convert`: one file into another, or a column of a table into a new one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plait.converters.catalogue import make_converters
from plait.converters.columns import Converted, convert_column
from plait.converters.graph import Route, check_kind, find_route, is_installed, version_of
from plait.converters.one_file import choose_columns, kind_of_ending, read_file, write_file
from plait.core.contract import Table
from plait.core.options import checked
from plait.core.terminal import Callback, quiet, text_table
from plait.core.words import count
from plait.data.read import read
from plait.data.write import check_out, write_table
from plait.errors import EXTRAS, CellError, RequestError, pip_line
from plait.kinds import KINDS, modality_kinds
from plait.kinds.relocate import move_media
from plait.tasks.runner import open_runner


@dataclass
class Conversion:
    """What `convert` did. Of a file: the text made, and the path written; of a column: the table with new columns."""

    route: Route
    text: str | None = None
    confidence: float | None = None
    table: Table | None = None
    name: str = ""
    out: Path | None = None
    statuses: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"by": version_of(self.route) if self.route.steps else "", "out": self.out}
        if self.table is None:
            return {**told, "text": self.text, "confidence": self.confidence}
        return {**told, "column": self.name, "rows": len(self.statuses), "status": dict(Counter(self.statuses))}

    def __str__(self) -> str:
        if not self.route.steps:
            return f"the same kind, so nothing was converted; written to {self.out}"
        by = version_of(self.route)
        if self.table is None:
            sure = f"confidence {self.confidence:.2f}, by {by}"
            shown = "" if self.text is None else (self.text or "(no words were found)") + "\n"
            return f"{shown}{sure}" + (f"\nwritten to {self.out}" if self.out else "")
        counts = Counter(self.statuses)
        lines = [f"{count(len(self.statuses), 'row')}, {count(counts['ok'])} converted by {by}"]
        others = [(status, num) for status, num in counts.most_common() if status != "ok"]
        lines += [f"  {count(num)} {status}" for status, num in others[:8]]
        if len(others) > 8:
            lines.append(f"  and {count(len(others) - 8, 'other reason')}, in column {self.name + '_status'!r}")
        return "\n".join(lines) + (f"\nwritten to {self.out}" if self.out else "")


@checked
def convert(
    source: Any,
    destination: str | Path | None = None,
    *,
    column: str | Sequence[str] | None = None,
    to: str | None = None,
    name: str | None = None,
    out: str | Path | None = None,
    by: str = "",
    converters: Mapping[str, Any] | None = None,
    kinds: Mapping[str, str] | None = None,
    folder: str | Path | None = None,
    cache: bool = True,
    on: str | None = None,
    callback: Callback | None = None,
) -> Conversion:
    """Convert a file into another, or a column of a table into a new column, by the cheapest way there is.

    Beside a new column come NAME_confidence (0 to 1), NAME_converter (with its version) and NAME_status ("ok", or
    "missing: why"); new sounds and pictures lie in a folder beside the table that is written. A second call converts
    nothing anew.

    Args:
        source (SOURCE): File, or table with --column.
        destination (DESTINATION): File to write.
        column (--column COLUMN): Column to convert; tabular: all numbers, words and dates.
        to (--to KIND): image, audio, text or tabular.
        name (--as NAME): Name of the new column.
        out (--out TABLE): CSV or Parquet file to write.
        by (--by NAME): Converter that must be used, or a fitted RUN.
        converters (--converter NAME.OPTION=VALUE): Option of a converter, such as espeak.voice=zh.
        kinds (--kind COLUMN=KIND): Kind of a column where the guess is wrong.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        cache: Keep what is converted for the next call.
        on (--on WHERE): Where a column is converted: local:N in N processes of this machine, ray on a Ray cluster. What
            is made is the same.
        callback: Called with a dict for progress and notes.

    Returns:
        What was made: `text` and `confidence` of a file, `table` and `statuses` of a column, and `out`; print it.

    Raises:
        RequestError: a wrong request, with the nearest way there is.
        MissingExtra: the way needs a package that is not installed.
        TableError: the table cannot be read.

    Example:
        >>> made = plait.convert({"age": [34], "town": ["Bern"]}, column="tabular", to="text", name="words")
        >>> made.table.cells("words")
        ['age: 34, town: Bern']
        >>> print(plait.convert("photo.png", "photo.jpg"))
        the same kind, so nothing was converted; written to photo.jpg
    """
    callback, known = callback or quiet, make_converters(converters or {})
    if column is None:
        given = {"--to": to, "--as": name, "--out": out, "--on": on}
        if destination is not None and (extra := [flag for flag, value in given.items() if value is not None]):
            raise RequestError(f"{extra[0]} goes with --column; of files the ending says what is wanted.")
        if destination is None:
            raise RequestError(
                "convert takes a file and a file to write, such as photo.png speech.wav, or a table with a column, a "
                "kind and a table to write: --column call --to text --as transcript --out new.csv."
            )
        if not isinstance(source, (str, os.PathLike)):
            raise RequestError(f"got {type(source).__name__} and a file to write; expected a file to read.")
        return _convert_file(Path(source).expanduser(), Path(destination).expanduser(), by, known, callback)
    if destination is not None:
        raise RequestError(f"got a column and the file {destination}; the new table goes to --out TABLE.")
    if to is None:
        raise RequestError(f"name the kind to convert to: --to {', --to '.join(modality_kinds())}.")
    check_kind(to, "--to")
    path = None if out is None else check_out(out, [source], "the table itself")
    table = read(source, folder)
    columns, kind = choose_columns(table, [column] if isinstance(column, str) else list(column), dict(kinds or {}))
    if kind == to and not by:
        already = f"is {kind} already; name another kind with --to."
        if not KINDS[kind].opened:
            already = f"is taken as it is written, as {kind}; a sentence with its name is made with --column tabular."
        raise RequestError(f"column {columns[0]!r} {already}")
    by, known = _with_run(by, kind, known)
    route = find_route(known, kind, to, by)
    name = name or f"{'_'.join(columns) if len(columns) < 3 else 'row'}_{to}"
    made = [name, *(f"{name}_{part}" for part in ("confidence", "converter", "status"))]
    for taken in made:
        if taken in table.names:
            raise RequestError(f"there is a column {taken!r} already; give the new one another name: --as NAME.")
    place = None if path is None else path.with_name(f"{path.stem}_{name}")
    stage = f"{', '.join(columns[:3])} → {to}"
    with open_runner(on, callback) as runner:
        away = None if runner.engine == "here" else runner  # here it may start processes of its own
        converted = convert_column(
            table, columns, route, place=place, cache=cache, callback=callback, stage=stage, runner=away
        )
    table = _with_columns(table, made, converted, path, to)
    if path is not None:
        write_table(table, path)
    return Conversion(route, table=table, name=name, out=path, statuses=tuple(converted.status))


def _with_columns(table: Table, names: Sequence[str], converted: Converted, path: Path | None, target: str) -> Table:
    import pyarrow as pa

    values = converted.values
    if path is not None:
        table = move_media(table, table.names, path.parent)
        table.folder = path.parent
        if KINDS[target].opened:  # they are paths
            base = os.path.abspath(path.parent)
            values = [
                Path(os.path.relpath(os.path.abspath(v), base)).as_posix() if isinstance(v, str) else v for v in values
            ]
    kind = pa.binary() if any(isinstance(v, bytes) for v in values) else pa.string()
    arrays = (
        pa.array(values, kind),
        pa.array(converted.confidence, pa.float64()),
        pa.array([converted.version] * len(values), pa.string()),
        pa.array(converted.status, pa.string()),
    )
    columns = {name: pa.chunked_array([array]) for name, array in zip(names, arrays, strict=True)}
    return replace(table, data={**table.data, **columns})


def _with_run(by: str, source: str, known: list[Any]) -> tuple[str, list[Any]]:
    """Where `by` is the folder of a fitted run, add it as a converter."""
    if not by or by in [c.name for c in known] or not Path(by).is_dir():
        return by, known
    from plait.converters.in_fit import RunConverter
    from plait.runs.load import load

    run = RunConverter(load(by), source)
    run.setup = ("plait.verbs.convert:open_run", {"run": os.path.abspath(by), "source": source})
    return run.name, [run, *known]


def open_run(request: Mapping[str, Any]) -> Any:
    """Return a fitted run as a converter, opened by a process that does tasks."""
    return _with_run(request["run"], request["source"], [])[1][0]


def _convert_file(source: Path, destination: Path, by: str, known: list[Any], tell: Callback) -> Conversion:
    target = kind_of_ending(destination)
    if destination.is_dir() or not destination.parent.is_dir():
        what = "is a folder" if destination.is_dir() else "lies in a folder that is not there"
        raise RequestError(f"{destination} {what}; expected the name of a file to write.")
    kind, value = read_file(source)
    if destination.exists() and destination.samefile(source):
        raise RequestError(f"{destination} is the file itself; expected another name, since what is read stays.")
    by, known = _with_run(by, kind, known)
    if kind == target and not by:  # only the format is another one
        write_file(destination, value, kind)
        return Conversion(Route(()), value if isinstance(value, str) else None, 1.0, out=destination)
    route = find_route(known, kind, target, by)
    tell({"note": f"{kind} → {target} by {version_of(route)}"})
    (result,), (sure,) = route([value])
    if isinstance(result, CellError):
        raise RequestError(f"{source}: {result}.")
    write_file(destination, result, target)
    return Conversion(route, result if isinstance(result, str) else None, sure, out=destination)


def list_converters(converters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return what there is to convert by: name, source, target, cost in seconds, quality, installed, what it needs."""
    listed = []
    for c in make_converters(converters or {}):
        installed, missing = is_installed(c), getattr(c, "missing", "")
        needs = f"give {missing}" if missing else ""
        if not installed:
            needs = pip_line(EXTRAS.get(getattr(c, "module", ""), ""))
        fields = {name: getattr(c, name) for name in ("name", "source", "target", "cost", "quality")}
        listed.append({**fields, "installed": installed, "needs": needs})
    return listed


def describe_graph(listed: Sequence[Mapping[str, Any]]) -> str:
    """Return the graph as text: every converter, and what is to be done for those that cannot be used yet."""
    rows = [
        [f"{c['source']} → {c['target']}", c["name"], f"{c['cost']:g} s", f"{c['quality']:.2f}", c["needs"] or "ready"]
        for c in sorted(listed, key=lambda c: (modality_kinds().index(c["source"]), c["target"], c["name"]))
    ]
    table = text_table(["from → to", "converter", "a value takes", "quality", ""], rows)
    return (
        f"{table}\n\nSteps join by themselves: image → text → audio reads a sign aloud. The cheapest way is taken, by "
        "time over quality.\nOptions: --converter NAME.OPTION=VALUE, such as pocketsphinx.words=yes,no. A fitted run "
        "makes text too: --by RUN."
    )
