import numpy as np
import pytest

from plait.space.exact import nearest_exact
from plait.space.shards import Shard


def test_the_nearest_of_many_shards_are_those_of_one() -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    parts = np.array_split(np.arange(50), 4)
    shards = [Shard({"text": vectors[part]}, {"text": part}, {}, {}) for part in parts]
    cosines, owners, places = nearest_exact(shards, vectors[:1], "text", 5)[0]
    expected = np.argsort(-(vectors @ vectors[0]))[:5]
    assert [int(parts[owner][place]) for owner, place in zip(owners, places, strict=True)] == expected.tolist()
    assert cosines[0] == pytest.approx(1.0, abs=1e-5)


def test_of_what_is_not_there_nothing_is_near() -> None:
    cosines, owners, places = nearest_exact([Shard({}, {}, {}, {})], np.zeros((1, 8), np.float32), "audio", 5)[0]
    assert (len(cosines), len(owners), len(places)) == (0, 0, 0)
