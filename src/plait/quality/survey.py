"""Open every picture and sound of a table once, and keep what the checks need to know of each. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

GREY = 16  # px: side of the grey thumbnail
COLOUR = 4  # px: side of the coloured one
BANDS = 32  # mel bands of a sound's features: three means over time and one standard deviation of each


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What one media cell holds. `fault` is "" where it can be read; then the facts of its kind are filled in.

    fault: missing, empty, address, too-large, truncated, wrong-kind, no-samples, not-finite or unreadable; reason: the
    words for it. path: "" where the cell holds bytes or an array. digest: SHA-256 of the file (hex); decoded: of the
    decoded samples, or of the pixels of a small picture, else "". outside: the file lies outside the table's folder.
    header: what the header says wrongly of data that can be read. thumb: uint8 grey 16 × 16, then RGB 4 × 4 × 3, of a
    picture; float16, mel means of the three thirds of the time and standard deviations, of a sound.
    """

    kind: str
    fault: str = ""
    reason: str = ""
    path: str = ""
    digest: str = ""
    decoded: str = ""
    format: str = ""
    outside: bool = False
    renamed: bool = False  # the ending names another format
    header: str = ""
    thumb: bytes = b""
    mode: str = ""  # pictures: colour mode as Pillow names it
    depth: int = 0  # bits a channel
    width: int = 0  # px
    height: int = 0
    orientation: int = 1  # EXIF
    frames: int = 1  # 2 where there are more than one
    one_colour: bool = False
    rate: int = 0  # sounds: Hz
    channels: int = 0
    seconds: float = 0.0
    peak: float = 0.0  # of full scale 1
    level: float = 0.0  # root mean square, of full scale 1
    clipped: float = 0.0  # share of the samples
    offset: float = 0.0  # mean, of full scale 1


@dataclass(frozen=True)
class Survey:
    """facts[column]: one entry for each row of a picture or sound column; None where the cell is blank."""

    rows: int
    facts: Mapping[str, list[CellFacts | None]] = field(default_factory=dict)

    def features(self, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Return (values (rows, feature) float32, present (rows,) bool) of a media column; 0 where not present.

        Pictures: 16 × 16 grey and 4 × 4 RGB, 0 to 1 (304 numbers). Sounds: log-mels, the means of the three thirds of
        the time and the standard deviation of 32 bands (128 numbers). Nothing is scaled further.
        """
        facts = self.facts[column]
        present = np.array([cell is not None and not cell.fault and bool(cell.thumb) for cell in facts], bool)
        image = any(cell is not None and cell.kind == "image" for cell in facts)
        width = GREY * GREY + 3 * COLOUR * COLOUR if image else 4 * BANDS
        values = np.zeros((self.rows, width), np.float32)
        for row in np.flatnonzero(present):
            cell = facts[row]
            assert cell is not None
            values[row] = np.frombuffer(cell.thumb, np.uint8 if image else np.float16)
        return (values / np.float32(255) if image else values), present
