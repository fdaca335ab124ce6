"""Garbage: none is looked for while libraries are imported, and all is as before afterwards."""

import gc
from collections.abc import Iterator

import pytest

from plait.core.garbage import uncollected


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    gc.enable()
    gc.unfreeze()


def test_nothing_is_collected_meanwhile_and_then_it_is_again() -> None:
    with uncollected():
        assert not gc.isenabled()
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_who_collects_nothing_collects_nothing_afterwards() -> None:
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_what_was_made_is_not_young_any_more_and_is_not_frozen() -> None:
    gc.unfreeze()
    with uncollected():
        made = [[] for _ in range(20_000)]
    assert len(gc.get_objects(generation=2)) > len(made) > gc.get_count()[0]
    assert gc.get_freeze_count() == 0


def test_what_was_frozen_stays_frozen() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    with uncollected():
        pass
    assert frozen - 100 < gc.get_freeze_count() <= frozen  # some of them may have ended meanwhile


def test_an_error_passes_and_collecting_goes_on() -> None:
    with pytest.raises(ZeroDivisionError, match="division"), uncollected():
        1 / 0
    assert gc.isenabled()
