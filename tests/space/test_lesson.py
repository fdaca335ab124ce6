from dataclasses import replace

import numpy as np
import pytest

import plait
from joint import joint_run, two_targets
from plait.core.contract import Table
from plait.errors import RequestError
from plait.runs.embedding import read_features
from plait.runs.model import Model
from plait.space.keep import as_proven
from plait.space.lesson import class_codes, contents_of, draw_part, learned_parts, lesson_of, parts_of, say_unseen


def test_a_lesson_of_a_run(run: Model, table: Table) -> None:
    read = read_features(run, table)
    lesson = lesson_of(run, table, read)
    assert lesson.names == ["text", "tabular"]
    assert lesson.of["text"].endswith("and probabilities")
    assert lesson.chances == {"text": 2, "tabular": 2}
    assert lesson.features["text"].shape[0] == 24
    assert {*lesson.part} == {"train", "val", "test"}
    with pytest.raises(RequestError, match=r"there is no column 'colr'\. Did you mean 'colour'"):
        lesson_of(run, table, read, "colr")


def test_the_same_content_has_the_same_number(run: Model, table: Table) -> None:
    twice = table.take([0, 1, 0])
    contents = contents_of(run, twice)
    assert contents["text"][0] == contents["text"][2] != contents["text"][1]


def test_classes_of_the_target_or_of_a_column(run: Model, table: Table) -> None:
    codes, num = class_codes(run, table)
    assert codes is not None
    assert (num, {*codes.tolist()}) == (2, {0, 1})
    codes, num = class_codes(run, table, "colour")
    assert num == 3
    less = replace(table, data={name: x for name, x in table.data.items() if name != run.target})
    assert class_codes(run, less) == (None, 2)


def test_a_part_is_drawn_by_whole_groups() -> None:
    part, groups = np.full(40, "train", "<U5"), np.repeat(np.arange(8), 5)
    draw_part(part, "test", groups, np.random.default_rng(0))
    assert (part == "test").sum() == 10
    assert all(len({*part[groups == group]}) == 1 for group in range(8))


def test_what_the_run_has_learned_from_since(run: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("text", "tabular")
    assert learned_parts(run, names) == ()
    for how, kept, known in (
        ("all", [], ("val", "test")),
        ("train+val", ["text"], ("val",)),
        ("train+val", ["text", "tabular"], ()),
    ):
        monkeypatch.setattr(run.facts, "refit", {"how": how, "rows": 22, "kept": kept})
        assert learned_parts(run, names) == known


def test_rows_that_the_run_keeps_of_validation_choose_and_no_others(run: Model, table: Table) -> None:
    known, place = np.ones(24, bool), np.full(24, -1)
    place[[3, 7]] = 1, 0
    part = parts_of(run, table, known, place)
    assert np.flatnonzero(part == "val").tolist() == [3, 7]
    named = replace(table, data={**table.data, "split": np.array(["train"] * 6 + ["val"] * 18, object)})
    schema = {
        **run.facts.schema,
        "columns": [*run.facts.schema["columns"], {"name": "split", "kind": "category", "role": "split"}],
    }
    by_column = replace(run, facts=replace(run.facts, schema=schema))
    known[8] = False
    part = parts_of(by_column, named, known, place)  # row 8 is a new one, what else is named so was learned from
    assert {one: np.flatnonzero(part == one).tolist() for one in ("train", "val", "test")} == {
        "train": [0, 1, 2, 4, 5], "val": [3, 7, 8], "test": [],
    }  # fmt: skip


def test_of_rows_that_choose_counts_what_was_said_before_they_were_learned() -> None:
    features = np.array([[5.0, 1.0, 0.0], [6.0, 1.0, 0.0], [np.nan] * 3])
    said = say_unseen(features, np.array([[0.2, 0.8], [0.3, 0.7]], np.float32), np.array([-1, 1, 0]))
    assert said[:2] == pytest.approx(np.array([[5.0, 1.0, 0.0], [6.0, 0.3, 0.7]]))
    assert np.isnan(said[2]).all()
    assert features[1, 1] == 1.0


def test_without_a_split_column_the_rows_of_validation_are_those_of_the_fit() -> None:
    model, table = joint_run().models["y"], plait.read(two_targets())
    proven = as_proven(model)
    assert proven is not None
    assert (model.facts.refit or {})["how"] == "all"
    lesson = lesson_of(proven, table, read_features(proven, table))
    assert {one: int((lesson.part == one).sum()) for one in ("train", "val")} == {"train": 81, "val": 23}
    assert lesson.learned == ()
    since = lesson_of(model, table, read_features(model, table))
    assert since.learned == ("val", "test")
    before = lesson_of(replace(proven, _unseen=None), table, read_features(proven, table))
    assert (before.learned, int((before.part == "val").sum()) > 0) == (("val",), True)  # a run that kept none
