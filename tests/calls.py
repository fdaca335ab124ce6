"""Short recordings in which a tone is a word, with their transcripts, to train recognisers on. Knows no test."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tiny import write_csv

RATE = 8000
TONES = {"low": 400, "mid": 900, "high": 1700, "top": 3000}  # Hz


def say(words: list[str], generator: np.random.Generator) -> np.ndarray:
    """Return a tone of 0.1 s for each word, each followed by 0.04 s of nearly nothing."""
    bell = np.hanning(800) / 2
    parts = [np.append(np.sin(2 * np.pi * TONES[w] * np.arange(800) / RATE) * bell, np.zeros(320)) for w in words]
    sound = np.concatenate(parts)
    return sound + 0.01 * generator.standard_normal(len(sound))


def write_calls(folder: Path, num: int, seed: int) -> Path:
    """Write num rows: a sound of two or three words, an age that says nothing, and the transcript."""
    folder.mkdir(parents=True, exist_ok=True)
    generator, rows = np.random.default_rng(seed), []
    for row in range(num):
        words = [list(TONES)[i] for i in generator.integers(0, 4, generator.integers(2, 4))]
        soundfile.write(folder / f"{row}.wav", say(words, generator), RATE)
        rows.append({"audio": f"{row}.wav", "age": 20 + row % 7, "transcript": " ".join(words).capitalize() + "."})
    return write_csv(folder / "calls.csv", rows)


def few(calls: Path, num: int = 16, **changed: Any) -> dict[str, list[Any]]:
    """Return a table of the first rows as columns, some of them changed; file names with their folder."""
    with calls.open(newline="") as file:
        rows = list(csv.DictReader(file))[:num]
    return {
        "audio": [str(calls.parent / row["audio"]) for row in rows],
        "age": [int(row["age"]) for row in rows],
        "transcript": [row["transcript"] for row in rows],
        **changed,
    }
