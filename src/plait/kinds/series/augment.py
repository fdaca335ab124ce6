"""Random changes of prepared series for training. All draws come from the generator, first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

KNOTS = 4  # places between which time runs evenly
JITTER, SCALE, WARP = 0.03, 0.1, 0.2  # deviations: of noise and of the factor of a channel; of the log of its pace


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator) -> Tensor:
    """Return series (batch, channel, time) with noise, in another size, and with time that runs unevenly.

    Jitter, scaling and time warping of Um and others 2017 ("Data augmentation of wearable sensor data"). Time begins
    and ends where it did. Flags of holes move with it, and stay flags.
    """
    batch, _, length = x.shape
    channels = layout["channels"]
    pace, size = (torch.randn(shape, generator=generator) for shape in ((batch, KNOTS), (batch, channels, 1)))
    noise = torch.randn((batch, channels, length), generator=generator)
    pace, size, noise = (drawn.to(x.device, x.dtype) for drawn in (pace, size, noise))
    steps = torch.exp(WARP * pace)
    spans = torch.cat([steps.new_zeros(batch, 1), steps.cumsum(1)], 1) / steps.sum(1, keepdim=True) * (length - 1)
    even = torch.linspace(0, KNOTS, length, device=x.device, dtype=x.dtype)
    knot = even.floor().clamp(max=KNOTS - 1).long()
    left, right = spans[:, knot], spans[:, knot + 1]
    moment = left + (even - knot) * (right - left)  # (batch, time): where each point comes from
    before = moment.floor().clamp(0, max(0, length - 2)).long()
    share = (moment - before)[:, None]
    before = before[:, None].expand(-1, x.shape[1], -1)
    after = (before + 1).clamp(max=length - 1)
    warped = x.gather(2, before) * (1 - share) + x.gather(2, after) * share
    values = warped[:, :channels] * (1 + SCALE * size) + JITTER * noise
    return torch.cat([values, (warped[:, channels:] > 0.5).to(x.dtype)], dim=1)
