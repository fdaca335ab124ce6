import json
from types import SimpleNamespace

import pytest

from plait.core.contract import Table
from plait.errors import RequestError, RunError
from plait.runs.embedding import kept_space, read_features
from plait.runs.kept import Kept
from plait.runs.model import Model
from plait.runs.onnx import OnnxModel
from plait.space.index import Index
from plait.space.keep import as_proven, check_able, space_of
from plait.space.lesson import learned_parts


def test_a_space_is_learned_once(run: Model, kept: Index, table: Table) -> None:
    again = space_of(run, table, read_features(run, table[:1]))
    assert again.seal == kept.space.seal
    assert again.run == run.facts.seal


def test_a_space_is_of_one_run(run: Model, kept: Index, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run.facts, "seal", "another")
    assert kept_space(run, "kind") is None


def test_too_few_rows_say_what_to_give(run: Model, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "folder", None)
    with pytest.raises(RequestError, match="A space is learned from the table that the run was fitted on"):
        space_of(run, table[:4], read_features(run, table[:4]))
    with pytest.raises(RequestError, match="there is no space for 'sort'"):
        check_able(run, "sort")


def test_a_run_that_learned_anew_is_judged_as_it_was_proven(run: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_proven(run) is None
    text, tabular = run.alone["text"], run.alone["tabular"]
    monkeypatch.setattr(run.facts, "refit", {"how": "train+val", "rows": 22, "kept": ["tabular"]})
    assert as_proven(run) is None  # of the text alone nothing else is kept
    then = SimpleNamespace(names=["text"])
    monkeypatch.setattr(run, "_kept", lambda: Kept({"tabular (alone)": tabular, "text (alone)": then}))
    proven = as_proven(run)
    assert proven is not None
    assert (proven.alone["text"], proven.alone["tabular"]) == (then, tabular)
    assert (run.alone["text"], proven.facts.refit, learned_parts(proven, ["text"])) == (text, None, ())


def test_an_onnx_file_has_no_vectors(run: Model) -> None:
    model = OnnxModel(run.facts, run.views, run.predictors)
    with pytest.raises(RequestError, match="an ONNX file has no vectors to search by"):
        check_able(model, None)


def test_what_was_changed_is_refused(run: Model, kept: Index) -> None:
    assert run.folder is not None
    path = run.folder / "space-kind.json"
    before = path.read_text()
    path.write_text(json.dumps({**json.loads(before), "name": "mine"}))
    try:
        with pytest.raises(RunError, match="is damaged: it was changed after it was written"):
            kept_space(run, "kind")
    finally:
        path.write_text(before)
