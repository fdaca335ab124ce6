"""One file to convert, read and written by its kind, and the columns that are converted. Knows no converter."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from plait.converters.columns import PICTURES, SOUNDS, as_mono, encode
from plait.core.contract import Table
from plait.core.files import write_bytes
from plait.data.formats import AUDIO_ENDINGS, IMAGE_ENDINGS, sniff
from plait.data.media import read_head, read_image, read_sound, split_part
from plait.data.video import streams_of
from plait.errors import CellError, RequestError, did_you_mean
from plait.kinds import TABULAR, is_opened
from plait.kinds.detect import detect

TEXT_ENDINGS = (".txt", ".md")


def choose_columns(table: Table, columns: Sequence[str], kinds: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the columns to convert and their kind. "tabular" stands for all columns of numbers, words and dates."""
    if list(columns) == ["tabular"] and "tabular" not in table.names:
        schema = detect(table, kinds=kinds)
        columns = [c.name for c in schema.columns if c.kind in TABULAR.columns and c.role == "feature"]
        if not columns:
            raise RequestError("the table has no column of numbers, categories or dates to convert.")
        return list(columns), "tabular"
    for name in columns:
        if name not in table.names:
            raise RequestError(f"there is no column {name!r}. {did_you_mean(name, table.names)}")
    known = {name: kind for name, kind in kinds.items() if name in table.names}
    kind_of = {c.name: c.kind for c in detect(table, kinds=known).columns}
    media = [name for name in columns if is_opened(kind_of[name])]
    if media and len(columns) > 1:
        what = "one column of pictures, sounds, series or videos is converted at a time"
        raise RequestError(f"columns {', '.join(columns)}: {what}.")
    if len(columns) > 1:
        return list(columns), "tabular"
    return list(columns), kind_of[columns[0]] if media else "text"  # words, and numbers as they are written


def write_file(path: Path, value: Any, kind: str) -> None:
    if kind == "text":
        write_bytes(path, (value.rstrip("\n") + "\n" if value else "").encode())
    else:
        write_bytes(path, encode(value, kind, path.suffix.lower()))


def read_file(path: Path) -> tuple[str, Any]:
    """Return the kind and the value of one file, or of the part of it that `#t=start,end` names."""
    file = path if path.exists() else Path(split_part(str(path))[0])
    if not file.exists():
        raise RequestError(f"no such file: {path}.")
    try:
        head = read_head(str(path), None)
        kind = sniff(head)
        if kind is None:
            ending = file.suffix.lower()
            kind = "image" if ending in IMAGE_ENDINGS else "audio" if ending in AUDIO_ENDINGS else "text"
        if file != path and kind != "audio":
            raise RequestError(f"{path}: a part has a sound or a video; {file.name} is neither.")
        if kind == "audio" and (streams := streams_of(file)) is not None and streams.frames:
            return "video", os.path.abspath(path)
        if kind == "image":
            return kind, read_image(str(path), None)
        if kind == "audio":
            return kind, as_mono(*read_sound(str(path), None))
    except CellError as error:
        raise RequestError(f"{error}." if path.name in str(error) else f"{path}: {error}.") from None
    if path.suffix.lower() in (".csv", ".tsv", ".parquet", ".jsonl"):
        raise RequestError(f"{path} is a table; name a column of it: --column COLUMN --to KIND --out TABLE.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise RequestError(f"{path} is no picture, no sound and no text in UTF-8.") from None
    if path.suffix.lower() == ".json":
        try:
            record = json.loads(text)
        except ValueError as error:
            raise RequestError(f"{path} is not JSON ({error}).") from None
        if not isinstance(record, dict):
            raise RequestError(f'{path}: expected one record, such as {{"age": 30}}, to be written as text.')
        return "tabular", record
    return "text", text


def kind_of_ending(path: Path) -> str:
    ending = path.suffix.lower()
    for kind, endings in (("text", TEXT_ENDINGS), ("audio", SOUNDS), ("image", PICTURES)):
        if ending in endings:
            return kind
    known = ", ".join([*TEXT_ENDINGS, *SOUNDS, *PICTURES])
    raise RequestError(f"{path.name!r} cannot be written; expected a name that ends in one of: {known}.")
