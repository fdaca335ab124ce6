"""`plait check` against a bare thread pool that opens and decodes each file once.

Makes 2,000 JPEGs of about 80 KB in a temporary folder; expected: the check takes at most 1.5 times the bare pass. On
the 3,000 pairs of ../shared/data/digits/digits.csv, where it is there: at most 3 times the bare pass and 5 s. Every
check starts in a new Python, without a cache, and looks at one row first: as on the other side, the imports are not
counted (they are printed). Seconds of the clock, and of the processor, which say more on a busy machine. A last check
shows what the cache saves.
"""

from __future__ import annotations

import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

ROWS = 2000
ROUNDS = 3
DIGITS = Path(__file__).parents[1] / "../shared/data/digits/digits.csv"
CHILD = """
import json, sys, time
began = time.perf_counter()
import plait
path, cache, options = sys.argv[1], sys.argv[2] or False, json.loads(sys.argv[3])
table = plait.read(path)
plait.check(table[:1], cache=False, **options)
ready, busy = time.perf_counter(), time.process_time()
plait.check(path, cache=cache, **options)
print(ready - began, time.perf_counter() - ready, time.process_time() - busy)
"""


def make(folder: Path) -> Path:
    from PIL import Image

    generator = np.random.default_rng(0)
    for number in range(ROWS):
        small = generator.integers(0, 256, (45, 60, 3), np.uint8)
        picture = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC), np.int16)
        picture = (picture + generator.normal(0, 9, picture.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.jpg", quality=82)
    table = folder / "table.csv"
    table.write_text("image\n" + "".join(f"{number}.jpg\n" for number in range(ROWS)))
    return table


def bare(table: Path) -> tuple[float, float]:
    """Open and decode every file that the table names, each once: seconds of the clock, and of the processor."""
    import soundfile
    from PIL import Image

    def decode(name: str) -> None:
        if name.endswith(".wav"):
            soundfile.read(table.parent / name, dtype="float32")
        else:
            with Image.open(table.parent / name) as image:
                image.load()

    with open(table, newline="") as file:
        names = [cell for row in csv.reader(file) for cell in row if cell.endswith((".jpg", ".png", ".wav"))]
    began, busy = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(decode, names))
    return time.perf_counter() - began, time.process_time() - busy


def check(table: Path, options: dict[str, str], cache: str = "") -> tuple[float, float, float]:
    """Return the seconds that the imports take, those of the check, and those of the processor for it."""
    words = [sys.executable, "-c", CHILD, str(table), cache, json.dumps(options)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    start, own, busy = map(float, done.stdout.split())
    return start, own, busy


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = make(folder)
        size = statistics.mean((folder / f"{number}.jpg").stat().st_size for number in range(100))
        tables = [(f"{ROWS:,} JPEGs of {size / 1000:.0f} KB", table, {}, lambda b: 1.5 * b, "1.5 times")]
        if DIGITS.exists():
            options = {"target": "digit", "group": "speaker"}
            tables.append(("digits.csv", DIGITS, options, lambda b: 3 * b + 5, "3 times and 5 s"))
        for name, path, options, limit, words in tables:
            bare(path)  # fills the memory of the system
            rounds = [(*bare(path), *check(path, options)) for _ in range(ROUNDS)]
            other, other_busy, start, own, busy = (statistics.median(times) for times in zip(*rounds, strict=True))
            verdict = "reached" if own <= limit(other) else "missed"
            print(
                f"{name}: bare pass {other:.2f} s, check {own:.2f} s: {own / other:.2f} times (imports {start:.2f} s)"
            )
            print(f"  of the processor {other_busy:.2f} s and {busy:.2f} s: {busy / other_busy:.2f} times")
            print(f"  expected at most {words} ({limit(other):.2f} s): {verdict}")
            check(path, options, str(folder / "cache"))
            print(f"  again, with the cache: {check(path, options, str(folder / 'cache'))[1]:.2f} s", flush=True)


if __name__ == "__main__":
    main()
