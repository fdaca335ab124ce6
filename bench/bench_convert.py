"""Is the sound, its transcript, or both best? A study of noisy written and spoken digits with conversion.

    python bench/bench_convert.py [--epochs N]

Needs the shared data and pocketsphinx. Prints what the study says, with its intervals, and how long conversion took.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import plait

DATA = Path(os.environ.get("PLAIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")) / "digits"
WORDS = "zero,one,two,three,four,five,six,seven,eight,nine"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=None)
    given = parser.parse_args()
    table = DATA / "digits_hard.csv"
    if not table.exists():
        print(f"skipped: {table} is not there")
        return
    options = {"pocketsphinx.words": WORDS}
    with tempfile.TemporaryDirectory() as place:
        os.environ["PLAIT_CACHE"] = str(Path(place) / "cache")
        for what in ("first time", "second time"):
            began = time.monotonic()
            made = plait.convert(table, column="audio", to="text", name="said", converters=options)
            print(f"convert {len(made.statuses):,} rows, {what}: {time.monotonic() - began:.1f} s")
        began = time.monotonic()
        model = plait.fit(
            table,
            target="digit",
            group="speaker",
            out=Path(place) / "run",
            epochs=given.epochs,
            convert="audio->text",
            converters=options,
            callback=lambda event: "stage" not in event and print(event.get("note", ""), file=sys.stderr),
        )
        print(f"fit: {time.monotonic() - began:.0f} s\n\n{model.summary()}")


if __name__ == "__main__":
    main()
