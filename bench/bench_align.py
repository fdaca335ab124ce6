"""What align reaches: the error of an estimated clock at both ends, and the time of a join of a million rows.

Makes ten minutes of a sound at 16 kHz, and what a second recorder with another offset and another clock hears of it,
with noise of its own. Expected: at most 1 ms at both ends, unrelated noise refused, a million rows in a few seconds.
Prints one JSON object.
"""

from __future__ import annotations

import json
import resource
import time

import numpy as np

import plait
from plait.errors import RequestError
from plait.streams.drift import Signal, estimate

RATE, SECONDS = 16_000, 600
CASES = ((0.0, 0.0, 0.5), (12.3456, 50.0, 1.0), (-37.2, 200.0, 0.5), (75.0123, -120.0, 2.0))  # s, ppm, noise to sound


def make_source(seconds: int, random: np.random.Generator) -> np.ndarray:
    """Return dull noise that is loud and soft by turns, as speech is."""
    x = random.standard_normal(seconds * RATE).astype(np.float32)
    loud = np.interp(np.arange(len(x)) / RATE, np.arange(0, seconds + 1, 0.2), random.random(seconds * 5 + 5) ** 2)
    return (x + np.roll(x, 1) + np.roll(x, 2)) * loud.astype(np.float32)


def record(source: np.ndarray, offset: float, ppm: float, noise: float, random: np.random.Generator) -> np.ndarray:
    """Return what a second recorder hears: at its time u the source's offset + (1 + ppm / 1e6) u, and noise."""
    times = (offset + (1 + ppm * 1e-6) * np.arange(len(source)) / RATE) * RATE
    whole = np.floor(times).astype(int)
    heard = np.zeros(len(times), np.float32)
    for k in range(-7, 9):  # windowed sinc
        at, away = whole + k, times - whole - k
        inside = (at >= 0) & (at < len(source))
        heard[inside] += source[at[inside]] * np.sinc(away[inside]) * np.cos(np.pi * away[inside] / 18) ** 2
    return heard + noise * source.std() * random.standard_normal(len(times)).astype(np.float32)


def main() -> None:
    random = np.random.default_rng(0)
    source = make_source(SECONDS, random)
    clocks = []
    for offset, ppm, noise in CASES:
        heard, began = record(source, offset, ppm, noise, random), time.perf_counter()
        line = estimate(Signal(source, RATE, wave=True), Signal(heard, RATE, wave=True))
        ends = (max(0.0, -offset), min(SECONDS, SECONDS - offset))
        off = [1000 * (line.offset + line.slope * u - offset - (1 + ppm * 1e-6) * u) for u in ends]
        clocks.append({"offset_s": offset, "drift_ppm": ppm, "noise": noise, "error_ms_at_both_ends": off,
                       "seconds": round(time.perf_counter() - began, 1)})  # fmt: skip
    try:
        estimate(Signal(source, RATE, wave=True), Signal(make_source(SECONDS, random), RATE, wave=True))
        refused = False
    except RequestError:
        refused = True
    rows, joins = 1_000_000, {}
    reference = plait.read({"time_s": np.arange(rows) / 100 + 0.001, "label": np.arange(rows) % 2})
    stream = plait.read({"time_s": random.permutation(rows) / 100, "x": random.random(rows)})
    for way in ("nearest", "previous", "window", "linear"):
        began = time.perf_counter()
        plait.align(reference, stream, join={"stream 1": way})
        joins[way] = round(time.perf_counter() - began, 2)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps(
            {"clocks": clocks, "unrelated_refused": refused, "million_rows_s": joins, "peak_mb": memory}, indent=1
        )
    )


if __name__ == "__main__":
    main()
