"""Whether the verdict can be trusted: how often it claims what is not so, and how often it finds what is.

Most settings draw tables of blocks of columns, of which each is a modality, and run the study with its classic
candidates, late fusion and ensembles, over the split that plait draws. `groups` and `equal` draw what two candidates
answer, where a table would only add noise. 400 tables a setting; intervals after Clopper and Pearson. The two learners
of trees take two thirds of the time of a study and choose nothing on test rows: only `--whole` has them.

Each verdict is appended to a file as it comes. A run that was stopped goes on where it was; `--num 0` only counts.

`demo` makes README's table and model, and tries on its test rows every way to use one modality a row.

    python bench/bench_verdict.py [--only noise-150 --only groups-6] [--num 400] [--out bench/RESULTS.md]
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from plait.core.options import FitOptions
from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.learners import LEARNERS
from plait.models.rows import prepare
from plait.models.views import fit_views
from plait.proof.paired import Yardstick
from plait.proof.verdict import Contest, Side, judge
from plait.study.folds import cross_validate
from plait.study.job import Fit
from plait.study.labels import Labels
from plait.study.networks import Study
from plait.study.search import Search
from plait.study.splits import choose_splits

FAMILIES = ("classic", "late", "ensemble")
FEATURES = 5  # of each block, of deviation 1
LEARNERS_OF = {"ridge": "logistic regression", "neighbours": "nearest neighbours"}
QUICK = ("logistic regression", "SVM", "nearest neighbours")
KEPT = Path("build/bench_verdict.jsonl")


@dataclass(frozen=True)
class Drawn:
    """One simulated table. blocks[name]: (rows, feature); present[name]: (rows,) bool; target: (rows,) class codes."""

    blocks: dict[str, np.ndarray]
    present: dict[str, np.ndarray]
    target: np.ndarray
    seed: int


def draw_table(
    seed: int,
    rows: int = 600,
    shifts: Sequence[float] = (1.2, 0.0),
    holes: float = 0.0,
    copy: float | None = None,
    classes: int = 4,
    common: float | None = None,
) -> Drawn:
    """Draw a table of modalities a, b, …: feature c of a block is raised by its shift in class c.

    holes: share of rows without a modality. copy: b is a and so much noise. common: share of the first class.
    """
    generator = np.random.default_rng([seed, rows, len(shifts), round(1000 * sum(shifts))])
    shares = None if common is None else [common, *[(1 - common) / (classes - 1)] * (classes - 1)]
    target = generator.choice(classes, rows, p=shares)
    blocks, present = {}, {}
    for name, shift in zip("abcdefgh", shifts, strict=False):
        values = generator.standard_normal((rows, FEATURES))
        values[np.arange(rows), target] += shift
        if copy is not None and name != "a":
            values = blocks["a"] + copy * generator.standard_normal((rows, FEATURES))
        blocks[name], present[name] = values, generator.random(rows) >= holes
    return Drawn(blocks, present, target, seed)


def job_of(table: Drawn, **options: Any) -> Fit:
    """Return the fit of a table, ready to be searched."""
    columns: dict[str, list[Any]] = {"y": [f"class {code}" for code in table.target]}
    blocks: dict[str, list[str]] = {}
    for name, values in table.blocks.items():
        blocks[name] = [f"{name}{place}" for place in range(values.shape[1])]
        for column, numbers in zip(blocks[name], values.T, strict=True):
            cells = zip(numbers.tolist(), table.present[name], strict=True)
            columns[column] = [number if there else None for number, there in cells]
    data = read(columns)
    kinds = {column: "number" for names in blocks.values() for column in names}
    schema = detect(data, target="y", modalities=blocks, kinds=kinds)
    labels = Labels.find(data, schema)
    labels.settle_metric(None)
    chosen = FitOptions(**{"candidates": FAMILIES, "seed": table.seed, **options})
    return Fit(data, schema, chosen, Path("never written"), labels)


def search_of(job: Fit, split: np.ndarray) -> Search:
    """Return the search over one split."""
    assert job.labels is not None
    train = np.flatnonzero(split == "train")
    views = fit_views(job.table, job.schema, train, {}, np.random.default_rng(job.options.seed))
    job.labels.learn_from(train, False)
    return Search(Study(job, prepare(job.table, views), split))


def fit_table(table: Drawn, folds: int | None = None) -> dict[str, Any]:
    """Run the study over the split that plait draws, or by folds, and return its verdict."""
    job = job_of(table, **({"folds": folds, "candidates": ("classic",)} if folds else {}))
    assert job.labels is not None
    if folds:
        return dict(cross_validate(partial(search_of, job), job)["verdict"])
    generator = np.random.default_rng([table.seed, 1])
    search = search_of(job, choose_splits(job.table, job.schema, job.labels.codes, True, generator))
    return search.verdict(search.run()).to_json()


@contextmanager
def only_learners(names: Sequence[str]) -> Iterator[None]:
    every = LEARNERS["classification"]
    LEARNERS["classification"] = {name: every[name] for name in names}
    try:
        yield
    finally:
        LEARNERS["classification"] = every


def draw_answers(seed: int, rows: int = 200, gain: float = 0.0, groups: int = 0, spread: float = 0.0) -> dict[str, Any]:
    """Return the verdict on drawn answers: what combines is right more often by the gain, by more or less in a group.

    groups: of sizes after Zipf, of which each has a gain of its own, with this spread.
    """
    generator = np.random.default_rng([seed, rows, groups])
    sizes = 1 / np.arange(1, groups + 1) if groups else np.ones(rows)
    unit = np.repeat(np.arange(len(sizes)), np.maximum(1, np.round(rows * sizes / sizes.sum()).astype(int)))
    own = gain + spread * generator.standard_normal(len(sizes)) if groups else np.full(len(sizes), gain)
    easy = generator.random(len(unit))  # what both know
    apart = generator.random(len(unit)) < 0.25  # rows on which they go ways of their own
    one = np.where(apart, generator.random(len(unit)), easy) < 0.8
    more = np.where(apart, generator.random(len(unit)), easy) < np.clip(0.8 + own[unit], 0, 1)
    truth = np.array(["right"] * len(unit), object)
    sides = [
        Side(name, np.column_stack([right, ~right]).astype(float), np.ones(len(unit), bool))
        for name, right in (("both", more), ("a", one))
    ]
    yardstick = Yardstick("accuracy", truth, ["right", "wrong"], unit if groups else None)
    return judge(Contest(sides[0], {"a": sides[1]}, yardstick), generator).to_json()


@dataclass(frozen=True)
class Setting:
    """What is drawn, and which code must be rare, or common."""

    draw: Callable[..., Any]
    options: dict[str, Any]
    code: tuple[str, ...]
    expected: str
    folds: int | None = None
    learner: str = ""

    def verdict(self, seed: int, whole: bool) -> dict[str, Any]:
        drawn = self.draw(seed, **self.options)
        if isinstance(drawn, dict):
            return drawn
        learners = [LEARNERS_OF[self.learner]] if self.learner else LEARNERS["classification"] if whole else QUICK
        with only_learners(list(learners)):
            return fit_table(drawn, self.folds)


FALSE, RARE = ("helps", "hurts"), "lower end at most 5 %"


def table(code: tuple[str, ...] = FALSE, expected: str = RARE, **options: Any) -> Setting:
    return Setting(draw_table, options, code, expected)


# gains over the better of two, 61.4 %, of one who knows how the classes were drawn
SHIFTS = {5: 0.656, 8: 0.854, 11: 1.033, 14: 1.2}

SETTINGS = {
    **{f"groups-{n}": Setting(draw_answers, {"groups": n, "spread": 0.1}, FALSE, RARE) for n in (6, 10, 40)},
    **{
        f"equal-3-points-{rows}": Setting(draw_answers, {"rows": rows, "gain": 0.03}, ("equal",), RARE)
        for rows in (600, 3000, 12_000)
    },
    "noise-150": table(rows=150),
    "noise-600": table(rows=600),
    "noisy-copy": table(copy=0.5),
    "copies-with-holes": table(copy=0.0, holes=0.15),
    "five-modalities": table(shifts=(1.2, 0, 0, 0, 0)),
    "95-5": table(classes=2, common=0.95, rows=600),
    **{
        f"folds-{rows}-{learner}": Setting(draw_table, {"rows": rows}, FALSE, RARE, 5, learner)
        for rows in (120, 300)
        for learner in LEARNERS_OF
    },
    "power": table(("helps",), "at least 60 %", shifts=(1.2, 1.2)),
    **{
        f"curve-{points}-{rows}": table(("helps",), "for the documents", rows=rows, shifts=(1.2, SHIFTS[points]))
        for points in (5, 8, 11)
        for rows in (150, 600, 2000)
    },
}


def one(seed: int, name: str, whole: bool) -> dict[str, Any]:
    """Return what is kept of a verdict."""
    from threadpoolctl import threadpool_limits

    began = time.process_time()
    with threadpool_limits(1):  # two processes already share the cores
        said = SETTINGS[name].verdict(seed, whole)
    values = {" ".join(one["rule"]): round(one["value"], 4) for one in said["opponents"]}
    kept = {key: said[key] for key in ("code", "metric", "p", "value")}
    seconds = round(time.process_time() - began, 2)
    return {"seed": seed, **kept, "opponents": values, "seconds": seconds}


def draw(pool: ProcessPoolExecutor, name: str, num: int, kept: Path, whole: bool) -> list[dict[str, Any]]:
    """Return so many verdicts of a setting, and at least those that are kept; each new one is kept at once."""
    setting = SETTINGS[name]
    key = {"setting": name, "whole": whole, "options": json.dumps(setting.options)}
    lines = kept.read_text("utf-8").splitlines() if kept.exists() else []
    found = [fact for fact in map(json.loads, lines) if fact.items() >= key.items()]
    seeds = sorted({*range(num)} - {fact["seed"] for fact in found})
    if not seeds:
        return found
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8", buffering=1) as file:
        for fact in pool.map(partial(one, name=name, whole=whole), seeds, chunksize=5):
            found.append({**key, **fact})
            file.write(json.dumps(found[-1]) + "\n")
    return found


def gain(found: Sequence[dict[str, Any]]) -> str:
    """Return by how many points what combines is ahead, on average, of the rule that is best on average."""
    tested = [fact for fact in found if fact["value"] is not None and fact.get("metric") == "accuracy"]
    rules: dict[str, list[float]] = {}
    for fact in tested:
        for rule, value in fact["opponents"].items():
            rules.setdefault(rule, []).append(value)
    best = max((float(np.mean(values)) for values in rules.values() if len(values) > len(tested) / 2), default=np.nan)
    if not tested:
        return ""
    ahead = 100 * (float(np.mean([fact["value"] for fact in tested])) - best)
    return f"; combining is {ahead:+.1f} points ahead on average"


def share(hits: int, num: int) -> tuple[float, float, float]:
    """Return a share and its 95 % interval (Clopper and Pearson 1934)."""
    from scipy.stats import binomtest

    ends = binomtest(hits, num).proportion_ci(0.95)
    return hits / num, float(ends.low), float(ends.high)


def try_demo() -> str:
    """Make README's table and model, and return how every way to use one modality a row does on its test rows."""
    import pyarrow.parquet

    import plait
    from plait.demo import make_demo

    with tempfile.TemporaryDirectory() as folder:
        data = plait.read(make_demo(Path(folder) / "digits", rows=600))
        asked = {"target": "digit", "group": "voice", "ignore": ["id"], "epochs": 20, "refit": "none"}
        model = plait.fit(data, out=Path(folder) / "run", report=False, **asked)
        answered = pyarrow.parquet.read_table(Path(folder) / "run" / "predictions.parquet").to_pylist()
        rows = [fact["row"] for fact in answered if fact["split"] == "test"]
        truth = np.array([str(fact["target"]) for fact in answered if fact["split"] == "test"])
        said, there = {}, {}
        for name in model.modalities:
            answers = model.use(name).predict(data[rows])
            said[name] = np.array([str(label) for label in answers.labels])
            there[name] = np.array([status != "failed" for status in answers.status])
    rules = {}
    for num in range(1, len(said) + 1):
        for order in itertools.permutations(said, num):
            choice = np.full(len(rows), "", said[order[0]].dtype)
            for name in reversed(order):
                choice = np.where(there[name], said[name], choice)
            rules[", else ".join(order)] = float((choice == truth).mean())
    verdict = model.study.verdict
    best = max(rules, key=lambda rule: rules[rule])
    named = ", else ".join(verdict["single"]["rule"])
    beaten = "WRONG" if rules[best] > verdict["single"]["value"] + 1e-9 else "none beats it"
    every = "; ".join(f"{rule} {100 * value:.1f} %" for rule, value in sorted(rules.items(), key=lambda item: -item[1]))
    return (
        f"- demo: {verdict['sentence']} Of {len(rules)} rules the best is {best}, {100 * rules[best]:.1f} %; the "
        f"verdict names {named}, {100 * verdict['single']['value']:.1f} %: {beaten}. {every}."
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=[*SETTINGS, "demo"])
    parser.add_argument("--num", type=int, default=400)
    parser.add_argument("--whole", action="store_true", help="with all learners, trees too")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where each verdict is kept")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(given)
    pool = ProcessPoolExecutor(min(2, os.cpu_count() or 1), multiprocessing.get_context("spawn"))
    wrong = total = 0
    lines = []
    for name in asked.only or [*SETTINGS, "demo"]:
        if name == "demo":
            lines.append(try_demo())
            print(lines[-1], flush=True)
            continue
        setting = SETTINGS[name]
        found = draw(pool, name, asked.num, asked.kept, asked.whole)
        if not found:
            continue
        codes, num = Counter(fact["code"] for fact in found), len(found)
        hits = sum(codes[code] for code in setting.code)
        value, low, high = share(hits, num)
        if setting.code == FALSE:
            wrong, total = wrong + hits, total + num
        every = ", ".join(f"{code} {times}" for code, times in codes.most_common())
        lines.append(
            f"- {name}: {' or '.join(setting.code)} {100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f}), "
            f"expected {setting.expected}; of {num}: {every}{gain(found)} "
            f"; {np.mean([fact['seconds'] for fact in found]):.1f} CPU s each"
        )
        print(lines[-1], flush=True)
    pool.shutdown()
    if total:
        value, low, high = share(wrong, total)
        lines.append(f"- false claims pooled: {100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f}), at most 5 %")
        print(lines[-1])
    if asked.out:
        with asked.out.open("a", encoding="utf-8") as file:
            file.write("\n".join(["", "## The verdict (bench_verdict.py)", "", *lines, ""]))


if __name__ == "__main__":
    main()
