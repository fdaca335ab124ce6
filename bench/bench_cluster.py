"""Predictions on processes of this machine and on Ray: the same bytes, what it costs, memory, and kills.

A run is fitted on a table that is made here (texts of 30 words, four columns of numbers), and asked in this process, on
`local:2`, and on a Ray cluster of this machine. Parts by --only NAME:

- `overhead`: CPU seconds of the tasks, of the driver and of all that belongs to it, beside the start (processes that
  open the run). Expected on Ray: at most 1.15 times those in this process; a start of at most 10.
- `memory`: the driver's memory over 100,000 rows. Expected: it grows by at most 30 MB from a tenth of the rows to all.
- `kills`: 5,000 rows, with a process killed at three random moments, on local:2 and on Ray; then a whole node of two,
  and the driver. Expected: the same bytes as in this process, and at most one task a kill done again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
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


def family() -> dict[int, float]:
    """Return {process: CPU seconds} of this process and all that come of it."""
    found = processes()
    mine, before = {os.getpid()}, 0
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
        candidates="classic",
        encoders={"text": "tfidf"},
        report=False,
    )
    return folder / "run"


def overhead(run: Path) -> None:
    """Print CPU seconds of tasks, and of the start, on each runner."""
    base = 0.0
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


def measure_memory(run: Path) -> None:
    """Print the driver's memory at a tenth of the rows and at the end."""
    table = make_table(100_000, 3)
    for on in ("local:2", "ray"):
        seen: dict[int, float] = {}

        def look(event: dict[str, Any], seen: dict[int, float] = seen) -> None:
            if "done" in event:
                seen[event["done"]] = memory()

        before = memory()
        plait.predict(run, table, out=run.parent / "out.csv", on=on, callback=look)
        tenth = next(held for done, held in seen.items() if done >= 10_000)
        last = seen[100_000]
        say(f"{on:8} before {before:.0f} MB, at a tenth {tenth:.0f} MB, at the end {last:.0f} MB: +{last - tenth:.0f}")


@contextlib.contextmanager
def killing(choose: Callable[[], list[int]], moments: int = 3) -> Iterator[list[int]]:
    """Kill one of the processes that `choose` gives, at random moments while the block runs; gives those killed."""
    killed: list[int] = []
    over, rng = threading.Event(), np.random.default_rng()

    def kill() -> None:
        while len(killed) < moments and not over.wait(float(rng.uniform(0.1, 1.0))):
            if found := choose():
                killed.append(int(rng.choice(found)))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(killed[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def named(word: str) -> list[int]:
    """Return the processes of this family whose command line holds a word."""
    found = []
    for pid in family():
        with contextlib.suppress(OSError):
            if word in Path(f"/proc/{pid}/cmdline").read_text():
                found.append(pid)
    return found


def kills(run: Path) -> None:
    """Print whether the answers are the same after processes, a node and the driver were killed."""
    table, folder = make_table(5000, 4), run.parent
    plait.predict(run, table, out=folder / "whole.csv")
    whole = (folder / "whole.csv").read_bytes()

    def said(what: str, out: Path, on: dict[str, Any], killed: int) -> None:
        same = out.read_bytes() == whole
        say(f"{what}: {killed} killed, {'the same bytes' if same else 'OTHER BYTES'}, {on}")

    for on, word in (("local:2", "plait.tasks.worker"), ("ray", "ray::_task")):
        with killing(lambda word=word: named(word)) as killed:  # type: ignore[misc]
            answers = plait.predict(run, table, out=folder / "out.csv", on=on)
        said(f"a process of {on}", folder / "out.csv", answers.on, len(killed))
    kill_node(run, table, said)
    for on in ("local:2", "ray"):
        kill_driver(run, on)
        assert not (folder / "driver.csv").exists()
        say(f"the driver on {on}: 1 killed, nothing half-written; asked again in this process:")
        answers = plait.predict(run, make_table(5000, 4), out=folder / "driver.csv")
        said("  now", folder / "driver.csv", answers.on, 0)
        (folder / "driver.csv").unlink()


def kill_node(run: Path, table: plait.Table, said: Callable[..., None]) -> None:
    """Predict on two nodes of this machine, one of which is killed."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        killed = []

        def kill(event: dict[str, Any]) -> None:
            if event.get("done", 0) >= 1500 and not killed:
                killed.append(node)
                cluster.remove_node(node, allow_graceful=False)

        answers = plait.predict(run, table, out=run.parent / "node.csv", on="ray", callback=kill)
        said("a node of two", run.parent / "node.csv", answers.on, len(killed))
    finally:
        del os.environ["RAY_ADDRESS"]
        cluster.shutdown()


def kill_driver(run: Path, on: str) -> None:
    """Kill a process that predicts, once it has begun."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import bench_cluster as b, plait\n"
        "plait.predict(sys.argv[2], b.make_table(5000, 4), out=sys.argv[3], on=sys.argv[4], "
        "callback=lambda event: print('at', event.get('done', 0), flush=True))"
    )
    words = [sys.executable, "-c", code, str(Path(__file__).parent), str(run), str(run.parent / "driver.csv"), on]
    driver = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert driver.stdout is not None
    for line in driver.stdout:
        if line.startswith("at ") and int(line.split()[1]) >= 1000:
            break
    driver.kill()
    driver.wait()
    driver.stdout.close()
    time.sleep(2)  # what it left behind ends by itself


def main() -> None:
    parser = argparse.ArgumentParser()
    parts: dict[str, Callable[[Path], None]] = {"overhead": overhead, "memory": measure_memory, "kills": kills}
    parser.add_argument("--only", choices=parts)
    only = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        run = fit_run(Path(folder))
        for name, part in parts.items():
            if only in (None, name):
                say(f"-- {name}")
                part(run)


if __name__ == "__main__":
    main()
