"""What a run says of itself: the keys of run.json, typed. Knows no model and no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NotRequired, TypedDict

ALWAYS = ("classes", "folds", "test")  # keys that every run has, null or not; other nulls are left out


class Span(TypedDict):
    """A score and the ends of its interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None


class Scores(TypedDict, total=False):
    """What rows reached, by the name of the metric; here those by which runs are told apart."""

    accuracy: Span
    r2: Span
    wer: Span
    per_class: dict[str, dict[str, Any]]


class Part(TypedDict):
    """The scores of some rows."""

    rows: int
    metrics: Scores | None


class Test(TypedDict):
    """The scores on the test rows: of the winner, of each set of modalities, of each modality's own model."""

    rows: int
    metrics: Scores | None
    by_modalities: dict[str, Part]
    alone: dict[str, Part]


class Sentence(TypedDict):
    """What was judged, in one sentence."""

    sentence: str


class Line(TypedDict):
    """A candidate of the leaderboard."""

    name: str
    family: str
    plan: str | None
    recipe: str
    modalities: list[str]
    members: list[Any]
    loss: float | None
    val: Span | None
    test: Span | None
    seconds: float
    params: int
    latency_ms: float | None
    winner: bool


class Study(TypedDict):
    """The candidates, how many looked at one modality and at several, and the verdict."""

    winner: str
    metric: str
    verdict: Sentence
    trials: dict[str, int]
    candidates: list[Line]
    conversions: NotRequired[list[Sentence]]


class Hole(TypedDict):
    """How many rows of a modality are blank and broken, with an example."""

    blank: int
    broken: int
    example: str
    filled: NotRequired[int]


class Encoder(TypedDict):
    """Through which encoder a modality is seen, and why."""

    encoder: str
    tried: list[Any]
    why: str
    origin: NotRequired[str]
    licence: NotRequired[str]
    tune: NotRequired[str | None]
    better: NotRequired[str]


class Folds(TypedDict):
    """How often each row was left out, and what was reached on it then."""

    folds: int
    repeats: int
    rows: int
    metrics: Scores


class Point(TypedDict):
    """A point of the learning curve."""

    rows: int
    val: Span


class Predictors(TypedDict):
    """The predictors of a run: parts, some made of others, and which part has which role."""

    parts: list[dict[str, Any]]
    roles: dict[str, int]


class Splits(TypedDict):
    """How many rows learn, choose and test."""

    train: int
    val: int
    test: int


class Written(TypedDict):
    """What a run.json holds, as far as it is read again: what load holds a stranger's file against."""

    task: Literal["classification", "regression", "recognition"]
    target: str
    audio: NotRequired[str | None]
    units: NotRequired[dict[str, Any] | None]
    classes: list[str] | list[int] | list[float] | list[bool] | None
    center: float
    spread: float
    decimal_comma: NotRequired[bool | None]
    prior: list[float]
    seed: int
    schema: dict[str, Any]
    options: dict[str, Any]
    rows: int
    splits: Splits
    unlabelled: int
    holes: dict[str, Hole]
    winner: str
    recipe: str
    temperature: float
    sample_rates: dict[str, int]
    conversions: list[dict[str, Any]]
    learning_curve: list[Point]
    encoders: NotRequired[dict[str, Encoder] | None]
    folds: Folds | None
    stopped: Literal["", "time", "interrupt"]
    test: Test | None
    study: Study
    mute: NotRequired[bool | None]
    strands: list[dict[str, Any]]
    predictors: Predictors
    files: dict[str, str]


@dataclass(eq=False)
class RunFacts(Mapping[str, Any]):
    """The facts of a fit, by attribute, or as the mapping that run.json is.

    task: "classification", "regression" or "recognition". holes: of each modality blank and broken rows. test: the
    scores on the test rows, None without any. study: the candidates and the verdict. rest: keys that a run does not
    have, such as those of an ONNX file.
    """

    task: str
    target: str
    audio: str | None = None  # the sound that is transcribed
    units: dict[str, Any] | None = None  # what a recogniser can write
    classes: list[Any] | None = None
    center: float = 0.0  # of a number, in its unit
    spread: float = 1.0
    decimal_comma: bool | None = None  # whether the target was written as 1.234,5
    prior: list[float] = field(default_factory=list)
    seed: int = 0
    precision: str | None = None  # in which networks learned
    schema: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    holes: dict[str, dict[str, Any]] = field(default_factory=dict)
    winner: str = ""
    recipe: str = ""
    temperature: float = 1.0
    sample_rates: dict[str, int] = field(default_factory=dict)  # of sounds that came as arrays
    conversions: list[dict[str, Any]] = field(default_factory=list)
    learning_curve: list[dict[str, Any]] = field(default_factory=list)
    encoders: dict[str, dict[str, Any]] | None = None
    folds: dict[str, Any] | None = None
    stopped: str = ""  # "time" or "interrupt"
    test: dict[str, Any] | None = None
    study: dict[str, Any] = field(default_factory=dict)
    mute: bool | None = None  # whether a recogniser wrote no word in any test row
    format: int | None = None
    strands: list[dict[str, Any]] | None = None
    predictors: dict[str, Any] | None = None
    files: dict[str, str] | None = None  # SHA-256 of each
    seal: str | None = None
    rest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RunFacts:
        names = {f.name for f in fields(cls)} - {"rest"}
        known = {name: value for name, value in data.items() if name in names}
        return cls(**known, rest={name: value for name, value in data.items() if name not in names})

    def to_json(self) -> dict[str, Any]:
        """Return what run.json holds."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "rest"}
        return {name: x for name, x in values.items() if x is not None or name in ALWAYS} | self.rest

    def __getitem__(self, name: str) -> Any:
        return self.to_json()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_json())

    def __len__(self) -> int:
        return len(self.to_json())
