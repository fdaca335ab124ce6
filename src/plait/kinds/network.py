"""Encoders that are trained here, each (batch, …) → tokens (batch, token, dim), present (batch, token).

They see only rows in which their modality is present, so they know nothing of holes, of fusion or of the target.
Convolutional ones use BatchNorm (over those rows), the others LayerNorm. No encoder calls a random generator.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from plait.errors import RequestError


def check_shape(name: str, x: Tensor, expected: Sequence[int | str]) -> None:
    """Raise RequestError when x has not the expected shape; words stand for any length."""
    fits = x.dim() == len(expected) and all(
        isinstance(e, str) or e == n for e, n in zip(expected, x.shape, strict=True)
    )
    if not fits:
        wanted = ", ".join(str(e) for e in expected)
        raise RequestError(f"{name}: got an array of shape {tuple(x.shape)}; expected ({wanted}).")


class Residual(nn.Module):
    """A residual block with two 3×3 convolutions (He and others 2016, "Deep residual learning")."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.short: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.short = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        return F.relu(self.norm2(self.conv2(y)) + self.short(x), inplace=True)


class ConvEncoder(nn.Module):
    """A small residual network over a picture (channel, height, width) or a log-mel (1, mel, time).

    A stem that brings it to about 1,000 cells, then three residual stages; a stage halves each side unless it works on
    few cells already, so that a larger picture does not cost in proportion. Tokens are the cells of the last stage,
    pooled to at most 4 × 4.
    """

    def __init__(self, channels: int, height: int, width: int, dim: int, base: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.channels, self.height, self.width = channels, height, width
        steps = max(0, math.ceil(math.log2(math.sqrt(height * width / 1100.0))))
        stem: list[nn.Module] = []
        inputs = channels
        for step in range(steps):
            outputs = base if step else base // 2
            stem += [nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            inputs = outputs
        stem += [nn.Conv2d(inputs, base, 3, 1, 1, bias=False), nn.BatchNorm2d(base), nn.ReLU(inplace=True)]
        self.stem = nn.Sequential(*stem)
        sides = [math.ceil(n / 2**steps) for n in (height, width)]
        stages: list[nn.Module] = []
        inputs = base
        for outputs, few in ((base, 400), (2 * base, 0), (4 * base, 64)):
            stride = 2 if math.prod(sides) > few else 1
            stages.append(Residual(inputs, outputs, stride))
            inputs, sides = outputs, [math.ceil(n / stride) for n in sides]
        self.stages = nn.Sequential(*stages)
        self.grid = (min(4, sides[0]), min(4, sides[1]))
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(inputs, dim)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, channel, height, width) float, about -1 to 1 → tokens (batch, token, dim), all present."""
        check_shape("picture", x, ("batch", self.channels, self.height, self.width))
        y = self.stages(self.stem(x.contiguous(memory_format=torch.channels_last)))
        y = F.adaptive_avg_pool2d(y, self.grid).flatten(2).transpose(1, 2)
        tokens = self.project(self.dropout(y))
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


class SoundEncoder(nn.Module):
    """A ConvEncoder over a log-mel (batch, mel, time): the same network, with one channel."""

    def __init__(self, mels: int, frames: int, dim: int, base: int = 32, dropout: float = 0.1) -> None:
        super().__init__()
        self.mels, self.frames = mels, frames
        self.picture = ConvEncoder(1, mels, frames, dim, base, dropout)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, mel, time), standardised per recording → tokens (batch, token, dim), all present."""
        check_shape("log-mel", x, ("batch", self.mels, self.frames))
        return self.picture(x[:, None])


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
        self.dropout = nn.Dropout(dropout)
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
            nn.Linear(total, dim), nn.LayerNorm(dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(dim, dim)
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


class VectorEncoder(nn.Module):
    """A small network over features that a pretrained encoder gave: (batch, token, width), each token by itself.

    Features differ in scale, so each is brought to about 1 over the rows (BatchNorm without weights of its own).
    """

    def __init__(self, tokens: int, width: int, dim: int, dropout: float = 0.5) -> None:
        super().__init__()
        self.tokens, self.width = tokens, width
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.dropout = nn.Dropout(dropout)
        self.project = nn.Linear(width, dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: (batch, token, width) → tokens (batch, token, dim), all present."""
        check_shape("features", x, ("batch", self.tokens, self.width))
        y = self.norm(x.flatten(0, 1)).view_as(x)
        tokens = self.project(self.dropout(y.clamp(-8, 8)))
        return tokens, torch.ones(tokens.shape[:2], dtype=torch.bool, device=tokens.device)


def input_shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of one row's input of a layout, without the columns."""
    if layout["kind"] == "image":
        return layout["channels"], layout["height"], layout["width"]
    if layout["kind"] == "audio":
        return layout["mels"], layout["frames"]
    if layout["kind"] == "tuned":
        return tuple(layout["shape"])
    if layout["kind"] == "vectors":
        return layout["tokens"], layout["width"]
    if layout["kind"] == "text":
        return (layout["features"] + layout["tokens"],)
    return (2 * layout["numbers"] + len(layout["categories"]),)


def build_encoder(layout: Mapping[str, Any], dim: int) -> nn.Module:
    """Make the encoder for a layout (the JSON a fitted strand gives): its kind and its sizes."""
    sizes = {name: value for name, value in layout.items() if name != "kind"}
    return ENCODERS[layout["kind"]](**sizes, dim=dim)


ENCODERS = {
    "image": ConvEncoder,
    "audio": SoundEncoder,
    "text": TextEncoder,
    "tabular": TabularEncoder,
    "vectors": VectorEncoder,
}
