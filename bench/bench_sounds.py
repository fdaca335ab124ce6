"""Spoken digits of speakers that were not trained on, by classic learners: what each way of hearing a sound is worth.

The 3,000 sounds of ../shared/data/digits/digits.csv, split by speaker as the table says. `acoustic` needs nothing, the
others `pip install --no-deps resemblyzer aisfx`. Prints the test accuracy of what validation chose, and seconds.

    python bench/bench_sounds.py [--rows 3000]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import plait
from plait.pretrained.catalogue import NAMES, is_installed

DIGITS = Path(__file__).parents[1] / "../shared/data/digits/digits.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=3000)
    table = plait.read(DIGITS)
    table = table.take(np.random.default_rng(0).permutation(len(table))[: parser.parse_args().rows])
    for name in ("auto", *(name for name in NAMES["audio"] if is_installed(name))):
        began = time.process_time()
        options = {"ignore": ("image", "speaker", "id"), "candidates": ("classic",), "report": False}
        model = plait.fit(table, target="digit", encoders={"audio": name}, **options)
        best = model.leaderboard[0]
        seconds = time.process_time() - began
        print(
            f"audio={name}: {best['name']}, test accuracy {best['test']['value']:.3f}, {seconds:.0f} CPU s", flush=True
        )


if __name__ == "__main__":
    main()
