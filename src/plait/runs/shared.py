"""What the tasks of a run share: how each process comes by the model, and rows in blocks that can go to one.

Knows a runner by its face; no model.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.core.words import count
from plait.data.travel import pack_table, unpack_table
from plait.errors import RequestError
from plait.models.rows import CHUNK
from plait.tasks.runner import Runner

FEW = 64  # blocks up to which they are of one CHUNK; of more rows they are of four, so that less is said between


def set_up_model(run: Any, model: Any, candidate: str | None, runner: Runner) -> Any:
    """Return the setup that gives tasks their model: the one here, or the folder that other processes open.

    Raises RequestError where others should, and there is no folder.
    """
    if runner.engine == "here":
        return "plait.runs.shared:take_model", {"model": model}
    if not isinstance(run, (str, Path)):
        raise RequestError(
            f"a model in memory cannot go to other processes (on={runner.engine}); give the folder of its run, which "
            "model.save(FOLDER) writes."
        )
    runner.check_folders(Path(run) if Path(run).is_dir() else Path(run).parent)
    return "plait.runs.load:open_request", {"run": os.path.abspath(run), "candidate": candidate}


def take_model(request: dict[str, Any]) -> Any:
    """Return the model that this process has."""
    return request["model"]


def share_media(runner: Runner, table: Table, views: Sequence[Any]) -> None:
    """Raise RequestError where a machine that does tasks does not see the folder of the files that rows name."""
    if any(view.able.opened for view in views):
        runner.check_folders(table.folder or Path())


def block_size(rows: int) -> int:
    """Return how many of so many rows are in a block."""
    return CHUNK if rows <= FEW * CHUNK else 4 * CHUNK


def each_block(tables: Sequence[Table], runner: Runner) -> Iterator[dict[str, Any]]:
    """Return a request for each block of rows, at least one: {"tables"}, the same rows of each table."""
    rows, size = len(tables[0]), block_size(len(tables[0]))
    for start in range(0, max(1, rows), size):
        parts = [table.take(np.arange(start, min(start + size, rows))) for table in tables]
        yield {"tables": parts if runner.engine == "here" else [pack_table(part) for part in parts]}


def tables_of(request: dict[str, Any]) -> list[Table]:
    """Return the tables of a request."""
    return [table if isinstance(table, Table) else unpack_table(table) for table in request["tables"]]


def say_where(stage: str, runner: Runner) -> str:
    """Return the name of a stage, with how many machines do it where there are several."""
    nodes = runner.facts()["nodes"]
    return f"{stage} on {count(nodes, 'node')}" if nodes > 1 else stage
