"""A runner for tests: what it is asked, and what it answers, travels as it does between processes. Knows no test."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

from plait.tasks.wire import pack, unpack
from plait.tasks.work import find


class Sent:
    """Does tasks in this process. asked: the requests, in order."""

    engine = "local"

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def map(self, work: str, requests: Iterable[dict[str, Any]], *, setup: Any = None) -> Iterator[dict[str, Any]]:
        """Return the results in the order of the requests."""
        value = find(setup[0])(send(setup[1]))
        for request in requests:
            self.asked.append(request)
            yield send(find(work)(value, send(request)))


def send(value: Any) -> Any:
    """Return a value as it arrives."""
    return unpack(BytesIO(b"".join(pack(value))))
