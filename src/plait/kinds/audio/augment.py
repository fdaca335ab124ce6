"""Random changes of log-mels for training. All draws come from the generator, first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from plait.kinds.image.augment import draw_noise


def augment_mels(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return log-mels (batch, mel, time), standardised per recording, each changed at random.

    Stretched in time by up to 15 % (Ko and others 2015, speed perturbation) and in frequency by up to 8 % (Jaitly and
    Hinton 2013, vocal tract length perturbation: other speakers), shifted to ±10 % and ±5 %; two masks each in time and
    in frequency of up to 10 % (Park and others 2019, SpecAugment), noise of standard deviation up to 0.3. What is moved
    in or masked is 0, the recording's mean. All draws come first, from the generator; x is not changed.
    """
    batch, mels, time = x.shape
    draws = torch.rand(13, batch, generator=generator, device=generator.device).to(x.device)
    noise = draw_noise(x, generator)

    share = 2 * draws - 1
    wide, high = torch.exp(0.15 * share[11]), torch.exp(0.08 * share[12])
    # scaled about the first frame and the lowest band, then shifted; in the units of affine_grid the axis is 2 long
    map_ = torch.zeros(batch, 2, 3, device=x.device)
    map_[:, 0, 0], map_[:, 0, 2] = wide, wide - 1 + 0.2 * share[0]
    map_[:, 1, 1], map_[:, 1, 2] = high, high - 1 + 0.1 * share[1]
    grid = F.affine_grid(map_, [batch, 1, mels, time], align_corners=False).to(x.dtype)
    moved = F.grid_sample(x[:, None], grid, padding_mode="zeros", align_corners=False)[:, 0]
    moved.mul_(_masks(mels, draws[2:6]).to(x.dtype)[:, :, None]).mul_(_masks(time, draws[6:10]).to(x.dtype)[:, None, :])
    return moved.addcmul_(noise, (0.3 * draws[10]).to(x.dtype)[:, None, None])


def _masks(length: int, draws: Tensor) -> Tensor:
    """Return which places of an axis are kept, (batch, length) bool, with two masks of up to 10 %; draws (4, batch)."""
    places = torch.arange(length, device=draws.device)
    widths = 0.1 * length * draws[:2, :, None]
    starts = draws[2:, :, None] * (length - widths)
    return ((places < starts) | (places >= starts + widths)).all(dim=0)


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator) -> Tensor:
    """Return prepared inputs, each changed at random as this preparation allows."""
    return prep.augment(x, generator)
