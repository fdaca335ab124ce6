"""The converters that plait brings, made from options, and made again from what was written of them.
The one place of this package where a name becomes an object."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.converters.graph import Route, check_converter
from plait.errors import RequestError, RunError, did_you_mean

PLACES = {
    "pocketsphinx": ("sphinx", "Sphinx"),
    "whisper": ("whisper", "Whisper"),
    "rapidocr": ("ocr", "Ocr"),
    "espeak": ("espeak", "Espeak"),
    "template": ("words", "Template"),
    "render": ("render", "Render"),
    "spectrogram": ("render", "Spectrogram"),
    "gramian": ("render", "Gramian"),
    "soundtrack": ("film", "Soundtrack"),
    "frame": ("film", "Frame"),
}

FILES = {"pocketsphinx": ("words", "grammar", "model"), "whisper": ("model",), "render": ("font",)}  # may name one


def class_of(name: str) -> Any:
    file, kind = PLACES[name]
    return getattr(importlib.import_module(f"plait.converters.{file}"), kind)


def make_converters(given: Mapping[str, Any]) -> list[Any]:
    """Return all converters: the user's own first, then plait's with these options.
    given: {"espeak.voice": "en-us"}, {"espeak": {"voice": "en-us"}}, or {"any name": an object}, which adds an edge.
    Raises RequestError for an unknown converter or option."""
    options: dict[str, dict[str, Any]] = {name: {} for name in PLACES}
    users = []
    for key, value in given.items():
        name, _, option = key.partition(".")
        if not option and not isinstance(value, Mapping) and hasattr(value, "source"):
            check_converter(value)
            users.append(value)
        elif name not in PLACES:
            raise RequestError(f"there is no converter {name!r}. {did_you_mean(name, PLACES)}")
        elif option:
            options[name][option] = value
        elif isinstance(value, Mapping):
            options[name].update(value)
        else:
            raise RequestError(f"converter {key}={value}: expected NAME.OPTION=VALUE, such as espeak.voice=en-us.")
    return users + [class_of(name).of(chosen) for name, chosen in options.items()]


def restore(data: Mapping[str, Any], users: Sequence[Any] = ()) -> Any:
    """Make a converter or a route again from what `describe` gave.
    users: the user's own converters, found by their names. Raises RunError where one of those is not given."""
    if "steps" in data:
        return Route(tuple(restore(step, users) for step in data["steps"]))
    name = data["name"]
    for converter in users:
        if converter.name == name:
            return converter
    if name not in PLACES:
        give = "a converter of your own; give it: plait.load(run, converters=[…])."
        raise RunError(f"this run converts by {name!r}, {give}")
    try:
        return class_of(name).of(data["options"])
    except RequestError as error:  # such as a word list that is no longer there
        raise RunError(f"this run converts by {name!r}, which cannot be made again: {error}") from None


def refuse_files(data: Mapping[str, Any], own: Sequence[Any], source: str, allowed: Sequence[str] = ()) -> None:
    """Raise RunError where a converter, or a step of a route, would open a file that data of a stranger's name.

    data: what `describe` gave. own: converters that the user gave, which are taken instead. allowed: options that may
    name a file or folder all the same.
    """
    if "steps" in data:
        for step in data["steps"]:
            if "steps" in step:
                raise ValueError("a step of a conversion has steps")
            refuse_files(step, own, source, allowed)
    elif not any(converter.name == data["name"] for converter in own):
        for option in FILES.get(data["name"], ()):
            given = str(data["options"].get(option) or "")
            text = given.lstrip().startswith("#JSGF") and "import" not in given
            if option not in allowed and given and not text and _names_file(given):
                raise RunError(
                    f"{source} converts by {data['name']!r} with {option}={given[:200]!r}, a file; a model from "
                    f"elsewhere opens none. Give the converter by hand: plait.load({source!r}, converters=[…])."
                )


def _names_file(given: str) -> bool:
    """Whether a text is, or looks like, the path of a file."""
    try:
        return any(sign in given for sign in "/\\\0") or given[0] in "~." or Path(given).exists()
    except (OSError, ValueError):  # it is too long for one
        return False
