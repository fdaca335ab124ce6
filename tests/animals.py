"""Small tables of animals whose pictures and sounds tell the label, and what is found in them. Knows no test."""

from typing import Any

import numpy as np

from plait.checks.label_checks import check_labels
from plait.checks.survey import Survey
from plait.core.finding import Finding
from plait.data.read import read
from plait.kinds.audio.checks import BANDS, SoundFacts
from plait.kinds.detect import detect

KINDS = ["cat", "dog", "fish"]


def seen_as(values: np.ndarray) -> list[SoundFacts | None]:
    """Return what a survey keeps of sounds with these features (rows, feature), None where they are NaN."""
    wide = np.pad(values, ((0, 0), (0, 4 * BANDS - values.shape[1]))).astype(np.float16)
    return [
        None if np.isnan(row[0]) else SoundFacts("audio", digest=row.tobytes().hex(), thumb=row.tobytes())
        for row in wide
    ]


def animals(rows: int = 300) -> np.ndarray:
    """Return class codes 0 to 2, (rows,), in no order."""
    return np.random.default_rng(1).permutation(np.arange(rows) % 3)


def look(codes: np.ndarray, seed: int, noise: float = 0.5) -> np.ndarray:
    """Return features (rows, 8) that tell the class."""
    generator = np.random.default_rng(seed)
    centres = 2 * np.eye(3, 8)
    return centres[codes] + noise * generator.standard_normal((len(codes), 8))


def check(labels: list[Any], columns: dict[str, Any] | None = None, **seen: np.ndarray) -> list[Finding]:
    """Check a table with a target, plain columns, and media columns that look as given."""
    media = {name: [f"{name}{i}.wav" for i in range(len(labels))] for name in seen}
    table = read({**media, **(columns or {}), "kind": labels})
    group = "owner" if "owner" in table.names else None
    schema = detect(table, target="kind", group=group, kinds=dict.fromkeys(seen, "audio"))
    facts = {name: seen_as(values) for name, values in seen.items()}
    return check_labels(Survey(table, schema, facts), lambda event: None)


def names(codes: np.ndarray) -> list[str]:
    return [KINDS[code] for code in codes]


def brief(found: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(f.severity, f.check, f.column) for f in found]
