"""The cache: facts that outlive a command, and what happens when its file is damaged or cannot be written."""

from pathlib import Path

import pytest

from plait.data.fact_cache import Cache, cache_folder


def test_what_was_added_is_there_the_next_time(tmp_path: Path) -> None:
    Cache(tmp_path / "a" / "facts.jsonl").add({"one": {"width": 28}, "zwei 二": {"reason": "ä"}})
    again = Cache(tmp_path / "a" / "facts.jsonl")
    assert again.get("one") == {"width": 28}
    assert again.get("zwei 二") == {"reason": "ä"}
    assert again.get("three") is None


def test_a_damaged_line_counts_as_not_there(tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    Cache(path).add({"one": {"width": 28}, "two": {"width": 30}})
    first, second = path.read_bytes().splitlines()
    path.write_bytes(first.replace(b"28", b"29") + b"\n[[[\n\xff\xfe\n7\n" + second + b"\n")
    again = Cache(path)
    assert (again.get("one"), again.get("two"), again.trouble) == (None, {"width": 30}, "")


def test_a_line_that_was_cut_off_spoils_no_later_one(tmp_path: Path) -> None:
    path = tmp_path / "facts.jsonl"
    Cache(path).add({"one": {"width": 28}, "two": {"width": 30}})
    path.write_bytes(path.read_bytes()[:-9])
    Cache(path).add({"three": {"width": 32}})
    again = Cache(path)
    assert [again.get(key) for key in ("one", "two", "three")] == [{"width": 28}, None, {"width": 32}]


def test_a_folder_in_its_place_is_told_and_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "facts.jsonl").mkdir()
    cache = Cache(tmp_path / "facts.jsonl")
    cache.add({"one": {}})
    assert cache.trouble == f"{tmp_path / 'facts.jsonl'} cannot be read (Is a directory)"
    assert cache.get("one") is None


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "facts.jsonl")
    cache.add({"one": {}})
    assert "cannot be" in cache.trouble


def test_lines_that_nobody_asks_for_are_dropped_when_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.data.fact_cache.STALE", 2)
    path = tmp_path / "facts.jsonl"
    Cache(path).add({"one": {"n": 1}, "two": {"n": 2}, "three": {"n": 3}})
    cache = Cache(path)
    cache.get("two")
    cache.tidy()
    again = Cache(path)
    assert [again.get(key) for key in ("one", "two", "three")] == [None, {"n": 2}, None]


def test_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("PLAIT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "plait"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "plait"


@pytest.mark.parametrize("line", ["{}", "[]", '["\\ud800",1,{}]', '["k",1,{"a":' + "9" * 5000 + "}]", "[" * 100_000])
def test_garbage_is_not_there(tmp_path: Path, line: str) -> None:
    (tmp_path / "facts.jsonl").write_text(line + "\n")
    assert Cache(tmp_path / "facts.jsonl").get("k") is None
