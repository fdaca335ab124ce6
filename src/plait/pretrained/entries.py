"""What goes into a checkpoint of the hub, kind by kind: its preparation, and what builds its tower.
Knows the files of a checkpoint; no table, no cache of features, and no weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from plait.errors import RequestError
from plait.pretrained.cells import make_ids_prep, make_wave_prep, read_picture_prep
from plait.pretrained.checkpoint import Checkpoint
from plait.pretrained.towers import PictureTower, SoundTower, TextTower

Tower = PictureTower | SoundTower | TextTower


@dataclass(frozen=True)
class Given:
    """What a checkpoint is given: a preparation, the shape and dtype of one cell, and what builds the tower."""

    prep: Any
    shape: tuple[int, ...]
    dtype: str
    build: Callable[[Any], Tower]
    settings: dict[str, Any] = field(default_factory=dict)  # what is done to a cell that the preparation does not tell


@dataclass(frozen=True)
class Entry:
    """One kind. cells: what its cells are called. part: where a config of several kinds keeps its own; inputs: names of
    a network's first input."""

    cells: str
    part: str
    inputs: tuple[str, ...]
    read: Callable[[Checkpoint, Any, Mapping[str, Any]], Given]


def _read_pictures(checkpoint: Checkpoint, config: Any, options: Mapping[str, Any]) -> Given:
    prep, colours = read_picture_prep(checkpoint, config, options)
    shape = 3, prep.height or 0, prep.width or 0
    return Given(prep, shape, "uint8", partial(PictureTower, colours=colours), asdict(colours))


def _read_texts(checkpoint: Checkpoint, config: Any, options: Mapping[str, Any]) -> Given:
    prep = make_ids_prep(checkpoint, config, options)
    how, full = _read_pooling(checkpoint, config), "siglip" in str(config.model_type)
    if full and prep.tokens is not None:
        raise RequestError(f"text.tokens is set by the encoder {checkpoint.place}; leave the option out.")
    inner = getattr(config, "text_config", config)
    ids = (prep.tokenizer.pad_token_id, getattr(inner, "pad_token_id", None))  # some networks count places by it
    padding = next((i for i in ids if isinstance(i, int) and 0 <= i < inner.vocab_size), 0)
    return Given(prep, (prep.length,), "int32", partial(TextTower, how=how, padding=padding, full=full))


def _read_sounds(checkpoint: Checkpoint, config: Any, options: Mapping[str, Any]) -> Given:
    from transformers import AutoFeatureExtractor

    with checkpoint.making("feature extractor of sounds", "the preprocessor_config.json of the checkpoint"):
        extractor = checkpoint.load(AutoFeatureExtractor)
        if not extractor.sampling_rate:
            raise ValueError("it states no sampling_rate")
    rate = int(extractor.sampling_rate)
    prep = make_wave_prep(checkpoint.place, rate, _longest_sound(extractor), options)
    build = partial(SoundTower, extractor=extractor, rate=rate)
    return Given(prep, (prep.samples,), "float32", build, extractor.to_dict())


def _read_pooling(checkpoint: Checkpoint, config: Any) -> str:
    """Return how the tokens of a text become one feature. Raises RequestError for a way unknown to us."""
    if any(name in str(config.model_type) for name in ("clip", "clap", "siglip")):
        return "pooler"
    asked = checkpoint.settings("1_Pooling/config.json")
    ways = {"cls_token": "cls", "cls": "cls", "mean_tokens": "mean", "mean": "mean", "lasttoken": "last"}
    on = [name.removeprefix("pooling_mode_") for name, value in asked.items() if value is True and "mode_" in name]
    if isinstance(asked.get("pooling_mode"), str):
        on = [asked["pooling_mode"]]
    if any(name not in ways for name in on) or len(on) > 1:
        expected = "expected one of mean, cls and last token."
        raise RequestError(f"{checkpoint.place}: 1_Pooling/config.json asks for pooling by {', '.join(on)}; {expected}")
    return ways[on[0]] if on else "mean"


def _longest_sound(extractor: Any) -> float | None:
    """Return the seconds that a network takes at most, as Whisper, CLAP and AST state it, or None."""
    for name in ("chunk_length", "max_length_s"):
        if getattr(extractor, name, None):
            return float(getattr(extractor, name))
    frames = getattr(extractor, "max_length", None)  # of 10 ms
    return frames / 100 if isinstance(frames, int) else None


ENTRIES = {
    TextTower.kind: Entry("texts", "text_config", ("input_ids",), _read_texts),
    PictureTower.kind: Entry("pictures", "vision_config", ("pixel_values",), _read_pictures),
    SoundTower.kind: Entry("sounds", "audio_config", ("input_values", "input_features"), _read_sounds),
}
