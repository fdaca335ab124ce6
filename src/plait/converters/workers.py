"""Processes that convert sounds into text, for converters that hold the interpreter's lock.
A worker is this file run by the same Python. It speaks through pipes: a line of JSON, then samples as plain bytes;
nothing is pickled, and the user's script is not run again."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from plait.converters.graph import describe
from plait.errors import CellError, PlaitError, RequestError

START = "from plait.converters.workers import serve; serve()"
ENDED = "a process that converts sounds ended too soon; is there enough memory?"


class Worker:
    """One process with a converter of its own, to be used in a `with`."""

    def __init__(self, converter: Any) -> None:
        paths = os.pathsep.join(path for path in sys.path if path)
        self._process = subprocess.Popen(
            [sys.executable, "-c", START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._send: IO[bytes] = self._process.stdin
        self._answers: IO[bytes] = self._process.stdout
        self._write(_line(describe(converter)))

    def __call__(self, values: Sequence[tuple[np.ndarray, int]]) -> tuple[list[Any], list[float]]:
        """Convert sounds (samples (time,), Hz). Raises RequestError where the process ended or refused."""
        self._write(_line([[len(samples), int(rate)] for samples, rate in values]))
        for samples, _ in values:
            self._write(np.ascontiguousarray(samples, np.float32).tobytes())
        self._send.flush()
        answer = _receive(self._answers)
        if answer is None:
            raise RequestError(ENDED)
        if "refused" in answer:
            raise RequestError(answer["refused"])
        made = [CellError(v["why"], v["fault"]) if isinstance(v, dict) else v for v in answer["values"]]
        return made, answer["confidence"]

    def _write(self, data: bytes) -> None:
        try:
            self._send.write(data)
        except (BrokenPipeError, ValueError):
            raise RequestError(ENDED) from None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *details: object) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self._send.close()
        self._process.terminate()
        self._process.wait()
        self._answers.close()


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _receive(stream: IO[bytes]) -> Any:
    """Return what the next line holds, None at the end."""
    line = stream.readline()
    return json.loads(line) if line.endswith(b"\n") else None


def serve() -> None:
    """Answer on stdout what comes on stdin, until it ends. What a library prints goes to stderr."""
    from plait.converters.catalogue import restore

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    converter = restore(_receive(requests))
    while (lengths := _receive(requests)) is not None:
        sounds = [(np.frombuffer(requests.read(4 * length), np.float32).copy(), rate) for length, rate in lengths]
        try:
            made, sure = converter(sounds)
            values = [{"why": str(v), "fault": v.fault} if isinstance(v, CellError) else v for v in made]
            answer: dict[str, Any] = {"values": values, "confidence": [float(share) for share in sure]}
        except PlaitError as error:
            answer = {"refused": str(error)}
        answers.write(_line(answer))
        answers.flush()
