"""Tables made worse, level by level: noise in numbers.

The draw comes first, so that from the same seed a worse level holds the better one.
"""

from __future__ import annotations

import numpy as np

from plait.errors import RequestError
from plait.kinds.worsening import Worsening

NUMBER_NOISE = (0.0, 0.25, 0.5, 1.0, 2.0)  # standard deviations of the column


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


WAYS = (
    Worsening(
        "noise in numbers",
        "standard deviations of the column",
        NUMBER_NOISE,
        "input",
        lambda values, level, generator, layout: noise_numbers(values, layout["numbers"], level, generator),
        applies=lambda layout: bool(layout["numbers"]),
    ),
)
