"""The verb search: the nearest cells of an index for each row, or how well its space finds them. Thin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.core.options import checked
from plait.models.rows import Callback, quiet
from plait.space.hits import Hits, check_file
from plait.space.index import Index, load_index


@checked
def search(
    index: str | Path | Index,
    rows: Any,
    *,
    into: str = "any",
    top: int = 10,
    out: str | Path | None = None,
    html: str | Path | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
) -> Hits:
    """Return the cells of an index that are nearest to each row: any kind by any other.

    Args:
        index (INDEX): Folder that `plait index` wrote. In Python an index too.
        rows (TABLE): Rows to search for; several cells of a row are one query. In Python anything that `plait.read`
            takes.
        into (--in MODALITY): Modality to look in, such as audio; any: all of them, taking turns by rank.
        top (--top N): Hits of each query.
        out (--out FILE): CSV or Parquet file to write.
        html (--html FILE): Page to write, on which queries and hits can be seen and heard.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        callback: Called with a dict for progress and notes.

    Raises:
        RunError: the index is missing or damaged.
        TableError: the table cannot be read.
        RequestError: the space knows no such modality, or the table has none of its columns.

    Example:
        >>> index = plait.index("run", "people.csv")
        >>> hits = plait.search(index, {"note": ["fever and cough"]}, into="tabular", top=3)
        >>> [hit["rank"] for hit in hits.queries[0]["hits"]]
        [1, 2, 3]
    """
    if out is not None:
        check_file(out)
    there = index if isinstance(index, Index) else load_index(index)
    hits = there.search(rows, into=into, top=top, folder=folder, callback=callback or quiet)
    if out is not None:
        hits.write(out)
    if html is not None:
        there.draw(hits, rows, html, folder=folder)
    return hits


@checked
def evaluate_index(
    index: str | Path | Index,
    rows: Any,
    *,
    label: str | None = None,
    folder: str | Path | None = None,
    callback: Callback | None = None,
) -> dict[str, Any]:
    """Return how well each modality of a table finds the others in the space of an index. As `Index.evaluate`."""
    there = index if isinstance(index, Index) else load_index(index)
    return there.evaluate(rows, label=label, folder=folder, callback=callback or quiet)
