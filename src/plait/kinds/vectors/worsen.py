"""Vectors made worse, level by level: noise. It is drawn first, so that a worse level holds the better one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.worsening import Worsening

NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)  # standard deviations of each number


def add_noise(
    values: np.ndarray, level: float, generator: np.random.Generator, layout: Mapping[str, Any]
) -> np.ndarray:
    """Add Gaussian noise to prepared vectors, (batch, …, width). level: its deviation, in that of each number."""
    return (values + level * generator.standard_normal(values.shape)).astype(values.dtype)


WAYS = (Worsening("noise in vectors", "standard deviations of each number", NOISE, "input", add_noise),)
