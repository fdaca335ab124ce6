"""Where the time of a fit goes: seconds of each stage of `plait fit digits_hard.csv`, with a plan.

Time between two steps of progress belongs to the stage that the later one names. The first fit finds an empty cache,
the second, with another plan, what the first has left there. Another checkout is looked at with PYTHONPATH.

    python bench/bench_profile.py ../shared/data/digits/digits_hard.csv [--epochs N]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

BEGAN = time.monotonic()
DATA = Path(os.environ.get("PLAIT_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", nargs="?", type=Path, default=DATA / "digits" / "digits_hard.csv")
    parser.add_argument("--epochs", type=int)
    chosen = parser.parse_args()
    if not chosen.table.exists():
        print(f"skipped: {chosen.table} is not there")
        return
    import plait

    with tempfile.TemporaryDirectory() as place:
        os.environ["PLAIT_CACHE"] = str(Path(place) / "cache")
        began = BEGAN
        for name, plan in (("first", "parallel(image, audio)"), ("second", "sequential(audio, image)")):
            spent: dict[str, float] = defaultdict(float)
            last = began

            def note(event: dict[str, Any], spent: dict[str, float] = spent) -> None:
                nonlocal last
                now = time.monotonic()
                stage = str(event.get("stage") or event.get("note", ""))
                stage = "alone, kept" if "kept" in stage else "augmented passes" if "encoding" in stage else stage
                spent[stage] += now - last
                last = now

            model = plait.fit(
                chosen.table,
                target="digit",
                group="speaker",
                split="split",
                ignore=["id"],
                fusion=plan,
                epochs=chosen.epochs,
                report=False,
                callback=note,
            )
            spent["test rows, pictures, run folder"] += time.monotonic() - last
            whole = sum(spent.values())
            found = model.facts["test"]["metrics"]["accuracy"]["value"]
            print(f"\n{name} fit, {plan}: {whole:.1f} s, accuracy {found:.3f}")
            for stage, seconds in sorted(spent.items(), key=lambda item: -item[1]):
                print(f"  {seconds:7.1f} s  {100 * seconds / whole:4.0f} %  {stage}", flush=True)
            began = time.monotonic()


if __name__ == "__main__":
    main()
