"""What is found in a column of vectors: other lengths, zeros, and what cannot be read."""

import numpy as np
import pytest

import plait
from plait.kinds.vectors.checks import VectorFacts, check_facts, look, quick


def facts(*vectors: list[float]) -> list[VectorFacts]:
    return [look(np.array(vector), None) for vector in vectors]


def test_other_lengths_and_zeros_are_found() -> None:
    seen = [*facts([1, 2], [3, 4], [1, 2, 3], [0, 0]), None]
    found = {finding.check: (finding.rows, finding.message) for finding in check_facts("v", seen)}
    assert found["vectors-length"][0] == (2,)
    assert found["vectors-length"][1].endswith(
        "holds a vector of another length than the usual 2; the first: 3 numbers"
    )
    assert found["vectors-zero"][0] == (3,)
    assert found.keys() == {"vectors-length", "vectors-zero"}


def test_equal_numbers_are_one_content_however_written() -> None:
    one, other = look(np.array([0.5, 0.25]), None), look("[0.5, 0.25]", None)
    assert one.decoded == other.decoded
    assert VectorFacts.from_json("vectors", one.to_json()) == one


def test_quick_numbers_are_scaled_and_short_for_long_vectors() -> None:
    values, present = quick({"v": [*facts(list(range(1, 300)), list(range(2, 301))), None]}, {})
    assert values.shape == (3, 128)
    assert present.tolist() == [True, True, False]
    assert values[0] == pytest.approx(-1, abs=1e-3)
    assert values[1] == pytest.approx(1, abs=1e-3)


def test_check_names_what_fit_takes_as_absent() -> None:
    vectors = np.random.default_rng(0).standard_normal((8, 5)).tolist()
    vectors[1], vectors[2] = [1.0, 2.0], [float("nan")] * 5
    cells = [*map(str, vectors), '[1, 2, "x"]', "array([1., 2., 3., 4., 5.])"]
    found = plait.check({"v": cells, "y": [0, 1] * 5}, target="y", kinds={"v": "vectors"})
    assert {(f.check, f.rows) for f in found if f.column == "v"} == {
        ("vectors-length", (1,)),
        ("vectors-not-finite", (2,)),
        ("file-unreadable", (8,)),
    }
    (wrong,) = (f for f in found if f.check == "file-unreadable")
    assert wrong.message == "1 cell cannot be read; the first: a list that holds something else than numbers"
