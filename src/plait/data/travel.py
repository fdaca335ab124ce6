"""A Table as JSON values, arrays and bytes, so that rows of it can go to another process. Knows no process."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.contract import Table


def pack_table(table: Table) -> dict[str, Any]:
    """Return a table as what travels. A folder travels as its whole path, since another process may start elsewhere."""
    import pyarrow as pa

    written = {name: x for name, x in table.data.items() if not isinstance(x, np.ndarray)}
    sink = pa.BufferOutputStream()
    packed = pa.table(written)
    with pa.ipc.new_stream(sink, packed.schema) as writer:
        writer.write_table(packed)
    told = {f.name: getattr(table, f.name) for f in fields(Table) if f.name not in ("data", "folder", "categories")}
    return {
        **told,
        "folder": str((table.folder or Path()).absolute()),
        "categories": sorted(table.categories),
        "names": table.names,
        "arrays": {name: x for name, x in table.data.items() if isinstance(x, np.ndarray)},
        "columns": sink.getvalue().to_pybytes(),
    }


def unpack_table(packed: dict[str, Any]) -> Table:
    """Return the table again."""
    import pyarrow as pa

    given = dict(packed)
    columns, arrays = pa.ipc.open_stream(given.pop("columns")).read_all(), given.pop("arrays")
    data = {name: arrays[name] if name in arrays else columns.column(name) for name in given.pop("names")}
    folder, categories = Path(given.pop("folder")), frozenset(given.pop("categories"))
    return Table(data, folder, categories=categories, **given)
