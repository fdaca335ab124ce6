"""Metrics as functions of weights: a weight is how often a row counts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.proof.metrics import classification, draw, labelling, recognition, regression, row_f1, sort_key

QUICK = settings(derandomize=True, deadline=None, database=None, max_examples=40)


def weigh(*rows: float) -> np.ndarray:
    return np.array(rows, np.float32)[:, None]


def test_classes_by_hand() -> None:
    truth, guess = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]])
    found = classification(truth, guess, probabilities, ["no", "yes"])(np.ones((4, 1), np.float32))
    assert found["accuracy"] == [0.75]
    assert found["recall"][:, 0].tolist() == [0.5, 1.0]
    assert found["precision"][:, 0] == pytest.approx([1, 2 / 3])
    assert found["f1"][:, 0] == pytest.approx([2 / 3, 0.8])
    assert found["auroc"] == [1.0]  # every "yes" is surer of it than every "no"


def test_each_column_of_weights_is_a_resample_of_its_own() -> None:
    truth, guess = np.array([0, 0, 1]), np.array([0, 1, 1])
    measure = classification(truth, guess, np.eye(2)[guess], ["no", "yes"])
    weights = np.array([[1, 0, 3], [1, 2, 0], [1, 0, 0]], np.float32)
    found = measure(weights)
    assert found["accuracy"] == pytest.approx([2 / 3, 0, 1])
    assert np.isnan(found["auroc"][1:]).all()  # one class alone
    assert found["auroc"][0] == pytest.approx(0.75)  # of two pairs one is a tie


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12))
@QUICK
def test_a_weight_of_two_is_the_row_twice(rows: list[tuple[int, int, int]]) -> None:
    if not sum(times for *_, times in rows):
        rows = [(*rows[0][:2], 1)]
    truth, guess, times = (np.array(column) for column in zip(*rows, strict=True))
    names = ["a", "b", "c"]
    said = np.random.default_rng(0).dirichlet(np.ones(3), len(rows))
    weighted = classification(truth, guess, said, names)(times.astype(np.float32)[:, None])
    again = np.repeat(np.arange(len(rows)), times)
    plain = classification(truth[again], guess[again], said[again], names)(np.ones((len(again), 1), np.float32))
    for name, value in plain.items():
        assert weighted[name] == pytest.approx(value, abs=1e-6, nan_ok=True), name


def test_numbers_by_hand() -> None:
    measure = regression(np.array([1.0, 2.0, 3.0]), np.array([1.0, 3.0, 5.0]))
    found = measure(np.array([[1, 2], [1, 1], [1, 0]], np.float32))
    assert found["mae"] == pytest.approx([1, 1 / 3])
    assert found["rmse"] == pytest.approx([np.sqrt(5 / 3), np.sqrt(1 / 3)])
    assert found["r2"] == pytest.approx([1 - 5 / 2, 1 - 1 / (2 / 3)])  # of 1, 1, 2 the squares sum to 2 / 3


def test_r2_of_what_does_not_vary_is_undefined() -> None:
    assert np.isnan(regression(np.array([2.0, 2.0]), np.array([1.0, 3.0]))(weigh(1, 1))["r2"]).all()
    assert np.isnan(regression(np.array([1.0, 2.0]), np.array([1.0, 3.0]))(weigh(2, 0))["r2"]).all()


def test_transcripts_by_hand() -> None:
    measure = recognition(np.array([[0, 4, 0, 20], [3, 2, 10, 10]]))
    found = measure(np.array([[1, 0], [1, 2]], np.float32))
    assert found["wer"] == pytest.approx([3 / 6, 6 / 4])  # more words than were to be said
    assert found["cer"] == pytest.approx([10 / 30, 1.0])
    assert found["exact"] == pytest.approx([0.5, 0.0])
    assert np.isnan(recognition(np.array([[1, 0, 2, 0]]))(weigh(1))["wer"]).all()


def test_a_resample_draws_as_many_as_there_are() -> None:
    counts = draw(np.random.default_rng(0), 50, 400)
    assert counts.shape == (50, 400)
    assert counts.dtype == np.float32
    assert (counts.sum(0) == 50).all()
    assert counts.mean(1) == pytest.approx(np.ones(50), abs=0.25)  # a standard error of 0.05
    assert counts.max() > 2  # with replacement
    assert np.array_equal(counts, draw(np.random.default_rng(0), 50, 400))


def test_names_are_sorted_as_numbers_only_where_all_are() -> None:
    assert sorted(["10", "9", "-1"], key=sort_key(["10", "9", "-1"])) == ["-1", "9", "10"]
    assert sorted(["10", "9", "a"], key=sort_key(["10", "9", "a"])) == ["10", "9", "a"]
    assert sorted(["10", "9", "inf"], key=sort_key(["10", "9", "inf"])) == ["10", "9", "inf"]


def test_a_resample_within_classes_keeps_how_many_there_are_of_each() -> None:
    strata = np.array([1, 0, 1, 1, 0, 2])
    counts = draw(np.random.default_rng(0), 6, 300, strata)
    for code, rows in enumerate((2, 3, 1)):
        assert (counts[strata == code].sum(0) == rows).all()
    assert counts.mean(1) == pytest.approx(np.ones(6), abs=0.15)


def test_grades_by_hand() -> None:
    truth, guess = np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2])
    found = classification(truth, guess, np.eye(3)[guess], ["1", "2", "3"], True)(np.ones((4, 1), np.float32))
    assert found["mae"] == [0.25]
    # squared steps 1 of 4; of two drawn apart (0, 1, 2, 2) and (0, 1, 1, 2) 20 of 16
    assert found["quadratic_kappa"] == pytest.approx([1 - (1 / 4) / (20 / 16)])


SETS = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 0, 0]], bool)
CHOSEN = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0]], bool)
SAID = np.array([[0.9, 0.4, 0.1], [0.2, 0.8, 0.1], [0.1, 0.3, 0.2], [0.3, 0.6, 0.1]])


def test_labels_by_hand() -> None:
    found = labelling(SETS, CHOSEN, SAID)(weigh(1, 1, 1, 1))
    assert row_f1(SETS, CHOSEN) == pytest.approx([2 / 3, 1, 1, 0])
    assert found["f1_rows"] == pytest.approx([2 / 3])
    assert found["hamming_loss"] == pytest.approx([3 / 12])
    assert found["exact_match"] == [0.5]
    assert found["f1_micro"] == pytest.approx([4 / 7])
    assert found["f1_macro"] == pytest.approx([(2 / 3 + 1 / 2) / 2])  # the third is nowhere
    assert found["average_precision"] == pytest.approx([(1 + (1 + 2 / 3) / 2) / 2])  # ranks 1, 2 and 1, 3


def test_labels_as_scikit_learn_has_them() -> None:
    from sklearn.metrics import average_precision_score, f1_score, hamming_loss

    generator = np.random.default_rng(3)
    sets, said = generator.random((50, 4)) < 0.4, generator.random((50, 4)).round(1)
    found = labelling(sets, said >= 0.5, said)(np.ones((50, 1), np.float32))
    for name, how in (("f1_micro", "micro"), ("f1_macro", "macro"), ("f1_rows", "samples")):
        assert found[name][0] == pytest.approx(f1_score(sets, said >= 0.5, average=how, zero_division=1.0), abs=1e-6)
    assert found["average_precision"][0] == pytest.approx(average_precision_score(sets, said, average="macro"))
    assert found["hamming_loss"][0] == pytest.approx(hamming_loss(sets, said >= 0.5))


@given(st.lists(st.integers(0, 3), min_size=4, max_size=4))
@QUICK
def test_a_weight_of_labels_is_the_row_so_often(times: list[int]) -> None:
    times = times if sum(times) else [1, 0, 0, 0]
    again = np.repeat(np.arange(4), times)
    plain = labelling(SETS[again], CHOSEN[again], SAID[again])(np.ones((len(again), 1), np.float32))
    for name, value in labelling(SETS, CHOSEN, SAID)(weigh(*times)).items():
        if plain[name].shape == value.shape and name != "average_precision":
            assert value == pytest.approx(plain[name], abs=1e-6, nan_ok=True), name


def test_one_metric_of_labels_alone_is_quicker() -> None:
    assert labelling(SETS, CHOSEN, SAID, "f1_rows")(weigh(1, 1, 1, 1)).keys() == {
        "f1_rows",
        "hamming_loss",
        "exact_match",
    }
