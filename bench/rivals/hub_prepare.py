"""The same preparation with Hugging Face datasets: `map` with one process for each core, written to its cache folder.

    python bench/rivals/hub_prepare.py FOLDER ROWS SIDE

Pictures become (side · 3 / 4, side, 3) of uint8, decoded by Pillow with draft, which shrinks a JPEG while it decodes.
Sounds become log-mels (64, time) float32 with windows of 25 ms every 10 ms, the mean 0 and the deviation 1.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path

import datasets
import numpy as np
import soundfile
from PIL import Image
from scipy.fft import rfft

MELS = 64


@lru_cache
def mel_filters(size: int, rate: int) -> np.ndarray:
    """Return triangles (mel, frequency) on the mel scale from 20 Hz to half the rate."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (20, rate / 2))
    edges = 700 * (10 ** (np.linspace(low, high, MELS + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, size // 2 + 1)
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


def prepare_row(row: dict[str, str], folder: str, side: int) -> dict[str, np.ndarray]:
    with Image.open(f"{folder}/{row['image']}") as picture:
        size = (side, side * 3 // 4)
        picture.draft("RGB", size)
        pixels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.BILINEAR))
    wave, rate = soundfile.read(f"{folder}/{row['audio']}", dtype="float32")
    length, hop, size = round(0.025 * rate), round(0.01 * rate), 512
    window = np.zeros(size, np.float32)
    window[(size - length) // 2 : (size + length) // 2] = np.hanning(length)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(wave, size // 2), size)[::hop]
    spectrum = rfft(frames * window)
    loud = np.log(mel_filters(size, rate) @ (spectrum.real**2 + spectrum.imag**2).T + 1e-8)
    return {"pixels": pixels, "mel": ((loud - loud.mean()) / (loud.std() + 1e-6)).astype(np.float32)}


def main(folder: Path, rows: int, side: int) -> None:
    datasets.disable_progress_bars()
    began = time.perf_counter()
    table = datasets.Dataset.from_dict(
        {"image": [f"{n}.jpg" for n in range(rows)], "audio": [f"{n}.wav" for n in range(rows)]}
    )
    features = datasets.Features(
        pixels=datasets.Array3D((side * 3 // 4, side, 3), "uint8"), mel=datasets.Array2D((MELS, 201), "float32")
    )
    with tempfile.TemporaryDirectory() as work:
        made = table.map(
            prepare_row,
            fn_kwargs={"folder": str(folder), "side": side},
            remove_columns=["image", "audio"],
            features=features,
            num_proc=len(os.sched_getaffinity(0)),
            cache_file_name=f"{work}/prepared.arrow",
        )
        taken = time.perf_counter() - began
        first = made.with_format("numpy")[0]
        shapes = {name: list(first[name].shape) for name in ("pixels", "mel")}
    print(json.dumps({"seconds_fit": taken, "shapes": shapes, "versions": {"datasets": datasets.__version__}}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
