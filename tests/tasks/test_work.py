"""Functions of plait by name, with what was set up once; errors that can be raised elsewhere."""

import os
from typing import Any

import pytest

from plait.errors import CellError, RequestError
from plait.tasks.work import Desk, answer, answered, find, is_same, look, say_ended

LOOK = "plait.tasks.work:look"


def test_a_name_is_a_function_of_plait_and_no_other() -> None:
    assert find("plait.tasks.work:look") is look
    for name in ("os:getpid", "plait.tasks.work", "plaits.work:look", "plait.tasks.work:look.__globals__"):
        with pytest.raises(ValueError, match=f"work is '{name}'; expected a function of plait: plait.module:function"):
            find(name)


def test_a_setup_is_the_same_where_its_request_is_the_very_one() -> None:
    given = {"a": 1}
    assert is_same((LOOK, given), (LOOK, given))
    assert is_same(None, None)
    assert not is_same((LOOK, given), (LOOK, {"a": 1}))
    assert not is_same((LOOK, given), ("plait.tasks.work:find", given))
    assert not is_same(None, (LOOK, given))
    assert not is_same((LOOK, given), None)


def test_what_is_set_up_stays_until_something_else_is_asked_for() -> None:
    desk, given = Desk(), {"a": 1}
    desk.set_up("one", ("plait.core.words:jsonable", given))
    first = desk.value
    desk.set_up("one", ("plait.core.words:jsonable", {"a": 2}))
    assert desk.value is first
    desk.set_up("two", ("plait.core.words:jsonable", {"a": 2}))
    told = desk.do("plait.tasks.work:look", {"n": 3})
    assert (told["value"], told["request"], told["process"]) == ({"a": 2}, {"n": 3}, os.getpid())


@pytest.mark.parametrize("error", [RequestError("no such column."), CellError("it is blank", "blank")])
def test_an_error_of_plait_is_raised_as_it_was(error: Exception) -> None:
    def fail() -> Any:
        raise error

    with pytest.raises(type(error), match=str(error)) as caught:
        answered(answer(fail))
    assert getattr(caught.value, "fault", "blank") == "blank"


def test_any_other_error_comes_with_where_it_was() -> None:
    with pytest.raises(RuntimeError, match=r"(?s)test_work.py.*ZeroDivisionError: division by zero"):
        answered(answer(lambda: 1 / 0))


def test_a_task_that_no_process_survived_is_told_in_one_sentence() -> None:
    assert say_ended("plait.runs.blocks:answer_block", "signal 9") == (
        "a task (runs.blocks) ended its process 3 times (signal 9); is there enough memory? Fewer processes at a time "
        "need less."
    )
