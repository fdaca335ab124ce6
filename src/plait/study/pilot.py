"""Which pretrained encoders, that nobody asked for, a time limit leaves room for: what is dear is tried on a few rows.

Where it tells more of the label there than what is there without it, it may take half of the limit; else what it would
take is left for learning. Knows views and labels; what learns here does not stay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from plait.core.contract import Table
from plait.core.threads import open_pool
from plait.core.words import count, duration
from plait.models.calibration import assign_folds, turns
from plait.models.views import View
from plait.pretrained.features import nothing_kept
from plait.study.labels import Labels

TIMED = 12  # rows, spread over a table, from which the time for all is told
TIMED_SECONDS = 0.3  # in less a start weighs more than the rows: then four times as many are timed
SMALL_SHARE = 0.05  # of a limit: what an encoder may take untried, and what a trial may
MOST_SHARE = 0.5  # what all of them may take together
FEWEST, MOST = 150, 600  # rows on which one is tried
PENALTIES = tuple(10.0**power for power in range(-2, 4))  # of ridge regression, where features have length 1


@dataclass(frozen=True)
class Trial:
    """What is known of an encoder. seconds: for all rows; rows: on which it was tried, 0 of none; gains: whether it
    told more of the label there."""

    seconds: float
    rows: int = 0
    gains: bool = True


@dataclass(frozen=True)
class Rows:
    """What is known of the rows of a fit. targets: what is learned; groups: (rows,) numbers that rows of one share;
    train: places of those that may be learned from."""

    table: Table
    targets: Sequence[Labels]
    groups: np.ndarray | None
    train: np.ndarray


@dataclass
class Pilot:
    """Tries the encoders of a fit that has a time limit, in seconds, each once. note: tells the user."""

    limit: float
    seed: int
    note: Callable[[str], None]
    trials: dict[str, Trial] = field(default_factory=dict)  # by view

    def in_time(self, views: Sequence[View], rows: Rows) -> list[View]:
        """Return the views whose encoders are worth their time; the others are named, with how they are asked for.

        The quickest come first.
        """
        dear = {view.name: view for view in views if not is_by_hand(view)}
        bases = {view.of: view for view in views if is_by_hand(view)}
        new = [name for name in dear if name not in self.trials]
        for name in new:
            self.trials[name] = self._try(dear[name], bases.get(dear[name].of), rows)
        spent, left_out = 0.0, []
        for name in sorted(dear, key=lambda name: self.trials[name].seconds):
            trial = self.trials[name]
            if trial.gains and spent + trial.seconds <= MOST_SHARE * self.limit:
                spent += trial.seconds
            else:
                left_out.append(name)
        for name in left_out:
            if name in new:
                self.note(self._tell(dear[name], self.trials[name], rows.targets))
        return [view for view in views if view.name not in left_out]

    def _try(self, view: View, base: View | None, rows: Rows) -> Trial:
        seconds, small = time_table(view, rows.table), SMALL_SHARE * self.limit
        if seconds <= small:
            return Trial(seconds)
        known = rows.train[np.logical_or.reduce([_knows(labels, rows.train) for labels in rows.targets])]
        num = min(MOST, len(known), int(small / seconds * len(rows.table)))
        if num < FEWEST:
            return Trial(seconds, gains=False)
        drawn = np.sort(np.random.default_rng([self.seed, 11]).permutation(known)[:num])
        return Trial(seconds, num, self._gains(view, base, replace(rows, train=drawn)))

    def _gains(self, view: View, base: View | None, rows: Rows) -> bool:
        """Whether an encoder tells more of a target than its base does, or than the mean where it has none."""
        seen = [_see(one, rows) for one in (view, base) if one is not None]
        has_all = np.logical_and.reduce([has for _, has in seen])

        def gains(labels: Labels) -> bool:
            there = has_all & _knows(labels, rows.train)
            known, xs = rows.train[there], [x[there] for x, _ in seen]
            if len(known) < FEWEST:
                return True
            y = labels.numbers[known] if labels.classes is None else labels.codes[known]
            folds = deal(y, None if rows.groups is None else rows.groups[known], self.seed)
            return tells_more(xs, y, folds, labels.classes is None)

        return any(map(gains, rows.targets))

    def _tell(self, view: View, trial: Trial, targets: Sequence[Labels]) -> str:
        names = " or ".join(labels.name for labels in targets)
        in_vain = trial.rows and not trial.gains
        told = f"; in {count(trial.rows, 'row')} it told nothing new of {names}" if in_vain else ""
        return (
            f"{view.of}: {view.encoder} is left out. It would take about {duration(trial.seconds)}, and the fit may "
            f"take {duration(self.limit)}{told}. --encoder {view.of}={view.encoder} asks for it; without a limit it is "
            "tried."
        )


def is_by_hand(view: View) -> bool:
    """Whether a view is of numbers that are made by hand, which costs little."""
    return view.encoder == "acoustic"


def time_table(view: View, table: Table) -> float:
    """Return about how many seconds it takes to see a table through the pretrained encoder of a view.

    A few of its rows are timed, from the file to the features, and more where these take no time to speak of; what is
    kept already is read, as it would be. Of two lots the quicker one counts: a moment in which the machine is busy is
    no time of the encoder.
    """
    num = TIMED
    with open_pool(len(table)) as pool:
        with nothing_kept():
            view.prepare(table.take(np.arange(min(2, len(table)))), pool)  # its weights are read
        while True:
            rows, each = np.unique(np.linspace(0, len(table) - 1, num).astype(int)), []
            for lot in (rows[::2], rows[1::2]) if len(rows) > 1 else (rows,):
                began = time.perf_counter()
                view.prepare(table.take(lot), pool, keep=False)
                each.append((time.perf_counter() - began) / len(lot))
            if min(each) * len(rows) >= TIMED_SECONDS or len(rows) < num:
                return min(each) * len(table)
            num *= 4


def _knows(labels: Labels, rows: np.ndarray) -> np.ndarray:
    """Return which of the rows have a label."""
    known: np.ndarray = ~np.isnan(labels.numbers[rows]) if labels.classes is None else labels.codes[rows] >= 0
    return known


def _see(view: View, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return features (row, feature), and which rows have all cells; they are kept, for when all rows are seen."""
    with open_pool(len(rows.train)) as pool:
        values, cells, _ = view.prepare(rows.table.take(rows.train), pool)
    there: np.ndarray = np.all(cells, axis=1)
    return values.reshape(len(rows.train), -1).astype(np.float64), there


def deal(y: np.ndarray, groups: np.ndarray | None, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return places to learn from and to answer, each of which is answered once; whole groups, where there are two."""
    if groups is not None and len(np.unique(groups)) < 2:
        groups = None
    return turns(assign_folds(y, generator=np.random.default_rng([seed, 12]), groups=groups))


def tells_more(
    seen: Sequence[np.ndarray], y: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]], is_number: bool
) -> bool:
    """Whether the first (row, feature), beside the second, tells more than the second alone; of one, than the mean.

    Rows are answered by what has learned from others; squared errors, of classes those of all (Brier's), fall by more
    than a standard error over the rows. y: (row,) codes, or numbers.
    """
    wanted = y[:, None].astype(np.float64) if is_number else np.eye(int(y.max()) + 1)[y]
    less = squares(seen[1:], wanted, folds) - squares(seen, wanted, folds)
    return bool(less.mean() > less.std() / len(less) ** 0.5)


def squares(
    seen: Sequence[np.ndarray], wanted: np.ndarray, folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Return the squared error (row,) of ridge regression (row, output), whose penalty is chosen by leaving one out.

    Blocks count alike, whatever the number of their features. Of no block it is the error of the mean.
    """
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler

    answers = np.zeros_like(wanted)
    for train, test in folds:
        blocks = [StandardScaler().fit(x[train]).transform(x) / x.shape[1] ** 0.5 for x in seen]
        answers[test] = wanted[train].mean(axis=0)
        if blocks:
            x = np.concatenate(blocks, axis=1)
            answers[test] = RidgeCV(PENALTIES).fit(x[train], wanted[train]).predict(x[test]).reshape(len(test), -1)
    return ((answers - wanted) ** 2).sum(axis=1)
