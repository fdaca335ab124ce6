"""The learner of words and letters: what it learns, that it is kept and read again, and what it refuses."""

from typing import Any

import numpy as np
import pytest
import torch

from plait.core.contract import Batch, answer_subsets, second_name
from plait.core.files import pack_tensors, unpack_tensors
from plait.errors import RequestError, RunError
from plait.models.classic import Goal
from plait.models.predictors import restore_predictors, store_predictors
from plait.models.sparse import Lesson, SparsePredictor, count_texts, weigh

NAME, SIZE = second_name("note", "letters"), 32
TEXTS = ["warm and dry", "cold and wet", "so warm", "so cold", "warm", "cold", "warm dry", "cold wet", ""]
PRIOR = np.array([0.5, 0.5, 0.0])  # of the last class there is no row


def written(texts: list[str]) -> np.ndarray:
    rows = [text.encode().ljust(SIZE, b"\0") for text in texts]
    return np.frombuffer(b"".join(rows), np.uint8).reshape(-1, SIZE)


def batch_of(*texts: str) -> Batch:
    there = torch.tensor([bool(text) for text in texts])
    return Batch({NAME: torch.from_numpy(written(list(texts)).copy())}, {"note": there, NAME: there})


def lesson(goal: Goal | None = None) -> Lesson:
    goal = Goal(np.arange(9) % 2, PRIOR) if goal is None else goal
    return Lesson(NAME, {"kind": "letters", "bytes": SIZE}, count_texts(written(TEXTS)), goal, np.random.default_rng(0))


@pytest.fixture(scope="module")
def learned() -> SparsePredictor:
    return lesson().fit(10.0)


def test_it_learns_what_words_tell(learned: SparsePredictor) -> None:
    answers = learned(batch_of("a warm day", "a cold day", "", "warmer"))
    assert answers.shape == (4, 3)
    assert answers.argmax(1)[[0, 1, 3]].tolist() == [0, 1, 0]
    assert answers[:, 2].tolist() == [0.0] * 4
    assert answers[2].tolist() == PRIOR.tolist()  # nothing there
    assert answers.sum(1) == pytest.approx([1.0] * 4)


def test_it_looks_at_one_modality_through_a_view_of_its_own(learned: SparsePredictor) -> None:
    assert learned.names == ("note",)
    assert learned.input_names == (NAME,)
    whole, none = answer_subsets(learned, batch_of("warm"), [["note"], []])
    assert whole[0, 0] > 0.5
    assert none.tolist() == [PRIOR.tolist()]


def test_a_row_alone_is_answered_as_in_a_batch(learned: SparsePredictor) -> None:
    together = learned(batch_of(*TEXTS))
    alone = np.concatenate([learned(batch_of(text)) for text in TEXTS])
    assert np.abs(together - alone).max() < 1e-9


def test_numbers_are_answered_in_their_unit() -> None:
    numbers = np.where(np.arange(9) % 2, 100.0, 300.0)
    predictor = lesson(Goal(numbers, np.array([200.0]), regression=True)).fit(10.0)
    warm, cold, nothing = predictor(batch_of("warm", "cold", ""))[:, 0]
    assert 60 < cold < 150 < 250 < warm < 340
    assert nothing == 200.0


def test_words_and_letters_of_a_row_are_each_of_length_one() -> None:
    counts = count_texts(written(["warm and dry", "!", ""]))
    columns = np.unique(counts.indices)
    x = weigh(counts, columns, np.ones(len(columns), np.float32)).toarray()
    parts = [np.linalg.norm(x[:, columns % 2 == odd], axis=1).tolist() for odd in (0, 1)]
    assert parts == [pytest.approx([1, 0, 0]), pytest.approx([1, 1, 0])]


def test_a_row_may_count_more_than_another() -> None:
    goal = Goal(np.array([0, 1] * 4 + [0]), PRIOR, counts=np.where(np.arange(9) == 5, 50.0, 1.0))
    heavy = lesson(goal).fit(1.0)(batch_of("cold"))[0, 1]
    assert heavy > lesson().fit(1.0)(batch_of("cold"))[0, 1]


@pytest.mark.parametrize("codes", [np.zeros(9, int), np.array([0] * 8 + [1])])
def test_texts_of_one_class_teach_nothing(codes: np.ndarray) -> None:
    with pytest.raises(RequestError, match="that have note are fewer than two, or of one class"):
        lesson(Goal(codes, PRIOR))


def test_it_is_kept_and_read_again(learned: SparsePredictor) -> None:
    stored = store_predictors({"winner": learned})
    assert stored.parts[0]["is"] == "sparse"
    again = restore_predictors(stored, num_classes=3)["winner"]
    assert isinstance(again, SparsePredictor)
    assert again(batch_of(*TEXTS)).tolist() == learned(batch_of(*TEXTS)).tolist()
    assert again.params == learned.params == 3 * len(learned.columns) + 1


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("columns", np.array([3, 2], np.int32), "its columns are not in order"),
        ("columns", np.array([1 << 30], np.int32), "its columns are not in order"),
        ("idf", np.zeros(3, np.float32), "not each of its columns has a weight above 0"),
        ("coefficients", np.zeros((1, 3), np.float32), r"it has coefficients \(1, 3\); expected \(1, "),
        ("coefficients", np.full((1, 3), np.nan, np.float32), "its coefficients are not there, or no finite numbers"),
        ("intercepts", np.zeros(2), "it has coefficients"),
        ("classes", np.array([1, 0]), "its classes are not those of its prior, in order"),
        ("classes", np.array([1]), "it knows too few classes, or too many"),
    ],
)
def test_what_is_damaged_is_told(learned: SparsePredictor, name: str, value: np.ndarray, said: str) -> None:
    facts, arrays = learned.state()
    with pytest.raises(RunError, match=f"the learner of words and letters is damaged: {said}"):
        SparsePredictor.from_state(facts, {**arrays, name: value})


def test_a_unit_that_is_none_is_told(learned: SparsePredictor) -> None:
    facts, arrays = learned.state()
    arrays = unpack_tensors(pack_tensors(arrays), "a file")
    for wrong, said in (({"unit": [0.0, 0.0]}, "its unit"), ({"names": []}, "it looks at another number")):
        changed: dict[str, Any] = {**facts, **wrong}
        with pytest.raises(RunError, match=said):
            SparsePredictor.from_state(changed, arrays)


def test_a_batch_without_its_letters_is_refused(learned: SparsePredictor) -> None:
    with pytest.raises(RequestError, match="of 32 bytes a row"):
        learned(Batch({}, {"note": torch.tensor([True])}))
