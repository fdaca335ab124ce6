"""How many threads numbers are computed with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import cache
from typing import Any


def number_threads() -> None:
    """Set torch's threads once and on purpose: one for each core, unless the user said otherwise."""
    import torch

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


@contextlib.contextmanager
def single_blas() -> Iterator[None]:
    """Let numpy's products run on one thread each, as in a pool that has a thread for each core already.

    On a busy machine threads in small products spin while they wait for each other: log-mels of two seconds took 10 to
    17 CPU ms instead of 1.5, measured beside four other programs on two cores.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@cache
def _controller() -> Any:
    """What numpy computes with, looked for once: that takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
