"""How long a start takes: the help, one prediction from a cold start, and one from a model in memory.

Makes a small table of real files and two runs in a temporary folder, one with a network for its winner and one with a
classic learner. A cold start is compared in turns with what it cannot do without, in seconds of the processor, with
compiled files as an installation has them; the median of the ratios counts:

    plait --help                           over an empty Typer program's --help    expected at most 1.3
    plait predict of one row, a network    over python -c "import torch"           expected at most 1.5
    plait predict of one row, classic      over python -c "import torch"           expected at most 2.2
    model.predict of one row, in memory    the median                              expected less than 100 ms
"""

from __future__ import annotations

import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROUNDS = 5
WARM = 60
EMPTY = """
import typer
app = typer.Typer(add_completion=False, rich_markup_mode=None)
@app.command()
def main() -> None: ...
app()
"""
ROW = {"photo": "0.png", "sound": "0.wav", "note": "a cold grey morning by the sea", "age": "23", "colour": "red"}
NOTES = ("a cold grey morning by the sea", "bright sunshine over dry hills")
PLAN = "parallel(photo, sound, text, tabular, by=concat)"


def make(folder: Path, rows: int = 60) -> Path:
    """Write a table of two classes with a picture, a sound, a sentence, a number and a word in each row."""
    import soundfile
    from PIL import Image

    generator = np.random.default_rng(0)
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*ROW, "label"])
        for row in range(rows):
            side = row % 2
            pixels = generator.integers(0, 60, (32, 32)).astype(np.uint8)
            pixels[:, :16] += np.uint8(150 * side)
            Image.fromarray(pixels).save(folder / f"{row}.png")
            wave = np.sin(2 * np.pi * (400 + 800 * side) * np.arange(8000) / 8000) / 2
            soundfile.write(folder / f"{row}.wav", wave + 0.05 * generator.standard_normal(8000), 8000)
            colour = ("red", "blue", "green")[row % 3]
            writer.writerow(
                [f"{row}.png", f"{row}.wav", f"{NOTES[side]}, {row}", 20 + 30 * side + row % 7, colour, side]
            )
    return folder / "table.csv"


def seconds(command: list[str], folder: Path) -> float:
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=own)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return taken


def main() -> None:
    import plait

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = make(folder)
        (folder / "empty.py").write_text(EMPTY, encoding="utf-8")
        network = plait.fit(table, target="label", out=folder / "network", fusion=PLAN, epochs=3, report=False)
        classic = plait.fit(table, target="label", out=folder / "classic", candidates=("classic",), report=False)
        print(f"winners: {network.facts['winner']}; {classic.facts['winner']}")
        cells = [word for name, value in ROW.items() for word in ("--cell", f"{name}={value}")]
        program = [sys.executable, "-m", "plait"]
        commands = {
            "empty": [sys.executable, "empty.py", "--help"],
            "help": [*program, "--help"],
            "torch": [sys.executable, "-c", "import torch"],
            "network": [*program, "predict", "network", *cells],
            "classic": [*program, "predict", "classic", *cells],
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(ROUNDS + 1):  # the first only fills the caches of the disk
            for name, command in commands.items():
                found = seconds(command, folder)
                if turn:
                    taken[name].append(found)
        for name, other, most in (("help", "empty", 1.3), ("network", "torch", 1.5), ("classic", "torch", 2.2)):
            ratio = statistics.median(a / b for a, b in zip(taken[name], taken[other], strict=True))
            own, base = statistics.median(taken[name]), statistics.median(taken[other])
            print(f"{name}: {ratio:.2f} times {other} ({own:.2f} s over {base:.2f} s, expected at most {most})")
        row = {name: [value] for name, value in ROW.items()}
        for model, what in ((network, "network"), (classic, "classic")):
            warm = []
            for _ in range(WARM):
                began = time.perf_counter()
                model.predict(row, folder=folder)
                warm.append(time.perf_counter() - began)
            middle = statistics.median(warm[WARM // 6 :]) * 1000
            print(f"one row in memory, {what}: {middle:.1f} ms in the median (expected less than 100)")


if __name__ == "__main__":
    main()
