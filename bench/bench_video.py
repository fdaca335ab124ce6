"""Made videos: what frames and sound say of a class alone and together, what reading costs, and how much memory.

Half of the clips tell their class by the way a shape moves, to the left or to the right (in the others it goes up or
down), and half by the pitch of their sound (in the others there is noise alone). 15 % have no sound track. So frames
alone can be right in about .75 of the rows, the sound alone in .71, both in .96. 200 clips are learned from, and as
many others are tested.

Prints the accuracy of each, the CPU milliseconds in which 8 frames of 250 at 320 × 240 are read, and the memory that
reading took at most, of a short clip and of one 12 times as long. Needs PyAV.

    python bench/bench_video.py [--rows 200] [--seed 0] [--candidates alone classic late]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

import plait
from plait.data.media import open_video

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from clips import SOUND_RATE, tone, write_video

SIDE, FRAMES, SECONDS = 64, 40, 4.0
MUTE = 0.15


def make_frames(way: tuple[int, int], generator: np.random.Generator) -> np.ndarray:
    """Return (frame, height, width, 3): a disc or a square that goes by (down, right), over a ground of noise."""
    ground = np.repeat(generator.integers(0, 90, (SIDE, SIDE, 1)), 3, axis=2)
    size, colour = int(generator.integers(8, 15)), generator.integers(140, 256, 3)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    still, far = generator.uniform(0, SIDE - size), SIDE - size
    round_one = generator.random() < 0.5
    frames = np.empty((FRAMES, SIDE, SIDE, 3), np.uint8)
    for place, frame in enumerate(frames):
        done = place / (FRAMES - 1)
        top, left = (far * (done if step > 0 else 1 - done) if step else still for step in way)
        down, right = rows - top - size / 2, columns - left - size / 2
        inside = np.hypot(down, right) < size / 2 if round_one else np.maximum(abs(down), abs(right)) < size / 2
        frame[:] = np.where(inside[..., None], colour, ground)
    return frames


def make_table(folder: Path, rows: int, seed: int) -> Path:
    """Write clips and their table; a quarter of the rows that are learned from validates."""
    generator = np.random.default_rng(seed)
    lines = ["clip,label,split"]
    for row in range(2 * rows):
        high, moves = bool(generator.integers(2)), bool(generator.integers(2))
        sign = 1 if (high if moves else generator.integers(2)) else -1
        frames = make_frames((0, sign) if moves else (sign, 0), generator)
        wave = 0.1 * generator.standard_normal(round(SECONDS * SOUND_RATE)).astype(np.float32)
        if not moves:
            wave += tone((900 if high else 400) * generator.uniform(0.9, 1.1), SECONDS)
        write_video(folder / f"{row}.mp4", frames, None if generator.random() < MUTE else wave)
        split = "test" if row >= rows else "val" if row % 4 == 3 else "train"
        lines.append(f"{row}.mp4,{('low', 'high')[high]},{split}")
    (folder / "clips.csv").write_text("\n".join(lines) + "\n")
    return folder / "clips.csv"


def score(table: Path, candidates: list[str], seed: int) -> None:
    for what, left_out in (("frames alone", ["clip.audio"]), ("sound alone", ["clip.image"]), ("fused", [])):
        began = time.process_time()
        model = plait.fit(
            table, target="label", ignore=left_out, candidates=candidates, seed=seed, refit="none", report=False
        )
        value = model.facts["test"]["metrics"]["accuracy"]
        said = f"accuracy {value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
        print(f"{what:13} {said}, {time.process_time() - began:.0f} CPU s", flush=True)


def measure_reading(folder: Path) -> None:
    """Write 250 frames as MP4 and WebM, and read 8 of each."""
    generator = np.random.default_rng(0)
    coarse = Image.fromarray(generator.integers(0, 160, (12, 16, 3), dtype=np.uint8))
    ground = np.asarray(coarse.resize((320, 240), Image.Resampling.BICUBIC))
    frames = np.repeat(ground[None], 250, axis=0)
    for place, frame in enumerate(frames):
        frame[100:140, place : place + 40] = (200, 80, place)
    for ending in (".mp4", ".webm"):
        codec = "libx264" if ending == ".mp4" else None
        write_video(folder / f"long{ending}", frames, None, rate=25, codec=codec, gop=50)
        taken = []
        for _turn in range(7):
            began = time.process_time()
            open_video(f"long{ending}", folder, 8, lambda width, height: (64, 48))
            taken.append(time.process_time() - began)
        print(f"8 frames of 250 at 320 × 240 {ending}: {1000 * np.median(taken):.0f} CPU ms")


def measure_memory(folder: Path) -> None:
    """Print the most memory that a process took which read 8 frames of a clip of 10 s, and of one of 120 s."""
    ground = np.random.default_rng(0).integers(0, 60, (240, 320, 3), dtype=np.uint8)
    for seconds in (10, 120):
        write_video(folder / f"{seconds}.mp4", np.broadcast_to(ground, (10 * seconds, 240, 320, 3)), None)
        peak = subprocess.run(
            [sys.executable, __file__, "--read", str(folder / f"{seconds}.mp4")],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        print(f"8 frames of {seconds} s: {peak.strip()} at most")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--candidates", nargs="*", default=[])
    parser.add_argument("--read", type=Path)
    asked = parser.parse_args()
    if asked.read:
        open_video(str(asked.read), None, 8, lambda width, height: (64, 48))
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
        return
    with tempfile.TemporaryDirectory() as name:
        measure_reading(Path(name))
        measure_memory(Path(name))
        score(make_table(Path(name), asked.rows, asked.seed), asked.candidates, asked.seed)


if __name__ == "__main__":
    main()
