"""What a run says of itself: the keys of run.json, typed. Knows no model and no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_type_hints

from plait.core.typed import check_type

ALWAYS = ("classes", "folds", "test")  # keys that every run has, null or not; other nulls are left out
SELDOM = (
    "audio",
    "units",
    "labels",
    "decimal_comma",
    "unit",
    "encoders",
    "mute",
    "refit",
    "network",
)  # keys that a run may lack
NOT_READ = ("precision", "format", "seal", "rest")  # by the one who loads it, or read before


class Span(TypedDict):
    """A score and the ends of its interval; None where it cannot be told."""

    value: float | None
    low: float | None
    high: float | None
    why: NotRequired[str]  # there is no interval


class Scores(TypedDict, total=False):
    """What rows reached, by the name of the metric; here those by which runs are told apart."""

    accuracy: Span
    r2: Span
    wer: Span
    per_class: dict[str, dict[str, Any]]


class LabelForm(TypedDict):
    """How labels of a row are written, "" as lists, and how many are answered at least."""

    delimiter: str
    fewest: int


class Part(TypedDict):
    """The scores of some rows."""

    rows: int
    metrics: Scores | None


class Test(TypedDict):
    """The scores on the test rows: of the winner, of each set of modalities, of each modality's own model."""

    rows: int
    scored: NotRequired[int]
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
    kept: NotRequired[str]  # the name by which `use` takes it, "" where its weights are not kept


class Pair(Span):
    """What two modalities reach together, and each of them; the span is the gain over the better one."""

    together: float | None
    alone: dict[str, float | None]


class Worth(TypedDict):
    """The test score, split over the modalities, and what pairs reach."""

    metric: str
    rows: int
    of: int
    groups: int | None
    value: float | None
    prior: float | None
    modalities: dict[str, Span]
    pairs: dict[str, Pair]


class Study(TypedDict):
    """The candidates, how many looked at one modality and at several, and the verdict."""

    winner: str
    metric: str
    verdict: Sentence
    trials: dict[str, int]
    candidates: list[Line]
    beside: NotRequired[str | None]
    why: NotRequired[str]
    conversions: NotRequired[list[Sentence]]
    caveats: NotRequired[list[Sentence]]
    worth: NotRequired[Worth]
    sharing: NotRequired[Sentence]


class Hole(TypedDict):
    """How many rows of a modality are blank and broken, with an example."""

    blank: int
    broken: int
    example: str
    filled: NotRequired[int]
    mute: NotRequired[int]


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


class Refitted(TypedDict):
    """What learned anew after the proof: from "all" rows or "train+val", how many, and which networks did not."""

    how: str
    rows: int
    kept: list[str]


class Point(TypedDict):
    """A point of the learning curve."""

    rows: int
    val: Span


class Predictors(TypedDict):
    """The predictors of a run: parts, some made of others, and which part has which role."""

    parts: list[dict[str, Any]]
    roles: dict[str, int]


class Listed(TypedDict):
    """A column of the schema."""

    name: str
    kind: str
    role: str
    why: NotRequired[str]


class Grouped(TypedDict):
    """A modality of the schema."""

    name: str
    kind: str
    columns: list[str]


class Layout(TypedDict):
    """What of the schema is read before it is rebuilt."""

    columns: list[Listed]
    modalities: list[Grouped]


class Splits(TypedDict):
    """How many rows learn, choose and test."""

    train: int
    val: int
    test: int


@dataclass(eq=False)
class RunFacts(Mapping[str, Any]):
    """The facts of a fit, by attribute, or as the mapping that run.json is.

    What load holds a stranger's file against is in the annotations. rest: keys that a run does not have, such as those
    of an ONNX file.
    """

    task: Annotated[str, Literal["classification", "regression", "recognition", "labels", "ordered", "pairs"]]
    target: str
    audio: str | None = None  # the sound that is transcribed
    units: dict[str, Any] | None = None  # what a recogniser can write
    classes: Annotated[list[Any] | None, list[str] | list[int] | list[float] | list[bool] | None] = None
    labels: Annotated[dict[str, Any] | None, LabelForm | None] = None  # where a row may have several of the classes
    center: float = 0.0  # of a number, in its unit
    spread: float = 1.0
    decimal_comma: bool | None = None  # whether the target was written as 1.234,5
    unit: str | None = None  # in what the target was written, such as kg
    prior: list[float] = field(default_factory=list)
    seed: int = 0
    precision: str | None = None  # in which networks learned
    schema: Annotated[dict[str, Any], Layout] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    splits: Annotated[dict[str, int], Splits] = field(default_factory=dict)
    unlabelled: int = 0
    holes: Annotated[dict[str, Any], dict[str, Hole]] = field(default_factory=dict)
    winner: str = ""
    recipe: str = ""
    temperature: float = 1.0
    sample_rates: dict[str, int] = field(default_factory=dict)  # of sounds that came as arrays
    conversions: list[dict[str, Any]] = field(default_factory=list)
    learning_curve: Annotated[list[dict[str, Any]], list[Point]] = field(default_factory=list)
    encoders: Annotated[dict[str, Any] | None, dict[str, Encoder] | None] = None
    folds: Annotated[dict[str, Any] | None, Folds | None] = None
    stopped: Annotated[str, Literal["", "time", "interrupt"]] = ""
    test: Annotated[dict[str, Any] | None, Test | None] = None  # the scores on the test rows, None without any
    study: Annotated[dict[str, Any], Study] = field(default_factory=dict)
    refit: Annotated[dict[str, Any] | None, Refitted | None] = None  # None: what was proven is what answers
    network: str | None = None  # the best candidate of networks alone, where the winner asks something else
    mute: bool | None = None  # whether a recogniser wrote no word in any test row
    format: int | None = None
    strands: Annotated[list[dict[str, Any]] | None, list[dict[str, Any]]] = None
    predictors: Annotated[dict[str, Any] | None, Predictors] = None
    files: Annotated[dict[str, str] | None, dict[str, str]] = None  # SHA-256 of each
    seal: str | None = None
    rest: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def check(cls, data: Mapping[str, Any], where: str) -> None:
        """Raise ValueError, naming the place, where data is not what `Model.write` writes."""
        hints = _hints(cls)
        for name in [f.name for f in fields(cls) if f.name not in NOT_READ]:
            if name not in data and name not in SELDOM:
                raise ValueError(f"{where} lacks {name!r}")
            if name in data:
                check_type(data[name], getattr(hints[name], "__metadata__", [hints[name]])[0], f"{where}.{name}")

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


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)
