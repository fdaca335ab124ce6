"""What a careful person writes by hand for the same table: features, flags for holes, and logistic regression.

    python bench/rivals/sklearn_pipeline.py TABLE

Pictures: histograms of oriented gradients and the picture itself at 14 × 14. Sounds: mean and deviation of 20 cepstral
coefficients over the whole, and their means in ten pieces. Text, where there is such a column: TF-IDF. An absent cell
is all zeros, and a flag says so. The strength of the penalty is chosen on the validation rows.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy
import sklearn
import soundfile
from PIL import Image
from scipy.fft import dct
from scipy.signal import stft
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

SIDE, CELLS, BINS = 28, 7, 9
MELS, COEFFICIENTS, PIECES = 40, 20, 10


def picture_features(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L").resize((SIDE, SIDE)), float) / 255
    down, across = np.gradient(pixels)
    size, angle = np.hypot(down, across), np.arctan2(down, across) % np.pi
    bins = np.minimum((angle / np.pi * BINS).astype(int), BINS - 1)
    step = SIDE // CELLS
    histogram = np.zeros((CELLS, CELLS, BINS))
    rows, columns = np.indices(pixels.shape) // step
    np.add.at(histogram, (rows, columns, bins), size)
    blocks = np.stack([histogram[i : i + 2, j : j + 2].ravel() for i in range(CELLS - 1) for j in range(CELLS - 1)])
    blocks /= np.linalg.norm(blocks, axis=1, keepdims=True) + 1e-3
    return np.concatenate([blocks.ravel(), pixels.reshape(14, 2, 14, 2).mean((1, 3)).ravel()])


def mel_filters(size: int, rate: int) -> np.ndarray:
    """Return triangles (mel, frequency) on the mel scale."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate / 1400), MELS + 2) / 2595) - 1)
    hertz = np.linspace(0, rate / 2, size // 2 + 1)
    rise = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0, np.minimum(rise, fall))


def sound_features(path: Path) -> np.ndarray:
    wave, rate = soundfile.read(path, always_2d=True)
    window = round(0.032 * rate)
    x = np.pad(wave.mean(1), (0, max(0, window * 4 - len(wave))))
    _, _, spectrum = stft(x, rate, nperseg=window, noverlap=window - round(0.01 * rate), padded=False)
    power = mel_filters(window, rate) @ np.abs(spectrum) ** 2
    loud = np.log(power + 1e-8 * power.max() + 1e-12)
    cepstrum = dct(loud, axis=0, norm="ortho")[:COEFFICIENTS]
    pieces = [piece.mean(1) for piece in np.array_split(cepstrum, PIECES, axis=1)]
    return np.concatenate([cepstrum.mean(1), cepstrum.std(1), *pieces])


def media(rows: list[dict[str, str]], column: str, folder: Path, features: object) -> np.ndarray:
    found = [features(folder / row[column]) if row[column] else None for row in rows]  # type: ignore[operator]
    width = next(len(x) for x in found if x is not None)
    return np.stack([np.zeros(width) if x is None else x for x in found])


def main(table: Path) -> None:
    began = time.perf_counter()
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    split, labels = np.array([row["split"] for row in rows]), np.array([row["digit"] for row in rows])
    train, val, test = (split == part for part in ("train", "val", "test"))
    parts = []
    for column, features in (("image", picture_features), ("audio", sound_features)):
        there = np.array([bool(row[column]) for row in rows])
        x = media(rows, column, table.parent, features)
        scaled = StandardScaler().fit(x[train & there]).transform(x)
        parts += [np.where(there[:, None], scaled, 0), there[:, None]]
    if "text" in rows[0]:
        texts = [row["text"] or "" for row in rows]
        vectors = TfidfVectorizer(sublinear_tf=True).fit([t for t, use in zip(texts, train, strict=True) if use])
        parts.append(vectors.transform(texts).toarray())
    x = np.concatenate(parts, 1)
    models = [LogisticRegression(C=c, max_iter=300).fit(x[train], labels[train]) for c in (0.001, 0.01, 0.1)]
    best = max(models, key=lambda model: model.score(x[val], labels[val]))
    taken = time.perf_counter() - began
    answer = {
        "accuracy": float(best.score(x[test], labels[test])),
        "seconds_fit": taken,
        "parameters": int(best.coef_.size + best.intercept_.size),
        "versions": {"scikit-learn": sklearn.__version__, "scipy": scipy.__version__},
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
