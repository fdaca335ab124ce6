"""Random changes of prepared tables, and of vectors, for training. All draws come from the generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator, share: float = 0.1) -> Tensor:
    """Return rows (batch, …) in which each value is, now and then, that of another row of the batch.

    Swap noise: Jahrer 2017 (Porto Seguro, denoising autoencoders); VIME (Yoon and others 2020) corrupts tables alike.
    """
    flat = x.flatten(1)
    swapped = torch.rand(flat.shape, generator=generator).to(x.device) < share
    others = torch.randint(len(x), flat.shape, generator=generator).to(x.device)
    return torch.where(swapped, flat.gather(0, others), flat).view_as(x)
