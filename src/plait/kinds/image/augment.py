"""Random changes of pictures for training. All draws come from the generator, first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

NOISE_STEP = 257  # between the windows of noise that neighbours in a batch get, in training


def draw_noise(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return normal numbers in the shape of x, (batch, …).

    A number drawn for each cell would cost more than all other changes: inputs take windows of one long draw.
    """
    length = x[0].numel()
    pool = torch.randn(length + NOISE_STEP * (len(x) - 1), generator=generator, device=generator.device).to(x)
    return pool.unfold(0, length, NOISE_STEP).view(x.shape)


def augment_images(x: Tensor, generator: torch.Generator, *, flip: bool = False) -> Tensor:
    """Return pictures (batch, channel, height, width), float in 0…1, each changed at random but mildly.

    Rotation to ±12°, shift to ±10 %, scale 0.85 to 1.15, shear to ±0.1, contrast ±20 %, brightness ±0.1, noise of
    standard deviation up to 0.1; flip mirrors half of them. Edges are repeated outwards. All draws come first, from the
    generator; x is not changed.
    """
    batch, _, height, width = x.shape
    draws = torch.rand(10, batch, generator=generator, device=generator.device).to(x) * 2 - 1
    noise = draw_noise(x, generator)

    angle, shear = draws[0] * (12 * torch.pi / 180), draws[1] * 0.1
    across, down = 1 / (1 + 0.15 * draws[2]), 1 / (1 + 0.15 * draws[2] + 0.05 * draws[3])
    if flip:
        across = across * torch.where(draws[4] < 0, -1.0, 1.0)
    cos, sin = torch.cos(angle), torch.sin(angle)
    columns = (2 * torch.arange(width, device=x.device, dtype=x.dtype) + 1) / width - 1
    rows = (2 * torch.arange(height, device=x.device, dtype=x.dtype) + 1) / height - 1
    ratio = height / width  # angles are kept in pixels, while the grid runs from -1 to 1 on both axes
    along = torch.stack([cos * across, sin * across / ratio], -1)[:, None, None, :] * columns[:, None]
    below = torch.stack([(shear * cos - sin) * down * ratio, (shear * sin + cos) * down], -1)[:, None, None, :]
    shift = 0.2 * draws[5:7].T[:, None, None, :]
    grid = along + (below * rows[:, None, None] + shift)  # (batch, height, width, 2): where each new pixel comes from
    moved = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)

    contrast, brightness, loudness = (d.view(batch, 1, 1, 1) for d in draws[7:10])
    mean = moved.mean(dim=(1, 2, 3), keepdim=True)
    moved = torch.addcmul(0.1 * brightness - 0.2 * contrast * mean, moved, 1 + 0.2 * contrast)
    return moved.addcmul_(noise, 0.05 * (1 + loudness))


def augment_raw(x: Tensor, generator: torch.Generator) -> Tensor:
    """Return what a pretrained encoder is given, pictures of 0 to 255 changed mildly, all else as it is."""
    if x.dim() != 4 or x.dtype != torch.uint8:
        return x
    return augment_images(x.float() / 255, generator).clamp(0, 1) * 255


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator) -> Tensor:
    """Return prepared inputs, each changed at random as this preparation allows."""
    return prep.augment(x, generator)
