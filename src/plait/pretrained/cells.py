"""Cells as a checkpoint of the hub wants them: pictures, waves and token ids, each an array of fixed shape.
By the settings in its files; what a user asks for beside them (turn, denoise …) is done first. Knows no network."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from plait.core.options import option
from plait.errors import RequestError
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.kinds.preparation import Preparation, check_bounds, require
from plait.kinds.text.clean import show_markers
from plait.kinds.text.prep import Cleaning
from plait.pretrained.checkpoint import BROKEN, Checkpoint

LONGEST_TEXT = 512  # tokens
MOST_SAMPLES = 2**25  # of a sound: 600 s at 48 kHz, and more
SECONDS = 10.0  # of a sound, where the checkpoint does not say
SIDE = 224  # px, where the checkpoint does not say
OFFSET = ("roberta", "camembert", "mpnet", "xlm-", "clap")  # networks whose first places are never used
_TURN = threading.Lock()  # a tokenizer holds its settings in itself, so cells take turns


@dataclass(frozen=True)
class Colours:
    """How the network scales its pixels: value × scale + offset for each colour; backwards: blue comes first."""

    scale: tuple[float, ...]
    offset: tuple[float, ...]
    backwards: bool = False


def read_picture_prep(checkpoint: Checkpoint, config: Any, options: Mapping[str, Any]) -> tuple[ImagePrep, Colours]:
    """Return the preparation of pictures, to uint8 (channel, height, width), and how their pixels are scaled.
    The checkpoint's resize, then cut, becomes: cut the same share, then resize once; pixels at the edges differ
    slightly. Without settings a picture is stretched to the image_size of config.json (else 224 px), with mean and
    deviation 0.5. Raises RequestError for an option that is not free."""
    for name in ("size", "mode"):
        if options.get(name) is not None:
            raise RequestError(f"image.{name} is set by the encoder {checkpoint.place}; leave the option out.")
    asked = ImagePrep.of(options)
    settings = _read_processor(checkpoint)
    side = getattr(getattr(config, "vision_config", config), "image_size", None) or SIDE
    height, width = (side, side) if isinstance(side, int) else side
    fit, share = "stretch", 1.0
    size, cut = settings.get("size") or {}, settings.get("crop_size") or {}
    size = {"shortest_edge": size} if isinstance(size, int) else size
    cut = {"height": cut, "width": cut} if isinstance(cut, int) else cut
    if settings.get("do_resize", True) and size:
        if "height" in size and "width" in size:
            height, width = size["height"], size["width"]
        elif "shortest_edge" in size:
            height, width, fit = size["shortest_edge"], size["shortest_edge"], "crop"
        else:
            longest = size.get("longest_edge") or size.get("max_height") or height
            height, width, fit = longest, size.get("max_width") or longest, "pad"
    if settings.get("crop_pct") and fit == "crop":  # as ConvNeXt and ResNet are tested: from 384 px on stretched
        if height < 384:
            share = height / int(height / settings["crop_pct"])
        else:
            fit = "stretch"
    elif settings.get("do_center_crop") and cut.get("height") and cut.get("width"):
        if "Levit" in str(settings.get("image_processor_type")):  # it resizes to more than it says
            height = width = int(256 / 224 * height)
        share = min(1.0, max(cut["height"] / height, cut["width"] / width))
        height, width = cut["height"], cut["width"]
    if "fit" in options:  # all of the picture, as the user wishes it
        fit, share = asked.fit, 1.0
    smooth = "bicubic" if settings.get("resample", 2) == 3 else "bilinear"
    asked = replace(asked, mode="RGB", fit=fit, crop=asked.crop * share, resample=smooth)
    return replace(asked, height=int(height), width=int(width)), _read_colours(settings)


def _read_processor(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the settings of the picture processor, those that the file leaves to its class included."""
    raw = checkpoint.settings("preprocessor_config.json")
    raw = raw or checkpoint.settings("processor_config.json").get("image_processor") or {}
    if not raw:
        return {}
    from transformers import AutoImageProcessor

    try:
        processor = checkpoint.load(AutoImageProcessor)
    except BROKEN:  # a class that needs torchvision, or that this transformers does not know
        return dict(raw)
    switches = {name: bool(getattr(processor, name, True)) for name in ("do_normalize", "do_rescale", "do_resize")}
    return {**raw, **switches, **processor.to_dict()}


def _read_colours(settings: Mapping[str, Any]) -> Colours:
    factor = float(settings.get("rescale_factor") or 1 / 255) if settings.get("do_rescale", True) else 1.0
    scale, offset = np.full(3, factor), np.full(3, -1.0 if settings.get("rescale_offset") else 0.0)
    if settings.get("do_normalize", True):
        mean, deviation = (np.broadcast_to(settings.get(name) or 0.5, 3) for name in ("image_mean", "image_std"))
        scale, offset = scale / deviation, (offset - mean) / deviation
        if settings.get("include_top"):  # EfficientNet divides twice
            scale, offset = scale / deviation, offset / deviation
    return Colours(tuple(scale.tolist()), tuple(offset.tolist()), bool(settings.get("do_flip_channel_order")))


@dataclass(frozen=True)
class WavePrep(Preparation):
    """A sound as samples (time,) float32 of fixed length: the middle of a longer one, a shorter one filled with 0."""

    KIND: ClassVar[str] = AudioPrep.KIND

    audio: AudioPrep
    samples: int

    def __post_init__(self) -> None:
        check_bounds(self, {"samples": (1, MOST_SAMPLES, "")})

    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Return samples (time, channel) at `rate` Hz as (time,). Raises CellError when no sample is left."""
        wave = self.audio.wave(samples, rate)
        start = self.audio.cut(wave, self.samples)
        wave = wave[start : start + self.samples]
        return np.pad(wave, (0, self.samples - len(wave))).astype(np.float32)

    def steps(self, samples: np.ndarray, rate: int) -> list[tuple[str, np.ndarray, int]]:
        """Return what `AudioPrep.steps` does, for drawing."""
        return self.audio.steps(samples, rate)


def make_wave_prep(place: str, rate: int, longest: float | None, options: Mapping[str, Any]) -> WavePrep:
    """Return the preparation of sounds at the checkpoint's rate in Hz. longest: seconds that the network takes, if set.
    Raises RequestError for an option that is not free."""
    asked = AudioPrep.of(options)
    if "mels" in options or asked.sample_rate not in (None, rate):
        name = "mels" if "mels" in options else "sample_rate"
        raise RequestError(f"audio.{name} is set by the encoder {place}; leave the option out.")
    if longest is not None and asked.seconds is not None and asked.seconds > longest:
        raise RequestError(f"audio.seconds is {asked.seconds:g}, but {place} takes at most {longest:g} s.")
    seconds = asked.seconds or longest or SECONDS
    return WavePrep(replace(asked, sample_rate=rate, seconds=seconds), round(seconds * rate))


@dataclass(frozen=True)
class CleanPrep(Cleaning):
    """What every preparation of texts by a pretrained tokenizer begins with: cleaning, in which capitals are kept."""

    lower: bool = option(False, "Make capital letters small.")

    def clean(self, text: str) -> str:
        """Return the text cleaned; the marker of a column becomes its name and a colon."""
        return super().clean(show_markers(text, "{}:"))

    def fill(self, ids: Sequence[int], length: int) -> np.ndarray:
        """Return each id + 1, then 0, int32."""
        filled = np.zeros(length, np.int32)
        filled[: len(ids)] = np.asarray(ids, np.int32) + 1
        return filled


@dataclass(frozen=True)
class IdsPrep(CleanPrep):
    """A text as token ids (token,) int32 of fixed length: each id + 1, then 0. The checkpoint's tokenizer makes
    capitals small where its network was trained so."""

    tokens: int | None = option(None, "Longest text in tokens, at most what the encoder takes; the rest is cut.")
    length: int = 0
    tokenizer: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(self, "tokens", self.tokens is None or self.tokens >= 4, "4 or more")
        check_bounds(self, {"length": (0, LONGEST_TEXT, "")})

    def from_json(self, data: Mapping[str, Any]) -> Self:  # type: ignore[override]
        """Return the preparation that `to_json` gave, for the tokenizer of this one."""
        return replace(super().from_json(data), tokenizer=self.tokenizer)

    def __call__(self, text: str) -> np.ndarray:
        """Return the ids of one text."""
        with _TURN:
            ids = self.tokenizer(self.clean(text), truncation=True, max_length=self.length)["input_ids"]
        return self.fill(ids, self.length)


def make_ids_prep(checkpoint: Checkpoint, config: Any, options: Mapping[str, Any]) -> IdsPrep:
    """Return the preparation of texts: at most 512 tokens, or what the network has places for, or what
    sentence_bert_config.json says. Raises RequestError when there is no tokenizer, or for a wrong option."""
    from transformers import AutoTokenizer

    asked = IdsPrep.of(options)
    with checkpoint.making("tokenizer", "tokenizer.json, or the vocabulary files of the checkpoint,"):
        tokenizer = checkpoint.load(AutoTokenizer)
        if len(tokenizer) <= len(tokenizer.all_special_tokens):  # made of nothing, without a word
            raise ValueError("it has no vocabulary")
    inner = getattr(config, "text_config", config)
    places = getattr(inner, "max_position_embeddings", None) or LONGEST_TEXT
    if inner.pad_token_id is not None and any(name in str(inner.model_type) for name in OFFSET):
        places -= inner.pad_token_id + 1
    longest = checkpoint.settings("sentence_bert_config.json").get("max_seq_length")
    limits = [LONGEST_TEXT, places, tokenizer.model_max_length, longest, asked.tokens]
    return replace(asked, length=int(min(limit for limit in limits if limit and limit > 0)), tokenizer=tokenizer)
