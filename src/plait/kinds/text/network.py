"""The network of a text that is trained here, over its TF-IDF vector and its tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.kinds.network import Dropout
from plait.kinds.sizes import check_shape
from plait.kinds.text.prep import shape


class TextEncoder(nn.Module):
    """TF-IDF brought down by SVD, beside token embeddings under attention pooling; each gives tokens of its own.

    Input (batch, feature + token): the TF-IDF vector, then the token ids (0 is padding), in one float tensor.
    Either part may be empty. Attention pooling: Yang and others 2016, "Hierarchical attention networks".
    """

    def __init__(
        self,
        features: int,
        tokens: int,
        vocabulary: int,
        dim: int,
        queries: int = 2,
        width: int = 64,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.features, self.tokens = features, tokens
        self.dropout = Dropout(dropout)
        if features:
            self.vector = nn.Linear(features, dim)
        if tokens:
            self.embed = nn.Embedding(vocabulary, width, padding_idx=0)
            nn.init.normal_(self.embed.weight, std=0.3)
            with torch.no_grad():
                self.embed.weight[0] = 0
            self.place = nn.Parameter(torch.zeros(tokens, width))
            self.look = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, queries))
            self.project = nn.Linear(width, dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, feature + token) → tokens (batch, token, dim), all present."""
        check_shape("text", x, ("batch", self.features + self.tokens))
        parts = []
        if self.features:
            # SVD coordinates of a unit vector are small: bring them to about one each; augmentation drops some of them
            parts.append(self.vector(x[:, : self.features] * math.sqrt(self.features))[:, None])
        if self.tokens:
            ids = x[:, self.features :].long()
            words = self.dropout(self.embed(ids)) + self.place
            score = self.look(words).masked_fill((ids == 0)[:, :, None], -1e4)
            share = torch.softmax(score, dim=1)  # (batch, token, query)
            parts.append(self.project(torch.einsum("btq,btd->bqd", share, words)))
        tokens = torch.cat(parts, dim=1)
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


ENCODER = TextEncoder


def draw(layout: Mapping[str, Any], num: int, generator: np.random.Generator) -> np.ndarray:
    """Return texts (batch, feature + token): vectors of length 1, about, and ids of the vocabulary."""
    x = generator.standard_normal((num, *shape(layout)))
    x[:, : layout["features"]] /= max(1.0, math.sqrt(layout["features"]))
    x[:, layout["features"] :] = generator.integers(0, layout["vocabulary"], (num, layout["tokens"]))
    return x


OWN_INPUT = "token ids (batch, token), int64, 0 where there is none"


def for_own(x: Tensor) -> Tensor:
    """Return token ids as a module of the user's own is given them."""
    return x.long()
