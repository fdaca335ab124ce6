"""Preparation against a bare thread pool over Pillow (with draft) and soundfile, and its memory as rows grow.

Makes 2,000 JPEGs of about 80 KB and 2,000 WAVs of two seconds in a temporary folder. Expected: at least 0.9 of the
bare pool's speed, and at ten times the rows at most 1.2 times the peak memory.
"""

from __future__ import annotations

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
CHILD = """
import json, resource, sys, tempfile
from pathlib import Path
import numpy as np
import plait
from plait.kinds.detect import detect
from plait.models.rows import prepare
from plait.models.views import fit_views
table = plait.read({"image": IMAGES, "audio": SOUNDS}, folder=sys.argv[1])
schema = detect(table)
strands = fit_views(table, schema, np.arange(200), {}, np.random.default_rng(0))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with tempfile.TemporaryDirectory() as work:
    prepare(table, strands, folder=Path(work))
print(json.dumps([before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))
"""


def make(folder: Path) -> None:
    import soundfile
    from PIL import Image

    generator = np.random.default_rng(0)
    for number in range(ROWS):
        small = generator.integers(0, 256, (45, 60, 3), np.uint8)
        picture = np.asarray(Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC), np.int16)
        picture = (picture + generator.normal(0, 9, picture.shape)).clip(0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{number}.jpg", quality=82)
        soundfile.write(folder / f"{number}.wav", generator.normal(0, 0.1, 32000).astype(np.float32), 16000)


def bare(folder: Path, kind: str, prep: object) -> float:
    """Decode and shrink with Pillow, or decode and take log-mels: what a careful person would write by hand."""
    import soundfile
    from PIL import Image

    from plait.kinds.audio.prep import log_mel

    size = (64, 48)

    def picture(number: int) -> np.ndarray:
        with Image.open(folder / f"{number}.jpg") as image:
            image.draft("RGB", size)
            return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR)).transpose(2, 0, 1)

    def sound(number: int) -> np.ndarray:
        samples, rate = soundfile.read(folder / f"{number}.wav", dtype="float32")
        mel = log_mel(samples, rate)
        return (mel - mel.mean()) / (mel.std() + 1e-6)

    began = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(picture if kind == "image" else sound, range(ROWS), chunksize=16))
    del rows
    return time.perf_counter() - began


def main() -> None:
    import plait
    from plait.kinds.detect import detect
    from plait.models.rows import prepare
    from plait.models.views import fit_views

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make(folder)
        size = statistics.mean((folder / f"{n}.jpg").stat().st_size for n in range(100))
        print(f"{ROWS} JPEGs of {size / 1000:.0f} KB, {ROWS} WAVs of 2 s")
        for kind, ending in (("image", "jpg"), ("audio", "wav")):
            table = plait.read({kind: [f"{n}.{ending}" for n in range(ROWS)]}, folder=folder)
            strands = fit_views(table, detect(table), np.arange(200), {}, np.random.default_rng(0))
            ratios = []
            for turn in range(4):
                other = bare(folder, kind, strands[0].prep)
                began = time.perf_counter()
                prepare(table, strands, folder=folder / f"{kind} {turn}")  # in one folder nothing is done twice
                ratios.append(other / (time.perf_counter() - began))
            speed = statistics.median(ratios[1:])
            print(f"{kind}: {speed:.2f} of the speed of a bare pool (expected at least 0.90)")
        peaks = []
        for rows in (ROWS // 10, ROWS):
            names = {"IMAGES": [f"{n}.jpg" for n in range(rows)], "SOUNDS": [f"{n}.wav" for n in range(rows)]}
            code = CHILD
            for name, value in names.items():
                code = code.replace(name, json.dumps(value))
            done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
            peaks.append(json.loads(done.stdout)[1])
            print(f"{rows} rows: peak memory {peaks[-1] / 1024:.0f} MB")
        print(f"memory at ten times the rows: {peaks[1] / peaks[0]:.2f} times (expected at most 1.20)")


if __name__ == "__main__":
    main()
