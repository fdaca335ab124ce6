"""The process: its socket, its workers, and an end that waits for what was asked."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import connection
from pathlib import Path
from typing import Any

import pytest

import plait

pytest.importorskip("uvicorn")
import uvicorn

from plait.server import process
from plait.server.process import Address, Connection, heeding, supervise, url_of

KEPT = Path(__file__).parents[1] / "kept"


def test_a_port_in_use_is_said() -> None:
    with Address(port=0).bind() as bound:
        port = bound.getsockname()[1]
        assert url_of(bound) == f"http://127.0.0.1:{port}/"
        with pytest.raises(plait.RequestError, match=rf"port {port}: Address already in use. Give another with --port"):
            Address(port=port).bind()


def test_addresses_that_are_none() -> None:
    with pytest.raises(plait.RequestError, match="--port 70000 is no port"):
        Address(port=70000)
    with pytest.raises(plait.RequestError, match="cannot listen at no such host"):
        Address("no such host", 0).bind()


def test_what_only_this_machine_reaches() -> None:
    hosts = ("127.0.0.1", "localhost", "::1", "127.0.0.2", "0.0.0.0", "192.168.0.1")
    assert [Address(host).is_own for host in hosts] == [True, True, True, True, False, False]


def test_a_signal_is_heeded_and_then_is_as_before() -> None:
    before, heard = signal.getsignal(signal.SIGTERM), list[str]()
    with heeding(lambda: heard.append("end")):
        os.kill(os.getpid(), signal.SIGTERM)
    assert heard == ["end"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_connection_that_brings_no_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "IDLE", 0.05)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.2)  # longer than a connection may be idle
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    server = uvicorn.Server(uvicorn.Config(app, http=Connection, log_config=None, lifespan="off"))
    with Address(port=0).bind() as bound, ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.run, [bound])
        for sent, heard in ((b"", b""), (b"GET / HT", b""), (b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET", b"HTTP/1.1 204")):
            with socket.create_connection(bound.getsockname()) as link:
                link.settimeout(10)
                link.sendall(sent)
                assert b"".join(iter(lambda link=link: link.recv(4096), b""))[:12] == heard
        server.should_exit = True
        running.result(20)


def test_what_is_written_is_sent_at_once() -> None:
    at_once: list[int] = []

    class Noted(Connection):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            at_once.append(transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    server = uvicorn.Server(uvicorn.Config(print, http=Noted, log_config=None, lifespan="off"))
    with Address(port=0).bind() as bound, ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.run, [bound])
        with socket.create_connection(bound.getsockname()) as link:
            link.sendall(b"no request\r\n\r\n")
            assert link.recv(12) == b"HTTP/1.1 400"
        server.should_exit = True
        running.result(20)
    assert at_once == [1]


def brief(told: connection.Connection) -> None:
    """Be a worker that says a word, and dies."""
    told.send_bytes(b"here")
    os._exit(3)


@pytest.mark.heavy
def test_workers_that_die_are_started_again_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.server.process.MOST_STARTS", 2)
    said: list[str] = []
    supervise(brief, 1, said.append)
    assert said == [
        "here",
        "a worker died (exit code 3); it is started again",
        "here",
        "workers died 2 times; the server ends",
    ]


def ask(url: str, path: str, data: object = None) -> bytes:
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(url + path, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        content: bytes = reply.read()
    return content


def wait_for(does: Callable[[], object]) -> None:
    for _ in range(300):
        try:
            does()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError


@pytest.mark.heavy
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_asked_before_the_end_is_answered(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["serve", str(KEPT / "network"), "--port", str(port), "--workers", workers, "--json"]
    server = subprocess.Popen(
        [sys.executable, "-m", "plait", *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: ask(url, "/health/ready"))
    found: list[bytes] = []
    row = {"note": "a cold grey morning by the sea " * 20, "age": 20}
    askers = [threading.Thread(target=lambda: found.append(ask(url, "/explain", {"rows": [row]}))) for _ in range(6)]
    for asker in askers:
        asker.start()
    time.sleep(0.3)
    server.send_signal(signal.SIGTERM)
    for asker in askers:
        asker.join()
    out, _ = server.communicate(timeout=60)
    assert [json.loads(one)["class"] for one in found] == ["no"] * 6
    assert (server.returncode, json.loads(out)) == (0, {"address": f"{url}/"})
