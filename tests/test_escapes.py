"""No cell, label or name of a table steers the terminal, whatever the verb."""

from pathlib import Path

import numpy as np
import pytest

from plait.cli import main

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\u202e"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("evil") / "t.csv"
    generator = np.random.default_rng(0)
    lines = [f"note{EVIL},age,colour,ill"]
    for i in range(60):
        word = ("calm rest", "fever pain")[i % 2] + EVIL
        lines.append(f"{word} {i},{20 + 20 * (i % 2) + generator.integers(9)},red{EVIL},{'ny'[i % 2]}{EVIL}")
    path.write_text("\n".join(lines) + "\n")
    return path


def printed(capfd: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit):
        main([str(word) for word in words])
    out = "".join(capfd.readouterr())
    assert out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(out)
    return out


def test_no_verb_lets_a_control_sequence_through(
    table: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert "owned" in printed(capfd, "show", table, "--target", "ill")
    assert "owned" in printed(capfd, "check", table, "--target", "ill")
    printed(
        capfd,
        "fit",
        table,
        "--target",
        "ill",
        "--out",
        run,
        "--epochs",
        1,
        "--candidates",
        "classic",
        "--choose",
        "simple",
        "--no-report",
    )
    for words in (("evaluate", run, table), ("predict", run, table, "--out", tmp_path / "p.csv"), ("study", run)):
        printed(capfd, *words)
    assert "owned" in printed(capfd, "explain", run, table, "--row", 0)
    assert "owned" in printed(capfd, "predict", run, table, "--json")
    assert "owned" in printed(capfd, "fit", table, "--target", f"no{EVIL}", "--out", run)
    assert "owned" in printed(capfd, "convert", table, "--column", f"no{EVIL}", "--to", "audio", "--out", "x.csv")
