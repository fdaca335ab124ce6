"""A table whose paths of pictures and sounds begin anew at another folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table
from plait.data.write import move_path
from plait.kinds import is_opened
from plait.kinds.facts import facts_of
from plait.kinds.recognise import judge


def move_media(table: Table, names: Sequence[str], folder: Path) -> Table:
    """Return these columns of a table, its paths of pictures and sounds begun anew at another folder."""
    import pyarrow as pa

    data: dict[str, Any] = {name: table.data[name] for name in names}
    for name, values in data.items():
        if isinstance(values, np.ndarray):  # arrays hold the pictures and sounds themselves
            continue
        kind = values.type
        if pa.types.is_struct(kind) and any(field.name == "path" for field in kind):
            cells = values.to_pylist()
            moved = [
                c and {**c, "path": move_path(c["path"], table.folder, folder) if c["path"] else None} for c in cells
            ]
            data[name] = pa.chunked_array([pa.array(moved, kind)])
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            facts = facts_of(table, name)
            if facts.distinct == 1:  # one file in all rows is nothing to learn from, but its path has to be right
                facts = replace(facts, rows=1, filled=1)
            if is_opened(judge(facts, table.folder).kind):
                paths = {path: path and move_path(path, table.folder, folder) for path in values.unique().to_pylist()}
                data[name] = pa.chunked_array([pa.array([paths[path] for path in values.to_pylist()], pa.string())])
    return replace(table, data=data)
