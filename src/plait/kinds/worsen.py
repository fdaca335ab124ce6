"""How a prediction fares as its input gets worse, or goes missing: what is done to arrays, and the curve with its area.

Knows arrays and functions that answer; no model and no table. Each function draws everything first, so that from the
same seed a worse level holds the better one: the patch grows where it is, and a word once dropped stays dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from plait.errors import RequestError
from plait.kinds.text.clean import tokenise
from plait.proof.scores import labelled, scores

IMAGE_NOISE = (0.0, 0.05, 0.1, 0.2, 0.4)  # standard deviation, as a share of black to white
BLUR = (0.0, 0.01, 0.02, 0.04, 0.08)  # standard deviation, as a share of the shorter side
OCCLUSION = (0.0, 0.1, 0.25, 0.5, 0.75)  # share of the area
NUMBER_NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)  # standard deviations of the column
DROPPED = (0.0, 0.1, 0.25, 0.5, 0.75)  # share of the words
SNR = (40.0, 30.0, 20.0, 10.0, 0.0)  # decibels of the sound above the noise; the last is the worst
MISSING = (0.0, 0.25, 0.5, 0.75, 1.0)  # share of the rows that had the modality
GREY = 128


def noise_images(images: np.ndarray, level: float, generator: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise to pictures, uint8 (batch, …, height, width). level: its deviation as a share of 255."""
    _check_images(images)
    noise = generator.standard_normal(images.shape, dtype=np.float32)
    return np.clip(np.rint(images + 255 * level * noise), 0, 255).astype(np.uint8)


def blur_images(images: np.ndarray, level: float) -> np.ndarray:
    """Blur pictures, uint8 (batch, …, height, width). level: the Gaussian's deviation as a share of the shorter side.

    Channels and rows do not mix.
    """
    from scipy.ndimage import gaussian_filter

    _check_images(images)
    pixels = level * min(images.shape[-2:])
    sigma = (*(0.0,) * (images.ndim - 2), pixels, pixels)
    return np.rint(gaussian_filter(images.astype(np.float32), sigma, mode="nearest")).astype(np.uint8)


def occlude_images(images: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Cover a share of the area of every picture, uint8 (batch, …, height, width), with a grey patch of its shape.

    Where the patch lies is drawn for each row; channels and columns of a row are covered alike (Zeiler and Fergus 2014,
    arXiv:1311.2901).
    """
    _check_images(images)
    places = generator.random((len(images), 2))
    height, width = images.shape[-2:]
    tall, wide = round(height * share**0.5), round(width * share**0.5)
    covered = images.copy()
    for row, (down, right) in enumerate(places):
        top, left = round(down * (height - tall)), round(right * (width - wide))
        covered[row, ..., top : top + tall, left : left + wide] = GREY
    return covered


def noise_numbers(values: np.ndarray, numbers: int, level: float, generator: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise to the numbers of a prepared table, (batch, feature), scaled as preparation leaves them.

    The first `numbers` features are numbers, the next `numbers` are 1 where a number is missing: it stays as it is, and
    so do the codes of the categories behind. level: the noise's deviation, in that of the column.
    """
    if values.ndim != 2 or values.shape[1] < 2 * numbers:
        shape = f"(batch, feature) with at least {2 * numbers} features"
        raise RequestError(f"the table has shape {values.shape}; expected {shape}.")
    noise = generator.standard_normal((len(values), numbers))
    noisy = values.copy()
    there = values[:, numbers : 2 * numbers] == 0
    noisy[:, :numbers] = np.where(there, values[:, :numbers] + level * noise, values[:, :numbers])
    return noisy


def drop_words(text: str, share: float, generator: np.random.Generator) -> str:
    """Take a share of the words out of a text, drawn one by one; Chinese, Japanese, Korean and Thai go by character.

    Stops and commas stay. Where all words go, so does the rest: "", which is absent.
    """
    words = tokenise(text)
    dropped = generator.random(len(words)) < share
    if dropped.all():
        return "" if len(words) else text
    parts, end = [], 0
    for word, gone in zip(words, dropped.tolist(), strict=True):
        start = text.index(word, end)
        parts.append(text[end:start])
        end = start + len(word)
        if not gone:
            parts.append(word)
    return " ".join("".join([*parts, text[end:]]).split()) if dropped.any() else text


def add_noise(samples: np.ndarray, snr: float, generator: np.random.Generator) -> np.ndarray:
    """Add white noise to a sound, (time,) or (time, channel). snr: decibels of the sound's power above the noise's.

    Silence stays silence: no noise is any decibels below it.
    """
    noise = generator.standard_normal(samples.shape)
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return (samples + noise * (power * 10 ** (-snr / 10)) ** 0.5).astype(samples.dtype)


# -- curves -----------------------------------------------------------------------------------------------------------


def score_curve(
    answer: Callable[[float], np.ndarray],
    levels: Sequence[float],
    target: Any,
    classes: Sequence[Any] | None = None,
) -> dict[str, Any]:
    """Score what answer(level) says, (rows, class) or (rows,), at every level, over the rows with a label.

    Returns metric ("accuracy", or "r2" where classes is None), levels, scores, and area (see `area_under`). The area is
    None where a score is. Raises RequestError as `plait.proof.scores.scores` does.
    """
    metric = "r2" if classes is None else "accuracy"
    there = np.flatnonzero(labelled(target))
    truth = [target[row] for row in there]
    found = [scores(truth, np.asarray(answer(level))[there], classes)[metric] for level in levels]
    area = None if None in found else area_under(levels, found)
    return {"metric": metric, "levels": [float(level) for level in levels], "scores": found, "area": area}


def missing_curve(
    answer: Callable[[dict[str, np.ndarray]], np.ndarray],
    present: Mapping[str, np.ndarray],
    target: Any,
    classes: Sequence[Any] | None = None,
    *,
    modality: str,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Score as one modality goes missing at random in 0, 25, 50, 75 and 100 % of the rows that have it.

    answer(present) → (rows, class) or (rows,) with this presence in place of the table's own; present[m]: (rows,) bool.
    A row without it at one rate is without it at every higher one. Returns what `score_curve` does.
    """
    if modality not in present:
        raise RequestError(f"there is no modality {modality!r}; there are: {', '.join(present)}.")
    there = np.flatnonzero(present[modality])
    order = generator.permutation(there)

    def at(rate: float) -> np.ndarray:
        kept = np.array(present[modality], bool)
        kept[order[: round(rate * len(order))]] = False
        return answer({**present, modality: kept})

    return score_curve(at, MISSING, target, classes)


def area_under(levels: Sequence[float], scores: Sequence[float]) -> float:
    """Return the area under scores over levels by trapezoids, the first level taken as 0 and the last as 1.

    It is the mean score over the range, in the unit of the scores. Levels rise or fall. Raises RequestError for fewer
    than two levels, levels that do not go one way, and another number of scores.
    """
    x, y = np.asarray(levels, np.float64), np.asarray(scores, np.float64)
    if len(x) < 2 or len(x) != len(y):
        raise RequestError(f"got {len(x)} levels and {len(y)} scores; expected as many of both, and at least 2.")
    steps = np.diff(x) / (x[-1] - x[0]) if x[-1] != x[0] else np.zeros(len(x) - 1)
    if not (steps > 0).all():
        raise RequestError(f"the levels {list(levels)} go up and down; expected them to rise, or to fall.")
    return float((steps * (y[1:] + y[:-1]) / 2).sum())


def _check_images(images: np.ndarray) -> None:
    if images.dtype != np.uint8 or images.ndim < 4:
        shape = "uint8 of shape (batch, channel, height, width)"
        raise RequestError(f"the pictures are {images.dtype} of shape {images.shape}; expected {shape}.")
