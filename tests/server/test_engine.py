"""The worker: rows that come together are answered together, none fails by another, and the end waits for all."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from plait.server.engine import Engine, Full, Job


class Slow:
    """Answers each row with its double, once it may; keeps which rows came together."""

    def __init__(self) -> None:
        self.lots: list[list[int]] = []
        self.may = threading.Event()

    def __call__(self, rows: Sequence[int]) -> list[int]:
        self.may.wait(5)
        self.lots.append(list(rows))
        if -1 in rows:
            raise ValueError("no row")
        return [2 * row for row in rows]


def put(engine: Engine, *jobs: Job) -> list[Any]:
    futures = []
    for job in jobs:
        with engine.place() as ask:
            futures.append(ask(job))
    return futures


def test_rows_that_wait_are_answered_together() -> None:
    answer = Slow()
    engine = Engine(answer, batch=4)
    first, *rest = put(engine, Job([1]), Job([2, 3]), Job([4]), Job([5, 6]), Job([7], lambda rows: "alone"), Job([8]))
    answer.may.set()
    assert first.result(5) == [2]
    assert [future.result(5) for future in rest] == [[4, 6], [8], [10, 12], "alone", [16]]
    assert [row for lot in answer.lots for row in lot] == [1, 2, 3, 4, 5, 6, 8]
    assert max(map(len, answer.lots)) <= 4
    assert len(answer.lots) < 5
    engine.close()


def test_none_fails_by_another() -> None:
    answer = Slow()
    engine = Engine(answer)
    good, bad, other = put(engine, Job([1]), Job([-1]), Job([3]))
    answer.may.set()
    assert (good.result(5), other.result(5)) == ([2], [6])
    with pytest.raises(ValueError, match="no row"):
        bad.result(5)
    engine.close()


def test_who_has_no_place_is_sent_away_and_a_place_is_given_back() -> None:
    engine = Engine(list, places=1)
    with engine.place(), pytest.raises(Full), engine.place():
        pass
    assert engine.inside == 0
    with engine.place() as ask:
        assert ask(Job([1])).result(5) == [1]
    engine.close()


def test_the_end_waits_for_what_was_asked_and_takes_no_more() -> None:
    answer = Slow()
    engine = Engine(answer, batch=1)
    futures = put(engine, *(Job([number]) for number in range(5)))
    threading.Timer(0.05, answer.may.set).start()
    engine.close()
    assert [future.result(0) for future in futures] == [[0], [2], [4], [6], [8]]
    with pytest.raises(Full), engine.place():
        pass


def test_a_worker_that_dies_goes_on_and_says_so() -> None:
    said: list[str] = []

    def answer(rows: Sequence[int]) -> list[int]:
        if rows == [0]:
            raise SystemExit("gone")
        return list(rows)

    engine = Engine(answer, batch=1, say=said.append)
    dead, alive = put(engine, Job([0]), Job([1]))
    with pytest.raises(RuntimeError, match=r"the worker died \(SystemExit\)"):
        dead.result(5)
    assert alive.result(5) == [1]
    assert said == ["the worker died of SystemExit: gone; it is started again"]
    engine.close()


def test_one_alone_does_not_wait_and_who_was_not_alone_waits_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.server.engine.COMPANY", 5.0)
    lots: list[int] = []

    def answer(rows: Sequence[int]) -> list[int]:
        lots.append(len(rows))
        return list(rows)

    engine = Engine(answer, batch=4)
    for _ in range(2):
        with engine.place() as ask:
            assert ask(Job([1])).result(1) == [1]
    with engine.place() as first, engine.place() as second:  # the second is still read
        future = first(Job([1]))
        later = threading.Timer(0.05, lambda: second(Job([2])))
        later.start()
        assert future.result(4) == [1]
        later.join()
    assert lots == [1, 1, 2]
    with engine.place() as first, engine.place() as second, engine.place() as third:
        futures = [ask(Job([number])) for number, ask in enumerate((first, second, third))]
        assert [future.result(4) for future in futures] == [[0], [1], [2]]
    assert lots == [1, 1, 2, 3]
    monkeypatch.setattr("plait.server.engine.COMPANY", 0.0)
    with engine.place() as first, engine.place():  # the second is never done
        assert first(Job([1])).result(4) == [1]
    assert lots == [1, 1, 2, 3, 1]
    engine.close()


def test_who_is_waited_for_in_vain_is_not_waited_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.server.engine.COMPANY", 0.0)
    engine = Engine(list, batch=4)
    with engine.place(), engine.place(), engine.place():
        pass
    assert engine.crowd == 3
    for _ in range(2):
        with engine.place() as ask:
            assert ask(Job([1])).result(4) == [1]
        assert engine.crowd == 1
        monkeypatch.setattr("plait.server.engine.COMPANY", 5.0)
    engine.close()


def test_all_that_the_worker_does_is_held() -> None:
    held: list[str] = []

    @contextlib.contextmanager
    def around() -> Iterator[None]:
        held.append("in")
        yield
        held.append("out")

    engine = Engine(lambda rows: held.append("work") or list(rows), around=around)
    (future,) = put(engine, Job([1]))
    assert future.result(5) == [1]
    engine.close()
    assert held == ["in", "work", "out"]


def test_the_answers_of_a_lot_are_handed_over_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.server.engine.COMPANY", 5.0)
    answer, handed = Slow(), list[list[bool]]()
    engine = Engine(answer)
    futures: list[Any] = []

    def hand_over(give: Callable[[], None]) -> None:
        before = [future.done() for future in futures]
        give()
        handed.append(before + [future.done() for future in futures])

    engine.hand_over = hand_over
    with engine.place() as first, engine.place() as second:
        futures += [first(Job([1])), second(Job([2]))]
        answer.may.set()
        assert [future.result(5) for future in futures] == [[2], [4]]
    engine.close()
    assert (answer.lots, handed) == ([[1, 2]], [[False, False, True, True]])
