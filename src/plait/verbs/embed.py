"""The verb embed: rows of a table as vectors of one space. Thin: the space is learned where the run has none yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.options import checked
from plait.data.read import read_rows
from plait.models.rows import Callback, quiet
from plait.runs.embedding import Embeddings, check_out, read_features
from plait.runs.load import open_one
from plait.runs.model import Model
from plait.runs.targets import Targets
from plait.space.keep import check_able, needs_before, space_of


@checked
def embed(
    run: str | Path | Model | Targets,
    rows: Any,
    *,
    out: str | Path | None = None,
    aim: str | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
) -> Embeddings:
    """Return a vector for each modality that a row has, and one for the row, and write them where asked.

    Args:
        run (RUN): Folder that `plait fit` wrote. In Python a model too.
        rows (TABLE): Rows to embed. The first time the table that the run was fitted on, since a space is learned from
            pairs. In Python anything that `plait.read` takes.
        out (--out FILE): .parquet or .npz file to write; what is missing is null there, or NaN.
        aim (--for WHAT): What the space was chosen for: rows, to find the very row, or kind, to find the same class.
            Without it kind where the target is one of classes.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        callback: Called with a dict for progress and notes.

    Raises:
        RunError: the run is missing, unfinished or damaged.
        TableError: the table cannot be read.
        RequestError: none of the model's columns is there, no space can be learned from the table, or `out` has
            another ending.

    Example:
        >>> vectors = plait.embed("run", "people.csv", out="vectors.npz")
        >>> len(vectors), vectors.row.shape == (40, vectors.row.shape[1])
        (40, True)
    """
    if out is not None:
        check_out(out)
    model, callback = open_one(run, "a space is learned of"), callback or quiet
    check_able(model, aim)
    table = read_rows(rows, folder)
    read = read_features(model, table, before=needs_before(model, aim), callback=callback)
    for note in read.notes:
        callback({"note": note})
    embedded = Embeddings.of(space_of(model, table, read, aim, callback=callback), read)
    if out is not None:
        embedded.write(out)
    return embedded
