"""How many threads numbers are computed with, and cells are opened with."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

FEW = 16  # cells: to start threads for fewer takes longer than to open them one after the other
THREADS = min(8, os.cpu_count() or 1)  # more wait for one another: Python runs in one at a time


def number_threads() -> None:
    """Set torch's threads on purpose, where it is loaded: one for each core, unless the user said otherwise."""
    torch = sys.modules.get("torch")
    if torch is not None and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def single_blas() -> AbstractContextManager[Any]:
    """Let numpy's products run on one thread each, as where they are small.

    On a busy machine the threads of one product spin while they wait for each other. Beside four other programs on two
    cores log-mels of two seconds took 10 to 17 CPU ms instead of 1.5, and a discriminant of 500 rows of 900 numbers
    4.6 s instead of 0.6.
    """
    return _loaded(len(sys.modules)).limit(limits=1, user_api="blas")


def one_thread() -> AbstractContextManager[Any]:
    """Compute on one thread in all that is imported so far: in small work, waiting costs more."""
    return _loaded(len(sys.modules)).limit(limits=1)


@contextlib.contextmanager
def task_threads() -> Iterator[None]:
    """Compute on one thread, as each task does wherever it runs: with more, sums have other last bits."""
    wished, loaded = os.environ.get("OMP_NUM_THREADS"), sys.modules.get("torch")
    before = loaded.get_num_threads() if loaded is not None else None
    os.environ["OMP_NUM_THREADS"] = "1"  # for what is loaded meanwhile
    try:
        with one_thread():
            if loaded is not None and before != 1:
                loaded.set_num_threads(1)
            yield
    finally:
        if wished is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = wished
        if loaded is not None and before != 1:
            loaded.set_num_threads(before)
        elif loaded is None and "torch" in sys.modules:
            number_threads()


def torch_inference() -> AbstractContextManager[Any]:
    """Let torch keep nothing for gradients, where it is loaded."""
    if "torch" not in sys.modules:
        return contextlib.nullcontext()
    import torch  # which waits for another thread that is loading it

    return torch.inference_mode()


def count_torch_threads() -> int | None:
    """Return on how many threads torch computes; None where it is not loaded."""
    torch = sys.modules.get("torch")
    return None if torch is None else torch.get_num_threads()


@contextlib.contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """Let torch compute on so many threads, within a task too: of a network they are those of the process that asks.
    None: as it is, or as that process had not loaded it."""
    if count is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=1)
def _loaded(modules: int) -> Any:
    """Return what limits threads; a look at all loaded libraries takes 5 ms, so only where modules have come since."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


class InThisThread(Executor):
    """Does what it is given at once, in the thread that asks."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Return the future of work that is done."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  the one who asks for the result gets it, as from a thread
            future.set_exception(error)
        return future


def open_pool(cells: int) -> Executor:
    """Return what opens so many cells: threads, or for a few none."""
    return ThreadPoolExecutor(THREADS) if cells >= FEW else InThisThread()
