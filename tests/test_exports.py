"""The public names, as a list. A name that joins or leaves it changes this file on purpose."""

import importlib
import re
import tomllib
import types
from pathlib import Path

import pytest

import plait
from plait.errors import need

PUBLIC = [
    "AudioPrep",
    "CellError",
    "Classifier",
    "Embeddings",
    "Evaluation",
    "Explanation",
    "Findings",
    "Hits",
    "ImagePrep",
    "Index",
    "MissingExtra",
    "MlflowLogger",
    "Model",
    "OnnxModel",
    "Parallel",
    "PlaitError",
    "Predictions",
    "Regressor",
    "RequestError",
    "RunError",
    "Sequential",
    "SeriesPrep",
    "Table",
    "TableError",
    "TabularPrep",
    "TargetPredictions",
    "Targets",
    "TensorBoardLogger",
    "TextPrep",
    "Tree",
    "VectorPrep",
    "VideoPrep",
    "__version__",
    "align",
    "cache",
    "check",
    "convert",
    "embed",
    "evaluate",
    "explain",
    "export",
    "fit",
    "index",
    "load",
    "load_index",
    "predict",
    "read",
    "search",
    "serve",
    "show",
]


def test_public_names() -> None:
    assert sorted(plait.__all__) == PUBLIC


def test_every_name_is_there_and_documented() -> None:
    assert [name for name in PUBLIC if isinstance(getattr(plait, name), types.ModuleType)] == []
    assert [name for name in PUBLIC if not getattr(plait, name).__doc__] == []


def test_no_room_is_called_like_a_public_name() -> None:
    rooms = {path.stem for path in Path(plait.__file__).parent.iterdir()}
    assert rooms.isdisjoint(PUBLIC)
    assert plait.evaluate is importlib.import_module("plait.verbs.predict").evaluate


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'plait' has no attribute 'trian'"):
        plait.trian  # type: ignore[attr-defined]


def test_errors_are_builtin_errors_too() -> None:
    for name in ("TableError", "RequestError", "CellError", "RunError"):
        assert issubclass(getattr(plait, name), (plait.PlaitError, ValueError))
        assert issubclass(getattr(plait, name), ValueError)
    assert issubclass(plait.MissingExtra, ImportError)


def test_the_version_has_one_source() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "plait.core.version.__version__"}
    assert plait.__version__ == "0.2.0"


def test_all_installs_every_extra_but_what_is_under_the_gpl_or_brings_servers() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    apart = {"all", "cluster", "demo", "dev", "docs", "gpl", "heic", "mlflow", "tensorboard", "whisper"}
    assert extras["all"] == ["plait[" + ",".join(sorted(set(extras) - apart)) + "]"]
    assert extras["demo"] == extras["whisper"] == ["plait[gpl]"]
    names = {re.split("[><=]", line)[0] for extra in set(extras) - {"gpl"} for line in extras[extra]}
    assert names.isdisjoint({"espeakng-loader", "av", "faster-whisper"})
    assert {re.split("[><=]", line)[0] for line in extras["gpl"]} == {"espeakng-loader", "av", "faster-whisper"}


@pytest.mark.parametrize("module", ["espeakng_loader", "faster_whisper"])
def test_what_is_under_the_gpl_is_said_to_be_where_it_is_missing(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(plait.MissingExtra, match=r'run: pip install "plait\[gpl\]" \(under the GPL, or with parts'):
        need(module)
