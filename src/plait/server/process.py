"""The process that serves: its socket, its workers, and its end. Knows uvicorn and an application; no model."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing import connection
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from plait.errors import RequestError
from plait.server.app import LOOPBACK

BACKLOG = 128
IDLE = 60.0  # seconds in which a connection brings a request, or is closed
PULSE = 0.5  # seconds between looks at the workers, so that a signal is heard
MOST_STARTS = 20  # of each worker: one that cannot live is not started for ever

Say = Callable[[str], None]


@dataclass(frozen=True)
class Address:
    """Where a server listens. Raises RequestError for what is no port."""

    host: str = "127.0.0.1"
    port: int = 8321

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise RequestError(f"--port {self.port} is no port; expected 0 (any that is free) to 65535.")

    @property
    def is_own(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in (*LOOPBACK, "::1") or self.host.startswith("127.")

    @property
    def names(self) -> tuple[str, ...]:
        """What a request that comes from this machine may call it."""
        return (*LOOPBACK, self.host)

    def bind(self) -> socket.socket:
        """Return the socket. Raises RequestError where it cannot be had."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=BACKLOG)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            other = " Give another with --port, or --port 0 for any that is free." if self.port else ""
            raise RequestError(f"cannot listen at {self.host} port {self.port}: {why}.{other}") from None


def url_of(bound: socket.socket) -> str:
    """Return the address of a socket as one types it into a browser."""
    host, port = bound.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def run_process(make: Callable[[Say], Any], address: Address, workers: int, say: Say) -> str:
    """Serve until the process is told to end; what was asked by then is answered. Returns the address.

    make: returns the application, which is given whom to tell of requests. With several workers each calls it in a
    process of its own, so it is a function of a module, or a partial of one.
    """
    if workers < 1:
        raise RequestError(f"--workers {workers} is too few; expected at least 1.")
    with address.bind() as bound:
        where = url_of(bound)
        app = make(say)  # with several workers too: what is wrong with a run is said before any process is started
        say(f"serves at {where}; Ctrl-C ends it, once what was asked is answered")
        if workers == 1:
            serve_one(app, bound)
        else:
            del app
            supervise(partial(_work, make, bound), workers, say)
    return where


class Connection(H11Protocol):
    """A connection as uvicorn has it, closed where no request comes: half a header would hold it for ever."""

    def connection_made(self, transport: Any) -> None:
        """Begin to look at it from time to time; send what is written at once.

        asyncio does so only where a socket names its protocol. Else the body of an answer waits for the receipt of its
        head, which Linux puts off for 40 ms.
        """
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop.call_later(IDLE, self._look, self.cycle)

    def _look(self, before: Any) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is before and (before is None or before.response_complete):
            self.transport.close()
        else:
            self.loop.call_later(IDLE, self._look, self.cycle)


def serve_one(app: Any, bound: socket.socket) -> None:
    """Serve in this process until a signal."""
    config = uvicorn.Config(
        app,
        http=Connection,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_keep_alive=15,
    )
    with heeding(lambda: None):  # uvicorn raises the signal again once it has ended
        uvicorn.Server(config).run([bound])


def _work(make: Callable[[Say], Any], bound: socket.socket, pipe: connection.Connection) -> None:
    """Be a worker; it has no terminal of its own, so what it says goes to the process that started it."""
    serve_one(make(lambda line: pipe.send_bytes(line.encode())), bound)


def supervise(work: Callable[[connection.Connection], None], workers: int, say: Say) -> None:
    """Run as many processes until a signal, and say what they say; one that dies is started again, and that is said."""
    context, ended = multiprocessing.get_context("spawn"), threading.Event()

    def start() -> tuple[Any, connection.Connection]:
        heard, told = context.Pipe(duplex=False)
        process = context.Process(target=work, args=(told,))
        process.start()
        told.close()
        return process, heard

    with heeding(ended.set):
        running, starts = [start() for _ in range(workers)], workers
        while not ended.is_set():
            connection.wait([heard for _, heard in running], timeout=PULSE)
            for place, (process, heard) in enumerate(running):
                if _hear(heard, say) or ended.is_set():
                    continue
                process.join()
                if starts >= MOST_STARTS * workers:
                    say(f"workers died {starts} times; the server ends")
                    ended.set()
                    break
                say(f"a worker died (exit code {process.exitcode}); it is started again")
                running[place], starts = start(), starts + 1
        for process, _ in running:
            process.terminate()
        for process, heard in running:
            while _hear(heard, say, PULSE):
                pass
            process.join()


def _hear(heard: connection.Connection, say: Say, patience: float = 0.0) -> bool:
    """Say what a worker has said by now; False where it has ended."""
    try:
        while heard.poll(patience):
            say(heard.recv_bytes().decode(errors="replace"))
    except (EOFError, OSError):
        return False
    return True


@contextlib.contextmanager
def heeding(does: Callable[[], Any]) -> Iterator[None]:
    """Let a word to end, from the terminal or the system, call this instead; only the main thread hears it."""
    names = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
    before = [signal.signal(name, lambda *_: does()) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before, strict=True):
            signal.signal(name, handler)
