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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from typing import IO, Any

from plait.tasks.wire import pack, unpack
from plait.tasks.work import Desk, answer

START = "from plait.tasks.worker import serve; serve()"
ORPHAN = "import os; os.fork() and os._exit(0); "  # whoever ends a process with all its children does not find this one
GRACE = 600.0  # seconds that a task may still take when the process that asked for it is gone
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# one that parts in two has no thread but its own, which Arrow's memory would have
ALONE = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
PARTS = sys.platform == "linux"  # elsewhere what systems load is not safe when a process parts


@dataclass(eq=False)
class Worker:
    """One process, and the pipes to it. EOFError where it ended before it answered.

    end: ends it. twins: pipes to processes that may part from it. often: whether an answer is waited for in short
    turns, since what Ray raises in this process is raised between them.
    """

    send: IO[bytes]
    answers: IO[bytes]
    end: Callable[[], Any]
    process: subprocess.Popen[bytes] | None = None
    twins: list[tuple[IO[bytes], IO[bytes]]] = field(default_factory=list)
    often: bool = False
    key: str | None = None  # of what it was set up with last

    @classmethod
    def start(cls, ready: str = "", apart: bool = False, twins: int = 0) -> Worker:
        """Start a process. ready: a task by its name that it does unasked at first, and whose answer nobody hears.

        apart: out of reach of what ends this process and its children, as Ray does. twins: how many may part from it.
        """
        apart = apart and hasattr(os, "fork")
        pipes = [(os.pipe(), os.pipe()) for _ in range(twins)]
        own = [(asked[0], told[1]) for asked, told in pipes]
        paths = os.pathsep.join(path for path in sys.path if path)
        process = subprocess.Popen(
            [sys.executable, "-c", ORPHAN * apart + START, ready, *(f"{asked},{told}" for asked, told in own)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, **(ALONE if twins else {}), "PYTHONPATH": paths},
            start_new_session=apart,
            pass_fds=[*chain.from_iterable(own)],
        )
        for end in chain.from_iterable(own):
            os.close(end)
        assert process.stdin is not None and process.stdout is not None
        kill = partial(os.killpg, process.pid, signal.SIGKILL) if apart else process.kill
        waiting: list[tuple[IO[bytes], IO[bytes]]]
        waiting = [(os.fdopen(asked[1], "wb"), os.fdopen(told[0], "rb")) for asked, told in pipes]
        return cls(process.stdin, process.stdout, kill, process, waiting, apart)

    def part(self) -> list[Worker]:
        """Return processes that go on from what this one has become; none where it cannot part."""
        pipes, self.twins, parted = self.twins, [], list[Worker]()
        for number, (send, answers) in enumerate(pipes):
            pid = self._ask(pack({"twin": number}))["answer"]
            if pid is None:
                send.close()
                answers.close()
            else:
                parted.append(Worker(send, answers, partial(os.kill, pid, signal.SIGKILL)))
        return parted

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
                self.send.write(part)
            self.send.flush()
        except (BrokenPipeError, ValueError):  # it ended, or was closed
            raise EOFError from None
        while self.often and not select.select([self.answers], [], [], 0.2)[0]:
            pass
        return unpack(self.answers)

    def close(self) -> int | None:
        """End it, whatever it does; return how it ended, where that is known."""
        with contextlib.suppress(ProcessLookupError):
            self.end()
        code = None if self.process is None else self.process.wait()
        for pipe in (self.send, self.answers, *chain.from_iterable(self.twins)):
            with contextlib.suppress(BrokenPipeError):  # what was not sent
                pipe.close()
        return code


def serve() -> None:
    """Answer on stdout what comes on stdin, until it ends. What a library prints goes to stderr."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it ends this one
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    desk, (ready, *twins) = Desk(), sys.argv[1:]
    pipes = [tuple(map(int, twin.split(","))) for twin in twins]
    if ready:
        answer(partial(desk.do, ready, {}))
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            message = unpack(sys.stdin.buffer)
            if "twin" in message:
                pid = _part(pipes, message["twin"], answers.fileno())
                if pid == 0:
                    continue  # as the twin
                reply = pack({"answer": pid})
            else:
                _watch()
                reply = _reply(desk, message)
            for part in reply:
                answers.write(part)
            answers.flush()
    os._exit(0)  # what is not sent has nobody to go to


def _part(pipes: Sequence[tuple[int, ...]], number: int, answers: int) -> int | None:
    """Return the process that parts from this one, in that one 0, with pipes of its own; None where it is not safe."""
    if len(os.listdir("/proc/self/task")) > 1:
        return None
    pid = os.fork()
    if pid == 0:
        os.dup2(pipes[number][0], 0)
        os.dup2(pipes[number][1], answers)
    if pid == 0 or number == len(pipes) - 1:
        for end in chain.from_iterable(pipes):
            os.close(end)
    return pid


@cache
def _watch() -> None:
    """See to it that this process ends when the one that asks is gone."""
    threading.Thread(target=_end_in_time, daemon=True).start()


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
