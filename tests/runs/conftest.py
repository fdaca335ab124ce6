"""What the tests of this room share."""

import pytest

from fits import numbers
from plait.runs.model import Model


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run of the quick table of numbers, with every file. No test changes it."""
    return numbers(out=tmp_path_factory.mktemp("quick") / "run", epochs=20, candidates=())
