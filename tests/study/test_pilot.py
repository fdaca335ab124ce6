"""Under a time limit an encoder that nobody asked for must be worth its time."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from means import frozen
from plait.core.contract import Modality, Table
from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.image.prep import ImagePrep
from plait.models.views import View
from plait.study import pilot
from plait.study.pilot import Pilot, Rows, Trial, deal, squares, tells_more, time_table
from searches import make_job
from tiny import numbers_table

SECONDS = {"sounds": 10.0, "voice": 35.0, "photo": 60.0}


def make_pilot(limit: float, notes: list[str]) -> tuple[Pilot, Rows]:
    """Return the pilot of a fit of 400 rows, and what it knows of them: 320 may be learned from."""
    job = job_of(read(numbers_table(num=400)), "y", limit)
    job.callback = lambda event: notes.append(event["note"])
    assert job.pilot is not None
    return job.pilot, job._known(job.table, np.arange(320))


def job_of(table: Table, target: str, limit: float = 60.0, kind: str = "category") -> Any:
    return make_job(table, detect(table, target=target, kinds={target: kind}), time_limit=limit)


def views(*names: str) -> list[Any]:
    return [SimpleNamespace(name=n, of=f"of {n}", encoder="acoustic" if n == "speech" else n) for n in names]


@pytest.mark.parametrize(
    ("limit", "vain", "left", "left_out"),
    [
        (2000.0, "", ["photo", "voice", "speech", "sounds"], []),  # all take less than a twentieth: none is tried
        (600.0, "", ["photo", "voice", "speech", "sounds"], []),
        (600.0, "photo", ["voice", "speech", "sounds"], ["photo"]),
        (90.0, "", ["voice", "speech", "sounds"], ["photo"]),  # 45 seconds are half of the limit
        (88.0, "sounds", ["voice", "speech"], ["sounds", "photo"]),  # what is left out leaves room for others
        (15.0, "", ["speech"], ["sounds", "voice", "photo"]),
    ],
)
def test_what_tells_nothing_new_or_takes_over_half_of_the_limit_is_left_out(
    limit: float, vain: str, left: list[str], left_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """speech is seen by numbers that are made by hand, which cost little."""
    notes, tried = list[str](), list[str]()
    one, rows = make_pilot(limit, notes)

    def try_one(self: Pilot, view: Any, base: Any, rows: Rows) -> Trial:
        tried.append(view.name)
        return Trial(SECONDS[view.name], 0 if SECONDS[view.name] < 0.05 * limit else 300, view.name != vain)

    monkeypatch.setattr(Pilot, "_try", try_one)
    given = views("photo", "voice", "speech", "sounds")
    for _ in range(2):  # of another split it is known, and was said
        assert [view.name for view in one.in_time(given, rows)] == left
    assert tried == ["photo", "voice", "sounds"]
    assert [note.split(": ")[1].split(" ")[0] for note in notes] == left_out


def test_what_is_left_out_is_named_with_why_and_how_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = list[str]()
    one, rows = make_pilot(600.0, notes)
    few = {"photo": Trial(200.0, 450, False), "voice": Trial(900.0, 0, False)}
    monkeypatch.setattr(Pilot, "_try", lambda self, view, *rest: few[view.name])
    one.in_time(views("photo", "voice"), rows)
    assert notes == [
        "of photo: photo is left out. It would take about 3 min 20 s, and the fit may take 10 min; in 450 rows it told "
        "nothing new of y. --encoder of photo=photo asks for it; without a limit it is tried.",
        "of voice: voice is left out. It would take about 15 min, and the fit may take 10 min. "
        "--encoder of voice=voice asks for it; without a limit it is tried.",
    ]


@pytest.mark.parametrize(
    ("seconds", "num", "gains"),
    [
        (5.0, 0, True),  # a twentieth of the limit: it needs no trial
        (6.0, 320, True),  # all rows are seen in little more
        (12.0, 166, True),
        (20.0, 0, False),  # a twentieth of the limit sees 100 of 400 rows, which tell nothing
    ],
)
def test_a_trial_takes_a_twentieth_of_the_limit(
    seconds: float, num: int, gains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, rows), asked = make_pilot(100.0, []), list[int]()

    def gain(self: Pilot, view: Any, base: Any, some: Rows) -> bool:
        asked.append(len(some.train))
        assert len(set(some.train)) == len(some.train)
        assert set(some.train) <= set(range(320))
        return True

    monkeypatch.setattr(pilot, "time_table", lambda view, table: seconds)
    monkeypatch.setattr(Pilot, "_gains", gain)
    found = one._try(views("photo")[0], None, rows)
    assert found == Trial(seconds, num, gains)
    assert asked == [num] * (num > 0)


def seen_by(x: np.ndarray, holes: int = 0) -> Any:
    """Return a view through which the rows are these features (rows, feature); the first `holes` have none."""

    def prepare(table: Table, pool: Any, keep: bool = True) -> tuple[np.ndarray, np.ndarray, list[str | None]]:
        rows = np.array([int(row) for row in table.cells("row")])
        return x[rows][:, None], (rows >= holes)[:, None], [None] * len(rows)

    return SimpleNamespace(prepare=prepare, of="photo", encoder="x", name="x")


@pytest.mark.parametrize("kind", ["category", "number"])
def test_it_gains_where_it_tells_what_the_base_does_not(kind: str) -> None:
    """Half of the label lies in the base, half in the other; a copy of the base, and noise, add nothing."""
    drawn, num = np.random.default_rng(0), 400
    base, other, noise = (drawn.standard_normal((num, 4)) for _ in range(3))
    value = base[:, 0] + other[:, 0]
    cells = value.round(3).tolist() if kind == "number" else ["high" if v > 0 else "low" for v in value]
    job = job_of(read({"row": list(range(num)), "y": cells}), "y", kind=kind)
    rows, gains = job._known(job.table, np.arange(num)), job.pilot._gains
    assert gains(seen_by(other), seen_by(base), rows)
    assert gains(seen_by(other), None, rows)
    assert not gains(seen_by(noise), seen_by(base), rows)
    assert not gains(seen_by(base), seen_by(base), rows)
    assert not gains(seen_by(noise), None, rows)
    # too few rows have it to tell that it is of no use
    assert gains(seen_by(noise, holes=300), seen_by(base), rows)


def test_of_several_targets_one_is_enough() -> None:
    drawn, num = np.random.default_rng(0), 300
    x = drawn.standard_normal((num, 3))
    cells = {"row": list(range(num)), "y": (x[:, 0] > 0).tolist(), "z": drawn.integers(0, 2, num).tolist()}
    jobs, rows = [job_of(read(cells), name) for name in ("y", "z")], np.arange(num)
    assert [job.pilot._gains(seen_by(x), None, job._known(job.table, rows)) for job in jobs] == [True, False]
    jobs[1].labels = SimpleNamespace(parts=[job.labels for job in jobs])
    assert jobs[1].pilot._gains(seen_by(x), None, jobs[1]._known(jobs[1].table, rows))


def test_errors_of_ridge_regression_are_of_rows_held_out() -> None:
    drawn = np.random.default_rng(0)
    x = drawn.standard_normal((200, 3))
    wanted = x[:, :1] * 2 + 1
    folds = deal(wanted[:, 0], None, 0)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(200))
    assert squares([x], wanted, folds).max() < 0.01
    mean = squares([], wanted, folds)
    train, test = folds[0]
    assert mean[test] == pytest.approx((wanted[test, 0] - wanted[train].mean()) ** 2)
    # as many features as rows learn noise by heart, which is of no use for others
    noise = drawn.standard_normal((200, 200))
    assert squares([noise], wanted, folds).mean() > 0.9 * mean.mean()
    assert not tells_more([noise], drawn.integers(0, 3, 200), folds, is_number=False)


def test_groups_are_held_out_whole() -> None:
    groups, y = np.repeat(np.arange(12), 5), np.tile(np.arange(3), 20)
    for train, test in deal(y, groups, 0):
        assert not {*groups[train]} & {*groups[test]}
    assert [len(test) for _, test in deal(y, np.repeat([0, 1], 30), 0)] == [30, 30]
    assert [len(test) for _, test in deal(y, np.zeros(60), 0)] == [12] * 5  # of one group rows are dealt


def test_the_seconds_of_a_table_are_told_from_a_few_of_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 1,200 rows twelve are seen in two lots, once two have made it warm; of the lots the quicker one counts."""
    seen, now = list[tuple[list[str], bool]](), [0.0]

    def prepare(self: View, table: Table, pool: Any, keep: bool = True) -> None:
        seen.append(([str(cell) for cell in table.cells("photo")], keep))
        now[0] += (0.0, 5.0, 0.5, 0.7)[len(seen)] if len(seen) < 4 else 0.0

    monkeypatch.setattr(View, "prepare", prepare)
    monkeypatch.setattr(pilot, "nothing_kept", nullcontext)
    monkeypatch.setattr(pilot.time, "perf_counter", lambda: now[0])
    photo = View(Modality("photo", "image", ("photo",)), ImagePrep(), "image", {}, "means", "beside", frozen(None))
    assert time_table(photo, read({"photo": [f"{row}.png" for row in range(1200)]})) == pytest.approx(0.5 / 6 * 1200)
    assert [(len(few), keep) for few, keep in seen] == [(2, True), (6, False), (6, False)]
    assert (seen[1][0][0], seen[2][0][-1]) == ("0.png", "1199.png")
    seen.clear()
    time_table(photo, read({"photo": ["a.png"]}))
    assert [len(few) for few, _ in seen] == [1, 1]


def test_quick_rows_are_timed_in_more_than_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A start of 10 ms and .1 ms a row: six rows would tell 1.8 ms a row."""
    lots, now = list[int](), [0.0]

    def prepare(self: View, table: Table, pool: Any, keep: bool = True) -> None:
        lots.append(len(table))
        now[0] += 0.01 + 0.0001 * len(table)

    monkeypatch.setattr(View, "prepare", prepare)
    monkeypatch.setattr(pilot, "nothing_kept", nullcontext)
    monkeypatch.setattr(pilot.time, "perf_counter", lambda: now[0])
    photo = View(Modality("photo", "image", ("photo",)), ImagePrep(), "image", {}, "means", "beside", frozen(None))
    many = read({"photo": [f"{row}.png" for row in range(50_000)]})
    assert time_table(photo, many) == pytest.approx(5, rel=0.1)  # seconds
    assert lots == [2, 6, 6, 24, 24, 96, 96, 384, 384, 1536, 1536]
