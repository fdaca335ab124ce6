"""What the tests of this room share."""

import shutil
from pathlib import Path

import pytest

from plait.core.contract import Table
from plait.data.read import read
from plait.runs.load import open_one
from plait.runs.model import Model
from plait.space.index import Index
from plait.verbs.index import index

KEPT = Path(__file__).parents[1] / "kept"


@pytest.fixture(scope="session")
def table() -> Table:
    """Twenty-four rows with a picture, a sound, a note, an age and a colour; two classes, some holes."""
    return read(KEPT / "table" / "table.csv")


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A run of networks of text and tabular, in a folder of its own. No test changes it, but for its space."""
    folder = tmp_path_factory.mktemp("space") / "run"
    shutil.copytree(KEPT / "network", folder)
    return open_one(folder, "a space holds")


@pytest.fixture(scope="session")
def kept(run: Model, table: Table, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """An index of that table in a folder. No test changes it."""
    return index(run, table, tmp_path_factory.mktemp("index") / "index")


@pytest.fixture
def copied(kept: Index, tmp_path: Path) -> Path:
    """A folder of the index, to be changed."""
    assert kept.folder is not None
    shutil.copytree(kept.folder, tmp_path / "index")
    return tmp_path / "index"
