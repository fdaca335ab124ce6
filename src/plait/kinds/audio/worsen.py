"""Sounds made worse, level by level: noise."""

from __future__ import annotations

import numpy as np

from plait.kinds.worsening import Worsening

SNR = (40.0, 30.0, 20.0, 10.0, 0.0)  # decibels of the sound above the noise; the last is the worst


def add_noise(sound: tuple[np.ndarray, int], level: float, generator: np.random.Generator) -> tuple[np.ndarray, int]:
    """Add white noise to a sound, ((time,) or (time, channel), Hz). level: decibels of its power above the noise's.

    Silence stays silence: no noise is any decibels below it.
    """
    samples, rate = sound
    noise = generator.standard_normal(samples.shape)
    power = float(np.mean(np.square(samples, dtype=np.float64))) if samples.size else 0.0
    return (samples + noise * (power * 10 ** (-level / 10)) ** 0.5).astype(samples.dtype), rate


WAYS = (Worsening("noise in sound", "decibels of the sound above the noise", SNR, "value", add_noise),)
