"""The graph of converters: what one is, which there are, and the cheapest way from one kind to another.
Knows no table, file or cache, and no converter in particular: they are passed as objects."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Protocol, Self

from plait.core.options import from_strings
from plait.errors import CellError, RequestError, did_you_mean, need
from plait.kinds import modality_kinds

FEWEST_RIGHT = 0.01  # a quality is taken as at least this; a way costs the seconds for a value that comes out right


class Converter(Protocol):
    """Turns values of one kind into values of another.

    source, target: image, audio, series, text, tabular or, as a source, video; speech is audio. cost: seconds for a
    value, about. quality: the share of values that come out right, about, 0 to 1. A value is a PIL.Image (any mode),
    (samples (time,) float32, full scale 1.0; sample rate in Hz), a series (channel, time) float32 with NaN in holes, a
    str, {column: cell}, or of a video its file, as a path or a record of bytes. What cannot be converted comes back as
    a CellError in its place (never raised, never another row's value), with confidence 0. Words that are not there
    (silence, a blank page) are "" with confidence 0.

    It may also have: version (str, what made the values, in words: "pocketsphinx 5.1.1"), module (the optional package
    that it needs), threads (True where several threads may call it at once and gain by it), processes (True where only
    processes make it faster), missing (str, what it still needs from the user, "" where nothing), final (True where
    nothing sensible is made of what it makes: a spectrogram holds no words to read). As a frozen dataclass its fields
    are its options, and it can be written and read again; written() gives them where one names a file that counts.
    """

    name: str
    source: str
    target: str
    cost: float
    quality: float

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]: ...


class ByValue(ABC):
    """What plait's own converters share: options that may be strings, and values converted one by one."""

    name = ""
    module = ""

    @classmethod
    def of(cls, options: Mapping[str, object]) -> Self:
        """Make it from options that may be strings. Raises RequestError for an unknown option or a wrong value."""
        return from_strings(cls, options, cls.name)

    def check_range(self, option: str, least: float, most: float, unit: str = "") -> None:
        """Raise RequestError where an option is not between these."""
        value = getattr(self, option)
        if not least <= value <= most:
            raise RequestError(f"{self.name}.{option} is {value:g}; expected {least} to {most}{unit}.")

    @abstractmethod
    def convert(self, value: Any) -> tuple[Any, float]:
        """Return what is made of one value and how sure it is. Raises CellError where nothing can be made of it."""

    def _try(self, value: Any) -> tuple[Any, float]:
        try:
            return (value, 0.0) if isinstance(value, CellError) else self.convert(value)
        except CellError as error:
            return error, 0.0

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        """Return what is made of each value, or a CellError, and how sure it is. Raises MissingExtra."""
        if self.module:
            need(self.module)
        answers = [self._try(value) for value in values]
        return [made for made, _ in answers], [sure for _, sure in answers]


def with_version(package: str) -> str:
    """Return "rapidocr 3.10.0", or the name alone of a package that is not installed."""
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


def version_of(converter: Any) -> str:
    """Return what the column NAME_converter says, such as "pocketsphinx 5.1.1"."""
    return str(getattr(converter, "version", "") or converter.name)


def is_installed(converter: Any) -> bool:
    module = getattr(converter, "module", "")
    return not module or importlib.util.find_spec(module) is not None


def check_converter(converter: Any) -> None:
    """Raise RequestError for an object that does not obey the contract."""
    for name in ("name", "source", "target", "cost", "quality"):
        if not hasattr(converter, name):
            raise RequestError(f"a converter needs {name!r}; {type(converter).__name__} has none.")
    for side in ("source", "target"):
        check_kind(getattr(converter, side), f"the {side} of converter {converter.name!r}")
    if not callable(converter):
        raise RequestError(f"converter {converter.name!r} cannot be called with values.")


def check_kind(kind: str, what: str) -> None:
    if kind not in modality_kinds():
        raise RequestError(f"{what} is {kind!r}, which is no kind. {did_you_mean(str(kind), modality_kinds())}")


@dataclass(frozen=True)
class Route:
    """Converters one after another. It is a converter itself."""

    steps: tuple[Any, ...]

    name = property(lambda self: " then ".join(step.name for step in self.steps))
    source = property(lambda self: self.steps[0].source)
    target = property(lambda self: self.steps[-1].target)
    cost = property(lambda self: sum(step.cost for step in self.steps))
    quality = property(lambda self: math.prod(step.quality for step in self.steps))
    version = property(lambda self: " then ".join(version_of(step) for step in self.steps))
    threads = property(lambda self: all(getattr(step, "threads", False) for step in self.steps))

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]:
        """What a step cannot convert, or finds no words in, does not reach the next. Confidences multiply."""
        now, sure = list(values), [1.0] * len(values)
        for number, step in enumerate(self.steps):
            good = [i for i, value in enumerate(now) if not isinstance(value, CellError)]
            made, confidence = step([now[i] for i in good])
            if not len(made) == len(confidence) == len(good):
                raise RequestError(
                    f"converter {step.name!r} gave {len(made)} values and {len(confidence)} confidences for "
                    f"{len(good)}; expected as many."
                )
            last = number == len(self.steps) - 1
            for i, value, share in zip(good, made, confidence, strict=True):
                if isinstance(value, str) and not value.strip() and not last:
                    value, share = CellError(f"no words were found ({step.name})", "no-words"), 0.0
                now[i], sure[i] = value, sure[i] * share
        return now, sure


def find_route(converters: Sequence[Any], source: str, target: str, by: str = "") -> Route:
    """Return the cheapest way from one kind to another, by cost over quality, over what is installed.
    by: a converter that must be in it. Raises MissingExtra, with its pip line, where the only way needs a package that
    is not there; RequestError where there is no way at all, naming what can be reached."""
    check_kind(source, "what to convert from")
    check_kind(target, "what to convert to")
    if by and by not in [c.name for c in converters]:
        raise RequestError(f"there is no converter {by!r}. {did_you_mean(by, [c.name for c in converters])}")
    ready = [c for c in converters if is_installed(c) and not getattr(c, "missing", "")]
    steps = _cheapest(ready, source, target, by)
    if steps:
        return Route(steps)
    for step in _cheapest(converters, source, target, by):
        if not is_installed(step):
            need(step.module)
        if getattr(step, "missing", ""):
            raise RequestError(f"converter {step.name!r} needs {step.missing}.")
    raise RequestError(_no_way(converters, source, target, by))


def _cheapest(converters: Sequence[Any], source: str, target: str, by: str) -> tuple[Any, ...]:
    """Return the cheapest steps, no kind twice but the first as the last; () where there is no way."""
    begun: list[tuple[Any, ...]] = [(converter,) for converter in converters if converter.source == source]
    ways = []
    for steps in begun:  # it grows while it is gone through: a step more at a time
        seen = {source, *(step.target for step in steps)}
        if steps[-1].target == target and (not by or by in [step.name for step in steps]):
            ways.append(steps)
        elif not getattr(steps[-1], "final", False):
            following = [c for c in converters if c.source == steps[-1].target and c not in steps]
            begun += [(*steps, c) for c in following if c.target not in seen or c.target == target]
    return min(ways, key=lambda way: sum(c.cost / max(FEWEST_RIGHT, c.quality) for c in way), default=())


def _no_way(converters: Sequence[Any], source: str, target: str, by: str) -> str:
    nearest, ways = set[str](), {source}  # what can be reached, and from what of it a way leads on
    for _ in converters:  # as many steps as there may be
        steps = [c for c in converters if c.source in ways]
        nearest |= {c.target for c in steps}
        ways |= {c.target for c in steps if not getattr(c, "final", False)}
    nearest -= {source}
    origins = {c.source for c in converters if c.target == target}
    through = f" through {by}" if by else ""
    into = f"{source} can become: {', '.join(sorted(nearest))}" if nearest else f"{source} can become nothing"
    origin = f"{target} is made of: {', '.join(sorted(origins))}" if origins else f"nothing becomes {target}"
    return f"there is no way from {source} to {target}{through}. {into}; {origin}."


def describe(converter: Any) -> dict[str, Any]:
    """Return name, version and options (the fields of a dataclass) of a converter, or the steps of a route."""
    if isinstance(converter, Route):
        return {"steps": [describe(step) for step in converter.steps]}
    options = {}
    if hasattr(converter, "written"):
        options = converter.written()
    elif is_dataclass(converter) and not isinstance(converter, type):
        options = asdict(converter)
    return {"name": converter.name, "version": version_of(converter), "options": options}


def identity(converter: Any) -> str:
    """Return a text that changes with the converter, its version and its options: part of the key of a cache."""
    return json.dumps(describe(converter), sort_keys=True, default=str)
