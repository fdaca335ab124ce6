"""Ways in which inputs get worse, of every kind: a worse level holds the better one and is farther from the truth."""

import itertools
from typing import Any

import numpy as np
import pytest

from plait.kinds import KINDS
from plait.kinds.worsening import Worsening

WAYS = [(name, way) for name, kind in KINDS.items() if kind.worsen is not None for way in kind.worsen.WAYS]
every_way = pytest.mark.parametrize(("name", "way"), WAYS, ids=[way.what for _, way in WAYS])


def given(name: str) -> Any:
    """Something of a kind as its ways take it."""
    generator = np.random.default_rng(3)
    if name == "image":
        return generator.integers(0, 256, (4, 1, 64, 64), np.uint8)
    if name == "audio":
        return generator.standard_normal((400, 1)).astype(np.float32), 8000
    if name == "text":
        return " ".join(f"w{n}" for n in range(80))
    if name == "video":
        return generator.integers(0, 256, (2, 3, 1, 64, 64), np.uint8)
    if name == "series":
        return np.concatenate([generator.standard_normal((3, 2, 80)), np.zeros((3, 2, 80))], 1)
    return np.concatenate([generator.standard_normal((5, 2)), np.zeros((5, 2)), np.ones((5, 1))], 1)


def worsened(name: str, way: Worsening, level: float) -> tuple[Any, float]:
    """Return what a level makes of it, and the number that its generator draws next."""
    generator = np.random.default_rng(0)
    layout = ({"numbers": 2, "categories": [3], "channels": 2},) if way.on == "input" else ()
    return way.change(given(name), level, generator, *layout), generator.random()


def distance(name: str, worse: Any) -> float:
    """How far something is from what it was."""
    if name == "text":
        return len(given(name).split()) - len(worse.split())
    old, new = (x[0] if name == "audio" else x for x in (given(name), worse))
    assert new.dtype == old.dtype
    return float(np.square(new.astype(float) - old.astype(float)).sum())


def test_every_kind_has_ways() -> None:
    assert {name for name, _ in WAYS} == {"image", "audio", "text", "tabular", "vectors", "series", "video"}


@every_way
def test_each_level_is_farther_from_the_truth_than_the_one_before(name: str, way: Worsening) -> None:
    steps = [distance(name, worsened(name, way, level)[0]) for level in way.levels]
    assert steps == sorted(set(steps))


@every_way
def test_all_levels_draw_the_same(name: str, way: Worsening) -> None:
    assert len({worsened(name, way, level)[1] for level in way.levels}) == 1


def test_of_the_words_that_a_worse_level_keeps_the_better_one_keeps_all() -> None:
    ((_, way),) = [entry for entry in WAYS if entry[0] == "text"]
    kept = [set(worsened("text", way, level)[0].split()) for level in way.levels]
    assert all(worse < better for better, worse in itertools.pairwise(kept))


def test_a_way_applies_to_every_layout_unless_it_says_otherwise() -> None:
    assert Worsening("noise", "share", (0.0, 1.0), "input", lambda x, level: x).applies({})
    ((_, numbers),) = [entry for entry in WAYS if entry[0] == "tabular"]
    assert [numbers.applies({"numbers": n}) for n in (0, 2)] == [False, True]
