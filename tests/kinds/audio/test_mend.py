"""Sounds mended: one rate, one number of channels, no offset, a header that tells the length; without loss."""

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mending import TONE, contents, mend, mend_column, write_rows
from plait.data.media import read_sound
from plait.kinds.audio.mend import SoundGoal, SoundLook, choose_goal


def pitch(samples: np.ndarray, rate: int) -> float:
    """Return the strongest frequency of a mono sound in Hz."""
    wave = samples[:, 0] * np.hanning(len(samples))
    return float(np.argmax(np.abs(np.fft.rfft(wave, 8 * len(wave)))) * rate / (8 * len(wave)))


def test_rates_and_channels_become_the_commonest(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 8000, subtype="PCM_16")
    soundfile.write(tmp_path / "b.wav", TONE * 0.5, 8000, subtype="PCM_16")
    high = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    soundfile.write(tmp_path / "c.flac", np.stack([high, 0.5 * high], axis=1), 44100, subtype="PCM_24")
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav", "b.wav", "c.flac"])
    assert notes == [None, None, "call: 44100 → 8000 Hz, mono"]
    assert mended.counts == {"resampled": 1, "channels changed": 1}
    samples, rate = read_sound(cells[2], mended.table.parent)
    info = soundfile.info(mended.table.parent / cells[2])
    assert (info.format, info.subtype, rate, samples.shape) == ("FLAC", "PCM_24", 8000, (8000, 1))
    assert abs(pitch(samples, rate) - 440) < 0.5
    assert abs(np.abs(samples[1000:-1000]).max() - 0.375) < 0.005
    assert contents(tmp_path / "out")["call/a.wav"] == contents(tmp_path)["a.wav"]


def test_mono_becomes_stereo_where_most_are(tmp_path: Path) -> None:
    both = np.stack([TONE, -TONE], axis=1)
    soundfile.write(tmp_path / "a.wav", both, 8000)
    soundfile.write(tmp_path / "b.wav", both * 0.5, 8000)
    soundfile.write(tmp_path / "c.wav", TONE, 8000)
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav", "b.wav", "c.wav"])
    samples, _rate = read_sound(cells[2], mended.table.parent)
    before, _rate = read_sound(tmp_path / "c.wav", None)
    assert notes == [None, None, "call: stereo"]
    assert np.array_equal(samples, np.repeat(before, 2, axis=1))  # to the last bit


def test_a_lossy_sound_that_changes_is_saved_as_wav(tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, TONE * (0.5 if name == "b.wav" else 1), 8000)
    soundfile.write(tmp_path / "c.mp3", TONE, 16000)
    _mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav", "b.wav", "c.mp3"])
    assert cells[2] == "call/c.wav"
    assert notes[2] == "call: 16000 → 8000 Hz, saved as WAV"


def test_a_large_offset_is_removed(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 0.5 * TONE + 0.3, 8000, subtype="FLOAT")
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["a.wav"])
    samples, _rate = read_sound(cells[0], mended.table.parent)
    assert notes == ["call: DC offset removed"]
    assert abs(samples.mean()) < 1e-6
    assert np.allclose(samples[:, 0], 0.5 * TONE, atol=1e-3)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (0xFFFFFFFF, "call: length in the header corrected"),
        (50_000, "call: cut off: 16000 of 50000 bytes are there, length in the header corrected"),
    ],
)
def test_a_header_with_a_wrong_length_is_written_anew(tmp_path: Path, told: int, said: str) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 8000, subtype="PCM_16")
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[40:44] = struct.pack("<I", told)
    (tmp_path / "b.wav").write_bytes(content)
    mended, cells, notes = mend_column(tmp_path, "call", "audio", ["b.wav"])
    assert notes == [said]
    assert contents(mended.table.parent)["call/b.wav"] == contents(tmp_path)["a.wav"]  # the very file it was
    assert cells == ["call/b.wav"]


def test_of_channels_that_cancel_the_louder_is_kept_and_other_recordings_are_no_copies(tmp_path: Path) -> None:
    for name, wave in (("a", TONE), ("b", TONE[::-1]), ("c", 0.5 * TONE)):
        soundfile.write(tmp_path / f"{name}.wav", wave, 8000)
    rise = np.linspace(0, 1, 8000)
    opposite = [np.stack([wave, -wave], axis=1) for wave in (TONE * rise, TONE * (1 - rise))]
    for name, both in zip("de", opposite, strict=True):
        soundfile.write(tmp_path / f"{name}.wav", both, 8000)
    mended, cells, notes = mend_column(tmp_path, "call", "audio", [f"{name}.wav" for name in "abcde"])
    assert mended.rows == 5
    assert notes[3] == "call: mono (the louder channel: the mean would be next to silent)"
    assert np.abs(read_sound(cells[3], mended.table.parent)[0][:, 0] - opposite[0][:, 0]).max() < 1e-4


def test_recordings_with_the_same_mean_are_no_copies(tmp_path: Path) -> None:
    side = 0.2 * np.sin(np.arange(8000) / 3)
    for name, wave in (("a", 0 * side), ("b", side), ("c", -side)):
        soundfile.write(tmp_path / f"{name}.wav", np.stack([0.5 * TONE + wave, 0.5 * TONE - wave], 1), 8000, "FLOAT")
    for name in "def":
        soundfile.write(tmp_path / f"{name}.wav", TONE * (ord(name) - 90) / 20, 8000)
    path = write_rows(tmp_path / "t.csv", [["call", "label"], *([f"{name}.wav", "x"] for name in "abcdef")])
    assert mend(path, tmp_path / "out", {"call": "audio"}, target="label").rows == 6


@pytest.mark.parametrize("told", [0, 16_016])
def test_a_length_of_zero_and_one_that_counts_too_many_are_corrected(tmp_path: Path, told: int) -> None:
    soundfile.write(tmp_path / "a.wav", TONE, 8000, subtype="PCM_16")
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[40:44] = struct.pack("<I", told)
    (tmp_path / "b.wav").write_bytes(content)
    mended, _cells, notes = mend_column(tmp_path, "call", "audio", ["b.wav"])
    assert notes == ["call: length in the header corrected"]
    assert contents(mended.table.parent)["call/b.wav"] == contents(tmp_path)["a.wav"]


def sounds(*shapes: tuple[int, int]) -> list[SoundLook]:
    return [SoundLook(rate=rate, channels=channels) for rate, channels in shapes]


def test_sounds_get_the_commonest_rate_and_number_of_channels() -> None:
    assert choose_goal(sounds((8000, 2), (8000, 2), (44100, 1))) == SoundGoal(rate=8000, channels=2)
    assert choose_goal(sounds((8000, 1), (44100, 1))) == SoundGoal(rate=44100)  # of equals the higher
    assert choose_goal(sounds((8000, 2), (8000, 1))) == SoundGoal(channels=1)  # of equals the fewer
    assert choose_goal(sounds((8000, 2), (8000, 2))) == SoundGoal()


def test_a_sound_that_cannot_be_read_has_no_say() -> None:
    assert choose_goal([SoundLook(error="file is empty"), *sounds((8000, 1))]) == SoundGoal()
