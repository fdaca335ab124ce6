"""Cells that belong to other rows: columns that slipped, blocks that slipped, rows whose cells were mixed up."""

import numpy as np
import pytest

from animals import KINDS, animals, brief, check, look, names
from plait.checks.pairing import best_run


@pytest.mark.parametrize(("shift", "said"), [(1, "1 row below"), (-3, "3 rows above")])
def test_a_column_that_slipped_by_some_rows(shift: int, said: str) -> None:
    codes = animals()
    (finding,) = check(names(codes), photo=np.roll(look(codes, 2), -shift, axis=0), voice=look(codes, 3))
    assert (finding.severity, finding.check, finding.column, finding.rows) == (
        "warning",
        "pairing-shifted",
        "photo",
        (),
    )
    assert f"'photo' fits the label {said}" in finding.message


def test_a_block_that_slipped_by_a_row() -> None:
    codes = animals()
    photo = look(codes, 2, noise=0.3)
    photo[100:160] = photo[101:161].copy()
    found = check(names(codes), photo=photo, voice=look(codes, 3))
    (finding,) = (f for f in found if f.check == "pairing-shifted")
    assert (finding.severity, finding.column) == ("warning", "photo")
    inside = set(range(100, 160))
    assert len(inside & set(finding.rows)) >= 50
    assert len(set(finding.rows) - inside) <= 4


def test_cells_that_were_mixed_up_among_rows() -> None:
    codes = animals(600)
    photo = look(codes, 2, noise=0.3)
    mixed = np.random.default_rng(8).permutation(600)[:120]
    photo[mixed] = photo[np.roll(mixed, 1)]
    odd = mixed[codes[mixed] != codes[np.roll(mixed, 1)]]
    found = check(names(codes), photo=photo, voice=look(codes, 3, noise=0.3))
    assert brief(found) == [("warning", "pairing-shuffled", "photo")]
    assert len(set(found[0].rows) & set(odd.tolist())) >= 0.9 * len(odd)
    assert len(set(found[0].rows) - set(odd.tolist())) <= 2


def test_two_fifths_of_the_cells_mixed_up_are_found() -> None:
    codes = np.random.default_rng(5).permutation(np.arange(240) % 2)
    mixed = np.random.default_rng(6).permutation(240)[:96]
    sounds = look(codes, 3)
    sounds[mixed] = sounds[np.roll(mixed, 1)]
    found = check([KINDS[code] for code in codes], photo=look(codes, 2), sound=sounds)
    assert ("warning", "pairing-shuffled", "sound") in brief(found)
    (finding,) = (f for f in found if f.check == "pairing-shuffled")
    assert len(set(finding.rows) & set(mixed.tolist())) >= 0.9 * len(finding.rows) >= 27


def test_a_table_in_the_order_of_its_labels_did_not_slip() -> None:
    codes = np.sort(animals())
    assert check(names(codes), photo=look(codes, 2), voice=look(codes, 3)) == []


def test_labels_in_a_pattern_are_no_slipped_column() -> None:
    """With a, b, a, b … the row two away has the label of its own row: nothing can be told from it."""
    codes = np.arange(120) % 2
    found = check([KINDS[code] for code in codes], photo=look(codes, 2, noise=2.0), sound=look(codes, 3, noise=2.0))
    assert [f.check for f in found if f.check.startswith("pairing")] == []


def test_a_picture_that_says_nothing_did_not_slip() -> None:
    codes = animals()
    found = check(names(codes), photo=np.random.default_rng(9).standard_normal((300, 8)), voice=look(codes, 3))
    assert brief(found) == [("note", "pairing-no-signal", "photo")]


def test_a_column_shuffled_all_over_says_nothing_and_is_told_as_that() -> None:
    codes = animals()
    shuffled = np.random.default_rng(9).permutation(look(codes, 2))
    found = check(names(codes), photo=shuffled, sound=look(codes, 3))
    assert ("note", "pairing-no-signal", "photo") in brief(found)
    (finding,) = (f for f in found if f.check == "pairing-no-signal")
    assert "its cells may be shuffled, or it does not matter" in finding.message
    assert "pairing-no-signal" not in {f.check for f in check(names(codes), photo=look(codes, 2), sound=look(codes, 3))}


@pytest.mark.parametrize("split", [False, True])
def test_a_column_that_is_wrong_in_some_rows_is_not_shuffled(split: bool) -> None:
    """A value that is right in four rows of five is as sure where it errs: nothing tells it from swapped cells."""
    codes = np.arange(200) % 2
    generator = np.random.default_rng(3)
    level = [["low", "high"][code ^ int(generator.random() < 0.2)] for code in codes]
    part = {"part": generator.choice(["train", "val", "test"], 200, p=[0.7, 0.15, 0.15]).tolist()} if split else {}
    found = check([KINDS[code] for code in codes], {"level": level, **part}, photo=look(codes, 2, noise=0.1))
    assert [f.check for f in found if f.check.startswith("pairing")] == []


def test_best_run() -> None:
    assert best_run(np.array([-1, 1, 1, -1, 1, 1, -1, -1])) == (1, 6)
