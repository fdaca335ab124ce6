"""What mattered, where it is known; and how long it takes to explain one row with four modalities. Needs no data.

Known truth: noise, a copy, independent evidence, an exclusive or, and a suppressor, which says nothing but where the
other is wrong. `truth` draws answers as the best of all models gives them, 400 times of 60, 150 and 600 test rows, and
prints how often the share of the score lies within two standard errors of what it must be, and within its 95 %
interval. Expected: at least 90 of 100. `learned` fits a network on 1,200 rows of each, and holds its split of some 300
test rows against that of the same network over 20,000 new rows. `python bench/bench_explain.py truth` (learned, row)
does one part.

A small model is fitted on a table that is made here: pictures of 64 × 64 in colour, sounds of one second, texts of 60
words, 12 columns. Then rows are explained, by gradient, and by occlusion. Expected: under 1 second a row on two cores,
imports not counted. Also printed: rows a second for a whole table. With a file name ending in .png as argument, one row
is drawn there.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import soundfile
from PIL import Image

import plait
from plait.models.rows import prepare
from plait.proof import inside as drill
from plait.proof.paired import Yardstick
from plait.proof.shapley import needed_subsets
from plait.proof.worth import split_score
from plait.runs.answers import answer_prepared

PRIOR, CASES = 0.5, ("noise", "copies", "independent", "exclusive or", "suppressor")

WORDS = (
    "morning",
    "harbour",
    "silver",
    "window",
    "yellow",
    "garden",
    "letter",
    "winter",
    "engine",
    "candle",
    "marble",
    "forest",
    "signal",
    "ribbon",
)
RATE = 16_000  # Hz


def make_table(folder: Path, num: int = 80) -> dict[str, list[object]]:
    """Write pictures and sounds, and return a table of two classes that all four modalities tell apart."""
    random = np.random.default_rng(0)
    table: dict[str, list[object]] = {name: [] for name in ("photo", "sound", "note", "label")}
    table |= {f"number {k}": [] for k in range(8)} | {f"category {k}": [] for k in range(4)}
    for row in range(num):
        yes = row % 2
        pixels = random.integers(0, 120, (96, 96, 3)).astype(np.uint8)
        pixels[:, :48] += np.uint8(60 * yes)
        Image.fromarray(pixels).save(folder / f"{row}.png")
        wave = np.sin(2 * np.pi * (300 + 500 * yes) * np.arange(RATE) / RATE) * 0.3
        soundfile.write(folder / f"{row}.wav", wave + 0.05 * random.standard_normal(RATE), RATE)
        words = [*random.choice(WORDS, 59), "sunny" if yes else "rainy"]
        table["photo"].append(f"{row}.png")
        table["sound"].append(f"{row}.wav")
        table["note"].append(" ".join(random.permutation(words)))
        table["label"].append("yes" if yes else "no")
        for k in range(8):
            table[f"number {k}"].append(float(random.standard_normal() + yes * (k == 0)))
        for k in range(4):
            table[f"category {k}"].append("abc"[random.integers(3)])
    return table


def draw_answers(
    case: str, rows: int, random: np.random.Generator
) -> tuple[dict[tuple[str, ...], np.ndarray], list[float]]:
    """Return which rows are right given each subset of a and b, and what the two must add to the accuracy."""
    a, b = (random.random(rows) < 0.8 for _ in "ab")
    guess = random.random(rows) < PRIOR
    given = {
        "noise": (a, guess, a, [0.3, 0.0]),
        "copies": (a, a, a, [0.15, 0.15]),
        "independent": (a, b, np.where(a == b, a, random.random(rows) < 0.5), [0.15, 0.15]),
        "exclusive or": (guess, guess, random.random(rows) < 0.9, [0.2, 0.2]),
        "suppressor": (a, guess, a | (random.random(rows) < 0.75), [0.375, 0.075]),
    }
    first, second, both, must = given[case]
    return {(): guess, ("a",): first, ("b",): second, ("a", "b"): both}, must


def show_truth(draws: int = 400) -> None:
    """Print how often the shares of the score are what they must be."""
    for groups in (0, 30):
        for rows in (60, 150, 600):
            for case in CASES:
                near, held, total = 0, 0, 0
                for seed in range(draws):
                    random = np.random.default_rng([seed, rows])
                    right, must = draw_answers(case, rows, random)
                    truth = random.integers(0, 2, rows)
                    codes = np.arange(rows) % groups if groups else None
                    yardstick = Yardstick("accuracy", np.array(["n", "y"], object)[truth], ["n", "y"], codes)
                    said = {keep: np.eye(2)[np.where(x, truth, 1 - truth)] for keep, x in right.items()}
                    found = split_score(said, ["a", "b"], yardstick, random)["modalities"]
                    for name, value in zip("ab", must, strict=True):
                        gain = found[name]
                        error = (gain["high"] - gain["low"]) / 3.92
                        near += abs(gain["value"] - value) <= 2 * error
                        held += gain["low"] <= value <= gain["high"]
                        total += 1
                where = f"{rows} rows{f' of {groups} groups' if groups else ''}"
                print(f"{case}, {where}: within 2 errors {near / total:.3f}, in the interval {held / total:.3f}")


def draw_table(case: str, rows: int, random: np.random.Generator) -> dict[str, list[object]]:
    """Return a table of two numbers, each a modality, and a class."""
    y = random.integers(0, 2, rows)
    sign = 2 * y - 1
    a, b = (sign + random.standard_normal(rows) for _ in "ab")
    if case == "noise":
        b = random.standard_normal(rows)
    if case == "copies":
        b = a
    if case == "exclusive or":
        a, b = random.standard_normal((2, rows))
        y = (a > 0) != (b > 0)
    if case == "suppressor":
        b = a - sign + 0.3 * random.standard_normal(rows)
    return {"a": a.round(4).tolist(), "b": b.round(4).tolist(), "y": ["yes" if one else "no" for one in y]}


def show_learned() -> None:
    """Print what each modality added to the test score of a fitted model, and to its score over many new rows."""
    for case in CASES:
        random = np.random.default_rng(3)
        parts, table = {"a": ["a"], "b": ["b"]}, draw_table(case, 1200, random)
        model = plait.fit(table, target="y", modalities=parts, fusion="parallel(a, b)", refit="none", epochs=15)
        new, names = draw_table(case, 20_000, random), sorted(model.modalities)
        prepared = prepare(plait.read(new), model.views)
        said = answer_prepared(prepared, model.predictor(), needed_subsets(names), {}, names).answers
        yardstick = Yardstick("accuracy", np.array(new["y"], object), model.classes)
        many = split_score(said, names, yardstick, random)["modalities"]
        worth = model.facts.study["worth"]
        print(f"{case}: {model.facts.winner}, on {worth['rows']} test rows")
        for name in names:
            gain, must = worth["modalities"][name], many[name]["value"]
            error = (gain["high"] - gain["low"]) / 3.92
            print(
                f"  {name} {100 * gain['value']:+.1f} points ({100 * gain['low']:.1f} to {100 * gain['high']:.1f}); "
                f"over 20,000 rows {100 * must:+.1f}: {abs(gain['value'] - must) / error:.1f} errors away"
            )


def show_row(rows: int = 12) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        table = plait.read(make_table(folder), folder=folder)
        names = "photo, sound, text, tabular"
        model = plait.fit(table, target="label", fusion=f"parallel({names})", epochs=3)
        model.explain(table, 0)  # imports
        gradient_map = drill.gradient_map
        for by in ("gradient", "occlusion"):
            # what happens where the winner is no network
            drill.gradient_map = gradient_map if by == "gradient" else drill.occlusion_map
            times = []
            for row in range(1, rows + 1):
                began = time.perf_counter()
                found = model.explain(table, row)
                times.append(time.perf_counter() - began)
            said = ", ".join(f"{name} {x[0]:+.3f}" for name, x in found.shares.items())
            print(
                f"by {by}: median {median(times):.3f} s a row, slowest {max(times):.3f} s (expected under 1 s); {said}"
            )
        drill.gradient_map = gradient_map
        began = time.perf_counter()
        model.explain(table)
        print(f"the whole table: {len(table) / (time.perf_counter() - began):.0f} rows a second, all 16 subsets")
        if sys.argv[-1].endswith(".png"):
            print(plait.explain(model, table, row=1, out=sys.argv[-1]))


if __name__ == "__main__":
    for part, show in {"truth": show_truth, "learned": show_learned, "row": show_row}.items():
        if part in sys.argv or not {"truth", "learned", "row"} & {*sys.argv}:
            show()
