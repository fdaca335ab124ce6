"""The programs in examples/ run, on fewer rows."""

import importlib.util
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.heavy
def test_the_classic_two_branches(capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("classic_two_branch", EXAMPLES / "classic_two_branch.py")
    assert spec is not None and spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    assert program.main(rows=48) > 0.5  # one in four by guessing
    assert "accuracy on 80 new rows" in capsys.readouterr().out
