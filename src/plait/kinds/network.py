"""Encoders that are trained here, by their layouts: (batch, …) → tokens (batch, token, dim), present (batch, token).

They see only rows in which their modality is present, so they know nothing of holes, of fusion or of the target.
Convolutional ones use BatchNorm (over those rows), the others LayerNorm. No encoder calls a random generator.
A layout is JSON: {"kind", and the sizes of one input}.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from plait.kinds import KINDS


def input_shape(layout: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of one row's input of a layout, without the columns."""
    return KINDS[layout["kind"]].network.shape(layout)


def build_encoder(layout: Mapping[str, Any], dim: int) -> nn.Module:
    """Make the encoder for a layout (the JSON a fitted view gives): its kind and its sizes."""
    sizes = {name: value for name, value in layout.items() if name != "kind"}
    return KINDS[layout["kind"]].network.ENCODER(**sizes, dim=dim)


def as_float(kind: str, x: Tensor) -> Tensor:
    """Return inputs of a layout's kind in float32, pictures as 0…1; what a pretrained network scales as it is."""
    network = KINDS[kind].network
    return network.to_float(x) if hasattr(network, "to_float") else x.float()


def centre(kind: str, x: Tensor) -> Tensor:
    """Return inputs (as `as_float` gives them) as the encoder of a layout's kind is given them."""
    network = KINDS[kind].network
    return network.centre(x) if hasattr(network, "centre") else x


def is_convolutional(kind: str) -> bool:
    """Whether the encoder of a layout's kind sees many cells, and is trained long."""
    return bool(getattr(KINDS[kind].network, "CONVOLUTIONAL", False))


def is_normed(kind: str) -> bool:
    """Whether the encoder of a layout's kind has BatchNorm, which needs two inputs or more."""
    return bool(getattr(KINDS[kind].network, "NORMED", False))


def is_given_features(kind: str) -> bool:
    """Whether a layout's kind is features that a pretrained encoder gave."""
    return kind == "vectors"
