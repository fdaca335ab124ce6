"""What a column tells of the label that it should not: by its values alone, or by its holes. Knows no modality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from plait.checks.guesses import LEAST_ROWS, MOST_ROWS, Labels
from plait.checks.survey import Survey
from plait.core.contract import Column, Schema, Table, clean_label
from plait.core.finding import Finding
from plait.core.words import percent
from plait.data.parse import read_dates, read_numbers
from plait.kinds import TABULAR, kind_of_column
from plait.kinds.facts import absent_cells

LEAK, STRONG = 0.95, 0.5  # share of the errors of the best constant answer that one column saves
MOST_STRONG = 2  # more strong columns than this are a good table, and no note each
SURE = 0.01  # how often holes may be called dependent by chance, over all columns
LEAST_EFFECT = 0.1  # Cramér's V
SHUFFLES = 2000


def check_leaks(table: Table, schema: Schema) -> Iterator[Finding]:
    """Find columns of numbers, dates or categories that alone, in held-out rows, (nearly) give the label away."""
    target = schema.role("target")
    if target is None or isinstance(table.data[target], np.ndarray):
        return
    kind = schema.column(target).kind
    if kind not in ("number", "category"):
        return
    cells = [clean_label(cell) for cell in table.cells(target)]
    read = read_numbers(cells) if kind == "number" else cells
    rows = np.array([row for row, cell in enumerate(read) if cell is not None and cell == cell])
    if len(rows) < LEAST_ROWS:
        return
    generator = np.random.default_rng(0)
    rows = np.sort(generator.permutation(rows)[:MOST_ROWS])
    wish = np.array([read[row] for row in rows]) if kind == "number" else _codes([str(read[row]) for row in rows])
    folds = generator.permutation(np.arange(len(rows)) % 5)
    if len(np.unique(wish)) < 2:
        return
    saves = {
        column.name: _saved_errors(_values(column, table.cells(column.name, rows)), wish, folds, kind == "number")
        for column in schema.columns
        if column.role == "feature" and kind_of_column(column.kind) is TABULAR
    }
    few = sum(saved >= STRONG for saved in saves.values()) <= MOST_STRONG
    for name, saved in saves.items():
        if saved < (STRONG if few else LEAK):
            continue
        severity = "warning" if saved >= LEAK else "note"
        how = "gives the label away" if saved >= LEAK else "tells much of the label alone"
        measure = "of its spread" if kind == "number" else "of the errors of always saying the commonest class"
        message = f"it {how}: in rows not learned from, it saves {percent(saved, 0)} {measure}"
        mend = f"If it is known only after {target!r}, or was made from it, leave the column out with --ignore."
        yield Finding(severity, "label-leak", name, (), message, mend)


def _saved_errors(values: np.ndarray, wish: np.ndarray, folds: np.ndarray, regression: bool) -> float:
    """Return the share of the error of a constant answer that a small tree on one column saves in held-out rows."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    make = DecisionTreeRegressor if regression else DecisionTreeClassifier
    tree = make(max_leaf_nodes=64, min_samples_leaf=3, random_state=0)
    lost = np.zeros(2)  # by the column, and by a constant answer
    for fold in np.unique(folds):
        held, rest = folds == fold, folds != fold
        if values.dtype.kind == "i" and not regression:
            guess = _commonest(values[rest], wish[rest], values[held])
        else:
            guess = tree.fit(values[rest, None], wish[rest]).predict(values[held, None])
        constant = wish[rest].mean() if regression else np.bincount(wish[rest]).argmax()
        gaps = np.stack([guess, np.full_like(guess, constant)]) - wish[held]
        lost = lost + (gaps**2 if regression else gaps != 0).sum(axis=1)
    return float(1 - lost[0] / lost[1]) if lost[1] else 0.0


def _commonest(seen: np.ndarray, wish: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return for each asked value the commonest class beside it, or the commonest of all where it was not seen."""
    table = np.zeros((int(max(seen.max(), asked.max())) + 1, int(wish.max()) + 1))
    np.add.at(table, (seen, wish), 1)
    table[table.sum(axis=1) == 0] = table.sum(axis=0)
    return table.argmax(axis=1)[asked]


def _values(column: Column, cells: Sequence[Any]) -> np.ndarray:
    """Return a column as numbers (n,), NaN where absent, or, of a category, as codes."""
    if column.kind == "category":
        return _codes([None if cell is None else str(cell).strip() for cell in cells])
    if column.kind == "number":
        return np.array(read_numbers(cells))
    dates = np.array(read_dates(cells), "datetime64[us]")
    return np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e6)


def _codes(cells: Sequence[str | None]) -> np.ndarray:
    place: dict[str | None, int] = {None: 0}
    return np.array([place.setdefault(cell, len(place)) for cell in cells], dtype=np.int64)


def check_holes(survey: Survey, labels: Labels) -> Iterator[Finding]:
    """Find columns that are absent more often in some classes, beyond chance and by an amount that matters.
    The chi-squared statistic against 2,000 shuffled labellings or, where every expected count is at least 5, its
    distribution; Bonferroni over the columns; Cramér's V of at least 0.1."""
    from scipy.stats import chi2

    here = labels.codes >= 0
    counts = labels.counts()
    columns = [column for modality in survey.schema.modalities for column in modality.columns]
    if here.sum() < LEAST_ROWS:
        return
    generator = np.random.default_rng(0)
    for name in columns:
        absent = labels.counts(here & ~_present(survey, name))
        missing, rows = int(absent.sum()), int(here.sum())
        if not 0 < missing < rows:
            continue
        value = float(_chi_squared(absent, counts))
        if min(missing, rows - missing) * counts.min() / rows >= 5:
            chance = float(chi2.sf(value, len(counts) - 1))
        else:
            drawn = generator.multivariate_hypergeometric(counts, missing, size=SHUFFLES)
            chance = (1 + int((_chi_squared(drawn, counts) >= value - 1e-9).sum())) / (SHUFFLES + 1)
        shares = absent / counts
        large = np.flatnonzero(counts >= min(10, counts.max()))
        most, least = large[shares[large].argmax()], large[shares[large].argmin()]
        effect = np.sqrt(value / rows)
        if chance * len(columns) < SURE and effect >= LEAST_EFFECT and shares[most] - shares[least] >= 0.05:
            message = (
                f"whether it is absent depends on the label: absent in {percent(shares[most], 0)} of the rows of "
                f"{labels.names[most]!r} and in {percent(shares[least], 0)} of {labels.names[least]!r}"
            )
            mend = "See why. A model may learn from the hole itself, which need not be so in new rows."
            yield Finding("warning", "holes-by-label", name, (), message, mend)


def _present(survey: Survey, name: str) -> np.ndarray:
    if name in survey.facts:
        return np.array([cell is not None and not cell.fault for cell in survey.facts[name]])
    return ~np.array(absent_cells(survey.table, survey.schema.column(name)))


def _chi_squared(absent: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return chi-squared of absent (…, class) rows among counts (class,)."""
    share = absent.sum(axis=-1, keepdims=True) / counts.sum()
    return ((absent - counts * share) ** 2 / np.maximum(counts * share * (1 - share), 1e-12)).sum(axis=-1)
