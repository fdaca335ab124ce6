"""Features that are kept: found by content, whole after a kill, shared by processes, never wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.data import feature_cache as shards
from plait.data.feature_cache import FeatureCache, digest_cell, digest_text, read_counts
from plait.errors import CellError


def key(number: int) -> bytes:
    return digest_text(str(number))


def fill(folder: Path, numbers: range) -> None:
    FeatureCache(folder, (2, 3)).add([key(n) for n in numbers], features(numbers))


def features(numbers: range) -> np.ndarray:
    return np.stack([np.full((2, 3), n, np.float32) for n in numbers]) if numbers else np.zeros((0, 2, 3), np.float32)


def test_what_was_added_is_found_again_by_another_object(tmp_path: Path) -> None:
    fill(tmp_path, range(5))
    found, values = FeatureCache(tmp_path, (2, 3)).get([key(3), key(99), key(0)])
    assert found.tolist() == [True, False, True]
    assert values[:, 0, 0].tolist() == [3.0, 0.0, 0.0]
    assert values.shape == (3, 2, 3)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=40))
def test_any_order_and_any_repeats_give_the_right_features(wanted: list[int]) -> None:
    cache = FeatureCache(None, (2, 3))
    assert not cache.get([key(n) for n in wanted])[0].any()
    found, values = SHARED.get([key(n) for n in wanted])
    assert found.tolist() == [n < 20 for n in wanted]
    assert values[:, 1, 2].tolist() == [float(n) if n < 20 else 0.0 for n in wanted]


@pytest.fixture(autouse=True, scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SHARED
    folder = tmp_path_factory.mktemp("shared")
    for start in range(0, 20, 4):
        fill(folder, range(start, start + 4))
    SHARED = FeatureCache(folder, (2, 3))


def test_what_another_process_adds_is_seen(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path, (2, 3))
    fill(tmp_path, range(2))
    assert cache.get([key(0)])[0].tolist() == [True]
    fill(tmp_path, range(2, 4))
    assert cache.get([key(3)])[0].tolist() == [True]


def test_what_it_added_itself_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, range(2))
    cache, looks = FeatureCache(tmp_path, (2, 3)), list[Path]()
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda folder, pattern: (looks.append(folder), glob(folder, pattern))[1])
    for start in range(2, 12, 2):
        assert cache.get([key(start - 2), key(start)])[0].tolist() == [True, False]
        cache.add([key(start), key(start + 1)], features(range(start, start + 2)))
    assert len(looks) == 1  # and not once for each shard of its own
    assert cache.get([key(number) for number in range(12)])[0].all()


def test_the_same_cells_make_the_same_shard(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    fill(tmp_path, range(3))
    assert len(list(tmp_path.glob("*.parquet"))) == 1


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_shard_counts_as_not_there(tmp_path: Path, damage: str) -> None:
    fill(tmp_path, range(400))
    path = next(tmp_path.glob("*.parquet"))
    data = bytearray(path.read_bytes())
    if damage == "flip":
        place = data.find(np.float32(300).tobytes())
        data[place] ^= 1
    path.write_bytes({"cut": data[: len(data) // 2], "flip": data, "empty": b""}[damage])
    cache = FeatureCache(tmp_path, (2, 3))
    found, values = cache.get([key(n) for n in range(400)])
    assert not found.any()
    assert not values.any()
    cache.add([key(7)], features(range(7, 8)))
    assert cache.get([key(7)])[1][0, 0, 0] == 7.0


def test_many_small_shards_become_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MOST_SMALL", 5)
    for n in range(8):
        fill(tmp_path, range(n, n + 1))
    old = FeatureCache(tmp_path, (2, 3))
    old._look()
    assert len(list(tmp_path.glob("*.parquet"))) == 1
    found, values = FeatureCache(tmp_path, (2, 3)).get([key(n) for n in range(8)])
    assert found.all()
    assert values[:, 0, 0].tolist() == [float(n) for n in range(8)]
    assert old.get([key(5)])[1][0, 0, 0] == 5.0


def test_a_shard_that_is_pruned_meanwhile_is_a_miss(tmp_path: Path) -> None:
    fill(tmp_path, range(3))
    cache = FeatureCache(tmp_path, (2, 3))
    assert cache.get([key(0)])[0].all()
    for path in tmp_path.glob("*.parquet"):
        path.unlink()
    assert not FeatureCache(tmp_path, (2, 3)).get([key(0)])[0].any()
    assert cache.get([key(0)])[0].tolist() == [False]


def test_a_full_disk_ends_the_keeping_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shards, "write_bytes", fail)
    cache = FeatureCache(tmp_path / "new", (2, 3))
    cache.add([key(1)], features(range(1, 2)))
    assert cache.trouble == "No space left on device"
    cache.add([key(2)], features(range(2, 3)))
    assert not cache.get([key(1)])[0].any()


def test_a_folder_that_is_read_only_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    fill(tmp_path, range(3))
    for path in tmp_path.glob("*.parquet"):
        os.utime(path, (0, 0))
    monkeypatch.setattr(shards.os, "utime", fail)
    assert FeatureCache(tmp_path, (2, 3)).get([key(2)])[0].tolist() == [True]
    assert len(list(tmp_path.glob("*.parquet"))) == 1


def test_a_folder_that_may_not_be_entered_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    fill(tmp_path, range(3))
    monkeypatch.setattr(Path, "stat", fail)
    cache = FeatureCache(tmp_path, (2, 3))
    assert cache.get([key(2)])[0].tolist() == [False]
    cache.count(1, 0)
    assert cache.trouble == "Permission denied"


def test_a_process_that_is_killed_while_it_writes_leaves_only_whole_shards(tmp_path: Path) -> None:
    code = (
        "import os, sys; import numpy as np\n"
        "from plait.data import feature_cache as shards\n"
        "cache = shards.FeatureCache(__import__('pathlib').Path(sys.argv[1]), (2, 3))\n"
        "cache.add([shards.digest_text('0')], np.zeros((1, 2, 3), np.float32))\n"
        "os.replace = lambda *_: os._exit(9)\n"
        "cache.add([shards.digest_text('1')], np.ones((1, 2, 3), np.float32))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == 9
    found, values = FeatureCache(tmp_path, (2, 3)).get([key(0), key(1)])
    assert found.tolist() == [True, False]
    assert not values.any()


def test_counts_of_cells_asked_for_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MOST_COUNTS", 100)
    cache = FeatureCache(tmp_path, (2, 3))
    for _ in range(10):
        cache.count(4, 1)
    assert read_counts(tmp_path) == (40, 10)
    assert (tmp_path / shards.COUNTS).stat().st_size < 200


def test_a_cell_is_known_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"abc")
    (tmp_path / "b.bin").write_bytes(b"abc")
    same = {digest_cell("a.bin", tmp_path), digest_cell("b.bin", tmp_path), digest_cell(b"abc", None)}
    assert len(same) == 1
    assert digest_cell("a.bin#t=0,1", tmp_path) not in same
    assert digest_cell(np.zeros(3), None, 8000) != digest_cell(np.zeros(3), None, 16000)
    with pytest.raises(CellError, match="blank"):
        digest_cell("", tmp_path)
    with pytest.raises(CellError, match=r"c\.bin"):
        digest_cell("c.bin", tmp_path)
