"""The verb init: a plait.toml to begin with, which says what was found in a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.checks.split_checks import propose_groups
from plait.core.config import describe_options
from plait.core.files import write_bytes
from plait.core.options import FitOptions, checked
from plait.data.read import read
from plait.errors import RequestError
from plait.verbs.check import detect_columns, detect_targets, list_targets


@dataclass(frozen=True)
class Begun:
    """A plait.toml that was written: where, and its text."""

    path: Path
    text: str

    def to_json(self) -> dict[str, Any]:
        return {"config": self.path, "text": self.text}

    def __str__(self) -> str:
        return f"{self.text}\nwritten to {self.path}\nnext: plait fit --config {self.path}"


@checked
def init(
    table: str | Path,
    *,
    target: str | Sequence[str] | None = None,
    out: str | Path = "plait.toml",
    folder: str | Path | None = None,
    overwrite: bool = False,
) -> Begun:
    """Write a plait.toml for a table, with the kinds that were found and every option as a comment.

    Args:
        table (TABLE): CSV, TSV, JSONL, Parquet, Arrow or Excel file, or a folder of class-named folders.
        target (--target COLUMN): Column to predict. Repeat it for several.
        out (--out FILE): The file to write.
        folder (--folder FOLDER): Where relative media paths begin; by default the folder of the table.
        overwrite (--overwrite): Replace a file that is there.

    Raises:
        TableError: the table cannot be read.
        RequestError: the target is no column, or there is such a file already.
    """
    path = Path(out)
    if path.exists() and not overwrite:
        raise RequestError(f"{path} is there already. Name another with --out, or give --overwrite to replace it.")
    rows = read(table, folder)
    targets, chosen = list_targets(target), FitOptions()
    schema = next(iter(detect_targets(rows, targets, chosen).values()), None) or detect_columns(rows, None, chosen)
    kinds = {column.name: column for column in schema.columns if column.role in ("feature", "target")}
    asked: dict[str, Any] = {
        "table": _seen_from(table, path),
        "target": targets if len(targets) > 1 else targets[0] if targets else None,
        "out": "run",
        **({"folder": _seen_from(folder, path)} if folder is not None else {}),
    }
    left = [f"{column.name!r} is left out: {column.why}" for column in schema.columns if column.role == "ignored"]
    asked["kinds"] = {column.name: column.kind for column in kinds.values() if column.role == "feature"}
    if (split := schema.role("split")) is not None:
        asked["split"] = split
    comments = {
        "table": "The table; this path, out, folder and test begin at the folder of this file.",
        "target": "The column to predict, or a list of several.",
        "out": "The folder for the model and its proof.",
        "folder": "Where relative paths of media begin.",
        "kinds": "\n".join(["The kinds that were found; change what is wrong.", *left]),
        "group": "\n".join([*propose_groups(rows, schema), "Column whose values must not be in two splits."]),
    }
    text = describe_options(asked, comments)
    write_bytes(path, text.encode())
    return Begun(path, text)


def _seen_from(place: str | Path, path: Path) -> str:
    """Return a path as it is seen from the folder of the file that holds it."""
    return Path(os.path.relpath(os.path.abspath(place), os.path.abspath(path.parent))).as_posix()
