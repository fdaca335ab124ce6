"""Any encoder of the Hugging Face hub, through transformers: from a local folder, or from the user's hub cache.
Weights are read from safetensors alone, and no code of a checkpoint is run. Knows no table and no cache of features."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from plait.core.words import first_line
from plait.errors import RequestError
from plait.pretrained.checkpoint import BROKEN, Checkpoint, find_checkpoint, quiet
from plait.pretrained.entries import ENTRIES, Tower
from plait.pretrained.frozen import Frozen, hash_settings

# what would make an answer random while parts of a network are tuned
OFF = {"apply_spec_augment": False, "layerdrop": 0.0, "encoder_layerdrop": 0.0, "mask_ratio": 0.0, "use_cache": False}


def make_hub(kind: str, place: str, options: Mapping[str, Any], fetch: bool = True) -> Frozen:
    """Return the encoder of a checkpoint, a folder as `save_pretrained` writes it or a name at the hub.
    options: those of the preparation that the checkpoint leaves free (image.rotate, audio.denoise, text.lower …).
    Pictures and texts give one token, sounds four (the quarters of the sound) or one. Of sentence-transformers the
    pooling is obeyed, a layer after it (2_Dense) not. Raises RequestError: no such checkpoint, broken, another kind."""
    from transformers import AutoModel

    checkpoint = find_checkpoint(place, fetch)
    config = _read_config(checkpoint, kind)
    given = ENTRIES[kind].read(checkpoint, config, options)
    shape, build, cells = given.shape, given.build, ENTRIES[kind].cells

    load = partial(_load, checkpoint, config, build)
    try:
        with quiet(), torch.random.fork_rng(devices=[]), torch.no_grad():
            with torch.device("meta"):  # without any numbers it can still tell the shape of its answer
                empty = build(AutoModel.from_config(copy.deepcopy(config), trust_remote_code=False)).eval()
            features = empty.probe(shape)
    except BROKEN:  # not every network can be run without numbers
        tower = load().eval()
        try:
            with quiet(), torch.no_grad():
                features = tower.probe(shape)
        except BROKEN as error:
            raise RequestError(
                f"{place}: the network ({config.model_type}) cannot encode {cells} of shape {shape} "
                f"({first_line(error)}); expected an encoder of {cells} whose settings agree with its weights."
            ) from None
    # of a folder the full path: from elsewhere, what was typed might be the name of another at the hub
    return Frozen(
        name=f"hf:{checkpoint.origin if Path(place).expanduser().is_dir() else place}",
        shape=shape,
        dtype=given.dtype,
        tokens=int(features.shape[1]),
        width=int(features.shape[2]),
        origin=checkpoint.origin,
        licence=checkpoint.licence,
        weights=checkpoint.weights,
        prep=given.prep,
        load=load,
        settings=hash_settings(given.settings),
    )


def _read_config(checkpoint: Checkpoint, kind: str) -> Any:
    """Return the configuration of a network that takes this kind. Raises RequestError for another kind."""
    from transformers import MODEL_MAPPING, AutoConfig

    if kind not in ENTRIES:
        raise RequestError(f"hf:{checkpoint.place} is asked for {kind}; expected image, audio or text.")
    try:
        config = checkpoint.load(AutoConfig)
        model = MODEL_MAPPING[type(config)]
    except BROKEN as error:
        settings = checkpoint.settings("config.json")
        code = " It needs code of its own, which plait never runs." if "auto_map" in settings else ""
        raise RequestError(
            f"{checkpoint.place}: transformers knows no encoder of model_type {settings.get('model_type')!r} "
            f"({first_line(error)}).{code}"
        ) from None
    first: Any = model[0] if isinstance(model, (list, tuple)) else model
    parts = {entry.part: name for name, entry in ENTRIES.items()}
    kinds = [k for part, k in parts.items() if getattr(config, part, None) and hasattr(first, f"get_{k}_features")]
    if len(kinds) < 2:
        kinds = [k for k, entry in ENTRIES.items() if first.main_input_name in entry.inputs]
    if kind not in kinds:
        takes = " and ".join(ENTRIES[k].cells for k in kinds) or "something else"
        model_type, cells = config.model_type, ENTRIES[kind].cells
        raise RequestError(f"{checkpoint.place} is an encoder of {takes} (model_type {model_type}), not of {cells}.")
    config = copy.deepcopy(config)
    for part in (config, *(getattr(config, part, None) for part in parts)):
        for name, value in OFF.items():
            if hasattr(part, name):
                setattr(part, name, value)
    return config


def _load(checkpoint: Checkpoint, config: Any, build: Callable[[Any], Tower]) -> Tower:
    """Return the tower with its weights, float32. Raises RequestError when weights are missing or do not fit."""
    from transformers import AutoModel

    try:
        with torch.random.fork_rng(devices=[]):
            how = {"use_safetensors": True, "output_loading_info": True}
            model, facts = checkpoint.load(AutoModel, config=copy.deepcopy(config), **how)
    except BROKEN as error:
        why = f"cannot be loaded ({first_line(error)}); download or copy the checkpoint again."
        raise RequestError(f"{checkpoint.place}: the weights in {checkpoint.folder} {why}") from None
    made = {id(parameter): name for name, parameter in model.named_parameters() if name in facts["missing_keys"]}
    tower = build(model)
    lacking = sorted(made[id(parameter)] for parameter in tower.parameters() if id(parameter) in made)
    if lacking and all("pooler" in name for name in lacking):  # it was never trained
        lacking = [] if tower.drop_pooler() else lacking
    if lacking:
        raise RequestError(
            f"{checkpoint.place}: the weights in {checkpoint.folder} lack {len(lacking)} of "
            f"{len(list(model.parameters()))} parts that config.json ({config.model_type}) asks for, such as "
            f"{lacking[0]}; expected the weights of that very network."
        )
    return tower.float()
