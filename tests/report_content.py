"""What a report is made of, made up: numbers that look real, drawn pictures, sung sounds. All from one seed."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FUSIONS = ["concat", "sum", "gate", "attention", "vote"]


def full_content(num_classes: int = 10, num_candidates: int = 24, names: list[str] | None = None) -> dict[str, Any]:
    """Return the content of a classification of spoken and written digits, with every section there."""
    generator = np.random.default_rng(7)
    names = names or [str(i) for i in range(num_classes)]
    board = leaderboard(generator, num_candidates)
    return {
        "question": {
            "target": "digit",
            "task": "classification",
            "metric": "accuracy",
            "classes": len(names),
            "modalities": ["image", "audio"],
            "table": "digits_hard.csv",
            "when": "2025-03-14 09:26",
            "version": "0.5.0",
            "command": "plait fit digits_hard.csv --target digit --group speaker --split split --ignore id --out run",
            "options": {"epochs": "chosen", "batch size": 64, "balance": False, "time limit": "none"},
            "seed": 0,
            "hash": "9f2c5b1e" * 8,
            "versions": {"Python": "3.11.9", "torch": "2.4.1", "scikit-learn": "1.5.2"},
        },
        "data": {
            "rows": 3000,
            "unlabelled": 12,
            "splits": {"train": 1992, "val": 498, "test": 498},
            "modalities": [
                {
                    "name": "image",
                    "kind": "image",
                    "columns": ["image"],
                    "present": {"train": 0.799, "val": 0.803, "test": 0.795},
                    "blank": 590,
                    "broken": 3,
                    "reason": "pictures/0417.png is cut off",
                },
                {
                    "name": "audio",
                    "kind": "audio",
                    "columns": ["audio"],
                    "present": {"train": 0.81, "val": 1.0, "test": 0.79},
                    "blank": 570,
                    "broken": 0,
                    "reason": "",
                },
            ],
        },
        "verdict": {
            "code": "helps",
            "sentence": "Combining helps: parallel(image, audio, by=gate) is right in 93.2 % of 498 test rows of "
            "60 groups, the best rule that uses one modality a row (audio, else image) in 81.1 %: 12.1 points more "
            "(95 % interval 9.2 to 15.0, p < 0.001). Taking another modality on the 104 rows without audio brings 8.1 "
            "points by itself.",
            "metric": "accuracy",
            "margin": 0.02,
            "fused": "parallel(image, audio, by=gate)",
            "shipped": "parallel(image, audio, by=gate)",
            "single": {"rule": ["audio", "image"], "value": 0.811},
            "value": 0.932,
            "difference": {"value": 0.121, "low": 0.092, "high": 0.15},
            "p": 0.0001,
            "opponents": [
                {
                    "rule": ["audio", "image"],
                    "value": 0.811,
                    "p": 0.0001,
                    "difference": {"value": 0.121, "low": 0.092, "high": 0.15},
                },
                {
                    "rule": ["image", "audio"],
                    "value": 0.8,
                    "p": 0.0001,
                    "difference": {"value": 0.132, "low": 0.1, "high": 0.16},
                },
            ],
            "fills_holes": {"rows": 104, "value": 0.081, "low": 0.06, "high": 0.1},
            "adds": {"rows": 498, "value": 0.121, "low": 0.092, "high": 0.15},
            "complete": {"rows": 291, "value": 0.048, "low": 0.021, "high": 0.077},
            "visible": 4.1,
            "rows_for": {"5": 340},
            "test": {"rows": 498, "groups": 60, "hash": ""},
            "repeats": 0,
            "warnings": [],
        },
        "conversions": [],
        "missing": {},
        "leaderboard": board,
        "rule": "the simplest within one standard error",
        "prior": span(0.12, 0.03),
        "per_class": {
            name: {"precision": span(0.93, 0.05), "recall": span(0.9, 0.06), "f1": span(0.91, 0.05), "support": 50}
            for name in names
        },
        "curves": [
            {
                "name": name,
                "rows": 50,
                "auroc": 0.97,
                "average_precision": 0.91,
                "roc": [[0.0, 0.0], [0.0, 0.8], [0.2, 0.95], [1.0, 1.0]],
                "recall": [[0.0, 1.0], [0.7, 1.0], [1.0, 0.4]],
            }
            for name in names[:6]
        ],
        "confusion": {"counts": confusion(generator, len(names)), "names": names},
        "calibration": {
            "before": reliability(0.09),
            "after": reliability(0.015),
            "temperature": 1.62,
            "brier": change(0.1321, -0.0219),
            "log_loss": change(0.2954, -0.0712),
        },
        "robustness": robustness(),
        "subsets": {
            "by_modalities": {
                "audio": {"rows": 394, "metrics": {"accuracy": span(0.893, 0.03)}},
                "image": {"rows": 396, "metrics": {"accuracy": span(0.871, 0.034)}},
                "audio+image": {"rows": 498, "metrics": {"accuracy": span(0.932, 0.022)}},
            },
            "alone": {
                "audio": {"rows": 394, "metrics": {"accuracy": span(0.899, 0.03)}},
                "image": {"rows": 396, "metrics": {"accuracy": span(0.876, 0.033)}},
            },
        },
        "importance": {
            "modalities": {
                "image": {"share": 0.463, "mean": 0.381, "present": 0.795},
                "audio": {"share": 0.537, "mean": 0.442, "present": 0.79},
            },
            "worth": {
                "metric": "accuracy",
                "rows": 498,
                "of": 498,
                "groups": 60,
                "value": 0.932,
                "prior": 0.1,
                "modalities": {
                    "image": {"value": 0.321, "low": 0.281, "high": 0.362},
                    "audio": {"value": 0.511, "low": 0.47, "high": 0.552},
                },
                "pairs": {
                    "audio+image": {
                        "together": 0.881,
                        "alone": {"audio": 0.813, "image": 0.79},
                        "value": 0.068,
                        "low": 0.031,
                        "high": 0.104,
                    },
                },
            },
            "rows": 498,
        },
        "examples": examples(generator),
        "learning_curve": [
            {"rows": rows, "val": span(value, 0.08 / (index + 1))}
            for index, (rows, value) in enumerate([(124, 0.41), (249, 0.63), (498, 0.78), (996, 0.87), (1992, 0.929)])
        ],
    }


def regression_content() -> dict[str, Any]:
    """Return the content of a regression, where what only classes have is absent."""
    generator = np.random.default_rng(3)
    content = full_content()
    truth = generator.normal(62, 14, 700)
    said = truth + generator.normal(0, 6, 700)
    content["question"] |= {"target": "weight", "task": "regression", "metric": "r2", "classes": None}
    content["scatter"] = {"points": np.column_stack([truth, said])}
    content["confusion"] = content["calibration"] = content["curves"] = content["per_class"] = content["prior"] = None
    content["verdict"] |= {
        "code": "cannot_tell",
        "sentence": "These rows cannot tell whether combining helps: parallel(image, tabular) reaches an R² of 0.810 "
        "on 700 test rows, tabular alone 0.804: 0.006 better (95 % interval −0.011 to 0.022, p = 0.48).",
        "metric": "r2",
        "single": {"rule": ["tabular"], "value": 0.804},
        "value": 0.81,
        "difference": {"value": 0.006, "low": -0.011, "high": 0.022},
        "p": 0.4812,
        "opponents": [
            {
                "rule": ["tabular"],
                "value": 0.804,
                "p": 0.4812,
                "difference": {"value": 0.006, "low": -0.011, "high": 0.022},
            }
        ],
        "fills_holes": {"rows": 0, "value": 0.0, "low": 0.0, "high": 0.0},
        "adds": {"rows": 700, "value": 0.006, "low": -0.011, "high": 0.022},
        "complete": {"rows": 640, "value": 0.009, "low": -0.009, "high": 0.025},
        "test": {"rows": 700, "groups": None, "hash": ""},
    }
    for entry in [*content["subsets"]["by_modalities"].values(), *content["subsets"]["alone"].values()]:
        entry["metrics"] = {"r2": entry["metrics"]["accuracy"]}
    for index, one in enumerate(content["examples"]):
        one |= {"target": 60.0 + index, "prediction": 61.5, "probability": None, "base": 62.03}
        one["modalities"] = {"image": -3.1, "audio": 2.57}
    return content


def span(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": min(1.0, value + half)}


def leaderboard(generator: np.random.Generator, num: int) -> list[dict[str, Any]]:
    """Return candidates of every family, best first; the winner is not the very best, but cheaper."""
    names = [
        ("majority class", None, "", "baseline"),
        ("image", None, "alone", "deep"),
        ("audio", None, "alone", "deep"),
    ]
    names += [
        (f"{what} on {where}", None, "", "classic") for where in ("image", "audio", "all features") for what in CLASSIC
    ]
    names += [(f"late {how}", None, "", "late") for how in ("average", "weighted", "stacked")]
    for shape in ("parallel(image, audio, by={})", "parallel(audio, image, by={})", "tree((image, audio), by={})"):
        for recipe in ("alone then fused", "joint", "fine-tuned"):
            names += [(f"{shape.format(by)} {recipe}", shape.format(by), recipe, "deep") for by in FUSIONS]
    order = np.concatenate([np.arange(8), 8 + generator.permutation(len(names) - 8)])[:num]
    board = []
    for place, index in enumerate(order):
        name, plan, recipe, family = names[index]
        best = 0.1 if index == 0 else 0.93 - 0.004 * place - (0.1 if family != "deep" else 0.0)
        deep = family == "deep"
        board.append(
            {
                "name": name,
                "family": family,
                "plan": plan,
                "recipe": recipe,
                "modalities": modalities_of(name),
                "val": span(round(best, 3), 0.022),
                "test": span(round(best - 0.006, 3), 0.025) if index in (1, 2) or (plan and place in (8, 9)) else None,
                "loss": 2.3 if index == 0 else round(float(1.05 - best + generator.uniform(0, 0.1)), 3),
                "seconds": round(float(generator.uniform(40, 200) if deep else generator.uniform(0.4, 12)), 1),
                "params": 0
                if index == 0
                else int(generator.integers(200_000, 900_000))
                if deep
                else int(generator.integers(1_000, 60_000)),
                "latency_ms": round(
                    float(0.002 if index == 0 else generator.uniform(1.4, 6) if deep else generator.uniform(0.05, 1.9)),
                    3,
                ),
                "memory_mb": round(float(generator.uniform(4, 60)), 1),
                "winner": place == min(9, len(order) - 1),
            }
        )
    return board


def modalities_of(name: str) -> list[str]:
    """Return what a candidate looks at, by its name."""
    named = [modality for modality in ("image", "audio") if modality in name]
    return [] if name == "majority class" else named or ["image", "audio"]


CLASSIC = ["logistic regression", "SVM", "random forest", "gradient boosting", "nearest neighbours"]


def confusion(generator: np.random.Generator, num: int) -> list[list[int]]:
    counts = np.diag(generator.integers(38, 50, num))
    for i, j in generator.integers(0, num, (3 * num, 2)):
        counts[i, j] += 0 if i == j else int(generator.integers(1, 5))
    return counts.tolist()


def reliability(gap: float) -> dict[str, Any]:
    """Return what `evaluate.reliability` would, of an overconfident model."""
    bins = []
    for index in range(4, 15):
        middle = (index + 0.5) / 15
        right = float(np.clip(middle - gap * (1.5 - middle), 0.02, 1))
        bins.append(
            {
                "low": index / 15,
                "high": (index + 1) / 15,
                "rows": 4 + 3 * (index - 3) ** 2,
                "confidence": middle,
                "accuracy": right,
            }
        )
    means = {"rows": 698, "confidence": 0.94, "accuracy": 0.94 - gap}
    word = "overconfident" if gap > 0.05 else "consistent with calibrated"
    return {**means, "expected_calibration_error": gap, "band": [0.008, 0.03], "word": word, "bins": bins}


def change(before: float, by: float) -> dict[str, Any]:
    return {"before": before, "after": before + by, "change": {"value": by, "low": 1.4 * by, "high": 0.6 * by}}


def robustness() -> list[dict[str, Any]]:
    curves = [
        ("image", "noise", "standard deviations", [0, 0.1, 0.2, 0.4, 0.8], [0.932, 0.921, 0.9, 0.86, 0.83]),
        ("image", "blur", "pixels", [0, 0.5, 1, 2, 4], [0.932, 0.93, 0.918, 0.884, 0.842]),
        ("image", "occlusion", "share of the picture", [0, 0.1, 0.2, 0.4, 0.6], [0.932, 0.91, 0.88, 0.84, 0.81]),
        ("audio", "noise", "dB over the noise", [None, 30, 20, 10, 0], [0.932, 0.926, 0.901, 0.84, 0.79]),
        ("image", "missing", "share of rows without it", [0, 0.25, 0.5, 0.75, 1], [0.932, 0.89, 0.842, 0.79, 0.731]),
        ("audio", "missing", "share of rows without it", [0, 0.25, 0.5, 0.75, 1], [0.932, 0.88, 0.821, 0.76, 0.713]),
    ]
    keys = ("modality", "what", "unit", "levels", "scores")
    areas = [round(float(np.mean(curve[4])), 3) for curve in curves]
    return [
        {**dict(zip(keys, curve, strict=True)), "area": area, "rows": 498, "metric": "accuracy"}
        for curve, area in zip(curves, areas, strict=True)
    ]


def examples(generator: np.random.Generator) -> list[dict[str, Any]]:
    """Return six rows: right and wrong, whole and with holes, and one with a text and a table."""
    found = []
    for index, digit in enumerate([3, 7, 8, 1, 5, 9]):
        wrong, no_image, no_audio = index == 2, index == 3, index == 1
        image: dict[str, Any] = {
            "modality": "image",
            "kind": "image",
            "form": "picture",
            "png": picture(str(digit)),
            "heat": heat(generator),
        }
        if no_image:
            image = {"modality": "image", "kind": "image", "reason": "blank"}
        audio: dict[str, Any] = {"modality": "audio", "kind": "audio", "form": "sound", **sound(generator, digit)}
        if no_audio:
            audio = {"modality": "audio", "kind": "audio", "reason": "clips/0007.wav is empty (0 samples)"}
        one = {
            "row": 2010 + 37 * index,
            "split": "test",
            "target": digit,
            "prediction": 3 if wrong else digit,
            "probability": 0.61 if wrong else 0.983,
            "base": 0.1,
            "status": "partial" if no_image or no_audio else "ok",
            "reason": "image: blank" if no_image else "audio: clips/0007.wav is empty (0 samples)" if no_audio else "",
            "modalities": {
                "image": None if no_image else 0.883 if no_audio else 0.52,
                "audio": None if no_audio else 0.883 if no_image else 0.363,
            },
            "pairs": {}
            if no_image or no_audio
            else {"audio+image": {"together": 0.98, "alone": {"audio": 0.8, "image": 0.9}, "value": 0.08}},
            "parts": [image, audio],
        }
        if wrong:
            one["modalities"] = {"image": 0.61, "audio": -0.1}
        found.append(one)
    text = (
        "I love this dress, the colour is lovely, but it runs small and the zip broke at once. 尺码偏小，但颜色很好。"
    )
    spans = [("love", 0.31), ("lovely", 0.22), ("small", -0.12), ("broke", -0.4), ("偏小", -0.2), ("很好", 0.25)]
    found[5]["parts"] += [
        {
            "modality": "text",
            "kind": "text",
            "form": "words",
            "text": text,
            "spans": [{"start": text.index(w), "end": text.index(w) + len(w), "weight": v} for w, v in spans],
        },
        {
            "modality": "tabular",
            "kind": "tabular",
            "form": "columns",
            "columns": [
                {"name": "age", "value": 41, "weight": 0.11},
                {"name": "Department Name", "value": "Dresses", "weight": -0.05},
                {"name": "weight_kg", "value": None, "weight": 0.0},
            ],
        },
    ]
    found[5]["modalities"] = {"image": 0.41, "audio": 0.343, "text": 0.21, "tabular": -0.08}
    return found


def picture(text: str, size: int = 112) -> bytes:
    image = Image.new("L", (size, size), 245)
    ImageDraw.Draw(image).text((size // 3, size // 6), text, fill=20, font=ImageFont.load_default(size * 0.62))
    return png(np.asarray(image))


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def heat(generator: np.random.Generator) -> np.ndarray:
    y, x = np.mgrid[:14, :14]
    cy, cx = generator.uniform(4, 9, 2)
    return np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 8) - 0.5 * np.exp(-((y - 12) ** 2 + (x - 3) ** 2) / 6)


def sound(generator: np.random.Generator, digit: int) -> dict[str, Any]:
    """Return a short sung tone as WAV, its spectrogram, and which tenths of it counted."""
    rate, seconds = 8000, 0.8
    time = np.arange(int(rate * seconds)) / rate
    tone = np.sin(2 * np.pi * (180 + 30 * digit) * time * (1 + 0.2 * time)) * np.exp(-((time - 0.4) ** 2) / 0.03)
    samples = tone + generator.normal(0, 0.02, len(time))
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((samples * 20000).clip(-32767, 32767).astype("<i2").tobytes())
    frames = np.lib.stride_tricks.sliding_window_view(samples, 256)[::64] * np.hanning(256)
    power = np.log(np.abs(np.fft.rfft(frames)) ** 2 + 1e-3)[:, :80].T[::-1]
    gray = (255 * (power - power.min()) / np.ptp(power)).astype(np.uint8)
    weights = np.exp(-((np.arange(8) - 3.6) ** 2) / 3) - 0.25
    stretches = [{"start": i / 10, "end": (i + 1) / 10, "weight": float(w)} for i, w in enumerate(weights)]
    return {"wav": buffer.getvalue(), "rate": rate, "spectrogram": png(gray), "duration": seconds, "seconds": stretches}
