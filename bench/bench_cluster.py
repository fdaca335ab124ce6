"""Predictions on processes of this machine and on Ray, what it costs and memory; fits on them; `bench_kills.py` kills.

A run is fitted on a table that is made here (texts of 30 words, four columns of numbers), and asked in this process, on
`local:2`, and on a Ray cluster of this machine. Parts by --only NAME:

- `overhead`: CPU seconds of the tasks, of the driver and of all that belongs to it, beside the start (processes that
  open the run). Expected on Ray: at most 1.15 times those in this process; a start of at most 10.
- `memory`: the driver's memory over 100,000 rows. Expected: it grows by at most 30 MB from a tenth of the rows to all.
- `same`: 200 rows of digits_hard (../shared/data), classic learners, networks alone and three plans, here, on `local:2`
  and on Ray with two nodes. Expected: the same candidates, losses and predictions to the last bit.
- `classic`: wall clock of classic learners on 10,000 rows with text, here and on `local:2`, on quiet cores. Expected:
  at most .6 of one process.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np

import plait
from plait.runs.load import open_model
from plait.runs.shared import each_block, set_up_model
from plait.tasks.runner import Runner, open_runner

WORDS = np.array(
    ["morning", "harbour", "silver", "window", "yellow", "garden", "letter", "winter", "engine", "candle", "marble"]
)
TICKS = os.sysconf("SC_CLK_TCK")
DIGITS = Path(__file__).parents[1] / "../shared/data/digits/digits_hard.csv"
WORK = "plait.runs.blocks:answer_block"


def say(*words: Any) -> None:
    """Print at once, since a part takes minutes."""
    print(*words, flush=True)


def make_table(rows: int, seed: int = 0) -> plait.Table:
    """Return texts and numbers that say a little about a label."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, rows)
    words = WORDS[rng.integers(0, len(WORDS), (rows, 30))]
    words[np.arange(rows), 0] = WORDS[label]
    table: dict[str, Any] = {"note": [" ".join(line) for line in words]}
    for number in range(4):
        table[f"n{number}"] = (rng.normal(size=rows) + label * (number == 0)).round(3)
    return plait.read({**table, "label": np.array(["a", "b", "c"])[label]})


def processes() -> dict[int, tuple[int, float]]:
    """Return {process: (its parent, CPU seconds of it and of children that ended)} of all that run."""
    found = {}
    for path in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            found[int(path.name)] = int(fields[1]), sum(map(int, fields[11:15])) / TICKS
    return found


def surroundings(pid: int) -> list[str]:
    """Return the environment that a process was started with."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0")
    return []


def family() -> dict[int, float]:
    """Return {process: CPU seconds} of this process and all that come of it; on Ray the tasks have no parent."""
    found, os.environ["BENCH_FAMILY"] = processes(), str(os.getpid())
    mine, before = {os.getpid(), *(pid for pid in found if f"BENCH_FAMILY={os.getpid()}" in surroundings(pid))}, 0
    while before != len(mine):
        before, mine = len(mine), mine | {pid for pid, (parent, _) in found.items() if parent in mine}
    return {pid: found[pid][1] for pid in mine if pid in found}


def spent() -> float:
    """Return CPU seconds of this process and all that come of it."""
    return sum(family().values())


def memory() -> float:
    """Return MB that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def fit_run(folder: Path) -> Path:
    """Fit classic learners on the table, and return the run."""
    plait.fit(
        make_table(1500),
        target="label",
        out=folder / "run",
        overwrite=True,
        candidates="classic",
        encoders={"text": "tfidf"},
        report=False,
    )
    return folder / "run"


def overhead(folder: Path) -> None:
    """Print CPU seconds of tasks, and of the start, on each runner."""
    base, run = 0.0, fit_run(folder)
    for on in ("here", "local:2", "ray"):
        begun = spent()
        model: Any = open_model(run)
        table, few = (model._fitting(make_table(rows, 1), model.modalities)[0] for rows in (20_000, 2048))
        with open_runner(on) as runner:
            setup = set_up_model(run, model, None, runner)
            for _ in runner.map(WORK, each_block([few], runner), setup=setup):
                pass
            started = spent()
            rows = sum(len(b["said"]["label"]["statuses"]) for b in blocks(runner, table, setup))
            tasks = spent() - started
        base = base or tasks
        say(f"{on:8} start {started - begun:5.1f} CPU s, {rows:,} rows {tasks:5.1f} CPU s, {tasks / base:.2f} times")


def blocks(runner: Runner, table: plait.Table, setup: Any) -> Iterator[dict[str, Any]]:
    """Return the answers of each block."""
    return runner.map(WORK, each_block([table], runner), setup=setup)


def measure_memory(folder: Path) -> None:
    """Print the driver's memory at a tenth of the rows and at the end."""
    table, run = make_table(100_000, 3), fit_run(folder)
    for on in ("local:2", "ray"):
        seen: dict[int, float] = {}

        def look(event: dict[str, Any], seen: dict[int, float] = seen) -> None:
            if "done" in event:
                seen[event["done"]] = memory()

        before = memory()
        plait.predict(run, table, out=folder / "out.csv", on=on, callback=look)
        tenth = next(held for done, held in seen.items() if done >= 10_000)
        last = seen[100_000]
        say(f"{on:8} before {before:.0f} MB, at a tenth {tenth:.0f} MB, at the end {last:.0f} MB: +{last - tenth:.0f}")


@contextlib.contextmanager
def two_nodes() -> Iterator[None]:
    """A Ray cluster of two nodes of this machine, each of one core."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        yield
    finally:
        del os.environ["RAY_ADDRESS"]
        cluster.shutdown()


def same(folder: Path) -> None:
    """Print whether a fit finds and answers the same on each runner."""
    table = plait.read(DIGITS)
    table = table.take(np.random.default_rng(0).permutation(len(table))[:200])
    options: dict[str, Any] = {"candidates": ["classic", "alone", "sequential", "tree"], "epochs": 2, "report": False}
    found: dict[str, Any] = {}
    for on in ("here", "local:2", "ray"):
        os.environ["PLAIT_CACHE"] = str(folder / f"cache-{on}")
        with two_nodes() if on == "ray" else contextlib.nullcontext():
            model: Any = plait.fit(table, target="digit", out=folder / f"same-{on}", on=on, **options)
        losses = [(one["name"], one["loss"]) for one in model.study.to_json()["candidates"]]
        found[on] = losses, np.asarray(model.predict(table).probabilities).tobytes()
        alike = found[on] == found["here"]
        say(f"{on:8} {len(losses)} candidates, {'the same' if alike else 'OTHER'} losses and predictions, {model.on}")


def classic(folder: Path) -> None:
    """Print the wall clock of classic learners here and on two processes, by turns."""
    rng, vocabulary = np.random.default_rng(0), np.array([f"w{number:x}" for number in range(20_000)])
    often = 1 / np.arange(1, 20_001)
    label = rng.integers(0, 3, 10_000)
    words = vocabulary[rng.choice(20_000, (10_000, 30), p=often / often.sum())]
    told = rng.random(10_000) < 0.5
    words[told, 0] = WORDS[:3][label[told]]
    columns: dict[str, Any] = {"note": [" ".join(line) for line in words]}
    columns |= {f"n{n}": (rng.normal(size=10_000) + label * (n == 0) * 0.7).round(3) for n in range(4)}
    table = plait.read({**columns, "label": np.array(["a", "b", "c"])[label]})
    walls: dict[str, float] = {}
    for on in ("here", "local:2"):
        began = time.perf_counter()
        options: dict[str, Any] = {"candidates": "classic", "encoders": {"text": "tfidf"}, "report": False, "on": on}
        plait.fit(table, target="label", out=folder / f"classic-{on}", **options)
        walls[on] = time.perf_counter() - began
        say(f"{on:8} {walls[on]:.0f} s, {walls[on] / walls['here']:.2f} times")


def main() -> None:
    parser = argparse.ArgumentParser()
    parts: dict[str, Callable[[Path], None]] = {"overhead": overhead, "memory": measure_memory, "same": same}
    parts |= {"classic": classic}
    parser.add_argument("--only", choices=parts)
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        for name, part in parts.items():
            if only in (None, name):
                say(f"-- {name}")
                part(Path(folder))


if __name__ == "__main__":
    main()
