"""Processes that convert sounds into text, for converters that hold the interpreter's lock. Knows no table.

A worker is this file run by the same Python. It speaks through pipes: one line of JSON, then samples as plain bytes;
nothing is pickled, and the user's script is not run again.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from plait.converters.catalogue import restore
from plait.converters.graph import describe
from plait.errors import CellError, PlaitError, RequestError

START = "from plait.converters.workers import serve; serve()"


class Worker:
    """One process with a converter of its own. Close it, or use it in a `with`."""

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
        self._write(json.dumps(describe(converter)).encode())

    def __call__(self, values: Sequence[tuple[np.ndarray, int]]) -> tuple[list[Any], list[float]]:
        """Convert sounds (samples (time,), Hz). Raises RequestError where the process ended or refused."""
        self._write(json.dumps([[len(samples), int(rate)] for samples, rate in values]).encode())
        for samples, _ in values:
            self._write(np.ascontiguousarray(samples, np.float32).tobytes(), framed=False)
        self._send.flush()
        head = self._answers.read(4)
        if len(head) < 4:
            raise RequestError("a process that converts sounds ended too soon; is there enough memory?")
        answer = json.loads(self._answers.read(struct.unpack("<I", head)[0]))
        if "refused" in answer:
            raise RequestError(answer["refused"])
        made = [CellError(v["why"], v["fault"]) if isinstance(v, dict) else v for v in answer["values"]]
        return made, answer["confidence"]

    def _write(self, data: bytes, framed: bool = True) -> None:
        try:
            self._send.write((struct.pack("<I", len(data)) if framed else b"") + data)
        except (BrokenPipeError, ValueError):
            raise RequestError("a process that converts sounds ended too soon; is there enough memory?") from None

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already
            self._send.close()
        self._process.terminate()
        self._process.wait()
        self._answers.close()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()


def serve() -> None:
    """Answer on stdout what comes on stdin, until it ends. What a library prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    converter = None
    while head := requests.read(4):
        told = json.loads(requests.read(struct.unpack("<I", head)[0]))
        if converter is None:
            converter = restore(told)
            continue
        sounds = [(np.frombuffer(requests.read(4 * length), np.float32).copy(), rate) for length, rate in told]
        try:
            made, sure = converter(sounds)
            values = [{"why": str(v), "fault": v.fault} if isinstance(v, CellError) else v for v in made]
            answer: dict[str, Any] = {"values": values, "confidence": [float(share) for share in sure]}
        except PlaitError as error:
            answer = {"refused": str(error)}
        data = json.dumps(answer).encode()
        answers.write(struct.pack("<I", len(data)) + data)
        answers.flush()
