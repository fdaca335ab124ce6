"""Any encoder of the Hugging Face hub, through transformers: from a local folder, or from the user's hub cache.

Weights are read from safetensors alone, and no code of a checkpoint is run. Knows no table and no cache of features.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from plait.errors import RequestError, RunError, need
from plait.kinds.image.prep import ImagePrep
from plait.pretrained.cells import IdsPrep, WavePrep, make_ids_prep, make_wave_prep, read_picture_prep
from plait.pretrained.checkpoint import Checkpoint, find_checkpoint, first_line, quiet
from plait.pretrained.frozen import Frozen, hash_settings
from plait.pretrained.towers import PictureTower, SoundTower, TextTower

Tower = PictureTower | SoundTower | TextTower

INPUTS = {"pixel_values": "image", "input_ids": "text", "input_values": "audio", "input_features": "audio"}
WORDS = {"image": "pictures", "text": "texts", "audio": "sounds"}
OFF = {  # what would make an answer random while parts of a network are tuned
    "apply_spec_augment": False,
    "layerdrop": 0.0,
    "encoder_layerdrop": 0.0,
    "mask_ratio": 0.0,
    "use_cache": False,
}
BROKEN = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, IndexError, ImportError)


def make_hub(kind: str, place: str, options: Mapping[str, Any]) -> Frozen:
    """Return the encoder of a checkpoint for cells of this kind: image, audio or text.

    place: a folder as `save_pretrained` writes it, or a name at the hub. Of a folder only its files are read; a name is
    looked for in the user's hub cache, then at the hub. options: those of the preparation of this kind that the
    checkpoint leaves free (image.rotate, audio.denoise, text.lower …). Weights are read when they are first needed; the
    shape of the features is learned without them where the network allows it.

    Pictures and texts give one token, sounds four (the quarters of the sound) or one. Of sentence-transformers the
    pooling is obeyed; a layer after it (2_Dense) is not applied. Raises RequestError when there is no such checkpoint,
    it is broken or of another kind, or for a wrong option; MissingExtra without transformers.
    """
    need("transformers")
    checkpoint = find_checkpoint(place)
    config = _read_config(checkpoint, kind)
    prep: Any
    shape: tuple[int, ...]
    build: Callable[[Any], Tower]
    if kind == "image":
        prep, colours = read_picture_prep(checkpoint, config, options)
        shape, dtype = (3, prep.height, prep.width), "uint8"
        build = partial(PictureTower, colours=colours)
    elif kind == "text":
        prep = make_ids_prep(checkpoint, config, options)
        how, full = _read_pooling(checkpoint, config), "siglip" in str(config.model_type)
        if full and prep.tokens is not None:
            raise RequestError(f"text.tokens is set by the encoder {place}; leave the option out.")
        shape, dtype = (prep.length,), "int32"
        build = partial(TextTower, how=how, padding=_read_padding(config, prep.tokenizer), full=full)
    else:
        extractor = _read_extractor(checkpoint)
        rate = int(extractor.sampling_rate)
        prep = make_wave_prep(place, rate, _longest_sound(extractor), options)
        shape, dtype = (prep.samples,), "float32"
        build = partial(SoundTower, extractor=extractor, rate=rate)

    loaded: list[nn.Module] = []  # kept only where the shape could not be learned without weights

    def load() -> nn.Module:
        return loaded.pop() if loaded else _load(checkpoint, config, build)

    try:
        with quiet(), torch.random.fork_rng(devices=[]), torch.no_grad():
            found = _make_empty(config, build).probe(shape).shape
    except BROKEN:  # not every network can be run without numbers
        tower = _load(checkpoint, config, build).eval()
        try:
            with quiet(), torch.no_grad():
                found = tower.probe(shape).shape
        except BROKEN as error:
            raise RequestError(
                f"{place}: the network ({config.model_type}) cannot encode {WORDS[kind]} of shape {shape} "
                f"({first_line(error)}); expected an encoder of {WORDS[kind]} whose settings agree with its weights."
            ) from None
        loaded.append(tower)
    settings = asdict(colours) if kind == "image" else extractor.to_dict() if kind == "audio" else {}
    # of a folder the full path: from elsewhere, what was typed might be the name of another at the hub
    return Frozen(
        name=f"hf:{checkpoint.origin if Path(place).expanduser().is_dir() else place}",
        kind=kind,
        shape=shape,
        dtype=dtype,
        tokens=int(found[1]),
        width=int(found[2]),
        origin=checkpoint.origin,
        licence=checkpoint.licence,
        weights=checkpoint.weights,
        prep=prep,
        load=load,
        settings=hash_settings(settings),
    )


def restore_hub(kind: str, place: str, told: Mapping[str, Any]) -> Frozen:
    """Return the encoder that a run folder tells of, as `Frozen.describe` did. Raises RunError when it is another now,
    RequestError when it is not there."""
    frozen = make_hub(kind, place, {})
    if (told.get("weights"), told.get("settings")) != (frozen.weights, frozen.settings):
        raise RunError(f"the files of {frozen.name} ({frozen.origin}) have changed since the run. Fit again.")
    prep = restore_prep(frozen, told.get("prep") or {})
    lengths = {"text": "length", "audio": "samples"}  # an option may have made them shorter
    return replace(frozen, prep=prep, shape=(getattr(prep, lengths[kind]),) if kind in lengths else frozen.shape)


def restore_prep(frozen: Frozen, data: Mapping[str, Any]) -> Any:
    """Return the preparation that `to_json` gave as data, for the encoder that `make_hub` has made again.

    Raises RunError when the data are of another kind or shape.
    """
    try:
        if frozen.kind == "image":
            prep: Any = ImagePrep.from_json(data)
        elif frozen.kind == "text":
            prep = IdsPrep.from_json(data, frozen.prep.tokenizer)
        else:
            prep = WavePrep.from_json(data)
    except (KeyError, TypeError) as error:
        raise RunError(f"the preparation of {frozen.name} is damaged: {error}. Fit again.") from None
    if frozen.kind == "image" and (kept := (3, prep.height, prep.width)) != frozen.shape:
        raise RunError(f"{frozen.name} takes pictures of {frozen.shape}, but was kept with {kept}. Fit again.")
    return prep


def _read_config(checkpoint: Checkpoint, kind: str) -> Any:
    """Return the configuration of a network that takes this kind. Raises RequestError for another kind."""
    from transformers import MODEL_MAPPING, AutoConfig

    if kind not in WORDS:
        raise RequestError(f"hf:{checkpoint.place} is asked for {kind}; expected image, audio or text.")
    try:
        with quiet():
            config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
            model = MODEL_MAPPING[type(config)]
    except BROKEN as error:
        told = checkpoint.settings("config.json")
        own = " It needs code of its own, which plait never runs." if "auto_map" in told else ""
        raise RequestError(
            f"{checkpoint.place}: transformers knows no encoder of model_type {told.get('model_type')!r} "
            f"({first_line(error)}).{own}"
        ) from None
    first: Any = model[0] if isinstance(model, (list, tuple)) else model
    parts = {"text": "text_config", "image": "vision_config", "audio": "audio_config"}
    kinds = [k for k, name in parts.items() if getattr(config, name, None) and hasattr(first, f"get_{k}_features")]
    if len(kinds) < 2:
        kinds = [INPUTS[first.main_input_name]] if first.main_input_name in INPUTS else []
    if kind not in kinds:
        takes = " and ".join(WORDS[k] for k in kinds) or "something else"
        raise RequestError(
            f"{checkpoint.place} is an encoder of {takes} (model_type {config.model_type}), not of {WORDS[kind]}."
        )
    config = copy.deepcopy(config)
    for part in (config, *(getattr(config, name, None) for name in parts.values())):
        for name, value in OFF.items():
            if hasattr(part, name):
                setattr(part, name, value)
    return config


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


def _make_empty(config: Any, build: Callable[[Any], Tower]) -> Tower:
    """Return the tower without any numbers, which can still tell the shape of its answer."""
    from transformers import AutoModel

    with torch.device("meta"):
        return build(AutoModel.from_config(copy.deepcopy(config), trust_remote_code=False)).eval()


def _load(checkpoint: Checkpoint, config: Any, build: Callable[[Any], Tower]) -> Tower:
    """Return the tower with its weights, float32. Raises RequestError when weights are missing or do not fit."""
    from transformers import AutoModel

    try:
        with quiet(), torch.random.fork_rng(devices=[]):
            model, told = AutoModel.from_pretrained(
                checkpoint.folder,
                config=copy.deepcopy(config),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
    except BROKEN as error:
        raise RequestError(
            f"{checkpoint.place}: the weights in {checkpoint.folder} cannot be loaded ({first_line(error)}); "
            "download or copy the checkpoint again."
        ) from None
    made = {name: parameter for name, parameter in model.named_parameters() if name in told["missing_keys"]}
    tower = build(model)
    used = {id(parameter) for parameter in tower.parameters()}
    lacking = sorted(name for name, parameter in made.items() if id(parameter) in used)
    if lacking and all("pooler" in name for name in lacking):  # it was never trained
        if isinstance(tower, PictureTower):
            tower.pooler, lacking = False, []
        elif isinstance(tower, TextTower) and tower.how != "pooler":
            lacking = []
    if lacking:
        raise RequestError(
            f"{checkpoint.place}: the weights in {checkpoint.folder} lack {len(lacking)} of "
            f"{len(list(model.parameters()))} parts that config.json ({config.model_type}) asks for, such as "
            f"{lacking[0]}; expected the weights of that very network."
        )
    return tower.float()
