"""Whether probabilities hold for every set of modalities: log loss against the prior, ECE against its null band.

Tables of two blocks of columns: `xor` (each block alone says nothing), `evidence` (each says something), `noise`,
`rare` (noise, one row of five of the rarer class) and `holes` (evidence; 40 % of the rows lack a block). A forest, a
linear learner, a weighted vote and a network learn from 480 rows and are calibrated on 160; the first three learn in
five folds of all 640, are calibrated on all, and learn once more from them. Each set of modalities is asked on 500
others. "above the prior": the mean of log loss − that of the prior, with 95 % of its error. The band of the ECE is what
a report shows: of 95 in 100 draws of rows that are right as often as the model says. Even of answers that one
temperature would make true, 14 in 100 lie above the band where it is fitted on 160 rows, and 4 in 100 where it is
fitted on 640 (`--drawn`).

    python bench/bench_calibration.py [--only xor] [--model forest] [--num 5] [--first 0] [--out bench/RESULTS.md]
    python bench/bench_calibration.py --drawn
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench_verdict import Drawn, job_of, only_learners, search_of

from plait.core.contract import answer_subsets
from plait.models.calibration import MEAN_LUCK, apply_temperature, cross_fit_temperature, log_losses, softmax
from plait.models.predictors import present_in
from plait.proof.reliability import CALIBRATED, reliability
from plait.study.candidate import Candidate, best_of
from plait.study.search import Search

TRAIN, VAL, TEST = 480, 160, 500
TABLES = ("xor", "evidence", "noise", "rare", "holes")
MODELS = ("forest", "linear", "vote", "network")
LEARNERS = {
    "forest": ("random forest",),
    "linear": ("logistic regression",),
    "vote": ("logistic regression", "nearest neighbours"),
    "network": ("logistic regression",),  # which a study needs beside
}
SEEN = 0.001  # nats that anyone would see
# how far apart log odds lie, and the temperature that makes what is said of them true
DRAWN = ((1.0, 1.0), (1.0, 1.5), (1.0, 2.5), (2.5, 0.7), (2.5, 1.0), (2.5, 1.5), (4.0, 1.0), (4.0, 1.4))


def draw(kind: str, seed: int) -> Drawn:
    """Draw one of the tables."""
    rows, generator = TRAIN + VAL + TEST, np.random.default_rng([seed, TABLES.index(kind)])
    step = 5 if kind == "rare" else 2
    parts = (generator.permutation(np.arange(num) % step == 0) for num in (TRAIN, VAL, TEST))  # as plait splits: alike
    target = np.concatenate([*parts]).astype(int)
    blocks = {name: generator.standard_normal((rows, 2)) for name in "ab"}
    if kind in ("evidence", "holes"):
        for values in blocks.values():
            values[:, 0] += 1.2 * target
    if kind == "xor":
        side = generator.integers(0, 2, rows)
        blocks["a"][:, 0] += 3 * side
        blocks["b"][:, 0] += 3 * (side ^ target)
    present = {name: np.ones(rows, bool) for name in "ab"}
    if kind == "holes":
        gone = generator.choice(["a", "b", ""], rows, p=[0.2, 0.2, 0.6])
        present = {name: gone != name for name in "ab"}
    return Drawn(blocks, present, target, seed)


def models_of(search: Search) -> dict[str, Candidate]:
    """Return the best of each of four families that looks at both blocks."""
    both = [c for c in search.study.candidates if len(c.names) > 1]
    found = {
        "forest": best_of(c for c in both if c.name.startswith("random forest")),
        "linear": best_of(c for c in both if c.name.startswith("logistic")),
        "vote": best_of(c for c in both if c.name.startswith("weighted vote")),
        "network": best_of(c for c in both if c.network is not None),
    }
    return {name: candidate for name, candidate in found.items() if candidate is not None}


def measure(kind: str, seed: int, models: Sequence[str] = MODELS) -> Iterator[dict[str, Any]]:
    """Fit one table, and say of each model and each set of modalities what it reaches, before and after."""
    table = draw(kind, seed)
    job = job_of(table, candidates=("classic", "late"), seed=seed)
    split = np.repeat(["train", "val", "test"], [TRAIN, VAL, TEST])
    search = search_of(job, split)
    with only_learners(list(dict.fromkeys(learner for name in models for learner in LEARNERS[name]))):
        search.run()
    study, prior = search.study, search.labels.prior
    if "network" in models:
        study.train_joint("parallel(a, b, by=concat)", {})
    search.blends.calibrate()
    study.leave_device()
    batch, truth = study.prepared.batch(study.test), search.labels.codes[study.test]
    keeps = [keep for size in (1, 2) for keep in itertools.combinations("ab", size)]
    for name, candidate in models_of(search).items():
        if name not in models:
            continue
        began = time.process_time()
        candidate.given = ()
        search.settle([candidate])
        seconds = time.process_time() - began
        before = answer_subsets(candidate.predictor, batch, keeps)
        after = answer_subsets(candidate.tempered, batch, keeps)
        for keep, raw, said in zip(keeps, before, after, strict=True):
            seen = present_in(batch, candidate.names, keep).sum(1) == len(keep)
            codes = truth[seen]
            apart = log_losses(said[seen], codes) - log_losses(np.tile(prior, (len(codes), 1)), codes)
            told = reliability(codes, said[seen], range(2))
            yield {
                "table": kind,
                "model": name,
                "set": "".join(keep),
                "raw": float(log_losses(raw[seen], codes).mean()),
                "loss": float(log_losses(said[seen], codes).mean()),
                "above": float(apart.mean()),
                "error": 1.96 * float(apart.std(ddof=1) / np.sqrt(len(apart))),
                "ece": told["expected_calibration_error"],
                "band": (told["band"] or [0, np.nan])[1],
                "word": told["word"],
                "seconds": seconds,
            }


def show_drawn(draws: int = 120, test: int = TEST) -> None:
    """Print how often the ECE lies above its band though one temperature makes the answers true: it must be fitted."""
    for rows in (VAL, TRAIN + VAL):
        above = 0
        for (spread, heat), seed in itertools.product(DRAWN, range(draws)):
            generator = np.random.default_rng([seed, round(10 * spread), round(10 * heat)])
            log_odds = spread * generator.standard_normal(rows + test)
            truth = (generator.random(rows + test) < 1 / (1 + np.exp(-log_odds))).astype(int)
            said = softmax(np.stack([-log_odds, log_odds], 1) / 2 * heat)
            folds = np.arange(rows) % 5
            fitted = cross_fit_temperature(said[:rows], truth[:rows], folds, prior=(0.5, 0.5), luck=MEAN_LUCK)
            answers = apply_temperature(said[rows:], fitted.temperature, prior=(0.5, 0.5))
            above += reliability(truth[rows:], answers, range(2))["word"] != CALIBRATED
        num = draws * len(DRAWN)
        print(f"fitted on {rows} rows: ECE of {test} others above its band in {100 * above / num:.1f} % of {num} draws")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=TABLES)
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--num", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="seed of the first table")
    parser.add_argument("--drawn", action="store_true", help="draw answers instead")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    if args.drawn:
        show_drawn()
        return
    lines = [
        "| table | model | set | log loss before | after | above the prior (worst table) | above it by more than its"
        " interval | ECE (mean) | its band ends at | ECE above it |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    print("\n".join(lines), flush=True)
    seeds = range(args.first, args.first + args.num)
    for kind in args.only or TABLES:
        found = [one for seed in seeds for one in measure(kind, seed, args.model or MODELS)]
        for name, keep in itertools.product(MODELS, ("a", "b", "ab")):
            some = [one for one in found if (one["model"], one["set"]) == (name, keep)]
            if not some:
                continue
            raw, loss, ece, band = (np.mean([one[key] for one in some]) for key in ("raw", "loss", "ece", "band"))
            worst = max(some, key=lambda one: one["above"] - one["error"])
            over = sum(one["above"] > max(one["error"], SEEN) for one in some)
            off = sum(one["word"] != CALIBRATED for one in some)
            line = (
                f"| {kind} | {name} | {keep} | {raw:.3f} | {loss:.3f} | {worst['above']:+.4f} ± {worst['error']:.4f} | "
                f"{over} of {len(some)} | {ece:.3f} | {band:.3f} | {off} of {len(some)} |"
            )
            print(line, flush=True)
            lines.append(line)
        print(f"{kind}: {1000 * np.mean([one['seconds'] for one in found]):.0f} ms of CPU to fit one model", flush=True)
    if args.out:
        with args.out.open("a", encoding="utf-8") as file:
            file.write("\n## Calibrated for every set of modalities\n\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
