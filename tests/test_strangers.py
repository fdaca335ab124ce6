"""Files of strangers: thousands of small changes of every format, past the checksums, harm nothing and are said."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from strangers import READERS

PROGRAM = Path(__file__).with_name("strangers.py")
BOMB = "parquet-bomb"
TABLES = ("csv", "tsv", "jsonl", "json", "parquet-plain", "arrow", "arrow-stream", "srt", "vtt", "folder", BOMB)
APART = ("parquet",)  # each try is a process
CACHES = ("facts", "features", "stage", "stage-json", "counts")
MEDIA = tuple(kind for kind in READERS if kind not in (*TABLES, *APART, *CACHES))
RUNS = ("run-network", "run-classic")
# each group is a process, and that takes longer to begin than to read
GROUPS = {"tables": TABLES, "apart": APART, "others": (*MEDIA, *CACHES), "runs": RUNS}


def assert_sound(kinds: Sequence[str], count: int, seed: int, folder: Path) -> None:
    """Let the program change files so often, in a process of its own: a crash there is seen here."""
    words = [sys.executable, "-B", str(PROGRAM), ",".join(kinds), str(count), str(seed), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"it ended with {done.returncode} at: {done.stderr[-800:]}"
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["kind"] for answer in answers] == list(kinds)
    for answer in answers:
        assert answer["faults"] == [], answer["kind"]
        assert answer["tried"] == count
        assert answer["sound"] != (
            answer["kind"] == BOMB
        )  # as it came it is read: else all would be refused, and nothing shown


def test_a_changed_file_is_read_or_refused(tmp_path: Path) -> None:
    assert_sound((*TABLES, *MEDIA, *CACHES, *RUNS), 8, 0, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("group", GROUPS)
def test_many_more(group: str, seed: int, tmp_path: Path) -> None:
    assert_sound(GROUPS[group], 200, seed, tmp_path)
