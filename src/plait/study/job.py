"""A fit as one object: the table, what it shall learn and how; its rows, split and prepared, and the folder it goes to.

A fit that was killed finds its prepared rows again. Knows no candidates: `course.py` says what happens in which order.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from plait.converters.in_fit import Made, apply_conversions
from plait.core.contract import Schema, Table, group_rows
from plait.core.files import UNFINISHED, Stages, naming, read_json, read_tensors, under, write_json, write_tensors
from plait.core.later import torch
from plait.core.options import AS_TEXT, FitOptions
from plait.core.threads import number_threads
from plait.core.words import count
from plait.errors import RequestError, RunError, TableError
from plait.models.rows import Callback, Prepared, prepare, quiet
from plait.models.views import (
    View,
    beside_views,
    encoder_names,
    fit_views,
    letter_views,
    prep_options,
    rival_views,
    text_views,
    tuned_views,
)
from plait.runs.answers import count_holes
from plait.runs.arrival import code_columns
from plait.runs.folder import list_files
from plait.runs.shared import share_media
from plait.study.budget import Budget
from plait.study.labels import Labels
from plait.study.pilot import Pilot, Rows
from plait.study.splits import check_classes, choose_splits
from plait.tasks.runner import Runner, open_runner

MOST_WRITTEN = 5_000  # training rows that are written out as text without being asked for: it is slow, and wins on few
END_SHARE = 0.05  # of a time limit: what comes after training; a fit of 900 seconds took 37 more
LOCK = "lock"  # in the folder of an unfinished run: whoever holds it is the one that writes


@dataclass
class Fit:
    """What a fit is given, and what every part of it asks for."""

    table: Table
    schema: Schema
    options: FitOptions
    folder: Path
    labels: Labels | None = None  # None of transcripts
    audio: str = ""  # the sound that transcripts are of
    plan_objects: Mapping[str, Any] = field(default_factory=dict)  # the plan that was asked for, by its name
    made: Sequence[Made] = ()  # modalities and cells that conversions add to the table
    callback: Callback = quiet
    began: float = field(default_factory=time.monotonic)
    whole: Fit | None = None  # the fit of several targets that this is one of
    given_rows: Prepared | None = None  # its rows, where they are prepared already
    runner: Runner = field(default_factory=lambda: open_runner(None))  # of its tasks
    found_again: bool = True  # whether its folder is, after a kill, or by other processes

    @cached_property
    def device(self) -> torch.device:
        """Where networks learn."""
        return choose_device(self.options.device)

    def __post_init__(self) -> None:
        self.generator = np.random.default_rng([self.options.seed, 1])  # of splits, then of preprocessing
        self.given = self.table  # before anything is converted
        self._codes: dict[str, np.ndarray] | None = None
        limit = self.options.time_limit
        self.pilot = None if limit is None else Pilot(limit, self.options.seed, self.note)

    @property
    def work(self) -> Path:
        """The folder of what only a run under way needs."""
        return self.folder / UNFINISHED if self.whole is None else self.whole.work / "targets" / self.folder.name

    @property
    def target(self) -> str:
        return str(self.schema.role("target"))

    @property
    def asked(self) -> tuple[Path, list[str]]:
        """The folder and the targets of the command that this is of."""
        job = self.whole or self
        return job.folder, [self.target] if self.whole is None else list(getattr(job.labels, "names", ()))

    @cached_property
    def groups(self) -> np.ndarray | None:
        """(rows,): a number that rows of one group share."""
        return group_rows(self.table, self.schema)

    def groups_of(self, rows: np.ndarray) -> np.ndarray | None:
        return None if self.groups is None else self.groups[rows]

    def code_cells(self, views: Sequence[View]) -> dict[str, np.ndarray]:
        """Return a number for each cell that was given and that the modalities hold; files are read once."""
        if self.whole is not None:
            return self.whole.code_cells(views)
        if self._codes is None:
            self._codes = code_columns(self.table, views, [one.column for one in self.made])
        return self._codes

    def note(self, text: str) -> None:
        """Tell the user something that is no progress."""
        self.callback({"note": text})

    def budget(self) -> Budget:
        """Return the time that is left of the limit, from when the fit began; several splits share it.

        What is chosen, refitted, judged and written in the end takes a part of it.
        """
        limit = self.options.time_limit
        return Budget.of(limit and (1 - END_SHARE) * limit / self.options.repeats, self.began)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def convert(self) -> None:
        """Add what conversions make to the table, but for what is for training rows only."""
        self.table = apply_conversions(self.table, self.made, self.callback)

    def split_rows(self, codes: np.ndarray, classification: bool) -> np.ndarray:
        """Return which rows train, choose and test (rows,). Warns of a group that is in two of these."""
        split = choose_splits(self.table, self.schema, codes, classification, self.generator, self.options.val_share)
        if classification:
            self.check_split(split)
        name = self.schema.role("group")
        places: dict[str, set[str]] = {}
        for cell, part in zip(self.table.cells(name), split, strict=True) if name is not None else ():
            if cell is not None and part:
                places.setdefault(str(cell), set()).add(str(part))
        both = [value for value, parts in places.items() if len(parts) > 1]
        if both:
            many, shown = count(len(both), f"value of {name!r} is", f"values of {name!r} are"), ", ".join(both[:5])
            self.note(f"warning: {many} in more than one split ({shown}); scores may be too good.")
        return split

    def check_split(self, split: np.ndarray) -> None:
        """Raise TableError where the training rows have one class, or a part lacks one for no good reason; tell it of
        rare ones."""
        if self.labels is not None and self.labels.classes is not None:
            self.labels.check_training(np.flatnonzero(split == "train"))
            single = self.labels.sets is None  # of several labels a row the code is the rarest, and no class
            codes, classes = self.labels.codes, self.labels.classes
            for note in check_classes(split, codes, classes, self.table, self.schema) if single else ():
                self.note(note)

    def prepare(self, split: np.ndarray, options: FitOptions | None = None, keep: bool = True) -> Prepared:
        """Fit the preprocessing on the training rows and prepare every row; or, if they are kept, of a killed run."""
        if keep and self.given_rows is not None:
            return self.given_rows
        callback, options = self.callback if keep else quiet, options or self.options
        for_training = [one for one in self.made if one.training_only]
        table = apply_conversions(self.table, for_training, callback, split == "train")
        if keep and (self.work / "prepared.json").exists():
            return kept_rows(self.work, self.options.encoders)
        strands = self._fit_views(table, split, options)
        number_threads()  # of encoders that were loaded since
        for text in {f"{s.name}: {note}": None for s in strands if (note := getattr(s.prep, "note", ""))}:
            callback({"note": text})
        if not keep:
            return prepare(table, strands, keep=True)
        share_media(self.runner, table, strands)
        inputs = self.work / "inputs"
        prepared = prepare(table, strands, folder=inputs, callback=callback, runner=self.runner, keep=True)
        self._keep_rows(prepared)
        return prepared

    def _fit_views(self, table: Table, split: np.ndarray, options: FitOptions) -> list[View]:
        # rows without a label may still feed the statistics of texts and tables; rows of validation and test never do
        name = self.schema.role("split")
        unnamed = np.array([cell is None for cell in table.cells(name)], bool) if name is not None else True
        rows = np.flatnonzero((split == "train") | ((split == "") & unnamed))
        strands = fit_views(table, self.schema, rows, options.prep, self.generator, options.encoders)
        if self.labels is not None:  # an encoder that is left open may become a pretrained one; not a recogniser's
            names = encoder_names(self.schema, options.encoders)
            classic = options.fusion is None and "classic" in options.families
            beside = beside_views(strands, names, len(table)) if classic else []
            others = [*rival_views(strands, names, prep_options(self.schema, options.prep)), *beside]
            strands += others if self.pilot is None else self.pilot.in_time(others, self._known(table, rows))
            if classic:
                strands += letter_views(table, strands, rows, names)
        strands += tuned_views(strands, list(options.tuned))
        if options.fusion is None and AS_TEXT in (
            options.families if len(rows) <= MOST_WRITTEN else options.candidates
        ):
            strands += text_views(table, strands, rows, self.generator)
        return strands

    def _known(self, table: Table, train: np.ndarray) -> Rows:
        targets: Sequence[Labels] = getattr(self.labels, "parts", [self.labels])  # of each of several
        return Rows(table, targets, self.groups, train)

    def _keep_rows(self, prepared: Prepared) -> None:
        tensors = {f"cells.{i}": prepared.cells[s.name] for i, s in enumerate(prepared.views)}
        states = [s.state() for s in prepared.views]
        tensors |= {f"{i}.{key}": value for i, (_, arrays) in enumerate(states) for key, value in arrays.items()}
        write_tensors(self.work / "prepared.safetensors", tensors)
        facts = {"strands": [data for data, _ in states], "reasons": prepared.reasons}
        write_json(self.work / "prepared.json", facts)

    def stages(self, part: str = "") -> Stages:
        """Return what keeps what was learned for when it is killed; nothing where its folder goes with it."""
        return Stages(self.work / part if self.found_again else None, self.note)

    def count_holes(self, prepared: Prepared, split: np.ndarray) -> dict[str, Any]:
        """Return the holes of every modality. Raises TableError for one that no training row has."""
        holes = count_holes(prepared)
        train = np.flatnonzero(split == "train")
        for name, there in prepared.present.items():
            if not there[train].any():
                example = holes[name]["example"]
                raise TableError(
                    f"modality {name!r} is missing in every training row{f' ({example})' if example else ''}. "
                    f"Mend its column, or leave it out with --ignore."
                )
        return holes


def kept_rows(work: Path, encoders: Mapping[str, Any]) -> Prepared:
    """Return the prepared rows that lie in the folder of a run under way. encoders: the user's own."""
    facts, arrays = read_json(work / "prepared.json"), read_tensors(work / "prepared.safetensors")
    states = enumerate(facts["strands"])
    strands, num = (
        [View.from_state(data, under(arrays, f"{i}."), encoders) for i, data in states],
        len(facts["reasons"]),
    )
    inputs: dict[str, np.ndarray] = {
        s.name: np.memmap(work / "inputs" / f"{i}.raw", s.dtype(), "c", shape=(num, *s.shape()))
        for i, s in enumerate(strands)
        if int(np.prod(s.shape()))
    }
    cells = {s.name: arrays[f"cells.{i}"] for i, s in enumerate(strands)}
    return Prepared(strands, inputs, cells, facts["reasons"])


def choose_device(name: str) -> torch.device:
    """Return the device of a name; auto: a CUDA GPU where there is one. Raises RequestError where it is not there."""
    able = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name == "auto":
        return torch.device("cuda" if able["cuda"] else "cpu")
    if not able.get(name, True):
        there = ", ".join(["cpu", *(one for one, is_there in able.items() if is_there)])
        raise RequestError(f"PyTorch finds no device {name} here; expected one of: {there}, or auto.")
    return torch.device(name)


@contextmanager
def open_folder(folder: Path, command: str, overwrite: bool, callback: Callback) -> Iterator[Path]:
    """Make or resume the run folder, and keep other fits out of it meanwhile. RunError where it is not ours to use."""
    work = folder / UNFINISHED
    note = work / "command.json"
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; expected the name of a folder for the run.")
    if os.path.lexists(folder / "run.json"):
        if not overwrite:
            raise RunError(f"{folder} holds a finished run. Name another folder, or give --overwrite to replace it.")
        list_files(folder)  # what cannot be replaced is said before hours of training, not after
    elif folder.exists() and any(folder.iterdir()) and not work.exists():
        raise RunError(f"{folder} holds files that are not a run. Name another folder.")
    if work.is_symlink():
        raise RunError(f"{work} is a link; expected a folder that a fit has made. Name another folder.")
    with naming(folder):
        work.mkdir(parents=True, exist_ok=True)
    with _alone_in(folder):
        left = read_json(note) if note.exists() else {}
        if isinstance(left, dict) and left.get("command") == command:
            callback({"note": f"{folder} holds an unfinished run of this command: going on where it stopped."})
        elif left and not overwrite:
            raise RunError(
                f"{folder} holds an unfinished run of another command or table. "
                "Name another folder, or give --overwrite to drop it."
            )
        else:
            for path in work.iterdir():
                if path.name != LOCK:
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            write_json(note, {"command": command})
        for path in folder.glob(".final-*"):
            shutil.rmtree(path)
        yield folder


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder; the system lets go of it when the process ends, however it ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / UNFINISHED / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise RunError(
            f"another fit is writing into {folder}. Wait until it has ended, or name another folder with --out."
        ) from None
    try:
        yield
    finally:
        lock.release()
