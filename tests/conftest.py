"""What several tests share."""

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import plait  # before torch is: it says how threads wait

# where a test does not say how many; a busy machine is no fault of the example
settings.register_profile("few", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("few")
gc.disable()  # until the tests are collected: what is loaded for them stays
NUMBERS = itertools.count()  # a folder that is made only where it is used
LONGEST = (  # files that take longest begin first, so that at the end no worker waits for the other
    "verbs/test_fit.py",
    "verbs/test_export.py",
    "verbs/test_explain.py",
    "study/test_several.py",
    "study/test_encoder_choice.py",
    "test_contract.py",
    "study/test_search.py",
    "test_docs.py",
    "study/test_folds.py",
    "test_docstrings.py",
    "study/test_speech.py",
    "converters/test_in_fit.py",
    "converters/test_ocr.py",
    "pretrained/test_hub.py",
    "models/test_predictors.py",
    "test_cli.py",
    "verbs/test_estimators.py",
    "test_strangers.py",
    "test_light.py",
    "draw/test_charts.py",
    "test_readme.py",
)
TOGETHER = (  # files for one worker
    ("runs/test_onnx", "verbs/test_export"),  # what writes ONNX takes seconds to load
    ("verbs/test_explain", "server/test_app", "server/test_replies", "proof/test_inside"),  # one model of all kinds
    ("test_several", "study/test_shar", "runs/test_targets", "runs/test_blocks"),  # one fit of two targets
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal whole files to the workers, and those of a line of TOGETHER to one."""
    from xdist.scheduler import LoadFileScheduling

    class Files(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            return next((group[0] for group in TOGETHER if any(part in file for part in group)), file)

    return Files(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    ranks = {str(Path(__file__).parent / name): rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(str(item.path), len(ranks)))
    gc.collect()
    gc.freeze()  # what is loaded by now stays; nobody need look through it again
    gc.enable()
    gc.set_threshold(10_000)  # as the command does


@pytest.fixture(autouse=True, scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What fixtures make before any test is not kept in the user's own cache folder either."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_CACHE", str(tmp_path_factory.mktemp("kept")))
        yield


@pytest.fixture(autouse=True, scope="session")
def quick_sounds() -> Iterator[None]:
    """Weights for sounds and sentences are not tried wherever they are installed: seconds a fit, and other results."""
    from plait.models import views

    real = views.is_installed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "is_installed", lambda name: name not in ("resemblyzer", "aisfx", "minilm") and real(name))
        yield


@pytest.fixture(autouse=True, scope="session")
def small_work() -> Iterator[None]:
    """Forests and boosting have few trees, pictures few dots and panels: what is asked of them here needs no more.

    The pictures of a fit are blank, but under `fits.drawn`.
    """
    from PIL import Image

    from plait.draw import charts
    from plait.models import classic, learners
    from plait.study import finish

    def blank(path: Path, *numbers: Any, **named: Any) -> Path:
        Image.new("1", (1, 1)).save(path, "PNG")
        return path

    def few_rounds(learner: str, *about: Any) -> Any:
        made = learners.build_learner(learner, *about)
        if learner == "gradient boosting" and learners.TREES < 100:  # a test may ask for as many as elsewhere
            made.set_params(max_iter=made.max_iter // 4, learning_rate=made.learning_rate * 4)
        return made

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learners, "TREES", 10)
        patch.setattr(classic, "build_learner", few_rounds)
        patch.setattr(os, "fsync", lambda file: None)  # no test pulls the plug
        patch.setattr(charts, "DOTS", 50)
        patch.setattr(charts, "MOST_CANDIDATES", 3)
        names = ("confusion", "curves", "growth", "reliability", "scatter")
        patch.setattr(finish, "charts", SimpleNamespace(**{f"{name}_picture": blank for name in names}))
        yield


@pytest.fixture(autouse=True, scope="module")
def module_cache(session_cache: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nor for the fixtures of another file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLAIT_CACHE", str(tmp_path_factory.mktemp("kept")))
        yield


@pytest.fixture(autouse=True)
def own_cache(module_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test is kept in the user's own cache folder, nor for another test."""
    monkeypatch.setenv("PLAIT_CACHE", os.path.join(os.environ["PLAIT_CACHE"], f"own-{next(NUMBERS)}"))


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data beside the repository; tests that need it are skipped where it is not there."""
    folder = Path(__file__).parents[1] / "../shared/data"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not on this machine")
    return folder.resolve()


@pytest.fixture(scope="session")
def explained_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of 48 rows; row 0 has no photo, row 1 a sound that is none, row 2 nothing at all."""
    from tiny import read_csv, write_csv, write_table

    folder = tmp_path_factory.mktemp("explained")
    rows = read_csv(write_table(folder, 48))
    (folder / "words.wav").write_text("these are words, no sound")
    rows[0]["photo"] = ""
    rows[1]["sound"] = "words.wav"
    rows[2] |= dict.fromkeys(("photo", "sound", "note", "age", "colour"), "")
    return write_csv(folder / "table.csv", rows)


@pytest.fixture(scope="session")
def explained_model(explained_table: Path) -> Any:
    """A quick model of all four kinds."""
    return plait.fit(
        explained_table,
        target="label",
        fusion="parallel(photo, sound, text, tabular, by=concat)",
        epochs=5,
        refit="none",
        encoders={"text": "tfidf"},
    )
