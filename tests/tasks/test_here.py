"""Tasks in this process: in order, one setup, counted."""

import os

from plait.tasks.here import Here

LOOK = "plait.tasks.work:look"


def test_results_come_in_order_and_each_task_is_done_when_it_is_asked_for() -> None:
    with Here() as runner:
        taken = []
        results = runner.map(LOOK, (taken.append(n) or {"n": n} for n in range(3)))
        assert next(results)["request"] == {"n": 0}
        assert taken == [0]
        assert [told["request"]["n"] for told in results] == [1, 2]
        assert runner.facts() == {"engine": "here", "nodes": 1, "tasks": 3, "elsewhere": 0}


def test_a_setup_is_called_once_for_the_same_request() -> None:
    given = {"model": object()}
    with Here() as runner:
        one, two = (next(runner.map(LOOK, [{}], setup=("plait.runs.shared:take_model", given))) for _ in range(2))
        assert one["value"] is two["value"] is given["model"]
        assert next(runner.map(LOOK, [{}]))["value"] is None
        assert one["process"] == os.getpid()
