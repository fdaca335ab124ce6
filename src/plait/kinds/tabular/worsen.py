"""Tables made worse, level by level: noise in numbers.

The draw comes first, so that from the same seed a worse level holds the better one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.errors import RequestError
from plait.kinds.worsening import Worsening

NUMBER_NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)  # standard deviations of the column


def noise_numbers(
    values: np.ndarray, level: float, generator: np.random.Generator, layout: Mapping[str, Any]
) -> np.ndarray:
    """Add Gaussian noise to the numbers of a prepared table, (batch, feature), scaled as preparation leaves them.

    A number that is missing stays as it is, and so do the codes of the categories. level: the noise's deviation, in
    that of the column.
    """
    numbers = layout["numbers"]
    if values.ndim != 2 or values.shape[1] < 2 * numbers:
        shape = f"(batch, feature) with at least {2 * numbers} features"
        raise RequestError(f"the table has shape {values.shape}; expected {shape}.")
    noise = level * generator.standard_normal((len(values), numbers))
    noisy = values.copy()
    noisy[:, :numbers] += np.where(values[:, numbers : 2 * numbers] == 0, noise, 0)
    return noisy


UNIT = "standard deviations of the column"
WAYS = (
    Worsening("noise in numbers", UNIT, NUMBER_NOISE, "input", noise_numbers, lambda layout: bool(layout["numbers"])),
)
