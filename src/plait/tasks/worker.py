"""A process that does tasks: this file run by the same Python. It speaks through pipes; nothing is pickled, and the
user's script is not run again. Knows one task at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from typing import IO, Any

from plait.tasks.wire import pack, unpack
from plait.tasks.work import Desk, answer

START = "from plait.tasks.worker import serve; serve()"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Worker:
    """One process. EOFError where it ended before it answered. ready: a task by its name that it does unasked at first,
    and whose answer nobody hears."""

    def __init__(self, ready: str = "") -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, *filter(None, [ready])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": paths},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._send: IO[bytes] = self.process.stdin
        self._answers: IO[bytes] = self.process.stdout
        self._key: str | None = None

    def set_up(self, key: str, setup: Sequence[bytes | memoryview]) -> dict[str, Any]:
        """Have it call a packed setup, unless it was this one last; return its reply."""
        if key == self._key:
            return {"answer": None}
        self._key = None
        reply = self._ask(setup)
        self._key = key if "answer" in reply else None
        return reply

    def do(self, work: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return its reply to a request."""
        return self._ask(pack({"work": work, "request": request}))

    def _ask(self, message: Sequence[bytes | memoryview]) -> dict[str, Any]:
        try:
            for part in message:
                self._send.write(part)
            self._send.flush()
        except (BrokenPipeError, ValueError):  # it ended, or was closed
            raise EOFError from None
        return unpack(self._answers)

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self._send, self._answers):
            with contextlib.suppress(BrokenPipeError):  # what was not sent
                pipe.close()


def serve() -> None:
    """Answer on stdout what comes on stdin, until it ends. What a library prints goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it ends this one
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    desk = Desk()
    for name in sys.argv[1:]:
        answer(partial(desk.do, name, {}))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            for part in _reply(desk, unpack(sys.stdin.buffer)):
                answers.write(part)
            answers.flush()
    os._exit(0)  # what is not sent has nobody to go to


def _reply(desk: Desk, message: dict[str, Any]) -> list[bytes | memoryview]:
    if "setup" in message:
        return pack(answer(partial(desk.set_up, message["key"], message["setup"])))
    reply = answer(partial(desk.do, message["work"], message["request"]))
    try:
        return pack(reply)
    except TypeError as error:  # an answer that does not travel
        return pack(answer(partial(_fail, TypeError(f"{message['work']}: {error}"))))


def _fail(error: Exception) -> None:
    raise error
