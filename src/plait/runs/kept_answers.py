"""Answers to blocks of rows, kept beside the file that they go to until it is whole: a command that was killed goes on.

A block is known by the run, by what answers and by its cells; of files by path, size and times of change. It is there
whole or not at all. Knows blocks that travel; no model, and not what is answered.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import shutil
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from plait.core.contract import Table
from plait.core.files import write_bytes
from plait.core.version import __version__
from plait.data.travel import pack_table
from plait.models.kept_blocks import digest_cells
from plait.runs.shared import tables_of
from plait.tasks.runner import Runner
from plait.tasks.wire import pack, unpack
from plait.tasks.work import Setup

DIGEST = 32  # bytes of the checksum at the start of a file


class KeptAnswers:
    """The folder of the blocks that are answered, beside the file `out`; without one, or a folder of a run, none.

    run: its folder or file. about: what answers, and how. opened: of each table of a block the columns whose cells name
    files. several: whether there is more than one block; one alone is answered when the file is whole.
    """

    def __init__(
        self,
        out: str | Path | None,
        run: Any,
        about: Sequence[str],
        opened: Sequence[Sequence[str]],
        several: bool = True,
    ) -> None:
        self.folder: Path | None = None
        self._opened, self._several = opened, several
        if out is not None and isinstance(run, (str, Path)):
            self.folder = Path(out).absolute().with_name(f".{Path(out).name}.answered")
        if self.folder is not None and several:
            from plait.data.media import name_content  # here, since few rows wait for no more than they need

            source = Path(run) / "run.json" if Path(run).is_dir() else Path(run)
            self._about = "\n".join([__version__, name_content(source), *about]).encode()

    def __enter__(self) -> KeptAnswers:
        if self.folder is not None and self._several:
            with contextlib.suppress(OSError):  # what writes the answers says why they cannot be written there
                self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        if self.folder is None:
            return
        if kind is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # it is gone, or holds what is to go on with
            self.folder.rmdir()

    def ask(
        self, runner: Runner, work: str, requests: Iterable[dict[str, Any]], setup: Setup
    ) -> Iterator[dict[str, Any]]:
        """Yield work(value, request) of each block, in order, as `runner.map`; what is kept is not asked again."""
        order: deque[tuple[Path | None, dict[str, Any] | None]] = deque()  # of the blocks that were taken so far

        def waiting() -> Iterator[dict[str, Any]]:
            for request in requests:
                path = self._path(request)
                order.append((path, read_answer(path)))
                if order[-1][1] is None:
                    yield request if path is None else {**request, "keep": str(path)}

        for answer in runner.map(work, waiting(), setup=setup):
            while (kept := order[0][1]) is not None:
                order.popleft()
                yield kept
            path, _ = order.popleft()
            if path is not None and not path.exists():  # another machine does not see the folder
                keep_answer({"keep": str(path)}, answer)
            yield answer
        yield from (kept for _, kept in order if kept is not None)

    def _path(self, request: dict[str, Any]) -> Path | None:
        """Return where the answer to a request lies, or will; None where it holds an object that has no name."""
        if self.folder is None or not self._several:
            return None
        hashed = hashlib.sha256(self._about)
        for given, table, opened in zip(request["tables"], tables_of(request), self._opened, strict=True):
            try:
                parts = pack(pack_table(given) if isinstance(given, Table) else given)
            except (TypeError, ValueError):
                return None
            for part in parts:
                hashed.update(part)
            for column in opened:
                hashed.update(digest_cells(table, column).encode())
        return self.folder / hashed.hexdigest()[:32]


def keep_answer(request: dict[str, Any], answer: dict[str, Any]) -> None:
    """Keep an answer where the request says, whole or not at all, if the folder is there."""
    path = Path(request.get("keep") or "")
    if path.name and path.parent.is_dir():
        content = b"".join(pack(answer))
        with contextlib.suppress(OSError):  # one that is not kept is asked again
            write_bytes(path, hashlib.sha256(content).digest() + content)


def read_answer(path: Path | None) -> dict[str, Any] | None:
    """Return an answer that was kept; None of one that is not there, or damaged."""
    try:
        content = b"" if path is None else path.read_bytes()
    except OSError:
        return None
    if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
        return None
    return unpack(io.BufferedReader(io.BytesIO(content[DIGEST:])))
