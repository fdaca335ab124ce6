import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from plait.core.contract import Table
from plait.core.files import seal
from plait.errors import RequestError, RunError
from plait.runs.embedding import Head, Space
from plait.runs.model import Model
from plait.space.index import Index, load_index, show_cells, take_turns
from plait.verbs.index import index


def test_a_cell_finds_itself_first(kept: Index, table: Table) -> None:
    hits = kept.search({"note": table.cells("note", [1])}, into="text", top=3)
    assert hits.queries[0]["status"] == "ok"
    assert hits.queries[0]["used"] == ["text"]
    first = hits.queries[0]["hits"][0]
    assert (first["rank"], first["kind"], first["column"]) == (1, "text", "note")
    assert first["score"] == pytest.approx(1.0, abs=1e-5)
    assert first["cell"] == table.cells("note", [1])[0]


def test_any_takes_turns_by_rank(kept: Index, table: Table) -> None:
    hits = kept.search(table[:1], top=4).queries[0]["hits"]
    assert [hit["rank"] for hit in hits] == [1, 1, 2, 2]
    assert Counter(hit["kind"] for hit in hits) == {"text": 2, "tabular": 2}
    assert all(0 <= hit["above_chance"] <= 1 for hit in hits)


def test_as_many_sets_as_rows_and_nothing_where_nothing_is(kept: Index) -> None:
    hits = kept.search({"note": ["bright sunshine", None], "age": [None, None]}, into="tabular")
    assert [query["status"] for query in hits.queries] == ["partial", "failed"]
    assert hits.queries[1]["hits"] == []
    assert hits.queries[1]["reason"] == "text: blank; tabular: no column 'colour'; column 'age': blank"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"into": "smell"}, "the space knows no modality 'smell'. There are: text, tabular, any."),
        ({"top": 0}, "top is 0; expected a whole number above 0."),
    ],
)
def test_a_wrong_request(kept: Index, options: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError) as error:
        kept.search({"note": ["x"]}, **options)  # type: ignore[arg-type]
    assert str(error.value) == said
    with pytest.raises(RequestError, match="none of the model's columns"):
        kept.search({"smell": ["sweet"]})


def test_the_same_content_twice_is_one_entry(copied: Path, table: Table) -> None:
    there = load_index(copied)
    before = there.kinds
    assert there.add(table) == 0
    assert load_index(copied).kinds == before
    given = f"{there.rows} rows given, {sum(before.values())} different cells: text {before['text']}"
    assert str(there).startswith(given)
    assert there.add({"note": ["something new", "something new"]}) == 1
    assert load_index(copied).kinds["text"] == before["text"] + 1
    last = load_index(copied).shards[-1]
    assert (last.rows["text"].tolist(), last.cells["text"]) == ([48], ["something new"])


def test_what_an_add_that_was_killed_has_left_is_swept(copied: Path) -> None:
    for name in (".shard-000002.f32.123.part", "shard-000002.f32", "shard-000002.parquet"):
        (copied / name).write_bytes(b"x")
    there = load_index(copied)
    assert there.add({"note": ["new"]}) == 1
    names = {path.name for path in copied.iterdir()}
    assert names == {
        "index.json", "lock", "model", "shard-000001.f32", "shard-000001.parquet", "shard-000002.f32",
        "shard-000002.parquet", "space.json", "space.safetensors",
    }  # fmt: skip


def test_two_open_indexes_see_what_the_other_has_added(copied: Path) -> None:
    one, two = load_index(copied), load_index(copied)
    one.add({"note": ["by one"]})
    two.add({"note": ["by two", "by one"]})
    assert load_index(copied).kinds["text"] == one.kinds["text"] + 1


def test_a_table_without_rows_adds_nothing(copied: Path, table: Table) -> None:
    opened = load_index(copied)
    before = len(opened)
    assert opened.add(table.take(np.zeros(0, np.int64))) == 0
    assert len(opened) == before


def test_an_index_of_another_space(copied: Path) -> None:
    told = json.loads((copied / "index.json").read_text())
    told["space"] = "another"
    told["seal"] = seal(told)
    (copied / "index.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match="holds vectors of another space than its own"):
        load_index(copied)


def test_an_index_for_rows_reads_what_networks_read(
    run: Model, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "folder", None)  # no space is kept
    monkeypatch.setattr("plait.space.learn.SIMPLEST", ("before", "cca", "held"))
    monkeypatch.setattr(
        "plait.space.learn._score", lambda found, aim: (0.5, 0.1)
    )  # all are as good, the first is taken
    made = index(run, table, aim="rows")
    assert made.space.reads_before
    assert [len(query["hits"]) for query in made.search(table[:2], into="text", top=2).queries] == [2, 2]
    assert made.evaluate(table)["rows"] == 24
    assert made.add(table) == 0


def test_what_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there is no folder"):
        load_index(tmp_path / "none")
    with pytest.raises(RunError, match="holds no index"):
        load_index(tmp_path)


def test_in_memory_and_saved_find_the_same(run: Model, kept: Index, table: Table) -> None:
    held = index(run, table)
    assert held.folder is None
    assert held.search(table[:2], top=3).to_json() == kept.search(table[:2], top=3).to_json()
    with pytest.raises(RunError, match="is there already"):
        held.save(kept.folder or "")


def test_evaluate_says_what_each_direction_finds(kept: Index, table: Table) -> None:
    scores = kept.evaluate(table)
    assert scores["rows"] == 24
    one = scores["directions"]["text->tabular"]
    assert {*one} == {"queries", "gallery", "paired", "kind", "chance", "cca", "sentence"}
    assert {*one["paired"]} == {"r1", "r5", "r10", "mrr"}
    assert (scores["never_paired"], scores["together"]) == ([], {})  # two modalities
    assert kept.evaluate(table, label="colour")["directions"]["text->tabular"]["chance"] != one["chance"]


def test_what_could_not_be_written_is_added_the_next_time(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = load_index(copied)
    with monkeypatch.context() as full:

        def refuse(path: Path, value: object) -> None:
            raise OSError(28, "No space left on device")

        full.setattr("plait.space.index.write_json", refuse)
        with pytest.raises(OSError, match="No space left"):
            there.add({"note": ["new"]})
    assert there.add({"note": ["new"]}) == 1
    assert load_index(copied).kinds == there.kinds
    assert (load_index(copied).rows, there.rows, len(there.shards)) == (25, 25, 2)


def test_a_folder_that_another_index_has_taken_is_not_added_to(copied: Path) -> None:
    there = load_index(copied)
    told = json.loads((copied / "index.json").read_text())
    told["space"] = "another"
    told["seal"] = seal(told)
    (copied / "index.json").write_text(json.dumps(told))
    with pytest.raises(RunError, match=r"was made anew, with another space, since it was opened\. Open it again\."):
        there.add({"note": ["new"]})


def test_beyond_so_many_an_exact_index_names_the_other(
    run: Model, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.space.index.LARGE", 20)
    said: list[str] = []
    index(run, table, callback=lambda told: said.append(told.get("note", "")))
    assert said[-1].endswith(
        "comparing a query with each takes a while; `--index lancedb` makes an index that need not."
    )


def test_how_cells_are_shown() -> None:
    table = Table({"a": np.array([1.5, None], object), "b": np.array(["red\n wine", b"\x00"], object)})
    assert show_cells(table, ("a", "b"), np.arange(2)) == ["a=1.5, b=red wine", "b="]
    assert show_cells(table, ("b",), np.arange(2)) == ["red wine", ""]


def test_chance_of_a_query_of_two_cells_counts_what_each_of_them_says() -> None:
    samples = {
        "a": np.array([[3.0, 0.0], [1.0, 0.0], [1.0, 0.0]], np.float32),  # the first cell says three times as much
        "b": np.array([[0.0, 1.0], [0.0, 1.0], [np.nan, np.nan]], np.float32),
        "c": np.array([[0.0, 2.0], [0.5, 0.0], [0.0, 1.0]], np.float32),
    }
    head = Head("", np.zeros(1), np.ones(1), np.zeros((1, 2)))
    index = Index(None, Space("cca", "rows", "", dict.fromkeys(samples, head), samples))  # type: ignore[arg-type]
    assert index._chance_scores(["a"], "c").tolist() == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    both = index._chance_scores(["a", "b"], "c")  # (3, 1) and (1, 1), of length 1, with the other cells of c
    assert both == pytest.approx([0.1**0.5, 0.5**0.5, 0.5**0.5, 0.9**0.5])
    assert index._above_chance(["a", "b"], "c", np.array([0.3, 0.5, 0.8, 0.95])) == pytest.approx([0, 0.25, 0.75, 1])


def test_turns() -> None:
    def hit(kind: str, above: float) -> dict[str, object]:
        return {"kind": kind, "above_chance": above}

    turns = take_turns([[hit("a", 0.2), hit("a", 0.1)], [hit("b", 0.9)]])
    assert [one["kind"] for one in turns] == ["b", "a", "a"]


@pytest.mark.heavy
def test_a_kill_loses_no_acknowledged_row(copied: Path) -> None:
    code = (
        "import sys\nfrom plait.space.index import load_index\nindex = load_index(sys.argv[1])\n"
        "for row in range(100):\n    index.add({'note': [f'row {row}'] * 2})\n    print(f'row {row}', flush=True)"
    )
    told: set[str] = set()
    for wanted in (1, 4):
        with subprocess.Popen([sys.executable, "-c", code, str(copied)], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            told |= {child.stdout.readline().strip() for _ in range(wanted)}
            child.kill()
        cells = [cell for shard in load_index(copied).shards for cell in shard.cells["text"] if cell.startswith("row ")]
        assert told <= {*cells}
        assert len(cells) == len({*cells})
