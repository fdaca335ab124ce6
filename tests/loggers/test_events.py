"""What of an event becomes a point, and what a logger does that cannot write."""

import math
from typing import Any

import pytest

from plait.loggers.events import Logger, ends_of, points_of

BEGAN = {"began": {"targets": ["sick"], "rows": 40, "options": {"seed": 3}}}
EPOCH = {"stage": "alone image", "epoch": 2, "epochs": 9, "loss": 0.5, "metric": 0.91, "metric_name": "accuracy"}
BEST = {"best": {"name": "ridge (text)", "metric": "accuracy", "value": 0.8}}
ENDED = {
    "ended": {"run": "run", "winner": "ridge (text)", "test": {"accuracy": 0.75, "auroc": None}, "verdict": "equal"}
}
FIT = [BEGAN, {"stage": "prepare", "done": 1, "total": 1}, BEST, EPOCH, BEST, {"note": "x"}, ENDED]
POINTS = [
    ("best/accuracy", 0.8, 0),
    ("alone image/loss", 0.5, 2),
    ("alone image/accuracy", 0.91, 2),
    ("best/accuracy", 0.8, 1),
    ("test/accuracy", 0.75, 0),
]


class Heard(Logger):
    def __init__(self, fails: bool = False) -> None:
        super().__init__()
        self.fails, self.points, self.told = fails, list[Any](), list[Any]()

    def _begin(self, facts: dict[str, Any]) -> None:
        self.told.append(facts)

    def _point(self, name: str, value: float, step: int) -> None:
        if self.fails:
            raise OSError("the disk is full\nso it is")
        self.points.append((name, value, step))

    def _end(self, event: dict[str, Any]) -> None:
        self.told.append(event["ended"])


def test_a_fit_gives_these_points() -> None:
    logger = Heard()
    for event in FIT:
        logger(event)
    assert logger.points == POINTS
    assert logger.told == [BEGAN["began"], ENDED["ended"]]


def test_what_is_no_number_is_no_point() -> None:
    assert [*points_of({**EPOCH, "loss": math.inf, "metric": None}, 0)] == []
    assert [*points_of({"best": {"name": "a", "metric": "", "value": None}}, 0)] == []


def test_each_target_has_its_scores() -> None:
    both = {"ended": {"run": "run", "targets": {"a": ENDED["ended"], "b": ENDED["ended"]}}}
    assert [*ends_of(both)] == ["a/", "b/"]
    assert [name for name, *_ in points_of(both, 0)] == ["test/a/accuracy", "test/b/accuracy"]


def test_one_that_cannot_write_gives_up_with_a_warning_once() -> None:
    logger = Heard(fails=True)
    with pytest.warns(UserWarning, match=r"^Heard gives up: the disk is full$"):
        for event in FIT:
            logger(event)
    assert logger.told == [BEGAN["began"]]
