"""What the tests of this room share."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import plait
from plait.runs.model import Model
from plait.space.index import Index

pytest.importorskip("starlette")
pytest.importorskip("python_multipart")
KEPT = Path(__file__).parents[1] / "kept"


@pytest.fixture(scope="session")
def kept() -> Model:
    """A network of texts and a table: note; age and colour."""
    return plait.load(KEPT / "network")


@pytest.fixture(scope="session")
def client(kept: Model) -> Iterator[Any]:
    """What asks an application of the kept model."""
    from starlette.testclient import TestClient

    with TestClient(plait.serve(kept, max_bytes=100_000), base_url="http://localhost") as client:
        yield client


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    """An index of the kept model and its table."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(KEPT / "network", folder / "run")
    return plait.index(folder / "run", KEPT / "table" / "table.csv", folder / "index")
