"""How far a fit has come: never back, never done before the end, and the time left from what is behind."""

import itertools
from typing import Any

import pytest

from plait.core.options import FitOptions
from plait.study import way as module
from plait.study.way import Way

EVENTS: list[dict[str, Any]] = [
    {"stage": "prepare", "done": 1, "total": 1},
    *({"stage": "classic learners", "done": n, "total": 4} for n in range(1, 5)),
    *({"stage": f"alone {m}", "epoch": n, "epochs": 2} for m in ("image", "text") for n in (1, 2)),
    *({"stage": f"plan {p}", "epoch": n, "epochs": 2} for p in range(20) for n in (1, 2)),
    {"stage": "choose"},
    {"stage": "test rows"},
    {"stage": "robustness", "done": 1, "total": 1},
    {"stage": "explain", "done": 1, "total": 1},
    {"stage": "report", "done": 6, "total": 6},
]


def go(events: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[dict[str, Any]]:
    """Return what a callback hears, where each event comes a second after the one before it."""
    clock, heard = itertools.count(), list[dict[str, Any]]()
    monkeypatch.setattr(module, "time", type("Clock", (), {"monotonic": staticmethod(lambda: next(clock) / 2)}))
    targets = options.pop("targets", ())
    way = Way(heard.append, FitOptions(**options), 2, targets, 0.0)
    for event in events:
        way(event)
    return heard


def test_the_share_goes_from_nothing_to_nearly_all_and_never_back(monkeypatch: pytest.MonkeyPatch) -> None:
    shares = [event["share"] for event in go(EVENTS, monkeypatch)]
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.06)
    assert shares[4] == pytest.approx(0.28)
    assert shares[8] == pytest.approx(0.55)
    assert shares[-1] == 0.99  # the end is said by who has ended


def test_the_time_left_is_guessed_from_what_is_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = go(EVENTS[:5], monkeypatch)
    share, spent = heard[-1]["share"], 4.5
    assert heard[-1]["left"] == pytest.approx(spent * (1 - share) / share, rel=0.2)


def test_a_time_limit_is_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = go(EVENTS[:5], monkeypatch, time_limit=8.0)
    assert heard[-1]["share"] >= 0.5
    assert heard[-1]["left"] <= 4


def test_what_is_not_asked_for_takes_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = go(EVENTS[:5], monkeypatch, candidates=("classic",))
    assert heard[-1]["share"] == pytest.approx((6 + 22) / (6 + 22 + 15))


def test_folds_are_studies_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    folds = [{"stage": "folds", "done": n, "total": 10} for n in range(1, 11)]
    heard = go([*folds, *EVENTS], monkeypatch, folds=5)
    assert heard[9]["share"] == pytest.approx(10 / 11)
    assert heard[-1]["share"] == 0.99


def test_of_several_targets_each_has_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [{**event, "stage": f"{name}: {event['stage']}"} for name in ("a", "b") for event in EVENTS]
    shares = [event["share"] for event in go(both, monkeypatch, targets=("a", "b"))]
    assert shares == sorted(shares)
    assert shares[len(EVENTS) - 1] == pytest.approx(1 / 3, abs=0.01)
    assert shares[-1] == pytest.approx(2 / 3, abs=0.01)


def test_what_is_no_stage_passes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    assert go([{"note": "x"}, {"best": "y"}], monkeypatch) == [{"note": "x"}, {"best": "y"}]
