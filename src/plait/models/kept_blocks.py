"""What views made of the pictures, sounds and videos in blocks of rows, kept between commands: none is decoded twice.

A block is known by what its view has learned and by its cells: of files path, size and times of change, of bytes and
arrays their content. It is there whole or not at all. A cell that could not be read is looked at again each time.
Knows views and cells; not what the rows are for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from plait.core.contract import Table
from plait.core.files import Stages, pack_tensors
from plait.data.fact_cache import cache_folder
from plait.data.prune import usual_limit
from plait.errors import CellError
from plait.kinds import AUDIO, IMAGE, VIDEO
from plait.models.views import View

VERSION = 1  # raise it when preparation makes something else of the same cells, and what is kept counts no more


class Made(NamedTuple):
    """What a view made of some rows: values (batch, …), cells (batch, column) bool, why something is absent or None."""

    values: np.ndarray
    cells: np.ndarray
    reasons: list[str | None]


class KeptBlocks:
    """The blocks of these views that are kept, and room for more. `trouble` says why no more are, or is ""."""

    def __init__(self, views: Sequence[View]) -> None:
        self.trouble = ""
        self._learned = {view.name: digest_view(view) for view in views if is_decoded(view)}
        self._stages, self._left = Stages(), 0
        with contextlib.suppress(RuntimeError):  # no home
            if self._learned:
                self._stages, self._left = Stages(cache_folder() / "blocks"), usual_limit()

    @property
    def keeps(self) -> bool:
        """Whether there is anything to keep, and a place for it."""
        return self._stages.folder is not None

    def prepare(self, view: View, part: Table, pool: Executor) -> Made:
        """Return what a view makes of some rows: what is kept of them, else what it makes now, which is kept."""
        if not self.keeps or view.name not in self._learned:
            return Made(*view.prepare(part, pool))
        cells = [digest_cells(part, name) for name in view.modality.columns]
        name = " ".join([str(VERSION), self._learned[view.name], *cells])
        made = self._get(view, part, name, pool)
        if made is None:
            made = Made(*view.prepare(part, pool))
            self._add(name, made)
        return made

    def _get(self, view: View, part: Table, name: str, pool: Executor) -> Made | None:
        saved = self._stages.load_arrays(name)
        if saved is None:
            return None
        made = Made(saved[0]["values"], saved[0]["cells"], [None] * len(part))
        if len(rows := np.flatnonzero(saved[0]["unsure"])):
            values, cells, reasons = view.prepare(part.take(rows), pool)
            made = made._replace(values=made.values.copy(), cells=made.cells.copy())
            made.values[rows], made.cells[rows] = values, cells
            for row, reason in zip(rows, reasons, strict=True):
                made.reasons[row] = reason
        return made

    def _add(self, name: str, made: Made) -> None:
        if self.trouble or made.values.nbytes > self._left:
            return
        unsure = np.array([reason is not None for reason in made.reasons], bool)
        try:
            self._stages.save_arrays(name, {"values": made.values, "cells": made.cells, "unsure": unsure}, {})
        except OSError as error:
            self.trouble = str(error.strerror or error)
        self._left -= made.values.nbytes


def is_decoded(view: View) -> bool:
    """Whether a view decodes what it shows: of a pretrained encoder the features are kept, cell by cell."""
    return view.frozen is None and view.able in (IMAGE, AUDIO, VIDEO)


def digest_view(view: View) -> str:
    """Return the hash of what a view has learned."""
    facts, arrays = view.state()
    hashed = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    hashed.update(pack_tensors(arrays))
    return hashed.hexdigest()


def digest_cells(part: Table, column: str) -> str:
    """Return the hash of the cells of a column; no file is read for it."""
    rate, hashed = part.sample_rates.get(column), hashlib.sha256()
    for cell in part.cells(column):
        hashed.update(_name_cell(cell, part.folder, rate).encode("utf-8", "surrogatepass"))
        hashed.update(b"\n")
    return hashed.hexdigest()


def _name_cell(cell: Any, folder: Path | None, rate: int | None) -> str:
    if cell is None:
        return ""
    from plait.data.feature_cache import digest_cell  # here, since most predictions open no file
    from plait.data.media import name_content, open_cell, part_of

    try:
        if isinstance(cell, np.ndarray):
            return digest_cell(cell, folder, rate).hex()
        source = open_cell(cell, folder)
        return f"{name_content(source)}|{part_of(cell, source)}"
    except (CellError, OSError) as error:
        return f"{type(error).__name__} {os.fspath(cell) if isinstance(cell, (str, os.PathLike)) else ''}"
