"""Each verb that takes `--on`, on a Ray cluster of two nodes: what it says and writes is what one process does."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import plait
from plait.models import learners
from plait.tasks import cluster as tasks
from tiny import write_table

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]
KEPT = Path(__file__).parent / "kept"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Two nodes, each of one core, of which the tasks are to be found by RAY_ADDRESS."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    found.add_node(num_cpus=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", found.address)
        yield found
    found.shutdown()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("cluster"), 48)


def assert_elsewhere(on: Any, nodes: int, tasks: int) -> None:
    assert on == {"engine": "ray", "nodes": nodes, "tasks": tasks, "elsewhere": tasks}


@pytest.mark.usefixtures("nodes")
def test_predict(tmp_path: Path) -> None:
    run, table = KEPT / "network", plait.read(KEPT / "table" / "table.csv")
    rows = table[np.arange(600) % len(table)]
    plait.predict(run, rows, out=tmp_path / "here.csv")
    there = plait.predict(run, rows, out=tmp_path / "there.csv", on="ray")
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert_elsewhere(there.on, 2, 3)


@pytest.mark.usefixtures("nodes")
def test_check(table: Path) -> None:
    (table.parent / "4.png").write_bytes(b"no picture")
    here, there = (plait.check(table, target="label", cache=False, on=on) for on in (None, "ray"))
    assert [str(one) for one in there] == [str(one) for one in here]
    assert any("4.png" in str(one) for one in there)
    write_table(table.parent, 48)


@pytest.mark.usefixtures("nodes")
def test_convert(table: Path, tmp_path: Path) -> None:
    for on in ("here", "ray"):
        given: dict[str, Any] = {"column": "note", "to": "image", "name": "sign", "cache": False, "on": on}
        plait.convert(table, out=tmp_path / on / "out.csv", **given)
    here, there = (
        {path.relative_to(tmp_path / on): path.read_bytes() for path in (tmp_path / on).rglob("*") if path.is_file()}
        for on in ("here", "ray")
    )
    assert there == here
    assert len(here) > 48  # the table, and a picture for each text that is no other


@pytest.mark.usefixtures("nodes")
def test_index(tmp_path: Path) -> None:
    run, rows = Path(shutil.copytree(KEPT / "network", tmp_path / "run")), KEPT / "table" / "table.csv"
    for on in ("here", "ray"):
        plait.index(run, rows, tmp_path / on, on=on)
    queries = plait.read(rows)[:5]
    here, there = (plait.search(tmp_path / on, queries) for on in ("here", "ray"))
    assert json.dumps(there.to_json()) == json.dumps(here.to_json())


@pytest.mark.usefixtures("nodes")
def test_fit(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    monkeypatch.setattr(learners, "TREES", 100)  # other processes do not know that tests ask for fewer
    for on in ("here", "local:2", "ray"):
        monkeypatch.setenv("PLAIT_CACHE", str(tmp_path / "cache" / on))
        options: dict[str, Any] = {"candidates": ["classic", "alone", "tree"], "epochs": 1, "report": False, "on": on}
        options |= {"encoders": {"photo": "scratch", "text": "tokens"}}
        model = plait.fit(table, target="label", ignore=["age", "colour", "sound"], out=tmp_path / on, **options)
        answers = model.predict(table)
        assert model.on["elsewhere"] == (0 if on == "here" else model.on["tasks"])
        assert model.on["tasks"] > 0
        found[on] = [(one["name"], one["loss"]) for one in model.study.to_json()["candidates"]], answers.probabilities
    assert found["local:2"][0] == found["ray"][0] == found["here"][0]
    for on in ("local:2", "ray"):
        assert np.asarray(found[on][1]).tobytes() == np.asarray(found["here"][1]).tobytes()


def test_a_cluster_without_a_core_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    monkeypatch.setenv("RAY_ADDRESS", found.address)
    monkeypatch.setattr(tasks, "PATIENCE", 0.5)
    notes: list[str] = []

    def note(event: dict[str, Any]) -> None:
        if "note" in event and not notes:
            notes.append(event["note"])
            found.add_node(num_cpus=1)

    try:
        answers = plait.predict(KEPT / "classic", KEPT / "table" / "table.csv", on="ray", callback=note)
    finally:
        found.shutdown()
    assert notes == ["the Ray cluster has had no free CPU for 0 s (it has none); waiting for one."]
    assert_elsewhere(answers.on, 2, 1)
    assert "RAY_ADDRESS" in os.environ
