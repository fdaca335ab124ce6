"""The time a fit may take: a deadline, shares of what is left, and what came to an early end."""

import math
import time

import pytest

from plait.study.budget import Budget, tell_end, until_then


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> float:
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    return 100.0


def test_without_a_limit_time_is_never_over(now: float) -> None:
    budget = Budget.of(None)
    assert not budget.is_spent
    assert budget.stopped == ""
    assert budget.share(0.5, 3) == math.inf


def test_a_limit_counts_from_when_the_fit_began(now: float) -> None:
    assert Budget.of(30.0).deadline == 130.0
    assert Budget.of(30.0, since=80.0).deadline == 110.0
    assert Budget.of(20.0, since=80.0).is_spent
    assert not Budget.of(20.1, since=80.0).is_spent


def test_a_stage_gets_its_part_of_the_time_left_by_those_that_wait(now: float) -> None:
    budget = Budget.of(30.0, since=80.0)  # 10 seconds are left
    assert budget.share(0.5) == 105.0
    assert budget.share(0.9, 3) == pytest.approx(103.0)
    assert budget.share(0.9, 0) == pytest.approx(109.0)
    assert Budget.of(1.0, since=80.0).share(0.5) == pytest.approx(100.025)  # too late, and still a moment


def test_what_stopped_it_is_an_interrupt_before_the_time(now: float) -> None:
    assert Budget(100.0).stopped == "time"
    assert Budget(limited=True).stopped == "time"
    assert Budget(100.0, limited=True, interrupted=True).stopped == "interrupt"


def test_an_end_that_is_told_to_another_process_is_kept_there() -> None:
    assert tell_end(math.inf) is None
    assert until_then(None).deadline == math.inf
    until = tell_end(60.0)
    assert until_then(until).deadline - time.monotonic() == pytest.approx(60, abs=1)
    assert until_then(until, 5.0).deadline - time.monotonic() == pytest.approx(5, abs=1)
    assert until_then(time.time() - 1).deadline - time.monotonic() < 0.1  # over, and no leave to go on for ever
