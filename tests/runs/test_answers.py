"""What predictors say of prepared rows, given each subset of modalities, and the holes that are counted."""

from collections.abc import Sequence

import numpy as np

from plait.core.contract import Batch
from plait.data.read import read
from plait.kinds.detect import detect
from plait.models.rows import Prepared, prepare
from plait.models.views import fit_views
from plait.runs.answers import NO_NUMBER, Answers, answer_prepared, count_holes


class Counting:
    """A predictor that says how many of its modalities are there; it also keeps how many rows it was asked at once."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.sizes: list[int] = []

    def __call__(self, batch: Batch) -> np.ndarray:
        there = np.stack([batch.present[name].numpy() for name in self.names], 1)
        self.sizes.append(len(there))
        return there.sum(1, keepdims=True).astype(float)


def prepared_of(notes: list[str | None], ages: list[float | None]) -> Prepared:
    table = read({"note": notes, "age": ages})
    schema = detect(table, kinds={"note": "text", "age": "number"})
    return prepare(table, fit_views(table, schema, np.arange(len(notes)), {}, np.random.default_rng(0)))


def test_holes_are_counted_as_blank_or_broken() -> None:
    class Noted:
        names = ["views", "tabular"]
        reasons = [
            {"views": "front: blank; back: blank"},
            {"views": "blank"},
            {"views": "file not found: x.png"},
            {"tabular": "blank"},
            {"views": "front: blank", "tabular": "column 'age': blank; column 'town': 'Rome' was not in training"},
            {"tabular": "column 'town': blank; column 'age': 'x' is not a number"},
        ]
        present = {
            "views": np.array([False, False, False, True, True, True]),
            "tabular": np.array([True, True, True, False, True, True]),
        }

    found = count_holes(Noted())  # type: ignore[arg-type]
    assert found["views"] == {"blank": 2, "broken": 1, "example": "row 2: file not found: x.png"}
    assert found["tabular"] == {"blank": 1, "broken": 1, "example": "row 5: column 'age': 'x' is not a number"}


def test_a_modality_alone_that_the_winner_does_not_look_at_is_answered_for() -> None:
    prepared, text = prepared_of(["warm", None], [30.0, 2.0]), Counting(["text"])
    other = Counting(["tabular"])
    answered = answer_prepared(prepared, text, [("text",)], {"text": text, "tabular": other}, ["text"])
    assert {name: said[:, 0].tolist() for name, said in answered.alone.items()} == {"text": [1, 0], "tabular": [1, 1]}
    assert (text.sizes, other.sizes) == ([2], [2])  # each is asked once


def test_each_subset_is_answered_for_as_if_the_rest_were_absent() -> None:
    prepared = prepared_of(["warm", "cold", None, None], [30.0, None, 40.0, None])
    both = Counting(["text", "tabular"])
    answered = answer_prepared(
        prepared, both, [("text",), ("text", "tabular")], {"tabular": Counting(["tabular"])}, ["text", "tabular"]
    )
    # a subset is named in the order of the alphabet
    assert {keep: said[:, 0].tolist() for keep, said in answered.answers.items()} == {
        ("text",): [1, 1, 0, 0],
        ("tabular", "text"): [2, 1, 1, 0],
    }
    assert answered.alone["tabular"][:, 0].tolist() == [1, 0, 1, 0]
    assert answered.present["text"].tolist() == [True, True, False, False]
    assert answered.statuses == [
        ("ok", ""),
        ("partial", "tabular: blank"),
        ("partial", "text: blank"),
        ("failed", "text: blank; tabular: blank"),
    ]


def test_rows_that_are_named_come_in_their_order() -> None:
    prepared = prepared_of(["warm", "cold", None], [30.0, None, 40.0])
    answered = answer_prepared(prepared, Counting(["text"]), [("text",)], {}, ["text", "tabular"], np.array([2, 0]))
    assert answered.answers["text",][:, 0].tolist() == [0, 1]
    assert answered.present["tabular"].tolist() == [True, True]
    assert [status for status, _ in answered.statuses] == ["partial", "ok"]


def test_a_predictor_is_asked_128_rows_at_a_time() -> None:
    asked = Counting(["text"])
    prepared = prepared_of(["warm", None] * 100, [30.0] * 200)
    answered = answer_prepared(prepared, asked, [("text",)], {}, ["text"])
    assert asked.sizes == [128, 72]
    assert answered.answers["text",][:, 0].tolist() == [1, 0] * 100


def test_parts_are_joined_in_order() -> None:
    def part(value: float, there: bool) -> Answers:
        said = np.array([[value]])
        return Answers({("a",): said}, {"a": said + 1}, {"a": np.array([there])}, [("ok", str(value))])

    whole = Answers.join([part(1.0, True), part(2.0, False)])
    assert whole.answers["a",].tolist() == [[1.0], [2.0]]
    assert whole.alone["a"].tolist() == [[2.0], [3.0]]
    assert whole.present["a"].tolist() == [True, False]
    assert whole.statuses == [("ok", "1.0"), ("ok", "2.0")]


def test_a_cell_that_conversion_filled_is_no_hole() -> None:
    prepared = prepared_of(["warm", "cold", None], [30.0, None, 40.0])
    prepared.reasons[0]["text"] = "blank, filled from sound by reader 1"
    assert count_holes(prepared) == {
        "text": {"blank": 1, "broken": 0, "example": "", "filled": 1},
        "tabular": {"blank": 1, "broken": 0, "example": ""},
    }


def test_an_answer_that_is_no_number_is_no_answer() -> None:
    class Broken(Counting):
        def __call__(self, batch: Batch) -> np.ndarray:
            answers = super().__call__(batch)
            answers[1:] = [[np.nan], [np.inf]]
            return answers

    prepared = prepared_of(["a b", "a", None], [1.0, None, 3.0])
    answers = answer_prepared(prepared, Broken(["text", "tabular"]), [("text", "tabular")], {}, ["text", "tabular"])
    assert answers.statuses == [("ok", ""), NO_NUMBER, NO_NUMBER]
    assert NO_NUMBER == ("failed", "the model's answer is no finite number")
