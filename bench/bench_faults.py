"""Break 5 % of the files of digits.csv in ten ways: does `plait check` name each of them, and no other?

Expected: every broken file is found and named with severity error (recall 1.0), false alarms at most 1 %. With --fit N
it also fits N seeds on the clean and on the broken table, and prints the paired difference of test accuracy with its
95 % limit, expected at most 2 points; --epochs makes that short, for a trial.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import shutil
import statistics
import struct
import tempfile
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np

DIGITS = Path(__file__).parents[1] / "../shared/data/digits"
SHARE = 0.05
SEED = 0
T_95 = {2: 6.314, 3: 2.920, 4: 2.353, 5: 2.132, 6: 2.015}  # one-sided 95 % of Student's t, by the number of pairs


def remove(file: Path) -> None:
    file.unlink()


def empty(file: Path) -> None:
    file.write_bytes(b"")


def write_text(file: Path) -> None:
    file.write_text("<html><body>404 Not Found</body></html>\n")


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def make_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def write_garbage(file: Path) -> None:
    file.write_bytes(np.random.default_rng(SEED).integers(0, 256, 500, np.uint8).tobytes())


def swap_kind(file: Path) -> None:
    """A sound where a picture should be, and the other way round."""
    other = "audio/0_george_0.wav" if file.suffix == ".png" else "images/6818.png"
    shutil.copyfile(DIGITS / other, file)


def write_bomb(file: Path) -> None:
    """A PNG of 100,000 × 100,000 pixels, a few bytes long."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(bytes(1000)))
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b""))


def write_no_samples(file: Path) -> None:
    write_wav(file, np.zeros(0, np.float32))


def write_not_finite(file: Path) -> None:
    samples = np.zeros(4000, np.float32)
    samples[1000:1010] = np.nan
    write_wav(file, samples)


def write_wav(file: Path, samples: np.ndarray) -> None:
    import soundfile

    content = io.BytesIO()
    soundfile.write(content, samples, 8000, "FLOAT", format="WAV")
    file.write_bytes(content.getvalue())


def overwrite_head(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(bytes(16) + content[16:])


PICTURE_FAULTS = (remove, empty, write_text, cut, make_folder, write_garbage, swap_kind, overwrite_head, write_bomb)
SOUND_FAULTS = (
    remove, empty, write_text, cut, make_folder, write_garbage, swap_kind, overwrite_head, write_no_samples,
    write_not_finite,
)  # fmt: skip


def break_files(folder: Path) -> set[tuple[str, int]]:
    """Break 5 % of the files of the table in `folder`; return (column, row) of each."""
    with open(folder / "digits.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    generator = np.random.default_rng(SEED)
    broken = set()
    for column, faults in (("image", PICTURE_FAULTS), ("audio", SOUND_FAULTS)):
        chosen = generator.choice(len(rows), round(SHARE * len(rows)), replace=False)
        for place, row in enumerate(chosen):
            faults[place % len(faults)](folder / rows[row][column])
            broken.add((column, int(row)))
    return broken


def find(folder: Path, broken: set[tuple[str, int]]) -> None:
    import plait

    began = time.perf_counter()
    found = plait.check(folder / "digits.csv", target="digit", group="speaker", cache=False)
    taken = time.perf_counter() - began
    named = {(f.column, row) for f in found if f.severity == "error" for row in f.rows}
    others = 2 * found.rows - len(broken)
    recall, alarms = len(named & broken) / len(broken), len(named - broken) / others
    print(f"{len(broken)} of {2 * found.rows:,} files broken; check took {taken:.1f} s")
    print(f"recall {recall:.3f} (expected 1.000), false alarms {alarms:.4f} (expected at most 0.0100)")
    for column, row in sorted(broken - named):
        print(f"  not found: {column}, row {row}")
    print(found)


def compare(clean: Path, broken: Path, seeds: int, epochs: int | None) -> None:
    import plait

    options: dict[str, Any] = {"target": "digit", "group": "speaker", "split": "split", "ignore": ["id"]}
    options["fusion"] = "parallel(image, audio)"
    differences = []
    for seed in range(seeds):
        scores = []
        for folder in (clean, broken):
            model = plait.fit(folder / "digits.csv", seed=seed, epochs=epochs, **options)
            # Each on the test rows of its own table: of the broken one some are partial, and they count.
            scores.append(model.facts["test"]["metrics"]["accuracy"]["value"])
        differences.append(100 * (scores[0] - scores[1]))
        print(f"seed {seed}: clean {scores[0]:.4f}, broken {scores[1]:.4f}", flush=True)
    mean = statistics.mean(differences)
    if len(differences) < 2:
        print(f"difference {mean:.2f} points; a limit needs two seeds")
        return
    limit = mean + T_95.get(len(differences), 1.9) * statistics.stdev(differences) / math.sqrt(len(differences))
    print(f"difference {mean:.2f} points, upper 95 % limit {limit:.2f} (expected at most 2)")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--fit", type=int, default=0, metavar="N", help="seeds to fit; each takes minutes")
    parser.add_argument("--epochs", type=int, metavar="N", help="for a quick trial")
    wish = parser.parse_args()
    if not DIGITS.is_dir():
        print("skipped: the folder with the tables is not here")
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for part in ("images", "audio"):
            shutil.copytree(DIGITS / part, folder / part)
        shutil.copyfile(DIGITS / "digits.csv", folder / "digits.csv")
        find(folder, break_files(folder))
        if wish.fit:
            compare(DIGITS, folder, wish.fit, wish.epochs)


if __name__ == "__main__":
    main()
