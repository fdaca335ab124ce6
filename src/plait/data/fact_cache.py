"""What was found out about files, kept between commands: JSON lines in the user's cache folder. Judges no content.
A line is ["key", checksum, {facts}]. Lines are only ever added; one that is damaged counts as not there."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.core.files import write_bytes

STALE = 20_000  # lines that nobody asked for, from which on a file is written anew


def cache_folder() -> Path:
    """Return $PLAIT_CACHE, else $XDG_CACHE_HOME/plait, else ~/.cache/plait. Raises RuntimeError without a home."""
    if folder := os.environ.get("PLAIT_CACHE"):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "plait"


class Cache:
    """Facts by key, read from one file and added to it; without a path none are kept. `trouble` says why the file
    cannot be read or written, and is "" where all is well."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.trouble = ""
        self._entries: dict[str, dict[str, Any]] = {}
        self._used: set[str] = set()
        self._new = b""  # a newline first where the file was cut in the middle of a line
        if path is None:
            return
        try:
            content = path.read_bytes() if path.exists() else b""
        except OSError as error:
            self.trouble = f"{path} cannot be read ({error.strerror})"
            return
        self._new = b"" if content.endswith(b"\n") or not content else b"\n"
        self._entries = dict(entry for line in content.splitlines() if (entry := _read_line(line)))

    def get(self, key: str) -> dict[str, Any] | None:
        self._used.add(key)
        return self._entries.get(key)

    def add(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Append entries to the file, in one write."""
        if self.path is None or self.trouble or not entries:
            return
        data = self._new + b"".join(_write_line(key, facts) for key, facts in entries.items())
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "ab") as file:
                file.write(data)
        except OSError as error:
            self.trouble = f"{self.path} cannot be written ({error.strerror})"
            return
        self._new = b""

    def tidy(self) -> None:
        """Write the file anew without the lines that nobody asked for, where they are many."""
        stale = self._entries.keys() - self._used
        if self.path is None or self.trouble or len(stale) < STALE:
            return
        kept = [line for line in self.path.read_bytes().splitlines() if (e := _read_line(line)) and e[0] not in stale]
        try:
            write_bytes(self.path, b"".join(line + b"\n" for line in kept))
        except OSError as error:
            self.trouble = f"{self.path} cannot be written ({error.strerror})"


def _write_line(key: str, facts: Mapping[str, Any]) -> bytes:
    text, check = _seal(key, facts)
    return f"[{json.dumps(key)},{check},{text}]\n".encode()


def _seal(key: str, facts: Mapping[str, Any]) -> tuple[str, int]:
    text = json.dumps(facts, separators=(",", ":"))
    return text, zlib.crc32((key + text).encode())


def _read_line(line: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        key, check, facts = json.loads(line)
        whole = isinstance(key, str) and isinstance(facts, dict) and check == _seal(key, facts)[1]
    except (ValueError, TypeError, RecursionError):  # half a sign, too, is no text that has a checksum
        return None
    return (key, facts) if whole else None
