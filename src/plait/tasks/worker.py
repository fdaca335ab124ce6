"""A process that does tasks: this file run by the same Python. It speaks through pipes; nothing is pickled, and the
user's script is not run again. Where the process that asks is gone, it ends the task that it has, and itself.
Knows one task at a time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import IO, Any

from plait.tasks.wire import pack, unpack
from plait.tasks.work import Desk, answer

START = "from plait.tasks.worker import serve; serve()"
ORPHAN = "import os; os.fork() and os._exit(0); "  # whoever ends a process with all its children does not find this one
GRACE = 600.0  # seconds that a task may still take when the process that asked for it is gone
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Worker:
    """One process. EOFError where it ended before it answered. ready: a task by its name that it does unasked at first,
    and whose answer nobody hears. apart: out of reach of what ends this process and its children, as Ray does."""

    def __init__(self, ready: str = "", apart: bool = False) -> None:
        self._apart = apart and hasattr(os, "fork")
        paths = os.pathsep.join(path for path in sys.path if path)
        self.process = subprocess.Popen(
            [sys.executable, "-c", ORPHAN * self._apart + START, *filter(None, [ready])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": paths},
            start_new_session=self._apart,
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._send: IO[bytes] = self.process.stdin
        self._answers: IO[bytes] = self.process.stdout
        self.key: str | None = None  # of what it was set up with last

    def set_up(self, key: str, setup: Sequence[bytes | memoryview]) -> dict[str, Any]:
        """Have it call a packed setup, unless it was this one last; return its reply."""
        if key == self.key:
            return {"answer": None}
        self.key = None
        reply = self._ask(setup)
        self.key = key if "answer" in reply else None
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
        while self._apart and not select.select([self._answers], [], [], 0.2)[0]:
            pass  # what another thread raises in this one, as Ray does, is raised here, but not within a read
        return unpack(self._answers)

    def close(self) -> None:
        """End it, whatever it does."""
        if self._apart:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
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
    threading.Thread(target=_end_in_time, daemon=True).start()
    desk = Desk()
    for name in sys.argv[1:]:
        answer(partial(desk.do, name, {}))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            for part in _reply(desk, unpack(sys.stdin.buffer)):
                answers.write(part)
            answers.flush()
    os._exit(0)  # what is not sent has nobody to go to


def _end_in_time() -> None:
    """End this process GRACE seconds after the one that asks is gone, if the task is not done before."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(0, select.POLLHUP)
        poll.poll()
        time.sleep(GRACE)
        os._exit(1)


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
