"""From cells to the features of a frozen encoder: which cells are absent, and how many go through it at a time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from means import Means, frozen
from plait.data.fact_cache import cache_folder
from plait.data.feature_cache import read_counts
from plait.pretrained.features import Cells, encode_kept, nothing_kept, read_features, read_raw


@pytest.fixture
def cells(tmp_path: Path) -> Cells:
    """Seventy pictures of one grey each; every seventh blank, the ninth broken, and one a copy of the second."""
    values: list[Any] = []
    for row in range(70):
        path = tmp_path / f"{row}.png"
        Image.fromarray(np.full((2, 2), 1 if row == 68 else row, np.uint8)).save(path)
        values.append(None if row % 7 == 6 else path.name)
    values[8] = b"\x89PNG\r\n\x1a\n and no more"
    return Cells(values, tmp_path)


@pytest.mark.parametrize("threads", [1, 5])
def test_absent_cells_have_a_reason_and_the_others_their_own_feature(cells: Cells, threads: int) -> None:
    network = Means()
    out = np.full((70, 1, 1), -1, np.float32)
    with ThreadPoolExecutor(threads) as pool:
        reasons = read_features(frozen(network), cells, out, pool)
        again = np.full((70, 1, 1), -1, np.float32)
        assert read_features(frozen(network), cells, again, pool) == reasons
    absent = [row for row, reason in enumerate(reasons) if reason is not None]
    assert absent == sorted([8, *range(6, 70, 7)]) and reasons[6] == "blank" and "truncated image" in str(reasons[8])
    here = [row for row in range(70) if row not in absent]
    assert out[here, 0, 0].tolist() == [1 if row == 68 else row for row in here]
    assert np.array_equal(out, again)
    assert network.seen == [31, 27]  # each content once, the broken one not at all; the second time all are kept


def test_where_nothing_is_kept_nothing_is_on_the_disk_and_the_features_are_the_same(cells: Cells) -> None:
    network, out, again = Means(), np.zeros((70, 1, 1), np.float32), np.zeros((70, 1, 1), np.float32)
    with ThreadPoolExecutor(2) as pool:
        with nothing_kept():
            reasons = read_features(frozen(network), cells, out, pool)
        assert not cache_folder().exists()
        assert read_features(frozen(network), cells, again, pool) == reasons
    assert np.array_equal(out, again)


def test_a_single_cell_that_cannot_be_read_is_absent(cells: Cells) -> None:
    out = np.zeros((1, 1, 1), np.float32)
    with ThreadPoolExecutor(2) as pool:
        assert read_features(frozen(Means()), Cells([None]), out, pool) == ["blank"]
        assert read_features(frozen(Means()), Cells(["5.png"], cells.folder), out, pool) == [None]
        assert read_features(frozen(Means()), Cells([]), out[:0], pool) == []
    assert out.tolist() == [[[5.0]]]


def test_what_a_tuned_encoder_is_given_is_zero_where_a_cell_is_absent(cells: Cells) -> None:
    out = np.full((70, 1, 2, 2), 9, np.uint8)
    with ThreadPoolExecutor(3) as pool:
        reasons = read_raw(frozen(Means()), cells, out, pool)
    assert [row for row, reason in enumerate(reasons) if reason is not None] == sorted([8, *range(6, 70, 7)])
    assert out[:68, 0, 0, 0].tolist() == [0 if reasons[row] is not None else row for row in range(68)]


def test_what_was_covered_or_made_worse_is_encoded_once() -> None:
    network, inputs = Means(), np.arange(3, dtype=np.uint8)[:, None, None, None].repeat(2, 2).repeat(2, 3)
    first, again = (encode_kept(frozen(network), inputs[rows]) for rows in ([0, 1], [2, 1]))
    assert (first.ravel().tolist(), again.ravel().tolist()) == ([0, 1], [2, 1])
    assert network.seen == [2, 1]
    assert [read_counts(place) for place in (cache_folder() / "features").iterdir()] == [(4, 1)]
    with nothing_kept():
        assert encode_kept(frozen(network), inputs).ravel().tolist() == [0, 1, 2]
    assert network.seen == [2, 1, 3]


def test_what_an_encoder_is_given_is_no_cell(cells: Cells) -> None:
    network, grey = Means(), np.full((1, 2, 2), 7, np.uint8)
    encode_kept(frozen(network), grey[None])
    with ThreadPoolExecutor(1) as pool:
        read_features(frozen(network), Cells([grey[0], grey[0] + 1]), np.zeros((2, 1, 1), np.float32), pool)
    assert network.seen == [1, 2]
