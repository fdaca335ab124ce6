"""The step before the array rivals, counted for none: the rows of a table as .npy files that all of them read.

    python bench/rivals/arrays.py TABLE FOLDER

images.npy (rows, 64, 64) float32 from 0 to 1; sounds.npy (rows, 8000) float32, the whole recording at 8 kHz, cut or
padded with zeros to one second; labels.npy (rows,) int; splits.npy (rows,) of train, val, test.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

SIDE, RATE, SAMPLES = 64, 8000, 8000


def read_picture(path: Path) -> np.ndarray:
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small, np.float32) / 255


def read_sound(path: Path) -> np.ndarray:
    import soundfile
    from scipy.signal import resample_poly

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    wave = samples.mean(axis=1)
    if rate != RATE:
        wave = resample_poly(wave, RATE, rate).astype(np.float32)
    out = np.zeros(SAMPLES, np.float32)
    out[: min(len(wave), SAMPLES)] = wave[:SAMPLES]
    return out


def main(table: Path, folder: Path) -> None:
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    np.save(folder / "images.npy", np.stack([read_picture(table.parent / row["image"]) for row in rows]))
    np.save(folder / "sounds.npy", np.stack([read_sound(table.parent / row["audio"]) for row in rows]))
    np.save(folder / "labels.npy", np.array([int(row["digit"]) for row in rows]))
    np.save(folder / "splits.npy", np.array([row["split"] for row in rows]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
