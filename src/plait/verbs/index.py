"""The verb index: cells of a table as vectors of one space, kept in a folder to be searched. Thin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.options import checked
from plait.core.words import count
from plait.data.read import read_rows
from plait.errors import RequestError
from plait.models.rows import Callback, quiet
from plait.runs.embedding import Read, read_features
from plait.runs.load import open_one
from plait.runs.model import Model
from plait.runs.shared import set_up_model
from plait.runs.targets import Targets
from plait.space.index import Index, check_engine, check_same, load_index
from plait.space.keep import check_able, needs_before, space_of
from plait.tasks.runner import open_runner


@checked
def index(
    run: str | Path | Model | Targets,
    rows: Any,
    out: str | Path | None = None,
    *,
    aim: str | None = None,
    add: bool = False,
    engine: str | None = None,
    folder: str | Path | None = None,
    on: str | None = None,
    callback: Callback | None = None,
) -> Index:
    """Put the cells of a table into an index, in which any kind finds any other, and return it.

    Args:
        run (RUN): Folder that `plait fit` wrote. In Python a model too.
        rows (TABLE): Rows to index. The first time the table that the run was fitted on, since a space is learned from
            pairs. In Python anything that `plait.read` takes.
        out (--out INDEX): Folder for the index.
        aim (--for WHAT): What the space is chosen for: rows, to find the very row, or kind, to find the same class.
            Without it kind where the target is one of classes.
        add (--add): Add to the index that is there. What it holds already is not added again.
        engine (--index NAME): What finds the nearest: exact compares with all vectors; lancedb (plait[search]) with the
            nearest parts of them, for indexes of more than about 300,000. Without it exact, or what an index has.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        on (--on WHERE): Where rows are read: local:N in N processes of this machine, ray on a Ray cluster. The index is
            the same.
        callback: Called with a dict for progress and notes.

    Raises:
        RunError: the run is missing or damaged, the folder is there already, or is an index of another space.
        TableError: the table cannot be read.
        RequestError: none of the model's columns is there, or no space can be learned from the table.
        MissingExtra: LanceDB is asked for and not installed.

    Example:
        >>> found = plait.index("run", "people.csv", out="people-index")
        >>> found.kinds["text"]
        40
    """
    model, callback = open_one(run, "a space is learned of"), callback or quiet
    check_able(model, aim)
    if add:
        if out is None:
            raise RequestError("add adds to an index in a folder; name it: out (--out INDEX).")
        there = load_index(out)
        check_same(there, model, aim, engine)
        new = there.put(_read(run, there.model, rows, folder, on, there.space.reads_before, callback), callback)
        callback({"note": f"{count(new, 'new cell')}; what the index holds already is not added again"})
        return there
    check_engine(engine or "exact")
    if engine == "lancedb" and out is None:
        raise RequestError("an index of LanceDB lies in a folder; name it: out (--out INDEX).")
    if out is not None and Path(out).exists() and (not Path(out).is_dir() or any(Path(out).iterdir())):
        raise RequestError(f"{out} is there already. Name another folder, or add to the index in it: --add.")
    table = read_rows(rows, folder)
    read = _read(run, model, table, None, on, needs_before(model, aim), callback)
    made = Index(model, space_of(model, table, read, aim, callback=callback))
    made.put(read, callback)
    if out is not None:
        made.save(out, engine or "exact")
    return made


def _read(
    run: Any, model: Model, rows: Any, folder: str | Path | None, on: str | None, before: bool, callback: Callback
) -> Read:
    """Return what the run knows of rows, read where `on` says, and say what is not as in training."""
    with open_runner(on, callback) as runner:
        setup = set_up_model(run, model, None, runner)
        given: Any = {"folder": folder, "before": before, "callback": callback}
        read = read_features(model, rows, **given, runner=runner, setup=setup)
    for note in read.notes:
        callback({"note": note})
    return read
