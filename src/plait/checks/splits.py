"""Which split a table says each row is in. Draws none."""

from __future__ import annotations

from plait.core.contract import Schema, Table


def split_of(table: Table, schema: Schema) -> list[str | None] | None:
    """Return for each row train, val or test, None where it is blank; None for a table without a split column."""
    name = schema.role("split")
    if name is None:
        return None
    same = {"training": "train", "valid": "val", "validation": "val", "dev": "val"}
    words = [None if cell is None else str(cell).strip().lower() for cell in table.cells(name)]
    return [None if word is None else same.get(word, word) for word in words]
