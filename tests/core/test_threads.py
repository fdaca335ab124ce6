"""Threads: one for each core that the process may use, unless the user said otherwise."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest
import threadpoolctl
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from plait.core.threads import (
    count_torch_threads,
    number_threads,
    one_thread,
    open_pool,
    single_blas,
    torch_inference,
    torch_threads,
)


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("cores", [1, 3])
def test_there_is_a_thread_for_each_core_that_the_process_may_use(cores: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    torch.set_num_threads(2)
    number_threads()
    assert torch.get_num_threads() == cores


def test_where_the_system_does_not_say_which_cores_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    torch.set_num_threads(1)
    number_threads()
    assert torch.get_num_threads() == 3


def test_what_the_user_said_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    torch.set_num_threads(2)
    number_threads()
    assert torch.get_num_threads() == 2


def test_products_run_on_one_thread_in_a_pool_and_on_as_many_as_before_after_it() -> None:
    def blas() -> set[int]:
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    with threadpool_limits(limits=2, user_api="blas"):
        before = blas()
        with single_blas():
            assert blas() == {1}
        assert blas() == before


def test_small_work_has_one_thread_and_no_longer_than_it_lasts() -> None:
    def counts() -> list[int]:
        used = ("numpy.libs", "scipy.libs", "scikit_learn.libs")  # other libraries of this process are left alone
        return [pool["num_threads"] for pool in threadpool_info() if any(name in pool["filepath"] for name in used)]

    before = counts()
    with one_thread():
        assert set(counts()) == {1}
    assert counts() == before


@pytest.mark.parametrize(("count", "within"), [(1, 1), (3, 3), (None, 2)])
def test_torch_has_so_many_threads_and_then_as_many_as_before(count: int | None, within: int) -> None:
    torch.set_num_threads(2)
    with pytest.raises(KeyboardInterrupt), torch_threads(count):
        assert torch.get_num_threads() == within
        raise KeyboardInterrupt
    assert torch.get_num_threads() == 2


def test_libraries_are_looked_for_again_only_where_modules_have_come(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [threadpoolctl.ThreadpoolController() for _ in range(3)]
    left = iter(found)
    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", lambda: next(left))
    monkeypatch.setitem(sys.modules, "a module that has come", threadpoolctl)
    for _ in range(3):
        with one_thread(), single_blas():
            pass
    monkeypatch.setitem(sys.modules, "one more", threadpoolctl)
    with one_thread():
        pass
    assert [*left] == found[2:]


def test_a_few_cells_are_opened_without_a_thread() -> None:
    def where(number: int) -> tuple[int, str]:
        return number, threading.current_thread().name

    with open_pool(15) as pool:
        assert [*pool.map(where, (1, 2))] == [(1, "MainThread"), (2, "MainThread")]
        with pytest.raises(ZeroDivisionError, match="division by zero"):
            pool.submit(lambda: 1 / 0).result()
    with open_pool(16) as pool:
        assert "MainThread" not in [name for _, name in pool.map(where, (1, 2))]


def test_where_torch_is_not_loaded_nothing_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with torch_inference():
        assert torch.is_inference_mode_enabled()
    assert count_torch_threads() == torch.get_num_threads()
    monkeypatch.delitem(sys.modules, "torch")
    with torch_inference():
        assert not torch.is_inference_mode_enabled()
    assert count_torch_threads() is None
    number_threads()
    assert "torch" not in sys.modules
