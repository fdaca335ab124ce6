"""Files written whole or not at all: atomic writes, hashed run folders, and the finished stages of a run under way."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from plait.core.words import first_line
from plait.errors import PlaitError, RunError

MOST_JSON = 64 << 20  # bytes: the run.json of 100,000 classes and 200 candidates takes 20 MB
AGAIN = "Fit the run again, or restore the file."
CHECKSUM = "checksum"  # of a stage: what its JSON holds beside its own facts
# what is raised where something is made, or done, from values that do not fit together
MISFITS = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError, AssertionError)
UNFINISHED = "unfinished"  # a folder inside the run folder, gone when the run is finished


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file where one cannot be written: of a full disk the system tells no name."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, f"{path} cannot be written: {error.strerror or error}") from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside, which takes the place of this one once all is written: a reader sees the old file
    or the new, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(part, "wb")  # noqa: SIM115  closed below; what fails in between is not named as this file
        try:
            yield file
            with naming(path):
                file.flush()
                os.fsync(file.fileno())
        finally:
            with naming(path):
                file.close()
        with naming(path):
            os.replace(part, path)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with replacing(path) as file, naming(path):
        file.write(data)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write an object whole or not at all, each name of it on a line: to indent all takes five times as long."""
    parts = [json.dumps({name: item}, ensure_ascii=False, allow_nan=False)[1:-1] for name, item in value.items()]
    write_bytes(path, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}). Is this the folder of a finished run?") from None


def file_in(folder: Path, name: object, missing: bool = False) -> Path:
    """Return the path of a file that a folder of plait's says is in it: the one place that trusts such a name.

    Raises RunError for a path instead of a plain name, for what is no regular file (a link, a pipe, a device), and,
    unless `missing`, for what is not there: a stranger's folder opens and deletes nothing outside of itself.
    """
    return _entry_in(folder, name, missing, stat.S_ISREG, "a regular file")


def folder_in(folder: Path, name: object, missing: bool = False) -> Path:
    """Return the path of a folder that a folder of plait's says is in it, as `file_in` does: no link, no other way."""
    return _entry_in(folder, name, missing, stat.S_ISDIR, "a folder")


def _entry_in(folder: Path, name: object, missing: bool, fits: Callable[[int], bool], wanted: str) -> Path:
    if not isinstance(name, str) or not name or name in (".", "..") or any(sign in name for sign in "/\\:\0"):
        what = wanted.removeprefix("a regular ").removeprefix("a ")
        raise RunError(
            f"{folder}: {str(name)[:200]!r} is named there, which is no plain name of a {what} in it. {AGAIN}"
        )
    path = folder / name
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        if missing:
            return path
        raise RunError(f"{path} is missing. {AGAIN}") from None
    except OSError as error:
        raise RunError(f"{path} cannot be read ({error.strerror}). {AGAIN}") from None
    if not fits(mode):
        names = ((stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISREG, "a file"))
        kind = next((name for test, name in names if test(mode)), "a pipe or a device")
        raise RunError(f"{path} is {kind}; expected {wanted}. {AGAIN}")
    return path


def read_json(path: Path) -> Any:
    """Return the JSON in a file, whose numbers are finite. Raises RunError that names the file."""
    data = _read(path)
    if len(data) > MOST_JSON:
        raise RunError(f"{path} has {len(data) >> 20} MB; expected at most {MOST_JSON >> 20}. {AGAIN}")
    try:
        return parse_json(data)
    except ValueError:
        raise RunError(f"{path} is damaged: it is not JSON. {AGAIN}") from None


def parse_json(text: str | bytes, finite: bool = True) -> Any:
    """Return the value of JSON text. Raises ValueError where it is none, nests too deep, holds a number of more digits
    than Python reads, or, if `finite`, NaN or infinity."""
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_finite) if finite else json.loads(text)
    except RecursionError:
        raise ValueError("it nests too deep") from None
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise ValueError("a number in it has too many digits" if "digits" in str(error) else str(error)) from None


def _finite(text: str) -> float:
    if not math.isfinite(value := float(text)):
        raise ValueError(f"{text} is no finite number")
    return value


@contextlib.contextmanager
def consistent(source: object) -> Iterator[None]:
    """Turn what goes wrong inside, where something is made from what a stranger's file says, into one RunError."""
    try:
        yield
    except PlaitError:
        raise
    except MISFITS as error:
        said = f"{type(error).__name__}: {first_line(error):.200}"
        raise RunError(f"{source} is damaged: what it says does not fit together ({said}). {AGAIN}") from None


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
        raise RunError(f"{source} is damaged: it is not a safetensors file. {AGAIN}") from None


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray]) -> None:
    write_bytes(path, pack_tensors(tensors))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file. Raises RunError that names the file."""
    return unpack_tensors(_read(path), path)


def under(tensors: Mapping[str, np.ndarray], prefix: str) -> dict[str, np.ndarray]:
    """Return the arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def check_finite(tensors: Mapping[str, np.ndarray], source: object) -> None:
    """Raise RunError, naming the array, where one holds what is no finite number."""
    for name, values in tensors.items():
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise RunError(f"{source} is damaged: {name!r} holds what is no finite number. {AGAIN}")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in pieces."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a JSON value without its own "seal"."""
    rest = {key: item for key, item in value.items() if key != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class Stages:
    """What a run under way has finished: a safetensors and a JSON file for each stage. Without a folder, none.

    The JSON holds a checksum over both files: what is damaged counts as not there, and `note` is told so, once.
    """

    def __init__(self, folder: Path | None = None, note: Callable[[str], None] = lambda text: None) -> None:
        self.folder, self.note = folder, note
        self._said = False

    @property
    def path(self) -> str:
        """The whole path of the folder, by which another process finds it; "" without one."""
        return "" if self.folder is None else str(self.folder.absolute())

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
        """Keep the weights of a stage, and what is known of it."""
        if self.folder is not None:
            self.save_arrays(stage, {k: v.detach().cpu().numpy() for k, v in state.items()}, meta)

    def save_arrays(self, stage: str, state: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
        """Keep a stage: the arrays first, then the JSON that says it is complete."""
        if self.folder is None:
            return
        path, arrays = self._path(stage), pack_tensors(state)
        write_bytes(path.with_suffix(".safetensors"), arrays)
        write_json(path.with_suffix(".json"), {**meta, CHECKSUM: _checksum(arrays, meta)})

    def load(self, stage: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return (weights, meta) of a finished stage, or None where it is not there or damaged."""
        saved = self.load_arrays(stage)
        if saved is None:
            return None
        import torch

        return {k: torch.from_numpy(v.copy()) for k, v in saved[0].items()}, saved[1]

    def load_arrays(self, stage: str) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Return (arrays, meta) of a finished stage, or None where it is not there or damaged."""
        if not self.has(stage):
            return None
        path = self._path(stage)
        for suffix in (".safetensors", ".json"):  # what was used lately is pruned last
            with contextlib.suppress(OSError):
                os.utime(path.with_suffix(suffix))
        try:
            data, meta = path.with_suffix(".safetensors").read_bytes(), read_json(path.with_suffix(".json"))
            if meta.pop(CHECKSUM) != _checksum(data, meta):
                raise ValueError("it is not what was written")
            arrays = unpack_tensors(data, path)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            if not self._said:
                self.note(f"a network kept in {path.parent} is damaged or incomplete; it is trained again")
            self._said = True
            return None
        return arrays, meta


def _checksum(arrays: bytes, meta: Mapping[str, Any]) -> str:
    return hashlib.sha256(hashlib.sha256(arrays).digest() + seal(meta).encode()).hexdigest()
