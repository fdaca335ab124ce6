"""What the tests of this room share."""

from typing import Any

import pytest

from fits import numbers
from plait.runs.model import Model


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run of the quick table of numbers, with every file. No test changes it."""
    return numbers(out=tmp_path_factory.mktemp("quick") / "run", epochs=20, candidates=())


@pytest.fixture(scope="session")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What comes of all spoilt files of the tests here: one process tries them, since it takes seconds to begin."""
    from spoilt import try_files

    files = {
        name: spoil
        for module in {item.module for item in request.session.items if isinstance(item, pytest.Function)}
        for name, spoil in getattr(module, "SPOILT", {}).items()
    }
    return try_files(tmp_path_factory.mktemp("spoilt"), files)
