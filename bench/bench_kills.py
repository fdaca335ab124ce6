"""Kills of a process that does tasks, of a node, of the command itself, at moments of preparation, study and predict.

A fit (pictures, numbers; classic learners, networks alone) and a prediction of 5,000 rows run on `local:2` and on a Ray
cluster of two nodes on this machine. A kill comes when so many tasks of a stage have begun, which --seed draws; every
task that begins is noted in a file, by whatever process does it; of preparation every block of pictures that is
decoded. A command that was killed is started again, and ended in one process. Expected: the same answers to the last
byte as where nothing was killed, and of each kill no task done again but the one of each process that it ended. Parts
by --only ENGINE-VICTIM, such as ray-node, and --what fit or predict.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import plait
from plait.models import rows
from plait.runs import shared

ROWS, MORE = 192, 5000  # of the fit, and of the prediction
BLOCKS = {"fit": 16, "predict": 256}  # rows in a task
KILLS = 3  # in each stage
MOMENTS = {"prepare": 7, "study": 12, "predict": 16}  # a kill comes at a task up to this one of its stage
STAGES = {"decode": "prepare", "learn": "study", "train_one": "study", "answer_block": "predict"}
PARTS = ("local-worker", "local-driver", "ray-worker", "ray-node", "ray-driver")
NOTING = """
import hashlib, os
def note(name, told):
    if "KILLS_LOG" not in os.environ:
        return
    with open(os.environ["KILLS_LOG"], "a") as file:
        file.write(f"{name} {hashlib.sha256(told).hexdigest()} {os.getpid()}\\n")
def note_decoding():
    from plait.models import kept_blocks, views
    if hasattr(views.View, "undisturbed"):
        return
    views.View.undisturbed = views.View.prepare
    def prepare(view, part, pool):
        if kept_blocks.is_decoded(view):
            cells = [part.cells(name) for name in view.modality.columns]
            note("decode", f"{view.name} {cells}".encode())
        return view.undisturbed(part, pool)
    views.View.prepare = prepare
if os.environ.get("KILLS_LOG"):
    from plait.tasks import wire, work
    do = work.Desk.do
    def noted(self, name, request):
        if "tables" in request:
            from plait.runs.shared import tables_of
            cells = [[table.cells(name) for name in table.names] for table in tables_of(request)]
            note(name.partition(":")[2], str(cells).encode())
        elif name.endswith(":prepare_rows"):
            note_decoding()
        else:
            note(name.partition(":")[2], b"".join(wire.pack(request)))
        return do(self, name, request)
    work.Desk.do = noted
"""


def make(folder: Path) -> None:
    """Write pictures and two tables that name them."""
    rng = np.random.default_rng(0)
    lines = ["photo,a,b,label"]
    for row in range(ROWS):
        label = int(rng.integers(0, 2))
        pixels = rng.integers(0, 200, (96, 96, 3), np.uint8)
        pixels[20:60, 20:60, label] += 12
        Image.fromarray(pixels).save(folder / f"{row}.png", compress_level=1)
        lines.append(f"{row}.png,{rng.normal() + label * 0.5:.3f},{rng.normal():.3f},{'no' if label else 'yes'}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    many = [f"{rng.integers(0, ROWS)}.png,{rng.normal():.3f},{rng.normal():.3f}," for _ in range(MORE)]
    (folder / "rows.csv").write_text("\n".join([lines[0], *many]) + "\n")


def drive(what: str, data: Path, out: Path, on: str) -> None:
    """Fit, or predict, in this process, and print where the work was done."""
    rows.CHUNK = shared.CHUNK = BLOCKS[what]
    if what == "fit" and "KILLS_LOG" in os.environ:
        importlib.import_module("sitecustomize").note_decoding()
    if what == "fit":
        options: dict[str, Any] = {"encoders": {"photo": "scratch"}, "epochs": 2, "report": False, "on": on}
        model = plait.fit(data / "table.csv", target="label", out=out, candidates=["classic", "alone"], **options)
        os.environ.pop("KILLS_LOG", None)  # these rows are no part of the fit
        plait.predict(model, data / "table.csv", out=out / "answers.csv")
        print(json.dumps(model.on))
    else:
        print(json.dumps(plait.predict(data / "base", data / "rows.csv", out=out.with_suffix(".csv"), on=on).on))


def start(what: str, data: Path, out: Path, on: str) -> subprocess.Popen[str]:
    words = [sys.executable, __file__, "--drive", what, str(data), str(out), on]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def begun(log: Path) -> list[tuple[str, str, int]]:
    """Return (stage, task, process) of each task that has begun."""
    lines = log.read_text().splitlines() if log.exists() else []
    told = [line.split() for line in lines if len(line.split()) == 3]
    return [(STAGES[name], task, int(pid)) for name, task, pid in told if name in STAGES]


@contextlib.contextmanager
def nodes(wanted: bool) -> Iterator[Any]:
    """A cluster of two nodes of one core each, where one is wanted."""
    if not wanted:
        yield None
        return
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        yield cluster
    finally:
        del os.environ["RAY_ADDRESS"]
        cluster.shutdown()


def kill(victim: str, driver: subprocess.Popen[str], pid: int, cluster: Any) -> None:
    if victim == "driver":
        driver.kill()
        driver.wait()
    elif victim == "node":
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        cluster.add_node(num_cpus=1)
    else:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def trial(part: str, what: str, data: Path, whole: bytes, rng: np.random.Generator) -> None:
    """Run, kill, go on, and print what became of it."""
    engine, _, victim = part.partition("-")
    place = Path(tempfile.mkdtemp(dir=data))
    out, log = place / "run", place / "log"
    os.environ |= {"PLAIT_CACHE": str(place / "cache"), "KILLS_LOG": str(log)}
    on, stages = "local:2" if engine == "local" else "ray", ["prepare", "study"] if what == "fit" else ["predict"]
    due = {stage: sorted(rng.choice(np.arange(1, MOMENTS[stage]), KILLS, replace=False)) for stage in stages}
    killed, hit = Counter[str](), set[str]()
    with nodes(engine == "ray") as cluster:
        driver = start(what, data, out, on)
        while driver.poll() is None:
            time.sleep(0.02)
            seen = begun(log)
            for stage in stages:
                of = [(task, pid) for name, task, pid in seen if name == stage]
                if killed[stage] < KILLS and len(of) >= due[stage][killed[stage]] and of[-1][0] not in hit:
                    kill(victim, driver, of[-1][1], cluster)
                    killed[stage] += 1
                    hit.add(of[-1][0])  # one task that ends its process again and again is an error, and no kill
                    if victim == "driver":
                        time.sleep(1)  # what it left behind ends by itself
                        last = sum(killed.values()) == KILLS * len(stages)
                        driver = start(what, data, out, "here" if last else on)
                    break
        told = (driver.stdout.read() if driver.stdout else "").strip()
    file = out / "answers.csv" if what == "fit" else out.with_suffix(".csv")
    same = "the same bytes" if file.exists() and file.read_bytes() == whole else "OTHER BYTES"
    moments = {stage: [int(one) for one in due[stage]] for stage in stages}
    print(f"{part} {what}: killed {dict(killed)} at {moments}, {same}, {told}", flush=True)
    tasks = begun(log)
    for stage in stages:
        times = Counter(task for name, task, _ in tasks if name == stage)
        print(f"    {stage}: {len(times)} tasks, {sum(times.values()) - len(times)} done again", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--what", choices=tuple(BLOCKS), nargs="+", default=tuple(BLOCKS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drive", nargs=4)
    asked = parser.parse_args()
    if asked.drive:
        what, data, out, on = asked.drive
        drive(what, Path(data), Path(out), on)
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        make(data)
        (data / "sitecustomize.py").write_text(NOTING)
        own = [str(data), str(Path(plait.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
        os.environ |= {"RAY_raylet_start_wait_time_s": "120"}  # of busy cores
        os.environ |= {"PYTHONPATH": os.pathsep.join(own), "PLAIT_CACHE": str(data / "cache"), "OMP_NUM_THREADS": "1"}
        whole = {}
        for what, out in (("fit", data / "base"), ("predict", data / "all")):
            if what == "predict" not in asked.what:
                continue
            assert start(what, data, out, "here").wait() == 0
            whole[what] = (out / "answers.csv" if what == "fit" else out.with_suffix(".csv")).read_bytes()
        for part in asked.only:
            for what in asked.what:
                trial(part, what, data, whole[what], np.random.default_rng([asked.seed, PARTS.index(part)]))


if __name__ == "__main__":
    main()
