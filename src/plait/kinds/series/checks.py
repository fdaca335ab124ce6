"""What is kept of a series, and what is odd about those of a column. Knows no table and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.finding import Finding
from plait.core.words import count
from plait.kinds import cell_facts
from plait.kinds.cell_facts import CellFacts, Oddity, check_cells, quick_scaled
from plait.kinds.series.prep import longer_is_time, resample
from plait.kinds.series.read import digest, read

VERSION = 1  # of the facts below
SPEAKS = True  # a sensor saw something of the row: the same series twice is a copy
WHOLE_FILES = False
FAULTS = {
    "not-finite": (
        "series-not-finite",
        "holds no number that is finite, in all of it or in a channel",
        "Measure again, or blank the cells; fit takes them as missing.",
    ),
    "no-numbers": ("series-empty", "holds an empty list", "Blank the cells; fit takes them as missing."),
    "ragged": (
        "series-ragged",
        "holds channels of different lengths",
        "Write as many points in each channel, with blanks (null) where one was not measured.",
    ),
}
THUMB, EACH = 96, 16  # numbers that quick guesses look at; those of a channel, of the first six
MANY_HOLES, OFTEN = 0.2, 3.0  # share of a series; times that its length may differ from the usual

by_chance, contents, kept_keys = cell_facts.by_chance, cell_facts.contents, cell_facts.kept_keys


@dataclass(frozen=True, slots=True)
class SeriesFacts(CellFacts):
    """What a series holds. first, second: its axes, one of which is time; holes: share of its numbers."""

    first: int = 0
    second: int = 0
    holes: float = 0.0
    flat: int = 0  # channels that never change

    @property
    def bare(self) -> bool:
        """Whether none of its channels ever changes, as of a sensor that is off."""
        return self.flat > 0 and self.flat >= min(self.first, self.second)


FACTS = SeriesFacts


def is_whole(cell: Any) -> bool:
    """Whether a cell is looked at as it stands: text and lists are what they say, and files are small."""
    return True


def look(cell: Any, folder: Path | None, rate: int | None = None, content: bytes = b"") -> SeriesFacts:
    """Return the facts of a cell. Raises CellError."""
    series = read(cell, folder)
    there = longer_is_time(series)
    thumb = np.zeros(THUMB, np.float32)
    few = np.ravel(resample(there[: THUMB // EACH], EACH)[0])
    thumb[: len(few)] = few
    known = np.where(np.isfinite(there), there, np.nan)
    return SeriesFacts(
        "series",
        decoded=digest(series, None).hex(),
        thumb=thumb.tobytes(),
        first=series.shape[0],
        second=series.shape[1],
        holes=round(float(np.isnan(series).mean()), 4),
        flat=int((np.nanmax(known, axis=1) == np.nanmin(known, axis=1)).sum()),
    )


def quick(
    columns: Mapping[str, Sequence[SeriesFacts | None]], kinds: Mapping[str, str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (rows, feature) and (rows,) bool: the numbers of each column's thumbs, each scaled over the rows."""
    return quick_scaled(columns, THUMB)


def check_facts(column: str, facts: Sequence[SeriesFacts | None]) -> list[Finding]:
    """Return what is odd about series that can be read."""
    read_ones = [cell for cell in facts if cell is not None and not cell.fault]
    shapes = [(cell.first, cell.second) for cell in read_ones]
    axis = int(len({first for first, _ in shapes}) > len({second for _, second in shapes}))  # that of channels
    channels, lengths = ([shape[place] for shape in shapes] for place in (axis, 1 - axis))
    usual = Counter(channels).most_common(1)[0][0] if channels else 0
    middle = float(np.median(lengths)) if lengths else 0.0

    def shape_of(cell: SeriesFacts) -> tuple[int, int]:
        return (cell.second, cell.first) if axis else (cell.first, cell.second)

    oddities = {
        "series-channels": Oddity(
            lambda cell: shape_of(cell)[0] != usual,
            f"holds another number of channels than the usual {count(usual)}",
            "Write the same channels in each row; fit takes those with others as missing.",
            first=lambda cell: count(shape_of(cell)[0], "channel"),
        ),
        "series-length": Oddity(
            lambda cell: not middle / OFTEN <= shape_of(cell)[1] <= middle * OFTEN,
            f"is over {OFTEN:g} times longer or shorter than the usual {count(round(middle), 'point')}",
            "Cut or measure them alike: fit brings all to one length, and pace is lost.",
            first=lambda cell: count(shape_of(cell)[1], "point"),
        ),
        "series-holes": Oddity(
            lambda cell: cell.holes > MANY_HOLES,
            f"has holes (NaN) in more than {MANY_HOLES:.0%} of its numbers",
            "Blank the cells where too little is left; fit bridges holes by straight lines, and flags them.",
            first=lambda cell: f"{cell.holes:.0%}",
        ),
        "series-constant": Oddity(
            lambda cell: cell.flat > 0,
            "has a channel that never changes",
            "Look whether the sensor was off; if so, blank the cells.",
            first=lambda cell: count(cell.flat, "channel"),
        ),
    }
    return check_cells(column, facts, oddities, {})
