"""What a run keeps of validation rows, which all that it ships has learned from in the end."""

import numpy as np
import pytest

from plait.runs.unseen import Unseen

FAR = 2**62  # hashes so far apart that their difference is no int64


def test_rows_that_training_holds_too_and_copies_are_left_out() -> None:
    said = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.4, 0.6]])
    kept = Unseen.of(np.array([FAR, -FAR - 9, FAR, 5]), np.array([5, 7]), {"text": said})
    assert kept.rows.tolist() == [-FAR - 9, FAR]
    assert kept.said["text"] == pytest.approx(np.array([[0.2, 0.8], [0.1, 0.9]]))
    assert kept.places(np.array([5, FAR, 1, -FAR - 9])).tolist() == [-1, 1, -1, 0]


def test_of_many_rows_or_classes_some_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.runs.unseen.MOST", 4)
    assert Unseen.of(np.arange(10), np.zeros(0, np.int64), {}).rows.tolist() == [0, 3, 6, 9]
    monkeypatch.setattr("plait.runs.unseen.MOST_NUMBERS", 6)
    kept = Unseen.of(np.arange(10), np.zeros(0, np.int64), {"text": np.ones((10, 3))})
    assert kept.said["text"].shape == (2, 3)


def test_it_is_read_as_it_was_written_or_refused() -> None:
    kept = Unseen.of(np.array([3, -2]), np.zeros(0, np.int64), {"a.b": np.ones((2, 2))})
    again = Unseen.read(kept.tensors(), 2)
    assert again is not None
    assert (again.rows.tolist(), again.said["a.b"].tolist()) == ([-2, 3], [[1.0, 1.0], [1.0, 1.0]])
    assert Unseen.read({}, 2) is None
    none = Unseen.of(np.zeros(0, np.int64), np.zeros(0, np.int64), {})
    assert none.places(np.array([1])).tolist() == [-1]
    with pytest.raises(ValueError, match=r"what 'a\.b' said of validation rows does not fit"):
        Unseen.read(kept.tensors(), 3)
    with pytest.raises(ValueError, match="the hashes of the validation rows are none"):
        Unseen.read({"unseen.rows": np.array([3, 3])}, 2)
