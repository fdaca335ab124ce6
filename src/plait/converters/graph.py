"""The graph of converters: what one is, which there are, and the cheapest way from one kind to another.

Knows no table, file or cache, and no converter in particular: they are passed as objects.
"""

from __future__ import annotations

import heapq
import importlib.metadata
import importlib.util
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, Protocol, Self

from plait.core.options import from_strings
from plait.errors import CellError, RequestError, did_you_mean, need
from plait.kinds import modality_kinds

FEWEST_RIGHT = 0.01  # a quality is taken as at least this


class Converter(Protocol):
    """Turns values of one kind into values of another.

    source, target: image, audio, text or tabular; speech is audio. cost: seconds for a value, about. quality: the share
    of values that come out right, about, 0 to 1. A value is

    image    a PIL.Image (any mode)
    audio    (samples (time,) float32, full scale 1.0; sample rate in Hz)
    text     str
    tabular  {column: cell}

    What cannot be converted comes back as a CellError in its place (never raised, never another row's value), with
    confidence 0. Words that are not there (silence, a blank page) are "" with confidence 0.

    It may also have: version (str, what made the values, in words: "pocketsphinx 5.1.1"), module (the optional package
    that it needs), threads (True where several threads may call it at once and gain by it), processes (True where only
    processes make it faster), missing (str, what it still needs from the user, "" where nothing), final (True where
    nothing sensible is made of what it makes: a spectrogram holds no words to read). As a frozen dataclass its fields
    are its options, and it can be written and read again; written() gives them where a field names a file whose content
    counts.
    """

    name: str
    source: str
    target: str
    cost: float
    quality: float

    def __call__(self, values: Sequence[Any]) -> tuple[list[Any], list[float]]: ...


class ByValue:
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

    def convert(self, value: Any) -> tuple[Any, float]:
        """Return what is made of one value and how sure it is. Raises CellError where nothing can be made of it."""
        raise NotImplementedError

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


def is_ready(converter: Any) -> bool:
    """Whether it is installed, and has what it needs from the user, such as the folder of a model."""
    return is_installed(converter) and not getattr(converter, "missing", "")


def weight(converter: Any) -> float:
    """Seconds for a value that comes out right: what a route is chosen by."""
    return float(converter.cost) / max(FEWEST_RIGHT, float(converter.quality))


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

    @property
    def name(self) -> str:
        return " then ".join(step.name for step in self.steps)

    @property
    def source(self) -> str:
        return self.steps[0].source

    @property
    def target(self) -> str:
        return self.steps[-1].target

    @property
    def cost(self) -> float:
        return sum(step.cost for step in self.steps)

    @property
    def quality(self) -> float:
        return math.prod(step.quality for step in self.steps)

    @property
    def version(self) -> str:
        return " then ".join(version_of(step) for step in self.steps)

    @property
    def threads(self) -> bool:
        return all(getattr(step, "threads", False) for step in self.steps)

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
    is not there; RequestError where there is no way at all, naming what can be reached.
    """
    check_kind(source, "what to convert from")
    check_kind(target, "what to convert to")
    if by and by not in [c.name for c in converters]:
        raise RequestError(f"there is no converter {by!r}. {did_you_mean(by, [c.name for c in converters])}")
    steps = _search([c for c in converters if is_ready(c)], source, target, by)
    if steps:
        return Route(steps)
    for step in _search(converters, source, target, by):
        if not is_installed(step):
            need(step.module)
        if getattr(step, "missing", ""):
            raise RequestError(f"converter {step.name!r} needs {step.missing}.")
    raise RequestError(_no_way(converters, source, target, by))


def _search(converters: Sequence[Any], source: str, target: str, by: str) -> tuple[Any, ...]:
    """Dijkstra over kinds; at least one step, no kind twice but the first as the last. () where there is no way."""
    heap: list[tuple[float, int, str, tuple[Any, ...]]] = [(0.0, 0, source, ())]
    order = 0
    while heap:
        spent, _, kind, steps = heapq.heappop(heap)
        if steps and kind == target and (not by or by in [step.name for step in steps]):
            return steps
        if steps and getattr(steps[-1], "final", False):
            continue
        seen = {source, *(step.target for step in steps)} if steps else {source}
        for converter in converters:
            if converter.source != kind or (converter.target in seen and converter.target != target):
                continue
            if steps and any(converter.name == step.name for step in steps):
                continue
            order += 1
            heapq.heappush(heap, (spent + weight(converter), order, converter.target, (*steps, converter)))
    return ()


def _no_way(converters: Sequence[Any], source: str, target: str, by: str) -> str:
    reached, front = {source}, [source]
    while front:
        kind = front.pop()
        for converter in converters:
            if converter.source == kind and converter.target not in reached:
                reached.add(converter.target)
                front.append(converter.target)
    through = f" through {by}" if by else ""
    nearest = sorted(reached - {source})
    into = f"{source} can become: {', '.join(nearest)}" if nearest else f"{source} can become nothing"
    origins = sorted({c.source for c in converters if c.target == target})
    origin = f"{target} is made of: {', '.join(origins)}" if origins else f"nothing becomes {target}"
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
