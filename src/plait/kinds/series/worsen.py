"""Series made worse, level by level: noise, and stretches that are lost. Drawn first, so that a worse level holds the
better one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.worsening import Worsening

NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)  # standard deviations of each channel
LOST = (0.0, 0.1, 0.25, 0.5, 0.75)  # of the time


def add_noise(
    values: np.ndarray, level: float, generator: np.random.Generator, layout: Mapping[str, Any]
) -> np.ndarray:
    """Add Gaussian noise to prepared series (batch, …, channel, time), not to their flags."""
    noise = level * generator.standard_normal(values.shape)
    noise[..., layout["channels"] :, :] = 0
    return (values + noise).astype(values.dtype)


def lose_stretch(
    values: np.ndarray, level: float, generator: np.random.Generator, layout: Mapping[str, Any]
) -> np.ndarray:
    """Bridge a stretch of time of prepared series (batch, …, channel, time) by straight lines, and flag it as a hole.

    level: the share of the time; where the stretch begins is drawn.
    """
    out, channels, length = values.copy(), layout["channels"], values.shape[-1]
    flat = out.reshape(-1, *values.shape[-2:])
    lost = min(int(level * length), length - 1)
    for row, place in zip(flat, generator.random(len(flat)), strict=True):
        start = int(place * (length - lost + 1))
        end = start + lost
        left, right = row[:channels, max(0, start - 1)], row[:channels, min(end, length - 1)]
        ends = (right, right) if start == 0 else (left, left) if end == length else (left, right)
        row[:channels, start:end] = np.linspace(*ends, lost + 2, axis=1)[:, 1:-1]
        row[channels:, start:end] = 1
    return out


WAYS = (
    Worsening("noise in series", "standard deviations of each channel", NOISE, "input", add_noise),
    Worsening("lost stretch of time", "share of the time", LOST, "input", lose_stretch),
)
