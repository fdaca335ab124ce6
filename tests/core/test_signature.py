"""A signature read from a file is that of the function, which is not run."""

import inspect
from pathlib import Path

import pytest

from plait.core.signature import read_signature

SOURCE = '''
raise SystemExit("nothing of this file is run")


def near(other: int) -> int:
    return other


def act(data: str, rate=8, *more: int, name: str, far: float | None = None, **rest: str) -> None:
    """Do it.

    Twice.
    """
    print(data)


LAST = 1
'''


def act(data: "str", rate: "Any" = 8, *more: "int", name: "str", far: "float | None" = None, **rest: "str"):  # noqa: F821
    """As above."""


def test_it_is_what_the_function_takes(tmp_path: Path) -> None:
    (file := tmp_path / "verb.py").write_text(SOURCE)
    signature, doc = read_signature(file, "act")
    assert signature == inspect.signature(act)
    assert doc == "Do it.\n\nTwice."


def test_a_function_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    (file := tmp_path / "verb.py").write_text(SOURCE)
    with pytest.raises(ValueError, match="substring not found"):
        read_signature(file, "walk")
