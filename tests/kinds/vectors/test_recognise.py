"""Which lists of numbers are vectors, and which are a series."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.contract import Column
from plait.core.options import FitOptions
from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.vectors.recognise import autocorrelation
from plait.verbs.check import detect_columns

VECTORS = np.random.default_rng(0).standard_normal((6, 9))
WAVES = np.sin(np.arange(40) / 5 + np.arange(6)[:, None])


def judged(cells: Any, name: str = "v", **options: Any) -> Column:
    return detect(read({name: cells, "other": list(range(6))}), **options).column(name)


@pytest.mark.parametrize(
    "cells",
    [
        VECTORS,
        list(VECTORS),
        VECTORS.tolist(),
        [str(row.tolist()) for row in VECTORS],
        [str(row) for row in VECTORS],
        [*VECTORS[:5], None],
        [*VECTORS[:5], VECTORS[0, :4]],
        [*VECTORS[:5].tolist(), ["a", 1]],
    ],
    ids=["array", "arrays", "lists", "JSON", "as NumPy prints", "a hole", "one shorter", "one of words"],
)
def test_lists_of_one_length_are_vectors(cells: Any) -> None:
    column = judged(cells)
    assert (column.kind, column.role) == ("vectors", "feature")
    assert column.why.startswith("lists of 9 numbers, neighbours of which do not resemble each other (correlation −0.")


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (WAVES, "lists of 40 numbers, neighbours of which resemble each other (correlation 0.96); --kind v="),
        ([row[: 3 + k] for k, row in enumerate(VECTORS)], "lists of 3 to 8 numbers; --kind v=vectors reads lists"),
        ([[[1.0], [2.0, 3.0]]] * 6, "lists in lists"),
    ],
    ids=["alike", "lengths", "nested"],
)
def test_other_lists_are_a_series(cells: Any, why: str) -> None:
    column = judged(cells)
    assert (column.kind, column.role) == ("series", "feature")
    assert column.why.startswith(why)


def test_the_way_out_of_a_series_works() -> None:
    table = read({"ecg": WAVES, "y": [0, 1] * 3})
    assert detect(table, target="y", kinds={"ecg": "vectors"}).modality("ecg").kind == "vectors"


def test_flat_arrays_stay_sounds_where_a_name_or_a_rate_says_so() -> None:
    assert judged(WAVES, "speech").kind == "audio"
    assert judged(VECTORS, "recording").kind == "audio"
    assert judged(VECTORS, "speech_embedding").kind == "vectors"
    table = read({"x": WAVES, "note": ["a"] * 6})
    assert detect(table).column("x").kind == "series"
    told = detect_columns(table, None, FitOptions.of({"sample_rate": 8000})).column("x")
    assert (told.kind, told.why) == ("audio", "arrays of shape (40), and 8,000 Hz")


def test_each_column_of_vectors_is_a_modality() -> None:
    schema = detect(read({"a": VECTORS, "b": VECTORS[:, :4], "y": [0, 1] * 3}), target="y")
    assert [(m.name, m.kind, m.columns) for m in schema.modalities] == [
        ("a", "vectors", ("a",)),
        ("b", "vectors", ("b",)),
    ]


def test_files_of_numpy_are_told(tmp_path: Path) -> None:
    for row, vector in enumerate(VECTORS):
        np.save(tmp_path / f"{row}.npy", vector)
    rows = "".join(f"{row}.npy,{row}\n" for row in range(6))
    (tmp_path / "t.csv").write_text("v,x\n" + rows)
    assert detect(read(tmp_path / "t.csv")).column("v").kind == "vectors"


def test_lists_of_classes_and_words_are_no_vectors() -> None:
    assert judged(["[1, 2]", "[2, 3]"] * 3).kind == "category"
    assert judged(["[0.5, 0.25]"] * 6).why == "only one value: '[0.5, 0.25]'"
    assert judged([["a", "b"]] * 6).why == "the cells hold lists: nothing here to learn from"
    assert judged(["[as it came] a note of a few words"] * 5 + ["[0.1, 0.2]"]).kind == "text"


def test_neighbours_of_constant_and_short_lists_say_nothing() -> None:
    assert np.isnan(autocorrelation([np.ones(5), np.array([np.nan, np.inf, 1e300])]))
    assert judged(np.ones((6, 5))).why == "lists of 5 numbers"
    assert autocorrelation([np.array([1.0, -1.0, 1.0, -1.0])]) == -0.75
