"""Pictures of one video: a few frames, spread evenly over the part that is asked for. PyAV decodes (extra `[gpl]`).

The file is read once, forwards, and a frame that is not asked for is thrown away at once: memory is the same for a
clip and for ten hours. Where two frames lie far apart, what is between is passed over. Knows no sound, no column, and
nothing of preparation but how large its pictures are.
"""

from __future__ import annotations

import contextlib
import io
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from plait.data.formats import has_av
from plait.data.pictures import MAX_PIXELS, picture_of_array
from plait.data.sound import open_content
from plait.errors import CellError

if TYPE_CHECKING:
    from PIL.Image import Image

APART = 5.0  # seconds between two frames from which on one seeks: coders set a key frame at least each 250 frames
LATE = 0.1  # share of what a header tells that may be missing at the end, as where the sound is a little longer
EARLY = 1e-3  # seconds by which a frame may come before its time: times in files are rounded
MOST_WAITING = 600  # packets that may wait for a key frame: 20 s of a film, some megabytes
RATE = 25.0  # frames a second of a video that comes as an array
TURNS = {90: 2, 180: 3, 270: 4}  # degrees counter-clockwise → Pillow's transpose
Shrink = Callable[[int, int], tuple[int, int]]  # (width, height) of a frame → those wanted, no larger


class Clip(NamedTuple):
    """Frames of a video: pictures, and the second of the file that each is from. start, end: of the part, in seconds;
    width, height: of a frame as it is in the file, upright."""

    pictures: list[Image]
    seconds: list[float]
    start: float
    end: float
    width: int
    height: int


class Streams(NamedTuple):
    """What a file holds. frames: whether there are moving pictures, and not a cover alone; seconds: 0 where untold."""

    frames: bool
    sound: bool
    seconds: float


def middles(start: float, end: float, num: int) -> list[float]:
    """Return the middles of `num` equal stretches of the time from start to end.

    >>> middles(0, 4, 2)
    [1.0, 3.0]
    """
    return [start + (place + 0.5) * (end - start) / num for place in range(num)]


def list_streams(source: bytes | Path) -> Streams:
    """Return what a file holds, from its header. Raises what FFmpeg raises of a damaged one, as a built-in error."""
    with _opened(source) as file:
        stream = _film_of(file)
        return Streams(
            stream is not None, bool(file.streams.audio), 0.0 if stream is None else _header_seconds(file, stream)
        )


def streams_of(source: bytes | Path) -> Streams | None:
    """Return what a file holds; None where it may be no video, is damaged, or PyAV is not there."""
    if not has_av():
        return None
    try:
        return list_streams(source)
    except (OSError, ValueError, LookupError, RuntimeError):  # as FFmpeg's errors are
        return None


def decode_video(
    source: bytes | Path, num: int, start: float = 0.0, end: float | None = None, shrink: Shrink | None = None
) -> Clip:
    """Return `num` frames from `start` to `end`, in seconds, each the first one shown from the middle of its stretch.

    shrink: to what size a frame of (width, height) is brought while it is converted. Raises CellError, which says {}
    for the name: no moving pictures, none that can be decoded, too large, the part lies behind the end, or the end is
    missing. What FFmpeg raises of a damaged file.
    """
    with _opened(source) as file:
        stream = _film_of(file)
        if stream is None:
            raise CellError("no moving pictures in it: {}", "wrong-kind")
        if stream.codec_context is None:
            raise CellError("it is coded in a way that FFmpeg does not know: {}", "unsupported")
        if stream.width * stream.height > MAX_PIXELS:
            raise CellError(f"video too large: {{}} has more than {MAX_PIXELS / 1e6:.0f} million pixels", "too-large")
        told = _header_seconds(file, stream)
        if not told and end is None:
            told = _counted(file, stream)
        last = told if end is None else min(end, told) if told else end
        if not start < last:
            raise CellError(f"the part begins at {start:g} s, and {{}} ends at {last:.3g} s", "no-samples")
        return _pick(file, stream, middles(start, last, num), start, last, shrink)


def copy_packets(source: bytes | Path, form: str) -> bytes:
    """Return what is left of a video in a container of its own ("mp4", "matroska"), nothing of it coded anew.

    Packets are copied from the first key frame on, since nothing can be made of those before. Raises ValueError where
    the file cannot be opened, or the container does not take what is in it.
    """
    import av

    copied, begun = io.BytesIO(), None
    with _opened(source) as file, av.open(copied, "w", format=form) as copy:
        film = _film_of(file)
        streams = {stream.index: copy.add_stream_from_template(stream) for stream in (film, *file.streams.audio)}
        with contextlib.suppress(av.InvalidDataError, av.EOFError):
            for packet in file.demux([film, *file.streams.audio]):
                if packet.dts is None or packet.is_corrupt:
                    continue
                if begun is None and packet.stream is film and packet.is_keyframe:
                    begun = packet.dts * packet.time_base
                if begun is None or packet.dts * packet.time_base < begun:
                    continue
                ticks = round(begun / packet.time_base)
                packet.pts = (packet.dts if packet.pts is None else packet.pts) - ticks
                packet.dts -= ticks
                packet.stream = streams[packet.stream.index]
                copy.mux(packet)
    return copied.getvalue()


def video_of_array(values: np.ndarray, num: int) -> Clip:
    """Return `num` frames of an array (frame, height, width) or (frame, height, width, channel). Raises CellError."""
    if values.ndim not in (3, 4) or not len(values):
        raise CellError(f"expected a video of shape (frame, height, width[, channel]), got {values.shape}")
    seconds = middles(0.0, len(values) / RATE, num)
    pictures = [picture_of_array(values[min(int(second * RATE), len(values) - 1)]) for second in seconds]
    return Clip(pictures, seconds, 0.0, len(values) / RATE, *pictures[0].size)


@contextlib.contextmanager
def _opened(source: bytes | Path) -> Iterator[Any]:
    import av

    av.logging.set_level(av.logging.PANIC)  # what it has to say, its errors say too
    # it reads these bytes alone: nothing that they name is opened
    options = {"protocol_whitelist": ""}
    try:
        with open_content(source) as content, av.open(content, metadata_errors="ignore", options=options) as file:
            yield file
    except av.FFmpegError as error:  # the end of a file is no OSError, and some are no built-in error at all
        raise ValueError(error.strerror) from None


def _film_of(file: Any) -> Any:
    """Return the stream of moving pictures, None where there is none, or a cover alone."""
    import av

    return next((s for s in file.streams.video if not s.disposition & av.stream.Disposition.attached_pic), None)


def _header_seconds(file: Any, stream: Any) -> float:
    """Return the seconds of the pictures that the header tells, 0 where it tells none."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    return max(0, file.duration or 0) / 1e6


def _counted(file: Any, stream: Any) -> float:
    """Return the seconds of a video whose header tells none, as of a recording of a browser: nothing is decoded."""
    import av

    first, last = math.inf, -math.inf
    for packet in file.demux(stream):
        if packet.pts is not None:
            first, last = min(first, packet.pts), max(last, packet.pts + (packet.duration or 0))
    if last < first:
        raise CellError("no pictures behind its header: {} is the first part of a stream, or cut off", "truncated")
    try:
        file.seek(0)
    except av.FFmpegError:
        raise CellError("a video that tells no length and cannot be read twice: {}", "unreadable") from None
    return float((last - first) * stream.time_base)


def _pick(file: Any, stream: Any, wanted: Sequence[float], start: float, end: float, shrink: Shrink | None) -> Clip:
    import av

    coder = stream.codec_context
    coder.thread_count = 1  # rows are read in threads of their own
    if shrink is not None and 2 * shrink(stream.width, stream.height)[0] <= stream.width:
        coder.options = {"skip_loop_filter": "all"}  # what it smooths is gone at half the size
    coder.skip_frame = "NONREF"  # frames that no other is made of: the next that is kept comes a few hundredths later
    origin = float((stream.start_time or 0) * stream.time_base)
    scaler, pictures, seconds = av.video.reformatter.VideoReformatter(), list[Any](), list[float]()
    goal = _Goal(0.0)
    frame: Any = None
    frames, now = _frames(file, stream, goal), -math.inf
    for second in wanted:
        goal.tick = (second - EARLY + origin) / float(stream.time_base)
        if second - max(now, 0.0) > APART:
            frames = _sought(file, stream, goal) or frames
        while now < second - EARLY and (found := next(frames, None)) is not None:
            frame, now = found, (found.time or 0.0) - origin
        if frame is None:
            raise CellError("no frame can be decoded: {} is cut off, overwritten, or lacks a key frame", "unreadable")
        if now < second - max(1.0, LATE * end):
            raise CellError(f"cut off: {{}} (its pictures end after {now:.3g} of {end:.3g} s)", "truncated")
        pictures.append(_picture(frame, scaler, shrink))
        seconds.append(round(max(now, 0.0), 3))
    size = (frame.width, frame.height) if _turn_of(frame) in (None, 3) else (frame.height, frame.width)
    return Clip(pictures, seconds, start, end, *size)


@dataclass
class _Goal:
    """The time of the frame that is wanted next, in ticks of its stream."""

    tick: float


def _sought(file: Any, stream: Any, goal: _Goal) -> Iterator[Any] | None:
    """Go to the last key frame before a time, and return the frames from there; None where a file has no index."""
    import av

    try:
        file.seek(int(goal.tick), stream=stream)
    except av.FFmpegError:
        return None
    return _frames(file, stream, goal)


def _frames(file: Any, stream: Any, goal: _Goal) -> Iterator[Any]:
    """Give the frames that can be decoded, in order, some before the goal left out; a damaged packet is passed by."""
    import av

    for packet in _packets(file, stream, goal):
        with contextlib.suppress(av.InvalidDataError, av.EOFError):
            yield from (frame for frame in packet.decode() if not frame.is_corrupt and frame.pts is not None)


def _packets(file: Any, stream: Any, goal: _Goal) -> Iterator[Any]:
    """Give the packets to decode for the frame at the goal: those from the last key frame before it on.

    Packets wait until one lies behind the goal; where a key frame comes before that, all that wait are left out.
    """
    import av

    waiting: deque[Any] = deque()
    try:
        for packet in file.demux(stream):
            tick = packet.dts if packet.pts is None else packet.pts
            if packet.is_keyframe and tick is not None and tick <= goal.tick and waiting:
                waiting.clear()
                stream.codec_context.flush_buffers()
            waiting.append(packet)
            while waiting and (packet.dts is None or packet.dts > goal.tick or len(waiting) > MOST_WAITING):
                yield waiting.popleft()
    except (av.InvalidDataError, av.EOFError):
        pass
    yield from waiting


def _turn_of(frame: Any) -> int | None:
    """Return how Pillow turns a frame upright, as a phone says that it was held; None where it is upright."""
    return TURNS.get(getattr(frame, "rotation", 0) % 360)  # PyAV before 14.1 does not say


def _picture(frame: Any, scaler: Any, shrink: Shrink | None) -> Image:
    """Return a frame as a picture in RGB, upright."""
    from PIL import Image as pil

    turn = _turn_of(frame)
    width, height = frame.width, frame.height
    if shrink is not None:
        width, height = shrink(width, height) if turn in (None, 3) else shrink(height, width)[::-1]
    pixels = scaler.reformat(frame, width, height, "rgb24", interpolation="AREA").to_ndarray()
    picture = pil.fromarray(pixels)
    return picture if turn is None else picture.transpose(turn)  # type: ignore[arg-type]
