"""Files written whole or not at all: atomic writes, hashed run folders, and the finished stages of a run under way."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from plait.errors import RunError

UNFINISHED = "unfinished"  # a folder inside the run folder, gone when the run is finished


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file through a temporary one beside it, so that a reader sees the old file or the new, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    write_bytes(path, (json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}). Is this the folder of a finished run?") from None


def read_json(path: Path) -> Any:
    """Return the JSON in a file. Raises RunError that names the file."""
    data = _read(path)
    try:
        return json.loads(data)
    except ValueError:
        raise RunError(f"{path} is damaged: it is not JSON. Fit the run again, or restore the file.") from None


def pack_tensors(tensors: Mapping[str, np.ndarray]) -> bytes:
    """Return arrays as the bytes of a safetensors file."""
    from safetensors.numpy import save

    return save({name: np.asarray(value, order="C") for name, value in tensors.items()})


def unpack_tensors(data: bytes, source: str | Path) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file, from its bytes. Raises RunError that names the source."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError):
        why = "it is not a safetensors file. Fit the run again, or restore the file."
        raise RunError(f"{source} is damaged: {why}") from None


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    write_bytes(path, pack_tensors(tensors))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file. Raises RunError that names the file."""
    return unpack_tensors(_read(path), path)


def under(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON value without its own "seal"."""
    rest = {key: item for key, item in value.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Stages:
    """What a run under way has finished: a safetensors and a JSON file for each stage. Without a folder, none."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def _path(self, stage: str) -> Path:
        return (self.folder or Path()) / hashlib.sha256(stage.encode()).hexdigest()[:16]

    def has(self, stage: str) -> bool:
        if self.folder is None:
            return False
        try:
            return self._path(stage).with_suffix(".json").exists()
        except OSError:  # a folder that may not be entered
            return False

    def save(self, stage: str, state: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
        """Keep a stage: the arrays first, then the JSON that says it is complete."""
        if self.folder is None:
            return
        path = self._path(stage)
        write_tensors(path.with_suffix(".safetensors"), {k: v.detach().cpu().numpy() for k, v in state.items()})
        write_json(path.with_suffix(".json"), dict(meta))

    def load(self, stage: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return (state, meta) of a finished stage, or None."""
        if not self.has(stage):
            return None
        import torch

        path = self._path(stage)
        for suffix in (".safetensors", ".json"):  # what was used lately is pruned last
            with contextlib.suppress(OSError):
                os.utime(path.with_suffix(suffix))
        arrays = read_tensors(path.with_suffix(".safetensors"))
        return {k: torch.from_numpy(v.copy()) for k, v in arrays.items()}, read_json(path.with_suffix(".json"))
