"""Which rows train, which choose and which test: as the table says, else drawn, stratified and by whole groups."""

from __future__ import annotations

import numpy as np

from plait.core.contract import SPLITS, Schema, Table
from plait.errors import TableError


def choose_splits(
    table: Table, schema: Schema, codes: np.ndarray, classification: bool, generator: np.random.Generator
) -> np.ndarray:
    """Return for each row "train", "val", "test", or "" for a row without a label (code −1) or without a split.

    The split column is kept; a missing validation or test split is drawn from the training rows, stratified by class,
    by whole groups. Raises TableError for a split column with other values, or with no training rows.
    """
    labelled = codes >= 0
    name = schema.role("split")
    split = np.where(labelled, "train", "").astype("<U5")
    if name is not None:
        for row, cell in enumerate(table.cells(name)):
            word = "" if cell is None else str(cell).strip().lower()
            if word and word not in SPLITS:
                raise TableError(
                    f"{table.place(name, row)}: the split is {cell!r}; "
                    "expected train, val or test (also valid, validation, dev)."
                )
            split[row] = SPLITS.get(word, "") if labelled[row] else ""
    if not (split == "train").any():
        raise TableError(
            "there are no training rows with a label. Give at least a few rows a label and the split 'train'."
        )
    named = group_rows(table, schema)
    groups = np.arange(len(table)) if named is None else named
    missing = [part for part in ("val", "test") if not (split == part).any()]
    if name is not None and missing == ["val", "test"]:
        missing = ["val"]  # the user keeps the test rows elsewhere
    for part, share in zip(missing, (0.1, 0.1), strict=False):
        rows = np.flatnonzero(split == "train")
        drawn = _draw(rows, codes, groups, share * (1.0 if part == missing[0] else 1 / 0.9), classification, generator)
        split[drawn] = part
    return split


def group_rows(table: Table, schema: Schema) -> np.ndarray | None:
    """Return a number for each row (rows,) that its group shares, or None where no group column is named."""
    name = schema.role("group")
    if name is None:
        return None
    seen: dict[str, int] = {}
    cells = table.cells(name)
    return np.array(
        [len(table) + row if c is None else seen.setdefault(str(c), len(seen)) for row, c in enumerate(cells)]
    )


def _draw(
    rows: np.ndarray,
    codes: np.ndarray,
    groups: np.ndarray,
    share: float,
    classification: bool,
    generator: np.random.Generator,
) -> np.ndarray:
    """Draw about this share of the rows in whole groups, class by class; every class keeps a row for training."""
    wanted = max(1, round(share * len(rows)))
    if len(rows) < 2:
        raise TableError(
            f"there is {len(rows)} row to train on and none left to validate with; expected more rows with a label."
        )
    if len(np.unique(groups[rows])) == len(rows):  # no groups: stratify exactly
        if not classification:
            return generator.permutation(rows)[:wanted]
        drawn: list[int] = []
        for code in np.unique(codes[rows]):
            alike = generator.permutation(rows[codes[rows] == code])
            drawn += alike[
                : max(0, min(len(alike) - 1, int(np.floor(share * len(alike) + generator.random()))))
            ].tolist()
        return np.array(drawn or generator.permutation(rows)[:1].tolist(), dtype=np.int64)
    order = generator.permutation(np.unique(groups[rows]))
    taken: list[int] = []
    for group in order[:-1]:
        members = rows[groups[rows] == group]
        if taken and len(taken) + len(members) > 1.5 * wanted:
            continue
        taken += members.tolist()
        if len(taken) >= wanted:
            break
    if not taken:
        raise TableError(
            "the group column has one group among the training rows, so no validation split can be drawn from it."
        )
    return np.array(taken, dtype=np.int64)
