"""What a task does: a function of plait by its name, called with a value that is set up once a process, and a request.

A task is idempotent: asked twice with the same request, it answers the same. Knows no process and no transport.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from plait import errors
from plait.core.threads import task_threads
from plait.core.version import __version__

TRIES = 3  # of a task whose process ends before it answers
Setup = tuple[str, dict[str, Any]]  # a function "plait.module:function", and the request that it is called with


class Desk:
    """Does the tasks of one process: holds what was set up, until something else is asked for."""

    def __init__(self) -> None:
        self.key: Any = None
        self.value: Any = None

    def set_up(self, key: Any, setup: Setup | None) -> None:
        """Call setup, unless it was for this key that it was called last."""
        if key != self.key:
            self.key = self.value = None  # what the last one held is let go first
            with task_threads():
                self.value = None if setup is None else find(setup[0])(setup[1])
            self.key = key

    def do(self, work: str, request: dict[str, Any]) -> dict[str, Any]:
        """Return what the work answers, computed on one thread."""
        with task_threads():
            return find(work)(self.value, request)


def is_same(setup: Setup | None, last: Setup | None) -> bool:
    """Whether a setup is the one that was asked for last: the same function, and the very same request."""
    if setup is None or last is None:
        return setup is last
    return setup[0] == last[0] and setup[1] is last[1]


def find(name: str) -> Callable[..., Any]:
    """Return the function of plait that "plait.module:function" names. ValueError for any other name."""
    module, _, function = name.partition(":")
    if module.partition(".")[0] != "plait" or not function.isidentifier():
        raise ValueError(f"work is {name!r}; expected a function of plait: plait.module:function")
    return getattr(importlib.import_module(module), function)


def look(value: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return what must be the same in all processes, which one this is, and what it was given."""
    versions = {"plait": __version__, "Python": ".".join(map(str, sys.version_info[:2]))}
    return {"versions": versions, "process": os.getpid(), "value": value, "request": request}


def answer(call: Callable[[], Any]) -> dict[str, Any]:
    """Return {"answer": …} of a call, or {"error": …}, which travels and can be raised elsewhere."""
    try:
        return {"answer": call()}
    except Exception as error:  # noqa: BLE001  it is raised where the task was asked for
        known = isinstance(error, errors.PlaitError)
        said = str(error) if known else "".join(traceback.format_exception(error)).rstrip()
        return {"error": type(error).__name__ if known else "", "said": said, "fault": getattr(error, "fault", None)}


def answered(reply: dict[str, Any]) -> Any:
    """Return the answer of a reply, or raise its error: plait's own as it was, any other as a RuntimeError."""
    if "answer" in reply:
        return reply["answer"]
    kind = getattr(errors, reply["error"]) if reply["error"] else RuntimeError
    raise kind(reply["said"], reply["fault"]) if kind is errors.CellError else kind(reply["said"])


def say_ended(work: str, how: str) -> str:
    """Return what is said of a task that no process lived to answer."""
    return (
        f"a task ({work.partition(':')[0].removeprefix('plait.')}) ended its process {TRIES} times ({how}); is there "
        "enough memory? Fewer processes at a time need less."
    )
