"""What one space for all kinds finds, what it costs, and whether an index survives.

digits    degraded digits of ../shared/data, speakers disjoint: a fit of networks alone, class mAP both ways
pairs     the same without a label: `fit --pairs`, class mAP measured afterwards
clothing  reviews and the numbers beside them: the very row, R@10 both ways
demo      the demo's table with a noisy number and a category, drawn twice: all twelve directions, a query of two cells,
          `--in any`
search    CPU ms of a query among 100,000 vectors of 256
lance     the same among 300,000, beside an index of LanceDB
kills     SIGKILL while rows are added: every acknowledged row is found, none twice

Fits are kept in --folder and not done again. Figures are in CPU seconds of this process.

    python bench/bench_space.py [--only search --only kills] [--folder bench-space] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import plait
from plait.demo import make_demo
from plait.runs.embedding import Head, Space, read_features
from plait.runs.load import open_one
from plait.runs.model import Model
from plait.space.exact import Found, nearest_exact
from plait.space.index import ENGINES, Index, load_index
from plait.space.keep import lessons_of
from plait.space.lance import Lance
from plait.space.learn import learn_space
from plait.space.lesson import lesson_of
from plait.space.shards import Shard
from plait.space.together import measure_together, say_together

DATA = Path(__file__).parents[2] / "shared" / "data"


def fitted(place: Path, table: Any, **options: Any) -> Model:
    """Return the model of a run folder, fitted where it is not there."""
    if (place / "run.json").exists():
        return open_one(place, "a space holds")
    began = time.process_time()
    plait.fit(table, out=place, **options)
    print(f"{place.name}: fitted in {time.process_time() - began:.0f} CPU s", flush=True)
    return open_one(place, "a space holds")


def indexed(model: Model, source: Any, aim: str) -> Index:
    """Return an index in memory, and say what its space cost on top of the fit, and what it finds."""
    table = plait.read(source)
    began = time.process_time()
    read = read_features(model, table, before=aim == "rows")
    lesson, proof = lessons_of(model, table, read)
    learned = time.process_time()
    space = learn_space(lesson, aim, proof=proof)
    ended = time.process_time()
    twice = "" if proof is None else ", by the run and as it was proven"
    print(f"{len(table)} rows: read in {learned - began:.1f} CPU s{twice}; CCA and heads in {ended - learned:.1f}")
    print("\n".join(space.say()), flush=True)
    index = Index(model, space)
    index.put(read)
    return index


def digits(folder: Path, data: Path) -> None:
    table = data / "digits" / "digits_hard.csv"
    options: dict[str, Any] = {"split": "split", "group": "speaker", "ignore": ["id"], "report": False}
    model = fitted(folder / "digits", table, target="digit", candidates=["alone"], epochs=15, **options)
    indexed(model, table, "kind")


def pairs(folder: Path, data: Path) -> None:
    table = data / "digits" / "digits_hard.csv"
    ignore = ["id", "digit"]
    model = fitted(folder / "pairs", table, pairs=True, split="split", group="speaker", ignore=ignore)
    whole = plait.read(table)
    test = whole.take([row for row, part in enumerate(whole.cells("split")) if part == "test"])
    scores = plait.index(model, test).evaluate(test, label="digit")
    print("\n".join(one["sentence"] for one in scores["directions"].values()), flush=True)


def clothing(folder: Path, data: Path) -> None:
    table = data / "clothing" / "train.csv"
    model = fitted(folder / "clothing", table, target="Recommended IND", candidates=["alone"], report=False)
    index = indexed(model, table, "rows")
    for name, one in index.evaluate(data / "clothing" / "test.csv")["directions"].items():
        print(f"{name}: R@10 {one['paired']['r10']:.3f} of {one['queries']}, chance {10 / one['gallery']:.4f}")


def write_four(folder: Path, seed: int, rows: int = 1000) -> Path:
    """Write the demo's table with a number (the digit and noise) and a colour, 15 % of each absent."""
    draw = random.Random(1 + seed)
    with make_demo(folder, rows=rows, seed=seed).open(newline="") as file:
        lines = list(csv.DictReader(file))
    colours = ("red", "green", "blue", "white", "black")
    for line in lines:
        digit = int(line["digit"])
        right = colours[digit // 2] if draw.random() < 0.6 else draw.choice(colours)
        line["number"] = "" if draw.random() < 0.15 else f"{digit + draw.gauss(0, 2):.2f}"
        line["colour"] = "" if draw.random() < 0.15 else right
    path = folder / "four.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
    return path


def demo(folder: Path, data: Path) -> None:
    for seed in range(2):
        table = write_four(folder / f"four-{seed}", seed)
        find_demo(folder / f"demo-{seed}", table)


def find_demo(place: Path, table: Path) -> None:
    options: dict[str, Any] = {"split": "split", "group": "voice", "ignore": ["id"], "report": False, "refit": "none"}
    model = fitted(place, table, target="digit", candidates=["alone"], epochs=10, **options)
    index = indexed(model, table, "kind")
    whole = plait.read(table)
    rows = [row for row, part in enumerate(whole.cells("split")) if part == "test"]
    test = whole.take(rows)
    read = read_features(model, test)
    told = measure_together(index.space, lesson_of(model, test, read), index.mix, "kind")
    print("\n".join([one["sentence"] for one in told.values()] + [say_together(told)]))
    hits = index.search(test.take(range(50)), top=10)
    kinds = [len({hit["kind"] for hit in query["hits"]}) for query in hits.queries if query["hits"]]
    print(f"any: {min(kinds)} to {max(kinds)} of 4 kinds among the first ten", flush=True)


def search(folder: Path, data: Path, rows: int = 100_000, dim: int = 256) -> None:
    generator = np.random.default_rng(0)
    vectors = generator.standard_normal((rows, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "shard.f32"
        vectors.tofile(path)
        mapped = np.memmap(path, np.float32, "r", shape=(rows, dim))
        head = Head("", np.zeros(1), np.ones(1), np.zeros((1, dim)))
        index = Index(None, Space("cca", "rows", "", {"text": head}))  # type: ignore[arg-type]
        index.shards = [Shard({"text": mapped}, {"text": np.arange(rows)}, {}, {})]
        queries = vectors[:50] + 0.1 * generator.standard_normal((50, dim), dtype=np.float32)
        index.nearest(queries[:1], "text", 10)
        began, right = time.process_time(), 0
        for row, query in enumerate(queries):
            right += int(index.nearest(query[None], "text", 10)[0][2][0] == row)
        spent = 1000 * (time.process_time() - began) / len(queries)
    print(f"search: {spent:.1f} CPU ms a query of {rows:,} × {dim}; the right one first in {right} of 50", flush=True)


def lance(folder: Path, data: Path, rows: int = 300_000, dim: int = 256) -> None:
    """Compare LanceDB with the exact search in vectors of 2,000 heaps, as those of real cells lie in heaps too."""
    generator = np.random.default_rng(0)
    heaps = generator.standard_normal((2000, dim), dtype=np.float32)
    vectors = heaps[generator.integers(0, len(heaps), rows)]
    vectors += 0.6 * generator.standard_normal((rows, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:50] + 0.1 * generator.standard_normal((50, dim), dtype=np.float32)
    shards = [Shard({"text": vectors}, {"text": np.arange(rows)}, {}, {})]
    wanted, spent = timed(lambda query: nearest_exact(shards, query, "text", 10), queries)
    print(f"exact: {spent:.1f} CPU ms a query of {rows:,} × {dim}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        began = time.process_time()
        made = Lance(Path(place), ["text"], {})
        made.settle(made.add(0, shards[0]))
        print(f"lancedb: made in {time.process_time() - began:.1f} CPU s", flush=True)
        found, spent = timed(lambda query: made.nearest(query, "text", 10, shards), queries)
    shared = [len({*one.tolist()} & {*other.tolist()}) for one, other in zip(found, wanted, strict=True)]
    print(f"lancedb: {spent:.1f} CPU ms a query; {np.mean(shared):.2f} of the ten nearest are found", flush=True)


def timed(nearest: Callable[[np.ndarray], list[Found]], queries: np.ndarray) -> tuple[list[np.ndarray], float]:
    """Return the places of the nearest for each query, and the CPU ms of one, after a first to warm up."""
    nearest(queries[:1])
    began = time.process_time()
    found = [nearest(query[None])[0][2] for query in queries]
    return found, 1000 * (time.process_time() - began) / len(queries)


def kills(folder: Path, data: Path, num: int = 20) -> None:
    kept = Path(__file__).parents[1] / "tests" / "kept"
    for engine in ENGINES:
        with tempfile.TemporaryDirectory() as name:
            place, draw, acknowledged = Path(name) / "index", random.Random(0), list[str]()
            run = shutil.copytree(kept / "network", Path(name) / "run")  # which a space is kept beside
            in_child(lambda run=run, place=place, engine=engine: make(run, place, engine))
            for turn in range(num):
                acknowledged += add_until_killed(place, turn, draw.uniform(0.01, 0.6))
                in_child(lambda place=place, turn=turn, told=[*acknowledged]: look_through(place, turn, told))
        print(
            f"kills, {engine}: {num} SIGKILLs, {len(acknowledged)} acknowledged rows, all found, none twice", flush=True
        )


def make(run: Path, place: Path, engine: str) -> None:
    plait.index(run, Path(__file__).parents[1] / "tests" / "kept" / "table" / "table.csv", place, engine=engine)


def look_through(place: Path, turn: int, acknowledged: list[str]) -> None:
    """Find every cell by a search for one, and compare with those that were acknowledged."""
    index = load_index(place)
    hits = index.search({"note": ["row"]}, into="text", top=100_000).queries[0]["hits"]
    cells = [hit["cell"] for hit in hits if hit["cell"].startswith("row ")]
    assert len(cells) == len({*cells}), f"turn {turn}: a row is there twice"
    assert {*acknowledged} <= {*cells}, f"turn {turn}: {len({*acknowledged} - {*cells})} rows are lost"


def in_child(work: Callable[[], None]) -> None:
    """Do something in a process of its own: who is to be forked again may not have loaded LanceDB."""
    if (child := os.fork()) == 0:
        try:
            work()
            os._exit(0)
        finally:
            traceback.print_exc()
            os._exit(1)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("a process of the bench has failed, as it says above.")


def add_until_killed(place: Path, turn: int, seconds: float) -> list[str]:
    """Add rows in a child that is killed after so long, and return those that it has acknowledged."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reader)
        index, row = load_index(place), 0
        index.add({"note": [f"row {turn} begins"]})  # which loads what is loaded late
        os.write(writer, b"ready\n")
        while True:
            cell = f"row {turn} {row}"
            index.add({"note": [cell, cell]})
            os.write(writer, f"{cell}\n".encode())
            row += 1
    os.close(writer)
    with os.fdopen(reader) as told:
        told.readline()
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines = told.read().splitlines(keepends=True)
    return [line.strip() for line in lines if line.endswith("\n")]


PARTS: dict[str, Callable[[Path, Path], None]] = {
    "digits": digits,
    "pairs": pairs,
    "clothing": clothing,
    "demo": demo,
    "search": search,
    "lance": lance,
    "kills": kills,
}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=PARTS, help="a part; repeat it; by default search and kills")
    parser.add_argument("--folder", type=Path, default=Path("bench-space"))
    parser.add_argument("--data", type=Path, default=DATA)
    given = parser.parse_args(words)
    for name in given.only or ("search", "kills"):
        print(f"-- {name}", flush=True)
        PARTS[name](given.folder, given.data)


if __name__ == "__main__":
    main()
