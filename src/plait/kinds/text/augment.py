"""Random changes of prepared texts for training. All draws come from the generator, first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from plait.kinds.text.prep import FIRST, UNKNOWN


def drop_words(ids: Tensor, generator: torch.Generator, share: float = 0.1) -> Tensor:
    """Return ids (batch, token) with a share of the words made unknown (word dropout, Iyyer and others 2015, ACL)."""
    draw = torch.rand(ids.shape, generator=generator, device=generator.device).to(ids.device)
    return torch.where((draw < share) & (ids >= FIRST), torch.full_like(ids, UNKNOWN), ids)


def augment(prep: Any, layout: Mapping[str, Any], x: Tensor, generator: torch.Generator, share: float = 0.3) -> Tensor:
    """Return texts (batch, feature + token) with some TF-IDF coordinates dropped and some words made unknown.

    Dropout of inputs: Srivastava and others 2014 (JMLR 15).
    """
    features = layout["features"]
    kept = (torch.rand(len(x), features, generator=generator) >= share).to(x)
    words = drop_words(x[:, features:].long(), generator).to(x)
    return torch.cat([x[:, :features] * kept / (1 - share), words], 1)
