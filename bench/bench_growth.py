"""How time and memory grow with the rows: show, check, fit under a limit, predict, … of made tables.

python bench/bench_growth.py [--rows 1000,10000,100000] [--numbers 12] [--no-text] [--limit 600]
    [--steps show,check,fit,predict,evaluate,explain]
python bench/bench_growth.py --race 200000 --numbers 15 --limit 60

Each step is a command of its own, as a user types it, with an empty cache. Prints CPU seconds, the clock's, and the
peak of memory of each with all that it starts; and between two sizes the exponent: 1.0 where ten times the rows take
ten times as long. What a step takes for 200 rows, its start, is taken off first. Expected: 1.1 or less.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in ("n", "r", "st", "lm", "x")]


def write_table(path: Path, rows: int, num: int, text: bool) -> None:
    """Write numbers, categories and a text of a few words, all of which say a little of a yes or no."""
    draw = np.random.default_rng(0)
    numbers, codes = draw.normal(size=(rows, num)), draw.integers(0, 30, (rows, 3))
    words = draw.integers(0, len(WORDS), (rows, 12))
    told = numbers[:, 0] * numbers[:, 1] + numbers[:, 2] + 0.2 * (codes[:, 0] % 5)
    told += 0.5 * (words < 10).sum(1) if text else 0.5
    said = np.where(told + draw.normal(size=rows) > 1.2, "yes", "no")
    head = [*(f"n{k}" for k in range(num)), "town", "shop", "colour", *(["note"] if text else []), "sold"]
    with open(path, "w", encoding="utf-8") as file:
        file.write(",".join(head) + "\n")
        for row in range(rows):
            cells = [f"{x:.4f}" for x in numbers[row]] + [f"place {code}" for code in codes[row]]
            cells += [" ".join(WORDS[k] for k in words[row])] if text else []
            file.write(",".join([*cells, said[row]]) + "\n")


def measure(command: list[str], home: Path) -> tuple[float, float, float]:
    """Run a command; return its CPU seconds, the clock's, and the megabytes that it and all it starts held at most."""
    held = {**os.environ, "PLAIT_CACHE": str(home)}
    began, most = time.monotonic(), 0
    program = subprocess.Popen([sys.executable, "-m", "plait", *command], env=held, stdout=subprocess.DEVNULL)
    ended, status, used = os.wait4(program.pid, os.WNOHANG)
    while not ended:
        most = max(most, hold(program.pid))
        time.sleep(0.1)
        ended, status, used = os.wait4(program.pid, os.WNOHANG)
    program.returncode = os.waitstatus_to_exitcode(status)
    if program.returncode:
        raise SystemExit(f"plait {' '.join(command)} ended with {program.returncode}")
    return used.ru_utime + used.ru_stime, time.monotonic() - began, max(most, used.ru_maxrss) / 1024


def hold(process: int) -> int:
    """Return the kilobytes that a process and those it has started hold, as Linux tells them."""
    try:
        told = Path(f"/proc/{process}/status").read_text()
        started = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:  # it has ended
        return 0
    own = [int(line.split()[1]) for line in told.splitlines() if line.startswith("VmRSS:")]
    return sum(own) + sum(hold(int(child)) for child in started)


def race(rows: int, num: int, limit: int) -> None:
    """Print the accuracy on the test rows, a tenth of all, and what it took."""
    import pyarrow.csv
    import pyarrow.parquet
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(0)
    numbers, part = draw.normal(size=(rows, num)).round(4), np.resize(["test", "val", *["train"] * 8], rows)
    told = numbers[:, 0] * numbers[:, 1] + numbers[:, 2] + np.abs(numbers[:, 3]) - 0.8 + draw.normal(size=rows)
    sold, tested = np.where(told > 0, "yes", "no"), part == "test"
    for learner in (HistGradientBoostingClassifier(random_state=0), LogisticRegression()):
        began = time.process_time()
        score = learner.fit(numbers[~tested], sold[~tested]).score(numbers[tested], sold[tested])
        print(f"{type(learner).__name__:32} {score:.4f}  {time.process_time() - began:6.1f} CPU s", flush=True)
    with tempfile.TemporaryDirectory() as place:
        table, run = Path(place, "table.csv"), Path(place, "run")
        columns = {**{f"n{k}": numbers[:, k] for k in range(num)}, "split": part, "sold": sold}
        pyarrow.csv.write_csv(pyarrow.table(columns), table)
        asked = ["fit", str(table), "--target", "sold", "--split", "split", "--time-limit", str(limit)]
        seconds, clock, memory = measure([*asked, "--out", str(run)], Path(place, "cache"))
        answers = pyarrow.parquet.read_table(run / "predictions.parquet").to_pylist()
        right = [row["prediction"] == row["target"] for row in answers if row["split"] == "test"]
        score = float(np.mean(right))
        print(f"{'plait':32} {score:.4f}  {seconds:6.1f} CPU s, {clock:.0f} s, {memory:.0f} MB")


def main() -> None:
    """Measure, and print a line for each step and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="1000,10000,100000")
    parser.add_argument("--numbers", type=int, default=12)
    parser.add_argument("--no-text", action="store_true")
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--steps", default="show,check,fit,predict,evaluate,explain")
    parser.add_argument("--race", type=int, metavar="ROWS")
    chosen = parser.parse_args()
    if chosen.race:
        race(chosen.race, chosen.numbers, chosen.limit)
        return
    sizes, before = [200, *map(int, chosen.rows.split(","))], dict[str, tuple[int, float]]()
    for rows in sizes:
        with tempfile.TemporaryDirectory() as place:
            table, run, home = Path(place, "table.csv"), f"{place}/run", Path(place, "cache")
            write_table(table, rows, chosen.numbers, not chosen.no_text)
            fit = ["fit", str(table), "--target", "sold", "--out", run, "--time-limit", str(chosen.limit)]
            asked = {
                "show": ["show", str(table), "--target", "sold"],
                "check": ["check", str(table), "--target", "sold"],
                "fit": fit,
                "predict": ["predict", run, str(table), "--out", f"{place}/answers.csv"],
                "evaluate": ["evaluate", run, str(table)],
                "explain": ["explain", run, str(table)],
            }
            for step in chosen.steps.split(","):
                seconds, clock, memory = measure(asked[step], home)
                grown = ""
                if step in before and rows > sizes[1]:
                    few, less = before[step]
                    start = before[f"{step} start"][1]
                    grown = f"rows^{math.log(max(seconds - start, 0.01) / max(less - start, 0.01), rows / few):.2f}"
                print(
                    f"{step:9} {rows:8,} rows  {seconds:7.1f} CPU s {clock:6.0f} s  {memory:6.0f} MB  {grown}",
                    flush=True,
                )
                before[step if rows > sizes[0] else f"{step} start"] = rows, seconds


if __name__ == "__main__":
    main()
