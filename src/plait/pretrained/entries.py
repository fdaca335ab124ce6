"""What goes into a checkpoint of the hub, kind by kind: its preparation, its tower, and how both are made again.

Knows the files of a checkpoint; no table, no cache of features, and no weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, Protocol

from plait.errors import RequestError
from plait.kinds.image.prep import ImagePrep
from plait.pretrained.cells import IdsPrep, WavePrep, make_ids_prep, make_wave_prep, read_picture_prep
from plait.pretrained.checkpoint import BROKEN, Checkpoint, first_line, quiet
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


class Entry(Protocol):
    """One kind. cells: what its cells are called. part: where a config of several kinds keeps its own; inputs: names of
    a network's first input. fixed: whether the shape belongs to the weights."""

    @property
    def cells(self) -> str: ...

    @property
    def part(self) -> str: ...

    @property
    def inputs(self) -> tuple[str, ...]: ...

    @property
    def fixed(self) -> bool: ...

    def read(self, checkpoint: Checkpoint, config: Any, place: str, options: Mapping[str, Any]) -> Given: ...

    def restore(self, data: Mapping[str, Any], prep: Any) -> Any: ...

    def shape(self, prep: Any) -> tuple[int, ...]: ...


class Pictures:
    cells, part, inputs, fixed = "pictures", "vision_config", ("pixel_values",), True

    def read(self, checkpoint: Checkpoint, config: Any, place: str, options: Mapping[str, Any]) -> Given:
        prep, colours = read_picture_prep(checkpoint, config, options)
        build = partial(PictureTower, colours=colours)
        return Given(prep, self.shape(prep), "uint8", build, asdict(colours))

    def restore(self, data: Mapping[str, Any], prep: Any) -> Any:
        return ImagePrep.from_json(data)

    def shape(self, prep: Any) -> tuple[int, ...]:
        return 3, prep.height, prep.width


class Texts:
    cells, part, inputs, fixed = "texts", "text_config", ("input_ids",), False

    def read(self, checkpoint: Checkpoint, config: Any, place: str, options: Mapping[str, Any]) -> Given:
        prep = make_ids_prep(checkpoint, config, options)
        how, full = _read_pooling(checkpoint, config), "siglip" in str(config.model_type)
        if full and prep.tokens is not None:
            raise RequestError(f"text.tokens is set by the encoder {place}; leave the option out.")
        build = partial(TextTower, how=how, padding=_read_padding(config, prep.tokenizer), full=full)
        return Given(prep, self.shape(prep), "int32", build)

    def restore(self, data: Mapping[str, Any], prep: Any) -> Any:
        return IdsPrep.from_json(data, prep.tokenizer)

    def shape(self, prep: Any) -> tuple[int, ...]:
        return (prep.length,)


class Sounds:
    cells, part, inputs, fixed = "sounds", "audio_config", ("input_values", "input_features"), False

    def read(self, checkpoint: Checkpoint, config: Any, place: str, options: Mapping[str, Any]) -> Given:
        extractor = _read_extractor(checkpoint)
        rate = int(extractor.sampling_rate)
        prep = make_wave_prep(place, rate, _longest_sound(extractor), options)
        build = partial(SoundTower, extractor=extractor, rate=rate)
        return Given(prep, self.shape(prep), "float32", build, extractor.to_dict())

    def restore(self, data: Mapping[str, Any], prep: Any) -> Any:
        return WavePrep.from_json(data)

    def shape(self, prep: Any) -> tuple[int, ...]:
        return (prep.samples,)


def _read_pooling(checkpoint: Checkpoint, config: Any) -> str:
    """Return how the tokens of a text become one feature. Raises RequestError for a way unknown to us."""
    if any(name in str(config.model_type) for name in ("clip", "clap", "siglip")):
        return "pooler"
    told = checkpoint.settings("1_Pooling/config.json")
    ways = {"cls_token": "cls", "cls": "cls", "mean_tokens": "mean", "mean": "mean", "lasttoken": "last"}
    on = [name.removeprefix("pooling_mode_") for name, value in told.items() if value is True and "mode_" in name]
    if isinstance(told.get("pooling_mode"), str):
        on = [told["pooling_mode"]]
    if any(name not in ways for name in on) or len(on) > 1:
        raise RequestError(
            f"{checkpoint.place}: 1_Pooling/config.json asks for pooling by {', '.join(on)}; expected one of mean, cls "
            "and last token."
        )
    return ways[on[0]] if on else "mean"


def _read_padding(config: Any, tokenizer: Any) -> int:
    """Return the id that fills a text: some networks count their places by it."""
    inner = getattr(config, "text_config", config)
    for found in (tokenizer.pad_token_id, getattr(inner, "pad_token_id", None)):
        if isinstance(found, int) and 0 <= found < inner.vocab_size:
            return found
    return 0


def _read_extractor(checkpoint: Checkpoint) -> Any:
    from transformers import AutoFeatureExtractor

    try:
        with quiet():
            extractor = AutoFeatureExtractor.from_pretrained(
                checkpoint.folder, local_files_only=True, trust_remote_code=False
            )
            if not extractor.sampling_rate:
                raise ValueError("it states no sampling_rate")
    except BROKEN as error:
        raise RequestError(
            f"{checkpoint.place}: no feature extractor of sounds can be made from {checkpoint.folder} "
            f"({first_line(error)}); expected the preprocessor_config.json of the checkpoint beside config.json."
        ) from None
    return extractor


def _longest_sound(extractor: Any) -> float | None:
    """Return the seconds that a network takes at most, as Whisper, CLAP and AST state it, or None."""
    for name in ("chunk_length", "max_length_s"):
        if getattr(extractor, name, None):
            return float(getattr(extractor, name))
    frames = getattr(extractor, "max_length", None)  # of 10 ms
    return frames / 100 if isinstance(frames, int) else None


ENTRIES: dict[str, Entry] = {"text": Texts(), "image": Pictures(), "audio": Sounds()}
