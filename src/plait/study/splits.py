"""Which rows train, which choose and which test: as the table says, else drawn, stratified and by whole groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from plait.checks.split_checks import PARTS, by_part, find_gaps, say_gap
from plait.core.contract import Schema, Table, group_rows, name_splits
from plait.core.finding import quoted
from plait.core.words import count
from plait.errors import TableError
from plait.models.calibration import assign_folds

# Of so many rows a test shows 10 points 4 times in 5; below 800 rows a quarter test, and a sixth choose.
ENOUGH = 200
PARTS_OF = {"val": 1 / 6, "test": 1 / 4}
FOLDS = (12, 10, 7, 5, 4, 3, 2)  # of groups, from which each of the two takes some
DEALS = 8  # of each number of folds


def choose_splits(
    table: Table,
    schema: Schema,
    codes: np.ndarray,
    classification: bool,
    generator: np.random.Generator,
    val_share: float | None = None,
) -> np.ndarray:
    """Return for each row "train", "val", "test", or "" for a row without a label (code −1) or without a split.

    The split column is kept; a missing validation or test split is drawn from the training rows, stratified by class,
    by whole groups. val_share: of the rows that may train, how many choose. Raises TableError for a split column with
    other values, or with no training rows.
    """
    labelled = codes >= 0
    name = schema.role("split")
    split = np.where(labelled, "train", "").astype("<U5")
    if name is not None:
        cells = table.cells(name)
        for row, part in enumerate(name_splits(cells)):
            if part not in (None, *PARTS):
                raise TableError(
                    f"{table.place(name, row)}: the split is {cells[row]!r}; "
                    "expected train, val or test (also valid, validation, dev)."
                )
            split[row] = part or "" if labelled[row] else ""
    if not (split == "train").any():
        raise TableError(
            "there are no training rows with a label. Give at least a few rows a label and the split 'train'."
        )
    missing = [part for part in ("val", "test") if not (split == part).any()]
    if name is not None and missing == ["val", "test"]:
        missing = ["val"]  # the user keeps the test rows elsewhere
    groups, rows = group_rows(table, schema), np.flatnonzero(split == "train")
    if missing and groups is not None and len(np.unique(groups[rows])) < len(rows):
        split[rows] = _deal_groups(codes[rows], groups[rows], missing, classification, generator, val_share)
        return split
    num_rows = part_sizes(len(rows), val_share)
    for part in missing:
        rows = np.flatnonzero(split == "train")
        if len(rows) < 2:
            more = "more rows" if labelled.all() else "more rows with a label"
            raise TableError(f"there is {len(rows)} row to train on and none left to validate with; expected {more}.")
        split[_draw(rows, codes, num_rows[part] / len(rows), classification, generator)] = part
    return split


def part_sizes(rows: int, val_share: float | None = None) -> dict[str, float]:
    """Return how many of so many rows choose and test: a tenth, and up to 200 where there are fewer.

    val_share: of those that choose, if it is not to be so.

    >>> part_sizes(600)
    {'val': 100.0, 'test': 150.0}
    """
    usual = {part: max(rows / 10, min(rows * share, ENOUGH)) for part, share in PARTS_OF.items()}
    return usual if val_share is None else usual | {"val": rows * val_share}


def check_classes(
    split: np.ndarray, codes: np.ndarray, names: Sequence[Any], table: Table, schema: Schema
) -> list[str]:
    """Return a note for each part of a split that lacks rare classes; a split drawn by class is not asked.

    Raises TableError where chance does not explain what a split column, or whole groups, leave out.
    """
    name, group = schema.role("split"), schema.role("group")
    notes = []
    for gaps in by_part(find_gaps(split, codes)) if name is not None or group is not None else ():
        said = say_gap(gaps, codes, names)
        if gaps[0].sure and name is not None:
            raise TableError(
                f"{said}. Expected rows of each class in every part of column {name!r}. Mend it, or leave it out with "
                f"--ignore {quoted(name)}: fit then draws a split by class."
            )
        if gaps[0].sure:
            held = codes == gaps[0].code
            of = len({str(cell) for cell in table.cells(str(group), np.flatnonzero(held)) if cell is not None})
            raise TableError(
                f"{said}. Its rows are in {count(of, 'group')} of {group!r}, too few for whole groups in each part. "
                "Gather groups that hold it, leave its labels blank, or fit without --group."
            )
        notes.append(f"{said}.")
    return notes


def _deal_groups(
    codes: np.ndarray,
    groups: np.ndarray,
    missing: Sequence[str],
    classification: bool,
    generator: np.random.Generator,
    val_share: float | None = None,
) -> np.ndarray:
    """Return train, val or test for each row (rows,): whole groups, each part with every class where that can be.

    Groups are dealt into folds by class several times; each part takes folds up to its share, of the deal that lacks no
    class, has enough test groups and is nearest to the shares.
    Fewer and larger folds are dealt where a part would lack one: four people of one label each make two folds.
    """
    num, target = len(np.unique(groups)), codes if classification else codes.astype(float)
    if num <= len(missing):
        raise TableError(
            f"the group column has {'one group' if num == 1 else f'{num} groups'} among the training rows, so no "
            f"{PARTS[missing[-1]]} split can be drawn from it. Gather more groups, give a split column, or fit without "
            "--group."
        )
    shares = {part: size / len(codes) for part, size in part_sizes(len(codes), val_share).items() if part in missing}
    wanted = 10 if num >= 40 else 6 if num >= 18 else 0  # of test groups; fewer say little, and below 6 nothing
    best: tuple[tuple[float, ...], np.ndarray] | None = None
    for folds in sorted({max(len(missing) + 1, min(size, num)) for size in FOLDS}, reverse=True):
        for _ in range(DEALS):
            fold = assign_folds(target, generator=generator, groups=groups, folds=folds)
            split = np.full(len(codes), "train", "<U5")
            left = generator.permutation(folds).tolist()
            for part, share in shares.items():
                for _ in range(max(1, min(round(folds * share), len(left) - len(missing)))):
                    split[fold == left.pop()] = part
            cost = _cost_of(split, codes, classification, shares)
            short = max(0, wanted - len(np.unique(groups[split == "test"]))) if "test" in missing else 0
            if best is None or (*cost[:2], short, *cost[2:]) < best[0]:
                best = (*cost[:2], short, *cost[2:]), split
        if best is not None and best[0][:3] == (0, 0, 0):
            break
    assert best is not None
    return best[1]


def _cost_of(
    split: np.ndarray, codes: np.ndarray, classification: bool, shares: Mapping[str, float]
) -> tuple[float, ...]:
    """Return what is wrong with a split, the worst first: classes that parts lack, how far it is from its shares."""
    gaps = find_gaps(split, codes) if classification else []
    parts = [part for part in PARTS if part in split] if classification else []
    one = sum(len(np.unique(codes[split == part])) < 2 for part in parts)
    far = sum(abs(float((split == part).mean()) - share) for part, share in shares.items())
    return sum(gap.sure for gap in gaps), one, sum(gap.part == "train" for gap in gaps), len(gaps), far


def _draw(
    rows: np.ndarray, codes: np.ndarray, share: float, classification: bool, generator: np.random.Generator
) -> np.ndarray:
    """Draw about this share of the rows, class by class; every class keeps a row for training."""
    if not classification:
        return generator.permutation(rows)[: max(1, round(share * len(rows)))]
    drawn: list[int] = []
    for code in np.unique(codes[rows]):
        alike = generator.permutation(rows[codes[rows] == code])
        wanted = int(np.floor(share * len(alike) + generator.random()))
        drawn += alike[: max(0, min(len(alike) - 1, wanted))].tolist()
    return np.array(drawn or generator.permutation(rows)[:1].tolist(), dtype=np.int64)
