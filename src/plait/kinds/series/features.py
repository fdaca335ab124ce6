"""Features of series for learners that are no networks: how often each kernel is exceeded, and the level by itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from plait.kinds.series.kernels import count_above, plan_groups


def features(x: np.ndarray, layout: Mapping[str, Any]) -> np.ndarray:
    """Series (batch, channel, time) → shares of kernels; mean, deviation, ends and holes of channels."""
    channels = layout["channels"]
    values, flags = x[:, :channels], x[:, channels:]
    shares = count_above(values, plan_groups(channels, layout["length"], layout["seed"]), np.array(layout["biases"]))
    level = [values.mean(2), values.std(2), values.min(2), values.max(2), values[:, :, 0], values[:, :, -1]]
    return np.concatenate([shares, *level, flags.mean(2)], axis=1)
