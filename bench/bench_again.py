"""What a second fit costs: another plan, one modality more, ten rows more; and whether cost is linear in the rows.

Frozen: patches of photographs and sentences, encoders lite0 and static, nothing tuned. Scratch: the written and spoken
digits of the demo. Arithmetic: ../shared/data/digits/arithmetic.csv without its sound, with the report, in seconds of
the processor. Each fit runs in a process of its own, in a cache folder of its own; seconds are those of the whole
process. Prints each time, and its share of the first fit's.

    python bench/bench_again.py [--rows 1000] [--digits 1000] [--sums 8000] [--only frozen,scratch,linear,arithmetic]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from plait.verbs.demo import make_demo

PLAIT = [sys.executable, "-m", "plait"]
SUMS = Path(__file__).parents[1] / "../shared/data/digits/arithmetic.csv"
WORDS = "the of light and shade on a quiet morning with some colour near far old new water stone wood sky"


def make_photos(folder: Path, rows: int) -> Path:
    """Write a table of patches of photographs, each with a sentence that now and then names what is on it."""
    from bench_photos import photographs, write_patches

    table = write_patches(folder, -(-rows // len(photographs())), 0)
    generator = np.random.default_rng(0)
    lines = table.read_text().splitlines()
    told = [lines[0] + ",note,size"]
    for line in lines[1:]:
        words = generator.choice(WORDS.split(), 12).tolist()
        if generator.random() < 0.5:
            words[3] = line.split(",")[1].replace("_", " ")
        told.append(f"{line},{' '.join(words)},{generator.integers(100)}")
    table.write_text("\n".join(told) + "\n")
    return table


def run(cache: Path, *words: str) -> float:
    """Run plait, and return wall seconds."""
    began, env = time.monotonic(), os.environ | {"PLAIT_CACHE": str(cache)}
    done = subprocess.run([*PLAIT, *words], capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        sys.exit(done.stderr)
    return time.monotonic() - began


def report(name: str, seconds: float, first: float) -> None:
    print(f"{name:58} {seconds:7.1f} s   {seconds / first:5.2f} of the first", flush=True)


def processor_seconds(cache: Path, *words: str) -> float:
    """Run plait, and return the seconds of the processor, those of its own processes among them."""
    before = os.times()
    run(cache, *words)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def frozen(folder: Path, rows: int) -> None:
    table = make_photos(folder, rows)
    small = folder / "fewer.csv"
    lines = table.read_text().splitlines()
    small.write_text("\n".join(lines[:-10]) + "\n")
    usual = "fit TABLE --target what --split split --encoder photo=lite0 --encoder text=static --tune none --no-report"
    cache = folder / "cache"

    def fit(name: str, plan: str, place: Path) -> float:
        words = [str(place) if word == "TABLE" else word for word in usual.split()]
        return run(cache, *words, "--fusion", plan, "--out", str(folder / name))

    first = fit("a", "parallel(photo, text)", small)
    report("frozen: the first fit, parallel", first, first)
    report("frozen: another plan, sequential", fit("b", "sequential(text, photo)", small), first)
    report("frozen: another plan, tree by gate", fit("c", "tree(photo, text, by=gate)", small), first)
    report("frozen: one modality more (a number)", fit("d", "parallel(photo, text, tabular)", small), first)
    report("frozen: ten rows more", fit("e", "parallel(photo, text)", table), first)


def scratch(folder: Path, rows: int) -> None:
    table = make_demo(folder / "digits", rows=rows)
    usual = ["fit", str(table), "--target", "digit", "--group", "voice", "--ignore", "id", "--no-report"]
    cache = folder / "cache-digits"

    def fit(name: str, plan: str) -> float:
        return run(cache, *usual, "--fusion", plan, "--out", str(folder / name))

    first = fit("f", "parallel(image, audio)")
    report("scratch: the first fit, parallel", first, first)
    report("scratch: another plan, sequential", fit("g", "sequential(audio, image)"), first)
    report("scratch: another plan, tree by gate", fit("h", "tree(image, audio, by=gate)"), first)


def arithmetic(folder: Path, rows: int) -> None:
    if not SUMS.exists():
        sys.exit(f"there is no {SUMS}.")
    table = folder / "sums.csv"
    table.write_text("".join(SUMS.read_text().splitlines(keepends=True)[: rows + 1]))
    usual = [
        "fit",
        str(table),
        "--folder",
        str(SUMS.parent),
        "--target",
        "result",
        "--split",
        "split",
        "--tune",
        "none",
    ]
    usual += ["--ignore", "id", "--ignore", "audio", "--encoder", "image=lite0", "--encoder", "text=static"]
    cache = folder / "cache-sums"

    def fit(name: str, plan: str, *more: str) -> float:
        return processor_seconds(cache, *usual, "--fusion", plan, "--out", str(folder / name), *more)

    first = fit("i", "parallel(image, text)")
    report(f"arithmetic, {rows:,} rows: the first fit, parallel", first, first)
    report("arithmetic: another plan, sequential", fit("j", "sequential(text, image)"), first)
    report("arithmetic: another plan, tree by gate", fit("k", "tree(image, text, by=gate)"), first)
    bare = fit("l", "sequential(image, text)", "--no-report")
    tree = fit("m", "tree(text, image, by=bilinear)", "--no-report")
    report("arithmetic: sequential the other way round, no report", bare, first)
    report("arithmetic: tree by bilinear, no report", tree, first)


def linear(folder: Path) -> None:
    """Fit a head on kept features of 2,000 and 20,000 rows, and compare time and memory."""
    code = (
        "import sys, resource, time, numpy as np, plait\n"
        "rows = int(sys.argv[1]); g = np.random.default_rng(0)\n"
        "labels = g.integers(0, 5, rows)\n"
        "x = g.standard_normal((rows, 200)).astype(np.float32); x[np.arange(rows), labels] += 3\n"
        "data = {f'n{i}': x[:, i] for i in range(200)} | {'label': labels.astype(str)}\n"
        "import pyarrow as pa; table = pa.table(data); began = time.monotonic()\n"
        "plait.fit(table, target='label', candidates=('alone',), epochs=10)\n"
        "print(time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)\n"
    )
    told = []
    for rows in (2_000, 20_000):
        env = os.environ | {"PLAIT_CACHE": str(folder / f"linear-{rows}")}
        out = subprocess.run(
            [sys.executable, "-c", code, str(rows)], capture_output=True, text=True, check=True, env=env
        )
        told.append([float(word) for word in out.stdout.split()[-2:]])
        print(f"linear: {rows:6,} rows of 200 numbers: {told[-1][0]:6.1f} s, {told[-1][1]:6.0f} MB", flush=True)
    print(f"10 times the rows: {told[1][0] / told[0][0]:.1f} times the time, {told[1][1] - told[0][1]:.0f} MB more")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--digits", type=int, default=1000)
    parser.add_argument("--sums", type=int, default=8000)
    parser.add_argument("--only", default="frozen,scratch,linear")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if "frozen" in chosen.only:
            frozen(Path(place), chosen.rows)
        if "scratch" in chosen.only:
            scratch(Path(place), chosen.digits)
        if "linear" in chosen.only:
            linear(Path(place))
        if "arithmetic" in chosen.only:
            arithmetic(Path(place), chosen.sums)


if __name__ == "__main__":
    main()
