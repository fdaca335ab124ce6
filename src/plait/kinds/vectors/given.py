"""What a pretrained encoder is given, where that encoder is tuned: it goes in as it is, and is scaled inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

ENCODER = None  # made of the pretrained encoder itself
NORMED = True


def shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of what the pretrained encoder is given."""
    return tuple(layout["shape"])


def to_float(x: Tensor) -> Tensor:
    """Return the input as it is: a pretrained network scales what it is given."""
    return x


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: Any) -> Tensor:
    """Return pictures changed mildly, all else as it is."""
    from plait.kinds.image.augment import augment_raw  # here, since all else does without torch

    return augment_raw(x, generator)


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return pictures (batch, *shape), 0 to 255: of tuned encoders only those of pictures are exported."""
    return generator.integers(0, 256, (num, *shape(layout)))
