"""Decode a sound: a file, or its bytes, to samples. Knows libsndfile, FFmpeg (PyAV, where it is installed) and lengths
that a header leaves open; no cell and no column. A sound of an hour is read block by block."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plait.core.contract import MUTE
from plait.data.formats import HEAD, has_av, sniff
from plait.data.headers import close_lengths, is_nearly_all, seems_whole
from plait.errors import CellError

MAX_SAMPLES = 2**28  # 1 GB of float32: a longer sound is refused
MOST_KEPT = 2**26  # samples, 268 MB: a longer sound is brought to one channel and a low rate while it is read
LONG_RATE = 16000  # Hz: of such a sound, as speech recognition hears it
LEAST_RATE, MOST_RATE = 100, 768_000  # Hz: what is recorded lies between, from seismometers to bats
BLOCK = 2**18  # frames that are read at a time: 6 s of music
CANCELLED = 0.1  # power of the mean, as a share of what channels give that have nothing to do with each other

# of these a header tells the length to the sample, so that what the coder added at the ends is cut off
_EXACT = ("mov", "wv", "tta", "ape", "dsf")
_INDEXED = ("mov", "matroska", "avi")  # of these what lies before a part need not be read
FAR = 30.0  # seconds before a part that are passed over


class Sound(NamedTuple):
    """samples: float32 (time, channel), about -1 to 1, at `rate` Hz. file_rate, channels: as in the file, where they
    differ in a long sound. film: whether moving pictures lie beside it. note: what its header says wrongly of its
    length; cut: its end is missing."""

    samples: np.ndarray
    rate: int
    file_rate: int
    channels: int
    film: bool = False
    note: str = ""
    cut: bool = False

    @property
    def is_reduced(self) -> bool:
        """Whether it was too long to be kept as it is in the file."""
        return self.samples.shape[1] != self.channels or self.rate != self.file_rate

    def digest(self) -> bytes:
        """Return the SHA-256 of its rate and samples, channel by channel."""
        hashed = hashlib.sha256(f"{self.rate} {self.samples.shape}".encode())
        hashed.update(np.ascontiguousarray(self.samples).data)
        return hashed.digest()


def decode_sound(source: bytes | Path, start: float = 0.0, end: float | None = None, top: int = LONG_RATE) -> Sound:
    """Return the part of a sound from `start` to `end`, in seconds. top: Hz that a long one keeps at most.

    Raises CellError, which says {} for its name: too long, or a film without sound. What libsndfile and FFmpeg raise of
    a damaged file.
    """
    import soundfile

    if isinstance(source, bytes) and (plain := read_plain(source)) is not None:
        samples, rate = plain
        last = len(samples) if end is None else round(end * rate)
        part = samples[round(start * rate) : last] * np.float32(2**-15)
        return Sound(part, rate, rate, samples.shape[1])
    file, failure = None, Exception()
    try:
        with (file := open_frames(source)):
            sound = _decode_sndfile(file, start, end, top)
        if len(sound.samples) or file.format != "MP3":
            return sound
        failure = ValueError("there is no sound in it")
    except soundfile.LibsndfileError as error:
        failure = error
    # Of a FLAC that was opened and is damaged FFmpeg would make something up.
    if not has_av() or (file is not None and file.format != "MP3") or sniff(_head(source)) != "audio":
        raise failure
    with open_content(source) as content:
        return _decode_av(content, start, end, top)


def read_plain(content: bytes) -> tuple[np.ndarray, int] | None:
    """Return samples (time, channel) int16 and rate of the commonest WAV, of 16 bits and with nothing beside its sound.

    None of all else, which libsndfile reads; it calls back for each piece of bytes, which takes five times as long.
    """
    is_wav = content[8:20] == b"WAVEfmt \x10\0\0\0" and content[36:40] == b"data"
    if not is_wav or not seems_whole(content[:64], len(content)):
        return None
    form, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", content, 20)
    is_plain = (form, bits, block) == (1, 16, 2 * channels or None) and (len(content) - 44) % block == 0
    if not is_plain or not LEAST_RATE <= rate <= MOST_RATE or len(content) > 2 * MOST_KEPT:
        return None
    return np.frombuffer(content, "<i2", offset=44).reshape(-1, channels), rate


def open_content(source: bytes | Path) -> Any:
    """Return bytes or a file opened for a decoder that may be led astray: it may seek to nowhere."""
    return _Bytes(source) if isinstance(source, bytes) else _File(source)


class _Bytes(io.BytesIO):
    """Bytes in which a decoder that is led astray may seek to nowhere: an error in a call from C would be printed."""

    def seek(self, offset: int, whence: int = 0) -> int:
        with contextlib.suppress(OSError, ValueError):
            return super().seek(offset, whence)
        return -1


class _File(io.FileIO):
    """The same of a file."""

    def seek(self, offset: int, whence: int = 0) -> int:
        with contextlib.suppress(OSError, ValueError):
            return super().seek(offset, whence)
        return -1


def _head(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source[:HEAD]
    with open(source, "rb") as file:
        return file.read(HEAD)


def open_frames(source: bytes | Path) -> Any:
    """Open a sound; one that tells a length of 0, or a wrong one of a part of it, as it is."""
    import soundfile

    failure = None
    try:
        file = soundfile.SoundFile(_Bytes(source) if isinstance(source, bytes) else str(source))
        if file.frames:
            return file
    except soundfile.LibsndfileError as error:
        failure = error
    if _head(source)[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"caff", b".snd", b"dns."):
        content = source if isinstance(source, bytes) else source.read_bytes()
        if (closed := close_lengths(content)) != content:
            return soundfile.SoundFile(_Bytes(closed))
    if failure is not None:
        raise failure
    return file


def _decode_sndfile(file: Any, start: float, end: float | None, top: int) -> Sound:
    import soundfile

    rate, channels, frames = int(file.samplerate), file.channels, file.frames
    if not LEAST_RATE <= rate <= MOST_RATE:
        return Sound(np.zeros((0, channels), np.float32), rate, rate, channels)
    first, last = round(start * rate), frames if end is None else min(frames, round(end * rate))
    if frames >= 2**62:  # a stream does not tell its length; soundfile would reserve room for all there could be
        return _collect(_read_blocks(file), rate, channels, first, last, top)
    if 0 < first < last:
        file.seek(first)
    length = max(last - first, 0)
    if length * channels > MOST_KEPT:
        return _collect(_read_blocks(file), rate, channels, 0, length, top)
    try:
        samples, note = file.read(length, dtype="float32", always_2d=True), ""
    except soundfile.LibsndfileError:  # a FLAC that lost its last bytes: what came before is whole
        file.seek(first)
        samples = np.concatenate([np.zeros((0, channels), np.float32), *_read_until_damage(file)])
        if not is_nearly_all(len(samples), length, rate):
            raise
        note = f"it holds {len(samples):,} of the {length:,} samples that its header says"
    return Sound(samples, rate, rate, channels, note=note)


def _read_blocks(file: Any, size: int = BLOCK) -> Iterator[np.ndarray]:
    while len(block := file.read(size, "float32", always_2d=True)):
        yield block


def _read_until_damage(file: Any) -> Iterator[np.ndarray]:
    with contextlib.suppress(RuntimeError):  # as libsndfile's error is
        yield from _read_blocks(file, 1024)


def _collect(
    blocks: Iterator[np.ndarray], rate: int, channels: int, first: int, last: int, top: int, film: bool = False
) -> Sound:
    """Return frames `first` to `last` of a sound that comes in blocks (time, channel); of a long one what is kept."""
    import soxr

    kept: list[np.ndarray] = []
    place = held = 0
    low, stream = min(rate, top), None
    for block in blocks:
        part = block[max(first - place, 0) : max(last - place, 0)]
        place += len(block)
        if stream is None:
            kept.append(part)
            held += part.size
            if held <= MOST_KEPT and place < last:
                continue
            if held > MOST_KEPT:
                stream = soxr.ResampleStream(rate, low, 1, dtype="float32")
                kept = [stream.resample_chunk(to_mono(old)) for old in kept]
        else:
            kept.append(stream.resample_chunk(to_mono(part)))
            held = sum(map(len, kept))
        if held > MAX_SAMPLES and stream is not None:
            size = f"more than {MAX_SAMPLES / 1e6:.0f} million samples at {low} Hz"
            raise CellError(f"sound too long: {{}} has {size}", "too-large")
        if place >= last:
            break
    if stream is None:
        samples = np.concatenate([np.zeros((0, channels), np.float32), *kept])
        return Sound(samples, rate, rate, channels, film)
    kept.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return Sound(np.concatenate(kept)[:, None], low, rate, channels, film)


def to_mono(x: np.ndarray) -> np.ndarray:
    """Return one channel of a sound, (time, channel) or (time,) → float32 (time,), that swings about zero.

    It is the mean of the channels, or the loudest where the mean loses the sound, as where a wire was swapped.
    """
    x = np.asarray(x, np.float32)
    if x.ndim == 1 or x.shape[1] == 1:
        mono = x.reshape(len(x))
    else:
        mono = _mean(x)
        mono = x[:, loudest(x)] if is_cancelled(x, mono) else mono
    if not len(x):
        return mono
    offset = mono.mean()
    # below a hundredth of the level it changes nothing, and the samples stay as they are
    return mono - offset if offset**2 > 1e-4 * float(np.vdot(mono, mono)) / len(mono) else mono


def _mean(x: np.ndarray) -> np.ndarray:
    """Return the mean of the channels (time,) of (time, channel): a product of matrices is five times as quick."""
    return x @ np.full(x.shape[1], 1 / x.shape[1], np.float32)


def loudest(x: np.ndarray) -> int:
    """Return the channel of (time, channel) with the most power about its mean; of nearly equal ones the first."""
    powers = x.var(axis=0, dtype=np.float64)
    return int(np.argmax(powers >= 0.99 * powers.max()))


def is_cancelled(x: np.ndarray, mono: np.ndarray | None = None) -> bool:
    """Whether the channels of a sound (time, channel) cancel out in their mean: less is left of it than a tenth of the
    power that channels leave which have nothing to do with each other, such as two instruments. mono: that mean."""
    if x.ndim == 1 or x.shape[1] == 1 or not x.size:
        return False
    share, flat = CANCELLED / x.shape[1] ** 2, x.ravel()
    mono = _mean(x) if mono is None else mono
    left = float(np.vdot(mono, mono)) - len(x) * float(mono.mean()) ** 2
    if left >= share * float(np.vdot(flat, flat)):  # more would be left of the power alone; its offset may be in it
        return False
    return float(mono.var(dtype=np.float64)) < share * float(x.var(axis=0, dtype=np.float64).sum())


def as_float(values: np.ndarray) -> np.ndarray:
    """Return samples as float32; whole numbers are scaled by the range of their type."""
    if values.dtype.kind == "f":
        return np.ascontiguousarray(values, dtype=np.float32)
    half = 2.0 ** (values.dtype.itemsize * 8 - 1)
    return ((values.astype(np.float64) - (half if values.dtype.kind == "u" else 0.0)) / half).astype(np.float32)


def _decode_av(content: Any, start: float, end: float | None, top: int) -> Sound:
    import av

    av.logging.set_level(av.logging.PANIC)  # what it has to say, its errors say too
    try:
        return _decode_container(content, start, end, top)
    except av.FFmpegError as error:  # some are no built-in error too
        raise ValueError(error.strerror) from None


def _decode_container(content: Any, start: float, end: float | None, top: int) -> Sound:
    import av

    # it reads these bytes alone: nothing that they name is opened
    with av.open(content, metadata_errors="ignore", options={"protocol_whitelist": ""}) as file:
        film = any(not s.disposition & av.stream.Disposition.attached_pic for s in file.streams.video)
        stream = file.streams.best("audio")
        if stream is None:
            if film:
                raise CellError(f"{{}} {MUTE}", "no-sound")
            raise ValueError("there is no sound in it")
        if stream.codec_context is None:
            raise ValueError("it is coded in a way that FFmpeg does not know")
        rate, channels = int(stream.sample_rate), stream.channels
        begin = _sought(file, stream, start)
        frames = file.decode(stream)
        frame = next(frames, None)
        if frame is None:
            raise ValueError("nothing in it can be decoded: it is empty, cut off, or overwritten")
        if not LEAST_RATE <= rate <= MOST_RATE:
            return Sound(np.zeros((0, max(channels, 1)), np.float32), rate, rate, channels, film)
        rate, channels = frame.sample_rate, frame.layout.nb_channels  # of AAC with a band of its own it is the double
        told, is_exact = _header_seconds(file, stream, film)
        begin = 0.0 if begin is None else max(0.0, (frame.time or 0.0) - begin)
        first, most = round((start - begin) * rate), round((told - begin) * rate) if is_exact else 2**62
        last = most if end is None else min(most, round((end - begin) * rate))
        blocks = _Blocks(itertools.chain([frame], frames), frame)
        sound = _collect(iter(blocks), rate, channels, first, last, top, film)
    seconds = max(blocks.num / rate, blocks.end)
    if not told or blocks.num >= last or is_nearly_all(seconds * rate, told * rate, rate):
        return sound
    return sound._replace(note=f"it holds {seconds:.3g} of the {told:.3g} s that its header says", cut=True)


def _sought(file: Any, stream: Any, start: float) -> float | None:
    """Go to a second before the start of a part that lies far behind, where a container has an index of its packets.

    Returns when its sound begins, in the seconds of its packets; None where nothing was passed over.
    """
    import av

    if start < FAR or file.format.name.split(",")[0] not in _INDEXED:
        return None
    try:
        file.seek(int((start - 1) / stream.time_base), stream=stream)
    except av.FFmpegError:
        return None
    return float((stream.start_time or 0) * stream.time_base)


def _header_seconds(file: Any, stream: Any, film: bool) -> tuple[float, bool]:
    """Return the length that a container tells, 0 where it tells none, and whether it is told to the sample, without
    what the coder added at the ends."""
    name = file.format.name.split(",")[0]
    if name in _EXACT and stream.duration is not None:
        return float(stream.duration * stream.time_base), True
    return (file.duration or 0) / 1e6 if name == "matroska" and not film else 0.0, False


class _Blocks:
    """The frames of PyAV as blocks (time, channel) of one rate and number of channels; num: samples that came; end:
    of the last, in seconds, where pauses are left out."""

    def __init__(self, frames: Iterator[Any], like: Any) -> None:
        self.frames, self.like, self.num, self.end = frames, like, 0, 0.0

    def __iter__(self) -> Iterator[np.ndarray]:
        import av

        rate, layout = self.like.sample_rate, self.like.layout
        steady = None
        for frame in self.frames:
            parts = [frame]
            self.end = (frame.time or 0.0) + frame.samples / frame.sample_rate
            differs = (frame.sample_rate, frame.layout.name) != (rate, layout.name)
            if steady is None and (differs or frame.format.name.startswith("s64")):  # which no array can be made of
                steady = av.AudioResampler(format="fltp", layout=layout, rate=rate)
            if steady is not None:
                frame.pts = None
                parts = steady.resample(frame)
            for part in parts:
                values = part.to_ndarray()
                values = values.T if part.format.is_planar else values.reshape(-1, layout.nb_channels)
                self.num += len(values)
                yield as_float(values)
