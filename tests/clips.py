"""Tiny made videos: a bright square that goes one way over a still ground, with a tone beside it or without sound."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import av
import numpy as np

CODECS = {".mp4": ("mpeg4", "aac"), ".mov": ("mpeg4", "aac"), ".avi": ("mpeg4", "mp3"), ".webm": ("vp8", "libopus")}
SOUND_RATE = 48_000


def moving_frames(num: int, way: int, side: int = 32, seed: int = 0) -> np.ndarray:
    """Return (frame, height, width, 3) uint8: a square that crosses the picture to the right (1) or left (-1)."""
    generator = np.random.default_rng(seed)
    ground = np.repeat(generator.integers(0, 80, (side, side, 1), dtype=np.uint8), 3, axis=2)
    size, top = side // 4, int(generator.integers(0, side - side // 4))
    frames = np.stack([ground] * num)
    for place, frame in enumerate(frames):
        done = place / max(1, num - 1)
        left = round((done if way > 0 else 1 - done) * (side - size))
        frame[top : top + size, left : left + size] = (220, 200, 120)
    return frames


def tone(hertz: float, seconds: float) -> np.ndarray:
    """Return (time,) float32 at SOUND_RATE."""
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE)).astype(np.float32)


def write_video(
    target: Path | io.BytesIO, frames: np.ndarray, wave: np.ndarray | None = None, rate: int = 10, **options: Any
) -> None:
    """Write frames (frame, height, width, 3), and a sound (time,) where one is given; the name says the format.

    options: ending, of bytes; codec, of the pictures; gop: frames from one key frame to the next; turn: degrees.
    """
    ending = options.get("ending") or Path(str(target)).suffix
    video, audio = options.get("codec") or CODECS[ending][0], CODECS[ending][1]
    with av.open(target if isinstance(target, io.BytesIO) else str(target), "w", format=ending[1:]) as file:
        film = file.add_stream(video, rate=rate)
        film.height, film.width, film.pix_fmt = *frames.shape[1:3], "yuv420p"
        film.codec_context.gop_size = options.get("gop", 12)
        film.bit_rate = 400_000
        if "turn" in options:
            film.set_display_rotation(options["turn"])
        sound = None if wave is None else file.add_stream(audio, rate=SOUND_RATE, layout="mono")
        for pixels in frames:
            file.mux(film.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        file.mux(film.encode())
        if sound is not None:
            frame = av.AudioFrame.from_ndarray(wave[None], "fltp", layout="mono")
            frame.sample_rate = SOUND_RATE
            file.mux(sound.encode(frame))
            file.mux(sound.encode())


def write_sound(path: Path, wave: np.ndarray) -> None:
    """Write a sound (time,) alone into a container of videos; the name says the format."""
    with av.open(str(path), "w") as file:
        sound = file.add_stream(CODECS[path.suffix][1], rate=SOUND_RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[None], "fltp", layout="mono")
        frame.sample_rate = SOUND_RATE
        file.mux(sound.encode(frame))
        file.mux(sound.encode())
