"""What is kept between commands, brought down to a limit. Knows files and when they were used, not what is in them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from plait.data.fact_cache import cache_folder
from plait.errors import RequestError

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
USUAL_LIMIT = "10GB"  # what a fit leaves at most, where PLAIT_CACHE_LIMIT says nothing else
PARTS = {
    "features": "features",
    "blocks": "prepared rows",
    "stages": "networks trained alone",
    "convert": "conversions",
    "looks": "looks at test rows",
}
SMALL_FILES = ("about.json", "counts.jsonl")  # which stay, so that `plait cache` can tell what there was
CHECKED = re.compile(r"check-.*\.jsonl")


def usual_limit() -> int:
    """Return what a fit leaves at most, in bytes: $PLAIT_CACHE_LIMIT, else 10 GB. Raises RequestError for no size."""
    return parse_bytes(os.environ.get("PLAIT_CACHE_LIMIT") or USUAL_LIMIT)


def prune_to(limit: int) -> int:
    """Bring the user's cache down to a limit in bytes, and return the bytes removed."""
    try:
        return prune(cache_folder(), limit)
    except RuntimeError:  # without a home nothing is kept
        return 0


def prune(folder: Path, limit: int) -> int:
    """Remove the files of a cache folder that were used longest ago until `limit` bytes are left; return the bytes."""
    files = sorted(file for file in kept_files(folder) if not file[2].endswith(SMALL_FILES))
    left, removed = sum(size for _, size, _ in files), 0
    for _, size, path in files:
        if left <= limit:
            break
        with contextlib.suppress(OSError):  # another process may have been quicker
            os.unlink(path)
            removed += size
        left -= size
    return removed


def parse_bytes(text: str) -> int:
    """Return a number of bytes, of 2GB or 500 MB. Raises RequestError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)B?\s*", text, re.IGNORECASE)
    if match is None:
        raise RequestError(f"the limit of the cache is {text!r}; expected a size such as 500MB or 2GB.")
    return round(float(match[1]) * UNITS[match[2].upper()])


def say_bytes(size: int) -> str:
    """Return a size for people: 999 B, 1.3 MB."""
    if size < 1000:
        return f"{size} B"
    unit = next((unit for unit in "KM" if size / UNITS[unit] < 999.95), "G")  # 999,999 bytes are 1.0 MB
    return f"{size / UNITS[unit]:.1f} {unit}B"


def kept_files(folder: Path) -> Iterator[tuple[float, int, str]]:
    """Give (time of last use, bytes, path) of every file that plait keeps in the folder, and of no other file."""
    folders = [str(folder), *(str(folder / part) for part in PARTS)]
    for number, own in enumerate(folders):  # they grow meanwhile
        with contextlib.suppress(OSError), os.scandir(own) as entries:
            for entry in entries:
                if number and entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.is_file(follow_symlinks=False) and (number or CHECKED.fullmatch(entry.name)):
                    with contextlib.suppress(OSError):  # another process may have been quicker
                        status = entry.stat(follow_symlinks=False)
                        yield status.st_mtime, status.st_size, entry.path


def remove_all(folder: Path) -> None:
    for name in PARTS:
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in folder.glob("check-*.jsonl"):
        path.unlink(missing_ok=True)
