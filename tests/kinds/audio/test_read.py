"""From cells of sounds to log-mels: files, parts of files, and arrays with their rate."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import soundfile

from plait.core.contract import Table
from plait.errors import TableError
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.audio.read import DTYPE, apply, digest, fit, prepare, read
from plait.kinds.part import Part

PREP = AudioPrep(sample_rate=1000, seconds=0.2, mels=8, frames=20, hop=10)


def noise(num: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(num) / 9


def column(*cells: str | None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string())])


def test_a_file_has_its_own_rate_an_array_that_of_its_column(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.tile([0.5, -0.25], (1000, 1)), 1000, subtype="FLOAT")
    samples, rate = read("a.wav", tmp_path, 44100)
    assert (samples.shape, samples[0].tolist(), rate) == ((1000, 2), [0.5, -0.25], 1000)
    part, _ = read("a.wav#t=0.2,0.3", tmp_path)
    assert part.shape == (100, 2)
    samples, rate = read(np.full(30, 0.5, np.float32), None, 44100)
    assert (samples.shape, rate) == ((30, 1), 44100)


def test_rate_and_length_are_those_of_the_training_rows_alone(tmp_path: Path) -> None:
    for name, num, rate in (("a", 400, 4000), ("b", 800, 4000), ("c", 8000, 8000)):
        soundfile.write(tmp_path / f"{name}.wav", noise(num), rate)
    part = Part(Table({"x": column("c.wav", "a.wav", "b.wav", None)}, tmp_path), ("x",))
    prep = fit(AudioPrep(), part, np.array([1, 2, 3]), np.random.default_rng(0))
    assert (prep.sample_rate, prep.seconds, prep.hop) == (4000, 0.2, 40)
    with pytest.raises(TableError, match="column 'x': no training row has a sound that can be read"):
        fit(AudioPrep(), part, np.array([3]), np.random.default_rng(0))


def test_each_cell_is_prepared_in_its_own_place(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(150), 1000, subtype="FLOAT")
    (tmp_path / "bad.wav").write_text("words")
    table = Table({"left": column("bad.wav", None), "right": column("a.wav", "gone.wav")}, tmp_path)
    values = np.ones((2, 2, 8, 20), DTYPE)
    with ThreadPoolExecutor(2) as pool:
        present, reasons = prepare(PREP, Part(table, ("left", "right")), {}, values, pool)
    assert present.tolist() == [[False, True], [False, False]]
    assert reasons == [
        "left: not a sound: bad.wav holds text",
        "left: blank; right: file not found: gone.wav",
    ]
    assert np.array_equal(values[0, 1], apply(PREP, read("a.wav", tmp_path)).astype(np.float16))
    assert not values[0, 0].any()


def test_an_array_is_heard_at_the_rate_of_its_column() -> None:
    waves = np.stack([noise(300, seed) for seed in (1, 2)]).astype(np.float32)
    part = Part(Table({"x": waves}, sample_rates={"x": 2000}), ("x",))
    values = np.zeros((2, 8, 20), DTYPE)
    with ThreadPoolExecutor(1) as pool:
        present, reasons = prepare(PREP, part, {}, values, pool)
    assert (present.tolist(), reasons) == ([[True], [True]], [None, None])
    assert np.array_equal(values[1], PREP(waves[1][:, None], 2000).astype(np.float16))
    assert not values[0, :, 16:].any()  # 150 samples at 1000 Hz are 16 frames


def test_a_sound_is_known_by_what_it_holds_which_part_and_at_what_rate(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", noise(100), 1000)
    (tmp_path / "b.wav").write_bytes((tmp_path / "a.wav").read_bytes())
    assert digest("a.wav", tmp_path) == digest("b.wav", tmp_path)
    assert digest("a.wav#t=0.01", tmp_path) != digest("a.wav", tmp_path)
    wave = np.zeros(9, np.float32)
    assert digest(wave, None, 1000) == digest(wave.copy(), None, 1000) != digest(wave, None, 2000)
