"""One transcript a row, with its words, their times, and a status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from plait.models.speech.decode import Heard
from plait.runs.predictions import Predictions

NO_WORDS = "no words were heard"


@dataclass
class Transcripts(Predictions):
    """One transcript for each row, in order. A failed row has the label None and no words.

    confidence: (rows,) 0 to 1. words: for each row the words with their start and end in seconds.
    """

    confidence: list[float | None] = field(default_factory=list)
    words: list[list[tuple[str, float, float]] | None] = field(default_factory=list)

    @classmethod
    def of(cls, heard: Sequence[Heard | None], statuses: Sequence[tuple[str, str]]) -> Transcripts:
        said = [(NO_WORDS,) if one is not None and not one.text else () for one in heard]
        return cls(
            [None if one is None else one.text for one in heard],
            None,
            [status for status, _ in statuses],
            [
                "; ".join(([reason] if reason else []) + list(more))
                for (_, reason), more in zip(statuses, said, strict=True)
            ],
            None,
            [None if one is None else round(float(one.confidence), 4) for one in heard],
            [None if one is None else list(one.words) for one in heard],
        )

    def columns(self) -> dict[str, list[Any]]:
        """Return the columns of `to_arrow` as lists: prediction, confidence, words (JSON), status, reason."""
        told = [
            None
            if words is None
            else json.dumps([{"word": w, "start": s, "end": e} for w, s, e in words], ensure_ascii=False)
            for words in self.words
        ]
        columns = {"prediction": self.labels, "confidence": self.confidence, "words": told}
        return {**columns, "status": self.status, "reason": self.reason}

    def to_arrow(self) -> Any:
        """Return a pyarrow.Table: prediction, confidence, words (JSON, times in seconds), status, reason."""
        import pyarrow as pa

        kinds = {name: pa.float64() if name == "confidence" else pa.string() for name in self.columns()}
        return pa.table({name: pa.array(values, kinds[name]) for name, values in self.columns().items()})
