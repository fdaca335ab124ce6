"""How long it takes to explain one row with four modalities: 16 subsets, and what is inside each. Needs no data.

A small model is fitted on a table that is made here: pictures of 64 × 64 in colour, sounds of one second, texts of 60
words, 12 columns. Then rows are explained, by gradient where Captum is installed, and by occlusion. Expected: under
1 second a row on two cores, imports not counted. Also printed: rows a second for a whole table.
With a file name ending in .png as argument, one row is drawn there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import soundfile
from PIL import Image

import plait
from plait.proof import inside as drill

WORDS = (
    "morning",
    "harbour",
    "silver",
    "window",
    "yellow",
    "garden",
    "letter",
    "winter",
    "engine",
    "candle",
    "marble",
    "forest",
    "signal",
    "ribbon",
)
RATE = 16_000  # Hz


def make_table(folder: Path, num: int = 80) -> dict[str, list[object]]:
    """Write pictures and sounds, and return a table of two classes that all four modalities tell apart."""
    random = np.random.default_rng(0)
    table: dict[str, list[object]] = {name: [] for name in ("photo", "sound", "note", "label")}
    table |= {f"number {k}": [] for k in range(8)} | {f"category {k}": [] for k in range(4)}
    for row in range(num):
        yes = row % 2
        pixels = random.integers(0, 120, (96, 96, 3)).astype(np.uint8)
        pixels[:, :48] += np.uint8(60 * yes)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        wave = np.sin(2 * np.pi * (300 + 500 * yes) * np.arange(RATE) / RATE) * 0.3
        soundfile.write(folder / f"{row}.wav", wave + 0.05 * random.standard_normal(RATE), RATE)
        words = [*random.choice(WORDS, 59), "sunny" if yes else "rainy"]
        table["photo"].append(f"{row}.png")
        table["sound"].append(f"{row}.wav")
        table["note"].append(" ".join(random.permutation(words)))
        table["label"].append("yes" if yes else "no")
        for k in range(8):
            table[f"number {k}"].append(float(random.standard_normal() + yes * (k == 0)))
        for k in range(4):
            table[f"category {k}"].append("abc"[random.integers(3)])
    return table


def main(rows: int = 12) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = plait.read(make_table(folder), folder=folder)
        names = "photo, sound, text, tabular"
        model = plait.fit(table, target="label", fusion=f"parallel({names})", epochs=3)
        model.explain(table, 0)  # imports
        gradient_map = drill.gradient_map
        for by in ("gradient", "occlusion"):
            # what happens where Captum is not installed
            drill.gradient_map = gradient_map if by == "gradient" else drill.occlusion_map
            times = []
            for row in range(1, rows + 1):
                began = time.perf_counter()
                found = model.explain(table, row)
                times.append(time.perf_counter() - began)
            said = ", ".join(f"{name} {x[0]:+.3f}" for name, x in found.shares.items())
            print(
                f"by {by}: median {median(times):.3f} s a row, slowest {max(times):.3f} s (expected under 1 s); {said}"
            )
        drill.gradient_map = gradient_map
        began = time.perf_counter()
        model.explain(table)
        print(f"the whole table: {len(table) / (time.perf_counter() - began):.0f} rows a second, all 16 subsets")
        if len(sys.argv) > 1:
            print(plait.explain(model, table, row=1, out=sys.argv[1]))


if __name__ == "__main__":
    main()
