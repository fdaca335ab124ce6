"""What travels between processes: JSON values, arrays and bytes, as a line that says how long, a header, raw bytes.

Nothing is pickled, so nothing runs when it is read. Knows no process.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

RAW = "\x00"  # the key of a dict in the header that stands for an array, bytes, or a dict that has this key itself


def pack(value: Any) -> list[bytes | memoryview]:
    """Return the parts of a message, the lengths first. TypeError for what is no JSON value, array or bytes."""
    raw: list[bytes | memoryview] = []
    header = json.dumps(_plain(value, raw)).encode()
    lengths = json.dumps([len(header), *(len(part) for part in raw)]).encode() + b"\n"
    return [lengths, header, *raw]


def unpack(stream: IO[bytes]) -> Any:
    """Return the next message of a stream. EOFError where it ends before, or in the middle of one."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    header, *raw = (_read(stream, length) for length in json.loads(line))
    return _whole(json.loads(header), raw)


def _read(stream: IO[bytes], length: int) -> bytearray:
    """Return so many bytes, in memory that may be written to."""
    data = bytearray(length)
    view, done = memoryview(data), 0
    while done < length:
        got = stream.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        done += got
    return data


def _plain(value: Any, raw: list[bytes | memoryview]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return {RAW: ["", [_plain(inner, raw) for inner in value.flat], list(value.shape)]}
        flat = np.ascontiguousarray(value)
        raw.append(flat.tobytes() if flat.dtype.kind in "mMUS" or not flat.size else flat.data.cast("B"))
        return {RAW: [len(raw) - 1, value.dtype.str, list(value.shape)]}
    if isinstance(value, bytes | bytearray | memoryview):
        raw.append(bytes(value))
        return {RAW: [len(raw) - 1]}
    if isinstance(value, np.generic):
        return _plain(value.item(), raw)
    if isinstance(value, dict):
        if any(not isinstance(key, str) for key in value):
            raise TypeError(f"a dict with the keys {list(value)[:3]} does not travel; expected strings")
        made = {key: _plain(inner, raw) for key, inner in value.items()}
        return {RAW: made} if RAW in value else made
    return [_plain(inner, raw) for inner in value] if isinstance(value, list | tuple) else value


def _whole(value: Any, raw: Sequence[bytearray]) -> Any:
    if isinstance(value, list):
        return [_whole(inner, raw) for inner in value]
    if not isinstance(value, dict):
        return value
    if RAW not in value:
        return {key: _whole(inner, raw) for key, inner in value.items()}
    kept = value[RAW]
    if isinstance(kept, dict):
        return {key: _whole(inner, raw) for key, inner in kept.items()}
    place, *form = kept
    if place == "":
        cells = np.empty(len(form[0]), object)
        cells[:] = [_whole(inner, raw) for inner in form[0]]
        return cells.reshape(form[1])
    return np.frombuffer(raw[place], form[0]).reshape(form[1]) if form else bytes(raw[place])
