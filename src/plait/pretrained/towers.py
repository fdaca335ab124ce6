"""The networks inside checkpoints of the hub: one tower for one kind of cell, prepared cells in, features out.
A cell's features do not depend on the other cells of its batch. Knows no file and no option."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from plait.errors import RequestError
from plait.pretrained.cells import Colours

PARTS = ("text_config", "vision_config", "audio_config")  # where a config of several kinds keeps that of each
SEGMENTS = 4  # tokens of a sound whose network gives a feature for each moment: its four quarters, in order
SOUNDS = 8  # encoded at a time: half a minute of sound is much for one layer
LEAST = 0.025  # seconds of sound given to a network at least: one window of a spectrogram


def is_joint(model: nn.Module, kind: str) -> bool:
    """Tell whether a network embeds several kinds in one space, this among them, as CLIP and CLAP do."""
    parts = [getattr(model.config, name, None) for name in PARTS]
    return sum(part is not None for part in parts) > 1 and hasattr(model, f"get_{kind}_features")


def pick_tower(model: Any, kind: str, others: Sequence[str]) -> Any:
    """Return the part of a network that encodes this kind: all of it without those `others`, or its encoder."""
    if not is_joint(model, kind):
        return model.get_encoder() if model.config.is_encoder_decoder else model
    for name in others:
        if hasattr(model, name):
            setattr(model, name, None)
    return model


def split_blocks(tower: nn.Module) -> list[nn.Module]:
    """Return the parts of a network in order: what comes before its layers, each layer (the last with the norms,
    poolers and projections after it). Its layers: the largest outermost list of modules."""
    lists = {name: part for name, part in tower.named_modules() if isinstance(part, nn.ModuleList) and len(part)}
    outer = [name for name in lists if not any(name.startswith(f"{other}.") for other in lists)]
    if not outer:
        return [tower]
    place = max(outer, key=lambda name: sum(p.numel() for p in lists[name].parameters()))
    before: list[nn.Module] = []
    after: list[nn.Module] = []
    within = tower
    for step in place.split("."):
        side = before
        for name, part in within.named_children():
            if name == step:
                side = after
            elif any(True for _ in part.parameters()):
                side.append(part)
        within = getattr(within, step)
    *first, last = lists[place]
    rest = nn.ModuleList([last, *after]) if after else last
    return [*([nn.ModuleList(before)] if before else []), *first, rest]


class Tower(nn.Module):
    """What all towers share: the network of the checkpoint, and its parts in order."""

    kind: str
    others: tuple[str, ...]  # parts of a network of several kinds that are not kept

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.joint = is_joint(model, self.kind)
        self.model = pick_tower(model, self.kind, self.others)
        self.blocks = split_blocks(self.model)

    def drop_pooler(self) -> bool:
        """Do without a pooler that was never trained; return whether that is possible."""
        return False

    def call(self, **inputs: Tensor) -> Any:
        """Return what the network answers; of a joint one `pooler_output` is the projected feature."""
        ask = getattr(self.model, f"get_{self.kind}_features") if self.joint else self.model
        return ask(**inputs)


def _pooled(answer: Any) -> Tensor | None:
    """Return the pooled feature (batch, width) of an answer, if there is one. Raises RequestError for another shape."""
    pooled = getattr(answer, "pooler_output", None)
    if pooled is None:
        return None
    if not isinstance(pooled, Tensor) or pooled.dim() not in (2, 4):
        raise RequestError("this network does not give one feature for a cell")
    return pooled.flatten(1)


class PictureTower(Tower):
    """Pictures uint8 (batch, channel, height, width) → one token: the pooled feature of the checkpoint when its pooler
    was trained, else the feature of its class token, else the mean over all places."""

    kind = "image"
    others = ("text_model", "text_projection", "text_embedding")
    scale: Tensor
    offset: Tensor

    def __init__(self, model: Any, colours: Colours, pooler: bool = True) -> None:
        super().__init__(model)
        self.pooler, self.backwards = pooler, colours.backwards
        names = [name.rpartition(".")[2] for name, _ in self.model.named_parameters()]
        self.first = any(name in ("cls_token", "class_token", "class_embedding") for name in names)
        self.register_buffer("scale", torch.tensor(colours.scale).view(3, 1, 1), persistent=False)
        self.register_buffer("offset", torch.tensor(colours.offset).view(3, 1, 1), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        x = pixels.to(torch.float32) * self.scale + self.offset
        return self.pool(self.call(pixel_values=x.flip(1) if self.backwards else x))

    def drop_pooler(self) -> bool:
        self.pooler = False
        return True

    def pool(self, answer: Any) -> Tensor:
        pooled = _pooled(answer) if self.pooler or self.joint else None
        if pooled is None:
            hidden = answer.last_hidden_state
            if hidden.dim() == 4:  # a map of places
                pooled = hidden.mean((2, 3))
            else:
                pooled = hidden[:, 0] if self.first else hidden.mean(1)
        return pooled[:, None]

    def probe(self, shape: Sequence[int]) -> Tensor:
        """Return the features of one cell; on the meta device this costs nothing."""
        return self(torch.zeros(1, *shape, dtype=torch.uint8, device=self.scale.device))


class TextTower(Tower):
    """Ids + 1 (batch, token), 0 where there is none → one token: how = pooler, mean, cls, or last.

    padding: the id that fills a text. full: the network was trained on filled texts and looks at all places (SigLIP).
    """

    kind = "text"
    others = ("vision_model", "visual_projection", "audio_model", "audio_projection")

    def __init__(self, model: Any, how: str, padding: int, full: bool = False) -> None:
        super().__init__(model)
        self.how, self.padding, self.full = how, padding, full

    def forward(self, ids: Tensor) -> Tensor:
        present = ids > 0
        if not self.full:
            longest = max(1, int(present.sum(1).max()))
            ids, present = ids[:, :longest], present[:, :longest]
        return self.encode(ids, present)

    def drop_pooler(self) -> bool:
        return self.how != "pooler"

    def encode(self, ids: Tensor, present: Tensor, masked: bool = True) -> Tensor:
        inputs = {"input_ids": torch.where(present, ids.long() - 1, self.padding)}
        if masked and not self.full:
            inputs["attention_mask"] = present.long()
            inputs["attention_mask"][:, 0] = 1  # of a text without any token something must be looked at
        answer = self.call(**inputs)
        if self.how == "pooler":
            pooled = _pooled(answer)
            if pooled is None:
                raise RequestError("this network does not give one feature for a text")
            return pooled[:, None]
        hidden = answer.last_hidden_state
        if self.how == "cls":
            return hidden[:, :1]
        if self.how == "last":
            last = (present.sum(1) - 1).clamp(min=0)
            return hidden.gather(1, last[:, None, None].expand(-1, 1, hidden.shape[2]))
        weight = present.to(hidden.dtype)[:, :, None]
        return (hidden * weight).sum(1, keepdim=True) / weight.sum(1, keepdim=True).clamp(min=1)

    def probe(self, shape: Sequence[int]) -> Tensor:
        *_, last = self.model.parameters()
        ids = torch.ones(1, *shape, dtype=torch.int32, device=last.device)
        try:
            return self.encode(ids, ids > 0, masked=False)  # most look at the numbers of a mask, which are not there
        except RuntimeError:
            return self.encode(ids, ids > 0)


class SoundTower(Tower):
    """Waves (batch, time), filled with 0 at the end → 4 tokens, the mean over each quarter of the sound itself; one
    token where the network itself gives one feature (AST, CLAP).

    The checkpoint's feature extractor sees each sound alone, without what filled it, so that none depends on its
    neighbours: wav2vec2-base was never trained with a mask. Sounds that come out alike in shape are encoded together.
    """

    kind = "audio"
    others = ("text_model", "text_projection")

    def __init__(self, model: Any, extractor: Any, rate: int) -> None:
        super().__init__(model)
        self.extractor, self.rate = extractor, rate
        config = self.model.config
        self.least = max(_least_samples(config), round(LEAST * rate))
        # Whisper's network always hears the same length; the sound itself is the first part of it
        self.whole: int | None = getattr(extractor, "n_samples", None)

    def prepare(self, wave: np.ndarray) -> tuple[dict[str, np.ndarray], float]:
        """Return what the network is given for one sound (time,), and which share of the time is the sound itself."""
        filled = np.flatnonzero(wave)
        length = max(self.least, int(filled[-1]) + 1 if len(filled) else 1)
        inputs = self.extractor(wave[:length], sampling_rate=self.rate, return_tensors="np")
        share = min(1.0, length / self.whole) if self.whole else 1.0
        return {name: np.asarray(value) for name, value in inputs.items()}, share

    def forward(self, waves: Tensor) -> Tensor:
        prepared = [self.prepare(wave) for wave in waves.detach().cpu().numpy()]
        alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for place, (inputs, _) in enumerate(prepared):
            alike[tuple(sorted((name, value.shape) for name, value in inputs.items()))].append(place)
        features: dict[int, Tensor] = {}
        for places in alike.values():
            for start in range(0, len(places), SOUNDS):
                part = places[start : start + SOUNDS]
                batch = {
                    name: torch.from_numpy(np.concatenate([prepared[k][0][name] for k in part])).to(waves.device)
                    for name in prepared[part[0]][0]
                }
                features |= zip(part, self.encode(batch, [prepared[k][1] for k in part]), strict=True)
        return torch.stack([features[k] for k in range(len(prepared))])

    def encode(self, inputs: Mapping[str, Tensor], shares: Sequence[float]) -> Tensor:
        answer = self.call(**{k: v.float() if v.is_floating_point() else v for k, v in inputs.items()})
        pooled = _pooled(answer)
        if pooled is not None:
            return pooled[:, None]
        hidden = answer.last_hidden_state
        if hidden.dim() != 3:
            raise RequestError("this network does not give features in order of time")
        weights = [quarter_weights(hidden.shape[1], share) for share in shares]
        return torch.from_numpy(np.stack(weights)).to(hidden.device) @ hidden

    def probe(self, shape: Sequence[int]) -> Tensor:
        *_, last = self.model.parameters()  # the first may be made in a way that the meta device does not reach
        inputs, share = self.prepare(np.sin(np.arange(shape[0], dtype=np.float32)))
        return self.encode({name: torch.from_numpy(value).to(last.device) for name, value in inputs.items()}, [share])


def quarter_weights(frames: int, share: float) -> np.ndarray:
    """Return weights (token, time) of the mean over each quarter of the first `share` of the frames; quarters touch
    where the number of frames is no multiple of four, and overlap where there are fewer."""
    heard = max(1, min(frames, int(np.ceil(frames * share - 1e-6))))
    weights = np.zeros((SEGMENTS, frames), np.float32)
    for k in range(SEGMENTS):
        start, stop = k * heard // SEGMENTS, -(-(k + 1) * heard // SEGMENTS)
        weights[k, start:stop] = 1 / (stop - start)
    return weights


def _least_samples(config: Any) -> int:
    """Return the samples that a stack of convolutions over the wave needs for one frame."""
    kernels, strides = (getattr(config, f"conv_{name}", None) for name in ("kernel", "stride"))
    length = 1
    if isinstance(kernels, (list, tuple)) and isinstance(strides, (list, tuple)):
        for kernel, stride in zip(reversed(kernels), reversed(strides), strict=False):
            length = (length - 1) * stride + kernel
    return length
