"""Random changes of prepared tables, and of vectors, for training. All draws come from the generator, first."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def swap_cells(x: Tensor, generator: torch.Generator, share: float) -> Tensor:
    """Return rows (batch, …) in which a share of the values, less than 1, is expected to be that of another row.

    Drawn with repeats, since a number drawn for each cell takes four times as long: of n cells −ln(1 − share)·n places
    leave each untouched with the chance 1 − share. A place that is drawn twice gets one value, whoever writes last.
    """
    num, width = x.numel(), x[0].numel() if len(x) else 0
    drawn = round(-math.log1p(-share) * num) if round(share * num) else 0
    places = torch.randint(max(1, num), (drawn,), generator=generator)
    rows = torch.randint(max(1, len(x)), (drawn,), generator=generator)[places % max(1, drawn)]
    places, sources = places.to(x.device), (rows * width + places % max(1, width)).to(x.device)
    swapped = x.clone(memory_format=torch.contiguous_format)
    swapped.view(-1)[places] = x.reshape(-1)[sources]
    return swapped


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator, share: float = 0.1) -> Tensor:
    """Return rows (batch, …) in which each value is, now and then, that of another row of the batch.

    Swap noise: Jahrer 2017 (Porto Seguro, denoising autoencoders); VIME (Yoon and others 2020) corrupts tables alike.
    """
    return swap_cells(x, generator, share)
