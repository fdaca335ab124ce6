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
    """Return biases (kernel of all groups, bias) from series x (row, channel, time)."""
    each, first, biases = count_biases(groups), 1, []
    for group in groups:
        for response in _respond(x.astype(np.float32), group):
            biases.append(np.quantile(response, (np.arange(first, first + each) * GOLDEN) % 1))
            first += each
    return np.array(biases)


def count_above(x: np.ndarray, groups: Sequence[Group], biases: np.ndarray) -> np.ndarray:
    """Return (batch, feature): the share of places of series x (batch, channel, time) above each of `biases`.

    Each row is computed by itself, number by number, so that it comes out the same in any batch.
    """
    x, parts, first = x.astype(np.float32), [], 0
    for group in groups:
        responses = _respond(x, group)
        own = biases[first : first + len(responses)].astype(np.float32)
        counts = [np.count_nonzero(responses > own[:, place, None, None], axis=2) for place in range(own.shape[1])]
        parts += [count.T / responses.shape[2] for count in counts]
        first += len(responses)
    return np.concatenate(parts, axis=1)


def _reach(dilation: int) -> int:
    return TAPS // 2 * dilation


def _respond(x: np.ndarray, group: Group) -> np.ndarray:
    """Return (kernel, batch, time) of series x (batch, channel, time)."""
    whole = x[:, group.channels[0]]
    for channel in group.channels[1:]:
        whole = whole + x[:, channel]
    reach, length = _reach(group.dilation), whole.shape[1]
    if group.padded:
        whole = np.pad(whole, ((0, 0), (reach, reach)))
    else:
        length -= 2 * reach
    shifted = [whole[:, tap * group.dilation : tap * group.dilation + length] for tap in range(TAPS)]
    light = -shifted[0]
    for one in shifted[1:]:
        light = light - one
    heavy = 3 * np.stack(shifted)
    a, b, c = group.kernels.T
    return light + heavy[a] + heavy[b] + heavy[c]
