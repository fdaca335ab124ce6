from dataclasses import replace

import numpy as np
import pytest

from plait.core.contract import Table
from plait.errors import RequestError
from plait.runs.embedding import read_features
from plait.runs.model import Model
from plait.space.lesson import class_codes, contents_of, draw_part, learned_parts, lesson_of


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
