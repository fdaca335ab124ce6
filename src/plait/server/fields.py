"""The columns that a model may be asked with: their kinds, and what a cell of each is made of what a request holds.

Knows a loaded model and one cell; no request as a whole, no answer.
"""

from __future__ import annotations

import base64
import binascii
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plait.errors import did_you_mean
from plait.kinds import is_opened, kind_of_column
from plait.runs.model import Model

MOST_LETTERS = 1_000_000  # of one cell of text: a long book
MOST_NUMBERS = 1_000_000  # of one vector
MOST_VALUES = 200  # categories of a column that are listed


class Refused(Exception):
    """A request that gets no answer: the status of HTTP and one sentence."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence, self.headers = status, sentence, dict(headers or {})


@dataclass(frozen=True)
class Field:
    """A column that a request may name. values: the categories that are known of it, the most common first."""

    name: str
    kind: str
    modality: str
    values: tuple[str, ...] = ()

    @property
    def is_opened(self) -> bool:
        """Whether its cells are files: of these bytes are taken, and no text, which would be opened as a path."""
        return is_opened(self.kind)

    @property
    def is_written(self) -> bool:
        """Whether its cells are running text."""
        kind = kind_of_column(self.kind)
        return kind is not None and not kind.opened and len(kind.columns) == 1

    def to_json(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"name": self.name, "kind": self.kind, "modality": self.modality}
        return facts | ({"values": list(self.values[:MOST_VALUES])} if self.values else {})

    def of_json(self, value: Any) -> Any:
        """Return the cell that a value of JSON is; None where nothing is in it. Raises Refused."""
        if value is None:
            return None
        if isinstance(value, dict) and self.is_opened:
            if [*value] != ["base64"] or not isinstance(value["base64"], str):
                raise self._wrong('{"base64": "…"}', "an object with other fields")
            try:
                return base64.b64decode(value["base64"], validate=True) or None
            except (binascii.Error, ValueError):
                raise Refused(422, f"column {self.name!r}: the field 'base64' is not base64.") from None
        if isinstance(value, list) and self.is_opened:
            return self._numbers(value)
        if isinstance(value, (dict, list)):
            raise self._wrong("one value", "a list" if isinstance(value, list) else "an object")
        if self.is_opened:
            raise self._wrong('{"base64": "…"}, the bytes of a file (no path is opened)', type(value).__name__)
        return self._letters(str(value)) if isinstance(value, str) or self.is_written else value

    def of_form(self, value: str | bytes) -> Any:
        """Return the cell that a field of a form is; None where nothing is in it. Raises Refused."""
        if isinstance(value, bytes):
            if self.is_opened or not value:
                return value or None
            try:
                value = value.decode()
            except UnicodeDecodeError:
                raise self._wrong("text in UTF-8", "a file") from None
        if not value.strip():
            return None
        if not self.is_opened:
            return self._letters(value)
        try:
            numbers = json.loads(value, parse_int=float) if value.lstrip().startswith("[") else None
        except (ValueError, RecursionError):
            numbers = None
        if not isinstance(numbers, list):
            raise self._wrong("a file (no path is opened)", "text")
        return self._numbers(numbers)

    def _numbers(self, values: list[Any]) -> list[Any]:
        """Return a list of numbers, or of such lists, which is a vector or a series; null is a hole in it."""
        rows = values if values and all(isinstance(row, list) for row in values) else [values]
        sound = all(
            x is None or (type(x) in (int, float) and abs(x) <= sys.float_info.max) for row in rows for x in row
        )
        if not sound or sum(map(len, rows)) > MOST_NUMBERS:
            raise self._wrong(f"at most {MOST_NUMBERS:,} finite numbers", "another list")
        return values

    def _letters(self, text: str) -> str:
        if len(text) > MOST_LETTERS:
            raise Refused(422, f"column {self.name!r}: expected at most {MOST_LETTERS:,} letters, got {len(text):,}.")
        # half a pair of surrogates is no letter, and could not be sent back
        return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")

    def _wrong(self, expected: str, got: str) -> Refused:
        return Refused(422, f"column {self.name!r}: expected {expected}, got {got}.")


class Fields(dict[str, Field]):
    """The columns that a model may be asked with, by name. others: columns of its table that do not count."""

    others: frozenset[str] = frozenset()

    @classmethod
    def of(cls, model: Model, names: Sequence[str] | None = None) -> Fields:
        """Return the columns of these modalities, by default those of the winner, and what is converted into them."""
        names = model.modalities if names is None else names
        listed = model.facts.schema.get("columns", [])  # an ONNX file does not know them
        kinds, made = {c["name"]: c["kind"] for c in listed}, [one for one in model._made if one.modality in names]
        fields = cls()
        for view in (view for view in model.views if view.is_main and view.name in names):
            known = {column.name: column.values for column in getattr(view.prep, "columns", ())}
            for name in view.modality.columns:  # a video is two modalities of one column
                kind = kinds.get(name) or view.kinds.get(name, view.kind)
                fields.setdefault(name, Field(name, kind, view.name, tuple(known.get(name, ()))))
        for one in made:
            source = getattr(one.route, "steps", (one.route,))[0].source
            for name in one.columns:
                fields.setdefault(name, Field(name, kinds.get(name, source), one.origin))
        for one in made:
            if one.how == "convert":
                fields.pop(one.column, None)
        fields.others = frozenset({model.target, *kinds} - fields.keys())
        return fields

    def find(self, name: str) -> Field | None:
        """Return the column of this name, None of one that does not count. Raises Refused where there is none."""
        if name in self:
            return self[name]
        if name in self.others:
            return None
        raise Refused(422, f"there is no column {name[:100]!r}. {did_you_mean(name[:100], self)}")
