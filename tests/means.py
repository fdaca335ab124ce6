"""A pretrained encoder that can be reckoned by hand: the mean of each picture. Knows no test."""

from typing import Any

import torch
from torch import Tensor, nn

from plait.kinds.image.prep import ImagePrep
from plait.pretrained.frozen import Frozen


class Means(nn.Module):
    """The mean of each picture; it remembers how many came at a time, and has room for so many."""

    def __init__(self, room: int = 10_000) -> None:
        super().__init__()
        self.room, self.seen = room, list[int]()

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.room:
            raise torch.OutOfMemoryError
        self.seen.append(len(x))
        return x.float().mean((1, 2, 3))[:, None, None]


def frozen(network: Means, **others: Any) -> Frozen:
    prep = ImagePrep(mode="L", height=2, width=2)
    told = {"origin": "here", "licence": "none", "weights": "w", "prep": prep, "load": lambda: network}
    shape = {"shape": (1, 2, 2), "dtype": "uint8", "tokens": 1, "width": 1}
    return Frozen("means", **{**shape, **told, **others})
