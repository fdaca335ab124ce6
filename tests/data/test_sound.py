"""Sounds are decoded whatever their header says of their length, long ones block by block; channels become one."""

import contextlib
import io
import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from clips import SOUND_RATE, tone, write_sound
from plait.data import sound as sounds
from plait.data.headers import check_header
from plait.data.media import open_sound, read_sound
from plait.data.sound import decode_sound, is_cancelled, read_plain, to_mono
from plait.errors import CellError

RATE = 16000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / RATE)).astype(np.float32)
NOISE = np.random.default_rng(0).normal(0, 0.1, (8000, 2)).astype(np.float32)


def encode(form: str, values: np.ndarray = TONE, rate: int = RATE) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, values, rate, format=form)
    return out.getvalue()


WAV, AU, CAF, RF64 = encode("WAV"), encode("AU"), encode("CAF"), encode("RF64")
AT = WAV.index(b"data")
INFO = b"LIST" + struct.pack("<I", 5) + b"INFOx"


def told(size: int) -> bytes:
    return WAV[: AT + 4] + struct.pack("<I", size) + WAV[AT + 8 :]


def caf_told(size: int) -> bytes:
    place = CAF.index(b"data")
    return CAF[: place + 4] + struct.pack(">q", size) + CAF[place + 12 :]


def rf64_without_lengths() -> bytes:
    place = RF64.index(b"ds64") + 8
    return RF64[:place] + bytes(24) + RF64[place + 24 :]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        pytest.param(told(16_016), "header", id="16 bytes too many"),
        pytest.param(told(16_700), "header", id="20 ms too many"),
        pytest.param(told(0), "header", id="0"),
        pytest.param(b"RIFF" + bytes(4) + told(0)[8:], "header", id="0 twice"),
        pytest.param(told(1), "header", id="1"),
        pytest.param(told(0xFFFFFFFF), "header", id="open"),
        pytest.param(told(0x7FFFFFFF), "header", id="2 GB"),
        pytest.param(b"RIFF" + b"\xff" * 4 + WAV[8:], "", id="open file"),
        pytest.param(told(16_001), "header", id="odd"),
        pytest.param(WAV[:AT] + INFO + b"\0" + WAV[AT:], "", id="odd chunk"),
        pytest.param(WAV[:AT] + INFO + WAV[AT:], "", id="odd chunk without its pad"),
        pytest.param(
            WAV[:AT] + b"LIST" + struct.pack("<I", 2**31) + b"INFO" + WAV[AT:], "", id="chunk that never ends"
        ),
        pytest.param(WAV + INFO + b"\0", "", id="chunk behind"),
        pytest.param(AU[:8] + bytes(4) + AU[12:], "header", id="AU of 0"),
        pytest.param(AU[:8] + b"\xff" * 4 + AU[12:], "", id="open AU"),
        pytest.param(AU[:8] + struct.pack(">I", 16_016) + AU[12:], "header", id="AU with 16 bytes too many"),
        pytest.param(caf_told(-1), "", id="open CAF"),
        pytest.param(rf64_without_lengths(), "header", id="RF64 that was not closed"),
    ],
)
def test_a_sound_is_read_whole_whatever_its_header_says_of_its_length(content: bytes, fault: str) -> None:
    samples, rate = read_sound(content, None)
    assert rate == RATE
    assert np.array_equal(samples[:, 0], read_sound(WAV, None)[0][:, 0])
    assert check_header(content)[0] == fault


@pytest.mark.parametrize("content", [told(20_000), WAV[:-2000], AU[:-2000], encode("AIFF")[:-2000]])
def test_a_sound_that_is_cut_is_refused(content: bytes) -> None:
    with pytest.raises(CellError, match=r"^cut off: the file in the cell \(it holds [\d,]+ of the [\d,]+ bytes"):
        read_sound(content, None)


def test_a_wav_of_nothing_but_a_list_has_no_samples() -> None:
    empty = WAV[: AT + 4] + bytes(4) + b"LIST" + struct.pack("<I", 4) + b"INFO"
    assert check_header(empty) == ("", "")
    with pytest.raises(CellError, match="sound has 0 samples"):
        read_sound(empty, None)


def test_a_flac_that_lost_its_last_bytes_is_read_with_a_note_and_half_a_flac_is_refused() -> None:
    content = encode("FLAC", np.tile(TONE, 20))
    sound = open_sound(content[:-10], None)
    assert 155_000 < len(sound.samples) < 160_000
    assert sound.note == f"it holds {len(sound.samples):,} of the 160,000 samples that its header says"
    assert np.array_equal(sound.samples, read_sound(content, None)[0][: len(sound.samples)])
    with pytest.raises(CellError, match="cut off, or overwritten"):
        read_sound(content[: len(content) // 2], None)


def test_one_channel_is_the_mean_unless_the_mean_loses_the_sound() -> None:
    assert np.allclose(to_mono(NOISE), NOISE.mean(axis=1) - NOISE.mean(), atol=1e-3)
    assert np.array_equal(to_mono(np.stack([0.5 * TONE, -TONE], 1)), 0.25 * TONE - 0.5 * TONE)  # half is left
    assert np.array_equal(to_mono(np.stack([0.8 * TONE, -TONE], 1)), -TONE)  # the louder
    assert np.array_equal(to_mono(np.stack([TONE, 0 * TONE], 1)), TONE / 2)
    assert np.array_equal(to_mono(TONE), TONE)
    assert to_mono(np.zeros((0, 2))).shape == (0,)


def test_an_offset_neither_stays_nor_hides_that_channels_cancel() -> None:
    assert np.allclose(to_mono(TONE + 0.25), TONE, atol=1e-5)
    assert np.allclose(to_mono(np.stack([TONE + 0.3, 0.1 - TONE], 1)), TONE, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "cancelled"),
    [
        ([TONE, -TONE], True),
        ([TONE, -0.7 * TONE], True),
        ([TONE + 0.3, 0.3 - TONE], True),
        ([TONE, -TONE, TONE, -TONE], True),
        ([TONE, TONE], False),
        ([TONE, 0 * TONE], False),
        ([TONE, -0.3 * TONE], False),
        ([TONE, *[0 * TONE] * 5], False),
        ([NOISE[:, 0], NOISE[:, 1]], False),
        ([0 * TONE, 0 * TONE], False),
        ([TONE], False),
    ],
)
def test_which_channels_cancel(channels: list[np.ndarray], cancelled: bool) -> None:
    assert is_cancelled(np.stack(channels, 1)) == cancelled


def test_a_long_sound_comes_as_one_channel_at_a_low_rate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    soundfile.write(tmp_path / "a.flac", np.stack([wave, 0.5 * wave], 1), 48_000)
    monkeypatch.setattr(sounds, "BLOCK", 5000)
    assert decode_sound(tmp_path / "a.flac").samples.shape == (48_000, 2)
    monkeypatch.setattr(sounds, "MOST_KEPT", 20_000)
    sound = decode_sound(tmp_path / "a.flac")
    assert (sound.samples.shape, sound.rate, sound.file_rate, sound.channels) == ((16_000, 1), 16_000, 48_000, 2)
    expected = 0.375 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    assert np.abs(sound.samples[200:-200, 0] - expected[200:-200]).max() < 1e-3
    assert sound.is_reduced
    assert decode_sound(tmp_path / "a.flac", top=44_100).rate == 44_100
    assert decode_sound(tmp_path / "a.flac", 0.25, 0.4).samples.shape == (7200, 2)  # of a part, what is whole
    monkeypatch.setattr(sounds, "MAX_SAMPLES", 10_000)
    with pytest.raises(CellError, match=r"too long: .* more than 0 million samples at 16000 Hz"):
        read_sound(str(tmp_path / "a.flac"), None)


def with_pyav(form: str, codec: str, values: np.ndarray = TONE) -> bytes:
    """Return a sound as FFmpeg writes it."""
    av = pytest.importorskip("av")
    out = io.BytesIO()
    with av.open(out, "w", format=form) as file:
        stream: Any = file.add_stream(codec, rate=RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(values[None], format="flt", layout="mono")
        frame.rate = RATE
        queue = av.AudioFifo()
        for part in av.AudioResampler(format=stream.format.name, layout="mono", rate=RATE).resample(frame):
            queue.write(part)
        place = 0
        while part := queue.read(stream.codec_context.frame_size or 1024, partial=True):
            part.pts, part.time_base, place = place, Fraction(1, RATE), place + part.samples
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("form", "codec", "error"),
    [
        ("ipod", "aac", 0.1),
        ("mp4", "alac", 1e-4),
        ("3gp", "aac", 0.1),
        ("matroska", "flac", 1e-4),
        ("ogg", "flac", 1e-4),
    ],
)
def test_what_libsndfile_does_not_read_pyav_does_without_what_the_coder_added(
    form: str, codec: str, error: float, tmp_path: Path
) -> None:
    content = with_pyav(form, codec)
    samples, rate = read_sound(content, None)
    assert (samples.shape, rate) == ((8000, 1), RATE)
    assert np.abs(samples[1000:-1000, 0] - TONE[1000:-1000]).max() < error
    (tmp_path / "a.bin").write_bytes(content)
    assert np.array_equal(read_sound("a.bin#t=0.125,0.25", tmp_path)[0], samples[2000:4000])


def test_a_container_that_was_cut_is_refused_and_read_only_where_the_rest_is_asked_for() -> None:
    content = with_pyav("matroska", "flac", np.tile(TONE, 8))
    with pytest.raises(CellError, match=r"cut off: .*of the 4 s that its header says") as caught:
        read_sound(content[: len(content) // 2], None)
    assert caught.value.fault == "truncated"
    assert 20_000 < len(read_sound(content[: len(content) // 2], None, whole=False)[0]) < 44_000


def test_a_damaged_container_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    content = with_pyav("ipod", "aac")
    for place in range(40, 400, 7):
        with contextlib.suppress(CellError):
            read_sound(content[:place] + b"\xff\xfe\xfd" + content[place + 3 :], None)
    with pytest.raises(CellError, match=r"^damaged sound: the file in the cell"):
        read_sound(b"MAC \x96\x0f" + bytes(range(256)) * 2, None)
    assert capfd.readouterr() == ("", "")


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "secret.wav").write_bytes(WAV)
    (tmp_path / "a.m3u8").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path / 'secret.wav'}\n")
    with pytest.raises(CellError, match="holds text"):
        read_sound("a.m3u8", tmp_path)


@pytest.mark.parametrize("ending", [".mp4", ".webm"])
def test_what_lies_far_before_a_part_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    wave = np.repeat(np.arange(60) / 100, SOUND_RATE // 10).astype(np.float32)  # a step each tenth of a second
    write_sound(tmp_path / f"a{ending}", wave * tone(1000, 6.0))
    whole = read_sound(f"a{ending}#t=4,4.5", tmp_path)[0][:, 0]
    monkeypatch.setattr(sounds, "FAR", 0.5)
    part = read_sound(f"a{ending}#t=4,4.5", tmp_path)[0][:, 0]
    assert len(part) == len(whole) == SOUND_RATE // 2
    assert np.abs(part - whole).max() < 0.05


@pytest.mark.parametrize("channels", [1, 2])
def test_the_plainest_wav_is_read_as_libsndfile_reads_it(channels: int) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, (801, channels))
    wave[:2] = [[-1.0], [1.0]]
    soundfile.write(content := io.BytesIO(), wave, RATE, format="WAV", subtype="PCM_16")
    plain = content.getvalue()
    expected, _ = soundfile.read(io.BytesIO(plain), dtype="float32", always_2d=True)
    found = read_plain(plain)
    assert found is not None
    assert (found[0].shape, found[1], expected[0, 0]) == ((801, channels), RATE, -1.0)
    for start, end in ((0, 801), (80, 801), (80, 160), (900, 901), (160, 80)):
        sound = decode_sound(plain, start / RATE, end / RATE)
        assert sound.samples.dtype == np.float32
        assert np.array_equal(sound.samples, expected[start:end]), (start, end)
    assert np.array_equal(decode_sound(plain).samples, expected)
    none = plain[:22] + bytes(2) + plain[24:28] + bytes(6) + plain[34:]  # no channel
    others = (plain[:-1], plain + INFO, plain[:20] + b"\3" + plain[21:], b"", AU, none)
    assert [read_plain(other) for other in others] == [None] * 6
