"""Encoders that are trained here, each (batch, …) → tokens (batch, token, dim), present (batch, token).

They see only rows in which their modality is present, so they know nothing of holes, of fusion or of the target.
Convolutional ones use BatchNorm (over those rows), the others LayerNorm. No encoder calls a random generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from plait.kinds.audio.network import SoundEncoder
from plait.kinds.image.network import ConvEncoder
from plait.kinds.tabular.network import TabularEncoder
from plait.kinds.text.network import TextEncoder
from plait.kinds.vectors.network import VectorEncoder


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
