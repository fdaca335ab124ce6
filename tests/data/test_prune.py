"""The cache brought down to a limit: what was used longest ago goes, and no file of anyone else."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.data.prune import kept_files, parse_bytes, prune, prune_to, remove_all, say_bytes, usual_limit
from plait.errors import RequestError


def keep(folder: Path, name: str, size: int, used: int) -> Path:
    """Write a file of this many bytes, used last at this second."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (used, used))
    return path


def test_what_was_used_longest_ago_is_removed_until_the_limit_is_kept(tmp_path: Path) -> None:
    new = keep(tmp_path, "features/a/1.parquet", 40, used=30)
    old = keep(tmp_path, "stages/b/2.safetensors", 30, used=10)
    middle = keep(tmp_path, "check-c.jsonl", 20, used=20)
    assert prune(tmp_path, 90) == 0
    assert prune(tmp_path, 89) == 30
    assert (old.exists(), middle.exists(), new.exists()) == (False, True, True)
    assert prune(tmp_path, 0) == 60


def test_notes_of_what_there_was_stay_and_do_not_count(tmp_path: Path) -> None:
    about = keep(tmp_path, "features/a/about.json", 500, used=1)
    counts = keep(tmp_path, "features/a/counts.jsonl", 500, used=1)
    keep(tmp_path, "features/a/1.parquet", 10, used=2)
    assert prune(tmp_path, 10) == 0
    assert prune(tmp_path, 9) == 10
    assert about.exists()
    assert counts.exists()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 50), max_size=8), st.integers(0, 200))
def test_the_newest_that_fit_together_are_left(sizes: list[int], limit: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        paths = [keep(Path(name), f"convert/{age}.json", size, 1000 - age) for age, size in enumerate(sizes)]
        removed = prune(Path(name), limit)
        left = [path.exists() for path in paths]
        count = sum(left)
        assert left == [True] * count + [False] * (len(sizes) - count)
        assert removed == sum(sizes[count:])
        assert sum(sizes[:count]) <= limit
        assert count == len(sizes) or sum(sizes[: count + 1]) > limit


def test_only_files_that_plait_keeps_are_told_or_removed(tmp_path: Path) -> None:
    own = {
        keep(tmp_path, "check-1.jsonl", 3, used=5),
        keep(tmp_path, "features/a/1.parquet", 4, used=6),
        keep(tmp_path, "convert/b.json", 5, used=7),
    }
    others = [keep(tmp_path, name, 9, used=1) for name in ("mine.txt", "elsewhere/1.parquet", "check.jsonl")]
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "link").symlink_to(others[0])
    found = list(kept_files(tmp_path))
    assert {Path(path) for _, _, path in found} == own
    assert sorted((used, size) for used, size, _ in found) == [(5.0, 3), (6.0, 4), (7.0, 5)]
    remove_all(tmp_path)
    assert list(kept_files(tmp_path)) == []
    assert all(path.exists() for path in others)


def test_the_cache_of_the_user_is_the_one_that_is_pruned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path))
    keep(tmp_path, "features/a/1.parquet", 40, used=1)
    assert prune_to(39) == 40
    assert prune_to(39) == 0


def test_the_limit_is_ten_gigabytes_unless_another_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAIT_CACHE_LIMIT", raising=False)
    assert usual_limit() == 10_000_000_000
    monkeypatch.setenv("PLAIT_CACHE_LIMIT", "250MB")
    assert usual_limit() == 250_000_000


def test_sizes_are_read_as_people_write_them() -> None:
    assert [parse_bytes(text) for text in ("0", " 12 ", "1.5k", "2 TB", "3mb")] == [0, 12, 1500, 2 * 10**12, 3_000_000]
    for text in ("", "much", "-1GB", "1 GiB", "1e3"):
        with pytest.raises(RequestError, match="expected a size such as 500MB or 2GB"):
            parse_bytes(text)


def test_sizes_are_told_in_the_largest_unit_they_fill() -> None:
    sizes = (0, 999, 1000, 1_500_000, 2_000_000_000, 5 * 10**12)
    assert [say_bytes(size) for size in sizes] == ["0 B", "999 B", "1.0 KB", "1.5 MB", "2.0 GB", "5000.0 GB"]
    assert say_bytes(999_999) == "1.0 MB"
