"""plait beside what somebody would otherwise pick, on the same rows and the same split, one after another.

    python bench/rivals.py ../shared/data              all of it, and bench/RESULTS.md anew
    python bench/rivals.py ../shared/data --rows 300   a quick look, which is only printed

Each rival is a program of its own in bench/rivals/, so that its seconds hold its start and its memory is its own. Keras
and Hugging Face datasets get environments of their own in bench/, made on first use, unless --keras-python and
--datasets-python name a Python that has them.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROGRAMS = HERE / "rivals"
RESULTS = HERE / "RESULTS.md"
NOTES = ("<!-- notes -->", "<!-- end of notes -->")
NEEDS = {"keras": ["tensorflow-cpu==2.21.*"], "datasets": ["datasets==5.2.*", "pillow", "soundfile", "scipy"]}
PLAN = "parallel(image, audio)"
ARRAY_OPTIONS: list[dict[str, Any]] = [  # each a call that somebody may type
    {"fusion": PLAN},
    {"fusion": PLAN, "epochs": 10},
    {"fusion": PLAN, "epochs": 3},
    {"fusion": PLAN, "epochs": 2},
    {"candidates": ["classic"]},
]
TABLE_OPTIONS: list[dict[str, Any]] = [{"candidates": ["classic"]}, {"fusion": PLAN}]
MEDIA_ROWS = 2000
SIDES = (64, 224)


@dataclass
class Run:
    """What a program said, and what was seen of it from outside."""

    name: str
    seconds: float
    cpu: float
    peak: float  # MB, of the program and all that it started
    said: dict[str, Any] = field(default_factory=dict)
    failed: str = ""


def tree_memory(root: int) -> float:
    """Return the resident memory in MB of a process and all below it; 0 where there is no /proc."""
    parents: dict[int, int] = {}
    pages: dict[int, int] = {}
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return 0.0
    for number in numbers:
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            parents[number], pages[number] = int(fields[1]), int(fields[21])
        except (OSError, IndexError, ValueError):
            continue  # it ended meanwhile
    inside = {root}
    while more := {number for number, parent in parents.items() if parent in inside} - inside:
        inside |= more
    return sum(pages.get(number, 0) for number in inside) * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(name: str, command: list[str]) -> Run:
    """Run a program to its end and watch it. Its last line on stdout is JSON."""
    print(f"… {name}", file=sys.stderr, flush=True)
    peaks, over = [0.0], threading.Event()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, text=True)

        def watch() -> None:
            while not over.wait(0.1):
                peaks[0] = max(peaks[0], tree_memory(process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        taken = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        over.set()
        watcher.join()
        out.seek(0)
        err.seek(0)
        lines, errors = out.read().strip().splitlines(), err.read().strip().splitlines()
    own = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)  # of the largest process alone
    done = Run(name, taken, usage.ru_utime + usage.ru_stime, max(peaks[0], own))
    if process.returncode:
        done.failed = errors[-1] if errors else f"exit code {process.returncode}"
        print(f"  failed: {done.failed}", file=sys.stderr)
    else:
        done.said = json.loads(lines[-1])
        print(f"  {done.seconds:.1f} s, {done.said}", file=sys.stderr)
    return done


def find_python(name: str, given: str | None) -> str:
    """Return a Python that has what a rival needs; without one given, of an environment that is made on first use."""
    if given:
        return given
    place = HERE / f".venv-{name}"
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    ready = place / ".ready"
    if not ready.exists():
        print(f"… making {place.relative_to(HERE.parent)} with {', '.join(NEEDS[name])}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *NEEDS[name]], check=True)
        ready.touch()
    return str(python)


def spelt(options: dict[str, Any]) -> str:
    """Return the options as somebody types them in Python."""
    return ", ".join(f"{name}={value!r}" for name, value in options.items()) or "no option"


def shortened(table: Path, rows: int | None) -> Path:
    """Return a table of so many rows beside the same media, spread evenly; the table itself without a number."""
    if rows is None:
        return table
    with table.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    step = max(1, len(found) // rows)
    place = Path(tempfile.mkdtemp(prefix="rivals-")) / table.name
    for inside in table.parent.iterdir():
        if inside.is_dir():
            (place.parent / inside.name).symlink_to(inside)
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(found[0]))
        writer.writeheader()
        writer.writerows(found[::step][:rows])
    return place


# -- the comparisons ----------------------------------------------------------------------------------------------


def compare_arrays(table: Path, keras: str, place: Path) -> list[Run]:
    folder = place / "arrays"
    folder.mkdir()
    subprocess.run([sys.executable, str(PROGRAMS / "arrays.py"), str(table), str(folder)], check=True)
    runs = [
        run("Keras, two branches, 10 epochs", [keras, str(PROGRAMS / "keras_two_branch.py"), str(folder)]),
        run("PyTorch, the same by hand", [sys.executable, str(PROGRAMS / "torch_two_branch.py"), str(folder)]),
    ]
    program = str(PROGRAMS / "plait_arrays.py")
    return runs + [
        run(f"plait, {spelt(options)}", [sys.executable, program, str(folder), json.dumps(options)])
        for options in ARRAY_OPTIONS
    ]


def compare_tables(table: Path) -> list[Run]:
    first = run("scikit-learn, features by hand", [sys.executable, str(PROGRAMS / "sklearn_pipeline.py"), str(table)])
    program = str(PROGRAMS / "plait_table.py")
    return [first] + [
        run(f"plait, {spelt(options)}", [sys.executable, program, str(table), json.dumps(options)])
        for options in TABLE_OPTIONS
    ]


def compare_preparation(rows: int, python: str, place: Path) -> list[tuple[int, Run]]:
    folder = place / "media"
    folder.mkdir()
    subprocess.run([sys.executable, str(PROGRAMS / "media_files.py"), str(folder), str(rows)], check=True)
    runs = []
    for side in SIDES:
        words = [str(folder), str(rows), str(side)]
        runs.append((side, run("Hugging Face datasets, map", [python, str(PROGRAMS / "hub_prepare.py"), *words])))
        runs.append((side, run("plait, prepare", [sys.executable, str(PROGRAMS / "plait_prepare.py"), *words])))
    return runs


# -- what is written ----------------------------------------------------------------------------------------------


def table_of(header: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in [header, ["---"] * len(header), *rows]]
    return "\n".join(lines)


def accuracy_table(runs: list[Run]) -> str:
    rows = []
    for one in runs:
        if one.failed:
            rows.append([one.name, f"failed: {one.failed}", "", "", "", "", ""])
            continue
        won = f" ({one.said['winner']})" if "winner" in one.said else ""
        rows.append(
            [
                one.name + won,
                f"{one.said['accuracy']:.3f}",
                f"{one.seconds:.1f}",
                f"{one.said['seconds_fit']:.1f}",
                f"{one.cpu:.1f}",
                f"{one.peak:,.0f}",
                f"{one.said['parameters']:,}",
            ]
        )
    return table_of(["who", "accuracy", "seconds", "of them fit", "CPU seconds", "peak MB", "parameters"], rows)


def preparation_table(runs: list[tuple[int, Run]], num: int) -> str:
    rows = []
    for side, one in runs:
        if one.failed:
            rows.append([one.name, str(side), f"failed: {one.failed}", "", "", ""])
            continue
        each = f"{1000 * one.said['seconds_fit'] / num:.2f}"
        rows.append([one.name, str(side), each, f"{one.seconds:.1f}", f"{one.cpu:.1f}", f"{one.peak:,.0f}"])
    return table_of(["who", "side in px", "ms a row", "seconds with the start", "CPU seconds", "peak MB"], rows)


def verdict(runs: list[Run]) -> str:
    """Return a sentence for each array rival: the quickest plait that is at least as right, and how much it saves."""
    rivals = [one for one in runs if not one.name.startswith("plait") and not one.failed]
    ours = [one for one in runs if one.name.startswith("plait") and not one.failed]
    sentences = []
    for rival in rivals:
        as_right = [one for one in ours if one.said["accuracy"] >= rival.said["accuracy"]]
        if not as_right:
            sentences.append(f"No row of plait is as right as {rival.name}.")
            continue
        best = min(as_right, key=lambda one: one.seconds)
        sentences.append(
            f"{best.name}: {best.said['accuracy']:.3f} against {rival.said['accuracy']:.3f} of {rival.name}, "
            f"{rival.seconds / best.seconds:.1f} times fewer seconds, "
            f"{rival.cpu / best.cpu:.1f} times fewer CPU seconds, "
            f"1/{rival.said['parameters'] / best.said['parameters']:.0f} of the parameters, "
            f"1/{rival.peak / best.peak:.1f} of the memory."
        )
    return "\n".join(f"- {sentence}" for sentence in sentences)


def machine() -> str:
    """Return processor, cores and memory; no names of hosts or folders."""
    processor = platform.processor() or platform.machine()
    memory = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
        kilobytes = int(Path("/proc/meminfo").read_text().split()[1])
        memory = f", {kilobytes / 1e6:.0f} GB of memory"
    except (OSError, StopIteration, ValueError):
        pass  # not Linux, or a processor without a name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor}, {cores} cores{memory}, {platform.system()}"


def kept_notes() -> str:
    """Return what somebody wrote by hand between the marks of the last report."""
    text = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    _, start, rest = text.partition(NOTES[0])
    inside, end, _ = rest.partition(NOTES[1])
    return inside.strip("\n") if start and end else ""


def report(found: dict[str, Any], words: str, media_rows: int) -> str:
    """Return the whole of RESULTS.md."""
    everyone = [*found.get("arrays", []), *(one for runs in found.get("tables", {}).values() for one in runs)]
    everyone += [one for _, one in found.get("preparation", [])]
    versions = {"Python": platform.python_version()}
    for one in everyone:
        versions |= one.said.get("versions", {})
    parts = [
        "# plait beside others",
        "Made by `bench/rivals.py`; do not edit, except between the marks of the notes. Programs in `bench/rivals/`.",
        f"- date: {dt.date.today().isoformat()}\n- machine: {machine()}\n"
        f"- versions: {', '.join(f'{name} {version}' for name, version in versions.items())}\n"
        f"- command: `python bench/rivals.py {words}`",
        "Each ran alone, one after another. Seconds are those of the whole program, with its start; peak MB is the "
        "memory of the program and all it started. Everyone learns from the train rows and is scored on the same test "
        "rows, whose speakers are not heard in training. plait and the scikit-learn program also choose on the "
        "validation rows, which the networks of Keras and PyTorch have no use for. plait's parameters are those of its "
        "winner.",
    ]
    if "arrays" in found:
        parts += [
            "## The same arrays",
            "`digits.csv` as arrays: pictures of 64 × 64, sounds of one second at 8 kHz. Making the arrays is not "
            "counted for anyone.",
            accuracy_table(found["arrays"]),
            verdict(found["arrays"]),
        ]
    for name, runs in found.get("tables", {}).items():
        what = "the same files" if name == "digits.csv" else "noise, and 15 % of the cells of each column are empty"
        parts += [f"## The table `{name}`", f"From the files on: {what}.", accuracy_table(runs)]
    if "preparation" in found:
        parts += [
            "## Preparation alone",
            f"{media_rows:,} JPEGs of 640 × 480 and as many WAVs of two seconds at 16 kHz: decode, shrink to the side "
            "(3 : 4), log-mel of 64 bands, written to the disk. plait's milliseconds hold the look at 200 rows that "
            "fixes size and colours; datasets is told both.",
            preparation_table(found["preparation"], media_rows),
        ]
    notes = kept_notes()
    parts += ["## Notes", NOTES[0] + ("\n" + notes if notes else "") + "\n" + NOTES[1]]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"), help="folder with digits/")
    parser.add_argument("--rows", type=int, help="rows of each table and of the files, for a quick look")
    parser.add_argument("--keras-python", help="a Python that has TensorFlow")
    parser.add_argument("--datasets-python", help="a Python that has datasets, pillow, soundfile and scipy")
    parser.add_argument("--only", nargs="+", choices=("arrays", "tables", "preparation"), help="a part, only printed")
    asked = parser.parse_args()
    digits = asked.data / "digits"
    names = ("digits.csv", "digits_hard.csv")
    if not all((digits / name).is_file() for name in names):
        raise SystemExit(
            f"{asked.data} has no digits/digits.csv and digits/digits_hard.csv. This needs tables with the columns "
            "image, audio (paths), digit, and split (train, val, test): python bench/rivals.py FOLDER"
        )
    parts = asked.only or ["arrays", "tables", "preparation"]
    tables = {name: shortened((digits / name).resolve(), asked.rows) for name in names}
    media_rows = asked.rows or MEDIA_ROWS
    keras = find_python("keras", asked.keras_python) if "arrays" in parts else ""
    hub = find_python("datasets", asked.datasets_python) if "preparation" in parts else ""
    steps: dict[str, Callable[[Path], Any]] = {
        "arrays": lambda place: compare_arrays(tables["digits.csv"], keras, place),
        "tables": lambda place: {name: compare_tables(table) for name, table in tables.items()},
        "preparation": lambda place: compare_preparation(media_rows, hub, place),
    }
    found = {}
    with tempfile.TemporaryDirectory() as place:
        for part in parts:
            found[part] = steps[part](Path(place))
    words = "FOLDER" + (f" --rows {asked.rows}" if asked.rows else "")
    words += f" --only {' '.join(asked.only)}" if asked.only else ""
    text = report(found, words, media_rows)
    print(text)
    if not asked.rows and not asked.only:
        RESULTS.write_text(text, encoding="utf-8")
        print(f"written to {RESULTS.relative_to(HERE.parent)}", file=sys.stderr)


if __name__ == "__main__":
    main()
