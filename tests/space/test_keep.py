import json

import pytest

from plait.core.contract import Table
from plait.errors import RequestError, RunError
from plait.runs.embedding import kept_space, read_features
from plait.runs.model import Model
from plait.runs.onnx import OnnxModel
from plait.space.index import Index
from plait.space.keep import check_able, space_of


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
