"""What a column tells of the label that it should not: by its values, words or holes alone. Knows no modality."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from plait.checks.guesses import LEAST_ROWS, MOST_ROWS, Labels
from plait.checks.survey import Survey
from plait.core.contract import Column, Schema, Table, clean_label
from plait.core.finding import Finding, quoted
from plait.core.words import percent
from plait.data.parse import read_dates, read_numbers
from plait.kinds import TABULAR, kind_of_column
from plait.kinds.facts import absent_cells, facts_of

LEAK, STRONG = 0.95, 0.5  # share of the errors of the best constant answer that one column saves
NEIGHBOURS, HINT = 6, 0.2  # rows; share of the errors that they save at least where a tree saves STRONG
MANY_VALUES = 10  # of a column that may name people or things
MOST_STRONG = 2  # more strong columns than this are a good table, and no note each
SURE = 0.01  # how often holes may be called dependent by chance, over all columns
LEAST_EFFECT = 0.1  # Cramér's V
SHUFFLES = 2000
MOST_TEXTS, MOST_WORDS = 500, 100  # texts looked at for a leak, and words that may tell the label
Guess = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class DrawnLabels:
    """Labels that columns are asked about. rows: (n,) of the table, at most MOST_ROWS, drawn; wish: (n,) their class
    codes, or numbers; folds: (n,) five of them, each answered by what the others say."""

    name: str
    rows: np.ndarray
    wish: np.ndarray
    folds: np.ndarray

    @property
    def regression(self) -> bool:
        return self.wish.dtype.kind == "f"

    def saved(self, guess: Guess, among: np.ndarray | None = None, least: float = STRONG) -> float:
        """Return the share of the error of a constant answer that a guess saves in held-out rows; 0 where it cannot be
        `least` any more, for then no further fold is asked.
        guess: (rows learned from, rows asked, both bool (n,)) → answers; among: (n,) bool, the rows that count."""
        among = np.ones(len(self.rows), bool) if among is None else among
        turns = [(among & (self.folds != fold), among & (self.folds == fold)) for fold in np.unique(self.folds)]
        turns = [(rest, held) for rest, held in turns if rest.any() and held.any()]
        lost, whole = 0.0, sum(self._lost(self._constant(rest), held) for rest, held in turns)
        for rest, held in turns:
            lost += self._lost(guess(rest, held), held)
            if lost > (1 - least) * whole:
                return 0.0
        return 1 - lost / whole if whole else 0.0

    def _lost(self, answers: Any, held: np.ndarray) -> float:
        gaps = answers - self.wish[held]
        return float((gaps**2 if self.regression else gaps != 0).sum())

    def _constant(self, rest: np.ndarray) -> float:
        seen = self.wish[rest]
        return float(seen.mean() if self.regression else np.bincount(seen).argmax())

    def saved_by_value(self, codes: np.ndarray) -> float:
        """Return what the commonest label, or the mean, of the rows with the same value saves. codes: (n,)."""
        return self.saved(self._by_value(codes))

    def _by_value(self, codes: np.ndarray) -> Guess:
        answer = _mean if self.regression else _commonest
        return lambda rest, held: answer(codes[rest], self.wish[rest], codes[held])

    def saved_by_number(self, values: np.ndarray, among: np.ndarray | None = None) -> float:
        """Return what a small tree on numbers, (n,) or several (n, number), NaN where absent, saves; 0 where it cannot
        be much, as what their neighbours in order say of rows tells. To load a tree takes longer than all the rest."""
        values = values.reshape(len(self.rows), -1)
        near = values.argsort(axis=0).argsort(axis=0) // NEIGHBOURS
        if not any(self.saved(self._by_value(codes), among, HINT) for codes in near.T):
            return 0.0
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        make = DecisionTreeRegressor if self.regression else DecisionTreeClassifier
        tree = make(max_leaf_nodes=64, min_samples_leaf=3, random_state=0)
        return self.saved(lambda rest, held: tree.fit(values[rest], self.wish[rest]).predict(values[held]), among)


def draw_labels(table: Table, schema: Schema) -> DrawnLabels | None:
    """Return the labels to ask columns about; None without a target of two different ones, or with few rows."""
    target = schema.role("target")
    if target is None or isinstance(table.data[target], np.ndarray):
        return None
    kind = schema.column(target).kind
    if kind not in ("number", "category"):
        return None
    cells = [clean_label(cell) for cell in table.cells(target)]
    read = read_numbers(cells) if kind == "number" else cells
    rows = np.array([row for row, cell in enumerate(read) if cell is not None and cell == cell])
    if len(rows) < LEAST_ROWS:
        return None
    generator = np.random.default_rng(0)
    rows = np.sort(generator.permutation(rows)[:MOST_ROWS])
    held = [read[row] for row in rows]
    wish = np.array(held, np.float64) if kind == "number" else codes_of([str(cell) for cell in held])
    folds = generator.permutation(np.arange(len(rows)) % 5)
    return DrawnLabels(target, rows, wish, folds) if len(np.unique(wish)) > 1 else None


def check_leaks(
    table: Table, schema: Schema, drawn: DrawnLabels | None, groups: Collection[str | None]
) -> Iterator[Finding]:
    """Find columns that alone, in held-out rows, (nearly) give the label away: numbers, dates, categories and texts.
    Those that are proposed as `groups` are told of there."""
    if drawn is None:
        return
    columns = [column for column in schema.columns if column.role == "feature" and column.name not in groups]
    saves = {
        column.name: _saved_by(column, table, drawn) for column in columns if kind_of_column(column.kind) is TABULAR
    }
    few = sum(saved >= STRONG for saved in saves.values()) <= MOST_STRONG
    said = {name: ("", saved) for name, saved in saves.items() if saved >= (STRONG if few else LEAK)}
    for column in columns:
        kind = kind_of_column(column.kind)
        if kind is not None and hasattr(kind.checks, "count_words"):
            by_words, saved = _saved_by_words(table.cells(column.name, drawn.rows), kind.checks.count_words, drawn)
            if saved >= LEAK:  # much is what a text is there to tell
                said[column.name] = (by_words, saved)
    for name, (by, saved) in said.items():
        severity = "warning" if saved >= LEAK else "note"
        how = "gives the label away" if saved >= LEAK else "tells much of the label alone"
        measure = "of its spread" if drawn.regression else "of the errors of always saying the commonest class"
        message = f"it {how}{by}: in rows not learned from, it saves {percent(saved, 0)} {measure}"
        mend = f"If it is known only after {drawn.name!r}, or was made from it, leave it out: --ignore {quoted(name)}"
        if schema.column(name).kind == "category" and (facts_of(table, name).distinct or 0) >= MANY_VALUES:
            mend += f"; if its values are people or things whose rows belong together: --group {quoted(name)}"
        yield Finding(severity, "label-leak", name, (), message, mend)


def _saved_by(column: Column, table: Table, drawn: DrawnLabels) -> float:
    cells = table.cells(column.name, drawn.rows)
    if column.kind == "category":
        return drawn.saved_by_value(codes_of([None if cell is None else str(cell).strip() for cell in cells]))
    if column.kind == "number":
        return drawn.saved_by_number(np.array(read_numbers(cells)))
    dates = np.array(read_dates(cells), "datetime64[us]")
    return drawn.saved_by_number(np.where(np.isnat(dates), np.nan, dates.astype(np.int64) / 1e6))


def _saved_by_words(cells: Sequence[Any], count_words: Any, drawn: DrawnLabels) -> tuple[str, float]:
    """Return by which words a text tells the label, and what it saves, of the rows that hold one: by a linear model on
    the words that say most, or by a number in it."""
    from sklearn.feature_selection import chi2

    among = np.array([cell is not None for cell in cells])
    among[np.random.default_rng(0).permutation(np.flatnonzero(among))[MOST_TEXTS:]] = False
    counts, words, numbers = count_words([cell if row else None for cell, row in zip(cells, among, strict=True)])
    if among.sum() < LEAST_ROWS or len(np.unique(drawn.wish[among])) < 2:
        return "", 0.0
    if drawn.regression and np.isfinite(numbers[among, 0]).mean() >= 0.5:
        saved = drawn.saved_by_number(numbers, among)
        if saved >= LEAK:
            return " by a number in it", saved
    classes = np.digitize(drawn.wish, np.quantile(drawn.wish, (0.25, 0.5, 0.75))) if drawn.regression else drawn.wish
    wish = drawn.wish if drawn.regression else np.eye(int(drawn.wish.max()) + 1)[drawn.wish]

    def best(rows: np.ndarray) -> np.ndarray:
        return np.argsort(-np.nan_to_num(chi2(counts[rows], classes[rows])[0]), kind="stable")[:MOST_WORDS]

    def guess(rest: np.ndarray, held: np.ndarray) -> np.ndarray:
        chosen = best(rest)
        seen, asked = (counts[rows][:, chosen].toarray() for rows in (rest, held))
        centre, mean = seen.mean(axis=0), wish[rest].mean(axis=0)
        square = (seen - centre).T @ (seen - centre) + np.eye(len(chosen))  # ridge regression
        answers = mean + (asked - centre) @ np.linalg.solve(square, (seen - centre).T @ (wish[rest] - mean))
        return answers if drawn.regression else answers.argmax(axis=1)

    saved = drawn.saved(guess, among, LEAK) if counts.shape[1] else 0.0
    named = ", ".join(repr(words[place][:40]) for place in best(among)[:3]) if saved >= LEAK else ""
    return f" by words such as {named}", saved


def _commonest(seen: np.ndarray, wish: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return for each asked value the commonest class beside it, or the commonest of all where it was not seen."""
    table = np.zeros((int(max(seen.max(), asked.max())) + 1, int(wish.max()) + 1))
    np.add.at(table, (seen, wish), 1)
    table[table.sum(axis=1) == 0] = table.sum(axis=0)
    return table.argmax(axis=1)[asked]


def _mean(seen: np.ndarray, wish: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return for each asked value the mean of the numbers beside it, or that of all where it was not seen."""
    size = int(max(seen.max(), asked.max())) + 1
    counts = np.bincount(seen, minlength=size)
    means = np.bincount(seen, wish, size) / np.maximum(counts, 1)
    return np.where(counts > 0, means, wish.mean())[asked]


def codes_of(cells: Sequence[str | None]) -> np.ndarray:
    """Return a number for each different cell, 0 for None: (n,)."""
    place: dict[str | None, int] = {None: 0}
    return np.array([place.setdefault(cell, len(place)) for cell in cells], dtype=np.int64)


def check_holes(survey: Survey, labels: Labels) -> Iterator[Finding]:
    """Find columns that are absent more often in some classes, beyond chance and by an amount that matters.
    The chi-squared statistic against 2,000 shuffled labellings or, where every expected count is at least 5, its
    distribution; Bonferroni over the columns; Cramér's V of at least 0.1."""
    from scipy.special import chdtrc

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
            chance = float(chdtrc(len(counts) - 1, value))
        else:
            drawn = generator.multivariate_hypergeometric(counts, missing, size=SHUFFLES)
            chance = (1 + int((_chi_squared(drawn, counts) >= value - 1e-9).sum())) / (SHUFFLES + 1)
        shares = absent / counts
        large = np.flatnonzero(counts >= min(10, counts.max()))
        most, least = large[shares[large].argmax()], large[shares[large].argmin()]
        effect = np.sqrt(value / rows)
        if chance * len(columns) < SURE and effect >= LEAST_EFFECT and shares[most] - shares[least] >= 0.05:
            message = (
                f"whether it is missing depends on the label: missing in {percent(shares[most], 0)} of the rows of "
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
