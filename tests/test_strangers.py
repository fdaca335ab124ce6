"""Files of strangers: thousands of small changes of every format, past the checksums, harm nothing and are said."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from strangers import READERS

PROGRAM = Path(__file__).with_name("strangers.py")
RUNS = ("run-network", "run-classic")


def assert_sound(kind: str, count: int, seed: int, folder: Path) -> None:
    """Let the program change a file so often, in a process of its own: a crash there is seen here."""
    words = [sys.executable, str(PROGRAM), kind, str(count), str(seed), str(folder)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{kind} ended with {done.returncode} at: {done.stderr[-800:]}"
    answer = json.loads(done.stdout)
    assert answer["faults"] == []
    assert answer["tried"] == count
    assert answer["sound"]  # as it came it is read: else all would be refused, and nothing shown


# 80 × 23 formats and 80 × 2 runs are 2,000 changes
@pytest.mark.parametrize("kind", sorted(READERS))
def test_a_changed_file_is_read_or_refused(kind: str, tmp_path: Path) -> None:
    assert_sound(kind, 80, 0, tmp_path)


@pytest.mark.parametrize("kind", RUNS)
def test_a_changed_run_answers_or_is_refused(kind: str, tmp_path: Path) -> None:
    assert_sound(kind, 100, 0, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [*sorted(READERS), *RUNS])
def test_ten_times_as_many(kind: str, seed: int, tmp_path: Path) -> None:
    assert_sound(kind, 200, seed, tmp_path)
