"""Convolution kernels that are drawn, not trained, and how often a series goes along with each. Knows arrays alone.

After ROCKET (Dempster, Petitjean and Webb 2020) in the form of MiniRocket (Dempster, Schmidt and Webb 2021): the 84
kernels of nine taps of which three weigh 2 and six −1, each stretched by several dilations and, of several channels,
over a sum of a few of them that is drawn (as Tan and others 2022 do). A feature is the share of places at which a
response exceeds a bias; biases are quantiles of the responses to training rows. As all taps sum to 0, the level of a
series moves none of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

TAPS = 9
HEAVY = np.array(list(itertools.combinations(range(TAPS), 3)))  # (kernel, 3): the taps that weigh 2
PARTS = 12  # of the kernels of a dilation, that look at channels of their own
DILATIONS, MOST_FEATURES = 6, 2000  # at most, or about; measured: more of them find no more, and cost more
MOST_CHANNELS = 9  # that one kernel sums, at most
MOST_ROWS = 100  # that biases are learned of
LANES, MOST_WORDS = 8, 255  # bytes of a word, and how many words are added before one of its bytes may be full
EVEN, ONES = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0001000100010001)  # which add up the bytes of a word
GOLDEN = (5**0.5 - 1) / 2  # multiples of it, less whole numbers, lie evenly spread, however many are taken


class Group(NamedTuple):
    """Kernels (kernel, 3) of one dilation, over the same channels; padded: with zeros, so that no place is lost."""

    dilation: int
    channels: tuple[int, ...]
    kernels: np.ndarray
    padded: bool


@lru_cache(maxsize=16)
def plan_groups(channels: int, length: int, seed: int) -> tuple[Group, ...]:
    """Return the kernels over series of this form: the same from the same seed."""
    generator = np.random.default_rng(seed)
    top = max(0.0, np.log2((length - 1) / (TAPS - 1)))
    groups = []
    for dilation in np.unique((2 ** np.linspace(0, top, DILATIONS)).astype(int)).tolist():
        order = generator.permutation(len(HEAVY))
        for number, part in enumerate(np.array_split(order, PARTS)):
            some = int(2 ** generator.uniform(0, np.log2(min(channels, MOST_CHANNELS) + 1)))
            drawn = tuple(sorted(generator.permutation(channels)[:some].tolist()))
            whole = 2 * _reach(dilation) < length  # else nothing would be left without padding
            groups.append(Group(dilation, drawn, HEAVY[np.sort(part)], number % 2 == 0 or not whole))
    return tuple(groups)


def count_biases(groups: Sequence[Group]) -> int:
    """Return how many biases each kernel has."""
    return max(1, MOST_FEATURES // sum(len(group.kernels) for group in groups))


def learn_biases(x: np.ndarray, groups: Sequence[Group]) -> np.ndarray:
    """Return biases (kernel of all groups, bias) from series x (row, channel, time), of at most 100 of the rows."""
    each, first, biases, taps = count_biases(groups), 1, [], Taps(x[:: -(-len(x) // MOST_ROWS)])
    for group in groups:
        responses = taps.respond(group)
        ranked = np.sort(responses[:, taps.there(group)], axis=1)
        numbers = first + np.arange(len(ranked) * each).reshape(-1, each)
        places = (numbers * GOLDEN) % 1 * (ranked.shape[1] - 1)
        below = places.astype(int)
        least, most = (
            np.take_along_axis(ranked, at, 1).astype(np.float64) for at in (below, np.ceil(places).astype(int))
        )
        biases.append((most - least) * (places - below) + least)
        first += numbers.size
    return np.concatenate(biases)


def count_above(x: np.ndarray, groups: Sequence[Group], biases: np.ndarray) -> np.ndarray:
    """Return (batch, feature): the share of places of series x (batch, channel, time) above each of `biases`.

    Each row is computed by itself, number by number, so that it comes out the same in any batch.
    """
    taps, parts, first = Taps(x), [], 0
    for group in groups:
        own = biases[first : first + len(group.kernels)].astype(np.float32).T
        counts = _count_true(taps.respond(group) > own[:, :, None, None, None])  # (bias, kernel, batch)
        places = x.shape[2] - (0 if group.padded else 2 * _reach(group.dilation))
        parts.append(counts.reshape(-1, len(x)).T / places)
        first += len(group.kernels)
    return np.concatenate(parts, axis=1)


class Taps:
    """What kernels say of series (batch, channel, time): (kernel, word, batch, lane), where eight places in time are
    the lanes of a word, and −∞ stands where a response does not count.

    What kernels of the same dilation, channels and padding have in common is computed once, while these come together.
    """

    def __init__(self, x: np.ndarray) -> None:
        self.x, self.about = x.astype(np.float32), (0, tuple[int, ...]())
        self.heavy, self.sums = np.zeros(0), dict[bool, dict[tuple[int, ...], np.ndarray]]()

    def respond(self, group: Group) -> np.ndarray:
        """Return the responses of the kernels of a group."""
        if self.about != (group.dilation, group.channels):
            self.about = group.dilation, group.channels
            self._shift(group)
        sums, heavy = self.sums[group.padded], self.heavy
        responses = np.empty((len(group.kernels), *heavy.shape[1:]), np.float32)
        for place, (a, b, c) in enumerate(group.kernels.tolist()):
            if (a,) not in sums:
                sums[(a,)] = sums[()] + heavy[a]
            if (a, b) not in sums:
                sums[a, b] = sums[(a,)] + heavy[b]
            np.add(sums[a, b], heavy[c], out=responses[place])
        return responses

    def there(self, group: Group) -> np.ndarray:
        """Return where responses of a group that has just responded count."""
        return self.sums[group.padded][()] > -np.inf

    def _shift(self, group: Group) -> None:
        whole = self.x[:, group.channels[0]]
        for channel in group.channels[1:]:
            whole = whole + self.x[:, channel]
        reach, (batch, length) = _reach(group.dilation), whole.shape
        words = -(-length // LANES)
        wide = np.zeros((batch, words * LANES + 2 * reach), np.float32)
        wide[:, reach : reach + length] = whole
        starts = range(0, TAPS * group.dilation, group.dilation)
        taps = np.stack([wide[:, start : start + words * LANES] for start in starts])
        taps = np.ascontiguousarray(taps.reshape(TAPS, batch, words, LANES).swapaxes(1, 2))
        light = -taps[0]
        for tap in taps[1:]:
            light -= tap
        place = np.arange(words * LANES).reshape(words, 1, LANES)
        inner = (place >= reach) & (place < length - reach)
        self.heavy = 3 * taps
        self.sums = {True: {(): np.where(place < length, light, -np.inf)}, False: {(): np.where(inner, light, -np.inf)}}


def _reach(dilation: int) -> int:
    return TAPS // 2 * dilation


def _count_true(flags: np.ndarray) -> np.ndarray:
    """Return how many places (…, word, batch, lane) are true of each row: (…, batch). Eight are added at once."""
    words, counts = flags.view(np.uint64)[..., 0], np.zeros((*flags.shape[:-3], flags.shape[-2]), np.int64)
    for start in range(0, words.shape[-2], MOST_WORDS):
        sums = words[..., start : start + MOST_WORDS, :].sum(axis=-2)
        pairs = (sums & EVEN) + (sums >> np.uint64(8) & EVEN)
        counts += (pairs * ONES >> np.uint64(48)).astype(np.int64)
    return counts
