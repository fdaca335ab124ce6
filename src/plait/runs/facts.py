"""What a run says of itself: the keys of run.json, typed. Knows no model and no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

ALWAYS = ("classes", "folds", "test")  # keys that every run has, null or not; other nulls are left out


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
