"""The event files of a fit, read again; skipped where TensorBoard is not installed."""

from pathlib import Path

import pytest

from loggers.test_events import FIT, POINTS
from plait.errors import MissingExtra
from plait.loggers.tensorboard import TensorBoardLogger


def test_the_points_of_a_fit_are_in_the_file(tmp_path: Path) -> None:
    module = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    logger = TensorBoardLogger(tmp_path / "logs")
    for event in FIT:
        logger(event)
    read = module.EventAccumulator(str(tmp_path / "logs"))
    read.Reload()
    found = [
        (name, pytest.approx(one.value), one.step) for name in read.Tags()["scalars"] for one in read.Scalars(name)
    ]
    assert sorted(POINTS) == sorted(found, key=lambda point: (point[0], point[2]))
    (text,) = read.Tensors("result/text_summary")
    assert b'"verdict": "equal"' in text.tensor_proto.string_val[0]


def test_without_the_package_one_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(
        MissingExtra, match=r"'tensorboard', which is not installed; run: pip install .plait\[tensorboard\]"
    ):
        TensorBoardLogger("logs")
