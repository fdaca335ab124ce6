"""Random changes of videos for training: those of pictures, the same for all frames of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator) -> Tensor:
    """Return prepared inputs, each changed at random as this preparation allows."""
    return prep.augment(x, generator)
