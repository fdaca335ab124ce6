"""The network of numbers and categories that is trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.kinds.network import Dropout
from plait.kinds.sizes import check_shape
from plait.kinds.tabular.prep import shape


class TabularEncoder(nn.Module):
    """An MLP over embedded numbers and categories.

    Each number has its own small embedding (Gorishniy and others 2022, "On embeddings for numerical features"), each
    category a row of a table of vectors; both go through two layers. Input (batch, feature): the scaled numbers, then
    for each number 1 where it was absent, then the category codes (0: absent or unseen).
    """

    def __init__(self, numbers: int, categories: Sequence[int], dim: int, width: int = 8, dropout: float = 0.2) -> None:
        super().__init__()
        self.numbers, self.categories = numbers, list(categories)
        self.weight = nn.Parameter(torch.randn(numbers, width))
        self.bias = nn.Parameter(torch.randn(numbers, width))
        widths = [min(16, max(2, round(1.6 * size**0.5))) for size in categories]
        self.embed = nn.ModuleList(nn.Embedding(size, w) for size, w in zip(categories, widths, strict=True))
        total = numbers * (width + 2) + sum(widths)
        self.layers = nn.Sequential(
            nn.Linear(total, dim), nn.LayerNorm(dim), nn.GELU(), Dropout(dropout), nn.Linear(dim, dim)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, feature) → tokens (batch, 1, dim), all present."""
        n = self.numbers
        check_shape("table", x, ("batch", 2 * n + len(self.categories)))
        values = x[:, :n]
        bent = torch.relu(values[:, :, None] * self.weight + self.bias).flatten(1)
        codes = [layer(x[:, 2 * n + i].long()) for i, layer in enumerate(self.embed)]
        tokens = self.layers(torch.cat([bent, x[:, : 2 * n], *codes], dim=1))[:, None]
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


ENCODER = TabularEncoder


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return rows (batch, feature): numbers, of which a fifth is absent, and codes."""
    x, numbers = generator.standard_normal((num, *shape(layout))), layout["numbers"]
    x[:, numbers : 2 * numbers] = generator.random((num, numbers)) < 0.2
    for place, size in enumerate(layout["categories"]):
        x[:, 2 * numbers + place] = generator.integers(0, size, num)
    return x
