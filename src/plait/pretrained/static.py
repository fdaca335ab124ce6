"""Static embeddings of tokens, as an encoder of texts: each token has one vector, and a text is their mean.

The vectors (32,000 of 256 numbers, mostly for English) and the tokeniser come inside the package wordllama (Miller
2024, "WordLlama: Recycled token embeddings from large language models"). They were trained from the token embeddings of
Llama 2 and others, so the licences of those models may matter beside that of the package. The package itself is not
imported. Knows no table and no files but these two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from plait.core.options import from_strings
from plait.kinds.text.clean import clean, show_markers
from plait.pretrained.frozen import Frozen
from plait.pretrained.packages import find_file, hash_file, package_licence, package_origin

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "wordllama"
VECTORS = ("weights", "l2_supercat_256.safetensors")
TOKENISER = ("tokenizers", "l2_supercat_tokenizer_config.json")
WIDTH = 256
TOKENS = 1024  # of a longer text the rest is cut
LONGEST = 16 * TOKENS  # characters that are looked at: no token is longer than 16


def _option(default: bool, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class StaticPrep:
    """Text → token ids + 1 (token,), int32, with 0 after the last; 1,024 of them, and a longer text is cut.

    Capital letters are kept, since the tokeniser knows them. A text without any token gives only zeros.
    """

    normalise: bool = _option(True, "Make full-width letters, ligatures and curly apostrophes plain (Unicode NFKC).")
    mojibake: bool = _option(True, "Repair UTF-8 that was read as Windows-1252, such as cafÃ©.")
    html: bool = _option(True, "Take HTML tags and entities out.")
    whitespace: bool = _option(True, "Make every run of blanks one space; take control characters out.")
    lower: bool = _option(False, "Make capital letters small.")

    @classmethod
    def of(cls, options: Mapping[str, object]) -> StaticPrep:
        """Make it from options that may be strings. Raises RequestError for an unknown option or a wrong value."""
        return from_strings(cls, options, "text")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> StaticPrep:
        return cls(**data)

    def __call__(self, text: str) -> np.ndarray:
        """Return the ids of one raw text, which is cleaned first; the marker of a column becomes its name and a colon.

        Many threads may call at the same time.
        """
        cleaned = clean(show_markers(text or "", "{}:"), **self.to_json())[:LONGEST]
        ids = _tokeniser().encode(cleaned, add_special_tokens=False).ids[:TOKENS]
        found = np.zeros(TOKENS, np.int32)
        found[: len(ids)] = np.asarray(ids, np.int32) + 1
        return found


@cache
def _tokeniser() -> Tokenizer:
    """Return the tokeniser, read once in a process. Raises MissingExtra without the package."""
    path = find_file(PACKAGE, *TOKENISER)
    from tokenizers import Tokenizer  # comes with the package

    return Tokenizer.from_file(str(path))


class MeanEmbedding(nn.Module):
    """Token ids + 1 (batch, token), 0 where there is none → the mean of their vectors (batch, 1, width) float32.

    A text without any token gives zeros.
    """

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


def load_static(path: Path) -> MeanEmbedding:
    """Return the network with the vectors of the file."""
    return MeanEmbedding(load_file(path)["embedding.weight"])


def make_static(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: steps of cleaning, which may be strings.

    Raises RequestError for a wrong option, MissingExtra without the package.
    """
    return frozen_static(StaticPrep.of(options))


def frozen_static(prep: StaticPrep) -> Frozen:
    """Return the encoder with this preparation."""
    path = find_file(PACKAGE, *VECTORS)
    return Frozen(
        name="static",
        kind="text",
        shape=(TOKENS,),
        dtype="int32",
        tokens=1,
        width=WIDTH,
        origin=package_origin(PACKAGE),
        licence=package_licence(PACKAGE),
        weights=hash_file(path),
        prep=prep,
        load=partial(load_static, path),
        settings=hash_file(find_file(PACKAGE, *TOKENISER)),
    )
