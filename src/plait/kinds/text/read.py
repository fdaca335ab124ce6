"""From cells of texts to the inputs of an encoder: the texts of a row are joined to one."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from plait.data.feature_cache import digest_text
from plait.errors import TableError
from plait.kinds.part import Part
from plait.kinds.text.clean import is_suspicious, join_columns

DTYPE = np.float32
REPAIR = "ftfy"  # by what `clean` makes mojibake right


def read(cell: Any, folder: Path | None = None, rate: int | None = None, prep: Any = None) -> Any:
    """Return the text itself."""
    return cell


def apply(prep: Any, value: str) -> np.ndarray:
    """Return a text as the encoder takes it, such as token ids (token,)."""
    return prep(value)


def digest(cell: Any, folder: Path | None = None, rate: int | None = None) -> bytes:
    """Return the hash of a text; where it is repaired, of how too: features from before that repair are not found."""
    text = str(cell)
    return digest_text(f"{text}\0{REPAIR}" if is_suspicious(text) else text)


def join_texts(part: Part) -> list[str | None]:
    """Return the text of each row, its columns joined, or None where all are blank."""
    return join_columns(part.cells())


def streams(part: Part) -> list[tuple[str, list[Any], int | None]]:
    """Return (column, cells, None): the joined texts alone."""
    return [(part.columns[0], join_texts(part), None)]


def fit(prep: Any, part: Part, rows: np.ndarray, generator: np.random.Generator, learns: bool = True) -> Any:
    """Return the preparation with vocabulary and weights of these rows; only checked where nothing is to be learned.

    Raises TableError where no row has a text.
    """
    few = Part(part.table.take(rows), part.columns)
    texts = [text for text in join_texts(few) if text is not None]
    if not texts:
        raise TableError(
            f"column {part.columns[0]!r}: no training row has a text. "
            f"Fill the column, or leave it out with --ignore {part.columns[0]!r}."
        )
    return prep.fitted(texts, generator) if learns else prep


def prepare(
    prep: Any, part: Part, layout: Mapping[str, Any], values: np.ndarray, pool: Executor
) -> tuple[np.ndarray, list[str | None]]:
    """Fill values (batch, feature + token): TF-IDF, then token ids; return which rows have a text, and why not."""
    joined = join_texts(part)
    present = np.array([[text is not None] for text in joined], bool).reshape(-1, 1)
    texts = [text for text in joined if text is not None]
    if texts:
        parts = [prep.vector(texts)] if layout["features"] else []
        parts += [prep.ids(texts).astype(np.float32)] if layout["tokens"] else []
        values[present[:, 0]] = np.concatenate(parts, axis=1)
    return present, part.gaps()
