"""The verb `cache`: what plait keeps between commands, how often it was of use, and how it is brought down to a limit.

Knows folders and files, not what is in them. Loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from plait.core.files import parse_json
from plait.core.options import checked
from plait.core.terminal import text_table
from plait.core.words import count, percent
from plait.data.fact_cache import cache_folder
from plait.data.feature_cache import read_counts
from plait.data.prune import PARTS, kept_files, parse_bytes, prune, remove_all, say_bytes
from plait.errors import RequestError


@dataclass(frozen=True)
class Part:
    """One part of what is kept. size: bytes; asked, found: cells looked up in it, and how many were there."""

    what: str
    files: int
    size: int
    asked: int = 0
    found: int = 0


@dataclass(frozen=True)
class Kept:
    """What `cache` found: where, of what, and what it removed (bytes)."""

    folder: Path
    parts: tuple[Part, ...]
    removed: int = 0

    @property
    def size(self) -> int:
        return sum(part.size for part in self.parts)

    @property
    def hit_rate(self) -> float | None:
        """The share of the features that were asked for and were there; None where nothing was asked."""
        asked = sum(part.asked for part in self.parts)
        return sum(part.found for part in self.parts) / asked if asked else None

    def to_json(self) -> dict[str, Any]:
        facts = {"folder": str(self.folder), "size": self.size, "hit_rate": self.hit_rate, "removed": self.removed}
        return {**facts, "parts": [asdict(part) for part in self.parts]}

    def __str__(self) -> str:
        lines = [f"{self.folder}: {say_bytes(self.size)}"]
        if self.parts:
            rows = [
                [p.what, count(p.files), say_bytes(p.size), f"{count(p.found)} of {count(p.asked)}" if p.asked else "-"]
                for p in self.parts
            ]
            lines += ["", text_table(["what", "files", "size", "found again"], rows)]
        if self.hit_rate is not None:
            lines.append(f"\n{percent(self.hit_rate, 0)} of the features that were asked for were there.")
        if self.removed:
            lines.append(f"removed {say_bytes(self.removed)}, what was used longest ago first")
        return "\n".join(lines)


@checked
def cache(*, limit: str | int | None = None, clear: bool = False) -> Kept:
    """Return what is kept between commands, and remove what is too much. Nothing but time is lost.

    Args:
        limit (--limit SIZE): Remove what was used longest ago, down to 2GB, say.
        clear (--clear): Remove all of it. Nothing but time is lost, and the memory of who looked at which test rows.

    Raises:
        RequestError: the limit is no size, or there is no folder to keep things in.

    Example:
        >>> plait.cache(clear=True).size  # bytes
        0
    """
    try:
        folder = cache_folder()
    except RuntimeError:
        raise RequestError("there is no home folder to keep things in; name a folder with PLAIT_CACHE.") from None
    removed = 0
    if clear:
        removed = sum(size for _, size, _ in kept_files(folder))
        remove_all(folder)
    elif limit is not None:
        removed = prune(folder, limit if isinstance(limit, int) else parse_bytes(limit))
    return Kept(folder, tuple(_parts(folder)), removed)


def _parts(folder: Path) -> Iterator[Part]:
    for name, what in PARTS.items():
        features = name == "features"
        for place in sorted(p for p in (folder / name).glob("*") if p.is_dir()) if features else [folder / name]:
            sizes = [path.stat().st_size for path in place.rglob("*") if path.is_file()]
            if sizes:
                counts = read_counts(place) if features else (0, 0)
                yield Part(f"{what} by {_about(place)}" if features else what, len(sizes), sum(sizes), *counts)
    checks = [path.stat().st_size for path in folder.glob("check-*.jsonl")]
    if checks:
        yield Part("facts about files", len(checks), sum(checks))


def _about(place: Path) -> str:
    try:
        about = parse_json((place / "about.json").read_bytes())
        return f"{about['name']:.80} ({about['kind']:.80})"
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return place.name[:8]
