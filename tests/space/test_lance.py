"""An index whose nearest LanceDB finds: the same answers, the same promises."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from plait.core.contract import Table
from plait.core.files import seal
from plait.errors import MissingExtra, RequestError, RunError
from plait.runs.model import Model
from plait.space.exact import nearest_exact
from plait.space.index import Index, load_index
from plait.space.lance import Lance
from plait.space.shards import Shard
from plait.verbs.index import index

needs_lance = pytest.mark.skipif("not __import__('importlib.util').util.find_spec('lancedb')", reason="needs lancedb")


@pytest.fixture(scope="module")
def laid(run: Model, table: Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of such an index. No test changes it."""
    return index(run, table, tmp_path_factory.mktemp("lance") / "index", engine="lancedb").folder or Path()


@pytest.fixture
def folder(laid: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(laid, tmp_path / "index"))


@needs_lance
def test_the_same_answers_in_the_same_form(laid: Path, kept: Index, table: Table) -> None:
    ours, exact = load_index(laid), kept
    assert ours.to_json() == exact.to_json()
    got, wanted = (one.search(table[:6], top=5).to_json() for one in (ours, exact))
    for query, other in zip(got["queries"], wanted["queries"], strict=True):
        for hit, right in zip(query.pop("hits"), other.pop("hits"), strict=True):
            assert hit.pop("score") == pytest.approx(right.pop("score"), abs=1e-6)
            assert hit.pop("above_chance") == pytest.approx(right.pop("above_chance"), abs=0.01)
            assert hit == right
        assert query == other


@needs_lance
def test_what_is_added_is_found_and_the_same_twice_is_one_entry(folder: Path, table: Table) -> None:
    there = load_index(folder)
    assert there.add(table) == 0
    assert there.add({"note": ["something new", "something new"]}) == 1
    for opened in (there, load_index(folder)):
        hits = opened.search({"note": ["something new"]}, into="text", top=100).queries[0]["hits"]
        assert [hit["row"] for hit in hits if hit["cell"] == "something new"] == [48]
        assert len(hits) == opened.kinds["text"]


@needs_lance
def test_what_an_add_that_was_killed_has_left_is_undone(folder: Path) -> None:
    there = load_index(folder)
    assert there.lance is not None
    vectors = there.shards[0].vectors["text"][:3]
    there.lance.add(1, Shard({"text": vectors}, {}, {}, {}))  # and killed before index.json is written
    again = load_index(folder)
    assert len(again.nearest(vectors[:1], "text", 100)[0][0]) == again.kinds["text"]
    assert again.add({"note": ["new"]}) == 1
    assert len(again.nearest(vectors[:1], "text", 100)[0][0]) == again.kinds["text"]


@needs_lance
def test_many_are_put_in_parts_and_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plait.space.lance.LEAST", 300)
    vectors = np.random.default_rng(0).standard_normal((400, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    shards = [Shard({"a/é": vectors[:300]}, {}, {}, {}), Shard({"a/é": vectors[300:]}, {}, {}, {})]
    lance = Lance(tmp_path, ["a/é"], {})
    for number, shard in enumerate(shards):
        lance.settle(lance.add(number, shard))
    got, wanted = (near(vectors[::40], "a/é") for near in (
        lambda asked, name: lance.nearest(asked, name, 3, shards),
        lambda asked, name: nearest_exact(shards, asked, name, 3),
    ))  # fmt: skip
    for one, other in zip(got, wanted, strict=True):
        assert [list(x) for x in one[1:]] == [list(x) for x in other[1:]]
    assert lance.nearest(vectors[:1], "none", 3, shards)[0][0].tolist() == []


@needs_lance
def test_what_is_damaged_is_named(folder: Path, table: Table) -> None:
    for path in (folder / "lance").rglob("*.lance"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(RunError, match=r"lance is damaged: .* Make the index again"):
        load_index(folder).search(table[:1])
    shutil.rmtree(folder / "lance")
    with pytest.raises(RunError, match="lance is missing"):
        load_index(folder).search(table[:1])


@needs_lance
@pytest.mark.parametrize("versions", [{"smell": 1}, {"text": 0}])
def test_tables_that_are_none_of_the_space(folder: Path, versions: dict[str, int]) -> None:
    told = json.loads((folder / "index.json").read_text())
    told["lance"] = versions
    told["seal"] = seal(told)
    (folder / "index.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match=r"index.json is damaged: .* it names the tables"):
        load_index(folder)


@needs_lance
def test_a_version_that_is_not_there_and_a_cell_that_no_shard_holds(folder: Path, table: Table) -> None:
    there = load_index(folder)
    assert there.lance is not None
    there.shards = []
    with pytest.raises(RunError, match="names a cell that no shard holds"):
        there.search(table[:1])
    there.lance.settle(dict.fromkeys(there.lance.versions, 99))
    with pytest.raises(RunError, match="lance is damaged"):
        there.search(table[:1])


@needs_lance
def test_an_index_of_one_kind_is_not_added_to_as_another(folder: Path, run: Model, table: Table) -> None:
    assert index(run, table, folder, add=True, engine="lancedb").rows == 48
    with pytest.raises(RunError, match=r"is an index made by --index lancedb, not exact\. Leave --index away."):
        index(run, table, folder, add=True, engine="exact")


def test_wrong_requests(run: Model, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match=r"there is no index 'lance'\. Did you mean 'lancedb'"):
        index(run, table, tmp_path / "index", engine="lance")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"needs the package 'lancedb', .* pip install \"plait\[search\]\""):
        index(run, table, tmp_path / "index", engine="lancedb")


@needs_lance
def test_it_lies_in_a_folder(run: Model, table: Table) -> None:
    with pytest.raises(RequestError, match="an index of LanceDB lies in a folder; name it: out"):
        index(run, table, engine="lancedb")


@needs_lance
@pytest.mark.heavy
def test_a_kill_loses_no_acknowledged_row(folder: Path) -> None:
    code = (
        "import sys\nfrom plait.space.index import load_index\nindex = load_index(sys.argv[1])\n"
        "for row in range(100):\n    index.add({'note': [f'row {row}'] * 2})\n    print(f'row {row}', flush=True)"
    )
    told: set[str] = set()
    for wanted in (1, 4):
        with subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            told |= {child.stdout.readline().strip() for _ in range(wanted)}
            child.kill()
        hits = load_index(folder).search({"note": ["row 0"]}, into="text", top=1000).queries[0]["hits"]
        cells = [hit["cell"] for hit in hits if hit["cell"].startswith("row ")]
        assert told <= {*cells}
        assert len(cells) == len({*cells})
