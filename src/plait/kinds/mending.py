"""What every kind says of what it mended: a column of cells, or one file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.data import media
from plait.errors import CellError

BLANK = "left blank"  # what a count calls a cell that cannot be read


@dataclass
class MendedCells:
    """The mended cells; done: {row: (what counts call it, what the row's note says)}; note: what was assumed, or ""."""

    cells: list[Any]
    done: dict[int, tuple[str, str]] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of one file; a kind adds to it. error: why it cannot be read, or "". digest: SHA-256 of the file.
    holds: of what it holds, b"" where files are told to be the same by their mended bytes."""

    error: str = ""
    digest: bytes = b""
    holds: bytes = b""
    format: str = ""


@dataclass(frozen=True)
class Goal:
    """What every file of a column becomes; a kind adds to it. note: what was left as it is, and why."""

    note: str = ""


@dataclass(frozen=True)
class Change:
    """A mended file: its content, its format, what counts call what was done, and what the row's note says."""

    content: bytes
    format: str
    done: tuple[str, ...]
    said: str


def take_content(cell: Any, folder: Path | None) -> dict[str, Any]:
    """Return {"bytes", "path"} of what a cell holds or names. Raises CellError."""
    source = media.open_cell(cell, folder)
    path = cell.get("path") if isinstance(cell, dict) else None
    if isinstance(source, bytes):
        return {"bytes": source, "path": path}
    try:
        return {"bytes": source.read_bytes(), "path": str(path or cell)}
    except OSError as error:
        raise CellError(f"cannot be opened: {source.name} ({error.strerror})") from None
