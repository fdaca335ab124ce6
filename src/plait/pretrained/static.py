"""Static embeddings of tokens, as an encoder of texts: each token has one vector, and a text is their mean.
The vectors (32,000 of 256 numbers, mostly for English) and the tokeniser come inside the package wordllama (Miller
2024, "WordLlama: Recycled token embeddings from large language models"), which is not imported. They were trained from
the token embeddings of Llama 2 and others, whose licences may matter beside that of the package. Knows no table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from plait.core.files import digest
from plait.pretrained.cells import CleanPrep
from plait.pretrained.frozen import Frozen
from plait.pretrained.packages import find_file, find_weights

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "wordllama"
VECTORS = ("weights", "l2_supercat_256.safetensors")
TOKENISER = ("tokenizers", "l2_supercat_tokenizer_config.json")
WIDTH = 256
TOKENS = 1024  # of a longer text the rest is cut
LONGEST = 16 * TOKENS  # characters that are looked at: no token is longer than 16


@dataclass(frozen=True)
class StaticPrep(CleanPrep):
    """Text → token ids + 1 (token,), int32, with 0 after the last; 1,024 of them, and a longer text is cut."""

    def __call__(self, text: str) -> np.ndarray:
        """Return the ids of one raw text. Many threads may call at the same time."""
        cleaned = self.clean(text or "")[:LONGEST]
        return self.fill(_tokeniser().encode(cleaned, add_special_tokens=False).ids[:TOKENS], TOKENS)


@cache
def _tokeniser() -> Tokenizer:
    """Return the tokeniser, read once in a process. Raises MissingExtra without the package."""
    path = find_file(PACKAGE, *TOKENISER)
    from tokenizers import Tokenizer  # comes with the package

    return Tokenizer.from_file(str(path))


class MeanEmbedding(nn.Module):
    """Token ids + 1 (batch, token), 0 where there is none → the mean of their vectors (batch, 1, width), else zeros."""

    def __init__(self, vectors: Tensor) -> None:
        super().__init__()
        weight = torch.cat([vectors.new_zeros(1, vectors.shape[1]), vectors]).float()
        self.embedding = nn.EmbeddingBag.from_pretrained(weight, freeze=False, mode="mean", padding_idx=0)

    @property
    def blocks(self) -> list[nn.Module]:
        return [self.embedding]

    def forward(self, ids: Tensor) -> Tensor:
        longest = int((ids != 0).sum(dim=1).max()) if len(ids) else 0  # nothing is gained from reading empty places
        return self.embedding(ids[:, : max(1, longest)])[:, None]


def make_static(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: steps of cleaning, which may be strings.
    Raises RequestError for a wrong option, MissingExtra without the package."""
    prep = StaticPrep.of(options)
    path, told = find_weights(PACKAGE, *VECTORS)
    return Frozen(
        name="static",
        shape=(TOKENS,),
        dtype="int32",
        tokens=1,
        width=WIDTH,
        prep=prep,
        load=lambda: MeanEmbedding(load_file(path)["embedding.weight"]),
        settings=digest(find_file(PACKAGE, *TOKENISER)),
        **told,
    )
