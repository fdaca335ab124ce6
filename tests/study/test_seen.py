"""What learners see of rows: vocabularies and codes learned from some of them, the rest as it was."""

import numpy as np
import pytest

from plait.core.contract import second_name
from plait.data.read import read
from plait.kinds.detect import detect
from plait.kinds.features import batch_features, features_seconds
from plait.study import seen as seen_module
from plait.study.seen import Seen, see_anew
from searches import make_job, prepare_all
from tiny import SENTENCES

TEXTS = [SENTENCES[row % len(SENTENCES)] for row in range(12)]


def test_words_of_rows_left_out_are_not_in_the_vocabulary() -> None:
    texts = [*TEXTS, "zebra zebra walks", "zebra sleeps here"]
    table = read({"note": texts, "age": [*range(13), None], "y": [row % 2 for row in range(14)]})
    schema = detect(table, target="y", kinds={"note": "text", "age": "number"})
    every = np.arange(14)
    base = Seen(prepare_all(table, schema, every))
    job, rows = make_job(table, schema), np.arange(2, 14)
    seen = see_anew(job, base, np.arange(2, 12), rows, np.random.default_rng(0))
    prep = next(view.prep for view in seen.prepared.views if view.name == "text")
    known = next(view.prep for view in base.prepared.views if view.name == "text")
    assert "zebra" in known.words
    assert "zebra" not in prep.words
    assert {*seen.layouts} == {*base.layouts} == {"text", "tabular", second_name("tabular", "as text")}
    letters = second_name("text", "letters")
    counts = seen.take(letters, np.array([13, 0]))
    assert (counts != base.take(letters, np.array([13, 0]))).nnz == 0  # nothing was learned of them
    assert letters not in seen.features
    assert {*seen.features} == {*base.features}
    assert np.isnan(seen.features["text"][:2]).all()  # not prepared
    assert not np.isnan(seen.features["text"][2:]).any()
    assert len(seen.features["tabular"]) == 14
    assert {name: len(x) for name, x in seen.few.inputs.items()} == {view.name: 12 for view in base.prepared.views}


def test_rows_are_written_as_text_anew_when_that_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read({"note": TEXTS, "age": list(range(12)), "y": [0, 1] * 6})
    schema = detect(table, target="y", kinds={"note": "text", "age": "number"})
    base, learned, learn = Seen(prepare_all(table, schema, np.arange(12))), list[str](), seen_module._learn_view
    monkeypatch.setattr(
        seen_module, "_learn_view", lambda view, *more: (learned.append(view.how), learn(view, *more))[1]
    )
    seen = see_anew(make_job(table, schema), base, np.arange(8), np.arange(12), np.random.default_rng(0))
    assert learned == ["own", "own"]
    written = second_name("tabular", "as text")
    assert seen.features[written].shape == (12, seen.layouts[written]["features"])
    assert seen.features["text"].shape == (12, seen.layouts["text"]["features"])
    assert learned == ["own", "own", "as text"]
    assert {name: len(x) for name, x in seen.few.inputs.items()} == {view.name: 12 for view in base.prepared.views}


def test_features_are_made_when_they_are_asked_for_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read({"note": TEXTS, "age": list(range(12)), "y": [0, 1] * 6})
    schema = detect(table, target="y", kinds={"note": "text", "age": "number"})
    seen, asked = Seen(prepare_all(table, schema, np.arange(12))), list[str]()
    make = Seen._make
    monkeypatch.setattr(Seen, "_make", lambda self, name: (asked.append(name), make(self, name))[1])
    assert "text" in seen.features
    assert asked == []
    assert seen.features["tabular"] is seen.features["tabular"]
    assert asked == ["tabular"]


def test_a_modality_that_no_row_learned_from_has_stays_as_it_was() -> None:
    table = read({"note": [None, None, *TEXTS[:6]], "age": list(range(8)), "y": [row % 2 for row in range(8)]})
    schema = detect(table, target="y", kinds={"note": "text", "age": "number"})
    base = Seen(prepare_all(table, schema, np.arange(8)))
    seen = see_anew(make_job(table, schema), base, np.arange(2), np.arange(8), np.random.default_rng(0))
    assert seen.features["text"] is base.features["text"]


def test_runs_of_many_texts_are_counted_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read({"note": TEXTS[:6], "y": [0, 1] * 3})
    schema = detect(table, target="y", kinds={"note": "text"})
    kept = Seen(prepare_all(table, schema, np.arange(6)))
    name, rows = second_name("text", "letters"), np.array([4, 1])
    counts = kept.take(name, rows)
    assert {*kept.counts} == {name}
    monkeypatch.setattr("plait.study.seen.MOST_LETTERS", 10)
    flat = Seen(kept.prepared)
    assert (flat.take(name, rows) != counts).nnz == 0
    assert flat.counts == {}


def test_features_that_were_made_elsewhere_are_seen_as_there() -> None:
    letters = np.array([[65, 66, 0], [67, 0, 0], [0, 0, 0]], np.uint8)
    seen = Seen.given({"a": np.ones((3, 2))}, {"a": {"kind": "tabular"}}, {"text as letters": letters})
    assert seen.take("text as letters", np.array([2, 0])).shape[0] == 2
    turn = seen.changed({"a": np.zeros((2, 1))}, {"a": {"kind": "vectors"}}, np.array([0, 2]))
    assert turn.features["a"][:, 0].tolist() == pytest.approx([0, np.nan, 0], nan_ok=True)
    assert turn.layouts == {"a": {"kind": "vectors"}}
    assert seen.features["a"].tolist() == np.ones((3, 2)).tolist()


def test_rows_to_take_times_of_have_the_features_that_are_made_already(monkeypatch: pytest.MonkeyPatch) -> None:
    table = read({"age": list(range(12)), "y": [0, 1] * 6})
    seen = Seen(prepare_all(table, detect(table, target="y", kinds={"age": "number"}), np.arange(12)))
    whole = seen.features["tabular"]
    monkeypatch.setattr("plait.kinds.features._features_of", lambda *_: pytest.fail("made again"))
    assert np.array_equal(batch_features(seen.few, seen.layouts, ["tabular"])["tabular"], whole)
    assert features_seconds(seen.few, [("tabular", seen.layouts)]) == pytest.approx(12 * seen.seconds["tabular"])
