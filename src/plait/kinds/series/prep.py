"""The preparation of series: one length, and each channel scaled by the training rows. Knows no file and no network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from plait.core.options import option
from plait.core.words import count
from plait.errors import CellError, RequestError, RunError
from plait.kinds.preparation import Preparation, check_bounds, check_product
from plait.kinds.series.kernels import TAPS, count_biases, learn_biases, plan_groups

MOST_LENGTH = 512  # points in time, where none is asked for
FARTHEST = 1000.0  # deviations from the mean: what lies farther is a fault, and would drown all else
LARGEST = 1e38  # of a mean or a deviation, both of float32
STATE = ("mean", "spread", "usual", "biases")


@dataclass(frozen=True)
class SeriesPrep(Preparation):
    """How a series becomes a fixed number of points in each channel, of mean 0 and deviation 1.

    A longer series is averaged over equal stretches of time, a shorter one drawn out on straight lines. A hole (NaN) is
    bridged by such a line; where training rows have holes, flags beside the numbers say where one is.

    Args:
        length: points in time; by default the median of the training rows, at most 512.
        channels, turned, holes: how many channels a series has, whether its first axis is time, and whether there are
            flags for holes; set by `fitted`.
        mean, spread: of each channel, over the training rows.
        usual: (channel, time), their mean course, scaled.
        seed, biases: of the convolution kernels that features are made by.

    Example:
        >>> prep = plait.SeriesPrep(length=9).fitted([np.arange(18.0), np.arange(18.0) + 2])
        >>> prep(np.full(30, 9.5)).shape, float(prep(np.full(30, 9.5))[0, 0])  # (channel, time)
        ((1, 9), 0.0)
    """

    KIND: ClassVar[str] = "series"

    length: int | None = option(None, "Points in time. If open, the median of the training rows, at most 512.")
    channels: int = 0
    turned: bool = False
    holes: bool = False
    seed: int = 0
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    spread: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False, compare=False)
    usual: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False, compare=False)
    biases: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)), repr=False, compare=False)

    def __post_init__(self) -> None:
        check_bounds(self, {"length": (TAPS, 2**14, ""), "channels": (0, 2**12, ""), "seed": (0, 2**31, "")})
        check_product(self, "length", "channels")

    def fitted(self, series: Iterable[np.ndarray], generator: np.random.Generator | None = None) -> SeriesPrep:
        """Return a copy that has learned form, length and scale, and the biases of its kernels.

        Args:
            series: arrays (time,), (channel, time) or, where the first axis is the one that differs in length, (time,
                channel), of training rows, NaN in holes. Those of a rarer number of channels are passed by.
            generator: draws which channels a kernel sums; by default from the seed 0.

        Raises:
            RequestError: there is none.
        """
        rows = [np.atleast_2d(np.asarray(row, np.float64)) for row in series]
        if not rows:
            raise RequestError("there is no series to learn a length from; expected one or more.")
        turned = _is_turned([row.shape for row in rows])
        rows = [row.T if turned else row for row in rows]
        counts = Counter(map(len, rows))
        channels = max(counts, key=lambda num: counts[num])  # of several as common, the first seen
        rows = [row for row in rows if len(row) == channels and np.isfinite(row).any(axis=1).all()]
        if not rows:
            raise RequestError("each series to learn from has a channel without a number; expected one that has none.")
        length = self.length or int(np.clip(np.median([row.shape[1] for row in rows]), TAPS, MOST_LENGTH))
        parts = [resample(row, length) for row in rows]
        x, flags = (np.stack(part) for part in zip(*parts, strict=True))
        low, high = np.quantile(x, (0.05, 0.95), axis=(0, 2))
        far = np.where(high > low, FARTHEST * (high - low), np.inf)
        within = np.clip(x, (low - far)[:, None], (high + far)[:, None])
        mean, spread = within.mean((0, 2)), within.std((0, 2))
        still = spread <= 1e-6 * np.abs(mean)  # one value, up to rounding
        seed = 0 if generator is None else int(generator.integers(2**31))
        out = replace(
            self, length=length, channels=channels, turned=turned, holes=bool(flags.any()), seed=seed,
            mean=mean, spread=np.where(still | (spread <= 0), 1.0, spread),
        )  # fmt: skip
        scaled = np.stack([out._scaled(row) for row in x])
        biases = learn_biases(scaled, plan_groups(channels, length, seed))
        return replace(out, usual=scaled.mean(0), biases=np.array([[float(f"{n:.3g}") for n in own] for own in biases]))

    def __call__(self, series: np.ndarray) -> np.ndarray:
        """Return one `series` scaled, (channel, time) float32; below it the flags of holes, if any.

        Raises:
            CellError: it has another number of channels.
        """
        row = self.upright(series)
        if len(row) != self.channels:
            turned = " (its first axis is time, as in most rows)" if self.turned else ""
            raise CellError(f"{count(len(row), 'channel')}, where most have {self.channels:,}{turned}")
        values, flags = resample(row, self.length or TAPS)
        parts = [self._scaled(values), flags] if self.holes else [self._scaled(values)]
        return np.concatenate(parts).astype(np.float32)

    def upright(self, series: np.ndarray) -> np.ndarray:
        """Return a series as (channel, time); of one whose first axis is time the other way round, both ways."""
        return np.atleast_2d(series).T if self.turned else np.atleast_2d(series)

    def usual_course(self, length: int) -> np.ndarray:
        """Return the mean course of the training rows as it comes, (channel, time), in so many points."""
        return resample(self.usual, length)[0] * self.spread[:, None] + self.mean[:, None]

    def _scaled(self, values: np.ndarray) -> np.ndarray:
        return np.clip((values - self.mean[:, None]) / self.spread[:, None], -FARTHEST, FARTHEST)

    def state(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return all that rebuilds this object: a dict for JSON and named arrays."""
        return self.to_json(), {name: getattr(self, name) for name in STATE}

    @classmethod
    def from_state(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> SeriesPrep:
        """Return what `state` gave as an object again. Raises RunError when the parts do not belong together."""
        out = cls.from_json(data)
        length = out.length or 0
        groups = plan_groups(out.channels, length, out.seed) if length and out.channels else ()
        kernels = sum(len(group.kernels) for group in groups)
        channels = (out.channels,)
        shapes = {"mean": channels, "spread": channels, "usual": (*channels, length)}
        shapes["biases"] = (kernels, count_biases(groups) if kernels else 0)
        for name, shape in shapes.items():
            values = arrays.get(name, np.zeros(()))
            right = values.shape == shape and values.dtype.kind == "f" and bool((np.abs(values) <= LARGEST).all())
            if not right or not kernels or (name == "spread" and not (values > 0).all()):
                raise RunError(
                    f"the series preparation is damaged: {name!r} has not its shape, or is not finite. Fit again."
                )
        mean, spread, usual, biases = (arrays[name].astype(np.float64) for name in STATE)
        return replace(out, mean=mean, spread=spread, usual=usual, biases=biases)


def longer_is_time(series: np.ndarray) -> np.ndarray:
    """Return a series of which no other is known as (channel, time), the channels that have a number."""
    upright = series if series.shape[0] <= series.shape[1] else series.T
    return upright[np.isfinite(upright).any(axis=1)]


def resample(series: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a series (channel, time), NaN in holes, in so many points, and where a hole is: two (channel, length).

    Holes are bridged by straight lines first. Every channel must have a number.
    """
    num = series.shape[1]
    holes, values = ~np.isfinite(series), np.array(series, np.float64)
    places = np.arange(num)
    for row, gaps in zip(values, holes, strict=True):
        if gaps.any():
            row[gaps] = np.interp(places[gaps], places[~gaps], row[~gaps])
    if num == length:
        return values, holes
    if num < length:
        there = np.linspace(0, num - 1, length)
        return np.stack([np.interp(there, places, row) for row in values]), holes[:, np.rint(there).astype(int)]
    return _averaged(values, length), _averaged(holes.astype(np.float64), length) > 0.5


def _averaged(values: np.ndarray, length: int) -> np.ndarray:
    """Return the means of values (channel, time) over so many equal, possibly fractional, stretches of time."""
    num = values.shape[1]
    middle = values.mean(axis=1, keepdims=True)  # the sums stay small, so their digits stay
    sums = np.concatenate([np.zeros_like(middle), np.cumsum(values - middle, axis=1)], axis=1)
    edges = np.linspace(0, num, length + 1)
    return np.stack([np.diff(np.interp(edges, np.arange(num + 1), row)) for row in sums]) * (length / num) + middle


def _is_turned(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether the first axis of series is time: its length differs, and that of the other hardly does, unless the other
    alone is long enough for kernels; or it is the one long enough for them, where neither differs."""
    first, second = (Counter(shape[axis] for shape in shapes).most_common(1)[0] for axis in (0, 1))
    steady = [2 * times > len(shapes) for _, times in (first, second)]
    if all(steady):
        return second[0] < TAPS <= first[0]
    return steady[1] and (second[0] < TAPS or max(shape[0] for shape in shapes) >= TAPS)


PREP = SeriesPrep


def layout(prep: Any, encoder: str) -> dict[str, Any]:
    """Return what encoder and features must know of a series: its form, and the kernels of the features."""
    sizes = {"channels": prep.channels, "length": prep.length, "holes": prep.holes}
    return {**sizes, "seed": prep.seed, "biases": prep.biases.tolist()}


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return (channel, time); with flags for holes twice as many channels."""
    return layout["channels"] * (1 + layout["holes"]), layout["length"]
