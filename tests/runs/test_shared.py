"""How tasks come by a model, and rows in blocks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plait.core.contract import Table
from plait.errors import RequestError
from plait.runs.shared import each_block, say_where, set_up_model, tables_of
from plait.tasks.here import Here
from travelling import Travelling, travel


def sizes(rows: int, runner: Any) -> list[int]:
    table = Table({"n": np.arange(rows)})
    parts = [[part.data["n"] for part in tables_of(travel(r))] for r in each_block([table, table], runner)]
    assert all(np.array_equal(one, other) for one, other in parts)
    assert np.array_equal(np.concatenate([one for one, _ in parts]), table.data["n"])
    return [len(one) for one, _ in parts]


def test_blocks_hold_each_row_once_and_begin_where_chunks_do() -> None:
    assert sizes(0, Travelling()) == [0]
    assert sizes(600, Travelling()) == [256, 256, 88]
    assert {*sizes(17_000, Travelling())[:-1]} == {1024}


def test_here_a_block_stays_a_table_and_the_model_the_one_that_is_there() -> None:
    table, model = Table({"n": np.arange(3)}), object()
    (request,) = each_block([table], Here())
    assert isinstance(request["tables"][0], Table)
    assert set_up_model(model, model, None, Here()) == ("plait.runs.shared:take_model", {"model": model})


def test_a_model_in_memory_stays_in_this_process() -> None:
    said = r"a model in memory cannot go to other processes \(on=local\); give the folder of its run, which model.save"
    with pytest.raises(RequestError, match=said):
        set_up_model(object(), object(), None, Travelling())


def test_others_open_the_run_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    runner = Travelling()
    setup = set_up_model("run", object(), "proof", runner)
    assert setup == ("plait.runs.load:open_request", {"run": str(tmp_path / "run"), "candidate": "proof"})
    assert set_up_model("run.onnx", object(), None, runner)[1]["run"] == str(tmp_path / "run.onnx")
    assert runner.folders == [Path("run"), Path()]


def test_a_stage_says_on_how_many_nodes_it_is_done() -> None:
    runner = Travelling()
    assert say_where("predict", runner) == "predict"
    runner.facts = lambda: {"nodes": 3}  # type: ignore[method-assign]
    assert say_where("predict", runner) == "predict on 3 nodes"
