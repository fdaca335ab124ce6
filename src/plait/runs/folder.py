"""The files of a run in its folder: named, copied, removed. Knows what run.json names; no model."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from plait.core.config import CONFIG
from plait.core.files import consistent, file_in, folder_in, naming, read_json
from plait.errors import RunError


def list_files(folder: Path) -> list[Path]:
    """Return the files of the run in a folder that are there, run.json last. Raises RunError where it names others."""
    if not os.path.lexists(folder / "run.json"):
        return []
    path = file_in(folder, "run.json")
    with consistent(path):
        facts = read_json(path)
        paths = [file_in(folder, name, missing=True) for name in facts.get("files", {})]
        for part in facts.get("targets", {}).values():
            paths += list_files(folder_in(folder, part["folder"], missing=True))
    paths.append(folder / CONFIG)  # which is nobody's proof: it may be changed, or be lacking
    return [*(file for file in paths if file.exists()), path]


def remove_run(folder: Path) -> None:
    """Remove the files of the run in a folder, and the folders in it that are empty then."""
    paths = list_files(folder)
    for path in paths:
        path.unlink()
    for place in dict.fromkeys(path.parent for path in paths if path.parent != folder):
        with contextlib.suppress(OSError):  # something else is in it, which stays
            place.rmdir()


def copy_run(source: Path | None, folder: str | Path) -> Path:
    """Copy the run in a folder to one that is not there yet, or empty, and return it; run.json comes last.

    Raises RunError where there is something already, or `source` is None: nothing was written that could be copied.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()):
        raise RunError(f"{folder} is not empty; name another folder.")
    if source is None:
        raise RunError("this model has no folder to copy.")
    paths = list_files(source)
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        copy = folder / path.relative_to(source)
        copy.parent.mkdir(exist_ok=True)
        with naming(copy):
            shutil.copy2(path, copy, follow_symlinks=False)
    return folder
