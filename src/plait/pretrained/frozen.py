"""A network that others have trained, as plait sees it: what it is given, what it answers, and where it is from.
Knows no library it comes from, no table and no cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

VERSION = 1  # of what is computed here; a change makes all kept features void
BATCH = 32  # cells encoded at a time
GPU_BATCH = 256  # the same on a GPU, which is idle with fewer
GPU_BATCH_BYTES = 64 << 20  # of what the network is given
_LOCK = threading.Lock()


@dataclass(frozen=True, eq=False)
class Frozen:
    """A pretrained encoder of one kind of cell, with the preprocessing that it was trained with.
    prep(picture), prep(samples, Hz) or prep(text) gives an array of `shape` and `dtype`. The network takes (batch,
    *shape) of them and gives features (batch, token, width) float32; `network.blocks` lists its parts from the input
    on. It is loaded when first asked for. weights: the SHA-256 of what was loaded."""

    name: str  # as the user writes it: "lite0", "static", "hf:NAME_OR_FOLDER"
    shape: tuple[int, ...]
    dtype: str
    tokens: int
    width: int
    origin: str  # package and version, folder, or name at the hub
    licence: str
    weights: str
    prep: Any
    load: Callable[[], nn.Module] = field(repr=False)
    trainable: Callable[[], nn.Module] | None = field(default=None, repr=False)  # where `load` gives one for use only
    settings: str = ""  # the SHA-256 of what is done to a cell that neither `prep` nor `weights` tells

    @property
    def kind(self) -> str:
        """The kind of its cells."""
        return str(self.prep.KIND)

    @cached_property
    def network(self) -> nn.Module:
        """The network, in eval mode; its parameters take no gradient."""
        return self.load().eval().requires_grad_(False)

    def new_network(self) -> nn.Module:
        """Return a network of its own, in eval mode, whose parameters can be tuned."""
        return (self.trainable or self.load)().eval()

    @property
    def key(self) -> str:
        """What the features of a cell depend on, beside the cell: weights, preprocessing, and the code of both."""
        depends = [VERSION, self.kind, self.weights, self.tokens, self.width, self.prep.to_json(), self.settings]
        return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()

    def batch_size(self, device: torch.device | str) -> int:
        """Return how many cells are encoded at a time on this device."""
        if torch.device(device).type == "cpu":
            return BATCH
        each = max(1, int(np.prod(self.shape))) * np.dtype(self.dtype).itemsize
        return max(BATCH, min(GPU_BATCH, GPU_BATCH_BYTES // each))

    def encode(self, inputs: np.ndarray, device: torch.device | str = "cpu") -> np.ndarray:
        """Return the features (batch, token, width) float32 of prepared cells (batch, *shape)."""
        features = np.zeros((len(inputs), self.tokens, self.width), np.float32)
        network, size, done = self.network.to(device), self.batch_size(device), 0
        with torch.inference_mode(), quick_products(device):
            while done < len(inputs):
                try:
                    part = torch.from_numpy(np.ascontiguousarray(inputs[done : done + size])).to(device)
                    features[done : done + size] = network(part).float().cpu().numpy()
                except torch.OutOfMemoryError:  # of a GPU
                    if size == 1:
                        raise
                    size //= 2
                else:
                    done += size
        return features

    def encode_near(self, inputs: np.ndarray) -> np.ndarray:
        """As `encode`, on the processor, of cells that are the first one but for a part: what they share once."""
        near: Any = getattr(self.network.to("cpu"), "near", None)
        if near is None or len(inputs) < 2:
            return self.encode(inputs)
        with torch.inference_mode():
            return np.asarray(near(torch.from_numpy(inputs)))

    def describe(self) -> dict[str, Any]:
        """Return what a run folder says of it, as JSON."""
        names = ("name", "kind", "shape", "dtype", "tokens", "width", "origin", "licence", "weights", "settings")
        return {**{name: getattr(self, name) for name in names}, "prep": self.prep.to_json()}


@contextlib.contextmanager
def quick_products(device: torch.device | str) -> Iterator[None]:
    """Let a GPU round the factors of matrix products to 10 bits after the point (TF32), as it does in convolutions.

    Features differ by less than a thousandth, so that those of a GPU and a CPU are kept as one (bfloat16: ten times).
    """
    if torch.device(device).type != "cuda":
        yield
        return
    with _LOCK:  # the setting is one of the whole process
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("high")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)


def hash_settings(settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of settings that JSON can tell; what it cannot is told as Python prints it."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True, default=repr).encode()).hexdigest()


def hash_state(state: dict[str, Tensor]) -> str:
    """Return the SHA-256 of the weights of a network: names, types, shapes and values, in order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        value = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def last_blocks(network: nn.Module, how: str) -> list[nn.Module]:
    """Return the parts of a network that are tuned: of "full" all, of "last-2" the last two blocks."""
    blocks: Sequence[nn.Module] = network.blocks  # type: ignore[assignment]
    return list(blocks) if how == "full" else list(blocks)[-int(how.removeprefix("last-")) :]
