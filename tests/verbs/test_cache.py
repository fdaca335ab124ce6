"""What is kept between commands: shown, brought down to a limit, cleared."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.cli import main
from plait.data.feature_cache import digest_text, open_features
from plait.data.prune import parse_bytes, say_bytes, usual_limit
from plait.errors import RequestError


def fill(number: int, rows: int = 100) -> Path:
    features = open_features(f"{number}".ljust(64, "0"), (1, 250), {"name": "lite0", "kind": "image"})
    features.add([digest_text(f"{number} {row}") for row in range(rows)], np.zeros((rows, 1, 250), np.float32))
    features.count(rows, 25)
    assert features.folder is not None
    return next(features.folder.glob("*.parquet"))


def test_cache_says_how_much_is_kept_and_how_often_it_was_of_use() -> None:
    fill(1)
    kept = plait.cache()
    assert [(part.what, part.asked, part.found) for part in kept.parts] == [("features by lite0 (image)", 100, 25)]
    assert kept.size > 100_000
    assert kept.hit_rate == 0.25
    assert "25 of 100" in str(kept)
    assert "25 % of the features that were asked for were there." in str(kept)


def test_a_limit_removes_what_was_used_longest_ago() -> None:
    old, new = fill(1), fill(2)
    os.utime(old, (time.time() - 1000, time.time() - 1000))
    kept = plait.cache(limit="150KB")
    assert (old.exists(), new.exists()) == (False, True)
    assert kept.removed > 100_000
    assert kept.size <= 150_000


def test_clear_removes_all_that_plait_keeps_and_nothing_else() -> None:
    shard = fill(1)
    other = shard.parents[2] / "mine.txt"
    other.write_text("mine")
    assert plait.cache(clear=True).size == 0
    assert other.exists()
    assert not shard.exists()


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    fill(1)
    with pytest.raises(SystemExit) as ended:
        main(["cache", "--json", "--limit", "1GB"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["hit_rate"], told["removed"], len(told["parts"])) == (0.25, 0, 1)


def test_sizes_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [parse_bytes(text) for text in ("2GB", "1.5 mb", "7")] == [2_000_000_000, 1_500_000, 7]
    assert [say_bytes(size) for size in (7, 1_500_000, 2_000_000_000)] == ["7 B", "1.5 MB", "2.0 GB"]
    monkeypatch.setenv("PLAIT_CACHE_LIMIT", "much")
    with pytest.raises(RequestError, match="the limit of the cache is 'much'; expected a size such as 500MB"):
        usual_limit()
