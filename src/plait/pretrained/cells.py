"""Cells as a checkpoint of the hub wants them: pictures, waves and token ids, each an array of fixed shape.

The settings come from the checkpoint's own files; what a user asks for beside them (turn, denoise …) is done first.
Knows no network.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

from plait.core.options import from_strings
from plait.errors import RequestError
from plait.kinds.audio.prep import AudioPrep
from plait.kinds.image.prep import ImagePrep
from plait.kinds.text.clean import clean, show_markers
from plait.pretrained.checkpoint import Checkpoint, first_line, quiet

LONGEST_TEXT = 512  # tokens
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

    Resize, then cut the middle, of the checkpoint becomes here: cut the same share, then resize once; so pixels at the
    edges differ slightly. Without preprocessor_config.json a picture is stretched to the image_size of config.json
    (else 224 px), bilinear, with mean and deviation 0.5. Raises RequestError for an option that is not free.
    """
    for name in ("size", "mode"):
        if options.get(name) is not None:
            raise RequestError(f"image.{name} is set by the encoder {checkpoint.place}; leave the option out.")
    asked = ImagePrep.of(options)
    told = _read_processor(checkpoint)
    side = getattr(getattr(config, "vision_config", config), "image_size", None) or SIDE
    height, width = (side, side) if isinstance(side, int) else side
    fit, share = "stretch", 1.0
    size, cut = told.get("size") or {}, told.get("crop_size") or {}
    size = {"shortest_edge": size} if isinstance(size, int) else size
    cut = {"height": cut, "width": cut} if isinstance(cut, int) else cut
    if told.get("do_resize", True) and size:
        if "height" in size and "width" in size:
            height, width = size["height"], size["width"]
        elif "shortest_edge" in size:
            height = width = size["shortest_edge"]
            fit = "crop"
        else:
            longest = size.get("longest_edge") or size.get("max_height") or height
            height, width, fit = longest, size.get("max_width") or longest, "pad"
    if told.get("crop_pct") and fit == "crop":  # as ConvNeXt and ResNet are tested: below 384 px cut, else stretched
        if height < 384:
            share = height / int(height / told["crop_pct"])
        else:
            fit = "stretch"
    elif told.get("do_center_crop") and cut.get("height") and cut.get("width"):
        if "Levit" in str(told.get("image_processor_type")):  # it resizes to more than it says
            height = width = int(256 / 224 * height)
        share = min(1.0, max(cut["height"] / height, cut["width"] / width))
        height, width = cut["height"], cut["width"]
    if "fit" in options:  # all of the picture, as the user wishes it
        fit, share = asked.fit, 1.0
    smooth = "bicubic" if told.get("resample", 2) == 3 else "bilinear"
    prep = replace(
        asked, mode="RGB", fit=fit, crop=asked.crop * share, height=int(height), width=int(width), resample=smooth
    )
    return prep, _read_colours(told)


def _read_processor(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the settings of the picture processor, those that the file leaves to its class included."""
    raw = checkpoint.settings("preprocessor_config.json")
    raw = raw or checkpoint.settings("processor_config.json").get("image_processor") or {}
    if not raw:
        return {}
    from transformers import AutoImageProcessor

    try:
        with quiet():
            processor = AutoImageProcessor.from_pretrained(
                checkpoint.folder, local_files_only=True, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError, ImportError, TypeError, AttributeError):
        return dict(raw)  # a class that needs torchvision, or that this transformers does not know
    switches = {name: bool(getattr(processor, name, True)) for name in ("do_normalize", "do_rescale", "do_resize")}
    return {**raw, **switches, **processor.to_dict()}


def _read_colours(told: Mapping[str, Any]) -> Colours:
    factor = float(told.get("rescale_factor") or 1 / 255) if told.get("do_rescale", True) else 1.0
    scale, offset = np.full(3, factor), np.zeros(3)
    if told.get("rescale_offset"):
        offset = offset - 1
    if told.get("do_normalize", True):
        mean, deviation = (np.broadcast_to(told.get(name) or 0.5, 3) for name in ("image_mean", "image_std"))
        scale, offset = scale / deviation, (offset - mean) / deviation
        if told.get("include_top"):  # EfficientNet divides twice
            scale, offset = scale / deviation, offset / deviation
    return Colours(tuple(scale.tolist()), tuple(offset.tolist()), bool(told.get("do_flip_channel_order")))


@dataclass(frozen=True)
class WavePrep:
    """A sound as samples (time,) float32 of fixed length: the middle of a longer one, a shorter one filled with 0."""

    audio: AudioPrep
    samples: int

    def __call__(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """Return samples (time, channel) at `rate` Hz as (time,). Raises CellError when no sample is left."""
        wave = self.audio.wave(samples, rate)
        start = max(0, len(wave) - self.samples) // 2
        wave = wave[start : start + self.samples]
        padded = np.zeros(self.samples, np.float32)
        padded[: len(wave)] = wave
        return padded

    def steps(self, samples: np.ndarray, rate: int) -> list[tuple[str, np.ndarray, int]]:
        """Return (name, samples, Hz) for the sound as it came and after each operation that changed it, for drawing."""
        return self.audio.steps(samples, rate)

    def to_json(self) -> dict[str, Any]:
        return {"audio": self.audio.to_json(), "samples": self.samples}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> WavePrep:
        return cls(AudioPrep.from_json(data["audio"]), int(data["samples"]))


def make_wave_prep(place: str, rate: int, longest: float | None, options: Mapping[str, Any]) -> WavePrep:
    """Return the preparation of sounds at the checkpoint's rate in Hz. longest: seconds that the network takes, if set.

    Raises RequestError for an option that is not free.
    """
    asked = AudioPrep.of(options)
    if "mels" in options or asked.sample_rate not in (None, rate):
        name = "mels" if "mels" in options else "sample_rate"
        raise RequestError(f"audio.{name} is set by the encoder {place}; leave the option out.")
    if longest is not None and asked.seconds is not None and asked.seconds > longest:
        raise RequestError(f"audio.seconds is {asked.seconds:g}, but {place} takes at most {longest:g} s.")
    seconds = asked.seconds or longest or SECONDS
    return WavePrep(replace(asked, sample_rate=rate, seconds=seconds), round(seconds * rate))


def _option(default: Any, help: str) -> Any:
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class IdsPrep:
    """A text as token ids (token,) int32 of fixed length: each id + 1, then 0. Cleaned first, capitals kept: the
    checkpoint's tokenizer makes them small where its network was trained so."""

    normalise: bool = _option(True, "Make full-width letters, ligatures and curly apostrophes plain (Unicode NFKC).")
    mojibake: bool = _option(True, "Repair UTF-8 that was read as Windows-1252, such as cafÃ©.")
    html: bool = _option(True, "Take HTML tags and entities out.")
    whitespace: bool = _option(True, "Make every run of blanks one space; take control characters out.")
    lower: bool = _option(False, "Make capital letters small.")
    tokens: int | None = _option(None, "Longest text in tokens, at most what the encoder takes; the rest is cut.")
    length: int = 0
    tokenizer: Any = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> IdsPrep:
        """Make it from options that may be strings. Raises RequestError for an unknown option or a wrong value."""
        return from_strings(cls, options, "text")

    def clean(self, text: str) -> str:
        """Return the text cleaned; the marker of a column becomes its name and a colon."""
        switches = {name: getattr(self, name) for name in ("normalise", "mojibake", "html", "whitespace", "lower")}
        return clean(show_markers(text, "{}:"), **switches)

    def __call__(self, text: str) -> np.ndarray:
        """Return the ids of one text."""
        with _TURN:
            ids = self.tokenizer(self.clean(text), truncation=True, max_length=self.length)["input_ids"]
        found = np.zeros(self.length, np.int32)
        found[: len(ids)] = np.asarray(ids, np.int32) + 1
        return found

    def to_json(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "tokenizer"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], tokenizer: Any) -> IdsPrep:
        """Rebuild it for the tokenizer of the same checkpoint."""
        return cls(**data, tokenizer=tokenizer)


def make_ids_prep(checkpoint: Checkpoint, config: Any, options: Mapping[str, Any]) -> IdsPrep:
    """Return the preparation of texts with the checkpoint's tokenizer.

    At most 512 tokens, or what the network has places for, or what sentence_bert_config.json says. Raises RequestError
    when there is no tokenizer, or for a wrong option.
    """
    from transformers import AutoTokenizer

    asked = IdsPrep.of(options)
    if asked.tokens is not None and asked.tokens < 4:
        raise RequestError(f"text.tokens is {asked.tokens}; expected 4 or more.")
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
            if len(tokenizer) <= len(tokenizer.all_special_tokens):  # made of nothing, without a word
                raise ValueError("it has no vocabulary")
    except (OSError, ValueError, KeyError, ImportError, TypeError, AttributeError) as error:
        raise RequestError(
            f"{checkpoint.place}: no tokenizer can be made from {checkpoint.folder} ({first_line(error)}); expected "
            "tokenizer.json, or the vocabulary files of the checkpoint, beside config.json."
        ) from None
    inner = getattr(config, "text_config", config)
    places = getattr(inner, "max_position_embeddings", None) or LONGEST_TEXT
    if inner.pad_token_id is not None and any(name in str(inner.model_type) for name in OFFSET):
        places -= inner.pad_token_id + 1
    told = checkpoint.settings("sentence_bert_config.json").get("max_seq_length")
    limits = [LONGEST_TEXT, places, tokenizer.model_max_length, told or LONGEST_TEXT, asked.tokens or LONGEST_TEXT]
    return replace(asked, length=int(min(limit for limit in limits if limit > 0)), tokenizer=tokenizer)
