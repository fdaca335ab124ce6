"""On a full disk every verb names what it could not write, leaves the old file whole, and no half file."""

import contextlib
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import plait
from plait.verbs.demo import run_demo

KEPT = Path(__file__).parent / "kept"
RUN, TABLE = KEPT / "network", KEPT / "table" / "table.csv"


@contextlib.contextmanager
def full_disk(room: int = 0) -> Iterator[None]:
    """No file takes more bytes; Python ignores the signal, so that a write says EFBIG as it would say ENOSPC."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def fit(out: Path) -> object:
    return plait.fit(TABLE, target="label", out=out, epochs=1, fusion="parallel(tabular, text)", report=False)


STEPS, PULSE = {"t": [0, 1, 2], "x": [1, 2, 3]}, {"t": [0, 1], "y": [1, 2]}
# verb → what is called, and what is left beside the old file
VERBS: dict[str, tuple[Callable[[Path], object], set[str]]] = {
    "fit": (fit, {"lock"}),  # of a run that may go on
    "predict.csv": (lambda out: plait.predict(RUN, TABLE, out=out), set()),
    "predict.parquet": (lambda out: plait.predict(RUN, TABLE, out=out), set()),
    "explain": (lambda out: plait.explain(RUN, plait.read(TABLE)[:2], out=out), set()),
    "explain.png": (lambda out: plait.explain(RUN, TABLE, row=0, out=out), set()),
    "show.png": (lambda out: plait.show(TABLE, row=1, out=out), set()),
    "check": (lambda out: plait.check(TABLE, fix=out, cache=False), set()),
    "align.csv": (lambda out: plait.align(STEPS, PULSE, out=out), set()),
    "convert.png": (lambda out: plait.convert(KEPT / "table" / "0.wav", out), set()),
    "demo": (lambda out: run_demo(out, rows=40), set()),
    "export.onnx": (lambda out: plait.export(RUN, out=out, overwrite=True), set()),
    "convert.csv": (lambda out: plait.convert(TABLE, column="sound", to="image", out=out), set()),
}


@pytest.mark.parametrize("name", VERBS)
def test_a_full_disk_is_said_and_the_old_file_stays(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb_with_extras in ("demo", "export"):
        monkeypatch.setattr(f"plait.verbs.{verb_with_extras}.need", lambda name: None)
    monkeypatch.setattr("plait.verbs.export.pack_model", lambda model, named: b"a graph")  # which takes long to trace
    monkeypatch.setattr("plait.verbs.export.read_back", lambda data, path, model: model)
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda self, file, **how: file.write(b"a picture"))
    verb, left = VERBS[name]
    folder = tmp_path / "work"
    folder.mkdir()
    if Path(name).suffix:
        (folder / name).write_bytes(b"old")
        left = {name}
    said = rf"{folder}/.+ cannot be written: File too large"
    with full_disk(), pytest.raises((OSError, plait.PlaitError), match=said):
        verb(folder / name)
    assert {path.name for path in folder.rglob("*") if path.is_file()} == left
    assert name not in left or (folder / name).read_bytes() == b"old"


def test_a_disk_that_fills_up_while_rows_are_prepared_is_said(tmp_path: Path) -> None:
    said = r"unfinished/\w+/\d\.raw cannot be written: File too large"
    with full_disk(20_000), pytest.raises(OSError, match=said):
        fit(tmp_path / "run")
    assert not (tmp_path / "run" / "run.json").exists()


@pytest.mark.parametrize(("room", "name"), [(120, "images/0000.png"), (6_000, "audio/0000.wav")])
def test_the_demo_names_the_first_file_that_found_no_room(
    room: int, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setattr("plait.verbs.demo.Speech", Hum)
    with full_disk(room), pytest.raises(OSError, match=f"work/data/{name} cannot be written: File too large"):
        run_demo(tmp_path / "work", rows=40)
    assert not (tmp_path / "work" / "data" / "table.csv").exists()


class Hum(contextlib.nullcontext):  # type: ignore[type-arg]
    """Says every word as one second of a hum, without a library that would be copied to the disk."""

    def __enter__(self) -> "Hum":
        return self

    def say(self, word: str, voice: str, **how: int) -> np.ndarray:
        return np.sin(np.arange(16_000) / 20)
