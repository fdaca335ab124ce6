"""The converters that plait brings, made from options, and made again from what was written of them.
The one place of this package where a name becomes an object."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
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
}


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
