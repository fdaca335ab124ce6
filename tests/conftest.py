"""What several tests share."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test is kept in the user's own cache folder."""
    monkeypatch.setenv("PLAIT_CACHE", str(tmp_path_factory.getbasetemp() / "kept"))


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data beside the repository; tests that need it are skipped where it is not there."""
    folder = Path(__file__).parents[1] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not on this machine")
    return folder.resolve()
